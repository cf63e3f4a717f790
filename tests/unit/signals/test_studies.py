from __future__ import annotations

import numpy as np
import pytest

from wayside.frame import Frame
from wayside.maps.drawing import crossroads
from wayside.recorder import Recorder
from wayside.report import Verdict
from wayside.run import Run
from wayside.signals.forecast import LightHistoryConfig, SignalForecastConfig, light_history, signal_forecasts
from wayside.signals.studies import signals
from wayside.signals.tables import Light, LightHistory
from wayside.supervision.tables import Findings, Rule
from wayside.world import Event

ROAD = crossroads()


def record(folder, signals_of, *, seconds=90.0, faulty=False, found_at=None, planted_at=None) -> Run:
    history = LightHistory.empty()
    with Recorder(folder, {"name": "test"}, ROAD) as recorder:
        for k in range(round(seconds * 10)):
            time_s = k / 10
            now = round((time_s + 1e4) * 1e9)
            said = signals_of(time_s).canonical()
            if faulty:
                said = said.replace(light=np.where(said.light == Light.YELLOW, Light.RED, said.light))
            history = light_history(said, history, time_ns=now, config=LightHistoryConfig()).canonical()
            foreseen = signal_forecasts(said, history, time_ns=now, config=SignalForecastConfig())
            findings = Findings.empty()
            if found_at is not None and time_s >= found_at:
                findings = Findings(
                    rule=[Rule.SIGNAL_CONFLICT],
                    subject=[0],
                    x=[0.0],
                    y=[0.0],
                    since_ns=[now],
                    value=[3.0],
                    limit=[2.0],
                )
            events = []
            if planted_at is not None and k == 0:
                at = round((planted_at + 1e4) * 1e9)
                events = [Event(at, "planted", {"fault": "signal", "subject": 0, "from_ns": at})]
            recorder.record(Frame(now, [said, history, foreseen, findings]), {}, events)
    return Run(folder)


def lines(run):
    return {line.id: line for line in signals([run]).lines}


def test_a_fixed_time_controller_meets_all(tmp_path, signals_of):
    found = lines(record(tmp_path / "run", signals_of))
    assert found["A8-spat-end"].measured <= 0.051
    assert found["A8-spat-rate"].measured == pytest.approx(10.0)
    assert found["A8-illegal-changes"].measured == 0
    assert found["A8-conflict-false"].verdict == Verdict.PASS
    assert found["A8-conflict-found"].verdict == Verdict.UNKNOWN


def test_green_that_turns_red_without_yellow_is_counted(tmp_path, signals_of):
    found = lines(record(tmp_path / "run", signals_of, faulty=True))
    assert found["A8-illegal-changes"].measured >= 2
    assert found["A8-illegal-changes"].verdict == Verdict.FAIL


def test_a_lie_found_is_timed_and_a_truth_accused_is_counted(tmp_path, signals_of):
    found = lines(record(tmp_path / "lie", signals_of, planted_at=20.0, found_at=50.0))
    assert found["A8-conflict-found"].measured == pytest.approx(30.0)
    assert found["A8-conflict-false"].measured == 0
    found = lines(record(tmp_path / "truth", signals_of, found_at=50.0))
    assert found["A8-conflict-false"].measured == 1


def test_no_runs_judge_nothing():
    report = signals([])
    assert all(line.verdict != Verdict.FAIL for line in report.lines)
