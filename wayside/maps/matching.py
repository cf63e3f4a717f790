"""The spatial index of a map and the compiled kernels that ask it.

Every piece of a lane's middle line (a segment between two of its points) is entered into each square cell
that it touches. A question looks into the cells around its point and measures the segments found there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from wayside.maps.tables import LanePoints, Lanes
from wayside.table import F64, I32, I64

CELL_M = 8.0  # side of a cell; small maps and big ones alike unless the cells would be too many
MOST_CELLS = 4_000_000  # a map wider than that many cells gets larger cells instead
HEADING_WEIGHT_M = 2.5  # a lane that points elsewhere counts as if it were so much further away ...
HEADING_LIMIT = np.pi / 3  # ... in full from this difference of direction [rad], with its square below it
# columns of Segments.line
X, Y = 0, 1  # where it begins [m]
EAST, NORTH = 2, 3  # unit vector along it
LENGTH = 4  # [m]
HEADING = 5  # [rad], anticlockwise from east
OFFSET = 6  # distance along the lane where it begins [m]
STRETCH = 7  # offset gained a metre: 1, but for the rounding of offsets
# columns of Segments.owner
LANE = 0  # the lane it is a piece of
KIND = 1  # kind of that lane as a bit, `1 << LaneKind`
WALKED = 2  # 1 where direction means nothing, because people walk it both ways


class Grid(NamedTuple):
    """Where the square cells lie.

    Attributes:
        west, south: lower left corner [m].
        cell: side of a cell [m].
        columns, rows: number of cells eastward and northward.
    """

    west: float
    south: float
    cell: float
    columns: int
    rows: int


@dataclass(frozen=True, eq=False)
class Segments:
    """Pieces of middle lines and the cells they lie in. Segment number = point number - lane number.

    Attributes:
        line: one row a segment, the columns X to STRETCH above; one row is one line of the processor's cache.
        owner: one row a segment, the columns LANE to WALKED above.
        grid: the cells, row by row from the south.
        cell_first, cell_segment: the segments of cell c are
            `cell_segment[cell_first[c]:cell_first[c + 1]]`, in rising order.
        driven_first, driven_segment: the same for the segments of lanes that are not walked on alone: questions
            of vehicles need not look at the many short pieces of sidewalks and crossings.
    """

    line: F64
    owner: I32
    grid: Grid
    cell_first: I64
    cell_segment: I32
    driven_first: I64
    driven_segment: I32


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
    kind = lanes.kind[lane].astype(np.int32)
    line = np.stack(
        [
            *(x, y, dx / length, dy / length, length, np.arctan2(dy, dx)),
            *(points.offset[begin], (points.offset[begin + 1] - points.offset[begin]) / length),
        ],
        axis=1,
    )
    owner = np.stack([lane, np.left_shift(1, kind), np.isin(kind, walked)], axis=1).astype(np.int32)
    grid = _grid(points.x, points.y)
    ends = np.stack([x, y, points.x[begin + 1], points.y[begin + 1]], axis=1)
    ends -= [grid.west, grid.south] * 2
    driven = np.flatnonzero(owner[:, WALKED] == 0).astype(np.int32)
    driven_first, place = _fill(ends[driven], grid)
    arrays = (line, owner, *_fill(ends, grid), driven_first, driven[place])
    for array in arrays:
        array.flags.writeable = False
    line, owner, cell_first, cell_segment, driven_first, driven_segment = arrays
    return Segments(line, owner, grid, cell_first, cell_segment, driven_first, driven_segment)


def _grid(x: F64, y: F64) -> Grid:
    """Return cells that cover the points."""
    if not len(x):
        return Grid(0.0, 0.0, CELL_M, 1, 1)
    width, height = float(np.ptp(x)), float(np.ptp(y))
    cell = max(CELL_M, float(np.sqrt(width * height / MOST_CELLS)), max(width, height) / MOST_CELLS)
    return Grid(float(x.min()), float(y.min()), cell, int(width / cell) + 1, int(height / cell) + 1)


@numba.njit(cache=True)
def _touches(end: F64, cell: float, column: int, row: int) -> bool:
    """Tell whether a segment (x0, y0, x1, y1) may touch a cell; its bounding box is known to."""
    dx, dy = end[2] - end[0], end[3] - end[1]
    middle_x, middle_y = (column + 0.5) * cell - end[0], (row + 0.5) * cell - end[1]
    return bool(abs(dx * middle_y - dy * middle_x) <= 0.5 * cell * (abs(dx) + abs(dy)) + 1e-6)


@numba.njit(cache=True)
def _fill(ends: F64, grid: Grid) -> tuple[I64, I32]:
    """Return the segments of each cell: first entry per cell, and the entries."""
    cells = grid.columns * grid.rows
    first = np.zeros(cells + 1, np.int64)
    segments = np.empty(0, np.int32)
    for fills in (False, True):
        if fills:
            total = 0
            for c in range(cells):
                here = first[c]
                first[c] = total
                total += here
            first[cells] = total
            segments = np.empty(total, np.int32)
        for s in range(len(ends)):
            low_x, high_x = min(ends[s, 0], ends[s, 2]), max(ends[s, 0], ends[s, 2])
            low_y, high_y = min(ends[s, 1], ends[s, 3]), max(ends[s, 1], ends[s, 3])
            for row in range(int(low_y / grid.cell), min(grid.rows - 1, int(high_y / grid.cell)) + 1):
                for column in range(int(low_x / grid.cell), min(grid.columns - 1, int(high_x / grid.cell)) + 1):
                    if _touches(ends[s], grid.cell, column, row):
                        c = row * grid.columns + column
                        if fills:
                            segments[first[c]] = s
                        first[c] += 1
    for c in range(cells, 0, -1):  # filling moved each cell's first entry to that of the next cell
        first[c] = first[c - 1]
    first[0] = 0
    return first, segments


@numba.njit(cache=True)
def _foot(x: float, y: float, line: F64, s: int) -> tuple[float, float]:
    """Return how far along a segment its point nearest to x, y lies, and the squared distance to it."""
    dx, dy = x - line[s, X], y - line[s, Y]
    along = min(max(dx * line[s, EAST] + dy * line[s, NORTH], 0.0), line[s, LENGTH])
    dx -= along * line[s, EAST]
    dy -= along * line[s, NORTH]
    return along, dx * dx + dy * dy


@numba.njit(cache=True)
def match_points(
    x: F64,
    y: F64,
    heading: F64,
    reach: float,
    kinds: int,
    lanes: int,
    line: F64,
    owner: I32,
    grid: Grid,
    cell_first: I64,
    cell_segment: I32,
) -> tuple[I32, F64, F64, F64]:
    """Return lane, offset, lateral and direction of the best lane for each point; see `RoadMap.match`.

    A lane is judged by the distance to its nearest segment and by the direction of that segment.
    """
    found, offset = np.full(len(x), -1, np.int32), np.full(len(x), np.nan)
    lateral, direction = np.full(len(x), np.nan), np.full(len(x), np.nan)
    # the few lanes near a point, in slots from 0 on, so that what is used of these arrays stays in the cache
    touched = np.empty(lanes, np.int32)
    nearest = np.empty(lanes, np.float64)
    nearest_segment = np.empty(lanes, np.int32)
    for i in range(len(x)):
        if not (np.isfinite(x[i]) and np.isfinite(y[i])):
            continue
        left, right = (x[i] - reach - grid.west) / grid.cell, (x[i] + reach - grid.west) / grid.cell
        bottom, top = (y[i] - reach - grid.south) / grid.cell, (y[i] + reach - grid.south) / grid.cell
        if right < 0 or top < 0 or left >= grid.columns or bottom >= grid.rows:
            continue
        number, least, within = 0, np.inf, reach * reach
        for row in range(int(max(bottom, 0.0)), int(min(top, grid.rows - 1.0)) + 1):
            for column in range(int(max(left, 0.0)), int(min(right, grid.columns - 1.0)) + 1):
                c = row * grid.columns + column
                for entry in range(cell_first[c], cell_first[c + 1]):
                    s = cell_segment[entry]
                    if not kinds & owner[s, KIND]:
                        continue
                    _, d2 = _foot(x[i], y[i], line, s)
                    if d2 > within:
                        continue
                    if d2 < least:  # a lane further than the worst that the nearest can count cannot win
                        least, within = d2, min(within, (np.sqrt(d2) + HEADING_WEIGHT_M) ** 2)
                    lane, slot = owner[s, LANE], 0
                    while slot < number and touched[slot] != lane:
                        slot += 1
                    if slot == number:
                        touched[slot] = lane
                        number += 1
                    elif d2 > nearest[slot] or (d2 == nearest[slot] and s >= nearest_segment[slot]):
                        continue
                    nearest[slot], nearest_segment[slot] = d2, s
        best, best_lane, best_segment = np.inf, -1, -1
        for slot in range(number):
            lane, s = touched[slot], nearest_segment[slot]
            cost = np.sqrt(nearest[slot])
            if not owner[s, WALKED] and np.isfinite(heading[i]):
                apart = abs((heading[i] - line[s, HEADING] + np.pi) % (2 * np.pi) - np.pi)
                cost += HEADING_WEIGHT_M * min(1.0, (apart / HEADING_LIMIT) ** 2)
            if cost < best or (cost == best and lane < best_lane):
                best, best_lane, best_segment = cost, lane, s
        if best_lane >= 0:
            s = best_segment
            along, _ = _foot(x[i], y[i], line, s)
            found[i], direction[i] = best_lane, line[s, HEADING]
            offset[i] = line[s, OFFSET] + along * line[s, STRETCH]
            lateral[i] = line[s, EAST] * (y[i] - line[s, Y]) - line[s, NORTH] * (x[i] - line[s, X])
    return found, offset, lateral, direction


@numba.njit(cache=True)
def surface_distance(
    x: F64,
    y: F64,
    kinds: int,
    width: F64,
    line: F64,
    owner: I32,
    grid: Grid,
    cell_first: I64,
    cell_segment: I32,
) -> F64:
    """Return the distance of each point to the nearest lane surface, ring of cells by ring of cells."""
    result = np.full(len(x), np.nan)
    widest = width.max() / 2 if len(width) else 0.0
    for i in range(len(x)):
        if not (np.isfinite(x[i]) and np.isfinite(y[i])):
            continue
        # a point outside the cells looks from the place on their edge nearest to it
        edge_x = min(max(x[i] - grid.west, 0.0), grid.columns * grid.cell)
        edge_y = min(max(y[i] - grid.south, 0.0), grid.rows * grid.cell)
        outside = np.hypot(x[i] - grid.west - edge_x, y[i] - grid.south - edge_y)
        column = min(int(edge_x / grid.cell), grid.columns - 1)
        row = min(int(edge_y / grid.cell), grid.rows - 1)
        best = np.inf
        for ring in range(max(grid.columns, grid.rows) + 1):
            if best == 0.0 or best <= np.hypot(outside, max(ring - 1, 0) * grid.cell) - widest:
                break
            for r in range(max(row - ring, 0), min(row + ring, grid.rows - 1) + 1):
                step = 1 if abs(r - row) == ring else max(2 * ring, 1)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= grid.columns:
                        continue
                    place = r * grid.columns + c
                    for entry in range(cell_first[place], cell_first[place + 1]):
                        s = cell_segment[entry]
                        if kinds & owner[s, KIND]:
                            _, d2 = _foot(x[i], y[i], line, s)
                            best = min(best, max(np.sqrt(d2) - width[owner[s, LANE]] / 2, 0.0))
        if best < np.inf:
            result[i] = best
    return result


@numba.njit(cache=True)
def points_along(lane: I32, offset: F64, first_point: I32, points: I32, line: F64) -> tuple[F64, F64, F64]:
    """Return position and direction at an offset along a lane; NaN for lane -1 or an unknown offset."""
    x, y, heading = np.full(len(lane), np.nan), np.full(len(lane), np.nan), np.full(len(lane), np.nan)
    for i in range(len(lane)):
        which = lane[i]
        if which < 0 or np.isnan(offset[i]):
            continue
        low = first_point[which] - which
        high = low + points[which] - 1
        while high - low > 1:
            middle = (low + high) // 2
            if line[middle, OFFSET] <= offset[i]:
                low = middle
            else:
                high = middle
        along = min(max((offset[i] - line[low, OFFSET]) / line[low, STRETCH], 0.0), line[low, LENGTH])
        x[i], y[i] = line[low, X] + along * line[low, EAST], line[low, Y] + along * line[low, NORTH]
        heading[i] = line[low, HEADING]
    return x, y, heading
