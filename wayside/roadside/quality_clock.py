"""How long a pole's lists take to arrive, and whether its clock runs away.

The time from a list's stamp to its reception follows a line: flat while the clock is right, sloping while it gains
or loses. A sudden step, as when a clock is set or a network changes its way, begins a new line.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from wayside.table import F64, I64, Bool

# memory of one pole: age smoothed over about two seconds, number of scans in the line through ages, sum of their
# instants from now, of squares of those, of ages, of products of both, of squared ages [s, or s2]
AGES = 7
SECOND = 1e-9  # [s] in a nanosecond
FAST = 0.1  # weight of the newest scan in the fast mean, which spans about 2 s
LAG_S = 1.8  # by which the fast mean follows the line at five scans a second
LEAST = 15.0  # so many scans make a line
STEP_S = 0.015  # a step is larger than this, and than STEP_SIGMAS standard deviations of the fast mean
STEP_SIGMAS = 6.0
RUN = 3.0  # so many delays in a row tell as much as one, for a network is slow for a while


@numba.njit(cache=True)
def _line(ages: F64) -> tuple[float, float, float, float]:
    """Return level now, slope, variance about the line, and the sum of squared times about their mean."""
    n, t, tt, a, ta, aa = ages[1], ages[2], ages[3], ages[4], ages[5], ages[6]
    middle, mean = t / n, a / n
    width = max(tt - t * middle, 1e-9)
    slope = (ta - t * mean) / width
    variance = max((aa - a * mean - slope * slope * width) / n, 1e-8)
    return mean - slope * middle, slope, variance, width


@numba.njit(cache=True)
def add_ages(
    ages: F64, elapsed: F64, kept: F64, rows: I64, time_ns: I64, received_ns: I64, now_ns: int, scan_ns: I64,
    heard_ns: I64,
) -> Bool:  # fmt: skip
    """Take the ages of this tick's scans into the memory, in place.

    Args:
        ages: memory [poles, AGES].
        elapsed: time since the memory was last changed [poles], s.
        kept: share of it that remains after that time [poles].
        rows: row of the pole of each detection; detections stand in key order.
        time_ns: stamp of each.
        received_ns: reception of each.
        now_ns: the tick's instant.
        scan_ns, heard_ns: newest stamp and newest reception of each pole so far; they become those of today.

    Returns:
        Which poles' ages have taken a step.
    """
    for p in range(len(ages)):
        shift, one = -elapsed[p], ages[p]
        one[5] += shift * one[4]
        one[3] += 2.0 * shift * one[2] + shift * shift * one[1]
        one[2] += shift * one[1]
        one[1:] *= kept[p]
    stepped = np.zeros(len(ages), np.bool_)
    newest = np.zeros(len(ages), np.int64)
    for i in range(len(rows)):
        newest[rows[i]] = max(newest[rows[i]], time_ns[i])
        heard_ns[rows[i]] = max(heard_ns[rows[i]], received_ns[i])
    for p in range(len(ages)):
        if newest[p] > 0:
            scan_ns[p] = newest[p]
    for i in range(len(rows)):
        if i and rows[i] == rows[i - 1] and time_ns[i] == time_ns[i - 1] and received_ns[i] == received_ns[i - 1]:
            continue
        one = ages[rows[i]]
        age, t = (received_ns[i] - time_ns[i]) * SECOND, (received_ns[i] - now_ns) * SECOND
        one[0] += max(FAST, 1.0 / (one[1] + 1.0)) * (age - one[0])
        if one[1] >= LEAST:
            level, slope, variance, _ = _line(one)
            if abs(one[0] - level + LAG_S * slope) > STEP_S + STEP_SIGMAS * np.sqrt(variance * RUN * FAST / 2.0):
                stepped[rows[i]] = True
                one[:] = 0.0
                one[0] = age
            else:  # a single late list does not bend the line
                most = 0.005 + 3.0 * np.sqrt(variance)
                age = min(max(age, level + slope * t - most), level + slope * t + most)
        one[1] += 1.0
        one[2] += t
        one[3] += t * t
        one[4] += age
        one[5] += t * age
        one[6] += age * age
    return stepped


class Timing(NamedTuple):
    """What ages say of each pole, as arrays; NaN where too few scans came since the last step.

    Attributes:
        age, age_sigma: mean of late, and standard deviation about the line [s].
        drift, drift_sigma: by how much the pole's clock gains [s/s].
        span: for how long the line is known [s].
    """

    age: F64
    age_sigma: F64
    drift: F64
    drift_sigma: F64
    span: F64


@numba.njit(cache=True)
def timing(ages: F64) -> tuple[F64, F64, F64, F64, F64]:
    """Return the fields of `Timing` from memory [poles, 7].

    >>> memory = np.array([[0.08, 100.0, -500.0, 3333.0, 8.0, -40.0, 0.65]])
    >>> Timing(*timing(memory)).age_sigma.round(3)
    array([0.01])
    """
    poles = len(ages)
    age, sigma = np.full(poles, np.nan), np.full(poles, np.nan)
    drift, drift_sigma, span = np.full(poles, np.nan), np.full(poles, np.nan), np.full(poles, np.nan)
    for p in range(poles):
        if ages[p, 1] < LEAST:
            continue
        _, slope, variance, width = _line(ages[p])
        age[p], sigma[p] = ages[p, 0], np.sqrt(variance)
        drift[p], drift_sigma[p] = -slope, np.sqrt(variance * RUN / width)
        span[p] = np.sqrt(12.0 * width / ages[p, 1])
    return age, sigma, drift, drift_sigma, span
