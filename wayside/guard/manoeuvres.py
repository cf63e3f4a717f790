"""Approval of answers to vehicles' requests."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guard.tables import ManoeuvreOrders, Verdict, WarningOrders
from wayside.guidance.tables import GrantReason, Grants, Manoeuvre, Service
from wayside.membership import flags_of, is_among
from wayside.step import step
from wayside.table import Bool

DRIVEN = flags_of((Manoeuvre.OVERTAKE, Manoeuvre.LANE_CHANGE, Manoeuvre.INTERSECTION_PASSING))
AGAINST = flags_of(
    (
        Service.FORWARD_COLLISION,
        Service.INTERSECTION_COLLISION,
        Service.VULNERABLE_ROAD_USER,
        Service.WRONG_WAY,
        Service.RED_LIGHT,
        Service.LEFT_TURN,
        Service.BLIND_SPOT,
        Service.DO_NOT_PASS,
        Service.EMERGENCY_BRAKING,
        Service.CONTROL_LOSS,
    )
)  # who is warned of one of these is not told that it may
SAME = ("kind", "granted", "reason", "lane", "node")  # answers that agree in these are the same answer


class ManoeuvreGuardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an answer may go out."""

    repeat_s: float = 0.5  # the same answer goes out again after so long
    apart_m: float = 50.0  # between two who are granted the same lane
    most_speed: float = 40.0  # [m/s] a higher one makes no sense


@step(period_s=0.1, reach_m=150.0)
def approve_manoeuvres(
    grants: Grants,
    warning_orders: WarningOrders,
    before: ManoeuvreOrders,
    *,
    time_ns: int,
    config: ManoeuvreGuardConfig,
) -> ManoeuvreOrders:
    """Let answers go out; take back a grant that something stands against, whatever guidance says.

    Every standing request has one row. IMPLAUSIBLE: a grant to somebody who is not in the picture, or with a speed
    no vehicle drives; it does not go out. LIMITED: a grant that goes out as a refusal, because its vehicle is
    being warned of a collision (CONFLICT), or another one less than `apart_m` away was granted the same lane
    earlier (RESERVED). REPEATED: the same answer went out less than `repeat_s` ago. All others are APPROVED.
    """
    if not len(grants):
        return ManoeuvreOrders.empty()
    granted = grants.granted.copy()
    reason = grants.reason.copy()
    verdict = np.full(len(grants), Verdict.APPROVED, np.uint8)

    said = warning_orders.take(AGAINST[warning_orders.service] & (warning_orders.verdict != Verdict.IMPLAUSIBLE))
    warned = granted & DRIVEN[grants.kind] & is_among(grants.actor, said.subject)
    twice = granted & ~warned & _twice(grants, granted & ~warned, config.apart_m)
    granted[warned | twice] = False
    reason[warned], reason[twice] = GrantReason.CONFLICT, GrantReason.RESERVED
    verdict[warned | twice] = Verdict.LIMITED

    senseless = (grants.speed < 0) | (grants.speed > config.most_speed) | (grants.closes < grants.opens)
    senseless |= (grants.sender == 0) | np.isnan(grants.x) | np.isnan(grants.y)
    senseless |= granted & DRIVEN[grants.kind] & (grants.actor == 0)
    granted[senseless] = False
    verdict[senseless] = Verdict.IMPLAUSIBLE

    fresh = ManoeuvreOrders(
        sender=grants.sender,
        number=grants.number,
        kind=grants.kind,
        x=grants.x,
        y=grants.y,
        granted=granted,
        reason=reason,
        lane=grants.lane,
        node=grants.node,
        direction=grants.direction,
        area_x=grants.area_x,
        area_y=grants.area_y,
        area_radius=grants.area_radius,
        speed=np.where(senseless, np.nan, grants.speed),
        opens=np.where(warned | twice, np.nan, grants.opens),
        closes=np.where(warned | twice, np.nan, grants.closes),
        helper=grants.helper,
        helper_speed=grants.helper_speed,
        verdict=verdict,
        said_ns=np.zeros(len(grants), np.int64),
    )
    return _spaced(fresh, before, time_ns, round(config.repeat_s * 1e9))


def _twice(grants: Grants, granted: Bool, apart_m: float) -> Bool:
    """Tell which grants of a lane have another of the same lane near them that stands longer."""
    found = np.zeros(len(grants), np.bool_)
    rows = np.flatnonzero(granted & (grants.kind == Manoeuvre.LANE_CHANGE) & (grants.lane >= 0))
    rows = rows[np.lexsort((grants.sender[rows], grants.since_ns[rows]))]
    for place, row in enumerate(rows.tolist()):
        earlier = rows[:place][~found[rows[:place]]]
        near = np.hypot(grants.x[earlier] - grants.x[row], grants.y[earlier] - grants.y[row]) < apart_m
        other = grants.sender[earlier] != grants.sender[row]
        found[row] = bool((near & other & (grants.lane[earlier] == grants.lane[row])).any())
    return found


def _spaced(fresh: ManoeuvreOrders, before: ManoeuvreOrders, time_ns: int, repeat_ns: int) -> ManoeuvreOrders:
    """Mark what went out a moment ago as repeated, and note when each answer last went out."""
    old = {key: row for row, key in enumerate(zip(before.sender.tolist(), before.number.tolist(), strict=True))}
    verdict, said_ns = fresh.verdict.copy(), fresh.said_ns.copy()
    for row, key in enumerate(zip(fresh.sender.tolist(), fresh.number.tolist(), strict=True)):
        was = old.get(key)
        if verdict[row] == Verdict.IMPLAUSIBLE:
            continue
        same = was is not None and all(getattr(before, name)[was] == getattr(fresh, name)[row] for name in SAME)
        last = int(before.said_ns[was]) if same and was is not None else 0
        if last and time_ns - last < repeat_ns:
            verdict[row], said_ns[row] = Verdict.REPEATED, last
        else:
            said_ns[row] = time_ns
    return fresh.replace(verdict=verdict, said_ns=said_ns)
