"""OpenStreetMap and OpenDRIVE through netconvert; skipped where SUMO is not installed."""

from __future__ import annotations

import builtins
import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.maps.conversion import convert, netconvert, read_map
from wayside.maps.road import MapError
from wayside.maps.tables import LaneKind

needs_sumo = pytest.mark.skipif(find_spec("sumo") is None, reason="needs wayside[sumo]")

OSM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
  <node id="1" lat="22.7100" lon="114.3500"><tag k="highway" v="traffic_signals"/></node>
  <node id="2" lat="22.7100" lon="114.3480"/>
  <node id="3" lat="22.7100" lon="114.3520"/>
  <node id="4" lat="22.7080" lon="114.3500"/>
  <node id="5" lat="22.7120" lon="114.3500"/>
  <way id="10"><nd ref="2"/><nd ref="1"/><nd ref="3"/>
    <tag k="highway" v="secondary"/><tag k="lanes" v="4"/><tag k="maxspeed" v="60"/>
    <tag k="sidewalk" v="both"/></way>
  <way id="11"><nd ref="4"/><nd ref="1"/><nd ref="5"/>
    <tag k="highway" v="residential"/><tag k="maxspeed" v="30"/><tag k="sidewalk" v="both"/></way>
</osm>
"""


def opendrive(place: str = "") -> str:
    """Return a straight road of 100 m along the x axis: a driving lane and a sidewalk on its right."""
    lanes = "".join(
        f'<lane id="{i}" type="{kind}" level="false"><width sOffset="0" a="{width}" b="0" c="0" d="0"/></lane>'
        for i, kind, width in ((-1, "driving", 3.5), (-2, "border", 0.5), (-3, "sidewalk", 2.0))
    )
    return (
        f'<OpenDRIVE><header revMajor="1" revMinor="6" name="straight">{place}</header>'
        '<road name="" length="100" id="1" junction="-1"><planView>'
        '<geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>'
        f'<lanes><laneSection s="0"><center><lane id="0" type="none"/></center><right>{lanes}</right>'
        "</laneSection></lanes></road></OpenDRIVE>"
    )


@needs_sumo
def test_a_crossroads_of_openstreetmap_becomes_a_map_with_signals_and_crossings(tmp_path: Path) -> None:
    path = tmp_path / "cross.osm.gz"
    path.write_bytes(gzip.compress(OSM.encode()))
    road = read_map(path)
    assert road.name == "cross"
    assert len(road.controller_names) == 1
    assert {LaneKind.DRIVING, LaneKind.SIDEWALK, LaneKind.CROSSING} <= {LaneKind(k) for k in road.lanes.kind}
    middle = road.nodes.take(road.nodes.controller == 0)
    latitude, longitude = road.to_wgs84(middle.x, middle.y)
    assert (latitude[0], longitude[0]) == pytest.approx((22.71, 114.35), abs=1e-5)
    outside = (road.lanes.kind == LaneKind.DRIVING) & ~road.lanes.internal
    assert set(road.lanes.speed_limit[outside].round(1)) == {16.7, 8.3}
    crossings = np.flatnonzero(road.lanes.kind == LaneKind.CROSSING)
    to_crossing = road.connections.take(np.isin(road.connections.to_lane, crossings))
    assert (to_crossing.group > 0).all()
    others = road.connections.take(~np.isin(road.connections.to_lane, crossings))
    assert not set(to_crossing.group) & set(others.group)


@needs_sumo
def test_a_road_of_opendrive_keeps_its_lanes_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "straight.xodr"
    path.write_text(opendrive())
    road = read_map(path, origin=(22.7, 114.3))
    assert [LaneKind(k) for k in road.lanes.kind] == [LaneKind.SIDEWALK, LaneKind.DRIVING]
    assert road.lanes.width.tolist() == [2.0, 3.5]
    _, y, heading = road.along([1, 0], [50.0, 50.0])
    np.testing.assert_allclose(y - y[0], [0.0, -3.25], atol=0.02)
    np.testing.assert_allclose(heading, 0.0, atol=1e-6)
    assert road.projection is not None


@needs_sumo
def test_what_netconvert_cannot_read_is_reported_in_its_words(tmp_path: Path) -> None:
    path = tmp_path / "broken.xodr"
    path.write_text(opendrive()[:-30])
    with pytest.raises(MapError, match=r"broken\.xodr: netconvert makes no network of it: Error"):
        read_map(path)


def test_missing_and_cut_off_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"nowhere\.osm: no such file"):
        read_map(tmp_path / "nowhere.osm")
    path = tmp_path / "cut.osm.gz"
    path.write_bytes(gzip.compress(OSM.encode())[:-50])
    with pytest.raises(MapError, match="copy it again"):
        read_map(path)
    other = tmp_path / "city.net.xml"
    other.write_text("<net/>")
    with pytest.raises(MapError, match="netconvert is used for"):
        convert(other, tmp_path / "out.net.xml")


def test_without_sumo_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_sumo(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "sumo":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sumo)
    with pytest.raises(MapError, match=r"pip install wayside\[sumo\]"):
        netconvert()
