"""Warning drivers of people on foot and on bicycles whom their path will meet."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, Forecasts
from wayside.guidance.approach import approach, stops_before
from wayside.guidance.contact import first_contact, path_length
from wayside.guidance.crossing import brakes_before
from wayside.guidance.following import motorised, warnings_for
from wayside.guidance.neighbourhood import Rows, forecast_rows, near_pairs, reach_circles
from wayside.guidance.tables import Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import F64, I64, U64, Bool
from wayside.v2x.tables import Kind


class VulnerableRoadUserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When drivers are warned of people on foot and on bicycles."""

    warn_within_s: float = 3.5  # of the foreseen contact with somebody on the carriageway
    waiting_within_s: float = 1.8  # the same for somebody still beside it, who may yet stop
    margin_m: float = 0.3  # added around the person
    least_confidence: float = 0.6
    from_speed: float = 2.5  # [m/s] slower vehicles can stop at once
    yielding_deceleration: float = 4.0  # [m/s2] who can stop at its red light with this is trusted to


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, rows: I64,
    x: F64, y: F64, heading: F64, speed: F64, acceleration: F64, half_length: F64, half_width: F64,
    stop: F64, beside: Bool, identity: U64,
    future_x: F64, future_y: F64, future_heading: F64, future_sigma: F64,
    limits: tuple[float, float, float, float],
) -> tuple[I64, F64, F64, F64]:  # fmt: skip
    """Return for each actor the row of whom it is warned of (-1 none), lead, confidence and deciding value."""
    within, waiting_within, margin, confidence_least = limits
    count = x.size
    other = np.full(count, -1, np.int64)
    lead, confidence, value = np.full(count, np.inf), np.zeros(count), np.zeros(count)
    for p in range(left.size):
        i, j = left[p], right[p]
        a, b = rows[i], rows[j]
        limit = waiting_within if beside[j] else within
        time, sure, _ = first_contact(
            x[i], y[i], heading[i], half_length[i], half_width[i],
            future_x[a], future_y[a], future_heading[a], future_sigma[a],
            x[j], y[j], heading[j], half_length[j] + margin, half_width[j] + margin,
            future_x[b], future_y[b], future_heading[b], future_sigma[b],
            math.ceil(limit / HORIZON_STEP_S),
        )  # fmt: skip
        if not (0.05 < time <= limit and sure >= confidence_least):
            continue
        if time > lead[i] or (time == lead[i] and identity[j] > identity[other[i]]):
            continue
        mine = path_length(x[i], y[i], future_x[a], future_y[a], time)
        if mine > stop[i] + 0.5 or brakes_before(speed[i], acceleration[i], mine):
            continue
        other[i], lead[i], confidence[i], value[i] = j, time, sure, time
    return other, lead, confidence, value


@step(period_s=0.1, reach_m=200.0)
def vulnerable_road_user(
    actors: Actors,
    forecasts: Forecasts,
    signal_forecasts: SignalForecasts,
    *,
    road: RoadMap,
    config: VulnerableRoadUserConfig,
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the first person on foot or on a bicycle they would meet.

    Bodies are swept along both forecasts, the person's enlarged by a margin; whoever stands beside the path or
    walks away from it is never met. Drivers who are stopping at a red light or braking for it are not told.
    `value` is the time to the contact [s].

    Limits: somebody on a sidewalk is judged late on purpose, because most people stop at the kerb.
    """
    walkers = (actors.kind == Kind.PEDESTRIAN) | (actors.kind == Kind.BICYCLE)
    seeks = motorised(actors) & (actors.sender != 0) & (actors.speed >= config.from_speed)
    if not (seeks.any() and walkers.any()):
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    middle_x, middle_y, radius = reach_circles(
        actors.x, actors.y, rows, forecasts.future_x, forecasts.future_y,
        np.full(len(actors), config.warn_within_s), actors.length / 2 + 1.0 + config.margin_m,
    )  # fmt: skip
    left, right = near_pairs(middle_x, middle_y, radius, seeks, walkers)
    if not len(left):
        return WarningRequests.empty()
    paired = np.zeros(len(actors), np.bool_)
    paired[left] = paired[right] = True
    ahead = approach(actors, signal_forecasts, road, reach=120.0, wanted=paired)
    stop = stops_before(actors, ahead, deceleration=config.yielding_deceleration)
    kind = road.lanes.kind[actors.lane]
    beside = (actors.lane >= 0) & ((kind == LaneKind.SIDEWALK) | (kind == LaneKind.WALKING_AREA))
    other, lead, confidence, value = _judge(
        left, right, rows,
        actors.x, actors.y, actors.heading, actors.speed, actors.acceleration,
        actors.length / 2, actors.width / 2, stop, beside, actors.id,
        forecasts.future_x, forecasts.future_y, forecasts.future_heading, forecasts.future_sigma,
        (config.warn_within_s, config.waiting_within_s, config.margin_m, config.least_confidence),
    )  # fmt: skip
    return warnings_for(Service.VULNERABLE_ROAD_USER, actors, other, lead, confidence, value)
