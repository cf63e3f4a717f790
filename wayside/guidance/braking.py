"""Warning of somebody ahead who brakes hard, also where others hide it."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import Forecasts
from wayside.guidance.contact import place_on_path
from wayside.guidance.following import braking_behind
from wayside.guidance.judging import chance_of, motorised, told_from, warn
from wayside.guidance.neighbourhood import Rows, forecast_rows, within_reach
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.guidance.telling import who_says
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I64, Bool
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
def time_until_touch(gap: float, speed: float, ahead: float, braking: float) -> float:
    """Return when one that keeps its speed touches one ahead that brakes until it stands [s]; NaN if never.

    >>> time_until_touch(20.0, 20.0, 20.0, 10.0)
    2.0
    """
    room, slowing = max(gap, 0.0), max(braking, 0.1)
    closing = speed - ahead
    touch = (-closing + math.sqrt(closing * closing + 2 * slowing * room)) / slowing
    if touch > ahead / slowing:
        return (room + ahead * ahead / (2 * slowing)) / speed if speed > 0 else np.nan
    return touch


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, rows: I64, x: F64, y: F64, heading: F64, speed: F64, acceleration: F64, length: F64,
    sigma: F64, future_x: F64, future_y: F64,
    within_m: float, beside_m: float, reaction_s: float, hard: float, least: float,
) -> tuple[Bool, F64, F64, F64]:  # fmt: skip
    """Return to which pairs' first it is told, when they touch, how sure that is, and the braking it needs."""
    told, lead = np.zeros(left.size, np.bool_), np.empty(left.size)
    sure, needed = np.empty(left.size), np.empty(left.size)
    for p in range(left.size):
        i, j = left[p], right[p]
        a = rows[i]
        if a < 0 or math.cos(heading[i] - heading[j]) < 0.5:
            continue
        along, beside = place_on_path(x[i], y[i], heading[i], future_x[a], future_y[a], x[j], y[j])
        gap = along - (length[i] + length[j]) / 2
        if not (0 < along < within_m and beside < beside_m and gap > 0):
            continue
        braking = max(-acceleration[j], hard)
        needed[p] = braking_behind(gap - reaction_s * speed[i], speed[i], speed[j], braking)
        told[p] = needed[p] >= least and acceleration[i] > -0.6 * needed[p]
        lead[p] = time_until_touch(gap, speed[i], speed[j], braking)
        sure[p] = chance_of(beside_m - beside, math.hypot(sigma[i], sigma[j]))
    return told, lead, sure, needed


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
    seeks = told_from(actors, config.from_speed)
    if not (hard.any() and seeks.any()):
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    # who brakes hard is rare, so those behind are looked for from there
    half_way = np.full(len(actors), config.within_m / 2)
    right, left = within_reach(actors, -half_way, half_way + 10.0, hard, seeks)
    told, lead, sure, needed = _judge(
        left, right, rows, actors.x, actors.y, actors.heading, actors.speed, actors.acceleration, actors.length,
        actors.position_sigma, forecasts.future_x, forecasts.future_y,
        config.within_m, config.beside_m, config.reaction_s, config.hard, config.needed,
    )  # fmt: skip
    return warn(
        Service.EMERGENCY_BRAKING, actors, left[told], right[told],
        lead=lead[told], confidence=sure[told], value=np.minimum(needed[told], 99.0),
        reason=Reason.STOPS_HARD_AHEAD,
    )  # fmt: skip
