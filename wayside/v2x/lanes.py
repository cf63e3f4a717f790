"""How messages name lanes: by the junctions at both ends of the carriageway and a number from the left."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.maps.road import VEHICLE_KINDS, RoadMap
from wayside.v2x.nodes import controller_of, node_reference


class LaneReferences:
    """Names lanes of a map as messages do, and finds them again.

    Args:
        road: the map.
    """

    def __init__(self, road: RoadMap) -> None:
        self._road = road
        lanes = road.lanes
        self._of: dict[tuple[tuple[int, int], tuple[int, int]], list[int]] = {}
        for lane in np.flatnonzero(~lanes.internal & np.isin(lanes.kind, VEHICLE_KINDS)).tolist():
            self._of.setdefault(self._key(lane), []).append(lane)

    def _node(self, node: int) -> dict[str, int]:
        return node_reference(node, int(self._road.nodes.controller[node]) if node >= 0 else -1)

    def _key(self, lane: int) -> tuple[tuple[int, int], tuple[int, int]]:
        lanes = self._road.lanes
        return _plain(self._node(int(lanes.from_node[lane]))), _plain(self._node(int(lanes.to_node[lane])))

    def _beside(self, lane: int) -> list[int]:
        """Return the lanes of a carriageway from left to right, as MAP numbers them."""
        lanes = self._road.lanes
        mine = np.flatnonzero(
            (lanes.edge == lanes.edge[lane]) & np.isin(lanes.kind, VEHICLE_KINDS) & ~lanes.internal
        )
        listed: list[int] = mine[np.argsort(-lanes.number[mine].astype(np.int64))].tolist()
        return listed

    def reference(self, lane: int) -> tuple[dict[str, int], dict[str, int], int]:
        """Return upstream node, downstream node and laneID of a lane; laneID 0 where MAP does not tell it."""
        lanes = self._road.lanes
        beside = self._beside(lane)
        number = beside.index(lane) + 1 if lane in beside else 0
        return self._node(int(lanes.from_node[lane])), self._node(int(lanes.to_node[lane])), number

    def lane(self, upstream: dict[str, Any], downstream: dict[str, Any], number: int, x: float, y: float) -> int:
        """Return the lane that a message means, -1 if there is none.

        Where several carriageways join the same junctions, as where roads leave the map, it is on that nearest to
        the sender's place x, y [m].
        """
        found = self._of.get((_plain(upstream), _plain(downstream)), [])
        if not found or number < 1:
            return -1
        lanes = self._road.lanes
        edges = sorted({int(lanes.edge[lane]) for lane in found})
        if len(edges) > 1:
            here = int(self._road.match([x], [y], [np.nan], reach_m=20.0).lane[0])
            edges = [edge for edge in edges if here >= 0 and edge == lanes.edge[here]] or edges[:1]
        beside = self._beside(next(lane for lane in found if lanes.edge[lane] == edges[0]))
        return beside[number - 1] if number <= len(beside) else -1

    def node(self, reference: dict[str, Any]) -> int:
        """Return the junction of the map that a message means, -1 if there is none."""
        controller = controller_of(reference)
        nodes = self._road.nodes
        if controller >= 0:
            found = np.flatnonzero(nodes.controller == controller)
            return int(found[0]) if len(found) else -1
        wanted = _plain(reference)
        known = (n for n in range(len(nodes)) if _plain(self._node(n)) == wanted)
        return next(known, -1)

    def node_reference(self, node: int) -> dict[str, int]:
        """Return the NodeReferenceID of a junction of the map."""
        return self._node(node)


def _plain(reference: dict[str, Any]) -> tuple[int, int]:
    return int(reference.get("region", 0)), int(reference["id"])
