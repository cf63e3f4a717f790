from __future__ import annotations

import numpy as np
import pytest

from wayside.frame import Frame
from wayside.maps.drawing import two_lane_road
from wayside.recorder import Recorder
from wayside.report import Verdict
from wayside.roadside.tables import Detections, Poles
from wayside.run import Run
from wayside.security.plausibility import PlausibilityConfig, judge_senders
from wayside.security.sight import PoleReachConfig, pole_reach
from wayside.security.studies import trust
from wayside.security.tables import PoleReach, Trust
from wayside.v2x.tables import Reports
from wayside.world import Event

ROAD = two_lane_road()
POLES = Poles(pole=[1], x=[200.0], y=[12.0], range=[120.0], position_sigma=[0.3], controller=[-1])
START, TICK = 1_000_000_000_000, 100_000_000
GHOST, HONEST = 99, 7


def filled(table, count, /, **columns):
    return table(**{name: columns.get(name, np.zeros(count)) for name in table.columns})


def record(folder, ticks: int, planted: bool) -> Run:
    """Store a Run in which a ghost stands in view and an honest car is seen."""
    reach, memory = PoleReach.empty(), Trust.empty()
    with Recorder(folder, {"name": "test"}, ROAD) as recorder:
        for k in range(ticks):
            now = START + k * TICK
            said = filled(
                Reports, 2, sender=[HONEST, GHOST], time_ns=[now, now], x=[150.0, 240.0], length=[4.6, 4.6]
            ).canonical()
            seen = filled(
                Detections, 2, pole=[1, 1], time_ns=[now, now], number=[0, 1], kind=[1, 1], x=[150.0, 290.0],
                length=[4.6, 4.6], width=[1.8, 1.8],
            ).canonical()  # fmt: skip
            reach = pole_reach(seen, POLES, reach, time_ns=now, config=PoleReachConfig()).canonical()
            memory = judge_senders(
                said, seen, POLES, reach, memory, road=ROAD, time_ns=now, config=PlausibilityConfig()
            ).canonical()
            events = [Event(now, "planted", {"fault": "forger", "subject": GHOST, "from_ns": now})]
            recorder.record(
                Frame(now, [said, seen, reach, memory, POLES]), {}, events if planted and k == 0 else []
            )
    return Run(folder)


def lines(report):
    return {line.id: line for line in report.lines}


def test_a_forger_found_in_time_passes(tmp_path):
    report = trust([record(tmp_path / "run", 60, planted=True)])
    found = lines(report)
    assert found["B9-forger-found"].measured == pytest.approx(PlausibilityConfig().unseen_s, abs=0.25)
    assert found["B9-forger-found"].verdict == Verdict.PASS
    assert found["B9-honest-distrusted"].measured == 0
    assert dict(report.grids[1].rows)["security.unseen"] == 1


def test_a_forger_not_found_is_not_met_silently(tmp_path):
    found = lines(trust([record(tmp_path / "run", 10, planted=True)]))
    assert found["B9-forger-found"].verdict == Verdict.UNKNOWN
    assert found["B9-honest-distrusted"].verdict == Verdict.PASS


def test_who_is_distrusted_without_being_planted_counts_as_honest(tmp_path):
    found = lines(trust([record(tmp_path / "run", 60, planted=False)]))
    assert found["B9-honest-distrusted"].measured == 1
    assert found["B9-honest-distrusted"].verdict == Verdict.FAIL


def test_no_runs_give_unknown_lines():
    assert {line.verdict for line in trust([]).lines} == {Verdict.UNKNOWN}
