"""Playing cases: what is said of whom, expectations, records, pages and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.roadside.tables import Actors
from wayside.run import Run
from wayside.world import World
from wayside.worlds.case_command import main
from wayside.worlds.case_file import CaseError
from wayside.worlds.case_opening import open_case
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import play, record_case

HEAD_ON: dict[str, Any] = {
    "title": {"en": "Head on", "zh": "迎面相向"},
    "actors": [
        {"name": "A", "poses": [[0, -60, 0], [5, 0, 0]]},
        {"name": "B", "poses": [[0, 60, 0], [5, 0, 0]]},
    ],
}
BESIDE: dict[str, Any] = {
    "seconds": 3,
    "actors": [
        {"name": "A", "poses": [[0, -60, 0], [5, 0, 0]]},
        {"name": "P", "kind": "pedestrian", "poses": [[0, -20, 9], [5, -20, 9]]},
    ],
}


def played(**changed: Any) -> list[str]:
    return play({**HEAD_ON, **changed}).problems


def test_a_head_on_case_warns_both_by_their_names() -> None:
    rows = play(HEAD_ON).rows
    warned = {(row["subject"], row["other"]) for row in rows if row["what"] == "warning"}
    assert warned == {("A", "B"), ("B", "A")}
    for row in rows:
        assert {"t", "what", "subject", "reason"} <= row.keys()
        assert 0.0 <= row["confidence"] <= 1.0
        assert row["reason"]
    times = [row["t"] for row in rows if row["subject"] == "A" and row["verdict"] == "approved"]
    assert np.diff(times) == pytest.approx(1.0)  # said again once a second


def test_the_reason_is_in_the_language_asked_for() -> None:
    assert "碰撞" in play(HEAD_ON, language="zh").rows[0]["reason"]


def test_what_is_expected_and_not_said_is_told() -> None:
    assert played(expect={"warn": [{"service": "forward_collision", "subject": "A"}]}) == []
    (late,) = played(expect={"warn": [{"service": "forward_collision", "until": 0.5}]})
    assert late.startswith("expect.warn[0]: expected service forward_collision between 0 and 0.5 s; only at ")
    (never,) = played(expect={"warn": [{"service": "red_light"}]})
    assert never.endswith("never said")
    noisy = played(expect={"quiet": ["*"]})
    assert noisy
    assert noisy[0].startswith("expect.quiet: forward_collision spoke at ")
    (short,) = played(expect={"lead_s": {"forward_collision": 4.9}})
    assert "before the bodies touch at 4.81 s, not 4.9 s" in short
    (apart,) = play({**BESIDE, "expect": {"lead_s": {"forward_collision": 1.0}}}).problems
    assert "no two bodies ever touch" in apart


def test_a_case_is_played_the_same_each_time() -> None:
    noisy = {**HEAD_ON, "exact": False, "seed": 3}
    assert play(noisy).rows == play(noisy).rows


def test_exact_equipment_shows_actors_where_they_are() -> None:
    (case,) = cases_in(BESIDE)
    opened = open_case(case)
    world, frame = opened.world, opened.pipeline.first()
    assert isinstance(world, World)
    now = world.start_ns
    while (intake := world.poll(now)) is not None:
        arrived = (*intake.tables, *opened.edge.decode(intake.messages, now))
        frame = opened.pipeline.tick(frame, arrived, now)
        now += world.tick_ns
    assert world.ticks == 31
    seen = frame[Actors]
    assert len(seen) == len(world.truth) == 2
    away = np.hypot(seen.x[:, None] - world.truth.x, seen.y[:, None] - world.truth.y).min(axis=1)
    assert (away < 0.1).all()
    with pytest.raises(CaseError, match="time only moves forward"):
        world.poll(world.start_ns)


def test_who_sends_nothing_is_seen_by_a_pole_only_where_one_stands() -> None:
    crossing = {
        "seconds": 5,
        "map": "straight",
        "actors": [
            {"name": "A", "lanes": ["east_0"], "start": 440, "speed": 14},
            {"name": "P", "kind": "pedestrian", "poses": [[0, 0, -13], [5, 0, -5]]},
        ],
    }
    assert any(row.get("service") == "vulnerable_road_user" for row in play(crossing).rows)
    assert not play({**crossing, "poles": []}).rows


def test_a_step_may_be_tried_out_before_a_plugin_brings_it() -> None:
    play(BESIDE, steps=["wayside.guidance.following:forward_collision"])
    with pytest.raises(CaseError, match="no step 'wayside"):
        play(BESIDE, steps=["wayside.guidance.nothing:at_all"])


def test_assets_stand_as_in_a_city_file() -> None:
    wrong = {**BESIDE, "assets": {"Sings": []}}
    with pytest.raises(CaseError, match="did you mean 'Signs'"):
        play(wrong)
    with pytest.raises(CaseError, match="is missing"):
        play({**BESIDE, "assets": {"Units": [{"unit": 1}]}})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"map": "crossing", "signals": [{"group": 9, "states": [[0, "red"]]}]}, "no group 9; controller 0 has"),
        ({"signals": [{"group": 1, "states": [[0, "red"]]}]}, "the map plane has no controller 0"),
        ({"requests": [{"t": 0, "actor": "A", "kind": "lane_change", "target_lane": "x"}]}, "has no lane 'x'"),
    ],
)
def test_what_the_map_does_not_have_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError) as wrong:
        play({**BESIDE, **changed})
    assert said in str(wrong.value)


def test_a_recorded_case_is_a_run_that_studies_read(tmp_path: Path) -> None:
    (case,) = cases_in(HEAD_ON)
    stored = record_case(case, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.manifest["complete"]
    assert len(run.ticks) == stored.world.ticks == 51
    assert stored.rows == play(HEAD_ON).rows


def test_the_command_prints_lines_and_tells_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps({**HEAD_ON, "expect": {"warn": [{"service": "forward_collision"}]}}), "utf-8")
    wrong.write_text(json.dumps({**HEAD_ON, "expect": {"quiet": ["*"]}}), "utf-8")
    assert main([str(right), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"what": "outcome", "case": str(right), "right": True, "problems": []}
    assert lines[0]["what"] == "warning"
    assert main([str(tmp_path)]) == 1
    assert "Head on" in capsys.readouterr().out
    with pytest.raises(CaseError, match="no such file or folder"):
        main([str(tmp_path / "none.toml")])
    with pytest.raises(CaseError, match="--page and --out are for one case"):
        main([str(tmp_path), "--page", str(tmp_path / "p.html")])


def test_pages_show_each_case_and_never_overwrite_anything_else(tmp_path: Path) -> None:
    cases = tmp_path / "cases" / "forward_collision"
    cases.mkdir(parents=True)
    name = {**HEAD_ON["actors"][0], "name": "<A> & co"}
    sweep = {"actors": [name, HEAD_ON["actors"][1]], "sweep": {"n": [1, 2]}, "rotate": "$n", "title": "<i>"}
    (cases / "head-on.json").write_text(json.dumps(sweep), "utf-8")
    pages = tmp_path / "pages"
    assert main([str(tmp_path / "cases"), "--pages", str(pages)]) == 0
    page = (pages / "forward_collision" / "head-on.html").read_text("utf-8")
    assert page.count("<svg") == 2
    assert "&lt;A&gt; &amp; co" in page
    assert "<A>" not in page
    index = (pages / "index.html").read_text("utf-8")
    assert 'href="forward_collision/head-on.html"' in index
    assert main([str(tmp_path / "cases"), "--pages", str(pages), "--lang", "zh"]) == 0
    with pytest.raises(CaseError, match="is no pages of cases"):
        main([str(tmp_path / "cases"), "--pages", str(tmp_path / "cases")])
