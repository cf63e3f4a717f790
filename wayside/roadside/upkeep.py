"""What becomes of tracks at the end of a tick: rates, confirmation, merging of doubles, dropping."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.roadside.motion import SECOND, VULNERABLE, take_over

CELL_M = 4.0  # side of a grid cell; doubles are closer than this
HEARD, SEEN = 1, 2  # bits of `sources`


@numba.njit(cache=True)
def _rates(t: Any) -> None:
    """Tell acceleration along the course and rate of turn: the agile model's, as far as that is believed."""
    speed = np.hypot(t.velocity_x, t.velocity_y)
    ax, ay = t.agility * t.acceleration_x, t.agility * t.acceleration_y
    if speed < 1.0:
        cosine, sine = (np.cos(t.heading), np.sin(t.heading)) if not np.isnan(t.heading) else (0.0, 0.0)
        t.acceleration, t.yaw_rate = cosine * ax + sine * ay, 0.0
        return
    t.acceleration = (t.velocity_x * ax + t.velocity_y * ay) / speed
    t.yaw_rate = min(max((t.velocity_x * ay - t.velocity_y * ax) / (speed * speed), -1.0), 1.0)


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
    along, across = (0.4, 0.4) if vulnerable else (0.7 * length, 1.0)
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
        take_over(keep, gone)
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
    time_ns: int,
    drop_moving_ns: int,
    drop_standing_ns: int,
    unbind_ns: int,
) -> int:
    """Finish a tick's tracks in place.

    Args:
        tracks: records of `Tracks`, those of the last tick first and in its order.
        count: number of tracks.
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
        _rates(t)
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
        idle = time_ns - max(t.heard_ns, t.seen_ns)
        if t.confirmed:
            standing = np.hypot(t.velocity_x, t.velocity_y) < 0.5
            patience = drop_standing_ns if standing else drop_moving_ns
            # known for a moment, kept for a moment
            alive[row] = idle <= patience and (t.hits >= 8 or (t.history & ((1 << t.hits) - 1)) != 0)
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
