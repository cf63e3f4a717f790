"""Case files: what is read, and what the error says where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wayside.worlds.case_file import CaseError
from wayside.worlds.case_reading import cases_in

A: dict[str, Any] = {"name": "A", "poses": [[0, 0, 0], [1, 9, 0]]}


def written(folder: Path, text: str, name: str = "case.toml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def test_a_short_case_has_defaults_for_the_rest(tmp_path: Path) -> None:
    (case,) = cases_in(written(tmp_path, "[[actors]]\nname = 'A'\nposes = [[0, 0, 0], [1, 9, 0]]"))
    assert (case.name, case.map, case.exact, case.seed, case.poles) == ("case", "plane", True, 1, None)
    assert case.folder == str(tmp_path)


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    toml = written(tmp_path, "seconds = 3\n[[actors]]\nname = 'A'\nposes = [[0, 0, 0], [1, 9, 0]]")
    as_json = written(tmp_path, json.dumps({"seconds": 3, "actors": [A]}), "case.json")
    assert cases_in(toml) == cases_in(as_json)


def test_a_sweep_gives_every_combination_and_sums_are_worked_out() -> None:
    cases = cases_in(
        {
            "title": "At $v m/s",
            "rotate": "$turn",
            "sweep": {"v": [-5, 10], "turn": [0, 90]},
            "actors": [{"name": "A", "poses": [[0, "-2 * ($v - 1)", 0], [1, "$v", 0]]}],
        }
    )
    assert [(c.variant, c.titled("en"), c.rotate, c.actors[0].poses[0][1]) for c in cases] == [
        ("v=-5, turn=0", "At (-5) m/s", 0.0, 12),
        ("v=-5, turn=90", "At (-5) m/s", 90.0, 12),
        ("v=10, turn=0", "At 10 m/s", 0.0, -18),
        ("v=10, turn=90", "At 10 m/s", 90.0, -18),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"actors": []}, "actors: 0 found; expected 1 to 10000"),
        ({"actors": [A, A]}, "actors[1].name: 'A' is the name of actors[0] too"),
        ({"actors": [{**A, "lenght": 4.0}]}, "actors[0]: Object contains unknown field `lenght`"),
        ({"actors": [{**A, "length": -1.0}]}, "actors[0].length: -1 m; expected 0.05 to 60"),
        ({"actors": [{**A, "width": float("nan")}]}, "actors[0].width: nan; expected a finite number"),
        (
            {"actors": [{"name": "A", "poses": [[1, 0, 0], [0, 9, 0]]}]},
            "actors[0].poses[1]: t = 0 s is not after 1 s",
        ),
        (
            {"actors": [{"name": "A", "poses": [[0, 0], [1, 9]]}]},
            "actors[0].poses[0]: [0.0, 0.0]; expected [t, x, y]",
        ),
        (
            {"actors": [{"name": "A", "poses": [[0, 0, 0], [1, 9e9, 0]]}]},
            "lies more than 10000 m from the map's origin",
        ),
        ({"actors": [{"name": "A"}]}, "actors[0] (A): neither poses nor lanes"),
        ({"actors": [{"name": "A", "lanes": ["east_0"]}]}, "actors[0].speed: missing"),
        ({"actors": [{**A, "kind": "boat"}]}, "actors[0].kind: Invalid enum value 'boat'"),
        ({"actors": [{**A, "events": [{"t": 0, "kind": "hazard"}]}]}, "did you mean 'hazard_lights'"),
        ({"seconds": 3601}, "seconds: 3601; expected more than 0 and at most 3600"),
        ({"seconds": "long"}, "seconds: Expected `float | null`, got `str`"),
        (
            {"requests": [{"t": 1, "actor": "C", "kind": "overtake"}]},
            "requests[0].actor: no actor 'C'; known are: A",
        ),
        ({"expect": {"warn": [{"service": "forward"}]}}, "no service 'forward'; did you mean 'forward_collision'"),
        ({"expect": {"warn": [{"service": "red_light", "subject": "B"}]}}, "expect.warn[0].subject: no actor 'B'"),
        ({"expect": {"quiet": ["all"]}}, "expect.quiet[0]: no service 'all'"),
        ({"poles": [{"x": 0, "y": 0, "range": 0}]}, "poles[0].range: 0 m; expected more than 0"),
        ({"signals": [{"group": 1, "states": [[0, "blue"]]}]}, "signals[0].states[0]: no light 'blue'"),
        ({"weather": {"visibility": 0}}, "weather.visibility: 0; expected 1 to 50000"),
        ({"seconds": 3600, "actors": [{**A, "name": str(n)} for n in range(300)]}, "1.08e+06 s of all together"),
        ({"rotate": "$turn"}, "rotate: $turn is not swept; sweep has nothing"),
        ({"sweep": {"v": 3}}, "expected names with lists"),
        ({"sweep": {"v": [1] * 40, "w": [1] * 40}}, "sweep makes 1600 cases; at most 1000"),
        ({"sweep": {"v": [0]}, "seconds": "1 / $v"}, "seconds: '1 / $v' is '1 / 0', which cannot be worked out"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError) as wrong:
        cases_in({"actors": [A], **changed})
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("case.toml", "actors = [", "is not valid TOML"),
        ("case.json", "[1, 2]", "holds list; a case is an object"),
        ("case.json", "[" * 100_000, "is not valid JSON"),
        ("case.toml", "name = 'x'\n[[actors]]\nname = 'A'\nposes = [[0, 0, 0]]", "unknown key 'name' at the top"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = written(tmp_path, text, name)
    with pytest.raises(CaseError) as wrong:
        cases_in(file)
    assert str(file) in str(wrong.value)
    assert said in str(wrong.value)


def test_a_missing_file_is_said() -> None:
    with pytest.raises(CaseError, match=r"nowhere\.toml: cannot be read"):
        cases_in("nowhere.toml")


def test_too_many_actors_are_refused() -> None:
    many = [{**A, "name": f"a{n}"} for n in range(10_001)]
    with pytest.raises(CaseError, match="actors: 10001 found; expected 1 to 10000"):
        cases_in({"actors": many})


def test_a_sum_that_is_no_sum_stays_a_text_and_nothing_else_is_worked_out() -> None:
    (case,) = cases_in({"title": "$v to one", "sweep": {"v": [3]}, "actors": [A]})
    assert case.titled("zh") == "3 to one"
    with pytest.raises(CaseError, match="cannot be worked out"):
        cases_in({"sweep": {"v": [9]}, "seconds": "$v ** $v ** $v", "actors": [A]})
