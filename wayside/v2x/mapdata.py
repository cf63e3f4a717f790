"""MAP: the lanes that lead to a signal controller, from the city's map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.table import F64
from wayside.v2x.nodes import controller_reference, node_reference
from wayside.v2x.place import Place, offsets, position
from wayside.v2x.quantities import SPEED_STEP

CARRIAGEWAY = (LaneKind.DRIVING, LaneKind.BUS, LaneKind.BICYCLE)
MOST_LINKS, MOST_LANES, MOST_CONNECTIONS, MOST_POINTS = 32, 32, 8, 31
LANE_ERROR_M, LINK_ERROR_M = 0.5, 2.0  # how far a thinned line may lie off, T/CSAE 159 5.4
MANEUVERS = ("straight", "left", "right", "uTurn")  # first bits of AllowedManeuvers, in the order of Direction
BUS_ONLY = {"vehicle": {"bits": "00010000"}}
LANE_TYPE = {
    LaneKind.DRIVING: {"vehicle": {"bits": "0" * 8}},
    LaneKind.BUS: BUS_ONLY,
    LaneKind.BICYCLE: {"bikeLane": {"bits": "0" * 16}},
}


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

    def lane_number(self, lane: int) -> int:
        """Return the lane's number on its carriageway, 1 leftmost."""
        lanes = self.road.lanes
        beside = (lanes.edge == lanes.edge[lane]) & np.isin(lanes.kind, CARRIAGEWAY) & ~lanes.internal
        return int((lanes.number[beside] > lanes.number[lane]).sum()) + 1

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

    def limit(self, speed: float) -> list[dict[str, Any]]:
        return [{"type": "vehicleMaxSpeed", "speed": min(round(speed / SPEED_STEP), 8190)}]

    def link(self, rows: list[int]) -> dict[str, Any]:
        """Return the Link of one carriageway; `rows` are its lanes from left to right."""
        lanes = self.road.lanes
        rows = self.limited(rows, MOST_LANES, f"lanes beside {self.road.lane_names[rows[0]]}")
        drawn = [self.lane(row) for row in rows]
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
            "lanes": drawn,
        }
        if movements:
            value["movements"] = self.limited(movements, 32, f"movements from {self.road.lane_names[rows[0]]}")
        return value


def map_message(road: RoadMap, place: Place, controller: int, x: float, y: float) -> MapMessage | None:
    """Return the MAP of a controller whose intersection has its middle at x, y [m].

    One node with a link for each carriageway that ends at the controller; None where no lane does. Lanes are
    numbered from the left, from 1. A link's points follow its middle lane (with an even number the right one
    of the two), so they may lie half a lane off its centre.
    """
    drawer = _Drawer(road, place, controller, x, y)
    lanes = road.lanes
    leads = (lanes.controller == controller) & ~lanes.internal & np.isin(lanes.kind, CARRIAGEWAY)
    links = []
    for edge in np.unique(lanes.edge[leads]).tolist():
        rows = np.flatnonzero(leads & (lanes.edge == edge))
        links.append(drawer.link(rows[np.argsort(-lanes.number[rows].astype(np.int64))].tolist()))
    if not links:
        return None
    node: dict[str, Any] = {"id": controller_reference(controller), "refPos": position(*drawer.reference)}
    if controller < len(road.controller_names):
        name = road.controller_names[controller]
        if name and name.isascii():
            node["name"] = name[:63]
    node["inLinks"] = drawer.limited(links, MOST_LINKS, "links")
    value = {"msgCnt": 0, "timeStamp": 0, "nodes": [node]}
    return MapMessage(controller, value, tuple(drawer.cuts))
