from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.maps.coordinates import Projection
from wayside.maps.drawing import LaneSketch, crossroads, draw
from wayside.v2x.place import (
    HEADINGS,
    NO_LATITUDE,
    NO_LONGITUDE,
    OFFSET_REACH,
    Place,
    nearest_in_reach,
    offset_forms,
    offsets,
)

PLACE = Place.of(crossroads())


def test_north_is_zero_and_headings_turn_clockwise() -> None:
    wire = PLACE.heading_to_wire(np.array([np.pi / 2, 0.0, -np.pi / 2, np.pi, np.nan]))
    assert wire.tolist() == [0, 7200, 14400, 21600, HEADINGS]


@given(heading=st.floats(-3.14159, 3.14159))
def test_a_heading_comes_back_within_half_a_step(heading: float) -> None:
    back = PLACE.heading_from_wire(PLACE.heading_to_wire(np.array([heading])))
    assert abs(np.angle(np.exp(1j * (back[0] - heading)))) <= np.radians(0.00626)
    assert -np.pi < back[0] <= np.pi


def test_a_grid_that_is_turned_from_true_north_is_turned_back() -> None:
    # three degrees west of the zone's middle meridian, grid north lies east of true north
    utm = Projection("EPSG:32650", -208000.0, -2512000.0)
    road = draw([LaneSketch([(0, 0), (0, 100)])], projection=utm)
    latitude, longitude = road.to_wgs84([0.0], [0.0])
    assert 113.9 < longitude[0] < 114.5
    x, y = road.from_wgs84(latitude + 0.01, longitude)
    assert Place.of(road).heading_to_wire(np.arctan2(y, x))[0] in (0, 1, HEADINGS - 1)
    assert abs(Place.of(road).north - np.pi / 2) > 0.01


def test_positions_come_back_within_a_centimetre() -> None:
    x, y = np.array([0.0, -1234.567, 8000.0]), np.array([0.0, 4321.0, -7000.5])
    back_x, back_y = PLACE.from_wire(*PLACE.to_wire(x, y))
    assert np.hypot(back_x - x, back_y - y).max() < 0.01


def test_unknown_positions_stay_unknown() -> None:
    latitude, longitude = PLACE.to_wire([np.nan], [1.0])
    assert (latitude[0], longitude[0]) == (NO_LATITUDE, NO_LONGITUDE)
    assert np.isnan(PLACE.from_wire(latitude, longitude)).all()


@given(east=st.integers(-(2**24), 2**24), north=st.integers(-(2**24), 2**24))
def test_the_narrowest_form_that_holds_an_offset_is_taken(east: int, north: int) -> None:
    form = int(offset_forms(np.array([east]), np.array([north]))[0])
    if form < len(OFFSET_REACH):
        reach = int(OFFSET_REACH[form])
        assert -reach <= min(east, north) and max(east, north) < reach
    if form > 0:
        reach = int(OFFSET_REACH[form - 1])
        assert min(east, north) < -reach or max(east, north) >= reach


def test_far_points_go_out_with_their_own_position() -> None:
    (at,) = offsets(np.array([300_000_000]), np.array([1_200_000_000]), (227_000_000, 1_143_000_000))
    assert at == {"offsetLL": {"position-LatLon": {"lon": 1_200_000_000, "lat": 300_000_000}}}


def test_a_map_without_a_place_on_the_globe_is_refused() -> None:
    with pytest.raises(ValueError, match="no place on the globe"):
        Place.of(draw([LaneSketch([(0, 0), (1, 0)])], placed=False))


@settings(deadline=None)  # the kernel is compiled at the first call
@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 12)), max_size=12),
    st.lists(st.tuples(st.integers(-15, 15), st.integers(-15, 15)), min_size=1, max_size=12),
)
def test_the_nearest_place_is_found_and_the_first_of_several(
    places: list[tuple[int, int, int]], points: list[tuple[int, int]]
) -> None:
    x, y = np.array(points, np.float64).T
    place_x, place_y, reach = np.array(places, np.float64).reshape(-1, 3).T
    away = np.hypot(x[:, None] - place_x, y[:, None] - place_y)
    nearest = away.argmin(axis=1) if places else np.zeros(len(x), np.int64)
    within = [bool(places) and away[n, one] <= reach[one] for n, one in enumerate(nearest.tolist())]
    assert nearest_in_reach(x, y, place_x, place_y, reach).tolist() == np.where(within, nearest, -1).tolist()
    assert nearest_in_reach(x * np.nan, y, place_x, place_y, reach).tolist() == [-1] * len(x)
