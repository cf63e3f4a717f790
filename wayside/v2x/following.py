"""Whether vehicles stop, pass and keep to their lanes as MAP and SPAT say, by their own BSM."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wayside.report import Grid, Line
from wayside.signals.tables import Light
from wayside.table import F64, I64, Bool
from wayside.v2x.heard import Heard
from wayside.v2x.intersections import (
    MOST_OFF,
    NO_LATITUDE,
    NO_LONGITUDE,
    NOWHERE,
    TURNS,
    UNKNOWN_PHASE,
    Approach,
    Connection,
    Intersection,
    Node,
    wrapped,
)
from wayside.v2x.lights import Lights, Spell, name_of

NO_SPEED, NO_HEADING = 8191, 28_800
SPEED_STEP, HEADING_STEP, LENGTH_STEP = 0.02, np.radians(0.0125), 0.01
INTO_RED_NS, INTO_GREEN_NS = 2_000_000_000, 4_000_000_000  # a light counts from so long after it began
TOLD_NS = 600_000_000  # a light is known for this long after the last message that told it
STEP_NS = 500_000_000  # positions of a vehicle further apart do not show where it was between
LEAVES_NS = 15_000_000_000  # by then it has left the intersection, or stands in it
STANDS_NS = 5_000_000_000  # longer at rest in green is odd
AT_REST, MOVING = 0.3, 2.0  # [m/s]
QUEUE_HEAD_M = 8.0  # whose front is nearer to the line has nobody before it
LOOKED_AT_M = 60.0  # stretch before the stop line on which vehicles are told their lane
WENT_M = 12.0  # from the line; nearer to it a turn is not known yet
MOST_BESIDE_M = 40.0  # from a lane that leads in to those that lead out beside it
SAME_WAY = np.radians(30)
MOST_OFF_UNSURE = np.radians(75)  # as MOST_OFF, where it is not sure which road a vehicle left by
MOST_ASIDE_M, MOST_TURNED_DEG = 1.0, 20.0
MOST_STANDING = 0.05
FEWEST = 10  # vehicles at an intersection, below which it has no share of its own
LANE_SOURCE = "ConflictMonitor lane tests, systems A11; 95 % own"


class Track(NamedTuple):
    """Positions of all vehicles, in order of sender and instant; `mine` numbers the senders."""

    mine: I64
    instant: I64
    latitude: F64
    longitude: F64
    heading: F64
    speed: F64
    length: F64

    def take(self, chosen: Bool) -> Track:
        """Return the chosen positions."""
        whole = (self.mine[chosen], self.instant[chosen])
        rest = (self.latitude, self.longitude, self.heading, self.speed, self.length)
        return Track(*whole, *(column[chosen] for column in rest))


class Vehicles:
    """Collects where vehicles were.

    Limits: bicycles and people, by their class, are left out; so are positions without heading or speed.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._numbers: dict[str, int] = {}

    def hear(self, heard: Heard) -> None:
        """Note one message, if it is a BSM of a motor vehicle."""
        if heard.name != "bsmFrame":
            return
        value: dict[str, Any] = heard.value
        at, speed, heading = value["pos"], value["speed"], value["heading"]
        if at["lat"] == NO_LATITUDE or at["long"] == NO_LONGITUDE or speed == NO_SPEED or heading == NO_HEADING:
            return
        if 80 <= value["vehicleClass"]["classification"] < 90:
            return
        number = self._numbers.setdefault(value["id"], len(self._numbers))
        self._rows.append((number, heard.instant, at["lat"], at["long"], heading, speed, value["size"]["length"]))

    def track(self) -> Track:
        """Return all positions."""
        rows = np.array(self._rows, np.int64).reshape(-1, 7)
        rows = rows[np.lexsort([rows[:, 1], rows[:, 0]])]
        told: F64 = rows.astype(np.float64)
        heading: F64 = np.pi / 2 - told[:, 4] * HEADING_STEP
        speed, length = told[:, 5] * SPEED_STEP, told[:, 6] * LENGTH_STEP
        return Track(rows[:, 0], rows[:, 1], told[:, 2], told[:, 3], heading, speed, length)


class Tally(NamedTuple):
    """What vehicles did at one intersection.

    Attributes:
        counts: `passed` and judged, `red`, `stood` at green, `strange` turns.
        aside: distances from the middle of the lane [m].
        turned: angles to its direction [degrees].
    """

    counts: Counter[str]
    aside: F64
    turned: F64


def judge(track: Track, drawn: Intersection, spells: Mapping[int, Sequence[Spell]]) -> Tally:
    """Compare vehicles with one intersection's MAP and its lights, by phase."""
    lanes = [lane for lane in drawn.approaches if lane.vehicles]
    nothing = np.empty(0)
    place = drawn.plane.metres(track.latitude, track.longitude)
    reach = max((float(np.hypot(*lane.points[-1])) for lane in lanes), default=0.0) + 2 * LOOKED_AT_M
    near = np.hypot(place[:, 0], place[:, 1]) < reach
    if not lanes or not near.any():
        return Tally(Counter(), nothing, nothing)
    track, place = track.take(near), place[near]
    along, aside, angle = _seen_from(lanes, track, place)
    fits = (np.abs(angle) < SAME_WAY) & (along > -LOOKED_AT_M) & (along < 0)
    fits &= aside <= np.array([lane.width / 2 for lane in lanes])[:, None] + 0.5
    distance = np.where(fits, aside, np.inf)
    chosen = np.where(fits.any(axis=0), np.argmin(distance, axis=0), -1)
    rows = np.flatnonzero((chosen >= 0) & (track.speed > MOVING))
    at = (chosen[rows], rows)
    counts = Counter[str]()
    legs = _legs([drawn.is_entry(lane) for lane in lanes], along, aside, angle)
    for row in _passages(track, chosen, along):
        lane = lanes[chosen[row]]
        left = _left_at(track, lane, row, place, legs)
        leg, heading = lanes[legs[left]], float(track.heading[left])
        ways = [way for way in lane.connections if left < 0 or _fits(drawn, way, lane, leg, heading)]
        counts.update(_passage(track, lane, row, along[chosen[row]], ways, spells))
    counts["stood"] = _standing(track, lanes, chosen, along, spells)
    return Tally(counts, aside[at], np.degrees(np.abs(angle[at])))


def _seen_from(lanes: Sequence[Approach], track: Track, place: F64) -> tuple[F64, F64, F64]:
    """Return for each lane and position: way beyond the stop line, distance from the middle line, angle."""
    count = len(track.mine)
    along, aside, angle = (np.empty((len(lanes), count)) for _ in range(3))
    for number, lane in enumerate(lanes):
        ahead = np.array([np.cos(lane.direction), np.sin(lane.direction)])
        along[number] = (place - lane.points[-1]) @ ahead
        best, way = np.full(count, np.inf), np.zeros(count)
        for start, end in zip(lane.points[:-1], lane.points[1:], strict=True):
            piece = end - start
            length = float(np.hypot(*piece))
            if length == 0:
                continue
            share = np.clip((place - start) @ piece / length**2, 0.0, 1.0)
            away = np.hypot(*(place - start - share[:, None] * piece).T)
            nearer = away < best
            best[nearer], way[nearer] = away[nearer], np.arctan2(piece[1], piece[0])
        aside[number] = best
        angle[number] = (track.heading - way + np.pi) % (2 * np.pi) - np.pi
    return along, aside, angle


def _passages(track: Track, chosen: I64, along: F64) -> Iterator[int]:
    """Yield the row before each passage of a stop line by a vehicle's middle."""
    rows = np.flatnonzero(chosen[:-1] >= 0)
    same = track.mine[rows] == track.mine[rows + 1]
    same &= track.instant[rows + 1] - track.instant[rows] <= STEP_NS
    rows = rows[same]
    passed = along[chosen[rows], rows + 1] >= 0
    yield from rows[passed].tolist()


def _legs(entries: Sequence[bool], along: F64, aside: F64, angle: F64) -> I64:
    """Return beside which lane each position is on its way out, in its direction best; -1 while inside."""
    off = np.pi - np.abs(angle)
    out = (along < 0) & (aside < MOST_BESIDE_M) & (off < SAME_WAY) & np.array(entries)[:, None]
    best: I64 = np.argmin(np.where(out, off, np.inf), axis=0)
    return np.where(out.any(axis=0), best, -1)


def _passage(
    track: Track,
    lane: Approach,
    row: int,
    along: F64,
    ways: Sequence[Connection],
    spells: Mapping[int, Sequence[Spell]],
) -> dict[str, int]:
    """Return what to count of a passage by one of these ways: `passed` if it could be judged, `red`, `strange`."""
    if not lane.connections:
        return {}
    mine = track.mine == track.mine[row]
    if not ways:
        return {"passed": 1, "strange": 1}
    front = track.length / 2 + along
    before = np.flatnonzero(mine[: row + 1] & (front[: row + 1] < 0))
    first = int(before[-1]) + 1 if len(before) else row + 1
    instants = (int(track.instant[first]), int(track.instant[row + 1]))
    red = [_is_red(way, instants, spells) for way in ways]
    if None in red:
        return {}
    return {"passed": 1, "red": int(all(red))}


def _left_at(track: Track, lane: Approach, row: int, place: F64, legs: I64) -> int:
    """Return the row at which a vehicle left after a stop line; -1 if it was lost before, or no lane is there."""
    later = (track.mine == track.mine[row]) & (track.instant > track.instant[row]) & (legs >= 0)
    rows = np.flatnonzero(later & (track.instant <= track.instant[row] + LEAVES_NS))
    rows = rows[np.hypot(*(place[rows] - lane.points[-1]).T) > WENT_M]
    return int(rows[0]) if len(rows) else -1


def _fits(drawn: Intersection, way: Connection, lane: Approach, leg: Approach, heading: float) -> bool:
    """Tell whether a way on from a lane may lead out beside another lane, by neighbour or by direction.

    The direction is that of the road there, or the vehicle's own if that fits better. Where MAP names no way on to
    the neighbour from which the other lane comes, the road out may be another one, and more must be wrong. Nothing
    is said of ways to another stop line of the same node.
    """
    if way.turn < 0 or way.towards == drawn.node:
        return True
    origin = drawn.origins[leg.link]
    known = any(one.towards == origin for each in drawn.approaches for one in each.connections)
    expected = lane.direction + TURNS[way.turn]
    off = min(abs(wrapped(leg.direction + np.pi - expected)), abs(wrapped(heading - expected)))
    return way.towards == origin != NOWHERE or off < (MOST_OFF if known else MOST_OFF_UNSURE)


def _is_red(way: Connection, instants: tuple[int, ...], spells: Mapping[int, Sequence[Spell]]) -> bool | None:
    """Tell whether a way was well into red at all these instants; None where its light is not known."""
    if way.phase == UNKNOWN_PHASE or way.at_red:
        return False
    shown = [_spell_at(spells.get(way.phase, ()), instant) for instant in instants]
    if any(one is None for one in shown):
        return None
    return all(
        one is not None and one.light is Light.RED and instant - one.first > INTO_RED_NS
        for one, instant in zip(shown, instants, strict=True)
    )


def _spell_at(spells: Sequence[Spell], instant: int) -> Spell | None:
    place = bisect_right(spells, instant, key=lambda one: one.first) - 1
    return spells[place] if place >= 0 and instant <= spells[place].last + TOLD_NS else None


def _standing(
    track: Track, lanes: Sequence[Approach], chosen: I64, along: F64, spells: Mapping[int, Sequence[Spell]]
) -> int:
    """Return how many vehicles stood first at a line through long protected green, each once a green."""
    rows = np.flatnonzero((chosen >= 0) & (track.speed < AT_REST))
    front = along[chosen[rows], rows] + track.length[rows] / 2
    rows = rows[front > -QUEUE_HEAD_M]
    since: dict[tuple[int, int], int] = {}
    found: set[tuple[int, int]] = set()
    for row in rows.tolist():
        instant = int(track.instant[row])
        phases = {one.phase for one in lanes[chosen[row]].connections} - {UNKNOWN_PHASE}
        shown = [_spell_at(spells.get(phase, ()), instant) for phase in phases]
        if not phases or not all(
            one is not None and one.light is Light.PROTECTED_GREEN and instant - one.first > INTO_GREEN_NS
            for one in shown
        ):
            continue
        key = (int(track.mine[row]), max(one.first for one in shown if one is not None))
        if instant - since.setdefault(key, instant) >= STANDS_NS:
            found.add(key)
    return len(found)


def following_of(
    vehicles: Vehicles, lights: Lights, maps: Mapping[Node, Intersection]
) -> tuple[tuple[Line, ...], Grid]:
    """Return how vehicles kept to MAP and SPAT; unknown where no passage could be judged.

    The share of those that stood at green is that of the worst intersection, or of all together.
    """
    track = vehicles.track()
    total, aside, turned = Counter[str](), [np.empty(0)], [np.empty(0)]
    rows: list[tuple[str | int, ...]] = []
    shares: list[float] = []
    for node, drawn in sorted(maps.items()):
        spells = {phase: told for (where, phase), told in lights.spells.items() if where == node}
        found = judge(track, drawn, spells)
        counts = found.counts
        total.update(counts)
        aside.append(found.aside)
        turned.append(found.turned)
        if counts["passed"] + counts["stood"] >= FEWEST:
            shares.append(_standing_share(counts))
        if counts["passed"] or counts["stood"]:
            rows.append((name_of(node), *(counts[name] for name in ("passed", "red", "stood", "strange"))))
    passed = total["passed"]
    shares.append(_standing_share(total))
    distances, angles = np.concatenate(aside), np.concatenate(turned)
    own = "systems A8 [own]"
    lines = (
        Line("A12-red-passages", "v2x.red_passages", 0.0, "==", "", own, float(total["red"]) if passed else None),
        Line(
            "A12-green-standing", "v2x.green_standing", MOST_STANDING, "<=", "", own,
            max(shares) if passed else None,
        ),
        Line("A12-turns", "v2x.strange_turns", 0.0, "==", "", own, float(total["strange"]) if passed else None),
        Line("A12-lane-offset", "v2x.lane_offset", MOST_ASIDE_M, "<=", "m", LANE_SOURCE, _high(distances)),
        Line("A12-lane-heading", "v2x.lane_heading", MOST_TURNED_DEG, "<=", "°", LANE_SOURCE, _high(angles)),
    )  # fmt: skip
    headings = ("v2x.intersection", "v2x.passages", "v2x.at_red", "v2x.stood", "v2x.strange")
    return lines, Grid("check-vehicles", "v2x.vehicle_table", headings, tuple(rows))


def _standing_share(counts: Mapping[str, int]) -> float:
    return round(counts["stood"] / max(counts["passed"] + counts["stood"], 1), 4)


def _high(values: F64) -> float | None:
    return round(float(np.percentile(values, 95)), 2) if len(values) else None
