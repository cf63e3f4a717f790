"""Traffic of the zone: complete routes, so that the simulator never has to search for one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from xml.etree import ElementTree

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayside.cities.pingshan.zone import Fleet, Zone, draw

TURN_S = 6.0  # what a turn costs beside the time of driving
SPREAD = 0.35  # how far drivers' opinions of an edge's travel time differ
FROM_KERB_M = 35.0  # vehicles that start inside the zone pull out that far along their edge
MARGIN_M = 12.0  # stops and departures keep that far from an edge's ends


@dataclass(frozen=True)
class EdgeRow:
    """One edge of the network, as far as routes care."""

    name: str
    begin: str
    end: str
    kind: str
    length: float
    speed: float
    lanes: tuple[frozenset[str], ...]

    def open_to(self, who: str) -> bool:
        """Tell whether that class of vehicle has a lane here."""
        return any(who in lane for lane in self.lanes)


@dataclass(frozen=True)
class Network:
    """Edges by name, which edge follows which for whom, and the edges that meet at each place of walking."""

    edges: Mapping[str, EdgeRow]
    follow: Mapping[tuple[str, str], frozenset[str]] = field(repr=False)
    corners: Mapping[str, frozenset[str]] = field(repr=False)

    @cached_property
    def after(self) -> dict[str, list[tuple[str, frozenset[str]]]]:
        """The edges that follow each edge, with the classes that may go there."""
        found: dict[str, list[tuple[str, frozenset[str]]]] = {name: [] for name in self.edges}
        for (a, b), who in sorted(self.follow.items()):
            found[a].append((b, who))
        return found

    def route(self, begin: str, goal: str, who: str, cost: Callable[[EdgeRow], float]) -> list[str] | None:
        """Return the cheapest edges from one to another, both included; None where there is no way.

        Args:
            begin, goal: names of edges.
            who: SUMO's vehicle class.
            cost: what an edge costs [s]; infinite where it must not be used.
        """
        best, came, queue = {begin: 0.0}, {begin: ""}, [(0.0, begin)]
        while queue:
            spent, here = heapq.heappop(queue)
            if here == goal:
                break
            if spent > best[here]:
                continue
            for there, allowed in self.after[here]:
                if who not in allowed:
                    continue
                total = spent + cost(self.edges[there]) + (TURN_S if len(self.after[here]) > 1 else 0.0)
                if total < best.get(there, inf):
                    best[there], came[there] = total, here
                    heapq.heappush(queue, (total, there))
        if goal not in came:
            return None
        path = [goal]
        while path[-1] != begin:
            path.append(came[path[-1]])
        return path[::-1]

    def together(self, names: Sequence[str], who: str) -> list[str]:
        """Return the largest set of the named edges among which that class can get from each to each."""
        index = {name: i for i, name in enumerate(names)}
        pairs = [
            (index[a], index[b]) for (a, b), c in self.follow.items() if who in c and a in index and b in index
        ]
        rows, columns = zip(*pairs, strict=True)
        links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(names), len(names)))
        _, labels = connected_components(links, connection="strong")
        return [name for name, label in zip(names, labels, strict=True) if label == np.bincount(labels).argmax()]


def network(net: ElementTree.Element) -> Network:
    """Read edges and connections out of a SUMO network."""
    edges: dict[str, EdgeRow] = {}
    for edge in net.iter("edge"):
        if edge.get("function") is None:
            lanes = tuple(frozenset(lane.get("allow", "").split()) for lane in edge.iter("lane"))
            length, speed = (float(edge[-1].get(key, "0")) for key in ("length", "speed"))
            ends = edge.get("from", ""), edge.get("to", "")
            row = EdgeRow(edge.get("id", ""), *ends, edge.get("type", ""), length, speed, lanes)
            edges[row.name] = row
    follow: dict[tuple[str, str], frozenset[str]] = {}
    for one in net.iter("connection"):
        pair = one.get("from", ""), one.get("to", "")
        if pair[0] in edges and pair[1] in edges:
            who = (
                edges[pair[0]].lanes[int(one.get("fromLane", "0"))]
                & edges[pair[1]].lanes[int(one.get("toLane", "0"))]
            )
            follow[pair] = follow.get(pair, frozenset()) | who
    return Network(edges, follow, corners(net))


def corners(net: ElementTree.Element) -> dict[str, frozenset[str]]:
    """Return the edges among which one can walk at each place: walking areas joined by crossings."""
    paved = {e.get("id", "") for e in net.iter("edge") if e.get("function") in ("walkingarea", "crossing")}
    pairs = [(one.get("from", ""), one.get("to", "")) for one in net.iter("connection")]
    inside: dict[str, set[str]] = {name: {name} for name in sorted(paved)}
    for a, b in pairs:
        if a in paved and b in paved and inside[a] is not inside[b]:
            inside[a] |= inside[b]
            for name in inside[b]:
                inside[name] = inside[a]
    found: dict[str, set[str]] = {}
    for a, b in pairs:
        if (a in paved) != (b in paved):
            area, edge = (a, b) if a in paved else (b, a)
            found.setdefault(min(inside[area]), set()).add(edge)
    return {name: frozenset(found[name]) for name in sorted(found)}


def pick(weights: Mapping[str, float], at: float) -> str:
    """Return the name that stands at that share (0 to 1) of the summed weights."""
    left = at * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return next(reversed(list(weights)))


def departures(zone: Zone, rate: float, what: str) -> list[float]:
    """Return instants of departure [s], rising: one in each equal slice of time, anywhere within it."""
    traffic, at = zone.traffic, 0.0
    times: list[float] = []
    while at < zone.horizon:
        step = 1 / (rate * (traffic.filling if at < traffic.filling_time else 1.0))
        times.append(round(at + step * draw(zone.seed, what, len(times)), 1))
        at += step
    return times


def vehicle_types(zone: Zone) -> list[str]:
    """Return the `vType` elements."""
    return [
        f'<vType id="{name}" ' + " ".join(f'{key}="{value}"' for key, value in one.sumo.items()) + "/>"
        for name, one in zone.classes.items()
    ]


def _weights(zone: Zone, net: Network, who: str, *, leaving: bool) -> dict[str, float]:
    weights: dict[str, float] = {}
    for name, edge in net.edges.items():
        if edge.open_to(who) and edge.kind != "yard":
            motor = sum("passenger" in lane for lane in edge.lanes)
            if (edge.end if leaving else edge.begin) in zone.outside:
                weights[name] = zone.traffic.entry * motor
            elif edge.length > 60 and not {edge.begin, edge.end} & zone.outside.keys():
                weights[name] = zone.traffic.inside.get(edge.kind, 0.0) * edge.length / 100
    return {name: weight for name, weight in weights.items() if weight > 0}


def ordinary(zone: Zone, net: Network) -> Iterable[tuple[float, str]]:
    """Yield departure and element of each ordinary vehicle and bicycle."""
    weights: dict[tuple[str, bool], dict[str, float]] = {}
    shares = {name: one.share for name, one in zone.classes.items() if one.share > 0}
    for what, rate in (("vehicle", zone.traffic.vehicles), ("bicycle", zone.traffic.bicycles)):
        for number, depart in enumerate(departures(zone, rate, what)):
            kind = "bicycle" if what == "bicycle" else pick(shares, draw(zone.seed, what, number, "kind"))
            who = str(zone.classes[kind].sumo["vClass"])
            for leaving in (False, True):
                if (who, leaving) not in weights:
                    weights[who, leaving] = _weights(zone, net, who, leaving=leaving)
            path: list[str] | None = None
            attempt = 0
            while path is None:
                begin = pick(weights[who, False], draw(zone.seed, what, number, "from", attempt))
                goal = pick(weights[who, True], draw(zone.seed, what, number, "to", attempt))
                attempt += 1
                if net.edges[begin].begin == net.edges[goal].end or begin == goal:
                    continue

                def cost(edge: EdgeRow, number: int = number, what: str = what) -> float:
                    return edge.length / edge.speed * (1 + SPREAD * draw(zone.seed, what, number, edge.name))

                path = net.route(begin, goal, who, cost)
            if net.edges[begin].begin in zone.outside:
                where = 'departLane="best" departSpeed="desired"'
            else:
                place = min(net.edges[begin].length - MARGIN_M, FROM_KERB_M)
                where = f'departLane="best" departPos="{place:.0f}" departSpeed="0"'
            yield (
                depart,
                f'<vehicle id="{kind}-{number:04d}" type="{kind}" depart="{depart}" {where}>'
                f'<route edges="{" ".join(path)}"/></vehicle>',
            )


def pedestrians(zone: Zone, net: Network) -> Iterable[tuple[float, str]]:
    """Yield departure and element of each pedestrian: a walk of some blocks along sidewalks."""
    walkable = {name: edge for name, edge in net.edges.items() if edge.open_to("pedestrian")}
    weights = {
        name: zone.traffic.walking.get(edge.kind, 0.0) * edge.length
        for name, edge in walkable.items()
        if not {edge.begin, edge.end} & zone.outside.keys()
    }
    ends: dict[str, list[str]] = {}
    for corner, edges in net.corners.items():
        for name in edges:
            ends.setdefault(name, []).append(corner)
    weights = {name: weight for name, weight in weights.items() if weight > 0 and len(ends[name]) == 2}
    for number, depart in enumerate(departures(zone, zone.traffic.pedestrians, "pedestrian")):
        here = pick(weights, draw(zone.seed, "walk", number))
        corner = ends[here][draw(zone.seed, "walk", number, "way") < 0.5]
        path, walked, used = [here], walkable[here].length / 2, set(ends[here])
        limit = zone.traffic.stroll * (0.4 + 0.6 * draw(zone.seed, "walk", number, "limit"))
        while walked < limit:
            nexts = [n for n in sorted(net.corners[corner]) if len(set(ends[n]) - used) == 1]
            if not nexts:
                break
            here = nexts[int(draw(zone.seed, "walk", number, len(path)) * len(nexts))]
            (corner,) = set(ends[here]) - used
            path.append(here)
            used.add(corner)
            walked += walkable[here].length
        place = draw(zone.seed, "walk", number, "place") * walkable[path[0]].length
        yield (
            depart,
            f'<person id="pedestrian-{number:04d}" type="pedestrian" depart="{depart}" departPos="{place:.1f}">'
            f'<walk edges="{" ".join(path)}"/></person>',
        )


def automated(zone: Zone, net: Network, stops: Mapping[str, list[tuple[str, str]]]) -> Iterable[tuple[float, str]]:
    """Yield departure and element of each automated vehicle; they start in the first minute and stay.

    Args:
        zone: the description.
        net: the network.
        stops: by the kind of stop, pairs of edge and stop.
    """
    for kind, fleet in zone.fleets.items():
        for number in range(fleet.vehicles):
            yield _tour(zone, net, kind, fleet, number, stops.get(fleet.stop, []))


def _tour(
    zone: Zone, net: Network, kind: str, fleet: Fleet, number: int, stops: list[tuple[str, str]]
) -> tuple[float, str]:
    """Return departure and element of one automated vehicle."""
    name = f"{fleet.prefix}-{number + 1:02d}"
    sumo = zone.classes[kind].sumo
    who, top = str(sumo["vClass"]), float(sumo.get("maxSpeed", 16.7))

    def cost(edge: EdgeRow) -> float:
        outside = {edge.begin, edge.end} & zone.outside.keys()
        if edge.kind in fleet.avoid or outside:
            return inf
        return edge.length / min(edge.speed, top) * (1 + SPREAD * draw(zone.seed, name, edge.name))

    usable = [e.name for e in net.edges.values() if e.open_to(who) and cost(e) < inf]
    wanted = zone.horizon * top * 0.9
    if fleet.line:
        path = _line(net, who, cost, fleet.line, wanted)
        # vehicles of a line are spread over its first round
        first = path.index(path[0], 1) if path[0] in path[1:] else len(path)
        path = path[first * number // fleet.vehicles :]
    else:
        starts = [e for e in net.together(usable, who) if net.edges[e].length > 60 and not e.endswith(".in")]
        path = [starts[int(draw(zone.seed, name, "start") * len(starts))]]
        driven, turn = 0.0, 0
        while driven < wanted:
            goal = starts[int(draw(zone.seed, name, "goal", turn) * len(starts))]
            turn += 1
            leg = net.route(path[-1], goal, who, cost) or []
            path += leg[1:]
            driven += sum(net.edges[e].length for e in leg[1:])
    while net.edges[path[0]].length < 3 * MARGIN_M:
        path = path[1:]
    halts, passed = "", 0
    for edge in path:
        here = [stop for where, stop in stops if where == edge]
        if here:
            stop = here[(number + passed) % len(here)]
            halts += f'<stop {fleet.stop}Stop="{stop}" duration="{fleet.stop_time:.0f}"/>'
            passed += 1
    line = ' line="M1"' if fleet.stop == "bus" else ""
    depart = round(0.5 + 40 * draw(zone.seed, name, "depart"), 1)
    place = f'departPos="{min(net.edges[path[0]].length - MARGIN_M, FROM_KERB_M):.0f}"'
    return depart, (
        f'<vehicle id="{name}" type="{kind}" depart="{depart}" departLane="best" {place} departSpeed="0"{line}>'
        f'<route edges="{" ".join(path)}"/>{halts}</vehicle>'
    )


def _line(
    net: Network, who: str, cost: Callable[[EdgeRow], float], through: tuple[str, ...], wanted: float
) -> list[str]:
    """Return rounds of a line through junctions until it is long enough."""
    edges = [f"{a}-{b}" for a, b in zip(through, (*through[1:], through[0]), strict=True)]
    for edge in edges:
        if edge not in net.edges:
            raise ValueError(f"a line uses {edge}, which no street is")
    path = [edges[0]]
    while sum(net.edges[e].length for e in path) < wanted:
        for goal in (*edges[1:], edges[0]):
            leg = net.route(path[-1], goal, who, cost)
            if leg is None:
                raise ValueError(f"no way from {path[-1]} to {goal} for {who}")
            path += leg[1:]
    return path
