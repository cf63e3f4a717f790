"""Steps: pure functions from tables to one table, wired by their own signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

import msgspec

from wayside.errors import WaysideError
from wayside.maps.road import RoadMap
from wayside.table import Table

P = ParamSpec("P")
R = TypeVar("R", bound=Table)


class StepError(WaysideError):
    """A step is declared wrongly, or steps do not fit together; the text names them."""


@dataclass(frozen=True)
class Step(Generic[P, R]):
    """A step and what its signature says of it. Calling it calls the function.

    Attributes:
        name: the function's name, which is also its key in the city file.
        reads: tables of this tick, in the order of the parameters.
        writes: the table it returns.
        remembers: it takes `before`, the table it wrote at its last run.
        config: the struct that sets it, or None.
        needs_road, needs_time: it takes `road` (the `RoadMap`) or `time_ns` (the tick's instant).
        period_s: it runs each so many seconds of the World's time.
        phase_s: and so long after the full period, so that slow steps do not all fall on one tick.
        reach_m: how far from a row it looks [m]; None for the whole city.
    """

    function: Callable[P, R]
    name: str
    reads: tuple[tuple[str, type[Table]], ...]
    writes: type[R]
    remembers: bool
    config: type[msgspec.Struct] | None
    needs_road: bool
    needs_time: bool
    period_s: float
    phase_s: float
    reach_m: float | None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """The function's own text."""
        return self.function.__doc__


EVERY_TICK_S = 0.1  # a step with this period runs at every tick of the default spacing


def step(
    *, period_s: float = EVERY_TICK_S, phase_s: float = 0.0, reach_m: float | None
) -> Callable[[Callable[P, R]], Step[P, R]]:
    """Declare a step. Its signature says the rest.

    Positional parameters annotated with a `Table` class are tables of this tick; one named `before` is the
    table this step wrote when it last ran (empty at first). Keyword-only parameters: `config` (a frozen
    msgspec struct that forbids unknown fields, all fields with defaults), `road` (the `RoadMap`) and
    `time_ns` (int, the tick's instant). The return annotation is the table it writes.

    Raises:
        StepError: the signature says something else.
    """

    def declare(function: Callable[P, R]) -> Step[P, R]:
        name = getattr(function, "__name__", repr(function))
        hints = get_type_hints(function)
        writes: Any = hints.get("return")
        if not (isinstance(writes, type) and issubclass(writes, Table)):
            raise StepError(f"step {name} returns {writes!r}, not a Table class")
        reads: list[tuple[str, type[Table]]] = []
        remembers = needs_road = needs_time = False
        config: type[msgspec.Struct] | None = None
        for parameter in inspect.signature(function).parameters.values():
            kind = hints.get(parameter.name)
            table = kind if isinstance(kind, type) and issubclass(kind, Table) else None
            match parameter.name:
                case "before" if table is writes:
                    remembers = True
                case "config" if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                    config = kind
                case "road" if kind is RoadMap:
                    needs_road = True
                case "time_ns" if kind is int:
                    needs_time = True
                case _ if table is not None and parameter.name != "before":
                    if table.truth:
                        raise StepError(f"step {name} reads {table.__name__}, which only the World knows")
                    if table is writes:
                        raise StepError(f"step {name} reads what it writes; name the parameter `before`")
                    reads.append((parameter.name, table))
                case _:
                    raise StepError(f"step {name}: parameter {parameter.name}: {kind!r} is not one a step takes")
        if remembers and writes.shared:
            raise StepError(f"step {name} remembers {writes.__name__}, which others write too")
        if remembers and not writes.held and period_s > EVERY_TICK_S:
            raise StepError(f"step {name} skips ticks and remembers {writes.__name__}; declare that table held")
        if reach_m is not None and writes.position is None:
            raise StepError(f"step {name} has a reach, so {writes.__name__} must say where its rows are")
        return Step(
            function,
            name,
            tuple(reads),
            writes,  # type: ignore[arg-type]
            remembers,
            config,
            needs_road,
            needs_time,
            period_s,
            phase_s,
            reach_m,
        )

    return declare


AnyStep = Step[..., Any]


def arrange(steps: Sequence[AnyStep], given: Collection[type[Table]]) -> tuple[AnyStep, ...]:
    """Return the steps in an order in which each runs after those that write what it reads.

    Args:
        steps: the steps the city runs.
        given: tables that come from outside: the World, the edge and the city file.

    Raises:
        StepError: two writers of one table, a table nobody writes, or a circle; the text names them.
    """
    writers: dict[type[Table], list[AnyStep]] = {}
    for one in steps:
        writers.setdefault(one.writes, []).append(one)
    for table, several in writers.items():
        names = " and ".join(s.name for s in several)
        if len(several) > 1 and not table.shared:
            raise StepError(f"{table.__name__} has two writers: {names}; declare it shared or drop one")
        if table in given:
            raise StepError(f"{table.__name__} comes from outside and is also written by {names}")
    graph: dict[str, set[str]] = {}
    for one in steps:
        graph[one.name] = set()
        for _, table in one.reads:
            if table in writers:
                graph[one.name].update(w.name for w in writers[table])
            elif table not in given:
                raise StepError(f"step {one.name} reads {table.__name__}, which no step and no World gives")
    by_name = {one.name: one for one in sorted(steps, key=lambda s: s.name)}
    if len(by_name) != len(steps):
        raise StepError("two steps have the same name")
    try:
        sorter = TopologicalSorter({name: sorted(graph[name]) for name in by_name})
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise StepError(f"steps wait for each other: {circle}") from None


def settings(steps: Sequence[AnyStep], given: Mapping[str, msgspec.Struct]) -> dict[str, msgspec.Struct]:
    """Return each step's settings: those given by name, the defaults for the rest."""
    return {s.name: given.get(s.name, s.config()) for s in steps if s.config is not None}
