"""An intersection as its MAP message draws it: stop lines, movements, and which of them cross."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.table import F64
from wayside.v2x.heard import node_of

DEGREE = 1e-7  # unit of latitude and longitude on the wire [degrees]
EQUATOR_M, FLATTENING = 6_378_137.0, 1 / 298.257_223_563  # WGS 84
NO_LATITUDE, NO_LONGITUDE = 900_000_001, 1_800_000_001
TURNS = (0.0, np.pi / 2, -np.pi / 2, np.pi)  # straight, left, right, back: the first bits of AllowedManeuvers
STRAIGHT, LEFT, RIGHT = 0, 1, 2
ON_RED = slice(4, 6)  # bits of AllowedManeuvers: turns to the left and to the right at red
ALWAYS, UNKNOWN_PHASE = 255, 0  # phase numbers that no light shows
USUAL_WIDTH_M = 3.5
MOST_OFF = np.radians(50)  # by which a road may differ from the direction that a turn suggests
CURVE = np.linspace(0.0, 1.0, 24)[:, None]

Node = tuple[int, int]  # region and number
NOWHERE: Node = (0, 0)  # a road that leaves the map


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres east and north of a point on the globe; good to a few centimetres within a kilometre."""

    latitude: int
    longitude: int

    def metres(self, latitude: F64, longitude: F64) -> F64:
        """Return points [m], one a row, of latitudes and longitudes [1e-7 degrees].

        >>> Plane(0, 0).metres(np.array([0.0]), np.array([10_000.0])).round(2)
        array([[111.32,   0.  ]])
        """
        here = np.radians(self.latitude * DEGREE)
        squared = FLATTENING * (2 - FLATTENING)
        curved = 1 - squared * np.sin(here) ** 2
        east = EQUATOR_M / np.sqrt(curved) * np.cos(here)
        north = EQUATOR_M * (1 - squared) / curved**1.5
        x = np.radians((longitude - self.longitude) * DEGREE) * east
        y = np.radians((latitude - self.latitude) * DEGREE) * north
        return np.stack([x, y], axis=-1)


@dataclass(frozen=True, slots=True)
class Connection:
    """A way on from a lane: phase (0 none), turn (index in `TURNS`, -1 not told), where to, if also at red."""

    phase: int
    turn: int
    towards: Node
    at_red: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Approach:
    """A lane that leads to the intersection.

    Attributes:
        link: which carriageway it belongs to, by place in the message.
        lane: laneID.
        points: its middle line in the direction of travel [m east, north of the node]; the last is the stop line.
        width: [m].
        vehicles: motor vehicles use it.
        connections: the ways on.
    """

    link: int
    lane: int
    points: F64
    width: float
    vehicles: bool
    connections: tuple[Connection, ...]

    @property
    def direction(self) -> float:
        """Direction of travel at the stop line [rad anticlockwise from east]."""
        along = self.points[-1] - self.points[-2]
        return float(np.arctan2(along[1], along[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Intersection:
    """One node of a MAP.

    Attributes:
        node: its region and number.
        plane: the metres that its points are told in.
        approaches: its lanes with points of their own.
        origins: node at the other end of each carriageway, by place in the message.
        phases: all phases that the node names, of any lane.
        vehicle_phases: those that lanes for motor vehicles wait for.
    """

    node: Node
    plane: Plane
    approaches: tuple[Approach, ...]
    origins: tuple[Node, ...]
    phases: frozenset[int]
    vehicle_phases: frozenset[int]

    def is_entry(self, lane: Approach) -> bool:
        """Tell whether a lane comes from elsewhere, and not from another stop line of the same node."""
        return self.origins[lane.link] != self.node


def intersections_of(value: dict[str, Any]) -> Iterator[Intersection]:
    """Yield the nodes of a MapData.

    Limits: carriageways that T/CSAE 157 tells in `inLinks-ex` give their phases only, not their lanes.
    """
    for node in value["nodes"]:
        reference = node["refPos"]
        plane = Plane(reference["lat"], reference["long"])
        links = node.get("inLinks", [])
        approaches = tuple(lane for place, link in enumerate(links) for lane in _lanes(place, link, plane))
        phases = frozenset(_phases(node)) - {ALWAYS, UNKNOWN_PHASE}
        told = {c.phase for lane in approaches if lane.vehicles for c in lane.connections}
        # phases told for a whole carriageway only are taken for those of its vehicles
        others = {c.phase for lane in approaches if not lane.vehicles for c in lane.connections}
        origins = tuple(node_of(link["upstreamNodeId"]) for link in links)
        vehicle = frozenset(told | (phases - others)) - {ALWAYS, UNKNOWN_PHASE}
        yield Intersection(node_of(node["id"]), plane, approaches, origins, phases, vehicle)


def _phases(value: Any) -> Iterator[int]:
    """Yield every phaseId anywhere in a value."""
    if isinstance(value, dict):
        if isinstance(value.get("phaseId"), int):
            yield value["phaseId"]
        for inner in value.values():
            yield from _phases(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _phases(inner)


def _lanes(place: int, link: dict[str, Any], plane: Plane) -> Iterator[Approach]:
    for lane in link["lanes"]:
        if len(lane.get("points", ())) < 2:
            continue
        kind = lane.get("laneAttributes", {}).get("laneType", {"vehicle": {}})
        width = lane.get("laneWidth", 0) / 100 or USUAL_WIDTH_M
        on_red = lane.get("maneuvers", {}).get("bits", "")[ON_RED]
        connections = tuple(_connection(one, on_red) for one in lane.get("connectsTo", ()))
        points = _points(lane["points"], plane)
        if np.hypot(*(points[-1] - points[-2])) > 0:
            yield Approach(place, lane["laneID"], points, width, "vehicle" in kind, connections)


def _connection(value: dict[str, Any], on_red: str) -> Connection:
    """Return a way on; `on_red` says whether the lane allows turns to the left and to the right at red."""
    told = value.get("connectingLane", {}).get("maneuver", {}).get("bits", "")
    bits = told[: len(TURNS)]
    turn = bits.index("1") if bits.count("1") == 1 else -1
    phase = value.get("phaseId", UNKNOWN_PHASE)
    at_red = turn in (LEFT, RIGHT) and any(bits[turn - LEFT : turn] == "1" for bits in (on_red, told[ON_RED]))
    towards = node_of(value["remoteIntersection"])
    return Connection(UNKNOWN_PHASE if phase == ALWAYS else phase, turn, towards, at_red)


def _points(points: list[dict[str, Any]], plane: Plane) -> F64:
    latitude, longitude = [], []
    for point in points:
        ((form, offset),) = point["posOffset"]["offsetLL"].items()
        absolute = form == "position-LatLon"
        latitude.append(offset["lat"] if absolute else plane.latitude + offset["lat"])
        longitude.append(offset["lon"] if absolute else plane.longitude + offset["lon"])
    return plane.metres(np.array(latitude, np.float64), np.array(longitude, np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """A way through an intersection.

    Attributes:
        approach, connection: of which lane, and which of its ways on.
        curve: points of the way [m].
    """

    approach: Approach
    connection: Connection
    curve: F64

    @property
    def straight(self) -> bool:
        """Whether it goes straight on."""
        return self.connection.turn == STRAIGHT


def movements_of(intersection: Intersection) -> Iterator[Movement]:
    """Yield the movements whose light and way are known.

    MAP draws no lanes that lead away. The way out is taken to lie beside the way in that comes from there, on its
    left: the one from the same neighbour, or where none comes from there the one whose direction fits the turn
    best. The curve has its corner where the two directions meet. A movement without a single manoeuvre, into a
    road from which nothing comes in, or to another stop line of the same node has no curve.

    Limits: right-hand traffic.
    """
    roads = [one for one in intersection.approaches if one.vehicles and intersection.is_entry(one)]
    for approach in intersection.approaches:
        if not approach.vehicles:
            continue
        for connection in approach.connections:
            if connection.phase == UNKNOWN_PHASE or connection.turn < 0 or connection.towards == intersection.node:
                continue
            heading = approach.direction + TURNS[connection.turn]
            same = [one for one in roads if intersection.origins[one.link] == connection.towards != NOWHERE]
            found = [
                (off, place)
                for place, one in enumerate(same or roads)
                if (off := abs(wrapped(one.direction + np.pi - heading))) < MOST_OFF
            ]
            if found:
                beside = (same or roads)[min(found)[1]]
                yield Movement(approach, connection, _curve(approach, beside))


def _curve(start: Approach, beside: Approach) -> F64:
    """Return a curve from a stop line to the way out beside another approach."""
    ahead = np.array([np.cos(start.direction), np.sin(start.direction)])
    out = -np.array([np.cos(beside.direction), np.sin(beside.direction)])
    left = np.array([out[1], -out[0]])  # of those who come in
    first = start.points[-1]
    # lanes count from the left, so the innermost lane comes first; the way out lies beyond it
    last = beside.points[-1] + left * beside.width * max(beside.lane, 1)
    cross = ahead[0] * out[1] - ahead[1] * out[0]
    gap = last - first
    along = (gap[0] * out[1] - gap[1] * out[0]) / cross if abs(cross) > 0.2 else -1.0
    corner = first + ahead * along if 0 < along < 200 else (first + last) / 2
    return np.asarray((1 - CURVE) ** 2 * first + 2 * CURVE * (1 - CURVE) * corner + CURVE**2 * last)


def cross(one: F64, other: F64) -> bool:
    """Tell whether two curves cut each other.

    >>> cross(np.array([[0.0, 0], [2, 2]]), np.array([[0.0, 2], [2, 0]]))
    True
    """
    a, b = one[:-1, None, :], one[1:, None, :]
    c, d = other[None, :-1, :], other[None, 1:, :]

    def side(p: F64, q: F64, r: F64) -> F64:
        return np.asarray((q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1])
                          - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0]))  # fmt: skip

    apart = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return bool(apart.any())


def wrapped(angle: float) -> float:
    """Return an angle between -pi and pi [rad]."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
