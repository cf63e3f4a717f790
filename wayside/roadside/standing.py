"""Why a vehicle stands: what is ahead of it, what its signal shows, and whether anyone could see it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.security.tables import PoleReach
from wayside.signals.tables import Light, Signals
from wayside.table import F64, I32, I64, U8, U16, Bool

SECOND = 1e-9  # [s] in a nanosecond
QUEUE_GAP_M = 25.0  # a slow vehicle no farther ahead than this is why one stands; one between may be hidden
SLOW = 2.0  # [m/s]
YIELD_M = 25.0  # this near to the end of a lane one may wait for others
BLOCK_M = 30.0  # a slow vehicle this close behind the end of the lane blocks it
LOOK_M = 110.0  # a queue longer than this has somebody in it who speaks
LEADER_M = 9.0  # the leader in a queue would be no farther ahead than this, middle to middle
EDGE_M = 6.0  # near the end of its sight a pole may miss him
START_WAVE = 4.0  # speed at which a queue dissolves backwards, on the safe side [m/s]
START_LOST_S = 5.0  # before the first one moves
LOOK_EVERY_S = 0.2  # period of the step that asks
SEEN = 2  # bit of `sources`
PROTECTED, PERMISSIVE = int(Light.PROTECTED_GREEN), int(Light.PERMISSIVE_GREEN)
# what a second of standing is worth as evidence, see `explanations`
FREE, UNSEEN, AT_LINE, RED, YIELDING = 1.0, 0.5, 0.33, 0.2, 0.15


class _Approaches(NamedTuple):
    """Signals of lanes: for each governed lane, which entries of a table by controller and group govern it."""

    lane: I32  # governed lanes, rising
    first: I64  # place of each lane's first entry
    entry: I64  # controller * 64 + group
    size: int


@lru_cache(maxsize=8)
def _approaches(road: RoadMap) -> _Approaches:
    c = road.connections
    rows = np.flatnonzero((c.group > 0) & (c.controller >= 0))
    order = rows[np.argsort(c.from_lane[rows], kind="stable")]
    lane, first = np.unique(c.from_lane[order], return_index=True)
    entry = c.controller[order].astype(np.int64) * 64 + c.group[order]
    return _Approaches(lane, first, entry, int(entry.max(initial=0)) + 64)


def greens(signals: Signals, road: RoadMap, time_ns: int) -> tuple[F64, Bool, Bool]:
    """Return per lane how long all its groups have been green [s], whether none must yield, and if it has any."""
    of = _approaches(road)
    found: tuple[F64, Bool, Bool] = _greens(
        signals.controller, signals.group, signals.light, signals.since_ns, time_ns, of.lane, of.first, of.entry,
        of.size, len(road.lanes),
    )  # fmt: skip
    return found


@numba.njit(cache=True)
def _greens(
    controller: U16, group: U8, light: U8, since_ns: I64, time_ns: int, lane: I32, first: I64, entry: I64,
    size: int, lanes: int,
) -> tuple[F64, Bool, Bool]:  # fmt: skip
    """Return the same from the columns of signals and of the approaches; one that nobody tells of is not green."""
    since, free = np.full(size, -1.0), np.zeros(size, np.bool_)
    for n in range(len(light)):
        place = np.int64(controller[n]) * 64 + np.int64(group[n])
        if place < size:
            free[place] = light[n] == PROTECTED
            since[place] = (time_ns - since_ns[n]) * SECOND if free[place] or light[n] == PERMISSIVE else -1.0
    seconds, protected, governed = np.full(lanes, -1.0), np.zeros(lanes, np.bool_), np.zeros(lanes, np.bool_)
    for k in range(len(lane)):
        least, every = np.inf, True
        for j in range(first[k], first[k + 1] if k + 1 < len(first) else len(entry)):
            least = min(least, since[entry[j]])
            every = every and free[entry[j]]
        seconds[lane[k]], protected[lane[k]], governed[lane[k]] = least, every, True
    return seconds, protected, governed


@numba.njit(cache=True)
def _ahead(
    place: I64,
    lane: I32,
    offset: F64,
    half: F64,
    speed: F64,
    length: F64,
    governed: Bool,
    first: I32,
    following: I32,
) -> tuple[F64, F64, F64]:
    """Look ahead of each place in the rows, which are sorted by lane and offset, along all ways it may go.

    Returns:
        The way from the front bumper to the end of the lane, to the nearest slow vehicle and to the nearest stop
        line with a signal [m]; inf where there is none within `LOOK_M`.
    """
    left = np.empty(len(place))
    slow = np.full(len(place), np.inf)
    line = np.full(len(place), np.inf)
    todo = np.empty(64, np.int64)
    way = np.empty(64)
    for n in range(len(place)):
        front = offset[place[n]] + half[place[n]]
        count = 1
        todo[0], way[0] = lane[place[n]], -front
        left[n] = max(length[todo[0]] - front, 0.0)
        done = 0
        while done < count:
            here, start = todo[done], way[done]
            j = place[n] + 1 if done == 0 else np.searchsorted(lane, here)
            while j < len(lane) and lane[j] == here and start + offset[j] - half[j] < LOOK_M:
                if speed[j] < SLOW:
                    slow[n] = min(slow[n], max(start + offset[j] - half[j], 0.0))
                    break
                j += 1
            end = start + length[here]
            if governed[here]:
                line[n] = min(line[n], max(end, 0.0))
            if end < LOOK_M:
                for k in range(first[here], first[here + 1]):
                    if count < len(todo):
                        todo[count], way[count] = following[k], end
                        count += 1
            done += 1
    return left, slow, line


def watched(actors: Actors, rows: I64, poles: PoleReach) -> Bool:
    """Tell of which actors a pole sees the place where the next in a queue would stand."""
    x = actors.x[rows] + LEADER_M * np.cos(actors.heading[rows])
    y = actors.y[rows] + LEADER_M * np.sin(actors.heading[rows])
    reach = np.maximum(poles.reach - EDGE_M, 0.0)
    result: Bool = _covered(x, y, actors.sources[rows] >= SEEN, poles.x, poles.y, reach)
    return result


@numba.njit(cache=True)
def _covered(x: F64, y: F64, asked: Bool, pole_x: F64, pole_y: F64, reach: F64) -> Bool:
    """Tell which of the places asked about lie within reach of any pole."""
    found = np.zeros(len(x), np.bool_)
    for n in range(len(x)):
        if asked[n]:
            for k in range(len(pole_x)):
                if (x[n] - pole_x[k]) ** 2 + (y[n] - pole_y[k]) ** 2 <= reach[k] ** 2:
                    found[n] = True
                    break
    return found


@numba.njit(cache=True)
def _gone_by(along: F64, step_m: F64, here: F64) -> I64:
    """Return how many of the rising places along are less than their own step beyond each place."""
    went = np.zeros(len(here), np.int64)
    for n in range(len(here)):
        k = np.searchsorted(along, here[n])
        while k < len(along) and along[k] - here[n] < 12.0:
            went[n] += along[k] - here[n] < step_m[k]
            k += 1
    return went


def _passing(actors: Actors, rows: I64, road: RoadMap) -> I64:
    """Return how many vehicles go by each standing one on its carriageway since the last look."""
    moving = np.flatnonzero((actors.lane >= 0) & (actors.speed > 3.0))
    if not len(moving):
        return np.zeros(len(rows), np.int64)
    # one number that rises along each carriageway, and from one to the next
    along = road.lanes.edge[actors.lane[moving]] * 1e5 + actors.offset[moving]
    order = np.argsort(along, kind="stable")
    along, moving = along[order], moving[order]
    here = road.lanes.edge[actors.lane[rows]] * 1e5 + actors.offset[rows]
    step_m = LOOK_EVERY_S * actors.speed[moving]
    went: I64 = _gone_by(along, step_m, here)
    return went


def explanations(
    actors: Actors, rows: I64, signals: Signals, pole_reach: PoleReach, road: RoadMap, time_ns: int
) -> tuple[F64, I64]:
    """Weigh how little explains that vehicles stand.

    Args:
        actors: the live picture.
        rows: those that stand in a lane.
        signals: what controllers say they show.
        pole_reach: how far each pole sees now.
        road: the map.
        time_ns: the tick's instant.

    Returns:
        For each of `rows`, what a second of standing is worth as evidence: 1 on a free lane in view of a pole,
        less where its light is red; a third at a stop line on green, less where it may be yielding; half where
        nobody sees its lane, but a queue should have dissolved or would have somebody in it who speaks; 0 where it
        is explained. And how many vehicles went by it since the last look.
    """
    on_lane = np.flatnonzero(actors.lane >= 0)
    order = on_lane[np.lexsort((actors.offset[on_lane], actors.lane[on_lane]))]
    rank = np.empty(len(actors), np.int64)
    rank[order] = np.arange(len(order))
    seconds, protected, governed = greens(signals, road, time_ns)
    left, slow, line = _ahead(
        rank[rows], actors.lane[order], actors.offset[order], 0.5 * actors.length[order], actors.speed[order],
        road.lanes.length, governed, road.successor_first, road.successor_lane,
    )  # fmt: skip
    lane = actors.lane[rows]
    green, ruled, in_view = seconds[lane], governed[lane], watched(actors, rows, pole_reach)
    near = (left < YIELD_M) | road.lanes.internal[lane]
    blocked = (slow < QUEUE_GAP_M) | (near & (slow < BLOCK_M))
    going = green > START_LOST_S
    at_end = np.where(ruled, np.where(protected[lane], AT_LINE, YIELDING) * going, YIELDING)
    on_lane_seen = np.where(ruled & ~going, RED, FREE)
    queue_gone = ruled & (green > START_LOST_S + left / START_WAVE)
    no_queue = (slow > LOOK_M) & (line > LOOK_M)
    on_lane_unseen = UNSEEN * (queue_gone | no_queue)
    weight = np.where(near, at_end * in_view, np.where(in_view, on_lane_seen, on_lane_unseen))
    return np.where(blocked, 0.0, weight), _passing(actors, rows, road)
