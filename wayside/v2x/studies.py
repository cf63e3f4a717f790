"""What passed over the air: frames and octets, rates, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.run import Run
from wayside.signals.tables import SignalControllers
from wayside.table import F64, I64
from wayside.v2x.tables import MessageType, RefusalReason, Refusals, Reports, Traffic

WINDOW_NS = 10_000_000_000
RECEIVED, SENT = 0, 1
FEWEST_REPORTS = 20  # a sender heard less often has no rate
SOURCE = "ConflictMonitor defaults, systems A8"
TYPE_TEXTS = {kind: f"v2x.type_{kind.name.lower()}" for kind in MessageType}
REASON_TEXTS = {reason: f"v2x.refused_{reason.name.lower()}" for reason in RefusalReason}
DIRECTION_TEXTS = ("v2x.received", "v2x.sent")


def _seconds(run: Run) -> float:
    """Return how long a Run lasted [s], the last tick included."""
    ticks = run.ticks
    if len(ticks) < 2:
        return float("nan")
    return float(ticks[-1] - ticks[0]) / 1e9 * len(ticks) / (len(ticks) - 1)


def rates_per_window(run: Run, kind: MessageType) -> F64:
    """Return frames of a type sent per controller with a unit, in each whole window of ten seconds.

    A tick's Traffic holds what was sent one tick earlier; the windows begin with the first tick that can have
    any. Empty where the Run is shorter than a window or no controller has a unit.
    """
    controllers = run.asset(SignalControllers)
    speaking = int((controllers.unit >= 0).sum())
    ticks = run.ticks
    if speaking == 0 or len(ticks) < 2:
        return np.empty(0)
    origin = int(ticks[1])
    step = int(ticks[1] - ticks[0])
    windows = (int(ticks[-1]) + step - origin) // WINDOW_NS
    instants, traffic = run.rows(Traffic)
    chosen = (traffic.type == kind) & (traffic.direction == SENT) & (instants >= origin)
    window: I64 = (instants[chosen] - origin) // WINDOW_NS
    frames = traffic.frames[chosen].astype(np.float64)
    counted = np.bincount(window, weights=frames, minlength=windows)[:windows]
    return np.asarray(counted / speaking, np.float64)


def report_rates(run: Run) -> F64:
    """Return each sender's BSM rate [Hz]: one over the median interval of its reports.

    The median passes over gaps, so a vehicle that leaves the units' range and comes back is no slow sender.
    """
    _, reports = run.rows(Reports)
    order = np.lexsort((reports.time_ns, reports.sender))
    sender, instant = reports.sender[order], reports.time_ns[order]
    first = (
        np.flatnonzero(np.concatenate([[True], sender[1:] != sender[:-1]])) if len(sender) else np.empty(0, int)
    )
    intervals = [np.diff(part) for part in np.split(instant, first[1:])] if len(sender) else []
    medians = np.array([np.median(i) for i in intervals if len(i) >= FEWEST_REPORTS - 1 and np.median(i) > 0])
    return 1e9 / medians if len(medians) else np.empty(0)


def _bounds(
    identity: str, text: str, unit: str, values: F64, low: float, high: float, source: str = SOURCE
) -> tuple[Line, Line]:
    """Return two lines: the least value against the lower bound, the greatest against the upper."""
    least = float(values.min()) if len(values) else None
    greatest = float(values.max()) if len(values) else None
    return (
        Line(f"{identity}-min", f"v2x.{text}_min", low, ">=", unit, source, least),
        Line(f"{identity}-max", f"v2x.{text}_max", high, "<=", unit, source, greatest),
    )


def wire(runs: Sequence[Run]) -> Report:
    """Report the traffic at the edge of Runs, and whether messages kept their rates and were understood.

    Messages refused for their signatures are listed, but judged by the study `signatures`.

    Rates of SPAT and MAP are the least and the greatest over all windows of ten seconds and all Runs; BSM rates
    are the 5th and the 95th percentile over senders. Unknown where no Run can tell.
    """
    spat = np.concatenate([np.empty(0), *(rates_per_window(run, MessageType.SPAT) for run in runs)])
    drawn = np.concatenate([np.empty(0), *(rates_per_window(run, MessageType.MAP) for run in runs)])
    senders = np.concatenate([np.empty(0), *(report_rates(run) for run in runs)])
    typical = np.quantile(senders, [0.05, 0.95]) if len(senders) else np.empty(0)
    refused, received = np.zeros(max(RefusalReason) + 1, np.int64), 0.0
    sums: F64 = np.zeros((len(MessageType), 2, 2))
    for run in runs:
        _, traffic = run.rows(Traffic)
        cell = traffic.type.astype(np.int64) * 2 + traffic.direction
        for place, counted in enumerate((traffic.frames, traffic.octets)):
            sums[:, :, place] += np.bincount(cell, counted, 2 * len(MessageType)).reshape(-1, 2)
        _, refusals = run.rows(Refusals)
        refused += np.bincount(refusals.reason, minlength=len(refused))
        received += float(traffic.frames[traffic.direction == RECEIVED].sum())
    seconds = sum(_seconds(run) for run in runs)
    lines = (
        *_bounds("A3-spat-rate", "spat_rate", "1/10 s", spat, 90.0, 110.0),
        *_bounds("A3-map-rate", "map_rate", "1/10 s", drawn, 9.0, 11.0),
        *_bounds("A3-bsm-rate", "bsm_rate", "Hz", typical, 9.0, 11.0, "T/CSAE 53-2020, 10 Hz; +-10 % own"),
        Line(
            "A3-refusals",
            "v2x.no_refusals",
            0.0,
            "==",
            "",
            "systems A3 [own]",
            float(refused[: RefusalReason.UNSIGNED].sum()) if received or refused.any() else None,
        ),
    )
    return Report(
        "wire",
        lines=lines,
        grids=(_traffic(sums, seconds), _refused(refused)),
        figures=(_load(sums, seconds),),
        runs=tuple(run.name for run in runs),
    )


def _traffic(sums: F64, seconds: float) -> Grid:
    """Return frames and octets by type and direction."""
    rows = []
    for kind in MessageType:
        for direction, text in enumerate(DIRECTION_TEXTS):
            frames, octets = sums[kind, direction].tolist()
            if frames:
                told = (round(frames / seconds, 2), round(octets / seconds, 1), round(octets / frames, 1))
                rows.append((TYPE_TEXTS[kind], text, int(frames), int(octets), *told))
    headings = (
        "v2x.type", "v2x.direction", "v2x.frames", "v2x.octets", "v2x.frames_per_second", "v2x.octets_per_second",
        "v2x.octets_per_frame",
    )  # fmt: skip
    return Grid("wire-traffic", "v2x.traffic", headings, tuple(rows))


def _refused(refused: I64) -> Grid:
    """Return refusals by reason."""
    rows = tuple((REASON_TEXTS[reason], int(refused[reason])) for reason in RefusalReason)
    return Grid("wire-refusals", "v2x.refusals", ("v2x.reason", "v2x.frames"), rows)


def _load(sums: F64, seconds: float) -> Figure:
    """Return the octets per second by type and direction as bars."""
    kinds = list(MessageType)
    series = tuple(
        Series(text, [TYPE_TEXTS[kind] for kind in kinds], sums[kinds, direction, 1] / (seconds or np.nan))
        for direction, text in enumerate(DIRECTION_TEXTS)
    )
    return Figure("wire-load", "v2x.load", "bar", "v2x.type", "v2x.octets_per_second", series)
