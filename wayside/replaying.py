"""Replaying: the same steps over a stored Run must give the same Run, from any tick on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from wayside.config import convert, load_plugin
from wayside.frame import Frame
from wayside.run import Run, RunError
from wayside.step import AnyStep
from wayside.tick import Pipeline
from wayside.worlds.log import LogWorld


def describe(pipeline: Pipeline) -> dict[str, Any]:
    """Return what a manifest must say of the steps so that they can be run again."""
    return {
        "steps": [one.name for one in pipeline.steps],
        "given": sorted(kind.table_name for kind in pipeline.given if kind.stored),
        "written": sorted({one.writes.table_name for one in pipeline.steps if one.writes.stored}),
        "assets": sorted(type(table).table_name for table in pipeline.assets),
        "settings": {
            name: _without_none(msgspec.to_builtins(struct)) for name, struct in pipeline.settings.items()
        },
    }


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _without_none(v) if isinstance(v, Mapping) else v for k, v in values.items() if v is not None}


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay compares with what was stored.

    Attributes:
        ticks: ticks replayed.
        same: how many of them were identical.
        first_difference: where the first other one differs: instant, table and column; None if all are the same.
    """

    ticks: int
    same: int
    first_difference: str | None


def pipeline_of(run: Run, world: LogWorld) -> Pipeline:
    """Put together the steps that made a Run, with the settings they had."""
    steps: list[AnyStep] = [load_plugin("steps", name) for name in run.manifest["steps"]]
    stored = run.manifest.get("settings", {})
    where = f"{run.folder}/manifest.toml"
    settings = {
        s.name: convert(stored.get(s.name, {}), s.config, f"{where}: [settings.{s.name}]")
        for s in steps
        if s.config is not None
    }
    start_ns, tick_ns = int(run.manifest["start_ns"]), int(run.manifest["tick_ns"])
    return Pipeline.of(steps, settings, run.road, world.provides, world.assets, start_ns, tick_ns)


def replay(run: Run, *, since_ns: int | None = None) -> Replayed:
    """Run a stored Run's steps again over what came from outside, and compare every tick.

    Args:
        run: the stored Run.
        since_ns: resume before this tick, from the last checkpoint; None replays from the beginning.

    Raises:
        RunError: the Run has no such tick, or cannot be replayed.
    """
    ticks = run.ticks
    at = 0
    if since_ns is not None:
        at = int(np.searchsorted(ticks, since_ns))
        if at >= len(ticks) or ticks[at] != since_ns:
            raise RunError(f"{run.folder} has no tick at {since_ns} ns")
    from_tick = run.checkpoint(at - 1) + 1 if at > 0 else 0
    world = LogWorld(run, since_ns=int(ticks[from_tick]) if len(ticks) else None)
    pipeline = pipeline_of(run, world)
    frame = pipeline.first()
    if at > 0:
        stored = run.frame(int(ticks[from_tick - 1]), [k for k in pipeline.kinds if k.stored])
        unstored = {k: k.empty() for k in pipeline.kinds if not k.stored}
        frame = Frame.of_canonical(stored.time_ns, {**dict(stored), **unstored})
    same, first = 0, None
    for number in range(from_tick, len(ticks)):
        instant = int(ticks[number])
        intake = world.poll(instant)
        if intake is None:
            break
        frame = pipeline.tick(frame, intake.tables, instant)
        if number < at:
            continue  # on the way from the checkpoint
        if frame.digest(checkpoint=run.checkpoint(number) == number) == run.digests[number]:
            same += 1
        elif first is None:
            first = _difference(run, frame)
    return Replayed(len(ticks) - at, same, first)


def _difference(run: Run, frame: Frame) -> str:
    """Name the first table and column in which a Frame differs from the stored one."""
    number = int(np.searchsorted(run.ticks, frame.time_ns))
    kept = [k for k in frame if k.stored and (not k.checkpointed or run.checkpoint(number) == number)]
    stored = run.frame(frame.time_ns, kept)
    for kind, table in sorted(stored.items(), key=lambda item: item[0].table_name):
        now = frame[kind]
        if now == table:
            continue
        if len(now) != len(table):
            return f"{frame.time_ns} ns: {kind.table_name} has {len(now)} rows, stored are {len(table)}"
        for name, values in table.arrays():
            other = getattr(now, name)
            different = values != other
            if values.dtype.kind == "f":
                different &= ~(np.isnan(values) & np.isnan(other))
            if different.any():
                row = int(np.flatnonzero(different)[0])
                where = f"{frame.time_ns} ns: {kind.table_name}.{name} row {row}"
                return f"{where} is {other[row]}, stored is {values[row]}"
    return f"{frame.time_ns} ns: a table that is not stored at this tick"
