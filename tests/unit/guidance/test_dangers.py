"""Dangers that are known because they were made, and warnings of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from wayside.guard.tables import Verdict, WarningOrders
from wayside.guidance.conflicts import Witness
from wayside.guidance.dangers import Danger, Dangers, dangers, leads
from wayside.guidance.tables import Service
from wayside.maps.drawing import two_lane_road
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, Signals
from wayside.table import F64, I64, Table
from wayside.v2x.tables import Kind
from wayside.world import Event
from wayside.worlds.tables import Truth

ROAD = two_lane_road(length=2000.0)
TICK_NS = 100_000_000


class Way(NamedTuple):
    """One road user's way, by tick."""

    x: F64
    y: F64
    speed: F64
    heading: float = 0.0
    kind: Kind = Kind.CAR
    equipped: bool = True


class Made:
    """A Run in memory."""

    name = "made"

    def __init__(self, ways: list[Way], road: RoadMap = ROAD, lanes: list[Any] | None = None) -> None:
        self.road = road
        self.events: list[Event] = []
        self.tables: dict[type[Table], tuple[I64, Table]] = {}
        ticks = np.arange(len(ways[0].x)) * TICK_NS
        self.ticks = ticks
        count = len(ways)
        acceleration = [np.gradient(way.speed, 0.1) for way in ways]
        on_foot = np.tile([way.kind == Kind.PEDESTRIAN for way in ways], len(ticks))
        truth = Truth(
            id=np.tile(np.arange(1, count + 1), len(ticks)),
            kind=np.tile([way.kind for way in ways], len(ticks)),
            x=np.column_stack([way.x for way in ways]).ravel(),
            y=np.column_stack([way.y for way in ways]).ravel(),
            heading=np.tile([way.heading for way in ways], len(ticks)),
            speed=np.column_stack([way.speed for way in ways]).ravel(),
            acceleration=np.column_stack(acceleration).ravel(),
            length=np.where(on_foot, 0.5, 4.6),
            width=np.where(on_foot, 0.5, 1.8),
            lane=np.zeros(len(on_foot)) if lanes is None else np.column_stack(lanes).ravel(),
            equipped=np.tile([way.equipped for way in ways], len(ticks)),
            automated=np.zeros(len(on_foot)),
        )
        when = np.repeat(ticks, count)
        zero = np.zeros(len(truth))
        actors = Actors(
            id=truth.id + np.uint64(99), kind=truth.kind, x=truth.x, y=truth.y, heading=truth.heading,
            speed=truth.speed, acceleration=zero, yaw_rate=zero, length=truth.length, width=truth.width,
            position_sigma=zero, lane=truth.lane, offset=zero, lateral=zero, sender=truth.id, sources=zero + 1,
            measured_ns=when,
        )  # fmt: skip
        self.tables = {Truth: (when, truth), Actors: (when, actors)}

    def rows(self, kind: type[Any]) -> Any:
        return self.tables.get(kind, (np.empty(0, np.int64), kind.empty()))


def braking(brakes_at: float, deceleration: float, equipped: bool = True, begin: float = 0.0) -> Way:
    """Return one that drives 15 m/s and brakes to a halt from an instant on [s]."""
    time = np.arange(80) * 0.1
    speed = np.clip(15.0 - deceleration * np.maximum(time - brakes_at, 0.0), 0.0, 15.0)
    x = begin + np.concatenate([[0.0], np.cumsum(0.05 * (speed[1:] + speed[:-1]))])
    return Way(x, np.zeros(80), speed, equipped=equipped)


def standing(x: float, **changed: Any) -> Way:
    return Way(np.full(80, x), np.zeros(80), np.zeros(80), **changed)


def of(run: Made) -> Dangers:
    return dangers(run)  # type: ignore[arg-type]


def test_who_brakes_hard_and_late_behind_a_standing_car_was_in_danger() -> None:
    found = of(Made([braking(3.2, 8.0), standing(70.0)]))
    assert found.kind.tolist() == [Danger.FOLLOWING]
    assert found.reachable.all()
    # bumpers are 65.4 m apart at first: at 15 m/s they touch after 4.36 s
    assert found.begin_ns[0] == pytest.approx(2.9e9, abs=0.6e9)
    assert found.happens_ns[0] == pytest.approx(4.4e9, abs=0.3e9)


def test_who_brakes_softly_and_in_time_was_not() -> None:
    assert len(of(Made([braking(0.2, 2.0), standing(70.0)]))) == 0


def test_who_passes_beside_was_not() -> None:
    beside = standing(70.0)._replace(y=np.full(80, 3.5))
    assert len(of(Made([braking(99.0, 0.0), beside]))) == 0


def test_only_the_one_behind_can_be_warned_of_the_one_ahead() -> None:
    found = of(Made([braking(3.2, 8.0, equipped=False), standing(70.0)]))
    assert len(found) == 1
    assert not found.reachable.any()


def test_somebody_on_foot_in_the_way_is_a_danger_of_its_own_kind() -> None:
    found = of(Made([braking(3.4, 9.0), standing(70.0, kind=Kind.PEDESTRIAN, heading=1.57, equipped=False)]))
    assert found.kind.tolist() == [Danger.VULNERABLE]


def test_two_that_cross_closely_are_a_danger_though_nobody_brakes() -> None:
    time = np.arange(80) * 0.1
    east = Way(-40.0 + 10.0 * time, np.zeros(80), np.full(80, 10.0))
    north = Way(np.zeros(80), -51.5 + 10.0 * time, np.full(80, 10.0), heading=np.pi / 2)
    found = of(Made([east, north]))
    assert Danger.CROSSING in found.kind.tolist()
    assert found.reachable[found.kind == Danger.CROSSING].all()


def orders(at_s: float, service: Service, subject: Way, other: int) -> tuple[I64, WarningOrders]:
    tick = round(at_s * 10)
    one = WarningOrders(
        service=[service], subject=[100], other=[other], x=[subject.x[tick]], y=[subject.y[tick]], lead=[2.0],
        reason=[1], verdict=[Verdict.APPROVED], said_ns=[0],
    )  # fmt: skip
    return np.array([tick * TICK_NS]), one


def told(run: Made, time: I64, said: WarningOrders, services: list[Service] | None = None) -> F64:
    when, actors = run.rows(Actors)
    return leads(of(run), time, said, Witness(run, when, actors), services)  # type: ignore[arg-type]


def test_a_warning_counts_from_when_it_was_given() -> None:
    driver = braking(3.2, 8.0)
    run = Made([driver, standing(70.0)])
    happens = of(run).happens_ns[0] * 1e-9
    assert told(run, *orders(2.0, Service.FORWARD_COLLISION, driver, 101))[0] == pytest.approx(happens - 2.0)
    assert told(run, *orders(2.0, Service.EMERGENCY_BRAKING, driver, 101))[0] == pytest.approx(happens - 2.0)


def test_a_warning_of_something_else_or_too_late_or_by_another_service_does_not_count() -> None:
    driver = braking(3.2, 8.0)
    run = Made([driver, standing(70.0), standing(90.0)])
    for at, service, other in (
        (2.0, Service.FORWARD_COLLISION, 102),
        (6.0, Service.FORWARD_COLLISION, 101),
        (2.0, Service.HAZARD_AHEAD, 101),
    ):
        assert np.isnan(told(run, *orders(at, service, driver, other))).all()
    by = [Service.INTERSECTION_COLLISION]
    assert np.isnan(told(run, *orders(2.0, Service.FORWARD_COLLISION, driver, 101), by)).all()


def crossing_road() -> RoadMap:
    """Return the two-lane road with a light at the end of its first lane."""
    lanes = ROAD.lanes
    controller = lanes.controller.copy()
    controller[0] = 5
    mask = np.zeros(len(lanes), np.uint64)
    mask[0] = 1 << 2
    edge = np.arange(len(lanes), dtype=lanes.edge.dtype)
    columns = {name: getattr(lanes, name) for name in type(lanes).columns}
    changed = type(lanes)(**{**columns, "controller": controller, "edge": edge})
    return replace(ROAD, lanes=changed, lane_group_mask=mask)


@pytest.mark.parametrize(
    ("light", "since_s", "lies", "runs"),
    [(Light.RED, 0.0, 4, 1), (Light.RED, 0.0, 5, 0), (Light.RED, 3.9, 4, 0), (Light.PROTECTED_GREEN, 0.0, 4, 0)],
)
def test_past_the_line_at_red_is_a_red_run(light: Light, since_s: float, lies: int, runs: int) -> None:
    lanes = [np.where(np.arange(80) < 40, 0, 1)]
    run = Made([braking(99.0, 0.0)], crossing_road(), lanes)
    run.events.append(Event(0, "planted", {"fault": "signal", "subject": lies}))
    n = len(run.ticks)
    run.tables[Signals] = (
        run.ticks,
        Signals(
            controller=np.full(n, 5), group=np.full(n, 2), light=np.full(n, light),
            since_ns=np.full(n, round(since_s * 1e9)), min_end_ns=np.zeros(n), max_end_ns=np.zeros(n),
            time_ns=run.ticks,
        ),
    )  # fmt: skip
    found = of(run)
    assert len(found) == runs
    if runs:
        assert found.kind.tolist() == [Danger.RED_LIGHT]
        assert found.happens_ns.tolist() == [40 * TICK_NS]
        said = orders(2.5, Service.RED_LIGHT, braking(99.0, 0.0), 6)
        assert told(run, *said)[0] == pytest.approx(1.5)


def test_without_truth_there_is_nothing_to_find() -> None:
    run = Made([standing(0.0)])
    run.tables = {}
    assert len(of(run)) == 0
