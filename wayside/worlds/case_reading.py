"""Reading case files: TOML or JSON to checked cases, one for each combination of swept values."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from wayside.worlds.case_checks import check
from wayside.worlds.case_commonroad import scene
from wayside.worlds.case_file import Case, CaseError
from wayside.worlds.case_values import CaseValueError, filled

MOST_VARIANTS = 1000  # of one file's sweep
MOST_OCTETS = 64 * 1024 * 1024


def cases_in(source: str | Path | Mapping[str, Any], *, name: str = "case") -> list[Case]:
    """Return the cases of a file or of plain values: one, or one for each combination of swept values.

    Args:
        source: path of a TOML or JSON file or of a CommonRoad scene (.xml), or what a case file holds.
        name: of the case, where no file gives one.

    Raises:
        CaseError: it cannot be read or is no case; the text says where and how to mend it.

    >>> [case.variant for case in cases_in({"sweep": {"v": [5, 10]}, "seconds": 1,
    ...     "actors": [{"name": "A", "poses": [[0, 0, 0], [1, "$v", 0]]}]})]
    ['v=5', 'v=10']
    """
    folder = Path()
    if isinstance(source, str | Path):
        path = Path(source)
        name, folder = path.name.removesuffix(path.suffix), path.parent
        raw, where = _read(path), str(path)
    else:
        raw, where = dict(source), name
    for own in ("name", "variant", "folder"):
        if own in raw:
            raise CaseError(f"{where}: unknown key {own!r} at the top; take it away")
    sweep = raw.pop("sweep", {})
    try:
        return [
            _case({**filled(raw, values), "name": name, "variant": variant, "folder": str(folder)}, where)
            for variant, values in _variants(sweep, where)
        ]
    except CaseValueError as error:
        raise CaseError(f"{where}: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".xml":
        return scene(path)
    try:
        octets = path.stat().st_size
        if octets > MOST_OCTETS:
            raise CaseError(f"{path}: {octets} octets; a case has at most {MOST_OCTETS}")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: cannot be read: {error}; check the path and that it is UTF-8") from None
    try:
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise CaseError(f"{path}: is not valid {kind}: {error}") from None
    if not isinstance(raw, dict):
        raise CaseError(f"{path}: holds {type(raw).__name__}; a case is an object with keys such as actors")
    return raw


def _variants(sweep: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every combination of swept values, with its name."""
    if not isinstance(sweep, dict) or not all(isinstance(v, list) and v for v in sweep.values()):
        raise CaseError(
            f"{where}: sweep = {sweep!r}; expected names with lists of values: {{ heading = [0, 90] }}"
        )
    many = 1
    for values in sweep.values():
        many *= len(values)
    if many > MOST_VARIANTS:
        raise CaseError(f"{where}: sweep makes {many} cases; at most {MOST_VARIANTS}: split the file")
    names = list(sweep)
    return [
        (", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True)), dict(zip(names, values, strict=True)))
        for values in itertools.product(*sweep.values())
    ]


def _case(raw: dict[str, Any], where: str) -> Case:
    """Read and check one case."""
    try:
        case = msgspec.convert(raw, Case)
    except msgspec.ValidationError as error:
        found, _, at = str(error).partition(" - at ")
        key = at.strip("`").removeprefix("$.").removeprefix("$") or "top"
        raise CaseError(f"{where}: {key}: {found}; see docs/guides/cases.md") from None
    for problem in check(case):
        raise CaseError(f"{where}: {problem}")
    return case
