"""Approval of advised speeds."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.tables import SpeedRequests
from wayside.maps.road import RoadMap
from wayside.membership import is_among
from wayside.roadside.tables import Actors
from wayside.step import step


class SpeedGuardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which speeds may be advised."""

    least_speed: float = 2.0  # slower [m/s] is no advice but standing in the way


@step(period_s=0.1, reach_m=5.0)
def approve_speeds(
    speed_requests: SpeedRequests,
    warning_orders: WarningOrders,
    actors: Actors,
    *,
    road: RoadMap,
    config: SpeedGuardConfig,
) -> SpeedOrders:
    """Let advised speeds through up to the limit of the lane, and none to those who are being warned.

    Every request becomes exactly one row: APPROVED; LIMITED to the lane's limit; LESS_URGENT where the subject
    is being warned or was a moment ago; IMPLAUSIBLE where the speed is unknown or below `least_speed`, or the
    subject is not there or off the lanes. Refused rows carry no speed. Too slow an advice is refused and not
    raised, since whoever drives faster than advised may meet the red light.
    """
    asked = speed_requests
    count = len(asked)
    if count == 0:
        return SpeedOrders.empty()
    limit = np.full(count, np.nan)
    if len(actors):
        order = np.argsort(actors.id, kind="stable")
        row = order[np.minimum(np.searchsorted(actors.id[order], asked.subject), len(actors) - 1)]
        placed = (actors.id[row] == asked.subject) & (actors.lane[row] >= 0)
        limit[placed] = road.lanes.speed_limit[actors.lane[row[placed]]]
    warned = warning_orders.subject[warning_orders.verdict != Verdict.IMPLAUSIBLE]
    speed = np.minimum(asked.speed, limit)
    plausible = (asked.speed >= config.least_speed) & (limit >= config.least_speed)
    verdict = np.where(asked.speed > limit, Verdict.LIMITED, Verdict.APPROVED).astype(np.uint8)
    verdict[is_among(asked.subject, warned)] = Verdict.LESS_URGENT
    verdict[~plausible] = Verdict.IMPLAUSIBLE
    return SpeedOrders(
        subject=asked.subject,
        x=asked.x,
        y=asked.y,
        speed=np.where(verdict <= Verdict.LIMITED, speed, np.nan),
        verdict=verdict,
    )
