"""Warning before running into who is ahead: slower or standing on one's own path, or coming head-on."""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.guidance.judging import chance, joined, motorised, warn
from wayside.guidance.tables import Meetings, Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64

__all__ = ["ForwardCollisionConfig", "braking_needed", "forward_collision", "required_deceleration"]

MOVES = 1.0  # [m/s] what is slower stands, whichever way it faces
AHEAD, AGAINST = 0.7, -0.7  # cosine of the angle between two directions of travel


class ForwardCollisionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is warned of what is ahead."""

    time_to_collision_s: float = 2.5  # warn if nobody acts and they would meet sooner
    deceleration: float = 3.5  # [m/s2] warn if avoiding it needs more braking than this
    least_deceleration: float = 2.2  # [m/s2] braking that every driver does without being told
    head_on_s: float = 2.8  # warn of somebody coming head-on who would be met sooner
    margin_m: float = 0.2  # passing with less room beside the other is meeting it
    least_confidence: float = 0.5
    own_lane_m: float = 1.2  # who is nearer to the middle of its lane than this keeps to it


@numba.njit(cache=True)
def required_deceleration(gap: float, closing: float) -> float:
    """Return the constant braking [m/s2] that takes away `closing` [m/s] within `gap` [m]; 0 if it opens.

    >>> required_deceleration(20.0, 10.0)
    2.5
    """
    return closing * closing / (2 * max(gap, 0.1)) if closing > 0 else 0.0


@numba.njit(cache=True)
def braking_behind(gap: float, speed: float, ahead: float, braking: float) -> float:
    """Return the constant braking that just avoids running into who is ahead [m/s2].

    Args:
        gap: between both [m].
        speed: of the one behind [m/s].
        ahead: speed of the one ahead [m/s].
        braking: of the one ahead, until it stands [m/s2]; 0 or less for none.

    >>> braking_behind(20.0, 10.0, 0.0, 0.0), round(braking_behind(20.0, 10.0, 10.0, 5.0), 3)
    (2.5, 1.667)
    """
    room, closing = max(gap, 0.1), speed - ahead
    if braking <= 0.0 or ahead <= 0.0:
        return required_deceleration(room, closing)
    # while both still move, they are nearest after 2 room / closing; else the one ahead stands by then
    if closing > 0.0 and 2 * room / closing <= ahead / braking:
        return braking + closing * closing / (2 * room)
    return speed * speed / (2 * (room + ahead * ahead / (2 * braking)))


@numba.njit(cache=True)
def braking_needed(gap: F64, speed: F64, ahead: F64, braking: F64) -> F64:
    """Return the same for each pair; see `braking_behind`."""
    needed = np.empty(gap.size)
    for n in range(gap.size):
        needed[n] = braking_behind(gap[n], speed[n], ahead[n], braking[n])
    return needed


@step(period_s=0.1, reach_m=50.0)
def forward_collision(
    actors: Actors, meetings: Meetings, *, road: RoadMap, config: ForwardCollisionConfig
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the most urgent danger ahead on their own foreseen path.

    Somebody ahead in one's own direction, or standing: where the time to the meeting is short or the braking
    needed is hard, unless the driver is braking enough; `value` is the braking needed [m/s2]. Somebody coming
    head-on: where both meet soon, unless both drive in the middle of different lanes in these lanes' direction;
    `value` is the time [s].

    Limits: only whom the live picture holds. Warnings that a steady driver would find early are meant: required
    deceleration alone suffices.
    """
    m, i, j = joined(meetings, actors, math.inf, among=motorised(actors))
    if not len(m):
        return WarningRequests.empty()
    turned = np.cos(actors.heading[j] - actors.heading[i])
    sure = chance(m.depth + config.margin_m, m.sigma)
    moves = actors.speed[j] > MOVES
    against = moves & (turned < AGAINST) & (m.time <= config.head_on_s)
    if against.any():
        _, _, direction = road.along(actors.lane, actors.offset)
        kept = (np.cos(direction - actors.heading) > 0.5) & (np.abs(actors.lateral) < config.own_lane_m)
        against &= ~(kept[i] & kept[j] & (actors.lane[i] != actors.lane[j]))

    speed, pull = actors.speed[i], np.where(moves, -np.minimum(actors.acceleration[j], 0.0), 0.0)
    ahead = np.where(moves, actors.speed[j] * np.maximum(turned, 0.0), 0.0)
    # both go the same way until they meet, so the difference of their ways is what lies between them now
    gap = np.where(moves, m.mine - m.theirs, m.mine)
    needed = braking_needed(gap, speed, ahead, 0.5 * pull)
    behind = (~moves | (turned > AHEAD)) & (speed - ahead >= 1.0) & (gap > 0.0)
    hard = needed > config.deceleration
    soon = (m.time < config.time_to_collision_s) & (needed > config.least_deceleration)
    braking = (actors.acceleration[i] < -0.6 * needed) & (needed <= 1.5 * config.deceleration)
    behind &= (hard | soon) & ~braking

    told = (against | behind) & (sure >= config.least_confidence)
    if not told.any():
        return WarningRequests.empty()
    against, hard = against[told], hard[told]
    return warn(
        Service.FORWARD_COLLISION, actors, i[told], j[told],
        lead=m.time[told],
        confidence=sure[told],
        value=np.where(against, m.time[told], needed[told]),
        reason=np.where(against, Reason.HEAD_ON, np.where(hard, Reason.BRAKES_TOO_LITTLE, Reason.REACHES_AHEAD)),
    )  # fmt: skip
