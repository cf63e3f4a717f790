"""The lane-level map of a city and the questions asked of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wayside.errors import WaysideError
from wayside.maps.coordinates import Projection
from wayside.maps.matching import Segments, index, match_points, points_along, surface_distance
from wayside.maps.tables import Connections, LaneKind, LanePoints, Lanes, Nodes, SignalLinks, SignalPhases
from wayside.table import F64, I32, U64

VEHICLE_KINDS = (LaneKind.DRIVING, LaneKind.BUS, LaneKind.BICYCLE)
FOOT_KINDS = (LaneKind.SIDEWALK, LaneKind.CROSSING, LaneKind.WALKING_AREA)
MOST_GROUPS = 63  # signal groups of one controller: bits 1..63 of `lane_group_mask`

A = TypeVar("A", bound=np.generic)


class MapError(WaysideError):
    """A map cannot be read or does not hold together; the text says where, and how to mend it."""


@dataclass(frozen=True)
class Match:
    """Where points lie on the map; arrays of one entry a point.

    Attributes:
        lane: index of the lane, -1 where none is within reach.
        offset: distance along the lane [m]; NaN where none.
        lateral: distance to the left of its middle line [m]; NaN where none.
        heading: direction of the lane there [rad]; NaN where none.
    """

    lane: I32
    offset: F64
    lateral: F64
    heading: F64


@dataclass(frozen=True, eq=False)
class RoadMap:
    """Lanes, connections, junctions and signals, with a spatial index. Make one with `RoadMap.of`.

    Attributes:
        name: what the map is called.
        lanes, points, connections, nodes, phases, links: the tables, in order of their keys.
        lane_names, node_names, controller_names: names in the source, by index.
        projection: how the metres lie on the globe; None where the source does not say.
        lane_group_mask: per lane, bit g set if signal group g governs a connection from it.
        successor_first, successor_lane: lanes that follow lane i, those inside junctions one by one, are
            `successor_lane[successor_first[i]:successor_first[i + 1]]`, in rising order.
        segments: the spatial index.
    """

    name: str
    lanes: Lanes
    points: LanePoints
    connections: Connections
    nodes: Nodes
    phases: SignalPhases
    links: SignalLinks
    lane_names: tuple[str, ...]
    node_names: tuple[str, ...]
    controller_names: tuple[str, ...]
    projection: Projection | None
    lane_group_mask: U64
    successor_first: I32
    successor_lane: I32
    segments: Segments

    @classmethod
    def of(
        cls,
        name: str,
        lanes: Lanes,
        points: LanePoints,
        connections: Connections,
        nodes: Nodes,
        phases: SignalPhases,
        links: SignalLinks,
        *,
        lane_names: Sequence[str],
        node_names: Sequence[str],
        controller_names: Sequence[str],
        projection: Projection | None = None,
    ) -> RoadMap:
        """Put tables together to a map: sort and check them, and compute what every question needs.

        Raises:
            MapError: the tables contradict each other.
        """
        lanes, points, connections = lanes.canonical(), points.canonical(), connections.canonical()
        nodes, phases, links = nodes.canonical(), phases.canonical(), links.canonical()
        _check(name, lanes, points, connections, nodes, (lane_names, node_names, controller_names))
        first, following = _successors(len(lanes), connections)
        return cls(
            name,
            lanes,
            points,
            connections,
            nodes,
            phases,
            links,
            tuple(lane_names),
            tuple(node_names),
            tuple(controller_names),
            projection,
            _frozen(_group_mask(len(lanes), connections)),
            _frozen(first),
            _frozen(following),
            index(lanes, points, FOOT_KINDS),
        )

    def match(
        self,
        x: ArrayLike,
        y: ArrayLike,
        heading: ArrayLike,
        *,
        reach_m: float = 5.0,
        kinds: Collection[LaneKind] | None = None,
    ) -> Match:
        """Find the lane that each point is on.

        The best lane is the nearest by its middle line, where one that points elsewhere than the heading counts
        as further away: by 2.5 m from 60 degrees on, with the square of the angle below. So a vehicle near the
        line between two directions is on its own side, one well inside the oncoming lane is on that lane, and of
        the lanes that overlap in a junction the one in the vehicle's direction wins. Of equal lanes the one with
        the lowest index wins. On lanes for walking, heading does not count.

        Args:
            x, y: positions [m]; unknown ones match nothing.
            heading: direction of travel [rad]; unknown ones match by distance alone.
            reach_m: how far the middle line may be [m].
            kinds: kinds of lanes to look for; `VEHICLE_KINDS` if not given. See `FOOT_KINDS` for people on foot.

        Returns:
            Lane, offset, lateral and direction; beyond either end of a lane, offset stays at that end.

        >>> from wayside.maps.drawing import two_lane_road
        >>> found = two_lane_road(length=100.0).match([10.0, 50.0], [0.5, 99.0], [0.1, 0.0])
        >>> found.lane, found.offset, found.lateral
        (array([ 0, -1], dtype=int32), array([10., nan]), array([0.5, nan]))
        """
        px, py, direction = _alike(_floats(x), _floats(y), _floats(heading))
        s, wanted = self.segments, _VEHICLES if kinds is None else _bits(kinds)
        on_foot = wanted & _FOOT
        found = match_points(
            px,
            py,
            direction,
            float(reach_m),
            wanted,
            len(self.lanes),
            s.line,
            s.owner,
            s.grid,
            s.cell_first if on_foot else s.driven_first,
            s.cell_segment if on_foot else s.driven_segment,
        )
        return Match(*found)

    def along(self, lane: ArrayLike, offset: ArrayLike) -> tuple[F64, F64, F64]:
        """Return x, y [m] and direction [rad] of the middle line at an offset [m] along a lane.

        Offsets before the beginning or past the end give that end; lane -1 or an unknown offset gives NaN.

        >>> from wayside.maps.drawing import two_lane_road
        >>> two_lane_road(length=100.0).along([0], [30.0])
        (array([30.]), array([0.]), array([0.]))
        """
        which, here = _alike(np.atleast_1d(np.asarray(lane, np.int32)), _floats(offset))
        found: tuple[F64, F64, F64] = points_along(
            which, here, self.lanes.first_point, self.lanes.points, self.segments.line
        )
        return found

    def distance(self, x: ArrayLike, y: ArrayLike, *, kinds: Collection[LaneKind] | None = None) -> F64:
        """Return the distance to the surface of the nearest lane [m], 0 on it; NaN for unknown positions.

        Args:
            x, y: positions [m].
            kinds: kinds of lanes that count; all if not given. NaN where the map has none of them.
        """
        px, py = _alike(_floats(x), _floats(y))
        s = self.segments
        found: F64 = surface_distance(
            px,
            py,
            _ANY if kinds is None else _bits(kinds),
            self.lanes.width,
            s.line,
            s.owner,
            s.grid,
            s.cell_first,
            s.cell_segment,
        )
        return found

    def to_wgs84(self, x: ArrayLike, y: ArrayLike) -> tuple[F64, F64]:
        """Return latitude and longitude [degrees] of positions [m].

        Raises:
            MapError: the map does not say where on the globe it lies.
        """
        return self._placed().to_wgs84(x, y)

    def from_wgs84(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[F64, F64]:
        """Return positions [m] of latitude and longitude [degrees].

        Raises:
            MapError: the map does not say where on the globe it lies.
        """
        return self._placed().from_wgs84(latitude, longitude)

    def _placed(self) -> Projection:
        """Return the projection, or say how to give one."""
        if self.projection is None:
            raise MapError(
                f"map {self.name} has no place on the globe: its source states no projection; "
                "read it with origin=(latitude, longitude) of its point 0, 0"
            )
        return self.projection


def _floats(values: ArrayLike) -> F64:
    """Return the values as a row of floats."""
    return np.atleast_1d(np.asarray(values, np.float64))


def _frozen(values: NDArray[A]) -> NDArray[A]:
    """Return a contiguous read-only view: one type for the kernels, which are then compiled once."""
    values = np.ascontiguousarray(values)
    if values.flags.writeable:
        values = values.view()
        values.flags.writeable = False
    return values


def _alike(*rows: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the rows at one length, as `_frozen` gives them."""
    same = all(row.shape == rows[0].shape for row in rows)
    return [_frozen(row) for row in (rows if same else np.broadcast_arrays(*rows))]


def _bits(kinds: Collection[LaneKind] | type[LaneKind]) -> int:
    """Return a set of kinds as bits."""
    bits = 0
    for kind in kinds:
        bits |= 1 << kind
    return bits


_VEHICLES, _FOOT, _ANY = _bits(VEHICLE_KINDS), _bits(FOOT_KINDS), _bits(LaneKind)


def _check(
    name: str,
    lanes: Lanes,
    points: LanePoints,
    connections: Connections,
    nodes: Nodes,
    names: tuple[Sequence[str], Sequence[str], Sequence[str]],
) -> None:
    """Raise MapError unless the tables fit together."""

    def demand(holds: Any, what: str) -> None:
        if not holds:
            raise MapError(f"map {name}: {what}")

    lane_names, node_names, _ = names
    demand(len(lane_names) == len(lanes), f"{len(lane_names)} lane names for {len(lanes)} lanes")
    demand(len(node_names) == len(nodes), f"{len(node_names)} node names for {len(nodes)} nodes")
    demand(np.array_equal(lanes.lane, np.arange(len(lanes))), "lanes must be numbered 0, 1, 2, ...")
    demand(np.array_equal(nodes.node, np.arange(len(nodes))), "nodes must be numbered 0, 1, 2, ...")
    for row in np.flatnonzero(lanes.points < 2)[:1]:
        demand(False, f"lane {lane_names[row]} has {lanes.points[row]} points; a line needs 2")
    begin = np.cumsum(lanes.points) - lanes.points
    demand(np.array_equal(lanes.first_point, begin), "first_point must follow from the numbers of points")
    demand(np.array_equal(points.lane, np.repeat(lanes.lane, lanes.points)), "points do not belong to the lanes")
    step = np.diff(points.offset) <= 0
    for row in np.flatnonzero(step & (np.diff(points.lane) == 0))[:1]:
        demand(False, f"lane {lane_names[points.lane[row]]}: offsets must rise, not repeat")
    for column in (connections.from_lane, connections.to_lane, connections.via_lane):
        demand((column < len(lanes)).all() and (column >= -1).all(), "a connection names a lane that is not there")
    demand((connections.group <= MOST_GROUPS).all(), f"a controller has more than {MOST_GROUPS} signal groups")


def _group_mask(lanes: int, connections: Connections) -> U64:
    """Return per lane the groups that govern connections from it, as bits."""
    mask = np.zeros(lanes, np.uint64)
    governed = connections.group > 0
    bits = np.left_shift(np.uint64(1), connections.group[governed].astype(np.uint64))
    np.bitwise_or.at(mask, connections.from_lane[governed], bits)
    return mask


def _successors(lanes: int, connections: Connections) -> tuple[I32, I32]:
    """Return the lanes that follow each lane: first entry per lane, and the entries."""
    start, via, to = connections.from_lane, connections.via_lane, connections.to_lane
    last_inside = (via >= 0) & ~np.isin(via, start)
    pairs = np.concatenate(
        [
            np.stack([start, np.where(via >= 0, via, to)], axis=1),
            np.stack([via[last_inside], to[last_inside]], axis=1),
        ]
    ).astype(np.int64)
    both = np.unique(pairs[:, 0] * lanes + pairs[:, 1])
    counts = np.bincount(both // max(lanes, 1), minlength=lanes)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return first, (both % max(lanes, 1)).astype(np.int32)
