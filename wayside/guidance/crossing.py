"""Warning before the paths of two vehicles cross at the same time."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, Forecasts
from wayside.guidance.approach import approach, stops_before
from wayside.guidance.contact import first_contact, path_length
from wayside.guidance.following import motorised, warnings_for
from wayside.guidance.neighbourhood import Rows, forecast_rows, near_pairs, reach_circles
from wayside.guidance.tables import Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import F64, I64, U64


class IntersectionCollisionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When drivers are warned of each other at a crossing."""

    warn_within_s: float = 3.4  # of the foreseen contact
    least_confidence: float = 0.6
    from_speed: float = 2.0  # [m/s] slower subjects are not warned
    other_from_speed: float = 1.5  # [m/s] slower ones are obstacles, not crossing traffic
    least_angle: float = 0.52  # [rad] between both directions of travel at the contact
    yielding_deceleration: float = 4.0  # [m/s2] who can stop at its red light with this is trusted to


@numba.njit(cache=True)
def brakes_before(speed: float, acceleration: float, distance: float) -> bool:
    """Tell whether a body that goes on braking as now comes to rest within `distance` [m].

    >>> brakes_before(10.0, -2.0, 30.0), brakes_before(10.0, 0.0, 30.0)
    (True, False)
    """
    return acceleration < -0.8 and speed * speed / (-2 * acceleration) < distance


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, rows: I64,
    x: F64, y: F64, heading: F64, speed: F64, acceleration: F64, half_length: F64, half_width: F64,
    stop: F64, identity: U64,
    future_x: F64, future_y: F64, future_heading: F64, future_sigma: F64,
    limits: tuple[float, float, float, float],
) -> tuple[I64, F64, F64, F64]:  # fmt: skip
    """Return for each actor the row of whom it is warned of (-1 none), lead, confidence and deciding value."""
    within, confidence_least, other_from, least_angle = limits
    count = x.size
    other = np.full(count, -1, np.int64)
    lead, confidence, value = np.full(count, np.inf), np.zeros(count), np.zeros(count)
    steps = math.ceil(within / HORIZON_STEP_S)
    flat = math.sin(least_angle)
    for p in range(left.size):
        i, j = left[p], right[p]
        a, b = rows[i], rows[j]
        # whoever goes the same way now is met from behind, if at all
        if speed[j] < other_from or math.cos(heading[i] - heading[j]) > 0.87:
            continue
        time, sure, turned = first_contact(
            x[i], y[i], heading[i], half_length[i], half_width[i],
            future_x[a], future_y[a], future_heading[a], future_sigma[a],
            x[j], y[j], heading[j], half_length[j], half_width[j],
            future_x[b], future_y[b], future_heading[b], future_sigma[b],
            steps,
        )  # fmt: skip
        # bodies that overlap already are one body seen twice
        if not (0.05 < time <= within and sure >= confidence_least and abs(math.sin(turned)) > flat):
            continue
        if time > lead[i] or (time == lead[i] and identity[j] > identity[other[i]]):
            continue
        mine = path_length(x[i], y[i], future_x[a], future_y[a], time)
        theirs = path_length(x[j], y[j], future_x[b], future_y[b], time)
        if mine > stop[i] + 0.5 or theirs > stop[j] + 0.5:
            continue
        if brakes_before(speed[i], acceleration[i], mine) or brakes_before(speed[j], acceleration[j], theirs):
            continue
        other[i], lead[i], confidence[i], value[i] = j, time, sure, time
    return other, lead, confidence, value


@step(period_s=0.1, reach_m=250.0)
def intersection_collision(
    actors: Actors,
    forecasts: Forecasts,
    signal_forecasts: SignalForecasts,
    *,
    road: RoadMap,
    config: IntersectionCollisionConfig,
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the first vehicle that will cross their path at the same time.

    Bodies are swept along both forecasts. Who can and must stop at a red light, or is braking hard enough to stop
    before the place of contact, yields: no warning for either. `value` is the time to the contact [s].

    Limits: signs and rights of way without signals are not known, so a driver who will yield at a sign is warned
    until it brakes.
    """
    vehicles = motorised(actors)
    seeks = vehicles & (actors.sender != 0) & (actors.speed >= config.from_speed)
    if not seeks.any():
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    middle_x, middle_y, radius = reach_circles(
        actors.x, actors.y, rows, forecasts.future_x, forecasts.future_y,
        np.full(len(actors), config.warn_within_s), actors.length / 2 + 1.0,
    )  # fmt: skip
    sought = vehicles & (actors.speed >= config.other_from_speed)
    left, right = near_pairs(middle_x, middle_y, radius, seeks, sought)
    if not len(left):
        return WarningRequests.empty()
    paired = np.zeros(len(actors), np.bool_)
    paired[left] = paired[right] = True
    ahead = approach(actors, signal_forecasts, road, reach=120.0, wanted=paired)
    stop = stops_before(actors, ahead, deceleration=config.yielding_deceleration)
    other, lead, confidence, value = _judge(
        left, right, rows,
        actors.x, actors.y, actors.heading, actors.speed, actors.acceleration,
        actors.length / 2, actors.width / 2, stop, actors.id,
        forecasts.future_x, forecasts.future_y, forecasts.future_heading, forecasts.future_sigma,
        (config.warn_within_s, config.least_confidence, config.other_from_speed, config.least_angle),
    )  # fmt: skip
    return warnings_for(Service.INTERSECTION_COLLISION, actors, other, lead, confidence, value)
