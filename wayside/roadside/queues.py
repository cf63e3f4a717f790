"""Queues: which vehicles stand one behind the other, and whether a light or a give-way line explains it."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.standing import START_LOST_S, START_WAVE, YIELD_M, greens, watched
from wayside.roadside.tables import Actors
from wayside.security.tables import PoleReach
from wayside.signals.tables import Signals
from wayside.table import F64, I32, I64, Bool

SLOW = 2.0  # [m/s]; slower is standing in a queue
GAP_M = 12.0  # bumper to bumper; a greater one ends a queue
AT_LINE_M = 15.0  # who stands nearer to a stop line waits for its light
LOOK_M = 200.0  # so far ahead lights are looked for
SETTLE_S = 8.0  # after the one ahead has started, before a vehicle has its speed
MOVING = 0.9  # share of the speed limit from which nothing holds a vehicle
GENTLY = 0.7  # deceleration with which one comes to a light at the least [m/s2]
SHARE = 0.6  # of the speed of such braking; who is slower so far from the line is slow for another reason
FOLLOWS_S = 2.5  # one who follows so close brakes with the one ahead


class Queues(NamedTuple):
    """Vehicles on lanes, in order of lane and offset, and the queues among them.

    Attributes:
        row: row of each in the actors.
        held: a light or a give-way line explains that it is slow.
        root: place of the first vehicle of its queue; its own where it is the first or in none.
        members: of the queue it is the first of; 0 for all others.
        extent: of that queue, from the front of the first to the back of the last [m].
        tail: place of that queue's last vehicle.
    """

    row: I64
    held: Bool
    root: I64
    members: I64
    extent: F64
    tail: I64


@numba.njit(cache=True)
def _nearest_ahead(
    n: int, lane: I32, offset: F64, half: F64, lane_first: I64, length: F64, first: I32, following: I32
) -> tuple[int, float]:
    """Return the nearest vehicle ahead on any way on, as far as a queue reaches, and the gap [m]; -1 none."""
    if n + 1 < len(lane) and lane[n + 1] == lane[n]:
        return n + 1, offset[n + 1] - half[n + 1] - offset[n] - half[n]
    best, least = -1, np.inf
    todo, way = np.empty(32, np.int64), np.empty(32)
    todo[0], way[0] = lane[n], -offset[n]
    count, done = 1, 0
    while done < count:
        here, start = todo[done], way[done]
        if done > 0 and lane_first[here] < lane_first[here + 1]:
            j = lane_first[here]
            gap = start + offset[j] - half[j] - half[n]
            if gap < least:
                best, least = j, gap
        elif start + length[here] < GAP_M + 20.0:
            for k in range(first[here], first[here + 1]):
                if count < len(todo):
                    todo[count], way[count] = following[k], start + length[here]
                    count += 1
        done += 1
    return best, least


@numba.njit(cache=True)
def _to_light(
    lane: int, front: float, green_s: F64, governed: Bool, length: F64, first: I32, following: I32
) -> float:
    """Return the way to the nearest stop line whose light lets nobody at that distance go yet [m]; inf none."""
    found = np.inf
    todo, way = np.empty(64, np.int64), np.empty(64)
    todo[0], way[0] = lane, -front
    count, done = 1, 0
    while done < count:
        here, end = todo[done], way[done] + length[todo[done]]
        ahead = max(end, 0.0)
        if governed[here]:
            if green_s[here] < START_LOST_S + ahead / START_WAVE + SETTLE_S:
                found = min(found, ahead)
        elif ahead < LOOK_M:
            for k in range(first[here], first[here + 1]):
                if count < len(todo):
                    todo[count], way[count] = following[k], end
                    count += 1
        done += 1
    return found


@numba.njit(cache=True)
def _queues(
    lane: I32, offset: F64, half: F64, speed: F64, limit: F64, watched_ahead: Bool, lane_first: I64, green_s: F64,
    governed: Bool, protected: Bool, internal: Bool, length: F64, first: I32, following: I32,
) -> tuple[Bool, I64, I64, F64, I64]:  # fmt: skip
    """Return held, root, members, extent and tail; see `Queues`."""
    count = len(lane)
    up, root = np.full(count, -1, np.int64), np.arange(count)
    gap, light = np.zeros(count), np.empty(count)
    for n in range(count):
        light[n] = _to_light(lane[n], offset[n] + half[n], green_s, governed, length, first, following)
        if speed[n] < SLOW:
            ahead, apart = _nearest_ahead(n, lane, offset, half, lane_first, length, first, following)
            if ahead >= 0 and speed[ahead] < SLOW and apart < GAP_M:
                up[n], gap[n] = ahead, max(apart, 0.0)
    members, extent, tail = np.zeros(count, np.int64), np.zeros(count), np.arange(count)
    held = np.zeros(count, np.bool_)
    for n in range(count):
        if speed[n] >= SLOW:
            continue
        here, way = n, 2.0 * half[n]
        for _ in range(count):
            if up[here] < 0 or up[here] == n:
                break
            way += gap[here] + 2.0 * half[up[here]]
            here = up[here]
        root[n] = here
        members[here] += 1
        if way > extent[here]:
            extent[here], tail[here] = way, n
        left = length[lane[here]] - offset[here] - half[here]
        waits = light[here] < AT_LINE_M or (light[here] < np.inf and not watched_ahead[here])
        yields = internal[lane[here]] or (left < YIELD_M and not (governed[lane[here]] and protected[lane[here]]))
        held[n] = waits or yields
    # from the front of each lane backwards: who moves may be braking for the light, or for a queue that waits
    for n in range(count - 1, -1, -1):
        if speed[n] < SLOW or light[n] == np.inf:
            continue
        free, braking = light[n], False
        if n + 1 < count and lane[n + 1] == lane[n] and held[n + 1]:
            apart = offset[n + 1] - half[n + 1] - offset[n] - half[n]
            braking = apart < FOLLOWS_S * speed[n] + GAP_M
            free = min(free, apart) if speed[n + 1] < SLOW else free
        fits = speed[n] > SHARE * np.sqrt(2.0 * GENTLY * max(free, 0.0))
        held[n] = speed[n] < MOVING * limit[n] and (fits or (braking and speed[n + 1] >= SLOW))
    return held, root, members, extent, tail


def queues(
    actors: Actors, rows: I64, signals: Signals, pole_reach: PoleReach, road: RoadMap, time_ns: int
) -> Queues:
    """Find the queues among vehicles on lanes.

    A vehicle is held while the way ahead leads to a stop line whose light does not yet let one at its distance go
    (green, and long enough for the start to have run back to it) and its queue begins at that line, or where
    nobody sees what it begins with. It is held too where its queue begins inside a junction or at a give-way line.
    One that moves is held while it may be braking for that line or queue; who crawls far from both is not.

    Args:
        actors: the live picture.
        rows: the vehicles looked at, all of them on lanes.
        signals: what controllers say they show.
        pole_reach: how far each pole sees now.
        road: the map.
        time_ns: the tick's instant.

    Limits: where a lane forks, the way on is not known, and a light on any of the ways explains.
    """
    rows = rows[np.lexsort((actors.offset[rows], actors.lane[rows]))]
    lane = actors.lane[rows]
    seconds, protected, governed = greens(signals, road, time_ns)
    held, root, members, extent, tail = _queues(
        lane, actors.offset[rows], 0.5 * actors.length[rows], actors.speed[rows], road.lanes.speed_limit[lane],
        watched(actors, rows, pole_reach), np.searchsorted(lane, np.arange(len(road.lanes) + 1)), seconds,
        governed, protected, road.lanes.internal, road.lanes.length, road.successor_first, road.successor_lane,
    )  # fmt: skip
    return Queues(rows, held, root, members, extent, tail)
