"""The maps that cases name: a plane without lanes, a straight road, a signalised crossing; or a map file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from wayside.maps.conversion import read_map
from wayside.maps.drawing import ORIGIN, ConnectionSketch, LaneSketch, NodeSketch, draw
from wayside.maps.programs import Program
from wayside.maps.road import MapError, RoadMap
from wayside.maps.tables import Direction, LaneKind
from wayside.table import F64
from wayside.worlds.case_checks import nearest
from wayside.worlds.case_commonroad import is_commonroad, lanelets
from wayside.worlds.case_file import CaseError

WIDTH = 3.5  # of a lane [m]
HALF_LENGTH = 500.0  # of the straight road [m]
ARM = 300.0  # of the crossing, from its middle [m]
STOP = 18.0  # from the middle to the stop lines [m]
WALK = 13.0  # from the middle to the middle of a pedestrian crossing [m]
LIMIT = 60 / 3.6  # speed limit [m/s]
TURN_LIMIT = 30 / 3.6  # of lanes that turn inside the junction [m/s]
ARMS = ("west", "south", "east", "north")
PHASES = (30.0, 3.0, 2.0, 15.0, 3.0, 2.0, 30.0, 3.0, 2.0, 15.0, 3.0, 2.0)  # s
STATES = ("GrrrrG", "yrrrrr", "rrrrrr", "rGrrrr", "ryrrrr", "rrrrrr", "rrGrGr", "rryrrr", "rrrrrr", "rrrGrr",
          "rrryrr", "rrrrrr")  # fmt: skip


def plane() -> RoadMap:
    """Return an endless square without lanes for vehicles: a footpath far in the north, 60 km wide.

    Nobody is off the road anywhere within 10 km of the origin, and nobody is on a lane.
    """
    line = [(0.0, 15_000.0), (1.0, 15_000.0)]
    square = LaneSketch(line, 60_000.0, LIMIT, LaneKind.WALKING_AREA, name="square")
    return draw([square], nodes=[], name="plane")


def straight() -> RoadMap:
    """Return a road of 1 km along x, two lanes each way, 3.5 m wide; traffic with y > 0 goes west.

    >>> straight().lane_names
    ('east_0', 'east_1', 'west_0', 'west_1')
    """
    lanes = []
    for edge, (name, way) in enumerate((("east", 1.0), ("west", -1.0))):
        for number in range(2):  # 0 is the outer one
            y = -way * WIDTH * (1.5 - number)
            line = [(-way * HALF_LENGTH, y), (way * HALF_LENGTH, y)]
            lanes.append(LaneSketch(line, WIDTH, LIMIT, edge=edge, number=number, name=f"{name}_{number}"))
    return draw(lanes, nodes=[], name="straight")


def crossing() -> RoadMap:
    """Return a signalised crossing of two roads with two lanes each way, arms of 300 m along the axes.

    Lanes of an arm are `west_in_0` (outer), `west_in_1`, `west_out_0`, `west_out_1`; those inside are named after
    the arms they join and the number they come from: `west_to_east_0`, `west_to_south_0` (right),
    `west_to_north_1` (left). Pedestrian crossings are `west_walk` and so on. Signal groups of controller 0:
    1 straight and right from west and east, 2 left from west and east, 3 and 4 the same from south and north,
    5 people over the western and eastern arm, 6 people over the southern and northern arm.

    >>> road = crossing()
    >>> road.along([road.lane_names.index("west_in_0")], [1e9])[0]
    array([-18.])
    """
    outward = np.array([[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    lanes: list[LaneSketch] = []
    at: dict[str, int] = {}

    def add(sketch: LaneSketch) -> int:
        at[sketch.name or ""] = len(lanes)
        lanes.append(sketch)
        return len(lanes) - 1

    for arm, (name, out) in enumerate(zip(ARMS, outward, strict=True)):
        right = np.array([-out[1], out[0]])  # of those who drive in
        for number in range(2):
            aside = right * WIDTH * (1.5 - number)
            far, near = out * ARM, out * STOP
            inward = [tuple(far + aside), tuple(near + aside)]
            leaving = [tuple(near - aside), tuple(far - aside)]
            add(LaneSketch(inward, WIDTH, LIMIT, controller=0, edge=2 * arm, number=number,
                           name=f"{name}_in_{number}"))  # fmt: skip
            add(LaneSketch(leaving, WIDTH, LIMIT, edge=2 * arm + 1, number=number, from_node=0,
                           name=f"{name}_out_{number}"))  # fmt: skip
    connections: list[ConnectionSketch] = []
    for arm, name in enumerate(ARMS):
        for step, number, direction in (
            (2, 0, Direction.STRAIGHT),
            (2, 1, Direction.STRAIGHT),
            (3, 1, Direction.LEFT),
            (1, 0, Direction.RIGHT),
        ):
            other = ARMS[(arm + step) % 4]
            begin, end = at[f"{name}_in_{number}"], at[f"{other}_out_{number}"]
            limit = LIMIT if direction == Direction.STRAIGHT else TURN_LIMIT
            inside = add(
                LaneSketch(
                    _arc(np.array(lanes[begin].points[-1]), np.array(lanes[end].points[0]), -outward[arm]),
                    WIDTH,
                    limit,
                    internal=True,
                    controller=0,
                    edge=len(lanes),
                    from_node=0,
                    name=f"{name}_to_{other}_{number}",
                )
            )
            group = 1 + 2 * (arm % 2) + (direction == Direction.LEFT)
            connections.append(ConnectionSketch(begin, end, inside, direction, 0, group))
    for arm, (name, out) in enumerate(zip(ARMS, outward, strict=True)):
        along = np.array([-out[1], out[0]])
        edge = 2 * WIDTH + 1.0
        line = [tuple(out * WALK - along * edge), tuple(out * WALK + along * edge)]
        kerb = [tuple(out * WALK - along * (edge + 20.0)), tuple(out * WALK - along * edge)]
        walk = add(LaneSketch(line, 4.0, 1.5, LaneKind.CROSSING, internal=True, controller=0, edge=len(lanes),
                              from_node=0, name=f"{name}_walk"))  # fmt: skip
        side = add(LaneSketch(kerb, 2.0, 1.5, LaneKind.SIDEWALK, controller=0, edge=len(lanes),
                              name=f"{name}_kerb"))  # fmt: skip
        connections.append(ConnectionSketch(side, walk, controller=0, group=5 + arm % 2))
    return draw(
        lanes,
        connections,
        nodes=[NodeSketch(0.0, 0.0, 0, "crossing")],
        programs={0: Program(PHASES, STATES)},
        name="crossing",
    )


def _arc(start: F64, end: F64, direction: F64) -> list[tuple[float, float]]:
    """Return a line inside the junction: straight, or a quarter of an ellipse that leaves in the direction."""
    ahead = float(np.dot(end - start, direction))
    aside = end - start - ahead * direction
    if np.hypot(*aside) < 1e-6:
        return [tuple(start), tuple(end)]
    angle = np.linspace(0.0, np.pi / 2, 13)[:, None]
    curve = start + ahead * np.sin(angle) * direction + (1.0 - np.cos(angle)) * aside
    return [(float(x), float(y)) for x, y in curve]


MAPS = {"plane": plane, "straight": straight, "crossing": crossing}


@cache
def _named(name: str) -> RoadMap:
    return MAPS[name]()


@cache
def _file(path: str, changed_ns: int) -> RoadMap:
    """Return the map of a file, read anew where it has changed."""
    if path.endswith(".xml") and is_commonroad(Path(path)):
        return lanelets(Path(path), origin=ORIGIN)
    return read_map(path, origin=ORIGIN)


def map_of(name: str, folder: Path) -> RoadMap:
    """Return the map of a case: a named one, or one read from a file; each is made once.

    Raises:
        CaseError: neither a named map nor a file that can be read.
    """
    if name in MAPS:
        return _named(name)
    path = folder / name
    if not path.is_file():
        raise CaseError(f"map: {name!r} is neither a named map nor a file {path}; {nearest(name, MAPS)}")
    try:
        return _file(str(path.resolve()), path.stat().st_mtime_ns)
    except MapError as error:
        raise CaseError(f"map: {error}") from None
