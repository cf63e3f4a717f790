from __future__ import annotations

import numpy as np
import pytest

from wayside.maps.drawing import crossroads
from wayside.roadside.tables import Actors
from wayside.signals.agreement import AgreementConfig, signal_findings, stop_line_counts
from wayside.signals.passing import PassagesConfig, movements, passages
from wayside.signals.tables import Light, Passages, SignalControllers, Signals, StopLineCounts
from wayside.supervision.tables import Rule

ROAD = crossroads()
CONTROLLERS = SignalControllers(controller=[0], x=[1.0], y=[2.0], unit=[-1])


def follow(traffic, signals_of, seconds, lie, **flow):
    """Run traffic and both steps; return the last counts and when a conflict was first found [s], or None."""
    cars = traffic(**flow)
    seen, counts, found = Passages.empty(), StopLineCounts.empty(), None
    while cars.time_s < seconds:
        actors = cars.tick().canonical()
        now = round((cars.time_s + 1e4) * 1e9)
        signals = signals_of(cars.time_s, **lie(cars.time_s)).canonical()
        seen = passages(actors, signals, seen, road=ROAD, time_ns=now, config=PassagesConfig()).canonical()
        counts = stop_line_counts(
            seen, signals, counts, road=ROAD, time_ns=now, config=AgreementConfig()
        ).canonical()
        if found is None and (counts.since_ns > 0).any():
            found = cars.time_s
    return counts, found


def honest(_: float) -> dict:
    return {}


@pytest.mark.parametrize("seed", range(3))
def test_a_truthful_controller_is_never_accused(traffic, signals_of, seed):
    counts, found = follow(traffic, signals_of, 240.0, honest, seed=seed, flow=0.5, step_s=0.2)
    assert found is None
    assert counts.total_green.sum() > 15
    assert counts.total_red.sum() == 0


@pytest.mark.parametrize("lie", [{"swapped": True}, {"shift_s": 35.0}])
def test_a_lying_controller_is_found_within_a_hundred_seconds(traffic, signals_of, lie):
    for seed in range(2):
        counts, found = follow(
            traffic, signals_of, 200.0, lambda t: lie if t > 60 else {}, seed=seed, flow=0.3, step_s=0.2
        )
        assert found is not None
        assert 60 < found < 160
        findings = signal_findings(counts, CONTROLLERS, config=AgreementConfig())
        assert list(findings.rule) == [Rule.SIGNAL_CONFLICT]
        assert list(findings.subject) == [0]
        assert (findings.x[0], findings.y[0]) == (1.0, 2.0)


def test_the_conflict_ends_after_the_lie(traffic, signals_of):
    counts, found = follow(
        traffic,
        signals_of,
        700.0,
        lambda t: {"swapped": True} if 60 < t < 160 else {},
        seed=1,
        flow=0.4,
        step_s=0.25,
    )
    assert found is not None
    assert (counts.since_ns == 0).all()
    assert len(signal_findings(counts, CONTROLLERS, config=AgreementConfig())) == 0


def one(
    x: float, y: float, *, speed: float = 8.0, length: float = 4.6, heading: float = 0.0, lane: int | None = None
):
    found = ROAD.match([x], [y], [heading])
    zero = np.zeros(1)
    return Actors(
        id=[7], kind=[1], x=[x], y=[y], heading=[heading], speed=[speed], acceleration=zero, yaw_rate=zero,
        length=[length], width=[1.8], position_sigma=[0.3], lane=found.lane if lane is None else [lane],
        offset=found.offset, lateral=found.lateral, sender=zero, sources=zero, measured_ns=zero,
    )  # fmt: skip


def lights(first: int, second: int, since_s: float, time_s: float) -> Signals:
    return Signals(
        controller=[0, 0],
        group=[1, 2],
        light=[first, second],
        since_ns=[round(since_s * 1e9)] * 2,
        min_end_ns=[0, 0],
        max_end_ns=[0, 0],
        time_ns=[round(time_s * 1e9)] * 2,
    )


def drive(places, light, since_s):
    """Take one car of group 1 through places (time [s], x, y, more); return the last row."""
    seen = Passages.empty()
    for time_s, x, y, more in places:
        signals = lights(light, Light.PROTECTED_GREEN, since_s, time_s)
        seen = passages(
            one(x, y, **more), signals, seen, road=ROAD, time_ns=round(time_s * 1e9), config=PassagesConfig()
        )
    return seen


THROUGH = [(100.0, -20.0, -1.75, {}), (101.0, -11.0, -1.75, {}), (102.0, 0.0, -1.75, {}), (103.0, 15.0, -1.75, {})]


def test_a_passage_is_told_when_the_car_leaves_the_junction():
    for last, told in ((2, -1), (3, -1), (4, 0)):
        assert drive(THROUGH[:last], Light.RED, 50.0).from_edge[0] == told
    row = drive(THROUGH, Light.RED, 50.0)
    assert (row.from_edge[0], row.to_edge[0]) == (0, 5)
    assert row.red[0] == 0b10
    assert row.open[0] == 0b100


def test_entering_just_after_the_light_turned_red_is_no_offence():
    assert drive(THROUGH, Light.RED, 99.5).red[0] == 0


def test_a_long_truck_that_entered_in_time_is_no_offence():
    long = {"length": 16.0}
    slow = [(100.0 + k, -26.0 + 3.0 * k, -1.75, long) for k in range(14)]
    # the front passes at 102 s, the centre at 105 s; the light is red since 101 s
    assert max(drive(slow[:k], Light.RED, 101.0).red.max() for k in range(1, 15)) == 0


def test_a_lane_mistaken_for_a_moment_does_not_spoil_the_passage():
    spoilt = [*THROUGH[:3], (102.5, 5.0, -1.75, {"lane": 2}), THROUGH[3]]
    row = drive(spoilt, Light.RED, 50.0)
    assert (row.from_edge[0], row.to_edge[0]) == (0, 5)


def test_standing_at_protected_green_counts_up_to_a_cap():
    standing = [(100.0 + 0.1 * k, -15.5, -1.75, {"speed": 0.0}) for k in range(100)]
    assert drive(standing, Light.PROTECTED_GREEN, 50.0).waited[0] == pytest.approx(5.0, abs=0.2)
    assert drive(standing, Light.RED, 50.0).waited[0] == 0
    assert drive(standing, Light.PROTECTED_GREEN, 107.0).waited[0] == 0


def test_movements_name_their_groups():
    ways = movements(ROAD)
    by_way = dict(zip(ways.key.tolist(), ways.groups.tolist(), strict=True))
    assert by_way[0 * ways.edges + 5] == 0b10
    assert by_way[2 * ways.edges + 7] == 0b100


def test_nobody_about_gives_nothing():
    signals = lights(Light.RED, Light.RED, 1.0, 2.0)
    seen = passages(
        Actors.empty(), signals, Passages.empty(), road=ROAD, time_ns=2_000_000_000, config=PassagesConfig()
    )
    assert len(seen) == 0
    counts = stop_line_counts(
        seen, Signals.empty(), StopLineCounts.empty(), road=ROAD, time_ns=2, config=AgreementConfig()
    )
    assert len(counts) == 0
    assert len(signal_findings(counts, CONTROLLERS, config=AgreementConfig())) == 0
