"""What signal controllers show and promise, read out of SUMO; and one that publishes something else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from wayside.maps.programs import LETTERS
from wayside.maps.road import RoadMap
from wayside.signals.tables import Light, Signals
from wayside.table import F64, I64, U8, U16

_LIGHT_OF = np.zeros(256, np.uint8)
for _letter, _light in LETTERS.items():
    _LIGHT_OF[ord(_letter)] = _light


@dataclass(frozen=True)
class Timetable:
    """A controller's program, with what follows each phase worked out for its groups.

    Attributes:
        fixed: every phase has one length.
        least, usual, most: length of each phase [s].
        lights: what each group shows, phases by groups.
        after_least, after_most: time from the end of each phase until each group's light changes [s]; NaN never.
        following: number of the phase after each.
    """

    fixed: bool
    least: F64
    usual: F64
    most: F64
    lights: U8
    after_least: F64
    after_most: F64
    following: tuple[int, ...]

    @classmethod
    def of(cls, phases: list[tuple[str, float, float, float, int]], links: list[int], *, fixed: bool) -> Timetable:
        """Work out a program.

        Args:
            phases: state string, usual, least and most length [s] and following phase of each.
            links: the link whose letter speaks for each group.
            fixed: no phase is ever longer or shorter.
        """
        states = [np.frombuffer(state.encode("ascii"), np.uint8) for state, *_ in phases]
        lights = np.array([_LIGHT_OF[state[links]] for state in states])
        usual, least, most = (np.array([p[n] for p in phases], np.float64) for n in (1, 2, 3))
        following = tuple(p[4] for p in phases)
        return cls(
            fixed,
            least,
            usual,
            most,
            lights,
            _until_change(lights, least, following),
            _until_change(lights, most, following),
            following,
        )

    @cached_property
    def cycle(self) -> float:
        """Length of the whole program [s]."""
        return float(self.usual.sum())

    @cached_property
    def _begins(self) -> F64:
        """When each phase begins, and the program ends [s]."""
        return np.concatenate([[0.0], np.cumsum(self.usual)])

    def at(self, phase: int, spent: float, shift: float) -> tuple[int, float]:
        """Return the phase, and the time spent in it [s], of a clock that is ahead by a share of the cycle."""
        begins = self._begins
        place = (begins[phase] + min(spent, self.usual[phase]) + shift * self.cycle) % self.cycle
        found = int(min(np.searchsorted(begins, place, side="right") - 1, len(self.usual) - 1))
        return found, float(place - begins[found])

    def contradiction(self, shift: float) -> float:
        """Return how much of its time a clock ahead by that share says red for green or green for red, 0 to 1.

        >>> halves = Timetable.of([("Gr", 30., 30., 30., 1), ("rG", 30., 30., 30., 0)], [0, 1], fixed=True)
        >>> halves.contradiction(0.5), halves.contradiction(0.0)
        (1.0, 0.0)
        """
        wrong = 0.0
        seconds = np.arange(0.5, self.cycle, 1.0)
        green = np.isin(self.lights, (Light.PROTECTED_GREEN, Light.PERMISSIVE_GREEN))
        red = self.lights == Light.RED
        for second in seconds:
            true, _ = self.at(0, 0.0, second / self.cycle)
            said, _ = self.at(0, 0.0, second / self.cycle + shift)
            wrong += float(np.mean((green[true] & red[said]) | (red[true] & green[said])))
        return wrong / len(seconds)


def _until_change(lights: U8, lengths: F64, following: tuple[int, ...]) -> F64:
    """Return, for each phase and group, the time from the phase's end to the group's change; NaN never."""
    phases, groups = lights.shape
    result = np.full((phases, groups), np.nan)
    for phase in range(phases):
        waited, here = 0.0, phase
        for _ in range(phases):
            here = following[here]
            changed = (lights[here] != lights[phase]) & np.isnan(result[phase])
            result[phase, changed] = waited
            waited += lengths[here]
    return result


class SignalHeads:
    """Reads all controllers; keeps since when each group has shown its light.

    Attributes:
        controllers: indices of the controllers that SUMO has.
        shifts: controllers whose published clock is ahead, and by what share of their cycle.
    """

    def __init__(self, sumo: Any, road: RoadMap) -> None:
        self._sumo = sumo
        known = set(sumo.trafficlight.getIDList())
        self._state_of = sumo.libsumo._libsumo.trafficlight_getRedYellowGreenState
        speakers: dict[tuple[int, int], int] = {}
        links = road.links
        for controller, link, group in zip(
            links.controller.tolist(), links.link.tolist(), links.group.tolist(), strict=True
        ):
            if group and road.controller_names[controller] in known:
                speakers[controller, group] = min(link, speakers.get((controller, group), link))
        rows = sorted(speakers)
        self.controllers = sorted({controller for controller, _ in rows})
        self._names = [road.controller_names[controller] for controller in self.controllers]
        self._controller: U16 = np.array([controller for controller, _ in rows], np.uint16)
        self._group = np.array([group for _, group in rows], np.uint8)
        first = np.searchsorted(self._controller, [*self.controllers, len(road.controller_names)])
        self._rows = [slice(a, b) for a, b in pairwise(first.tolist())]
        self._links = [[speakers[row] for row in rows[part]] for part in self._rows]
        self._timetables: dict[tuple[str, str], Timetable] = {}
        self._states = [""] * len(self._names)
        self._adaptive = [False] * len(self._names)
        self._light = np.zeros(len(rows), np.uint8)
        self._since: I64 = np.zeros(len(rows), np.int64)
        self._least: I64 = np.zeros(len(rows), np.int64)
        self._most: I64 = np.zeros(len(rows), np.int64)
        self.shifts: dict[int, float] = {}

    def timetable(self, controller: int) -> Timetable:
        """Return the program a controller runs now."""
        return self._timetable(self.controllers.index(controller))

    def _timetable(self, number: int) -> Timetable:
        lights, name = self._sumo.trafficlight, self._names[number]
        program = lights.getProgram(name)
        found = self._timetables.get((name, program))
        if found is None:
            logic = next(one for one in lights.getAllProgramLogics(name) if one.programID == program)
            count = len(logic.phases)
            phases = [
                (
                    p.state,
                    p.duration,
                    p.minDur if 0 <= p.minDur <= p.duration else p.duration,
                    p.maxDur if p.maxDur >= p.duration else p.duration,
                    p.next[0] if len(p.next) else (n + 1) % count,
                )
                for n, p in enumerate(logic.phases)
            ]
            found = Timetable.of(phases, self._links[number], fixed=logic.type == 0)
            self._timetables[name, program] = found
        return found

    def read(self, now_ns: int) -> Signals:
        """Return what every controller says at this instant."""
        states = list(map(self._state_of, self._names))
        for number, (state, before) in enumerate(zip(states, self._states, strict=True)):
            if self.controllers[number] in self.shifts or state != before or self._adaptive[number]:
                self._update(number, state, now_ns)
        self._states = states
        return Signals(
            controller=self._controller,
            group=self._group,
            light=self._light.copy(),
            since_ns=self._since.copy(),
            min_end_ns=self._least.copy(),
            max_end_ns=self._most.copy(),
            time_ns=np.full(len(self._group), now_ns),
        )

    def _update(self, number: int, state: str, now_ns: int) -> None:
        traffic_light, name, rows = self._sumo.trafficlight, self._names[number], self._rows[number]
        table = self._timetable(number)
        self._adaptive[number] = not table.fixed
        phase, spent = int(traffic_light.getPhase(name)), float(traffic_light.getSpentDuration(name))
        switch_s = max(float(traffic_light.getNextSwitch(name)) - float(self._sumo.simulation.getTime()), 0.0)
        light = _LIGHT_OF[np.frombuffer(state.encode("ascii"), np.uint8)[self._links[number]]]
        shift = self.shifts.get(self.controllers[number])
        if shift is not None:
            phase, spent = table.at(phase, spent, shift)
            switch_s = float(table.usual[phase]) - spent
            light = table.lights[phase]
        least_s = most_s = switch_s
        if not table.fixed:
            least_s = max(float(table.least[phase]) - spent, 0.0)
            most_s = max(float(table.most[phase]) - spent, least_s)
        changed = light != self._light[rows]
        # the light has been on since the phase began, up to a step before it was read
        self._since[rows][changed] = max(now_ns - _nanoseconds(spent), 0)
        self._light[rows] = light
        self._least[rows] = _promise(now_ns, least_s, table.after_least[phase])
        self._most[rows] = _promise(now_ns, most_s, table.after_most[phase])


def _nanoseconds(seconds: float) -> int:
    """Return whole milliseconds in nanoseconds; SUMO counts in milliseconds."""
    return round(seconds * 1000.0) * 1_000_000


def _promise(now_ns: int, ends_s: float, after_s: F64) -> I64:
    """Return the instants at which lights end; 0 where they never do."""
    known = ~np.isnan(after_s)
    after_ns = np.rint(np.where(known, after_s, 0.0) * 1000.0).astype(np.int64) * 1_000_000
    return np.where(known, now_ns + _nanoseconds(ends_s) + after_ns, 0)
