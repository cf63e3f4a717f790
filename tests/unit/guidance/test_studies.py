from __future__ import annotations

import numpy as np
import pytest

from wayside.frame import Frame
from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.studies import episodes, requested, warnings
from wayside.guidance.tables import Service, SpeedRequests, WarningRequests
from wayside.language import LANGUAGES, say
from wayside.maps.drawing import two_lane_road
from wayside.recorder import Recorder
from wayside.run import Run
from wayside.worlds.tables import Truth

ROAD = two_lane_road(length=2000.0)
START, TICK = 1_000_000_000_000, 100_000_000


def record(folder, actors_of, *, leader_speed: float, service: int, follower_brakes: bool = False) -> Run:
    """Store a Run of two cars on one lane; the one behind is warned in the first second."""
    with Recorder(folder, {"name": "test"}, ROAD) as recorder:
        for k in range(60):
            t, now = 0.1 * k, START + k * TICK
            follower, leader = 100.0 + 15.0 * t, 140.0 + leader_speed * t
            actors = actors_of([{"x": follower, "speed": 15.0}, {"x": leader, "speed": leader_speed}], ROAD)
            truth = Truth(
                id=[1, 2], kind=[1, 1], x=[follower, leader], y=[0.0, 0.0], heading=[0.0, 0.0],
                speed=[15.0, leader_speed], acceleration=[-4.0 if follower_brakes and k == 20 else 0.0, 0.0],
                length=[4.6, 4.6], width=[1.8, 1.8], lane=[0, 0], equipped=[True, True], automated=[0, 0],
            )  # fmt: skip
            some = {
                "service": [service],
                "subject": [100],
                "other": [101],
                "x": [follower],
                "y": [0.0],
                "lead": [2.0],
                "reason": [1],
            }
            said = (
                WarningOrders(**some, verdict=[Verdict.APPROVED], said_ns=[now])
                if k < 10
                else WarningOrders.empty()
            )
            asked = WarningRequests(**some, confidence=[0.9], value=[2.0]) if k < 10 else WarningRequests.empty()
            advice = {"subject": [100], "x": [follower], "y": [0.0], "speed": [15.0 if k % 2 else 9.0]}
            recorder.record(
                Frame(
                    now,
                    [
                        actors, truth, said, asked,
                        SpeedOrders(**advice, verdict=[Verdict.APPROVED]),
                        SpeedRequests(**advice, controller=[0], group=[1], distance=[50.0]),
                    ],
                ),
                {},
            )  # fmt: skip
    return Run(folder)


def lines(report):
    return {line.id: line.measured for line in report.lines}


def row(report, service: Service):
    return next(r for r in report.grids[0].rows if r[0] == f"guidance.{service.name.lower()}")


def test_a_warning_before_a_real_conflict_is_right(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=0.0, service=Service.FORWARD_COLLISION)
    report = warnings([run])
    assert lines(report)["A3-precision"] == 1.0
    assert lines(report)["A3-false-alarms"] == 0.0
    assert lines(report)["A3-lead"] == pytest.approx(2.0)
    assert row(report, Service.FORWARD_COLLISION)[1] == 1  # one warning, however often it was repeated


def test_a_warning_before_nothing_is_a_false_alarm(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=15.0, service=Service.FORWARD_COLLISION)
    report = warnings([run])
    assert lines(report)["A3-precision"] == 0.0
    hours = 2 * 60 * 0.1 / 3600
    assert lines(report)["A3-false-alarms"] == pytest.approx(1 / hours)


def test_hard_braking_after_a_warning_makes_it_right(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=15.0, service=Service.RED_LIGHT, follower_brakes=True)
    assert row(warnings([run]), Service.RED_LIGHT)[3:5] == (1, 0)


def test_speeding_is_judged_by_the_limit_of_the_true_lane(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=15.0, service=Service.SPEED_LIMIT)
    assert row(warnings([run]), Service.SPEED_LIMIT)[3:5] == (1, 0)


def test_advice_is_counted(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=15.0, service=Service.HAZARD_AHEAD)
    vehicles, asked, approved, followed = warnings([run]).grids[1].rows[0]
    assert (vehicles, asked, approved) == (1, 60, 1.0)
    assert 0.1 < followed < 0.3  # half of the advice that can be followed up for four seconds
    assert requested([run])[Service.HAZARD_AHEAD] == 10


def test_a_warning_after_a_pause_is_a_new_one():
    time = np.array([0, 1, 2, 8, 9]) * 1_000_000_000
    same = np.ones(5, np.uint64)
    assert list(episodes(time, same.astype(np.uint8), same, same)) == [0, 3]
    assert list(episodes(time, same.astype(np.uint8), same, np.array([1, 2, 1, 2, 1], np.uint64))) == [0, 1, 3, 4]


def test_no_runs_judge_nothing():
    assert set(lines(warnings([])).values()) == {None}


def test_a_danger_that_was_warned_of_counts_in_the_recall(tmp_path, actors_of):
    run = record(tmp_path / "run", actors_of, leader_speed=15.0, service=Service.FORWARD_COLLISION)
    assert lines(warnings([run]))["A3-recall"] is None  # no danger
    into = record(tmp_path / "into", actors_of, leader_speed=0.0, service=Service.FORWARD_COLLISION)
    report = warnings([into])
    assert lines(report)["A3-recall"] == 1.0
    assert row(report, Service.FORWARD_COLLISION)[6] == 1.0
    grid = next(g for g in report.grids if g.id == "dangers")
    assert grid.rows[0][:6] == ("guidance.danger_following", 1, 1, 1, 1, 1.0)


def test_every_service_has_a_row_and_several_runs_have_a_mean(tmp_path, actors_of):
    runs = [
        record(tmp_path / str(service), actors_of, leader_speed=0.0, service=service)
        for service in (Service.LEFT_TURN, Service.CONTROL_LOSS)
    ]
    report = warnings(runs)
    assert len(report.grids[0].rows) == len(Service)
    assert row(report, Service.LEFT_TURN)[1:6] == (1, pytest.approx(1 / (4 * 60 * 0.1 / 3600)), 1, 0, 1.0)
    assert row(report, Service.CONTROL_LOSS)[3:6] == (None, None, None)
    names = [r[0] for r in next(g for g in report.grids if g.id == "warnings-runs").rows]
    assert names[2:] == ["guidance.mean", "guidance.least", "guidance.greatest"]


def test_every_text_of_the_study_is_in_both_languages(tmp_path, actors_of):
    run = record(
        tmp_path / "run", actors_of, leader_speed=0.0, service=Service.FORWARD_COLLISION, follower_brakes=True
    )
    report = warnings([run, run])
    keys = [line.text for line in report.lines] + list(report.notes)
    keys += [key for grid in report.grids for key in (grid.text, *grid.headings)]
    keys += [r[0] for grid in report.grids[2:3] for r in grid.rows]
    for figure in report.figures:
        keys += [figure.text, figure.x_text, figure.y_text, *(series.text for series in figure.series)]
    for key in keys:
        assert all(say(key, language) for language in LANGUAGES)
