"""What becomes of tracks at the end of a tick: rates, confirmation, merging of doubles, dropping."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SECOND = 1e-9  # [s] in a nanosecond
CELL_M = 4.0  # side of a grid cell; doubles are closer than this
VULNERABLE = 5  # kinds from here on are cyclists and pedestrians
HEARD, SEEN = 1, 2  # bits of `sources`


@numba.njit(cache=True)
def _rates(t: Any, before: Any) -> None:
    """Smooth acceleration and turn out of the change since the last tick; V2X reports say them better."""
    dt = (t.time_ns - before.time_ns) * SECOND
    if dt < 0.03 or t.heard_ns > before.heard_ns:
        return
    share = min(dt / 0.4, 0.5)
    speed = np.hypot(t.velocity_x, t.velocity_y)
    change = (speed - np.hypot(before.velocity_x, before.velocity_y)) / dt
    t.acceleration += share * (min(max(change, -9.0), 5.0) - t.acceleration)
    turn = 0.0
    if speed > 1.0 and not np.isnan(t.heading) and not np.isnan(before.heading):
        turn = ((t.heading - before.heading + np.pi) % (2.0 * np.pi) - np.pi) / dt
    t.yaw_rate += share * (min(max(turn, -1.0), 1.0) - t.yaw_rate)


@numba.njit(cache=True)
def _same(a: Any, b: Any, time_ns: int) -> bool:
    """Tell whether two tracks must be of one road user, since two bodies cannot be in one place."""
    if a.sender != b.sender and a.sender != np.uint64(0) and b.sender != np.uint64(0):
        return False
    if a.pole == b.pole and a.pole >= 0 and a.seen_ns == b.seen_ns:
        return False  # one scan told them apart
    if (a.kind >= VULNERABLE) != (b.kind >= VULNERABLE) and a.kind != 0 and b.kind != 0:
        return False
    ahead_a, ahead_b = (time_ns - a.time_ns) * SECOND, (time_ns - b.time_ns) * SECOND
    dx = a.x + a.velocity_x * ahead_a - b.x - b.velocity_x * ahead_b
    dy = a.y + a.velocity_y * ahead_a - b.y - b.velocity_y * ahead_b
    vulnerable = a.kind >= VULNERABLE
    length = min(max(a.length, b.length), 6.0) if a.length > 0.0 and b.length > 0.0 else 4.0
    along, across = (0.4, 0.4) if vulnerable else (0.5 * length, 1.0)
    heading = a.heading if not np.isnan(a.heading) else b.heading
    if np.isnan(heading):
        along = across
        heading = 0.0
    cosine, sine = np.cos(heading), np.sin(heading)
    if abs(cosine * dx + sine * dy) > along or abs(cosine * dy - sine * dx) > across:
        return False
    apart = np.hypot(a.velocity_x - b.velocity_x, a.velocity_y - b.velocity_y)
    return bool(apart < 1.5 + 0.15 * np.hypot(a.velocity_x, a.velocity_y))


@numba.njit(cache=True)
def _absorb(keep: Any, gone: Any) -> None:
    """Let the kept track inherit the better state and the owner's word of its double."""
    if gone.variance_p < keep.variance_p and gone.time_ns >= keep.time_ns:
        keep.time_ns = gone.time_ns
        keep.x, keep.y = gone.x, gone.y
        keep.velocity_x, keep.velocity_y = gone.velocity_x, gone.velocity_y
        keep.bias_x, keep.bias_y = gone.bias_x, gone.bias_y
        keep.variance_p, keep.variance_v, keep.variance_b = gone.variance_p, gone.variance_v, gone.variance_b
        keep.covariance_pv, keep.covariance_pb = gone.covariance_pv, gone.covariance_pb
        keep.covariance_vb = gone.covariance_vb
    if gone.sender != np.uint64(0):
        keep.sender = gone.sender
        keep.kind, keep.kind_weight = gone.kind, gone.kind_weight
        keep.length, keep.width = gone.length, gone.width
        keep.heard_ns = max(keep.heard_ns, gone.heard_ns)
    if gone.seen_ns > keep.seen_ns:
        keep.seen_ns, keep.pole = gone.seen_ns, gone.pole
    keep.confirmed = keep.confirmed or gone.confirmed
    keep.history |= gone.history


@numba.njit(cache=True)
def _before(a: Any, b: Any) -> bool:
    """Tell whether of two doubles the first is kept: the believed one, else the older, else the smaller id."""
    if a.confirmed != b.confirmed:
        return bool(a.confirmed)
    if a.born_ns != b.born_ns:
        return bool(a.born_ns < b.born_ns)
    return bool(a.id < b.id)


@numba.njit(cache=True)
def _merge(tracks: Any, count: int, time_ns: int, alive: Any) -> None:
    size = 64
    while size < 2 * count:
        size *= 2
    heads = np.full(size, -1, np.int32)
    following = np.full(count, -1, np.int32)
    for row in range(count):
        a = tracks[row]
        ahead = (time_ns - a.time_ns) * SECOND
        column = int(np.floor((a.x + a.velocity_x * ahead) / CELL_M))
        line = int(np.floor((a.y + a.velocity_y * ahead) / CELL_M))
        for i in range(-1, 2):
            for j in range(-1, 2):
                cell = (((column + i) * 73856093) ^ ((line + j) * 19349663)) & (size - 1)
                other = heads[cell]
                while other >= 0 and alive[row]:
                    if alive[other] and _same(tracks[other], a, time_ns):
                        if _before(tracks[other], a):
                            _absorb(tracks[other], a)
                            alive[row] = False
                        else:
                            _absorb(a, tracks[other])
                            alive[other] = False
                    other = following[other]
        cell = ((column * 73856093) ^ (line * 19349663)) & (size - 1)
        following[row] = heads[cell]
        heads[cell] = row


@numba.njit(cache=True)
def tidy(
    tracks: Any,
    count: int,
    before: Any,
    time_ns: int,
    drop_moving_ns: int,
    drop_standing_ns: int,
    unbind_ns: int,
) -> int:
    """Finish a tick's tracks in place.

    Args:
        tracks: records of `Tracks`, those of the last tick first and in its order.
        count: number of tracks.
        before: records of the last tick.
        time_ns: instant of the tick.
        drop_moving_ns: a moving track is dropped when unmeasured for so long.
        drop_standing_ns: the same for one that stands, which an occlusion may hide for longer.
        unbind_ns: a sender not heard for so long loses its track to what the poles see.

    Returns:
        The number of tracks left; they stand first, in the order in which they came.
    """
    alive = np.ones(count, np.bool_)
    for row in range(count):
        t = tracks[row]
        if row < len(before):
            _rates(t, before[row])
        seconds = 0
        if t.heard_ns > 0 and time_ns - t.heard_ns <= 1_000_000_000:
            seconds |= HEARD
        if t.seen_ns > 0 and time_ns - t.seen_ns <= 1_000_000_000:
            seconds |= SEEN
        t.sources = seconds
        if t.sender != np.uint64(0) and time_ns - t.heard_ns > unbind_ns:
            t.sender = np.uint64(0)
            t.heard_ns = 0
        recent = 0
        for bit in range(5):
            recent += (t.history >> bit) & 1
        if recent >= 3 and t.hits >= 4:
            t.confirmed = True
        idle = time_ns - t.time_ns
        if t.confirmed:
            standing = np.hypot(t.velocity_x, t.velocity_y) < 0.5
            patience = drop_standing_ns if standing else drop_moving_ns
            alive[row] = idle <= min(patience, t.hits * 100_000_000)  # known for a moment, kept for a moment
        else:
            alive[row] = (t.history & 31) != 0
    _merge(tracks, count, time_ns, alive)
    left = 0
    for row in range(count):
        if alive[row]:
            if left != row:
                tracks[left] = tracks[row]
            left += 1
    return left
