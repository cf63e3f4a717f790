"""Signal plans for the network: main street, its protected left turns, cross street."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from xml.etree import ElementTree

from wayside.cities.pingshan.streets import Arm, arms, exits, turn
from wayside.cities.pingshan.zone import Plan, Zone

WALK_SPEED = 1.2  # m/s of those for whom the green man is cut early
LEAST_WALK_S = 7  # green man, at least


@dataclass(frozen=True)
class Link:
    """One signal link of a controller: a vehicle's movement or, with `crosses`, a crossing over those edges."""

    index: int
    approach: str
    lane: int
    exit_: str
    crosses: frozenset[str] = frozenset()
    length: float = 0.0


def links(net: ElementTree.Element) -> dict[str, list[Link]]:
    """Return each controller's links in the order of their index."""
    crossings = {
        edge.get("id", ""): (frozenset(edge.get("crossingEdges", "").split()), float(edge[0].get("length", "0")))
        for edge in net.iter("edge")
        if edge.get("function") == "crossing"
    }
    found: dict[str, dict[int, Link]] = {}
    for one in net.iter("connection"):
        controller = one.get("tl")
        if controller is None:
            continue
        to = one.get("to", "")
        link = Link(
            int(one.get("linkIndex", "0")),
            one.get("from", ""),
            int(one.get("fromLane", "0")),
            to,
            *crossings.get(to, ()),
        )
        found.setdefault(controller, {})[link.index] = link
        if "linkIndex2" in one.attrib:
            raise ValueError(f"{controller}: crossings with two signals are not planned for")
    return {name: [these[i] for i in sorted(these)] for name, these in sorted(found.items())}


def main_street(approaches: list[Arm], ways: list[Arm]) -> frozenset[str]:
    """Return the approaches of the higher-ranked street through a junction, by the junctions they come from."""
    best: tuple[int, tuple[str, ...]] = (0, ())
    for arm in approaches:
        ahead = exits(arm, [one for one in ways if one.begin == arm.end]).get("straight")
        pair = tuple(sorted({arm.begin, *([ahead.end] if ahead else [])}))
        best = max(best, (sum(a.kind.rank for a in approaches if a.begin in pair), pair))
    return frozenset(best[1])


def states(plan: Plan, these: Iterable[Link], approaches: list[Arm], ways: list[Arm]) -> list[tuple[int, str]]:
    """Return the phases of one controller: duration [s] and SUMO's state string."""
    these = list(these)
    main = main_street(approaches, ways)
    came = {arm.last: arm for arm in approaches}
    went = {one.first: one for one in ways}
    lights = plan.yellow + plan.red
    lefts = {True: plan.left, False: plan.cross_left}
    for on_main in (True, False):
        if not any(arm.pocket for arm in approaches if (arm.begin in main) == on_main):
            lefts[on_main] = 0
    stages: list[tuple[int, dict[int, str], list[Link]]] = []
    for on_main in (True, False):
        green: dict[int, str] = {}
        left: dict[int, str] = {}
        walk: list[Link] = []
        for link in these:
            if link.crosses:
                arm = next(one for one in ways if link.crosses & {one.first, one.last})
                over = arm.end if arm.begin == approaches[0].end else arm.begin
                if (over in main) != on_main:
                    walk.append(link)
                continue
            approach = came[link.approach]
            if (approach.begin in main) != on_main:
                continue
            ahead = exits(approach, [w for w in ways if w.begin == approach.end]).get("straight")
            straight = ahead is went[link.exit_]
            if (
                approach.pocket
                and lefts[on_main]
                and ahead
                and turn(approach, went[link.exit_]) > 0
                and not straight
            ):
                left[link.index] = "G"
            else:
                merges = link.lane == approach.bicycle and went[link.exit_].bicycle is None
                green[link.index] = "G" if straight and not merges else "g"
        stages.append((plan.green, green, walk))
        if left:
            stages.append((lefts[on_main], left, []))
        if not on_main:
            others = sum(length for length, shown, _ in stages if shown is not green)
            at = len(stages) - (2 if left else 1)
            stages[at] = (plan.cycle - others - len(stages) * lights, green, walk)
    phases: list[tuple[int, str]] = []
    for length, green, walk in stages:
        clear = min(max((ceil(w.length / WALK_SPEED) for w in walk), default=0), length - LEAST_WALK_S)
        walking = {w.index: "G" for w in walk}
        if walk:
            phases.append((length - clear, _state(these, {**green, **walking})))
        phases.append((clear if walk else length, _state(these, green)))
        phases.append((plan.yellow, _state(these, dict.fromkeys(green, "y"))))
        phases.append((plan.red, _state(these, {})))
    return phases


def _state(these: list[Link], shown: dict[int, str]) -> str:
    return "".join(shown.get(link.index, "r") for link in these)


def programs(zone: Zone, net: ElementTree.Element) -> dict[str, str]:
    """Return the `tlLogic` element of each controller, as text."""
    ways = arms(zone)
    found: dict[str, str] = {}
    for name, these in links(net).items():
        approaches = [arm for arm in ways if arm.end == name]
        main = main_street(approaches, ways)
        street = max((arm for arm in approaches if arm.begin in main), key=lambda arm: arm.kind.rank).street
        plan = zone.plans[street.kind]
        phases = states(plan, these, approaches, ways)
        if sum(length for length, _ in phases) != plan.cycle:
            raise ValueError(f"{name}: the phases do not fill the cycle of {plan.cycle} s")
        offset = round(zone.signalised[name][0] / zone.progression) % plan.cycle
        rows = "".join(f'        <phase duration="{length}" state="{state}"/>\n' for length, state in phases)
        found[name] = f'<tlLogic id="{name}" type="static" programID="0" offset="{offset}">\n{rows}    </tlLogic>'
    return found


def replace(text: str, written: dict[str, str]) -> str:
    """Put the programs into the text of a network in place of netconvert's own."""

    def put(match: re.Match[str]) -> str:
        return written[match.group(1)]

    return re.sub(r'<tlLogic id="([^"]+)".*?</tlLogic>', put, text, flags=re.DOTALL)
