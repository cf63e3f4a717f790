"""A sender against its own past: whether each report follows from the ones before it.

Two steady-state Kalman filters run for each sender. One follows the difference between how fast its positions
move and how fast it says to be, which single reports hide in their noise; it ends in a bias along the heading and
a slip across it. The other follows the variance of that part of its positions that changes with each report: of
two steps that follow each other, such a part moves the second back by what it moved the first forward.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from wayside.security.tables import Distrust, Observation

# compiled kernels know plain numbers only
_JUMPS, _OFF_ROAD = 1 << int(Distrust.JUMPS), 1 << int(Distrust.OFF_ROAD)
_IMPLAUSIBLE, _MISMATCH = 1 << int(Distrust.IMPLAUSIBLE_SPEED), 1 << int(Distrust.SPEED_MISMATCH)
_HEADING, _FLOODING = 1 << int(Distrust.WRONG_HEADING), 1 << int(Distrust.FLOODING)
_STALE, _JITTER, _RESIZED = 1 << int(Distrust.STALE), 1 << int(Distrust.JITTER), 1 << int(Distrust.RESIZED)
_TOO_FAST = 1 << int(Observation.SPEED_TOO_LARGE)
_TOO_HARD = 1 << int(Observation.ACCELERATION_TOO_LARGE)
FILTERED_GAP_S = 1.0  # after a longer silence the filters begin anew
STANDING = 0.5  # m/s; who is slower stands
MOST_BIAS = 10.0  # m/s, and
MOST_STEP_M = 0.7  # what one report can say to the filters at most, so that a single outlier says little


@numba.njit(cache=True)
def _within(value: float, most: float) -> float:
    return min(max(value, -most), most)


@numba.njit(cache=True)
def _beyond(value: float, allowed: float) -> float:
    return value - min(max(value, -allowed), allowed)


@numba.njit(cache=True)
def _filter(row: Any, new: Any, dt: float, off_x: float, off_y: float, limit: Any) -> int:
    """Take one step of both filters; return what they found."""
    cosine, sine = math.cos(new.heading), math.sin(new.heading)
    share = dt / (limit.bias_s + dt)
    ahead, aside = (off_x * cosine + off_y * sine) / dt, (off_y * cosine - off_x * sine) / dt
    # the centre of a long vehicle swings in a turn
    swing = limit.swing * abs(new.yaw_rate) * new.length
    if math.isnan(swing):
        swing = 0.0
    faster = _within(_beyond(ahead, swing), MOST_BIAS)
    row.bias += share * (faster - row.bias)
    row.slip += share * (_within(_beyond(aside, swing), MOST_BIAS) - row.slip)
    step_x, step_y = _within(off_x, MOST_STEP_M), _within(off_y, MOST_STEP_M)
    back = -(step_x * row.step_x + step_y * row.step_y)
    row.jitter += dt / (limit.jitter_s + dt) * (back - row.jitter)
    row.step_x, row.step_y = step_x, step_y
    observed, speed = 0, 0.5 * (row.speed + new.speed)
    # the filter remembers for a second; what it only remembers does not speak against the sender
    if abs(row.bias) > limit.bias_floor + limit.bias_share * speed and faster * row.bias > 0.0:
        row.mismatch += dt
        observed |= _MISMATCH
    moved = math.hypot(speed + row.bias, row.slip)
    if speed > 1.0 and moved > limit.turned_from and speed + row.bias < limit.turned_cosine * moved:
        row.misheading += dt
        observed |= _HEADING
    # two axes, each as inaccurate as it may be
    allowed = max(limit.jitter_floor, 2.0 * (limit.jitter_share * new.position_sigma) ** 2)
    if row.jitter > allowed:
        row.jittery += dt
        observed |= _JITTER
    return observed


@numba.njit(cache=True)
def _suspect(row: Any, share: float, slows: bool, limit: Any) -> None:
    """Add to the evidence of motion no vehicle is capable of.

    Who slows down like that in view of a pole may have crashed: that alone is not enough, and what the pole sees
    next tells.
    """
    most = limit.crash * limit.impossible if slows and row.seen >= limit.watched_s else math.inf
    row.impossible = max(row.impossible, min(row.impossible + share, most))


@numba.njit(cache=True)
def follows(row: Any, new: Any, dt: float, limit: Any) -> int:
    """Compare a report with the last one of the same sender, `dt` seconds before.

    Args:
        row: the sender's record of Trust; evidence is added to it.
        new: the report's record.
        dt: time between both [s], above 0.
        limit: record of PlausibilityConfig.

    Returns:
        Bits of the Distrust it speaks for.
    """
    observed = 0
    way_x = 0.5 * dt * (row.speed * math.cos(row.heading) + new.speed * math.cos(new.heading))
    way_y = 0.5 * dt * (row.speed * math.sin(row.heading) + new.speed * math.sin(new.heading))
    off_x, off_y = new.x - row.x - way_x, new.y - row.y - way_y
    astray = math.hypot(off_x, off_y)
    # between two reports a vehicle may brake hard or turn
    if astray > limit.jump_m + 0.2 * max(row.speed, new.speed) * dt + 3.0 * dt * dt:
        row.jumps += 1.0
        observed |= _JUMPS
    changed, possible = abs(new.speed - row.speed), limit.strongest * dt + limit.speed_error
    if changed > possible:
        # by its square: a sensor that is a little off may do so twice
        _suspect(row, min((changed / possible) ** 2, limit.impossible), new.speed < row.speed, limit)
        observed |= _IMPLAUSIBLE
    if abs(new.length - row.length) > 0.3 or abs(new.width - row.width) > 0.15 or new.kind != row.kind:
        row.resized += 1.0
        observed |= _RESIZED
    if dt > FILTERED_GAP_S or math.isnan(astray):
        row.bias, row.slip, row.step_x, row.step_y = 0.0, 0.0, 0.0, 0.0
        return observed
    return observed | _filter(row, new, dt, off_x, off_y, limit)


@numba.njit(cache=True)
def stands_alone(row: Any, new: Any, away: float, is_swarm: bool, limit: Any) -> int:
    """Judge a report by itself: its speed, its age, its place; return bits of the Distrust it speaks for.

    Args:
        row: the sender's record of Trust; evidence is added to it.
        new: the report's record.
        away: distance to the nearest lane's surface [m], NaN where nobody looked.
        is_swarm: many are heard once only, off the road: then one such report is enough.
        limit: record of PlausibilityConfig.
    """
    observed = 0
    if new.speed > limit.fastest:
        row.impossible += 1.0
        observed |= _TOO_FAST
    if abs(new.acceleration) > limit.hardest:
        _suspect(row, 1.0, new.acceleration < 0.0, limit)
        observed |= _TOO_HARD
    if away > limit.off_road_m and new.speed > 1.0:
        row.off_road += 2.0 if away > 3.0 * limit.off_road_m else 1.0
        if is_swarm and row.reports == 0:
            row.off_road = limit.off_road
        observed |= _OFF_ROAD
    age = (new.received_ns - new.time_ns) * 1e-9
    if age > limit.stale_s:
        row.stale += 1.0
        observed |= _STALE
    return observed


@numba.njit(cache=True)
def spend(row: Any, dt: float, limit: Any) -> int:
    """Charge a message to the sender's allowance, which fills with time; return FLOODING's bit if it is empty."""
    row.allowance = min(row.allowance + limit.messages_per_s * dt, limit.messages_at_once) - 1.0
    if row.allowance >= 0.0:
        return 0
    row.allowance = 0.0
    row.flooding += 1.0
    return _FLOODING


@numba.njit(cache=True)
def fade(row: Any, dt: float, is_seen: bool, limit: Any) -> None:
    """Forget some of the evidence: what was observed `dt` seconds ago counts less now.

    Who came to a stop as no vehicle can, and says to be standing there since, has said nothing new: that is
    forgotten only once it drives, or while a pole sees it (`is_seen`).
    """
    kept = math.exp(-dt / limit.forget_s)
    row.jumps *= kept
    row.off_road *= kept
    row.flooding *= kept
    row.copies *= kept
    row.stale *= kept
    row.resized *= kept
    sooner = math.exp(-dt / limit.filtered_forget_s)
    row.mismatch *= sooner
    row.misheading *= sooner
    row.jittery *= sooner
    slowly = math.exp(-dt / limit.remember_s)
    row.seen *= slowly
    row.unseen *= slowly
    if is_seen or row.speed > STANDING:
        row.impossible *= slowly
    row.overlaps *= math.exp(-dt / limit.overlap_forget_s)


@numba.njit(cache=True)
def begin(row: Any, new: Any, limit: Any) -> None:
    """Fill the empty record of a sender heard for the first time."""
    row.sender, row.root = new.sender, new.sender
    row.first_ns = new.time_ns
    row.allowance = limit.messages_at_once


@numba.njit(cache=True)
def go_on(row: Any, new: Any) -> None:
    """Make the record of a sender one for the identity that the same vehicle has changed to."""
    row.sender, row.reports = new.sender, 0
    row.bias, row.slip, row.step_x, row.step_y, row.jitter = 0.0, 0.0, 0.0, 0.0, 0.0


@numba.njit(cache=True)
def keep(row: Any, new: Any) -> None:
    """Note a report as the sender's last."""
    row.time_ns, row.x, row.y = new.time_ns, new.x, new.y
    row.speed, row.heading = new.speed, new.heading
    row.kind, row.length, row.width = new.kind, new.length, new.width
    row.reports = min(row.reports + 1, np.uint16(60_000))
