"""Warning of somebody ahead who brakes hard, also where others hide it."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import Forecasts
from wayside.guidance.contact import place_on_path
from wayside.guidance.following import braking_needed
from wayside.guidance.judging import chance, motorised, warn
from wayside.guidance.neighbourhood import Rows, forecast_rows, within_reach
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.guidance.telling import who_says
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I64
from wayside.v2x.tables import Reports, VehicleEvent


class EmergencyBrakingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told that somebody ahead brakes hard."""

    hard: float = 4.0  # [m/s2] braking that counts as hard, where the vehicle does not say so itself
    within_m: float = 150.0  # along the way ahead
    beside_m: float = 1.6  # who is farther off the way ahead is on another lane
    reaction_s: float = 1.2  # of a driver who is told
    needed: float = 1.5  # [m/s2] tell those who would have to brake at least so after that time
    from_speed: float = 4.0  # [m/s] slower subjects can stop at once
    other_from_speed: float = 1.0  # [m/s] what is slower has stopped


@numba.njit(cache=True)
def _way(
    left: Rows, right: Rows, rows: I64, x: F64, y: F64, heading: F64, future_x: F64, future_y: F64
) -> tuple[F64, F64]:
    """Return for each pair how far along the way of the first the second is, and how far beside it [m]."""
    along, beside = np.empty(left.size), np.empty(left.size)
    for p in range(left.size):
        i, j = left[p], right[p]
        a = rows[i]
        if a < 0 or math.cos(heading[i] - heading[j]) < 0.5:
            along[p], beside[p] = -1.0, np.inf
            continue
        along[p], beside[p] = place_on_path(x[i], y[i], heading[i], future_x[a], future_y[a], x[j], y[j])
    return along, beside


@numba.njit(cache=True)
def time_until_touch(gap: F64, speed: F64, ahead: F64, braking: F64) -> F64:
    """Return when one that keeps its speed touches one ahead that brakes until it stands [s]; NaN if never.

    >>> time_until_touch(np.array([20.0]), np.array([20.0]), np.array([20.0]), np.array([10.0]))
    array([2.])
    """
    time = np.full(gap.size, np.nan)
    for n in range(gap.size):
        room, v, w, b = max(gap[n], 0.0), speed[n], ahead[n], max(braking[n], 0.1)
        closing = v - w
        touch = (-closing + math.sqrt(closing * closing + 2 * b * room)) / b
        if touch > w / b:
            touch = (room + w * w / (2 * b)) / v if v > 0 else np.nan
        time[n] = touch
    return time


@step(period_s=0.1, reach_m=200.0)
def emergency_braking(
    actors: Actors, reports: Reports, forecasts: Forecasts, *, config: EmergencyBrakingConfig
) -> WarningRequests:
    """Tell motor vehicles that can be reached that somebody ahead on their way brakes hard.

    It brakes hard by its own word or by what is measured. Told are those behind who, once they react, would have
    to brake clearly themselves so as not to run into it; who is doing so already is left alone. `value` is that
    braking [m/s2], `lead` the time until they would touch if the subject kept its speed.

    Limits: which lane is judged by the way ahead alone, so a vehicle about to leave it is told as well.
    """
    vehicles = motorised(actors)
    hard = vehicles & (actors.acceleration <= -config.hard)
    say, _ = who_says(actors, reports, VehicleEvent.HARD_BRAKING)
    hard[say] |= vehicles[say]
    hard &= actors.speed >= config.other_from_speed
    seeks = vehicles & (actors.sender != 0) & (actors.speed >= config.from_speed)
    if not (hard.any() and seeks.any()):
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    # who brakes hard is rare, so those behind are looked for from there
    half_way = np.full(len(actors), config.within_m / 2)
    right, left = within_reach(actors, -half_way, half_way + 10.0, hard, seeks)
    along, beside = _way(
        left, right, rows, actors.x, actors.y, actors.heading, forecasts.future_x, forecasts.future_y
    )
    ahead = (along > 0) & (along < config.within_m) & (beside < config.beside_m)
    i, j, along, beside = left[ahead], right[ahead], along[ahead], beside[ahead]
    gap = along - (actors.length[i] + actors.length[j]) / 2
    speed, braking = actors.speed[i], np.maximum(-actors.acceleration[j], config.hard)
    needed = braking_needed(gap - config.reaction_s * speed, speed, actors.speed[j], braking)
    told = (needed >= config.needed) & (gap > 0) & (actors.acceleration[i] > -0.6 * needed)
    i, j, gap, needed, beside = i[told], j[told], gap[told], needed[told], beside[told]
    spread = np.hypot(actors.position_sigma[i], actors.position_sigma[j])
    return warn(
        Service.EMERGENCY_BRAKING, actors, i, j,
        lead=time_until_touch(gap, actors.speed[i], actors.speed[j], braking[told]),
        confidence=chance(config.beside_m - beside, spread),
        value=np.minimum(needed, 99.0),
        reason=Reason.STOPS_HARD_AHEAD,
    )  # fmt: skip
