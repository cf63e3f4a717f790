"""Studies of the road side: how true the live picture is, and how well its poles stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.report import Grid, Line, Report
from wayside.roadside.comparison import EVERY_NS, GOOD_M, Comparison, compare
from wayside.roadside.perception_figures import figures
from wayside.roadside.scoring_report import Scores, run_grid, score, tracking_grid
from wayside.roadside.tables import PoleQuality
from wayside.table import F64, Bool
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
MINUTES = EVERY_NS * 1e-9 / 60.0  # that one compared row stands for
HEADINGS = (
    "roadside.head_group",
    "roadside.head_count",
    "roadside.head_recall",
    "roadside.head_rmse",
    "roadside.head_p99",
    "roadside.head_speed",
    "roadside.head_direction",
    "roadside.head_switches",
)


def perception(runs: Sequence[Run]) -> Report:
    """Compare the live picture with the truth: accuracy, completeness, identity and age, and the poles' quality.

    Lines are of all Runs together, in clear weather; tables tell fog, hidden road users and each Run beside.

    Limits: needs Runs whose World knows the truth; without it every line is unknown.
    """
    compared = [compare(run) for run in runs]
    clear, fog = [score(one, fog=False) for one in compared], [score(one, fog=True) for one in compared]
    grids = [_truth_grid("distance", compared, _by_distance(compared))]
    grids.append(_truth_grid("kind", compared, [(name, _is_kind(kind)) for name, kind in KINDS.items()]))
    weathers: list[tuple[str, _Mask]] = [("roadside.clear", lambda c: ~c.fog), ("roadside.fog", lambda c: c.fog)]
    grids += [_truth_grid("weather", compared, weathers), _truth_grid("sight", compared, list(SIGHT.items()))]
    grids += [tracking_grid([("roadside.clear", clear), ("roadside.fog", fog)])]
    grids += [
        run_grid([(run.name, _lines([c], [s], [run])) for run, c, s in zip(runs, compared, clear, strict=True)])
    ]
    grids += [_source_grid(compared), _pole_grid(runs)]
    return Report(
        "perception",
        lines=tuple(_lines(compared, clear, runs)),
        grids=tuple(grid for grid in grids if grid.rows),
        figures=tuple(figure for figure in figures(compared, clear, runs) if figure.series),
        runs=tuple(run.name for run in runs),
        notes=("roadside.note_coverage",),
    )


_Mask = Callable[[Comparison], Bool]
SIGHT: dict[str, _Mask] = {
    "roadside.in_view": lambda c: c.in_view & ~c.hidden,
    "roadside.hidden": lambda c: c.hidden,
    "roadside.beyond": lambda c: ~c.in_view,
}


def _together(parts: Sequence[Any]) -> F64:
    return np.concatenate([np.empty(0), *parts])


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


def _lines(compared: Sequence[Comparison], scores: Sequence[Scores], runs: Sequence[Run]) -> list[Line]:
    """Return the requirements, in clear weather but for computing time."""
    due = [c.wanted & ~c.fog for c in compared]
    both = list(zip(compared, due, strict=True))
    error = _together([c.error[rows & (c.pair >= 0)] for c, rows in both])
    speed = _together([_speed_errors(c, rows & c.found) for c, rows in both])
    wanted = sum(int(rows.sum()) for rows in due)
    found = sum(int((rows & c.found).sum()) for c, rows in both)
    judged = sum(int((c.judged & ~c.actor_fog).sum()) for c in compared)
    right = sum(int((c.judged & ~c.actor_fog & c.paired).sum()) for c in compared)
    switches = sum(int((c.switched & ~c.fog).sum()) for c in compared)
    age = _together([(c.actor_ticks - c.actors.measured_ns)[~c.actor_fog] * 1e-9 for c in compared])
    spent = [run.timings[n] for run in runs for n in ("track",) if n in run.timings]
    track_ms = np.concatenate(spent) if spent else np.empty(0)
    good = int((error <= GOOD_M).sum())
    hota = round(sum(scores[1:], scores[0]).high.hota, 5) if wanted else None
    return [
        Line("A1-position-rmse", "roadside.line_position", 0.5, "<=", "m", SOURCE, _rms(error)),
        Line("A1-within-1.5m", "roadside.line_within", 0.99, ">=", "", SOURCE, _share(good, len(error))),
        Line("A1-recall", "roadside.line_recall", 0.95, ">=", "", SOURCE, _share(found, wanted)),
        Line("A1-precision", "roadside.line_precision", 0.98, ">=", "", SOURCE, _share(right, judged)),
        Line("A1-hota", "roadside.line_hota", 0.75, ">=", "", SOURCE, hota),
        Line("A1-speed-rmse", "roadside.line_speed", 0.5, "<=", "m/s", SOURCE, _rms(speed)),
        Line("A1-identity-switches", "roadside.line_switches", 0.5, "<=", "1/min", SOURCE,
             _share(switches, wanted * MINUTES)),
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
        switches = sum(int((some & c.switched).sum()) for c, some in both)
        cells = (_share(found, wanted), _rms(error), _percentile(error, 99), _rms(speed), _rms(turn))
        if wanted:
            rows.append((text, wanted, *cells, _share(switches, wanted * MINUTES)))
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
