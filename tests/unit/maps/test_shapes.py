"""Lines and areas of the simulator."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.maps.permissions import kind_of
from wayside.maps.shapes import middle_line, polyline, short_line
from wayside.maps.tables import LaneKind


@given(
    length=st.floats(2.0, 80.0),
    ratio=st.floats(0.1, 0.9),
    angle=st.floats(-3.0, 3.0),
    x=st.floats(-2e4, 2e4),
    y=st.floats(-2e4, 2e4),
    way=st.sampled_from([1, -1]),
)
def test_a_rectangle_becomes_its_long_axis_and_its_width(
    length: float, ratio: float, angle: float, x: float, y: float, way: int
) -> None:
    width = length * ratio
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = [
        np.array([x, y]) + a * along + b * across for a, b in ((0, 0), (length, 0), (length, width), (0, width))
    ]
    line, found = middle_line([(float(cx), float(cy)) for cx, cy in corners][::way])
    assert found == pytest.approx(width, abs=0.01)
    assert math.dist(*line) == pytest.approx(length, abs=0.01)
    middle = np.mean(line, axis=0)
    assert middle == pytest.approx(np.mean(corners, axis=0), abs=0.01)


def test_an_area_without_surface_stays_a_line() -> None:
    outline = [(0.0, 0.0), (5.0, 0.0), (0.0, 0.0)]
    assert middle_line(outline)[0] == outline


def test_heights_are_left_out() -> None:
    assert polyline("1,2,30 4,6,31") == [(1.0, 2.0), (4.0, 6.0)]


@pytest.mark.parametrize("text", ["", "1", "1,2 3", "1,b", "nan,1 2,2", "1e999,0 1,1"])
def test_a_shape_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shape"):
        polyline(text)


def test_a_single_point_becomes_a_short_line_onward() -> None:
    assert short_line((0.0, 0.0), []) == [(0.0, 0.0), (0.1, 0.0)]


@pytest.mark.parametrize(
    ("allow", "disallow", "kind"),
    [
        (None, None, LaneKind.DRIVING),
        ("all", None, LaneKind.DRIVING),
        (None, "tram rail pedestrian", LaneKind.DRIVING),
        ("taxi", None, LaneKind.DRIVING),
        ("truck delivery", None, LaneKind.DRIVING),
        ("bus", None, LaneKind.BUS),
        ("bus coach taxi bicycle", None, LaneKind.BUS),
        ("bus tram", None, LaneKind.BUS),
        ("bicycle moped", None, LaneKind.BICYCLE),
        ("pedestrian", None, LaneKind.SIDEWALK),
        ("pedestrian bicycle", None, LaneKind.SIDEWALK),
        ("tram", None, None),
        ("", None, None),
        (None, "all", None),
    ],
)
def test_who_may_use_a_lane_makes_its_kind(allow: str | None, disallow: str | None, kind: LaneKind | None) -> None:
    assert kind_of(allow, disallow) is kind
