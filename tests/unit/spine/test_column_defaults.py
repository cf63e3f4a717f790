"""Columns that a row need not say."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.columns import from_arrow, to_arrow
from wayside.config import ConfigError, read_rows
from wayside.roadside.tables import Poles, SensorKind
from wayside.table import TableError

SAID = {"pole": [4, 5], "x": [1.0, 2.0], "y": [0.0, 0.0], "range": [80.0, 90.0], "position_sigma": [0.3, 0.3],
        "controller": [-1, -1]}  # fmt: skip


def test_a_table_fills_in_what_is_not_said() -> None:
    poles = Poles(**SAID)
    assert poles.sensor.tolist() == [SensorKind.RADAR_VIDEO] * 2 and poles.height.tolist() == [6.5, 6.5]
    assert poles.sensor.dtype == np.uint8
    assert Poles(**SAID, sensor=[1, 2]).sensor.tolist() == [1, 2]


def test_columns_without_a_default_are_still_asked_for() -> None:
    with pytest.raises(TableError, match=r"missing columns \['x'\], unknown columns \['z'\]"):
        Poles(**{("z" if name == "x" else name): values for name, values in SAID.items()})


def test_rows_of_a_city_file_may_differ_in_what_they_say() -> None:
    rows = [{name: values[n] for name, values in SAID.items()} for n in range(2)]
    rows[1]["sensor"] = 3
    poles = read_rows(Poles, rows, "here")
    assert isinstance(poles, Poles) and poles.sensor.tolist() == [4, 3]
    del rows[0]["range"]
    with pytest.raises(ConfigError, match="row 1: column 'range' is missing"):
        read_rows(Poles, rows, "here")


def test_a_stored_table_of_before_is_read_with_the_default() -> None:
    poles = Poles(**SAID).canonical()
    stored = to_arrow(Poles, [(0, poles)]).drop_columns(["sensor", "height"])
    assert from_arrow(Poles, stored)[1] == poles
    with pytest.raises(TableError, match="range"):
        from_arrow(Poles, stored.drop_columns(["range"]))
