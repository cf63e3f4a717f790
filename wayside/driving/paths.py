"""Where a lane leads: the chain of lanes a vehicle will probably drive, and points on it."""

from __future__ import annotations

import numba
import numpy as np

from wayside.maps.matching import EAST, HEADING, NORTH, OFFSET, STRETCH, X, Y
from wayside.table import F64, I32

PATH_LANES = 12  # most lanes of a path; 5 s of driving cross fewer even in a dense junction
STRAIGHT = 0.35  # rad; a lane that turns by less goes straight on


@numba.njit(cache=True)
def _turn(lane: int, first: I32, count: I32, line: F64) -> float:
    """Return by how much a lane turns from its first to its last piece [rad], without sign."""
    begin = first[lane] - lane
    turn = abs(line[begin + count[lane] - 2, HEADING] - line[begin, HEADING])
    return float(min(turn, 2.0 * np.pi - turn))


@numba.njit(cache=True)
def follow(
    lane: int, need: float, path: I32,
    first: I32, count: I32, line: F64, length: F64, successor_first: I32, successor_lane: I32,
) -> tuple[int, bool]:  # fmt: skip
    """Fill in the lanes a vehicle will probably drive and return how many they are.

    Where several lanes follow, the straightest is taken if it goes straight on; else the path ends, and with it
    what can be known.

    Args:
        lane: lane it is on.
        need: length of path wanted from the start of that lane [m].
        path: room for `PATH_LANES` lanes.
        first, count, line: the map's middle lines; see `point_on`.
        length: of each lane [m].
        successor_first, successor_lane: the map's successors.

    Returns:
        Number of lanes, and whether a choice was made on the way.
    """
    path[0] = lane
    lanes, gone, chosen = 1, length[lane], False
    while gone < need and lanes < PATH_LANES:
        a, b = successor_first[lane], successor_first[lane + 1]
        if a == b:
            break
        best = successor_lane[a]
        if b - a > 1:
            chosen = True
            least = 10.0
            for n in range(a, b):
                turn = _turn(successor_lane[n], first, count, line)
                if turn < least:
                    least, best = turn, successor_lane[n]
            if least > STRAIGHT:
                break
        lane = best
        path[lanes] = lane
        lanes += 1
        gone += length[lane]
    return lanes, chosen


@numba.njit(cache=True)
def point_on(lane: int, offset: float, start: int, first: I32, count: I32, line: F64):  # type: ignore[no-untyped-def]
    """Return x, y and the segment of a lane's middle line at an offset.

    Before the beginning and past the end the first and last piece go on straight.

    Args:
        lane: index of the lane.
        offset: distance along it [m].
        start: segment to begin the search at, -1 for the lane's first; segments before it are not looked at.
        first, count: the map's `first_point` and `points` of each lane.
        line: the map's `segments.line`.
    """
    last = first[lane] - lane + count[lane] - 2
    segment = max(start, first[lane] - lane)
    while segment < last and line[segment + 1, OFFSET] <= offset:
        segment += 1
    away = (offset - line[segment, OFFSET]) / line[segment, STRETCH]
    return line[segment, X] + away * line[segment, EAST], line[segment, Y] + away * line[segment, NORTH], segment
