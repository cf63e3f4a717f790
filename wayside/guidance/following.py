"""Warning before running into who is ahead: slower or standing on one's own path, or coming head-on."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, Forecasts
from wayside.guidance.contact import first_contact, place_on_path
from wayside.guidance.neighbourhood import Rows, forecast_rows, near_pairs, reach_circles
from wayside.guidance.tables import Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I32, I64, U64, Bool
from wayside.v2x.tables import Kind

NEVER = np.inf


class ForwardCollisionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is warned of what is ahead."""

    time_to_collision_s: float = 2.5  # warn if nobody acts and they would meet sooner
    deceleration: float = 3.5  # [m/s2] warn if avoiding it needs more braking than this
    least_deceleration: float = 2.2  # [m/s2] braking that every driver does without being told
    head_on_s: float = 2.8  # warn of somebody coming head-on who would be met sooner
    from_speed: float = 2.0  # [m/s] slower subjects are not warned
    margin_m: float = 0.2  # added to the half width of both bodies
    least_confidence: float = 0.5
    own_lane_m: float = 1.2  # who is nearer to the middle of its lane than this keeps to it


@numba.njit(cache=True)
def required_deceleration(gap: float, closing: float) -> float:
    """Return the constant braking [m/s2] that takes away `closing` [m/s] within `gap` [m]; 0 if it opens.

    >>> required_deceleration(20.0, 10.0)
    2.5
    """
    return closing * closing / (2 * max(gap, 0.1)) if closing > 0 else 0.0


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, rows: I64,
    x: F64, y: F64, heading: F64, speed: F64, acceleration: F64, half_length: F64, half_width: F64, sigma: F64,
    lane: I32, kept: F64, identity: U64,
    future_x: F64, future_y: F64, future_heading: F64, future_sigma: F64,
    limits: tuple[float, float, float, float, float, float, float],
) -> tuple[I64, F64, F64, F64]:  # fmt: skip
    """Return for each actor the row of whom it is warned of (-1 none), lead, confidence and deciding value.

    `kept` is 1 for actors that drive in their lane's direction in the middle of it.
    """
    ttc_limit, brake_limit, brake_least, head_on, from_speed, margin, confidence_least = limits
    count = x.size
    other = np.full(count, -1, np.int64)
    lead, confidence, value = np.full(count, NEVER), np.zeros(count), np.zeros(count)
    for p in range(left.size):
        i, j = left[p], right[p]
        if speed[i] < from_speed:
            continue
        turned = math.cos(heading[j] - heading[i])
        if speed[j] > 1.0 and turned < -0.7:
            if kept[i] and kept[j] and lane[i] != lane[j]:
                continue
            a, b = rows[i], rows[j]
            steps = math.ceil(head_on / HORIZON_STEP_S)
            time, sure, _ = first_contact(
                x[i], y[i], heading[i], half_length[i], half_width[i],
                future_x[a], future_y[a], future_heading[a], future_sigma[a],
                x[j], y[j], heading[j], half_length[j], half_width[j],
                future_x[b], future_y[b], future_heading[b], future_sigma[b],
                steps,
            )  # fmt: skip
            if not 0.05 < time <= head_on:
                continue
            measure = time
        elif speed[j] <= 1.0 or turned > 0.7:
            closing = speed[i] - speed[j] * max(turned, 0.0)
            if closing < 1.0:
                continue
            a = rows[i]
            along, off = place_on_path(x[i], y[i], heading[i], future_x[a], future_y[a], x[j], y[j])
            c, s = abs(turned), abs(math.sin(heading[j] - heading[i]))
            across = half_width[j] * c + half_length[j] * s
            gap = along - half_length[i] - half_length[j] * c - half_width[j] * s
            room = half_width[i] + across + margin - off
            # bodies that already overlap are one body seen twice
            if along <= 0 or gap < -1.0 or room <= 0:
                continue
            needed = required_deceleration(gap, closing)
            time = max(gap, 0.0) / closing
            # the leader's own braking shortens the time; its speeding up is not relied on
            pull = min(acceleration[j] if speed[j] > 1.0 else 0.0, 0.0)
            needed -= 0.5 * pull
            if needed <= brake_limit and not (time < ttc_limit and needed > brake_least):
                continue
            if acceleration[i] < -0.6 * needed and needed <= 1.5 * brake_limit:
                continue
            spread = math.sqrt(sigma[i] ** 2 + sigma[j] ** 2)
            sure = 1.0 if not spread > 0 else 0.5 * (1 + math.erf(room / spread / math.sqrt(2.0)))
            measure = needed
        else:
            continue
        earlier = time < lead[i] or (time == lead[i] and identity[j] < identity[other[i]])
        if sure >= confidence_least and earlier:
            other[i], lead[i], confidence[i], value[i] = j, time, sure, measure
    return other, lead, confidence, value


def motorised(actors: Actors) -> Bool:
    """Tell which actors are motor vehicles."""
    return (actors.kind >= Kind.CAR) & (actors.kind <= Kind.MOTORCYCLE)


def warnings_for(
    service: Service, actors: Actors, other: I64, lead: F64, confidence: F64, value: F64
) -> WarningRequests:
    """Return requests for the actors whose `other` is a row of another actor, not -1."""
    subjects = np.flatnonzero(other >= 0)
    if not len(subjects):
        return WarningRequests.empty()
    return WarningRequests(
        service=np.full(len(subjects), service, np.uint8),
        subject=actors.id[subjects],
        other=actors.id[other[subjects]],
        x=actors.x[subjects],
        y=actors.y[subjects],
        lead=lead[subjects],
        confidence=confidence[subjects],
        value=value[subjects],
    )


@step(period_s=0.1, reach_m=200.0)
def forward_collision(
    actors: Actors, forecasts: Forecasts, *, road: RoadMap, config: ForwardCollisionConfig
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the most urgent danger ahead on their own foreseen path.

    Somebody ahead in one's own direction, or standing: where the time to collision is short or the braking needed
    is hard, unless the driver is braking enough; `value` is the braking needed [m/s2]. Somebody coming head-on:
    where the bodies swept along both forecasts meet, unless both drive in the middle of different lanes in these
    lanes' direction; `value` is the time [s].

    Limits: only whom the live picture holds; who overtakes beside oncoming traffic is warned of when its forecast
    says so. Warnings that a steady driver would find early are meant: required deceleration alone suffices.
    """
    vehicles = motorised(actors)
    seeks = vehicles & (actors.sender != 0) & (actors.speed >= config.from_speed)
    if not seeks.any():
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    seconds = np.maximum(
        max(config.time_to_collision_s, config.head_on_s), actors.speed / (2 * config.deceleration)
    )
    middle_x, middle_y, radius = reach_circles(
        actors.x, actors.y, rows, forecasts.future_x, forecasts.future_y, seconds, actors.length / 2 + 2.0
    )
    left, right = near_pairs(middle_x, middle_y, radius, seeks, vehicles)
    if not len(left):
        return WarningRequests.empty()
    _, _, direction = road.along(actors.lane, actors.offset)
    kept = (np.cos(direction - actors.heading) > 0.5) & (np.abs(actors.lateral) < config.own_lane_m)
    other, lead, confidence, value = _judge(
        left, right, rows,
        actors.x, actors.y, actors.heading, actors.speed, actors.acceleration,
        actors.length / 2, actors.width / 2, actors.position_sigma,
        actors.lane, kept.astype(np.float64), actors.id,
        forecasts.future_x, forecasts.future_y, forecasts.future_heading, forecasts.future_sigma,
        (
            config.time_to_collision_s, config.deceleration, config.least_deceleration, config.head_on_s,
            config.from_speed, config.margin_m, config.least_confidence,
        ),
    )  # fmt: skip
    return warnings_for(Service.FORWARD_COLLISION, actors, other, lead, confidence, value)
