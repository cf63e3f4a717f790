"""Where road users will be in the next five seconds if nobody reacts to anybody."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numba
import numpy as np

from wayside.driving.paths import PATH_LANES, follow, point_on
from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS, Forecasts
from wayside.maps.matching import EAST, HEADING, NORTH
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I32, U8, Bool
from wayside.v2x.tables import Kind


class PredictConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How motion goes on, and how fast certainty fades; by default fitted to simulated traffic."""

    acceleration_fades_s: float = 1.5  # an acceleration is down to 1/e after that time
    settle_s: float = 1.5  # a vehicle returns to the middle of its lane within about twice that time
    slowing: float = 2.0  # deceleration before a slower lane, such as a turn [m/s2]
    along_lane: float = 0.8  # a heading that differs by more from its lane's does not follow it [rad]
    too_fast: float = 1.4  # who is faster than so often the limit of a lane in a junction goes elsewhere
    speed_sigma: float = 0.4  # of a vehicle's speed [m/s]
    acceleration_sigma: float = 0.8  # of a vehicle's speed changes to come [m/s2]
    walking_sigma: float = 0.4  # of a pedestrian's velocity per axis [m/s]
    choice_sigma: float = 1.5  # more where the way is not sure, after each second [m/s]


@numba.njit(cache=True)
def _curve(x: float, y: float, heading: float, speed: float, yaw_rate: float, out: F64) -> None:
    """Go on with constant speed and constant rate of turn; exact, also where the rate is nearly zero."""
    if yaw_rate == 0.0:
        east, north = speed * HORIZON_STEP_S * np.cos(heading), speed * HORIZON_STEP_S * np.sin(heading)
        for n in range(HORIZON_STEPS):
            out[0, n], out[1, n], out[2, n] = x + (n + 1) * east, y + (n + 1) * north, heading
        return
    for n in range(HORIZON_STEPS):
        t = (n + 1) * HORIZON_STEP_S
        half = 0.5 * yaw_rate * t
        chord = speed * t * (np.sin(half) / half if abs(half) > 1e-6 else 1.0)
        out[0, n] = x + chord * np.cos(heading + half)
        out[1, n] = y + chord * np.sin(heading + half)
        out[2, n] = heading + 2.0 * half


@numba.njit(cache=True)
def _fading(z: float) -> float:
    """Return exp(-z) to 1e-6 for z from 0 to 0.5, by its fraction of second order."""
    return (1.0 - z / 2.0 + z * z / 12.0) / (1.0 + z / 2.0 + z * z / 12.0)


@numba.njit(cache=True)
def _lane(
    x: float, y: float, heading: float, speed: float, acceleration: float, middle: float, lateral: float,
    offset: float, path: I32, lanes: int, fades_s: float, settle_s: float, slowing: float,
    first: I32, count: I32, line: F64, length: F64, limit: F64,
    slow_square: F64, slow_at: F64, out: F64,
) -> None:  # fmt: skip
    """Go on along a path of lanes and settle at `middle` to the left of its middle line."""
    place = 0
    start_x, start_y, segment = point_on(path[0], offset, -1, first, count, line)
    dx, dy = line[segment, EAST], line[segment, NORTH]
    # map offsets are rounded, and beyond a lane's end they stay there: what differs is carried along
    rest_x, rest_y = x - (start_x - lateral * dy), y - (start_y + lateral * dx)
    along, across = np.cos(heading) * dx + np.sin(heading) * dy, np.sin(heading) * dx - np.cos(heading) * dy
    slope = across / along  # along is never small here: whoever faces elsewhere does not follow the lane
    settle = max(speed * settle_s, 5.0)
    away = lateral - middle
    bend = slope + away / settle
    eager = max(speed / max(limit[path[0]], 1.0), 1.0)  # who speeds now will speed on the next lane
    # only lanes slower than the vehicle can become hold it back
    fastest = max(eager * limit[path[0]], speed) if acceleration > 0.0 else speed
    slower = 0
    ahead = length[path[0]] - offset
    for k in range(1, lanes):
        slow = eager * limit[path[k]]
        if slow < fastest:
            slow_square[slower], slow_at[slower] = slow * slow, ahead
            slower += 1
        ahead += length[path[k]]
    v, gone, base, share = speed, 0.0, 0.0, 1.0
    fade = np.exp(-HORIZON_STEP_S / fades_s)
    gain = acceleration * fades_s * (1.0 - fade)
    for n in range(HORIZON_STEPS):
        wish = max(v + gain, 0.0)
        gain *= fade
        if acceleration > 0.0:
            wish = min(wish, max(eager * limit[path[0]], v))
        for k in range(slower):
            room = slow_square[k] + 2.0 * slowing * max(slow_at[k] - gone, 0.0)
            if wish * wish > room:
                wish = np.sqrt(room)
        went = 0.5 * (v + wish) * HORIZON_STEP_S
        gone += went
        v = wish
        at = offset + gone - base
        while place < lanes - 1 and at >= length[path[place]]:
            at -= length[path[place]]
            base += length[path[place]]
            place += 1
            segment = -1
        line_x, line_y, segment = point_on(path[place], at, segment, first, count, line)
        dx, dy = line[segment, EAST], line[segment, NORTH]
        share *= _fading(went / settle) if went < 0.5 * settle else np.exp(-went / settle)
        left = middle + (away + bend * gone) * share
        lean = (bend - (away + bend * gone) / settle) * share
        out[0, n] = rest_x + line_x - left * dy
        out[1, n] = rest_y + line_y + left * dx
        turn = lean * (1.0 - lean * lean / 3.0) if abs(lean) < 0.05 else np.arctan(lean)  # to 1e-7
        out[2, n] = line[segment, HEADING] + turn


@numba.njit(cache=True)
def _predict(
    kind: U8, x: F64, y: F64, heading: F64, speed: F64, acceleration: F64, yaw_rate: F64, sigma: F64,
    lane: I32, offset: F64, lateral: F64,
    first: I32, count: I32, line: F64, length: F64, limit: F64, lane_kind: U8, internal: Bool,
    successor_first: I32, successor_lane: I32,
    fades_s: float, settle_s: float, slowing: float, along_lane: float, too_fast: float,
    speed_sigma: float, acceleration_sigma: float, walking_sigma: float, choice_sigma: float,
) -> tuple[F64, F64]:  # fmt: skip
    """Return future x, y, heading and sigma, one row an actor."""
    rows = len(x)
    future = np.empty((rows, 3, HORIZON_STEPS))
    spread = np.empty((rows, HORIZON_STEPS))
    path, slow_square, slow_at = np.empty(PATH_LANES, np.int32), np.empty(PATH_LANES), np.empty(PATH_LANES)
    horizon = HORIZON_STEPS * HORIZON_STEP_S
    after = HORIZON_STEP_S * np.arange(1, HORIZON_STEPS + 1)
    walked, open_way = (walking_sigma * after) ** 2, (choice_sigma * after) ** 2
    driven = (speed_sigma * after) ** 2 + (0.5 * acceleration_sigma * after * after) ** 2
    for n in range(rows):
        facing = 0.0 if np.isnan(heading[n]) else heading[n]
        # nobody knows where a thing without a heading is going; where it is now is the best guess
        v = 0.0 if np.isnan(speed[n]) or np.isnan(heading[n]) else max(speed[n], 0.0)
        change = 0.0 if np.isnan(acceleration[n]) or np.isnan(heading[n]) else acceleration[n]
        on_foot = kind[n] == Kind.PEDESTRIAN
        follows, chosen = False, False
        stands = v == 0.0 and change <= 0.0
        if not stands and lane[n] >= 0 and not on_foot and lane_kind[lane[n]] <= 3 and count[lane[n]] > 1:
            _, _, segment = point_on(lane[n], offset[n], -1, first, count, line)
            follows = np.cos(facing - line[segment, HEADING]) > np.cos(along_lane)
            # lanes part at the beginning of a junction; who is much too fast for a turn does not take it
            follows = follows and not (internal[lane[n]] and v > too_fast * limit[lane[n]])
        if stands:
            future[n, 0, :], future[n, 1, :], future[n, 2, :] = x[n], y[n], facing
        elif follows:
            need = offset[n] + (v + max(change, 0.0) * fades_s) * horizon
            lanes, chosen = follow(
                lane[n], need, path, first, count, line, length, successor_first, successor_lane
            )
            two_wheels = kind[n] == Kind.BICYCLE or kind[n] == Kind.MOTORCYCLE
            middle = lateral[n] if two_wheels else 0.0
            _lane(
                x[n], y[n], facing, v, change, middle, lateral[n], offset[n], path, lanes,
                fades_s, settle_s, slowing, first, count, line, length, limit,
                slow_square, slow_at, future[n],
            )  # fmt: skip
        else:
            # a pedestrian's rate of turn says little; nor does that of something that hardly moves
            rate = 0.0 if on_foot or v < 1.0 or np.isnan(yaw_rate[n]) else yaw_rate[n]
            _curve(x[n], y[n], facing, v, rate, future[n])
        unsure = min(v / 5.0, 1.0) ** 2 if chosen or not (follows or on_foot) else 0.0
        square, grown = sigma[n] ** 2, walked if on_foot else driven
        for k in range(HORIZON_STEPS):
            if abs(future[n, 2, k]) > np.pi:
                future[n, 2, k] -= 2.0 * np.pi * np.rint(future[n, 2, k] / (2.0 * np.pi))
            spread[n, k] = np.sqrt(square + grown[k] + unsure * open_way[k])
    return future, spread


@lru_cache(maxsize=8)
def _lengths(road: RoadMap) -> F64:
    """Return the length of each lane's middle line [m]."""
    length: F64 = road.points.offset[road.lanes.first_point + road.lanes.points - 1]
    length.flags.writeable = False
    return length


@step(reach_m=0.0)
def predict(actors: Actors, *, road: RoadMap, config: PredictConfig) -> Forecasts:
    """Predict where each actor's centre will be at 0.25, 0.5, ... 5 s from now.

    A vehicle whose heading agrees with its lane follows the lane's middle line: it settles into the middle (on
    two wheels it keeps its side), its acceleration fades, and it slows for slower lanes ahead. Where lanes part it
    goes straight on if one does; else it leaves the end of its lane on a straight line. Everybody else keeps speed
    and rate of turn; people on foot keep speed and direction.

    Limits: nobody reacts to anybody, nor to a light: warnings need to know what happens if nobody acts. Whoever
    has come to rest does not start again, and nobody reverses.
    Reference: Schubert, Richter and Wanielik 2008, Comparison and evaluation of advanced motion models for vehicle
    tracking (constant turn rate and velocity).
    """
    if not len(actors):
        return Forecasts.empty()
    lanes, length = road.lanes, _lengths(road)
    future, spread = _predict(
        actors.kind, actors.x, actors.y, actors.heading, actors.speed, actors.acceleration, actors.yaw_rate,
        actors.position_sigma, actors.lane, actors.offset, actors.lateral,
        lanes.first_point, lanes.points, road.segments.line, length, lanes.speed_limit,
        lanes.kind, lanes.internal, road.successor_first, road.successor_lane,
        config.acceleration_fades_s, config.settle_s, config.slowing, config.along_lane, config.too_fast,
        config.speed_sigma, config.acceleration_sigma, config.walking_sigma, config.choice_sigma,
    )  # fmt: skip
    return Forecasts(
        id=actors.id,
        x=actors.x,
        y=actors.y,
        future_x=future[:, 0],
        future_y=future[:, 1],
        future_heading=future[:, 2],
        future_sigma=spread,
    )
