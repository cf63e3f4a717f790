"""Decoded messages of a capture, each with the instant it was heard, and all that could not be decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.asn1.errors import Fault, WireError
from wayside.v2x.captures import Captured, Unread
from wayside.v2x.editions import codec_of

DUPLICATE_NS = 5_000_000_000  # equal octets within this time are one message heard twice
MINUTE_NS, MILLISECOND_NS = 60_000_000_000, 1_000_000
LAST_MARK = 60_999  # greatest DSecond that a minute has, with its leap second
NO_MINUTE = 527_040
MARKED = {  # messages whose millisecond of the minute stands in a field of their own
    "bsmFrame": "secMark", "SensorSharingMsg": "secMark", "PersonalSafetyMessage": "secMark",
    "VehIntentionAndRequest": "secMark", "RoadsideCoordination": "secMark", "CLPMM": "secMark",
}  # fmt: skip
FAULTS = {fault: f"v2x.refused_{fault.name.lower()}" for fault in Fault}


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as a check sees it.

    Attributes:
        place: its line or packet.
        instant: of reception [ns since 1970 UTC]; if the file does not say it, that of the message's own stamp,
            counted from an unknown minute.
        received: the instant is that of reception.
        link: who handed it over.
        name: `bsmFrame`, ..., or the type of a day-II message.
        value: its fields.
        length: octets of the frame; 0 if the file held the value only.
    """

    place: int
    instant: int
    received: bool
    link: str
    name: str
    value: dict[str, Any]
    length: int


class Listener:
    """Decodes what a file holds under one edition.

    Attributes:
        decoded: how many messages there were of each name, duplicates not counted.
        unread: how many could not be read, by the catalogue key of the reason.
        examples: the first of each reason, in words.
        duplicates: messages heard twice; they come out once.
        envelopes: how many frames came in each kind of envelope.
    """

    def __init__(self, edition: str) -> None:
        self._codec = codec_of(edition)
        self._minute_named_stamp = edition == "csae53-2017"  # its SPAT calls the minute timeStamp
        self._recent: dict[bytes, int] = {}
        self._forget = 0
        self._last = 0
        self.decoded: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.duplicates = 0
        self.envelopes: Counter[str] = Counter()

    def hear(self, captured: Iterable[Captured | Unread]) -> Iterator[Heard]:
        """Yield each message that can be decoded."""
        for one in captured:
            if isinstance(one, Unread):
                self._miss(f"v2x.unread_{one.reason}", one.found)
                continue
            self.envelopes.update(one.envelopes)
            value = one.value
            if value is None:
                try:
                    value = self._codec.decode(one.octets)
                except WireError as error:
                    self._miss(FAULTS[error.reason], f"{one.place}: {error}")
                    continue
            else:
                try:
                    self._codec.encode(value)
                except WireError as error:
                    self._miss(FAULTS[error.reason], f"{one.place}: {error}")
                    continue
            name, inner = named(value)
            if self._minute_named_stamp and name == "spatFrame" and "timeStamp" in inner:
                inner = {("moy" if field == "timeStamp" else field): told for field, told in inner.items()}
            instant = self._instant(one.time_ns, name, inner)
            if one.octets and self._twice(one.octets, instant):
                self.duplicates += 1
                continue
            self.decoded[name] += 1
            yield Heard(one.place, instant, one.time_ns is not None, one.link, name, inner, len(one.octets))

    def _miss(self, reason: str, found: str) -> None:
        self.unread[reason] += 1
        self.examples.setdefault(reason, found)

    def _instant(self, time_ns: int | None, name: str, value: dict[str, Any]) -> int:
        if time_ns is None:
            minute, marks = stamps_of(name, value)
            self._last = stated_instant(minute, marks[0], self._last) if marks else self._last
            return self._last
        self._last = time_ns
        return time_ns

    def _twice(self, octets: bytes, instant: int) -> bool:
        if abs(instant - self._forget) >= DUPLICATE_NS:
            self._forget = instant
            self._recent = {k: at for k, at in self._recent.items() if abs(instant - at) <= DUPLICATE_NS}
        before = self._recent.get(octets)
        self._recent[octets] = instant
        return before is not None and abs(instant - before) <= DUPLICATE_NS


def named(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return name and fields of a decoded MessageFrame; a day-II message has the name of its type.

    >>> named({"msgFrameExt": {"messageId": 16, "value": {"CLPMM": {"msgCnt": 1}}}})
    ('CLPMM', {'msgCnt': 1})
    """
    ((name, inner),) = value.items()
    if name == "msgFrameExt" and isinstance(inner.get("value"), dict):
        ((name, content),) = inner["value"].items()
        if name == "...":
            return f"messageId {inner['messageId']}", {}
        inner = content
    return (name, inner) if isinstance(inner, dict) else (name, {})


def stamps_of(name: str, value: dict[str, Any]) -> tuple[int | None, list[int]]:
    """Return the minute of the year that a message states (None if it does not) and its milliseconds of a minute.

    A message with several stamps (the participants of an RSM, the intersections of a SPAT) gives each once.
    """
    if name in MARKED:
        return None, _marks([value.get(MARKED[name])])
    if name == "rsmFrame":
        return None, _marks([one.get("secMark") for one in value["participants"]])
    if name == "spatFrame":
        states = value["intersections"]
        moys = [one.get("moy") for one in (value, *states)]
        minute = next((moy for moy in moys if moy is not None and moy < NO_MINUTE), None)
        marks = [one.get("timeStamp") for one in (*states, value)]
        return minute, _marks(marks)
    if name in ("mapFrame", "rsiFrame", "PAMData"):
        minute = value.get("moy", value.get("timeStamp"))
        return (minute if minute is not None and minute < NO_MINUTE else None), []
    return None, []


def _marks(marks: list[int | None]) -> list[int]:
    return list(dict.fromkeys(mark for mark in marks if mark is not None and mark <= LAST_MARK))


def stated_instant(minute: int | None, mark: int, near_ns: int) -> int:
    """Return the instant of a stamp [ns]: in that minute of the year nearest to an instant, or the nearest minute.

    >>> stated_instant(None, 59_900, 60_100_000_000), stated_instant(1, 500, 0)
    (59900000000, 60500000000)
    """
    if minute is None:
        start = near_ns - near_ns % MINUTE_NS
        around = (start - MINUTE_NS, start, start + MINUTE_NS)
    else:
        year = np.datetime64(near_ns, "ns").astype("datetime64[Y]")
        years = [int((year + step).astype("datetime64[ns]").astype(np.int64)) for step in (-1, 0, 1)]
        around = (years[0] + minute * MINUTE_NS, years[1] + minute * MINUTE_NS, years[2] + minute * MINUTE_NS)
    return min((start + mark * MILLISECOND_NS for start in around), key=lambda instant: abs(instant - near_ns))


def node_of(reference: dict[str, Any]) -> tuple[int, int]:
    """Return region and number of a NodeReferenceID; a region that is not told is 0."""
    return reference.get("region", 0), reference["id"]
