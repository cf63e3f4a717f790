"""Studies of simulated worlds: whether what was made to go wrong was found, how soon, and what else was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wayside.admission.tables import ZoneCorners
from wayside.guard.tables import MeasureOrders
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import PoleFault
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.table import F64, I64
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

NEAR_M = 15.0  # a stalled-vehicle finding within that distance of the planted vehicle is about it
POLE_FAULTS = tuple(fault.name.lower() for fault in PoleFault)
MEASURE_RULES = (Rule.CLOSED_ZONE, Rule.SPEED_ABOVE_MEASURE)
RULES: Mapping[str, tuple[Rule, ...]] = {
    "offender": MEASURE_RULES,
    "signal": (Rule.SIGNAL_CONFLICT,),
    "pole": (Rule.POLE_MISALIGNED,),
    **{f"pole_{name}": (Rule[f"POLE_{name.upper()}"],) for name in POLE_FAULTS if name != "turned"},
    "pole_turned": (Rule.POLE_MISALIGNED,),
    "forger": (Rule.SENDER_DISTRUSTED,),
    "impostor": (Rule.SENDER_REJECTED,),
    "stall": (Rule.STALLED_VEHICLE,),
    "charger": (Rule.CHARGER_ABOVE_ORDER,),
}
# what counts as one fact: fog is found when the measure is in force and who ignores it has a case
FACTS = (
    ("P1-fog", ("fog", "offender")),
    ("P2-signal", ("signal",)),
    ("P3-pole", ("pole", *(f"pole_{name}" for name in POLE_FAULTS))),
    ("P4-forger", ("forger",)),
    ("P5-stall", ("stall",)),
    ("P6-charger", ("charger",)),
    ("P7-impostor", ("impostor",)),
)


@dataclass(frozen=True)
class Fault:
    """A planted fault and how it was found.

    Attributes:
        run: name of the Run.
        fault: a word such as `pole`.
        subject: whom it concerns.
        planted_s: when, from the start of the Run [s].
        delay_s: time from then until it was found [s]; None if it was not.
        found_by: catalogue key of what found it, empty if nothing did.
    """

    run: str
    fault: str
    subject: int
    planted_s: float
    delay_s: float | None
    found_by: str


@dataclass
class Beside:
    """How many subjects a rule found: planted ones, others that are true, and false ones."""

    planted: int = 0
    true: int = 0
    false: int = 0


class Paths:
    """Where road users of a Run really were, and how fast."""

    def __init__(self, run: Run) -> None:
        ticks, truth = run.rows(Truth)
        order = np.lexsort((ticks, truth.id))
        self._ticks, self._truth = ticks[order], truth.take(order)

    def at(self, subject: int, instant: int) -> tuple[float, float, float] | None:
        """Return x, y [m] and speed [m/s] at an instant, or when last there; None if it was not there yet."""
        first = np.searchsorted(self._truth.id, np.uint64(subject), "left")
        last = np.searchsorted(self._truth.id, np.uint64(subject), "right")
        row = int(first + np.searchsorted(self._ticks[first:last], instant, "right")) - 1
        if row < first:
            return None
        return float(self._truth.x[row]), float(self._truth.y[row]), float(self._truth.speed[row])


@dataclass(frozen=True)
class Found:
    """Findings of one rule about one subject: when the first one stood, and where each did."""

    rule: Rule
    subject: int
    ticks: I64
    x: F64
    y: F64
    limit: float


def _found(run: Run) -> list[Found]:
    ticks, findings = run.rows(Findings)
    grouped = []
    for rule in sorted({rule for rules in RULES.values() for rule in rules}):
        of_rule = findings.rule == rule
        for subject in np.unique(findings.subject[of_rule]):
            rows = np.flatnonzero(of_rule & (findings.subject == subject))
            limit = float(findings.limit[rows[0]])
            grouped.append(Found(rule, int(subject), ticks[rows], findings.x[rows], findings.y[rows], limit))
    return grouped


def _about(one: Found, fault: str, subject: int, from_ns: int, paths: Paths) -> int | None:
    """Return when a finding first stood for a planted fault [ns], None if it is about something else."""
    if one.rule not in RULES.get(fault, ()):
        return None
    if fault != "stall":
        later = one.ticks[one.ticks >= from_ns]
        return int(later[0]) if one.subject == subject and len(later) else None
    for tick, x, y in zip(one.ticks.tolist(), one.x.tolist(), one.y.tolist(), strict=True):
        where = paths.at(subject, tick)
        if tick >= from_ns and where is not None and np.hypot(x - where[0], y - where[1]) <= NEAR_M:
            return int(tick)
    return None


def _planted(run: Run) -> Iterator[tuple[str, int, int]]:
    """Yield fault, subject and instant [ns] of each planted fault of a Run."""
    for event in run.events:
        if event.kind == "planted":
            yield (
                str(event.facts["fault"]),
                int(event.facts.get("subject", 0)),
                int(event.facts.get("from_ns", event.time_ns)),
            )


def faults(run: Run) -> tuple[list[Fault], dict[Rule, Beside]]:
    """Return each planted fault of a Run and how it was found, and what else the same rules found."""
    paths, found = Paths(run), _found(run)
    start = int(run.ticks[0]) if len(run.ticks) else 0
    result: list[Fault] = []
    explained: set[tuple[Rule, int]] = set()
    for fault, subject, from_ns in _planted(run):
        first: list[tuple[int, str]] = []
        for one in found:
            instant = _about(one, fault, subject, from_ns, paths)
            if instant is not None:
                explained.add((one.rule, one.subject))
                if fault != "offender":
                    first.append((instant, f"supervision.rule_{one.rule.name.lower()}"))
        if fault == "fog":
            first += [(t, "worlds.found_by_measure") for t in _measures(run, from_ns)]
        elif fault == "offender":
            first += _cases(run, subject, from_ns)
        instant, found_by = min(first, default=(None, ""))
        delay_s = None if instant is None else (instant - from_ns) / 1e9
        result.append(Fault(run.name, fault, subject, (from_ns - start) / 1e9, delay_s, found_by))
    beside: defaultdict[Rule, Beside] = defaultdict(Beside)
    zones = _zones(run)
    for one in found:
        if (one.rule, one.subject) in explained:
            beside[one.rule].planted += 1
        elif one.rule in MEASURE_RULES and _is_true(one, paths, zones):
            beside[one.rule].true += 1
        else:
            beside[one.rule].false += 1
    return result, dict(beside)


def _measures(run: Run, from_ns: int) -> list[int]:
    """Return the instants [ns] from then on at which a measure is in force."""
    ticks, _ = run.rows(MeasureOrders)
    return [int(t) for t in ticks[ticks >= from_ns][:1]]


def _cases(run: Run, subject: int, from_ns: int) -> list[tuple[int, str]]:
    """Return when cases about a measure were opened for a vehicle [ns], and of which rule."""
    _, cases = run.rows(Cases)
    mine = (
        (cases.subject == np.uint64(subject)) & np.isin(cases.rule, MEASURE_RULES) & (cases.opened_ns >= from_ns)
    )
    return [
        (int(opened), f"supervision.rule_{Rule(int(rule)).name.lower()}")
        for opened, rule in zip(cases.opened_ns[mine], cases.rule[mine], strict=True)
    ]


def _zones(run: Run) -> list[tuple[F64, F64]]:
    """Return the outlines of the zones that measures named in a Run."""
    _, orders = run.rows(MeasureOrders)
    corners = run.asset(ZoneCorners).canonical()
    named = (corners.take(corners.zone == zone) for zone in np.unique(orders.zone))
    return [(zone.x, zone.y) for zone in named]


def _is_true(one: Found, paths: Paths, zones: Sequence[tuple[F64, F64]]) -> bool:
    """Tell whether a vehicle that was found breaking a measure really did when it was first found."""
    where = paths.at(one.subject, int(one.ticks[0]))
    if where is None:
        return False
    if one.rule == Rule.SPEED_ABOVE_MEASURE:
        return where[2] > one.limit
    return any(_inside(where[0], where[1], x, y) for x, y in zones)


def _inside(x: float, y: float, corner_x: F64, corner_y: F64) -> bool:
    """Tell whether a point lies within an outline: a ray to the east crosses it an odd number of times.

    >>> square = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    >>> _inside(0.5, 0.5, *square), _inside(1.5, 0.5, *square)
    (True, False)
    """
    next_x, next_y = np.roll(corner_x, -1), np.roll(corner_y, -1)
    crossing = (corner_y > y) != (next_y > y)
    rise = np.where(crossing, next_y - corner_y, 1.0)
    at_x = corner_x + (y - corner_y) / rise * (next_x - corner_x)
    return bool((crossing & (at_x > x)).sum() % 2)


def planted(runs: Sequence[Run]) -> Report:
    """Say of each planted fault whether and when it was found, and count what was found beside them."""
    all_faults: list[Fault] = []
    beside: defaultdict[Rule, Beside] = defaultdict(Beside)
    hours = 0.0
    for run in runs:
        mine, others = faults(run)
        all_faults += mine
        for rule, count in others.items():
            beside[rule].planted += count.planted
            beside[rule].true += count.true
            beside[rule].false += count.false
        if len(run.ticks):
            hours += float(run.ticks[-1] - run.ticks[0]) / 3.6e12 * max(len(run.road.controller_names), 1)
    lines = [
        Line(
            name,
            f"worlds.line_{name.split('-')[1]}",
            1.0,
            "==",
            "",
            "planted facts [own]",
            _share(all_faults, parts),
        )
        for name, parts in FACTS
    ]
    false = sum(count.false for count in beside.values())
    rate = false / hours if hours and all_faults else None
    lines.append(Line("P8-false", "worlds.line_false", 0.1, "<=", "1/(intersection h)", "systems A9 [own]", rate))
    return Report(
        "planted",
        lines=tuple(lines),
        grids=(_faults_grid(all_faults), _beside_grid(beside)) if all_faults else (),
        figures=(_delays(all_faults),) if any(f.delay_s is not None for f in all_faults) else (),
        runs=tuple(run.name for run in runs),
        notes=("worlds.note_beside",),
    )


def _share(all_faults: Sequence[Fault], parts: Sequence[str]) -> float | None:
    """Return the share of Runs with a fact in which every part of it that was planted was found."""
    by_run: defaultdict[str, list[bool]] = defaultdict(list)
    for fault in all_faults:
        if fault.fault in parts:
            by_run[fault.run].append(fault.delay_s is not None)
    return sum(all(found) for found in by_run.values()) / len(by_run) if by_run else None


def _faults_grid(all_faults: Sequence[Fault]) -> Grid:
    rows = tuple(
        (
            fault.run,
            f"worlds.fault_{fault.fault}",
            hex(fault.subject) if fault.fault in ("offender", "forger", "impostor", "stall") else fault.subject,
            round(fault.planted_s, 1),
            fault.found_by or "worlds.not_found",
            None if fault.delay_s is None else round(fault.delay_s, 1),
        )
        for fault in all_faults
    )
    headings = ("run", "fault", "subject", "planted", "found_by", "delay")
    return Grid("planted-faults", "worlds.grid_faults", tuple(f"worlds.head_{h}" for h in headings), rows)


def _beside_grid(beside: Mapping[Rule, Beside]) -> Grid:
    rows = tuple(
        (f"supervision.rule_{rule.name.lower()}", beside[rule].planted, beside[rule].true, beside[rule].false)
        for rule in sorted({rule for rules in RULES.values() for rule in rules})
        if rule in beside
    )
    headings = ("rule", "about_planted", "about_true", "false")
    return Grid("planted-beside", "worlds.grid_beside", tuple(f"worlds.head_{h}" for h in headings), rows)


def _delays(all_faults: Sequence[Fault]) -> Figure:
    names = [f for f in ("fog", *RULES) if any(one.fault == f and one.delay_s is not None for one in all_faults)]
    mean = [
        np.mean([one.delay_s for one in all_faults if one.fault == n and one.delay_s is not None]) for n in names
    ]
    bars = Series("worlds.series_delay", [f"worlds.fault_{n}" for n in names], np.array(mean, np.float64))
    return Figure(
        "planted-delays", "worlds.figure_delays", "bar", "worlds.axis_fault", "worlds.axis_delay", (bars,)
    )
