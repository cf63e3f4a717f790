"""A sender among the others: whether it is where others are, repeats them, or comes out of nowhere."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from wayside.maps.matching import EAST, LANE, LENGTH, NORTH, Grid, X, Y
from wayside.maps.road import RoadMap
from wayside.records import Records
from wayside.table import F64, I32, I64, U64, Bool

ELDER_NS = 1_000_000_000  # who was heard so much earlier was there before
SAME_M, SAME_SPEED, SAME_HEADING = 0.006, 0.006, 0.0006  # of equal values, one of them rounded as in Trust
LONGEST_M = 26.0
WITHIN_S = 1.0
HALF_LANE_M = 1.75
FAR_M = 1e7  # places beyond that are on no map
MOST_LANES = 16  # that lead through one point; more are not looked at


@numba.njit(cache=True)
def _deep(
    dx: float, dy: float, h1: float, length1: float, width1: float, h2: float, length2: float, width2: float
) -> bool:
    """Tell whether two rectangles share some place; dx and dy lead from the first one's centre to the second's."""
    for heading in (h1, h1 + math.pi / 2, h2, h2 + math.pi / 2):
        cosine, sine = math.cos(heading), math.sin(heading)
        apart = abs(dx * cosine + dy * sine)
        c1, c2 = abs(math.cos(h1 - heading)), abs(math.cos(h2 - heading))
        s1, s2 = abs(math.sin(h1 - heading)), abs(math.sin(h2 - heading))
        if apart >= 0.5 * (length1 * c1 + width1 * s1 + length2 * c2 + width2 * s2):
            return False
    return True


@numba.njit(cache=True)
def find_overlaps(
    last: I64, said: Records, root: U64, since_ns: I64, doubted: Bool, limits: Records, time_ns: int
) -> tuple[U64, Bool, F64]:
    """Find for each sender heard the nearest other whose vehicle would be in the same place.

    Args:
        last: for each sender, the row in `said` of its newest report.
        said: records of Reports.
        root, since_ns: under which identity each sender was first heard, and when [ns].
        doubted: senders against whom something speaks already; what they overlap is no fault of the others.
        limits: record of PlausibilityConfig.
        time_ns: the tick's instant.

    Returns:
        The other's root, 0 where there is none; whether that one was heard well before; and how much it
        counts: where one stands and the other drives through, the one that stands is the ghost; that two stand
        too close, or one creeps, says nothing of either until one drives out.
    """
    limit, count = limits[0], last.size
    x, y = np.empty(count), np.empty(count)
    for i in range(count):
        one = said[last[i]]
        ahead = _bounded((time_ns - one.time_ns) * 1e-9)
        x[i] = one.x + ahead * one.speed * math.cos(one.heading)
        y[i] = one.y + ahead * one.speed * math.sin(one.heading)
    partner, after = np.zeros(count, np.uint64), np.zeros(count, np.bool_)
    weight, nearest = np.ones(count), np.full(count, np.inf)
    order = np.argsort(x, kind="mergesort")
    for a in range(count):
        i = order[a]
        one = said[last[i]]
        for b in range(a + 1, count):
            j = order[b]
            dx, dy = x[j] - x[i], y[j] - y[i]
            if not dx < LONGEST_M:
                break
            other = said[last[j]]
            if not abs(dy) < 0.5 * (one.length + other.length):
                continue
            unsure = max(one.position_sigma + other.position_sigma - limit.usual_sigma, 0.0)
            shrunk = limit.overlap_m + 2.0 * unsure
            if not _deep(
                dx, dy, one.heading, max(one.length - shrunk, 0.1), max(one.width - shrunk, 0.1),
                other.heading, max(other.length - shrunk, 0.1), max(other.width - shrunk, 0.1),
            ):  # fmt: skip
                continue
            away = math.hypot(dx, dy)
            for here, there in ((i, j), (j, i)):
                who = root[there]
                if doubted[there] or away > nearest[here] or (away == nearest[here] and who > partner[here]):
                    continue
                nearest[here], partner[here] = away, who
                mine, other_speed = said[last[here]].speed, said[last[there]].speed
                if mine > 2.0 and other_speed < 0.5:
                    weight[here] = limit.passing
                elif mine < 0.5 and other_speed > 2.0:
                    weight[here] = 1.0
                elif min(mine, other_speed) < 0.5 and max(mine, other_speed) <= 2.0:
                    weight[here] = 0.0
                else:
                    weight[here] = limit.alike
                after[here] = since_ns[here] > since_ns[there] + ELDER_NS
    return partner, after, weight


def layered(road: RoadMap, x: F64, y: F64) -> Bool:
    """Tell of each place [m] whether lanes of different roads lie over each other there.

    Under a bridge, or where a map draws two roads into each other, two honest vehicles may be in one place. Lanes
    of one road, those that continue in each other and those inside one junction are no different roads.

    >>> from wayside.maps.drawing import LaneSketch, draw, two_lane_road
    >>> layered(two_lane_road(100.0), np.array([50.0]), np.array([0.0]))
    array([False])
    >>> bridge = draw([LaneSketch([(0, 0), (100, 0)], edge=0), LaneSketch([(50, -50), (50, 50)], edge=1)])
    >>> layered(bridge, np.array([50.0, 20.0]), np.array([0.5, 0.0]))
    array([ True, False])
    """
    if not len(road.lanes):
        return np.zeros(len(x), np.bool_)
    s, lanes = road.segments, road.lanes
    found: Bool = _layered(
        x, y, s.line, s.owner, s.grid, s.driven_first, s.driven_segment, lanes.edge,
        np.where(lanes.internal, lanes.from_node, -1), road.successor_first, road.successor_lane,
    )  # fmt: skip
    return found


@numba.njit(cache=True)
def _layered(
    x: F64, y: F64, line: F64, owner: I32, grid: Grid, first: I64, segment: I32, edge: I32, inside: I32,
    successor_first: I32, successor_lane: I32,
) -> Bool:  # fmt: skip
    found, lanes = np.zeros(x.size, np.bool_), np.empty(MOST_LANES, np.int64)
    for n in range(x.size):
        count = 0
        west, south = x[n] - HALF_LANE_M - grid.west, y[n] - HALF_LANE_M - grid.south
        if not (abs(west) < FAR_M and abs(south) < FAR_M):
            continue
        for row in range(int(south // grid.cell), int((south + 2 * HALF_LANE_M) // grid.cell) + 1):
            for column in range(int(west // grid.cell), int((west + 2 * HALF_LANE_M) // grid.cell) + 1):
                if not (0 <= row < grid.rows and 0 <= column < grid.columns):
                    continue
                cell = row * grid.columns + column
                for place in range(first[cell], first[cell + 1]):
                    k = segment[place]
                    dx, dy = x[n] - line[k, X], y[n] - line[k, Y]
                    along = dx * line[k, EAST] + dy * line[k, NORTH]
                    aside = abs(dy * line[k, EAST] - dx * line[k, NORTH])
                    if aside <= HALF_LANE_M and 0.0 <= along <= line[k, LENGTH] and count < MOST_LANES:
                        lanes[count] = owner[k, LANE]
                        count += 1
        for i in range(count):
            for j in range(i):
                a, b = lanes[i], lanes[j]
                if edge[a] == edge[b] or (inside[a] >= 0 and inside[a] == inside[b]):
                    continue
                linked = False
                for start, end in ((a, b), (b, a)):
                    for place in range(successor_first[start], successor_first[start + 1]):
                        linked = linked or successor_lane[place] == end
                found[n] = found[n] or not linked
    return found


@numba.njit(cache=True)
def _bounded(seconds: float) -> float:
    return min(max(seconds, -0.5), 0.5)


@numba.njit(cache=True)
def find_copies(said: Records, memory: Records, speaks: Bool, order: I64, x_sorted: F64) -> Bool:
    """Tell of each report whether it repeats, to the last decimal, the last one known of another sender.

    Args:
        said: records of Reports.
        memory: records of Trust as the last tick left them.
        speaks: which of them are heard at this tick too; a changed identity repeats nobody.
        order: rows of `memory` in rising order of x; `x_sorted` are those x.
    """
    found = np.zeros(said.size, np.bool_)
    for r in range(said.size):
        one = said[r]
        for place in range(np.searchsorted(x_sorted, one.x - SAME_M), x_sorted.size):
            other = memory[order[place]]
            if not other.x <= one.x + SAME_M:
                break
            if (
                speaks[order[place]]
                and other.sender != one.sender
                and abs(other.y - one.y) <= SAME_M
                and abs(other.speed - one.speed) <= SAME_SPEED
                and abs(other.heading - one.heading) <= SAME_HEADING
                and other.time_ns < one.received_ns
            ):
                found[r] = True
                break
    return found


@numba.njit(cache=True)
def predecessor(new: Any, memory: Records, speaks: Bool) -> int:
    """Return the row of the sender that fell silent just where a new one is heard first, -1 if there is none.

    Identities are changed on the way for the sake of privacy. Whoever goes on from where another fell silent
    within the last second is the same vehicle.
    """
    found, nearest = -1, np.inf
    for k in range(memory.size):
        old = memory[k]
        # who jumps about is nobody's past
        if speaks[k] or old.jumps >= 1.0 or old.resized >= 1.0:
            continue
        silent = (new.time_ns - old.time_ns) * 1e-9
        if not 0.05 < silent < WITHIN_S:
            continue
        speed = 0.5 * (old.speed + new.speed)
        x = old.x + silent * speed * math.cos(old.heading)
        y = old.y + silent * speed * math.sin(old.heading)
        away = math.hypot(new.x - x, new.y - y)
        if away < 0.6 + 2.0 * silent and away < nearest and abs(new.speed - old.speed) < 1.0 + 6.0 * silent:
            found, nearest = k, away
    return found
