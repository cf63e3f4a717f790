"""Questions asked of a drawn map."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.maps.drawing import ConnectionSketch, LaneSketch, crossroads, draw, two_lane_road
from wayside.maps.road import FOOT_KINDS, MapError, RoadMap
from wayside.maps.tables import Direction, LaneKind

CROSSROADS = crossroads()
ROAD = two_lane_road(length=100.0)
OPPOSITE = draw([LaneSketch([(0, 0), (100, 0)]), LaneSketch([(100, 3.5), (0, 3.5)])])
lanes_between = st.integers(0, 7)
part = st.floats(0.0, 1.0)


@given(lane=lanes_between, part=part)
def test_a_point_on_a_lane_is_matched_to_that_lane_at_that_offset(lane: int, part: float) -> None:
    offset = part * CROSSROADS.lanes.length[lane]
    x, y, heading = CROSSROADS.along([lane], [offset])
    match = CROSSROADS.match(x, y, heading)
    assert match.lane[0] == lane
    assert match.offset[0] == pytest.approx(offset, abs=1e-9)
    assert match.lateral[0] == pytest.approx(0.0, abs=1e-9)
    assert match.heading[0] == heading[0]


@given(lane=lanes_between, part=part, aside=st.floats(-1.7, 1.7))
def test_lateral_counts_to_the_left(lane: int, part: float, aside: float) -> None:
    x, y, heading = CROSSROADS.along([lane], [part * CROSSROADS.lanes.length[lane]])
    match = CROSSROADS.match(x - aside * np.sin(heading), y + aside * np.cos(heading), heading)
    assert match.lane[0] == lane
    assert match.lateral[0] == pytest.approx(aside, abs=1e-9)


@given(
    points=st.lists(st.tuples(*[st.floats(-250, 250)] * 2, st.floats(-10, 10)), min_size=1, max_size=30),
    data=st.data(),
)
def test_the_answer_for_a_point_depends_on_that_point_alone(
    points: list[tuple[float, float, float]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(points))))
    x, y, heading = np.array(points).T
    whole, shuffled = CROSSROADS.match(x, y, heading), CROSSROADS.match(x[order], y[order], heading[order])
    for name in ("lane", "offset", "lateral", "heading"):
        np.testing.assert_array_equal(getattr(whole, name)[order], getattr(shuffled, name))
    np.testing.assert_array_equal(CROSSROADS.distance(x, y)[order], CROSSROADS.distance(x[order], y[order]))


@given(x=st.floats(-300, 300), y=st.floats(-300, 300), turns=st.integers(-3, 3))
def test_whole_turns_of_the_heading_change_nothing(x: float, y: float, turns: int) -> None:
    before = CROSSROADS.match(x, y, 0.5)
    after = CROSSROADS.match(x, y, 0.5 + 2 * np.pi * turns)
    assert before.lane[0] == after.lane[0]


@given(x=st.floats(-300, 300), y=st.floats(-300, 300), reach=st.floats(0.1, 60.0))
def test_a_lane_is_found_exactly_if_its_middle_line_is_within_reach(x: float, y: float, reach: float) -> None:
    road = draw([LaneSketch([(-100, 0), (100, 0)], width=0.0)])
    away = road.distance([x], [y])[0]
    if abs(away - reach) > 1e-6:
        assert (road.match([x], [y], [0.0], reach_m=reach).lane[0] == 0) == (away < reach)


def test_a_vehicle_near_the_centre_line_is_on_its_own_side() -> None:
    over_the_line = OPPOSITE.match([50.0, 50.0], [2.2, 1.3], [0.0, np.pi])
    assert over_the_line.lane.tolist() == [0, 1]


def test_a_vehicle_amid_the_oncoming_lane_is_matched_to_it() -> None:
    match = OPPOSITE.match([50.0], [3.5], [0.0])
    assert match.lane[0] == 1
    assert np.cos(match.heading[0] - 0.0) < 0


def test_without_a_heading_the_nearest_lane_is_found() -> None:
    assert OPPOSITE.match([50.0, 50.0], [1.7, 1.8], [np.nan, np.nan]).lane.tolist() == [0, 1]


def test_of_equally_good_lanes_the_lowest_index_wins() -> None:
    same = draw([LaneSketch([(0, 0), (10, 0)])] * 3)
    assert same.match([5.0], [1.0], [0.0]).lane[0] == 0


def test_inside_a_junction_the_lane_in_the_direction_of_travel_wins() -> None:
    # where west to east (lane 8) crosses south to north (lane 11)
    match = CROSSROADS.match([1.75, 1.75], [-1.75, -1.75], [0.0, np.pi / 2])
    assert match.lane.tolist() == [8, 11]


def test_at_the_stop_line_a_vehicle_is_still_on_its_approach() -> None:
    assert CROSSROADS.match([-12.0], [-1.75], [0.0]).lane[0] == 0


def test_vehicles_and_people_are_matched_to_lanes_of_their_own() -> None:
    x, y = [-10.0], [-1.75]
    assert CROSSROADS.match(x, y, [0.0]).lane[0] == 8
    on_foot = CROSSROADS.match(x, y, [-np.pi / 2], kinds=FOOT_KINDS)
    assert CROSSROADS.lanes.kind[on_foot.lane[0]] == LaneKind.CROSSING


def test_people_walk_a_sidewalk_both_ways() -> None:
    for heading in (np.pi / 2, -np.pi / 2, np.nan):
        match = CROSSROADS.match([-10.2], [-50.0], [heading], kinds=FOOT_KINDS)
        assert CROSSROADS.lane_names[match.lane[0]] == "lane22"


def test_unknown_positions_match_nothing() -> None:
    for bad in (np.nan, np.inf, -np.inf):
        match = ROAD.match([bad, 1.0], [1.0, bad], [0.0, 0.0])
        assert match.lane.tolist() == [-1, -1]
        assert np.isnan([match.offset, match.lateral, match.heading]).all()
        assert np.isnan(ROAD.distance([bad, 1.0], [1.0, bad])).all()


def test_very_distant_points_are_measured_and_match_nothing() -> None:
    assert ROAD.match([1e12, -1e300], [0.0, 1e300], [0.0, 0.0]).lane.tolist() == [-1, -1]
    assert ROAD.distance([1e6 + 100], [0.0])[0] == pytest.approx(1e6 - 1.75)


def test_no_points_give_no_answers() -> None:
    assert len(ROAD.match([], [], []).lane) == 0
    assert len(ROAD.distance([], [])) == 0
    assert [len(v) for v in ROAD.along([], [])] == [0, 0, 0]


def test_an_empty_map_knows_no_lane() -> None:
    empty = draw([])
    assert empty.match([0.0], [0.0], [0.0]).lane[0] == -1
    assert np.isnan(empty.distance([0.0], [0.0])[0])
    assert len(empty.successor_first) == 1


@given(x=st.floats(-150, 250), y=st.floats(-150, 150))
def test_distance_is_that_to_the_rectangle_of_a_straight_lane(x: float, y: float) -> None:
    road = draw([LaneSketch([(0, 0), (100, 0)], width=4.0)])
    expected = max(np.hypot(max(-x, x - 100, 0.0), y) - 2.0, 0.0)
    assert road.distance([x], [y])[0] == pytest.approx(expected, abs=1e-9)


def test_distance_can_ask_for_some_kinds_only() -> None:
    to_crossing = CROSSROADS.distance([0.0], [-1.75], kinds=[LaneKind.CROSSING])
    assert to_crossing[0] == pytest.approx(10.0 - 1.75 - 2.0)  # the southern one is nearer than the western
    assert np.isnan(CROSSROADS.distance([0.0], [0.0], kinds=[LaneKind.BUS])[0])


def test_offsets_past_an_end_give_that_end() -> None:
    x, y, _ = ROAD.along([0, 0, 1], [-5.0, 1e9, 1e9])
    assert x.tolist() == [0.0, 100.0, 100.0]
    assert y.tolist() == [0.0, 0.0, 3.5]


def test_nowhere_along_no_lane() -> None:
    assert np.isnan(ROAD.along([-1, 0], [5.0, np.nan])).all()


def test_groups_of_a_lane_are_bits() -> None:
    mask = CROSSROADS.lane_group_mask
    assert mask[[0, 2, 4, 6]].tolist() == [1 << 1, 1 << 2, 1 << 1, 1 << 2]
    assert mask[[1, 3, 5, 7]].tolist() == [0, 0, 0, 0]
    assert mask[[22, 23]].tolist() == [1 << 3, 1 << 4]


def test_lanes_follow_each_other_one_by_one() -> None:
    def after(lane: int) -> list[int]:
        first = CROSSROADS.successor_first
        return CROSSROADS.successor_lane[first[lane] : first[lane + 1]].tolist()

    assert after(0) == [8, 9, 10]
    assert after(8) == [5]
    assert after(5) == []


def test_what_a_map_message_needs_follows_from_the_tables() -> None:
    road = CROSSROADS
    for approach in np.flatnonzero((road.lanes.controller == 0) & ~road.lanes.internal & (road.lanes.kind == 1)):
        last = road.lanes.first_point[approach] + road.lanes.points[approach] - 1
        assert np.hypot(road.points.x[last], road.points.y[last]) == pytest.approx(np.hypot(12, 1.75))
        assert (road.lanes.width[approach], road.lanes.speed_limit[approach]) == (3.5, 13.9)
        rows = road.connections.take(road.connections.from_lane == approach)
        assert set(rows.direction) == {Direction.STRAIGHT, Direction.LEFT, Direction.RIGHT}
        assert set(rows.group) == {1 + approach // 2 % 2}
        latitude, longitude = road.to_wgs84(road.points.x[[last]], road.points.y[[last]])
        assert (latitude[0], longitude[0]) == pytest.approx((22.71, 114.35), abs=2e-4)


def test_a_map_without_a_place_says_how_to_give_it_one() -> None:
    nowhere = draw([LaneSketch([(0, 0), (1, 0)])], placed=False)
    with pytest.raises(MapError, match="origin="):
        nowhere.to_wgs84([0.0], [0.0])
    with pytest.raises(MapError, match="origin="):
        nowhere.from_wgs84([22.0], [114.0])


def test_a_map_survives_the_way_to_another_process() -> None:
    copy: RoadMap = pickle.loads(pickle.dumps(CROSSROADS))
    assert copy.lanes == CROSSROADS.lanes
    assert copy.match([-50.0], [-1.75], [0.0]).lane[0] == 0


@pytest.mark.parametrize(
    ("lanes", "connections", "what"),
    [
        ([LaneSketch([(0, 0)])], [], "lane lane0 has 1 points"),
        ([LaneSketch([(0, 0), (0, 0)])], [], "lane0: offsets must rise"),
        ([LaneSketch([(0, 0), (1, 0)])], [ConnectionSketch(0, 7)], "a lane that is not there"),
        ([LaneSketch([(0, 0), (1, 0)])] * 2, [ConnectionSketch(0, 1, controller=0, group=64)], "more than 63"),
    ],
)
def test_tables_that_contradict_each_other_make_no_map(
    lanes: list[LaneSketch], connections: list[ConnectionSketch], what: str
) -> None:
    with pytest.raises(MapError, match=what):
        draw(lanes, connections)
