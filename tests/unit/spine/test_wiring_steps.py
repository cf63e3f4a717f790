"""Steps are wired by their signatures, and the order in which rows arrive does not matter."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from wayside.frame import Frame
from wayside.maps.drawing import two_lane_road
from wayside.scale.districts import strips, tick_in_districts
from wayside.step import StepError, arrange, step
from wayside.table import F64, I64, U64, Table, TableError, column
from wayside.tick import Pipeline

TICK_NS = 100_000_000


class Cars(Table, key=("id",), position=("x", "y")):
    """Test rows."""

    id: U64 = column("", "identity")
    x: F64 = column("m", "east", places=3)
    y: F64 = column("m", "north", places=3)


class Crowds(Table, key=("id",), position=("x", "y")):
    """Test rows."""

    id: U64 = column("", "identity")
    x: F64 = column("m", "east", places=3)
    y: F64 = column("m", "north", places=3)
    near: I64 = column("", "cars within 50 m")
    most: I64 = column("", "most cars ever within 50 m")


class Totals(Table, key=("id",), held=True):
    """Test rows."""

    id: U64 = column("", "always 0")
    cars: I64 = column("", "cars in the city")
    runs: I64 = column("", "how often counted")


class Notes(Table, key=("id", "what"), position=("x", "y"), shared=True):
    """Test rows."""

    id: U64 = column("", "identity")
    what: U64 = column("", "which step")
    x: F64 = column("m", "east", places=3)
    y: F64 = column("m", "north", places=3)


class CrowdConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Test settings."""

    radius: float = 50.0


@step(reach_m=50.0)
def crowd(cars: Cars, before: Crowds, *, config: CrowdConfig) -> Crowds:
    """Count the neighbours of each car."""
    gap = np.hypot(cars.x[:, None] - cars.x, cars.y[:, None] - cars.y)
    near = (gap <= config.radius).sum(axis=1)
    most = near.copy()
    known = np.searchsorted(before.id, cars.id).clip(max=max(len(before) - 1, 0))
    if len(before):
        same = before.id[known] == cars.id
        most[same] = np.maximum(most[same], before.most[known][same])
    return Crowds(id=cars.id, x=cars.x, y=cars.y, near=near, most=most)


@step(period_s=0.5, reach_m=None)
def total(cars: Cars, before: Totals) -> Totals:
    """Count all cars."""
    runs = before.runs[0] + 1 if len(before) else 1
    return Totals(id=[0], cars=[len(cars)], runs=[runs])


@step(reach_m=0.0)
def note_crowds(crowds: Crowds) -> Notes:
    """Note cars with neighbours."""
    some = crowds.take(crowds.near > 1)
    return Notes(id=some.id, what=np.full(len(some), 1), x=some.x, y=some.y)


@step(reach_m=0.0)
def note_all(cars: Cars) -> Notes:
    """Note every car."""
    return Notes(id=cars.id, what=np.full(len(cars), 2), x=cars.x, y=cars.y)


STEPS = (note_crowds, crowd, note_all, total)


def pipeline() -> Pipeline:
    return Pipeline.of(
        STEPS, {"crowd": CrowdConfig()}, two_lane_road(length=10.0), frozenset({Cars}), (), start_ns=0
    )


def cars(tick: int, *, shuffled: bool = False) -> Cars:
    draw = np.random.default_rng(tick)
    ids = np.arange(40)
    x = np.linspace(-300, 300, 40) + draw.normal(0, 3, 40)
    table = Cars(id=ids, x=x, y=draw.normal(0, 3, 40))
    return table.take(np.random.default_rng(tick + 999).permutation(40)) if shuffled else table


def test_steps_run_after_what_they_read() -> None:
    names = [s.name for s in arrange(STEPS, {Cars})]
    assert names.index("crowd") < names.index("note_crowds")


def test_the_order_of_the_list_does_not_matter() -> None:
    assert arrange(STEPS, {Cars}) == arrange(STEPS[::-1], {Cars})


def test_two_writers_of_one_table_are_named() -> None:
    @step(reach_m=None)
    def other_total(cars: Cars) -> Totals:
        return Totals.empty()

    with pytest.raises(StepError, match="total and other_total"):
        arrange((*STEPS, other_total), {Cars})


def test_a_circle_is_named() -> None:
    @step(reach_m=None)
    def there(totals: Totals) -> Cars:
        return Cars.empty()

    with pytest.raises(StepError, match=r"there.*total|total.*there"):
        arrange((there, total), ())


def test_a_table_nobody_writes_is_named() -> None:
    with pytest.raises(StepError, match="note_crowds reads Crowds"):
        arrange((note_crowds,), {Cars})


def test_a_step_that_reads_the_truth_is_refused() -> None:
    class Hidden(Table, key=("id",), truth=True):
        id: U64 = column("", "identity")

    def peek(hidden: Hidden) -> Totals:
        return Totals.empty()

    peek.__annotations__ = {"hidden": Hidden, "return": Totals}
    with pytest.raises(StepError, match="only the World knows"):
        step(reach_m=None)(peek)


def test_shuffled_rows_give_the_same_frames() -> None:
    line = pipeline()
    one = other = line.first()
    for tick in range(12):
        one = line.tick(one, [cars(tick)], tick * TICK_NS)
        other = line.tick(other, [cars(tick, shuffled=True)], tick * TICK_NS)
        assert one.digest() == other.digest()
        assert dict(one) == dict(other)


def test_districts_with_a_halo_give_the_same_frames() -> None:
    line = pipeline()
    whole = parts = line.first()
    for tick in range(12):
        whole = line.tick(whole, [cars(tick)], tick * TICK_NS)
        parts = tick_in_districts(line, parts, [cars(tick)], tick * TICK_NS, strips([-80.0, 15.0]))
        assert whole.digest() == parts.digest()


def test_districts_without_their_halo_would_be_noticed() -> None:
    blind = step(reach_m=0.0)(crowd.function)
    line = Pipeline.of((blind,), {"crowd": CrowdConfig()}, two_lane_road(length=10.0), frozenset({Cars}), (), 0)
    arrived = [cars(0)]
    whole = line.tick(line.first(), arrived, 0)
    parts = tick_in_districts(line, line.first(), arrived, 0, strips([0.0]))
    assert whole.digest() != parts.digest()


def test_a_slow_step_holds_its_table_between_its_runs() -> None:
    line = pipeline()
    frame = line.first()
    runs = []
    for tick in range(11):
        frame = line.tick(frame, [cars(tick)], tick * TICK_NS)
        runs.append(int(frame[Totals].runs[0]))
    assert runs == [1] * 5 + [2] * 5 + [3]


def test_two_rows_with_one_key_are_an_error_that_names_the_key() -> None:
    with pytest.raises(TableError, match=r"two rows with the key \{'id': 7\}"):
        Frame(0, [Cars(id=[7, 3, 7], x=[0.0, 1.0, 2.0], y=[0.0, 0.0, 0.0])])


def test_a_table_taken_from_one_in_order_is_put_in_order_anew() -> None:
    crowds = Crowds.empty()
    assert crowds.canonical() is crowds
    notes = Notes(**{name: np.arange(3) for name in Notes.columns}).canonical()
    assert notes.canonical() is notes
    turned = notes.take(np.array([2, 0, 1]))
    assert turned.canonical() == notes and turned.in_order() == notes and turned != notes


def test_a_mask_of_another_length_is_refused() -> None:
    notes = Notes(**{name: np.arange(3) for name in Notes.columns})
    assert len(notes.take(np.array([True, False, True]))) == 2
    with pytest.raises(IndexError, match="a mask of 2 rows for Notes of 3"):
        notes.take(np.array([True, False]))


def test_an_infinite_value_is_refused() -> None:
    with pytest.raises(TableError, match="infinite"):
        Frame(0, [Cars(id=[7], x=[np.inf], y=[0.0])])


def test_columns_cannot_be_changed() -> None:
    table = cars(0)
    with pytest.raises(ValueError, match="read-only"):
        table.x[0] = 1.0
    with pytest.raises(AttributeError, match="immutable"):
        table.x = np.zeros(40)  # type: ignore[misc]
