"""Vehicles that nobody sees for a moment go on along their lane, not straight on."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.maps.road import RoadMap
from wayside.roadside.motion import SECOND, VULNERABLE, advance
from wayside.table import F64, I64

HIDDEN_NS = 300_000_000  # so long without a measurement a vehicle is hidden
LEAST_SPEED = 2.0  # slower ones stay where they are expected [m/s]
WITHIN_M = 1.5  # of the lane's middle, or it is not following the lane
ALONG = 0.35  # and no more than this from the lane's direction [rad]
MOST_LANES = 3  # that one may pass while hidden


@numba.njit(cache=True)
def _carry(tracks: Any, rows: I64, x: F64, y: F64, turn: F64, time_ns: int, s: Any) -> None:
    """Bring tracks to an instant as their models say, then to where their lanes lead, and turn what they know."""
    for k in range(len(rows)):
        t = tracks[rows[k]]
        advance(t, time_ns, s)
        t.x, t.y = x[k], y[k]
        cosine, sine = np.cos(turn[k]), np.sin(turn[k])
        t.velocity_x, t.velocity_y = (
            cosine * t.velocity_x - sine * t.velocity_y,
            sine * t.velocity_x + cosine * t.velocity_y,
        )
        t.acceleration_x, t.acceleration_y = (
            cosine * t.acceleration_x - sine * t.acceleration_y,
            sine * t.acceleration_x + cosine * t.acceleration_y,
        )
        t.aside_x, t.aside_y = cosine * t.aside_x - sine * t.aside_y, sine * t.aside_x + cosine * t.aside_y
        t.aside_velocity_x, t.aside_velocity_y = (
            cosine * t.aside_velocity_x - sine * t.aside_velocity_y,
            sine * t.aside_velocity_x + cosine * t.aside_velocity_y,
        )
        t.heading = (t.heading + turn[k] + np.pi) % (2.0 * np.pi) - np.pi


@numba.njit(cache=True)
def _hidden(tracks: Any, time_ns: int) -> I64:
    """Return the rows of moving vehicles that nobody has measured lately."""
    rows, count = np.empty(len(tracks), np.int64), 0
    for row in range(len(tracks)):
        t = tracks[row]
        moves = t.velocity_x**2 + t.velocity_y**2 > LEAST_SPEED**2
        if t.time_ns < time_ns - HIDDEN_NS and t.confirmed and t.kind < VULNERABLE and moves:
            rows[count] = row
            count += 1
    return rows[:count]


def follow_lanes(tracks: NDArray[Any], time_ns: int, road: RoadMap, settings: Any) -> None:
    """Carry hidden vehicles along the lanes they were on to an instant, in place.

    Args:
        tracks: records of `Tracks`.
        time_ns: the instant.
        road: the map.
        settings: those of the tracker.

    Limits: where a lane leads to several others, a vehicle goes on straight from there, as it does off the lanes.
    """
    rows = _hidden(tracks, time_ns)
    if not len(rows):
        return
    some = tracks[rows]
    speed = np.hypot(some["velocity_x"], some["velocity_y"])
    ahead = (time_ns - some["time_ns"]) * SECOND
    course = np.arctan2(some["velocity_y"], some["velocity_x"])
    on = road.match(some["x"], some["y"], course, reach_m=WITHIN_M)
    askew = np.abs((course - on.heading + np.pi) % (2.0 * np.pi) - np.pi)
    following = np.flatnonzero((on.lane >= 0) & (askew < ALONG))
    rows, speed, ahead = rows[following], speed[following], ahead[following]
    lane, lateral, begun = on.lane[following].copy(), on.lateral[following], on.heading[following]
    gained = np.clip(some["acceleration"][following], -speed, 3.0) * np.minimum(ahead, 0.5)
    offset = on.offset[following] + np.maximum(speed + 0.5 * gained, 0.0) * ahead
    for _ in range(MOST_LANES):
        first = road.successor_first[lane]
        onward = np.flatnonzero((offset > road.lanes.length[lane]) & (road.successor_first[lane + 1] - first == 1))
        if not len(onward):
            break
        offset[onward] -= road.lanes.length[lane[onward]]
        lane[onward] = road.successor_lane[first[onward]]
    beyond = offset > road.lanes.length[lane]
    keep = np.flatnonzero(~beyond)
    x, y, heading = road.along(lane[keep], offset[keep])
    x, y = x - np.sin(heading) * lateral[keep], y + np.cos(heading) * lateral[keep]
    _carry(tracks, rows[keep], x, y, heading - begun[keep], time_ns, settings)
