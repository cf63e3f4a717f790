"""Studies of supervision: who kept to the rules, and how soon the regulator knew who did not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.admission.tables import Measures, Permits, VehicleClass
from wayside.guard.tables import MeasureOrders
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import RoadWeather
from wayside.supervision.compliance import Following, followings, supervised, time_covered
from wayside.supervision.findings import PermitFindingsConfig
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.table import F64, I64
from wayside.v2x.tables import Reports

if TYPE_CHECKING:
    from wayside.run import Run

PERMIT_RULES = tuple(rule for rule in Rule if rule <= Rule.SILENT)


def compliance(runs: Sequence[Run]) -> Report:
    """Say how supervised vehicles followed their permits and measures, and how the supervision worked."""
    settings = PermitFindingsConfig()
    hours: defaultdict[int, float] = defaultdict(float)
    cases_of: Counter[tuple[int, int]] = Counter()
    vehicles_of: dict[int, set[int]] = {}
    classes: dict[int, int] = {}
    followed: list[Following] = []
    shares: list[float] = []
    delays: list[float] = []
    publication: list[float] = []
    windows: list[bool] = []
    gathered: list[bool] = []
    caught: list[bool] = []
    for run in runs:
        permits = run.asset(Permits)
        classes |= dict(zip(permits.sender.tolist(), permits.vehicle_class.tolist(), strict=True))
        covered = total = 0.0
        seen = _instants(run)
        for sender, instants in seen.items():
            placed, span = time_covered(instants)
            hours[sender] += placed / 3600
            covered, total = covered + placed, total + span
        if total:
            shares.append(covered / total)
        cases = latest_cases(run)
        for rule, subject in zip(cases.rule.tolist(), cases.subject.tolist(), strict=True):
            cases_of[rule, subject] += 1
            vehicles_of.setdefault(rule, set()).add(subject)
        own = cases.take(np.isin(cases.rule, PERMIT_RULES))
        for rule, opened, since in zip(own.rule, own.opened_ns, own.since_ns, strict=True):
            wait = getattr(settings, f"{Rule(int(rule)).name.lower()}_s")
            delays.append((int(opened) - int(since)) / 1e9 - wait)
        windows += [_window_complete(seen.get(s, np.empty(0, np.int64)), int(n)) for s, n in _openings(own)]
        gathered += _gathered(run, cases)
        mine = followings(run)
        followed += mine
        caught += [bool((own.subject == np.uint64(f.sender)).any()) for f in mine if not f.complied]
        publication += _publication(run)

    times = np.array([f.seconds for f in followed])
    grace = max((f.grace_s for f in followed), default=30.0)
    runs_named = tuple(r.name for r in runs)
    return Report(
        "compliance",
        lines=(
            _line("D3-publication-delay", "<=", 7.0, "s", "systems D3 [own]", _worst(publication)),
            _line("D3-complied-share", ">=", 0.9, "", "systems D3 [own]", _mean([f.complied for f in followed])),
            _line("D3-complied-time-p90", "<=", grace, "s", "Measures.grace", _percentile(times, 90)),
            _line("D3-offenders-caught", "==", 1.0, "", "systems D4 [own]", _mean(caught)),
            _line("D4-supervised-share", ">=", 0.99, "", "systems D4 [own]", min(shares, default=None)),
            _line("D4-alert-delay-p99", "<=", 2.0, "s", "systems D4", _percentile(np.array(delays), 99)),
            _line("D4-evidence-window", "==", 1.0, "", "97号, 90 s", _mean(windows)),
            _line("D4-findings-in-cases", "==", 1.0, "", "systems D4 [own]", _mean(gathered)),
        ),
        grids=(_rules_grid(cases_of, vehicles_of), _vehicles_grid(classes, hours, cases_of, followed)),
        figures=_figures(followed, cases_of),
        runs=runs_named,
    )


def latest_cases(run: Run) -> Cases:
    """Return each case of a Run as it was last, in order of number."""
    _, cases = run.rows(Cases)
    _, from_end = np.unique(cases.case[::-1], return_index=True)
    return cases.take(len(cases) - 1 - from_end)


def _line(name: str, sense: str, target: float, unit: str, source: str, measured: float | None) -> Line:
    text = "supervision.line_" + name.split("-", 1)[1].replace("-", "_")
    return Line(name, text, target, sense, unit, source, measured)  # type: ignore[arg-type]


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _worst(values: Sequence[float]) -> float | None:
    return max(values, default=None)


def _percentile(values: F64, share: float) -> float | None:
    return float(np.percentile(values, share)) if len(values) else None


def _instants(run: Run) -> dict[int, I64]:
    """Return for each permitted vehicle the ticks [ns] at which it was heard or in the picture."""
    ticks, actors = supervised(run)
    heard, reports = run.rows(Reports)
    mine = np.isin(reports.sender, run.asset(Permits).sender)
    sender = np.concatenate([actors.sender, reports.sender[mine]])
    instants = np.concatenate([ticks, heard[mine]])
    return {int(s): np.unique(instants[sender == s]) for s in np.unique(sender)}


def _openings(cases: Cases) -> list[tuple[int, int]]:
    """Return whom each case concerns, and until when there must be evidence: a silent vehicle gives none."""
    until = np.where(cases.rule == Rule.SILENT, cases.since_ns, cases.opened_ns)
    return list(zip(cases.subject.tolist(), until.tolist(), strict=True))


def _window_complete(instants: I64, until: int) -> bool:
    """Tell whether the 90 s before an instant, from the vehicle's first sign on, have a row each second."""
    window = instants[(instants >= until - 90_000_000_000) & (instants <= until)]
    return bool(len(window) and np.diff(window, append=until).max() <= 1_000_000_000)


def _gathered(run: Run, cases: Cases) -> list[bool]:
    """Tell for each finding (rule and subject) of a Run whether it has a case."""
    _, findings = run.rows(Findings)
    have = set(zip(cases.rule.tolist(), cases.subject.tolist(), strict=True))
    return [pair in have for pair in set(zip(findings.rule.tolist(), findings.subject.tolist(), strict=True))]


def _publication(run: Run) -> list[float]:
    """Return for each measure the time from the first too low visibility before it to its order [s]."""
    _, orders = run.rows(MeasureOrders)
    instants, weather = run.rows(RoadWeather)
    prepared = run.asset(Measures)
    delays: list[float] = []
    for measure, since in sorted(set(zip(orders.measure.tolist(), orders.since_ns.tolist(), strict=True))):
        below = prepared.visibility_below[prepared.measure == measure]
        low = instants[(weather.visibility < below) & (instants <= since)] if len(below) else instants[:0]
        high_ticks = np.setdiff1d(instants[instants <= since], low)
        begin = low[low > (high_ticks[-1] if len(high_ticks) else -1)]
        if len(begin):
            delays.append((since - int(begin[0])) / 1e9)
    return delays


def _rules_grid(cases_of: Counter[tuple[int, int]], vehicles_of: dict[int, set[int]]) -> Grid:
    counts: Counter[int] = Counter()
    for (rule, _), number in cases_of.items():
        counts[rule] += number
    return Grid(
        "cases-per-rule",
        "supervision.grid_rules",
        ("supervision.heading_rule", "supervision.heading_cases", "supervision.heading_subjects"),
        tuple(
            (rule_text(rule), counts[rule], len(vehicles_of.get(rule, ())))
            for rule in sorted(Rule, key=lambda rule: (-counts[rule], rule))
        ),
    )


def _vehicles_grid(
    classes: dict[int, int],
    hours: Mapping[int, float],
    cases_of: Counter[tuple[int, int]],
    followed: Sequence[Following],
) -> Grid:
    worst = {f.sender: f for f in sorted(followed, key=lambda f: f.seconds)}
    rows: list[tuple[str | int | float | None, ...]] = []
    cases: Counter[int] = Counter()
    for (rule, subject), number in cases_of.items():
        if rule in PERMIT_RULES:
            cases[subject] += number
    for sender in sorted(classes, key=lambda s: (-cases[s], -worst[s].seconds if s in worst else 0.0, s)):
        follow = worst.get(sender)
        state = "unconcerned" if follow is None else "complied" if follow.complied else "refused"
        rows.append(
            (
                f"{sender:016x}",
                f"admission.class_{VehicleClass(classes[sender]).name.lower()}",
                round(hours.get(sender, 0.0), 3),
                cases[sender],
                f"supervision.{state}",
                None if follow is None else round(follow.seconds, 1),
            )
        )
    headings = ("vehicle", "class", "hours", "cases", "followed", "seconds")
    return Grid(
        "supervised-vehicles",
        "supervision.grid_vehicles",
        tuple(f"supervision.heading_{h}" for h in headings),
        tuple(rows),
    )


def _figures(followed: Sequence[Following], cases_of: Counter[tuple[int, int]]) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    if followed:
        seconds = np.sort([f.seconds for f in followed])
        share = np.arange(1, len(seconds) + 1) / len(seconds)
        curve = Series("supervision.series_complied", np.append(0.0, seconds), np.append(0.0, share))
        axes = ("supervision.axis_since_order", "supervision.axis_share")
        figures.append(Figure("measure-followed", "supervision.figure_followed", "step", *axes, (curve,)))
    if cases_of:
        counts: Counter[int] = Counter()
        for (rule, _), number in cases_of.items():
            counts[rule] += number
        bars = Series(
            "supervision.heading_cases",
            [rule_text(rule) for rule in sorted(counts)],
            np.array([counts[rule] for rule in sorted(counts)], np.float64),
        )
        axes = ("supervision.heading_rule", "supervision.heading_cases")
        figures.append(Figure("cases-per-rule", "supervision.figure_cases", "bar", *axes, (bars,)))
    return tuple(figures)


def rule_text(rule: int) -> str:
    """Return the catalogue key of a rule's name."""
    return f"supervision.rule_{Rule(rule).name.lower()}"
