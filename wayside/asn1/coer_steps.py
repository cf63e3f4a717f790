"""What the machine of `coer_machine.py` does at single places of an object; faults are numbers below zero."""

from __future__ import annotations

import numba
import numpy as np

from wayside.asn1.coer_program import FREE
from wayside.asn1.coer_reading import CONTEXT, LONG_TAG, LONGEST_TAG
from wayside.asn1.coer_schema import LONGEST_NUMBER
from wayside.asn1.errors import Fault
from wayside.table import I64, U8

_HUGE = 1 << 60  # a length that nothing has

TRUNCATED, MALFORMED = -int(Fault.TRUNCATED), -int(Fault.MALFORMED)
OUT_OF_RANGE, TRAILING = -int(Fault.OUT_OF_RANGE), -int(Fault.TRAILING_BITS)


@numba.njit(cache=True)
def length_at(octets: U8, at: int, end: int) -> tuple[int, int]:
    """Return a length, or a fault below zero, and where it ends."""
    if at >= end:
        return TRUNCATED, at
    first = int(octets[at])
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if count > end - at - 1:
        return TRUNCATED, at
    number = 0
    for n in range(count):
        number = _HUGE if number >= _HUGE >> 8 else number << 8 | int(octets[at + 1 + n])
    if number < 0x80 or octets[at + 1] == 0:
        return MALFORMED, at
    return number, at + 1 + count


@numba.njit(cache=True)
def content_at(octets: U8, at: int, end: int) -> tuple[int, int]:
    """Return the length of what follows, a fault below zero if it is not all there, and where that begins."""
    length, at = length_at(octets, at, end)
    if length > end - at:
        return TRUNCATED, at
    return length, at


@numba.njit(cache=True)
def is_shortest(octets: U8, at: int, length: int, signed: bool) -> bool:
    """Tell whether a number is written in as few octets as it can be."""
    if length == 0:
        return False
    if length == 1:
        return True
    first = octets[at]
    if signed:
        high = octets[at + 1] >= 0x80
        return not ((first == 0 and not high) or (first == 0xFF and high))
    return bool(first != 0)


@numba.njit(cache=True)
def after_enumerated(octets: U8, at: int, end: int, known: int, extensible: int) -> int:
    """Step over an enumeration; return where it ends, or a fault."""
    if at >= end:
        return TRUNCATED
    number = int(octets[at])
    at += 1
    if number >= 0x80:
        length = number & 0x7F
        if length > end - at:
            return TRUNCATED
        if not is_shortest(octets, at, length, True) or octets[at] >= 0x80 or (length == 1 and octets[at] < 0x80):
            return MALFORMED
        number = 0
        for n in range(length):
            number = _HUGE if number >= _HUGE >> 8 else number << 8 | int(octets[at + n])
        at += length
    if number >= known and not extensible:
        return OUT_OF_RANGE
    return at


@numba.njit(cache=True)
def is_padded(octets: U8, at: int, size: int) -> bool:
    """Tell whether the bits that fill the last octet behind some others are zero."""
    spare = -size % 8
    return spare == 0 or (octets[at + (size + 7) // 8 - 1] & ((1 << spare) - 1)) == 0


@numba.njit(cache=True)
def bits_at(octets: U8, at: int, end: int) -> tuple[int, int]:
    """Return how many bits a string has whose length is sent, and where they begin."""
    length, at = content_at(octets, at, end)
    if length < 0:
        return length, at
    if length == 0 or octets[at] > 7:
        return MALFORMED, at
    size = 8 * (length - 1) - int(octets[at])
    if size < 0 or (size > 0 and not is_padded(octets, at + 1, size)):
        return MALFORMED, at
    return size, at + 1


@numba.njit(cache=True)
def count_characters(octets: U8, at: int, end: int) -> int:
    """Return how many characters some octets are in UTF-8; a fault where they are none."""
    count = 0
    while at < end:
        first = int(octets[at])
        if first < 0x80:
            more, least = 0, 0
        elif 0xC2 <= first < 0xE0:
            more, least, first = 1, 0x80, first & 0x1F
        elif 0xE0 <= first < 0xF0:
            more, least, first = 2, 0x800, first & 0x0F
        elif 0xF0 <= first < 0xF5:
            more, least, first = 3, 0x10000, first & 0x07
        else:
            return MALFORMED
        if more >= end - at:
            return MALFORMED
        for n in range(more):
            octet = int(octets[at + 1 + n])
            if octet & 0xC0 != 0x80:
                return MALFORMED
            first = first << 6 | octet & 0x3F
        if first < least or first > 0x10FFFF or 0xD800 <= first < 0xE000:
            return MALFORMED
        at += 1 + more
        count += 1
    return count


@numba.njit(cache=True)
def tag_at(octets: U8, at: int, end: int) -> tuple[int, int]:  # noqa: PLR0911
    """Return the number of a context tag, and where it ends."""
    if at >= end:
        return TRUNCATED, at
    first = int(octets[at])
    if first >> 6 != CONTEXT:
        return MALFORMED, at
    if first & LONG_TAG < LONG_TAG:
        return first & LONG_TAG, at + 1
    number, start = 0, at + 1
    for n in range(LONGEST_TAG):
        if start + n >= end:
            return TRUNCATED, at
        octet = int(octets[start + n])
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            if number < LONG_TAG or octets[start] == 0x80:
                return MALFORMED, at
            return number, start + n + 1
    return MALFORMED, at


@numba.njit(cache=True)
def after_integer(octets: U8, at: int, end: int, code: I64, here: int) -> int:
    """Step over a whole number of a fixed width; return where it ends, or a fault. `here` is its operation."""
    count = code[here + 1]
    if count > end - at:
        return TRUNCATED
    number = np.uint64(0)
    for n in range(count):
        number = number << np.uint64(8) | np.uint64(octets[at + n])
    if code[here + 2]:
        spare = np.int64(64 - 8 * count)
        value = np.int64(number) << spare >> spare
        if value < code[here + 3] or value > code[here + 4]:
            return OUT_OF_RANGE
    elif number < np.uint64(code[here + 3]) or number > np.uint64(code[here + 4]):
        return OUT_OF_RANGE
    return int(at + count)


@numba.njit(cache=True)
def is_seven_bit(octets: U8, at: int, end: int) -> bool:
    """Tell whether no octet has its first bit set."""
    for n in range(at, end):  # noqa: SIM110  a generator is not compiled
        if octets[n] >= 0x80:
            return False
    return True


@numba.njit(cache=True)
def is_any_set(octets: U8, at: int, end: int) -> bool:
    """Tell whether some octets hold any bit that is set."""
    for n in range(at, end):  # noqa: SIM110  a generator is not compiled
        if octets[n] != 0:
            return True
    return False


@numba.njit(cache=True)
def items_at(octets: U8, at: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Return how many items a list has, and where they begin."""
    length, at = content_at(octets, at, end)
    if length < 0:
        return length, at
    if not is_shortest(octets, at, length, False):
        return MALFORMED, at
    count = 0
    for n in range(length):
        count = _HUGE if count >= _HUGE >> 8 else count << 8 | int(octets[at + n])
    at += length
    if count < low or (high != FREE and count > high) or length > LONGEST_NUMBER:
        return OUT_OF_RANGE, at
    return (TRUNCATED if count > end - at else count), at


@numba.njit(cache=True)
def is_same(octets: U8, at: int, others: U8, begin: int, count: int) -> bool:
    """Tell whether some octets are those of another array."""
    for n in range(count):  # noqa: SIM110  a generator is not compiled
        if octets[at + n] != others[begin + n]:
            return False
    return True


@numba.njit(cache=True)
def is_set(octets: U8, at: int, number: int) -> bool:
    """Tell whether a bit is set, the first bit of the first octet being number 0."""
    return bool(octets[at + (number >> 3)] >> (7 - (number & 7)) & 1)
