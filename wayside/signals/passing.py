"""Which vehicles pass which stop line when, and what the lights said at that moment.

Where a vehicle came from and where it leaves to tell, better than the lane it seemed to be on, which groups
governed it. So a passage is judged when the vehicle has left the junction, by the lights at the line.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, Passages, Signals
from wayside.step import step
from wayside.table import F64, I32, I64, U8, U16, U64, Bool
from wayside.v2x.tables import Kind

GAP_S = 2.0  # a vehicle unseen for longer than this starts anew
# compiled kernels know plain numbers only
_RED, _PROTECTED_GREEN = int(Light.RED), int(Light.PROTECTED_GREEN)
_FIRST_MOTOR, _LAST_MOTOR = int(Kind.CAR), int(Kind.MOTORCYCLE)


class PassagesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as passing red and as waiting at green."""

    into_red_s: float = 2.0  # red counts from here on
    into_green_s: float = 4.0  # green counts from here on for those who stand
    queue_head_m: float = 8.0  # whose front is nearer to the line than this has nobody before it
    at_rest: float = 0.3  # [m/s]
    most_waiting_s: float = 5.0  # of one vehicle


class Movements(NamedTuple):
    """Which groups govern the way from one carriageway to another, in order of `key` (from * edges + to).

    `controller` is that at the end of each carriageway, -1 none.
    """

    key: I64
    groups: U64
    edges: int
    controller: I32


@lru_cache(maxsize=8)
def movements(road: RoadMap) -> Movements:
    """Return the groups that govern each movement through each junction, as bits."""
    edges = int(road.lanes.edge.max(initial=0)) + 1
    edge = road.lanes.edge.astype(np.int64)
    governed = road.connections.group > 0
    start, end = edge[road.connections.from_lane[governed]], edge[road.connections.to_lane[governed]]
    key, place = np.unique(start * edges + end, return_inverse=True)
    groups = np.zeros(len(key), np.uint64)
    bits = np.left_shift(np.uint64(1), road.connections.group[governed].astype(np.uint64))
    np.bitwise_or.at(groups, place, bits)
    controller = np.full(edges, -1, np.int32)
    own = ~road.lanes.internal & (road.lane_group_mask != 0)
    controller[edge[own]] = road.lanes.controller[own]
    key.flags.writeable = groups.flags.writeable = controller.flags.writeable = False
    return Movements(key, groups, edges, controller)


@numba.njit(cache=True)
def groups_between(start: int, end: int, key: I64, groups: U64, edges: int) -> np.uint64:
    """Return the groups that govern the way between two carriageways, 0 if there is none."""
    wanted = start * edges + end
    row = np.searchsorted(key, wanted)
    if row < key.size and key[row] == wanted:
        return np.uint64(groups[row])
    return np.uint64(0)


@numba.njit(cache=True)
def _colours(
    controller: U16, group: U8, light: U8, since: I64, time_ns: int, into_red: float, into_green: float
) -> tuple[U64, U64, U64]:
    """Return for each controller the groups well into red, those not red, and those well into protected green."""
    controllers = 0
    for k in range(controller.size):
        controllers = max(controllers, controller[k] + 1)
    red, free = np.zeros(controllers, np.uint64), np.zeros(controllers, np.uint64)
    settled = np.zeros(controllers, np.uint64)
    for k in range(controller.size):
        bit = np.uint64(1) << np.uint64(group[k])
        age = (time_ns - since[k]) * 1e-9
        if light[k] == _RED:
            if age > into_red:
                red[controller[k]] |= bit
        else:
            free[controller[k]] |= bit
        if light[k] == _PROTECTED_GREEN and age > into_green:
            settled[controller[k]] |= bit
    return red, free, settled


@numba.njit(cache=True)
def _follow(  # noqa: PLR0915  one vehicle, one pass
    identity: U64, kind: U8, x: F64, y: F64, speed: F64, half_length: F64, lane: I32, offset: F64,
    b_actor: U64, b_seen: I64, b_edge: I32, b_controller: I32, b_groups: U64, b_front: I64, b_front_red: U64,
    b_passed: I64, b_red: U64, b_open: U64, b_waited: F64,
    lane_edge: I32, lane_length: F64, lane_controller: I32, lane_internal: Bool, lane_groups: U64,
    key: I64, key_groups: U64, edges: int,
    red: U64, free: U64, settled: U64,
    time_ns: int, gap_ns: int, queue_head: float, at_rest: float, most_waiting: float,
) -> tuple[I64, I64, I32, I32, U64, I64, U64, I64, U64, U64, F64, I32, I32, U64, U64, F64]:  # fmt: skip
    """Follow each vehicle from its approach through the junction; return the columns of Passages."""
    count = identity.size
    row = np.empty(count, np.int64)
    seen, edge, controller = np.zeros(count, np.int64), np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    groups, front, front_red = np.zeros(count, np.uint64), np.zeros(count, np.int64), np.zeros(count, np.uint64)
    passed, passed_red = np.zeros(count, np.int64), np.zeros(count, np.uint64)
    passed_open, waited = np.zeros(count, np.uint64), np.zeros(count)
    from_edge, to_edge = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    out_red, out_open, waiting = np.zeros(count, np.uint64), np.zeros(count, np.uint64), np.zeros(count)
    n = b = 0
    everything = ~np.uint64(0)
    for i in range(count):
        while b < b_actor.size and b_actor[b] < identity[i]:
            b += 1
        if kind[i] < _FIRST_MOTOR or kind[i] > _LAST_MOTOR:
            continue
        known = b < b_actor.size and b_actor[b] == identity[i]
        known = known and b_edge[b] >= 0 and time_ns - b_seen[b] <= gap_ns
        here = lane[i]
        if known:
            row[n], seen[n], edge[n], controller[n], groups[n] = (
                i,
                b_seen[b],
                b_edge[b],
                b_controller[b],
                b_groups[b],
            )
            front[n], front_red[n], passed[n] = b_front[b], b_front_red[b], b_passed[b]
            passed_red[n], passed_open[n], waited[n] = b_red[b], b_open[b], b_waited[b]
        if here < 0:
            n += known
            continue
        now_on = lane_edge[here]
        if known and now_on != edge[n]:
            # the line has been passed if it is in the junction, or beyond it where the map knows the way
            beyond = np.uint64(0)
            if not lane_internal[here]:
                beyond = groups_between(edge[n], now_on, key, key_groups, edges)
                if beyond == 0:
                    # a lane beside the way, mistaken for it; if it stays there, the row grows old and goes
                    n += 1
                    continue
            if passed[n] == 0 and (lane_internal[here] or beyond != 0) and controller[n] < red.size:
                c = controller[n]
                passed[n] = time_ns
                passed_red[n] = red[c] & (front_red[n] if front[n] > 0 else everything)
                passed_open[n] = free[c]
            if beyond != 0 and passed[n] > 0:
                from_edge[n], to_edge[n] = edge[n], now_on
                out_red[n], out_open[n] = passed_red[n], passed_open[n]
        governed = lane_controller[here] >= 0 and lane_groups[here] != 0 and not lane_internal[here]
        if governed:
            if not known or now_on != edge[n]:
                row[n], edge[n], controller[n] = i, now_on, lane_controller[here]
                front[n], front_red[n], waited[n] = 0, 0, 0.0
            elapsed = (time_ns - seen[n]) * 1e-9 if known else 0.0
            passed[n], passed_red[n], passed_open[n], seen[n] = 0, 0, 0, time_ns
            groups[n] = lane_groups[here]
            beyond_line = offset[i] + half_length[i] - lane_length[here]
            c = controller[n]
            if beyond_line >= 0 and front[n] == 0 and c < red.size:
                front[n], front_red[n] = time_ns, red[c]
            elif beyond_line < -0.5:
                front[n], front_red[n] = 0, 0
            at_head = speed[i] < at_rest and -queue_head < beyond_line < 1.0 and c < red.size
            if at_head and groups[n] & ~settled[c] == 0 and waited[n] < most_waiting:
                waiting[n] = min(elapsed, 1.0)
                waited[n] += waiting[n]
            n += 1
        elif known:
            seen[n] = time_ns
            if from_edge[n] >= 0:
                edge[n] = -1
            n += 1
    return (
        row[:n], seen[:n], edge[:n], controller[:n], groups[:n], front[:n], front_red[:n], passed[:n],
        passed_red[:n], passed_open[:n], waited[:n], from_edge[:n], to_edge[:n], out_red[:n], out_open[:n],
        waiting[:n],
    )  # fmt: skip


@step(period_s=0.1, reach_m=30.0)
def passages(
    actors: Actors, signals: Signals, before: Passages, *, road: RoadMap, time_ns: int, config: PassagesConfig
) -> Passages:
    """Follow motor vehicles from a signalled approach through its junction.

    A vehicle passes red if the light was well into red both when its front and when its centre passed the line, so
    neither a long vehicle that entered late in yellow nor one that stood over the line counts. In the tick in
    which it leaves the junction its row says where from and where to, and is judged then.

    Limits: vehicles that the picture loses inside the junction are not judged.
    """
    if not len(road.lanes) or not (len(actors) or len(before)):
        return Passages.empty()
    if not (actors.id[:-1] < actors.id[1:]).all():
        actors = actors.take(actors.order())
    if not (before.actor[:-1] < before.actor[1:]).all():
        before = before.take(before.order())
    ways = movements(road)
    red, free, settled = _colours(
        signals.controller, signals.group, signals.light, signals.since_ns, time_ns,
        config.into_red_s, config.into_green_s,
    )  # fmt: skip
    found = _follow(
        actors.id, actors.kind, actors.x, actors.y, actors.speed, actors.length / 2, actors.lane, actors.offset,
        before.actor, before.seen_ns, before.edge, before.controller, before.groups, before.front_ns,
        before.front_red, before.passed_ns, before.passed_red, before.passed_open, before.waited,
        road.lanes.edge, road.lanes.length, road.lanes.controller, road.lanes.internal, road.lane_group_mask,
        ways.key, ways.groups, ways.edges, red, free, settled,
        time_ns, round(GAP_S * 1e9), config.queue_head_m, config.at_rest, config.most_waiting_s,
    )  # fmt: skip
    rows = found[0]
    columns: Any = (actors.id[rows], actors.x[rows], actors.y[rows], *found[1:])
    return Passages(**dict(zip(Passages.columns, columns, strict=True)))
