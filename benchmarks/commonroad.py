"""Recorded traffic (NGSIM) through sensor models, fusion and services: the figures of both studies.

The scenes are developer data in CommonRoad XML and not part of this repository. Each is played as `wayside case`
plays it: poles every 200 m, three in ten vehicles send, errors of ten seeds. Every scene and seed is a Run of its
own; a bar holds the mean, and least and greatest stand beside it.

Limits: recordings last some seconds, and road users are gone after their last state, though in view, while their
tracks go on for a moment; `of those recorded then` leaves these tracks out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.bar import Bar
from benchmarks.roundabout import DATA
from wayside.guidance.studies import warnings
from wayside.report import Report
from wayside.roadside.comparison import GOOD_M, PAIR_M, compare
from wayside.roadside.studies import perception
from wayside.run import Run
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import record_case
from wayside.worlds.tables import Truth

FOLDER = DATA / "scenarios" / "commonroad"
RECORDED = "USA_*.xml"  # the others are simulated
SEEDS = range(1, 11)
GONE_S = 3.0  # for so long a track may outlive its road user
TIMED = "A1-compute-p99"  # a scene is too short for a figure of time


def _precision(run: Run) -> float:
    """Return the share of shown road users that are there, of those whose recording had not just ended."""
    one = compare(run)
    ticks, truth = run.rows(Truth)
    _, first = np.unique(truth.id[::-1], return_index=True)
    last = len(truth) - 1 - first  # row of the last state of each
    ended, x, y = ticks[last], truth.x[last], truth.y[last]
    speed, heading = truth.speed[last], truth.heading[last]
    wrong = np.flatnonzero(one.judged & ~one.paired)
    excused = 0
    for row in wrong.tolist():
        since = (one.actor_ticks[row] - ended) * 1e-9
        way = speed * since
        away = np.hypot(
            one.actors.x[row] - x - way * np.cos(heading), one.actors.y[row] - y - way * np.sin(heading)
        )
        excused += bool(((since > 0.0) & (since <= GONE_S) & (away < PAIR_M + GOOD_M)).any())
    judged = int(one.judged.sum()) - excused
    return (judged - (len(wrong) - excused)) / judged if judged else float("nan")


def _play(scene: Path, seed: int, folder: Path) -> tuple[Run, list[Report]]:
    case = msgspec.structs.replace(cases_in(scene)[0], seed=seed)
    record_case(case, folder)
    run = Run(folder)
    return run, [perception([run]), warnings([run])]


def _spread(values: list[float]) -> str:
    return f"{min(values):.3g}-{max(values):.3g} of {len(values)} Runs"


def measure() -> list[Bar]:
    """Measure each line of both studies over all scenes and seeds; nothing where the scenes are not there."""
    scenes = sorted(FOLDER.glob(RECORDED))
    if not scenes:
        print(f"skipped: no recorded scenes at {FOLDER}; set WAYSIDE_DATA", file=sys.stderr)
        return []
    found: dict[str, list[float]] = {}
    unknown: dict[str, int] = {}
    for scene in scenes:
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                run, reports = _play(scene, seed, Path(folder) / "run")
                precision = _precision(run)
            found.setdefault("A1-precision, of those recorded then", []).append(precision)
            for report in reports:
                for line in report.lines:
                    if line.id != TIMED and line.measured is not None:
                        found.setdefault(line.id, []).append(float(line.measured))
                    elif line.id != TIMED:
                        unknown[line.id] = unknown.get(line.id, 0) + 1
    lines = {line.id: line for report in reports for line in report.lines}
    bars = []
    for name in sorted(found):
        line = lines[name.split(",")[0]]
        values = found[name]
        bars.append(Bar(name, float(np.mean(values)), line.sense, None, line.unit, _spread(values)))
    for name in sorted(unknown):
        line = lines[name]
        beside = "nothing was there to be judged in that many Runs"
        bars.append(Bar(f"{name}: unknown", unknown[name], line.sense, None, "Runs", beside))
    return bars
