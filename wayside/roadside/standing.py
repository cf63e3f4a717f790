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
from wayside.table import F64, I32, I64, Bool

SECOND = 1e-9  # [s] in a nanosecond
QUEUE_GAP_M = 12.0  # a slow vehicle no farther ahead than this is why one stands
SLOW = 2.0  # [m/s]
YIELD_M = 25.0  # this near to the end of a lane one may wait for others
BLOCK_M = 30.0  # a slow vehicle this close behind the end of the lane blocks it
LEADER_M = 9.0  # the leader in a queue would be no farther ahead than this, middle to middle
START_WAVE = 4.0  # speed at which a queue dissolves backwards, on the safe side [m/s]
START_LOST_S = 5.0  # before the first one moves

SEEN = 2  # bit of `sources`
FREE, AT_LINE, YIELDING, UNSEEN = 1.0, 0.33, 0.15, 0.5  # worth of a second of standing, see `explanations`


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


def _greens(signals: Signals, road: RoadMap, time_ns: int) -> tuple[F64, Bool, Bool]:
    """Return per lane how long all its groups have been green [s], whether none must yield, and if it has any."""
    approaches = _approaches(road)
    lanes = len(road.lanes)
    seconds, protected, governed = np.full(lanes, -1.0), np.zeros(lanes, np.bool_), np.zeros(lanes, np.bool_)
    if not len(approaches.lane):
        return seconds, protected, governed
    since = np.full(approaches.size, -1.0)
    free = np.zeros(approaches.size, np.bool_)
    entry = signals.controller.astype(np.int64) * 64 + signals.group
    fits = entry < approaches.size
    light = signals.light
    green = (light == Light.PROTECTED_GREEN) | (light == Light.PERMISSIVE_GREEN)
    since[entry[fits]] = np.where(green, (time_ns - signals.since_ns) * SECOND, -1.0)[fits]
    free[entry[fits]] = (light == Light.PROTECTED_GREEN)[fits]
    governed[approaches.lane] = True
    seconds[approaches.lane] = np.minimum.reduceat(since[approaches.entry], approaches.first)
    protected[approaches.lane] = np.logical_and.reduceat(free[approaches.entry], approaches.first)
    return seconds, protected, governed


@numba.njit(cache=True)
def _ahead(
    place: I64, lane: I32, offset: F64, half: F64, speed: F64, length: F64, first: I32, following: I32
) -> tuple[Bool, F64]:
    """Tell for each place in the rows, sorted by lane and offset, if a slow vehicle ahead is why it stands.

    Returns:
        Whether there is one, and the way from the front bumper to the end of the lane [m].
    """
    blocked = np.zeros(len(place), np.bool_)
    left = np.empty(len(place))
    todo = np.empty(64, np.int64)
    way = np.empty(64)
    for n in range(len(place)):
        i = place[n]
        front = offset[i] + half[i]
        left[n] = max(length[lane[i]] - front, 0.0)
        if i + 1 < len(lane) and lane[i + 1] == lane[i]:
            blocked[n] = speed[i + 1] < SLOW and offset[i + 1] - half[i + 1] - front < QUEUE_GAP_M
            continue
        if left[n] > YIELD_M:
            continue
        count = 1
        todo[0], way[0] = lane[i], left[n]
        done = 0
        while done < count and not blocked[n]:
            for k in range(first[todo[done]], first[todo[done] + 1]):
                after = following[k]
                j = np.searchsorted(lane, after)
                if j < len(lane) and lane[j] == after:
                    if speed[j] < SLOW and way[done] + offset[j] - half[j] < BLOCK_M:
                        blocked[n] = True
                elif way[done] + length[after] < BLOCK_M and count < 64:
                    todo[count], way[count] = after, way[done] + length[after]
                    count += 1
            done += 1
    return blocked, left


def _watched(actors: Actors, rows: I64, poles: PoleReach) -> Bool:
    """Tell of which actors a pole sees the place where the next in a queue would stand."""
    x = actors.x[rows] + LEADER_M * np.cos(actors.heading[rows])
    y = actors.y[rows] + LEADER_M * np.sin(actors.heading[rows])
    covered = (x[:, None] - poles.x) ** 2 + (y[:, None] - poles.y) ** 2 <= poles.reach**2
    result: Bool = covered.any(axis=1) & (actors.sources[rows] >= SEEN)
    return result


def _passing(actors: Actors, rows: I64, road: RoadMap) -> I64:
    """Return how many vehicles go by each standing one on its carriageway in this tenth of a second."""
    moving = np.flatnonzero((actors.lane >= 0) & (actors.speed > 3.0))
    if not len(moving):
        return np.zeros(len(rows), np.int64)
    edge = road.lanes.edge[actors.lane[moving]]
    order = np.lexsort((actors.offset[moving], edge))
    moving, edge = moving[order], edge[order]
    # one number that rises along each carriageway, and from one to the next
    along = edge * 1e5 + actors.offset[moving]
    here = road.lanes.edge[actors.lane[rows]] * 1e5 + actors.offset[rows]
    step_m = 0.1 * actors.speed[moving]
    went = np.zeros(len(rows), np.int64)
    low, high = np.searchsorted(along, here), np.searchsorted(along, here + 6.0)
    for n in np.flatnonzero(high > low).tolist():
        some = slice(low[n], high[n])
        went[n] = np.count_nonzero(along[some] - here[n] < step_m[some])
    return went


def explanations(
    actors: Actors, rows: I64, signals: Signals, poles: PoleReach, road: RoadMap, time_ns: int
) -> tuple[F64, I64]:
    """Weigh how little explains that vehicles stand.

    Args:
        actors: the live picture.
        rows: those that stand in a lane.
        signals: what controllers say they show.
        poles: how far each pole sees now.
        road: the map.
        time_ns: the tick's instant.

    Returns:
        For each of `rows`, what a second of standing is worth as evidence: 1 on a free lane in view of a pole, a
        third at a stop line on green, less where it may be yielding, half where a queue that nobody sees
        should have dissolved, 0 where it is explained; and how many vehicles went by it in this tick.
    """
    on_lane = np.flatnonzero(actors.lane >= 0)
    order = on_lane[np.lexsort((actors.offset[on_lane], actors.lane[on_lane]))]
    rank = np.empty(len(actors), np.int64)
    rank[order] = np.arange(len(order))
    blocked, left = _ahead(
        rank[rows], actors.lane[order], actors.offset[order], 0.5 * actors.length[order], actors.speed[order],
        road.lanes.length, road.successor_first, road.successor_lane,
    )  # fmt: skip
    lane = actors.lane[rows]
    seconds, protected, governed = _greens(signals, road, time_ns)
    green, watched = seconds[lane], _watched(actors, rows, poles)
    near = (left < YIELD_M) | road.lanes.internal[lane]
    free_to_go = np.where(protected[lane], AT_LINE, YIELDING) * (green > START_LOST_S)
    at_end = np.where(governed[lane], free_to_go, YIELDING)
    queue_gone = UNSEEN * (green > START_LOST_S + left / START_WAVE)
    should_have_gone = np.where(governed[lane], queue_gone, YIELDING)
    weight = np.where(near, np.where(watched, at_end, 0.0), np.where(watched, FREE, should_have_gone))
    return np.where(blocked, 0.0, weight), _passing(actors, rows, road)
