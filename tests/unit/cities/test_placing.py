"""The rule that places equipment on any map."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.admission.tables import Measures, VehicleClass, ZoneCorners, Zones
from wayside.cities import placing
from wayside.cities.pingshan.zone import FOLDER
from wayside.energy.tables import Chargers, Sites
from wayside.maps.drawing import LaneSketch, NodeSketch, crossroads, draw, two_lane_road
from wayside.maps.sumo import read_net
from wayside.roadside.tables import Poles, Units, WeatherStations
from wayside.signals.tables import SignalControllers
from wayside.world import identity

coordinates = st.lists(
    st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)), min_size=1, max_size=40, unique=True
)


def placed(road):
    return {type(table): table for table in placing.place(road)}


@pytest.fixture(scope="module")
def pingshan():
    return read_net(FOLDER / "pingshan.net.xml.gz")


def test_each_controller_has_one_unit_and_each_unit_its_controller(pingshan):
    found = placed(pingshan)
    controllers, units = found[SignalControllers], found[Units]
    assert len(controllers) == len(units) == len(pingshan.controller_names)
    by_unit = dict(zip(units.unit.tolist(), units.controller.tolist(), strict=True))
    assert all(by_unit[u] == c for c, u in zip(controllers.controller, controllers.unit, strict=True))


def test_poles_stand_apart_at_signalised_junctions(pingshan):
    poles = placed(pingshan)[Poles]
    assert len(poles) == 6
    for a, b in itertools.combinations(range(6), 2):
        assert np.hypot(poles.x[a] - poles.x[b], poles.y[a] - poles.y[b]) >= 250
    assert len(set(poles.controller.tolist())) == 6


def test_no_junction_without_a_pole_has_more_approach_lanes_unless_a_pole_is_near(pingshan):
    spots, poles = placing.junctions(pingshan), placed(pingshan)[Poles]
    least = min(spots.approaches[spots.controller == c][0] for c in poles.controller)
    for x, y, lanes in zip(spots.x, spots.y, spots.approaches, strict=True):
        if lanes > least:
            assert np.hypot(poles.x - x, poles.y - y).min() < 250


def test_stations_stand_at_the_ends_of_the_longer_axis(pingshan):
    stations = placed(pingshan)[WeatherStations]
    assert np.ptp(stations.x) == pytest.approx(np.ptp(pingshan.points.x), abs=0.001)


def test_a_single_crossroads_gets_one_of_each():
    found = placed(crossroads())
    assert len(found[Poles]) == len(found[Units]) == len(found[SignalControllers]) == 1
    assert found[Sites].limit_kw.tolist() == [400.0]
    assert len(found[Chargers]) == 8
    assert found[Zones].zone.tolist() == [1, 2]


def test_a_road_without_junctions_gets_a_zone_and_no_equipment_at_signals():
    found = placed(two_lane_road())
    assert len(found[Poles]) == len(found[Units]) == len(found[SignalControllers]) == 0
    assert found[Zones].zone.tolist() == [1]
    assert found[Measures].zone.tolist() == [1]
    assert len(found[WeatherStations]) == 2


def test_without_signals_units_stand_at_large_junctions_and_speak_for_none():
    ends = [(0.0, 500.0), (0.0, -500.0), (500.0, 0.0)]
    road = draw(
        [LaneSketch(points=[end, (0.0, 0.0)], to_node=0) for end in ends],
        nodes=[NodeSketch(0.0, 0.0), *(NodeSketch(x, y) for x, y in ends)],
    )
    found = placed(road)
    assert found[Units].controller.tolist() == [-1]
    assert len(found[SignalControllers]) == 0
    assert found[Poles].controller.tolist() == [-1]


@given(coordinates, st.floats(1, 100))
def test_the_hull_holds_every_point_and_its_margin(points, margin):
    px, py = np.array(points).T
    x, y = placing.hull(px, py, margin)
    along = np.stack([np.roll(x, -1) - x, np.roll(y, -1) - y])
    along /= np.hypot(*along)
    inside = along[0, :, None] * (py - y[:, None]) - along[1, :, None] * (px - x[:, None])
    assert inside.min() >= margin - 0.01


@given(coordinates)
def test_the_hull_does_not_depend_on_the_order_of_points(points):
    px, py = np.array(points).T
    one, other = placing.hull(px, py, 30.0), placing.hull(px[::-1], py[::-1], 30.0)
    assert np.array_equal(one, other)


def test_corners_run_anticlockwise(pingshan):
    corners = placed(pingshan)[ZoneCorners]
    for zone in (1, 2):
        x, y = corners.x[corners.zone == zone], corners.y[corners.zone == zone]
        assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0


def test_permits_bear_the_identity_of_the_name_and_the_speed_of_the_class():
    names, classes = ["a", "b"], [VehicleClass.ROBOTAXI, VehicleClass.SWEEPER]
    made = placing.permits(names, classes, 3, 99)
    speed = dict(zip(made.sender.tolist(), made.max_speed.tolist(), strict=True))
    assert speed == {identity("a"): 16.67, identity("b"): 5.56}
    assert set(made.zone.tolist()) == {3}
    assert len(placing.permits([], [], 1, 0)) == 0


def test_closing_the_core_concerns_taxis_and_parcel_robots_only():
    measures = placing.fog_measures()
    closing = measures.classes[measures.closed][0]
    assert [c for c in VehicleClass if closing >> c & 1] == [VehicleClass.ROBOTAXI, VehicleClass.PARCEL_ROBOT]
    assert np.isnan(measures.max_speed[measures.closed]).all()
