from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.maps.drawing import LaneSketch, draw
from wayside.roadside.lane_shift import LaneShiftConfig, lane_shifts
from wayside.roadside.road_findings import road_findings
from wayside.roadside.roughness import RoughnessConfig, roughness
from wayside.roadside.tables import Actors, LaneShifts, Roughness
from wayside.supervision.tables import Rule
from wayside.v2x.tables import Kind, Reports
from wayside.worlds.road_surface import shaking

ROAD = draw([LaneSketch([(0, 0), (500, 0)], edge=0), LaneSketch([(0, 3.5), (500, 3.5)], edge=0, number=1)])
START_NS, SECOND = 1_000_000_000_000, 1_000_000_000


def passing(second: int, random: np.random.Generator, shift: float = 0.0, speed: float = 12.0) -> Actors:
    """Return two vehicles on each lane, every one of them new at each 40 s."""
    lane = np.repeat([0, 1], 2)
    offset = (second * speed + np.array([0.0, 240.0, 100.0, 340.0])) % 500.0
    y = 3.5 * lane + shift + random.normal(0.0, 0.3, 4)
    found = ROAD.match(offset, y, np.zeros(4), reach_m=3.0)
    values: dict[str, Any] = {name: np.zeros(4, c.dtype) for name, c in Actors.columns.items()}
    values |= {
        "id": np.arange(1, 5), "kind": np.full(4, Kind.CAR), "x": offset, "y": y, "speed": np.full(4, speed),
        "lane": found.lane, "offset": found.offset, "lateral": found.lateral, "sender": np.arange(1, 5),
        "measured_ns": np.full(4, START_NS + second * SECOND), "length": np.full(4, 4.5), "width": np.full(4, 1.8),
    }  # fmt: skip
    return Actors(**values)


def shifts(seconds: int, shift: float, before: LaneShifts | None = None, start: int = 0) -> LaneShifts:
    random = np.random.default_rng(5)
    found = LaneShifts.empty() if before is None else before
    for second in range(start, start + seconds):
        found = lane_shifts(
            passing(second, random, shift), found, road=ROAD, config=LaneShiftConfig(),
            time_ns=START_NS + second * SECOND,
        ).canonical()  # fmt: skip
    return found


def test_traffic_that_follows_the_map_is_not_shifted() -> None:
    found = shifts(600, 0.0)
    assert not found.shifted.any()
    assert np.nanmax(np.abs(found.mean)) < 0.5


@pytest.mark.parametrize("shift", [1.5, -1.5, 1.2])
def test_works_that_shift_traffic_are_found_on_every_stretch_and_measured(shift: float) -> None:
    usual = shifts(600, 0.0)
    found = shifts(600, shift, usual, 600)
    assert found.shifted.all()
    assert np.abs(found.shift) == pytest.approx(abs(shift), abs=0.35)
    assert not shifts(600, 0.0, found, 1200).shifted.any()


def test_a_shift_against_the_map_is_found_without_any_history() -> None:
    assert shifts(600, 1.3).shifted.all()


def test_a_parked_or_slow_vehicle_does_not_count() -> None:
    random = np.random.default_rng(1)
    slow = passing(0, random, 1.5, speed=1.0)
    found = lane_shifts(slow, LaneShifts.empty(), road=ROAD, config=LaneShiftConfig(), time_ns=START_NS)
    assert len(found) == 0


def rough(seconds: int, index: float, speed: float, seed: int = 3) -> Roughness:
    random = np.random.default_rng(seed)
    found = Roughness.empty()
    for second in range(seconds):
        actors = passing(second, random, speed=speed)
        sigma = shaking(np.full(4, index), actors.speed)
        step = 0.02 * 9.80665
        values: dict[str, Any] = {name: np.zeros(4, c.dtype) for name, c in Reports.columns.items()}
        values |= {
            "sender": actors.sender, "speed": actors.speed,
            "vertical": np.rint(random.normal(0.0, sigma) / step) * step,
        }  # fmt: skip
        found = roughness(
            Reports(**values),
            actors,
            found,
            road=ROAD,
            config=RoughnessConfig(),
            time_ns=START_NS + second * SECOND,
        ).canonical()
    return found


@pytest.mark.parametrize("speed", [8.0, 14.0])
@pytest.mark.parametrize("index", [2.0, 8.0])
def test_the_index_is_that_of_the_road_within_its_own_spread_at_any_speed(index: float, speed: float) -> None:
    found = rough(900, index, speed)
    off = (found.index - index) / found.sigma
    assert np.sqrt(np.mean(off**2)) < 1.6
    assert found.rough.tolist() == [index > 5.0] * len(found)


def test_few_reports_give_no_index_and_unknown_ones_none() -> None:
    assert np.isnan(rough(5, 8.0, 12.0).index).all()
    values = {name: np.zeros(4, c.dtype) for name, c in Reports.columns.items()}
    silent = Reports(
        **{**values, "sender": np.arange(1, 5), "speed": np.full(4, 12.0), "vertical": np.full(4, np.nan)}
    )
    actors = passing(0, np.random.default_rng(0))
    kept = roughness(silent, actors, Roughness.empty(), road=ROAD, config=RoughnessConfig(), time_ns=START_NS)
    assert len(kept) == 0


def test_findings_name_the_stretch() -> None:
    findings = road_findings(shifts(600, 1.3), rough(300, 12.0, 12.0))
    assert set(findings.rule.tolist()) == {Rule.LANE_SHIFTED, Rule.ROUGH_ROAD}
    assert (findings.subject % 65_536).max() == 9
