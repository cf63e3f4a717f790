"""The spatial index of a map and the compiled kernels that ask it.

Every piece of a lane's middle line (a segment between two of its points) is entered into each square cell
that it touches. A question looks into the cells around its point and measures the segments found there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.maps.tables import LanePoints, Lanes
from wayside.table import F64, I32, I64, U8

CELL_M = 12.0  # side of a cell; small maps and big ones alike unless the cells would be too many
MOST_CELLS = 4_000_000  # a map wider than that many cells gets larger cells instead
HEADING_WEIGHT_M = 2.5  # a lane that points elsewhere counts as if it were so much further away ...
HEADING_LIMIT = np.pi / 3  # ... in full from this difference of direction [rad], less in proportion below it


@dataclass(frozen=True, eq=False)
class Segments:
    """Pieces of middle lines and the cells they lie in. Segment number = point number - lane number.

    Attributes:
        x, y: where each begins [m].
        east, north: unit vector along it.
        length: how long it is [m].
        offset: distance along the lane where it begins [m].
        heading: direction [rad], anticlockwise from east.
        lane: lane it belongs to.
        half_width: half the width of that lane [m].
        kind: kind of that lane as a bit, `1 << LaneKind`.
        on_foot: 1 where direction means nothing, because people walk it both ways.
        west, south: lower left corner of the cells [m].
        cell: side of a cell [m].
        columns, rows: number of cells eastward and northward.
        cell_first, cell_segment: the segments of each cell, one cell's after the other.
    """

    x: F64
    y: F64
    east: F64
    north: F64
    length: F64
    offset: F64
    heading: F64
    lane: I32
    half_width: F64
    kind: I32
    on_foot: U8
    west: float
    south: float
    cell: float
    columns: int
    rows: int
    cell_first: I64
    cell_segment: I32


def index(lanes: Lanes, points: LanePoints, walked: tuple[int, ...]) -> Segments:
    """Build the index of all lanes.

    Args:
        lanes: the lanes, in order of their number, each with two points or more.
        points: their middle lines.
        walked: kinds of lanes on which direction means nothing.
    """
    inner = np.ones(len(points), np.bool_)
    inner[lanes.first_point + lanes.points - 1] = False
    begin = np.flatnonzero(inner)
    x, y, lane = points.x[begin], points.y[begin], points.lane[begin]
    dx, dy = points.x[begin + 1] - x, points.y[begin + 1] - y
    length = np.hypot(dx, dy)
    safe = np.where(length > 0, length, 1.0)
    kind = lanes.kind[lane].astype(np.int32)
    west, south = (float(v.min()) if len(v) else 0.0 for v in (points.x, points.y))
    width, height = (float(np.ptp(v)) if len(v) else 0.0 for v in (points.x, points.y))
    cell = max(CELL_M, float(np.sqrt(width * height / MOST_CELLS)), max(width, height) / MOST_CELLS)
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    ends = np.stack([x, y, points.x[begin + 1], points.y[begin + 1]], axis=1) - [west, south, west, south]
    cell_first, cell_segment = _fill(np.ascontiguousarray(ends), cell, columns, rows)
    arrays: dict[str, NDArray[np.generic]] = {
        "x": x,
        "y": y,
        "east": np.where(length > 0, dx / safe, 1.0),
        "north": dy / safe,
        "length": length,
        "offset": points.offset[begin],
        "heading": np.arctan2(dy, dx),
        "lane": lane,
        "half_width": lanes.width[lane] / 2,
        "kind": np.left_shift(1, kind).astype(np.int32),
        "on_foot": np.isin(kind, walked).astype(np.uint8),
        "cell_first": cell_first,
        "cell_segment": cell_segment,
    }
    for array in arrays.values():
        array.flags.writeable = False
    return Segments(west=west, south=south, cell=cell, columns=columns, rows=rows, **arrays)  # type: ignore[arg-type]


@numba.njit(cache=True)
def _touches(ends: F64, cell: float, column: int, row: int) -> bool:
    """Tell whether a segment (x0, y0, x1, y1) may touch a cell; its bounding box is known to."""
    dx, dy = ends[2] - ends[0], ends[3] - ends[1]
    middle_x, middle_y = (column + 0.5) * cell - ends[0], (row + 0.5) * cell - ends[1]
    reach: float = 0.5 * cell * (abs(dx) + abs(dy)) + 1e-6
    return abs(dx * middle_y - dy * middle_x) <= reach


@numba.njit(cache=True)
def _fill(ends: F64, cell: float, columns: int, rows: int) -> tuple[I64, I32]:
    """Return the segments of each cell: first entry per cell, and the entries."""
    first = np.zeros(columns * rows + 1, np.int64)
    segments = np.empty(0, np.int32)
    for fills in (False, True):
        if fills:
            total = 0
            for c in range(columns * rows):
                here = first[c]
                first[c] = total
                total += here
            first[columns * rows] = total
            segments = np.empty(total, np.int32)
        for s in range(len(ends)):
            e = ends[s]
            for row in range(int(min(e[1], e[3]) / cell), min(rows - 1, int(max(e[1], e[3]) / cell)) + 1):
                low, high = int(min(e[0], e[2]) / cell), min(columns - 1, int(max(e[0], e[2]) / cell))
                for column in range(low, high + 1):
                    if _touches(e, cell, column, row):
                        c = row * columns + column
                        if fills:
                            segments[first[c]] = s
                        first[c] += 1
    for c in range(columns * rows, 0, -1):  # filling moved each cell's first entry to the next cell's
        first[c] = first[c - 1]
    first[0] = 0
    return first, segments


@numba.njit(cache=True)
def _foot(
    px: float, py: float, x: float, y: float, east: float, north: float, length: float
) -> tuple[float, float]:
    """Return how far along the segment the nearest point lies, and the squared distance to it."""
    dx, dy = px - x, py - y
    along = min(max(dx * east + dy * north, 0.0), length)
    dx -= along * east
    dy -= along * north
    return along, dx * dx + dy * dy


@numba.njit(cache=True)
def match_points(
    px: F64,
    py: F64,
    heading: F64,
    reach: float,
    kinds: int,
    x: F64,
    y: F64,
    east: F64,
    north: F64,
    length: F64,
    direction: F64,
    lane: I32,
    kind: I32,
    on_foot: U8,
    west: float,
    south: float,
    cell: float,
    columns: int,
    rows: int,
    cell_first: I64,
    cell_segment: I32,
    lanes: int,
    found: I32,
    found_along: F64,
) -> None:
    """Find for each point the segment of the best lane; the rest is in `RoadMap.match`.

    A lane is judged by the distance to its nearest segment and by the direction of that segment. Equal
    lanes: the lower number wins, so that the answer depends on nothing but the point.
    """
    seen = np.zeros(lanes, np.int32)
    nearest = np.empty(lanes, np.float64)
    nearest_segment = np.empty(lanes, np.int32)
    nearest_along = np.empty(lanes, np.float64)
    touched = np.empty(lanes, np.int32)
    reach2 = reach * reach
    for i in range(len(px)):
        found[i] = -1
        if not (np.isfinite(px[i]) and np.isfinite(py[i])):
            continue
        left, right = (px[i] - reach - west) / cell, (px[i] + reach - west) / cell
        bottom, top = (py[i] - reach - south) / cell, (py[i] + reach - south) / cell
        if right < 0 or top < 0 or left >= columns or bottom >= rows:
            continue
        number = 0
        for row in range(int(max(bottom, 0.0)), int(min(top, rows - 1.0)) + 1):
            for column in range(int(max(left, 0.0)), int(min(right, columns - 1.0)) + 1):
                c = row * columns + column
                for entry in range(cell_first[c], cell_first[c + 1]):
                    s = cell_segment[entry]
                    if not kinds & kind[s]:
                        continue
                    along, d2 = _foot(px[i], py[i], x[s], y[s], east[s], north[s], length[s])
                    if d2 > reach2:
                        continue
                    which = lane[s]
                    if seen[which] != i + 1:
                        seen[which] = i + 1
                        touched[number] = which
                        number += 1
                    elif d2 > nearest[which] or (d2 == nearest[which] and s >= nearest_segment[which]):
                        continue
                    nearest[which], nearest_segment[which], nearest_along[which] = d2, s, along
        best = np.inf
        best_lane = -1
        for t in range(number):
            which = touched[t]
            s = nearest_segment[which]
            cost = np.sqrt(nearest[which])
            if not on_foot[s] and np.isfinite(heading[i]):
                apart = abs((heading[i] - direction[s] + np.pi) % (2 * np.pi) - np.pi)
                cost += HEADING_WEIGHT_M * min(1.0, apart / HEADING_LIMIT)
            if cost < best or (cost == best and which < best_lane):
                best, best_lane = cost, which
        if best_lane >= 0:
            found[i] = nearest_segment[best_lane]
            found_along[i] = nearest_along[best_lane]


@numba.njit(cache=True)
def surface_distance(
    px: F64,
    py: F64,
    kinds: int,
    x: F64,
    y: F64,
    east: F64,
    north: F64,
    length: F64,
    half_width: F64,
    kind: I32,
    west: float,
    south: float,
    cell: float,
    columns: int,
    rows: int,
    cell_first: I64,
    cell_segment: I32,
    widest: float,
) -> F64:
    """Return the distance of each point to the nearest lane surface, ring of cells by ring of cells."""
    result = np.full(len(px), np.nan)
    for i in range(len(px)):
        if not (np.isfinite(px[i]) and np.isfinite(py[i])):
            continue
        # a point outside the cells is searched from the nearest one, which is nearer than the point by `outside`
        inside_x = min(max(px[i] - west, 0.0), columns * cell)
        inside_y = min(max(py[i] - south, 0.0), rows * cell)
        column, row = min(int(inside_x / cell), columns - 1), min(int(inside_y / cell), rows - 1)
        best = np.inf
        for ring in range(max(columns, rows) + 1):
            # no middle line in this ring or beyond it is nearer than that
            if best <= (ring - 1) * cell - widest:
                break
            for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
                step = 1 if abs(r - row) == ring else max(2 * ring, 1)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= columns:
                        continue
                    for entry in range(cell_first[r * columns + c], cell_first[r * columns + c + 1]):
                        s = cell_segment[entry]
                        if kinds & kind[s]:
                            _, d2 = _foot(px[i], py[i], x[s], y[s], east[s], north[s], length[s])
                            best = min(best, max(np.sqrt(d2) - half_width[s], 0.0))
        if best < np.inf:
            result[i] = best
    return result


@numba.njit(cache=True)
def points_along(
    lane: I32,
    offset: F64,
    first_point: I32,
    points: I32,
    lane_offset: F64,
    x: F64,
    y: F64,
    east: F64,
    north: F64,
    direction: F64,
) -> tuple[F64, F64, F64]:
    """Return position and direction at an offset along a lane; NaN for lane -1 or an unknown offset."""
    out_x, out_y, out_heading = np.full(len(lane), np.nan), np.full(len(lane), np.nan), np.full(len(lane), np.nan)
    for i in range(len(lane)):
        which = lane[i]
        if which < 0 or np.isnan(offset[i]):
            continue
        low, high = first_point[which], first_point[which] + points[which] - 1
        here = min(max(offset[i], 0.0), lane_offset[high])
        while high - low > 1:
            middle = (low + high) // 2
            if lane_offset[middle] <= here:
                low = middle
            else:
                high = middle
        s = low - which
        along = here - lane_offset[low]
        out_x[i], out_y[i] = x[s] + along * east[s], y[s] + along * north[s]
        out_heading[i] = direction[s]
    return out_x, out_y, out_heading
