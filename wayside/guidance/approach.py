"""Which stop line an actor comes to next, how far it is, and what its light says.

Warnings of red lights, speed advice and the judgement whether somebody will yield all ask this.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, SignalForecasts
from wayside.table import F64, I32, I64, U8, U16, U64, Bool

RED, GREEN, OTHER = 1, 2, 0
ALIKE_S = 0.5  # groups whose times differ by less count as one
SLOW = 2.0  # below this speed [m/s] a body on the lane is part of a queue

_COLOUR = np.zeros(256, np.uint8)
_COLOUR[[Light.RED]] = RED
_COLOUR[[Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN]] = GREEN
_COLOUR.flags.writeable = False


class Approach(NamedTuple):
    """What lies before each actor; one entry an actor.

    Attributes:
        distance: from its front to the stop line [m], negative past it; NaN where no signal is within reach.
        row: a row of SignalForecasts that governs it (of several: the one that turns green first), -1 none.
        all_red: every group that may govern it shows red.
        alike: every group that may govern it shows and will show the same.
        clear: nobody slow stands between it and the stop line.
    """

    distance: F64
    row: I64
    all_red: Bool
    alike: Bool
    clear: Bool


@numba.njit(cache=True)
def _approach(
    lane: I32,
    offset: F64,
    half_length: F64,
    speed: F64,
    lane_length: F64,
    lane_controller: I32,
    lane_internal: Bool,
    mask: U64,
    successor_first: I32,
    successor_lane: I32,
    controller: U16,
    group: U8,
    light: U8,
    likely_end: F64,
    next_green: F64,
    colour: U8,
    wanted: Bool,
    reach: float,
) -> tuple[F64, I64, Bool, Bool, Bool]:
    """Walk along the lanes of each actor to the next stop line; see `Approach`."""
    count, lanes = lane.size, lane_length.size
    distance, row = np.full(count, np.nan), np.full(count, -1, np.int64)
    all_red, alike = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    clear = np.zeros(count, np.bool_)
    controllers = 0
    for k in range(controller.size):
        controllers = max(controllers, controller[k] + 1)
    row_of = np.full((controllers, 64), -1, np.int32)
    for k in range(controller.size):
        if group[k] < 64:
            row_of[controller[k], group[k]] = k
    slow_at = np.full(lanes, -1.0, np.float32)
    for i in range(count):
        if 0 <= lane[i] < lanes and speed[i] < SLOW:
            slow_at[lane[i]] = max(slow_at[lane[i]], offset[i])
    for i in range(count):
        here = lane[i]
        if not wanted[i] or here < 0 or here >= lanes or not np.isfinite(offset[i]):
            continue
        ahead, blocked = lane_length[here] - offset[i] - half_length[i], slow_at[here] > offset[i] + 0.01
        while True:
            # the lanes of a junction end at no stop line of their own
            governed = lane_controller[here] >= 0 and mask[here] != 0 and not lane_internal[here]
            if governed or ahead > reach or successor_first[here + 1] - successor_first[here] != 1:
                break
            here = successor_lane[successor_first[here]]
            ahead += lane_length[here]
            blocked = blocked or slow_at[here] >= 0
            if here == lane[i]:
                break
        if not governed or ahead > reach or lane_controller[here] >= controllers:
            continue
        red, same, chosen, seen = True, True, -1, 0
        for g in range(1, 64):
            if not (mask[here] >> np.uint64(g)) & np.uint64(1):
                continue
            k = row_of[lane_controller[here], g]
            if k < 0:
                same = red = False
                continue
            seen += 1
            red = red and colour[light[k]] == 1
            if chosen < 0:
                chosen = k
                continue
            for times in (likely_end, next_green):
                known, other = times[chosen], times[k]
                if not (abs(known - other) < ALIKE_S or (np.isnan(known) and np.isnan(other))):
                    same = False
            same = same and colour[light[chosen]] == colour[light[k]]
            if next_green[k] < next_green[chosen] or np.isnan(next_green[k]):
                chosen = k
        if seen:
            distance[i], row[i], all_red[i], alike[i], clear[i] = ahead, chosen, red, same, not blocked
    return distance, row, all_red, alike, clear


def approach(
    actors: Actors,
    signal_forecasts: SignalForecasts,
    road: RoadMap,
    *,
    reach: float = 200.0,
    wanted: Bool | None = None,
) -> Approach:
    """Return the next stop line and light of each actor within `reach` metres along its lane.

    Of actors that are not `wanted` (all are, if not given) nothing is found. Past the actor's own lane the way is
    followed only as long as it does not fork.
    """
    return Approach(
        *_approach(
            actors.lane,
            actors.offset,
            actors.length / 2,
            actors.speed,
            road.lanes.length,
            road.lanes.controller,
            road.lanes.internal,
            road.lane_group_mask,
            road.successor_first,
            road.successor_lane,
            signal_forecasts.controller,
            signal_forecasts.group,
            signal_forecasts.light,
            signal_forecasts.likely_end,
            signal_forecasts.next_green,
            _COLOUR,
            np.ones(len(actors), np.bool_) if wanted is None else wanted,
            reach,
        )
    )


def colour_of(light: U8) -> U8:
    """Return RED, GREEN or OTHER for each light."""
    return _COLOUR[light]


def stops_before(actors: Actors, found: Approach, *, deceleration: float) -> F64:
    """Return how far each actor will go before it stops at its red light [m]; NaN where nothing makes it stop.

    It is taken to stop if all lights that may govern it are red and `deceleration` [m/s2] is enough for it.
    """
    able = (
        found.all_red
        & (found.distance > -0.5)
        & (actors.speed**2 <= 2 * deceleration * np.maximum(found.distance, 0.1) + 1.0)
    )
    return np.where(able, np.maximum(found.distance, 0.0), np.nan)
