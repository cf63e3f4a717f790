"""Warning drivers of incidents on the way ahead, and of the end of a queue or of congestion."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.ahead import Places, nearest_of, places_ahead
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.guidance.telling import told_of
from wayside.guidance.wrong_way import reachable, rows_of
from wayside.maps.road import RoadMap
from wayside.membership import flags_of
from wayside.roadside.tables import Actors, IncidentKind, Incidents
from wayside.step import step
from wayside.table import Bool

SLOW_TRAFFIC = flags_of((IncidentKind.QUEUE, IncidentKind.CONGESTION))


class HazardAheadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told of an incident ahead."""

    within_m: float = 150.0  # along the lanes
    within_s: float = 12.0  # at the present speed
    from_speed: float = 3.0  # [m/s]


class CongestionAheadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told of the end of a queue or of congestion."""

    within_m: float = 250.0  # along the lanes
    within_s: float = 15.0  # at the present speed
    from_speed: float = 5.0  # [m/s] slower ones are in it


def places_of(incidents: Incidents, actors: Actors, road: RoadMap) -> Places:
    """Return where incidents lie on their lanes; none may be off the lanes."""
    start_x, start_y, heading = road.along(incidents.lane, np.zeros(len(incidents)))
    beyond = (incidents.x - start_x) * np.cos(heading) + (incidents.y - start_y) * np.sin(heading)
    found = road.match(incidents.x, incidents.y, np.full(len(incidents), np.nan), reach_m=6.0)
    offset = np.where(found.lane == incidents.lane, found.offset, beyond)
    offset = np.clip(offset, 0.0, road.lanes.length[incidents.lane])
    return Places(incidents.lane, offset, rows_of(actors, incidents.actor))


@step(period_s=0.1, reach_m=200.0)
def hazard_ahead(
    actors: Actors, incidents: Incidents, *, road: RoadMap, config: HazardAheadConfig
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the nearest confirmed incident on the lanes they can come to.

    `value` is the distance along the lanes [m]. Whoever is the incident itself is not told of it, nor of one on
    another lane. Of queues and congestion tells `congestion_ahead`.
    """
    told = incidents.confirmed & (incidents.lane >= 0) & ~SLOW_TRAFFIC[incidents.kind]
    return _told(
        incidents.take(told), actors, road, Service.HAZARD_AHEAD, Reason.INCIDENT_AHEAD,
        (config.within_m, config.within_s, config.from_speed),
    )  # fmt: skip


@step(period_s=0.1, reach_m=300.0)
def congestion_ahead(
    actors: Actors, incidents: Incidents, *, road: RoadMap, config: CongestionAheadConfig
) -> WarningRequests:
    """Tell motor vehicles that can be reached of the end of a queue or of congestion on the lanes they come to.

    `value` is the distance along the lanes [m]. Whoever is slow is in it and is not told.
    """
    told = incidents.confirmed & (incidents.lane >= 0) & SLOW_TRAFFIC[incidents.kind]
    return _told(
        incidents.take(told), actors, road, Service.CONGESTION_AHEAD, Reason.SLOW_TRAFFIC_AHEAD,
        (config.within_m, config.within_s, config.from_speed),
    )  # fmt: skip


def _told(
    incidents: Incidents,
    actors: Actors,
    road: RoadMap,
    service: Service,
    reason: Reason,
    limits: tuple[float, float, float],
) -> WarningRequests:
    """Return a request for whoever comes to one of the incidents within metres and seconds, at a speed."""
    within_m, within_s, from_speed = limits
    if not len(incidents):
        return WarningRequests.empty()
    subjects = np.flatnonzero(reachable(actors, from_speed))
    who, where, far = places_ahead(subjects, actors, places_of(incidents, actors, road), road, within_m)
    near = nearest_of(who, far)
    who, where, far = who[near], where[near], far[near]
    lead = far / actors.speed[who]
    soon: Bool = lead < within_s
    return told_of(service, reason, actors, who[soon], incidents.actor[where[soon]], lead[soon], far[soon])
