"""One tick: what came in, folded over the ordered steps, makes the next Frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.step import EVERY_TICK_S, AnyStep, StepError, arrange
from wayside.table import Table

Timer = Callable[[], int]  # a monotonic count of nanoseconds


@dataclass(frozen=True)
class Pipeline:
    """The steps of a city, in order, with their settings and the map.

    Attributes:
        steps: in an order in which each runs after what it reads.
        given: tables that come from outside each tick.
        assets: constant tables.
        start_ns, tick_ns: instant of the first tick, and spacing of ticks.
    """

    steps: tuple[AnyStep, ...]
    settings: Mapping[str, msgspec.Struct]
    road: RoadMap
    given: frozenset[type[Table]]
    assets: tuple[Table, ...]
    start_ns: int
    tick_ns: int

    @classmethod
    def of(
        cls,
        steps: Sequence[AnyStep],
        settings: Mapping[str, msgspec.Struct],
        road: RoadMap,
        given: frozenset[type[Table]],
        assets: Sequence[Table],
        start_ns: int,
        tick_ns: int = round(EVERY_TICK_S * 1e9),
    ) -> Pipeline:
        """Put steps in order.

        Raises:
            StepError: they do not fit together.
        """
        standing = {type(a): a.canonical() for a in assets}
        for one in steps:
            for _, kind in one.reads:
                if kind.asset and kind not in standing:
                    standing[kind] = kind.empty()  # a city without any of these
        canonical = tuple(standing.values())
        ordered = arrange(steps, given | {type(a) for a in canonical})
        for one in ordered:
            if one.remembers and not one.writes.stored:
                raise StepError(f"step {one.name} remembers {one.writes.__name__}, which is not stored")
            if one.config is not None and not isinstance(settings.get(one.name), one.config):
                raise StepError(f"step {one.name} needs settings of {one.config.__name__}")
        return cls(ordered, settings, road, given, canonical, start_ns, tick_ns)

    @property
    def kinds(self) -> tuple[type[Table], ...]:
        """Every table a Frame of this pipeline holds."""
        written = dict.fromkeys(s.writes for s in self.steps)
        return (*(type(a) for a in self.assets), *sorted(self.given, key=lambda k: k.__name__), *written)

    def first(self) -> Frame:
        """Return the Frame before the first tick: assets, and everything else empty."""
        tables: dict[type[Table], Table] = {kind: kind.empty() for kind in self.kinds}
        tables.update({type(a): a for a in self.assets})
        return Frame.of_canonical(self.start_ns, tables)

    def due(self, one: AnyStep, time_ns: int) -> bool:
        """Tell whether a step runs at that instant."""
        first_ns, period_ns = self._instants[one.name]
        return (time_ns - first_ns) % period_ns == 0

    @cached_property
    def _instants(self) -> dict[str, tuple[int, int]]:
        """The first instant at which each step runs, and its period [ns]."""
        phases = {one.name: round(one.phase_s * 1e9) // self.tick_ns * self.tick_ns for one in self.steps}
        return {one.name: (self.start_ns + phases[one.name], round(one.period_s * 1e9)) for one in self.steps}

    @cached_property
    def _constants(self) -> dict[str, dict[str, Any]]:
        """What each step is given at every instant alike."""
        given: dict[str, dict[str, Any]] = {}
        for one in self.steps:
            config = {} if one.config is None else {"config": self.settings[one.name]}
            given[one.name] = {**config, **({"road": self.road} if one.needs_road else {})}
        return given

    def written(
        self, one: AnyStep, tables: Mapping[type[Table], Table], before: Mapping[type[Table], Table], time_ns: int
    ) -> Table:
        """Return the table of this tick after the step: rounded, in order, and with what others wrote to it."""
        kind = one.writes
        if self.due(one, time_ns):
            table: Table = self._call(one, tables, before[kind], time_ns)
        else:
            table = before[kind] if kind.held else kind.empty()
        if kind.shared and kind in tables and len(tables[kind]):
            table = kind.concatenate([tables[kind], table])
        return table.canonical()

    def _call(self, one: AnyStep, tables: Mapping[type[Table], Table], before: Table, time_ns: int) -> Table:
        values = self._constants[one.name].copy()
        for name, kind in one.reads:
            values[name] = tables[kind]
        if one.remembers:
            values["before"] = before
        if one.needs_time:
            values["time_ns"] = time_ns
        result: Table = one.function(**values)
        return result

    def tick(
        self,
        before: Frame,
        arrived: Sequence[Table],
        time_ns: int,
        *,
        timer: Timer | None = None,
        timings: dict[str, float] | None = None,
    ) -> Frame:
        """Return the Frame at that instant.

        Args:
            before: the Frame of the last tick.
            arrived: the given tables of this tick; one that is missing is empty.
            time_ns: this tick's instant.
            timer, timings: if given, each step's duration [ms] is put into `timings` by its name.

        Raises:
            StepError: a table arrived that was not announced.
        """
        tables: dict[type[Table], Table] = {kind: kind.empty() for kind in self.given}
        for table in arrived:
            if type(table) not in self.given:
                raise StepError(f"{type(table).__name__} arrived from outside but was not announced")
            tables[type(table)] = table.canonical()
        tables.update({type(a): a for a in self.assets})
        started = timer() if timer is not None else 0
        for one in self.steps:
            tables[one.writes] = self.written(one, tables, before, time_ns)
            if timer is not None and timings is not None:
                now = timer()
                timings[one.name] = (now - started) / 1e6
                started = now
        return Frame.of_canonical(time_ns, tables)
