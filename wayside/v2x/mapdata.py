"""MAP: the lanes that lead to a signal controller and the crosswalks there, from the city's map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.table import F64, I64
from wayside.v2x.nodes import controller_reference, node_reference
from wayside.v2x.place import Place, offsets, position
from wayside.v2x.quantities import SPEED_STEP

CARRIAGEWAY = (LaneKind.DRIVING, LaneKind.BUS, LaneKind.BICYCLE)
MOST_LINKS, MOST_LANES, MOST_CONNECTIONS, MOST_POINTS = 32, 32, 8, 31
LANE_ERROR_M, LINK_ERROR_M = 0.5, 2.0  # how far a thinned line may lie off, T/CSAE 159 5.4
BUS_ONLY = {"vehicle": {"bits": "00010000"}}
LANE_TYPE = {
    LaneKind.DRIVING: {"vehicle": {"bits": "0" * 8}},
    LaneKind.BUS: BUS_ONLY,
    LaneKind.BICYCLE: {"bikeLane": {"bits": "0" * 16}},
    LaneKind.CROSSING: {"crosswalk": {"bits": "0" * 16}},
}
AHEAD = {"bits": "1" + "0" * 11}  # the only way over a crosswalk
ACROSS = np.cos(np.radians(50))  # a crosswalk whose direction has more than this of a road's runs along the road


@dataclass(frozen=True, slots=True)
class MapMessage:
    """The MAP of one controller.

    Attributes:
        controller: number of the controller.
        value: MapData with msgCnt and timeStamp 0, to be set when it is sent.
        cuts: what the size limits of the message made us leave out, in words for the log.
    """

    controller: int
    value: dict[str, Any]
    cuts: tuple[str, ...]


def thinned(x: F64, y: F64, error: float, most: int = MOST_POINTS) -> tuple[F64, F64, float]:
    """Return the points of a line that keep it within an error [m], and the error that was needed.

    The error is doubled until no more than `most` points are left.

    >>> x, y, error = thinned(np.array([0.0, 5.0, 10.0]), np.array([0.0, 0.1, 0.0]), 0.5)
    >>> x, error
    (array([ 0., 10.]), 0.5)
    """
    while True:
        keep = np.zeros(len(x), np.bool_)
        keep[[0, -1]] = True
        spans = [(0, len(x) - 1)]
        while spans:
            first, last = spans.pop()
            if last - first < 2:
                continue
            along = np.array([x[last] - x[first], y[last] - y[first]])
            away_x, away_y = x[first + 1 : last] - x[first], y[first + 1 : last] - y[first]
            length = float(np.hypot(*along))
            # a span that ends where it begins is a loop: measure from its beginning
            away = np.abs(along[0] * away_y - along[1] * away_x) / length if length else np.hypot(away_x, away_y)
            worst = int(np.argmax(away))
            if away[worst] > error:
                middle = first + 1 + worst
                keep[middle] = True
                spans += [(first, middle), (middle, last)]
        if keep.sum() <= most:
            return x[keep], y[keep], error
        error *= 2


class _Drawer:
    """Collects what one controller's MAP says."""

    def __init__(self, road: RoadMap, place: Place, controller: int, x: float, y: float) -> None:
        self.road, self.place, self.controller = road, place, controller
        latitude, longitude = place.to_wire([x], [y])
        self.reference = int(latitude[0]), int(longitude[0])
        self.cuts: list[str] = []

    def node(self, node: int) -> dict[str, int]:
        return node_reference(node, int(self.road.nodes.controller[node]) if node >= 0 else -1)

    def beside(self, lane: int) -> I64:
        """Return the lanes of the same carriageway."""
        lanes = self.road.lanes
        return np.flatnonzero(
            (lanes.edge == lanes.edge[lane]) & np.isin(lanes.kind, CARRIAGEWAY) & ~lanes.internal
        )

    def lane_number(self, lane: int) -> int:
        """Return the lane's number on its carriageway, 1 leftmost."""
        number = self.road.lanes.number
        return int((number[self.beside(lane)] > number[lane]).sum()) + 1

    def line(self, lane: int, error: float) -> list[dict[str, Any]]:
        first, count = int(self.road.lanes.first_point[lane]), int(self.road.lanes.points[lane])
        x, y = self.road.points.x[first : first + count], self.road.points.y[first : first + count]
        x, y, needed = thinned(x, y, error)
        if needed > error:
            name = self.road.lane_names[lane]
            self.cuts.append(f"lane {name} thinned to {len(x)} points, off by up to {needed} m")
        at = offsets(*self.place.to_wire(x, y), self.reference)
        return [{"posOffset": offset} for offset in at]

    def limited(self, items: list[Any], most: int, what: str) -> list[Any]:
        if len(items) > most:
            self.cuts.append(f"{what}: {len(items) - most} of {len(items)} left out")
        return items[:most]

    def lane(self, lane: int) -> dict[str, Any]:
        lanes, links = self.road.lanes, self.road.connections
        allowed, connected = 0, []
        for row in np.flatnonzero(links.from_lane == lane).tolist():
            to, direction = int(links.to_lane[row]), int(links.direction[row])
            if lanes.kind[to] not in CARRIAGEWAY:
                continue
            turn = 1 << 12 - direction
            allowed |= turn
            one: dict[str, Any] = {
                "remoteIntersection": self.node(int(lanes.to_node[to])),
                "connectingLane": {"lane": self.lane_number(to), "maneuver": {"bits": f"{turn:012b}"}},
            }
            if links.group[row] and links.controller[row] == self.controller:
                one["phaseId"] = int(links.group[row])
            connected.append(one)
        value: dict[str, Any] = {
            "laneID": self.lane_number(lane),
            "laneWidth": round(float(lanes.width[lane]) * 100),
            "laneAttributes": {"laneType": LANE_TYPE[LaneKind(int(lanes.kind[lane]))]},
            "maneuvers": {"bits": f"{allowed:012b}"},
            "speedLimits": self.limit(float(lanes.speed_limit[lane])),
            "points": self.line(lane, LANE_ERROR_M),
        }
        if connected:
            name = self.road.lane_names[lane]
            value["connectsTo"] = self.limited(connected, MOST_CONNECTIONS, f"connections of lane {name}")
        return value

    def crosswalk(self, crossing: int, number: int) -> dict[str, Any]:
        """Return the Lane of a crossing; who goes over it stays at the intersection."""
        links = self.road.connections
        here = (links.to_lane == crossing) & (links.controller == self.controller) & (links.group > 0)
        stays = controller_reference(self.controller)
        value: dict[str, Any] = {
            "laneID": number,
            "laneWidth": round(float(self.road.lanes.width[crossing]) * 100),
            "laneAttributes": {"laneType": LANE_TYPE[LaneKind.CROSSING]},
            "maneuvers": AHEAD,
            "points": self.line(crossing, LANE_ERROR_M),
        }
        groups = np.unique(links.group[here]).tolist()
        if groups:
            value["connectsTo"] = [{"remoteIntersection": stays, "phaseId": group} for group in groups]
        return value

    def limit(self, speed: float) -> list[dict[str, Any]]:
        return [{"type": "vehicleMaxSpeed", "speed": min(round(speed / SPEED_STEP), 8190)}]

    def link(self, rows: list[int], crossings: list[int]) -> dict[str, Any]:
        """Return the Link of one carriageway; `rows` are its lanes from left to right."""
        lanes = self.road.lanes
        name = self.road.lane_names[rows[0]]
        rows = self.limited(rows, MOST_LANES, f"lanes beside {name}")
        drawn = [self.lane(row) for row in rows]
        number = len(self.beside(rows[0])) + 1
        crossings = self.limited(crossings, MOST_LANES - len(rows), f"crosswalks before {name}")
        walks = [self.crosswalk(crossing, number + place) for place, crossing in enumerate(crossings)]
        movements: list[dict[str, Any]] = []
        for lane in drawn:
            for one in lane.get("connectsTo", ()):
                movement = {k: one[k] for k in ("remoteIntersection", "phaseId") if k in one}
                if movement not in movements:
                    movements.append(movement)
        value: dict[str, Any] = {
            "upstreamNodeId": self.node(int(lanes.from_node[rows[0]])),
            "speedLimits": self.limit(float(lanes.speed_limit[rows].max())),
            "linkWidth": round(float(lanes.width[rows].sum()) * 100),
            "points": self.line(rows[len(rows) // 2], LINK_ERROR_M),
            "lanes": drawn + walks,
        }
        if movements:
            value["movements"] = self.limited(movements, 32, f"movements from {name}")
        return value


def _crossings(road: RoadMap, controller: int) -> list[int]:
    """Return the crossings of a controller: those it governs, and others without a signal at its junctions."""
    lanes, links = road.lanes, road.connections
    over = (links.group > 0) & (lanes.kind[links.to_lane] == LaneKind.CROSSING)
    mine = links.to_lane[over & (links.controller == controller)]
    free = np.flatnonzero((lanes.kind == LaneKind.CROSSING) & (lanes.controller == controller))
    found: list[int] = np.union1d(mine, free[~np.isin(free, links.to_lane[over])]).tolist()
    return found


def _crossed(road: RoadMap, crossing: int, carriageways: list[list[int]]) -> int:
    """Return which carriageway a crossing lies before, by place in the list.

    It is the one whose stop lines are nearest on average, of those that run across the crossing if any do. So a
    crossing that leads over the lanes out of a junction alone comes to the lanes in beside them.
    """
    first, count = int(road.lanes.first_point[crossing]), int(road.lanes.points[crossing])
    x, y = road.points.x[first : first + count], road.points.y[first : first + count]
    walk = np.array([x[-1] - x[0], y[-1] - y[0]])
    found = []
    for place, rows in enumerate(carriageways):
        end_x, end_y, heading = road.along(rows, np.full(len(rows), np.inf))
        along = abs(float(np.cos(heading[0]) * walk[0] + np.sin(heading[0]) * walk[1]))
        away = float(_distances(end_x, end_y, x, y).mean())
        found.append((along > ACROSS * float(np.hypot(*walk)), away, place))
    return min(found)[2]


def _distances(x: F64, y: F64, line_x: F64, line_y: F64) -> F64:
    """Return how far points are from a line [m]."""
    start, piece = np.stack([line_x[:-1], line_y[:-1]]), np.stack([np.diff(line_x), np.diff(line_y)])
    to = np.stack([x, y])[:, :, None] - start[:, None, :]
    share = np.clip((to * piece[:, None, :]).sum(axis=0) / np.maximum((piece**2).sum(axis=0), 1e-12), 0.0, 1.0)
    away: F64 = np.hypot(*(to - share * piece[:, None, :])).min(axis=1)
    return away


def map_message(road: RoadMap, place: Place, controller: int, x: float, y: float) -> MapMessage | None:
    """Return the MAP of a controller whose intersection has its middle at x, y [m].

    One node with a link for each carriageway of which a lane ends at the controller; None where none does. Lanes
    are numbered from the left, from 1; crosswalks come after the lanes of the link that they lie before. A
    crosswalk connects to its own node, with the phase of its people. A link's points follow its middle lane (with
    an even number the right one of the two), so they may lie half a lane off its centre.
    """
    drawer = _Drawer(road, place, controller, x, y)
    lanes = road.lanes
    leads = (lanes.controller == controller) & ~lanes.internal & np.isin(lanes.kind, CARRIAGEWAY)
    carriageways: list[list[int]] = []
    for edge in np.unique(lanes.edge[leads]).tolist():
        rows = drawer.beside(int(np.flatnonzero(leads & (lanes.edge == edge))[0]))
        carriageways.append(rows[np.argsort(-lanes.number[rows].astype(np.int64))].tolist())
    if not carriageways:
        return None
    before: list[list[int]] = [[] for _ in carriageways]
    for crossing in _crossings(road, controller):
        before[_crossed(road, crossing, carriageways)].append(crossing)
    links = [drawer.link(rows, mine) for rows, mine in zip(carriageways, before, strict=True)]
    node: dict[str, Any] = {"id": controller_reference(controller), "refPos": position(*drawer.reference)}
    if controller < len(road.controller_names):
        name = road.controller_names[controller]
        if name and name.isascii():
            node["name"] = name[:63]
    node["inLinks"] = drawer.limited(links, MOST_LINKS, "links")
    value = {"msgCnt": 0, "timeStamp": 0, "nodes": [node]}
    return MapMessage(controller, value, tuple(drawer.cuts))
