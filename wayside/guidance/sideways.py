"""Warning drivers who move sideways to where somebody is, or soon will be."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.guidance.judging import motorised, told_from, warn
from wayside.guidance.neighbourhood import Rows, within_reach
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, U8, Bool

SAME_WAY = 0.85  # cosine of the angle between two directions of travel
FASTEST_CLOSING = 10.0  # [m/s] of who overtakes
LONGEST = 18.0  # [m] of a vehicle


class BlindSpotConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver who moves sideways is warned of who is there."""

    within_s: float = 2.5  # until the bodies would touch
    least_drift: float = 0.4  # [m/s] sideways; less is keeping the lane
    leaves_within_s: float = 1.2  # until its side crosses the line, where the lane is known
    beside_m: float = 2.0  # who is so little ahead or behind is beside it
    behind_s: float = 3.0  # who comes from behind and would have caught up sooner is warned of
    from_speed: float = 4.0  # [m/s] slower ones manoeuvre


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, direction: F64, known: Bool,
    x: F64, y: F64, east: F64, north: F64, half_length: F64, half_width: F64, sigma: F64, speed: F64,
    limits: tuple[float, float, float, float],
) -> tuple[U8, F64, F64]:  # fmt: skip
    """Return for each pair what is wrong (0 nothing), the time until they touch [s] and how sure it is."""
    within, least_drift, beside, behind = limits
    wrong, time, sure = np.zeros(left.size, np.uint8), np.full(left.size, np.nan), np.zeros(left.size)
    for p in range(left.size):
        i, j = left[p], right[p]
        # sideways is across the lane; where no lane is known, across the other's way
        if known[i]:
            c, s = math.cos(direction[i]), math.sin(direction[i])
        else:
            c, s = east[j], north[j]
        straight, other = east[i] * c + north[i] * s, east[j] * c + north[j] * s
        if straight < SAME_WAY or other < SAME_WAY:
            continue
        along, across = (x[j] - x[i]) * c + (y[j] - y[i]) * s, (y[j] - y[i]) * c - (x[j] - x[i]) * s
        mine = speed[i] * (north[i] * c - east[i] * s)
        # around a bend the other's own lane runs elsewhere; it is taken to keep it
        theirs = 0.0 if known[j] else speed[j] * (north[j] * c - east[j] * s)
        side = 1.0 if across > 0 else -1.0
        gap, drift = abs(across) - half_width[i] - half_width[j], side * (mine - theirs)
        if side * mine < least_drift or drift <= 0 or gap <= -0.5 or gap > drift * within:
            continue
        touch = max(gap, 0.0) / drift
        closing = speed[j] * other - speed[i] * straight
        room = abs(along) - half_length[i] - half_length[j]
        if room < beside:
            wrong[p] = Reason.TAKEN_LANE
        elif along < 0 and closing > 0 and room < closing * (touch + behind):
            wrong[p] = Reason.OVERTAKEN_MEANWHILE
            touch = max(touch, room / closing)
        else:
            continue
        spread = math.hypot(sigma[i], sigma[j])
        time[p] = touch
        deep = drift * within - gap
        sure[p] = 1.0 if not spread > 0 else 0.5 * (1 + math.erf(deep / spread / math.sqrt(2.0)))
    return wrong, time, sure


@step(period_s=0.1, reach_m=120.0)
def blind_spot(actors: Actors, *, road: RoadMap, config: BlindSpotConfig) -> WarningRequests:
    """Warn motor vehicles that can be reached and leave their lane of who is beside them or comes from behind.

    Somebody beside: where both bodies would touch soon if the sideways motion goes on. Somebody faster behind on
    that side: where it would have caught up a few seconds after. `value` is the time until they touch [s].

    Limits: a driver's wish is known from its motion, not from its indicator. Off the lanes sideways is measured
    across the other's way, so both are told there.
    """
    vehicles = motorised(actors)
    seeks = told_from(actors, config.from_speed)
    if not seeks.any():
        return WarningRequests.empty()
    _, _, direction = road.along(actors.lane, actors.offset)
    known = np.isfinite(direction) & (actors.lane >= 0)
    if len(road.lanes):
        # inside junctions lanes part and join, and nobody keeps to them
        seeks &= ~(known & road.lanes.internal[actors.lane])
    known &= np.cos(direction - actors.heading) > SAME_WAY
    drift = np.where(known, actors.speed * np.sin(actors.heading - direction), np.nan)
    # keeping the lane: its side stays within the lines
    room = road.lanes.width[actors.lane] / 2 - actors.width / 2 if len(road.lanes) else np.zeros(len(actors))
    leaves = np.abs(actors.lateral + drift * config.leaves_within_s) > room
    seeks &= ~known | (leaves & (np.abs(drift) >= config.least_drift))
    if not seeks.any():
        return WarningRequests.empty()
    # nobody who overtakes is much faster; those ahead matter only beside
    behind = FASTEST_CLOSING * (config.behind_s + config.within_s)
    body = actors.length / 2 + LONGEST / 2 + config.beside_m
    left, right = within_reach(actors, np.full(len(actors), -behind / 2), behind / 2 + body, seeks, vehicles)
    wrong, time, sure = _judge(
        left, right, direction, known,
        actors.x, actors.y, np.cos(actors.heading), np.sin(actors.heading), actors.length / 2, actors.width / 2,
        actors.position_sigma, actors.speed,
        (config.within_s, config.least_drift, config.beside_m, config.behind_s),
    )  # fmt: skip
    told = wrong > 0
    return warn(
        Service.BLIND_SPOT, actors, left[told], right[told],
        lead=time[told], confidence=sure[told], value=time[told], reason=wrong[told],
    )  # fmt: skip
