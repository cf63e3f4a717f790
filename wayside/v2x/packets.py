"""Packet captures: pcap and pcapng files, and what UDP carries in them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_OCTETS = 1 << 18  # of one packet; no capture tool writes longer ones
MOST_BLOCK = 1 << 24  # of one pcapng block
PCAP = {  # magic number as it stands in the file: byte order, nanoseconds in a unit of the fraction
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
SECTION, INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6
RESOLUTION, SHIFT, LAST_OPTION = 9, 14, 0  # options of an interface

NULL, ETHERNET, LOOP, COOKED, IPV4, IPV6, COOKED_2 = 0, 1, 108, 113, 228, 229, 276
RAW = (12, 14, 101)
BARE = range(147, 163)  # for the user's own use: taken as the octets that a V2X unit received, without UDP
IP, IP_6, TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100)
UDP, FRAGMENT_6, EXTENSIONS_6 = 17, 44, (0, 43, 60)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a capture.

    Attributes:
        number: place in the file, from 1.
        time_ns: instant of capture since 1970 UTC [ns]; None where the file does not say it.
        link_type: what the octets begin with (a LINKTYPE number).
        octets: as captured.
        whole: the capture holds all of its octets.
    """

    number: int
    time_ns: int | None
    link_type: int
    octets: bytes
    whole: bool


class PacketError(ValueError):
    """The file stops being a capture; the text says at which packet and why."""


def read_packets(stream: BinaryIO) -> Iterator[Packet]:
    """Yield the packets of a pcap or pcapng file, one at a time.

    Raises:
        PacketError: what follows cannot be read; all packets before it have been yielded.
    """
    magic = stream.read(4)
    if magic in PCAP:
        yield from _pcap(stream, *PCAP[magic])
    elif magic == PCAPNG:
        yield from _pcapng(stream)
    else:
        raise PacketError(f"neither pcap nor pcapng: the file begins with {magic.hex()}")


def _taken(stream: BinaryIO, count: int, number: int) -> bytes:
    octets = stream.read(count)
    if len(octets) < count:
        raise PacketError(f"the file ends inside packet {number}: {len(octets)} of {count} octets are there")
    return octets


def _pcap(stream: BinaryIO, order: str, unit_ns: int) -> Iterator[Packet]:
    link_type = struct.unpack(f"{order}16xI", _taken(stream, 20, 0))[0] & 0xFFFF
    number = 0
    while head := stream.read(16):
        number += 1
        if len(head) < 16:
            raise PacketError(f"the file ends inside the head of packet {number}")
        seconds, fraction, kept, length = struct.unpack(f"{order}IIII", head)
        if kept > MOST_OCTETS:
            raise PacketError(f"packet {number} says it has {kept} octets, more than {MOST_OCTETS}")
        octets = _taken(stream, kept, number)
        yield Packet(number, seconds * 1_000_000_000 + fraction * unit_ns, link_type, octets, kept >= length)


def _pcapng(stream: BinaryIO) -> Iterator[Packet]:
    order, number, head = "<", 0, PCAPNG
    interfaces: list[tuple[int, int, int]] = []  # link type, units in a second, seconds to add
    while head:
        length_octets = _taken(stream, 4, number)
        if head == PCAPNG:
            mark = _taken(stream, 4, number)
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(mark, "")
            if not order:
                raise PacketError(f"after packet {number}: a section with the byte-order mark {mark.hex()}")
            interfaces = []
        kind, length = struct.unpack(f"{order}I", head)[0], struct.unpack(f"{order}I", length_octets)[0]
        read = 12 if head == PCAPNG else 8
        if not read + 4 <= length <= MOST_BLOCK or length % 4:
            raise PacketError(f"after packet {number}: a block of {length} octets")
        body = _taken(stream, length - read, number)[:-4]
        if kind == INTERFACE and len(body) >= 8:
            interfaces.append(_interface(body, order))
        elif kind in (PACKET, OBSOLETE_PACKET, SIMPLE_PACKET):
            number += 1
            yield _packet(kind, body, order, interfaces, number)
        head = stream.read(4)
        if head and len(head) < 4:
            raise PacketError(f"after packet {number}: the file ends inside a block")


def _interface(body: bytes, order: str) -> tuple[int, int, int]:
    """Return link type, units in a second and seconds to add of an interface."""
    link_type: int = struct.unpack_from(f"{order}H", body)[0]
    units, shift, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == LAST_OPTION or len(value) < length:
            break
        if code == RESOLUTION and length == 1:
            power = value[0] & 0x7F
            units = 1 << power if value[0] & 0x80 else 10 ** min(power, 18)
        elif code == SHIFT and length == 8:
            shift = struct.unpack(f"{order}q", value)[0]
        at += 4 + (length + 3) // 4 * 4
    return link_type, units, shift


def _packet(kind: int, body: bytes, order: str, interfaces: list[tuple[int, int, int]], number: int) -> Packet:
    if len(body) < (4 if kind == SIMPLE_PACKET else 20):
        raise PacketError(f"packet {number} has a block of {len(body)} octets, too few for its head")
    interface, time_ns = 0, None
    if kind == SIMPLE_PACKET:
        length = struct.unpack_from(f"{order}I", body)[0]
        kept, start = min(length, len(body) - 4), 4
    else:
        interface = struct.unpack_from(f"{order}I" if kind == PACKET else f"{order}H", body)[0]
        high, low, kept, length = struct.unpack_from(f"{order}IIII", body, 4)
        start = 20
    if interface >= len(interfaces):
        raise PacketError(f"packet {number} names interface {interface}; the file has {len(interfaces)}")
    if kept > len(body) - start:
        raise PacketError(f"packet {number} says it has {kept} octets, its block has {len(body) - start}")
    link_type, units, shift = interfaces[interface]
    if kind != SIMPLE_PACKET:
        time_ns = shift * 1_000_000_000 + (high << 32 | low) * 1_000_000_000 // units
    return Packet(number, time_ns, link_type, body[start : start + kept], kept >= length)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What a packet carries for a V2X unit: the sender's address, and the octets."""

    sender: str
    octets: bytes


def datagram_of(link_type: int, octets: bytes) -> Datagram | str:
    r"""Return what a packet carries in UDP, or why there is nothing: `fragment`, `no_udp` or `link_type`.

    Limits: fragments of IP packets are not put together.

    >>> datagram_of(147, b"abc")
    Datagram(sender='', octets=b'abc')
    >>> datagram_of(1, bytes(12) + b"\x08\x06" + bytes(28))
    'no_udp'
    """
    if link_type in BARE:
        return Datagram("", octets)
    start, protocol = 0, 0
    if link_type == ETHERNET:
        start = 14
        while int.from_bytes(octets[start - 2 : start], "big") in TAGS and start <= len(octets):
            start += 4
        protocol = int.from_bytes(octets[start - 2 : start], "big")
    elif link_type == COOKED:
        start, protocol = 16, int.from_bytes(octets[14:16], "big")
    elif link_type == COOKED_2:
        start, protocol = 20, int.from_bytes(octets[:2], "big")
    elif link_type in (NULL, LOOP, IPV4, IPV6, *RAW):
        start = 4 if link_type in (NULL, LOOP) else 0
        protocol = {4: IP, 6: IP_6}.get(octets[start] >> 4, 0) if len(octets) > start else 0
    else:
        return "link_type"
    packet = octets[start:]
    if protocol == IP:
        return _version_4(packet)
    return _version_6(packet) if protocol == IP_6 else "no_udp"


def _version_4(packet: bytes) -> Datagram | str:
    if len(packet) < 20 or packet[9] != UDP:
        return "no_udp"
    if int.from_bytes(packet[6:8], "big") & 0x3FFF:
        return "fragment"
    return _udp(packet[(packet[0] & 15) * 4 :], ".".join(str(octet) for octet in packet[12:16]))


def _version_6(packet: bytes) -> Datagram | str:
    if len(packet) < 40:
        return "no_udp"
    following, at = packet[6], 40
    while following in EXTENSIONS_6 and at + 2 <= len(packet):
        following, at = packet[at], at + 8 * (packet[at + 1] + 1)
    if following == FRAGMENT_6:
        return "fragment"
    return _udp(packet[at:], packet[8:24].hex(":", 2)) if following == UDP else "no_udp"


def _udp(segment: bytes, sender: str) -> Datagram | str:
    length = int.from_bytes(segment[4:6], "big")
    if len(segment) < 8 or not 8 <= length <= len(segment):
        return "no_udp"
    return Datagram(sender, segment[8:length])
