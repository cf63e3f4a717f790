"""Emergency vehicles on duty: telling those in their way, and which lights they come to."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.ahead import reach_of
from wayside.guidance.tables import PriorityHints, Reason, Service, WarningRequests
from wayside.guidance.telling import told_of, who_says
from wayside.guidance.wrong_way import reachable
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import F64, I64, U16, Bool
from wayside.v2x.tables import Reports, VehicleEvent

WARNING_DEVICES = VehicleEvent.SIREN | VehicleEvent.LIGHT_BAR


class EmergencyVehicleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told of an emergency vehicle."""

    within_s: float = 12.0  # those ahead of it, at its speed
    least_m: float = 40.0  # ahead of one that stands with its siren on
    most_m: float = 250.0
    junction_s: float = 8.0  # both come to the same junction within that time
    crossing_speed: float = 2.0  # [m/s] cross traffic slower than that waits anyway
    moving: float = 1.5  # [m/s] slower ones without a siren have arrived


class PriorityHintsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far ahead lights are named."""

    within_m: float = 400.0  # of the stop line


def on_duty(actors: Actors, reports: Reports, moving: float) -> tuple[I64, U16]:
    """Return the rows of emergency vehicles with siren or light bar in use, and what they say.

    One that stands counts only with its siren on.
    """
    rows, said = who_says(actors, reports, WARNING_DEVICES)
    siren = (said & VehicleEvent.SIREN) != 0
    known: Bool = ((said & VehicleEvent.EMERGENCY_VEHICLE) != 0) & (actors.lane[rows] >= 0)
    known &= siren | (actors.speed[rows] >= moving)
    return rows[known], said[known]


@step(period_s=0.1, reach_m=300.0)
def emergency_vehicle(
    actors: Actors, reports: Reports, *, road: RoadMap, config: EmergencyVehicleConfig
) -> WarningRequests:
    """Tell motor vehicles that can be reached of the emergency vehicle on duty whose way they are in.

    Those ahead of it on its carriageway, whatever their lane and speed, and on all ways on from there; and cross
    traffic that moves towards the junction it comes to, both within `junction_s`. `lead` is the time until it
    reaches the subject or the junction, NaN where it is slow; `value` is the distance to it along the lanes [m].

    Limits: its route is not known, so behind a fork those on every way are told. It is taken for what its
    message says; that certificates of special vehicles alone may say so is not checked.
    """
    rows, _ = on_duty(actors, reports, config.moving)
    if not len(rows):
        return WarningRequests.empty()
    able = reachable(actors, 0.0) & (actors.lane >= 0)
    best, whom = np.full(len(actors), np.inf), np.full(len(actors), -1)
    reason = np.full(len(actors), Reason.SIREN_BEHIND, np.uint8)
    for row in rows.tolist():
        speed = float(actors.speed[row])
        within = min(max(speed * config.within_s, config.least_m), config.most_m)
        base = reach_of(int(actors.lane[row]), float(actors.offset[row]), road, within)
        far = np.where(able, base[actors.lane] + actors.offset, np.inf)
        far[row] = np.inf
        far[far <= 0.0] = np.inf
        crossing = _crossing(actors, row, road, config) & able & np.isinf(far)
        far[far > within] = np.inf
        node_m = float(road.lanes.length[actors.lane[row]] - actors.offset[row])
        far[crossing] = np.maximum(node_m, 0.0)
        nearer = far < best
        best[nearer], whom[nearer] = far[nearer], row
        reason[nearer] = np.where(crossing[nearer], Reason.SIREN_CROSSING, Reason.SIREN_BEHIND)
    told = np.flatnonzero(whom >= 0)
    speed = actors.speed[whom[told]]
    lead = best[told] / np.maximum(speed, config.moving)
    lead[(speed < config.moving) | (lead > config.within_s)] = np.nan
    requests = told_of(
        Service.EMERGENCY_VEHICLE, Reason.SIREN_BEHIND, actors, told, actors.id[whom[told]], lead, best[told]
    )
    return requests.replace(reason=reason[told]) if len(told) else requests


def _crossing(actors: Actors, row: int, road: RoadMap, config: EmergencyVehicleConfig) -> Bool:
    """Tell who comes to the junction that an emergency vehicle comes to, on another carriageway, as soon."""
    lanes, lane = road.lanes, actors.lane
    node = int(lanes.from_node[lane[row]] if lanes.internal[lane[row]] else lanes.to_node[lane[row]])
    to_line: F64 = lanes.length[lane] - actors.offset
    arrival = np.where(
        actors.speed >= config.crossing_speed, to_line / np.maximum(actors.speed, config.crossing_speed), np.inf
    )
    if node < 0 or (not lanes.internal[lane[row]] and arrival[row] > config.junction_s):
        return np.zeros(len(actors), np.bool_)
    comes: Bool = (lanes.to_node[lane] == node) & ~lanes.internal[lane] & (arrival <= config.junction_s)
    comes &= (lanes.edge[lane] != lanes.edge[lane[row]]) & (lane >= 0)
    return comes


@step(period_s=0.5, reach_m=None)
def priority_hints(
    actors: Actors, reports: Reports, *, road: RoadMap, config: PriorityHintsConfig
) -> PriorityHints:
    """Say which controller and groups each emergency vehicle on duty comes to next, and when.

    The way is followed as long as it does not fork. Nothing is asked of the signals here: whoever controls them
    may use it.
    """
    rows, _ = on_duty(actors, reports, 1.5)
    found = []
    lanes = road.lanes
    for row in rows.tolist():
        lane, ahead = int(actors.lane[row]), -float(actors.offset[row] + actors.length[row] / 2)
        seen: set[int] = set()
        while lane not in seen and ahead < config.within_m:
            seen.add(lane)
            ahead += float(lanes.length[lane])
            if lanes.controller[lane] >= 0 and road.lane_group_mask[lane] and not lanes.internal[lane]:
                found.append((row, lane, max(ahead, 0.0)))
                break
            first, last = int(road.successor_first[lane]), int(road.successor_first[lane + 1])
            if last - first != 1:
                break
            lane = int(road.successor_lane[first])
    found = [one for one in found if one[2] <= config.within_m]
    if not found:
        return PriorityHints.empty()
    row_list, lane_list, far = (np.array(column) for column in zip(*found, strict=True))
    return PriorityHints(
        sender=actors.sender[row_list],
        x=actors.x[row_list],
        y=actors.y[row_list],
        controller=lanes.controller[lane_list],
        groups=road.lane_group_mask[lane_list],
        distance=far,
        arrival=far / np.maximum(actors.speed[row_list], 1.5),
    )
