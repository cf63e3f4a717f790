from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from wayside.driving.tables import Forecasts
from wayside.guidance.crossing import IntersectionCollisionConfig, brakes_before, intersection_collision
from wayside.guidance.following import ForwardCollisionConfig, forward_collision, required_deceleration
from wayside.guidance.meeting import MeetingsConfig, meetings
from wayside.guidance.tables import Meetings, Service
from wayside.guidance.vulnerable import VulnerableRoadUserConfig, vulnerable_road_user
from wayside.maps.drawing import crossroads, two_lane_road
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, SignalForecasts
from wayside.v2x.tables import Kind

ROAD = two_lane_road()
NO_SIGNALS = SignalForecasts.empty()
HEADINGS = np.arange(24) * np.pi / 12


def lights(*colours: int, controller: int = 0) -> SignalForecasts:
    unknown = np.full(len(colours), np.nan)
    return SignalForecasts(
        controller=np.full(len(colours), controller),
        group=np.arange(1, len(colours) + 1),
        light=colours,
        min_end=unknown,
        likely_end=unknown,
        max_end=unknown,
        next_green=unknown,
        next_green_duration=unknown,
    )


def met(actors: Actors, forecasts: Forecasts) -> Meetings:
    return meetings(actors, forecasts, config=MeetingsConfig())


def forward(actors: Actors, forecasts: Forecasts, road=ROAD):
    return forward_collision(actors, met(actors, forecasts), road=road, config=ForwardCollisionConfig())


def crossing(actors: Actors, forecasts: Forecasts, signals=NO_SIGNALS, road=ROAD):
    return intersection_collision(
        actors, met(actors, forecasts), signals, road=road, config=IntersectionCollisionConfig()
    )


def vulnerable(actors: Actors, forecasts: Forecasts, road=ROAD):
    return vulnerable_road_user(
        actors, met(actors, forecasts), NO_SIGNALS, road=road, config=VulnerableRoadUserConfig()
    )


def turned(row: dict, angle: float) -> dict:
    """Return the row turned around the origin."""
    x, y = row.get("x", 0.0), row.get("y", 0.0)
    c, s = np.cos(angle), np.sin(angle)
    return {**row, "x": c * x - s * y, "y": s * x + c * y, "heading": row.get("heading", 0.0) + angle}


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0, 4.1])
@pytest.mark.parametrize("speed", [8.0, 12.0, 16.0, 20.0, 25.0])
def test_head_on_is_warned_of_two_seconds_before_impact(actors_of, straight_on, speed, angle):
    warned_at = []
    for tick in range(60):
        left = 6.0 - 0.1 * tick  # seconds to the impact
        half = speed * left + 2.3
        rows = [{"x": -half, "speed": speed}, {"x": half, "heading": np.pi, "speed": speed}]
        actors = actors_of([turned(row, angle) for row in rows])
        found = forward(actors, straight_on(actors))
        if left > 0.1 and len(found):
            warned_at.append(left)
            assert set(found.subject) == {100, 101}
            assert np.abs(found.lead - left).max() < 0.02
    assert max(warned_at) >= 2.0
    assert len(warned_at) >= 20  # and it does not flicker


@pytest.mark.parametrize("speed", [5.0, 10.0, 20.0])
def test_crossing_at_right_angles_is_warned_of_two_and_a_half_seconds_before(actors_of, straight_on, speed):
    for angle in HEADINGS:
        rows = [
            {"x": -2.6 * speed - 3.2, "speed": speed},
            {"y": -2.6 * speed - 3.2, "heading": np.pi / 2, "speed": speed},
        ]
        actors = actors_of([turned(row, angle) for row in rows])
        found = crossing(actors, straight_on(actors))
        assert sorted(found.subject) == [100, 101]
        assert (found.lead >= 2.5).all()


def test_crossing_after_each_other_is_not_a_conflict(actors_of, straight_on):
    rows = [{"x": -30.0, "speed": 12.0}, {"y": -55.0, "heading": np.pi / 2, "speed": 12.0}]
    actors = actors_of(rows)
    assert len(crossing(actors, straight_on(actors))) == 0


def test_two_cars_side_by_side_are_never_warned(actors_of, straight_on):
    for angle in HEADINGS:
        for gap, other in ((3.5, 0.0), (3.5, np.pi), (2.6, 0.0)):
            rows = [{"speed": 15.0}, {"y": gap, "x": 1.0, "heading": other, "speed": 15.0}]
            actors = actors_of([turned(row, angle) for row in rows])
            forecasts = straight_on(actors)
            assert len(forward(actors, forecasts)) == 0
            assert len(crossing(actors, forecasts)) == 0


def test_oncoming_traffic_in_its_own_lane_is_never_warned(actors_of, straight_on):
    for distance in range(-20, 120, 5):
        for angle in HEADINGS:
            rows = [{"speed": 14.0}, {"x": distance, "y": 3.3, "heading": np.pi, "speed": 14.0}]
            actors = actors_of([turned(row, angle) for row in rows])
            assert len(forward(actors, straight_on(actors))) == 0


def test_a_standing_queue_is_silent(actors_of, straight_on):
    actors = actors_of([{"x": 7.0 * i, "speed": 0.05 * (i % 3)} for i in range(10)], ROAD)
    forecasts = straight_on(actors)
    assert len(forward(actors, forecasts)) == 0
    assert len(crossing(actors, forecasts)) == 0


def test_following_at_the_leaders_speed_is_silent(actors_of, straight_on):
    actors = actors_of([{"x": 100.0 - 20.0 * i, "speed": 13.9} for i in range(4)], ROAD)
    assert len(forward(actors, straight_on(actors))) == 0


def test_a_standing_car_ahead_is_warned_of_in_time_to_brake(actors_of, straight_on):
    for distance in (20.0, 30.0, 50.0):
        actors = actors_of([{"x": 100.0, "speed": 20.0}, {"x": 104.6 + distance}], ROAD)
        found = forward(actors, straight_on(actors))
        assert list(found.subject) == [100]
        assert list(found.other) == [101]
        assert found.service[0] == Service.FORWARD_COLLISION
        assert found.value[0] == pytest.approx(400 / (2 * distance), abs=0.02)


def test_a_driver_who_brakes_enough_is_left_alone(actors_of, straight_on):
    rows = [{"x": 100.0, "speed": 13.0, "acceleration": -3.5}, {"x": 135.0}]
    actors = actors_of(rows, ROAD)
    assert len(forward(actors, straight_on(actors))) == 0


def test_a_leader_around_a_bend_is_found_on_the_foreseen_path(actors_of, straight_on):
    bend = np.linspace(0, 2.0, 21)
    actors = actors_of(
        [{"speed": 16.0}, {"x": 40 * np.sin(1.0), "y": 40 * (1 - np.cos(1.0)), "heading": 0.9}], None
    )
    straight = straight_on(actors)
    assert len(forward(actors, straight)) == 0
    future_x, future_y = straight.future_x.copy(), straight.future_y.copy()
    future_x[0], future_y[0] = 40 * np.sin(bend[1:]), 40 * (1 - np.cos(bend[1:]))
    found = forward(actors, straight.replace(future_x=future_x, future_y=future_y))
    assert list(found.subject) == [100]
    assert found.lead[0] == pytest.approx((40 - 4.6) / 16, abs=0.1)


def test_only_who_can_be_reached_is_warned(actors_of, straight_on):
    actors = actors_of([{"x": 100.0, "speed": 20.0, "sender": 0}, {"x": 130.0}], ROAD)
    assert len(forward(actors, straight_on(actors))) == 0


def test_a_car_that_can_stop_at_its_red_light_is_no_conflict(actors_of, straight_on):
    road = crossroads()
    rows = [
        {"x": -45.0, "y": -1.75, "speed": 13.0},
        {"x": 1.75, "y": -45.0, "heading": np.pi / 2, "speed": 13.0},
    ]
    actors = actors_of(rows, road)
    forecasts = straight_on(actors)
    both_green = lights(*[Light.PROTECTED_GREEN] * 4)
    one_red = lights(Light.PROTECTED_GREEN, Light.RED, Light.RED, Light.RED)
    assert len(crossing(actors, forecasts, both_green, road)) == 2
    assert len(crossing(actors, forecasts, one_red, road)) == 0


def test_a_car_that_can_no_longer_stop_at_its_red_light_is_a_conflict(actors_of, straight_on):
    road = crossroads()
    rows = [
        {"x": -27.0, "y": -1.75, "speed": 13.0},
        {"x": 1.75, "y": -27.0, "heading": np.pi / 2, "speed": 13.0},
    ]
    actors = actors_of(rows, road)
    one_red = lights(Light.PROTECTED_GREEN, Light.RED, Light.RED, Light.RED)
    assert len(crossing(actors, straight_on(actors), one_red, road)) == 2


@pytest.mark.parametrize("speed", [8.0, 15.0])
def test_a_pedestrian_standing_beside_the_path_is_never_warned_of(actors_of, straight_on, speed):
    for aside in range(3, 36):
        for side in (-1, 1):
            for distance in range(0, 60, 4):
                rows = [{"speed": speed}, {"x": distance, "y": side * aside, "kind": Kind.PEDESTRIAN}]
                actors = actors_of([turned(row, 0.4) for row in rows])
                assert len(vulnerable(actors, straight_on(actors))) == 0


def test_a_pedestrian_walking_away_is_never_warned_of(actors_of, straight_on):
    for aside in np.arange(2.0, 10.0):
        rows = [
            {"speed": 15.0},
            {"x": 30.0, "y": aside, "heading": np.pi / 2, "speed": 1.4, "kind": Kind.PEDESTRIAN},
        ]
        actors = actors_of(rows)
        assert len(vulnerable(actors, straight_on(actors))) == 0


def test_a_pedestrian_walking_into_the_path_is_warned_of(actors_of, straight_on):
    for angle in HEADINGS:
        rows = [
            {"speed": 12.0},
            {"x": 36.0, "y": -4.0, "heading": np.pi / 2, "speed": 1.4, "kind": Kind.PEDESTRIAN},
        ]
        actors = actors_of([turned(row, angle) for row in rows])
        found = vulnerable(actors, straight_on(actors))
        assert list(found.subject) == [100]
        assert list(found.other) == [101]
        assert 2.5 < found.lead[0] < 3.2


def test_nobody_is_warned_on_an_empty_road(straight_on):
    nobody = Actors.empty()
    forecasts = straight_on(nobody)
    assert len(forward(nobody, forecasts)) == len(crossing(nobody, forecasts)) == 0
    assert len(vulnerable(nobody, forecasts)) == 0


def test_actors_without_forecast_or_place_do_no_harm(actors_of, straight_on):
    actors = actors_of([{"speed": 20.0}, {"x": 30.0}, {"x": np.nan, "speed": 10.0}, {"x": 60.0, "speed": 3.0}])
    forecasts = straight_on(actors).take(np.array([0, 1, 2]))
    assert list(forward(actors, forecasts).other) == [101]
    assert len(forward(actors, Forecasts.empty())) == 0


def test_the_order_of_rows_does_not_matter(actors_of, straight_on):
    random = np.random.default_rng(3)
    rows = [
        {"x": x, "y": y, "heading": h, "speed": v, "kind": k}
        for x, y, h, v, k in zip(
            random.uniform(0, 150, 80),
            random.uniform(0, 150, 80),
            random.uniform(-3, 3, 80),
            random.uniform(0, 20, 80),
            random.choice([1, 2, 6], 80),
            strict=True,
        )
    ]
    actors = actors_of(rows)
    forecasts = straight_on(actors)
    mixed = random.permutation(80)
    for service in (forward, crossing, vulnerable):
        usual = service(actors, forecasts).canonical()
        assert len(usual) > 5
        assert service(actors.take(mixed), forecasts.take(mixed[::-1])).canonical() == usual


@given(gap=floats(0.5, 500), closing=floats(0.1, 60), factor=floats(1.1, 5))
@settings(deadline=None)
def test_closing_faster_never_takes_less_braking(gap, closing, factor):
    assert required_deceleration(gap, closing) <= required_deceleration(gap, factor * closing)
    assert required_deceleration(gap, -closing) == 0.0


def test_who_does_not_brake_is_not_taken_to_stop():
    speed, acceleration = np.array([10.0, 10.0, 1.0]), np.array([-5.0, -5.0, 0.0])
    assert list(brakes_before(speed, acceleration, np.array([11.0, 9.0, 100.0]))) == [True, False, False]
