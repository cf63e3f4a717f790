"""Signal plans for the network: main street, its protected left turns, cross street."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
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


@dataclass
class Stage:
    """Links that are green together: vehicles (`G`, or `g` where they give way) and people on foot."""

    green: dict[int, str]
    walk: list[Link]
    length: int


def stages(plan: Plan, these: list[Link], approaches: list[Arm], ways: list[Arm]) -> list[Stage]:
    """Return the stages of one controller: main street, its left turns, cross street, its left turns.

    Turns give way, but for left turns from a pocket, which have their own stage where the plan says so. People
    cross a street while the other one is green. The cross street's length is what the cycle leaves.
    """
    main = main_street(approaches, ways)
    came, went = {arm.last: arm for arm in approaches}, {one.first: one for one in ways}
    found: list[Stage] = []
    for on_main, left_length in ((True, plan.left), (False, plan.cross_left)):
        through, left = Stage({}, [], plan.green if on_main else 0), Stage({}, [], left_length)
        for link in these:
            if link.crosses:
                arm = next(one for one in ways if link.crosses & {one.first, one.last})
                over = arm.end if arm.begin == approaches[0].end else arm.begin
                if (over in main) != on_main:
                    through.walk.append(link)
                continue
            approach, exit_ = came[link.approach], went[link.exit_]
            if (approach.begin in main) != on_main:
                continue
            ahead = exits(approach, [w for w in ways if w.begin == approach.end]).get("straight")
            leftward = ahead is not None and ahead is not exit_ and turn(approach, exit_) > 0
            merges = link.lane == approach.bicycle and exit_.bicycle is None
            if left_length and approach.pocket and leftward:
                left.green[link.index] = "G"
            else:
                through.green[link.index] = "G" if ahead is exit_ and not merges else "g"
        found += [through, left] if left.green else [through]
    rest = plan.cycle - sum(one.length for one in found) - len(found) * (plan.yellow + plan.red)
    return [replace(one, length=one.length or rest) for one in found]


def states(plan: Plan, these: Iterable[Link], approaches: list[Arm], ways: list[Arm]) -> list[tuple[int, str]]:
    """Return the phases of one controller: duration [s] and SUMO's state string."""
    these = list(these)
    phases: list[tuple[int, str]] = []
    for stage in stages(plan, these, approaches, ways):
        cleared = max((ceil(w.length / WALK_SPEED) for w in stage.walk), default=0) - plan.yellow - plan.red
        early = min(max(cleared, 1), stage.length - LEAST_WALK_S)
        if stage.walk:
            walking = {w.index: "G" for w in stage.walk}
            phases.append((stage.length - early, _state(these, {**stage.green, **walking})))
        phases.append((early if stage.walk else stage.length, _state(these, stage.green)))
        phases.append((plan.yellow, _state(these, dict.fromkeys(stage.green, "y"))))
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


def put_in(text: str, written: dict[str, str]) -> str:
    """Put the programs into the text of a network in place of netconvert's own."""

    def put(match: re.Match[str]) -> str:
        return written[match.group(1)]

    return re.sub(r'<tlLogic id="([^"]+)".*?</tlLogic>', put, text, flags=re.DOTALL)
