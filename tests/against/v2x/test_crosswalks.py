"""Which road each crosswalk of MAP lies before, against what the net of the simulator says it crosses."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

import wayside.cities
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.maps.tables import LaneKind
from wayside.table import I64
from wayside.v2x.mapdata import map_message
from wayside.v2x.place import Place

NET = Path(wayside.cities.__file__).parent / "pingshan" / "pingshan.net.xml.gz"


def edge_at(road: RoadMap, node: dict[str, Any], lane: dict[str, Any], among: I64) -> str:
    """Return the edge of the net whose lane ends where a lane of MAP does."""
    ((_, offset),) = lane["points"][-1]["posOffset"]["offsetLL"].items()
    latitude, longitude = node["refPos"]["lat"] + offset["lat"], node["refPos"]["long"] + offset["lon"]
    x, y = road.from_wgs84([latitude / 1e7], [longitude / 1e7])
    end_x, end_y, _ = road.along(among, np.full(len(among), np.inf))
    away = np.hypot(end_x - x, end_y - y)
    assert away.min() < 0.05
    return road.lane_names[among[np.argmin(away)]].rpartition("_")[0]


def test_a_crosswalk_is_drawn_under_a_road_that_it_crosses() -> None:
    with gzip.open(NET) as file:
        edges = list(ElementTree.parse(file).getroot().iter("edge"))
    crossed = {
        one.attrib["id"]: one.attrib["crossingEdges"].split() for one in edges if "crossingEdges" in one.attrib
    }
    road = read_net(NET)
    lanes = road.lanes
    walked = np.flatnonzero((lanes.kind == LaneKind.CROSSING) & (lanes.controller >= 0))
    driven = np.flatnonzero(~lanes.internal)
    drawn = []
    for controller in range(len(road.controller_names)):
        middle = np.flatnonzero(road.nodes.controller == controller)[0]
        x, y = float(road.nodes.x[middle]), float(road.nodes.y[middle])
        made = map_message(road, Place.of(road), controller, x, y)
        assert made is not None and made.cuts == ()
        (node,) = made.value["nodes"]
        for link in node["inLinks"]:
            assert [lane["laneID"] for lane in link["lanes"]] == list(range(1, len(link["lanes"]) + 1))
            edge = edge_at(road, node, link["lanes"][0], driven)
            for lane in link["lanes"]:
                if "crosswalk" in lane["laneAttributes"]["laneType"]:
                    crossing = edge_at(road, node, lane, walked)
                    assert edge in crossed[crossing]
                    drawn.append(crossing)
    assert len(drawn) > 80
    assert sorted(drawn) == sorted(road.lane_names[lane].rpartition("_")[0] for lane in walked)
