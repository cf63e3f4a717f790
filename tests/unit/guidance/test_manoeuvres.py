"""Turning left, moving sideways, braking hard ahead."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.driving.predict import PredictConfig, predict
from wayside.guidance.braking import EmergencyBrakingConfig, emergency_braking, time_until_touch
from wayside.guidance.following import braking_needed
from wayside.guidance.sideways import BlindSpotConfig, blind_spot
from wayside.guidance.tables import Reason
from wayside.guidance.turning import LeftTurnConfig, left_turn
from wayside.maps.drawing import draw, two_lane_road
from wayside.signals.tables import SignalForecasts
from wayside.v2x.tables import Reports, VehicleEvent

HEADINGS = np.arange(24) * np.pi / 12
NOWHERE = draw([])
ROAD = two_lane_road()


def turned(row: dict, angle: float) -> dict:
    c, s = np.cos(angle), np.sin(angle)
    x, y = row.get("x", 0.0), row.get("y", 0.0)
    return {**row, "x": c * x - s * y, "y": s * x + c * y, "heading": row.get("heading", 0.0) + angle}


def turns(actors_of, rate: float, distance: float, angle: float = 0.0, speed: float = 14.0):
    rows = [
        {"y": -1.75, "speed": 6.0},
        {"x": distance, "y": 1.75, "heading": np.pi, "speed": speed},
    ]
    actors = actors_of([turned(row, angle) for row in rows]).replace(yaw_rate=[rate, 0.0])
    forecasts = predict(actors, road=NOWHERE, config=PredictConfig())
    return left_turn(actors, forecasts, SignalForecasts.empty(), road=NOWHERE, config=LeftTurnConfig())


def test_turning_left_in_front_of_oncoming_traffic_is_warned_of_in_every_direction(actors_of) -> None:
    for angle in HEADINGS:
        found = turns(actors_of, 0.3, 40.0, angle)
        assert (list(found.subject), list(found.other)) == ([100], [101])
        assert found.reason[0] == Reason.TURNS_ACROSS_ONCOMING


@pytest.mark.parametrize(
    ("rate", "distance", "speed"), [(-0.3, 40, 14), (0.0, 40, 14), (0.3, 90, 14), (0.3, 40, 0)]
)
def test_turning_right_going_straight_a_wide_gap_and_standing_traffic_are_silent(
    actors_of, rate, distance, speed
) -> None:
    assert len(turns(actors_of, rate, distance, speed=speed)) == 0


def sideways(actors_of, other: dict, *, drift: float = 0.08, angle: float | None = None):
    rows = [{"x": 100.0, "heading": drift, "speed": 15.0}, other]
    road = ROAD if angle is None else NOWHERE
    actors = actors_of([turned(row, angle or 0.0) for row in rows], road)
    return blind_spot(actors, road=road, config=BlindSpotConfig())


def test_moving_sideways_to_somebody_beside_is_warned_of(actors_of) -> None:
    beside = {"x": 98.0, "y": 3.5, "speed": 15.0}
    found = sideways(actors_of, beside)
    assert (list(found.subject), list(found.reason)) == ([100], [Reason.TAKEN_LANE])
    for angle in HEADINGS:
        # where no lane is known, who comes nearer to whom cannot be told
        assert list(sideways(actors_of, beside, angle=angle).subject) == [100, 101]
        assert len(sideways(actors_of, beside, drift=0.0, angle=angle)) == 0


def test_somebody_faster_from_behind_is_warned_of_and_a_slower_one_is_not(actors_of) -> None:
    found = sideways(actors_of, {"x": 80.0, "y": 3.5, "speed": 22.0})
    assert list(found.reason) == [Reason.OVERTAKEN_MEANWHILE]
    assert len(sideways(actors_of, {"x": 80.0, "y": 3.5, "speed": 14.0})) == 0
    assert len(sideways(actors_of, {"x": 20.0, "y": 3.5, "speed": 17.0})) == 0


def test_the_side_one_moves_away_from_the_front_and_small_drift_are_silent(actors_of) -> None:
    assert len(sideways(actors_of, {"x": 98.0, "y": -3.5, "speed": 15.0})) == 0
    assert len(sideways(actors_of, {"x": 115.0, "y": 3.5, "speed": 15.0})) == 0
    assert len(sideways(actors_of, {"x": 98.0, "y": 3.5, "speed": 15.0}, drift=0.02)) == 0


def brakes(actors_of, straight_on, rows: list[dict], reports: Reports | None = None):
    actors = actors_of(rows)
    said = Reports.empty() if reports is None else reports
    return emergency_braking(actors, said, straight_on(actors), config=EmergencyBrakingConfig())


def says(sender: int, event: VehicleEvent) -> Reports:
    columns = {name: [0] for name in Reports.columns}
    return Reports(**{**columns, "sender": [sender], "events": [event], "length": [4.6], "width": [1.8]})


def test_hard_braking_ahead_is_told_to_those_behind_also_past_others(actors_of, straight_on) -> None:
    rows = [{"speed": 18.0}, {"x": 20.0, "speed": 18.0}, {"x": 45.0, "speed": 16.0, "acceleration": -6.0}]
    found = brakes(actors_of, straight_on, rows)
    assert (list(found.subject), list(found.other)) == ([100, 101], [102, 102])
    assert (found.lead > 0).all()


def test_a_vehicles_own_word_is_enough(actors_of, straight_on) -> None:
    rows = [{"speed": 18.0}, {"x": 30.0, "speed": 17.0, "acceleration": -1.0}]
    assert len(brakes(actors_of, straight_on, rows)) == 0
    assert list(brakes(actors_of, straight_on, rows, says(101, VehicleEvent.HARD_BRAKING)).subject) == [100]
    assert len(brakes(actors_of, straight_on, rows, says(101, VehicleEvent.HAZARD_LIGHTS))) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"x": 30.0, "y": 3.5, "speed": 16.0, "acceleration": -6.0},  # next lane
        {"x": -30.0, "speed": 16.0, "acceleration": -6.0},  # behind
        {"x": 30.0, "heading": np.pi, "speed": 16.0, "acceleration": -6.0},  # oncoming
        {"x": 30.0, "speed": 16.0, "acceleration": -3.0},  # not hard
        {"x": 140.0, "speed": 18.0, "acceleration": -6.0},  # far
    ],
)
def test_hard_braking_elsewhere_is_not_told(actors_of, straight_on, other) -> None:
    assert len(brakes(actors_of, straight_on, [{"speed": 14.0}, other])) == 0


def test_who_brakes_enough_already_is_left_alone(actors_of, straight_on) -> None:
    rows = [
        {"speed": 15.0, "acceleration": -6.0},
        {"x": 40.0, "speed": 15.0, "acceleration": -6.0},
    ]
    assert len(brakes(actors_of, straight_on, rows)) == 0


def test_the_braking_needed_just_avoids_the_touch() -> None:
    random = np.random.default_rng(2)
    gap, speed = random.uniform(5, 60, 200), random.uniform(5, 30, 200)
    ahead, hard = random.uniform(1, 25, 200), random.uniform(0.5, 8, 200)
    needed = braking_needed(gap, speed, ahead, hard)
    time = np.linspace(0, 60, 60_001)[:, None]
    for share, touches in ((1.001, False), (0.98, True)):
        mine = np.minimum(time, speed / (share * needed))
        theirs = np.minimum(time, ahead / hard)
        between = gap + ahead * theirs - hard * theirs**2 / 2 - speed * mine + share * needed * mine**2 / 2
        assert ((between.min(axis=0) < -1e-6) == touches).all()


def test_time_until_touch_is_when_the_gap_is_used_up() -> None:
    gap, speed, ahead, braking = np.array([20.0, 40.0]), np.full(2, 15.0), np.array([15.0, 5.0]), np.full(2, 5.0)
    time = np.array([time_until_touch(*pair) for pair in zip(gap, speed, ahead, braking, strict=True)])
    stopping = np.minimum(time, ahead / braking)
    assert gap + ahead * stopping - braking * stopping**2 / 2 == pytest.approx(speed * time)
