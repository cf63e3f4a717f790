"""The plots of the perception study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.report import Figure, Series
from wayside.roadside.comparison import EVERY_NS, Comparison
from wayside.roadside.scoring import LEVELS
from wayside.roadside.scoring_report import Scores
from wayside.roadside.tables import PoleQuality
from wayside.table import F64, I64, U64

if TYPE_CHECKING:
    from wayside.run import Run

AGE_BINS_MS = np.append(np.arange(0.0, 420.0, 20.0), np.inf)
BIN_M = 10.0  # width of a step of distance to the nearest pole
FEWEST = 20  # pairs in a step that are enough for its value


def _together(parts: Sequence[Any]) -> F64:
    return np.concatenate([np.empty(0), *parts])


def _plain(values: Any) -> F64:
    return np.asarray(values, np.float64)


def figures(compared: Sequence[Comparison], scores: Sequence[Scores], runs: Sequence[Run]) -> list[Figure]:
    """Return the plots: age, error, error by distance and over time, HOTA, life of tracks, yaw of poles."""
    return [
        _age_figure(compared),
        _error_figure(compared),
        _distance_figure(compared),
        _time_figure(compared, runs),
        _level_figure(scores, runs),
        _life_figure(compared),
        _yaw_figure(runs),
    ]


def _distance_figure(compared: Sequence[Comparison]) -> Figure:
    """Return the error in clear weather by distance to the nearest pole, of who is in view and who is hidden."""
    series = []
    for text, is_hidden in (("roadside.in_view", False), ("roadside.hidden", True)):
        chosen = [
            c.wanted & c.in_view & ~c.fog & (c.hidden == is_hidden) & (c.pair >= 0) & ~np.isnan(c.pole_m)
            for c in compared
        ]
        away = _together([c.pole_m[rows] for c, rows in zip(compared, chosen, strict=True)])
        error = _together([c.error[rows] for c, rows in zip(compared, chosen, strict=True)])
        place = (away // BIN_M).astype(np.int64)
        count, squares = np.bincount(place), np.bincount(place, error**2)
        there = np.flatnonzero(count >= FEWEST)
        if len(there):
            rms: F64 = np.sqrt(squares[there] / count[there])
            series.append(Series(text, _plain((there + 0.5) * BIN_M), rms))
    return Figure(
        "A1-error-by-distance", "roadside.figure_distance", "line", "roadside.axis_distance", "roadside.axis_rmse",
        tuple(series),
    )  # fmt: skip


def _level_figure(scores: Sequence[Scores], runs: Sequence[Run]) -> Figure:
    """Return HOTA by how alike two must be to be the same, in clear weather."""
    series = tuple(
        Series(run.name, LEVELS.astype(np.float64), one.high.levels)
        for one, run in zip(scores, runs, strict=True)
        if one.clear.both
    )
    return Figure(
        "A1-hota-levels", "roadside.figure_hota", "line", "roadside.axis_level", "roadside.axis_hota", series
    )


def _life_figure(compared: Sequence[Comparison]) -> Figure:
    """Return the share of road users who are somebody to see for so long, and of identities shown for so long."""
    series = []
    for text, spans in (
        ("roadside.series_wanted", [_spans(c.truth.id[c.wanted], c.truth_ticks[c.wanted]) for c in compared]),
        ("roadside.series_shown", [_spans(c.actors.id[c.judged], c.actor_ticks[c.judged]) for c in compared]),
    ):
        span = np.sort(_together(spans))
        if len(span):
            edges = np.linspace(0.0, float(span[-1]), 81)
            longer: F64 = 1.0 - np.searchsorted(span, edges, "left") / len(span)
            series.append(Series(text, edges, longer))
    return Figure(
        "A1-life", "roadside.figure_life", "step", "roadside.axis_life", "roadside.axis_share", tuple(series)
    )


def _spans(identity: U64, ticks: I64) -> F64:
    """Return how long each identity is there, from its first to its last compared tick and one more [s]."""
    if not len(identity):
        return np.empty(0)
    order = np.lexsort((ticks, identity))
    first = np.flatnonzero(np.append(True, np.diff(identity[order]) != 0))
    last = np.append(first[1:], len(order)) - 1
    spans: F64 = (ticks[order[last]] - ticks[order[first]] + EVERY_NS) * 1e-9
    return spans


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
