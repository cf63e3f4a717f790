"""The whole chain on one core: octets in, decode, fuse, monitor, warn, encode, octets out.

Copies of the recorded pilot zone side by side (see `benchmarks.scaling`), whose reports and detections are put on
the wire again in every copy. For the bar of 20 intersections with 60 objects each there are so many copies that
there are 1,200 participants, at more intersections.

Messages come and go bare: `signed` measures signatures. What SUMO, the sensors and the senders take is not
counted, nor is the recording. Figures are of processor time, as "per core" means, so that other work on the
machine disturbs them little; the wall's clock stands beside.
"""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.bar import Bar
from benchmarks.demo import run
from benchmarks.scaling import Tiling, enlarged
from wayside.messages import Messages
from wayside.operate import keep_memory
from wayside.roadside.tables import Actors
from wayside.run import Run
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.tables import Traffic
from wayside.world import Edge
from wayside.worlds.log import LogWorld

INTERSECTIONS, OBJECTS = 20, 60  # that the bar is about
PARTICIPANTS = (1_000, 3_000, 10_000)
RECORDED_SECONDS = 12
WARM_TICKS = 20  # until tracks are confirmed
TIMED_TICKS = 20  # whole seconds: some messages go out once in one
RARE_TICKS = 100  # of which a 99th percentile is told


@dataclass
class Clocked:
    """What ticks took, by processor and by wall [ms], and by part and step [ms of a tick]."""

    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    actors: list[int] = field(default_factory=list)
    messages: list[tuple[int, int]] = field(default_factory=list)  # in and out
    parts: dict[str, float] = field(default_factory=dict)

    def heaviest(self, count: int) -> str:
        """Return the parts that take longest, in words."""
        ticks = max(len(self.processor), 1)
        parts = sorted(self.parts.items(), key=lambda item: -item[1])[:count]
        return ", ".join(f"{name} {spent / ticks:.1f}" for name, spent in parts)


class Chain:
    """A pipeline with its edge, timed tick by tick.

    Args:
        edge: turns octets into tables and back.
        pipeline: the steps.
    """

    def __init__(self, edge: Edge, pipeline: Pipeline) -> None:
        self._edge, self._pipeline, self._frame = edge, pipeline, pipeline.first()

    def tick(self, heard: Messages, tables: list[Table], instant: int, into: Clocked | None) -> Messages:
        """Do one tick and note in `into` what it took."""
        timings: dict[str, float] = {}
        clock = time.process_time_ns
        wall, begun = time.perf_counter_ns(), clock()
        arrived = [*tables, *self._edge.decode(heard, instant)]
        decoded = clock()
        self._frame = self._pipeline.tick(self._frame, arrived, instant, timer=clock, timings=timings)
        ticked = clock()
        sent = Messages.of(self._edge.encode(self._frame))
        ended = clock()
        if into is not None:
            into.processor.append((ended - begun) / 1e6)
            into.wall.append((time.perf_counter_ns() - wall) / 1e6)
            into.actors.append(len(self._frame[Actors]))
            into.messages.append((len(heard), len(sent)))
            timings |= {"decode": (decoded - begun) / 1e6, "encode": (ended - ticked) / 1e6}
            for name, spent in timings.items():
                into.parts[name] = into.parts.get(name, 0.0) + spent
        return sent


def copies(stored: Run, wanted: int, ticks: int = TIMED_TICKS) -> Clocked:
    """Return what the chain takes in a city of copies of the recorded zone with about so many participants."""
    world, large, tiling = enlarged(stored, wanted)
    edge = _edge(world, large, tiling)
    chain, found = Chain(edge, large), Clocked()
    gc.collect()
    gc.disable()
    try:
        for number, instant in enumerate(stored.ticks[: WARM_TICKS + ticks].tolist()):
            intake = world.poll(instant)
            if intake is None:
                break
            tables = [tiling.tile(table) for table in intake.tables]
            heard = edge.speak(tables, instant)
            others = [table for table in tables if type(table) not in edge.writes]
            chain.tick(heard, others, instant, found if number >= WARM_TICKS else None)
    finally:
        gc.enable()
    return found


def _edge(world: LogWorld, large: Pipeline, tiling: Tiling) -> V2xEdge:
    if Traffic not in world.provides:
        raise ValueError("the recorded run came without an edge, so there is nothing to put on the wire")
    return V2xEdge(EdgeConfig(), large.road, [tiling.tile(table) for table in world.assets])


def _spread(where: str, found: Clocked) -> list[Bar]:
    """Return median and 99th percentile of a whole tick."""
    median, rare = np.percentile(found.processor, [50, 99])
    wall_median, wall_rare = np.percentile(found.wall, [50, 99])
    heard, sent = np.mean(found.messages, axis=0)
    what = f"{where}, {np.mean(found.actors):.0f} participants: whole tick"
    words = f"{heard:.0f} messages in, {sent:.0f} out; {found.heaviest(5)}"
    return [
        Bar(f"{what}, median", median, "<=", None, "ms", words),
        Bar(f"{what}, p99", rare, "<=", 50.0, "ms", f"wall: median {wall_median:.1f}, p99 {wall_rare:.1f}"),
    ]


def measure() -> list[Bar]:
    """Measure."""
    keep_memory()  # as every operating process does
    wanted = INTERSECTIONS * OBJECTS
    with tempfile.TemporaryDirectory() as place:
        run(Path(place) / "run", "--seconds", str(RECORDED_SECONDS))
        stored = Run(Path(place) / "run")
        bars = _spread("copies of the pilot zone", copies(stored, wanted, RARE_TICKS))
        found = [copies(stored, count) for count in PARTICIPANTS]
    sizes = [float(np.mean(one.actors)) for one in found]
    costs = [float(np.mean(one.processor)) for one in found]
    for size, cost, one in zip(sizes, costs, found, strict=True):
        held = 50_000 if 9_000 <= size <= 11_000 else None
        bars.append(
            Bar(f"{size:.0f} participants: per core-second", 1e3 * size / cost, ">=", held, "/s",
                f"{cost:.1f} ms a tick; {one.heaviest(6)}")
        )  # fmt: skip
    power = float(np.log(costs[-1] / costs[0]) / np.log(sizes[-1] / sizes[0]))
    words = f"{sizes[0]:.0f} to {sizes[-1]:.0f} participants"
    return [*bars, Bar("cost grows as participants to the power of", power, "<=", 1.1, "", words)]
