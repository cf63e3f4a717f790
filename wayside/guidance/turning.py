"""Warning drivers who turn left in front of somebody who comes from the other side."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS, Forecasts
from wayside.guidance.contact import first_contact, path_length
from wayside.guidance.crossing import passes_red
from wayside.guidance.judging import motorised, told_from, warn
from wayside.guidance.neighbourhood import Rows, forecast_rows, near_pairs, reach_circles
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import F64, I64, Bool

FACT_TIME, FACT_SURE, FACT_MINE, FACT_THEIRS = range(4)


class LeftTurnConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver who turns left is warned of oncoming traffic."""

    warn_within_s: float = 4.0  # of the foreseen contact
    spare_s: float = 1.0  # passing each other within less counts as meeting
    least_turn: float = 0.5  # [rad] by which the way ahead bends to the left
    from_speed: float = 1.0  # [m/s] slower subjects still wait
    other_from_speed: float = 2.0  # [m/s] slower oncoming traffic lets it pass
    opposed: float = 2.0  # [rad] the least angle between the subject's direction before the turn and the other's
    least_confidence: float = 0.55
    yielding_deceleration: float = 4.0  # [m/s2] who can stop at its red light with this is trusted to


@numba.njit(cache=True)
def _left_turn(heading: F64, rows: I64, future_heading: F64) -> F64:
    """Return by how much each way ahead turns left [rad]; negative to the right."""
    turn = np.zeros(heading.size)
    for i in range(heading.size):
        if rows[i] < 0:
            continue
        before, total = heading[i], 0.0
        for k in range(HORIZON_STEPS):
            change = future_heading[rows[i], k] - before
            total += change - 2 * math.pi * np.rint(change / (2 * math.pi))
            before = future_heading[rows[i], k]
        turn[i] = total
    return turn


@numba.njit(cache=True)
def _judge(
    left: Rows, right: Rows, rows: I64, entry: F64, turn: F64,
    x: F64, y: F64, heading: F64, speed: F64, half_length: F64, half_width: F64,
    future_x: F64, future_y: F64, future_heading: F64, future_sigma: F64,
    within: float, spare: float, opposed: float, straight: float,
) -> tuple[Bool, F64]:  # fmt: skip
    """Return which pairs meet, and time, chance and both ways until then."""
    meets, facts = np.zeros(left.size, np.bool_), np.zeros((left.size, 4))
    steps = math.ceil(within / HORIZON_STEP_S)
    for p in range(left.size):
        i, j = left[p], right[p]
        angle = heading[j] - entry[i]
        angle -= 2 * math.pi * np.rint(angle / (2 * math.pi))
        if abs(angle) < opposed or abs(turn[j]) > straight:
            continue
        a, b = rows[i], rows[j]
        # who comes is as long as the way it drives in the time to be spared, half before it and half behind
        time, sure, _ = first_contact(
            x[i], y[i], heading[i], half_length[i], half_width[i],
            future_x[a], future_y[a], future_heading[a], future_sigma[a],
            x[j], y[j], heading[j], half_length[j] + 0.5 * spare * speed[j], half_width[j],
            future_x[b], future_y[b], future_heading[b], future_sigma[b],
            steps,
        )  # fmt: skip
        if not 0.05 < time <= within:
            continue
        meets[p] = True
        facts[p, FACT_TIME], facts[p, FACT_SURE] = time, sure
        facts[p, FACT_MINE] = path_length(x[i], y[i], future_x[a], future_y[a], time)
        facts[p, FACT_THEIRS] = path_length(x[j], y[j], future_x[b], future_y[b], time)
    return meets, facts


def entry_heading(actors: Actors, road: RoadMap) -> F64:
    """Return the direction in which each actor came to the junction it is in [rad]; elsewhere its own."""
    if not len(road.lanes):
        return actors.heading
    inside = np.flatnonzero((actors.lane >= 0) & road.lanes.internal[actors.lane])
    _, _, first = road.along(actors.lane[inside], np.zeros(len(inside)))
    entry = actors.heading.copy()
    entry[inside] = np.where(np.isfinite(first), first, entry[inside])
    return entry


@step(period_s=0.1, reach_m=200.0)
def left_turn(
    actors: Actors,
    forecasts: Forecasts,
    signal_forecasts: SignalForecasts,
    *,
    road: RoadMap,
    config: LeftTurnConfig,
) -> WarningRequests:
    """Warn motor vehicles that can be reached, whose way bends left, of oncoming traffic they would turn into.

    Passing in front of or behind the other within `spare_s` counts as meeting it. Who can and must stop at a red
    light, or brakes hard enough to stop before, yields. `value` is the time to the meeting [s].

    Limits: a driver's wish to turn is known from its lane or from its turning, not from its indicator; whoever
    waits in the junction is told when it moves off.
    """
    vehicles = motorised(actors)
    seeks = told_from(actors, config.from_speed)
    if not seeks.any():
        return WarningRequests.empty()
    rows = forecast_rows(actors, forecasts)
    turn = _left_turn(actors.heading, rows, forecasts.future_heading)
    entry = entry_heading(actors, road)
    gone = actors.heading - entry
    turn += gone - 2 * np.pi * np.rint(gone / (2 * np.pi))
    seeks &= turn >= config.least_turn
    if not seeks.any():
        return WarningRequests.empty()
    sought = vehicles & (actors.speed >= config.other_from_speed)
    middle_x, middle_y, radius = reach_circles(
        actors.x, actors.y, rows, forecasts.future_x, forecasts.future_y,
        np.full(len(actors), config.warn_within_s),
        actors.length / 2 + 1.0 + 0.5 * config.spare_s * actors.speed,
    )  # fmt: skip
    left, right = near_pairs(middle_x, middle_y, radius, seeks, sought)
    meets, facts = _judge(
        left, right, rows, entry, turn,
        actors.x, actors.y, actors.heading, actors.speed, actors.length / 2, actors.width / 2,
        forecasts.future_x, forecasts.future_y, forecasts.future_heading, forecasts.future_sigma,
        config.warn_within_s, config.spare_s, config.opposed, config.least_turn,
    )  # fmt: skip
    meets &= facts[:, FACT_SURE] >= config.least_confidence
    i, j, facts = left[meets], right[meets], facts[meets]
    if not len(i):
        return WarningRequests.empty()
    goes = passes_red(
        actors, np.concatenate([i, j]), np.concatenate([facts[:, FACT_MINE], facts[:, FACT_THEIRS]]),
        signal_forecasts, road, config.yielding_deceleration,
    )  # fmt: skip
    both = goes[: len(i)] & goes[len(i) :]
    return warn(
        Service.LEFT_TURN, actors, i[both], j[both],
        lead=facts[both, FACT_TIME], confidence=facts[both, FACT_SURE], value=facts[both, FACT_TIME],
        reason=Reason.TURNS_ACROSS_ONCOMING,
    )  # fmt: skip
