"""By how much a pole's frame is displaced and turned, and how old its positions are: least squares with memory.

A detection less what the vehicle reports of itself is, for a place r from the pole and a velocity v,

    displacement + turn * (r rotated by a right angle) - latency * v + the vehicle's own error + noise.

A vehicle's own error lasts for about a minute. So each scan is weighed by what it says beyond what the vehicle's
earlier scans let expect, difference and design alike: `PolePairs.base` is the state of a Kalman filter for that
error, which forgets as the error does, and the remainders are independent of each other, as least squares asks.
"""

from __future__ import annotations

from typing import NamedTuple

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

    begun_ns: I64
    samples: U16
    distance: F64
    now: F64
    error_heading: F64
    kind_agrees: Bool
    mean: F64
    base: F64
    level: F64
    gain: F64

    @classmethod
    def of(cls, pairs: PolePairs) -> Paired:
        """Return the columns of a table."""
        return cls(*(getattr(pairs, name) for name in cls._fields))


@numba.njit(cache=True)
def _put(sums: F64, weight: float, z: F64, level: float) -> None:
    """Add weight times the products of one difference and its design; level: by how much displacement shows."""
    rx, ry, vx, vy, ex, ey = z[0], z[1], z[2], z[3], z[4], z[5]
    once = weight * level
    sums[0] += once * level
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
def add_pairs(
    rows: I64, pairs: Paired, known: F64, changed_ns: I64, changing: F64, noise: float, scatter: float,
    heading_weight: float, near_m: float, most_apart: float, class_fades: float, near_view: F64, sums: F64,
    change: F64, counts: F64, classes: F64,
) -> F64:  # fmt: skip
    """Add this tick's pairs to each pole's sums, in place.

    Args:
        rows: row of the pole of each pair.
        pairs: the pairs.
        known: turn, latency and displacement of each pole as known so far, and the standard deviation of the
            latency [poles, 5].
        changed_ns: passages that began until then are left out [poles].
        changing: how many scans ago a change began, negative if none did [poles].
        noise: variance of one difference about a passage's mean [m2], times how many in a row tell as much as one.
        scatter: the same about what was expected [m2].
        heading_weight: inverse variance of a difference of headings [rad-2], likewise.
        near_m: nearer to the pole nothing is taken [m].
        most_apart: a passage whose mean is farther from what is known is left out [m].
        class_fades: after so many scans of one vehicle another tells half as much of its class.
        near_view: [poles], m.
        sums: [poles, 12], to which nothing is added while a change is measured.
        change: sums of changes against the mean of each passage [poles, 12].
        counts: pairs, squares of differences within passages and their number, classes that agree and that were
            compared [poles, 5 or more].
        classes: scans with a wrong and with the right class, those of one vehicle counting less and less
            [poles, 2].

    Returns:
        How many vehicles say that they are nearer to the pole than `near_view` [poles].
    """
    z, last, near = np.empty(6), np.empty(6), np.zeros(len(known))
    for i in range(len(rows)):
        p, n = rows[i], int(pairs.samples[i])
        near[p] += pairs.distance[i] < near_view[p]
        z[:] = pairs.now[i]
        if np.isnan(z[4]) or n < 1 or np.hypot(z[0], z[1]) < near_m:
            continue
        new = 1.0 / (1.0 + n / class_fades)
        if pairs.kind_agrees[i]:
            counts[p, 3] += 1.0
            classes[p, 1] += new
        else:
            classes[p, 0] += new
        counts[p, 4] += 1.0
        if pairs.begun_ns[i] <= changed_ns[p]:
            continue
        mean, base = pairs.mean[i], pairs.base[i]
        turn, latency = known[p, 0], known[p, 1]
        if n > LEAST_PASSAGE:
            last[:] = mean - (z - mean) / (n - 1.0)
            # what is left of a change once the mean has followed it
            left = max(n - max(changing[p], 0.0), 0.0) / n
            if left > 0.3:
                ahead = z[4] - last[4] + turn * (z[1] - last[1]) + latency * (z[2] - last[2])
                aside = z[5] - last[5] - turn * (z[0] - last[0]) + latency * (z[3] - last[3])
                z[4], z[5] = ahead / left, aside / left
                _put(change[p], left * left / noise, z, 1.0)
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
        counts[p, 0] += 1.0
        if n > LEAST_PASSAGE:
            error_x, error_y = pairs.now[i, 4] - mean[4], pairs.now[i, 5] - mean[5]
            counts[p, 1] += n / (n - 1.0) * (error_x * error_x + error_y * error_y)
            counts[p, 2] += 2.0
        # what the scan says beyond what was expected after the one before it
        rest = 1.0 - pairs.gain[i]
        z[:] = (pairs.now[i] - base) / rest
        _put(sums[p], rest / scatter, z, (1.0 - pairs.level[i]) / rest)
        if facing:
            sums[p, 5] += heading_weight
            sums[p, 10] += heading_weight * pairs.error_heading[i]
    return near


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
    return Estimate(*_solve(sums, scale, prior, trust))


@numba.njit(cache=True)
def _solve(sums: F64, scale: F64, prior: F64, trust: F64) -> tuple[F64, F64, F64, F64, F64, F64]:
    """Return the fields of `Estimate`."""
    poles = len(sums)
    value, variance, alone = np.zeros((poles, 4)), np.empty((poles, 4)), np.empty((poles, 4))
    alone_sigma, right, gain = np.empty((poles, 4)), np.empty((poles, 4)), np.zeros((poles, 4))
    a = np.empty((4, 8))
    for p in range(poles):
        n, rx, ry, vx, vy, rr, rv, vv = sums[p, :8] / scale[p]
        right[p] = sums[p, 8:] / scale[p] + trust[p] * prior[p]
        a[:] = 0.0
        a[EAST, TURN] = a[TURN, EAST] = -ry
        a[NORTH, TURN] = a[TURN, NORTH] = rx
        a[EAST, LATENCY] = a[LATENCY, EAST] = -vx
        a[NORTH, LATENCY] = a[LATENCY, NORTH] = -vy
        a[TURN, LATENCY] = a[LATENCY, TURN] = rv
        a[EAST, EAST] = a[NORTH, NORTH] = n
        a[TURN, TURN], a[LATENCY, LATENCY] = rr, vv
        for k in range(4):
            a[k, k] = max(a[k, k], 0.0) + trust[p, k]
            a[k, 4 + k] = 1.0
            alone[p, k], alone_sigma[p, k] = right[p, k] / a[k, k], 1.0 / np.sqrt(a[k, k])
            gain[p, EAST if k == NORTH else k] += right[p, k] ** 2 / a[k, k]
        for k in range(4):  # by elimination: the matrix is positive definite, so no pivot is sought
            a[k] /= a[k, k]
            for other in range(4):
                if other != k:
                    a[other] -= a[other, k] * a[k]
        for k in range(4):
            variance[p, k] = max(a[k, 4 + k], 0.0)  # below only where the sums are of nothing that can be
            for other in range(4):
                value[p, k] += a[k, 4 + other] * right[p, other]
    return value, variance, alone, alone_sigma, right, gain
