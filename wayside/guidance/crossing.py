"""Warning before the paths of two vehicles cross at the same time."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.approach import approach, stops_before
from wayside.guidance.judging import chance, joined, motorised, warn
from wayside.guidance.tables import Meetings, Reason, Service, WarningRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import F64, I64, Bool


class IntersectionCollisionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When drivers are warned of each other at a crossing."""

    warn_within_s: float = 3.4  # of the foreseen contact
    least_confidence: float = 0.6
    other_from_speed: float = 1.5  # [m/s] slower ones are obstacles, not crossing traffic
    least_angle: float = 0.52  # [rad] between both directions of travel at the contact
    yielding_deceleration: float = 4.0  # [m/s2] who can stop at its red light with this is trusted to


def brakes_before(speed: F64, acceleration: F64, distance: F64) -> Bool:
    """Tell which bodies that go on braking as now come to rest within `distance` [m].

    >>> brakes_before(np.array([10.0, 10.0]), np.array([-2.0, 0.0]), np.array([30.0, 30.0]))
    array([ True, False])
    """
    braking = np.maximum(-acceleration, 0.01)
    stops: Bool = (acceleration < -0.8) & (speed**2 / (2 * braking) < distance)
    return stops


def passes_red(
    actors: Actors, rows: I64, way: F64, signal_forecasts: SignalForecasts, road: RoadMap, deceleration: float
) -> Bool:
    """Tell for each row of actors whether it will go `way` metres although a red light or its brakes may stop it.

    False where it can and must stop at a red light before, or stops before if it goes on braking as now.
    """
    wanted = np.zeros(len(actors), np.bool_)
    wanted[rows] = True
    ahead = approach(actors, signal_forecasts, road, reach=120.0, wanted=wanted)
    stop = stops_before(actors, ahead, deceleration=deceleration)
    return ~(way > stop[rows] + 0.5) & ~brakes_before(actors.speed[rows], actors.acceleration[rows], way)


@step(period_s=0.1, reach_m=250.0)
def intersection_collision(
    actors: Actors,
    meetings: Meetings,
    signal_forecasts: SignalForecasts,
    *,
    road: RoadMap,
    config: IntersectionCollisionConfig,
) -> WarningRequests:
    """Warn motor vehicles that can be reached of the first vehicle that will cross their path at the same time.

    Who can and must stop at a red light, or is braking hard enough to stop before the place of contact, yields: no
    warning for either. `value` is the time to the contact [s].

    Limits: signs and rights of way without signals are not known, so a driver who will yield at a sign is warned
    until it brakes.
    """
    found = joined(meetings, actors, config.warn_within_s)
    m, i, j = found
    if not len(i):
        return WarningRequests.empty()
    crosses = motorised(actors)[j] & (actors.speed[j] >= config.other_from_speed)
    # whoever goes the same way now is met from behind, if at all
    crosses &= np.cos(actors.heading[i] - actors.heading[j]) <= 0.87
    crosses &= np.abs(np.sin(m.turned)) > np.sin(config.least_angle)
    crosses &= chance(m.depth, m.sigma) >= config.least_confidence
    m, i, j = found.take(crosses)
    if not len(i):
        return WarningRequests.empty()
    goes = passes_red(
        actors, np.concatenate([i, j]), np.concatenate([m.mine, m.theirs]), signal_forecasts, road,
        config.yielding_deceleration,
    )  # fmt: skip
    both = goes[: len(i)] & goes[len(i) :]
    m, i, j = m.take(both), i[both], j[both]
    return warn(
        Service.INTERSECTION_COLLISION, actors, i, j,
        lead=m.time, confidence=chance(m.depth, m.sigma), value=m.time, reason=Reason.PATHS_CROSS,
    )  # fmt: skip
