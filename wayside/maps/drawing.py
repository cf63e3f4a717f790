"""Drawing maps by hand: a few lines give a road or a crossroads for a test, an example or a rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wayside.maps.coordinates import Projection
from wayside.maps.programs import light_of
from wayside.maps.road import RoadMap
from wayside.maps.tables import (
    Connections,
    Direction,
    LaneKind,
    LanePoints,
    Lanes,
    Nodes,
    SignalLinks,
    SignalPhases,
)

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
    """A junction: its middle [m] and signal controller, -1 none."""

    x: float
    y: float
    controller: int = -1


def draw(
    lanes: Sequence[LaneSketch],
    connections: Sequence[ConnectionSketch] = (),
    *,
    nodes: Sequence[NodeSketch] | None = None,
    programs: Mapping[int, Sequence[tuple[float, str]]] | None = None,
    origin: tuple[float, float] = ORIGIN,
    name: str = "drawing",
) -> RoadMap:
    """Return the map of a sketch.

    Args:
        lanes: the lanes; their place in the list is their index.
        connections: which continues in which.
        nodes: junctions; if not given, one per controller, amid the ends of the lanes it governs.
        programs: per controller its phases, each (duration [s], letters): the first letter is the light of
            group 1, the second of group 2, with the simulator's letters (G, g, y, r, ...). Link i of the
            controller is then group i + 1.
        origin: latitude and longitude [degrees] of point 0, 0.
        name: of the map.

    >>> road = draw([LaneSketch([(0, 0), (100, 0)])])
    >>> road.lanes.length
    array([100.])
    """
    lines = [np.asarray(lane.points, np.float64).reshape(-1, 2) for lane in lanes]
    offsets = [np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))]) for line in lines]
    counts = np.array([len(line) for line in lines], np.int32)
    programs = programs or {}
    if nodes is None:
        nodes = [_amid(lanes, c) for c in range(_controllers(lanes, connections, programs))]
    node_of = {node.controller: i for i, node in enumerate(nodes) if node.controller >= 0}
    points = np.concatenate([*lines, np.empty((0, 2))])
    return RoadMap.of(
        name,
        Lanes(
            lane=np.arange(len(lanes)),
            edge=[i if lane.edge is None else lane.edge for i, lane in enumerate(lanes)],
            number=[lane.number for lane in lanes],
            kind=[lane.kind for lane in lanes],
            internal=[lane.internal for lane in lanes],
            length=[offset[-1] for offset in offsets],
            width=[lane.width for lane in lanes],
            speed_limit=[lane.speed_limit for lane in lanes],
            from_node=[lane.from_node for lane in lanes],
            to_node=[node_of.get(k.controller, -1) if k.to_node is None else k.to_node for k in lanes],
            controller=[lane.controller for lane in lanes],
            first_point=np.cumsum(counts) - counts,
            points=counts,
        ),
        LanePoints(
            lane=np.repeat(np.arange(len(lanes)), counts),
            number=np.concatenate([*(np.arange(n) for n in counts), np.empty(0, np.int32)]),
            x=points[:, 0],
            y=points[:, 1],
            offset=np.concatenate([*offsets, np.empty(0)]),
        ),
        Connections(
            from_lane=[c.from_lane for c in connections],
            to_lane=[c.to_lane for c in connections],
            via_lane=[c.via_lane for c in connections],
            direction=[c.direction for c in connections],
            controller=[c.controller for c in connections],
            group=[c.group for c in connections],
        ),
        Nodes(
            node=np.arange(len(nodes)),
            x=[node.x for node in nodes],
            y=[node.y for node in nodes],
            controller=[node.controller for node in nodes],
        ),
        _phases(programs),
        _links(programs),
        lane_names=[lane.name or f"lane{i}" for i, lane in enumerate(lanes)],
        node_names=[f"node{i}" for i in range(len(nodes))],
        controller_names=[f"controller{i}" for i in range(_controllers(lanes, connections, programs))],
        projection=Projection.around(*origin),
    )


def _controllers(
    lanes: Sequence[LaneSketch],
    connections: Sequence[ConnectionSketch],
    programs: Mapping[int, Sequence[tuple[float, str]]],
) -> int:
    """Return the number of controllers a sketch speaks of."""
    return 1 + max([-1, *programs, *(k.controller for k in lanes), *(c.controller for c in connections)])


def _amid(lanes: Sequence[LaneSketch], controller: int) -> NodeSketch:
    """Return a junction amid the ends of the lanes that a controller governs."""
    ends = [k.points[-1] for k in lanes if k.controller == controller and not k.internal] or [(0.0, 0.0)]
    x, y = np.mean(ends, axis=0)
    return NodeSketch(float(x), float(y), controller)


def _phases(programs: Mapping[int, Sequence[tuple[float, str]]]) -> SignalPhases:
    """Return the phases of all programs."""
    rows = [
        (controller, number, group, light_of(letter), duration)
        for controller, phases in programs.items()
        for number, (duration, letters) in enumerate(phases)
        for group, letter in enumerate(letters, start=1)
    ]
    columns = list(zip(*rows, strict=True)) or [[]] * 5
    return SignalPhases(
        controller=columns[0], phase=columns[1], group=columns[2], light=columns[3], duration=columns[4]
    )


def _links(programs: Mapping[int, Sequence[tuple[float, str]]]) -> SignalLinks:
    """Return the links of all programs: one a group."""
    rows = [(controller, link) for controller, phases in programs.items() for link in range(len(phases[0][1]))]
    return SignalLinks(
        controller=[controller for controller, _ in rows],
        link=[link for _, link in rows],
        group=[link + 1 for _, link in rows],
    )


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
    for line in sidewalks:
        lanes.append(LaneSketch(line, 2.0, 1.5, LaneKind.SIDEWALK, controller=0, edge=len(lanes)))
    return draw(
        lanes,
        connections,
        programs={
            0: [
                (30.0, "GrrG"),
                (3.0, "yrrr"),
                (2.0, "rrrr"),
                (30.0, "rGGr"),
                (3.0, "ryrr"),
                (2.0, "rrrr"),
            ]
        },
        name="crossroads",
    )


def _bend(
    start: NDArray[np.float64], end: NDArray[np.float64], direction: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return a smooth line that leaves the start in the direction and ends across or along it."""
    ahead = float(np.dot(end - start, direction))
    corner = start + ahead * direction
    if np.allclose(corner, end):
        return [(float(start[0]), float(start[1])), (float(end[0]), float(end[1]))]
    part = np.linspace(0.0, 1.0, 9)[:, None]
    curve = (1 - part) ** 2 * start + 2 * part * (1 - part) * corner + part**2 * end
    return [(float(x), float(y)) for x, y in curve]
