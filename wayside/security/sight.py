"""Whether a pole sees who says to be in front of it.

A claim is tested against one scan of one pole, at the instant of that scan. It counts against the sender only
where the pole can be expected to see: nearer than it demonstrably sees now, and with nothing on the same bearing
that could hide a vehicle there.
"""

from __future__ import annotations

import math

import msgspec
import numba
import numpy as np

from wayside.roadside.tables import Detections, Poles
from wayside.security.tables import PoleReach
from wayside.step import step
from wayside.table import F64, I64, U8, U16, U64
from wayside.v2x.tables import Kind, Reports

SEEN, UNSEEN, HIDDEN, UNTOLD = 3, 2, 1, 0  # of several poles' words the greatest counts
# compiled kernels know plain numbers only
_PEDESTRIAN = int(Kind.PEDESTRIAN)
_UNKNOWN, _BUS, _TRUCK = int(Kind.UNKNOWN), int(Kind.BUS), int(Kind.TRUCK)


class SightConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pole can be expected to see."""

    sure_share: float = 0.6  # of its range; beyond that it may miss for a while
    from_m: float = 8.0  # nearer ones may stand below its view
    match_m: float = 4.0  # a detection so near, and half the length beyond a car's, is the vehicle
    match_speed: float = 3.0  # [m/s] a detection whose speed differs more is another vehicle
    bearing_margin: float = 0.1  # [rad] added on both sides of what could hide it
    low_hides_from: float = 0.7  # share of the distance from which a car can hide what is behind it
    tall_hides_from: float = 0.3  # the same for a bus or truck
    stale_s: float = 0.5  # a scan older than this against the report is not compared


class PoleReachConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a distant detection proves that a pole sees so far."""

    shrinks: float = 3.0  # [m/s] fog thickens, but not at once
    least_share: float = 0.25  # of its range, seen even in fog


@step(period_s=0.1, reach_m=150.0)
def pole_reach(
    detections: Detections, poles: Poles, before: PoleReach, *, time_ns: int, config: PoleReachConfig
) -> PoleReach:
    """Remember how far each pole has demonstrably seen lately, which is less in fog.

    The reach is the distance of the farthest detection, shrinking with time until a farther one comes; at least a
    share of the pole's range.

    Limits: on an empty road the reach shrinks as if there were fog.
    """
    if not len(poles):
        return PoleReach.empty()
    reach = config.least_share * poles.range
    if len(before) == len(poles) and np.array_equal(before.pole, poles.pole):
        reach = np.maximum(reach, before.reach - config.shrinks * (time_ns - before.time_ns) * 1e-9)
    if len(detections):
        order = np.argsort(poles.pole, kind="stable")
        place = np.searchsorted(poles.pole, detections.pole, sorter=order)
        row = order[np.minimum(place, len(poles) - 1)]
        away = np.hypot(detections.x - poles.x[row], detections.y - poles.y[row])
        np.maximum.at(reach, row, np.where(poles.pole[row] == detections.pole, away, 0.0))
    return PoleReach(
        pole=poles.pole,
        x=poles.x,
        y=poles.y,
        reach=np.minimum(reach, poles.range),
        time_ns=np.full(len(poles), time_ns),
    )


@numba.njit(cache=True)
def _row_of(poles: U16, wanted: int) -> int:
    """Return the row of a pole, -1 where it is none of these."""
    for row in range(poles.size):
        if poles[row] == wanted:
            return row
    return -1


@numba.njit(cache=True)
def _sight(
    d_pole: U16, d_time: I64, d_kind: U8, d_x: F64, d_y: F64, d_heading: F64,
    d_speed: F64, d_length: F64, d_width: F64,
    pole: U16, pole_x: F64, pole_y: F64, pole_range: F64, reach_pole: U16, sees: F64,
    order: I64, x_sorted: F64,
    time: I64, x: F64, y: F64, heading: F64, speed: F64, length: F64, sender: U64,
    settings: tuple[float, ...],
) -> I64:  # fmt: skip
    """Return SEEN, UNSEEN, HIDDEN or UNTOLD for each report."""
    sure, from_m, match_m, match_speed, margin, low_from, tall_from, stale = settings
    verdict, missing = np.zeros(x.size, np.int64), np.empty(x.size, np.int64)
    away_d, towards = np.empty(d_x.size), np.empty(d_x.size)
    hides, hides_from = np.empty(d_x.size), np.empty(d_x.size)
    b = 0
    while b < d_x.size:
        a = b  # each scan is a run of one pole and instant
        while b < d_x.size and d_pole[b] == d_pole[a] and d_time[b] == d_time[a]:
            b += 1
        p, q = _row_of(pole, d_pole[a]), _row_of(reach_pole, d_pole[a])
        if p < 0 or q < 0:
            continue  # a pole of which nothing is known tells nothing
        px, py, reach = pole_x[p], pole_y[p], pole_range[p]
        farthest, seen, unseen = min(sees[q], sure * reach), 0, 0
        for d in range(a, b):
            away_d[d] = math.hypot(d_x[d] - px, d_y[d] - py)
            towards[d] = math.atan2(d_y[d] - py, d_x[d] - px)
            across = d_length[d] / 2
            if not np.isnan(d_heading[d]):
                turned = d_heading[d] - towards[d]
                across = abs(math.sin(turned)) * d_length[d] / 2 + abs(math.cos(turned)) * d_width[d] / 2
            hides[d] = math.atan2(across, away_d[d]) + margin
            tall = d_kind[d] == _UNKNOWN or d_kind[d] == _BUS or d_kind[d] == _TRUCK
            hides_from[d] = tall_from if tall else low_from
        for n in range(np.searchsorted(x_sorted, px - reach - 30.0), np.searchsorted(x_sorted, px + reach + 30.0)):
            r = order[n]
            age = (time[r] - d_time[a]) * 1e-9
            if abs(age) > stale or abs(y[r] - py) > reach + 30.0:
                continue
            cx, cy = x[r] - speed[r] * age * math.cos(heading[r]), y[r] - speed[r] * age * math.sin(heading[r])
            away = math.hypot(cx - px, cy - py)
            if not away <= reach:
                continue
            near = match_m + max(length[r] / 2 - 2.5, 0.0) / 2
            bearing, found, hidden = math.atan2(cy - py, cx - px), False, False
            for d in range(a, b):
                alike = d_kind[d] != _PEDESTRIAN and not abs(d_speed[d] - speed[r]) > match_speed
                if alike and (d_x[d] - cx) ** 2 + (d_y[d] - cy) ** 2 <= near * near:
                    found = True
                    break
                if hides_from[d] * away <= away_d[d] <= away - 0.5:
                    apart = abs(bearing - towards[d])
                    hidden = hidden or min(apart, 2 * math.pi - apart) < hides[d]
            if found:
                verdict[r], seen = SEEN, seen + 1
            elif hidden:
                verdict[r] = max(verdict[r], HIDDEN)
            elif from_m <= away <= farthest:
                missing[unseen], unseen = r, unseen + 1
        # a pole that sees fewer than it misses is the one to be doubted
        if unseen > 1 and seen < unseen:
            continue
        for m in range(unseen):
            verdict[missing[m]] = max(verdict[missing[m]], UNSEEN)
    return verdict


def sight(reports: Reports, detections: Detections, poles: Poles, reach: PoleReach, config: SightConfig) -> I64:
    """Return for each report whether the poles' scans at hand show the vehicle.

    Returns:
        SEEN where a detection of a vehicle lies at the claimed place and moves alike; UNSEEN where some pole
        should see it and none does; HIDDEN where something may stand before it; else UNTOLD.

    Limits: poles are taken to stand 5 to 8 m high, so that cars hide only what is close behind them; what houses
    or trees hide is not known. A scan without any detection is not known to have taken place. A pole that misses
    more than one sender, and more than it sees, is not believed.
    """
    if not (len(reports) and len(detections) and len(poles) and len(reach)):
        return np.zeros(len(reports), np.int64)
    detections = detections.in_order()
    order = np.argsort(reports.x, kind="stable")
    found: I64 = _sight(
        detections.pole, detections.time_ns, detections.kind, detections.x, detections.y, detections.heading,
        detections.speed, detections.length, detections.width,
        poles.pole, poles.x, poles.y, poles.range, reach.pole, reach.reach,
        order, reports.x[order],
        reports.time_ns, reports.x, reports.y, reports.heading, reports.speed, reports.length, reports.sender,
        (
            config.sure_share, config.from_m, config.match_m, config.match_speed,
            config.bearing_margin, config.low_hides_from, config.tall_hides_from, config.stale_s,
        ),
    )  # fmt: skip
    return found
