"""Close encounters in true trajectories whose times can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.guidance.encounters import EncounterKind, Encounters, encounters
from wayside.table import I64
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

Way = tuple[Kind, float, float, float, float]  # kind, x and y at 0 s [m], heading [deg], speed [m/s]


def _drive(ways: list[Way], seconds: float) -> tuple[I64, Truth]:
    """Return the truth of bodies that go straight on, ten ticks a second; people are 0.5 m, others 4 m by 2 m."""
    ticks = np.arange(round(seconds * 10) + 1)
    time = np.repeat(ticks, len(ways)) * 0.1
    columns = np.array([way[1:] for way in ways], np.float64)
    x, y, heading, speed = (np.tile(column, len(ticks)) for column in columns.T)
    heading = np.deg2rad(heading)
    kind = np.tile([way[0] for way in ways], len(ticks)).astype(np.uint8)
    on_foot = kind == Kind.PEDESTRIAN
    truth = Truth(
        id=np.tile(np.arange(1, len(ways) + 1, dtype=np.uint64), len(ticks)),
        kind=kind,
        x=x + speed * time * np.cos(heading),
        y=y + speed * time * np.sin(heading),
        heading=heading,
        speed=speed,
        acceleration=np.zeros(len(x)),
        length=np.where(on_foot, 0.5, 4.0),
        width=np.where(on_foot, 0.5, 2.0),
        lane=np.full(len(x), -1, np.int32),
        equipped=np.zeros(len(x), np.bool_),
        automated=np.zeros(len(x), np.uint8),
    )
    return np.round(time * 1e9).astype(np.int64), truth


def _of(found: Encounters, kind: EncounterKind) -> list[tuple[int, int, float]]:
    rows = np.flatnonzero(found.kind == kind)
    return [(int(found.first[r]), int(found.second[r]), float(found.value[r])) for r in rows]


def test_two_that_drive_at_each_other_meet_once() -> None:
    ways = [(Kind.CAR, 0.0, 0.0, 0.0, 10.0), (Kind.CAR, 64.0, 0.0, 180.0, 10.0)]
    found = encounters(*_drive(ways, 2.0), every=1)  # 60 m between bumpers: they would touch after 3 s
    assert _of(found, EncounterKind.TIME_TO_COLLISION) == [(1, 2, pytest.approx(1.0))]
    assert found.begin_ns[0] == 1_600_000_000  # 3 - 1.5 s is not below the limit
    assert found.closing[0] == pytest.approx(20.0)


def test_neighbours_side_by_side_never_meet() -> None:
    for heading in range(0, 360, 15):
        turned = np.deg2rad(heading)
        ways = [
            (Kind.CAR, 0.0, 0.0, heading, 15.0),
            (Kind.CAR, -3.5 * np.sin(turned), 3.5 * np.cos(turned), heading, 15.0),
        ]
        assert not len(encounters(*_drive(ways, 3.0)))


@pytest.mark.parametrize(("behind_s", "found"), [(0.4, True), (1.8, False)])
def test_encroachment_is_the_time_between_leaving_a_spot_and_coming_to_it(behind_s: float, found: bool) -> None:
    # the first has left the crossing of both paths (3 m past it) when the second is behind_s before it (3 m)
    ways = [(Kind.CAR, -20.0, 0.0, 0.0, 10.0), (Kind.CAR, 0.0, -20.0 - 6.0 - 10 * behind_s, 90.0, 10.0)]
    told = encounters(*_drive(ways, 6.0), collision_s=0.01)
    rows = _of(told, EncounterKind.POST_ENCROACHMENT)
    assert bool(rows) == found
    if found:
        assert rows == [(1, 2, pytest.approx(behind_s, abs=0.21))]


def test_who_follows_does_not_encroach() -> None:
    ways = [(Kind.CAR, 0.0, 0.0, 0.0, 10.0), (Kind.CAR, -8.0, 0.0, 0.0, 10.0)]
    assert not len(encounters(*_drive(ways, 4.0)))


def test_people_among_themselves_are_no_encounter() -> None:
    ways = [(Kind.PEDESTRIAN, 0.0, 0.0, 0.0, 1.5), (Kind.PEDESTRIAN, 4.0, 0.0, 180.0, 1.5)]
    assert not len(encounters(*_drive(ways, 3.0)))


def test_the_order_of_rows_does_not_matter() -> None:
    ways = [
        (Kind.CAR, 0.0, 0.0, 0.0, 10.0),
        (Kind.BUS, 40.0, 0.0, 180.0, 10.0),
        (Kind.CAR, 20.0, -20.0, 90.0, 12.0),
    ]
    time, truth = _drive(ways, 2.5)
    expected = encounters(time, truth)
    order = np.lexsort((np.random.default_rng(4).random(len(time)), time))
    found = encounters(time[order], truth.take(order))
    assert len(expected) >= 2
    for name in ("kind", "begin_ns", "end_ns", "first", "second", "value"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
