"""Points of the two curves, for compiled kernels: sums, doubles, and tables of multiples.

A point is (x, y, z) in Jacobian coordinates, standing for (x / z^2, y / z^3); z = 0 is infinity. A tabled point is
8 words, x and y with z = 1. All coordinates are in Montgomery's form (see `wayside.security.field`).

Every formula treats all cases: sums with infinity, of equal and of opposite points. Time depends on the numbers.

Reference: Cohen, Miyaji, Ono 1998, Efficient elliptic curve exponentiation using mixed coordinates.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numba
import numpy as np

from wayside.security.curves import Curve, CurveName, curve_named
from wayside.security.field import (
    Words,
    add,
    equal,
    invert_all,
    is_zero,
    load,
    multiply,
    multiply_copied,
    power,
    read,
    reduced,
    stay_apart,
    store,
    subtract,
)
from wayside.table import I64, U8, U64

Jacobian: TypeAlias = tuple[Words, Words, Words]

# rows of the constants of a curve
PRIME, ORDER, ONE, SQUARE, ORDER_ONE, ORDER_SQUARE, CONSTANT, ROOT, PRIME_LESS_2, ORDER_LESS_2, INVERSES = range(
    11
)

SPLITS, WIDTH = 8, 5  # a key's table: odd multiples up to 2^4 of the key times 1, 2^32, 2^64 and so on


def _words(number: int) -> list[int]:
    return [number >> (64 * place) & 0xFFFFFFFFFFFFFFFF for place in range(4)]


@cache
def constants_of(name: CurveName) -> U64:
    """Return the constants of a curve, a row of four words each: see PRIME to INVERSES."""
    curve: Curve = curve_named(name)
    prime, order, shift = curve.prime, curve.order, 1 << 256
    numbers = (
        prime, order, shift % prime, shift**2 % prime, shift % order, shift**2 % order, curve.b * shift % prime,
        (prime + 1) // 4, prime - 2, order - 2, pow(-prime, -1, 1 << 64) + (pow(-order, -1, 1 << 64) << 64),
    )  # fmt: skip
    return np.array([_words(number) for number in numbers], np.uint64)


@numba.njit(cache=True)
def double(x: Words, y: Words, z: Words, prime: Words) -> Jacobian:
    """Return twice a point."""
    stay_apart()
    delta, gamma = multiply_copied(z, z, prime), multiply_copied(y, y, prime)
    beta = multiply_copied(x, gamma, prime)
    product = multiply_copied(subtract(x, delta, prime), add(x, delta, prime), prime)
    alpha = add(add(product, product, prime), product, prime)
    beta = add(beta, beta, prime)
    beta = add(beta, beta, prime)
    gamma = add(gamma, gamma, prime)
    gamma = multiply_copied(gamma, gamma, prime)
    across = subtract(subtract(multiply_copied(alpha, alpha, prime), beta, prime), beta, prime)
    up = multiply_copied(alpha, subtract(beta, across, prime), prime)
    deep = multiply_copied(y, z, prime)
    return across, subtract(up, add(gamma, gamma, prime), prime), add(deep, deep, prime)


@numba.njit(cache=True)
def add_tabled(x: Words, y: Words, z: Words, u: Words, v: Words, prime: Words, one: Words) -> Jacobian:
    """Return a point plus the point (u, v), whose z is 1."""
    stay_apart()
    if is_zero(z):
        return u, v, one
    square = multiply_copied(z, z, prime)
    wide = subtract(multiply_copied(u, square, prime), x, prime)
    rise = subtract(multiply_copied(v, multiply_copied(z, square, prime), prime), y, prime)
    if is_zero(wide):
        if is_zero(rise):
            return double(x, y, z, prime)
        return one, one, wide
    square = multiply_copied(wide, wide, prime)
    cube, part = multiply_copied(wide, square, prime), multiply_copied(x, square, prime)
    across = subtract(multiply_copied(rise, rise, prime), cube, prime)
    across = subtract(subtract(across, part, prime), part, prime)
    up = multiply_copied(rise, subtract(part, across, prime), prime)
    return across, subtract(up, multiply_copied(y, cube, prime), prime), multiply_copied(z, wide, prime)


@numba.njit(cache=True)
def decompress(octets: U8, constants: U64, tabled: U64) -> bool:
    """Put the point of 33 octets into 8 words; False, and the words untouched, where they stand for none."""
    stay_apart()
    prime, one = load(constants[PRIME], 0), load(constants[ONE], 0)
    x = read(octets, 1)
    if (octets[0] != 2 and octets[0] != 3) or not equal(reduced(x, prime), x):
        return False
    x = multiply(x, load(constants[SQUARE], 0), prime)
    square = subtract(multiply(x, x, prime), add(add(one, one, prime), one, prime), prime)
    square = add(multiply(square, x, prime), load(constants[CONSTANT], 0), prime)
    y = power(square, load(constants[ROOT], 0), prime, constants[INVERSES, 0], one)
    if not equal(multiply(y, y, prime), square):
        return False
    plain = multiply(y, (np.uint64(1), np.uint64(0), np.uint64(0), np.uint64(0)), prime)
    if plain[0] & np.uint64(1) != np.uint64(octets[0]) & np.uint64(1):
        y = subtract((np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)), y, prime)
    store(x, tabled, 0)
    store(y, tabled, 4)
    return True


@numba.njit(cache=True)
def flatten(points: U64, constants: U64, tabled: U64) -> None:
    """Put points, [n, 12] words, none of them infinity, into tabled form, [n, 8], with one inversion for all."""
    stay_apart()
    prime = load(constants[PRIME], 0)
    depths = points[:, 8:12].copy()
    invert_all(depths, load(constants[PRIME_LESS_2], 0), prime, constants[INVERSES, 0], load(constants[ONE], 0))
    for k in range(len(points)):
        inverse = load(depths[k], 0)
        square = multiply(inverse, inverse, prime)
        store(multiply(load(points[k], 0), square, prime), tabled[k], 0)
        store(multiply(load(points[k], 4), multiply(square, inverse, prime), prime), tabled[k], 4)


@numba.njit(cache=True)
def tabulate(first: U64, apart: int, constants: U64, tabled: U64) -> None:
    """Fill tables of odd multiples of points.

    Args:
        first: the points, tabled, [n, 8].
        apart: bits from one split to the next.
        constants: of the curve.
        tabled: to be filled, [n, splits, odd, 8]: of each point times 2^0, 2^apart, 2^(2 apart), ... the odd
            multiples 1, 3, 5, ...
    """
    stay_apart()
    prime, one = load(constants[PRIME], 0), load(constants[ONE], 0)
    count, splits, odd, _ = tabled.shape
    # the points of each split, and twice them, are made flat so that the multiples are cheap sums
    starts, twice = np.empty((count * splits, 12), np.uint64), np.empty((count * splits, 12), np.uint64)
    for k in range(count):
        x, y, z = load(first[k], 0), load(first[k], 4), one
        for split in range(splits):
            row = k * splits + split
            store(x, starts[row], 0)
            store(y, starts[row], 4)
            store(z, starts[row], 8)
            x, y, z = double(x, y, z, prime)
            store(x, twice[row], 0)
            store(y, twice[row], 4)
            store(z, twice[row], 8)
            if split + 1 < splits:
                for _ in range(apart - 1):
                    x, y, z = double(x, y, z, prime)
    flat = np.empty((count * splits, 8), np.uint64)
    flatten(twice, constants, flat)
    points = np.empty((count * splits * odd, 12), np.uint64)
    for row in range(count * splits):
        x, y, z = load(starts[row], 0), load(starts[row], 4), load(starts[row], 8)
        u, v = load(flat[row], 0), load(flat[row], 4)
        for n in range(odd):
            store(x, points[row * odd + n], 0)
            store(y, points[row * odd + n], 4)
            store(z, points[row * odd + n], 8)
            x, y, z = add_tabled(x, y, z, u, v, prime, one)
    flatten(points, constants, tabled.reshape((count * splits * odd, 8)))


@numba.njit(cache=True)
def signed_digits(number: Words, width: int, digits: I64) -> None:
    """Write a number as odd digits below 2^(width - 1) in size, at least width - 1 zeros between them.

    Args:
        number: four words.
        width: from 2 to 15 bits.
        digits: to be filled, [257]; number = sum of digits[n] * 2^n.

    Reference: Solinas 2000, Efficient arithmetic on Koblitz curves (width-w NAF).
    """
    stay_apart()
    digits[:] = 0
    carry, at = np.int64(0), 0
    while at < 257:
        word, place = at >> 6, np.uint64(at & 63)
        window = np.uint64(0)
        if word < 4:
            window = number[word] >> place
            if word < 3 and place:
                window |= number[word + 1] << (np.uint64(64) - place)
        digit = np.int64(window & np.uint64((1 << width) - 1)) + carry
        if not digit & 1:
            at += 1
            continue
        carry = digit >> (width - 1)
        digits[at] = digit - (carry << width)
        at += width


@numba.njit(cache=True)
def add_digit(x: Words, y: Words, z: Words, digit: int, table: U64, prime: Words, one: Words) -> Jacobian:
    """Return a point plus the tabled multiple that an odd digit, positive or negative, stands for."""
    row = table[(abs(digit) - 1) >> 1]
    v = load(row, 4)
    if digit < 0:
        v = subtract((np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)), v, prime)
    return add_tabled(x, y, z, load(row, 0), v, prime, one)


def generator_of(name: CurveName) -> U64:
    """Return the generator as a tabled point, [1, 8]."""
    curve = curve_named(name)
    return np.array(
        [[word for each in curve.generator for word in _words((each << 256) % curve.prime)]], np.uint64
    )
