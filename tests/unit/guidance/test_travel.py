"""Distance, time lost, stops and work of motor vehicles, against sums done by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wayside.guidance.travel import AIR, BODIES, GRAVITY, travel
from wayside.table import F64, I64
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

ROAD: Any = SimpleNamespace(lanes=SimpleNamespace(speed_limit=np.array([20.0])))


def _drive(speed: F64, kind: Kind = Kind.CAR, who: int = 1, lane: int = 0) -> tuple[I64, Truth]:
    """Return the truth of one road user whose speed is given ten times a second."""
    count = len(speed)
    return np.arange(count) * 100_000_000, Truth(
        id=np.full(count, who, np.uint64),
        kind=np.full(count, kind, np.uint8),
        x=np.zeros(count),
        y=np.zeros(count),
        heading=np.zeros(count),
        speed=speed,
        acceleration=np.diff(speed, append=speed[-1:]) / 0.1,
        length=np.full(count, 4.0),
        width=np.full(count, 2.0),
        lane=np.full(count, lane, np.int32),
        equipped=np.zeros(count, np.bool_),
        automated=np.zeros(count, np.uint8),
    )


def test_even_driving_below_the_limit() -> None:
    found = travel(*_drive(np.full(601, 10.0)), ROAD)
    assert found.hours == pytest.approx(60 / 3600)
    assert found.kilometres == pytest.approx(0.6)
    assert found.delay_s == pytest.approx(30.0)  # half of the limit: half of the time is lost
    assert found.stops == 0
    car = BODIES[Kind.CAR]
    force = car.mass * car.rolling * GRAVITY + 0.5 * AIR * car.drag * 100.0
    assert found.energy_kwh == pytest.approx(force * 600.0 / 3.6e6)


def test_braking_gives_nothing_back_and_standing_costs_time() -> None:
    braking = np.maximum(10.0 - 0.3 * np.arange(100), 0.0)
    found = travel(*_drive(np.concatenate([braking, np.zeros(100)])), ROAD)
    assert found.energy_kwh == pytest.approx(0.0, abs=1e-4)
    assert found.stops == 1
    assert found.delay_s > 13.0


def test_crawling_in_a_queue_is_one_stop() -> None:
    crawl = np.concatenate(
        [np.full(20, 10.0), np.tile([0.0] * 10 + [1.5] * 10, 4), np.full(20, 10.0), np.zeros(5)]
    )
    assert travel(*_drive(crawl), ROAD).stops == 2


def test_faster_than_the_limit_wins_no_time_and_people_count_nothing() -> None:
    assert travel(*_drive(np.full(11, 25.0)), ROAD).delay_s == 0.0
    assert travel(*_drive(np.full(11, 1.0), Kind.PEDESTRIAN), ROAD).hours == 0.0
    assert travel(*_drive(np.full(11, 10.0), lane=-1), ROAD).delay_s == 0.0


def test_a_vehicle_that_was_away_is_not_counted_meanwhile() -> None:
    time, truth = _drive(np.full(21, 10.0))
    time = np.where(np.arange(21) < 10, time, time + 60_000_000_000)
    assert travel(time, truth, ROAD).kilometres == pytest.approx(0.019)
