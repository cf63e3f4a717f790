"""The reader before real cities; skipped where the developer data is not at hand."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from wayside.maps.road import VEHICLE_KINDS, RoadMap
from wayside.maps.sumo import read_net
from wayside.maps.tables import Direction, LaneKind
from wayside.signals.tables import Light

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "networks"
NETWORKS = {  # file, carriageways, controllers, kilometres of lanes, a box around it: south, north, west, east
    "cologne3": ("cologne3/cologne3.net.xml", 48, 3, 7.9, (50.92, 50.94, 6.89, 6.92)),
    "ingolstadt7": ("ingolstadt7/ingolstadt7.net.xml", 95, 7, 15.8, (48.75, 48.78, 11.39, 11.43)),
    "bologna": ("bologna_acosta/acosta_buslanes.net.xml", 178, 7, 33.2, (44.48, 44.51, 11.30, 11.34)),
    "pingshan": ("shenzhen_pingshan/shenzhen_pingshan.net.xml", 821, 17, 283, (22.69, 22.73, 114.31, 114.392)),
    "futian": ("shenzhen_futian/shenzhen_futian.net.xml.gz", 2404, 239, 895, (22.515, 22.565, 114.0, 114.106)),
}
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real networks at {DATA}; set WAYSIDE_DATA")


@cache
def road_of(name: str) -> RoadMap:
    return read_net(DATA / NETWORKS[name][0])


@pytest.fixture(params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def road(name: str) -> RoadMap:
    return road_of(name)


def test_carriageways_controllers_and_lengths_are_those_counted_by_others(name: str, road: RoadMap) -> None:
    _, edges, controllers, kilometres, _ = NETWORKS[name]
    outside = ~road.lanes.internal
    assert len(np.unique(road.lanes.edge[outside])) == edges
    assert len(road.controller_names) == controllers
    assert road.lanes.length[outside].sum() / 1000 == pytest.approx(kilometres, rel=0.012)


def test_the_city_lies_where_it_should(name: str, road: RoadMap) -> None:
    south, north, west, east = NETWORKS[name][4]
    latitude, longitude = road.to_wgs84(road.points.x, road.points.y)
    assert south < latitude.min() and latitude.max() < north
    assert west < longitude.min() and longitude.max() < east
    x, y = road.from_wgs84(latitude, longitude)
    assert max(np.abs(x - road.points.x).max(), np.abs(y - road.points.y).max()) < 1e-6


def test_every_signalised_connection_has_a_group_with_a_light_in_every_phase(road: RoadMap) -> None:
    rows = road.connections.take(road.connections.controller >= 0)
    assert len(rows) and (rows.group > 0).all()
    assert (road.connections.group[road.connections.controller < 0] == 0).all()
    lights = set(zip(road.phases.controller.tolist(), road.phases.group.tolist(), strict=True))
    assert set(zip(rows.controller.tolist(), rows.group.tolist(), strict=True)) == lights
    mask = road.lane_group_mask[rows.from_lane] >> rows.group.astype(np.uint64)
    assert (mask & np.uint64(1) == 1).all()
    greens = np.isin(road.phases.light, (Light.PROTECTED_GREEN, Light.PERMISSIVE_GREEN, Light.FLASHING_RED))
    with_green = set(zip(road.phases.controller[greens].tolist(), road.phases.group[greens].tolist(), strict=True))
    assert len(with_green) / len(lights) > 0.95  # real plans have a few groups that never get green


def test_every_lane_is_a_rising_line(road: RoadMap) -> None:
    inner = np.diff(road.points.lane) == 0
    assert (np.diff(road.points.offset)[inner] > 0).all()
    assert (road.points.offset[road.lanes.first_point] == 0).all()
    last = road.lanes.first_point + road.lanes.points - 1
    np.testing.assert_array_equal(road.points.offset[last], road.lanes.length)
    assert (road.lanes.width > 0).all() and (road.lanes.speed_limit > 0).all()


def test_points_on_driving_lanes_are_matched_to_their_lane(road: RoadMap) -> None:
    random = np.random.default_rng(0)
    lanes = road.lanes
    for internal, at_least in ((False, 0.999), (True, 0.99)):
        wanted = np.flatnonzero((lanes.internal == internal) & (lanes.kind == LaneKind.DRIVING))
        lane = random.choice(wanted, 5000)
        offset = random.uniform(0.0, lanes.length[lane])
        match = road.match(*road.along(lane, offset))
        same = match.lane == lane
        assert same.mean() >= at_least
        np.testing.assert_allclose(match.offset[same], offset[same], atol=2e-3)


def test_a_tracker_s_noise_moves_nobody_to_the_lane_beside(road: RoadMap) -> None:
    random = np.random.default_rng(1)
    lanes = road.lanes
    wanted = np.flatnonzero(~lanes.internal & (lanes.kind == LaneKind.DRIVING))
    lane = random.choice(wanted, 5000, p=lanes.length[wanted] / lanes.length[wanted].sum())
    x, y, heading = road.along(lane, random.uniform(0.0, lanes.length[lane]))
    noise = random.normal(0.0, [[0.4], [0.4], [0.05]], (3, len(lane)))
    match = road.match(x + noise[0], y + noise[1], heading + noise[2])
    same_carriageway = lanes.edge[match.lane] == lanes.edge[lane]
    assert (match.lane[same_carriageway] == lane[same_carriageway]).mean() > 0.999
    assert (match.lane == lane).mean() > 0.98  # the others lie within the noise of one of its ends
    assert (match.lane >= 0).all()


def test_what_follows_a_lane_begins_where_it_ends(road: RoadMap) -> None:
    counts = np.diff(road.successor_first)
    lane = np.repeat(np.arange(len(counts)), counts)
    vehicles = np.isin(road.lanes.kind[lane], VEHICLE_KINDS)
    end = road.along(lane, road.lanes.length[lane])
    begin = road.along(road.successor_lane, np.zeros(len(lane)))
    gap = np.hypot(end[0] - begin[0], end[1] - begin[1])[vehicles]
    # a few lines of the sources are drawn askew; a wrong join would leave gaps everywhere
    assert np.median(gap) < 0.1
    assert (gap < 3.5).mean() > 0.99


def test_a_way_through_a_junction_leads_to_the_lane_its_connection_names(road: RoadMap) -> None:
    rows = road.connections.take(
        (road.connections.via_lane >= 0) & ~road.lanes.internal[road.connections.from_lane]
    )
    for i in np.linspace(0, len(rows) - 1, 200).astype(int):
        lane, steps = int(rows.via_lane[i]), 0
        while lane != rows.to_lane[i]:
            assert road.lanes.internal[lane] and steps < 5
            following = road.successor_lane[road.successor_first[lane] : road.successor_first[lane + 1]]
            assert len(following) == 1
            lane, steps = int(following[0]), steps + 1


def test_turns_turn_the_way_they_say(road: RoadMap) -> None:
    rows = road.connections.take(
        (road.connections.via_lane >= 0) & ~road.lanes.internal[road.connections.from_lane]
    )
    arrives = road.along(rows.from_lane, road.lanes.length[rows.from_lane])[2]
    leaves = road.along(rows.to_lane, np.zeros(len(rows)))[2]
    turn = (leaves - arrives + np.pi) % (2 * np.pi) - np.pi
    clear = np.abs(np.abs(turn) - np.pi / 2) < np.pi / 6  # the sources call some of them otherwise, by their map
    left = rows.direction[clear & (turn > 0)]
    right = rows.direction[clear & (turn < 0)]
    assert (left == Direction.LEFT).mean() > 0.9
    assert (right == Direction.RIGHT).mean() > 0.9
