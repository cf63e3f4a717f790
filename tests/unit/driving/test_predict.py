"""Forecasts of road users."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.driving.predict import PredictConfig, predict
from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS
from wayside.maps.drawing import ConnectionSketch, LaneSketch, crossroads, draw
from wayside.roadside.tables import Actors
from wayside.v2x.tables import Kind

TIMES = HORIZON_STEP_S * np.arange(1, HORIZON_STEPS + 1)
ROAD = draw([LaneSketch([(0, 0), (1000, 0)])])
BEND = [(50 * np.sin(a), 50 - 50 * np.cos(a)) for a in np.linspace(0, np.pi, 181)]  # to the left, radius 50 m


def actor(rows=1, **columns):
    plain = {
        "id": np.arange(1, rows + 1),
        "kind": Kind.CAR,
        "x": 0.0,
        "y": 0.0,
        "heading": 0.0,
        "speed": 10.0,
        "acceleration": 0.0,
        "yaw_rate": 0.0,
        "length": 4.5,
        "width": 1.8,
        "position_sigma": 0.3,
        "lane": -1,
        "offset": np.nan,
        "lateral": np.nan,
        "sender": 0,
        "sources": 2,
        "measured_ns": 0,
    }
    return Actors(**{k: np.broadcast_to(v, rows) for k, v in {**plain, **columns}.items()})


def on_lane(road, lane, offset, **columns):
    x, y, heading = road.along([lane], [offset])
    lateral = columns.pop("lateral", 0.0)
    columns = {"heading": heading, **columns}
    return actor(
        x=x - lateral * np.sin(heading), y=y + lateral * np.cos(heading), lane=lane, offset=offset,
        lateral=lateral, **columns,
    )  # fmt: skip


def ahead(actors, road=ROAD, **config):
    return predict(actors, road=road, config=PredictConfig(**config))


@settings(deadline=None)
@given(heading=st.floats(-np.pi, np.pi), speed=st.floats(0, 40), x=st.floats(-1e4, 1e4))
def test_straight_motion_is_exact(heading, speed, x):
    seen = ahead(actor(x=x, heading=heading, speed=speed))
    assert seen.future_x[0] == pytest.approx(x + speed * TIMES * np.cos(heading), abs=1e-6)
    assert seen.future_y[0] == pytest.approx(speed * TIMES * np.sin(heading), abs=1e-6)


@settings(deadline=None)
@given(speed=st.floats(1, 30), rate=st.floats(-1, 1).filter(lambda r: abs(r) > 1e-3))
def test_motion_on_a_circle_is_exact(speed, rate):
    radius = speed / rate
    seen = ahead(actor(speed=speed, yaw_rate=rate))
    assert seen.future_x[0] == pytest.approx(radius * np.sin(rate * TIMES), abs=1e-5)
    assert seen.future_y[0] == pytest.approx(radius * (1 - np.cos(rate * TIMES)), abs=1e-5)


@settings(deadline=None)
@given(rate=st.floats(-1e-4, 1e-4))
def test_a_vanishing_turn_is_a_straight_line(rate):
    seen = ahead(actor(yaw_rate=rate))
    assert seen.future_x[0] == pytest.approx(10.0 * TIMES, abs=0.01)
    assert np.abs(seen.future_y[0]).max() < 0.02


@settings(deadline=None)
@given(heading=st.floats(-np.pi, np.pi), rate=st.floats(-1, 1))
def test_headings_stay_within_half_a_turn_and_paths_never_jump(heading, rate):
    """Driving round through any direction, west with its seam among them."""
    seen = ahead(actor(heading=heading, yaw_rate=rate))
    assert (np.abs(seen.future_heading) <= np.pi + 1e-9).all()
    path = np.hypot(np.diff(seen.future_x[0], prepend=0.0), np.diff(seen.future_y[0], prepend=0.0))
    assert path.max() <= 10.0 * HORIZON_STEP_S + 1e-9
    turns = np.diff(np.unwrap(np.concatenate([[heading], seen.future_heading[0]])))
    assert turns == pytest.approx(np.full(HORIZON_STEPS, rate * HORIZON_STEP_S), abs=1e-9)


@pytest.mark.parametrize("lane", [-1, 0])
@pytest.mark.parametrize("kind", [Kind.CAR, Kind.PEDESTRIAN, Kind.BICYCLE])
def test_what_has_stopped_stays(lane, kind):
    row = on_lane(ROAD, 0, 100.0, kind=kind, speed=0.0, yaw_rate=0.4, acceleration=-1.0, lateral=0.6)
    seen = ahead(row.replace(lane=[lane]))
    assert seen.future_x[0] == pytest.approx(np.full(HORIZON_STEPS, 100.0))
    assert seen.future_y[0] == pytest.approx(np.full(HORIZON_STEPS, 0.6))


def test_a_braking_vehicle_stops_and_does_not_reverse():
    seen = ahead(on_lane(ROAD, 0, 10.0, speed=3.0, acceleration=-6.0))
    assert (np.diff(seen.future_x[0]) >= 0.0).all()
    assert seen.future_x[0, -1] == seen.future_x[0, -2] < 13.0


def test_acceleration_fades():
    seen = ahead(on_lane(ROAD, 0, 10.0, speed=5.0, acceleration=1.0), acceleration_fades_s=1.0)
    speed = np.diff(seen.future_x[0]) / HORIZON_STEP_S
    assert speed[-1] == pytest.approx(6.0, abs=0.02)
    assert (np.diff(speed) > 0.0).all()


def test_a_vehicle_follows_the_curve_of_its_lane():
    road = draw([LaneSketch(BEND)])
    start = 20.0
    seen = ahead(on_lane(road, 0, start), road)
    x, y, heading = road.along(np.zeros(HORIZON_STEPS, np.int32), start + 10.0 * TIMES)
    assert np.hypot(seen.future_x[0] - x, seen.future_y[0] - y).max() < 0.1
    assert np.abs(seen.future_heading[0] - heading).max() < 0.05


def test_a_vehicle_returns_to_the_middle_of_its_lane_and_a_bicycle_keeps_its_side():
    car = ahead(on_lane(ROAD, 0, 10.0, lateral=0.8))
    assert car.future_y[0, 0] == pytest.approx(0.8, abs=0.1)
    assert np.abs(car.future_y[0, -1]) < 0.2
    bicycle = ahead(on_lane(ROAD, 0, 10.0, lateral=-1.2, kind=Kind.BICYCLE, speed=4.0))
    assert bicycle.future_y[0] == pytest.approx(np.full(HORIZON_STEPS, -1.2))


def test_a_vehicle_leaves_its_place_in_the_direction_it_drives():
    seen = ahead(on_lane(ROAD, 0, 10.0, heading=0.1))
    assert seen.future_y[0, 0] == pytest.approx(10.0 * HORIZON_STEP_S * np.tan(0.1), rel=0.25)
    assert seen.future_heading[0, 0] > 0.0


def test_the_path_goes_on_through_the_only_lane_that_follows():
    road = draw(
        [LaneSketch([(0, 0), (50, 0)]), LaneSketch([(50, 0), (52, 0.5), (53, 2)], internal=True),
         LaneSketch([(53, 2), (53, 100)])],
        [ConnectionSketch(0, 2, 1)],
    )  # fmt: skip
    seen = ahead(on_lane(road, 0, 40.0, speed=6.0), road)
    assert seen.future_x[0, -1] == pytest.approx(53.0, abs=0.2)
    assert seen.future_heading[0, -1] == pytest.approx(np.pi / 2, abs=0.1)


def test_where_lanes_part_the_straight_one_is_taken_and_certainty_falls():
    road = crossroads()
    seen = ahead(on_lane(road, 0, 170.0), road)
    assert seen.future_x[0, -1] == pytest.approx(-200.0 + 170.0 + 50.0, abs=0.1)
    assert seen.future_y[0] == pytest.approx(np.full(HORIZON_STEPS, -1.75), abs=0.01)
    sure = ahead(on_lane(road, 0, 100.0), road)
    assert seen.future_sigma[0, -1] > sure.future_sigma[0, -1]


def test_a_vehicle_slows_before_a_slow_turn():
    road = draw(
        [LaneSketch([(0, 0), (100, 0)]), LaneSketch([(100, 0), (200, 0)], speed_limit=4.0)],
        [ConnectionSketch(0, 1)],
    )
    seen = ahead(on_lane(road, 0, 80.0, speed=10.0), road)
    assert np.diff(seen.future_x[0])[-1] / HORIZON_STEP_S < 6.0
    assert ahead(on_lane(road, 0, 20.0, speed=10.0), road).future_x[0, -1] == pytest.approx(70.0, abs=0.01)


def test_who_drives_against_the_lane_or_across_it_goes_straight_on():
    for heading in (np.pi, 1.3):
        seen = ahead(on_lane(ROAD, 0, 500.0, heading=heading))
        assert seen.future_x[0] == pytest.approx(500.0 + 10.0 * TIMES * np.cos(heading))
        assert seen.future_y[0] == pytest.approx(10.0 * TIMES * np.sin(heading), abs=1e-9)


def test_beyond_the_end_of_the_road_the_path_is_straight():
    seen = ahead(on_lane(ROAD, 0, 990.0))
    assert seen.future_x[0] == pytest.approx(990.0 + 10.0 * TIMES)
    assert seen.future_y[0] == pytest.approx(np.zeros(HORIZON_STEPS))


def test_certainty_only_falls_and_starts_from_what_is_known():
    seen = ahead(actor(3, position_sigma=[0.1, 1.0, 1.0], kind=[Kind.CAR, Kind.CAR, Kind.PEDESTRIAN]))
    assert (np.diff(seen.future_sigma, axis=1) > 0.0).all()
    assert (seen.future_sigma[1] > seen.future_sigma[0]).all()
    assert seen.future_sigma[0, 0] >= 0.1


@pytest.mark.parametrize("lane", [-1, 0])
@pytest.mark.parametrize("unknown", ["heading", "speed"])
def test_without_a_heading_or_a_speed_the_best_guess_is_the_place_now(lane, unknown):
    row = on_lane(ROAD, 0, 100.0, yaw_rate=np.nan, acceleration=1.0, kind=Kind.PEDESTRIAN)
    seen = ahead(row.replace(lane=[lane], **{unknown: [np.nan]}))
    assert seen.future_x[0] == pytest.approx(np.full(HORIZON_STEPS, 100.0))
    assert np.isfinite(seen.future_heading).all() and np.isfinite(seen.future_sigma).all()


def test_a_row_depends_on_itself_alone():
    road = crossroads()
    rows = [on_lane(road, lane, 40.0 * lane + 5.0, speed=3.0 + lane).replace(id=[lane + 1]) for lane in range(4)]
    together = ahead(Actors.concatenate(rows), road).canonical()
    shuffled = ahead(Actors.concatenate(rows[::-1]), road).canonical()
    assert shuffled == together
    for n, row in enumerate(rows):
        assert ahead(row, road).canonical() == together.take([n])


def test_no_actors_give_no_forecasts():
    assert len(ahead(Actors.empty())) == 0
