"""Files of recorded messages: hex lines, JSON lines, packet captures and single payloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from wayside.errors import WaysideError
from wayside.v2x.envelopes import Opener, Unwrapped, from_unit, unwrap
from wayside.v2x.lines import (
    LineError,
    is_passed_over,
    message_in,
    octets_of,
    read_json,
    read_lines,
    too_long,
)
from wayside.v2x.packets import PCAP, PCAPNG, Datagram, PacketError, datagram_of, read_packets

FORMS = (
    "hex lines (with a time stamp before the frame or without)",
    "JSON lines or a JSON array of messages",
    "pcap and pcapng",
    "a payload of the framing between roadside unit and centre",
)
LARGEST = 268_435_456  # octets of a JSON array or of a payload, which are read at once
LATEST_S = 9_200_000_000  # of 1970 or before it: nanoseconds of later instants do not fit into 64 bits
LOOKED_AT = 65_536  # octets from which the form is told
_HEX_LINE = re.compile(rb"(?:\S*[.:T]\S*\s+)?[0-9a-fA-F]{2}[0-9a-fA-F\s]*")
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_TEXT_TIME = re.compile(rb"\s*(\S*[.:T]\S*)\s+(.*)", re.DOTALL)


class CaptureError(WaysideError):
    """A file of messages cannot be read; the text says why and what would be read."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One message of a file, still in its octets or already decoded.

    Attributes:
        place: number of its line, packet or array item, from 1.
        time_ns: instant of reception since 1970 UTC [ns]; None where the file does not say it.
        link: who handed it over, as the file names it; empty where it does not.
        octets: the MessageFrame, out of its envelopes; empty if the file holds the decoded value only.
        value: the decoded value, if the file holds no octets.
        envelopes: what the frame was in, outermost first.
    """

    place: int
    time_ns: int | None
    link: str
    octets: bytes
    value: dict[str, Any] | None = None
    envelopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a file that gives no message.

    Attributes:
        place: number of its line, packet or array item.
        reason: `line`, `json`, `fragment`, `no_udp`, `link_type`, `cut` or `broken`; its text is
            `v2x.unread_<reason>`.
        found: what was found, in words.
    """

    place: int
    reason: str
    found: str


def form_of(path: Path) -> str | None:
    """Return the form of a file of messages by its beginning: `packets`, `array`, `lines`, `unit`, or None."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(LOOKED_AT)
    if head[:4] in PCAP or head[:4] == PCAPNG:
        return "packets"
    lines = [line for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if not is_passed_over(line)]
    if lines and _ARRAY.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "array"
    if lines and (lines[0].lstrip().startswith(b"{") or _HEX_LINE.fullmatch(lines[0].strip())):
        return "lines"
    return "unit" if path.stat().st_size <= LARGEST and from_unit(path.read_bytes()) else None


def read_capture(path: Path, opener: Opener | None = None) -> Iterator[Captured | Unread]:
    """Yield the messages of a file in its order, and what cannot be read.

    Args:
        path: the file.
        opener: reads V2XSecData, so that signed frames come out of their envelopes; they are not verified.

    Raises:
        CaptureError: the file is of no form that is known, or cannot be opened.
    """
    try:
        form = form_of(path)
        if form is None:
            raise CaptureError(f"{path} holds no messages; what can be read: {'; '.join(FORMS)}")
        with path.open("rb") as stream:
            if form == "packets":
                yield from _of_packets(stream, opener)
            elif form == "lines":
                for group in read_lines(stream):
                    for number, text in group:
                        if text is None or not is_passed_over(text):
                            yield from _of_line(number, text, opener)
            elif form == "array":
                yield from _of_array(path, stream, opener)
            else:
                yield from _wrapped(1, None, "", stream.read(LARGEST), opener)
    except OSError as error:
        raise CaptureError(f"cannot read {path}: {error.strerror}") from error


def _wrapped(
    place: int, time_ns: int | None, link: str, octets: bytes, opener: Opener | None
) -> Iterator[Captured]:
    """Yield the frames in octets; the file's own time and link are preferred to those of an envelope."""
    for one in unwrap(octets, opener):
        yield _taken(place, time_ns, link, one)


def _taken(place: int, time_ns: int | None, link: str, one: Unwrapped) -> Captured:
    known = one.time_ns if time_ns is None else time_ns
    return Captured(place, known, link or one.link, one.octets, None, one.envelopes)


def _of_packets(stream: BinaryIO, opener: Opener | None) -> Iterator[Captured | Unread]:
    number = 0
    try:
        for packet in read_packets(stream):
            number = packet.number
            if not packet.whole:
                yield Unread(number, "cut", f"packet {number}: only {len(packet.octets)} octets were captured")
                continue
            carried = datagram_of(packet.link_type, packet.octets)
            if isinstance(carried, Datagram):
                yield from _wrapped(number, packet.time_ns, carried.sender, carried.octets, opener)
            else:
                yield Unread(number, carried, f"packet {number}: link type {packet.link_type}")
    except PacketError as error:
        yield Unread(number + 1, "broken", str(error))


def _of_line(number: int, text: bytes | None, opener: Opener | None) -> Iterator[Captured | Unread]:
    reason = "line"
    try:
        if text is None:
            raise too_long()
        if text.lstrip().startswith(b"{"):
            reason = "json"
            yield from _of_object(number, read_json(text), opener)
            return
        time_ns: int | None = None
        timed = _TEXT_TIME.fullmatch(text)
        if timed:
            time_ns, text = instant_named(timed[1].decode("latin-1")), timed[2]
        yield from _wrapped(number, time_ns, "", octets_of(text), opener)
    except LineError as error:
        yield Unread(number, reason, f"line {number}: {error}")


def _of_object(place: int, value: dict[str, Any], opener: Opener | None) -> Iterator[Captured]:
    """Yield what a JSON object holds; octets are preferred to the value beside them."""
    time_ns: int | None = None
    if "time_ns" in value:
        time_ns = value["time_ns"]
        if type(time_ns) is not int or abs(time_ns) > LATEST_S * 1_000_000_000:
            raise LineError(f"{time_ns!r} is no whole number of nanoseconds before the year 2262", "time_ns")
    elif "t" in value:
        time_ns = instant_named(str(value["t"]))
    link = str(value.get("link", ""))
    for name in ("mqtt_frame_hex", "hex"):
        if name in value:
            if not isinstance(value[name], str):
                raise LineError(f"{value[name]!r} is no text of hex digits", name)
            yield from _wrapped(place, time_ns, link, octets_of(value[name].encode()), opener)
            return
    yield Captured(place, time_ns, link, b"", message_in(value))


def _of_array(path: Path, stream: BinaryIO, opener: Opener | None) -> Iterator[Captured | Unread]:
    text = stream.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise CaptureError(
            f"{path} is a JSON array of more than {LARGEST} octets; write one message a line instead"
        )
    try:
        items = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=list[Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} begins like a JSON array but is none: {error}") from error
    for place, item in enumerate(items, 1):
        try:
            if not isinstance(item, dict):
                raise LineError(f"{type(item).__name__}, expected an object", "item")
            yield from _of_object(place, item, opener)
        except LineError as error:
            yield Unread(place, "json", f"item {place}: {error}")


def instant_named(text: str) -> int:
    """Return an instant since 1970 UTC [ns] from seconds as a decimal number, or from ISO 8601 with offset.

    Raises:
        LineError: it is neither.

    >>> instant_named("1763000039.9"), instant_named("2025-11-13T02:13:59.9Z")
    (1763000039900000000, 1763000039900000000)
    """
    try:
        seconds = Decimal(text)
        if seconds.is_finite() and abs(seconds) <= LATEST_S:
            return int(seconds * 1_000_000_000)
    except InvalidOperation:
        pass
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            whole = instant.replace(microsecond=0).timestamp()
            return int(whole) * 1_000_000_000 + instant.microsecond * 1000
    except (ValueError, OverflowError):
        pass
    raise LineError(f"{text!r} is no instant: seconds since 1970 UTC, or ISO 8601 with offset", "time")
