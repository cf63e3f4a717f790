"""Kernels are compiled before any test is timed."""

from __future__ import annotations

import pytest

from wayside.maps.drawing import two_lane_road


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    road = two_lane_road()
    road.match([0.0], [0.0], [0.0])
    road.distance([0.0], [0.0])
    road.along([0], [0.0])
