"""Who comes to a place along the lanes: the ways ahead of road users, at every fork all of them."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.table import F64, I32, I64

STACK = 64  # ways looked at at once; more forks than that within the reach are not followed


class Places(NamedTuple):
    """Places on lanes; one entry a place.

    Attributes:
        lane: index of the lane, -1 none.
        offset: along it [m].
        own: row of the actor that is the place itself, -1 none.
    """

    lane: I32
    offset: F64
    own: I64


@numba.njit(cache=True)
def _ahead(
    subjects: I64, lane: I32, offset: F64,
    place_lane: I32, place_offset: F64, own: I64,
    lane_length: F64, successor_first: I32, successor_lane: I32, within: float,
) -> tuple[I64, I64, F64]:  # fmt: skip
    """Return the pairs of subject (its place in `subjects`) and place, and how far it is along the lanes [m]."""
    places = place_lane.size
    size, found = 16, 0
    who, where, far = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    stack_lane, stack_base = np.empty(STACK, np.int32), np.empty(STACK)
    best, met = np.full(places, np.inf), np.empty(places, np.int64)
    # the places on each lane, as chains
    first, following = np.full(lane_length.size, -1, np.int32), np.full(places, -1, np.int32)
    for h in range(places - 1, -1, -1):
        if place_lane[h] >= 0:
            following[h] = first[place_lane[h]]
            first[place_lane[h]] = h
    for n in range(subjects.size):
        i = subjects[n]
        if lane[i] < 0:
            continue
        touched = 0
        # base: distance from the subject to the beginning of the lane
        stack_lane[0], stack_base[0], depth = lane[i], -offset[i], 1
        while depth:
            depth -= 1
            here, base = stack_lane[depth], stack_base[depth]
            h = first[here]
            while h >= 0:
                distance = base + place_offset[h]
                if own[h] != i and 0 < distance < min(within, best[h]):
                    if best[h] == np.inf:
                        met[touched] = h
                        touched += 1
                    best[h] = distance
                h = following[h]
            after = base + lane_length[here]
            if after < within:
                for k in range(successor_first[here], successor_first[here + 1]):
                    if depth < STACK:
                        stack_lane[depth], stack_base[depth] = successor_lane[k], after
                        depth += 1
        for h in np.sort(met[:touched]):
            if found == size:
                size *= 2
                more_who, more_where, more_far = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
                more_who[:found], more_where[:found], more_far[:found] = who, where, far
                who, where, far = more_who, more_where, more_far
            who[found], where[found], far[found] = n, h, best[h]
            found += 1
            best[h] = np.inf
    return who[:found], where[:found], far[:found]


def places_ahead(
    subjects: I64, actors: Actors, places: Places, road: RoadMap, within_m: float
) -> tuple[I64, I64, F64]:
    """Return which places lie ahead of which subjects on the lanes they can come to without changing lanes.

    Args:
        subjects: rows of the actors that may come to a place.
        actors: the live picture.
        places: the places.
        road: the map.
        within_m: how far along the lanes is looked.

    Returns:
        Row of the actor, index of the place and distance from the actor's middle [m] of each pair, in the order of
        the subjects and then of the places.
    """
    if not (len(subjects) and len(places.lane)):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    who, where, far = _ahead(
        subjects, actors.lane, actors.offset, places.lane, places.offset, places.own,
        road.lanes.length, road.successor_first, road.successor_lane, within_m,
    )  # fmt: skip
    return subjects[who], where, far


def nearest_of(who: I64, far: F64) -> I64:
    """Return which pairs are the nearest of their subject; of equal ones the first.

    >>> nearest_of(np.array([4, 4, 7]), np.array([9.0, 5.0, 3.0]))
    array([1, 2])
    """
    order = np.lexsort((np.arange(len(who)), far, who))
    ordered = who[order]
    first = np.ones(len(who), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return order[first]


@numba.njit(cache=True)
def _reach(
    start: I32, base: float, lane_length: F64, successor_first: I32, successor_lane: I32, within: float
) -> F64:
    """Return how far it is to the beginning of each lane [m] from `base` before that of `start`, inf for never."""
    found = np.full(lane_length.size, np.inf)
    stack = np.empty(STACK, np.int32)
    depth = 0
    for lane in start:
        found[lane] = base
        if depth < STACK:
            stack[depth] = lane
            depth += 1
    while depth:
        depth -= 1
        here = stack[depth]
        after = found[here] + lane_length[here]
        if after >= within:
            continue
        for k in range(successor_first[here], successor_first[here + 1]):
            lane = successor_lane[k]
            if after < found[lane] and depth < STACK:
                found[lane] = after
                stack[depth] = lane
                depth += 1
    return found


def reach_of(lane: int, offset: float, road: RoadMap, within_m: float) -> F64:
    """Return how far it is to the beginning of each lane from a place, over all lanes of its carriageway [m].

    Negative for the lanes of that carriageway, infinite for lanes that cannot be come to within the reach.
    """
    lanes = road.lanes
    start = np.flatnonzero((lanes.edge == lanes.edge[lane]) & (lanes.internal == lanes.internal[lane]))
    if lanes.internal[lane]:
        start = np.array([lane])
    return _reach(
        start.astype(np.int32), -offset, lanes.length, road.successor_first, road.successor_lane, within_m
    )


def reach_from(lane: int, offset: float, road: RoadMap, within_m: float) -> F64:
    """Return how far it is to the beginning of each lane from a place on one lane, without changing lanes [m]."""
    start = np.array([lane], np.int32)
    return _reach(start, -offset, road.lanes.length, road.successor_first, road.successor_lane, within_m)
