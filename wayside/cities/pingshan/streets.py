"""Streets of the description as netconvert's plain nodes, edges and connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import atan2, ceil, dist, pi
from xml.sax.saxutils import quoteattr

from wayside.cities.pingshan.zone import Point, Street, StreetKind, Zone

MOTOR = "passenger taxi bus coach delivery truck trailer motorcycle emergency authority evehicle private"
BUS = "bus coach emergency"
BICYCLE = "bicycle custom1"  # custom1: parcel robots
SAMPLE_M = 20.0  # spacing of the points of a bend
STRAIGHT_M = 0.25  # a segment that bends less is drawn straight
REACH_M = 22.0  # from a junction's middle to its stop lines, roughly

Line = list[Point]


@dataclass(frozen=True)
class Arm:
    """One direction of a street between two junctions; with a pocket it is cut into two edges."""

    begin: str
    end: str
    street: Street
    kind: StreetKind
    middle: tuple[Point, ...]
    pocket: bool

    @property
    def first(self) -> str:
        """Name of the edge that leaves `begin`."""
        return f"{self.begin}-{self.end}"

    @property
    def last(self) -> str:
        """Name of the edge that reaches `end`."""
        return f"{self.first}.in" if self.pocket else self.first

    @property
    def below(self) -> int:
        """How many lanes lie between the motor lanes and the kerb."""
        return (self.kind.sidewalk > 0) + (self.kind.bicycle > 0)

    @property
    def bicycle(self) -> int | None:
        """Index of the bicycle lane."""
        return self.below - 1 if self.kind.bicycle > 0 else None

    def motor(self, *, approach: bool) -> list[int]:
        """Indices of the motor lanes from the kerb to the middle, where it leaves or where it arrives."""
        return list(range(self.below, self.below + self.kind.lanes + (self.pocket and approach)))


@dataclass
class Plain:
    """netconvert's input as lines of XML."""

    nodes: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)


def smooth(points: Line) -> list[Line]:
    """Return one polyline per gap between the points, along a cubic curve that bends the same on both sides."""
    tangents: Line = []
    for i in range(len(points)):
        before, after = points[max(i - 1, 0)], points[min(i + 1, len(points) - 1)]
        length = dist(before, after)
        tangents.append(((after[0] - before[0]) / length, (after[1] - before[1]) / length))
    lines: list[Line] = []
    for a, b, u, v in zip(points, points[1:], tangents, tangents[1:], strict=False):
        length = dist(a, b)
        steps = max(2, ceil(length / SAMPLE_M))
        line: Line = []
        for k in range(steps + 1):
            t = k / steps
            h = (
                2 * t**3 - 3 * t**2 + 1,
                (t**3 - 2 * t**2 + t) * length,
                3 * t**2 - 2 * t**3,
                (t**3 - t**2) * length,
            )
            line.append(
                (
                    h[0] * a[0] + h[1] * u[0] + h[2] * b[0] + h[3] * v[0],
                    h[0] * a[1] + h[1] * u[1] + h[2] * b[1] + h[3] * v[1],
                )
            )
        bend = max(abs((p[0] - a[0]) * (b[1] - a[1]) - (p[1] - a[1]) * (b[0] - a[0])) / length for p in line)
        lines.append([a, b] if bend < STRAIGHT_M else line)
    return lines


def shift(line: Line, right: float) -> Line:
    """Return the line moved to its right by that many metres."""
    moved: Line = []
    for i, (x, y) in enumerate(line):
        before, after = line[max(i - 1, 0)], line[min(i + 1, len(line) - 1)]
        length = dist(before, after)
        moved.append((x + right * (after[1] - before[1]) / length, y - right * (after[0] - before[0]) / length))
    return moved


def cut(line: Line, from_end: float) -> tuple[Line, Line]:
    """Cut the line in two, that many metres before its end."""
    left = from_end
    for i in range(len(line) - 1, 0, -1):
        a, b = line[i - 1], line[i]
        length = dist(a, b)
        if left < length:
            t = 1 - left / length
            point = (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))
            return [*line[:i], point], [point, *line[i:]]
        left -= length
    raise ValueError(f"a line is shorter than {from_end} m")


def measure(line: Line | tuple[Point, ...]) -> float:
    """Return the length of the line [m]."""
    return sum(dist(a, b) for a, b in pairwise(line))


def arms(zone: Zone) -> list[Arm]:
    """Return every directed edge of the zone."""
    found: list[Arm] = []
    for street in zone.streets:
        kind = zone.kinds[street.kind]
        places = zone.places
        lines = smooth([places[p] if isinstance(p, str) else p for p in street.through])
        begin, middle = "", Line()
        for stop, line in zip(street.through, [[], *lines], strict=True):
            middle += line
            if not isinstance(stop, str):
                continue
            if begin:
                clean = tuple(p for i, p in enumerate(middle) if i == 0 or p != middle[i - 1])
                directions = [(begin, stop, clean)]
                if not kind.oneway:
                    directions.append((stop, begin, clean[::-1]))
                for a, b, way in directions:
                    roomy = measure(way) > kind.pocket + 2.5 * REACH_M
                    found.append(Arm(a, b, street, kind, way, kind.pocket > 0 and b in zone.signalised and roomy))
            begin, middle = stop, []
    return found


def bearing(arm: Arm, *, leaving: bool) -> float:
    """Return the direction of travel where the arm leaves its first junction or reaches its last [rad]."""
    a, b = arm.middle[:2] if leaving else arm.middle[-2:]
    return atan2(b[1] - a[1], b[0] - a[0])


def turn(approach: Arm, exit_: Arm) -> float:
    """Return the angle from one arm into the other [rad], positive to the left, from -pi to pi."""
    angle = bearing(exit_, leaving=True) - bearing(approach, leaving=False)
    return (angle + pi) % (2 * pi) - pi


def exits(approach: Arm, leaving: list[Arm]) -> dict[str, Arm]:
    """Tell where an approach leads: `straight`, `left` and `right`, as far as they exist."""
    there = sorted((turn(approach, one), one.end, one) for one in leaving if one.end != approach.begin)
    found: dict[str, Arm] = {}
    if not there:
        return {}
    straight = min(there, key=lambda one: abs(one[0]))
    if abs(straight[0]) < pi / 5:
        found["straight"] = straight[2]
    for angle, _, one in there:
        if one is not found.get("straight"):
            found["left" if angle > 0 else "right"] = one
    return found


def lane_pairs(approach: Arm, ways: dict[str, Arm]) -> list[tuple[Arm, int, int]]:
    """Return which lane of an approach leads to which lane of which exit.

    From bicycle lanes nobody turns left across the other lanes, unless there is no other way to go.
    """
    pairs: list[tuple[Arm, int, int]] = []
    lanes = approach.motor(approach=True)
    through = lanes
    if "left" in ways:
        pairs.append((ways["left"], lanes[-1], ways["left"].motor(approach=False)[-1]))
        through = lanes[:-1] if approach.pocket or ("straight" not in ways and len(lanes) > 1) else lanes
    if "right" in ways:
        goal = ways["right"].motor(approach=False)
        pairs.append((ways["right"], lanes[0], goal[1 if ways["right"].kind.bus else 0]))
        if "straight" not in ways and len(through) > 1:
            through = through[1:]
    if "straight" in ways:
        goal = ways["straight"].motor(approach=False)
        pairs += [(ways["straight"], a, b) for a, b in zip(through, goal, strict=False)]
    for name in ("straight", "right", "left") if len(ways) == 1 else ("straight", "right"):
        if name in ways and ways[name].bicycle is not None:
            start = lanes[0] if approach.bicycle is None else approach.bicycle
            pairs.append((ways[name], start, ways[name].bicycle or 0))
        elif name in ways and approach.bicycle is not None:
            pairs.append((ways[name], approach.bicycle, ways[name].motor(approach=False)[0]))
    return pairs


def _shape(line: Line) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in line)


def _lanes(arm: Arm, *, approach: bool) -> str:
    kind = arm.kind
    lanes: list[tuple[str, float]] = []
    if kind.sidewalk:
        lanes.append(("pedestrian", kind.sidewalk))
    if kind.bicycle:
        lanes.append((BICYCLE, kind.bicycle))
    shared = MOTOR if kind.bicycle else f"{MOTOR} {BICYCLE}"
    lanes += [(shared, kind.width)] * kind.lanes
    if kind.bus and not approach:
        lanes[arm.below] = (BUS, kind.width)
    if arm.pocket and approach:
        lanes.append((shared, kind.median))
    return "".join(f'<lane index="{i}" allow="{who}" width="{width}"/>' for i, (who, width) in enumerate(lanes))


def _edge(arm: Arm, name: str, begin: str, end: str, line: Line, *, approach: bool) -> str:
    lanes = arm.below + len(arm.motor(approach=approach))
    return (
        f'<edge id="{name}" from="{begin}" to="{end}" priority="{arm.kind.rank}" numLanes="{lanes}" '
        f'speed="{arm.kind.speed}" name={quoteattr(arm.street.name)} type="{arm.street.kind}" '
        f'shape="{_shape(line)}">{_lanes(arm, approach=approach)}</edge>'
    )


def plain(zone: Zone) -> Plain:
    """Return the zone as netconvert's plain input."""
    out = Plain()
    ways = arms(zone)
    for name, (x, y) in zone.places.items():
        kind = "traffic_light" if name in zone.signalised else "priority"
        radius = 7 if name in zone.signalised else 5
        out.nodes.append(f'<node id="{name}" x="{x:.2f}" y="{y:.2f}" type="{kind}" radius="{radius}"/>')
    for arm in ways:
        right = arm.kind.median / 2
        if not arm.pocket:
            line = shift(list(arm.middle), right)
            out.edges.append(_edge(arm, arm.first, arm.begin, arm.end, line, approach=False))
            continue
        before, after = cut(list(arm.middle), arm.kind.pocket + REACH_M)
        split = f"{arm.first}.split"
        out.nodes.append(f'<node id="{split}" x="{after[0][0]:.2f}" y="{after[0][1]:.2f}" type="priority"/>')
        out.edges.append(_edge(arm, arm.first, arm.begin, split, shift(before, right), approach=False))
        out.edges.append(
            _edge(arm, arm.last, split, arm.end, shift(after, right - arm.kind.median), approach=True)
        )
        lanes = [(i, i) for i in range(arm.kind.sidewalk > 0, arm.below + arm.kind.lanes)]
        lanes.append((lanes[-1][0], lanes[-1][1] + 1))
        if arm.kind.bus:  # whoever turns right crosses into the outer lane here
            lanes.append((arm.below + 1, arm.below))
        for a, b in sorted(lanes):
            out.connections.append(_connection(arm.first, arm.last, a, b))
    for approach in ways:
        if approach.end not in zone.outside:
            leaving = [one for one in ways if one.begin == approach.end]
            for exit_, a, b in sorted(
                lane_pairs(approach, exits(approach, leaving)), key=lambda p: (p[0].first, p[1:])
            ):
                out.connections.append(_connection(approach.last, exit_.first, a, b))
    for node in zone.zebra:
        over = [arm.first for arm in ways if arm.end == node][:1]
        over += [arm.first for arm in ways if arm.begin == node and arm.end == over[0].split("-")[0]]
        out.connections.append(f'<crossing node="{node}" edges="{" ".join(over)}" priority="true" width="4"/>')
    return out


def _connection(begin: str, end: str, from_lane: int, to_lane: int) -> str:
    return f'<connection from="{begin}" to="{end}" fromLane="{from_lane}" toLane="{to_lane}"/>'


def extent(zone: Zone) -> tuple[float, float, float, float]:
    """Return the box around all junctions: west, south, east, north [m]."""
    xs, ys = zip(*zone.places.values(), strict=True)
    return min(xs), min(ys), max(xs), max(ys)
