"""When two moving bodies first touch, and how sure that is: oriented boxes swept along their forecasts.

Between two instants of a forecast both centres move evenly, so the moment of contact is found exactly; fast
bodies cannot jump through each other however far apart the instants are.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S
from wayside.table import F64

DEEPEN_STEPS = 3  # instants after the first touch in which the overlap may still deepen


@numba.njit(cache=True, inline="always")
def _clip(p0: float, rate: float, reach: float, start: float, end: float) -> tuple[float, float]:
    """Return the part of [start, end] in which a point that goes from p0 by `rate` lies within `reach` of 0."""
    if abs(rate) < 1e-9:
        return (start, end) if abs(p0) <= reach else (1.0, 0.0)
    a, b = (-reach - p0) / rate, (reach - p0) / rate
    return max(start, min(a, b)), min(end, max(a, b))


@numba.njit(cache=True)
def touch_within(
    x0: float, y0: float, x1: float, y1: float, h1: float, l1: float, w1: float, h2: float, l2: float, w2: float
) -> tuple[float, float]:
    """Return the part [from, until] of a step in which two boxes overlap; from > until if they do not.

    x0, y0, x1, y1: second centre less first, at the step's beginning and end [m]; h: headings [rad]; l, w: half
    sizes [m].
    """
    c1, s1, c2, s2 = math.cos(h1), math.sin(h1), math.cos(h2), math.sin(h2)
    c, s = abs(c1 * c2 + s1 * s2), abs(s1 * c2 - c1 * s2)
    dx, dy = x1 - x0, y1 - y0
    # apart along one of the four directions of their sides is apart
    start, end = _clip(x0 * c1 + y0 * s1, dx * c1 + dy * s1, l1 + l2 * c + w2 * s, 0.0, 1.0)
    if start <= end:
        start, end = _clip(y0 * c1 - x0 * s1, dy * c1 - dx * s1, w1 + l2 * s + w2 * c, start, end)
    if start <= end:
        start, end = _clip(x0 * c2 + y0 * s2, dx * c2 + dy * s2, l2 + l1 * c + w1 * s, start, end)
    if start <= end:
        start, end = _clip(y0 * c2 - x0 * s2, dy * c2 - dx * s2, w2 + l1 * s + w1 * c, start, end)
    return start, end


@numba.njit(cache=True)
def overlap(x: float, y: float, h1: float, l1: float, w1: float, h2: float, l2: float, w2: float) -> float:
    """Return how deep two boxes overlap [m], negative if they are apart."""
    c1, s1, c2, s2 = math.cos(h1), math.sin(h1), math.cos(h2), math.sin(h2)
    c, s = abs(c1 * c2 + s1 * s2), abs(s1 * c2 - c1 * s2)
    return min(
        l1 + l2 * c + w2 * s - abs(x * c1 + y * s1),
        w1 + l2 * s + w2 * c - abs(y * c1 - x * s1),
        l2 + l1 * c + w1 * s - abs(x * c2 + y * s2),
        w2 + l1 * s + w1 * c - abs(y * c2 - x * s2),
    )


@numba.njit(cache=True)
def first_contact(
    x1: float, y1: float, h1: float, l1: float, w1: float, fx1: F64, fy1: F64, fh1: F64, fs1: F64,
    x2: float, y2: float, h2: float, l2: float, w2: float, fx2: F64, fy2: F64, fh2: F64, fs2: F64,
    steps: int,
) -> tuple[float, float, float]:  # fmt: skip
    """Return time [s], confidence and relative heading [rad] of the first contact; time is NaN if there is none.

    Args:
        x1, y1, h1: centre [m] and heading [rad] now.
        l1, w1: half length and half width [m].
        fx1, fy1, fh1, fs1: the forecast: centres [m], headings [rad], standard deviations [m].
        x2, y2, h2, l2, w2, fx2, fy2, fh2, fs2: the same of the other.
        steps: instants of the forecast to look at.

    The confidence is the chance that bodies foreseen to overlap so deep do overlap, given both deviations.
    """
    reach = math.hypot(l1, w1) + math.hypot(l2, w2)
    ax, ay, ah, bh = x2 - x1, y2 - y1, h1, h2
    for k in range(steps):
        bx, by = fx2[k] - fx1[k], fy2[k] - fy1[k]
        dx, dy = bx - ax, by - ay
        moved = dx * dx + dy * dy
        nearest = min(max(-(ax * dx + ay * dy) / moved, 0.0), 1.0) if moved > 0 else 0.0
        if (ax + nearest * dx) ** 2 + (ay + nearest * dy) ** 2 <= reach * reach:
            start, end = touch_within(ax, ay, bx, by, ah, l1, w1, bh, l2, w2)
            if start <= end:
                middle = (start + end) / 2
                deep = overlap(ax + middle * dx, ay + middle * dy, ah, l1, w1, bh, l2, w2)
                for m in range(k, min(k + DEEPEN_STEPS, fx1.size)):
                    deep = max(deep, overlap(fx2[m] - fx1[m], fy2[m] - fy1[m], fh1[m], l1, w1, fh2[m], l2, w2))
                sigma = math.sqrt(fs1[k] ** 2 + fs2[k] ** 2)
                confidence = 1.0 if not sigma > 0 else 0.5 * (1 + math.erf(deep / sigma / math.sqrt(2.0)))
                return (k + start) * HORIZON_STEP_S, confidence, bh - ah
        ax, ay, ah, bh = bx, by, fh1[k], fh2[k]
    return np.nan, 0.0, 0.0


@numba.njit(cache=True)
def path_length(x: float, y: float, fx: F64, fy: F64, seconds: float) -> float:
    """Return the length of a forecast path up to an instant `seconds` from now [m]."""
    length, px, py = 0.0, x, y
    for k in range(fx.size):
        part = min(max(seconds / HORIZON_STEP_S - k, 0.0), 1.0)
        if part <= 0:
            break
        length += part * math.hypot(fx[k] - px, fy[k] - py)
        px, py = fx[k], fy[k]
    return length


@numba.njit(cache=True)
def place_on_path(
    x: float, y: float, heading: float, fx: F64, fy: F64, px: float, py: float
) -> tuple[float, float]:
    """Return where a point lies beside a forecast path: distance along it and distance off it [m].

    The path goes straight on past the end of the forecast, and starts at the actor's centre; a point behind has a
    negative distance along.
    """
    along, best_along, best = 0.0, -1.0, 1e18
    ax, ay, c, s = x, y, math.cos(heading), math.sin(heading)
    for k in range(fx.size + 1):
        if k < fx.size:
            dx, dy = fx[k] - ax, fy[k] - ay
            length = math.hypot(dx, dy)
            # a standing body's forecast has no direction of its own
            if length < 1e-3:
                continue
            c, s = dx / length, dy / length
        else:
            length = 1e6
        forward = (px - ax) * c + (py - ay) * s
        inside = min(forward, length)
        if along > 0:
            inside = max(inside, 0.0)
        off = (px - ax - inside * c) ** 2 + (py - ay - inside * s) ** 2
        if off < best:
            best, best_along = off, along + inside
        along += length
        ax, ay = ax + length * c, ay + length * s
    return best_along, math.sqrt(best)
