"""Small valid recordings of messages in every form that is read."""

from __future__ import annotations

from random import Random

from fuzz.frames import any_frame
from fuzz.objects import valid_object
from wayside.v2x.editions import TEXTS


def _udp(payload: bytes) -> bytes:
    """Return an Ethernet frame with a UDP datagram."""
    length = (28 + len(payload)).to_bytes(2, "big")
    ip = b"\x45\0" + length + b"\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02"
    return (
        bytes(12)
        + b"\x08\0"
        + ip
        + b"\x13\x88\x13\x88"
        + (8 + len(payload)).to_bytes(2, "big")
        + b"\0\0"
        + payload
    )


def a_pcap(frames: list[bytes]) -> bytes:
    """Return a packet capture of UDP datagrams, one a tenth of a second."""
    head = bytes.fromhex("d4c3b2a1020004000000000000000000") + (1 << 18).to_bytes(4, "little") + b"\x01\0\0\0"
    for number, frame in enumerate(frames):
        packet = _udp(frame)
        times = (1_763_000_000 + number // 10, number % 10 * 100_000, len(packet), len(packet))
        head += b"".join(one.to_bytes(4, "little") for one in times) + packet
    return head


def a_pcapng(frames: list[bytes]) -> bytes:
    """Return the same in the newer form."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = (12 + len(body)).to_bytes(4, "little")
        return kind.to_bytes(4, "little") + length + body + length

    out = block(0x0A0D0D0A, bytes.fromhex("4d3c2b1a01000000") + b"\xff" * 8) + block(
        1, bytes.fromhex("0100000000000400")
    )
    for number, frame in enumerate(frames):
        packet = _udp(frame)
        instant = 1_763_000_000_000_000 + number * 100_000
        numbers = (0, instant >> 32, instant & 0xFFFFFFFF, len(packet), len(packet))
        out += block(6, b"".join(one.to_bytes(4, "little") for one in numbers) + packet)
    return out


def a_recording(random: Random) -> bytes:
    """Return a small valid file of messages in one of the forms that are read."""
    edition = random.choice(list(TEXTS))
    frames = [any_frame(edition, random) for _ in range(random.randrange(1, 8))]
    if random.random() < 0.3:
        frames.append(valid_object("signed", random))
    times = [1_763_000_000_000_000_000 + n * 100_000_000 for n in range(len(frames))]
    lines = [f'{{"time_ns": {t}, "link": "a", "hex": "{f.hex()}"}}' for t, f in zip(times, frames, strict=True)]
    counted = b"".join(len(one).to_bytes(2, "little") + one for one in frames)
    forms = (
        "\n".join(one.hex() for one in frames).encode(),
        "\n".join(f"{t / 1e9:.3f} {f.hex()}" for t, f in zip(times, frames, strict=True)).encode(),
        "\n".join(lines).encode(),
        f"[{','.join(lines)}]".encode(),
        a_pcap([b"\x04\x00\x8d\xa0" + len(one).to_bytes(2, "big") + one for one in frames]),
        a_pcapng(frames),
        b"u_id_123" + (times[0] // 1_000_000).to_bytes(8, "little") + counted,
    )
    return random.choice(forms)
