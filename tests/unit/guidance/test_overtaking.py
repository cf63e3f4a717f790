from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from wayside.guidance.oncoming_lane import DoNotPassConfig, do_not_pass
from wayside.guidance.overtaking import Passing, overtaking_clear, time_to_gain
from wayside.guidance.tables import Reason, Service
from wayside.maps.drawing import LaneSketch, draw

HEADINGS = np.arange(24) * np.pi / 12
NOWHERE = draw([])
ROAD = draw([LaneSketch([(-500, -1.75), (500, -1.75)]), LaneSketch([(500, 1.75), (-500, 1.75)])])
FOLLOWER = {"speed": 14.0}
AHEAD = {"x": 25.0, "speed": 10.0}


def turned(row: dict, angle: float) -> dict:
    c, s = np.cos(angle), np.sin(angle)
    x, y = row.get("x", 0.0), row.get("y", 0.0)
    return {**row, "x": c * x - s * y, "y": s * x + c * y, "heading": row.get("heading", 0.0) + angle}


def coming(distance: float, speed: float = 16.0, y: float = 3.5) -> dict:
    return {"x": distance, "y": y, "heading": np.pi, "speed": speed}


def test_a_free_road_is_clear_in_every_direction(actors_of) -> None:
    for angle in HEADINGS:
        found = overtaking_clear(actors_of([turned(row, angle) for row in (FOLLOWER, AHEAD)]), 0)
        assert found.clear
        assert 5.0 < found.needed_s < 10.0


@pytest.mark.parametrize("distance", [30.0, 60.0, 120.0, 240.0])
def test_oncoming_traffic_within_the_manoeuvre_is_never_overlooked(actors_of, distance) -> None:
    for angle in HEADINGS:
        rows = [turned(row, angle) for row in (FOLLOWER, AHEAD, coming(distance))]
        found = overtaking_clear(actors_of(rows), 0)
        assert (found.why, found.other) == (Passing.ONCOMING, 102)
        assert found.available_s < found.needed_s + 2.5


def test_oncoming_traffic_that_is_met_long_after_does_not_matter(actors_of) -> None:
    assert overtaking_clear(actors_of([FOLLOWER, AHEAD, coming(320.0)]), 0).clear
    assert overtaking_clear(actors_of([FOLLOWER, AHEAD, coming(-20.0)]), 0).clear


def test_a_bicycle_that_comes_counts_and_a_person_on_foot_does_not(actors_of) -> None:
    assert not overtaking_clear(actors_of([FOLLOWER, AHEAD, {**coming(100.0, 5.0), "kind": 5}]), 0).clear
    assert overtaking_clear(actors_of([FOLLOWER, AHEAD, {**coming(100.0, 1.0, 7.0), "kind": 6}]), 0).clear


@pytest.mark.parametrize(
    "other",
    [
        {"x": 60.0, "y": 3.5, "speed": 0.0},  # stands there
        {"x": -20.0, "y": 3.5, "speed": 19.0},  # overtakes from behind
        {"x": 2.0, "y": 3.5, "speed": 14.0},  # is beside
    ],
)
def test_the_other_side_must_be_free(actors_of, other) -> None:
    assert overtaking_clear(actors_of([FOLLOWER, AHEAD, other]), 0).why == Passing.LANE_TAKEN


def test_a_gap_too_short_to_come_back_into_means_passing_both(actors_of) -> None:
    alone = overtaking_clear(actors_of([FOLLOWER, AHEAD]), 0)
    both = overtaking_clear(actors_of([FOLLOWER, AHEAD, {"x": 38.0, "speed": 10.0}]), 0)
    room = overtaking_clear(actors_of([FOLLOWER, AHEAD, {"x": 75.0, "speed": 10.0}]), 0)
    assert both.needed_s > alone.needed_s + 1.0
    assert room.needed_s == pytest.approx(alone.needed_s)


def test_who_cannot_be_enough_faster_within_the_limit_stays_behind(actors_of) -> None:
    assert (
        overtaking_clear(actors_of([FOLLOWER, {"x": 25.0, "speed": 13.0}]), 0, limit=13.9).why == Passing.TOO_SLOW
    )


def test_beyond_what_is_seen_somebody_may_come(actors_of) -> None:
    actors = actors_of([FOLLOWER, AHEAD])
    assert overtaking_clear(actors, 0, limit=16.7, seen_m=150.0).why == Passing.NOT_SEEN_FAR_ENOUGH
    assert overtaking_clear(actors, 0, limit=16.7, seen_m=500.0).clear


def test_whom_nobody_else_sees_ahead_is_taken_to_be_there(actors_of) -> None:
    alone = overtaking_clear(actors_of([FOLLOWER]), 0)
    assert alone.clear
    assert alone.needed_s > 5.0


@given(lead=floats(1, 100), faster=floats(-5, 10), most=floats(2, 12), acceleration=floats(0.5, 3))
@settings(deadline=None)
def test_the_time_to_gain_is_when_the_lead_is_gained(lead, faster, most, acceleration) -> None:
    most = max(most, faster)
    time = time_to_gain(lead, faster, most, acceleration)
    rising = np.minimum(time, (most - faster) / acceleration)
    gained = faster * rising + 0.5 * acceleration * rising**2 + most * (time - rising)
    assert gained == pytest.approx(lead, rel=1e-6)


def warned(actors, road):
    return do_not_pass(actors, road=road, config=DoNotPassConfig())


def test_who_passes_towards_oncoming_traffic_is_warned_in_every_direction(actors_of) -> None:
    for angle in HEADINGS:
        rows = [{"y": 3.4, "speed": 16.0}, {"x": 20.0, "speed": 10.0}, coming(90.0)]
        found = warned(actors_of([turned(row, angle) for row in rows]), NOWHERE)
        assert (list(found.subject), list(found.other)) == ([100], [102])
        assert found.service[0] == Service.DO_NOT_PASS
        assert found.reason[0] == Reason.ONCOMING_IN_PASSING
        assert 2.0 < found.lead[0] < 3.5


def test_on_a_map_only_the_lane_of_the_other_direction_counts(actors_of) -> None:
    passing = [{"y": 1.7, "speed": 16.0}, {"x": 20.0, "y": -1.75, "speed": 10.0}, coming(90.0, y=1.75)]
    assert list(warned(actors_of(passing, ROAD), ROAD).subject) == [100]
    one_way = draw([LaneSketch([(-500, y), (500, y)]) for y in (-1.75, 1.75)])
    assert len(warned(actors_of(passing, one_way), one_way)) == 0


def test_who_stays_behind_or_is_alone_is_not_warned(actors_of) -> None:
    behind = [{"y": -1.75, "speed": 16.0}, {"x": 20.0, "y": -1.75, "speed": 10.0}, coming(90.0, y=1.75)]
    assert len(warned(actors_of(behind, ROAD), ROAD)) == 0
    nobody_to_pass = [{"y": 1.75, "speed": 16.0}, coming(90.0, y=1.75)]
    assert len(warned(actors_of(nobody_to_pass, ROAD), ROAD)) == 0
    assert len(warned(actors_of([]), ROAD)) == 0
