"""Studies of the road side: how true the live picture is, and how well its poles stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.comparison import GOOD_M, Comparison, compare
from wayside.roadside.tables import PoleQuality
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

if TYPE_CHECKING:
    from wayside.run import Run

SOURCE = "systems A1 [own]"
DISTANCES_M = (0.0, 20.0, 40.0, 60.0, 80.0)
KINDS = {
    "roadside.kind_car": Kind.CAR,
    "roadside.kind_bus": Kind.BUS,
    "roadside.kind_truck": Kind.TRUCK,
    "roadside.kind_motorcycle": Kind.MOTORCYCLE,
    "roadside.kind_bicycle": Kind.BICYCLE,
    "roadside.kind_pedestrian": Kind.PEDESTRIAN,
}
SOURCES = {
    "roadside.source_v2x": 1,
    "roadside.source_pole": 2,
    "roadside.source_both": 3,
    "roadside.source_none": 0,
}
AGE_BINS_MS = np.append(np.arange(0.0, 420.0, 20.0), np.inf)
HEADINGS = (
    "roadside.head_group",
    "roadside.head_count",
    "roadside.head_recall",
    "roadside.head_rmse",
    "roadside.head_p99",
    "roadside.head_speed",
    "roadside.head_direction",
)


def perception(runs: Sequence[Run]) -> Report:
    """Compare the live picture with the truth: accuracy, completeness, identity and age, and the poles' quality.

    Limits: needs Runs whose World knows the truth; without it every line is unknown.
    """
    compared = [compare(run) for run in runs]
    lines = _lines(compared, runs)
    grids = [_truth_grid("distance", compared, _by_distance(compared))]
    grids.append(_truth_grid("kind", compared, [(name, _is_kind(kind)) for name, kind in KINDS.items()]))
    weathers: list[tuple[str, _Mask]] = [("roadside.clear", lambda c: ~c.fog), ("roadside.fog", lambda c: c.fog)]
    grids += [_truth_grid("weather", compared, weathers), _source_grid(compared), _pole_grid(runs)]
    return Report(
        "perception",
        lines=tuple(lines),
        grids=tuple(grid for grid in grids if grid.rows),
        figures=tuple(figure for figure in _figures(compared, runs) if figure.series),
        runs=tuple(run.name for run in runs),
        notes=("roadside.note_coverage",),
    )


_Mask = Callable[[Comparison], Bool]


def _together(parts: Sequence[Any]) -> F64:
    return np.concatenate([np.empty(0), *parts])


def _plain(values: Any) -> F64:
    return np.asarray(values, np.float64)


def _rms(values: Any) -> float | None:
    return round(float(np.sqrt(np.mean(values**2))), 4) if len(values) else None


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 5) if whole else None


def _speed_errors(one: Comparison, rows: Bool) -> F64:
    errors: F64 = one.actors.speed[one.pair[rows]] - one.truth.speed[rows]
    return errors


def _direction_errors(one: Comparison, rows: Bool) -> Any:
    """Return the differences of heading of those that move [degrees]."""
    moving = rows & (one.truth.speed > 1.0)
    turn = one.actors.heading[one.pair[moving]] - one.truth.heading[moving]
    turn = np.degrees((turn + np.pi) % (2.0 * np.pi) - np.pi)
    return turn[~np.isnan(turn)]


def _lines(compared: Sequence[Comparison], runs: Sequence[Run]) -> list[Line]:
    error = _together([c.error[c.wanted & (c.pair >= 0)] for c in compared])
    speed = _together([_speed_errors(c, c.wanted & c.found) for c in compared])
    wanted = sum(int(c.wanted.sum()) for c in compared)
    found = sum(int((c.wanted & c.found).sum()) for c in compared)
    judged = sum(int(c.judged.sum()) for c in compared)
    right = sum(int((c.judged & c.paired).sum()) for c in compared)
    minutes = wanted * 0.5 / 60.0
    age = _together([(c.actor_ticks - c.actors.measured_ns) * 1e-9 for c in compared])
    spent = [run.timings[n] for run in runs for n in ("track",) if n in run.timings]
    track_ms = np.concatenate(spent) if spent else np.empty(0)
    good = int((error <= GOOD_M).sum())
    return [
        Line("A1-position-rmse", "roadside.line_position", 0.5, "<=", "m", SOURCE, _rms(error)),
        Line("A1-within-1.5m", "roadside.line_within", 0.99, ">=", "", SOURCE, _share(good, len(error))),
        Line("A1-recall", "roadside.line_recall", 0.95, ">=", "", SOURCE, _share(found, wanted)),
        Line("A1-precision", "roadside.line_precision", 0.98, ">=", "", SOURCE, _share(right, judged)),
        Line("A1-speed-rmse", "roadside.line_speed", 0.5, "<=", "m/s", SOURCE, _rms(speed)),
        Line("A1-identity-switches", "roadside.line_switches", 0.3, "<=", "1/min", SOURCE,
             _share(sum(c.switches for c in compared), minutes)),
        Line("A1-latency", "roadside.line_latency", 0.2, "<=", "s", SOURCE, _percentile(age, 95)),
        Line("A1-compute-p99", "roadside.line_compute", 50.0, "<=", "ms", SOURCE, _percentile(track_ms, 99)),
    ]  # fmt: skip


def _percentile(values: F64, share: float) -> float | None:
    return round(float(np.percentile(values, share)), 4) if len(values) else None


def _by_distance(compared: Sequence[Comparison]) -> list[tuple[str, _Mask]]:
    def between(low: float, high: float) -> _Mask:
        return lambda c: (c.pole_m >= low) & (c.pole_m < high)

    ends = (*DISTANCES_M[1:], np.inf)
    return [
        (f"{low:.0f}-{high:.0f} m" if high < np.inf else f"> {low:.0f} m", between(low, high))
        for low, high in zip(DISTANCES_M, ends, strict=True)
    ]


def _is_kind(kind: Kind) -> _Mask:
    def of_kind(one: Comparison) -> Bool:
        same: Bool = one.truth.kind == kind
        return same

    return of_kind


def _truth_grid(name: str, compared: Sequence[Comparison], groups: Sequence[tuple[str, _Mask]]) -> Grid:
    rows: list[tuple[str | int | float | None, ...]] = []
    for text, mask in groups:
        chosen = [c.wanted & mask(c) for c in compared]
        both = list(zip(compared, chosen, strict=True))
        wanted = sum(int(some.sum()) for some in chosen)
        found = sum(int((some & c.found).sum()) for c, some in both)
        error = _together([c.error[some & (c.pair >= 0)] for c, some in both])
        speed = _together([_speed_errors(c, some & c.found) for c, some in both])
        turn = _together([_direction_errors(c, some & c.found) for c, some in both])
        cells = (_share(found, wanted), _rms(error), _percentile(error, 99), _rms(speed), _rms(turn))
        if wanted:
            rows.append((text, wanted, *cells))
    return Grid(f"A1-by-{name}", f"roadside.grid_{name}", HEADINGS, tuple(rows))


def _source_grid(compared: Sequence[Comparison]) -> Grid:
    """Return what actors are worth by what they were measured with."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for text, source in SOURCES.items():
        judged = right = 0
        errors, speeds = [np.empty(0)], [np.empty(0)]
        for c in compared:
            mine = (c.actors.sources == source) & c.judged
            judged, right = judged + int(mine.sum()), right + int((mine & c.paired).sum())
            of_truth = (c.pair >= 0) & mine[np.maximum(c.pair, 0)] if len(mine) else c.pair >= 0
            errors.append(c.error[of_truth])
            speeds.append(_speed_errors(c, of_truth & c.found))
        if judged:
            error = np.concatenate(errors)
            share = _share(right, judged)
            rows.append((text, judged, share, _rms(error), _percentile(error, 99), _rms(np.concatenate(speeds))))
    headings = (HEADINGS[0], HEADINGS[1], "roadside.head_precision", *HEADINGS[3:6])
    return Grid("A1-by-source", "roadside.grid_source", headings, tuple(rows))


def _pole_grid(runs: Sequence[Run]) -> Grid:
    """Return how each pole stood at the end of each Run."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for run in runs:
        last = run.asset(PoleQuality)
        for n in range(len(last)):
            since = float(last.since_ns[n] - run.ticks[0]) * 1e-9 if last.misaligned[n] else None
            yaw, sigma = np.degrees(last.yaw_error[n]), np.degrees(last.yaw_sigma[n])
            cells = (None if np.isnan(v) else round(float(v), 3) for v in (yaw, sigma, last.spread[n]))
            rows.append((run.name, int(last.pole[n]), round(float(last.samples[n])), *cells, since))
    heads = ("run", "pole", "pairs", "yaw", "yaw_sigma", "spread", "since")
    return Grid("A1-poles", "roadside.grid_poles", tuple(f"roadside.head_{h}" for h in heads), tuple(rows))


def _figures(compared: Sequence[Comparison], runs: Sequence[Run]) -> list[Figure]:
    return [_age_figure(compared), _error_figure(compared), _time_figure(compared, runs), _yaw_figure(runs)]


def _age_figure(compared: Sequence[Comparison]) -> Figure:
    age = _together([(c.actor_ticks - c.actors.measured_ns) * 1e-6 for c in compared])
    count = np.histogram(age, AGE_BINS_MS)[0].astype(np.float64)
    names = [f"{edge:.0f}" for edge in AGE_BINS_MS[:-1]]
    names[-1] = f">{AGE_BINS_MS[-2]:.0f}"
    bars = (Series("roadside.series_actors", names, count),) if len(age) else ()
    return Figure("A1-age", "roadside.figure_age", "bar", "roadside.axis_age", "roadside.axis_actors", bars)


def _error_figure(compared: Sequence[Comparison]) -> Figure:
    """Return the share of road users below each error, by weather."""
    edges = np.linspace(0.0, 2.0, 81)
    series = []
    for text, fog in (("roadside.clear", False), ("roadside.fog", True)):
        error = _together([c.error[c.wanted & (c.pair >= 0) & (c.fog == fog)] for c in compared])
        if len(error):
            below: F64 = np.searchsorted(np.sort(error), edges, "right") / len(error)
            series.append(Series(text, edges.astype(np.float64), below))
    return Figure(
        "A1-error", "roadside.figure_error", "line", "roadside.axis_error", "roadside.axis_share", tuple(series)
    )


def _time_figure(compared: Sequence[Comparison], runs: Sequence[Run]) -> Figure:
    series = []
    for one, run in zip(compared, runs, strict=True):
        rows = one.wanted & (one.pair >= 0)
        if rows.any():
            place: I64 = (one.truth_ticks[rows] - int(run.ticks[0])) // 10_000_000_000
            count = np.bincount(place)
            squares = np.bincount(place, one.error[rows] ** 2)
            there = np.flatnonzero(count)
            rms: F64 = np.sqrt(squares[there] / count[there])
            series.append(Series(run.name, _plain(there * 10.0 + 5.0), rms))
    return Figure(
        "A1-over-time", "roadside.figure_time", "line", "roadside.axis_time", "roadside.axis_rmse", tuple(series)
    )


def _yaw_figure(runs: Sequence[Run]) -> Figure:
    series = []
    for run in runs:
        ticks, quality = run.rows(PoleQuality)
        for pole in np.unique(quality.pole):
            rows = np.flatnonzero((quality.pole == pole) & ~np.isnan(quality.yaw_error))[::10]
            seconds = (ticks[rows] - int(run.ticks[0])) * 1e-9
            degrees: F64 = np.degrees(quality.yaw_error[rows])
            name = f"{run.name}: {pole}" if len(runs) > 1 else str(pole)
            if len(rows):
                series.append(Series(name, _plain(seconds), degrees))
    return Figure(
        "A1-yaw", "roadside.figure_yaw", "line", "roadside.axis_time", "roadside.axis_yaw", tuple(series)
    )
