"""Warning drivers of vehicles that say they are broken down."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.ahead import Places, nearest_of, places_ahead
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.guidance.telling import told_of, who_says
from wayside.guidance.wrong_way import reachable
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.v2x.tables import Reports, VehicleEvent

OUT_OF_ORDER = (
    VehicleEvent.HAZARD_LIGHTS | VehicleEvent.FLAT_TIRE | VehicleEvent.DISABLED | VehicleEvent.AIR_BAG
)  # what a vehicle says when it is broken down


class AbnormalVehicleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told of a vehicle that is broken down."""

    within_m: float = 200.0  # along the lanes
    within_s: float = 10.0  # at the present difference of speeds
    from_speed: float = 3.0  # [m/s]
    slower_by: float = 2.0  # [m/s] whoever keeps up with the traffic is no obstacle
    free_width_m: float = 1.2  # a body farther from the lane's middle than this leaves room to pass


@step(period_s=0.1, reach_m=250.0)
def abnormal_vehicle(
    actors: Actors, reports: Reports, *, road: RoadMap, config: AbnormalVehicleConfig
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the nearest one on their way that says it is broken down.

    Hazard lights, a flat tyre, an air bag that went off or "disabled" say so. It counts where its body stands in
    the lane that the subject comes along and it is slower than the subject. `value` is the distance between the
    middles [m], `lead` the time until they meet at the present speeds.

    Limits: only vehicles that send tell it; of others that stand without a reason the incidents know.
    """
    rows, _ = who_says(actors, reports, OUT_OF_ORDER)
    if not len(rows):
        return WarningRequests.empty()
    rows = rows[
        (actors.lane[rows] >= 0) & (np.abs(actors.lateral[rows]) - actors.width[rows] / 2 < config.free_width_m)
    ]
    subjects = np.flatnonzero(reachable(actors, config.from_speed))
    places = Places(actors.lane[rows], actors.offset[rows], rows)
    who, where, far = places_ahead(subjects, actors, places, road, config.within_m)
    near = nearest_of(who, far)
    who, where, far = who[near], where[near], far[near]
    slower = actors.speed[who] - actors.speed[rows[where]]
    gap = np.maximum(far - (actors.length[who] + actors.length[rows[where]]) / 2, 0.0)
    lead = gap / np.maximum(slower, 1e-9)
    told = (slower >= config.slower_by) & (lead < config.within_s)
    return told_of(
        Service.ABNORMAL_VEHICLE, Reason.OUT_OF_ORDER_AHEAD, actors,
        who[told], actors.id[rows[where[told]]], lead[told], far[told],
    )  # fmt: skip
