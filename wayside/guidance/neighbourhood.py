"""Who may meet whom: one grid finds the pairs whose coming paths are near each other.

Cost grows with the number of rows and of near pairs, not with the number of all pairs.
"""

from __future__ import annotations

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS, Forecasts
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, Bool

Rows: TypeAlias = NDArray[np.intp]

CELL_M = 32.0  # about the reach of a slow car's next seconds


def forecast_rows(actors: Actors, forecasts: Forecasts) -> I64:
    """Return for each actor the row of its forecast, -1 where it has none.

    >>> forecast_rows(Actors.empty(), Forecasts.empty())
    array([], dtype=int64)
    """
    if actors.id is forecasts.id or np.array_equal(actors.id, forecasts.id):
        return np.arange(len(actors))
    if not len(forecasts):
        return np.full(len(actors), -1)
    order = np.argsort(forecasts.id, kind="stable")
    place = np.minimum(np.searchsorted(forecasts.id, actors.id, sorter=order), len(forecasts) - 1)
    rows = order[place]
    return np.where(forecasts.id[rows] == actors.id, rows, -1)


@numba.njit(cache=True)
def reach_circles(
    x: F64, y: F64, rows: I64, future_x: F64, future_y: F64, seconds: F64, slack: F64
) -> tuple[F64, F64, F64]:
    """Return middle [m] and radius [m] of a circle around each actor's path of its next `seconds`.

    `slack` [m] is added to each radius for the body. The radius is negative for rows without a forecast.
    """
    count = x.size
    middle_x, middle_y, radius = np.empty(count), np.empty(count), np.full(count, -1.0)
    for i in range(count):
        row = rows[i]
        middle_x[i], middle_y[i] = x[i], y[i]
        if row < 0 or not (np.isfinite(x[i]) and np.isfinite(y[i])):
            continue
        last = min(max(int(np.ceil(seconds[i] / HORIZON_STEP_S)), 1), HORIZON_STEPS)
        cx, cy = (x[i] + future_x[row, last - 1]) / 2, (y[i] + future_y[row, last - 1]) / 2
        far = (x[i] - cx) ** 2 + (y[i] - cy) ** 2
        for k in range(last):
            far = max(far, (future_x[row, k] - cx) ** 2 + (future_y[row, k] - cy) ** 2)
        if np.isfinite(far):
            middle_x[i], middle_y[i], radius[i] = cx, cy, np.sqrt(far) + slack[i]
    return middle_x, middle_y, radius


@numba.njit(cache=True, inline="always")
def _slot(column: int, row: int, slots: int) -> int:
    """Return the drawer of a cell; different cells may share one."""
    return ((column * 73856093) ^ (row * 19349663)) & (slots - 1)


@numba.njit(cache=True)
def near_pairs(x: F64, y: F64, radius: F64, seeks: Bool, sought: Bool) -> tuple[Rows, Rows]:
    """Return the pairs (one that seeks, one that is sought) whose circles touch.

    Args:
        x, y: middles of the circles [m].
        radius: radii [m]; negative ones take no part.
        seeks, sought: roles; a row may have both.

    Limits: each pair is looked for from its larger circle, so one huge circle costs as many cells as it covers.
    """
    count = x.size
    slots = 64
    while slots < 2 * count:
        slots *= 2
    first = np.zeros(slots + 1, np.int32)
    slot = np.full(count, -1, np.int32)
    cell_column, cell_row = np.empty(count, np.int32), np.empty(count, np.int32)
    for i in range(count):
        if radius[i] >= 0 and (seeks[i] or sought[i]):
            cell_column[i], cell_row[i] = np.int32(np.floor(x[i] / CELL_M)), np.int32(np.floor(y[i] / CELL_M))
            slot[i] = _slot(cell_column[i], cell_row[i], slots)
            first[slot[i] + 1] += 1
    for s in range(slots):
        first[s + 1] += first[s]
    fill = first[:-1].copy()
    # what is compared lies drawer by drawer, so that a drawer is read in one go
    member = np.empty(first[slots], np.int32)
    member_x, member_y, member_radius = np.empty(len(member)), np.empty(len(member)), np.empty(len(member))
    for i in range(count):
        if slot[i] >= 0:
            at = fill[slot[i]]
            member[at], member_x[at], member_y[at], member_radius[at] = i, x[i], y[i], radius[i]
            fill[slot[i]] += 1
    size, found = max(64, 4 * count), 0
    left, right = np.empty(size, np.intp), np.empty(size, np.intp)
    for i in range(count):
        if slot[i] < 0:
            continue
        wide = 2 * radius[i]
        for column in range(int(np.floor((x[i] - wide) / CELL_M)), int(np.floor((x[i] + wide) / CELL_M)) + 1):
            for row in range(int(np.floor((y[i] - wide) / CELL_M)), int(np.floor((y[i] + wide) / CELL_M)) + 1):
                s = _slot(column, row, slots)
                for k in range(first[s], first[s + 1]):
                    reach = radius[i] + member_radius[k]
                    if (x[i] - member_x[k]) ** 2 + (y[i] - member_y[k]) ** 2 > reach * reach:
                        continue
                    j = member[k]
                    # each pair once, from its larger circle; of equal ones, from the earlier row
                    if radius[j] > radius[i] or (radius[j] == radius[i] and j <= i):
                        continue
                    if not ((seeks[i] and sought[j]) or (seeks[j] and sought[i])):
                        continue
                    if cell_column[j] != column or cell_row[j] != row:
                        continue
                    if found + 2 > size:
                        size *= 2
                        more_left, more_right = np.empty(size, np.intp), np.empty(size, np.intp)
                        more_left[:found], more_right[:found] = left[:found], right[:found]
                        left, right = more_left, more_right
                    if seeks[i] and sought[j]:
                        left[found], right[found] = i, j
                        found += 1
                    if seeks[j] and sought[i]:
                        left[found], right[found] = j, i
                        found += 1
    return left[:found], right[:found]


@numba.njit(cache=True)
def _inside(
    x: F64, y: F64, radius: F64, subjects: Rows, place_x: F64, place_y: F64, others: Rows
) -> tuple[Rows, Rows]:
    """Return the pairs of circle and point that lies in it, as `subjects` and `others` name them, each once.

    Circles with an unknown middle hold nothing; nobody is a pair with itself.
    """
    count, slots = place_x.size, 64
    while slots < 2 * count:
        slots *= 2
    first = np.zeros(slots + 1, np.int32)
    cell_column, cell_row = np.empty(count, np.int32), np.empty(count, np.int32)
    slot = np.full(count, -1, np.int32)
    for j in range(count):
        if np.isfinite(place_x[j]) and np.isfinite(place_y[j]):
            cell_column[j] = np.int32(np.floor(place_x[j] / CELL_M))
            cell_row[j] = np.int32(np.floor(place_y[j] / CELL_M))
            slot[j] = _slot(cell_column[j], cell_row[j], slots)
            first[slot[j] + 1] += 1
    for s in range(slots):
        first[s + 1] += first[s]
    fill = first[:-1].copy()
    member = np.empty(first[slots], np.int32)
    member_x, member_y = np.empty(len(member)), np.empty(len(member))
    for j in range(count):
        if slot[j] >= 0:
            at = fill[slot[j]]
            member[at], member_x[at], member_y[at] = j, place_x[j], place_y[j]
            fill[slot[j]] += 1
    size, found = max(64, 4 * x.size), 0
    left, right = np.empty(size, np.intp), np.empty(size, np.intp)
    for i in range(x.size):
        r = radius[i]
        if not np.isfinite(x[i] + y[i] + r):
            continue
        for column in range(int(np.floor((x[i] - r) / CELL_M)), int(np.floor((x[i] + r) / CELL_M)) + 1):
            for row in range(int(np.floor((y[i] - r) / CELL_M)), int(np.floor((y[i] + r) / CELL_M)) + 1):
                s = _slot(column, row, slots)
                for k in range(first[s], first[s + 1]):
                    if (x[i] - member_x[k]) ** 2 + (y[i] - member_y[k]) ** 2 > r * r:
                        continue
                    j = member[k]
                    if cell_column[j] != column or cell_row[j] != row or others[j] == subjects[i]:
                        continue
                    if found == size:
                        size *= 2
                        more_left, more_right = np.empty(size, np.intp), np.empty(size, np.intp)
                        more_left[:found], more_right[:found] = left[:found], right[:found]
                        left, right = more_left, more_right
                    left[found], right[found] = subjects[i], others[j]
                    found += 1
    return left[:found], right[:found]


def within_reach(actors: Actors, forward: F64, radius: F64, seeks: Bool, sought: Bool) -> tuple[Rows, Rows]:
    """Return the pairs (one that seeks, one that is sought) where the second's centre lies in the first's circle.

    Args:
        actors: everybody.
        forward: how far ahead of each actor the middle of its circle lies, negative behind [m].
        radius: of the circles [m].
        seeks, sought: roles; a row may have both, but is no pair with itself.

    Returns:
        Rows of those who seek, in rising order, and of those who are sought.
    """
    subjects, others = np.flatnonzero(seeks), np.flatnonzero(sought)
    heading, ahead = actors.heading[subjects], forward[subjects]
    return _inside(
        actors.x[subjects] + ahead * np.cos(heading), actors.y[subjects] + ahead * np.sin(heading),
        radius[subjects], subjects, actors.x[others], actors.y[others], others,
    )  # fmt: skip
