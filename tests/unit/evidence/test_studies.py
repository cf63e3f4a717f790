"""What a Run cost."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.evidence.studies import performance
from wayside.report import Verdict


def run_with(**changed):
    facts = {"name": "r", "timings": {}, "manifest": {"rows": {"actors": 100}, "complete": True}} | changed
    return SimpleNamespace(**facts)


def measured(*runs):
    return {line.id: line for line in performance(list(runs)).lines}


def test_percentiles_leave_out_the_first_ticks_and_join_runs():
    slow_start = np.concatenate([np.full(20, 500.0), np.full(80, 4.0)])
    lines = measured(run_with(timings={"tick": slow_start}), run_with(timings={"tick": np.full(100, 6.0)}))
    assert lines["A13-tick-p50"].measured == 6.0 and lines["A13-tick-p99"].measured == 6.0


def test_a_tick_is_in_time_if_all_its_own_parts_together_are():
    parts = {
        "tick": np.full(40, 50.0),
        "decode": np.full(40, 30.0),
        "store": np.where(np.arange(40) % 4, 10.0, 30.0),
    }
    assert measured(run_with(timings=parts))["A13-in-time"].measured == pytest.approx(0.75)


def test_the_simulators_time_does_not_count():
    parts = {"tick": np.full(40, 5.0), "world": np.full(40, 900.0)}
    assert measured(run_with(timings=parts))["A13-in-time"].measured == 1.0


def test_octets_are_those_of_the_tables_on_disk(tmp_path):
    (tmp_path / "tables" / "actors").mkdir(parents=True)
    (tmp_path / "tables" / "actors" / "00000.parquet").write_bytes(b"x" * 4200)
    (tmp_path / "report.html").write_bytes(b"x" * 99999)
    assert measured(run_with(folder=tmp_path))["A13-octets-per-actor-row"].measured == 42.0


def test_what_was_not_measured_is_unknown_and_a_cut_run_fails():
    lines = measured(run_with(manifest={"complete": False}))
    assert lines["A13-tick-p50"].verdict is Verdict.UNKNOWN
    assert lines["A13-octets-per-actor-row"].verdict is Verdict.UNKNOWN
    assert lines["H2-whole"].verdict is Verdict.FAIL
    assert measured()["H2-whole"].verdict is Verdict.UNKNOWN


def test_every_part_has_a_row_and_the_slowest_steps_a_bar():
    report = performance(
        [run_with(timings={"track": np.full(40, 1.0), "tick": np.full(40, 3.0), "a": np.full(40, 2.0)})]
    )
    assert [row[0] for row in report.grids[0].rows] == ["evidence.part_tick", "a", "track"]
    assert list(report.figures[1].series[0].x) == ["a", "track"]
