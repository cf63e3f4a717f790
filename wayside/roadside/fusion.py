"""The tracker's kernel: one pass over a tick's measurements in the order of their instants.

What is believed of a single road user's motion stands in `motion.py`. Numba's cache watches one file only: after a
change there, drop the compiled kernels of this one.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.roadside.motion import (
    SECOND,
    STEADY_VARIANCE_A,
    VULNERABLE,
    advance,
    agile_spread,
    correct,
    expected,
    forget_bias,
    settle,
    spread,
    steady_noise,
    widen,
)
from wayside.table import I64

CELL_M = 8.0  # side of a cell of the grid in which tracks are found
DISPUTE_NS = 250_000_000  # so long another pole's word stands against a leap
DISPUTE = 0.1  # share of what is disputed that counts as variance
LEAP = 9.0  # squared difference over its variance from which a road user was not where it was believed to be


@numba.njit(cache=True)
def _wrap(angle: Any) -> Any:
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


@numba.njit(cache=True)
def _identity(source: Any, time_ns: Any, number: Any) -> Any:
    """Return an identity drawn from the first measurement by the finisher of SplitMix64; never 0."""
    key = np.uint64(0x9E3779B97F4A7C15)
    for word in (np.uint64(source), np.uint64(time_ns), np.uint64(number)):
        key = key * np.uint64(3) + word
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key if key != np.uint64(0) else np.uint64(1)


@numba.njit(cache=True)
def _velocity_variance(speed: float, s: Any, reported: bool) -> Any:
    along = s.speed_sigma_report if reported else s.speed_sigma_pole
    across = (s.heading_sigma_report if reported else s.heading_sigma_pole) * speed
    return 0.5 * (along * along + across * across)


@numba.njit(cache=True)
def _take_in(t: Any, m: Any, variance: float, reported: bool, disputed: bool, s: Any) -> None:
    """Update a track with a measurement that was found to be of it, be it newer or older than the state.

    What is far off has leapt, and is believed where it is now; but if another pole has just seen it elsewhere, one
    of both is wrong, and neither is believed much.
    """
    ahead = (m.time_ns - t.time_ns) * SECOND
    advance(t, m.time_ns, s)
    if ahead > 0.0 and not np.isnan(t.heading):
        t.heading = _wrap(t.heading + t.yaw_rate * min(ahead, 0.5))
    dt = min(ahead, 0.0)
    x, y = expected(t, dt)
    dx, dy, hb = m.x - x, m.y - y, 0.0
    if reported:
        dx, dy, hb = dx - t.bias_x, dy - t.bias_y, 1.0
    older = steady_noise(t, s) * abs(dt)
    variance += older * dt * dt / 3.0
    beyond = max(dx * dx + dy * dy - LEAP * spread(t, dt, reported, variance, s), 0.0)
    if disputed:
        variance += DISPUTE * beyond
    else:
        widen(t, beyond)
    surprise = correct(t, m.x, m.y, 1.0, dt, 0.5 * dt * dt, hb, variance, 0.0)
    t.stress += 0.3 * (min(surprise, 10.0) - t.stress)
    heading = m.heading
    if np.isnan(heading):
        heading = np.arctan2(t.velocity_y, t.velocity_x) if t.velocity_x**2 + t.velocity_y**2 > 0.25 else t.heading
    if np.isnan(heading) and m.speed < 0.05:
        heading = 0.0  # what stands, stands in every direction
    if not np.isnan(m.speed * heading):
        vx, vy = m.speed * np.cos(heading), m.speed * np.sin(heading)
        # an old speed says less of the present one, and one that does not lead to where it is seen says little
        variance = _velocity_variance(m.speed, s, reported) * max(t.stress, 1.0) ** 3 + older
        correct(t, vx, vy, 0.0, 1.0, dt, 0.0, variance, 0.0)
    _turn(t, m, reported)
    t.hits = min(t.hits + 1, 65535)
    t.history |= 1


@numba.njit(cache=True)
def _turn(t: Any, m: Any, reported: bool) -> None:
    """Let the heading follow the measured one, and the course when moving; standing, a pole's is not believed."""
    speed = np.hypot(t.velocity_x, t.velocity_y)
    if np.isnan(t.heading):
        t.heading = m.heading
    elif not np.isnan(m.heading) and (reported or speed > 0.5):
        t.heading = _wrap(t.heading + (0.6 if reported else 0.2) * _wrap(m.heading - t.heading))
    if speed > (0.5 if t.kind >= VULNERABLE else 1.5):
        course = np.arctan2(t.velocity_y, t.velocity_x)
        t.heading = course if np.isnan(t.heading) else _wrap(t.heading + 0.4 * _wrap(course - t.heading))


@numba.njit(cache=True)
def _take_in_report(t: Any, r: Any, s: Any) -> None:
    sigma = r.position_sigma if r.position_sigma > 0.0 else 1.0
    white = max(sigma * sigma - s.bias_variance, 0.02)
    if t.heard_ns == 0:
        forget_bias(t, s.bias_variance)  # nothing is known of this sender's
    _take_in(t, r, white, True, False, s)
    if t.bias_x**2 + t.bias_y**2 > 16.0 * s.bias_variance:  # poles saw another vehicle beside it
        widen(t, t.bias_x**2 + t.bias_y**2)
        t.x, t.y = t.x + t.bias_x, t.y + t.bias_y
        forget_bias(t, s.bias_variance)
    t.heard_ns = max(r.time_ns, t.heard_ns)
    facing = r.heading if not np.isnan(r.heading) else t.heading
    if not np.isnan(r.acceleration * r.yaw_rate * r.speed * facing) and r.time_ns >= t.time_ns:
        # what it says of its own acceleration, along and across
        along, across = r.acceleration, r.yaw_rate * r.speed
        cosine, sine = np.cos(facing), np.sin(facing)
        correct(
            t, cosine * along - sine * across, sine * along + cosine * across, 0.0, 0.0, 1.0, 0.0,
            s.acceleration_variance_report, STEADY_VARIANCE_A,
        )  # fmt: skip
    t.sender = r.sender
    t.confirmed = True


@numba.njit(cache=True)
def _take_in_detection(t: Any, d: Any, s: Any) -> None:
    if t.pole == d.pole and t.seen_ns >= d.time_ns:
        return  # a scan that came twice
    sigma = d.position_sigma if d.position_sigma > 0.0 else 0.5
    disputed = t.pole != d.pole and t.pole >= 0 and abs(d.time_ns - t.seen_ns) < DISPUTE_NS
    _take_in(t, d, sigma * sigma, False, disputed, s)
    t.pole = d.pole
    t.seen_ns = max(d.time_ns, t.seen_ns)


@numba.njit(cache=True)
def _start(t: Any, m: Any, reported: bool, s: Any) -> None:
    """Set the state to what one measurement says of it, and wide, for that measurement is taken in right after."""
    t.time_ns = m.time_ns
    t.x, t.y = m.x, m.y
    t.velocity_x = t.velocity_y = 0.0
    sigma = m.position_sigma if m.position_sigma > 0.0 else 0.5
    variance_a = s.agile_variance_vulnerable if m.kind >= VULNERABLE else s.agile_variance_vehicle
    variance_v = 4.0 if m.kind >= VULNERABLE else 100.0
    if not np.isnan(m.speed) and not np.isnan(m.heading):
        t.velocity_x, t.velocity_y = m.speed * np.cos(m.heading), m.speed * np.sin(m.heading)
        variance_v = 4.0 * _velocity_variance(m.speed, s, reported)
    settle(t, 25.0 * sigma * sigma, variance_v, variance_a, s.bias_variance)
    t.stress = 1.0
    t.heading = m.heading
    t.yaw_rate = t.acceleration = 0.0
    t.kind, t.kind_weight, t.length, t.width = m.kind, 0, m.length, m.width


@numba.njit(cache=True)
def _leap(t: Any, m: Any, dx: float, dy: float, s: Any) -> float:
    """Return the cost of a measurement that lies too far aside but moves alike; worse than any within the gate.

    So a vehicle that changes lane faster than the motion model allows is found again, where nothing else is near.
    """
    speed = np.hypot(t.velocity_x, t.velocity_y)
    if not t.confirmed or t.kind >= VULNERABLE or m.kind >= VULNERABLE or t.sources % 2 == 1 or speed < 2.0:
        return np.inf
    along = (t.velocity_x * dx + t.velocity_y * dy) / speed
    turn = abs(_wrap(m.heading - np.arctan2(t.velocity_y, t.velocity_x)))
    # what was not measured speaks neither for nor against
    if abs(along) < 2.5 and not abs(m.speed - speed) >= 2.0 and not turn >= 0.3:
        return 1000.0 + dx * dx + dy * dy
    return np.inf


@numba.njit(cache=True)
def _cost(t: Any, m: Any, variance: float, reported: bool, s: Any) -> float:
    """Return how badly a measurement fits a track; inf where it cannot be of it."""
    dt = (m.time_ns - t.time_ns) * SECOND
    x, y = expected(t, dt)
    dx, dy = m.x - x, m.y - y
    squared = dx * dx + dy * dy
    reach = s.reach_vulnerable if min(m.kind, t.kind) >= VULNERABLE else s.reach_vehicle
    if squared > reach * reach:
        return np.inf
    total = spread(t, dt, reported, variance, s)
    if squared > s.gate * max(total, agile_spread(t, dt, variance)):
        return _leap(t, m, dx, dy, s)
    # the logarithm keeps vague tracks from winning by being vague
    cost = squared / total + 2.0 * np.log(total / variance)
    if (m.kind >= VULNERABLE) != (t.kind >= VULNERABLE) and m.kind != 0 and t.kind != 0:
        cost += 6.0
    elif m.kind != t.kind:
        cost += 0.5
    speed = np.hypot(t.velocity_x, t.velocity_y)
    if speed > 2.0 and m.speed > 2.0 and not np.isnan(m.heading) and t.variance_v < 4.0:
        turn = _wrap(m.heading - np.arctan2(t.velocity_y, t.velocity_x))
        if abs(turn) > 1.3:
            return np.inf
        cost += (turn / s.heading_sigma) ** 2
    return cost if cost <= 2.0 * s.gate else _leap(t, m, dx, dy, s)


@numba.njit(cache=True)
def _insert(t: Any, row: int, time_ns: int, grid: Any) -> None:
    """Put a track into the grid where it is expected at the grid's instant."""
    heads, following, columns, lines = grid
    dt = (time_ns - t.time_ns) * SECOND
    columns[row] = np.floor((t.x + t.velocity_x * dt) / CELL_M)
    lines[row] = np.floor((t.y + t.velocity_y * dt) / CELL_M)
    cell = ((columns[row] * 73856093) ^ (lines[row] * 19349663)) & (len(heads) - 1)
    following[row] = heads[cell]
    heads[cell] = row


@numba.njit(cache=True)
def _assign(tracks: Any, measured: Any, chosen: I64, reported: bool, grid_ns: int, grid: Any, s: Any) -> I64:
    """Return the track of each chosen measurement, -1 where none: best pairs first, each once.

    Ties fall in the order of the rows, which is the order of keys; so neither the order of arrival nor far
    rows can change the result.
    """
    costs = np.empty(4 * len(chosen) + 16, np.float64)
    pairs = np.empty((4 * len(chosen) + 16, 2), np.int64)
    count = 0
    heads, following, columns, lines = grid
    for place in range(len(chosen)):
        m = measured[chosen[place]]
        sigma = m.position_sigma if m.position_sigma > 0.0 else 0.5
        lag = abs(m.time_ns - grid_ns) * SECOND
        rings = int(np.ceil((s.reach_vehicle + 1.0 + 45.0 * lag) / CELL_M))
        column, line = int(np.floor(m.x / CELL_M)), int(np.floor(m.y / CELL_M))
        first = count
        for i in range(column - rings, column + rings + 1):
            for j in range(line - rings, line + rings + 1):
                row = heads[((i * 73856093) ^ (j * 19349663)) & (len(heads) - 1)]
                while row >= 0:
                    t, here = tracks[row], row
                    row = following[row]
                    if columns[here] != i or lines[here] != j:
                        continue  # of another cell that shares the place in the table
                    if reported and (t.sender != np.uint64(0) or t.kind >= VULNERABLE):
                        continue
                    cost = _cost(t, m, sigma * sigma, reported, s)
                    if cost == np.inf:
                        continue
                    if count == len(costs):
                        costs = np.concatenate((costs, np.empty_like(costs)))
                        pairs = np.concatenate((pairs, np.empty_like(pairs)))
                    at = count
                    while at > first and pairs[at - 1, 1] > here:
                        costs[at], pairs[at] = costs[at - 1], pairs[at - 1]
                        at -= 1
                    costs[at], pairs[at, 0], pairs[at, 1] = cost, place, here
                    count += 1
    result = np.full(len(chosen), -1, np.int64)
    order = np.argsort(costs[:count], kind="mergesort")
    taken = set([-1])  # noqa: C405 - Numba infers the type from the list
    for k in order:
        place, row = pairs[k]
        if result[place] < 0 and row not in taken:
            result[place] = row
            taken.add(row)
    return result


@numba.njit(cache=True)
def _open(t: Any, source: Any, number: Any, m: Any, reported: bool, s: Any) -> None:
    """Make a new track of a measurement that is of none."""
    t.id = _identity(source, m.time_ns, number)
    t.sender = np.uint64(0)
    t.sources = t.hits = t.history = 0
    t.confirmed = False
    t.pole = -1
    t.born_ns = m.time_ns
    t.heard_ns = t.seen_ns = 0
    _start(t, m, reported, s)


@numba.njit(cache=True)
def _meet(tracks: Any, count: int, reports: Any, bound: I64, grid_ns: int, grid: Any, s: Any) -> int:
    """Find or open a track for each report whose sender has none; `bound` gets it. Return the number of tracks."""
    strangers = np.empty(len(reports), np.int64)
    met = 0
    for k in range(len(reports)):
        r = reports[k]
        if bound[k] >= 0:
            t = tracks[bound[k]]
            dt = (r.time_ns - t.time_ns) * SECOND
            off = np.hypot(r.x - t.x - t.velocity_x * dt - t.bias_x, r.y - t.y - t.velocity_y * dt - t.bias_y)
            if off > s.reach_vehicle + 3.0 * np.sqrt(spread(t, dt, True, 0.1, s)):
                if r.time_ns - t.seen_ns > s.unbind_ns:
                    _start(t, r, True, s)
                else:  # the pole sees another vehicle than the one that speaks
                    t.sender, t.heard_ns = np.uint64(0), 0
                    bound[k] = -1
        # of several reports of a stranger the newest is enough to meet it
        if bound[k] == -1 and (k + 1 == len(reports) or reports[k + 1].sender != r.sender):
            strangers[met] = k
            met += 1
    rows = _assign(tracks, reports, strangers[:met], True, grid_ns, grid, s)
    for place in range(met):
        k, row = strangers[place], rows[place]
        if row < 0:
            row = count
            _open(tracks[row], reports[k].sender, np.uint64(1 << 32), reports[k], True, s)
            _insert(tracks[row], row, grid_ns, grid)
            count += 1
        tracks[row].sender = reports[k].sender
        bound[k] = row
    return count


@numba.njit(cache=True)
def fuse(
    tracks: Any,
    count: int,
    reports: Any,
    bound: I64,
    detections: Any,
    owner: I64,
    scans: I64,
    order: I64,
    grid_ns: int,
    s: Any,
) -> int:
    """Take a tick's measurements into the tracks, in place; return how many tracks there are then.

    Args:
        tracks: records of `Tracks`; the first `count` are those of the last tick, the rest is room for new ones.
        count: number of tracks.
        reports: records of `Reports`, in key order.
        bound: row of the track each report's sender is bound to, -1 none; changed in place.
        detections: records of `Detections`, in key order.
        owner: to be filled with the row of the track each detection is of.
        scans: first detection of each scan, and the number of detections at the end.
        order: the order of instants, of all reports (0, 1, ...) followed by all scans.
        grid_ns: usual instant of the measurements.
        s: settings.
    """
    size = 64
    while size < 2 * len(tracks):
        size *= 2
    places = np.empty((3, len(tracks)), np.int64)
    grid = np.full(size, -1, np.int32), places[0], places[1], places[2]
    for row in range(count):
        tracks[row].history = (tracks[row].history << 1) & 255
        _insert(tracks[row], row, grid_ns, grid)
    count = _meet(tracks, count, reports, bound, grid_ns, grid, s)
    for k in order:
        if k < len(reports):
            if bound[k] >= 0:
                _take_in_report(tracks[bound[k]], reports[k], s)
            continue
        scan = np.arange(scans[k - len(reports)], scans[k - len(reports) + 1])
        rows = _assign(tracks, detections, scan, False, grid_ns, grid, s)
        for place in range(len(scan)):
            d, row = detections[scan[place]], rows[place]
            if row < 0:
                row = count
                _open(tracks[row], np.uint64(d.pole), np.uint64(d.number), d, False, s)
                _insert(tracks[row], row, grid_ns, grid)
                count += 1
            owner[scan[place]] = row
            _take_in_detection(tracks[row], d, s)
    return count
