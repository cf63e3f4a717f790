"""The study of road monitoring: incidents staged and found, congestion, roughness and lane shift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.monitoring_facts import Judged, Reference, facts_of, judge, scenes_of, spells_of
from wayside.roadside.tables import (
    Congestion,
    CongestionLevel,
    IncidentKind,
    Incidents,
    LaneShifts,
    Poles,
    Roughness,
)
from wayside.signals.tables import Signals
from wayside.table import F64
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

SOURCE = "systems A9 [own]"
FEWEST = 10  # incidents whose median tells something
LOOK_NS = 1_000_000_000


def judged(run: Run) -> Judged:
    """Return what became of each staged incident of a Run, and of each one found."""
    end = int(run.ticks[-1]) if len(run.ticks) else 0
    ticks, rows = run.rows(Incidents)
    spells = spells_of(ticks, rows)
    return judge(facts_of(run.events, end), scenes_of(run.events, end), spells, _stuck(run, spells))


def _stuck(run: Run, spells: Sequence[object]) -> dict[tuple[IncidentKind, int], list[int]]:
    """Return when which carriageway really was stuck; nothing is looked at where nothing was found."""
    if not spells:
        return {}
    reference = Reference(run.road)
    truth_ticks, truth = run.rows(Truth)
    light_ticks, lights = run.rows(Signals)
    start = int(run.ticks[0])
    for tick in run.ticks[(run.ticks - start) % LOOK_NS == 0].tolist():
        a, b = np.searchsorted(truth_ticks, (tick, tick + 1))
        c, d = np.searchsorted(light_ticks, (tick, tick + 1))
        reference.look(truth.take(slice(a, b)), lights.take(slice(c, d)), tick)
    return reference.stuck


def monitoring(runs: Sequence[Run]) -> Report:
    """Say of each staged incident whether and when it was found, count false ones, and show how traffic flowed.

    Runs without staged incidents count for false ones alone, and the median delay of fewer than ten is not told:
    a stalled vehicle takes longer than all other kinds. An intersection-hour is an hour of an intersection
    with a pole.
    """
    told = [(run, judged(run)) for run in runs]
    delays = [delay for _, one in told for _, delay in one.facts]
    known = [delay for delay in delays if delay is not None]
    false = sum(len(one.false) for _, one in told)
    hours = sum(_hours(run) for run in runs)
    lines = (
        Line("A9-incidents-found", "roadside.line_incidents_found", 0.98, ">=", "", SOURCE,
             len(known) / len(delays) if delays else None),
        Line("A9-incidents-delay", "roadside.line_incidents_delay", 10.0, "<=", "s", SOURCE,
             float(np.median(known)) if len(known) >= FEWEST else None),
        Line("A9-incidents-false", "roadside.line_incidents_false", 0.1, "<=", "1/(intersection h)", SOURCE,
             false / hours if hours else None),
    )  # fmt: skip
    figures = [_delays_figure([one for _, one in told]), _levels_figure(runs), _map_figure(runs)]
    return Report(
        "monitoring",
        lines=lines,
        grids=(_kinds_grid([one for _, one in told]), _congestion_grid(runs), _road_grid(runs)),
        figures=tuple(figure for figure in figures if figure.series),
        runs=tuple(run.name for run in runs),
        notes=("roadside.note_incidents",),
    )


def _hours(run: Run) -> float:
    controller = run.asset(Poles).controller
    watched = len(np.unique(controller[controller >= 0]))
    return float(run.ticks[-1] - run.ticks[0]) / 3.6e12 * watched if len(run.ticks) else 0.0


def _kinds_grid(told: Sequence[Judged]) -> Grid:
    follows, true, false = (
        Counter(spell.kind for one in told for spell in getattr(one, word))
        for word in ("follows", "true", "false")
    )
    rows: list[tuple[str | int | float | None, ...]] = []
    for kind in IncidentKind:
        delays = [delay for one in told for fact, delay in one.facts if fact.kind == kind]
        known = sorted(delay for delay in delays if delay is not None)
        if delays or follows[kind] or true[kind] or false[kind]:
            middle, last = (round(float(np.median(known)), 1), round(known[-1], 1)) if known else (None, None)
            name = f"roadside.incident_{kind.name.lower()}"
            rows.append((name, len(delays), len(known), middle, last, follows[kind], true[kind], false[kind]))
    heads = ("incident", "staged", "found", "delay", "slowest", "follows", "true", "false")
    return Grid("A9-incidents", "roadside.grid_incidents", tuple(f"roadside.head_{h}" for h in heads), tuple(rows))


def _delays_figure(told: Sequence[Judged]) -> Figure:
    delays = np.sort([delay for one in told for _, delay in one.facts if delay is not None])
    share: F64 = np.arange(1, len(delays) + 1) / max(sum(len(one.facts) for one in told), 1)
    series = (Series("roadside.series_found", delays.astype(np.float64), share),) if len(delays) else ()
    return Figure(
        "A9-delays", "roadside.figure_delays", "step", "roadside.axis_delay", "roadside.axis_share", series
    )


def _congestion_grid(runs: Sequence[Run]) -> Grid:
    """Return the slowest carriageway lanes of each Run."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for run in runs:
        _, flow = run.rows(Congestion)
        busy = flow.take(flow.traffic >= 1.5)
        if not len(busy):
            continue
        lane, first = np.unique(busy.lane, return_index=True)
        del first
        place = np.searchsorted(lane, busy.lane)
        seconds = np.bincount(place)
        level = np.bincount(place, busy.level) / seconds
        speed = np.bincount(place, np.nan_to_num(busy.speed)) / seconds
        longest = np.zeros(len(lane))
        np.maximum.at(longest, place, busy.queue_m)
        for n in np.lexsort((lane, -level))[:8].tolist():
            name = run.road.lane_names[int(lane[n])]
            kmh = round(float(speed[n]) * 3.6, 1)
            rows.append((run.name, name, int(seconds[n]), round(float(level[n]), 2), kmh,
                         round(float(longest[n]), 0)))  # fmt: skip
    heads = ("run", "lane", "looks", "level", "kmh", "longest")
    return Grid(
        "A9-congestion", "roadside.grid_congestion", tuple(f"roadside.head_{h}" for h in heads), tuple(rows)
    )


def _road_grid(runs: Sequence[Run]) -> Grid:
    """Return the stretches that are rough or whose traffic is shifted at the end of each Run."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for run in runs:
        rough, moved = run.asset(Roughness), run.asset(LaneShifts)
        for table, mask, value, spread, word in (
            (rough, rough.rough, rough.index, rough.sigma, "rough"),
            (moved, moved.shifted, moved.shift, moved.spread, "shifted"),
        ):
            for n in np.flatnonzero(mask).tolist():
                since = float(table.since_ns[n] - run.ticks[0]) * 1e-9
                name = f"{run.road.lane_names[int(table.lane[n])]} / {int(table.cell[n])}"
                rows.append((run.name, f"roadside.road_{word}", name, round(float(value[n]), 2),
                             round(float(spread[n]), 2), round(since, 0)))  # fmt: skip
    heads = ("run", "state", "stretch", "value", "spread_of", "since_s")
    return Grid("A9-road", "roadside.grid_road", tuple(f"roadside.head_{h}" for h in heads), tuple(rows))


def _levels_figure(runs: Sequence[Run]) -> Figure:
    """Return how many lanes with traffic had each level over time."""
    series = []
    for run in runs[:1]:
        ticks, flow = run.rows(Congestion)
        seconds = (ticks - int(run.ticks[0])) // 10_000_000_000 if len(run.ticks) else ticks
        last = int(seconds.max(initial=0)) + 1
        instants = np.unique(ticks)
        looks = np.bincount((instants - int(run.ticks[0])) // 10_000_000_000, minlength=last) if len(ticks) else 1
        for level in (CongestionLevel.LIGHT, CongestionLevel.MODERATE, CongestionLevel.SEVERE):
            rated = (flow.level == level) & (flow.traffic >= 1.0)
            count: F64 = np.bincount(seconds[rated], minlength=last) / np.maximum(looks, 1)
            if count.any():
                middle: F64 = (np.arange(last) * 10.0 + 5.0).astype(np.float64)
                series.append(Series(f"roadside.level_{level.name.lower()}", middle, count))
    return Figure(
        "A9-levels", "roadside.figure_levels", "line", "roadside.axis_time", "roadside.axis_lanes", tuple(series)
    )


def _map_figure(runs: Sequence[Run]) -> Figure:
    """Return where each level was the usual one, as a map."""
    series = []
    for run in runs[:1]:
        _, flow = run.rows(Congestion)
        lane, place = np.unique(flow.lane, return_inverse=True)
        mean: F64 = np.rint(np.bincount(place, flow.level) / np.maximum(np.bincount(place), 1))
        length: F64 = run.road.lanes.length[lane]
        x, y, _ = run.road.along(lane, length / 2.0)
        for level in CongestionLevel:
            mine = mean == level
            if mine.any():
                series.append(Series(f"roadside.level_{level.name.lower()}", x[mine], y[mine]))
    return Figure(
        "A9-map", "roadside.figure_map", "scatter", "roadside.axis_east", "roadside.axis_north", tuple(series)
    )
