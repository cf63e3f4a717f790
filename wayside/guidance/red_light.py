"""Warning drivers who are about to pass a red light."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.approach import GREEN, approach, colour_of
from wayside.guidance.judging import told_from
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step


class RedLightConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a driver is warned of a red light."""

    deceleration: float = 3.5  # [m/s2] warn if stopping at the line needs more; late but sure drivers need 3
    from_speed: float = 4.0  # [m/s] slower ones creep up to the line
    yellow_s: float = 3.0  # length of yellow, for lights that are still green
    still_stops: float = 9.0  # [m/s2] beyond that the line will be passed whatever the driver does


@step(period_s=0.1, reach_m=200.0)
def red_light(
    actors: Actors, signal_forecasts: SignalForecasts, *, road: RoadMap, config: RedLightConfig
) -> WarningRequests:
    """Warn motor vehicles that can be reached, will find red at the line, need hard braking and do not brake.

    `other` is the controller's number plus one, `value` the braking needed [m/s2], `lead` the time to the line.
    Where several groups may govern the lane, all must be red; where the time of change is unknown, a red light is
    taken to stay and a yellow or green one is not taken to change.
    """
    fast = told_from(actors, config.from_speed)
    if not (fast.any() and len(signal_forecasts)):
        return WarningRequests.empty()
    found = approach(actors, signal_forecasts, road, reach=150.0, wanted=fast)
    near = np.flatnonzero(fast & (found.row >= 0) & (found.distance > 0.0))
    distance, speed, row = found.distance[near], actors.speed[near], found.row[near]
    needed = speed**2 / (2 * np.maximum(distance, 0.1))
    hard = needed > config.deceleration
    hard &= (needed < config.still_stops) & (actors.acceleration[near] > -0.6 * needed)
    near, distance, speed, row, needed = (values[hard] for values in (near, distance, speed, row, needed))
    if not len(near):
        return WarningRequests.empty()
    arrival = distance / speed
    seen = signal_forecasts.take(row)
    stays_red = found.all_red[near] & ~(seen.next_green <= arrival) & ~(seen.min_end <= arrival)
    grace = np.where(colour_of(seen.light) == GREEN, config.yellow_s, 0.0)
    turns_red = (
        ~found.all_red[near]
        & found.alike[near]
        & (seen.max_end + grace < arrival)
        & (~(seen.next_green <= arrival) | (seen.next_green == 0))
    )
    warned = stays_red | turns_red
    near = near[warned]
    return WarningRequests(
        service=np.full(len(near), Service.RED_LIGHT, np.uint8),
        subject=actors.id[near],
        other=seen.controller[warned].astype(np.uint64) + 1,
        x=actors.x[near],
        y=actors.y[near],
        lead=arrival[warned],
        confidence=np.where(found.all_red[near], 0.95, 0.8),
        value=needed[warned],
        reason=np.where(found.all_red[near], Reason.RED_AT_ARRIVAL, Reason.RED_BEFORE_ARRIVAL),
    )
