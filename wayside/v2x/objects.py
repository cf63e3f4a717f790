"""The kinds of octets that the command line reads and writes, and the editions by name."""

from __future__ import annotations

import re
from typing import Any

from wayside.errors import WaysideError
from wayside.v2x.editions import EDITION, TEXTS, codec_of

MESSAGE = "message"  # a MessageFrame of the default edition
SAME = {"ydt3709-2020": "csae53-2020"}  # other names of an edition


class EditionError(WaysideError):
    """There is no edition of that name; the text lists those there are."""


def edition_named(name: str) -> str:
    """Return the edition that a name stands for, however it is punctuated.

    Raises:
        EditionError: there is none.

    >>> edition_named("csae53_2020"), edition_named("YD/T 3709-2020"), edition_named("T/CSAE 157-2020")
    ('csae53-2020', 'csae53-2020', 'csae157-2020')
    """
    known = {_letters(one): SAME.get(one, one) for one in (*TEXTS, *SAME)}
    found = known.get(_letters(name)) or known.get(_letters(name).removeprefix("t"))
    if found is None:
        raise EditionError(f"no edition {name!r}; known are: {', '.join((*TEXTS, *SAME))}")
    return found


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def decode_object(octets: bytes, kind: str = MESSAGE) -> dict[str, Any]:
    """Return the value of a MessageFrame; the kind is `message` for the default edition, or an edition.

    Raises:
        WireError: it is none; the error names the field and the bit.
        EditionError: there is no such edition.

    >>> decode_object(bytes.fromhex("104800499d0cb29f02bdc8fb7c"))["mapFrame"]["msgCnt"]
    9
    """
    return codec_of(EDITION if kind == MESSAGE else edition_named(kind)).decode(octets)


def encode_object(value: dict[str, Any], kind: str = MESSAGE) -> bytes:
    """Return the octets of a value that `decode_object` gives.

    Raises:
        WireError: the value is not one of this edition; the error names the field.
        EditionError: there is no such edition.
    """
    return codec_of(EDITION if kind == MESSAGE else edition_named(kind)).encode(value)
