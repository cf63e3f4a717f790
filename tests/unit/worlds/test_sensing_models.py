"""The table of sensor parameters and what a city file may change of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from wayside.config import ConfigError, convert
from wayside.roadside.tables import SensorKind
from wayside.v2x.tables import Kind
from wayside.worlds.sensing_models import SENSORS, SensingConfig, confusions, models, parameters, sources, table
from wayside.worlds.sumo import SumoConfig

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "sensors.md"


@pytest.mark.parametrize("name", parameters())
def test_every_parameter_says_what_it_is_and_where_each_value_comes_from(name: str) -> None:
    part = parameters()[name]
    assert part["meaning"] and ("unit" in part or name == "taken_for")
    assert all(sensor in part for sensor in SENSORS)
    said = part["source"]
    quoted = [said] if isinstance(said, str) else [said[sensor] for sensor in SENSORS]
    assert set(quoted) <= sources().keys()


def test_every_source_is_quoted() -> None:
    quoted: set[str] = set()
    for part in parameters().values():
        quoted |= {part["source"]} if isinstance(part["source"], str) else set(part["source"].values())
    assert quoted == sources().keys()


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_wrong_class_is_another_one_and_the_shares_make_a_whole(sensor: str) -> None:
    shares = confusions(sensor)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(Kind)))
    assert (np.diag(shares)[1:] == 0.0).all() and (shares >= 0.0).all()


def test_a_city_file_changes_single_values() -> None:
    config = convert(
        {"net": "x", "sensing": {"every": {"miss_near": 0.5}, "camera": {"miss_near": 0.25}}}, SumoConfig, "here"
    ).sensing
    changed = models(config)["miss_near"]
    assert changed[SensorKind.CAMERA - 1] == 0.25 and changed[SensorKind.LIDAR - 1] == 0.5
    assert models(SensingConfig())["miss_near"][SensorKind.RADAR_VIDEO - 1] == 0.02


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"every": {"mis_near": 0.5}}, "did you mean 'miss_near'"),
        ({"radar": {"miss_near": -1.0}}, "not a finite number"),
        ({"radar": {"miss_near": float("nan")}}, "not a finite number"),
        ({"every": {"taken_for": 1.0}}, "no sensor parameter 'taken_for'"),
        ({"radr": {}}, "radr"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        convert({"net": "x", "sensing": given}, SumoConfig, "here")


def test_exact_sensors_have_no_errors_left() -> None:
    exact = models(SensingConfig(exact=True))
    for name, part in parameters().items():
        if "exact" in part:
            assert (exact[name] == part["exact"]).all()
    assert (models(SensingConfig(exact=True, every={"miss_near": 0.1}))["miss_near"] == 0.1).all()


def test_the_guide_shows_the_table_as_it_is() -> None:
    text = GUIDE.read_text("utf-8")
    assert table() in text
    for name, told in sources().items():
        assert f"| {name} | {told} |" in text


def test_a_config_is_plain_data() -> None:
    config = SensingConfig(radar={"miss_far": 0.3})
    assert msgspec.json.decode(msgspec.json.encode(config), type=SensingConfig) == config
