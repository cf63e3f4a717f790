"""Points in zones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.admission.tables import ZoneCorners, Zones
from wayside.admission.zones import depth, inside


def outlines(*shapes):
    corners = ZoneCorners.concatenate(
        [
            ZoneCorners(zone=[z] * len(s), number=np.arange(len(s)), x=[p[0] for p in s], y=[p[1] for p in s])
            for z, s in shapes
        ]
    )
    return Zones(zone=[z for z, _ in shapes], corners=[len(s) for _, s in shapes]), corners


LEFT = (1, [(0.0, 0.0), (10.0, 0.0), (13.0, 7.0), (10.0, 12.0), (0.0, 12.0)])
RIGHT = (2, [(10.0, 0.0), (25.0, 0.0), (25.0, 12.0), (10.0, 12.0), (13.0, 7.0)])


def test_a_point_on_a_shared_border_lies_in_exactly_one_zone():
    zones, corners = outlines(LEFT, RIGHT)
    share = np.linspace(0, 1, 500)[:-1]
    x = np.concatenate([10 + 3 * share, 13 - 3 * share])
    y = np.concatenate([7 * share, 7 + 5 * share])
    assert (inside(x, y, zones, corners).sum(axis=1) == 1).all()


def test_an_outline_may_run_either_way_round_and_its_corners_in_any_order_of_rows():
    zones, corners = outlines(LEFT, RIGHT)
    _, backwards = outlines((1, LEFT[1][::-1]), (2, RIGHT[1][::-1]))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-5, 30, 300), rng.uniform(-5, 20, 300)
    expected = inside(x, y, zones, corners)
    assert expected.any() and not expected.all()
    assert np.array_equal(expected, inside(x, y, zones, backwards))
    assert np.array_equal(expected, inside(x, y, zones, corners.take(rng.permutation(len(corners)))))
    assert np.array_equal(expected[:, ::-1], inside(x, y, zones.take(np.array([1, 0])), corners))


def test_a_point_that_is_nowhere_lies_in_no_zone_and_has_no_depth():
    zones, corners = outlines(LEFT)
    assert not inside(np.array([np.nan, 1.0]), np.array([1.0, np.nan]), zones, corners).any()
    assert np.isnan(depth(np.array([np.nan, 1.0]), np.array([1.0, np.nan]), zones, corners)).all()


def test_a_zone_without_outline_holds_nothing():
    zones = Zones(zone=[4, 5], corners=[0, 2])
    corners = ZoneCorners(zone=[5, 5], number=[0, 1], x=[0.0, 4.0], y=[0.0, 4.0])
    assert not inside(np.zeros(3), np.zeros(3), zones, corners).any()
    assert np.isnan(depth(np.zeros(3), np.zeros(3), zones, corners)).all()


def test_no_points_or_no_zones_give_an_empty_answer():
    zones, corners = outlines(LEFT)
    assert inside(np.empty(0), np.empty(0), zones, corners).shape == (0, 1)
    assert zones.inside(corners, np.zeros(2), np.zeros(2)).shape == (2, 1)
    assert depth(np.zeros(2), np.zeros(2), Zones.empty(), corners).shape == (2, 0)


@given(st.floats(-30, 40), st.floats(-30, 40), st.floats(-3, 3), st.floats(-3, 3))
def test_a_step_changes_depth_by_no_more_than_its_length(x, y, dx, dy):
    zones, corners = outlines(LEFT, RIGHT)
    here, there = zones.depth(corners, np.array([x, x + dx]), np.array([y, y + dy]))
    assert (np.abs(here - there) <= np.hypot(dx, dy) + 1e-9).all()
