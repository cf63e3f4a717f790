"""Coordinates there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.maps.coordinates import Projection, gcj02_from_wgs84, wgs84_from_gcj02

PINGSHAN = Projection.around(22.71, 114.35)
inside_china = st.tuples(st.floats(18.0, 53.0), st.floats(75.0, 134.0))


@given(x=st.floats(-20_000, 20_000), y=st.floats(-20_000, 20_000))
def test_metres_come_back_to_a_micrometre(x: float, y: float) -> None:
    back = PINGSHAN.from_wgs84(*PINGSHAN.to_wgs84(x, y))
    assert [float(v) for v in back] == pytest.approx([x, y], abs=1e-6)


@given(x=st.floats(10_000, 13_000), y=st.floats(12_000, 14_000))
def test_zone_coordinates_with_an_offset_come_back_too(x: float, y: float) -> None:
    cologne = Projection("+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m", -342498.65, -5630866.92)
    back = cologne.from_wgs84(*cologne.to_wgs84(x, y))
    assert [float(v) for v in back] == pytest.approx([x, y], abs=1e-6)


def test_a_degree_of_latitude_has_the_length_of_the_ellipsoid() -> None:
    _, south = PINGSHAN.from_wgs84(22.21, 114.35)
    _, north = PINGSHAN.from_wgs84(23.21, 114.35)
    middle = np.radians(22.71)
    assert north - south == pytest.approx(
        111_132.954 - 559.822 * np.cos(2 * middle) + 1.175 * np.cos(4 * middle), abs=0.5
    )


def test_cgcs2000_gauss_kruger_is_understood_and_equals_wgs84() -> None:
    zone = Projection("EPSG:4547")  # CGCS2000 / 3-degree Gauss-Kruger CM 114E
    plain = Projection("+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=WGS84 +units=m")
    degrees = np.array([22.71]), np.array([114.35])
    np.testing.assert_allclose(zone.from_wgs84(*degrees), plain.from_wgs84(*degrees), atol=1e-3)


def test_unknown_positions_stay_unknown() -> None:
    assert np.isnan(PINGSHAN.to_wgs84([np.nan], [0.0])).all()
    assert np.isnan(PINGSHAN.from_wgs84([np.nan], [0.0])).all()
    assert not np.isinf(PINGSHAN.to_wgs84([1e12], [1e12])).any()


def test_what_is_no_projection_is_refused() -> None:
    with pytest.raises(ValueError, match="not one PROJ understands"):
        Projection("+proj=flat")
    with pytest.raises(ValueError, match="latitude, longitude"):
        Projection.around(114.35, 22.71)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [  # reference points that public implementations of the formula share
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
    ],
)
def test_gcj02_agrees_with_public_reference_points(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    assert [float(v) for v in gcj02_from_wgs84(*wgs84)] == pytest.approx(gcj02, abs=1e-9)


@given(point=inside_china)
def test_gcj02_shifts_by_some_hundred_metres(point: tuple[float, float]) -> None:
    latitude, longitude = point
    there = gcj02_from_wgs84(latitude, longitude)
    north = (there[0] - latitude) * 111_000
    east = (there[1] - longitude) * 111_000 * np.cos(np.radians(latitude))
    assert 20 < np.hypot(north, east) < 1000


@given(point=inside_china)
def test_gcj02_comes_back_to_a_billionth_of_a_degree(point: tuple[float, float]) -> None:
    back = wgs84_from_gcj02(*gcj02_from_wgs84(*point))
    assert [float(v) for v in back] == pytest.approx(point, abs=1e-9)


@given(latitude=st.floats(-90, 90), longitude=st.one_of(st.floats(-180, 71), st.floats(138, 180)))
def test_outside_china_gcj02_is_wgs84(latitude: float, longitude: float) -> None:
    assert [float(v) for v in gcj02_from_wgs84(latitude, longitude)] == [latitude, longitude]


def test_unknown_degrees_stay_unknown() -> None:
    assert np.isnan(gcj02_from_wgs84(np.nan, 114.0)[0])
    assert np.isnan(wgs84_from_gcj02([np.nan], [114.0])[0]).all()
