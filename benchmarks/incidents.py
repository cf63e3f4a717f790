"""Incidents staged in the pilot zone: found, missed and false, and how soon; and wrong-way driving."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import msgspec
import numpy as np

from benchmarks.bar import Bar
from benchmarks.wrong_way import wrong_way_bars
from wayside.config import City, read_city
from wayside.maps.conversion import read_map
from wayside.maps.road import RoadMap
from wayside.roadside.monitoring_facts import Judged, Reference, facts_of, judge, scenes_of, spells_of
from wayside.roadside.tables import IncidentKind, Incidents, Poles
from wayside.signals.tables import Signals
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.worlds.staging import ACTS
from wayside.worlds.sumo import SumoConfig, open_world
from wayside.worlds.tables import Truth

STEPS = ("pole_reach", "track", "picture", "congestion", "incidents")
SEEDS = tuple(range(101, 117))
SECONDS, EVERY_S, QUIET_SECONDS = 320.0, 10.0, 240.0
QUIET_SEEDS = (201, 202, 203, 204)
LOOK_TICKS = 10


def play(seed: int, seconds: float, every_s: float, trace: bool = False) -> tuple[Judged, int]:
    """Let the pilot zone run with incidents staged and return what was found, and the intersections poles watch.

    The chain is World, sensors, tracking, picture, congestion, incidents; messages and signatures are left out.
    """
    city = read_city("pingshan")
    world = {**city.world, "faults": {}}
    if every_s > 0:
        kinds = list(ACTS)
        world["faults"] = {
            "incidents": {"kinds": kinds, "first_s": 15.0, "every_s": every_s, "until_s": seconds - 50}
        }
    road = read_map(city.folder / world["net"], origin=city.header.origin, programs=[])
    poles: Any = next(table for table in city.assets if isinstance(table, Poles))
    sumo = open_world(
        msgspec.convert(world, SumoConfig), folder=city.folder, seed=seed, start_ns=city.start_ns,
        tick_ns=city.tick_ns, seconds=seconds, road=road, assets=city.assets, edge=None,
    )  # fmt: skip
    pipeline = _pipeline(city, road, sumo.assets)
    reference, events, frame = Reference(road), [], pipeline.first()
    ticks: list[int] = []
    stored: list[Incidents] = []
    now, count = city.start_ns, 0
    while (intake := sumo.poll(now)) is not None:
        events += sumo.events()
        arrived = {type(table): table for table in intake.tables}
        frame = pipeline.tick(frame, [t for kind, t in arrived.items() if kind in pipeline.given], now)
        if count % LOOK_TICKS == 0:
            truth: Any = arrived[Truth].canonical()
            reference.look(truth, frame[Signals], now)  # type: ignore[arg-type]
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
    if trace:
        _print(judged, city.start_ns)
    return judged, len(np.unique(poles.controller[poles.controller >= 0]))


def _pipeline(city: City, road: RoadMap, assets: Sequence[Table]) -> Pipeline:
    """Return the steps from detections to incidents; what others would write is given, and empty."""
    steps = [one for one in city.steps if one.name in STEPS]
    written = {one.writes for one in steps}
    read = {kind for one in steps for _, kind in one.reads if not kind.asset}
    return Pipeline.of(steps, city.settings, road, frozenset(read - written), assets, city.start_ns)


def _print(judged: Judged, start_ns: int) -> None:
    for fact, delay in judged.facts:
        at = f"{(fact.from_ns - start_ns) / 1e9:6.1f} s  ({fact.x:.0f}, {fact.y:.0f})"
        print(f"{fact.kind.name:16s} {at}  {'MISSED' if delay is None else f'{delay:.1f} s'}")
    for word, spells in (("follows", judged.follows), ("true", judged.true), ("FALSE", judged.false)):
        for one in spells:
            at = f"{(one.from_ns - start_ns) / 1e9:6.1f} to {(one.until_ns - start_ns) / 1e9:.1f} s"
            print(f"{word:8s} {one.kind.name:16s} {one.actor:x} {at}  ({one.x:.0f}, {one.y:.0f})")


def _jobs() -> list[tuple[int, float, float]]:
    return [(seed, SECONDS, EVERY_S) for seed in SEEDS] + [(seed, QUIET_SECONDS, 0.0) for seed in QUIET_SEEDS]


def measure(jobs: Sequence[tuple[int, float, float]] | None = None) -> list[Bar]:
    """Run every seed in a process of its own, as many at a time as there are cores, and count."""
    jobs = _jobs() if jobs is None else jobs
    # SUMO runs once in a process
    with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), max_tasks_per_child=1) as pool:
        played = list(pool.map(play, *zip(*jobs, strict=True)))
    told = [one for judged, _ in played for one in judged.facts]
    delays = sorted(delay for _, delay in told if delay is not None)
    share = [_share([d for _, d in judged.facts]) for judged, _ in played if judged.facts]
    false = Counter(spell.kind.name.lower() for judged, _ in played for spell in judged.false)
    hours = sum(seconds / 3600.0 * watched for (_, seconds, _), (_, watched) in zip(jobs, played, strict=True))
    follows = sum(len(judged.follows) for judged, _ in played)
    true = sum(len(judged.true) for judged, _ in played)
    beside = f"{len(told)} staged, {len(delays)} found; by seed {min(share):.3f} to {max(share):.3f}"
    late = f"90 % within {np.percentile(delays, 90):.1f} s, all within {delays[-1]:.1f} s"
    others = f"{dict(false)}; {follows} that follow from staged ones, {true} queues and jams that are true"
    bars = [
        Bar("incidents: share found", len(delays) / max(len(told), 1), ">=", 0.98, "", beside),
        Bar("incidents: median delay", float(np.median(delays)), "<=", 10.0, "s", late),
        Bar(f"incidents: false, in {hours:.2f} watched intersection-hours", sum(false.values()) / hours, "<=", 0.1,
            "1/h", others),
    ]  # fmt: skip
    for kind in IncidentKind:
        mine = [delay for fact, delay in told if fact.kind == kind]
        known = sorted(d for d in mine if d is not None)
        if mine:
            spread = f"{known[0]:.1f} to {known[-1]:.1f} s" if known else ""
            name = kind.name.lower().replace("_", " ")
            bars.append(Bar(f"{name}: found of {len(mine)}", len(known), "<=", None, "", spread))
            bars.append(
                Bar(f"{name}: median delay", float(np.median(known)) if known else np.nan, "<=", None, "s")
            )
    return bars + wrong_way_bars()


def _share(delays: Sequence[float | None]) -> float:
    return sum(d is not None for d in delays) / max(len(delays), 1)


if __name__ == "__main__":
    play(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), trace=True)
