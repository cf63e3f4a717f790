"""Studies of driving: how far forecasts were from what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from wayside.driving.predict import PredictConfig, predict
from wayside.driving.tables import HORIZON_STEP_S
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, U8, Bool
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

HORIZONS_S = (1.0, 2.0, 3.0, 5.0)
EVERY_NS = 1_000_000_000  # one forecast of each actor in that time
GATE_M = 3.0  # an actor without a V2X identity is the road user nearest to it within that distance
INSIDE = 2.448  # share 0.95 of a round normal spread lies within so many standard deviations
GROUPS = {
    "driving.kind_motor": (Kind.CAR, Kind.BUS, Kind.TRUCK),
    "driving.kind_two_wheels": (Kind.MOTORCYCLE, Kind.BICYCLE),
    "driving.kind_on_foot": (Kind.PEDESTRIAN,),
}


@dataclass(frozen=True)
class Misses:
    """How far forecasts of one horizon were off, one entry per actor and instant.

    Attributes:
        kind: what the road user really is.
        error: distance between forecast and truth [m].
        straight: the same for a forecast that keeps speed and heading, and place where there is no heading [m].
        now: error of the picture at the instant of the forecast [m].
        inside: the truth lay where the forecast said that it would with probability 0.95.
    """

    kind: U8
    error: F64
    straight: F64
    now: F64
    inside: Bool


def misses(run: Run, horizon_s: float) -> Misses:
    """Compare the forecasts of a Run, computed again once a second, with where road users really were later.

    Limits: uses the default settings of `predict`; a Run without Truth gives no entries.
    """
    found = list(_compared(run, horizon_s))
    if not found:
        none = np.empty(0)
        return Misses(np.empty(0, np.uint8), none, none, none, np.empty(0, np.bool_))
    return Misses(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _compared(run: Run, horizon_s: float) -> Iterator[tuple[U8, F64, F64, F64, Bool]]:
    ticks, actors = run.rows(Actors)
    instants, truth = run.rows(Truth)
    begun = int(ticks[0]) if len(ticks) else 0
    for now in np.unique(ticks):
        if (int(now) - begun) % EVERY_NS:
            continue
        later = truth.take(_span(instants, int(now) + round(horizon_s * 1e9)))
        if not len(later):
            continue
        seen = actors.take(_span(ticks, int(now)))
        real = truth.take(_span(instants, int(now)))
        row = _who(seen, real)
        seen, real = seen.take(row >= 0), real.take(row[row >= 0])
        then = np.minimum(np.searchsorted(later.id, real.id), len(later) - 1)
        there = later.id[then] == real.id
        seen, real, then = seen.take(there), real.take(there), then[there]
        forecasts = predict(seen, road=run.road, config=PredictConfig())
        step = round(horizon_s / HORIZON_STEP_S) - 1
        x, y = later.x[then], later.y[then]
        error = np.hypot(forecasts.future_x[:, step] - x, forecasts.future_y[:, step] - y)
        ahead = np.where(np.isnan(seen.heading), 0.0, seen.speed * horizon_s)
        facing = np.nan_to_num(seen.heading)
        straight = np.hypot(seen.x + ahead * np.cos(facing) - x, seen.y + ahead * np.sin(facing) - y)
        now_off = np.hypot(seen.x - real.x, seen.y - real.y)
        yield real.kind, error, straight, now_off, error <= INSIDE * forecasts.future_sigma[:, step]


def _span(sorted_instants: I64, instant: int) -> slice:
    """Return the rows of one tick."""
    first, last = np.searchsorted(sorted_instants, [instant, instant + 1])
    return slice(int(first), int(last))


def _who(seen: Actors, real: Truth) -> I64:
    """Return for each actor the row of the road user it is, -1 if none: by V2X identity, else the nearest."""
    if not len(seen) or not len(real):
        return np.full(len(seen), -1, np.int64)
    place = np.minimum(np.searchsorted(real.id, seen.sender), len(real) - 1)
    known = (seen.sender > 0) & (real.id[place] == seen.sender)
    distance, nearest = cKDTree(np.column_stack([real.x, real.y])).query(np.column_stack([seen.x, seen.y]))
    return np.where(known, place, np.where((distance <= GATE_M) & (seen.sender == 0), nearest, -1)).astype(
        np.int64
    )


def prediction(runs: Sequence[Run]) -> Report:
    """Say how far forecasts at 1, 2, 3 and 5 s were from what happened, beside straight lines, by kind."""
    rows: list[tuple[str | int | float | None, ...]] = []
    curves: dict[str, list[float]] = {group: [] for group in GROUPS}
    overall: dict[float, tuple[float, float, float]] = {}
    for horizon_s in HORIZONS_S:
        parts = [misses(run, horizon_s) for run in runs]
        kind = np.concatenate([p.kind for p in parts]) if parts else np.empty(0, np.uint8)
        error = np.concatenate([p.error for p in parts]) if parts else np.empty(0)
        straight = np.concatenate([p.straight for p in parts]) if parts else np.empty(0)
        inside = np.concatenate([p.inside for p in parts]) if parts else np.empty(0, np.bool_)
        for group, kinds in GROUPS.items():
            mine = np.isin(kind, kinds)
            curves[group].append(_rms(error[mine]))
            if mine.any():
                median, p95 = np.percentile(error[mine], [50, 95])
                shares = (_rms(error[mine]), median, p95, _rms(straight[mine]), inside[mine].mean())
                rows.append((group, horizon_s, int(mine.sum()), *(round(float(v), 3) for v in shares)))
        if len(error):
            overall[horizon_s] = (_rms(error), _rms(straight), float(inside.mean()))
    one, three = overall.get(1.0), overall.get(3.0)
    return Report(
        "prediction",
        lines=(
            _line("B1-forecast-1s", "<=", 1.5, "m", one and one[0]),
            _line("B1-forecast-3s", "<=", 5.0, "m", three and three[0]),
            _line("B1-forecast-gain-3s", "<=", 1.0, "", three and three[0] / max(three[1], 1e-9)),
            _line("B1-forecast-honest-3s", ">=", 0.9, "", three and three[2]),
        ),
        grids=(_grid(rows),) if rows else (),
        figures=(_figure(curves),) if rows else (),
        runs=tuple(run.name for run in runs),
        notes=("driving.note_sampled",),
    )


def _rms(values: F64) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def _line(name: str, sense: str, target: float, unit: str, measured: float | None) -> Line:
    words = name.split("-", 1)[1].replace("-", "_")
    return Line(name, f"driving.line_{words}", target, sense, unit, "systems B1 [own]", measured)  # type: ignore[arg-type]


def _grid(rows: Sequence[tuple[str | int | float | None, ...]]) -> Grid:
    headings = ("kind", "horizon", "count", "rmse", "median", "p95", "straight", "inside")
    return Grid(
        "forecast-errors",
        "driving.grid_errors",
        tuple(f"driving.head_{h}" for h in headings),
        tuple(sorted(rows, key=lambda r: str(r[0]))),
    )


def _figure(curves: dict[str, list[float]]) -> Figure:
    horizons = np.array(HORIZONS_S)
    drawn = {group: np.array(values) for group, values in curves.items()}
    return Figure(
        "forecast-errors",
        "driving.figure_errors",
        "line",
        "driving.axis_horizon",
        "driving.axis_error",
        tuple(
            Series(group, horizons[~np.isnan(v)], v[~np.isnan(v)])
            for group, v in drawn.items()
            if not np.isnan(v).all()
        ),
    )
