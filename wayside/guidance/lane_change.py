"""Whether a vehicle can change to the next lane without making anybody brake hard.

Everybody in that lane, coming into it, or promised a place in it, counts by its distance along the lanes. Gap and
time to collision must do, ahead and behind; where only somebody from behind stands against it and easing off would
help, that one is asked to make room.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from wayside.guidance.ahead import Places, places_ahead, reach_from
from wayside.guidance.answers import Answer, Scene
from wayside.guidance.tables import GrantReason
from wayside.maps.tables import LaneKind
from wayside.table import F64, Bool
from wayside.v2x.tables import Kind


class LaneChangeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a cooperative lane change needs [own assumptions, after usual gap-acceptance models]."""

    duration_s: float = 4.0  # from one lane to the next
    from_speed: float = 2.0  # [m/s] slower ones cannot change lanes
    room_m: float = 2.0  # between bodies at least, both ways
    headway_s: float = 0.6  # to whoever is ahead, after it
    follow_s: float = 0.8  # of who follows, after it
    time_to_collision_s: float = 5.0  # to whoever is ahead and behind
    deceleration: float = 2.0  # [m/s2] that who follows may have to brake
    reaction_s: float = 1.0  # of who follows
    own_lane_s: float = 2.5  # time to collision with who is ahead in the own lane
    look_m: float = 200.0
    sideways: float = 0.3  # [m/s] somebody two lanes away comes over
    line_m: float = 5.0  # before the end of the lane it must be done
    ease: float = 1.5  # [m/s2] whoever follows is asked for no more
    helper_slower: float = 1.5  # [m/s] than who asks, so that the gap grows


def judge_lane_change(scene: Scene, row: int, lane: int, config: LaneChangeConfig) -> Answer:
    """Return whether the actor of a row may change to a lane beside its own.

    A refusal names who stands against it and the speed with which it could be done soon.

    Limits: lines on the road are not known, so only the last metres before a junction count as solid. The poles
    must see the vehicle itself; how far behind it they see is not asked, because the vehicle looks there too.
    """
    actors, lanes = scene.actors, scene.road.lanes
    own, speed = int(actors.lane[row]), float(actors.speed[row])
    beside = 0 <= lane < len(lanes) and own >= 0 and lanes.edge[lane] == lanes.edge[own]
    if not beside or abs(int(lanes.number[lane]) - int(lanes.number[own])) != 1:
        return Answer(GrantReason.NO_SUCH_PLACE)
    share = float(lanes.length[lane] / lanes.length[own])
    place = float(actors.offset[row]) * share
    wrong_kind = lanes.kind[lane] != LaneKind.DRIVING and not (
        lanes.kind[lane] == LaneKind.BUS and actors.kind[row] == Kind.BUS
    )
    ends = place + actors.length[row] / 2 + speed * config.duration_s > lanes.length[lane] - config.line_m
    leads_on = scene.road.successor_first[lane + 1] > scene.road.successor_first[lane]
    if wrong_kind or lanes.internal[own] or speed < config.from_speed or (ends and leads_on):
        return Answer(GrantReason.FORBIDDEN)
    if not scene.covered(float(actors.x[row]), float(actors.y[row])):
        return Answer(GrantReason.SIGHT)
    away = _away(scene, row, lane, place, config)
    return _by_gaps(scene, row, away, _ahead_in(scene, row, own, config), config)


def _away(scene: Scene, row: int, lane: int, place: float, config: LaneChangeConfig) -> F64:
    """Return how far ahead everybody is who counts in a lane [m], negative behind; inf for others."""
    actors, lanes = scene.actors, scene.road.lanes
    near = np.hypot(actors.x - actors.x[row], actors.y - actors.y[row]) < config.look_m
    near[row] = False
    away = np.full(len(actors), np.inf)
    ahead = reach_from(lane, place, scene.road, config.look_m)[actors.lane] + actors.offset
    there = near & (actors.lane >= 0) & (ahead < config.look_m)
    away[there] = ahead[there]
    direction = scene.road.along([lane], [place])[2][0]
    spot = Places(np.array([lane], np.int32), np.array([place]), np.array([-1]))
    who, _, far = places_ahead(np.flatnonzero(near), actors, spot, scene.road, config.look_m)
    closer = far < np.abs(away[who])
    away[who[closer]] = -far[closer]
    # bodies that reach into the lane, those on their way into it, and those who were promised a place in it
    same = near & (actors.lane >= 0) & (lanes.edge[actors.lane] == lanes.edge[lane]) & (actors.lane != lane)
    rows = np.flatnonzero(same)
    if len(rows):
        left = np.where(lanes.number[actors.lane[rows]] < lanes.number[lane], 1.0, -1.0)  # it lies to their left
        gap = (
            np.abs(lanes.number[actors.lane[rows]].astype(np.int64) - int(lanes.number[lane])) * lanes.width[lane]
        )
        edge = gap - lanes.width[lane] / 2 - left * actors.lateral[rows] - actors.width[rows] / 2
        drift = left * actors.speed[rows] * np.sin(actors.heading[rows] - direction)
        comes: Bool = (edge < 0.0) | ((drift > config.sideways) & (gap < 1.5 * lanes.width[lane]))
        comes |= scene.promised[rows] == lane
        rows = rows[comes]
        scale = lanes.length[lane] / lanes.length[actors.lane[rows]]
        away[rows] = actors.offset[rows] * scale - place
    return away


def _ahead_in(scene: Scene, row: int, lane: int, config: LaneChangeConfig) -> F64:
    """Return how far ahead in its own lane everybody is [m]; inf for others."""
    actors = scene.actors
    far = reach_from(lane, float(actors.offset[row]), scene.road, config.look_m)[actors.lane] + actors.offset
    far[(actors.lane < 0) | (far <= 0.0) | (np.arange(len(actors)) == row)] = np.inf
    return far


def _by_gaps(scene: Scene, row: int, away: F64, own: F64, config: LaneChangeConfig) -> Answer:
    """Return the answer that distances in the wanted lane and in the own one give."""
    actors = scene.actors
    speed = float(actors.speed[row])
    bodies = (actors.length + actors.length[row]) / 2
    # speeds a little later: whoever brakes or accelerates now goes on with it for a while
    soon = np.maximum(actors.speed + np.clip(actors.acceleration, -4.0, 2.0) * config.reaction_s, 0.0)
    known = np.isfinite(away)
    gap = np.abs(away) - bodies
    beside = np.flatnonzero(known & (gap <= config.room_m))
    if len(beside):
        nearest = int(beside[np.argmin(gap[beside])])
        return Answer(
            GrantReason.OCCUPIED, speed=_beside_speed(actors.speed[nearest], away[nearest]), other=nearest
        )
    closing = speed - soon  # on those ahead
    ahead = np.flatnonzero(known & (away > 0))
    needed = config.room_m + config.headway_s * speed + np.maximum(closing, 0.0) ** 2 / (2 * config.deceleration)
    bad = ahead[
        (gap[ahead] < needed[ahead]) | (gap[ahead] < config.time_to_collision_s * np.maximum(closing[ahead], 0.0))
    ]
    if len(bad):
        nearest = int(bad[np.argmin(gap[bad])])
        return Answer(GrantReason.GAP_AHEAD, speed=max(float(soon[nearest]) - 1.0, 0.0), other=nearest)
    blocked = np.flatnonzero(np.isfinite(own) & (own - bodies < config.own_lane_s * np.maximum(speed - soon, 0.0)))
    if len(blocked):
        nearest = int(blocked[np.argmin(own[blocked])])
        return Answer(GrantReason.GAP_AHEAD, speed=float(soon[nearest]), other=nearest)
    behind = np.flatnonzero(known & (away < 0))
    closing = soon - speed  # of those behind
    needed = (
        config.room_m
        + config.follow_s * np.minimum(soon, speed)
        + config.reaction_s * np.maximum(closing, 0.0)
        + np.maximum(closing, 0.0) ** 2 / (2 * config.deceleration)
    )
    bad = behind[
        (gap[behind] < needed[behind])
        | (gap[behind] < config.time_to_collision_s * np.maximum(closing[behind], 0.0))
    ]
    if len(bad):
        nearest = int(bad[np.argmin(gap[bad])])
        return _ask(scene, row, nearest, float(gap[nearest]), config)
    leader = ahead[np.argmin(gap[ahead])] if len(ahead) else -1
    follows = leader >= 0 and gap[leader] < 3.0 * speed and soon[leader] < speed
    return Answer(
        GrantReason.CLEAR,
        True,
        speed=float(soon[leader]) if follows else speed,
        opens=0.0,
        closes=config.duration_s,
    )


def _beside_speed(speed: float, away: float) -> float:
    """Return a speed that gets one out of the way of somebody beside: slower if that one is ahead, else faster."""
    return max(float(speed) + (-2.0 if away >= 0 else 2.0), 0.0)


def _ask(scene: Scene, row: int, follower: int, gap: float, config: LaneChangeConfig) -> Answer:
    """Refuse because of who comes from behind, and ask that one to make room where easing off is enough."""
    actors = scene.actors
    slower = max(float(actors.speed[row]) - config.helper_slower, 0.0)
    drop = float(actors.speed[follower]) - slower
    eases = drop * drop / (2 * config.ease) + config.reaction_s * drop <= max(gap, 0.0) or drop <= 0.0
    refused = Answer(GrantReason.GAP_BEHIND, speed=math.nan, other=follower)
    if actors.sender[follower] == 0 or not eases or slower <= 0.0:
        return refused
    return refused._replace(helper=follower, helper_speed=slower)
