from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.maps.drawing import ConnectionSketch, LaneSketch, crossroads, draw
from wayside.maps.tables import LaneKind
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.mapdata import MOST_POINTS, map_message, thinned
from wayside.v2x.nodes import controller_of, controller_reference, node_reference
from wayside.v2x.place import Place

CODEC = codec_of(EDITION)


def test_a_crossroads_has_four_approaches_with_their_groups() -> None:
    road = crossroads()
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None and made.cuts == ()
    CODEC.encode({"mapFrame": made.value})
    (node,) = made.value["nodes"]
    assert controller_of(node["id"]) == 0
    assert [link["linkWidth"] for link in node["inLinks"]] == [350] * 4
    groups = [{one["phaseId"] for one in link["lanes"][0]["connectsTo"]} for link in node["inLinks"]]
    assert groups == [{1}, {2}, {1}, {2}]
    lane = node["inLinks"][0]["lanes"][0]
    assert lane["laneID"] == 1 and lane["maneuvers"]["bits"] == "1110" + "0" * 8
    assert lane["speedLimits"] == [{"type": "vehicleMaxSpeed", "speed": 695}]
    assert len(lane["points"]) == 2


def test_a_stop_line_lies_where_the_map_has_it() -> None:
    road = crossroads()
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None
    node = made.value["nodes"][0]
    ((_, offset),) = node["inLinks"][0]["lanes"][0]["points"][-1]["posOffset"]["offsetLL"].items()
    x, y = road.from_wgs84(
        [(node["refPos"]["lat"] + offset["lat"]) / 1e7], [(node["refPos"]["long"] + offset["lon"]) / 1e7]
    )
    stop_x, stop_y, _ = road.along([0], [1e9])
    assert np.hypot(x - stop_x, y - stop_y)[0] < 0.02


def test_a_crosswalk_lies_under_the_road_it_crosses_with_the_phase_of_its_people() -> None:
    road = crossroads()
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None
    links = made.value["nodes"][0]["inLinks"]
    assert [len(link["lanes"]) for link in links] == [2, 2, 1, 1]  # west, south, east, north
    for link, group in zip(links, (3, 4), strict=False):
        walk = link["lanes"][1]
        assert walk["laneID"] == 2 and walk["laneWidth"] == 400
        assert walk["laneAttributes"]["laneType"] == {"crosswalk": {"bits": "0" * 16}}
        assert walk["connectsTo"] == [{"remoteIntersection": controller_reference(0), "phaseId": group}]
        assert len(walk["points"]) == 2
        assert group not in {movement.get("phaseId") for movement in link["movements"]}


def test_a_crossing_over_the_way_out_alone_comes_to_the_road_in_beside_it() -> None:
    lanes = [
        LaneSketch([(-80, -2), (-12, -2)], controller=0),
        LaneSketch([(-12, 2), (-80, 2)]),
        LaneSketch([(2, -80), (2, -12)], controller=0),
        LaneSketch([(-2, -12), (-2, -80)]),
        LaneSketch([(-4, -10), (0, -10)], 4.0, 1.5, LaneKind.CROSSING, internal=True, controller=0),
        LaneSketch([(-10, 0), (-10, 4)], 4.0, 1.5, LaneKind.CROSSING, internal=True, controller=0),
    ]
    road = draw(lanes, [ConnectionSketch(0, 3), ConnectionSketch(2, 1)])
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None
    western, southern = made.value["nodes"][0]["inLinks"]
    for link in (western, southern):
        walk = link["lanes"][-1]
        assert "crosswalk" in walk["laneAttributes"]["laneType"] and "connectsTo" not in walk
    (first, last) = (point["posOffset"]["offsetLL"] for point in southern["lanes"][-1]["points"])
    assert next(iter(first.values()))["lat"] == next(iter(last.values()))["lat"]  # it leads from west to east


def test_crosswalks_beyond_the_limit_of_a_link_are_left_out_and_said() -> None:
    lanes = [LaneSketch([(0, 3.5 * n), (100, 3.5 * n)], edge=0, number=n, controller=0) for n in range(31)]
    walks = [
        LaneSketch([(105 + n, -5), (105 + n, 110)], 1.0, 1.5, LaneKind.CROSSING, internal=True, controller=0)
        for n in range(2)
    ]
    made = map_message(road := draw([*lanes, *walks]), Place.of(road), 0, 110.0, 0.0)
    assert made is not None
    octets = CODEC.encode({"mapFrame": made.value})
    assert CODEC.decode(octets)["mapFrame"] == made.value
    assert len(made.value["nodes"][0]["inLinks"][0]["lanes"]) == 32
    assert made.cuts == ("crosswalks before lane30: 1 of 2 left out",)


def test_a_lane_without_a_way_on_is_drawn_beside_the_others() -> None:
    lanes = [LaneSketch([(0, 3.5 * n), (100, 3.5 * n)], edge=0, number=n, controller=-n) for n in range(2)]
    road = draw([*lanes, LaneSketch([(120, 0), (200, 0)])], [ConnectionSketch(0, 2, controller=0, group=1)])
    made = map_message(road, Place.of(road), 0, 110.0, 0.0)
    assert made is not None
    (link,) = made.value["nodes"][0]["inLinks"]
    assert [(lane["laneID"], "connectsTo" in lane) for lane in link["lanes"]] == [(1, False), (2, True)]
    assert link["linkWidth"] == 700


def test_lanes_count_from_the_left() -> None:
    lanes = [
        LaneSketch([(0, 3.5 * n), (100, 3.5 * n)], edge=0, number=n, controller=0, speed_limit=10.0 + n)
        for n in range(3)
    ]
    road = draw([*lanes, LaneSketch([(120, 0), (200, 0)])], [ConnectionSketch(0, 3)])
    made = map_message(road, Place.of(road), 0, 110.0, 0.0)
    assert made is not None
    (link,) = made.value["nodes"][0]["inLinks"]
    assert [(lane["laneID"], lane["speedLimits"][0]["speed"]) for lane in link["lanes"]] == [
        (1, 600),
        (2, 550),
        (3, 500),
    ]
    assert ["connectsTo" in lane for lane in link["lanes"]] == [False, False, True]
    assert link["linkWidth"] == 1050 and link["speedLimits"][0]["speed"] == 600


def test_a_controller_that_no_lane_leads_to_has_no_map() -> None:
    road = crossroads()
    assert map_message(road, Place.of(road), 7, 0.0, 0.0) is None


def test_what_the_limits_cut_is_said() -> None:
    wave = [(2.0 * n, 30.0 * (n % 2)) for n in range(80)]
    ends = [LaneSketch([(200, 4.0 * n), (300, 4.0 * n)]) for n in range(9)]
    links = [ConnectionSketch(0, n + 1) for n in range(9)]
    road = draw([LaneSketch(wave, controller=0), *ends], links)
    made = map_message(road, Place.of(road), 0, 160.0, 0.0)
    assert made is not None
    octets = CODEC.encode({"mapFrame": made.value})
    assert CODEC.decode(octets)["mapFrame"] == made.value
    (lane,) = made.value["nodes"][0]["inLinks"][0]["lanes"]
    assert len(lane["connectsTo"]) == 8 and len(lane["points"]) <= MOST_POINTS
    assert any("connections" in cut and "1 of 9" in cut for cut in made.cuts)
    assert any("thinned" in cut for cut in made.cuts)


@settings(max_examples=60, deadline=None)
@given(data=st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=60))
def test_a_thinned_line_stays_near_every_point_and_keeps_its_ends(data: list[tuple[float, float]]) -> None:
    x, y = np.array(data).T
    kept_x, kept_y, error = thinned(x, y, 0.5)
    assert 2 <= len(kept_x) <= MOST_POINTS
    assert (kept_x[0], kept_y[0], kept_x[-1], kept_y[-1]) == (x[0], y[0], x[-1], y[-1])
    if error == 0.5:
        start, step = np.stack([kept_x[:-1], kept_y[:-1]], 1), np.stack([np.diff(kept_x), np.diff(kept_y)], 1)
        for point in np.stack([x, y], 1):
            # distance to the unbounded line of some span, which is what thinning keeps
            to = point - start
            length = np.hypot(*step.T)
            across = np.abs(step[:, 0] * to[:, 1] - step[:, 1] * to[:, 0])
            away = np.where(length > 0, across / np.where(length > 0, length, 1.0), np.hypot(*to.T))
            assert away.min() <= 0.5 + 1e-9


@pytest.mark.parametrize("controller", [0, 1, 65_279, 65_280, 65_535])
def test_every_controller_is_found_again_by_its_reference(controller: int) -> None:
    reference = controller_reference(controller)
    assert 0 < reference["region"] < 65_536 and 256 <= reference["id"] < 65_536
    assert controller_of(reference) == controller


def test_junctions_without_signals_are_never_taken_for_controllers() -> None:
    for node in (-1, 0, 1000, 65_280, 1_000_000):
        assert controller_of(node_reference(node, -1)) == -1
    assert controller_of({"region": 40_000, "id": 9}) == -1
