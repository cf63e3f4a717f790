"""Each pole's lists followed from scan to scan: what comes and goes, what trembles, what never changes.

This is no tracker. It takes the nearest of both scans and asks nothing of other poles, so that what it tells of a
pole is the pole's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numba
import numpy as np

from wayside.roadside.quality_tables import PoleObjects
from wayside.roadside.tables import Detections, Poles
from wayside.step import step
from wayside.table import F64, I64, U16, Bool

SECOND = 1e-9  # [s] in a nanosecond


class PoleObjectsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `pole_objects`."""

    within_m: float = 4.0  # an object is at most so far from where it was going
    gone_after_s: float = 0.5  # one that was in no scan for so long has ended
    forgotten_after_s: float = 5.0  # where no scan comes at all, nothing ends, but is forgotten
    inner_share: float = 0.7  # share of the range within which nothing should come from nowhere


class Scans(NamedTuple):
    """The newest scan of each pole at one tick: rows `first` up to `last` of the detections in key order."""

    first: I64
    last: I64


def newest_scans(detections: Detections, poles: Poles) -> Scans:
    """Return where each pole's newest scan stands, one entry per row of `poles`; an empty range where none came.

    Args:
        detections: in key order.
        poles: in key order.
    """
    first, last = _newest(detections.pole, detections.time_ns, poles.pole)
    return Scans(first, last)


@numba.njit(cache=True)
def _newest(pole: U16, time_ns: I64, posts: U16) -> tuple[I64, I64]:
    """Return where the last scan of each of the posts begins and ends among rows in order of pole and instant."""
    first, last = np.empty(len(posts), np.int64), np.empty(len(posts), np.int64)
    for p in range(len(posts)):
        end = np.searchsorted(pole, posts[p], side="right")
        begin = end
        if end > 0 and time_ns[end - 1] > 0:
            while begin > 0 and pole[begin - 1] == posts[p] and time_ns[begin - 1] == time_ns[end - 1]:
                begin -= 1
        first[p], last[p] = begin, end
    return first, last


class _Followed(NamedTuple):
    """The columns of `PoleObjects`, as the kernel takes and returns them."""

    pole: U16
    first_ns: I64
    number: U16
    time_ns: I64
    x: F64
    y: F64
    velocity_x: F64
    velocity_y: F64
    surprise: F64
    repeated: Bool
    ended: Bool
    inner: Bool


@numba.njit(cache=True)
def _follow(  # noqa: PLR0915
    old: _Followed, new: _Followed, pole: U16, pole_x: F64, pole_y: F64, pole_range: F64, scan_first: I64,
    scan_last: I64, time_ns: I64, number: U16, x: F64, y: F64, velocity_x: F64, velocity_y: F64,
    now_ns: int, within: float, gone_ns: int, forgotten_ns: int, inner_share: float,
) -> int:  # fmt: skip
    """Fill `new` with what is followed after this tick and return how many rows that is."""
    filled = 0
    partner = np.empty(len(old.x), np.int64)  # detection nearest to each old row
    nearest = np.empty(len(x), np.int64)  # old row nearest to each detection
    shortest = np.empty(len(x))
    for p in range(len(pole)):
        begin = np.searchsorted(old.pole, pole[p])
        end = np.searchsorted(old.pole, pole[p], side="right")
        first, last = scan_first[p], scan_last[p]
        scan_ns = time_ns[first] if last > first else np.int64(0)
        newest = np.int64(0)
        for n in range(begin, end):
            newest = max(newest, old.time_ns[n])
        if scan_ns <= newest:  # nothing came, or it came after a later one
            last = first
        nearest[first:last] = -1
        shortest[first:last] = np.inf
        for n in range(begin, end):
            partner[n] = -1
            if old.ended[n]:
                continue
            dt = (scan_ns - old.time_ns[n]) * SECOND
            best = within
            for k in range(first, last):
                dx = x[k] - old.x[n] - old.velocity_x[n] * dt
                dy = y[k] - old.y[n] - old.velocity_y[n] * dt
                if abs(dx) > best or abs(dy) > within:
                    continue
                distance = np.sqrt(dx * dx + dy * dy)
                if distance < best:
                    best, partner[n] = distance, k
                if distance < shortest[k]:
                    shortest[k], nearest[k] = distance, n
        for n in range(begin, end):
            if old.ended[n] or abs(now_ns - old.time_ns[n]) > forgotten_ns:
                continue
            k = partner[n]
            new.pole[filled], new.first_ns[filled] = old.pole[n], old.first_ns[n]
            new.number[filled], new.inner[filled] = old.number[n], old.inner[n]
            if k >= 0 and nearest[k] == n:
                dt = (scan_ns - old.time_ns[n]) * SECOND
                dx = x[k] - old.x[n] - old.velocity_x[n] * dt
                dy = y[k] - old.y[n] - old.velocity_y[n] * dt
                new.surprise[filled] = 0.5 * (dx * dx + dy * dy)
                new.repeated[filled] = x[k] == old.x[n] and y[k] == old.y[n]
                new.time_ns[filled] = scan_ns
                new.x[filled], new.y[filled] = x[k], y[k]
                new.velocity_x[filled], new.velocity_y[filled] = velocity_x[k], velocity_y[k]
                new.ended[filled] = False
                nearest[k] = -2
            else:
                new.surprise[filled], new.repeated[filled] = np.nan, False
                new.time_ns[filled] = old.time_ns[n]
                new.x[filled], new.y[filled] = old.x[n], old.y[n]
                new.velocity_x[filled], new.velocity_y[filled] = old.velocity_x[n], old.velocity_y[n]
                new.ended[filled] = last > first and scan_ns - old.time_ns[n] > gone_ns
            filled += 1
        for k in range(first, last):
            if nearest[k] == -2:
                continue
            new.pole[filled], new.first_ns[filled], new.number[filled] = pole[p], scan_ns, number[k]
            new.time_ns[filled], new.x[filled], new.y[filled] = scan_ns, x[k], y[k]
            new.velocity_x[filled], new.velocity_y[filled] = velocity_x[k], velocity_y[k]
            new.surprise[filled], new.repeated[filled], new.ended[filled] = np.nan, False, False
            reach = inner_share * pole_range[p]
            new.inner[filled] = (x[k] - pole_x[p]) ** 2 + (y[k] - pole_y[p]) ** 2 < reach * reach
            filled += 1
    return filled


class Listed(NamedTuple):
    """The columns of `PoleObjects` that tell how lists change."""

    first_ns: I64
    time_ns: I64
    velocity_x: F64
    velocity_y: F64
    surprise: F64
    repeated: Bool
    ended: Bool
    inner: Bool

    @classmethod
    def of(cls, objects: PoleObjects) -> Listed:
        """Return the columns of a table."""
        return cls(*(getattr(objects, name) for name in cls._fields))


@numba.njit(cache=True)
def look_through(
    rows: I64, listed: Listed, scan_ns: I64, came: Bool, young_ns: int, sums: F64
) -> tuple[F64, Bool, Bool, I64]:
    """Add to each pole's sums how its list changed; a list that did not change at all adds nothing of noise.

    Args:
        rows: row of the pole of each object.
        listed: the objects.
        scan_ns: instant of each pole's newest list [poles].
        came: which lists are new.
        young_ns: what lasted less is a ghost.
        sums: surprises squared, their number, ghosts, objects said to stand that did not stay exactly in place and
            those that did [poles, 5], in place.

    Returns:
        Objects followed, whether one in the newest list is said to move, whether that list is the one before
        again, and its length, each [poles].
    """
    poles = len(scan_ns)
    there, moving = np.zeros(poles), np.zeros(poles, np.bool_)
    count, again = np.zeros(poles, np.int64), np.zeros(poles, np.int64)
    for i in range(len(rows)):
        p = rows[i]
        there[p] += not listed.ended[i]
        if listed.ended[i] and listed.inner[i] and listed.time_ns[i] - listed.first_ns[i] < young_ns:
            sums[p, 2] += 1.0
        if came[p] and listed.time_ns[i] == scan_ns[p]:
            count[p] += 1
            again[p] += listed.repeated[i]
            moving[p] |= listed.velocity_x[i] ** 2 + listed.velocity_y[i] ** 2 > 1.0
    same = (count > 0) & (again == count)
    for i in range(len(rows)):
        p = rows[i]
        if same[p] or not came[p] or listed.time_ns[i] != scan_ns[p] or np.isnan(listed.surprise[i]):
            continue
        sums[p, 0] += listed.surprise[i]
        sums[p, 1] += 1.0
        if listed.velocity_x[i] ** 2 + listed.velocity_y[i] ** 2 <= 1.0:
            sums[p, 4 if listed.repeated[i] else 3] += 1.0
    return there, moving, same, count


@step(period_s=0.2, reach_m=150)
def pole_objects(
    detections: Detections, poles: Poles, before: PoleObjects, *, config: PoleObjectsConfig, time_ns: int
) -> PoleObjects:
    """Follow what stands in each pole's newest list back to the list before.

    Args:
        detections: what poles saw; where several scans of a pole came, only the newest counts.
        poles: where poles stand.
        before: what was followed so far.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per object that is or was lately in a list; `ended` for one tick when it has gone.

    Limits: of two objects that pass within a metre or two the followed ones may be exchanged.
    """
    if not len(poles) or not (len(detections) or len(before)):
        return PoleObjects.empty()
    detections, poles, before = detections.in_order(), poles.in_order(), before.in_order()
    scans = newest_scans(detections, poles)
    heading, speed = detections.heading, detections.speed
    known = ~np.isnan(heading + speed)
    pace = np.where(known, speed, 0.0)
    towards = np.where(known, heading, 0.0)
    rows = len(before) + len(detections)
    made: dict[str, Any] = {name: np.empty(rows, c.dtype) for name, c in PoleObjects.columns.items()}
    count = _follow(
        _Followed(*(getattr(before, name) for name in _Followed._fields)), _Followed(**made),
        poles.pole, poles.x, poles.y, poles.range, scans.first, scans.last,
        detections.time_ns, detections.number, detections.x, detections.y,
        pace * np.cos(towards), pace * np.sin(towards), time_ns, config.within_m,
        round(config.gone_after_s / SECOND), round(config.forgotten_after_s / SECOND), config.inner_share,
    )  # fmt: skip
    return PoleObjects(**{name: values[:count] for name, values in made.items()})
