"""What holds for each permitted vehicle now, against its permit and the measures in force."""

from __future__ import annotations

import msgspec
import numpy as np
from numba import njit

from wayside.admission.tables import Permits, ZoneCorners, Zones
from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors, RoadWeather, Units
from wayside.step import step
from wayside.supervision.tables import Rule, Watch
from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Reports

RULES = (
    Rule.OUTSIDE_ZONE,
    Rule.CLOSED_ZONE,
    Rule.SPEED_ABOVE_PERMIT,
    Rule.SPEED_ABOVE_MEASURE,
    Rule.OUTSIDE_HOURS,
    Rule.VISIBILITY_BELOW_PERMIT,
    Rule.PERMIT_EXPIRED,
    Rule.SILENT,
)  # in rising order of their codes, so that noted conditions come out sorted
_RULE_CODES = np.array(RULES, np.uint8)
_SILENT = int(Rule.SILENT)  # compiled kernels know plain numbers only


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
    count = len(permits)
    if count == 0:
        return Watch.empty()
    order = np.argsort(permits.sender, kind="stable")
    sender = permits.sender[order]
    heard, x, y, speed = _placed(reports, actors, sender)
    holds = np.zeros((len(RULES), count), np.bool_)
    values, limits = np.full((2, len(RULES), count), np.nan)

    def note(rule: Rule, condition: Bool, value: F64 | float, limit: F64 | float) -> None:
        row = RULES.index(rule)
        holds[row], values[row], limits[row] = condition, value, limit

    def too_fast(allowed: F64) -> Bool:
        over: Bool = speed > allowed * (1.0 + config.speed_share) + config.speed_margin
        return over

    moving = speed > config.standing_speed
    zone, max_speed = permits.zone[order], permits.max_speed[order]
    beyond = -zones.own_depth(zone_corners, x, y, zone)
    note(Rule.OUTSIDE_ZONE, beyond > config.border_m, beyond, 0.0)
    note(Rule.SPEED_ABOVE_PERMIT, too_fast(max_speed), speed, max_speed)
    minute = (time_ns // 60_000_000_000 + config.utc_offset_minutes) % 1440
    start, end = permits.from_minute[order], permits.until_minute[order]
    begun, over = start <= minute, minute >= end
    off_hours = np.where(start < end, ~begun | over, ~begun & over)
    note(Rule.OUTSIDE_HOURS, off_hours & moving, float(minute), end.astype(np.float64))
    overdue = time_ns - permits.valid_until_ns[order]
    note(Rule.PERMIT_EXPIRED, (overdue > 0) & moving, overdue / 1e9, 0.0)
    if len(road_weather):
        visibility, least = _nearest_visibility(road_weather, x, y), permits.min_visibility[order]
        note(Rule.VISIBILITY_BELOW_PERMIT, (visibility < least) & moving, visibility, least)
    due = measure_orders.grace_until_ns <= time_ns
    if due.any():
        concerned = (measure_orders.classes >> permits.vehicle_class[order][:, None]) & 1 == 1
        for number in np.unique(measure_orders.zone[due]).tolist():  # a handful at most
            deep = zones.own_depth(zone_corners, x, y, np.full(count, number)) > config.border_m
            concerned[:, measure_orders.zone == number] &= deep[:, None]
        concerned &= due
        closed = (concerned & measure_orders.closed).any(axis=1)
        note(Rule.CLOSED_ZONE, closed & moving, speed, config.standing_speed)
        caps = np.fmin.reduce(np.where(concerned, measure_orders.max_speed, np.nan), axis=1, initial=np.nan)
        note(Rule.SPEED_ABOVE_MEASURE, too_fast(caps), speed, caps)
    note(Rule.SILENT, heard > 0, 0.0, np.nan)

    vehicle, row = np.nonzero(holds.T)
    rule = _RULE_CODES[row]
    since = np.where(rule == _SILENT, heard[vehicle], time_ns)
    last = since.copy()
    old, again = _remembered(
        before.sender, before.rule, before.since_ns, before.last_ns, sender, vehicle * 256 + rule, time_ns,
        round(config.hold_s * 1e9), round(config.forget_s * 1e9),
    )  # fmt: skip
    continued = (again >= 0) & (rule != _SILENT)
    since[continued] = before.since_ns[again[continued]]
    now = Watch(
        sender=sender[vehicle],
        rule=rule,
        x=x[vehicle],
        y=y[vehicle],
        since_ns=since,
        last_ns=last,
        value=values[row, vehicle],
        limit=limits[row, vehicle],
    )
    return Watch.concatenate([now, _grown(before.take(old), units, time_ns, config)]) if len(old) else now


def _placed(reports: Reports, actors: Actors, sender: U64) -> tuple[I64, F64, F64, F64]:
    """Return when each (sorted) sender was heard now, 0 not, and where it is and how fast, NaN unknown."""
    count = len(sender)
    heard = np.zeros(count, np.int64)
    x, y, speed = np.full((3, count), np.nan)

    row, latest = _newest(sender, reports.sender, reports.time_ns, reports.sender)
    x[row], y[row], speed[row] = reports.x[latest], reports.y[latest], reports.speed[latest]
    heard[row] = reports.received_ns[latest]
    row, latest = _newest(sender, actors.sender, actors.measured_ns, actors.id)
    x[row], y[row], speed[row] = actors.x[latest], actors.y[latest], actors.speed[latest]
    return heard, x, y, speed


@njit(cache=True)
def _newest(sender: U64, of: U64, time_ns: I64, tie: U64) -> tuple[I64, I64]:
    """Return which of the (sorted) senders have rows `of` them, and for each of these the newest such row.

    Of rows of one instant the one with the greater tie is taken.
    """
    newest = np.full(len(sender), -1)
    for n in range(len(of)):
        place = np.searchsorted(sender, of[n])
        if place == len(sender) or sender[place] != of[n]:
            continue
        m = newest[place]
        if m < 0 or time_ns[n] > time_ns[m] or (time_ns[n] == time_ns[m] and tie[n] >= tie[m]):
            newest[place] = n
    known = np.flatnonzero(newest >= 0)
    return known, newest[known]


def _nearest_visibility(weather: RoadWeather, x: F64, y: F64) -> F64:
    """Return what the nearest station that knows the visibility says of it [m]; NaN where none does."""
    order = np.argsort(weather.station, kind="stable")
    order = order[~np.isnan(weather.visibility[order])]
    if len(order) == 0:
        return np.full(len(x), np.nan)
    nearest: F64 = weather.visibility[order][_nearest(x, y, weather.x[order], weather.y[order])]
    return nearest


@njit(cache=True)
def _nearest(x: F64, y: F64, place_x: F64, place_y: F64) -> I64:
    """Return for each point the index of the nearest place, of equally near ones the first."""
    found = np.zeros(len(x), np.int64)
    for i in range(len(x)):
        least = np.inf
        for k in range(len(place_x)):
            distance2 = (x[i] - place_x[k]) ** 2 + (y[i] - place_y[k]) ** 2
            if distance2 < least:
                least, found[i] = distance2, k
    return found


@njit(cache=True)
def _reached(x: F64, y: F64, place_x: F64, place_y: F64, reach: F64) -> Bool:
    """Tell which points lie within reach of any place."""
    found = np.zeros(len(x), np.bool_)
    for i in range(len(x)):
        for k in range(len(place_x)):
            if (x[i] - place_x[k]) ** 2 + (y[i] - place_y[k]) ** 2 <= reach[k] ** 2:
                found[i] = True
                break
    return found


@njit(cache=True)
def _remembered(
    of: U64, rule: U8, since_ns: I64, last_ns: I64, sender: U64, keys: I64,
    time_ns: int, hold_ns: int, forget_ns: int,
) -> tuple[I64, I64]:  # fmt: skip
    """Return the rows of the last Watch to keep though they do not hold now, and for each key its row there or -1.

    Args:
        of, rule, since_ns, last_ns: columns of the last Watch.
        sender: of the permits, sorted.
        keys: what holds now: place in `sender` times 256, and the rule; sorted.
        time_ns: now.
        hold_ns, forget_ns: how long what does not hold now is kept, and how long silence is.
    """
    again = np.full(len(keys), -1)
    kept, count = np.empty(len(of), np.int64), 0
    for n in range(len(of)):
        vehicle, silent = np.searchsorted(sender, of[n]), rule[n] == _SILENT
        lasts_ns = forget_ns if silent else hold_ns
        if vehicle == len(sender) or sender[vehicle] != of[n] or time_ns - last_ns[n] > lasts_ns:
            continue
        if silent and time_ns - since_ns[n] > lasts_ns:
            continue
        key = vehicle * 256 + rule[n]
        place = np.searchsorted(keys, key)
        if place < len(keys) and keys[place] == key:
            again[place] = n
        else:
            kept[count] = n
            count += 1
    return kept[:count], again


def _grown(kept: Watch, units: Units, time_ns: int, config: WatchConfig) -> Watch:
    """Let silence grow for those who could be heard where they were last."""
    silent = kept.rule == _SILENT
    if not silent.any():
        return kept
    reached = silent & _reached(kept.x, kept.y, units.x, units.y, units.range * config.radio_share)
    return kept.replace(
        last_ns=np.where(reached, time_ns, kept.last_ns),
        value=np.where(silent, (time_ns - kept.since_ns) / 1e9, kept.value),
    )
