"""Reading the road networks of SUMO (.net.xml, .net.xml.gz).

The city's frame is the network's own x and y, so that positions from the simulator need no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wayside.maps.coordinates import Projection
from wayside.maps.drawing import ConnectionSketch, LaneSketch, NodeSketch, draw
from wayside.maps.netfile import Edge, NetFile, Row, parse
from wayside.maps.permissions import kind_of
from wayside.maps.programs import groups_of
from wayside.maps.road import MOST_GROUPS, MapError, RoadMap
from wayside.maps.shapes import middle_line, polyline, short_line
from wayside.maps.tables import Direction, LaneKind

DEFAULT_WIDTH = 3.2  # m, of a lane whose width the file does not state
MOST_PHASES = 256  # of one program: phases are numbered with 8 bits
DIRECTIONS = {
    "s": Direction.STRAIGHT,
    "l": Direction.LEFT,
    "L": Direction.LEFT,
    "r": Direction.RIGHT,
    "R": Direction.RIGHT,
    "t": Direction.U_TURN,
    "T": Direction.U_TURN,
}


def read_net(
    path: str | Path, *, origin: tuple[float, float] | None = None, programs: Sequence[str | Path] = ()
) -> RoadMap:
    """Read a road network of SUMO.

    Lanes between junctions come first, in the order of the file, then those inside junctions. Rails and waterways
    are left out, and what leads to them. A network that states no projection has no place on the globe
    (`RoadMap.to_wgs84` then raises), unless an origin is given.

    Args:
        path: the file, plain or gzipped.
        origin: latitude and longitude [degrees] of the point 0, 0 of a network that states no projection; without
            effect on one that does.
        programs: further files with signal programs (`tlLogic`); of several programs of one controller
            the last one read counts, as in the simulator.

    Raises:
        MapError: a file is missing, broken, cut off or something else; the text says where and how to mend it.

    Limits: traffic on the right is assumed where lanes are numbered. Lengths are those of the drawn lines, which
        may differ from the lengths the file states. A walking area becomes its long axis with a mean width.
    Reference: SUMO documentation, "Road Networks" (network format 1.x).
    """
    net = parse(Path(path))
    for more in programs:
        parse(Path(more), net)
    kept, kinds = _kept_lanes(net)
    index = {net.lanes[i].name: place for place, i in enumerate(kept)}
    rows = [row for row in net.connections if row.from_lane in index and row.to_lane in index]
    names = [name for name in net.programs if any(row.controller == name for row in rows)]
    controllers = {name: i for i, name in enumerate(names)}
    groups = {controllers[name]: groups for name, groups in _groups(net, rows, index, kinds, controllers).items()}
    nodes = {name: i for i, name in enumerate(net.junctions)}
    edges = {name: i for i, name in enumerate(dict.fromkeys(net.lanes[i].edge for i in kept))}
    at_end = {index[row.from_lane]: controllers[row.controller] for row in rows if row.controller}
    node_controller = {
        net.edges[net.lanes[kept[place]].edge].to_node: controller for place, controller in at_end.items()
    }
    lines = _lines(net, kept, kinds, rows, index)
    sketches: list[LaneSketch] = []
    for place, i in enumerate(kept):
        lane, edge = net.lanes[i], net.edges[net.lanes[i].edge]
        points, width = lines[place]
        inside = node_controller.get(edge.to_node, -1) if edge.internal else -1
        sketches.append(
            LaneSketch(
                points,
                width,
                lane.speed,
                kinds[place],
                edge.internal,
                at_end.get(place, inside),
                edges[lane.edge],
                lane.number,
                _node(net, nodes, edge, edge.from_node),
                _node(net, nodes, edge, edge.to_node),
                lane.name,
            )
        )
    return draw(
        sketches,
        [
            ConnectionSketch(
                index[row.from_lane],
                index[row.to_lane],
                index.get(row.via_lane, -1),
                DIRECTIONS.get(row.direction, Direction.STRAIGHT),
                controllers.get(row.controller, -1),
                groups[controllers[row.controller]][row.link] if row.controller else 0,
            )
            for row in rows
        ],
        nodes=[NodeSketch(x, y, node_controller.get(name, -1), name) for name, (x, y) in net.junctions.items()],
        programs={controllers[name]: net.programs[name] for name in names},
        groups=groups,
        controller_names=names,
        projection=_projection(net, origin),
        placed=net.projection is not None or origin is not None,
        name=Path(path).name.removesuffix(".gz").removesuffix(".xml").removesuffix(".net"),
    )


def _kept_lanes(net: NetFile) -> tuple[list[int], list[LaneKind]]:
    """Return the lanes of the map (places in the file), those between junctions first, and their kinds."""
    kinds: dict[int, LaneKind] = {}
    for i, lane in enumerate(net.lanes):
        function = net.edges[lane.edge].function
        kind = {"crossing": LaneKind.CROSSING, "walkingarea": LaneKind.WALKING_AREA}.get(function)
        kind = kind or kind_of(lane.allow, lane.disallow)
        if kind is not None:
            kinds[i] = kind
    kept = sorted(kinds, key=lambda i: net.edges[net.lanes[i].edge].internal)
    return kept, [kinds[i] for i in kept]


def _groups(
    net: NetFile, rows: list[Row], index: dict[str, int], kinds: list[LaneKind], controllers: dict[str, int]
) -> dict[str, dict[int, int]]:
    """Return the signal group of each link in use, by controller."""
    used: dict[str, set[int]] = {name: set() for name in controllers}
    on_foot: dict[str, set[int]] = {name: set() for name in controllers}
    for row in rows:
        if not row.controller:
            continue
        if row.controller not in controllers:
            raise MapError(
                f"{net.path}: connection from {row.from_lane} to {row.to_lane} is governed by signal controller "
                f"{row.controller!r}, of which no tlLogic is there; give the file that has it as programs=[...]"
            )
        links = {row.link, row.opposite_link} - {-1}
        used[row.controller] |= links
        if kinds[index[row.to_lane]] == LaneKind.CROSSING:
            on_foot[row.controller] |= links
    groups: dict[str, dict[int, int]] = {}
    for name in controllers:
        try:
            groups[name] = groups_of(net.programs[name], used[name], on_foot[name])
        except ValueError as error:
            raise MapError(f"{net.path}: signal controller {name!r}: {error}; mend its tlLogic") from None
        for what, many, most in (
            ("signal groups", max(groups[name].values()), MOST_GROUPS),
            ("phases", len(net.programs[name].states), MOST_PHASES),
        ):
            if many > most:
                raise MapError(
                    f"{net.path}: signal controller {name!r} has {many} {what}, and {most} is the most; "
                    "split the controller or make its program simpler"
                )
    return groups


def _lines(
    net: NetFile, kept: list[int], kinds: list[LaneKind], rows: list[Row], index: dict[str, int]
) -> list[tuple[list[tuple[float, float]], float]]:
    """Return the middle line [m] and the width [m] of each lane."""
    lines: list[tuple[list[tuple[float, float]], float]] = []
    single: list[int] = []
    for place, i in enumerate(kept):
        lane = net.lanes[i]
        width = lane.width or DEFAULT_WIDTH
        try:
            points = polyline(lane.shape)
        except ValueError as error:
            raise MapError(f"{net.path}: lane {lane.name}: {error}; write the net anew with netconvert") from None
        if kinds[place] == LaneKind.WALKING_AREA and len(points) > 2:
            points, width = middle_line(points)
        if len(points) < 2:
            single.append(place)
        lines.append((points, width))
    if single:
        before = {row.via_lane or row.to_lane: row.from_lane for row in rows}
        for place in single:
            previous = index.get(before.get(net.lanes[kept[place]].name, ""), place)
            lines[place] = short_line(lines[place][0][0], lines[previous][0]), lines[place][1]
    return lines


def _node(net: NetFile, nodes: dict[str, int], edge: Edge, name: str) -> int:
    """Return the index of a junction that an edge names."""
    if name not in nodes:
        raise MapError(
            f"{net.path}: edge {edge.name!r} names junction {name!r}, which is not there; "
            "the file is cut off or was edited by hand: write it anew with netconvert"
        )
    return nodes[name]


def _projection(net: NetFile, origin: tuple[float, float] | None) -> Projection | None:
    """Return how the network lies on the globe, if that is known."""
    if net.projection is None:
        return None if origin is None else Projection.around(*origin)
    try:
        return Projection(net.projection, *net.offset)
    except ValueError as error:
        raise MapError(f"{net.path}: location: {error}; correct projParameter, or set it to '!'") from None
