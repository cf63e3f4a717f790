"""The tracker's kernel: one pass over a tick's measurements in the order of their instants.

Everything the compiler must see at once is in this file, because Numba's cache watches one file only.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.table import I64

SECOND = 1e-9  # [s] in a nanosecond
CELL_M = 8.0  # side of a cell of the grid in which tracks are found
FULL_WEIGHT = 20  # cap of votes for a class
VULNERABLE = 5  # kinds from here on are cyclists and pedestrians


@numba.njit(cache=True)
def _wrap(angle: float) -> float:
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)


@numba.njit(cache=True)
def _mix(key: Any) -> Any:
    """Return splitmix64 of a 64-bit word."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@numba.njit(cache=True)
def _identity(source: Any, time_ns: Any, number: Any) -> Any:
    """Return an identity drawn from the first measurement; never 0."""
    key = _mix(np.uint64(source) + np.uint64(0x9E3779B97F4A7C15))
    key = _mix(key ^ np.uint64(time_ns))
    key = _mix(key + np.uint64(number))
    return key if key != np.uint64(0) else np.uint64(1)


@numba.njit(cache=True)
def _noise(t: Any, s: Any) -> float:
    """Return the spectral density of the track's acceleration [m2/s3]; more where it has surprised of late."""
    density = s.noise_vulnerable if t.kind >= VULNERABLE else s.noise_vehicle
    return float(density * min(max(t.stress, 1.0), 6.0))


@numba.njit(cache=True)
def _advance(t: Any, time_ns: int, s: Any) -> None:
    """Carry the state forward to an instant; states are never carried back."""
    dt = (time_ns - t.time_ns) * SECOND
    if dt <= 0.0:
        return
    noise = _noise(t, s)
    keep = np.exp(-dt / s.bias_time)
    t.x += t.velocity_x * dt
    t.y += t.velocity_y * dt
    t.bias_x *= keep
    t.bias_y *= keep
    t.variance_p += dt * (2.0 * t.covariance_pv + dt * t.variance_v) + noise * dt**3 / 3.0
    t.covariance_pv += dt * t.variance_v + noise * dt**2 / 2.0
    t.variance_v += noise * dt
    t.covariance_pb = keep * (t.covariance_pb + dt * t.covariance_vb)
    t.covariance_vb *= keep
    t.variance_b = keep**2 * t.variance_b + (1.0 - keep**2) * s.bias_variance
    t.time_ns = time_ns


@numba.njit(cache=True)
def _spread(t: Any, dt: float, reported: bool, variance: float, s: Any) -> float:
    """Return the variance of the difference between a measured and the expected position [m2]."""
    total = t.variance_p + dt * (2.0 * t.covariance_pv + dt * t.variance_v) + variance
    total += _noise(t, s) * abs(dt) ** 3 / 3.0
    if reported:
        total += 2.0 * (t.covariance_pb + dt * t.covariance_vb) + t.variance_b
    return float(max(total, 1e-3))


@numba.njit(cache=True)
def _correct(t: Any, dx: float, dy: float, hp: float, hv: float, hb: float, variance: float) -> float:
    """Take in a difference of hp * position + hv * velocity + hb * bias; return its squared surprise per axis."""
    with_p = hp * t.variance_p + hv * t.covariance_pv + hb * t.covariance_pb
    with_v = hp * t.covariance_pv + hv * t.variance_v + hb * t.covariance_vb
    with_b = hp * t.covariance_pb + hv * t.covariance_vb + hb * t.variance_b
    total = max(hp * with_p + hv * with_v + hb * with_b, 0.0) + variance
    gain_p, gain_v, gain_b = with_p / total, with_v / total, with_b / total
    t.x += gain_p * dx
    t.y += gain_p * dy
    t.velocity_x += gain_v * dx
    t.velocity_y += gain_v * dy
    t.bias_x += gain_b * dx
    t.bias_y += gain_b * dy
    t.variance_p = max(t.variance_p - gain_p * with_p, 4e-4)
    t.covariance_pv -= gain_p * with_v
    t.variance_v = max(t.variance_v - gain_v * with_v, 4e-4)
    t.covariance_pb -= gain_p * with_b
    t.covariance_vb -= gain_v * with_b
    t.variance_b = max(t.variance_b - gain_b * with_b, 4e-4)
    return float((dx * dx + dy * dy) / (2.0 * total))


@numba.njit(cache=True)
def _velocity_variance(speed: float, s: Any, reported: bool) -> float:
    along = s.speed_sigma_report if reported else s.speed_sigma_pole
    across = (s.heading_sigma_report if reported else s.heading_sigma_pole) * speed
    return 0.5 * (along * along + across * across)


@numba.njit(cache=True)
def _take_in(t: Any, m: Any, variance: float, reported: bool, s: Any) -> None:
    """Update one track with one measurement that was found to be of it, be it newer or older than the state."""
    _advance(t, m.time_ns, s)
    dt = min((m.time_ns - t.time_ns) * SECOND, 0.0)
    dx = m.x - t.x - t.velocity_x * dt
    dy = m.y - t.y - t.velocity_y * dt
    hb = 0.0
    if reported:
        dx -= t.bias_x
        dy -= t.bias_y
        hb = 1.0
    variance += _noise(t, s) * abs(dt) ** 3 / 3.0
    surprise = min(_correct(t, dx, dy, 1.0, dt, hb, variance), 10.0)
    speed = np.hypot(t.velocity_x, t.velocity_y)
    if not np.isnan(m.speed):
        heading = m.heading
        if np.isnan(heading):
            heading = np.arctan2(t.velocity_y, t.velocity_x) if speed > 0.5 else t.heading
        if m.speed < 0.05 or not np.isnan(heading):
            vx = m.speed * np.cos(heading) if m.speed >= 0.05 else 0.0
            vy = m.speed * np.sin(heading) if m.speed >= 0.05 else 0.0
            # an old speed says less of the present one
            allowed = _velocity_variance(m.speed, s, reported) + _noise(t, s) * abs(dt)
            squared = _correct(t, vx - t.velocity_x, vy - t.velocity_y, 0.0, 1.0, 0.0, allowed)
            surprise = 0.5 * (surprise + min(squared, 10.0))
    t.stress += 0.2 * (surprise - t.stress)
    speed = np.hypot(t.velocity_x, t.velocity_y)
    if not np.isnan(m.heading) and (reported or speed > 0.5 or np.isnan(t.heading)):
        if np.isnan(t.heading):
            t.heading = m.heading
        else:
            t.heading = _wrap(t.heading + (0.6 if reported else 0.2) * _wrap(m.heading - t.heading))
    if speed > (0.5 if t.kind >= VULNERABLE else 1.5):
        course = np.arctan2(t.velocity_y, t.velocity_x)
        if np.isnan(t.heading):
            t.heading = course
        else:
            t.heading = _wrap(t.heading + 0.4 * _wrap(course - t.heading))
    if t.hits < 65535:
        t.hits += 1
    t.history |= 1


@numba.njit(cache=True)
def _take_in_report(t: Any, r: Any, s: Any) -> None:
    sigma = r.position_sigma if r.position_sigma > 0.0 else 1.0
    white = max(sigma * sigma - s.bias_variance, 0.02)
    if t.heard_ns == 0:
        t.bias_x = t.bias_y = t.covariance_pb = t.covariance_vb = 0.0
        t.variance_b = s.bias_variance
    _take_in(t, r, white, True, s)
    t.kind, t.kind_weight = r.kind, FULL_WEIGHT
    if not np.isnan(r.length):
        t.length = r.length
    if not np.isnan(r.width):
        t.width = r.width
    if r.time_ns >= t.heard_ns:
        t.heard_ns = r.time_ns
    if not np.isnan(r.yaw_rate):
        t.yaw_rate += 0.5 * (r.yaw_rate - t.yaw_rate)
    if not np.isnan(r.acceleration):
        t.acceleration += 0.5 * (r.acceleration - t.acceleration)
    t.sender = r.sender
    t.confirmed = True


@numba.njit(cache=True)
def _take_in_detection(t: Any, d: Any, s: Any) -> None:
    if t.pole == d.pole and t.seen_ns >= d.time_ns:
        return  # a scan that came twice
    sigma = d.position_sigma if d.position_sigma > 0.0 else 0.5
    _take_in(t, d, sigma * sigma, False, s)
    if t.heard_ns == 0:
        if d.kind == t.kind:
            t.kind_weight = min(t.kind_weight + 1, FULL_WEIGHT)
        elif d.kind != 0:
            if t.kind_weight == 0 or t.kind == 0:
                t.kind, t.kind_weight = d.kind, 1
            else:
                t.kind_weight -= 1
        share = 1.0 / min(t.hits, 20)
        if not np.isnan(d.length):
            t.length = d.length if np.isnan(t.length) else t.length + share * (d.length - t.length)
        if not np.isnan(d.width):
            t.width = d.width if np.isnan(t.width) else t.width + share * (d.width - t.width)
    t.pole = d.pole
    if d.time_ns >= t.seen_ns:
        t.seen_ns = d.time_ns


@numba.njit(cache=True)
def _start(t: Any, m: Any, reported: bool, s: Any) -> None:
    """Set the state to what one measurement says of it, and wide, for that measurement is taken in right after."""
    t.time_ns = m.time_ns
    t.x, t.y = m.x, m.y
    t.velocity_x = t.velocity_y = 0.0
    t.bias_x = t.bias_y = t.covariance_pb = t.covariance_vb = t.covariance_pv = 0.0
    t.variance_b = s.bias_variance
    sigma = m.position_sigma if m.position_sigma > 0.0 else 0.5
    t.variance_p = 25.0 * sigma * sigma
    t.variance_v = 4.0 if m.kind >= VULNERABLE else 100.0
    if not np.isnan(m.speed) and not np.isnan(m.heading):
        t.velocity_x, t.velocity_y = m.speed * np.cos(m.heading), m.speed * np.sin(m.heading)
        t.variance_v = 4.0 * _velocity_variance(m.speed, s, reported)
    t.stress = 1.0
    t.heading = m.heading
    t.yaw_rate = t.acceleration = 0.0
    t.kind, t.kind_weight = m.kind, 0
    t.length, t.width = m.length, m.width


@numba.njit(cache=True)
def _cost(t: Any, m: Any, variance: float, reported: bool, s: Any) -> float:
    """Return how badly a measurement fits a track; inf where it cannot be of it."""
    dt = (m.time_ns - t.time_ns) * SECOND
    dx = m.x - t.x - t.velocity_x * dt
    dy = m.y - t.y - t.velocity_y * dt
    if reported and t.heard_ns > 0:
        dx -= t.bias_x
        dy -= t.bias_y
    squared = dx * dx + dy * dy
    vulnerable = (m.kind >= VULNERABLE) and (t.kind >= VULNERABLE)
    reach = s.reach_vulnerable if vulnerable else s.reach_vehicle
    total = _spread(t, dt, reported, variance, s)
    if squared > reach * reach or squared > s.gate * total:
        return np.inf
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
    return cost if cost <= 2.0 * s.gate else np.inf


@numba.njit(cache=True)
def _cell(x: float, y: float, mask: int) -> int:
    column, row = int(np.floor(x / CELL_M)), int(np.floor(y / CELL_M))
    return ((column * 73856093) ^ (row * 19349663)) & mask


@numba.njit(cache=True)
def _insert(t: Any, row: int, time_ns: int, heads: Any, following: Any) -> None:
    """Put a track into the grid where it is expected at the grid's instant."""
    dt = (time_ns - t.time_ns) * SECOND
    cell = _cell(t.x + t.velocity_x * dt, t.y + t.velocity_y * dt, len(heads) - 1)
    following[row] = heads[cell]
    heads[cell] = row


@numba.njit(cache=True)
def _assign(
    tracks: Any, measured: Any, chosen: I64, reported: bool, grid_ns: int, heads: Any, following: Any, s: Any
) -> I64:
    """Return the track of each chosen measurement, -1 where none: best pairs first, each once.

    Ties fall in the order of the rows, which is the order of keys; so neither the order of arrival nor far
    rows can change the result.
    """
    costs = np.empty(4 * len(chosen) + 16, np.float64)
    pairs = np.empty((4 * len(chosen) + 16, 2), np.int64)
    count = 0
    mask = len(heads) - 1
    visited = np.empty(512, np.int64)
    for place in range(len(chosen)):
        m = measured[chosen[place]]
        sigma = m.position_sigma if m.position_sigma > 0.0 else 0.5
        lag = abs(m.time_ns - grid_ns) * SECOND
        rings = min(int(np.ceil((s.reach_vehicle + 1.0 + 45.0 * lag) / CELL_M)), 10)
        cells = 0
        for i in range(-rings, rings + 1):
            for j in range(-rings, rings + 1):
                visited[cells] = _cell(m.x + i * CELL_M, m.y + j * CELL_M, mask)
                cells += 1
        visited[:cells].sort()
        first = count
        for k in range(cells):
            if k > 0 and visited[k] == visited[k - 1]:
                continue  # two cells may share a place in the table
            row = heads[visited[k]]
            while row >= 0:
                t = tracks[row]
                if not (reported and (t.sender != np.uint64(0) or t.kind >= VULNERABLE)):
                    cost = _cost(t, m, sigma * sigma, reported, s)
                    if cost < np.inf:
                        if count == len(costs):
                            costs = np.concatenate((costs, np.empty_like(costs)))
                            pairs = np.concatenate((pairs, np.empty_like(pairs)))
                        at = count
                        while at > first and pairs[at - 1, 1] > row:
                            costs[at], pairs[at] = costs[at - 1], pairs[at - 1]
                            at -= 1
                        costs[at], pairs[at, 0], pairs[at, 1] = cost, place, row
                        count += 1
                row = following[row]
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
def fuse(tracks: Any, count: int, reports: Any, bound: I64, detections: Any, time_ns: int, s: Any) -> int:
    """Take a tick's measurements into the tracks, in place.

    Args:
        tracks: records of `Tracks`; the first `count` are those of the last tick, the rest is room for new ones.
        count: number of tracks.
        reports: records of `Reports`, in key order.
        bound: row of the track each report's sender is bound to, -1 none; changed in place.
        detections: records of `Detections`, in key order.
        time_ns: instant of the tick.
        s: settings.

    Returns:
        The number of tracks now.
    """
    grid_ns = time_ns - s.expected_age_ns
    size = 64
    while size < 2 * len(tracks):
        size *= 2
    heads = np.full(size, -1, np.int32)
    following = np.full(len(tracks), -1, np.int32)
    for row in range(count):
        tracks[row].history = (tracks[row].history << 1) & 255
        _insert(tracks[row], row, grid_ns, heads, following)

    strangers = np.empty(len(reports), np.int64)
    met = 0
    for k in range(len(reports)):
        r = reports[k]
        if not 0 <= time_ns - r.time_ns + 100_000_000 <= s.max_age_ns + 100_000_000:
            bound[k] = -2
            continue
        if bound[k] >= 0:
            t = tracks[bound[k]]
            dt = (r.time_ns - t.time_ns) * SECOND
            off = np.hypot(r.x - t.x - t.velocity_x * dt - t.bias_x, r.y - t.y - t.velocity_y * dt - t.bias_y)
            if off > s.reach_vehicle + 3.0 * np.sqrt(_spread(t, dt, True, 0.1, s)):
                if time_ns - t.seen_ns < s.unbind_ns:
                    t.sender = np.uint64(0)  # the pole sees another vehicle than the one that speaks
                    t.heard_ns = 0
                    bound[k] = -1
                else:
                    _start(t, r, True, s)
        if bound[k] == -1:
            if k + 1 < len(reports) and reports[k + 1].sender == r.sender:
                bound[k] = -2  # the newest report of a stranger is enough to meet it
            else:
                strangers[met] = k
                met += 1
    rows = _assign(tracks, reports, strangers[:met], True, grid_ns, heads, following, s)
    for place in range(met):
        k, row = strangers[place], rows[place]
        if row < 0:
            row = count
            _open(tracks[row], reports[k].sender, np.uint64(0), reports[k], True, s)
            _insert(tracks[row], row, grid_ns, heads, following)
            count += 1
        tracks[row].sender = reports[k].sender
        bound[k] = row

    starts = np.empty(len(detections) + 1, np.int64)
    scans = 0
    for k in range(len(detections)):
        d = detections[k]
        if k == 0 or d.pole != detections[k - 1].pole or d.time_ns != detections[k - 1].time_ns:
            starts[scans] = k
            scans += 1
    starts[scans] = len(detections)
    instants = np.empty(len(reports) + scans, np.int64)
    for k in range(len(reports)):
        instants[k] = reports[k].time_ns
    for k in range(scans):
        instants[len(reports) + k] = detections[starts[k]].time_ns
    for k in np.argsort(instants, kind="mergesort"):
        if k < len(reports):
            if bound[k] >= 0:
                _take_in_report(tracks[bound[k]], reports[k], s)
            continue
        if not 0 <= time_ns - instants[k] + 100_000_000 <= s.max_age_ns + 100_000_000:
            continue
        scan = np.arange(starts[k - len(reports)], starts[k - len(reports) + 1])
        rows = _assign(tracks, detections, scan, False, grid_ns, heads, following, s)
        for place in range(len(scan)):
            d, row = detections[scan[place]], rows[place]
            if row < 0:
                row = count
                _open(tracks[row], np.uint64(d.pole), np.uint64(d.number), d, False, s)
                _insert(tracks[row], row, grid_ns, heads, following)
                count += 1
            _take_in_detection(tracks[row], d, s)
    return count
