"""The reader of SUMO networks beside SUMO's own; skipped where sumolib or the developer data is missing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from wayside.maps.sumo import read_net

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "networks"
sumolib = pytest.importorskip("sumolib")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real networks at {DATA}; set WAYSIDE_DATA")


@pytest.mark.parametrize(
    "file",
    ["cologne3/cologne3.net.xml", "ingolstadt7/ingolstadt7.net.xml", "bologna_acosta/acosta_buslanes.net.xml"],
)
def test_lanes_connections_and_places_are_those_of_sumolib(file: str) -> None:
    road, theirs = (
        read_net(DATA / file),
        sumolib.net.readNet(str(DATA / file), withPrograms=True, withInternal=True),
    )
    lanes = {lane.getID(): lane for edge in theirs.getEdges() for lane in edge.getLanes()}
    assert set(road.lane_names) <= set(lanes)
    assert all(
        lanes[name].getEdge().getFunction() or not road.lanes.internal[i] for i, name in enumerate(road.lane_names)
    )
    x, y, _ = road.along(np.arange(len(road.lanes)), road.lanes.length)
    for i, name in enumerate(road.lane_names):
        mine, lane = road.lanes, lanes[name]
        assert mine.width[i] == pytest.approx(lane.getWidth()), name
        assert mine.speed_limit[i] == pytest.approx(lane.getSpeed()), name
        assert (x[i], y[i]) == pytest.approx(lane.getShape()[-1][:2], abs=0.11), name  # points are drawn as 0.1 m
    longitude, latitude = theirs.convertXY2LonLat(float(x[0]), float(y[0]))
    assert [float(v) for v in road.to_wgs84(x[0], y[0])] == pytest.approx((latitude, longitude), abs=1e-8)
    rows = {
        (road.lane_names[f], road.lane_names[t]): (d, c, g)
        for f, t, d, c, g in zip(
            *(getattr(road.connections, n) for n in ("from_lane", "to_lane", "direction", "controller", "group")),
            strict=True,
        )
    }
    index = {name: i for i, name in enumerate(road.controller_names)}
    groups = {(c, k): g for c, k, g in zip(road.links.controller, road.links.link, road.links.group, strict=True)}
    checked = 0
    for edge in theirs.getEdges(withInternal=False):
        for connections in edge.getOutgoing().values():
            for theirs_one in connections:
                key = theirs_one.getFromLane().getID(), theirs_one.getToLane().getID()
                _, controller, group = rows[key]
                name = theirs_one.getTLSID() or None
                assert controller == (index[name] if name else -1), key
                assert group == (groups[controller, theirs_one.getTLLinkIndex()] if name else 0), key
                checked += 1
    assert checked > 100
