"""Multiples of the generators, against sums and doubles in plain Python."""

from __future__ import annotations

import random

import numpy as np
import pytest

from wayside.security.curves import CURVES, CurveName, curve_named
from wayside.security.generator import AT_ONCE, WIDTH, digit_table, multiply_generator
from wayside.security.plain import add_multiples
from wayside.security.points import constants_of
from wayside.table import U64


def multiples(name: CurveName, factors: list[int]) -> list[tuple[int, int]]:
    """Return the kernel's multiples as plain coordinates."""
    octets = np.frombuffer(b"".join(factor.to_bytes(32, "big") for factor in factors), np.uint8).reshape(-1, 32)
    found = np.empty((len(factors), 8), np.uint64)
    multiply_generator(octets.copy(), digit_table(name), constants_of(name), found)
    return [(plain(name, row[:4]), plain(name, row[4:])) for row in found]


def plain(name: CurveName, words: U64) -> int:
    """Return a coordinate out of Montgomery's form."""
    prime = curve_named(name).prime
    return sum(int(word) << (64 * n) for n, word in enumerate(words)) * pow(2, -256, prime) % prime


@pytest.mark.parametrize("name", list(CURVES))
def test_the_least_and_the_greatest_factors(name: CurveName) -> None:
    curve = curve_named(name)
    edges = [1, 2, 3, 254, 255, 256, 257, 2**128 - 1, 2**128, 2**255, curve.order - 2, curve.order - 1]
    assert multiples(name, edges) == [add_multiples(curve, one, 0, curve.generator) for one in edges]


@pytest.mark.parametrize("name", list(CURVES))
def test_the_one_factor_whose_last_two_parts_are_the_same_point(name: CurveName) -> None:
    curve = curve_named(name)
    twice = 2 * (curve.order % 2 ** (16 * WIDTH))
    both = [twice, curve.order - twice]
    assert multiples(name, both) == [add_multiples(curve, one, 0, curve.generator) for one in both]


@pytest.mark.parametrize("name", list(CURVES))
def test_more_factors_than_are_summed_together(name: CurveName) -> None:
    curve, draws = curve_named(name), random.Random(5)
    factors = [draws.randrange(1, curve.order) for _ in range(AT_ONCE + 3)]
    found = multiples(name, factors)
    some = [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 2]
    assert [found[n] for n in some] == [add_multiples(curve, factors[n], 0, curve.generator) for n in some]
    assert multiples(name, []) == []
