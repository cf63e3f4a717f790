"""ASN.1 text as a description of its modules, parsed by asn1tools once and kept as JSON from then on.

Parsing takes a second, and importing the parser half of one; what is kept is read in milliseconds. It lies in
the user's cache folder under a digest of the text, and is data only: names, numbers, lists. A file there that
is broken, foreign or of another form is ignored, and so is a folder that cannot be written.
"""

from __future__ import annotations

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from wayside.asn1.schema import SchemaError

FORM = 1  # of what is kept; a new one leaves older files alone


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the cache."""

    form: int
    digest: str  # of the modules, so that a damaged file is noticed
    modules: msgspec.Raw


def cache_folder() -> Path | None:
    """Return where parsed texts are kept; None where the user has no home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "wayside" / "asn1"
    try:
        return Path.home() / ".cache" / "wayside" / "asn1"
    except RuntimeError:
        return None


def _digest(octets: bytes | memoryview) -> str:
    return blake2b(octets, digest_size=16).hexdigest()


def _kept(file: Path) -> Any:
    """Return what a file keeps; None where it is not there or not ours."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        if kept.form != FORM or kept.digest != _digest(bytes(kept.modules)):
            return None
        return msgspec.json.decode(kept.modules)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def _keep(file: Path, modules: bytes) -> None:
    """Write a file as a whole or not at all."""
    octets = msgspec.json.encode(_Kept(FORM, _digest(modules), msgspec.Raw(modules)))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(octets)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
    except OSError:
        return


def parsed(text: str) -> dict[str, Any]:
    """Return the modules of ASN.1 text, described as asn1tools does, in plain JSON types.

    Raises:
        SchemaError: the text is not ASN.1; it names the line.

    >>> list(parsed("M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= INTEGER (0..7) END")["M"]["types"])
    ['A']
    """
    folder = cache_folder()
    file = folder / f"{_digest(f'{FORM} {text}'.encode())}.json" if folder else None
    found = _kept(file) if file else None
    if found is None:
        octets = _parse(text)
        if file:
            _keep(file, octets)
        found = msgspec.json.decode(octets)
    modules: dict[str, Any] = found
    return modules


def _parse(text: str) -> bytes:
    """Return the description as JSON."""
    import asn1tools  # noqa: PLC0415  half a second, and needed only for a text not met before

    try:
        return msgspec.json.encode(asn1tools.parse_string(text))
    except asn1tools.ParseError as error:
        raise SchemaError(f"the ASN.1 text cannot be read: {error}") from None
