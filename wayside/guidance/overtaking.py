"""Whether somebody can pass who is ahead of it on the other side of the road and be back before anybody comes.

The manoeuvre is laid out first: how long it takes to get by, with the acceleration a driver uses for it, and to
where. Then everybody on the other side is foreseen to the end of it. All is done in the subject's own frame, so
the compass does not matter.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple, TypeAlias, cast

import msgspec
import numba
import numpy as np

from wayside.roadside.tables import Actors
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

SAME_WAY, OPPOSED = 0.7, -0.5  # cosine of the angle between two directions of travel
SLOW = 1.0  # [m/s] slower bodies on the other side are obstacles, whichever way they face
UNSEEN_SPEED = 25.0  # [m/s] of oncoming traffic beyond what is seen, where no limit is known
LOOK_M = 1000.0  # nobody farther away can matter: 2 x 36 m/s for 14 s


class Passing(IntEnum):
    """Why a manoeuvre on the other side of the road can or cannot be done."""

    CLEAR = 0
    ONCOMING = 1
    """Somebody would come there before it is back."""
    LANE_TAKEN = 2
    """Somebody is, or stands, on the part of the other side that it needs, or is about to pass it."""
    TOO_SLOW = 3
    """It cannot be enough faster than who is ahead without breaking the limit."""
    NOT_SEEN_FAR_ENOUGH = 4
    """Oncoming traffic could be met from beyond what the roadside sees."""


_CLEAR, _ONCOMING, _LANE_TAKEN, _TOO_SLOW, _NOT_SEEN_FAR_ENOUGH = (int(reason) for reason in Passing)


class OvertakingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people pass each other on a two-way road [own assumptions, after usual passing-sight models]."""

    acceleration: float = 1.5  # [m/s2] while getting by
    faster_by: float = 6.0  # [m/s] than who is passed, reached with that acceleration
    least_faster_by: float = 2.0  # [m/s] less is no passing
    reaction_s: float = 1.0  # until the manoeuvre begins
    headway_s: float = 0.8  # left in front of who was passed
    headway_m: float = 5.0  # the least of it
    spare_s: float = 2.0  # between being back and meeting who comes
    oncoming_faster: float = 1.1  # the oncoming may be so much faster than measured
    lane_m: float = 3.5  # between the middles of both sides
    convoy_m: float = 150.0  # how far ahead those to be passed are looked for
    unseen_length_m: float = 12.0  # of somebody ahead whom only the subject sees
    unseen_headway_s: float = 1.0  # to it
    widens: float = 0.1  # by which part of the distance the strip widens where oncoming traffic is looked for


class Clearance(NamedTuple):
    """Answer to whether a manoeuvre can be done.

    Attributes:
        clear: it can.
        why: the reason.
        other: identity of who is in the way, 0 nobody.
        needed_s: how long the manoeuvre takes [s]; NaN if it cannot end.
        available_s: after how long the other side is no longer free [s]; inf if nobody comes.
    """

    clear: bool
    why: Passing
    other: int
    needed_s: float
    available_s: float


@numba.njit(cache=True)
def time_to_gain(lead: float, faster: float, most: float, acceleration: float) -> float:
    """Return how long it takes to gain `lead` [m] on somebody [s].

    Args:
        lead: to be gained [m].
        faster: how much faster one is now, may be negative [m/s].
        most: how much faster one will be at the end [m/s].
        acceleration: until then [m/s2].

    >>> round(time_to_gain(30.0, 0.0, 6.0, 1.5), 2)
    7.0
    """
    rising = max(most - faster, 0.0) / acceleration
    gained = faster * rising + 0.5 * acceleration * rising * rising
    if gained >= lead:
        return (-faster + math.sqrt(max(faster * faster + 2 * acceleration * lead, 0.0))) / acceleration
    return rising + (lead - gained) / max(most, faster)


@numba.njit(cache=True)
def to_be_passed(
    i: int, among: I64, x: F64, y: F64, heading: F64, speed: F64, half_length: F64, drives: Bool, lateral: float,
    headway_s: float, headway_m: float, lane: float, convoy: float,
) -> tuple[int, float, float]:  # fmt: skip
    """Return whom row i has to pass: row of the last (-1 nobody), how far ahead its front is [m], highest speed.

    The nearest ahead on the own side, and all behind whom there is no room to come back.
    """
    c, s = math.cos(heading[i]), math.sin(heading[i])
    # who is on the own side, and how far ahead
    own, ahead, count = np.empty(among.size, np.int64), np.empty(among.size), 0
    for j in among:
        dx, dy = x[j] - x[i], y[j] - y[i]
        left = dy * c - dx * s + lateral
        if j == i or not drives[j] or abs(left) > lane / 2 or math.cos(heading[j] - heading[i]) < SAME_WAY:
            continue
        own[count], ahead[count] = j, dx * c + dy * s
        count += 1
    last, front, pace = -1, 0.0, 0.0
    while front < convoy:
        nearest, found = convoy, -1
        for n in range(count):
            j, along = own[n], ahead[n]
            # the first may still be beside the subject
            beyond = along > front if last >= 0 else along + half_length[j] > -half_length[i]
            if beyond and along - half_length[j] < nearest:
                nearest, found = along - half_length[j], j
        if found < 0:
            break
        if last >= 0 and nearest - front > 2 * half_length[i] + 2 * max(headway_s * speed[found], headway_m):
            break
        last, front, pace = found, nearest + 2 * half_length[found], max(pace, speed[found])
    return last, front, pace


@numba.njit(cache=True)
def in_the_way(
    i: int, among: I64, x: F64, y: F64, heading: F64, speed: F64, half_length: F64, sigma: F64, drives: Bool,
    lateral: float, front: float, most: float, needed: float, travelled: float,
    headway_s: float, spare: float, oncoming_faster: float, lane: float, widens: float,
) -> tuple[int, int, float]:  # fmt: skip
    """Return who first stands against passing up to `front`: reason, row (-1 nobody), and in what time [s].

    Args:
        most: highest speed of the subject meanwhile [m/s].
        needed: how long it takes [s].
        travelled: how far the subject goes meanwhile [m].
        widens: by which part of the distance the strip widens in which somebody who comes is looked for.
    """
    c, s, v = math.cos(heading[i]), math.sin(heading[i]), speed[i]
    why, who, available = _CLEAR, -1, np.inf
    for j in among:
        dx, dy = x[j] - x[i], y[j] - y[i]
        along, left = dx * c + dy * s, dy * c - dx * s + lateral
        bend = widens * max(along, 0.0)
        if j == i or not drives[j] or abs(along) > LOOK_M or not -lane / 2 - bend < left < 1.6 * lane + bend:
            continue
        gap = max(abs(along) - half_length[i] - half_length[j] - 2 * sigma[j], 0.0)
        turned, reason = math.cos(heading[j] - heading[i]), _CLEAR
        if turned < OPPOSED and speed[j] > SLOW:
            pressed = oncoming_faster * speed[j]
            before = along + half_length[j] > -half_length[i]
            if before and gap < travelled + pressed * (needed + spare):
                reason, time = _ONCOMING, gap / (travelled / needed + pressed)
        elif abs(left - lane) < lane / 2:
            taken = False
            if speed[j] <= SLOW or turned <= SAME_WAY:
                taken = along > 0 and gap < travelled
            elif gap < 2.0:
                taken = True
            elif along < 0:
                # it would be here before the subject is by
                taken = gap < (speed[j] - v) * needed + headway_s * speed[j]
            else:
                # it would be caught up with
                taken = along < front and gap < (most - speed[j]) * needed
            if taken:
                reason, time = _LANE_TAKEN, gap / max(abs(speed[j] - v), 1.0)
        if reason != _CLEAR and time < available:
            why, who, available = reason, j, time
    return why, who, available


@numba.njit(cache=True)
def passing(
    i: int, among: I64, x: F64, y: F64, heading: F64, speed: F64, half_length: F64, sigma: F64, drives: Bool,
    lateral: float, limit: float, seen: float, committed: bool,
    rules: tuple[float, float, float, float, float, float, float, float, float, float, float, float, float],
) -> tuple[int, int, float, float, int]:  # fmt: skip
    """Return why the manoeuvre of row i can or cannot be done, who is in the way, and what it takes.

    Args:
        i: the subject's row.
        among: rows of those who may matter.
        x, y, heading, speed: of all actors [m, rad, m/s].
        half_length, sigma: half lengths and standard deviations [m].
        drives: who is on the carriageway: everybody but people on foot.
        lateral: how far to the left of its own lane's middle the subject is [m].
        limit: highest speed it may pass with [m/s].
        seen: how far along the road the roadside sees [m].
        committed: it is passing already; nobody reacts first.
        rules: the numbers of `OvertakingConfig` in their order.

    Returns:
        reason, row of who is in the way (-1 nobody), time needed [s], time available [s], and row of the last one
        to be passed (-1 if nobody is seen ahead).
    """
    (
        acceleration, faster_by, least_faster, reaction, headway_s, headway_m, spare, oncoming_faster, lane,
        convoy, unseen_length, unseen_headway, widens,
    ) = rules  # fmt: skip
    v = speed[i]
    last, front, pace = to_be_passed(
        i, among, x, y, heading, speed, half_length, drives, lateral, headway_s, headway_m, lane, convoy
    )
    if last < 0:
        front, pace = half_length[i] + unseen_headway * v + unseen_length, v
    most = min(max(v, pace + faster_by), max(limit, v if committed else 0.0))
    if most - pace < least_faster:
        return _TOO_SLOW, last, np.nan, np.inf, last
    lead = max(front + half_length[i] + max(headway_s * pace, headway_m), 0.0)
    begin = 0.0 if committed else reaction
    needed = max(begin + time_to_gain(lead, v - pace, most - pace, acceleration), 0.1)
    travelled = lead + pace * (needed - begin) + v * begin
    why, who, available = in_the_way(
        i, among, x, y, heading, speed, half_length, sigma, drives, lateral, front, most, needed, travelled,
        headway_s, spare, oncoming_faster, lane, widens,
    )  # fmt: skip
    if why == _CLEAR:
        # somebody as fast as the limit may be just beyond what is seen
        fastest = limit if np.isfinite(limit) else UNSEEN_SPEED
        if seen < travelled + fastest * (needed + spare):
            return _NOT_SEEN_FAR_ENOUGH, -1, needed, seen / (travelled / needed + fastest), last
    return why, who, needed, available, last


Rules: TypeAlias = tuple[
    float, float, float, float, float, float, float, float, float, float, float, float, float
]  # fmt: skip


def rules_of(config: OvertakingConfig) -> Rules:
    """Return the numbers of a config in their order, as kernels take them."""
    return cast(Rules, msgspec.structs.astuple(config))


def overtaking_clear(
    actors: Actors,
    row: int,
    *,
    limit: float = math.inf,
    seen_m: float = math.inf,
    lateral: float = 0.0,
    config: OvertakingConfig | None = None,
) -> Clearance:
    """Tell whether the actor of a row could now pass who is ahead of it on the other side of the road.

    Args:
        actors: everybody there is.
        row: the subject's row in `actors`.
        limit: highest speed it may pass with [m/s]; inf where it is not known.
        seen_m: how far along the road ahead the roadside sees everybody [m]; inf trusts that all are known.
        lateral: how far to the left of its own lane's middle the subject is [m].
        config: how people pass.

    Limits: traffic on the right; who turns in from a side road meanwhile is not foreseen; on a bend, who comes is
    looked for within a strip that widens by a tenth of the distance.
    """
    config = OvertakingConfig() if config is None else config
    why, who, needed, available, _ = passing(
        row, np.arange(len(actors)), actors.x, actors.y, actors.heading, actors.speed,
        actors.length / 2, actors.position_sigma,
        actors.kind != Kind.PEDESTRIAN, float(lateral), float(limit), float(seen_m), False, rules_of(config),
    )  # fmt: skip
    other = int(actors.id[who]) if who >= 0 else 0
    return Clearance(why == Passing.CLEAR, Passing(why), other, needed, available)
