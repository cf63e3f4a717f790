"""Stretches of lanes, fifty metres each, on which what the road itself is like is gathered."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from wayside.maps.road import RoadMap
from wayside.membership import is_among
from wayside.table import F64, I32, I64, Table

CELL_M = 50.0
A = TypeVar("A", bound=Table)


def cell_of(lane: NDArray[Any], offset: F64, road: RoadMap) -> I64:
    """Return the number of the stretch at an offset [m] along a lane; a short rest joins the stretch before it.

    >>> from wayside.maps.drawing import two_lane_road
    >>> cell_of(np.zeros(3, int), np.array([10.0, 60.0, 119.0]), two_lane_road(length=120.0))
    array([0, 1, 1])
    """
    last = np.maximum(np.floor(road.lanes.length[lane] / CELL_M).astype(np.int64) - 1, 0)
    found: I64 = np.minimum((np.maximum(offset, 0.0) / CELL_M).astype(np.int64), last)
    return found


def middles(lane: NDArray[Any], cell: NDArray[Any], road: RoadMap) -> tuple[F64, F64]:
    """Return x, y [m] of the middles of stretches."""
    x, y, _ = road.along(lane, np.minimum((cell + 0.5) * CELL_M, road.lanes.length[lane]))
    return x, y


def keyed(lane: NDArray[Any], cell: NDArray[Any]) -> I64:
    """Return one number for each stretch, rising with lane and cell."""
    return np.asarray(lane, np.int64) * 65_536 + np.asarray(cell, np.int64)


def split(key: I64) -> tuple[I32, I64]:
    """Return lane and cell of such numbers."""
    return (key // 65_536).astype(np.int32), key % 65_536


def with_room(before: A, key: I64, road: RoadMap) -> A:
    """Return a table of stretches with a blank row for each that it does not have yet, in order."""
    columns = before.__dict__
    new = key[~is_among(key, keyed(columns["lane"], columns["cell"]))]
    if not len(new):
        return before
    new = np.unique(new)
    lane, cell = split(new)
    x, y = middles(lane, cell, road)
    values: dict[str, Any] = {name: np.zeros(len(new), c.dtype) for name, c in before.columns.items()}
    kind = type(before)
    return kind.concatenate([before, kind(**{**values, "lane": lane, "cell": cell, "x": x, "y": y})]).in_order()


def written(table: A, rows: I64, now: A) -> A:
    """Return a table of stretches in which those rows are as they are now."""
    columns = {name: array.copy() for name, array in table.arrays()}
    for name, array in now.arrays():
        columns[name][rows] = array
    return type(table)(**columns)
