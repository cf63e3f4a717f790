from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wayside.frame import Frame
from wayside.language import catalogue
from wayside.maps.drawing import two_lane_road
from wayside.recorder import Recorder
from wayside.report import Verdict
from wayside.run import Run
from wayside.security.attacks import Attack
from wayside.security.detection import Outcome, reasons_of, tell
from wayside.security.detection_study import misbehaviour
from wayside.security.tables import Distrust
from wayside.v2x.tables import Kind, Reports

START, TICK = 1_000_000_000_000, 100_000_000
CARS = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Twelve cars, 40 m apart, for eight seconds."""
    folder: Path = tmp_path_factory.mktemp("honest") / "run"
    some = np.ones(CARS)
    with Recorder(folder, {"name": "test"}, two_lane_road(1000.0)) as recorder:
        for k in range(80):
            now = START + k * TICK
            said = Reports(
                sender=np.arange(1, CARS + 1), time_ns=now * some, received_ns=now * some, kind=some * Kind.CAR,
                x=np.arange(CARS) * 40.0 + k, y=0 * some, heading=0 * some, speed=10 * some, acceleration=0 * some,
                yaw_rate=0 * some, vertical=0 * some, length=4.6 * some, width=1.8 * some,
                position_sigma=0.3 * some, events=0 * some,
            ).canonical()  # fmt: skip
            recorder.record(Frame(now, [said]), {}, [])
    return Run(folder)


def test_liars_are_found_with_their_reason_and_delay(run: Run) -> None:
    told = tell(run, Attack.RANDOM_POS, seed=1, share=0.4, identity_s=0.0)
    assert 0 < told.lied.sum() < CARS
    assert told.scores() == (1.0, 1.0, 1.0)
    assert told.vehicles == len(told.delays_s) == told.lied.sum()
    assert told.delays_s.max() < 1.0
    assert set(reasons_of(told, lied=True)) <= {Distrust.JUMPS, Distrust.OFF_ROAD}
    assert reasons_of(told, lied=False) == {}


def test_honest_traffic_has_no_liars_and_its_time_is_counted(run: Run) -> None:
    told = tell(run, None, seed=1)
    assert not told.lied.any()
    assert (told.found_ns < 0).all()
    assert told.honest_s == pytest.approx(CARS * 8.0)


def test_a_changed_identity_does_not_hide_how_long_a_liar_lied(run: Run) -> None:
    whole = tell(run, Attack.CONST_SPEED_OFFSET, seed=1, share=0.4, identity_s=0.0)
    parts = tell(run, Attack.CONST_SPEED_OFFSET, seed=1, share=0.4, identity_s=3.0)
    assert parts.lied.sum() > whole.lied.sum()
    assert parts.vehicles == whole.vehicles
    assert parts.delays_s.min() > 1.0


def test_scores_of_several_runs_are_those_of_all_senders_together(run: Run) -> None:
    one, two = (tell(run, Attack.DOS, seed=seed, share=0.4) for seed in (1, 2))
    both = Outcome.joined([one, two])
    assert both.lied.sum() == one.lied.sum() + two.lied.sum()
    assert both.honest_s == one.honest_s + two.honest_s


@pytest.mark.slow
def test_the_study_has_a_line_for_each_attack_of_f2md_and_texts_for_all(run: Run) -> None:
    report = misbehaviour([run], seeds=(1,))
    assert len(report.lines) == 20
    assert {line.text for line in report.lines} <= set(catalogue())
    (grid, honest) = report.grids
    assert len(grid.rows) == len(Attack)
    assert {str(row[0]) for row in grid.rows} | {str(row[-1]) for row in grid.rows} <= set(catalogue())
    assert honest.rows[0][1] == 0
    assert report.lines[-1].verdict == Verdict.PASS


def test_without_runs_nothing_is_claimed() -> None:
    assert {line.verdict for line in misbehaviour([]).lines} == {Verdict.UNKNOWN}
