"""Areas of the city as polygons, and the carriageways that touch them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wayside.admission.tables import ZoneCorners
from wayside.maps.road import RoadMap
from wayside.table import F64, Bool, Table

SAMPLE_M = 5.0  # spacing of the points by which a lane is tested


def inside(corner_x: F64, corner_y: F64, x: F64, y: F64) -> Bool:
    """Tell which points lie inside a polygon, by counting its sides to their right.

    Args:
        corner_x, corner_y: corners of the polygon, not closed [m].
        x, y: the points [m]; unknown ones are outside.

    >>> square = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    >>> inside(*square, np.array([0.5, 2.0, np.nan]), np.array([0.5, 0.5, 0.5]))
    array([ True, False, False])
    """
    next_x, next_y = np.roll(corner_x, -1), np.roll(corner_y, -1)
    px, py = x[:, None], y[:, None]
    spans = (corner_y > py) != (next_y > py)
    rise = np.where(next_y == corner_y, 1.0, next_y - corner_y)
    crossing = corner_x + (py - corner_y) / rise * (next_x - corner_x)
    odd: Bool = (np.count_nonzero(spans & (px < crossing), axis=1) % 2).astype(np.bool_)
    return odd


class Areas:
    """The city's zones, by number.

    Args:
        assets: what stands in the city; outlines are taken from its `ZoneCorners`.
        road: the map.
    """

    def __init__(self, assets: Sequence[Table], road: RoadMap) -> None:
        self._road = road
        self._outlines: dict[int, tuple[F64, F64]] = {}
        self._edges: dict[int, frozenset[str]] = {}
        for table in assets:
            if isinstance(table, ZoneCorners):
                corners = table.canonical()
                for zone in np.unique(corners.zone).tolist():
                    rows = corners.zone == zone
                    self._outlines[zone] = corners.x[rows], corners.y[rows]

    def inside(self, zone: int, x: F64, y: F64) -> Bool:
        """Tell which points lie in a zone; none if it has no outline."""
        outline = self._outlines.get(zone)
        return np.zeros(len(x), np.bool_) if outline is None else inside(*outline, x, y)

    def edges(self, zone: int) -> frozenset[str]:
        """Return the names of the carriageways, outside junctions, of which a part lies in a zone."""
        if zone not in self._edges:
            lanes = self._road.lanes
            outside_junctions = lanes.lane[~lanes.internal]
            samples = np.maximum(np.ceil(lanes.length[outside_junctions] / SAMPLE_M).astype(np.int64), 1) + 1
            lane = np.repeat(outside_junctions, samples)
            number = np.arange(len(lane)) - np.repeat(np.cumsum(samples) - samples, samples)
            x, y, _ = self._road.along(lane, number * SAMPLE_M)
            touched = np.unique(lane[self.inside(zone, x, y)]).tolist()
            self._edges[zone] = frozenset(edge_of(self._road.lane_names[n]) for n in touched)
        return self._edges[zone]


def edge_of(lane_name: str) -> str:
    """Return the name of the carriageway of one of SUMO's lanes.

    >>> edge_of("main_street_2")
    'main_street'
    """
    return lane_name.rsplit("_", 1)[0]
