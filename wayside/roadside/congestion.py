"""Congestion: speed, density and queue of each lane, and a level that follows the speed with hysteresis."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.membership import is_among
from wayside.roadside.queues import Queues, queues
from wayside.roadside.standing import greens
from wayside.roadside.tables import Actors, Congestion, CongestionLevel
from wayside.security.tables import PoleReach
from wayside.signals.tables import Signals
from wayside.step import step
from wayside.table import F64, I32, I64, U8, Bool
from wayside.v2x.tables import Kind

PERIOD_S = 1.0
SAMPLE_M = 10.0  # a lane is in view of a pole or not, in pieces of that length
LEAST_SEEN_M = 30.0  # of a lane less in view than this nobody knows the density
SEEN = 2  # bit of `sources`


class CongestionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `congestion`.

    The five levels are those of GB/T 33171-2016, by the share of the permitted speed; the bounds are our own.
    """

    smooth_s: float = 20.0  # time constant of speed, traffic and density
    bounds: tuple[float, float, float, float] = (0.7, 0.5, 0.4, 0.3)  # at or below is a level worse
    margin: float = 0.05  # to get better the share must be so far above the bound
    worse_after_s: float = 6.0  # and a level must have been called for so long
    better_after_s: float = 30.0
    least_traffic: float = 2.5  # with fewer vehicles, on average and now, it gets no worse
    least_told: float = 0.5  # fewer on average that no light holds tell nothing; it gets better
    failed_from: int = 3  # vehicles that still stand when green ends: it was too short
    failures: tuple[int, int, int] = (1, 2, 4)  # so many greens in a row are light, moderate, severe
    queue_from: int = 4  # vehicles that no light explains begin a queue
    queue_to: int = 2  # and with fewer it has ended
    queue_forget_s: float = 15.0  # when it has not been seen for so long
    forget_s: float = 300.0  # an empty lane is forgotten


@lru_cache(maxsize=8)
def _pieces(road: RoadMap) -> tuple[I64, F64, F64, F64]:
    """Return lane, x, y and length of each piece of all lanes."""
    count = np.maximum(np.rint(road.lanes.length / SAMPLE_M).astype(np.int64), 1)
    lane = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(lane)) - np.repeat(np.cumsum(count) - count, count)
    piece = road.lanes.length[lane] / count[lane]
    x, y, _ = road.along(lane, (number + 0.5) * piece)
    return lane, x, y, piece


@numba.njit(cache=True)
def _seen_length(
    lane: I64, x: F64, y: F64, piece: F64, pole_x: F64, pole_y: F64, reach: F64, asked: Bool
) -> F64:  # fmt: skip
    """Return how many metres of each lane asked about any pole sees."""
    seen = np.zeros(len(asked))
    for n in range(len(lane)):
        if asked[lane[n]]:
            for k in range(len(reach)):
                if (x[n] - pole_x[k]) ** 2 + (y[n] - pole_y[k]) ** 2 <= reach[k] ** 2:
                    seen[lane[n]] += piece[n]
                    break
    return seen


def level_of(share: F64, bounds: tuple[float, ...]) -> U8:
    """Return the level of each share of the permitted speed; never a better one for a smaller share.

    >>> level_of(np.array([1.0, 0.6, 0.4, 0.1]), (0.7, 0.5, 0.4, 0.3)).tolist()
    [0, 1, 3, 4]
    """
    level: U8 = (share[:, None] <= np.array(bounds)).sum(axis=1).astype(np.uint8)
    return level


def _judged(
    before: U8, leaning: I64, share: F64, few: Bool, least: U8, config: CongestionConfig, time_ns: int
) -> tuple[U8, I64]:
    """Return the level after this look, and since when another one is called for: negative for a better one.

    Args:
        before: level so far.
        leaning: since when another one was called for [ns].
        share: of the permitted speed; NaN where nobody tells.
        few: too few vehicles for a worse level; the call for one is remembered.
        least: level that greens too short call for.
        config: settings.
        time_ns: now.
    """
    known = np.where(np.isnan(share), 2.0, share)
    worse = np.maximum(level_of(known, config.bounds), least)
    better = np.maximum(level_of(known - config.margin, config.bounds), least)
    called = np.where(worse > before, worse, np.minimum(better, before))
    way = np.sign(called.astype(np.int64) - before)
    since = np.where((way != 0) & (np.sign(leaning) == way), np.abs(leaning), time_ns)
    after_ns = np.where(way > 0, config.worse_after_s, config.better_after_s) * 1e9
    change = (way != 0) & (time_ns - since >= after_ns) & ~(few & (way > 0))
    return np.where(change, called, before).astype(np.uint8), np.where(change, 0, way * since)


def _blank(lane: I64, road: RoadMap, time_ns: int) -> Congestion:
    count = len(lane)
    x, y, _ = road.along(lane, 0.5 * road.lanes.length[lane])
    zeros, never = np.zeros(count), np.zeros(count, np.int64)
    columns: dict[str, Any] = {
        "lane": lane, "x": x, "y": y, "speed": np.full(count, np.nan), "traffic": zeros, "density": zeros,
        "queue_m": zeros, "queued": never, "queue_since_ns": never, "queue_last_ns": never,
        "tail_x": x, "tail_y": y,
        "flowing": np.zeros(count, np.bool_), "failures": never, "level": never, "leaning_ns": never,
        "since_ns": never, "last_ns": np.full(count, time_ns),
    }  # fmt: skip
    return Congestion(**columns)


def _longest(found: Queues, lane: I32, lanes: int) -> tuple[I64, I64]:
    """Return per lane the first vehicle of its longest queue, and of its longest unexplained one; -1 none."""
    first = np.flatnonzero(found.members > 0)
    first = first[np.argsort(found.members[first], kind="stable")]
    whole, odd = np.full(lanes, -1, np.int64), np.full(lanes, -1, np.int64)
    whole[lane[first]] = first
    first = first[~found.held[first]]
    odd[lane[first]] = first
    return whole, odd


@step(period_s=PERIOD_S, reach_m=200)
def congestion(
    actors: Actors,
    signals: Signals,
    pole_reach: PoleReach,
    before: Congestion,
    *,
    road: RoadMap,
    config: CongestionConfig,
    time_ns: int,
) -> Congestion:
    """Rate the traffic on each lane with vehicles on it.

    The speed that counts is that of vehicles that neither a light nor a give-way line holds, see `queues`; while
    all on a lane are held, nothing changes. So a queue at red says nothing about congestion, and one that is left
    when green ends does. The level follows the speed's share of the permitted speed. It gets worse when that has
    called for it for 6 s, and better when the share has been clearly above the bound for 30 s.

    Args:
        actors: the live picture.
        signals: what controllers say they show.
        pole_reach: how far each pole sees now; density is known only in view.
        before: the rating so far.
        road: the map.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per lane outside junctions on which a vehicle has been in the last minutes.

    Limits: out of view of poles, speed and queue are those of vehicles that report.
    """
    lanes = road.lanes
    usable = (actors.lane >= 0) & (actors.kind >= Kind.CAR) & (actors.kind <= Kind.MOTORCYCLE)
    rows = np.flatnonzero(usable)
    kind = lanes.kind[actors.lane[rows]]
    rows = rows[(kind == LaneKind.DRIVING) | (kind == LaneKind.BUS)]
    if not len(rows) and not len(before):
        return before
    found = queues(actors, rows, signals, pole_reach, road, time_ns)
    on = actors.lane[found.row]
    new = on[~lanes.internal[on]]
    new = new[~is_among(new, before.lane)]
    was = before.in_order()
    if len(new):
        blank = _blank(np.unique(new).astype(np.int64), road, time_ns)
        was = Congestion.concatenate([before, blank]).in_order()
    if not len(was):
        return was
    lane = was.lane
    free = ~found.held
    every = np.bincount(on, minlength=len(lanes))[lane]
    number = np.bincount(on[free], minlength=len(lanes))[lane].astype(np.float64)
    total = np.bincount(on[free], actors.speed[found.row[free]], len(lanes))[lane]
    share = 1.0 - np.exp(-PERIOD_S / config.smooth_s)
    # while all are held, nobody tells how well traffic would flow
    told = np.where((every > 0) & (number == 0), 0.0, share)
    traffic = was.traffic + told * (number - was.traffic)
    moved = was.traffic * np.nan_to_num(was.speed) * (1.0 - told) + told * total
    speed = np.where(traffic > 0.01, moved / np.maximum(traffic, 0.01), np.nan)
    asked = np.zeros(len(lanes), np.bool_)
    asked[lane] = True
    seen_m = _seen_length(*_pieces(road), pole_reach.x, pole_reach.y, pole_reach.reach, asked)
    in_view = np.bincount(on[(actors.sources[found.row] & SEEN) > 0], minlength=len(lanes))[lane]
    dense = 1000.0 * in_view / np.maximum(seen_m[lane], LEAST_SEEN_M)
    smoothed = np.nan_to_num(was.density) + share * (dense - np.nan_to_num(was.density))
    whole, odd = (place[lane] for place in _longest(found, on, len(lanes)))
    seconds, _, governed = greens(signals, road, time_ns)
    flowing = ~governed[lane] | (seconds[lane] >= 0.0)
    ended = was.flowing & ~flowing
    waiting = np.append(found.members, 0)[whole]  # none where the place is -1
    left = waiting >= config.failed_from
    failures = np.where(ended, np.where(left, np.minimum(was.failures.astype(np.int64) + 1, 255), 0), was.failures)
    least = (failures[:, None] >= np.array(config.failures)).sum(axis=1)
    least = np.where(least > 0, least + CongestionLevel.LIGHT - 1, 0).astype(np.uint8)
    judged = np.where(traffic >= config.least_told, speed / lanes.speed_limit[lane], np.nan)
    few = np.maximum(traffic, every) < config.least_traffic
    level, leaning = _judged(was.level, was.leaning_ns, judged, few, least, config, time_ns)
    shown = np.where(odd >= 0, odd, whole)
    queue = _queue_columns(was, actors, found, shown, odd, config, time_ns)
    rated = was.replace(
        speed=speed, traffic=traffic, density=np.where(seen_m[lane] >= LEAST_SEEN_M, smoothed, np.nan),
        flowing=flowing, failures=failures, level=level, leaning_ns=leaning,
        since_ns=np.where(level != was.level, time_ns, was.since_ns),
        last_ns=np.where(every > 0, time_ns, was.last_ns),
        **queue,
    )  # fmt: skip
    kept = (time_ns - rated.last_ns <= config.forget_s * 1e9) | (rated.level > 0) | (rated.queue_since_ns > 0)
    return rated if kept.all() else rated.take(kept)


def _queue_columns(
    was: Congestion, actors: Actors, found: Queues, shown: I64, odd: I64, config: CongestionConfig, time_ns: int
) -> dict[str, Any]:
    """Return what is known of each lane's queue: the one that nothing explains, else the longest."""
    there = shown >= 0
    members, queue_m = np.append(found.members, 0)[shown], np.append(found.extent, 0.0)[shown]
    tail = np.append(found.row[found.tail], -1)[shown]
    strange = (odd >= 0) & (members >= np.where(was.queue_since_ns > 0, config.queue_to, config.queue_from))
    last = np.where(strange, time_ns, was.queue_last_ns)
    kept = strange | ((was.queue_since_ns > 0) & (time_ns - last <= config.queue_forget_s * 1e9))
    return {
        "queue_m": queue_m,
        "queued": members,
        "queue_since_ns": np.where(kept, np.where(was.queue_since_ns > 0, was.queue_since_ns, time_ns), 0),
        "queue_last_ns": last,
        "tail_x": np.where(there, np.append(actors.x, 0.0)[tail], was.tail_x),
        "tail_y": np.where(there, np.append(actors.y, 0.0)[tail], was.tail_y),
    }
