"""Warning drivers who are faster than their lane allows."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.judging import motorised
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.step import step


class SpeedLimitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is told of the speed limit."""

    margin: float = 1.5  # [m/s] above the limit that is let pass
    share: float = 0.1  # of the limit that is let pass besides
    settled_m: float = 20.0  # a new limit counts from here on


@step(period_s=0.1, reach_m=20.0)
def speed_limit(actors: Actors, *, road: RoadMap, config: SpeedLimitConfig) -> WarningRequests:
    """Tell motor vehicles that can be reached that they are faster than the limit of their lane.

    `value` is the excess over the limit [m/s]; `lead` is NaN, since it is already so. Lanes inside junctions are
    left out: their limits in maps are turning speeds, not signs.
    """
    if not len(road.lanes):
        return WarningRequests.empty()
    limit = road.lanes.speed_limit[actors.lane]
    excess = actors.speed - limit
    fast = (excess > config.margin + config.share * limit) & (actors.sender != 0) & (actors.lane >= 0)
    if not fast.any():
        return WarningRequests.empty()
    fast &= motorised(actors) & ~road.lanes.internal[actors.lane] & (actors.offset >= config.settled_m)
    fast &= np.abs(actors.lateral) <= road.lanes.width[actors.lane] / 2
    rows = np.flatnonzero(fast)
    return WarningRequests(
        service=np.full(len(rows), Service.SPEED_LIMIT, np.uint8),
        subject=actors.id[rows],
        other=np.zeros(len(rows), np.uint64),
        x=actors.x[rows],
        y=actors.y[rows],
        lead=np.full(len(rows), np.nan),
        confidence=np.full(len(rows), 0.95),
        value=excess[rows],
        reason=np.full(len(rows), Reason.OVER_LIMIT, np.uint8),
    )
