"""Random numbers that depend on what they are for, never on the order in which they were asked.

A draw is a hash of (seed, stream, identity, counter). The same vehicle at the same instant meets the same
error in whatever order, district or process it is computed. Normal draws are sums of whole numbers, so no
machine's logarithm can change them.
"""

from __future__ import annotations

from enum import IntEnum

import numba
import numpy as np
from numpy.typing import ArrayLike

from wayside.table import F64, U64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MASK = (1 << 64) - 1


class Stream(IntEnum):
    """What a draw is for; draws of two streams have nothing to do with each other."""

    POLE_MISS = 1
    POLE_BURST = 2
    POLE_WHITE_X = 3
    POLE_WHITE_Y = 4
    POLE_SLOW_X = 5
    POLE_SLOW_Y = 6
    POLE_SPEED = 7
    POLE_HEADING = 8
    POLE_LENGTH = 9
    POLE_WIDTH = 10
    POLE_CLASS = 11
    POLE_CLUTTER = 12
    POLE_DELAY = 13
    POLE_MERGE = 14
    POLE_BIAS_X = 15
    POLE_BIAS_Y = 16
    POLE_CLOCK = 17
    POLE_MOUNT = 18
    POLE_LOST = 19
    GNSS_SLOW_X = 20
    GNSS_SLOW_Y = 21
    GNSS_WHITE_X = 22
    GNSS_WHITE_Y = 23
    OWN_SPEED = 24
    OWN_HEADING = 25
    OWN_YAW_RATE = 26
    RADIO_LOSS = 27
    RADIO_DELAY = 28
    OWN_VERTICAL = 29
    WEATHER = 40
    CHARGING = 60


@numba.njit(cache=True)
def _mix(value: np.uint64) -> np.uint64:
    """Return the finisher of SplitMix64: each input bit flips each output bit about half the time."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@numba.njit(cache=True)
def one_bits(seed: np.uint64, stream: int, identity: np.uint64, counter: int) -> np.uint64:
    """Return 64 random bits; for use inside compiled kernels, with a seed from `seed_word`."""
    word = _mix(seed + np.uint64(stream) * _GOLDEN)
    word = _mix(word ^ (identity + _GOLDEN))
    return _mix(word ^ (np.uint64(counter) * _GOLDEN))


@numba.njit(cache=True)
def one_uniform(seed: np.uint64, stream: int, identity: np.uint64, counter: int) -> float:
    """Return a draw from [0, 1) in steps of 2^-53; for use inside compiled kernels."""
    return float(one_bits(seed, stream, identity, counter) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True)
def one_normal(seed: np.uint64, stream: int, identity: np.uint64, counter: int) -> float:
    """Return a draw of mean 0 and variance 1 within +-6; for use inside compiled kernels.

    The sum of twelve 16-bit numbers: near the normal law (excess kurtosis -0.1), lighter beyond three sigma.
    """
    word = one_bits(seed, stream, identity, counter)
    total = np.int64(0)
    for _ in range(3):
        for shift in (0, 16, 32, 48):
            total += np.int64((word >> np.uint64(shift)) & np.uint64(0xFFFF))
        word = _mix(word + _GOLDEN)
    return float(total - np.int64(12 * 65535 // 2)) * (1.0 / 65536.0)


@numba.njit(cache=True)
def one_drift(seed: np.uint64, stream: int, identity: np.uint64, time_ns: int, spacing_ns: int) -> float:
    """Return a smooth function of time of mean 0 and variance 1; for use inside compiled kernels.

    Between hashed knots it runs along a smooth step, scaled so that the variance is 1 at every instant. Each
    identity has its own knots. Two instants 0.83 of the spacing apart have a correlation of 1/e; two spacings
    apart they are independent.
    """
    phase = np.int64(one_bits(seed, stream, identity, -1) % np.uint64(spacing_ns))
    knot = int((time_ns + phase) // spacing_ns)
    share = float((time_ns + phase) - knot * spacing_ns) / float(spacing_ns)
    share = share * share * (3.0 - 2.0 * share)
    first = one_normal(seed, stream, identity, knot)
    second = one_normal(seed, stream, identity, knot + 1)
    blend: float = ((1.0 - share) * first + share * second) / np.sqrt((1.0 - share) ** 2 + share**2)
    return blend


@numba.njit(cache=True)
def _uniforms(seed: np.uint64, stream: int, identity: U64, counter: int) -> F64:
    out = np.empty(len(identity))
    for row in range(len(identity)):
        out[row] = one_uniform(seed, stream, identity[row], counter)
    return out


@numba.njit(cache=True)
def _normals(seed: np.uint64, stream: int, identity: U64, counter: int) -> F64:
    out = np.empty(len(identity))
    for row in range(len(identity)):
        out[row] = one_normal(seed, stream, identity[row], counter)
    return out


@numba.njit(cache=True)
def _drifts(seed: np.uint64, stream: int, identity: U64, time_ns: int, spacing_ns: int) -> F64:
    out = np.empty(len(identity))
    for row in range(len(identity)):
        out[row] = one_drift(seed, stream, identity[row], time_ns, spacing_ns)
    return out


def seed_word(seed: int) -> np.uint64:
    """Return the seed as compiled kernels take it; whole numbers of any size and sign are welcome."""
    return np.uint64(seed & _MASK)


def uniform(seed: int, stream: int, identity: ArrayLike, counter: int) -> F64:
    """Return one draw from [0, 1) for each identity.

    Args:
        seed: of the Run.
        stream: what the draw is for, see `Stream`.
        identity: whole numbers that name the rows.
        counter: instant [ns] or running number.

    >>> uniform(1, Stream.RADIO_LOSS, [7, 8], 0).round(4)
    array([0.059 , 0.7042])
    """
    return _uniforms(seed_word(seed), int(stream), np.asarray(identity, np.uint64), int(counter))


def normal(seed: int, stream: int, identity: ArrayLike, counter: int) -> F64:
    """Return one draw of mean 0 and variance 1, within +-6, for each identity; see `uniform`."""
    return _normals(seed_word(seed), int(stream), np.asarray(identity, np.uint64), int(counter))


def drift(seed: int, stream: int, identity: ArrayLike, time_ns: int, spacing_s: float) -> F64:
    """Return, for each identity, its own slowly varying number of mean 0 and variance 1 at that instant.

    Args:
        seed: of the Run.
        stream: what the draw is for, see `Stream`.
        identity: whole numbers that name the rows.
        time_ns: instant [ns]; the result is a smooth function of it.
        spacing_s: time between knots [s]; the correlation falls to 1/e within 0.83 of it.
    """
    ids, spacing_ns = np.asarray(identity, np.uint64), round(spacing_s * 1e9)
    return _drifts(seed_word(seed), int(stream), ids, int(time_ns), spacing_ns)
