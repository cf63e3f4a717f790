"""Whether what was said of signals was true: ends of lights, rate, order of lights, and lying controllers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wayside.maps.road import VEHICLE_KINDS, RoadMap
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.signals.tables import Light, SignalForecasts, Signals
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64, U8, Bool

if TYPE_CHECKING:
    from wayside.run import Run

FIXED_WITHIN_S = 0.15  # earliest and latest end so near to each other are a promise of one instant
GREENS = (Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN)
ERROR_EDGES_S = np.array([0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0])
FOUND_WITHIN_S = 90.0
LEAP_NS = 1_000_000_000  # so near to its beginning, a planted lie may make lights leap


class Changes(NamedTuple):
    """Changes of light, one a row: when by the controller, when heard, of which group, from what to what.

    Groups are numbered controller * 256 + group.
    """

    time_ns: I64
    heard_ns: I64
    group: I64
    old: U8
    new: U8


def changes(tick_ns: I64, signals: Signals) -> Changes:
    """Return the changes of light in a Run, in order of group and time."""
    group = signals.controller.astype(np.int64) * 256 + signals.group
    order = np.lexsort([tick_ns, group])
    group, light, since, tick = group[order], signals.light[order], signals.since_ns[order], tick_ns[order]
    new = np.flatnonzero((group[1:] == group[:-1]) & (light[1:] != light[:-1])) + 1
    began = np.where((since[new] > 0) & (since[new] <= tick[new]), since[new], tick[new])
    return Changes(began, tick[new], group[new], light[new - 1], light[new])


def illegal(found: Changes, vehicle_groups: I64) -> Bool:
    """Tell which changes must not happen to a vehicle signal.

    These are green to red without yellow, yellow back to green, and red to yellow (red and yellow together has no
    value of its own in the message set).

    >>> zero, green, red = np.array([0]), np.array([6], np.uint8), np.array([3], np.uint8)
    >>> one = Changes(zero, zero, np.array([257]), green, red)
    >>> illegal(one, np.array([257])), illegal(one, np.array([258]))
    (array([ True]), array([False]))
    """
    old_green, new_green = np.isin(found.old, GREENS), np.isin(found.new, GREENS)
    wrong = (old_green & (found.new == Light.RED)) | ((found.old == Light.YELLOW) & new_green)
    wrong |= (found.old == Light.RED) & (found.new == Light.YELLOW)
    wrong &= np.isin(found.group, vehicle_groups)
    return np.asarray(wrong, np.bool_)


def end_errors(tick_ns: I64, forecasts: SignalForecasts, found: Changes) -> tuple[F64, Bool]:
    """Return how far the likely end of each forecast was from the true one [s], and which were promises.

    NaN where no end was foreseen, or the light had not ended when the Run did.
    """
    group = forecasts.controller.astype(np.int64) * 256 + forecasts.group
    span = np.int64(1) << 44  # milliseconds: longer than any Run's instant
    key = found.group * span + found.time_ns // 1_000_000
    order = np.argsort(key, kind="stable")
    place = np.searchsorted(key[order], group * span + tick_ns // 1_000_000, side="right")
    last = len(order) - 1
    if last < 0:
        return np.full(len(group), np.nan), np.zeros(len(group), np.bool_)
    row = order[np.minimum(place, last)]
    known = (place <= last) & (found.group[row] == group) & (found.old[row] == forecasts.light)
    true_end = (found.time_ns[row] - tick_ns) * 1e-9
    error = np.where(known, np.abs(forecasts.likely_end - true_end), np.nan)
    return error, forecasts.max_end - forecasts.min_end <= FIXED_WITHIN_S


def signals(runs: Sequence[Run]) -> Report:
    """Judge the signal forecasts, the rate and order of lights, and the search for lying controllers.

    Forecasts are compared with what the same controller then said; whether that was true, the search must tell.
    """
    promised, learnt, rates = list[F64](), list[F64](), list[float]()
    transitions = wrong = false = 0
    delays, missed = list[float](), 0
    for run in runs:
        tick, said = run.rows(Signals)
        found = changes(tick, said)
        transitions += len(found.time_ns)
        planted = {
            int(e.facts["subject"]): int(e.facts["from_ns"])
            for e in run.events
            if e.kind == "planted" and e.facts.get("fault") == "signal"
        }
        not_allowed = illegal(found, _vehicle_groups(run.road))
        for subject, from_ns in planted.items():
            # the leap with which a planted lie begins is the lie's own
            not_allowed &= (found.group // 256 != subject) | (np.abs(found.heard_ns - from_ns) > LEAP_NS)
        wrong += int(not_allowed.sum())
        tick, forecasts = run.rows(SignalForecasts)
        error, fixed = end_errors(tick, forecasts, found)
        promised.append(error[fixed & ~np.isnan(error)])
        learnt.append(error[~fixed & ~np.isnan(error)])
        rates.extend(_rates(run.ticks, tick, forecasts))
        tick, findings = run.rows(Findings)
        conflict = findings.rule == Rule.SIGNAL_CONFLICT
        for subject in np.unique(findings.subject[conflict]).tolist():
            first = int(tick[conflict & (findings.subject == np.uint64(subject))][0])
            if subject in planted and first >= planted[subject]:
                delays.append((first - planted[subject]) * 1e-9)
            else:
                false += 1
        missed += len(planted)
    missed -= len(delays)
    sure = np.concatenate(promised) if promised else np.empty(0)
    rest = np.concatenate(learnt) if learnt else np.empty(0)
    return Report(
        study="signals",
        lines=(
            Line(
                "A8-spat-end", "signals.end_line", 0.1, "<=", "s", "systems A1-A3 accuracy [own]", _high(sure, 95)
            ),
            Line("A8-spat-rate", "signals.rate_line", 9.0, ">=", "1/s", "systems A8", min(rates, default=None)),
            Line(
                "A8-illegal-changes", "signals.illegal_line", 0, "==", "", "systems A8",
                float(wrong) if transitions else None,
            ),
            Line(
                "A8-conflict-found", "signals.found_line", FOUND_WITHIN_S, "<=", "s", "systems A8 [own]",
                (max(delays) if not missed else float("nan")) if delays else None,
            ),
            Line("A8-conflict-false", "signals.false_line", 0, "==", "", "systems A8 [own]",
                float(false) if rates else None),
        ),
        grids=(
            Grid(
                "spat-errors", "signals.errors_grid",
                ("signals.kind", "signals.forecasts", "signals.median_error", "signals.p95_error",
                 "signals.p99_error"),
                tuple(
                    (name, len(values), _high(values, 50), _high(values, 95), _high(values, 99))
                    for name, values in (("signals.promised", sure), ("signals.learnt", rest))
                ),
            ),
            Grid(
                "signal-counts", "signals.counts_grid",
                ("signals.transitions", "signals.illegal", "signals.planted_found", "signals.planted_missed",
                 "signals.false_conflicts"),
                ((transitions, wrong, len(delays), missed, false),),
            ),
        ),
        figures=(
            Figure(
                "spat-end-errors", "signals.errors_figure", "line", "signals.error_axis", "signals.share_axis",
                tuple(
                    Series(name, ERROR_EDGES_S, np.array([(values <= e + 1e-9).mean() for e in ERROR_EDGES_S]))
                    for name, values in (("signals.promised", sure), ("signals.learnt", rest))
                    if len(values)
                ),
            ),
        ),
        runs=tuple(run.name for run in runs),
    )  # fmt: skip


def _high(values: F64, percent: float) -> float | None:
    """Return a percentile with three decimal places, None of nothing."""
    return round(float(np.percentile(values, percent)), 3) if len(values) else None


def _rates(ticks: I64, tick: I64, forecasts: SignalForecasts) -> list[float]:
    """Return how many statements per second each controller made while the Run went on."""
    if len(ticks) < 2 or not len(forecasts):
        return []
    spacing = float(np.median(np.diff(ticks)))
    seconds = (float(ticks[-1] - ticks[0]) + spacing) * 1e-9
    statements = np.unique(np.stack([forecasts.controller.astype(np.int64), tick]), axis=1)[0]
    return [float(count) / seconds for count in np.bincount(statements) if count]


def _vehicle_groups(road: RoadMap) -> I64:
    """Return the groups that govern lanes for vehicles, as controller * 256 + group."""
    governed = (road.connections.group > 0) & (road.connections.controller >= 0)
    governed &= np.isin(road.lanes.kind[road.connections.from_lane], VEHICLE_KINDS)
    return np.unique(
        road.connections.controller[governed].astype(np.int64) * 256 + road.connections.group[governed]
    )
