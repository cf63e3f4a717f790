"""What signals showed when, as SPAT messages told it, and whether one light followed another as it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from wayside.report import Grid, Line
from wayside.signals.tables import Light
from wayside.v2x.heard import Heard, node_of
from wayside.v2x.intersections import Intersection, Node

GAP_NS = 1_000_000_000  # after a longer silence nothing is said about what came between
NUMBERS = {
    "unavailable": Light.UNAVAILABLE, "dark": Light.DARK, "flashing-red": Light.FLASHING_RED, "red": Light.RED,
    "flashing-green": Light.FLASHING_GREEN, "permissive-green": Light.PERMISSIVE_GREEN,
    "protected-green": Light.PROTECTED_GREEN, "yellow": Light.YELLOW, "flashing-yellow": Light.FLASHING_YELLOW,
    # as the edition of 2017 calls them; its pre-Movement (red and yellow) has no number of its own
    "stop-Then-Proceed": Light.FLASHING_RED, "stop-And-Remain": Light.RED,
    "permissive-Movement-Allowed": Light.PERMISSIVE_GREEN, "protected-Movement-Allowed": Light.PROTECTED_GREEN,
    "intersection-clearance": Light.YELLOW, "caution-Conflicting-Traffic": Light.FLASHING_YELLOW,
}  # fmt: skip
STEADY_GREENS = frozenset({Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN})
GREENS = STEADY_GREENS | {Light.FLASHING_GREEN}
TEXTS = {light: f"v2x.light_{light.name.lower()}" for light in Light}


@dataclass(slots=True)
class Spell:
    """A time during which a signal was heard to show one light: first and last message that said so [ns]."""

    first: int
    last: int
    light: Light


def light_now(phase: Mapping[str, Any]) -> Light:
    """Return what a Phase shows: the state that has begun, or the first where none says when it begins.

    >>> light_now({"phaseStates": [{"light": "red"}, {"light": "protected-green"}]}).name
    'RED'
    """
    states = phase["phaseStates"]
    for state in states:
        timing = state.get("timing", {})
        if timing.get("counting", timing).get("startTime", -1) == 0:
            return _number(state["light"])
    return _number(states[0]["light"])


def _number(light: object) -> Light:
    # an alternative that the edition does not know is no text
    return NUMBERS.get(light, Light.UNAVAILABLE) if isinstance(light, str) else Light.UNAVAILABLE


class Lights:
    """The lights of every phase of every intersection that was heard.

    Attributes:
        spells: by intersection and phase, in order of time.
    """

    def __init__(self) -> None:
        self.spells: dict[tuple[Node, int], list[Spell]] = {}

    def hear(self, heard: Heard) -> None:
        """Note one message, if it is a SPAT; one that comes out of order is passed over."""
        if heard.name != "spatFrame":
            return
        for state in heard.value["intersections"]:
            node = node_of(state["intersectionId"])
            for phase in state["phases"]:
                told = self.spells.setdefault((node, phase["id"]), [])
                light, now = light_now(phase), heard.instant
                if told and told[-1].light is light and 0 <= now - told[-1].last <= GAP_NS:
                    told[-1].last = now
                elif not told or now >= told[-1].last:
                    told.append(Spell(now, now, light))

    def phases(self) -> dict[Node, set[int]]:
        """Return the phases heard of each intersection."""
        found: dict[Node, set[int]] = {}
        for node, phase in self.spells:
            found.setdefault(node, set()).add(phase)
        return found


def is_legal(old: Light, new: Light, *, vehicles: bool | None) -> bool:
    """Tell whether one light may follow another.

    Green ends over yellow, or flashing green and yellow; yellow ends in red; red ends in green. For people on foot
    or on bicycles green may end without yellow. Signals that begin or cease to flash yellow or red, go dark or
    become unavailable may do so at any time.

    Args:
        old, new: the lights.
        vehicles: the signal rules motor vehicles; None where no MAP says so: flashing green to red is then legal.

    >>> is_legal(Light.PROTECTED_GREEN, Light.RED, vehicles=True), is_legal(Light.RED, Light.YELLOW, vehicles=True)
    (False, False)
    """
    if old is new:
        return True
    if vehicles is False:
        return not (old is Light.YELLOW and new in GREENS)
    if new is Light.RED:
        return old not in STEADY_GREENS and not (old is Light.FLASHING_GREEN and vehicles)
    if new in GREENS:
        backwards = old is Light.FLASHING_GREEN or (new is Light.FLASHING_GREEN and old is Light.RED)
        return old is not Light.YELLOW and not backwards
    return not (old is Light.RED and new is Light.YELLOW)


def order_of(lights: Lights, maps: Mapping[Node, Intersection]) -> tuple[Line, Grid]:
    """Return how often a light followed another that it must not follow, and each such case.

    A phase that the MAP of its intersection does not name rules none of the vehicle lanes there.
    """
    judged, wrong = 0, Counter[tuple[str, int, str, str]]()
    for (node, phase), spells in lights.spells.items():
        drawn = maps.get(node)
        vehicles = None if drawn is None or not drawn.phases else phase in drawn.vehicle_phases
        for before, after in pairwise(spells):
            if after.first - before.last > GAP_NS or before.light is after.light:
                continue
            judged += 1
            if not is_legal(before.light, after.light, vehicles=vehicles):
                wrong[name_of(node), phase, TEXTS[before.light], TEXTS[after.light]] += 1
    total = float(wrong.total()) if judged else None
    line = Line(
        "A12-light-order", "v2x.light_order", 0.0, "==", "", "systems A8; the table of legal changes own", total
    )
    rows = tuple((*case, count) for case, count in sorted(wrong.items()))
    headings = ("v2x.intersection", "v2x.phase", "v2x.light_before", "v2x.light_after", "v2x.times")
    return line, Grid("check-order", "v2x.wrong_order", headings, rows)


def name_of(node: Node) -> str:
    """Return an intersection in words, `region/number`."""
    return f"{node[0]}/{node[1]}"


def overlaps(
    one: list[Spell], other: list[Spell], first: frozenset[Light], second: frozenset[Light]
) -> Iterator[int]:
    """Yield how long [ns] two signals showed lights of these sets at once, for each time they did.

    Both must have been told at one instant at least: 0 is a single message.
    """
    for a in one:
        if a.light not in first:
            continue
        for b in other:
            if b.light in second and max(a.first, b.first) <= min(a.last, b.last):
                yield min(a.last, b.last) - max(a.first, b.first)
