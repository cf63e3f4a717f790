"""Incidents made to happen in a simulated city: what, when and where, and the log of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol

import msgspec
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Poles
from wayside.table import F64
from wayside.world import Event, identity
from wayside.worlds.readout import Readout
from wayside.worlds.staged_drivers import Crash, Stalled, WrongWay
from wayside.worlds.staged_places import Places
from wayside.worlds.staged_things import Blockage, Debris, Slowdown, Walker
from wayside.worlds.tables import Truth

Staged = Literal["stalled_vehicle", "wrong_way", "queue", "pedestrian", "debris", "crash", "congestion"]
SECOND_NS = 1_000_000_000


class StagingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Incidents that are staged one after the other, in seconds from the first tick."""

    kinds: tuple[Staged, ...] = ()  # in turn, over and over
    first_s: float = 20.0
    every_s: float = 10.0
    until_s: float = 1e6  # none begins later
    give_up_s: float = 30.0  # one that finds no place for so long is left out
    apart_m: float = 120.0  # from others that go on


class Act(Protocol):
    """One staged incident.

    Attributes:
        subject: identity of the road user concerned; of a queue or congestion that of the carriageway's name.
        x, y: where [m].
        over: its time is up, or it cannot go on.
        least_s: for how long it lasts at the least once it is a fact [s].
    """

    subject: int
    x: float
    y: float
    over: bool
    least_s: float

    def begin(self, truth: Truth, away: F64) -> bool:
        """Choose a place and start; tell whether there was one. `away`: metres to the nearest other incident."""

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Go on; tell whether the incident is now a fact that could be seen."""

    def shown(self, truth: Truth) -> Truth:
        """Return the truth with what the simulation does not know."""

    def end(self) -> None:
        """Clear everything away."""


ACTS: dict[str, type[Any]] = {
    "stalled_vehicle": Stalled,
    "wrong_way": WrongWay,
    "queue": Blockage,
    "pedestrian": Walker,
    "debris": Debris,
    "crash": Crash,
    "congestion": Slowdown,
}


class Staging:
    """Stages incidents in their time and logs each one: `prepared`, `staged` when it has become a fact, `cleared`.

    Args:
        config: what and when.
        sumo: the running simulation.
        road: the map.
        poles: incidents happen in view of one of these.
        readout: knows the vehicles' names.
        seed: of the Run.
        start_ns: instant of the first tick [ns].

    Attributes:
        events: what became a fact or ended and has not been fetched.
    """

    def __init__(
        self, config: StagingConfig, *, sumo: Any, road: RoadMap, poles: Poles, readout: Readout, seed: int,
        start_ns: int,
    ) -> None:  # fmt: skip
        self._config, self._seed, self._start_ns = config, seed, start_ns
        self._places = Places(sumo, road, poles, readout)
        self._count = 0
        self._waiting: list[tuple[float, str, Act]] = []
        self._going: list[tuple[float, str, Act, int]] = []  # begun [s], kind, act, fact since [ns]
        self.events: list[Event] = []

    def step(self, now_ns: int, truth: Truth) -> Truth:
        """Go on to that instant and return the truth as sensors meet it."""
        if not self._config.kinds:
            return truth
        elapsed = (now_ns - self._start_ns) / SECOND_NS
        if (now_ns - self._start_ns) % SECOND_NS == 0:
            self._places.count(truth)
        self._waiting += self._due(elapsed)
        still: list[tuple[float, str, Act]] = []
        for due, kind, act in self._waiting:
            if act.begin(truth, self._away(truth)):
                self._going.append((elapsed, kind, act, 0))
                self._log("prepared", now_ns, kind, act, now_ns)
            elif elapsed - due < self._config.give_up_s:
                still.append((due, kind, act))
        self._waiting = still
        going = []
        for begun, kind, act, since_ns in self._going:
            # what has become a fact late still lasts
            held = since_ns and now_ns - since_ns < round(act.least_s * SECOND_NS)
            fact = act.step(truth, elapsed - begun)
            first_ns = since_ns or (now_ns if fact else 0)
            if first_ns and not since_ns:
                self._log("staged", now_ns, kind, act, now_ns)
            if act.over and not held:
                act.end()
                self._log("cleared", now_ns, kind, act, first_ns)
            else:
                going.append((begun, kind, act, first_ns))
        self._going = going
        for _, _, act, _ in going:
            truth = act.shown(truth)
        return truth

    def _due(self, elapsed: float) -> Iterator[tuple[float, str, Act]]:
        config = self._config
        while (due := config.first_s + config.every_s * self._count) <= min(elapsed, config.until_s):
            kind = config.kinds[self._count % len(config.kinds)]
            yield due, kind, ACTS[kind](self._places, identity(f"{self._seed} {kind} {self._count}"))
            self._count += 1

    def _away(self, truth: Truth) -> F64:
        """Return how far each road user is beyond the least distance to the nearest incident going on [m]."""
        away = np.full(len(truth), np.inf)
        for _, _, act, _ in self._going:
            away = np.minimum(away, np.hypot(truth.x - act.x, truth.y - act.y))
        return away - self._config.apart_m

    def _log(self, what: str, now_ns: int, kind: str, act: Act, since_ns: int) -> None:
        facts: dict[str, str | int | float | bool] = {
            "incident": kind,
            "subject": act.subject,
            "from_ns": since_ns,
            "x": act.x,
            "y": act.y,
        }
        self.events.append(Event(now_ns, what, facts))
