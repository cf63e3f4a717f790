"""What a MessageFrame travels in: DSMP, the framing between roadside unit and centre, signed data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ADAPTATION_DSMP = 0x04  # first octet of what PC5 hands up
UNIT_ID = 8  # octets of a roadside unit's name
EARLIEST_MS, LATEST_MS = 1_262_304_000_000, 4_102_444_800_000  # 2010 and 2100: instants taken for real
DEEPEST = 4  # envelopes within envelopes

Opener = Callable[[bytes], Mapping[str, Any]]  # reads V2XSecData, raises ValueError if it is none


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A MessageFrame taken out of its envelopes.

    Attributes:
        octets: the frame.
        envelopes: names of those it was in, outermost first: `dsmp`, `unit`, `signed`, `unsecured`.
        time_ns: instant that the unit's framing states; None without it.
        link: name of the roadside unit that the framing states; empty without it.
        aid: application of the DSMP; -1 without it.
    """

    octets: bytes
    envelopes: tuple[str, ...] = ()
    time_ns: int | None = None
    link: str = ""
    aid: int = -1


def aid_of(octets: bytes, at: int) -> tuple[int, int]:
    r"""Return a p-encoded application identifier and where it ends; -1 if there is none.

    >>> aid_of(bytes.fromhex("8da0"), 0), aid_of(b"\x6f", 0)
    ((3616, 2), (111, 1))
    """
    first = octets[at] if at < len(octets) else 0xFF
    count = 8 - (first ^ 0xFF).bit_length()  # leading ones
    if count > 3 or at + count + 1 > len(octets):
        return -1, at
    number = int.from_bytes(octets[at : at + count + 1], "big") & (1 << 7 * (count + 1)) - 1
    return number + (0, 0x80, 0x4080, 0x204080)[count], at + count + 1


def dsmp(octets: bytes) -> tuple[int, bytes] | None:
    r"""Return application and data of a DSMP message; None if the octets are none, to the last octet.

    The extension fields are taken to have the form of IEEE 1609.3: a count, then number, length and value of each.

    >>> dsmp(bytes.fromhex("04008da00002abcd"))
    (3616, b'\xab\xcd')
    """
    if len(octets) < 5 or octets[0] != ADAPTATION_DSMP or octets[1] >> 5:
        return None
    at = 2
    if octets[1] & 0x10:
        count, at = octets[at], at + 1
        for _ in range(count):
            if at + 2 > len(octets):
                return None
            at += 2 + octets[at + 1]
    aid, at = aid_of(octets, at)
    if aid < 0 or int.from_bytes(octets[at : at + 2], "big") != len(octets) - at - 2 or len(octets) < at + 3:
        return None
    return aid, octets[at + 2 :]


def from_unit(octets: bytes) -> tuple[str, int, tuple[bytes, ...]] | None:
    r"""Return unit, instant [ns] and frames of the framing between roadside unit and centre; None if it is none.

    Eight characters of the unit's name, milliseconds since 1970 UTC, with BSM the number of frames, then each
    frame after its length; numbers begin with their lowest octet.

    >>> from_unit(b"u_id_123" + (1_600_000_000_000).to_bytes(8, "little") + b"\x02\x00\xab\xcd")
    ('u_id_123', 1600000000000000000, (b'\xab\xcd',))
    """
    head = UNIT_ID + 8
    if len(octets) < head + 3 or not all(0x20 <= octet < 0x7F for octet in octets[:UNIT_ID]):
        return None
    instant = int.from_bytes(octets[UNIT_ID:head], "little")
    if not EARLIEST_MS <= instant < LATEST_MS:
        return None
    frames = _counted(octets, head)
    if frames is None and octets[head]:
        frames = _counted(octets, head + 1)
        if frames is not None and len(frames) != octets[head]:
            frames = None
    return None if frames is None else (octets[:UNIT_ID].decode("ascii"), instant * 1_000_000, frames)


def _counted(octets: bytes, at: int) -> tuple[bytes, ...] | None:
    """Return frames that each follow their length, if they fill the octets exactly."""
    frames = []
    while at < len(octets):
        end = at + 2 + int.from_bytes(octets[at : at + 2], "little")
        if end > len(octets) or end < at + 3:
            return None
        frames.append(octets[at + 2 : end])
        at = end
    return tuple(frames) if frames else None


def unsealed(value: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Return whether V2XSecData is `signed` or `unsecured`, and what it carries; None if nothing openly."""
    name = "unsecured"
    for _ in range(DEEPEST):
        content = value.get("content", {})
        if "unsecuredData" in content:
            return name, bytes.fromhex(content["unsecuredData"])
        if "signedData" not in content:
            return None
        name = "signed"
        value = content["signedData"].get("tbsData", {}).get("payload", {}).get("data", {})
    return None


def unwrap(octets: bytes, opener: Opener | None = None) -> Iterator[Unwrapped]:
    """Yield the MessageFrames in some octets; the octets themselves where no envelope is recognised.

    An envelope is recognised only if it fits to the last octet. What begins like V2XSecData and cannot be read as
    such is taken as a frame.

    Args:
        octets: as they arrived.
        opener: reads V2XSecData; without it, it is not recognised.

    Limits: signatures are not verified here. Encrypted data comes out as it is.
    """
    pending = [Unwrapped(octets)]
    while pending:
        one = pending.pop()
        if len(one.envelopes) < DEEPEST:
            inner = _opened(one, opener)
            if inner is not None:
                pending += reversed(inner)
                continue
        yield one


def _opened(one: Unwrapped, opener: Opener | None) -> list[Unwrapped] | None:
    """Return what is in the outermost envelope, None if there is none."""
    service = dsmp(one.octets)
    if service is not None:
        aid, data = service
        return [Unwrapped(data, (*one.envelopes, "dsmp"), one.time_ns, one.link, aid)]
    framed = from_unit(one.octets)
    if framed is not None:
        unit, instant, frames = framed
        return [Unwrapped(data, (*one.envelopes, "unit"), instant, unit, one.aid) for data in frames]
    # protocol version 3, then an alternative of the content
    if opener is not None and len(one.octets) > 2 and one.octets[0] == 3 and 0x80 <= one.octets[1] <= 0x83:
        try:
            carried = unsealed(opener(one.octets))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if carried is not None:
            name, data = carried
            return [Unwrapped(data, (*one.envelopes, name), one.time_ns, one.link, one.aid)]
    return None
