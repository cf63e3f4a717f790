"""Multiples of a curve's generator, many at once: the work of a signature, and half the work of checking one.

A factor is written in odd digits of twelve bits, so a multiple is the sum of one tabled point for each digit and
no point is ever doubled. Points are added in pairs, 22 to 11 to 6 and so on. All sums of a round, of all factors,
share one inversion, so that points stay tabled ones: a sum takes six products in place of the eleven of a point
with a depth of its own.

Reference: Joye, Tunstall 2009, Exponent recoding and regular exponentiation algorithms (odd digits); Montgomery
1987, Speeding the Pollard and elliptic curve methods (one inversion for many).
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from wayside.security.curves import CurveName
from wayside.security.field import (
    Words,
    add,
    invert_all,
    is_zero,
    load,
    multiply,
    multiply_copied,
    read,
    stay_apart,
    store,
    subtract,
)
from wayside.security.points import INVERSES, ONE, ORDER, PRIME, PRIME_LESS_2, constants_of, generator_of, tabulate
from wayside.table import I64, U8, U64

WIDTH = 12  # bits of a digit; 8 take half as long again, more than 12 gain little and need larger tables
DIGITS, ODD = -(-256 // WIDTH), 1 << (WIDTH - 1)  # of a factor, and the odd multiples that one stands for
AT_ONCE = 128  # factors whose points are summed together


@cache
def digit_table(name: CurveName) -> U64:
    """Return 1, 3, 5, ... times 2^(WIDTH n) times the generator, [DIGITS, ODD, 8]; 2.8 MiB, made once."""
    tabled = np.empty((1, DIGITS, ODD, 8), np.uint64)
    tabulate(generator_of(name), WIDTH, constants_of(name), tabled)
    found: U64 = tabled[0]
    return found


@numba.njit(cache=True)
def _digits(factor: Words, order: Words, halves: I64) -> bool:
    """Write a factor as digits 2 h - 2^WIDTH + 1, the least first; return whether it is negated.

    With all digits odd, factor = 2 b - (2^n - 1) where b, of n bits, holds all h one after another. So b is
    (factor - 1) / 2 + 2^(n - 1), which needs an odd factor. In place of an even one its negative is taken, which
    is odd as the order is.
    """
    negated = not factor[0] & np.uint64(1)
    if negated:
        factor = subtract((np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)), factor, order)
    for digit in range(DIGITS):
        word, place = (1 + digit * WIDTH) >> 6, np.uint64((1 + digit * WIDTH) & 63)
        bits = factor[word] >> place
        if word < 3 and place:
            bits |= factor[word + 1] << (np.uint64(64) - place)
        halves[digit] = bits & np.uint64(2 * ODD - 1)
    halves[DIGITS - 1] += ODD
    return bool(negated)


@numba.njit(cache=True)
def _choose(factors: U8, table: U64, constants: U64, points: U64, negated: U8) -> None:
    """Put the tabled point of each digit into [n, DIGITS, 8], and which factors were negated into [n]."""
    prime, order = load(constants[PRIME], 0), load(constants[ORDER], 0)
    halves = np.empty(DIGITS, np.int64)
    for k in range(len(factors)):
        negated[k] = _digits(read(factors[k], 0), order, halves)
        for place in range(DIGITS):
            half = halves[place]
            row = table[place, half - ODD if half >= ODD else ODD - 1 - half]
            y = load(row, 4)
            if half < ODD:
                y = subtract((np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)), y, prime)
            store(load(row, 0), points[k, place], 0)
            store(y, points[k, place], 4)


@numba.njit(cache=True)
def _slope_below(points: U64, at: int, prime: Words) -> Words:
    """Return the divisor of the slope between a point and the next one."""
    wide: Words = subtract(load(points[at + 1], 0), load(points[at], 0), prime)
    if is_zero(wide):  # the same point twice, see `_add_pairs`
        y = load(points[at], 4)
        wide = add(y, y, prime)
    return wide


@numba.njit(cache=True)
def _add_pairs(points: U64, count: int, constants: U64, products: U64) -> None:
    """Replace the first `count` points of each factor, [n, DIGITS, 8], by sums of two; an odd last one stays.

    The sum is never infinity: both parts are whole numbers of generators, the upper one the larger, and neither
    their sum nor their difference is a multiple of the order, but for one: the last two parts of the factor
    2 (order modulo 2^(16 WIDTH)), or of its negative, may be the same point, which is then doubled.
    """
    stay_apart()
    prime, product, whole = load(constants[PRIME], 0), load(constants[ONE], 0), np.empty((1, 4), np.uint64)
    half = count // 2
    for k in range(len(points) - 1, -1, -1):
        for pair in range(half - 1, -1, -1):
            store(product, products[k * half + pair], 0)
            product = multiply_copied(product, _slope_below(points[k], 2 * pair, prime), prime)
    store(product, whole[0], 0)
    invert_all(whole, load(constants[PRIME_LESS_2], 0), prime, constants[INVERSES, 0], load(constants[ONE], 0))
    product = load(whole[0], 0)
    for k in range(len(points)):
        for pair in range(half):
            x, y = load(points[k, 2 * pair], 0), load(points[k, 2 * pair], 4)
            u, v = load(points[k, 2 * pair + 1], 0), load(points[k, 2 * pair + 1], 4)
            below = _slope_below(points[k], 2 * pair, prime)
            inverse = multiply_copied(product, load(products[k * half + pair], 0), prime)
            product = multiply_copied(product, below, prime)
            above = subtract(v, y, prime)
            if is_zero(subtract(u, x, prime)):
                square = multiply(x, x, prime)
                above = subtract(square, load(constants[ONE], 0), prime)
                above = add(add(above, above, prime), above, prime)
            slope = multiply_copied(above, inverse, prime)
            across = subtract(subtract(multiply_copied(slope, slope, prime), x, prime), u, prime)
            up = subtract(multiply_copied(slope, subtract(x, across, prime), prime), y, prime)
            store(across, points[k, pair], 0)
            store(up, points[k, pair], 4)
        if count & 1:
            store(load(points[k, count - 1], 0), points[k, half], 0)
            store(load(points[k, count - 1], 4), points[k, half], 4)


@numba.njit(cache=True, nogil=True)
def multiply_generator(factors: U8, table: U64, constants: U64, found: U64) -> None:
    """Put each factor, [n, 32] from 1 to order - 1, times the generator into [n, 8], as a tabled point.

    `table` is that of `digit_table`.
    """
    prime, zero = load(constants[PRIME], 0), (np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0))
    points = np.empty((min(AT_ONCE, len(factors)), DIGITS, 8), np.uint64)
    products, negated = np.empty((len(points) * (DIGITS // 2), 4), np.uint64), np.empty(len(points), np.uint8)
    for first in range(0, len(factors), AT_ONCE):
        part = factors[first : first + AT_ONCE]
        some = points[: len(part)]
        _choose(part, table, constants, some, negated)
        count = DIGITS
        while count > 1:
            _add_pairs(some, count, constants, products)
            count = (count + 1) // 2
        for k in range(len(part)):
            y = load(some[k, 0], 4)
            store(load(some[k, 0], 0), found[first + k], 0)
            store(subtract(zero, y, prime) if negated[k] else y, found[first + k], 4)
