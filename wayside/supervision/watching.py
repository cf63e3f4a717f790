"""What holds for each permitted vehicle now, against its permit and the measures in force."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.admission.tables import Permits, ZoneCorners, Zones
from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors, RoadWeather, Units
from wayside.step import step
from wayside.supervision.tables import Rule, Watch
from wayside.table import F64, I64, U64, Bool
from wayside.v2x.tables import Reports


class WatchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as holding."""

    utc_offset_minutes: int = 480  # local time less UTC; China 480
    border_m: float = 1.0  # as far beyond a border a vehicle is not yet outside, or inside
    speed_share: float = 0.05  # tolerance of speed, as a share of what is allowed
    speed_margin: float = 1 / 3.6  # and beside it [m/s]
    standing_speed: float = 1.0  # slower [m/s] counts as standing
    hold_s: float = 1.0  # a condition that was not seen for so long has ended
    forget_s: float = 300.0  # a vehicle not heard for so long is off duty
    radio_share: float = 0.8  # silence counts within this share of a roadside unit's range


@step(period_s=0.1, reach_m=None)
def watch(
    reports: Reports,
    actors: Actors,
    permits: Permits,
    zones: Zones,
    zone_corners: ZoneCorners,
    units: Units,
    measure_orders: MeasureOrders,
    road_weather: RoadWeather,
    before: Watch,
    *,
    time_ns: int,
    config: WatchConfig,
) -> Watch:
    """Note every condition that holds for a permitted vehicle, and since when.

    A vehicle is where its Actor is, else where its newest report says. What was noted and cannot be judged now,
    because neither came in this tick or the condition has just ceased, stays for `hold_s`. Each vehicle that was
    ever heard has a row SILENT with the instant of its last report; one that never was has no rows.
    Values and limits are in the rule's unit: metres beyond the border, m/s, minute of the day, metres of
    visibility, seconds past validity, seconds of silence.

    Limits: BSMs do not say who drives, so that manual driving is judged like automated driving; the weather
    is that of the nearest station; silence outside the roadside units' range is nobody's fault.
    """
    if len(permits) == 0:
        return Watch.empty()
    permits = permits.take(permits.order())
    heard, x, y, speed, placed = _placed(reports, actors, permits.sender)
    rules: list[int] = []
    holds: list[Bool] = []
    values: list[F64] = []
    limits: list[F64] = []
    count = len(permits)

    def note(rule: Rule, condition: Bool, value: F64, limit: F64) -> None:
        holds.append(placed & condition)
        rules.append(int(rule))
        values.append(value)
        limits.append(np.broadcast_to(limit, count))

    def too_fast(allowed: F64) -> Bool:
        over: Bool = speed > allowed * (1.0 + config.speed_share) + config.speed_margin
        return over

    moving = speed > config.standing_speed
    depth = zones.depth(zone_corners, x, y)
    own = permits.zone[:, None] == zones.zone
    beyond = -np.where(own, np.where(np.isnan(depth), -np.inf, depth), -np.inf).max(axis=1, initial=-np.inf)
    note(Rule.OUTSIDE_ZONE, np.isfinite(beyond) & (beyond > config.border_m), beyond, np.array(0.0))
    note(Rule.SPEED_ABOVE_PERMIT, too_fast(permits.max_speed), speed, permits.max_speed)
    minute = (time_ns // 60_000_000_000 + config.utc_offset_minutes) % 1440
    start, end = permits.from_minute, permits.until_minute
    within = np.where(start < end, (start <= minute) & (minute < end), (minute >= start) | (minute < end))
    note(Rule.OUTSIDE_HOURS, ~within & moving, np.full(count, float(minute)), end.astype(np.float64))
    expired = time_ns > permits.valid_until_ns
    note(Rule.PERMIT_EXPIRED, expired & moving, (time_ns - permits.valid_until_ns) / 1e9, np.array(0.0))
    if len(road_weather):
        visibility = _nearest_visibility(road_weather, x, y)
        note(
            Rule.VISIBILITY_BELOW_PERMIT,
            (visibility < permits.min_visibility) & moving,
            visibility,
            permits.min_visibility,
        )
    due = measure_orders.grace_until_ns <= time_ns
    if due.any():
        orders = measure_orders.take(due)
        concerned = (orders.classes[None, :] >> permits.vehicle_class[:, None]) & 1 == 1
        acts_in = (orders.zone[:, None] == zones.zone).astype(np.float64)
        inside = (depth > config.border_m).astype(np.float64) @ acts_in.T > 0
        subject = concerned & inside
        closed = (subject & orders.closed).any(axis=1)
        note(Rule.CLOSED_ZONE, closed & moving, speed, np.array(config.standing_speed))
        caps = np.where(subject & ~np.isnan(orders.max_speed), orders.max_speed, np.inf).min(axis=1)
        note(Rule.SPEED_ABOVE_MEASURE, too_fast(caps), speed, caps)

    which = np.concatenate([np.flatnonzero(h) for h in holds])
    each = np.array([int(h.sum()) for h in holds])
    fresh = Watch(
        sender=permits.sender[which],
        rule=np.repeat(np.array(rules, np.uint8), each),
        x=x[which],
        y=y[which],
        since_ns=np.full(len(which), time_ns),
        last_ns=np.full(len(which), time_ns),
        value=np.concatenate([v[h] for v, h in zip(values, holds, strict=True)]),
        limit=np.concatenate([v[h] for v, h in zip(limits, holds, strict=True)]),
    )
    calls = Watch(
        sender=permits.sender[heard > 0],
        rule=np.full(int((heard > 0).sum()), Rule.SILENT, np.uint8),
        x=x[heard > 0],
        y=y[heard > 0],
        since_ns=heard[heard > 0],
        last_ns=heard[heard > 0],
        value=np.zeros(int((heard > 0).sum())),
        limit=np.full(int((heard > 0).sum()), np.nan),
    )
    return _carried(fresh, calls, before, permits, units, time_ns, config)


def _placed(reports: Reports, actors: Actors, sender: U64) -> tuple[I64, F64, F64, F64, Bool]:
    """Return when each (sorted) sender was heard, 0 not now, where it is, how fast, and whether that is known."""
    count = len(sender)
    heard = np.zeros(count, np.int64)
    x, y, speed = (np.full(count, np.nan) for _ in range(3))

    def newest(of: U64, time: I64, tie: U64) -> tuple[I64, I64]:
        row = np.minimum(np.searchsorted(sender, of), count - 1)
        known = np.flatnonzero(sender[row] == of)
        known = known[np.lexsort((tie[known], time[known]))]
        return known, row[known]

    known, row = newest(reports.sender, reports.time_ns, reports.sender)
    x[row], y[row], speed[row] = reports.x[known], reports.y[known], reports.speed[known]
    np.maximum.at(heard, row, reports.received_ns[known])
    known, row = newest(actors.sender, actors.measured_ns, actors.id)
    x[row], y[row], speed[row] = actors.x[known], actors.y[known], actors.speed[known]
    return heard, x, y, speed, ~np.isnan(x)


def _nearest_visibility(weather: RoadWeather, x: F64, y: F64) -> F64:
    """Return what the nearest station that knows the visibility says of it [m]; NaN where none does."""
    known = weather.take(~np.isnan(weather.visibility))
    if len(known) == 0:
        return np.full(len(x), np.nan)
    known = known.take(known.order())
    distance = (x[:, None] - known.x) ** 2 + (y[:, None] - known.y) ** 2
    nearest: F64 = known.visibility[np.where(np.isnan(distance), np.inf, distance).argmin(axis=1)]
    return nearest


def _carried(
    fresh: Watch, calls: Watch, before: Watch, permits: Permits, units: Units, time_ns: int, config: WatchConfig
) -> Watch:
    """Put what holds now together with what was noted before and has not ended."""
    remembered = before.take(np.isin(before.sender, permits.sender))
    silent = remembered.rule == Rule.SILENT
    hold_ns = round(config.hold_s * 1e9)
    lasting = remembered.take(~silent & (time_ns - remembered.last_ns <= hold_ns))
    quiet = remembered.take(silent & (time_ns - remembered.since_ns <= round(config.forget_s * 1e9)))
    quiet = quiet.take(~np.isin(quiet.sender, calls.sender))
    if len(quiet):
        # only where it could be heard does silence matter
        distance = np.hypot(quiet.x[:, None] - units.x, quiet.y[:, None] - units.y)
        reached = (distance <= units.range * config.radio_share).any(axis=1)
        quiet = quiet.replace(
            last_ns=np.where(reached, time_ns, quiet.last_ns), value=(time_ns - quiet.since_ns) / 1e9
        )
    both = Watch.concatenate([lasting, fresh])
    if len(lasting) and len(fresh):
        order = np.lexsort((np.repeat([0, 1], [len(lasting), len(fresh)]), both.rule, both.sender))
        same = (both.sender[order][1:] == both.sender[order][:-1]) & (
            both.rule[order][1:] == both.rule[order][:-1]
        )
        old, new = order[:-1][same], order[1:][same]
        since = both.since_ns.copy()
        since[new] = both.since_ns[old]
        keep = np.ones(len(both), np.bool_)
        keep[old] = False
        both = both.replace(since_ns=since).take(keep)
    return Watch.concatenate([both, calls, quiet])
