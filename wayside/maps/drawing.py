"""Drawing maps by hand: a few lines give a road or a crossroads for a test, an example or a rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.maps.coordinates import Projection
from wayside.maps.programs import Program, tables_of
from wayside.maps.road import RoadMap
from wayside.maps.tables import Connections, Direction, LaneKind, LanePoints, Lanes, Nodes
from wayside.table import F64, I32

ORIGIN = (22.71, 114.35)  # latitude, longitude [degrees] of a drawing's point 0, 0 unless told otherwise


@dataclass(frozen=True)
class LaneSketch:
    """A lane to be drawn.

    Attributes:
        points: its middle line in the direction of travel [m]; two or more.
        width: [m].
        speed_limit: [m/s].
        kind: what it is for.
        internal: lies inside a junction.
        controller: signal controller at its end (or of its junction, if internal), -1 none.
        edge: carriageway; its own number if not given.
        number: place on the carriageway, 0 rightmost.
        from_node, to_node: junctions; -1 where none is drawn.
        name: `lane<index>` if not given.
    """

    points: Sequence[tuple[float, float]]
    width: float = 3.5
    speed_limit: float = 13.9
    kind: LaneKind = LaneKind.DRIVING
    internal: bool = False
    controller: int = -1
    edge: int | None = None
    number: int = 0
    from_node: int = -1
    to_node: int | None = None
    name: str | None = None


@dataclass(frozen=True)
class ConnectionSketch:
    """A connection between two lanes (by index in the sketch); see `Connections` for the columns."""

    from_lane: int
    to_lane: int
    via_lane: int = -1
    direction: Direction = Direction.STRAIGHT
    controller: int = -1
    group: int = 0


@dataclass(frozen=True)
class NodeSketch:
    """A junction: its middle [m], signal controller (-1 none) and name (`node<index>` if not given)."""

    x: float
    y: float
    controller: int = -1
    name: str | None = None


def draw(
    lanes: Sequence[LaneSketch],
    connections: Sequence[ConnectionSketch] = (),
    *,
    nodes: Sequence[NodeSketch] | None = None,
    programs: Mapping[int, Program] | None = None,
    groups: Mapping[int, Mapping[int, int]] | None = None,
    controller_names: Sequence[str] | None = None,
    origin: tuple[float, float] = ORIGIN,
    projection: Projection | None = None,
    placed: bool = True,
    name: str = "drawing",
) -> RoadMap:
    """Return the map of a sketch.

    Args:
        lanes: the lanes; their place in the list is their index.
        connections: which continues in which.
        nodes: junctions; if not given, one per controller, amid the ends of the lanes it governs.
        programs: signal program of each controller, by index.
        groups: signal group of each link of those programs; if not given, link i is group i + 1.
        controller_names: `controller<index>` if not given.
        origin: latitude and longitude [degrees] of point 0, 0.
        projection: used instead of the origin.
        placed: False leaves the map without a place on the globe.
        name: of the map.

    Raises:
        MapError: the sketch contradicts itself.

    >>> road = draw([LaneSketch([(0, 0), (100, 0)])])
    >>> road.lanes.length
    array([100.])
    """
    programs = programs or {}
    governed = [*programs, *(lane.controller for lane in lanes), *(c.controller for c in connections)]
    if controller_names is None:
        controller_names = [f"controller{i}" for i in range(1 + max([-1, *governed]))]
    if groups is None:
        groups = {c: {i: i + 1 for i in range(len(p.states[0]))} for c, p in programs.items()}
    if nodes is None:
        nodes = [_amid(lanes, c) for c in range(len(controller_names))]
    phases, links = tables_of(programs, groups)
    node_of = {node.controller: i for i, node in enumerate(nodes) if node.controller >= 0}
    to_node = [node_of.get(lane.controller, -1) if lane.to_node is None else lane.to_node for lane in lanes]
    points, counts = _lines(lanes)
    return RoadMap.of(
        name,
        Lanes(
            **_numbers(lanes, "number", "kind", "internal", "width", "speed_limit", "from_node", "controller"),
            lane=_count(len(lanes)),
            edge=np.array([i if lane.edge is None else lane.edge for i, lane in enumerate(lanes)], np.int32),
            length=points.offset[np.cumsum(counts) - 1] if len(lanes) else np.empty(0),
            to_node=np.array(to_node, np.int32),
            first_point=(np.cumsum(counts) - counts).astype(np.int32),
            points=counts,
        ),
        points,
        Connections(
            **_numbers(connections, "from_lane", "to_lane", "via_lane", "direction", "controller", "group")
        ),
        Nodes(**_numbers(nodes, "x", "y", "controller"), node=_count(len(nodes))),
        phases,
        links,
        lane_names=[lane.name or f"lane{i}" for i, lane in enumerate(lanes)],
        node_names=[node.name or f"node{i}" for i, node in enumerate(nodes)],
        controller_names=controller_names,
        projection=(projection or Projection.around(*origin)) if placed else None,
    )


def _numbers(sketches: Sequence[object], *names: str) -> dict[str, Any]:
    """Return attributes of all sketches as columns."""
    return {name: [getattr(sketch, name) for sketch in sketches] for name in names}


def _count(many: int) -> I32:
    """Return 0, 1, 2, ..."""
    return np.arange(many, dtype=np.int32)


def _lines(lanes: Sequence[LaneSketch]) -> tuple[LanePoints, I32]:
    """Return the points of all lanes, to the millimetre, and their number per lane."""
    counts = np.array([len(lane.points) for lane in lanes], np.int32)
    x, y = (np.array([p[i] for lane in lanes for p in lane.points], np.float64).round(3) for i in (0, 1))
    first = np.cumsum(counts) - counts
    number = _count(len(x)) - np.repeat(first, counts)
    run = np.cumsum(np.where(number == 0, 0.0, np.hypot(np.diff(x, prepend=0), np.diff(y, prepend=0))))
    offset = run - np.repeat(run[first] if len(lanes) else np.empty(0), counts)
    lane = np.repeat(_count(len(lanes)), counts)
    return LanePoints(lane=lane, number=number.astype(np.int32), x=x, y=y, offset=offset), counts


def _amid(lanes: Sequence[LaneSketch], controller: int) -> NodeSketch:
    """Return a junction amid the ends of the lanes that a controller governs."""
    ends = [k.points[-1] for k in lanes if k.controller == controller and not k.internal] or [(0.0, 0.0)]
    x, y = np.mean(ends, axis=0)
    return NodeSketch(float(x), float(y), controller)


def two_lane_road(length: float = 500.0, *, width: float = 3.5, speed_limit: float = 13.9) -> RoadMap:
    """Return a straight road from the origin to the east: lane 0 on the axis, lane 1 to its left."""
    return draw(
        [
            LaneSketch([(0, 0), (length, 0)], width=width, speed_limit=speed_limit, edge=0, number=0),
            LaneSketch([(0, width), (length, width)], width=width, speed_limit=speed_limit, edge=0, number=1),
        ],
        name="two-lane road",
    )


def crossroads(arm: float = 200.0, *, width: float = 3.5, speed_limit: float = 13.9) -> RoadMap:
    """Return a signalised crossroads around the origin, one lane a direction, traffic on the right.

    Controller 0 has four groups: 1 vehicles on the west-east road, 2 vehicles on the south-north road, 3 people
    over the western arm, 4 people over the southern arm. Arms are numbered west, south, east, north. Lane 2 a is
    the approach of arm a, lane 2 a + 1 its exit; stop lines lie 12 m from the origin. Lanes 8 to 19 are
    inside the junction (of each approach: straight, left, right). Lanes 20 and 21 are the crossings of the western
    and the southern arm, lanes 22 and 23 the sidewalks that lead to them.

    Args:
        arm: from the origin to the far end of an arm [m].
        width: of a lane [m].
        speed_limit: [m/s].

    >>> road = crossroads()
    >>> road.along([0], [1e9])[0], bin(road.lane_group_mask[0])
    (array([-12.]), '0b10')
    """
    stop, half = 12.0, width / 2
    outward = np.array([[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    lanes: list[LaneSketch] = []
    for arm_number, out in enumerate(outward):
        # whoever drives inward has the outward direction's left at hand; traffic keeps to its own right
        inward_right = np.array([-out[1], out[0]])
        far, near = out * arm, out * stop
        for line, controller in (
            ((far + half * inward_right, near + half * inward_right), 0),
            ((near - half * inward_right, far - half * inward_right), -1),
        ):
            lanes.append(
                LaneSketch(
                    [(float(x), float(y)) for x, y in line],
                    width=width,
                    speed_limit=speed_limit,
                    controller=controller,
                    edge=len(lanes),
                    name=f"{'WSEN'[arm_number]}_{'in' if controller == 0 else 'out'}",
                )
            )
    connections: list[ConnectionSketch] = []
    for arm_number in range(4):
        for turn, direction in ((2, Direction.STRAIGHT), (3, Direction.LEFT), (1, Direction.RIGHT)):
            out_lane = 2 * ((arm_number + turn) % 4) + 1
            connections.append(
                ConnectionSketch(2 * arm_number, out_lane, len(lanes), direction, 0, 1 + arm_number % 2)
            )
            start, end = np.array(lanes[2 * arm_number].points[-1]), np.array(lanes[out_lane].points[0])
            lanes.append(
                LaneSketch(
                    _bend(start, end, -outward[arm_number]),
                    width=width,
                    speed_limit=speed_limit if direction == Direction.STRAIGHT else min(speed_limit, 8.0),
                    internal=True,
                    controller=0,
                    edge=len(lanes),
                )
            )
    edge_of_road = width + 1.0
    crossings = [[(-10.0, -edge_of_road), (-10.0, edge_of_road)], [(-edge_of_road, -10.0), (edge_of_road, -10.0)]]
    sidewalks = [[(-10.0, -arm), (-10.0, -edge_of_road)], [(-arm, -10.0), (-edge_of_road, -10.0)]]
    for i in range(2):
        connections.append(ConnectionSketch(len(lanes) + 2, len(lanes), controller=0, group=3 + i))
        lanes.append(
            LaneSketch(crossings[i], 4.0, 1.5, LaneKind.CROSSING, internal=True, controller=0, edge=len(lanes))
        )
    for walk in sidewalks:
        lanes.append(LaneSketch(walk, 2.0, 1.5, LaneKind.SIDEWALK, controller=0, edge=len(lanes)))
    return draw(
        lanes,
        connections,
        programs={
            0: Program((30.0, 3.0, 2.0, 30.0, 3.0, 2.0), ("GrrG", "yrrr", "rrrr", "rGGr", "ryrr", "rrrr")),
        },
        name="crossroads",
    )


def _bend(start: F64, end: F64, direction: F64) -> list[tuple[float, float]]:
    """Return a smooth line that leaves the start in the direction and ends across or along it."""
    ahead = float(np.dot(end - start, direction))
    corner = start + ahead * direction
    if np.allclose(corner, end):
        return [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]
    part = np.linspace(0.0, 1.0, 9)[:, None]
    curve = (1 - part) ** 2 * start + 2 * part * (1 - part) * corner + part**2 * end
    return [(float(x), float(y)) for x, y in curve]
