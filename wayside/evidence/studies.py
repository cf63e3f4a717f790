"""What a Run cost: time per tick and step, octets on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Actors
from wayside.table import F64

if TYPE_CHECKING:
    from wayside.run import Run

WARM_UP_TICKS = 20  # in which kernels are loaded and caches fill; told apart, not left out of the table
OUTER = ("tick", "world", "decode", "encode", "store")  # parts of a tick that are no steps
HISTOGRAM_MS = 40.0  # the last bin holds everything beyond


def performance(runs: Sequence[Run]) -> Report:
    """Say how long ticks and their parts took, and how much room the Run takes."""
    timings = _joined(runs)
    tick = timings.get("tick", np.empty(0))[WARM_UP_TICKS:]
    actor_rows = sum(int(run.manifest.get("rows", {}).get(Actors.table_name, 0)) for run in runs)
    octets = sum(_octets(run) for run in runs)
    lines = (
        _line("A13-tick-p50", "<=", 8.0, "ms", _percentile(tick, 50)),
        _line("A13-tick-p99", "<=", 25.0, "ms", _percentile(tick, 99)),
        _line("A13-in-time", ">=", 0.999, "", _share_in_time(timings)),
        _line("A13-octets-per-actor-row", "<=", 60.0, "B", octets / actor_rows if octets and actor_rows else None),
        _line("H2-whole", "==", 1.0, "", _share_whole(runs)),
    )
    return Report(
        "performance",
        lines=lines,
        grids=(_parts_grid(timings),) if timings else (),
        figures=_figures(timings, tick),
        runs=tuple(run.name for run in runs),
        notes=("evidence.note_warm_up",),
    )


def _line(name: str, sense: str, target: float, unit: str, measured: float | None) -> Line:
    text = "evidence.line_" + name.split("-", 1)[1].replace("-", "_")
    return Line(name, text, target, sense, unit, "systems A13 [own]", measured)  # type: ignore[arg-type]


def _joined(runs: Sequence[Run]) -> dict[str, F64]:
    """Return the milliseconds of each part over all Runs, outer parts first."""
    names = {name for run in runs for name in run.timings}
    ordered = [n for n in OUTER if n in names] + sorted(names - set(OUTER))
    joined = {n: np.concatenate([run.timings[n] for run in runs if n in run.timings]) for n in ordered}
    return {name: values[~np.isnan(values)] for name, values in joined.items()}


def _percentile(values: F64, share: float) -> float | None:
    return round(float(np.percentile(values, share)), 3) if len(values) else None


def _share_in_time(timings: dict[str, F64]) -> float | None:
    """Return the share of ticks in which all of Wayside's own parts took less than a tick of 100 ms."""
    parts = [timings[n] for n in ("tick", "decode", "encode", "store") if n in timings]
    if not parts:
        return None
    ticks = min(len(p) for p in parts)
    total = np.sum([p[:ticks] for p in parts], axis=0)[WARM_UP_TICKS:]
    return float(np.mean(total < 100.0)) if len(total) else None


def _share_whole(runs: Sequence[Run]) -> float | None:
    return float(np.mean([bool(run.manifest.get("complete")) for run in runs])) if runs else None


def _octets(run: Run) -> int:
    folder = getattr(run, "folder", None)
    if folder is None:
        return 0
    return sum(f.stat().st_size for part in ("tables", "ticks") for f in (Path(folder) / part).rglob("*.parquet"))


def _parts_grid(timings: dict[str, F64]) -> Grid:
    rows = tuple(
        (
            f"evidence.part_{name}" if name in OUTER else name,
            *(_percentile(values, q) for q in (50, 95, 99, 100)),
            len(values),
        )
        for name, values in timings.items()
    )
    headings = ("part", "p50", "p95", "p99", "most", "runs")
    return Grid("timings", "evidence.grid_timings", tuple(f"evidence.heading_{h}" for h in headings), rows)


def _figures(timings: dict[str, F64], tick: F64) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    if len(tick):
        edges = np.linspace(0, HISTOGRAM_MS, 41)
        counted = np.histogram(np.minimum(tick, HISTOGRAM_MS - 1e-9), edges)[0]
        bars = Series("evidence.series_ticks", (edges[:-1] + edges[1:]) / 2, counted.astype(np.float64))
        axes = ("evidence.axis_tick_ms", "evidence.series_ticks")
        figures.append(Figure("tick-histogram", "evidence.figure_ticks", "bar", *axes, (bars,)))
    steps = {n: float(np.median(v)) for n, v in timings.items() if n not in OUTER and len(v)}
    if steps:
        slowest = sorted(steps, key=lambda n: (-steps[n], n))[:14]
        bars = Series("evidence.heading_p50", slowest, np.array([steps[n] for n in slowest]))
        axes = ("evidence.heading_part", "evidence.axis_median_ms")
        figures.append(Figure("slowest-steps", "evidence.figure_steps", "bar", *axes, (bars,)))
    return tuple(figures)
