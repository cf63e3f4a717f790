"""Who is in view of a pole, and who is hidden behind another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.roadside.sight import hidden, in_view
from wayside.roadside.tables import Poles
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

FAR = 20_000.0


def poles(**changed: Any) -> Poles:
    one = {"pole": [1], "x": [0.0], "y": [0.0], "range": [100.0], "position_sigma": [0.3], "controller": [-1]}
    return Poles(**{**one, **changed})


def traffic(rows: list[tuple[Kind, float, float]]) -> Truth:
    kind, x, y = (np.array(values) for values in zip(*rows, strict=True))
    long = np.select([kind == Kind.TRUCK, kind == Kind.PEDESTRIAN], [8.0, 0.5], 4.5)
    count = len(rows)
    return Truth(
        id=np.arange(1, count + 1), kind=kind, x=x, y=y, heading=np.zeros(count), speed=np.zeros(count),
        acceleration=np.zeros(count), length=long, width=np.minimum(long, 2.4), lane=np.full(count, -1),
        equipped=np.zeros(count, np.bool_), automated=np.zeros(count, np.uint8),
    )  # fmt: skip


def who_is_hidden(rows: list[tuple[Kind, float, float]], **changed: Any) -> list[bool]:
    found = hidden(np.zeros(len(rows), np.int64), traffic(rows), poles(**changed), np.full(len(rows), FAR))
    return [bool(one) for one in found]


def test_a_car_behind_a_truck_is_hidden_and_one_beside_it_is_not() -> None:
    rows = [(Kind.TRUCK, 30.0, 0.0), (Kind.CAR, 38.0, 0.0), (Kind.CAR, 38.0, 6.0)]
    assert who_is_hidden(rows) == [False, True, False]


def test_a_truck_behind_a_car_is_not_hidden() -> None:
    assert who_is_hidden([(Kind.CAR, 30.0, 0.0), (Kind.TRUCK, 38.0, 0.0)]) == [False, False]


def test_from_a_tall_pole_the_view_goes_over_the_truck() -> None:
    rows = [(Kind.TRUCK, 30.0, 0.0), (Kind.CAR, 45.0, 0.0)]
    assert who_is_hidden(rows) == [False, True]
    assert who_is_hidden(rows, height=[30.0]) == [False, False]


def test_another_pole_that_sees_it_is_enough() -> None:
    rows = [(Kind.TRUCK, 30.0, 0.0), (Kind.CAR, 38.0, 0.0)]
    other = {"pole": [1, 2], "x": [0.0, 60.0], "y": [0.0, 0.0], "range": [100.0] * 2}
    assert who_is_hidden(rows, **other, position_sigma=[0.3] * 2, controller=[-1] * 2) == [False, False]


def test_who_is_out_of_reach_or_of_view_is_not_hidden() -> None:
    rows = [(Kind.TRUCK, 70.0, 0.0), (Kind.CAR, 85.0, 0.0)]  # beyond 0.8 of the range
    assert who_is_hidden(rows) == [False, False]
    assert who_is_hidden(
        [(Kind.TRUCK, 30.0, 0.0), (Kind.CAR, 38.0, 0.0)], facing=[np.pi], field_of_view=[2.0]
    ) == [
        False,
        False,
    ]


def test_a_pole_must_see_what_lies_in_its_view_only() -> None:
    x, y = np.array([50.0, -50.0, 85.0]), np.zeros(3)
    away, due = in_view(x, y, poles(field_of_view=[2.0]), np.full(3, FAR))
    assert away.tolist() == pytest.approx([50.0, 50.0, 85.0])
    assert due.tolist() == [True, False, False]
    assert in_view(x, y, poles(), np.full(3, 90.0))[1].tolist() == [False, False, False]  # half the visibility
