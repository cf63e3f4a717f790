"""Whether a vehicle can pass a junction: its light, and the times at which others are on paths that cross its own.

A path through a junction is the chain of lanes inside it. Two paths conflict where they come nearer than two
vehicles are wide. For each vehicle that may come, on every way it may take, the times at which it can be on the
part that conflicts are compared with those of the vehicle that asks.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS
from wayside.guidance.answers import Answer, Scene, time_over
from wayside.guidance.approach import GREEN, colour_of
from wayside.guidance.tables import GrantReason
from wayside.maps.road import RoadMap
from wayside.table import F64, I32, Bool
from wayside.v2x.tables import Kind

SAMPLE_M = 1.0  # along paths
SLOWEST_ADVICE = 3.0  # m/s


class JunctionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What passing a junction needs [own assumptions]."""

    from_m: float = 150.0  # of the stop line; whoever is farther away asks again later
    acceleration: float = 1.5  # [m/s2] of who asks, up to its lane's limit
    others_acceleration: float = 2.5  # [m/s2] that anybody else may use
    others_slow: float = 0.7  # share of its speed down to which anybody else may slow
    creep: float = 2.0  # [m/s] somebody that stands may start with, at least
    conflict_m: float = 2.4  # between two paths' middles
    spare_s: float = 1.5  # between one leaving a conflict and the other coming
    stops: float = 3.0  # [m/s2] whoever needs no more stops at its red light, or where it is told to wait
    within_s: float = 12.0  # others that come later do not matter
    person_m: float = 1.5  # left beside people on foot and on bicycles
    after_green_s: float = 1.0  # from the beginning of green


def path_through(road: RoadMap, lane: int, to_lane: int) -> list[int]:
    """Return the lanes inside a junction between two lanes, in their order; empty where they are not connected.

    >>> from wayside.maps.drawing import crossroads
    >>> road = crossroads()
    >>> first = int(road.connections.from_lane[0])
    >>> road.lanes.internal[path_through(road, first, int(road.connections.to_lane[0]))].all()
    np.True_
    """
    links = road.connections
    found: list[int] = []
    row = np.flatnonzero((links.from_lane == lane) & (links.to_lane == to_lane))
    while len(row) and links.via_lane[row[0]] >= 0 and int(links.via_lane[row[0]]) not in found:
        via = int(links.via_lane[row[0]])
        found.append(via)
        row = np.flatnonzero((links.from_lane == via) & (links.to_lane == to_lane))
    return found


def points_of(road: RoadMap, path: list[int]) -> tuple[F64, F64, F64]:
    """Return points along a chain of lanes, about a metre apart, and how far along each is [m]."""
    xs, ys, along, base = [], [], [], 0.0
    for lane in path:
        length = float(road.lanes.length[lane])
        at = np.append(np.arange(0.0, length, SAMPLE_M), length)
        x, y, _ = road.along(np.full(len(at), lane), at)
        xs.append(x)
        ys.append(y)
        along.append(at + base)
        base += length
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(along)


def _overlap(mine: tuple[F64, F64, F64], theirs: tuple[F64, F64, F64], within: float) -> tuple[F64, F64] | None:
    """Return the first and last place on both paths where they are near each other; None where they are not."""
    near = np.hypot(mine[0][:, None] - theirs[0], mine[1][:, None] - theirs[1]) < within
    if not near.any():
        return None
    a, b = mine[2][near.any(axis=1)], theirs[2][near.any(axis=0)]
    return a[[0, -1]], b[[0, -1]]


def judge_passing(
    scene: Scene, row: int, node: int, direction: int, to_lane: int, config: JunctionConfig
) -> Answer:
    """Return whether the actor of a row may pass the junction before it.

    Args:
        scene: what is known.
        row: who asks.
        node: the junction; -1 for the one its lane leads to.
        direction: which way it turns, a number of Direction; 0 where the lane it goes to or the only way tells.
        to_lane: a lane of the carriageway it goes to, -1 not said.
        config: what passing needs.

    Returns:
        Granted with the times at which it reaches the stop line and has left the junction; refused for a red light
        with the time of the next green, and for a conflict with the time from which on that one is gone.

    Limits: who may yield is not known, so nobody is expected to, but those who stop for their own red light and
    those who asked later. Only the way of who asks is known; of all others every way is foreseen.
    """
    way = _way_of(scene, row, node, direction, to_lane)
    if way < 0:
        return Answer(GrantReason.NO_SUCH_PLACE)
    actors, lanes, links = scene.actors, scene.road.lanes, scene.road.connections
    own = int(actors.lane[row])
    path = path_through(scene.road, own, int(links.to_lane[way]))
    line = float(lanes.length[own] - actors.offset[row]) - float(actors.length[row]) / 2
    if line > config.from_m:
        return Answer(GrantReason.WAITING)
    points = points_of(scene.road, path)
    if not scene.covered(float(points[0].mean()), float(points[1].mean())):
        return Answer(GrantReason.SIGHT)
    limit = float(lanes.speed_limit[path].min())
    return _refused(scene, row, way, points, line, limit, config) or Answer(
        GrantReason.CLEAR,
        True,
        speed=max(float(actors.speed[row]), min(limit, 3.0)),
        opens=time_over(line, float(actors.speed[row]), config.acceleration, limit),
        closes=_cleared(scene, row, points, line, limit, config),
    )


def _way_of(scene: Scene, row: int, node: int, direction: int, to_lane: int) -> int:
    """Return the connection that who asks means, -1 where there is none or it is not clear which."""
    actors, lanes, links = scene.actors, scene.road.lanes, scene.road.connections
    own = int(actors.lane[row])
    if own < 0 or lanes.internal[own] or (node >= 0 and lanes.to_node[own] != node):
        return -1
    fits = (links.from_lane == own) & (links.via_lane >= 0) & lanes.internal[np.maximum(links.via_lane, 0)]
    if direction:
        fits &= links.direction == direction
    if to_lane >= 0:
        fits &= lanes.edge[links.to_lane] == lanes.edge[to_lane]
    ways = np.flatnonzero(fits)
    one_way = len(ways) > 0 and len(np.unique(lanes.edge[links.to_lane[ways]])) == 1
    return int(ways[0]) if one_way else -1


def _cleared(
    scene: Scene, row: int, points: tuple[F64, F64, F64], line: float, limit: float, config: JunctionConfig
) -> float:
    """Return when who asks will have left the junction [s]."""
    way = line + float(points[2][-1]) + float(scene.actors.length[row])
    return time_over(way, float(scene.actors.speed[row]), config.acceleration, limit)


def _refused(
    scene: Scene,
    row: int,
    way: int,
    points: tuple[F64, F64, F64],
    line: float,
    limit: float,
    config: JunctionConfig,
) -> Answer | None:
    """Return why who asks may not pass now, None if nothing stands against it."""
    actors, links = scene.actors, scene.road.connections
    if links.group[way]:
        arrival = time_over(line, float(actors.speed[row]), config.acceleration, limit)
        waits = _green_in(scene, int(links.controller[way]), int(links.group[way]), arrival, config)
        if waits is None:
            return Answer(GrantReason.RED)
        if waits > 0.0:
            return Answer(GrantReason.RED, speed=_calm(line, waits), opens=waits)
    ahead = _standing_ahead(scene, row)
    if ahead >= 0:
        return Answer(GrantReason.GAP_AHEAD, speed=float(actors.speed[ahead]), other=ahead)
    person = _person_on(scene, row, points, line, limit, config)
    if person >= 0:
        return Answer(GrantReason.CONFLICT, other=person)
    other, until = _first_conflict(scene, row, points, line, limit, config)
    if other < 0:
        return None
    free = until + config.spare_s
    return Answer(GrantReason.CONFLICT, speed=_calm(line, free), opens=free, other=other)


def _calm(line: float, later: float) -> float:
    """Return the speed that comes to the line at a time [m/s]; NaN where that is nearly standing."""
    return line / later if line / later >= SLOWEST_ADVICE else math.nan


def _green_in(scene: Scene, controller: int, group: int, arrival: float, config: JunctionConfig) -> float | None:
    """Return 0 if a group is surely green at an arrival, the time to its next green [s], None where unknown."""
    seen = scene.signal_forecasts
    found = np.flatnonzero((seen.controller == controller) & (seen.group == group))
    if not len(found):
        return None
    k = int(found[0])
    if colour_of(seen.light[k : k + 1])[0] == GREEN:
        end = float(seen.min_end[k])
        return 0.0 if math.isnan(end) or arrival < end else None
    opens = float(seen.next_green[k]) + config.after_green_s
    if math.isnan(opens):
        return None
    lasts = float(seen.next_green_duration[k])
    late = not math.isnan(lasts) and arrival >= opens + lasts
    return None if late else (0.0 if arrival >= opens else opens)


def _red_throughout(scene: Scene, controller: int, group: int, until: float) -> bool:
    """Tell whether a group shows red now and does not turn green before a time [s]."""
    seen = scene.signal_forecasts
    found = np.flatnonzero((seen.controller == controller) & (seen.group == group))
    if not len(found):
        return False
    k = int(found[0])
    changes = float(seen.next_green[k])
    return bool(colour_of(seen.light[k : k + 1])[0] == 1) and not changes <= until


def _standing_ahead(scene: Scene, row: int) -> int:
    """Return the row of somebody standing between who asks and the stop line, -1 nobody."""
    actors = scene.actors
    lane = actors.lane[row]
    ahead = (actors.lane == lane) & (actors.offset > actors.offset[row]) & (actors.speed < 1.0)
    ahead[row] = False
    rows = np.flatnonzero(ahead)
    return int(rows[np.argmin(actors.offset[rows])]) if len(rows) else -1


def _person_on(
    scene: Scene, row: int, points: tuple[F64, F64, F64], line: float, limit: float, config: JunctionConfig
) -> int:
    """Return the row of somebody on foot or on a bicycle whom the path would meet, -1 nobody."""
    actors = scene.actors
    light = (actors.kind == Kind.PEDESTRIAN) | (actors.kind == Kind.BICYCLE)
    light &= np.hypot(actors.x - points[0].mean(), actors.y - points[1].mean()) < 60.0
    speed, length = float(actors.speed[row]), float(actors.length[row])
    times = np.array([
        [time_over(max(line + at - 1.0, 0.0), speed, config.acceleration, limit) for at in points[2]],
        [time_over(line + at + length + 1.0, speed, config.acceleration, limit) for at in points[2]],
    ])  # fmt: skip
    clear = actors.width[row] / 2 + config.person_m
    for person in np.flatnonzero(light).tolist():
        forecast = int(scene.forecast_row[person])
        for step in range(HORIZON_STEPS + 1):
            now = step * HORIZON_STEP_S
            if step and forecast >= 0:
                x = float(scene.forecasts.future_x[forecast, step - 1])
                y = float(scene.forecasts.future_y[forecast, step - 1])
            else:
                x, y = float(actors.x[person]), float(actors.y[person])
            near = np.hypot(points[0] - x, points[1] - y) < clear + actors.width[person] / 2
            if (near & (times[0] <= now + HORIZON_STEP_S) & (times[1] >= now - HORIZON_STEP_S)).any():
                return person
    return -1


def _first_conflict(
    scene: Scene, row: int, points: tuple[F64, F64, F64], line: float, limit: float, config: JunctionConfig
) -> tuple[int, float]:
    """Return the row of a vehicle that can be on a crossing path at the same time, and until when [s]; -1 none.

    Of several the one that is gone first is told.
    """
    actors, lanes, links = scene.actors, scene.road.lanes, scene.road.connections
    own = int(actors.lane[row])
    node, controller = int(lanes.to_node[own]), int(lanes.controller[own])
    speed, length = float(actors.speed[row]), float(actors.length[row])
    leaves = _cleared(scene, row, points, line, limit, config)
    worst, until = -1, math.inf
    here = (actors.lane >= 0) & (actors.kind != Kind.PEDESTRIAN) & (actors.kind != Kind.BICYCLE)
    inside = (
        here & lanes.internal[actors.lane] & _of(lanes.from_node, lanes.controller, actors.lane, node, controller)
    )
    comes = here & ~lanes.internal[actors.lane] & (actors.lane != own)
    comes &= _of(lanes.to_node, lanes.controller, actors.lane, node, controller)
    for other in np.flatnonzero(inside | comes).tolist():
        if other == row:
            continue
        lane, pace = int(actors.lane[other]), float(actors.speed[other])
        begin = 0.0 if inside[other] else float(lanes.length[lane] - actors.offset[other])
        front = begin - float(actors.length[other]) / 2
        can_stop = pace * pace <= 2 * config.stops * max(front, 0.1) + 0.5
        if comes[other] and other in scene.waits and can_stop:
            continue
        for way in np.flatnonzero(links.from_lane == lane).tolist() if comes[other] else [-1]:
            if way >= 0:
                red = _red_throughout(scene, int(links.controller[way]), int(links.group[way]), leaves)
                if links.group[way] and red and can_stop:
                    continue
                path = path_through(scene.road, lane, int(links.to_lane[way]))
                if not path:
                    continue
            else:
                path = [lane]
            overlap = _overlap(points, points_of(scene.road, path), config.conflict_m)
            if overlap is None:
                continue
            (a, b), (c, d) = overlap
            done = float(actors.offset[other]) if inside[other] else 0.0
            half = float(actors.length[other]) / 2
            mine_in = time_over(line + a, speed, config.acceleration, limit)
            mine_out = time_over(line + b + length, speed, config.acceleration, limit)
            fast = max(float(lanes.speed_limit[lane]), pace)
            their_in = time_over(begin + c - done - half, pace, config.others_acceleration, fast)
            slow = max(pace * config.others_slow, config.creep)
            their_out = max(begin + d - done + half, 0.0) / slow
            if begin + d - done + half <= 0.0 or their_in > config.within_s:
                continue
            if mine_in < their_out + config.spare_s and their_in < mine_out + config.spare_s and their_out < until:
                worst, until = other, their_out
    return worst, until


def _of(node_of: I32, controller_of: I32, lane: I32, node: int, controller: int) -> Bool:
    """Tell which lanes belong to a junction, by its node, or by its controller where maps do not name nodes."""
    if node >= 0:
        return np.asarray(node_of[lane] == node)
    return np.asarray(controller_of[lane] == controller)
