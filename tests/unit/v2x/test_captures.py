"""Recordings of every form give the frames that are in them, and everything else by its reason."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.v2x.captures import Captured, CaptureError, Unread, form_of, instant_named, read_capture
from wayside.v2x.envelopes import unwrap
from wayside.v2x.lines import LineError
from wayside.v2x.packets import Datagram, datagram_of

FRAME = bytes.fromhex("104800499d0cb29f02bdc8fb7c")
NOW = 1_763_000_039_900_000_000


def udp(payload: bytes, *, flags: int = 0, version: int = 4) -> bytes:
    segment = struct.pack(">HHHH", 5000, 6000, 8 + len(payload), 0) + payload
    if version == 6:
        head = struct.pack(">IHBB", 6 << 28, len(segment), 17, 64) + bytes(15) + b"\x01" + bytes(16)
        return head + segment
    addresses = bytes([192, 168, 0, 7, 10, 0, 0, 1])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, flags, 64, 17, 0) + addresses + segment


def ethernet(packet: bytes, kind: int = 0x0800, *, tag: bool = False) -> bytes:
    return bytes(12) + (b"\x81\x00\x00\x05" if tag else b"") + kind.to_bytes(2, "big") + packet


def pcap(packets: list[bytes], *, link_type: int = 1, order: str = "<", nanoseconds: bool = False) -> bytes:
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    text = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, link_type)
    for packet in packets:
        head = (NOW // 10**9, NOW % 10**9 // unit, len(packet), len(packet))
        text += struct.pack(f"{order}IIII", *head) + packet
    return text


def pcapng(packets: list[bytes], *, order: str = "<") -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(f"{order}I", len(body) + 12)
        return struct.pack(f"{order}I", kind) + length + body + length

    option = struct.pack(f"{order}HHB3x", 9, 1, 9)  # times in nanoseconds
    text = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    text += block(1, struct.pack(f"{order}HHI", 1, 0, 0) + option)
    for packet in packets:
        head = struct.pack(f"{order}IIIII", 0, NOW >> 32, NOW & 0xFFFFFFFF, len(packet), len(packet))
        text += block(6, head + packet)
    return text


def read(path: Path, text: bytes) -> list[Captured | Unread]:
    path.write_bytes(text)
    return list(read_capture(path))


def framed(*frames: bytes, count: bool = False) -> bytes:
    head = b"u_id_123" + (NOW // 10**6).to_bytes(8, "little") + (bytes([len(frames)]) if count else b"")
    return head + b"".join(len(frame).to_bytes(2, "little") + frame for frame in frames)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_gives_frames_with_instant_and_sender(tmp_path: Path, order: str, nanoseconds: bool) -> None:
    found = read(tmp_path / "a.pcap", pcap([ethernet(udp(FRAME))] * 2, order=order, nanoseconds=nanoseconds))
    assert found == [Captured(place, NOW, "192.168.0.7", FRAME) for place in (1, 2)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_gives_frames_with_instant_and_sender(tmp_path: Path, order: str) -> None:
    found = read(tmp_path / "a.pcapng", pcapng([ethernet(udp(FRAME))] * 2, order=order))
    assert found == [Captured(place, NOW, "192.168.0.7", FRAME) for place in (1, 2)]


@pytest.mark.parametrize(
    ("link_type", "octets"),
    [
        (1, ethernet(udp(FRAME), tag=True)),
        (1, ethernet(udp(FRAME, version=6), 0x86DD)),
        (101, udp(FRAME)),
        (113, bytes(14) + b"\x08\x00" + udp(FRAME)),
        (276, b"\x08\x00" + bytes(18) + udp(FRAME)),
        (0, bytes(4) + udp(FRAME)),
        (147, FRAME),
    ],
)
def test_udp_is_found_below_every_link(link_type: int, octets: bytes) -> None:
    found = datagram_of(link_type, octets)
    assert isinstance(found, Datagram) and found.octets == FRAME


def test_packets_that_carry_no_message_are_told_by_reason(tmp_path: Path) -> None:
    packets = [ethernet(b"", 0x0806), ethernet(udp(FRAME, flags=0x2000)), ethernet(udp(FRAME))]
    text = pcap(packets) + pcap([ethernet(udp(FRAME))])[24:-4]
    found = read(tmp_path / "a.pcap", text)
    assert [one.reason if isinstance(one, Unread) else "frame" for one in found] == [
        "no_udp", "fragment", "frame", "broken",
    ]  # fmt: skip


def test_a_packet_cut_by_the_capture_is_told(tmp_path: Path) -> None:
    text = bytearray(pcap([ethernet(udp(FRAME))]))
    text[24 + 12 : 24 + 16] = struct.pack("<I", 1500)  # its true length
    (found,) = read(tmp_path / "a.pcap", bytes(text))
    assert isinstance(found, Unread) and found.reason == "cut"


def test_a_length_that_no_packet_has_ends_the_reading(tmp_path: Path) -> None:
    text = bytearray(pcap([ethernet(udp(FRAME))]))
    text[24 + 8 : 24 + 12] = struct.pack("<I", 0x7FFFFFFF)
    (found,) = read(tmp_path / "a.pcap", bytes(text))
    assert isinstance(found, Unread) and found.reason == "broken"


def test_dsmp_and_the_framing_of_units_are_taken_off() -> None:
    dsmp = bytes.fromhex("04008da0") + len(FRAME).to_bytes(2, "big") + FRAME
    (one,) = unwrap(dsmp)
    assert (one.octets, one.envelopes, one.aid) == (FRAME, ("dsmp",), 3616)
    (one,) = unwrap(framed(dsmp))
    assert (one.octets, one.envelopes, one.link, one.time_ns) == (FRAME, ("unit", "dsmp"), "u_id_123", NOW)
    assert [one.octets for one in unwrap(framed(FRAME, FRAME[:5], count=True))] == [FRAME, FRAME[:5]]


def test_data_is_taken_out_of_signed_and_unsecured_envelopes(tmp_path: Path) -> None:
    from wayside.security.objects import encode_object
    from wayside.v2x.conformance import opener

    inner = {"protocolVersion": 3, "content": {"unsecuredData": FRAME.hex()}}
    signature = {"sm2Signature": {"rSig": "00" * 32, "sSig": "00" * 32}}
    signed = {
        "hashId": "sm3",
        "tbsData": {"payload": {"data": inner}, "headerInfo": {"aid": 3618, "generationTime": 5}},
        "signer": {"digest": "00" * 8},
        "signature": signature,
    }
    sealed = encode_object({"protocolVersion": 3, "content": {"signedData": signed}}, "signed")
    assert [(one.octets, one.envelopes) for one in unwrap(sealed, opener())] == [(FRAME, ("signed",))]
    plain = encode_object(inner, "signed")
    assert [(one.octets, one.envelopes) for one in unwrap(plain, opener())] == [(FRAME, ("unsecured",))]
    assert [one.octets for one in unwrap(sealed[:-1], opener())] == [sealed[:-1]]
    dsmp = bytes.fromhex("04008da2") + len(sealed).to_bytes(2, "big") + sealed
    (tmp_path / "a.pcap").write_bytes(pcap([ethernet(udp(dsmp))]))
    (found,) = read_capture(tmp_path / "a.pcap", opener())
    assert isinstance(found, Captured) and found.envelopes == ("dsmp", "signed") and found.octets == FRAME


def test_an_envelope_that_does_not_fit_to_the_last_octet_is_none() -> None:
    for octets in (bytes.fromhex("04008da0000d") + FRAME + b"\0", framed(FRAME) + b"\0", FRAME, b"", b"\x04"):
        assert [one.octets for one in unwrap(octets)] == [octets]


def test_lines_of_all_kinds_give_their_frames(tmp_path: Path) -> None:
    hexed = FRAME.hex()
    text = f"# two\n\n{hexed}\n1763000039.9 {hexed.upper()}\n2025-11-13T02:13:59.9Z {hexed[:4]} {hexed[4:]}\n"
    text += json.dumps({"t": 1763000039.9, "link": 7, "hex": hexed}) + "\n"
    text += json.dumps({"mqtt_frame_hex": framed(FRAME).hex()}) + "\n"
    text += json.dumps({"time_ns": NOW, "type": "mapFrame", "value": {}}) + "\n"
    found = read(tmp_path / "a.txt", text.encode())
    assert all(isinstance(one, Captured) for one in found), found
    told = [(one.place, one.time_ns, one.link, one.octets) for one in found if isinstance(one, Captured)]
    assert told == [
        (3, None, "", FRAME), (4, NOW, "", FRAME), (5, NOW, "", FRAME), (6, NOW, "7", FRAME),
        (7, NOW, "u_id_123", FRAME), (8, NOW, "", b""),
    ]  # fmt: skip


def test_a_json_array_is_read_like_lines(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", json.dumps([{"hex": FRAME.hex(), "value": {}}, 3]).encode())
    assert found[0] == Captured(1, None, "", FRAME) and isinstance(found[1], Unread)


def test_a_payload_of_a_unit_is_read_as_a_file(tmp_path: Path) -> None:
    assert read(tmp_path / "a.bin", framed(FRAME)) == [Captured(1, NOW, "u_id_123", FRAME, None, ("unit",))]


@pytest.mark.parametrize("text", [b"# Title\n\nSome words.\n", b"<osm/>\n", b"[notes](a.md)\n", b""])
def test_other_files_are_not_taken_for_messages(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(text)
    assert form_of(tmp_path / "a.txt") is None
    with pytest.raises(CaptureError, match="hex lines"):
        list(read_capture(tmp_path / "a.txt"))


@pytest.mark.parametrize("text", ["noon", "2025-11-13T02:13:59", "nan", "1e400", ""])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        instant_named(text)


@settings(max_examples=300)
@given(octets=st.binary(max_size=200))
def test_no_octets_break_the_readers(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a"
    for head in (b"", pcap([])[:24], pcapng([])):
        path.write_bytes(head + octets)
        if form_of(path) is not None:
            for one in read_capture(path):
                assert isinstance(one, Captured | Unread)
    for link_type in (0, 1, 101, 113, 147, 276, 5):
        datagram_of(link_type, octets)
    assert b"".join(one.octets for one in unwrap(octets)) in octets or len(list(unwrap(octets))) > 1


@pytest.mark.parametrize("text", ["9763000000.0", "1e30", "-9300000000"])
def test_an_instant_beyond_64_bits_of_nanoseconds_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        instant_named(text)
