"""Showing traffic signs, and places where one pays by radio, to those for whom they are."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.ahead import Places, places_ahead
from wayside.guidance.tables import PaymentPoints, PaymentPurpose, Reason, Service, Signs, WarningRequests
from wayside.guidance.telling import told_of
from wayside.guidance.wrong_way import reachable
from wayside.maps.road import RoadMap
from wayside.membership import is_among
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.table import I64, U8, U16, Bool


class InVehicleSignConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom signs are shown."""

    from_speed: float = 1.0  # [m/s]
    reach_m: float = 12.0  # between a sign and the lanes it is for
    along: float = 0.8  # cosine of the angle between the sign's traffic and the lane


class PaymentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told that it pays."""

    along: float = 0.5  # cosine of the angle between the point's traffic, or the way to it, and the vehicle
    parked_below: float = 3.0  # [m/s] whoever is faster passes a car park or a charger by


def concerns(kinds: U16, kind: U8) -> Bool:
    """Tell whether what is for some kinds of road users, as bits, concerns each kind.

    >>> concerns(np.array([0, 1 << 3], np.uint16), np.array([1, 1], np.uint8))
    array([ True, False])
    """
    wanted: Bool = (kinds == 0) | ((kinds >> kind.astype(np.uint16)) & np.uint16(1) > 0)
    return wanted


@step(period_s=0.1, reach_m=400.0)
def in_vehicle_sign(
    actors: Actors, signs: Signs, *, road: RoadMap, config: InVehicleSignConfig
) -> WarningRequests:
    """Show motor vehicles that can be reached every sign ahead that is for them.

    A sign is for all lanes of the carriageway beside it that leads its way, and on the lanes that come to it.
    `other` is the sign's number plus one, `value` the distance [m]; `lead` is NaN, as nothing will happen.
    """
    if not len(signs) or not len(road.lanes):
        return WarningRequests.empty()
    subjects = np.flatnonzero(reachable(actors, config.from_speed))
    if not len(subjects):
        return WarningRequests.empty()
    found = road.match(signs.x, signs.y, signs.heading, reach_m=config.reach_m)
    fits = (found.lane >= 0) & (np.cos(found.heading - signs.heading) >= config.along)
    sign, lane = _abreast(np.flatnonzero(fits), found.lane.astype(np.int64), road)
    offset = np.minimum(found.offset[sign], road.lanes.length[lane])
    places = Places(lane.astype(np.int32), offset, np.full(len(sign), -1))  # several lanes of one sign
    who, where, far = places_ahead(subjects, actors, places, road, float(signs.ahead.max()))
    shown = (far <= signs.ahead[sign[where]]) & concerns(signs.kinds[sign[where]], actors.kind[who])
    who, row, far = who[shown], sign[where[shown]], far[shown]
    order = np.lexsort((far, row, who))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (who[order][1:] != who[order][:-1]) | (row[order][1:] != row[order][:-1])
    kept = order[fresh]
    return told_of(
        Service.IN_VEHICLE_SIGN, Reason.SIGN_AHEAD, actors,
        who[kept], signs.sign[row[kept]].astype(np.uint64) + 1, np.full(len(kept), np.nan), far[kept],
        confidence=1.0,
    )  # fmt: skip


def _abreast(rows: I64, lane: I64, road: RoadMap) -> tuple[I64, I64]:
    """Return each row with every lane of the carriageway its lane is of."""
    key = 2 * road.lanes.edge.astype(np.int64) + road.lanes.internal
    wanted = key[lane[rows]]
    lanes = np.flatnonzero(is_among(key, wanted))
    row, beside = np.nonzero(wanted[:, None] == key[lanes])
    return rows[row], lanes[beside]


@step(period_s=0.1, reach_m=200.0)
def payment(actors: Actors, payment_points: PaymentPoints, *, config: PaymentConfig) -> WarningRequests:
    """Tell motor vehicles that can be reached at which point they pay by radio.

    At tolls: whoever drives towards the point within its radius, in the direction it is for. At chargers and in
    car parks: whoever is slow within the radius. Of several points the nearest is told. `other` is the point's
    number plus one, `value` the price [CNY]; `lead` is NaN, as nothing will happen.

    Needs no map. Limits: a notice; no money is moved here.
    """
    if not len(payment_points):
        return WarningRequests.empty()
    subjects = np.flatnonzero(reachable(actors, 0.0))
    points = payment_points
    east, north = points.x - actors.x[subjects, None], points.y - actors.y[subjects, None]
    away = np.hypot(east, north)
    heading, speed = actors.heading[subjects, None], actors.speed[subjects, None]
    towards = (np.cos(heading) * east + np.sin(heading) * north) >= config.along * away
    right_way = np.isnan(points.heading) | (np.cos(heading - points.heading) >= config.along)
    tolled = (points.purpose == PaymentPurpose.TOLL) | (points.purpose == PaymentPurpose.CONGESTION)
    pays = (away <= points.radius) & concerns(points.kinds, actors.kind[subjects, None])
    pays &= np.where(tolled, towards & right_way & (speed > 0.5), speed <= config.parked_below)
    away = np.where(pays, away, np.inf)
    nearest = away.argmin(axis=1)
    every = np.arange(len(subjects))
    row = every[np.isfinite(away[every, nearest])]
    point = nearest[row]
    return told_of(
        Service.PAYMENT, Reason.PAYS_HERE, actors, subjects[row], points.point[point].astype(np.uint64) + 1,
        np.full(len(row), np.nan), points.price_fen[point] / 100.0, confidence=1.0,
    )  # fmt: skip
