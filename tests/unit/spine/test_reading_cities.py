"""A wrong city file gets an error that says where, what and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wayside.config import ConfigError, convert, load_plugin, read_city, read_rows
from wayside.roadside.tables import Poles
from wayside.step import StepError
from wayside.world import identity

HEADER = """
[city]
name = "test"
title = { en = "Test", zh = "测试" }
start = "2026-03-02T07:50:00+08:00"

[world]
kind = "sumo"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "city.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_small_city_is_read(tmp_path: Path) -> None:
    pole = "[[Poles]]\npole = 4\nx = 1.0\ny = 2.0\nrange = 80.0\nposition_sigma = 0.3\ncontroller = -1\n"
    city = read_city(written(tmp_path, HEADER + pole))
    assert city.header.title["zh"] == "测试"
    assert city.start_ns == 1772409000 * 10**9
    assert city.tick_ns == 100_000_000
    (poles,) = city.assets
    assert isinstance(poles, Poles) and poles.pole.tolist() == [4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Object missing required field"),
        (HEADER.replace("name =", "nam ="), "unknown field"),
        (HEADER.replace("+08:00", ""), "no offset from UTC"),
        (HEADER.replace('kind = "sumo"', ""), "needs kind"),
        (HEADER + "[[Pole]]\npole = 4\n", "did you mean 'Poles'"),
        (HEADER + "[[Poles]]\npole = 4\n", "is missing"),
        (HEADER + "[[Poles]]\npoles = 4\n", "did you mean 'pole'"),
        (HEADER + "[steps]\nrun = ['trackk']\n", "no step 'trackk' is installed; did you mean 'track'"),
        (HEADER + "[steps]\nrun = []\n[steps.track]\n", "does not run"),
        (HEADER + "[steps]\nrun = ['track']\n[steps.track]\nspeling = 1\n", "keys known there"),
        (HEADER + "x = [", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_city(written(tmp_path, text))
    assert words in str(error.value)
    assert "city.toml" in str(error.value) or "installed" in str(error.value)


def test_an_unknown_city_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="pingshan"):
        read_city("pingshang")


def test_names_become_identities_only_in_identity_columns() -> None:
    permits = load_plugin("placers", "default").__globals__["Permits"]
    row = dict.fromkeys(permits.columns, 0) | {"sender": "taxi-01"}
    table = read_rows(permits, [row], "here")
    assert table.sender.tolist() == [identity("taxi-01")]
    with pytest.raises(ConfigError, match="column 'zone'"):
        read_rows(permits, [row | {"zone": "inner"}], "here")


def test_a_value_too_large_for_its_column_is_refused() -> None:
    row = {"pole": 70000, "x": 0.0, "y": 0.0, "range": 80.0, "position_sigma": 0.3, "controller": -1}
    with pytest.raises(ConfigError, match="uint16"):
        read_rows(Poles, [row], "here")


def test_every_installed_step_loads() -> None:
    from wayside.config import plugins

    for name in plugins("steps"):
        assert load_plugin("steps", name).name == name


def test_settings_that_do_not_fit_name_the_keys() -> None:
    config = load_plugin("steps", "track").config
    with pytest.raises(ConfigError, match="keys known there"):
        convert({"no_such_key": 1}, config, "here")


def test_the_built_in_cities_fit_together() -> None:
    from wayside.config import built_in_cities

    assert {"pingshan", "anywhere"} <= built_in_cities().keys()
    for name in built_in_cities():
        try:
            assert read_city(name).steps
        except StepError as error:  # pragma: no cover
            pytest.fail(f"{name}: {error}")
