"""Who will touch whom, when, how, and how surely: computed once, judged by many rules.

A pair is looked at through the forecasts of both. Its paths are first compared second by second as circles; only
where these touch are the bodies swept against each other, which is exact however fast they are.
"""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS, Forecasts
from wayside.guidance.contact import overlap, path_length, touch_within
from wayside.guidance.judging import told_from
from wayside.guidance.neighbourhood import Rows, forecast_rows, near_pairs, reach_circles
from wayside.guidance.tables import Meetings
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

SLICE = 4  # instants of a forecast that are compared as one circle
SLICES = HORIZON_STEPS // SLICE
_PEDESTRIAN, _BICYCLE = int(Kind.PEDESTRIAN), int(Kind.BICYCLE)
DEEPEN_STEPS = 3  # instants after the first touch in which the overlap may still deepen


class MeetingsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which meetings are looked for."""

    horizon_s: float = 4.0  # what comes later nobody is warned of; at most what is forecast
    from_speed: float = 2.0  # [m/s] slower subjects need no warning
    beside_m: float = 0.2  # bodies that pass with less room beside them meet as well
    person_m: float = 0.3  # the same around people on foot and on bicycles
    velocity_sigma: float = 0.4  # [m/s] of how fast and where somebody moves now, per axis


@numba.njit(cache=True)
def _circles(x: F64, y: F64, rows: I64, future_x: F64, future_y: F64) -> F64:
    """Return middle and radius of each second of each path [m], [actors, SLICES, 3]."""
    found = np.full((x.size, SLICES, 3), -1.0)
    for i in range(x.size):
        row = rows[i]
        if row < 0:
            continue
        ax, ay = x[i], y[i]
        for n in range(SLICES):
            last = (n + 1) * SLICE - 1
            cx, cy = (ax + future_x[row, last]) / 2, (ay + future_y[row, last]) / 2
            far = (ax - cx) ** 2 + (ay - cy) ** 2
            for k in range(n * SLICE, last + 1):
                far = max(far, (future_x[row, k] - cx) ** 2 + (future_y[row, k] - cy) ** 2)
            found[i, n] = cx, cy, math.sqrt(far)
            ax, ay = future_x[row, last], future_y[row, last]
    return found


@numba.njit(cache=True, inline="always")
def _first_touch(
    i: int, j: int, a: int, b: int, x: F64, y: F64, heading: F64, half_length: F64, half_width: F64,
    future_x: F64, future_y: F64, future_heading: F64, circles: F64, slices: int, beside: float, around: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Return time [s], depth [m] and relative heading [rad] of the first touch; time NaN if there is none.

    `beside` and `around` are added to the half width and the half length of the second body [m].
    """
    l1, w1, l2, w2 = half_length[i], half_width[i], half_length[j], half_width[j]
    reach = math.hypot(l1, w1) + math.hypot(l2 + around, w2 + beside)
    for n in range(slices):
        dx, dy = circles[i, n, 0] - circles[j, n, 0], circles[i, n, 1] - circles[j, n, 1]
        far = circles[i, n, 2] + circles[j, n, 2] + reach
        if dx * dx + dy * dy > far * far:
            continue
        first = n * SLICE
        if first:
            k = first - 1
            ax, ay = future_x[b, k] - future_x[a, k], future_y[b, k] - future_y[a, k]
            ah, bh = future_heading[a, k], future_heading[b, k]
        else:
            ax, ay, ah, bh = x[j] - x[i], y[j] - y[i], heading[i], heading[j]
        for k in range(first, first + SLICE):
            bx, by = future_x[b, k] - future_x[a, k], future_y[b, k] - future_y[a, k]
            dx, dy = bx - ax, by - ay
            moved = dx * dx + dy * dy
            nearest = min(max(-(ax * dx + ay * dy) / moved, 0.0), 1.0) if moved > 0 else 0.0
            if (ax + nearest * dx) ** 2 + (ay + nearest * dy) ** 2 <= reach * reach:
                start, end = touch_within(ax, ay, bx, by, ah, l1, w1, bh, l2 + around, w2 + beside)
                if start <= end:
                    middle = (start + end) / 2
                    depth = overlap(ax + middle * dx, ay + middle * dy, ah, l1, w1, bh, l2, w2)
                    for m in range(k, min(k + DEEPEN_STEPS, HORIZON_STEPS)):
                        mx, my = future_x[b, m] - future_x[a, m], future_y[b, m] - future_y[a, m]
                        depth = max(
                            depth,
                            overlap(mx, my, future_heading[a, m], l1, w1, future_heading[b, m], l2, w2),
                        )
                    return (k + start) * HORIZON_STEP_S, depth, bh - ah
            ax, ay, ah, bh = bx, by, future_heading[a, k], future_heading[b, k]
    return np.nan, 0.0, 0.0


@numba.njit(cache=True)
def _meet(
    left: Rows, right: Rows, rows: I64, seeks: Bool, person: Bool,
    x: F64, y: F64, heading: F64, half_length: F64, half_width: F64, sigma: F64,
    future_x: F64, future_y: F64, future_heading: F64, slices: int,
    beside: float, around: float, velocity_sigma: float,
) -> tuple[I64, I64, F64]:  # fmt: skip
    """Return rows of subject and other, and time, depth, sigma, turned, mine and theirs of each meeting."""
    circles = _circles(x, y, rows, future_x, future_y)
    size, found = 256, 0
    subject, other, facts = np.empty(size, np.int64), np.empty(size, np.int64), np.empty((size, 6))
    for p in range(left.size):
        i, j = left[p], right[p]
        # of two that seek each other both orders stand next to each other in the list
        if seeks[j] and p > 0 and left[p - 1] == j and right[p - 1] == i:
            continue
        a, b = rows[i], rows[j]
        near = person[j]
        time, depth, turned = _first_touch(
            i, j, a, b, x, y, heading, half_length, half_width, future_x, future_y, future_heading, circles,
            slices, around if near else beside, around if near else 0.0,
        )  # fmt: skip
        if np.isnan(time):
            continue
        mine = path_length(x[i], y[i], future_x[a], future_y[a], time)
        theirs = path_length(x[j], y[j], future_x[b], future_y[b], time)
        moved = velocity_sigma * time
        spread = math.sqrt(sigma[i] ** 2 + sigma[j] ** 2 + 2 * moved * moved)
        turned -= 2 * math.pi * np.rint(turned / (2 * math.pi))
        if found + 2 > size:
            size *= 2
            more_subject, more_other = np.empty(size, np.int64), np.empty(size, np.int64)
            more_facts = np.empty((size, 6))
            more_subject[:found], more_other[:found] = subject[:found], other[:found]
            more_facts[:found] = facts[:found]
            subject, other, facts = more_subject, more_other, more_facts
        subject[found], other[found] = i, j
        facts[found] = time, depth, spread, turned, mine, theirs
        found += 1
        if seeks[j]:
            subject[found], other[found] = j, i
            facts[found] = time, depth, spread, -turned, theirs, mine
            found += 1
    return subject[:found], other[:found], facts[:found]


@step(period_s=0.1, reach_m=250.0)
def meetings(actors: Actors, forecasts: Forecasts, *, config: MeetingsConfig) -> Meetings:
    """Foresee for each moving motor vehicle that can be reached whom it will touch within the horizon.

    Bodies are boxes swept along both forecasts. People, and room beside vehicles, are enlarged a little, so that
    near misses are found as well: their `depth` is negative. `sigma` is how far both may be elsewhere then because
    of what is not known exactly now; what drivers may still decide is left out, since the question is what happens
    if nobody acts.

    Limits: only the first touch of a pair counts; bodies that overlap now have time 0.
    """
    seeks = told_from(actors, config.from_speed)
    if not seeks.any():
        return Meetings.empty()
    rows = forecast_rows(actors, forecasts)
    slices = min(math.ceil(config.horizon_s / (SLICE * HORIZON_STEP_S)), SLICES)
    person = (actors.kind == _PEDESTRIAN) | (actors.kind == _BICYCLE)
    margin = np.where(person, config.person_m, config.beside_m)
    middle_x, middle_y, radius = reach_circles(
        actors.x, actors.y, rows, forecasts.future_x, forecasts.future_y,
        np.full(len(actors), slices * SLICE * HORIZON_STEP_S),
        np.hypot(actors.length / 2 + margin, actors.width / 2 + margin),
    )  # fmt: skip
    left, right = near_pairs(middle_x, middle_y, radius, seeks, np.ones(len(actors), np.bool_))
    if not len(left):
        return Meetings.empty()
    subject, other, facts = _meet(
        left, right, rows, seeks, person,
        actors.x, actors.y, actors.heading, actors.length / 2, actors.width / 2, actors.position_sigma,
        forecasts.future_x, forecasts.future_y, forecasts.future_heading, slices,
        config.beside_m, config.person_m, config.velocity_sigma,
    )  # fmt: skip
    time, depth, sigma, turned, mine, theirs = facts.T
    return Meetings(
        subject=actors.id[subject],
        other=actors.id[other],
        x=actors.x[subject],
        y=actors.y[subject],
        time=time,
        depth=depth,
        sigma=sigma,
        turned=turned,
        mine=mine,
        theirs=theirs,
    )
