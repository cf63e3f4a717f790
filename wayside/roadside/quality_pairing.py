"""Which detection of a scan is which reporting vehicle, and whether a pole should have seen it."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from wayside.roadside.quality_objects import SECOND
from wayside.roadside.quality_tables import Sight
from wayside.table import F64, I64, U8, U16, U64, Bool
from wayside.v2x.tables import Kind

SECTORS = 12  # of bearing, 30 degrees each
RINGS = 5  # of distance, a fifth of the range each
SLOW = 3.0  # below that a heading says little [m/s]
SCATTER_M = 1.03  # of one scan's difference, per axis: 0.42 m, where six in a row tell as much as one
MOST_SAMPLES = 60_000  # a count of scans goes no further
# compiled kernels know plain numbers only
_UNTOLD, _SEEN, _MISSED, _HIDDEN = (int(s) for s in (Sight.UNTOLD, Sight.SEEN, Sight.MISSED, Sight.HIDDEN))
_TALL = tuple(int(kind) for kind in (Kind.UNKNOWN, Kind.BUS, Kind.TRUCK))


class Memory(NamedTuple):
    """The columns of `PolePairs`, as the kernel takes and returns them."""

    pole: U16
    sender: U64
    x: F64
    y: F64
    time_ns: I64
    sight: U8
    bearing: F64
    distance: F64
    speed: F64
    sigma: F64
    begun_ns: I64
    samples: U16
    now: F64
    error_heading: F64
    kind_agrees: Bool
    mean: F64
    base: F64
    level: F64
    gain: F64
    recent_error_x: F64
    recent_error_y: F64
    cell: U16
    cell_scans: U16


class Heard(NamedTuple):
    """Reports, as columns in order of x."""

    sender: U64
    time_ns: I64
    kind: U8
    x: F64
    y: F64
    heading: F64
    speed: F64
    acceleration: F64
    yaw_rate: F64
    sigma: F64


class Seen(NamedTuple):
    """Detections, as columns in key order."""

    time_ns: I64
    kind: U8
    x: F64
    y: F64
    heading: F64
    speed: F64
    length: F64
    width: F64


class Posts(NamedTuple):
    """Poles, as columns in key order, with their newest scans."""

    pole: U16
    x: F64
    y: F64
    range: F64
    facing: F64
    field_of_view: F64
    first: I64
    last: I64


@numba.njit(cache=True)
def _turn(angle: float) -> float:
    """Return an angle between -pi and pi."""
    return float(angle - 2.0 * np.pi * np.rint(angle / (2.0 * np.pi)))


@numba.njit(cache=True)
def _hidden(
    seen: Seen, first: int, last: int, pole_x: float, pole_y: float, bearing: float, away: float,
    low_from: float, tall_from: float, margin: float,
) -> bool:  # fmt: skip
    """Tell whether something seen stands in front of a place."""
    for k in range(first, last):
        dx, dy = seen.x[k] - pole_x, seen.y[k] - pole_y
        near = np.hypot(dx, dy)
        tall = seen.kind[k] in _TALL
        if not (tall_from if tall else low_from) * away <= near <= away - 0.5:
            continue
        towards = np.arctan2(dy, dx)
        length = 4.5 if np.isnan(seen.length[k]) else seen.length[k]
        width = 1.8 if np.isnan(seen.width[k]) else seen.width[k]
        across = length
        if not np.isnan(seen.heading[k]):
            turned = seen.heading[k] - towards
            across = abs(np.sin(turned)) * length + abs(np.cos(turned)) * width
        if abs(_turn(bearing - towards)) < np.arctan2(0.5 * across, near) + margin:
            return True
    return False


@numba.njit(cache=True)
def _another(heard: Heard, r: int, low: int, high: int, x: float, y: float, dt: float, apart: float) -> bool:
    """Tell whether another report is nearer to a place than that of row r, which is so far apart."""
    for other in range(low, high):
        if other == r:
            continue
        way = heard.speed[other] * dt
        dx = x - heard.x[other] - way * np.cos(heard.heading[other])
        dy = y - heard.y[other] - way * np.sin(heard.heading[other])
        if dx * dx + dy * dy < apart * apart:
            return True
    return False


@numba.njit(cache=True)
def _remember(new: Memory, f: int, old: Memory, n: int) -> None:
    """Copy what is remembered of a passage."""
    new.mean[f], new.base[f], new.level[f], new.gain[f] = old.mean[n], old.base[n], old.level[n], old.gain[n]
    new.recent_error_x[f], new.recent_error_y[f] = old.recent_error_x[n], old.recent_error_y[n]


@numba.njit(cache=True)
def _keep(new: Memory, f: int, old: Memory, n: int) -> None:
    """Copy the row of a vehicle that was not heard at this tick."""
    new.pole[f], new.sender[f], new.x[f], new.y[f] = old.pole[n], old.sender[n], old.x[n], old.y[n]
    new.time_ns[f], new.bearing[f], new.distance[f] = old.time_ns[n], old.bearing[n], old.distance[n]
    new.speed[f], new.sigma[f], new.samples[f] = old.speed[n], old.sigma[n], old.samples[n]
    _remember(new, f, old, n)
    new.cell[f], new.cell_scans[f], new.sight[f] = old.cell[n], old.cell_scans[n], _UNTOLD
    new.begun_ns[f] = old.begun_ns[n]
    _clear(new, f)


@numba.njit(cache=True)
def _clear(new: Memory, f: int) -> None:
    """Say that the row was not paired at this tick."""
    new.now[f], new.error_heading[f] = np.nan, np.nan
    new.kind_agrees[f] = False


@numba.njit(cache=True)
def _expect(new: Memory, f: int, sigma: float, kept: float, own_error: float) -> None:
    """Let `base` follow the newest difference as far as the vehicle's own error may have changed."""
    variance = (max(sigma, own_error) / SCATTER_M) ** 2  # of that error, as a multiple of a scan's
    if new.gain[f] == 0.0:  # nothing is known of it
        before = variance
    else:
        before = variance + kept * kept * (new.gain[f] - variance)
        new.base[f] *= kept
        new.level[f] *= kept
    gain = before / (before + 1.0)  # and this, too, is the variance that remains
    new.base[f] += gain * (new.now[f] - new.base[f])
    new.level[f] += gain * (1.0 - new.level[f])
    new.gain[f] = gain


@numba.njit(cache=True)
def pair(  # noqa: PLR0915
    old: Memory, new: Memory, heard: Heard, seen: Seen, posts: Posts, now_ns: int,
    within: float, time_error: float, clear: float, speed_within: float, heading_within: float, again: float,
    recent: float, stale: float, forgotten_ns: int, from_m: float, view_share: float, low_from: float,
    tall_from: float, margin: float, begins_from: float, kept: float, own_error: float,
) -> int:  # fmt: skip
    """Fill `new` with the pairs after this tick and return how many rows that is."""
    filled = 0
    for p in range(len(posts.pole)):
        begin = np.searchsorted(old.pole, posts.pole[p])
        end = np.searchsorted(old.pole, posts.pole[p], side="right")
        known = np.zeros(end - begin, np.bool_)
        pole_x, pole_y, reach = posts.x[p], posts.y[p], posts.range[p]
        first, last = posts.first[p], posts.last[p]
        low = np.searchsorted(heard.x, pole_x - reach)
        high = np.searchsorted(heard.x, pole_x + reach, side="right")
        for r in range(low, high):
            if abs(heard.y[r] - pole_y) > reach:
                continue
            # where it was at the instant of the scan
            speed, heading = heard.speed[r], heard.heading[r]
            dt = (seen.time_ns[first] - heard.time_ns[r]) * SECOND if last > first else 0.0
            timely = last > first and abs(dt) <= stale
            if not timely:
                dt = 0.0
            towards = heading + 0.5 * heard.yaw_rate[r] * dt
            way = (speed + 0.5 * heard.acceleration[r] * dt) * dt
            there_x, there_y = heard.x[r] + way * np.cos(towards), heard.y[r] + way * np.sin(towards)
            heading += heard.yaw_rate[r] * dt
            speed = max(speed + heard.acceleration[r] * dt, 0.0)
            cosine, sine = np.cos(heading), np.sin(heading)
            away_x, away_y = there_x - pole_x, there_y - pole_y
            away, bearing = np.hypot(away_x, away_y), np.arctan2(away_y, away_x)
            if away > reach:
                continue
            n = begin + np.searchsorted(old.sender[begin:end], heard.sender[r])
            remembered = n < end and old.sender[n] == heard.sender[r]
            if remembered:
                known[n - begin] = True
            samples = np.int64(old.samples[n]) if remembered else 0
            # the nearest detections, an error of time forgiven along the way; and the one it was paired with
            nearest, second, best = np.inf, np.inf, -1
            again_at, again_best, again_to = again, -1, np.inf
            stretch = 1.0 + time_error * speed
            if timely:
                for k in range(first, last):
                    dx, dy = seen.x[k] - there_x, seen.y[k] - there_y
                    along, across = cosine * dx + sine * dy, cosine * dy - sine * dx
                    if abs(across) > within + clear or abs(along) > (within + clear) * stretch:
                        continue
                    gap = np.hypot(along / stretch, across)
                    alike = not abs(seen.speed[k] - speed) > speed_within
                    if speed > SLOW and abs(_turn(seen.heading[k] - heading)) > heading_within:
                        alike = False
                    if gap < nearest:
                        nearest, second, best = gap, nearest, (k if alike else -1)
                    elif gap < second:
                        second = gap
                    if samples > 0 and alike:
                        gap_again = np.hypot(dx - old.recent_error_x[n], dy - old.recent_error_y[n])
                        if gap_again < again_at:
                            again_at, again_best, again_to = gap_again, k, gap
            chosen = -1
            if again_best >= 0 and not again_to > nearest + clear:
                chosen = again_best
            elif nearest < within and second > nearest + clear and best >= 0 and speed > begins_from:
                apart = np.hypot(seen.x[best] - there_x, seen.y[best] - there_y)
                if not _another(heard, r, low, high, seen.x[best], seen.y[best], dt, apart):
                    chosen = best
                    samples = 0
            view = abs(_turn(bearing - posts.facing[p])) <= 0.5 * view_share * posts.field_of_view[p]
            asked = timely and from_m <= away <= view_share * reach and (view or posts.field_of_view[p] > 6.2)
            sight = _UNTOLD
            if chosen >= 0 or (asked and nearest < within):
                sight = _SEEN
            elif asked and _hidden(seen, first, last, pole_x, pole_y, bearing, away, low_from, tall_from, margin):
                sight = _HIDDEN
            elif asked:
                sight = _MISSED
            f = filled
            filled += 1
            new.pole[f], new.sender[f], new.x[f], new.y[f] = posts.pole[p], heard.sender[r], pole_x, pole_y
            new.time_ns[f], new.bearing[f], new.distance[f] = heard.time_ns[r], bearing, away
            new.speed[f], new.sigma[f] = heard.speed[r], heard.sigma[r]
            _clear(new, f)
            if remembered and samples > 0:
                _remember(new, f, old, n)
            else:
                new.mean[f], new.base[f], new.level[f], new.gain[f] = 0.0, 0.0, 0.0, 0.0
                new.recent_error_x[f], new.recent_error_y[f] = 0.0, 0.0
            if chosen >= 0:
                k = chosen
                samples = min(samples + 1, MOST_SAMPLES)
                error_x, error_y = seen.x[k] - there_x, seen.y[k] - there_y
                now = new.now[f]
                now[0], now[1], now[2], now[3] = away_x, away_y, speed * cosine, speed * sine
                now[4], now[5] = error_x, error_y
                if speed > SLOW:
                    new.error_heading[f] = _turn(seen.heading[k] - heading)
                new.kind_agrees[f] = seen.kind[k] == heard.kind[r]
                share = 1.0 / samples
                new.mean[f] += share * (now - new.mean[f])
                _expect(new, f, heard.sigma[r], kept, own_error)
                share = max(share, recent)
                new.recent_error_x[f] += share * (error_x - new.recent_error_x[f])
                new.recent_error_y[f] += share * (error_y - new.recent_error_y[f])
            new.samples[f], new.sight[f] = samples, sight
            new.begun_ns[f] = 0 if samples == 0 else (now_ns if samples == 1 else old.begun_ns[n])
            sector = int((bearing + np.pi) / (2.0 * np.pi) * SECTORS) % SECTORS
            cell = min(int(away / reach * RINGS), RINGS - 1) * SECTORS + sector
            new.cell[f], new.cell_scans[f] = cell, 0
            if sight in (_SEEN, _MISSED):
                same = remembered and old.cell[n] == cell and old.sight[n] in (sight, _UNTOLD, _HIDDEN)
                new.cell_scans[f] = min(np.int64(old.cell_scans[n]) + 1 if same else 1, MOST_SAMPLES)
            elif remembered and old.cell[n] == cell:
                new.cell_scans[f] = old.cell_scans[n]
        for n in range(begin, end):
            if known[n - begin] or now_ns - old.time_ns[n] > forgotten_ns:
                continue
            _keep(new, filled, old, n)
            filled += 1
    return filled
