"""Incidents staged in the pilot zone: found, missed and false, and how soon; and wrong-way driving.

`python -m benchmarks incidents` takes half an hour. In pieces, which a cut cannot lose:
`python -m benchmarks.incidents FILE SEED...` plays the seeds that FILE does not have, one after the other, appends
what became of each, and prints the figures of all seeds in FILE; `--quiet` plays them without incidents.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.bar import Bar
from benchmarks.wrong_way import wrong_way_bars
from wayside.config import City, read_city
from wayside.maps.conversion import read_map
from wayside.maps.road import RoadMap
from wayside.roadside.monitoring_facts import (
    Fact,
    Judged,
    Reference,
    Spell,
    facts_of,
    judge,
    scenes_of,
    spells_of,
)
from wayside.roadside.tables import IncidentKind, Incidents, Poles
from wayside.signals.tables import Signals
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.world import Event
from wayside.worlds.staging import ACTS
from wayside.worlds.sumo import SumoConfig, open_world
from wayside.worlds.tables import Truth

STEPS = ("pole_reach", "track", "picture", "congestion", "incidents")
# thresholds were chosen with seeds 1 to 20, 101 to 110 and 307
SEEDS = tuple(range(321, 337))
SECONDS, EVERY_S, QUIET_SECONDS = 320.0, 10.0, 240.0
QUIET_SEEDS = (401, 402, 403, 404, 405, 406)
LOOK_TICKS = 10


class Played(msgspec.Struct, frozen=True):
    """What became of one seed; a line of the file that runs in pieces are kept in.

    Attributes:
        seed, seconds, quiet: what was played; `quiet` without incidents.
        watched: intersections with a pole.
        told: name of the kind, instant [s], x, y [m], and delay [s] of each fact, None if it was missed.
        false: name of the kind, instant [s], x and y [m] of each false one.
        brief, follows, true: how many there were, see `Judged`.
    """

    seed: int
    seconds: float
    quiet: bool
    watched: int
    told: list[tuple[str, float, float, float, float | None]]
    false: list[tuple[str, float, float, float]]
    brief: int
    follows: int
    true: int


def play(seed: int, quiet: bool) -> Played:
    """Let the pilot zone run with incidents staged, or without, and return what was found.

    The chain is World, sensors, tracking, picture, congestion, incidents; messages and signatures are left out.
    """
    seconds = QUIET_SECONDS if quiet else SECONDS
    city = read_city("pingshan")
    world = {**city.world, "faults": {}}
    if not quiet:
        kinds = list(ACTS)
        world["faults"] = {
            "incidents": {"kinds": kinds, "first_s": 15.0, "every_s": EVERY_S, "until_s": seconds - 50}
        }
    road = read_map(city.folder / world["net"], origin=city.header.origin, programs=[])
    poles: Any = next(table for table in city.assets if isinstance(table, Poles))
    sumo = open_world(
        msgspec.convert(world, SumoConfig), folder=city.folder, seed=seed, start_ns=city.start_ns,
        tick_ns=city.tick_ns, seconds=seconds, road=road, assets=city.assets, edge=None,
    )  # fmt: skip
    pipeline = _pipeline(city, road, sumo.assets)
    reference, frame = Reference(road), pipeline.first()
    events: list[Event] = []
    ticks: list[int] = []
    stored: list[Incidents] = []
    now, count = city.start_ns, 0
    while (intake := sumo.poll(now)) is not None:
        events += sumo.events()
        arrived = {type(table): table for table in intake.tables}
        frame = pipeline.tick(frame, [t for kind, t in arrived.items() if kind in pipeline.given], now)
        if count % LOOK_TICKS == 0:
            truth: Any = arrived[Truth].canonical()
            reference.look(truth, frame[Signals], now)
        if count % 2 == 0:
            found: Any = frame[Incidents]
            stored.append(found)
            ticks += [now] * len(found)
        now, count = now + city.tick_ns, count + 1
    events += sumo.events()
    sumo.close()
    rows = Incidents.concatenate(stored)
    judged = judge(
        facts_of(events, now), scenes_of(events, now), spells_of(np.array(ticks, np.int64), rows), reference.stuck
    )
    return _played(seed, seconds, quiet, judged, poles, city.start_ns)


def _pipeline(city: City, road: RoadMap, assets: Sequence[Table]) -> Pipeline:
    """Return the steps from detections to incidents; what others would write is given, and empty."""
    steps = [one for one in city.steps if one.name in STEPS]
    written = {one.writes for one in steps}
    read = {kind for one in steps for _, kind in one.reads if not kind.asset}
    return Pipeline.of(steps, city.settings, road, frozenset(read - written), assets, city.start_ns)


def _played(
    seed: int, seconds: float, quiet: bool, judged: Judged, poles: Poles, start_ns: int
) -> Played:  # fmt: skip
    def at(one: Fact | Spell) -> tuple[str, float, float, float]:
        return one.kind.name.lower(), (one.from_ns - start_ns) / 1e9, round(one.x, 1), round(one.y, 1)

    return Played(
        seed, seconds, quiet, len(np.unique(poles.controller[poles.controller >= 0])),
        [(*at(fact), delay) for fact, delay in judged.facts], [at(spell) for spell in judged.false],
        len(judged.brief), len(judged.follows), len(judged.true),
    )  # fmt: skip


def measure() -> list[Bar]:
    """Run every seed in a process of its own, as many at a time as there are cores, and count."""
    seeds = SEEDS + QUIET_SEEDS
    # SUMO runs once in a process
    with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), max_tasks_per_child=1) as pool:
        played = list(pool.map(play, seeds, [seed in QUIET_SEEDS for seed in seeds]))
    return incident_bars(played) + wrong_way_bars()


def incident_bars(played: Sequence[Played]) -> list[Bar]:
    """Count over all seeds."""
    told = [one for run in played for one in run.told]
    delays = sorted(delay for *_, delay in told if delay is not None)
    share = [sum(d is not None for *_, d in run.told) / len(run.told) for run in played if run.told]
    false = Counter(kind for run in played for kind, *_ in run.false)
    hours = sum(run.seconds / 3600.0 * run.watched for run in played)
    follows, true = sum(run.follows for run in played), sum(run.true for run in played)
    least, most = min(share, default=np.nan), max(share, default=np.nan)
    beside = f"{len(told)} staged, {len(delays)} found; by seed {least:.3f} to {most:.3f}"
    beside += f"; {sum(run.brief for run in played)} shorter than 2.4 s are left out"
    ninth, last = np.percentile(delays or [np.nan], (90, 100))
    late = f"90 % within {ninth:.1f} s, all within {last:.1f} s"
    others = f"{dict(false)}; {follows} that follow from staged ones, {true} queues and jams that are true"
    bars = [
        Bar("incidents: share found", len(delays) / max(len(told), 1), ">=", 0.98, "", beside),
        Bar("incidents: median delay", float(np.median(delays or [np.nan])), "<=", 10.0, "s", late),
        Bar(f"incidents: false, in {hours:.2f} watched intersection-hours", sum(false.values()) / hours, "<=", 0.1,
            "1/h", others),
    ]  # fmt: skip
    for kind in IncidentKind:
        mine = [delay for name, *_, delay in told if name == kind.name.lower()]
        known = sorted(d for d in mine if d is not None)
        if mine:
            spread = f"{known[0]:.1f} to {known[-1]:.1f} s" if known else ""
            name = kind.name.lower().replace("_", " ")
            bars.append(Bar(f"{name}: found of {len(mine)}", len(known), "<=", None, "", spread))
            bars.append(
                Bar(f"{name}: median delay", float(np.median(known)) if known else np.nan, "<=", None, "s")
            )
    return bars


def main() -> None:
    """Play the seeds named that the file does not have, and print the figures of all that it has."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incidents")
    parser.add_argument("file", type=Path)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--quiet", action="store_true", help="no incidents; only false ones are counted")
    options = parser.parse_args()
    lines = options.file.read_bytes().splitlines() if options.file.exists() else []
    played = [msgspec.json.decode(line, type=Played) for line in lines]
    missing = [seed for seed in options.seeds if (seed, options.quiet) not in {(p.seed, p.quiet) for p in played}]
    with (
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool,
        options.file.open("ab") as out,
    ):
        for one in pool.map(play, missing, [options.quiet] * len(missing)):
            out.write(msgspec.json.encode(one) + b"\n")
            out.flush()
            played.append(one)
    for run in played:
        for kind, second, x, y, delay in run.told:
            if delay is None:
                print(f"{run.seed} missed {kind} {second:.1f} s ({x:.0f}, {y:.0f})")
        for kind, second, x, y in run.false:
            print(f"{run.seed} false {kind} {second:.1f} s ({x:.0f}, {y:.0f})")
    for bar in incident_bars(played):
        print(f"{bar.measured:8.3f} {bar.unit:3s} {bar.what}; {bar.beside}")


if __name__ == "__main__":
    main()
