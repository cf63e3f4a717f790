"""What the services are worth: the same traffic once without and once with drivers who listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from os import cpu_count
from typing import Any

import numpy as np
from scipy.stats import t as student

from wayside.config import read_city
from wayside.frame import Frame
from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.encounters import EncounterKind, encounters
from wayside.guidance.travel import travel
from wayside.opening import open_city
from wayside.operate import operate
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.table import F64
from wayside.worlds.tables import Truth

SEVERE = 5.0  # [m/s] closing speed from which an encounter could hurt
LASTING_NS = 500_000_000  # an encounter that is over sooner may be a bend
SETTLE_S = 30.0  # left out of what is measured: tracks begin, and the first warnings are given and take effect
PER_KM = 100.0  # encounters are told of so many vehicle-kilometres
DEAF: Mapping[str, float] = {"warning_compliance": 0.0, "advice_compliance": 0.0}


@dataclass(frozen=True, slots=True)
class Trial:
    """What one simulated time came to; rates are of motor vehicles.

    Rates are of kilometres and not of hours: traffic that is slowed down has more hours for the same trips, which
    would look like fewer encounters.

    Attributes:
        collision_times: encounters with a time to collision below 1.5 s, in 100 vehicle-kilometres.
        lasting: those of them that last half a second, since the arc of who turns sweeps over others for a moment.
        severe: those of the lasting ones that close at 5 m/s or more.
        encroachments: encounters with a post-encroachment time below 1 s, in 100 vehicle-kilometres.
        delay: time lost against the limit [s/km].
        stops: in a vehicle-kilometre.
        energy: work at the wheels [kWh/km].
        told: warnings and advices that were given, in a vehicle-hour.
        hours: vehicle-hours.
    """

    collision_times: float
    lasting: float
    severe: float
    encroachments: float
    delay: float
    stops: float
    energy: float
    told: float
    hours: float


MEASURES = ("collision_times", "lasting", "severe", "encroachments", "delay", "stops", "energy")


def trial(zone: str, seed: int, seconds: float, *, listens: bool, settle_s: float = SETTLE_S) -> Trial:
    """Run a city and measure it.

    Args:
        zone: name of a built-in city, or a city file.
        seed: of all draws.
        seconds: how long is measured.
        listens: whether drivers follow warnings and advices as the city file says; else nobody does.
        settle_s: runs before that and is left out.
    """
    city = read_city(zone)
    if not listens:
        city = city.with_world(drivers={**city.world.get("drivers", {}), **DEAF})
    opened = open_city(city, seed=seed, seconds=settle_s + seconds)
    since_ns = city.start_ns + round(settle_s * 1e9)
    instants: list[int] = []
    tables: list[Truth] = []
    told = 0

    def note(_: int, frame: Frame) -> None:
        nonlocal told
        if frame.time_ns < since_ns:
            return
        instants.append(frame.time_ns)
        tables.append(frame[Truth])
        for kind in (WarningOrders, SpeedOrders):
            table: Any = frame.get(kind)
            if table is not None:
                told += int(((table.verdict == Verdict.APPROVED) | (table.verdict == Verdict.LIMITED)).sum())

    try:
        ticks = round((settle_s + seconds) * 1e9 / city.tick_ns)
        operate(opened.world, opened.pipeline, edge=opened.edge, recorder=None, ticks=ticks, on_tick=note)
    finally:
        opened.world.close()
    time_ns = np.repeat(np.array(instants, np.int64), [len(table) for table in tables])
    truth = Truth.concatenate(tables)
    found, costs = encounters(time_ns, truth), travel(time_ns, truth, opened.world.road)
    close = found.kind == EncounterKind.TIME_TO_COLLISION
    lasts = close & (found.end_ns - found.begin_ns >= LASTING_NS)
    hours, kilometres = max(costs.hours, 1e-9), max(costs.kilometres, 1e-9)
    return Trial(
        collision_times=PER_KM * int(close.sum()) / kilometres,
        lasting=PER_KM * int(lasts.sum()) / kilometres,
        severe=PER_KM * int((lasts & (found.closing >= SEVERE)).sum()) / kilometres,
        encroachments=PER_KM * int((~close).sum()) / kilometres,
        delay=costs.delay_s / kilometres,
        stops=costs.stops / kilometres,
        energy=costs.energy_kwh / kilometres,
        told=told / hours,
        hours=costs.hours,
    )


def benefit(zone: str, seeds: Sequence[int], seconds: float, note: Callable[[str], None]) -> Report:
    """Run each seed with drivers who do not listen and with drivers who do, and compare.

    Both runs of a seed have the same demand, vehicles, signals, weather and planted facts, and the same services
    speak; they differ only in whether drivers act on what they are told. So the differences of a seed are the
    services' doing, and their spread over seeds says how sure that is: the interval is Student's, of 95 %. Once
    one driver has acted, the draws of SUMO's drivers in that lane go to others, so the two runs of a seed drift
    apart, and a pair shares the demand rather than every moment.

    Args:
        zone: name of a built-in city, or a city file.
        seeds: of the pairs of runs; at least two.
        seconds: how long is measured in each run, after `SETTLE_S`.
        note: told a line whenever a run has ended.

    Limits: simulated drivers hardly ever fail by themselves, so the dangers that warnings are made for are rarer
    than on a road, and the gain in safety is rather understated; nobody drives more carelessly because of the
    services; demand does not answer to delay.
    """
    wanted = [(seed, listens) for seed in seeds for listens in (False, True)]
    found: dict[tuple[int, bool], Trial] = {}
    # a fresh process each: SUMO keeps one simulation in a process
    workers = min(cpu_count() or 1, len(wanted))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        running = {pool.submit(trial, zone, seed, seconds, listens=on): (seed, on) for seed, on in wanted}
        for done in as_completed(running):
            found[running[done]] = done.result()
            note(f"{len(found)}/{len(wanted)}")
    return compared([found[seed, False] for seed in seeds], [found[seed, True] for seed in seeds], seeds, zone)


def compared(off: Sequence[Trial], on: Sequence[Trial], seeds: Sequence[int], zone: str) -> Report:
    """Return the report of pairs of trials, one pair a seed."""
    rows = []
    changes: dict[str, tuple[float, float, float]] = {}
    for name in MEASURES:
        without, with_ = (np.array([asdict(one)[name] for one in side]) for side in (off, on))
        mean, half = interval(with_ - without)
        base = float(without.mean())
        relative = 100.0 / base if base else np.nan
        changes[name] = (mean * relative, (mean - half) * relative, (mean + half) * relative)
        rows.append(
            (
                f"guidance.benefit_{name}", _short(base), _short(float(with_.mean())), _short(mean),
                _short(mean - half), _short(mean + half), _short(mean * relative, 1),
            )
        )  # fmt: skip
    told = float(np.mean([one.told for one in on]))
    names = [str(seed) for seed in seeds]
    return Report(
        study="benefit",
        lines=tuple(
            Line(
                f"A3-benefit-{name.replace('_', '-')}", f"guidance.benefit_line_{name}", 0.0, "<=", "%",
                "systems A3, A14 [own]", None if np.isnan(changes[name][1]) else changes[name][1],
            )
            for name in ("collision_times", "delay", "stops", "energy")
        ),
        grids=(
            Grid(
                "benefit", "guidance.benefit_grid",
                ("guidance.benefit_measure", "guidance.benefit_off", "guidance.benefit_on",
                 "guidance.benefit_change", "guidance.benefit_low", "guidance.benefit_high",
                 "guidance.benefit_percent"),
                tuple(rows),
            ),
            Grid(
                "benefit-runs", "guidance.benefit_runs",
                ("guidance.benefit_zone", "guidance.benefit_seeds", "guidance.benefit_hours",
                 "guidance.benefit_told"),
                ((zone, len(seeds), _short(sum(one.hours for one in (*off, *on)), 1), _short(told, 1)),),
            ),
        ),
        figures=tuple(
            Figure(
                f"benefit-{name.replace('_', '-')}", f"guidance.benefit_{name}", "bar", "guidance.benefit_seed",
                f"guidance.benefit_{name}",
                (
                    Series("guidance.benefit_off", names, np.array([asdict(one)[name] for one in off])),
                    Series("guidance.benefit_on", names, np.array([asdict(one)[name] for one in on])),
                ),
            )
            for name in ("collision_times", "delay")
        ),
        runs=tuple(names),
        notes=("guidance.benefit_note",),
    )  # fmt: skip


def interval(differences: F64) -> tuple[float, float]:
    """Return the mean of differences and half of its 95 % interval by Student's law; NaN for a single one.

    >>> tuple(round(value, 2) for value in interval(np.array([1.0, 2.0, 3.0])))
    (2.0, 2.48)
    """
    count = len(differences)
    if count < 2:
        return float(differences.mean()) if count else np.nan, np.nan
    spread = float(differences.std(ddof=1)) / np.sqrt(count)
    return float(differences.mean()), float(student.ppf(0.975, count - 1) * spread)


def _short(value: float, places: int = 3) -> float | None:
    return None if np.isnan(value) else round(value, places)
