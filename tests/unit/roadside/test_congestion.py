from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.maps.drawing import crossroads
from wayside.roadside.congestion import CongestionConfig, congestion
from wayside.roadside.tables import Actors, Congestion, CongestionLevel
from wayside.security.tables import PoleReach
from wayside.signals.tables import Light, Signals
from wayside.v2x.tables import Kind

ROAD = crossroads(arm=200.0)
APPROACH = 0  # eastbound, 188 m to the stop line
LIMIT = float(ROAD.lanes.speed_limit[APPROACH])
START_NS, SECOND = 1_000_000_000_000, 1_000_000_000
POLE = PoleReach(pole=[1], x=[0.0], y=[0.0], reach=[250.0], time_ns=[START_NS])


def cars(offset: Any, speed: Any, now: int) -> Actors:
    offset = np.atleast_1d(np.asarray(offset, float))
    x, y, heading = ROAD.along(np.full(len(offset), APPROACH), offset)
    values: dict[str, Any] = {name: np.zeros(len(offset), c.dtype) for name, c in Actors.columns.items()}
    values |= {
        "id": np.arange(1, len(offset) + 1), "kind": np.full(len(offset), Kind.CAR), "x": x, "y": y,
        "heading": heading, "length": np.full(len(offset), 4.5), "width": np.full(len(offset), 1.8),
        "lane": np.full(len(offset), APPROACH), "offset": offset, "speed": np.broadcast_to(speed, len(offset)),
        "sources": np.full(len(offset), 2), "measured_ns": np.full(len(offset), now),
    }  # fmt: skip
    return Actors(**values)


def lights(light: Light, since_s: float) -> Signals:
    since = np.full(4, START_NS + round(since_s * SECOND))
    return Signals(
        controller=np.zeros(4), group=np.arange(1, 5), light=np.full(4, light), since_ns=since,
        min_end_ns=np.zeros(4), max_end_ns=np.zeros(4), time_ns=since,
    )  # fmt: skip


def flow(
    seconds: int, offset: Any, speed: Any, *, light: Light = Light.PROTECTED_GREEN, since_s: float = -1000.0,
    before: Congestion | None = None, start: int = 0,
) -> Congestion:  # fmt: skip
    found = Congestion.empty() if before is None else before
    for second in range(start, start + seconds):
        now = START_NS + second * SECOND
        found = congestion(
            cars(offset, speed, now), lights(light, since_s), POLE, found,
            road=ROAD, config=CongestionConfig(), time_ns=now,
        ).canonical()  # fmt: skip
    return found


SPREAD = [30.0, 60.0, 90.0, 120.0]


def test_the_level_never_gets_better_as_traffic_gets_slower_on_an_approach_lane_too() -> None:
    speeds = np.arange(0.0, 1.3, 0.05) * LIMIT
    levels = [int(flow(60, SPREAD, speed).level[0]) for speed in speeds]
    assert levels == sorted(levels, reverse=True)
    assert (levels[0], levels[-1]) == (CongestionLevel.SEVERE, CongestionLevel.FREE)
    assert len(set(levels)) == 5


def test_nine_stopped_cars_on_green_are_severe() -> None:
    found = flow(40, [150.0 - 7.0 * n for n in range(9)], 0.0)
    assert found.level.tolist() == [CongestionLevel.SEVERE]
    assert found.queued.tolist() == [9]
    assert found.queue_m[0] == pytest.approx(8 * 7.0 + 4.5, abs=0.2)


def test_a_queue_at_red_is_neither_congestion_nor_an_incident_and_its_length_is_known() -> None:
    found = flow(90, [185.0 - 7.0 * n for n in range(9)], 0.0, light=Light.RED)
    assert (found.level.tolist(), found.queue_since_ns.tolist()) == ([CongestionLevel.FREE], [0])
    assert found.queued.tolist() == [9]


def test_a_queue_that_stands_amid_the_lane_is_unexplained_whatever_the_light() -> None:
    found = flow(10, [110.0 - 7.0 * n for n in range(5)], 0.0, light=Light.RED)
    assert found.queue_since_ns.tolist() == [START_NS]
    assert len(flow(40, 10.0, 12.0, before=found, start=10)) == 1
    assert flow(40, 10.0, 12.0, before=found, start=10).queue_since_ns.tolist() == [0]


def test_a_queue_on_green_is_held_until_the_start_has_run_back_to_it() -> None:
    queue = [185.0 - 7.0 * n for n in range(6)]
    assert flow(10, queue, 0.0, since_s=0.0).queue_since_ns.tolist() == [0]
    assert flow(60, queue, 0.0, since_s=0.0).queue_since_ns[0] > 0


def test_a_level_takes_time_to_change_and_more_to_get_better() -> None:
    slow = 0.2 * LIMIT
    assert flow(4, SPREAD, slow).level.tolist() == [0]
    bad = flow(20, SPREAD, slow)
    assert bad.level.tolist() == [CongestionLevel.SEVERE]
    assert flow(25, SPREAD, LIMIT, before=bad, start=20).level.tolist() == [CongestionLevel.SEVERE]
    assert flow(200, SPREAD, LIMIT, before=bad, start=20).level.tolist() == [CongestionLevel.FREE]


def test_a_share_between_two_bounds_keeps_the_level_it_has() -> None:
    bad = flow(40, SPREAD, 0.28 * LIMIT)
    assert bad.level.tolist() == [CongestionLevel.SEVERE]
    between = 0.32 * LIMIT  # above the bound of severe, and not by enough
    assert flow(200, SPREAD, between, before=bad, start=40).level.tolist() == [CongestionLevel.SEVERE]
    assert flow(200, SPREAD, between).level.tolist() == [CongestionLevel.MODERATE]


def test_a_queue_left_when_green_ends_counts_as_a_failure() -> None:
    queue = [185.0 - 7.0 * n for n in range(6)]
    found = flow(5, queue, 0.0, since_s=0.0)
    found = flow(20, queue, 0.0, light=Light.RED, since_s=5.0, before=found, start=5)
    assert found.failures.tolist() == [1]
    assert found.level.tolist() == [CongestionLevel.LIGHT]


def test_one_vehicle_alone_is_no_traffic() -> None:
    assert flow(120, 50.0, 1.0).level.tolist() == [CongestionLevel.FREE]


def test_density_is_that_of_what_poles_see() -> None:
    found = flow(200, SPREAD, 10.0)
    assert found.density[0] == pytest.approx(1000.0 * 4 / ROAD.lanes.length[APPROACH], rel=0.02)
