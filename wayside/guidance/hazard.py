"""Warning drivers of incidents on the way ahead."""

from __future__ import annotations

import msgspec
import numba
import numpy as np

from wayside.guidance.tables import Service, WarningRequests
from wayside.guidance.wrong_way import reachable, rows_of
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors, Incidents
from wayside.step import step
from wayside.table import F64, I32, I64

STACK = 64  # ways looked at at once; more forks than that within the reach are not followed


class HazardAheadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told of an incident ahead."""

    within_m: float = 150.0  # along the lanes
    within_s: float = 12.0  # at the present speed
    from_speed: float = 3.0  # [m/s]


@numba.njit(cache=True)
def _ahead(
    subjects: I64, lane: I32, offset: F64, x: F64, y: F64,
    hazard_lane: I32, hazard_offset: F64, hazard_x: F64, hazard_y: F64, own: I64,
    lane_length: F64, successor_first: I32, successor_lane: I32, within: float,
) -> tuple[I64, F64]:  # fmt: skip
    """Return for each subject the nearest hazard on the lanes it can come to (-1 none) and how far it is [m].

    `own` is the row of the actor that is the hazard itself, -1 unknown.
    """
    nearest, far = np.full(subjects.size, -1, np.int64), np.full(subjects.size, np.inf)
    stack_lane, stack_base = np.empty(STACK, np.int32), np.empty(STACK)
    for n in range(subjects.size):
        i = subjects[n]
        close = False
        for h in range(hazard_lane.size):
            close = close or (hazard_x[h] - x[i]) ** 2 + (hazard_y[h] - y[i]) ** 2 < within * within
        if not close or lane[i] < 0:
            continue
        # base: distance from the subject to the beginning of the lane
        stack_lane[0], stack_base[0], depth = lane[i], -offset[i], 1
        while depth:
            depth -= 1
            here, base = stack_lane[depth], stack_base[depth]
            for h in range(hazard_lane.size):
                distance = base + hazard_offset[h]
                if hazard_lane[h] == here and own[h] != i and 0 < distance < min(within, far[n]):
                    nearest[n], far[n] = h, distance
            after = base + lane_length[here]
            if after < within:
                for k in range(successor_first[here], successor_first[here + 1]):
                    if depth < STACK:
                        stack_lane[depth], stack_base[depth] = successor_lane[k], after
                        depth += 1
    return nearest, far


@step(period_s=0.1, reach_m=200.0)
def hazard_ahead(
    actors: Actors, incidents: Incidents, *, road: RoadMap, config: HazardAheadConfig
) -> WarningRequests:
    """Tell motor vehicles that can be reached of the nearest confirmed incident on a lane they can come to.

    `other` is the actor that is the incident, `value` the distance along the lanes [m], `lead` the time to it at
    the present speed [s]. Whoever passes on a neighbouring lane is not told.
    """
    if not incidents.confirmed.any():
        return WarningRequests.empty()
    hazards = incidents.take(incidents.confirmed & (incidents.lane >= 0))
    subjects = np.flatnonzero(reachable(actors, config.from_speed))
    if not (len(hazards) and len(subjects)):
        return WarningRequests.empty()
    hazard_x, hazard_y, heading = road.along(hazards.lane, np.zeros(len(hazards)))
    beyond = (hazards.x - hazard_x) * np.cos(heading) + (hazards.y - hazard_y) * np.sin(heading)
    found = road.match(hazards.x, hazards.y, np.full(len(hazards), np.nan), reach_m=6.0)
    offset = np.where(found.lane == hazards.lane, found.offset, beyond)
    offset = np.clip(offset, 0.0, road.lanes.length[hazards.lane])
    nearest, far = _ahead(
        subjects, actors.lane, actors.offset, actors.x, actors.y,
        hazards.lane, offset, hazards.x, hazards.y, rows_of(actors, hazards.actor),
        road.lanes.length, road.successor_first, road.successor_lane, config.within_m,
    )  # fmt: skip
    lead = far / actors.speed[subjects]
    told = (nearest >= 0) & (lead < config.within_s)
    subjects, nearest = subjects[told], nearest[told]
    return WarningRequests(
        service=np.full(len(subjects), Service.HAZARD_AHEAD, np.uint8),
        subject=actors.id[subjects],
        other=hazards.actor[nearest],
        x=actors.x[subjects],
        y=actors.y[subjects],
        lead=lead[told],
        confidence=np.full(len(subjects), 0.9),
        value=far[told],
    )
