"""Which movements cross, told from MAP messages alone, against the lanes that the map draws inside junctions."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

import wayside.cities
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.maps.tables import Direction, LaneKind
from wayside.table import F64
from wayside.v2x.conflicts import forbidden
from wayside.v2x.intersections import cross, intersections_of
from wayside.v2x.mapdata import map_message
from wayside.v2x.nodes import controller_of
from wayside.v2x.place import Place


def inside(road: RoadMap, lane: int) -> F64:
    """Return the points of a lane inside a junction, and of those inside it that follow."""
    points = []
    while lane >= 0 and road.lanes.internal[lane]:
        first, count = int(road.lanes.first_point[lane]), int(road.lanes.points[lane])
        rows = slice(first, first + count)
        points.append(np.stack([road.points.x[rows], road.points.y[rows]], axis=1))
        following = np.flatnonzero(road.connections.from_lane == lane)
        via, to = road.connections.via_lane[following[:1]], road.connections.to_lane[following[:1]]
        lane = int(np.where(via >= 0, via, to)[0]) if len(following) else -1
    return np.concatenate(points)


def drawn_conflicts(road: RoadMap, controller: int) -> set[tuple[int, int]]:
    """Return the pairs of groups whose lanes cross inside the junction, right turns apart."""
    links, lanes = road.connections, road.lanes
    chosen = (links.controller == controller) & (links.group > 0) & (links.via_lane >= 0)
    chosen &= np.isin(lanes.kind[links.from_lane], (LaneKind.DRIVING, LaneKind.BUS))
    chosen &= links.direction != Direction.RIGHT
    found = set()
    for one, other in combinations(np.flatnonzero(chosen).tolist(), 2):
        groups = sorted((int(links.group[one]), int(links.group[other])))
        if lanes.edge[links.from_lane[one]] == lanes.edge[links.from_lane[other]] or groups[0] == groups[1]:
            continue
        if cross(inside(road, int(links.via_lane[one])), inside(road, int(links.via_lane[other]))):
            found.add((groups[0], groups[1]))
    return found


def test_movements_that_cross_are_told_from_map_messages() -> None:
    road = read_net(Path(wayside.cities.__file__).parent / "pingshan" / "pingshan.net.xml.gz")
    place, told, drawn = Place.of(road), set(), set()
    for controller in range(len(road.controller_names)):
        middle = np.flatnonzero(road.nodes.controller == controller)[0]
        made = map_message(road, place, controller, float(road.nodes.x[middle]), float(road.nodes.y[middle]))
        if made is None:
            continue
        (intersection,) = intersections_of(made.value)
        assert controller_of({"region": intersection.node[0], "id": intersection.node[1]}) == controller
        told |= {(controller, *pair[:2]) for pair in forbidden(intersection)}
        drawn |= {(controller, *pair) for pair in drawn_conflicts(road, controller)}
    assert len(drawn) > 100
    assert not told - drawn  # what it calls a conflict is one
    assert len(drawn - told) <= 0.03 * len(drawn)
