"""By how much a pole's frame is displaced and turned, and how old its positions are: least squares with memory.

A detection less what the vehicle reports of itself is, for a place r from the pole and a velocity v,

    displacement + turn * (r rotated by a right angle) - latency * v + the vehicle's own error + noise.

A vehicle's own error lasts for its whole passage. What changes within a passage is free of it and tells much of
the turn; the means of passages tell of displacement and latency, each no better than one vehicle's positioning.
Both are weighed as generalised least squares do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from wayside.roadside.quality_tables import PolePairs
from wayside.table import F64, I64, U16, Bool

SUMS = ("n", "rx", "ry", "vx", "vy", "rr", "rv", "vv", "ex", "ey", "re", "ve")  # of one memory, in this order
EAST, NORTH, TURN, LATENCY = range(4)  # the unknowns, in this order
PRIOR = np.array([1.0, 1.0, np.radians(3.0), 0.5]) ** -2  # information believed before anything is seen
LEAST_PASSAGE = 4  # a passage counts from so many scans on


class Paired(NamedTuple):
    """The columns of `PolePairs` that the kernel reads."""

    pole: U16
    begun_ns: I64
    samples: U16
    sigma: F64
    away_x: F64
    away_y: F64
    velocity_x: F64
    velocity_y: F64
    error_x: F64
    error_y: F64
    error_heading: F64
    kind_agrees: Bool
    mean_away_x: F64
    mean_away_y: F64
    mean_velocity_x: F64
    mean_velocity_y: F64
    mean_error_x: F64
    mean_error_y: F64

    @classmethod
    def of(cls, pairs: PolePairs) -> Paired:
        """Return the columns of a table."""
        return cls(*(getattr(pairs, name) for name in cls._fields))


@numba.njit(cache=True)
def _put(sums: F64, weight: float, z: F64, level: float) -> None:
    """Add weight times the products of one difference and its design; level: of displacement, 0 or 1."""
    rx, ry, vx, vy, ex, ey = z[0], z[1], z[2], z[3], z[4], z[5]
    once = weight * level
    sums[0] += once
    sums[1] += once * rx
    sums[2] += once * ry
    sums[3] += once * vx
    sums[4] += once * vy
    sums[5] += weight * (rx * rx + ry * ry)
    sums[6] += weight * (ry * vx - rx * vy)
    sums[7] += weight * (vx * vx + vy * vy)
    sums[8] += once * ex
    sums[9] += once * ey
    sums[10] += weight * (rx * ey - ry * ex)
    sums[11] -= weight * (vx * ex + vy * ey)


@numba.njit(cache=True)
def add_pairs(  # noqa: PLR0915
    rows: I64, pairs: Paired, known: F64, changed_ns: I64, changing: F64, noise: float, least_bias: float,
    heading_weight: float, near_m: float, most_apart: float,
    most_class_samples: int,
) -> tuple[F64, F64, F64]:  # fmt: skip
    """Return what this tick's pairs add to each pole's sums.

    Args:
        rows: row of the pole of each pair.
        pairs: the pairs.
        known: turn, latency and displacement of each pole as known so far, and the standard deviation of the
            latency [poles, 5].
        changed_ns: passages that began until then are left out [poles].
        changing: how many scans ago a change began, negative if none did [poles].
        noise: variance of one difference [m2], times how many in a row tell as much as one.
        least_bias: no vehicle's own error has a smaller variance [m2].
        heading_weight: inverse variance of a difference of headings [rad-2], likewise.
        near_m: nearer to the pole nothing is taken [m].
        most_apart: a passage whose mean is farther from what is known is left out [m].
        most_class_samples: so many scans of a vehicle count for its class.

    Returns:
        The sums [poles, 12], none while a change is measured; those of changes against the mean of each passage
        [poles, 12]; and [poles, 5]: pairs, squares of differences within passages and their number, classes that
        agree and that were compared.
    """
    poles = len(known)
    sums, change, other = np.zeros((poles, 12)), np.zeros((poles, 12)), np.zeros((poles, 5))
    z, mean, last = np.empty(6), np.empty(6), np.empty(6)
    for i in range(len(rows)):
        p, n = rows[i], int(pairs.samples[i])
        if np.isnan(pairs.error_x[i]) or n < 1 or np.hypot(pairs.away_x[i], pairs.away_y[i]) < near_m:
            continue
        if n <= most_class_samples:
            other[p, 3] += 1.0 if pairs.kind_agrees[i] else 0.0
            other[p, 4] += 1.0
        if pairs.begun_ns[i] <= changed_ns[p]:
            continue
        z[0], z[1], z[2] = pairs.away_x[i], pairs.away_y[i], pairs.velocity_x[i]
        z[3], z[4], z[5] = pairs.velocity_y[i], pairs.error_x[i], pairs.error_y[i]
        mean[0], mean[1], mean[2] = pairs.mean_away_x[i], pairs.mean_away_y[i], pairs.mean_velocity_x[i]
        mean[3], mean[4], mean[5] = pairs.mean_velocity_y[i], pairs.mean_error_x[i], pairs.mean_error_y[i]
        turn, latency = known[p, 0], known[p, 1]
        if n > 1:
            last[:] = mean - (z - mean) / (n - 1.0)
        if n > LEAST_PASSAGE:
            # what is left of a change once the mean has followed it
            left = max(n - max(changing[p], 0.0), 0.0) / n
            ahead = z[4] - last[4] + turn * (z[1] - last[1]) + latency * (z[2] - last[2])
            aside = z[5] - last[5] - turn * (z[0] - last[0]) + latency * (z[3] - last[3])
            if left > 0.3:
                error_x, error_y = z[4], z[5]
                z[4], z[5] = ahead / left, aside / left
                _put(change[p], left * left / noise, z, 1.0)
                z[4], z[5] = error_x, error_y
        facing = abs(pairs.error_heading[i]) < 0.3
        if facing:
            change[p, 5] += heading_weight
            change[p, 10] += heading_weight * (pairs.error_heading[i] - known[p, 0])
        if changing[p] >= 0.0 or n < LEAST_PASSAGE:
            continue
        # a passage far from what is known of the pole is most likely another vehicle's
        rest_x = mean[4] - known[p, 2] + turn * mean[1] + latency * mean[2]
        rest_y = mean[5] - known[p, 3] - turn * mean[0] + latency * mean[3]
        most = most_apart + 2.0 * known[p, 4] * np.hypot(mean[2], mean[3])
        if rest_x * rest_x + rest_y * rest_y > most * most:
            continue
        bias = max(pairs.sigma[i] ** 2, least_bias) if pairs.sigma[i] > 0 else least_bias
        other[p, 0] += 1.0
        if n > LEAST_PASSAGE:
            share = n / (n - 1.0)
            z -= mean
            _put(sums[p], share / noise, z, 0.0)
            other[p, 1] += share * (z[4] ** 2 + z[5] ** 2)
            other[p, 2] += 2.0
            _put(sums[p], -(n - 1.0) / (noise + (n - 1.0) * bias), last, 1.0)
        _put(sums[p], n / (noise + n * bias), mean, 1.0)
        if facing:
            sums[p, 5] += heading_weight
            sums[p, 10] += heading_weight * pairs.error_heading[i]
    return sums, change, other


class Estimate(NamedTuple):
    """What sums say of each pole: arrays over [poles, 4] in the order displacement east, north, turn, latency.

    Attributes:
        value: all four estimated together.
        variance: of those.
        alone: each estimated as if the others were 0.
        alone_sigma: standard deviations of those.
        right: the right-hand sides.
        gain: by how much each alone lowers the sum of squares; that of the displacement stands under EAST.
    """

    value: F64
    variance: F64
    alone: F64
    alone_sigma: F64
    right: F64
    gain: F64


def solve(sums: F64, scale: F64, prior: F64, trust: F64) -> Estimate:
    """Solve the normal equations of each pole.

    Args:
        sums: [poles, 12], see `SUMS`.
        scale: variance of the noise as a multiple of what the sums were weighed with [poles].
        prior: values known before [poles, 4].
        trust: information in those [poles, 4].

    >>> turned = np.array([[0.0, 0, 0, 0, 0, 1e6, 0, 0, 0, 0, 1e4, 0]])  # differences grow with distance alone
    >>> solve(turned, np.ones(1), np.zeros((1, 4)), PRIOR[None]).value.round(3)
    array([[0.  , 0.  , 0.01, 0.  ]])
    """
    n, rx, ry, vx, vy, rr, rv, vv, ex, ey, re, ve = (sums / scale[:, None]).T
    a = np.zeros((len(sums), 4, 4))
    a[:, EAST, EAST] = a[:, NORTH, NORTH] = n
    a[:, EAST, TURN] = a[:, TURN, EAST] = -ry
    a[:, NORTH, TURN] = a[:, TURN, NORTH] = rx
    a[:, EAST, LATENCY] = a[:, LATENCY, EAST] = -vx
    a[:, NORTH, LATENCY] = a[:, LATENCY, NORTH] = -vy
    a[:, TURN, LATENCY] = a[:, LATENCY, TURN] = rv
    a[:, TURN, TURN], a[:, LATENCY, LATENCY] = rr, vv
    each = np.arange(4)
    a[:, each, each] = np.maximum(a[:, each, each], 0.0) + trust
    b = np.stack((ex, ey, re, ve), axis=1) + trust * prior
    covariance: Any = np.linalg.inv(a)
    value: F64 = (covariance @ b[:, :, None])[:, :, 0]
    diagonal = a[:, each, each]
    gain = b * b / diagonal
    gain[:, EAST] += gain[:, NORTH]
    gain[:, NORTH] = 0.0
    return Estimate(value, covariance[:, each, each], b / diagonal, 1.0 / np.sqrt(diagonal), b, gain)
