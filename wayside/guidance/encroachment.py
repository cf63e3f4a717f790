"""Who came to a spot soon after another had left it: the moments from which post-encroachment times are read."""

from __future__ import annotations

import numba
import numpy as np

from wayside.table import F64, I64, U64

CELL_M = 0.5  # of the grid in which encroachment is found
CROSSING_RAD = 0.5  # paths that differ by less follow each other; their gap is a headway
STILL = 0.3  # [m/s] what is slower moves into nobody's way


@numba.njit(cache=True, inline="always")
def _slot(keys: I64, key: int) -> np.int64:
    """Return the place of a key, or the free place where it goes."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(32)) & (len(keys) - 1)
    while keys[at] != -1 and keys[at] != key:
        at = (at + 1) & (len(keys) - 1)
    return at


@numba.njit(cache=True)
def encroachments(
    first: I64, time_ns: I64, identity: U64, x: F64, y: F64, heading: F64, speed: F64, length: F64, width: F64,
    limit_ns: int,
) -> tuple[I64, I64, I64]:  # fmt: skip
    """Return row of who came, row of who had been there, and how long ago [ns], for each such moment."""
    keys = np.full(1 << 16, -1, np.int64)
    last = np.empty(1 << 16, np.int64)
    filled, found = 0, 0
    later, earlier, gap = np.empty(256, np.int64), np.empty(256, np.int64), np.empty(256, np.int64)
    for tick in range(len(first) - 1):
        for row in range(first[tick], first[tick + 1]):
            if speed[row] < STILL:
                continue
            c, s = np.cos(heading[row]), np.sin(heading[row])
            along, across = length[row] / 2, width[row] / 2
            reach_x, reach_y = abs(c) * along + abs(s) * across, abs(s) * along + abs(c) * across
            best, whom = limit_ns + 1, -1
            for column in range(
                int(np.floor((x[row] - reach_x) / CELL_M)), int(np.floor((x[row] + reach_x) / CELL_M)) + 1
            ):
                for line in range(
                    int(np.floor((y[row] - reach_y) / CELL_M)), int(np.floor((y[row] + reach_y) / CELL_M)) + 1
                ):
                    dx, dy = (column + 0.5) * CELL_M - x[row], (line + 0.5) * CELL_M - y[row]
                    if abs(c * dx + s * dy) > along or abs(c * dy - s * dx) > across:
                        continue
                    key = ((column + (1 << 24)) << 26) | (line + (1 << 24))
                    at = _slot(keys, key)
                    if keys[at] == -1:
                        keys[at] = key
                        filled += 1
                    else:
                        other = last[at]
                        ago = time_ns[row] - time_ns[other]
                        turn = abs(heading[row] - heading[other])
                        turn = min(turn, 2.0 * np.pi - turn)
                        if identity[other] != identity[row] and 0 < ago < best and turn > CROSSING_RAD:
                            best, whom = ago, other
                    last[at] = row
                    if 2 * filled > len(keys):
                        old_keys, old_last = keys, last
                        keys, last = (
                            np.full(2 * len(old_keys), -1, np.int64),
                            np.empty(2 * len(old_keys), np.int64),
                        )
                        for k in range(len(old_keys)):
                            if old_keys[k] != -1:
                                to = _slot(keys, old_keys[k])
                                keys[to], last[to] = old_keys[k], old_last[k]
            if whom >= 0:
                if found == len(later):
                    later = np.concatenate((later, np.empty_like(later)))
                    earlier = np.concatenate((earlier, np.empty_like(earlier)))
                    gap = np.concatenate((gap, np.empty_like(gap)))
                later[found], earlier[found], gap[found] = row, whom, best
                found += 1
    return later[:found], earlier[:found], gap[:found]
