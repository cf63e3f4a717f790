"""Where each actor of a case is at an instant: along timed poses, or along lanes of the map at given speeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wayside.maps.road import RoadMap
from wayside.table import F64, Bool
from wayside.worlds.case_checks import nearest
from wayside.worlds.case_file import Actor, CaseError

BRAKING_OVER_S = 0.5  # an actor's acceleration is what its speed changed by during that time
MOST_ACCELERATION = 9.0  # m/s2; poses may change speed at once, bodies do not
STANDING = 0.05  # m/s; slower motion has no direction of its own
BEND_M = 1.5  # headings along lanes are taken between points so far ahead and behind


@dataclass(frozen=True)
class Path:
    """An actor's way: where it is at any instant from its first to its last.

    Attributes:
        times, x, y: knots; between them it moves straight, at even speed [s, m, m].
        headings: direction it faces at each knot, unwrapped [rad].
        turning: headings change evenly between knots; otherwise each holds until the next knot.
        until: when it leaves [s].
    """

    times: F64
    x: F64
    y: F64
    headings: F64
    turning: bool
    until: float

    @property
    def since(self) -> float:
        """When it appears [s]."""
        return float(self.times[0])

    def there(self, t: F64) -> Bool:
        """Tell at which instants it is there."""
        found: Bool = (t >= self.since - 1e-9) & (t <= self.until + 1e-9)
        return found

    def at(self, t: F64) -> tuple[F64, F64, F64]:
        """Return x, y [m] and heading [rad] at instants [s]; beyond its ends those of the ends."""
        if self.turning:
            heading = np.interp(t, self.times, self.headings)
        else:
            heading = self.headings[np.clip(np.searchsorted(self.times, t, side="right") - 1, 0, None)]
        return np.interp(t, self.times, self.x), np.interp(t, self.times, self.y), heading

    def speed(self, t: F64) -> F64:
        """Return the speed over ground just before instants [m/s]; at the first instant that just after it."""
        if len(self.times) < 2:
            return np.zeros(np.shape(t))
        way = np.hypot(np.diff(self.x), np.diff(self.y)) / np.diff(self.times)
        piece = np.searchsorted(self.times, t - 1e-9) - 1
        return np.where(t > self.times[-1] + 1e-9, 0.0, way[np.clip(piece, 0, len(way) - 1)])

    def acceleration(self, t: F64) -> F64:
        """Return the change of speed over the last half second [m/s2], within what bodies can do."""
        earlier = np.maximum(t - BRAKING_OVER_S, self.since)
        span = np.maximum(t - earlier, BRAKING_OVER_S)
        change = self.speed(t) - self.speed(earlier)
        return np.clip(change / span, -MOST_ACCELERATION, MOST_ACCELERATION)


def path_of(actor: Actor, road: RoadMap, turn: float, end_s: float | None, where: str) -> Path:
    """Return the way of an actor.

    Args:
        actor: as the case says it.
        road: the map, for actors along lanes.
        turn: turns poses about the origin, anticlockwise [rad].
        end_s: end of the case, if it is said.
        where: the actor's key, for errors.

    Raises:
        CaseError: a lane the map does not have, or one that does not follow the one before.
    """
    if actor.lanes:
        return _along(actor, road, end_s, where)
    poses = np.array(actor.poses, np.float64)
    cosine, sine = np.cos(turn), np.sin(turn)
    x, y = cosine * poses[:, 1] - sine * poses[:, 2], sine * poses[:, 1] + cosine * poses[:, 2]
    times = poses[:, 0]
    given = poses.shape[1] == 4
    headings = np.unwrap(np.deg2rad(poses[:, 3]) + turn) if given else _directions(times, x, y)
    until = np.inf if actor.hold else float(times[-1])
    return Path(times, x, y, headings, given, until)


def _directions(times: F64, x: F64, y: F64) -> F64:
    """Return the direction of the way that begins at each knot; where it stands, the one before, else the next."""
    if len(times) < 2:
        return np.zeros(len(times))
    dx, dy = np.diff(x), np.diff(y)
    moving = np.hypot(dx, dy) > STANDING * np.diff(times)
    known = np.where(moving, np.arange(len(dx)), -1)
    last = np.maximum.accumulate(known)
    first = int(np.argmax(moving)) if moving.any() else -1
    which = np.where(last >= 0, last, first)
    piece = np.where(which >= 0, np.arctan2(dy, dx)[which], 0.0)
    return np.unwrap(np.append(piece, piece[-1]))


def _along(actor: Actor, road: RoadMap, end_s: float | None, where: str) -> Path:
    """Return the way along lanes: the middle line, shifted sideways, at the given speeds."""
    lanes = _lanes(actor, road, where)
    length = np.concatenate([[0.0], np.cumsum(road.lanes.length[lanes])])
    if actor.start >= length[-1]:
        raise CaseError(
            f"{where}.start: {actor.start:g} m; its lanes are {length[-1]:.1f} m long together, give less"
        )
    assert actor.speed is not None
    profile = actor.speed if isinstance(actor.speed, tuple) else ((0.0, actor.speed),)
    last = end_s if end_s is not None else max(profile[-1][0], _arrival(profile, length[-1] - actor.start))
    times = np.unique(np.append(np.arange(0.0, last + 0.05, 0.1).round(9), [t for t, _ in profile if t <= last]))
    speed = np.interp(times, [t for t, _ in profile], [v for _, v in profile])
    ways = np.diff(times) * (speed[1:] + speed[:-1]) / 2.0
    place = actor.start + np.concatenate([[0.0], np.cumsum(ways)])
    arrived = place > length[-1]
    until = float(times[np.argmax(arrived) - 1]) if arrived.any() else float(times[-1])
    sideways = actor.lateral if isinstance(actor.lateral, tuple) else ((0.0, actor.lateral),)
    aside = np.interp(times, [t for t, _ in sideways], [m for _, m in sideways])
    x, y = _places(road, lanes, length, place)
    behind, ahead = _places(road, lanes, length, place - BEND_M), _places(road, lanes, length, place + BEND_M)
    facing = np.unwrap(np.arctan2(ahead[1] - behind[1], ahead[0] - behind[0]))
    x, y = x - np.sin(facing) * aside, y + np.cos(facing) * aside
    slant = np.gradient(aside, times) if len(times) > 1 else np.zeros(1)
    facing = facing + np.where(speed > 1.0, np.arctan2(slant, np.maximum(speed, 1.0)), 0.0)
    kept = times <= until + 1e-9
    return Path(times[kept], x[kept], y[kept], facing[kept], True, np.inf if actor.hold else until)


def _arrival(profile: tuple[tuple[float, float], ...], way: float) -> float:
    """Return when the way is done if the last speed holds on [s]; 60 s at most where it is nothing."""
    done = sum((b[0] - a[0]) * (a[1] + b[1]) / 2.0 for a, b in pairwise(((0.0, profile[0][1]), *profile)))
    rest, last = max(way - done, 0.0), profile[-1][1]
    return min(profile[-1][0] + (rest / last if last > 0.1 else 0.0), 60.0)


def _places(road: RoadMap, lanes: list[int], length: F64, place: F64) -> tuple[F64, F64]:
    """Return x and y at distances along lanes; beyond either end the line goes on straight."""
    which = np.clip(np.searchsorted(length, place, side="right") - 1, 0, len(lanes) - 1)
    lane = np.array(lanes, np.int32)[which]
    within = place - length[which]
    x, y, heading = road.along(lane, within)
    beyond = within - np.clip(within, 0.0, road.lanes.length[lane])
    return x + beyond * np.cos(heading), y + beyond * np.sin(heading)


def _lanes(actor: Actor, road: RoadMap, where: str) -> list[int]:
    """Return the indices of an actor's lanes, with those inside junctions between them."""
    index = {name: n for n, name in enumerate(road.lane_names)}
    found: list[int] = []
    for n, name in enumerate(actor.lanes):
        key = f"{where}.lanes[{n}]"
        if name not in index:
            raise CaseError(f"{key}: the map {road.name} has no lane {name!r}; {nearest(name, index)}")
        if found:
            found += _between(road, found[-1], index[name], key)
        found.append(index[name])
    return found


def _between(road: RoadMap, before: int, after: int, key: str) -> list[int]:
    """Return the lanes inside a junction that lead from one lane to another."""
    ways = {before: [before]}
    waiting = [before]
    while waiting:
        lane = waiting.pop(0)
        follows = road.successor_lane[road.successor_first[lane] : road.successor_first[lane + 1]].tolist()
        if after in follows:
            return ways[lane][1:]
        for one in follows:
            if road.lanes.internal[one] and one not in ways:
                ways[one] = [*ways[lane], one]
                waiting.append(one)
    first, last = road.successor_first[before], road.successor_first[before + 1]
    names = [road.lane_names[one] for one in road.successor_lane[first:last]]
    raise CaseError(
        f"{key}: {road.lane_names[after]!r} does not follow {road.lane_names[before]!r}; "
        f"that leads to {', '.join(names) or 'nothing'} (change lanes with lateral)"
    )
