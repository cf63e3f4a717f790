"""SUMO's speeds made those over ground."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.table import F64
from wayside.v2x.tables import Kind
from wayside.worlds.readout import over_ground
from wayside.worlds.tables import Truth

STEP_S = 0.1


def car(who: int, x: float, y: float = 0.0, heading: float = 0.0, speed: float = 15.0) -> Truth:
    return Truth(
        id=[who], kind=[Kind.CAR], x=[x], y=[y], heading=[heading], speed=[speed], acceleration=[0.0],
        length=[4.5], width=[1.8], lane=[0], equipped=[True], automated=[0],
    )  # fmt: skip


def driven(ratio: float, seconds: float, speed: float = 15.0) -> float:
    """Return what is found of a car that comes along `ratio` metres for each that is counted."""
    found: F64 = np.ones(1)
    before = car(1, 0.0, speed=speed)
    for k in range(1, round(seconds / STEP_S) + 1):
        now = car(1, ratio * speed * STEP_S * k, speed=speed)
        found, before = over_ground(now, before, found, STEP_S), now
    return float(found[0])


@pytest.mark.parametrize("ratio", [0.9, 1.0, 1.08])
def test_speed_follows_a_lane_that_is_not_as_long_as_its_file_states(ratio: float) -> None:
    assert driven(ratio, 6.0) == pytest.approx(ratio, abs=0.001)


def test_where_lanes_join_the_speed_changes_as_a_vehicle_can() -> None:
    changes = np.diff([15.0 * driven(0.8, s * STEP_S) for s in range(1, 20)])
    assert np.abs(changes).max() / STEP_S < 4.0


def test_turning_on_the_spot_and_changing_lanes_say_nothing() -> None:
    before, known = car(1, 0.0), np.array([0.95])
    turned = car(1, -3.0, heading=3.0)
    beside = car(1, 1.425, 3.5)
    assert over_ground(turned, before, known, STEP_S).tolist() == [0.95]
    assert over_ground(beside, before, known, STEP_S) == pytest.approx([0.95])


def test_who_is_new_or_hardly_moves_is_taken_as_it_is() -> None:
    now = Truth.concatenate([car(1, 5.0, speed=1.0), car(2, 0.0)])
    assert over_ground(now, car(1, 0.0, speed=1.0), np.array([0.9]), STEP_S).tolist() == [0.9, 1.0]
    assert over_ground(now, Truth.empty(), np.empty(0), STEP_S).tolist() == [1.0, 1.0]
    assert len(over_ground(Truth.empty(), now, np.ones(2), STEP_S)) == 0
