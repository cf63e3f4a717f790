"""Reading networks of SUMO: what is in them, and what is said of broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from wayside.maps.conversion import read_map
from wayside.maps.road import MapError, RoadMap
from wayside.maps.sumo import read_net
from wayside.maps.tables import Direction, LaneKind
from wayside.signals.tables import Light

LOCATION = (
    '<location netOffset="-219815.80,-2511372.70" projParameter="+proj=utm +zone=50 +datum=WGS84 +units=m"/>'
)
NET = f"""<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
  {LOCATION}
  <edge id=":m_0" function="internal">
    <lane id=":m_0_0" index="0" speed="8.33" length="4.00" shape="98.00,-1.60 102.00,-1.60"/>
  </edge>
  <edge id=":m_1" function="internal">
    <lane id=":m_1_0" index="0" speed="6.00" length="2.00" shape="98.00,-1.60 100.00,-1.60"/>
  </edge>
  <edge id=":m_2" function="internal">
    <lane id=":m_2_0" index="0" speed="6.00" length="0.10" shape="100.00,-1.60 100.00,-1.60"/>
  </edge>
  <edge id=":m_c0" function="crossing" crossingEdges="a">
    <lane id=":m_c0_0" index="0" allow="pedestrian" speed="2.78" length="9" width="4.00" shape="95.00,-7 95.00,2"/>
  </edge>
  <edge id=":m_w0" function="walkingarea">
    <lane id=":m_w0_0" index="0" allow="pedestrian" speed="2.78" length="4" width="2.00"
          shape="93.00,-9.00 97.00,-9.00 97.00,-7.00 93.00,-7.00"/>
  </edge>
  <edge id="a" from="w" to="m">
    <lane id="a_0" index="0" allow="pedestrian" speed="2.78" length="93" width="2.00" shape="0,-8 93,-8"/>
    <lane id="a_1" index="1" allow="bus taxi" speed="13.89" length="98" width="3.50" shape="0,-5 98,-5"/>
    <lane id="a_2" index="2" disallow="tram" speed="16.67" length="98"
          shape="0,-1.6,5.0 50,-1.6,5.0 98,-1.6,6.0"/>
    <lane id="a_3" index="3" allow="tram" speed="16.67" length="98.0" shape="0,1.6 98,1.6"/>
  </edge>
  <edge id="b" from="m" to="e">
    <lane id="b_0" index="0" speed="16.67" length="98.0" shape="102,-1.6 200,-1.6"/>
    <lane id="b_1" index="1" allow="tram" speed="16.67" length="98.0" shape="102,1.6 200,1.6"/>
  </edge>
  <edge id="c" from="m" to="n"><lane id="c_0" index="0" speed="8.33" length="50" shape="100,2 100,52"/></edge>
  <tlLogic id="T" type="static" programID="0" offset="0">
    <phase duration="30" state="GGgrG"/><phase duration="3" state="yyyrG"/><phase duration="20.5" state="rrrGr"/>
  </tlLogic>
  <junction id="w" type="dead_end" x="0" y="0"/>
  <junction id="m" type="traffic_light" x="100" y="0"/>
  <junction id="e" type="dead_end" x="200" y="0"/>
  <junction id="n" type="dead_end" x="100" y="52"/>
  <junction id=":m_2_0" type="internal" x="100" y="-1.6"/>
  <connection from="a" to="b" fromLane="1" toLane="0" tl="T" linkIndex="0" dir="s" state="o"/>
  <connection from="a" to="b" fromLane="2" toLane="0" via=":m_0_0" tl="T" linkIndex="1" dir="s" state="o"/>
  <connection from="a" to="c" fromLane="2" toLane="0" via=":m_1_0" tl="T" linkIndex="2" dir="l" state="o"/>
  <connection from="a" to="b" fromLane="3" toLane="1" tl="T" linkIndex="4" dir="s" state="o"/>
  <connection from=":m_w0" to=":m_c0" fromLane="0" toLane="0" tl="T" linkIndex="3" dir="s" state="M"/>
  <connection from=":m_0" to="b" fromLane="0" toLane="0" dir="s" state="M"/>
  <connection from=":m_1" to="c" fromLane="0" toLane="0" via=":m_2_0" dir="l" state="m"/>
  <connection from=":m_2" to="c" fromLane="0" toLane="0" dir="l" state="M"/>
</net>
"""


def written(folder: Path, text: str, name: str = "small.net.xml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def road(tmp_path: Path) -> RoadMap:
    return read_net(written(tmp_path, NET))


def lane(road: RoadMap, name: str) -> int:
    return road.lane_names.index(name)


def after(road: RoadMap, name: str) -> list[str]:
    first = road.successor_first
    which = lane(road, name)
    return [road.lane_names[i] for i in road.successor_lane[first[which] : first[which + 1]]]


def test_lanes_between_junctions_come_first_and_rails_are_left_out(road: RoadMap) -> None:
    assert road.lane_names[:5] == ("a_0", "a_1", "a_2", "b_0", "c_0")
    assert set(road.lane_names[5:]) == {":m_0_0", ":m_1_0", ":m_2_0", ":m_c0_0", ":m_w0_0"}
    assert road.name == "small"


def test_kinds_widths_and_limits_are_those_of_the_file(road: RoadMap) -> None:
    kinds = {name: LaneKind(road.lanes.kind[i]) for i, name in enumerate(road.lane_names)}
    assert kinds["a_0"] == LaneKind.SIDEWALK
    assert kinds["a_1"] == LaneKind.BUS
    assert kinds["a_2"] == kinds[":m_0_0"] == LaneKind.DRIVING
    assert kinds[":m_c0_0"] == LaneKind.CROSSING
    assert kinds[":m_w0_0"] == LaneKind.WALKING_AREA
    assert road.lanes.width[[lane(road, "a_1"), lane(road, "a_2")]].tolist() == [3.5, 3.2]
    assert road.lanes.speed_limit[lane(road, "a_2")] == 16.67
    assert road.lanes.length[lane(road, "a_2")] == 98.0
    assert road.lanes.number[:3].tolist() == [0, 1, 2]


def test_a_lane_drawn_as_a_point_goes_on_in_the_direction_of_the_one_before(road: RoadMap) -> None:
    x, y, heading = road.along([lane(road, ":m_2_0")], [0.1])
    assert (x[0], y[0], heading[0]) == pytest.approx((100.1, -1.6, 0.0))


def test_a_walking_area_becomes_its_long_axis(road: RoadMap) -> None:
    row = lane(road, ":m_w0_0")
    assert (road.lanes.length[row], road.lanes.width[row]) == (4.0, 2.0)


def test_lanes_follow_through_every_lane_inside_a_junction(road: RoadMap) -> None:
    assert after(road, "a_1") == ["b_0"]
    assert after(road, "a_2") == [":m_0_0", ":m_1_0"]
    assert after(road, ":m_1_0") == [":m_2_0"]
    assert after(road, ":m_2_0") == ["c_0"]


def test_links_that_change_together_are_one_group_and_crossings_have_their_own(road: RoadMap) -> None:
    assert road.controller_names == ("T",)
    assert dict(zip(road.links.link.tolist(), road.links.group.tolist(), strict=True)) == {0: 1, 1: 1, 2: 2, 3: 3}
    assert int(road.lane_group_mask[lane(road, "a_2")]) == 0b110
    assert int(road.lane_group_mask[lane(road, ":m_w0_0")]) == 0b1000
    lights = {(p, g): v for p, g, v in zip(road.phases.phase, road.phases.group, road.phases.light, strict=True)}
    assert lights[0, 1] == Light.PROTECTED_GREEN
    assert lights[0, 2] == Light.PERMISSIVE_GREEN
    assert lights[1, 1] == Light.YELLOW
    assert lights[2, 3] == Light.PROTECTED_GREEN
    assert sorted(set(road.phases.duration)) == [3.0, 20.5, 30.0]


def test_connections_say_how_they_turn_and_who_governs_them(road: RoadMap) -> None:
    rows = road.connections
    turn = rows.take((rows.from_lane == lane(road, "a_2")) & (rows.to_lane == lane(road, "c_0")))
    assert (turn.direction[0], turn.controller[0], turn.group[0]) == (Direction.LEFT, 0, 2)
    assert turn.via_lane[0] == lane(road, ":m_1_0")
    inside = rows.take(road.lanes.internal[rows.from_lane] & (road.lanes.kind[rows.from_lane] == LaneKind.DRIVING))
    assert (inside.group == 0).all() and (inside.controller == -1).all()


def test_junctions_and_controllers_of_lanes_are_known(road: RoadMap) -> None:
    middle = road.node_names.index("m")
    assert road.node_names == ("w", "m", "e", "n")
    assert road.nodes.controller.tolist() == [-1, 0, -1, -1]
    for name, controller in (("a_2", 0), ("b_0", -1), (":m_0_0", 0), ("a_0", -1)):
        assert road.lanes.controller[lane(road, name)] == controller, name
    assert road.lanes.to_node[lane(road, "a_2")] == road.lanes.from_node[lane(road, "b_0")] == middle
    assert road.lanes.from_node[lane(road, ":m_0_0")] == middle


def test_the_frame_is_the_networks_own_and_its_projection_places_it(road: RoadMap) -> None:
    latitude, longitude = road.to_wgs84(8000.0, 2000.0)
    assert (float(latitude), float(longitude)) == pytest.approx((22.709, 114.350), abs=0.01)
    assert [float(v) for v in road.from_wgs84(latitude, longitude)] == pytest.approx([8000.0, 2000.0], abs=1e-6)


def test_an_origin_places_only_what_has_no_place(tmp_path: Path) -> None:
    placed, nowhere = written(tmp_path, NET), written(tmp_path, NET.replace(LOCATION, ""), "nowhere.net.xml")
    with pytest.raises(MapError, match="origin="):
        read_net(nowhere).to_wgs84(0.0, 0.0)
    latitude, longitude = read_net(nowhere, origin=(22.7, 114.3)).to_wgs84(0.0, 0.0)
    assert (float(latitude), float(longitude)) == pytest.approx((22.7, 114.3))
    assert float(read_net(placed, origin=(1.0, 1.0)).to_wgs84(8000.0, 2000.0)[0]) == pytest.approx(
        22.709, abs=0.01
    )


def test_gzipped_networks_are_read_whatever_their_name(tmp_path: Path) -> None:
    for name in ("small.net.xml.gz", "misnamed.net.xml"):
        (tmp_path / name).write_bytes(gzip.compress(NET.encode()))
        assert len(read_net(tmp_path / name).lanes) == 10


def test_the_last_program_of_a_controller_counts(tmp_path: Path) -> None:
    more = '<additional><tlLogic id="T" type="static"><phase duration="9" state="GGGGG"/></tlLogic></additional>'
    road = read_net(written(tmp_path, NET), programs=[written(tmp_path, more, "plan.add.xml")])
    assert set(road.phases.duration) == {9.0}
    assert set(road.links.group) == {1, 2}  # vehicles and people never share one


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("</net>", "", "line 49: the XML is broken or breaks off"),
        ("<net ", "<routes ", "line 2: the file begins with <routes>"),
        ('index="2" ', "", "line 23: <lane> has no 'index'"),
        ('speed="16.67" length="98"', 'speed="fast" length="98"', "line 23: <lane>: could not convert string"),
        ("50,-1.6,5.0 98", "50 98", "lane a_2: shape"),
        ('<junction id="m"', '<junction id="q"', "names junction 'm', which is not there"),
        ("GGgrG", "GGg", "signal controller 'T': its phases have state strings of lengths"),
        ('linkIndex="2"', 'linkIndex="12"', "link 12 is beyond its state strings"),
        ('<tlLogic id="T"', '<tlLogic id="U"', "governed by signal controller 'T'"),
        ("GGgrG", "GxgrG", "state letter 'x'"),
        ("+proj=utm", "+proj=nonsense", "correct projParameter"),
    ],
)
def test_a_broken_network_is_refused_with_the_place_and_the_cure(
    tmp_path: Path, before: str, after: str, what: str
) -> None:
    assert before in NET
    path = written(tmp_path, NET.replace(before, after))
    with pytest.raises(MapError, match=what) as caught:
        read_net(path)
    assert str(caught.value).startswith(str(path))


def test_missing_empty_and_cut_off_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"nowhere\.net\.xml: no such file"):
        read_net(tmp_path / "nowhere.net.xml")
    with pytest.raises(MapError, match="the XML is broken or breaks off"):
        read_net(written(tmp_path, ""))
    with pytest.raises(MapError, match="the network has no lanes"):
        read_net(written(tmp_path, "<net/>"))
    packed = tmp_path / "cut.net.xml.gz"
    packed.write_bytes(gzip.compress(NET.encode())[:-200])
    with pytest.raises(MapError, match="cannot be read"):
        read_net(packed)
    with pytest.raises(MapError, match="cannot be read"):
        read_net(tmp_path)


def test_a_program_of_too_many_phases_is_named(tmp_path: Path) -> None:
    text = NET.replace('<phase duration="3" state="yyyrG"/>', '<phase duration="3" state="yyyrG"/>' * 255)
    with pytest.raises(MapError, match="'T' has 257 phases, and 256 is the most"):
        read_net(written(tmp_path, text))


def test_a_link_numbered_below_zero_is_not_governed(tmp_path: Path) -> None:
    road = read_net(written(tmp_path, NET.replace('linkIndex="2"', 'linkIndex="-1"')))
    row = (road.connections.from_lane == lane(road, "a_2")) & (road.connections.to_lane == lane(road, "c_0"))
    assert (road.connections.controller[row], road.connections.group[row]) == (-1, 0)


def test_a_phase_left_to_detectors_has_its_shortest_length_or_none(tmp_path: Path) -> None:
    text = NET.replace('duration="30"', 'minDur="5"').replace('<phase duration="20.5"', "<phase")
    durations = read_net(written(tmp_path, text)).phases.duration
    assert 5.0 in durations and np.isnan(durations).any()


def test_a_controller_of_too_many_groups_is_named(tmp_path: Path) -> None:
    states = np.full((70, 64), "r")
    np.fill_diagonal(states, "G")
    phases = "".join(f'<phase duration="5" state="{"".join(row)}"/>' for row in states)
    lanes = "".join(
        f'<lane id="{edge}_{i}" index="{i}" speed="9" length="9" shape="{x},{i} {x + 9},{i}"/>'
        for edge, x in (("a", 0), ("b", 20))
        for i in range(64)
    )
    half = len(lanes) // 2
    first = lanes.index('<lane id="b_0"', half - 200)
    connections = "".join(
        f'<connection from="a" to="b" fromLane="{i}" toLane="{i}" tl="big" linkIndex="{i}" dir="s"/>'
        for i in range(64)
    )
    text = (
        f'<net><edge id="a" from="w" to="m">{lanes[:first]}</edge>'
        f'<edge id="b" from="m" to="w">{lanes[first:]}</edge>'
        f'<tlLogic id="big">{phases}</tlLogic><junction id="w" x="0" y="0"/>'
        f'<junction id="m" x="15" y="0"/>{connections}</net>'
    )
    with pytest.raises(MapError, match="'big' has 64 signal groups, and 63 is the most"):
        read_net(written(tmp_path, text))


def test_files_of_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"a map is \.net\.xml"):
        read_map(tmp_path / "city.shp")
    with pytest.raises(MapError, match="a file without a suffix"):
        read_map(tmp_path / "city")
