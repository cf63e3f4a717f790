"""Which edition a frame could be of: read under each, written again, and compared.

Octets alone seldom tell the edition: some messages are the same in several, and some read as valid but wrong
values under another. A probe says so; it never chooses. The edition is a setting of the link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wayside.asn1.errors import WireError
from wayside.asn1.walk import UNKNOWN
from wayside.language import Language, say
from wayside.v2x.editions import TEXTS, codec_of

_UNNAMED = re.compile(rf"{re.escape(UNKNOWN)}\d+\Z")  # an enumeration's value that has no name


@dataclass(frozen=True, slots=True)
class Reading:
    """A frame as one edition reads it.

    Attributes:
        edition: which.
        value: what it reads; None where it cannot.
        error: why it cannot, with field and bit; None where it can.
        exact: whether the value is written as the same octets.
        complete: whether no part was kept undecoded.
        same: the other editions that read the very same value.
    """

    edition: str
    value: dict[str, Any] | None
    error: WireError | None
    exact: bool
    complete: bool
    same: tuple[str, ...]


class Verdict(StrEnum):
    """What the octets of a frame tell of its edition."""

    NONE = "none"  # no edition reads it
    ONE = "one"  # one edition alone reads all of it
    SAME = "same"  # several read all of it, and read the same
    DIFFERENT = "different"  # several read all of it, and read different values
    PARTLY = "partly"  # whoever reads it keeps a part undecoded


def is_complete(value: Any) -> bool:
    """Tell whether no part of a value was kept undecoded. A name that reads `...5` would be taken for such a part.

    >>> is_complete({"bsmFrame": {"msgCnt": 1}}), is_complete({"bsmFrame": {"...": ["00"]}})
    (True, False)
    """
    if isinstance(value, dict):
        return UNKNOWN not in value and all(map(is_complete, value.values()))
    if isinstance(value, list):
        return all(map(is_complete, value))
    return not (isinstance(value, str) and _UNNAMED.match(value))


def probe(octets: bytes) -> list[Reading]:
    """Return how each edition reads a frame, in the order of `TEXTS`.

    >>> [(r.edition, r.exact) for r in probe(bytes.fromhex("104800499d0cb29f02bdc8fb7c"))]
    [('csae53-2017', True), ('gbt31024-3-2019', False), ('csae53-2020', True), ('csae157-2020', True)]
    """
    values: dict[str, dict[str, Any]] = {}
    errors: dict[str, WireError] = {}
    exact: set[str] = set()
    for edition in TEXTS:
        codec = codec_of(edition)
        try:
            values[edition] = codec.decode(octets)
            if codec.encode(values[edition]) == octets:
                exact.add(edition)
        except WireError as error:
            errors[edition] = error
    return [
        Reading(
            edition,
            values.get(edition),
            errors.get(edition),
            edition in exact,
            edition in values and is_complete(values[edition]),
            tuple(e for e in values if e != edition and values[e] == values.get(edition)),
        )
        for edition in TEXTS
    ]


def candidates(readings: list[Reading]) -> list[Reading]:
    """Return the readings worth comparing: exact ones that are complete, or all exact ones where none is."""
    exact = [reading for reading in readings if reading.exact]
    return [reading for reading in exact if reading.complete] or exact


def verdict(readings: list[Reading]) -> Verdict:
    """Return what a probe found.

    >>> verdict(probe(bytes.fromhex("104800499d0cb29f02bdc8fb7c")))
    <Verdict.SAME: 'same'>
    """
    fit = candidates(readings)
    if not fit:
        return Verdict.NONE
    if not fit[0].complete:
        return Verdict.PARTLY
    if len(fit) == 1:
        return Verdict.ONE
    return Verdict.SAME if all(one.value == fit[0].value for one in fit) else Verdict.DIFFERENT


def difference(one: Any, other: Any, path: str = "") -> str | None:
    """Return the path of the first field in which two values differ; None where they do not.

    >>> difference({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]})
    'a[1].b'
    """
    if one == other:
        return None
    if isinstance(one, dict) and isinstance(other, dict):
        for name in (*one, *(name for name in other if name not in one)):
            below = f"{path}.{name}" if path else str(name)
            if name not in one or name not in other:
                return below
            if found := difference(one[name], other[name], below):
                return found
    if isinstance(one, list) and isinstance(other, list):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
            if found := difference(mine, theirs, f"{path}[{index}]"):
                return found
    return path


def in_words(readings: list[Reading], language: Language) -> str:
    """Return what a probe found, as one sentence.

    >>> in_words(probe(bytes.fromhex("104800499d0cb29f02bdc8fb7c")), "en")
    'csae53-2017, csae53-2020, csae157-2020 read the same from it; the octets do not tell which of them was meant.'
    """
    fit, found = candidates(readings), verdict(readings)
    where = ""
    if found == Verdict.DIFFERENT:
        where = next(path for one in fit[1:] if (path := difference(fit[0].value, one.value)))
    return say(f"v2x.probe_{found}", language, editions=", ".join(one.edition for one in fit), where=where)
