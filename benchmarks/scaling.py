"""Synthetic cities: a recorded zone laid side by side, and what the chain without codec costs on one core.

Every copy has its own roads, signals, poles, permits and traffic; what came from outside in each tick of the
recorded zone comes from outside in every copy. So the density of traffic is real, and only the size grows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.bar import Bar
from benchmarks.demo import run
from wayside.maps.road import RoadMap
from wayside.operate import keep_memory
from wayside.recorder import Recorder
from wayside.replaying import pipeline_of
from wayside.roadside.tables import Actors
from wayside.run import Run
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.worlds.log import LogWorld

ACTORS = (300, 1_000, 10_000, 50_000)
RECORDED_SECONDS = 20
WARM_TICKS = 30  # until every track is confirmed
TIMED_TICKS = 20
SPACING_M = 500.0  # between the edges of neighbouring copies
IDENTITY_STEP = np.uint64(0x9E3779B97F4A7C15)  # added once per copy, wrapping round

T = TypeVar("T", bound=Table)

NUMBERED = {  # columns that count something of the city: which of them count the same thing
    "pole": "pole", "unit": "unit", "station": "station", "site": "site", "charger": "charger", "permit": "permit",
    "zone": "zone", "measure": "measure", "controller": "controller",
    "lane": "lane", "from_lane": "lane", "to_lane": "lane", "via_lane": "lane",
    "edge": "edge", "node": "node", "from_node": "node", "to_node": "node", "first_point": "point",
}  # fmt: skip


class Tiling:
    """Copies of a recorded zone in a square.

    Args:
        road: the zone's map.
        assets: what stands in it.
        copies: how many.
    """

    def __init__(self, road: RoadMap, assets: Sequence[Table], copies: int) -> None:
        self.copies = copies
        side = int(np.ceil(np.sqrt(copies)))
        width = np.ptp(road.points.x) + SPACING_M
        height = np.ptp(road.points.y) + SPACING_M
        self.place = [((k % side) * width, (k // side) * height) for k in range(copies)]
        tables = [road.lanes, road.points, road.connections, road.nodes, road.phases, road.links, *assets]
        self.sizes = {"point": len(road.points)}
        for table in tables:
            for name, values in table.arrays():
                if name in NUMBERED and len(values):
                    thing = NUMBERED[name]
                    self.sizes[thing] = max(self.sizes.get(thing, 0), int(values.max()) + 1)

    def tile(self, table: T) -> T:
        """Return the rows of all copies; of what is counted for the whole city, such as octets, only one."""
        if not any(name in NUMBERED or table.columns[name].dtype == np.uint64 for name in table.key):
            return table
        return type(table).concatenate([self._copy(table, k) for k in range(self.copies)])

    def _copy(self, table: T, number: int) -> T:
        changed: dict[str, Any] = {}
        for name, values in table.arrays():
            if name in NUMBERED:
                step = number * self.sizes.get(NUMBERED[name], 0)
                changed[name] = np.where(values >= 0, values + step, values)
            elif values.dtype == np.uint64:
                with np.errstate(over="ignore"):
                    changed[name] = np.where(values > 0, values + np.uint64(number) * IDENTITY_STEP, values)
            elif (table.position is not None and name in table.position) or name in ("x", "y"):
                changed[name] = values + self.place[number][name.endswith("y")]
        return table.replace(**changed)

    def road(self, road: RoadMap) -> RoadMap:
        """Return the map of all copies."""
        parts = (road.lanes, road.points, road.connections, road.nodes, road.phases, road.links)
        lanes, points, connections, nodes, phases, links = (self.tile(part) for part in parts)
        return RoadMap.of(
            f"{self.copies} x {road.name}",
            lanes,  # type: ignore[arg-type]
            points,  # type: ignore[arg-type]
            connections,  # type: ignore[arg-type]
            nodes,  # type: ignore[arg-type]
            phases,  # type: ignore[arg-type]
            links,  # type: ignore[arg-type]
            lane_names=road.lane_names * self.copies,
            node_names=road.node_names * self.copies,
            controller_names=road.controller_names * self.copies,
            projection=road.projection,
        )


def enlarged(stored: Run, wanted: int) -> tuple[LogWorld, Pipeline, Tiling]:
    """Return the recorded zone's log, the steps for a city of about so many actors, and how it is laid out."""
    world = LogWorld(stored)
    small = pipeline_of(stored, world)
    instants, _ = stored.rows(Actors)
    per_copy = len(instants) / len(stored.ticks)
    tiling = Tiling(stored.road, world.assets, max(1, round(wanted / per_copy)))
    assets = [tiling.tile(table) for table in world.assets]
    road = tiling.road(stored.road)
    return world, Pipeline.of(small.steps, small.settings, road, small.given, assets, small.start_ns), tiling


def cost(stored: Run, wanted: int) -> tuple[float, float, dict[str, float]]:
    """Return mean actors, and processor seconds per tick, of a city of about so many actors; and those by step."""
    world, large, tiling = enlarged(stored, wanted)
    frame, spent, actors = large.first(), 0.0, 0
    by_step: dict[str, float] = {}
    for number, instant in enumerate(stored.ticks[: WARM_TICKS + TIMED_TICKS].tolist()):
        intake = world.poll(instant)
        if intake is None:
            break
        arrived = [tiling.tile(table) for table in intake.tables]
        timings: dict[str, float] = {}
        begun = time.process_time()
        frame = large.tick(frame, arrived, instant, timer=time.process_time_ns, timings=timings)
        if number >= WARM_TICKS:
            spent += time.process_time() - begun
            actors += len(frame[Actors])
            for name, milliseconds in timings.items():
                by_step[name] = by_step.get(name, 0.0) + milliseconds / TIMED_TICKS
    return actors / TIMED_TICKS, spent / TIMED_TICKS, by_step


def spread(stored: Run, wanted: int) -> list[Bar]:
    """Return median and 99th percentile of a whole tick, recording included, by the wall's clock."""
    world, large, tiling = enlarged(stored, wanted)
    frame, taken, actors = large.first(), [], []
    about = {"start_ns": world.start_ns, "tick_ns": world.tick_ns}
    with tempfile.TemporaryDirectory() as place, Recorder(Path(place) / "run", about, large.road) as recorder:
        for instant in stored.ticks.tolist():
            intake = world.poll(instant)
            if intake is None:
                break
            arrived = [tiling.tile(table) for table in intake.tables]
            begun = time.perf_counter_ns()
            frame = large.tick(frame, arrived, instant)
            recorder.record(frame, {})
            taken.append((time.perf_counter_ns() - begun) / 1e6)
            actors.append(len(frame[Actors]))
        recorder.close(complete=True)
    median, rare = np.percentile(taken[WARM_TICKS:], [50, 99])
    what = f"{np.mean(actors):.0f} actors: a tick with its recording"
    return [Bar(f"{what}, median", median, "<=", 8, "ms"), Bar(f"{what}, p99", rare, "<=", 25, "ms")]


def measure() -> list[Bar]:
    """Measure."""
    keep_memory()  # as every operating process does
    with tempfile.TemporaryDirectory() as place:
        run(Path(place) / "run", "--seconds", str(RECORDED_SECONDS))
        stored = Run(Path(place) / "run")
        bars = spread(stored, ACTORS[0])
        found = [cost(stored, wanted) for wanted in ACTORS]
    for actors, seconds, by_step in found:
        heaviest = sorted(by_step.items(), key=lambda item: -item[1])[:4]
        words = f"{seconds * 1000:.1f} ms a tick; " + ", ".join(f"{n} {ms:.1f}" for n, ms in heaviest)
        held = 200_000 if 9_000 <= actors <= 11_000 else None
        bars.append(
            Bar(f"{actors:.0f} actors: actor-updates per core-second", actors / seconds, ">=", held, "/s", words)
        )
    (few, cheap, _), (many, dear, _) = found[1], found[-1]
    power = float(np.log(dear / cheap) / np.log(many / few))
    bars.append(
        Bar("cost grows as actors to the power of", power, "<=", 1.1, "", f"{few:.0f} to {many:.0f} actors")
    )
    return bars
