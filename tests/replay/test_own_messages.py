"""What the pilot zone's stations and vehicles say passes our own check of conformance."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wayside.admission.tables import ZoneCorners
from wayside.guard.tables import MeasureOrders, WarningOrders
from wayside.report import Verdict
from wayside.roadside.tables import Actors, Incidents, Poles, Units
from wayside.run import Run
from wayside.signals.tables import SignalControllers, SignalForecasts
from wayside.v2x.conformance import messages
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.tables import Reports

SAID = (Actors, SignalForecasts, MeasureOrders, WarningOrders, Incidents, Reports)
STANDS = (Poles, Units, SignalControllers, ZoneCorners)
# what twelve seconds may be too short to tell of
OF_VEHICLES = {"A12-red-passages", "A12-green-standing", "A12-turns", "A12-lane-offset", "A12-lane-heading"}


@pytest.mark.slow
def test_messages_of_the_pilot_zone_meet_every_requirement(tmp_path: Path) -> None:
    arguments = ["run", "pingshan", "--seconds", "12", "--out", str(tmp_path / "run"), "--json"]
    command = [sys.executable, "-m", "wayside.cli", *arguments]
    subprocess.run(command, capture_output=True, check=True, timeout=280)
    run = Run(tmp_path / "run")
    edge = V2xEdge(EdgeConfig(), run.road, [run.asset(kind) for kind in STANDS])
    with (tmp_path / "own.jsonl").open("w") as file:
        for frame in run.frames(SAID):
            for batch in (edge.encode(frame), edge.speak([frame[Reports]], frame.time_ns)):
                for one in batch:
                    line = {"time_ns": one.time_ns, "link": str(one.link), "hex": one.payload.hex()}
                    file.write(json.dumps(line) + "\n")
    assert edge.cuts == ()
    found = messages.check(tmp_path / "own.jsonl", None)
    assert found.report is not None
    assert found.facts["spatFrame"] == 24 * 120 and found.facts["mapFrame"] >= 24 * 11
    failing = {line.id: line.measured for line in found.report.lines if line.verdict is Verdict.FAIL}
    assert failing == {}
    unknown = {line.id for line in found.report.lines if line.verdict is Verdict.UNKNOWN}
    assert unknown <= OF_VEHICLES
