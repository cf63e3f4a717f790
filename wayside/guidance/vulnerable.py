"""Warning drivers of people on foot and on bicycles whom their path will meet."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.crossing import passes_red
from wayside.guidance.judging import chance, joined, motorised, warn
from wayside.guidance.tables import Meetings, Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step


class VulnerableRoadUserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When drivers are warned of people on foot and on bicycles."""

    warn_within_s: float = 3.5  # of the foreseen contact with somebody on the carriageway
    waiting_within_s: float = 1.8  # the same for somebody still beside it, who may yet stop
    margin_m: float = 0.3  # room that is left around a person
    least_confidence: float = 0.6
    from_speed: float = 2.5  # [m/s] slower vehicles can stop at once
    yielding_deceleration: float = 4.0  # [m/s2] who can stop at its red light with this is trusted to


@step(period_s=0.1, reach_m=200.0)
def vulnerable_road_user(
    actors: Actors,
    meetings: Meetings,
    signal_forecasts: SignalForecasts,
    *,
    road: RoadMap,
    config: VulnerableRoadUserConfig,
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the first person on foot or on a bicycle they would meet.

    Whoever stands beside the path or walks away from it is never met. Drivers who are stopping at a red light or
    braking for it are not told. `value` is the time to the contact [s].

    Limits: somebody on a sidewalk is judged late on purpose, because most people stop at the kerb.
    """
    found = joined(meetings, actors, config.warn_within_s)
    m, i, j = found
    near = ~motorised(actors)[j] & (actors.speed[i] >= config.from_speed)
    if not near.any():
        return WarningRequests.empty()
    lane = actors.lane[j]
    kind = road.lanes.kind[lane] if len(road.lanes) else np.zeros(len(lane), np.uint8)
    beside = (lane >= 0) & ((kind == LaneKind.SIDEWALK) | (kind == LaneKind.WALKING_AREA))
    near &= m.time <= np.where(beside, config.waiting_within_s, config.warn_within_s)
    near &= chance(m.depth + config.margin_m, m.sigma) >= config.least_confidence
    m, i, j = found.take(near)
    if not len(i):
        return WarningRequests.empty()
    goes = passes_red(actors, i, m.mine, signal_forecasts, road, config.yielding_deceleration)
    m, i, j, beside = m.take(goes), i[goes], j[goes], beside[near][goes]
    return warn(
        Service.VULNERABLE_ROAD_USER, actors, i, j,
        lead=m.time,
        confidence=chance(m.depth + config.margin_m, m.sigma),
        value=m.time,
        reason=np.where(beside, Reason.PERSON_STEPS_OUT, Reason.PERSON_IN_PATH),
    )  # fmt: skip
