"""Warning drivers who pass on the other side of the road although somebody comes there."""

from __future__ import annotations

import msgspec
import numba
import numpy as np

from wayside.guidance.judging import told_from, warn
from wayside.guidance.neighbourhood import Rows, within_reach
from wayside.guidance.overtaking import SAME_WAY, OvertakingConfig, Passing, Rules, passing, rules_of
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

ONCOMING, _PEDESTRIAN = int(Passing.ONCOMING), int(Kind.PEDESTRIAN)
FASTEST = 36.0  # [m/s] of who comes
FEW = 1_000_000  # pairs that are looked through sooner than sought


class DoNotPassConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver who passes on the other side is warned."""

    manoeuvre: OvertakingConfig = OvertakingConfig(spare_s=0.5, oncoming_faster=1.0, widens=0.02)
    within_s: float = 8.0  # until the oncoming one would be met
    out_m: float = 1.3  # who is so far to the left of the one ahead is passing it
    out_within_s: float = 1.0  # or will be so soon, drifting to the left
    least_drift: float = 0.5  # [m/s] sideways; less is keeping the lane
    ahead_m: float = 60.0  # how far ahead somebody to be passed is looked for
    closing: float = 1.0  # [m/s] who is less faster than the one ahead does not pass it
    from_speed: float = 5.0  # [m/s]


@numba.njit(cache=True)
def _who_passes(
    left: Rows, right: Rows, x: F64, y: F64, east: F64, north: F64, speed: F64, half_length: F64,
    ahead: float, closing: float,
) -> tuple[I64, F64, F64]:  # fmt: skip
    """Return whom each actor may be passing (-1 nobody), how far left of it it is [m], and its drift [m/s]."""
    whom, nearest = np.full(x.size, -1, np.int64), np.full(x.size, ahead)
    aside, drift = np.zeros(x.size), np.zeros(x.size)
    for p in range(left.size):
        i, j = left[p], right[p]
        if speed[i] < speed[j] + closing:
            continue
        # in the frame of the one ahead
        c, s = east[j], north[j]
        if east[i] * c + north[i] * s < SAME_WAY:
            continue
        along, across = (x[j] - x[i]) * c + (y[j] - y[i]) * s, (y[i] - y[j]) * c - (x[i] - x[j]) * s
        if not -half_length[i] - half_length[j] < along < nearest[i] or not -1.75 < across < 5.25:
            continue
        whom[i], nearest[i], aside[i], drift[i] = j, along, across, speed[i] * (north[i] * c - east[i] * s)
    return whom, aside, drift


@numba.njit(cache=True)
def _judge(
    subjects: I64, begin: I64, end: I64, among: Rows, lateral: F64,
    x: F64, y: F64, heading: F64, speed: F64, half_length: F64, sigma: F64, drives: Bool, rules: Rules,
) -> tuple[I64, F64, F64]:  # fmt: skip
    """Return for each subject who comes before it is back (-1 nobody), when they meet, how long it needs [s]."""
    count = subjects.size
    other, meet, need = np.full(count, -1, np.int64), np.full(count, np.nan), np.zeros(count)
    for n in range(count):
        why, who, needed, available, passed = passing(
            subjects[n], among[begin[n] : end[n]], x, y, heading, speed, half_length, sigma, drives,
            lateral[n], np.inf, np.inf, True, rules,
        )  # fmt: skip
        if why == ONCOMING and passed >= 0:
            other[n], meet[n], need[n] = who, available, needed
    return other, meet, need


def over_the_middle(
    actors: Actors, rows: I64, road: RoadMap, lane_m: float, within_s: float, least: float
) -> Bool:
    """Tell which rows drive on a lane of the other direction, or will soon have crossed the line to one."""
    lane, heading = actors.lane[rows], actors.heading[rows]
    _, _, direction = road.along(lane, actors.offset[rows])
    drift = actors.speed[rows] * np.sin(heading - direction)
    out = (drift > least) & (actors.lateral[rows] + within_s * drift > road.lanes.width[lane] / 2)
    beside = road.match(
        actors.x[rows] - lane_m * np.sin(direction), actors.y[rows] + lane_m * np.cos(direction),
        direction + np.pi, reach_m=lane_m / 2,
    )  # fmt: skip
    out &= (beside.lane >= 0) & (np.cos(beside.heading - direction) < -SAME_WAY)
    return (np.cos(direction - heading) < -SAME_WAY) | out


def _who_may_come(actors: Actors, subjects: I64, drives: Bool, config: DoNotPassConfig) -> tuple[I64, I64, Rows]:
    """Return rows, and for each subject where among them those begin and end who can be met within the time."""
    count = len(subjects)
    if count * len(actors) < FEW:
        return np.zeros(count, np.int64), np.full(count, len(actors)), np.arange(len(actors))
    passes = np.zeros(len(actors), np.bool_)
    passes[subjects] = True
    half_way = config.within_s * (actors.speed + FASTEST) / 2
    left, right = within_reach(actors, half_way, half_way + config.ahead_m, passes, drives)
    return np.searchsorted(left, subjects), np.searchsorted(left, subjects, side="right"), right


@step(period_s=0.1, reach_m=400.0)
def do_not_pass(actors: Actors, *, road: RoadMap, config: DoNotPassConfig) -> WarningRequests:
    """Warn motor vehicles that can be reached and pass on the other side of the road while somebody comes.

    Told is who is beside or behind a slower one, so far to its left or moving there, and would meet oncoming
    traffic before it is back; on a map, only where a lane of the other direction is there. `value` is the time the
    manoeuvre still takes, `lead` the time until they would meet [s].

    Limits: a driver's wish to pass is known from its motion, not from its indicator; see `overtaking_clear` for
    the answer to a request.
    """
    seeks = told_from(actors, config.from_speed)
    drives = actors.kind != _PEDESTRIAN
    if not seeks.any():
        return WarningRequests.empty()
    half_length = actors.length / 2
    half_way = np.full(len(actors), config.ahead_m / 2)
    left, right = within_reach(actors, half_way, half_way + 10.0, seeks, drives)
    whom, aside, drift = _who_passes(
        left,
        right,
        actors.x,
        actors.y,
        np.cos(actors.heading),
        np.sin(actors.heading),
        actors.speed,
        half_length,
        config.ahead_m,
        config.closing,
    )
    soon = (drift > config.least_drift) & (aside + config.out_within_s * drift > config.out_m)
    subjects = np.flatnonzero((whom >= 0) & ((aside > config.out_m) | soon))
    if len(subjects) and len(road.lanes):
        over = over_the_middle(
            actors, subjects, road, config.manoeuvre.lane_m, config.out_within_s, config.least_drift
        )
        subjects = subjects[(actors.lane[subjects] < 0) | over]
    if not len(subjects):
        return WarningRequests.empty()
    begin, end, among = _who_may_come(actors, subjects, drives, config)
    other, meet, needed = _judge(
        subjects, begin, end, among, aside[subjects],
        actors.x, actors.y, actors.heading, actors.speed, half_length, actors.position_sigma,
        drives, rules_of(config.manoeuvre),
    )  # fmt: skip
    told = (other >= 0) & (meet <= config.within_s)
    subjects, other = subjects[told], other[told]
    # surer the clearer it is on the other side
    out = np.minimum((aside[subjects] + np.maximum(drift[subjects], 0.0)) / config.manoeuvre.lane_m, 1.0)
    return warn(
        Service.DO_NOT_PASS, actors, subjects, other,
        lead=meet[told], confidence=0.6 + 0.35 * out, value=needed[told], reason=Reason.ONCOMING_IN_PASSING,
    )  # fmt: skip
