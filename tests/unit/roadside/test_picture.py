import numpy as np
import pytest

from wayside.maps.drawing import crossroads, two_lane_road
from wayside.roadside.picture import PictureConfig, picture
from wayside.roadside.tables import Tracks
from wayside.v2x.tables import Kind

START_NS = 1_000_000_000_000
ROAD = two_lane_road(length=300.0)


def tracks(**columns):
    rows = max(np.size(value) for value in columns.values())
    values = {name: np.zeros(rows, column.dtype) for name, column in Tracks.columns.items()}
    values |= {
        "id": np.arange(1, rows + 1), "time_ns": START_NS, "kind": Kind.CAR, "length": 4.5, "width": 1.8,
        "variance_p": 0.04, "variance_v": 0.04, "confirmed": True, "sources": 2, "seen_ns": START_NS, **columns,
    }  # fmt: skip
    return Tracks(**{name: np.broadcast_to(value, rows) for name, value in values.items()})


def show(table, after_s=0.1, road=ROAD):
    return picture(table, road=road, time_ns=START_NS + round(after_s * 1e9), config=PictureConfig())


def test_an_actor_is_where_it_is_now_not_where_it_was_measured():
    actors = show(tracks(x=[50.0], y=[0.0], velocity_x=[15.0]), after_s=0.1)
    assert actors.x[0] == pytest.approx(51.5)
    assert (actors.lane[0], actors.offset[0]) == (0, pytest.approx(51.5))
    assert actors.measured_ns[0] == START_NS


def test_only_what_is_confirmed_and_known_well_enough_is_shown():
    actors = show(tracks(x=[10.0, 20.0, 30.0], confirmed=[True, False, True], variance_p=[0.04, 0.04, 4.0]))
    assert actors.id.tolist() == [1]


def test_uncertainty_grows_while_nothing_is_measured():
    sigma = [show(tracks(x=[10.0]), after_s=s).position_sigma[0] for s in (0.1, 0.4, 0.8)]
    assert sigma == sorted(sigma)
    assert sigma[0] < 0.5 * sigma[-1]


def test_braking_never_drives_backwards():
    actors = show(tracks(x=[10.0], velocity_x=[1.0], acceleration=[-8.0], heading=[0.0]), after_s=1.0)
    assert actors.speed[0] == 0.0
    assert 10.0 <= actors.x[0] <= 11.0


def test_a_standing_car_of_unknown_heading_takes_its_lanes_and_a_pedestrian_does_not():
    actors = show(tracks(x=[50.0, 50.0], y=[0.0, 0.0], heading=[np.nan, np.nan], kind=[Kind.CAR, Kind.PEDESTRIAN]))
    assert actors.heading[0] == pytest.approx(0.0)
    assert np.isnan(actors.heading[1])


def test_people_on_foot_are_never_on_a_driving_lane_and_cars_never_on_a_crossing():
    road = crossroads()
    x, y, _ = road.along([20], [3.0])
    actors = show(
        tracks(x=np.tile(x, 2), y=np.tile(y, 2), kind=[Kind.PEDESTRIAN, Kind.CAR], heading=0.0), road=road
    )
    assert actors.lane[0] == 20
    assert actors.lane[1] != 20


def test_off_the_road_there_is_no_lane():
    actors = show(tracks(x=[50.0], y=[80.0]))
    assert actors.lane[0] == -1
    assert np.isnan(actors.offset[0])
    assert np.isnan(actors.lateral[0])


def test_unknown_sizes_become_the_usual_ones_of_the_kind():
    actors = show(tracks(x=[1.0, 40.0], kind=[Kind.BUS, Kind.BICYCLE], length=np.nan, width=np.nan))
    assert actors.length.tolist() == [11.0, 1.7]
    assert not np.isnan(actors.width).any()


def test_nothing_in_nothing_out():
    assert len(show(Tracks.empty())) == 0


def test_models_that_disagree_ahead_make_the_place_uncertain_along_the_course_only():
    moving = {"x": [10.0], "velocity_y": [8.0], "heading": np.pi / 2.0}
    agreed = show(tracks(**moving, agility=0.5))
    apart = show(tracks(**moving, agility=0.5, aside_y=1.0))
    assert apart.sigma_across[0] == pytest.approx(agreed.sigma_across[0])
    assert apart.sigma_along[0] == pytest.approx(np.hypot(agreed.sigma_along[0], 0.5))
    both = np.sqrt(0.5 * (apart.sigma_along[0] ** 2 + apart.sigma_across[0] ** 2))
    assert apart.position_sigma[0] == pytest.approx(both)


def test_a_turning_car_is_published_on_its_arc_and_not_on_the_tangent():
    radius, speed = 30.0, 12.0
    turning = tracks(x=[0.0], velocity_x=speed, yaw_rate=speed / radius, heading=[0.0])
    actors = show(turning, after_s=0.2)
    angle = speed / radius * 0.2
    assert actors.x[0] == pytest.approx(radius * np.sin(angle), abs=0.01)
    assert actors.y[0] == pytest.approx(radius * (1.0 - np.cos(angle)), abs=0.01)
    assert actors.heading[0] == pytest.approx(angle)
