"""Where a lane leads: the chain of lanes a vehicle will probably drive, and points on it."""

from __future__ import annotations

import numba
import numpy as np

from wayside.table import F64, I32

PATH_LANES = 12  # most lanes of a path; 5 s of driving cross fewer even in a dense junction
STRAIGHT = 0.35  # rad; a lane that turns by less goes straight on


@numba.njit(cache=True)
def _turn(lane: int, first: I32, count: I32, x: F64, y: F64) -> float:
    """Return by how much a lane turns from its first to its last piece [rad], anticlockwise."""
    a, b = first[lane], first[lane] + count[lane] - 1
    start_x, start_y = x[a + 1] - x[a], y[a + 1] - y[a]
    end_x, end_y = x[b] - x[b - 1], y[b] - y[b - 1]
    return float(np.arctan2(start_x * end_y - start_y * end_x, start_x * end_x + start_y * end_y))


@numba.njit(cache=True)
def follow(
    lane: int, need: float, path: I32,
    first: I32, count: I32, x: F64, y: F64, length: F64, successor_first: I32, successor_lane: I32,
) -> tuple[int, bool]:  # fmt: skip
    """Fill in the lanes a vehicle will probably drive and return how many they are.

    Where several lanes follow, the straightest is taken if it goes straight on; else the path ends, and with it
    what can be known.

    Args:
        lane: lane it is on.
        need: length of path wanted from the start of that lane [m].
        path: room for `PATH_LANES` lanes.
        first, count, x, y: the map's middle lines.
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
                turn = abs(_turn(successor_lane[n], first, count, x, y))
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
def point_on(lane: int, offset: float, start: int, first: I32, count: I32, x: F64, y: F64, s: F64):  # type: ignore[no-untyped-def]
    """Return x, y, the unit direction and the piece of a lane's middle line at an offset.

    Before the beginning and past the end the first and last piece go on straight.

    Args:
        lane: index of the lane.
        offset: distance along it [m].
        start: piece to begin the search at; pieces before it are not looked at.
        first, count, x, y, s: the map's middle lines and the distance along them.
    """
    base, pieces = first[lane], count[lane] - 1
    piece = start
    while piece < pieces - 1 and s[base + piece + 1] <= offset:
        piece += 1
    a = base + piece
    dx, dy = x[a + 1] - x[a], y[a + 1] - y[a]
    size = np.sqrt(dx * dx + dy * dy)
    if size <= 0.0:
        return x[a], y[a], 1.0, 0.0, piece
    dx, dy = dx / size, dy / size
    away = offset - s[a]
    return x[a] + away * dx, y[a] + away * dy, dx, dy, piece
