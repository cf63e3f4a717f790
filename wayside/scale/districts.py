"""Districts: the same tick on parts of the city, each with a halo, put together again.

Steps are taken in their order. A run of neighbouring steps that each look no further than their `reach_m` is
computed district by district on the district's rows and those within the sum of their reaches around it;
a step without a reach sees the whole city, in the hub. What a district computes for its halo is thrown away.
The reach of a step that remembers must cover how far a row moves between two of its runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from wayside.frame import Frame
from wayside.step import AnyStep
from wayside.table import Bool, Table
from wayside.tick import Pipeline


@dataclass(frozen=True, slots=True)
class District:
    """A strip of the city from `west` up to, but not including, `east` [m]."""

    west: float
    east: float

    def rows(self, table: Table, halo: float = 0.0) -> Bool:
        """Tell which rows of a table with a position lie in the strip, widened by the halo [m]."""
        if table.position is None:
            return np.ones(len(table), np.bool_)
        x = getattr(table, table.position[0])
        inside: Bool = (x >= self.west - halo) & (x < self.east + halo)
        return inside


def strips(borders: Sequence[float]) -> tuple[District, ...]:
    """Cut the plane at the given eastings into strips.

    >>> [(d.west, d.east) for d in strips([0.0])]
    [(-inf, 0.0), (0.0, inf)]
    """
    edges = [-np.inf, *sorted(borders), np.inf]
    return tuple(District(west, east) for west, east in pairwise(edges))


def tick_in_districts(
    pipeline: Pipeline, before: Frame, arrived: Sequence[Table], time_ns: int, districts: Sequence[District]
) -> Frame:
    """Return what `Pipeline.tick` returns, computed district by district.

    Args:
        pipeline: the steps.
        before: the Frame of the last tick, of the whole city.
        arrived: the given tables of this tick.
        time_ns: this tick's instant.
        districts: parts that cover the city and do not overlap.
    """
    tables: dict[type[Table], Table] = {kind: kind.empty() for kind in pipeline.given}
    tables.update({type(table): table.canonical() for table in (*arrived, *pipeline.assets)})
    for local, steps in groupby(pipeline.steps, key=lambda one: one.reach_m is not None):
        group = list(steps)
        if not local:
            _run(pipeline, group, tables, before, time_ns)
            continue
        halo = sum(one.reach_m or 0.0 for one in group)
        parts: dict[type[Table], list[Table]] = {one.writes: [] for one in group}
        for district in districts:
            here = {kind: table.take(district.rows(table, halo)) for kind, table in tables.items()}
            past = {one.writes: before[one.writes] for one in group}
            past = {kind: table.take(district.rows(table, halo)) for kind, table in past.items()}
            _run(pipeline, group, here, past, time_ns)
            for kind, collected in parts.items():
                collected.append(here[kind].take(district.rows(here[kind])))
        tables.update({kind: kind.concatenate(collected).canonical() for kind, collected in parts.items()})
    return Frame.of_canonical(time_ns, tables)


def _run(
    pipeline: Pipeline,
    steps: Sequence[AnyStep],
    tables: dict[type[Table], Table],
    before: Mapping[type[Table], Table],
    time_ns: int,
) -> None:
    """Run steps one after the other and put what they write into `tables`."""
    for one in steps:
        tables[one.writes] = pipeline.written(one, tables, before, time_ns)
