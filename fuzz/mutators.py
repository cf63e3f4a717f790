"""Octets changed by chance: bits, octets, lengths, order, two frames grown together, and noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

LONGEST = 40_000  # no mutation makes octets longer than this
BORDERS = bytes((0, 1, 0x7F, 0x80, 0x81, 0x82, 0x84, 0x88, 0xBF, 0xC0, 0xC1, 0xC4, 0xFE, 0xFF))
LENGTHS = (  # counts of packed encoding (8 and 16 bits, fragments) and of COER (long forms, too large, not least)
    *(b"\x7f", b"\x80\x01", b"\xbf\xff", b"\xc1", b"\xc4", b"\xc0", b"\xc5"),
    *(b"\x80", b"\x81\x7f", b"\x81\xff", b"\x82\xff\xff", b"\x84\xff\xff\xff\xff", b"\x84\x7f\xff\xff\xff"),
    *(b"\x88" + b"\xff" * 8, b"\x88\x7f" + b"\xff" * 7, b"\xff" * 4, b"\x01\x00", b"\x02\xff\xff", b"\x00"),
)

Mutator = Callable[[bytes, Random, bytes], bytes]


def _place(octets: bytes, random: Random) -> int:
    return int(random.random() * (len(octets) + 1))


def _span(octets: bytes, random: Random) -> tuple[int, int]:
    """Return where a short or, at times, any stretch begins and ends."""
    start = _place(octets, random)
    most = len(octets) - start if random.random() < 0.2 else min(8, len(octets) - start)
    return start, start + int(random.random() * (most + 1))


def flip_bits(octets: bytes, random: Random, other: bytes) -> bytes:
    """Turn one to eight bits."""
    changed = bytearray(octets)
    if changed:
        for _ in range(1 if random.random() < 0.5 else random.randrange(2, 9)):
            bit = int(random.random() * 8 * len(changed))
            changed[bit >> 3] ^= 128 >> (bit & 7)
    return bytes(changed)


def change_octets(octets: bytes, random: Random, other: bytes) -> bytes:
    """Set one to three octets to any value, or to one at a border."""
    changed = bytearray(octets)
    if changed:
        for _ in range(random.randrange(1, 4)):
            border = random.random() < 0.6
            changed[int(random.random() * len(changed))] = (
                random.choice(BORDERS) if border else random.randrange(256)
            )
    return bytes(changed)


def put_in(octets: bytes, random: Random, other: bytes) -> bytes:
    """Put some octets in."""
    at = _place(octets, random)
    return octets[:at] + random.randbytes(random.randrange(1, 9)) + octets[at:]


def take_out(octets: bytes, random: Random, other: bytes) -> bytes:
    """Take a stretch out."""
    start, end = _span(octets, random)
    return octets[:start] + octets[end:]


def double(octets: bytes, random: Random, other: bytes) -> bytes:
    """Repeat a stretch, at times very often."""
    start, end = _span(octets, random)
    times = random.randrange(2, 5) if random.random() < 0.9 else random.randrange(5, 2000)
    times = min(times, 1 + LONGEST // max(1, end - start))
    return octets[:start] + octets[start:end] * times + octets[end:]


def cut(octets: bytes, random: Random, other: bytes) -> bytes:
    """Cut the end off."""
    return octets[: _place(octets, random)]


def lengthen(octets: bytes, random: Random, other: bytes) -> bytes:
    """Put something behind the end."""
    return octets + (bytes(1) if random.random() < 0.3 else random.randbytes(random.randrange(1, 5)))


def splice(octets: bytes, random: Random, other: bytes) -> bytes:
    """Join the beginning of one frame with the end of another."""
    return octets[: _place(octets, random)] + other[_place(other, random) :]


def set_length(octets: bytes, random: Random, other: bytes) -> bytes:
    """Put a count that lies, in place of octets or between them."""
    at, count = _place(octets, random), random.choice(LENGTHS)
    return octets[:at] + count + octets[at + (len(count) if random.random() < 0.6 else 0) :]


def shift_bits(octets: bytes, random: Random, other: bytes) -> bytes:
    """Put one bit in or take one out, so that all that follows is read elsewhere."""
    width = 8 * len(octets)
    if not width:
        return b"\x80"
    number, behind = int.from_bytes(octets, "big"), random.randrange(width)
    low = number & (1 << behind) - 1
    if random.random() < 0.5:
        number = (number >> behind << 1 | random.getrandbits(1)) << behind | low
        return (number << 7).to_bytes(len(octets) + 1, "big")
    return ((number >> behind + 1 << behind | low) << 1).to_bytes(len(octets), "big")


def noise(octets: bytes, random: Random, other: bytes) -> bytes:
    """Forget the frame, or all but its first octets."""
    kept = random.choice((0, 0, 1, 2, 4, 8))
    return octets[:kept] + random.randbytes(int(random.random() ** 2 * 120))


MUTATORS: tuple[Mutator, ...] = (
    *(flip_bits, flip_bits, flip_bits, change_octets, change_octets, set_length, set_length),
    *(put_in, take_out, double, cut, lengthen, splice, shift_bits, noise),
)
UNCHANGED = 0.02  # share of inputs that stay as they are
ONCE = 0.6  # share of the others that are changed once; the rest two to four times


def mutate(octets: bytes, random: Random, other: bytes = b"") -> bytes:
    """Return octets changed once or a few times; `other` is what may be spliced in.

    >>> mutate(b"wayside", Random(2)) != mutate(b"wayside", Random(3))
    True
    """
    chance = random.random()
    if chance < UNCHANGED:
        return octets
    for _ in range(1 if chance < ONCE else random.randrange(2, 5)):
        octets = random.choice(MUTATORS)(octets, random, other)
    return octets[:LONGEST]


def crowd(seeds: Sequence[bytes], random: Random, count: int) -> list[bytes]:
    """Return so many mutations of some frames."""
    return [mutate(random.choice(seeds), random, random.choice(seeds)) for _ in range(count)]


class Pool:
    """Valid octets to mutate: some that were made before, and with each batch a few new ones.

    Args:
        make: returns valid octets.
        most: how many are kept.
        fresh: how many are new in each batch.
    """

    def __init__(self, make: Callable[[Random], bytes], *, most: int = 48, fresh: int = 4) -> None:
        self._make, self._most, self._fresh = make, most, fresh
        self._kept: list[bytes] = []

    def crowd(self, random: Random, count: int, others: Sequence[bytes] = ()) -> list[bytes]:
        """Return so many mutations of what is kept, and of some others."""
        if len(self._kept) < self._most:
            self._kept += [self._make(random) for _ in range(self._most // 3)]
        for _ in range(self._fresh):
            self._kept[random.randrange(len(self._kept))] = self._make(random)
        return crowd([*self._kept, *others], random, count)
