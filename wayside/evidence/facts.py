"""The evidence pack as plain values: what `evidence.json` holds and the page is made of."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.evidence.terminal import counts, failures_first, natural
from wayside.evidence.words import in_both
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.table import F64

if TYPE_CHECKING:
    from wayside.run import Run

FORMAT = 1  # version of evidence.json
LOCAL = timezone(timedelta(hours=8), "UTC+8")  # the time in which instants are written
UNITS = {Rule.OUTSIDE_ZONE: "m", Rule.CLOSED_ZONE: "m/s", Rule.SPEED_ABOVE_PERMIT: "m/s",
         Rule.SPEED_ABOVE_MEASURE: "m/s", Rule.OUTSIDE_HOURS: "min", Rule.VISIBILITY_BELOW_PERMIT: "m",
         Rule.PERMIT_EXPIRED: "s", Rule.SILENT: "s", Rule.CHARGER_ABOVE_ORDER: "kW",
         Rule.SITE_ABOVE_LIMIT: "kW", Rule.POLE_MISALIGNED: "rad",
         Rule.STALLED_VEHICLE: "s"}  # fmt: skip


def gather_facts(run: Run, reports: Sequence[Report], folder: Path) -> dict[str, Any]:
    """Return everything that the pack states, in plain values.

    Args:
        run: the Run that it is about.
        reports: what studies said of it.
        folder: where the pack is written; evidence files under `cases/` there are listed with their hash.
    """
    manifest = run.manifest
    lines = [(line, report) for report in reports for line in report.lines]
    verdicts = {verdict.value: count for verdict, count in counts([line for line, _ in lines]).items()}
    return {
        "format": FORMAT,
        "run": run.name,
        "title": manifest.get("title") or in_both(str(manifest.get("name", run.name))),
        "city": manifest.get("city", ""),
        "from": _instant(run.ticks[0]) if len(run.ticks) else None,
        "until": _instant(run.ticks[-1]) if len(run.ticks) else None,
        "seconds": round(float(run.ticks[-1] - run.ticks[0]) / 1e9, 1) if len(run.ticks) else 0.0,
        "asked_seconds": float(manifest.get("seconds", 0.0)),
        "ticks": len(run.ticks),
        "complete": bool(manifest.get("complete", False)),
        "seed": manifest.get("seed"),
        "hash": manifest.get("hash", ""),
        "config_digest": manifest.get("config_digest", ""),
        "versions": manifest.get("versions", {}),
        "machine": manifest.get("machine", {}),
        "rows": manifest.get("rows", {}),
        "verdicts": verdicts,
        "lines": [line_facts(line, report, run) for line, report in _in_order(lines)],
        "timings_ms": timing_facts(run.timings),
        "planted": planted_facts(run, reports),
        "cases": case_facts(run),
        "findings": finding_facts(run),
        "studies": [study_facts(report) for report in reports],
        "files": file_facts(folder),
    }


def _in_order(lines: list[tuple[Line, Report]]) -> list[tuple[Line, Report]]:
    place = {id(line): n for n, line in enumerate(failures_first([line for line, _ in lines]))}
    return sorted(lines, key=lambda pair: place[id(pair[0])])


def line_facts(line: Line, report: Report, run: Run) -> dict[str, Any]:
    """Return one requirement line."""
    return {
        "id": line.id,
        "requirement": in_both(line.text),
        "target": line.target,
        "sense": line.sense,
        "unit": line.unit,
        "source": line.source,
        "measured": None if line.measured is None or np.isnan(line.measured) else float(line.measured),
        "verdict": line.verdict.value,
        "study": report.study,
        "runs": list(report.runs or (run.name,)),
    }


def timing_facts(timings: dict[str, F64]) -> dict[str, dict[str, float]]:
    """Return median, 95th and 99th percentile and the most of each part's milliseconds."""
    return {
        part: {name: round(float(np.nanpercentile(values, q)), 3) for name, q in
               (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))}
        for part, values in timings.items()
        if len(values) and not np.isnan(values).all()
    }  # fmt: skip


def planted_facts(run: Run, reports: Sequence[Report]) -> dict[str, Any]:
    """Return the planted faults: what the World says it planted, and what the study of them found."""
    start = int(run.ticks[0]) if len(run.ticks) else 0
    events = [
        {"at_s": round((event.time_ns - start) / 1e9, 1), **event.facts}
        for event in run.events
        if event.kind == "planted"
    ]
    report = next((r for r in reports if r.study.rsplit(".", 1)[-1] == "planted"), None)
    grids = () if report is None else report.grids
    return {"events": events, "found": [grid_facts(g) for g in grids], "timeline": _timeline(run.name, grids)}


def _timeline(name: str, grids: Sequence[Grid]) -> list[dict[str, Any]]:
    """Return when each fault of a Run was planted and after how long it was found, in order of planting."""
    columns = {"run": "head_run", "fault": "head_fault", "planted_s": "head_planted", "delay_s": "head_delay",
               "found_by": "head_found_by"}  # fmt: skip
    for grid in grids:
        place = {heading.split(".")[-1]: index for index, heading in enumerate(grid.headings)}
        if set(columns.values()) <= place.keys():
            rows = [{key: row[place[heading]] for key, heading in columns.items()} for row in grid.rows]
            mine = [row | {"fault": in_both(str(row["fault"])), "found_by": in_both(str(row["found_by"]))}
                    for row in rows if row["run"] == name]  # fmt: skip
            return sorted(mine, key=lambda row: row["planted_s"])
    return []


def case_facts(run: Run) -> list[dict[str, Any]]:
    """Return each case as it was last."""
    _, cases = run.rows(Cases)
    start = int(run.ticks[0]) if len(run.ticks) else 0
    found: dict[int, dict[str, Any]] = {}
    for row in zip(*(values.tolist() for _, values in cases.arrays()), strict=True):
        one = dict(zip(cases.columns, row, strict=True))
        rule = Rule(one["rule"])
        found[one["case"]] = {
            "case": one["case"],
            "rule": rule.name,
            "text": in_both(f"supervision.rule_{rule.name.lower()}"),
            "subject": subject_text(one["subject"]),
            "opened_s": round((one["opened_ns"] - start) / 1e9, 1),
            "since_s": round((one["since_ns"] - start) / 1e9, 1) if one["since_ns"] else None,
            "last_s": round((one["last_ns"] - start) / 1e9, 1),
            "worst": None if np.isnan(one["worst"]) else one["worst"],
            "limit": None if np.isnan(one["limit"]) else one["limit"],
            "unit": UNITS.get(rule, ""),
            "open": one["open"],
        }
    return [found[number] for number in sorted(found)]


def subject_text(subject: int) -> str:
    """Return a V2X or track identity as 16 hexadecimal digits, a small number (pole, controller) as it is.

    >>> subject_text(12), subject_text(0xC7830E56B9EB396C)
    ('12', 'c7830e56b9eb396c')
    """
    return str(subject) if subject < 100_000 else f"{subject:016x}"


def finding_facts(run: Run) -> dict[str, dict[str, int]]:
    """Return for each rule how many subjects had a finding, and over how many rows."""
    _, findings = run.rows(Findings)
    rows = Counter(findings.rule.tolist())
    subjects = Counter(
        rule for rule, _ in set(zip(findings.rule.tolist(), findings.subject.tolist(), strict=True))
    )
    return {Rule(rule).name: {"subjects": subjects[rule], "rows": rows[rule]} for rule in sorted(rows)}


def study_facts(report: Report) -> dict[str, Any]:
    """Return what one study said."""
    return {
        "study": report.study,
        "runs": list(report.runs),
        "notes": [in_both(note) for note in report.notes],
        "grids": [grid_facts(grid) for grid in report.grids],
        "figures": [figure_facts(figure) for figure in report.figures],
    }


def grid_facts(grid: Grid) -> dict[str, Any]:
    """Return one table; text cells come in both languages where the catalogue has them."""
    return {
        "id": grid.id,
        "title": in_both(grid.text),
        "headings": [in_both(heading) for heading in grid.headings],
        "rows": [[_plain(cell) for cell in row] for row in grid.rows],
    }


def figure_facts(figure: Figure) -> dict[str, Any]:
    """Return one figure with its numbers."""

    def x_values(series: Series) -> list[Any]:
        if isinstance(series.x, np.ndarray):
            return [_plain(v) for v in series.x.tolist()]
        return [in_both(name) for name in series.x]

    return {
        "id": figure.id,
        "title": in_both(figure.text),
        "kind": figure.kind,
        "x": in_both(figure.x_text),
        "y": in_both(figure.y_text),
        "log_y": figure.log_y,
        "series": [
            {"name": in_both(s.text), "x": x_values(s), "y": [_plain(float(v)) for v in s.y]}
            for s in figure.series
        ],
    }


def file_facts(folder: Path) -> list[dict[str, Any]]:
    """Return the evidence files of cases that lie beside the pack, with their hashes."""
    return [
        {
            "path": file.relative_to(folder).as_posix(),
            "octets": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in sorted((folder / "cases").glob("*.zip"), key=lambda f: natural(f.name))
    ]


def _plain(cell: object) -> Any:
    if isinstance(cell, str):
        said = in_both(cell)
        return said["en"] if len(set(said.values())) == 1 else said
    if isinstance(cell, float) and np.isnan(cell):
        return None
    return cell


def _instant(time_ns: int) -> str:
    return datetime.fromtimestamp(int(time_ns) / 1e9, UTC).astimezone(LOCAL).isoformat(timespec="seconds")
