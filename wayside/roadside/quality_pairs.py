"""Vehicles that say where they are, beside what each pole sees of them."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from wayside.membership import is_among
from wayside.roadside.quality_objects import SECOND, newest_scans
from wayside.roadside.quality_pairing import Heard, Memory, Posts, Seen, pair
from wayside.roadside.quality_tables import PolePairs
from wayside.roadside.tables import Detections, Poles
from wayside.security.tables import Distrust, Trust
from wayside.step import step
from wayside.table import F64
from wayside.v2x.tables import Reports

_UNSEEN = int(Distrust.UNSEEN)


class PolePairsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `pole_pairs`."""

    within_m: float = 3.5  # a detection farther from a report, across, is of another vehicle
    time_error_s: float = 0.3  # along, so many seconds of travel more count as within one metre more
    clear_by_m: float = 1.2  # by so much the second nearest must be farther than the nearest
    speed_within: float = 2.0  # speeds of a pair differ by no more [m/s]
    heading_within: float = 0.5  # nor headings of moving ones [rad]
    begins_from: float = 1.0  # pairs are made while a vehicle moves; in a queue it is too easily taken for another
    again_within_m: float = 2.5  # a pair's difference changes by no more from scan to scan
    recent: float = 0.5  # weight of the newest difference in the smoothed one
    stale_s: float = 1.2  # a report and a scan farther apart in time are not compared
    forgotten_s: float = 2.0  # a vehicle not heard for so long has gone
    from_m: float = 6.0  # nearer to the pole nothing is asked
    view_share: float = 0.95  # of the range and of its field of view are asked
    low_hides_from: float = 0.6  # share of the distance from which a car can hide what is behind it
    tall_hides_from: float = 0.2  # the same for a bus or truck
    margin: float = 0.03  # added on both sides of what may hide [rad]
    period_s: float = 0.2  # between the scans that are looked at
    own_error_m: float = 0.3  # no vehicle is believed to know its position better, per axis
    own_error_s: float = 60.0  # for so long that error stays like itself, to 1/e


@step(period_s=0.2, reach_m=150)
def pole_pairs(
    detections: Detections,
    reports: Reports,
    poles: Poles,
    trust: Trust,
    before: PolePairs,
    *,
    config: PolePairsConfig,
    time_ns: int,
) -> PolePairs:
    """Pair what vehicles say of themselves with what each pole sees in its newest scan.

    A pair is made where no other detection could be meant, even if the pole is turned, displaced or its clock is
    wrong by some tenths of a second; from then on it is known again by its difference, which changes slowly.

    Args:
        detections: what poles saw.
        reports: what vehicles said. Those of distrusted senders are left out, but not of those whom a pole should
            see and does not: it may be the pole.
        poles: where poles stand and look.
        trust: who is believed.
        before: the pairs so far.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per pole and vehicle within its range.

    Limits: a report is carried to the instant of the scan by its own speed, acceleration and turn.
    """
    if not len(poles) or not (len(reports) or len(before)):
        return PolePairs.empty()
    detections, poles, before = detections.in_order(), poles.in_order(), before.in_order()
    doubted = trust.sender[trust.distrusted & (trust.reason != _UNSEEN)]
    good = ~np.isnan(reports.speed + reports.heading)
    if len(doubted):
        good &= ~is_among(reports.sender, doubted)
    # of two reports of one sender the newer one
    order = np.lexsort((reports.time_ns, reports.sender))
    order = order[good[order]]
    sender = reports.sender[order]
    order = order[np.append(sender[1:] != sender[:-1], np.ones(len(order[:1]), np.bool_))]
    order = order[np.argsort(reports.x[order], kind="stable")]
    heard = Heard(
        reports.sender[order], reports.time_ns[order], reports.kind[order], reports.x[order], reports.y[order],
        reports.heading[order], reports.speed[order], _known(reports.acceleration[order]),
        _known(reports.yaw_rate[order]), reports.position_sigma[order],
    )  # fmt: skip
    scans = newest_scans(detections, poles)
    posts = Posts(
        poles.pole,
        poles.x,
        poles.y,
        np.maximum(poles.range, 0.0),
        poles.facing,
        poles.field_of_view,
        scans.first,
        scans.last,
    )
    seen = Seen(*(getattr(detections, name) for name in Seen._fields))
    rows = len(before) + _neighbours(heard.x, heard.y, poles)
    made: dict[str, Any] = {name: np.empty((rows, *c.shape), c.dtype) for name, c in PolePairs.columns.items()}
    count = pair(
        Memory(*(getattr(before, name) for name in Memory._fields)), Memory(**made), heard, seen, posts,
        time_ns, config.within_m, config.time_error_s, config.clear_by_m, config.speed_within,
        config.heading_within, config.again_within_m, config.recent, config.stale_s,
        round(config.forgotten_s / SECOND), config.from_m, config.view_share, config.low_hides_from,
        config.tall_hides_from, config.margin, config.begins_from, math.exp(-config.period_s / config.own_error_s),
        config.own_error_m,
    )  # fmt: skip
    return PolePairs(**{name: values[:count] for name, values in made.items()})


def _known(values: F64) -> F64:
    """Return nought for what is unknown."""
    return np.where(np.isnan(values), 0.0, values)


def _neighbours(x: F64, y: F64, poles: Poles) -> int:
    """Return how many pairs of pole and report, in order of x, may be in range at most."""
    reach = np.maximum(poles.range, 0.0)
    low = np.searchsorted(x, poles.x - reach)
    high = np.searchsorted(x, poles.x + reach, "right")
    return int((high - low).sum())
