"""What must hold for every step, whatever the tables: drawn from the declarations of their columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wayside.config import load_plugin, plugins
from wayside.maps.drawing import crossroads
from wayside.step import AnyStep
from wayside.table import Column, Table

ROAD = crossroads()
NOW_NS = 1_772_409_000_000_000_000
MOST_ROWS = 12
CONTROLLERS = len(ROAD.controller_names)
INDEXES = {"lane": len(ROAD.lanes), "controller": CONTROLLERS, "via_lane": len(ROAD.lanes)}
SMALL = {"group": (1, 4), "pole": (1, 3), "station": (1, 3), "site": (1, 2), "charger": (1, 4), "zone": (1, 3)}
STEPS: dict[str, AnyStep] = {name: load_plugin("steps", name) for name in sorted(plugins("steps"))}


UNITS = {"m": (-60.0, 60.0), "rad": (-7.0, 7.0), "m/s": (0.0, 30.0), "s": (0.0, 30.0)}


def _bounds(column: Column) -> tuple[float, float]:
    """Return the least and greatest value to draw for a column of numbers."""
    name, info = column.name, column.dtype
    if column.codes is not None:
        bounds: tuple[float, float] = (min(column.codes), max(column.codes))
    elif name in INDEXES:
        bounds = (-1 if info.kind == "i" else 0), INDEXES[name] - 1
    elif name in SMALL:
        bounds = SMALL[name]
    elif column.low is not None and column.high is not None:
        bounds = column.low, column.high
    elif name.endswith("_ns"):
        bounds = NOW_NS - 3_000_000_000, NOW_NS
    elif info.kind in "iu":
        bounds = 0, min(np.iinfo(info).max, 40)
    elif name.startswith(("variance", "covariance", "moment", "weight")) or "sigma" in name:
        bounds = 0.01, 4.0
    else:
        bounds = UNITS.get(column.unit, (0.0, 9.0))
    return bounds


def rows_of(kind: type[Table], draw: np.random.Generator, count: int) -> Table:
    """Return a canonical table of about so many rows that its columns' declarations allow."""
    values: dict[str, Any] = {}
    for column in kind.columns.values():
        low, high = _bounds(column)
        shape = (count, *column.shape)
        if column.dtype.kind == "b":
            values[column.name] = draw.random(shape) < 0.5
        elif column.dtype.kind == "f":
            drawn = draw.uniform(low, high, shape)
            if "NaN" in column.meaning:
                drawn[draw.random(shape) < 0.2] = np.nan
            values[column.name] = drawn
        else:
            values[column.name] = draw.integers(int(low), int(high) + 1, shape)
    table = kind(**values).rounded()
    keys = np.array([[float(v) for v in row] for row in zip(*(getattr(table, k) for k in kind.key), strict=True)])
    if count:
        _, first = np.unique(keys.reshape(count, -1), axis=0, return_index=True)
        table = table.take(np.sort(first))
    return table.canonical()


def arguments(one: AnyStep, draw: np.random.Generator, most: int) -> tuple[dict[str, Table], dict[str, Any]]:
    """Return tables and the rest for one call of a step."""
    tables = {name: rows_of(kind, draw, int(draw.integers(0, most + 1))) for name, kind in one.reads}
    if one.remembers:
        tables["before"] = one.writes.empty()
    rest: dict[str, Any] = {}
    if one.config is not None:
        rest["config"] = one.config()
    if one.needs_road:
        rest["road"] = ROAD
    if one.needs_time:
        rest["time_ns"] = NOW_NS
    return tables, rest


@pytest.mark.parametrize("name", STEPS)
def test_nothing_in_gives_a_table_and_no_error(name: str) -> None:
    one = STEPS[name]
    tables, rest = arguments(one, np.random.default_rng(0), 0)
    assert isinstance(one.function(**tables, **rest).canonical(), one.writes)


@pytest.mark.parametrize("name", STEPS)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), most=st.integers(1, MOST_ROWS))
def test_the_order_of_rows_never_matters_and_neither_does_asking_twice(name: str, seed: int, most: int) -> None:
    one = STEPS[name]
    draw = np.random.default_rng(seed)
    tables, rest = arguments(one, draw, most)
    first = one.function(**tables, **rest).canonical()
    if one.remembers:  # a memory that the step wrote itself, a tick ago
        tables["before"] = first
        first = one.function(**tables, **rest).canonical()
    again = one.function(**tables, **rest).canonical()
    shuffled = {key: table.take(draw.permutation(len(table))) for key, table in tables.items()}
    other = one.function(**shuffled, **rest).canonical()
    assert first == again
    assert first == other
    assert first.digest() == other.digest()
