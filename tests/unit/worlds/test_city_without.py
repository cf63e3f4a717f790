"""A place without poles, senders or signals: it runs, and says unknown where nothing can be known."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.report import Report
from wayside.roadside.tables import Actors, PoleQuality
from wayside.run import Run
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import record_case

POLE = {"x": 0, "y": 10}
EAST = {"name": "A", "poses": [[0, -90, 0], [8, 30, 0]]}
NORTH = {"name": "B", "poses": [[0, 0, -60], [8, 0, 60]]}


def observed(folder: Path, *, poles: list[Any], senders: tuple[bool, bool]) -> Run:
    actors = [{**actor, "equipped": sends} for actor, sends in zip((EAST, NORTH), senders, strict=True)]
    (case,) = cases_in({"poles": poles, "actors": actors})
    record_case(case, folder)
    return Run(folder)


@pytest.fixture(scope="module")
def without_poles(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return observed(tmp_path_factory.mktemp("poles") / "run", poles=[], senders=(True, False))


@pytest.fixture(scope="module")
def without_senders(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return observed(tmp_path_factory.mktemp("senders") / "run", poles=[POLE], senders=(False, False))


@pytest.fixture(scope="module")
def without_anything(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return observed(tmp_path_factory.mktemp("nothing") / "run", poles=[], senders=(False, False))


def told(run: Run) -> dict[str, float | bool | None]:
    """Return what each line of every study says."""
    found: dict[str, float | bool | None] = {}
    for point in entry_points(group="wayside.studies"):
        study = point.load()
        report = study([run]) if callable(study) and not isinstance(study, type) else None
        if isinstance(report, Report):
            found |= {line.id: line.measured for line in report.lines}
    return found


def test_without_poles_only_those_who_send_are_shown_and_nothing_is_said_of_poles(without_poles: Run) -> None:
    _, actors = without_poles.rows(Actors)
    assert len(np.unique(actors.sender)) == 1
    assert (actors.sources == 1).all()
    assert not len(without_poles.asset(PoleQuality))
    lines = told(without_poles)
    assert lines["A1-recall"] == 1.0  # of those who send; nobody else is wanted
    assert lines["A8-spat-rate"] is None


def test_without_senders_those_in_view_are_shown_and_nothing_is_known_of_messages(without_senders: Run) -> None:
    _, actors = without_senders.rows(Actors)
    assert len(np.unique(actors.id)) == 2
    assert not actors.sender.any()
    quality = without_senders.asset(PoleQuality)
    assert np.isnan(quality.offset_x).all()  # nobody told the poles where he truly was
    lines = told(without_senders)
    assert lines["A1-recall"] is not None
    for unknown in ("A3-bsm-rate-min", "A3-bsm-rate-max", "A3-recall", "A3-false-alarms", "B9-share-verified"):
        assert lines[unknown] is None, unknown


def test_where_nothing_sees_and_nobody_speaks_everything_is_unknown(without_anything: Run) -> None:
    assert not len(without_anything.rows(Actors)[1])
    lines = told(without_anything)
    accuracy = [name for name in lines if name.startswith("A1-") and not name.startswith("A1-compute")]
    assert len(accuracy) >= 7
    assert {name: lines[name] for name in accuracy} == dict.fromkeys(accuracy)
    forecasts = [name for name in lines if name.startswith("B1-")]
    assert {name: lines[name] for name in forecasts} == dict.fromkeys(forecasts)
    for unknown in ("A3-precision", "A3-recall", "A3-false-alarms", "A3-lead", "A8-spat-end", "A8-spat-rate"):
        assert lines[unknown] is None, unknown
