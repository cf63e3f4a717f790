"""Numbers out of the bits of a frame, for the kernel in `machine.py`.

Bits are counted through big-endian words from the first word on. Whatever takes a number without a fixed width
says where reading stopped and why: 0, or a `Fault`, at the bit that the record codec would name.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
import numpy as np

from wayside.asn1.errors import Fault
from wayside.asn1.program import EXTENSIBLE_NAME, EXTENSIBLE_NUMBER
from wayside.table import I64, U64

Whole: TypeAlias = Any  # a whole number inside a kernel, which there is always one of 64 bits
Four: TypeAlias = tuple[Whole, Whole, Whole, Whole]
SMALL = 64  # normally small numbers below it take seven bits
LONGEST = 16384  # items of one part of a length that comes in several, and the end of normally small numbers
_TRUNCATED, _MALFORMED = int(Fault.TRUNCATED), int(Fault.MALFORMED)
_OUT_OF_RANGE = int(Fault.OUT_OF_RANGE)


@numba.njit(cache=True)
def take(words: U64, bit: Whole, width: Whole) -> Whole:
    """Return 1 to 64 bits as a number."""
    index = np.uint64(bit) >> np.uint64(6)
    place = np.uint64(bit) & np.uint64(63)
    held = words[index] << place
    held |= (words[index + np.uint64(1)] >> np.uint64(1)) >> (np.uint64(63) - place)
    return held >> np.uint64(64 - width)


@numba.njit(cache=True)
def take_count(words: U64, bit: Whole, limit: Whole, most: Whole) -> Four:  # noqa: PLR0911
    """Return one part of a count that may come in several, the bit behind it, the fault or 0, and the next `most`.

    `most` bounds the size of this part, 4 for the first; it comes back as -1 where no part follows.
    """
    if bit + 1 > limit:
        return 0, bit, _TRUNCATED, -1
    if take(words, bit, 1) == 0:
        if bit + 8 > limit:
            return 0, bit + 1, _TRUNCATED, -1
        return np.int64(take(words, bit, 8)), bit + 8, 0, -1
    if bit + 2 > limit:
        return 0, bit + 1, _TRUNCATED, -1
    if take(words, bit, 2) == 2:
        if bit + 16 > limit:
            return 0, bit + 2, _TRUNCATED, -1
        count = np.int64(take(words, bit + 2, 14))
        return count, bit + 16, 0 if count >= 128 else _MALFORMED, -1
    if bit + 8 > limit:
        return 0, bit + 2, _TRUNCATED, -1
    fold = np.int64(take(words, bit + 2, 6))
    bit += 8
    if fold == 0 or fold > most:
        return 0, bit, _MALFORMED, -1
    return fold * LONGEST, bit, 0, 4 if fold == 4 else 0


@numba.njit(cache=True)
def measure(words: U64, bit: Whole, limit: Whole, width: Whole) -> Four:
    """Return what an unconstrained length announces: items, first bit, bit behind them, and the fault or 0.

    Items that come in parts are counted together; `limit` bounds them all. Each item has `width` bits.
    """
    items, first, most = 0, -1, 4
    while most >= 0:
        count, bit, fault, most = take_count(words, bit, limit, most)
        if fault == 0 and bit + count * width > limit:
            fault = _TRUNCATED
        if fault != 0:
            return items, first, bit, fault
        if first < 0:
            first = bit
        items += count
        bit += count * width
    return items, first, bit, 0


@numba.njit(cache=True)
def part_of(words: U64, header: Whole, offset: Whole) -> Whole:
    """Return where a bit of an open type that came in parts stands; `header` is the bit of the first length."""
    while True:
        lead = np.int64(take(words, header, 2))
        if lead == 3:
            size, start = 8 * LONGEST * np.int64(take(words, header + 2, 6)), header + 8
        else:
            return header + (16 if lead == 2 else 8) + offset
        if offset < size:
            return start + offset
        header, offset = start + size, offset - size


@numba.njit(cache=True)
def join(words: U64, header: Whole, octets: Whole, tail: Whole) -> None:
    """Copy an open type that came in parts to the word-aligned bit `tail`, where it is whole."""
    done = 0
    while done < 8 * octets:
        start = part_of(words, header, done)
        whole = part_of(words, header, min(done + 63, 8 * octets - 1)) == start + min(63, 8 * octets - 1 - done)
        index = np.uint64(tail + done) >> np.uint64(6)
        if whole:
            words[index] = take(words, start, 64)
        else:  # parts are whole octets, so a word at a seam is put together from its octets
            word = np.uint64(0)
            for place in range(0, 64, 8):
                if done + place < 8 * octets:
                    octet = take(words, part_of(words, header, done + place), 8)
                    word |= octet << np.uint64(56 - place)
            words[index] = word
        done += 64


@numba.njit(cache=True)
def take_small(words: U64, bit: Whole, limit: Whole) -> tuple[Whole, Whole, Whole]:  # noqa: PLR0911
    """Return a normally small number, the bit behind it, and the fault or 0."""
    if bit + 1 > limit:
        return 0, bit, _TRUNCATED
    if take(words, bit, 1) == 0:
        if bit + 7 > limit:
            return 0, bit + 1, _TRUNCATED
        return np.int64(take(words, bit, 7)), bit + 7, 0
    if bit + 9 > limit:
        return 0, bit + 1, _TRUNCATED
    octets = np.int64(take(words, bit + 1, 8))
    bit += 9
    if octets == 0 or octets > 2:
        return 0, bit, _MALFORMED
    if bit + 8 * octets > limit:
        return 0, bit, _TRUNCATED
    number = np.int64(take(words, bit, 8 * octets))
    needed = 1 if number < 256 else 2
    good = SMALL <= number < LONGEST and octets == needed
    return number, bit + 8 * octets, 0 if good else _MALFORMED


@numba.njit(cache=True)
def take_outside(words: U64, bit: Whole, limit: Whole, low: Whole, span: Whole) -> Four:
    """Return a number outside its usual bounds as `take_odd` does: octets of a signed number, and their count."""
    if bit + 8 > limit:
        return 0, bit, _TRUNCATED, 0
    count = np.int64(take(words, bit, 8))
    bit += 8
    if count == 0 or count > 8:
        return 0, bit, _MALFORMED, 0
    if bit + 8 * count > limit:
        return 0, bit, _TRUNCATED, 0
    spare = 64 - 8 * count
    number = np.int64(take(words, bit, 8 * count) << np.uint64(spare)) >> spare
    bit += 8 * count
    shorter = count > 1 and number << spare + 8 >> spare + 8 == number
    if shorter or low <= number <= low + span:
        return 0, bit, _MALFORMED, 0
    return number - low, bit, 0, 0


@numba.njit(cache=True)
def take_odd(words: U64, bit: Whole, limit: Whole, code: I64, here: Whole) -> Four:  # noqa: PLR0911
    """Return a field that is beyond its usual range, the bit behind it, its fault or 0, and whether it is unknown.

    The number comes back less the least number of its type. Slow and rare: extension forms, and the exact
    place of a fault.
    """
    width, span, form, size = code[here, 2], code[here, 4], code[here, 5], code[here, 6]
    if form != 0:
        if bit + 1 > limit:
            return 0, bit, _TRUNCATED, 0
        if take(words, bit, 1) == 1:
            bit += 1
            if form == EXTENSIBLE_NAME:
                number, bit, fault = take_small(words, bit, limit)
                return span + 1 + number, bit, fault, 1 if number >= size else 0
            if form == EXTENSIBLE_NUMBER:
                return take_outside(words, bit, limit, code[here, 3], span)
            count, first, bit, fault = measure(words, bit, limit, 1)
            if fault == 0 and count == size:
                fault = _MALFORMED
            if fault != 0:
                return 0, bit, fault, 1
            kept = min(count, size)
            number = np.int64(take(words, first, kept)) << (size - kept) if kept > 0 else np.int64(0)
            return number, bit, 0, 1
        bit, width = bit + 1, width - 1
    if bit + width > limit:
        return 0, bit, _TRUNCATED, 0
    number = np.int64(take(words, bit, width)) if width > 0 else np.int64(0)
    return number, bit + width, _OUT_OF_RANGE if number > span else 0, 0
