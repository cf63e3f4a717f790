"""Whom to believe: each sender's reports against physics, the map and the poles."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.tables import Detections, Poles
from wayside.security.sight import HIDDEN, SEEN, UNSEEN, SightConfig, sight
from wayside.security.tables import Distrust, PoleReach, Trust
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64, U8, U16, U64, Bool
from wayside.v2x.tables import Reports

LOOK_SHARE_BITS = 3  # one in 2**3 reports is looked up on the map
INSTANT_NS = 10_000_000  # reports are told apart by the hundredth of a second
MOST_REPORTS = 60_000
# compiled kernels know plain numbers only
_JUMPS, _OFF_ROAD = int(Distrust.JUMPS), int(Distrust.OFF_ROAD)
_UNSEEN, _IMPLAUSIBLE_SPEED = int(Distrust.UNSEEN), int(Distrust.IMPLAUSIBLE_SPEED)


class PlausibilityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much must speak against a sender."""

    jump_m: float = 5.0  # so far from where the speeds lead is a jump; a lane change at once is none
    jumps: float = 2.5  # jumps remembered that are too many
    off_road_m: float = 8.0  # from the nearest lane's surface
    off_road: float = 4.0  # looks at the map, about one a second, that find it moving off the road
    fastest: float = 58.0  # [m/s]
    strongest: float = 16.0  # [m/s2] change of speed
    impossible: float = 2.5  # such reports remembered that are too many
    unseen_s: float = 2.5  # seconds in clear view of a pole, unseen
    per_seen: float = 1.0  # more of them for each second a pole did see it
    most_seen_s: float = 3.0  # of those that count
    forget_s: float = 20.0  # evidence has faded to a third
    remember_s: float = 60.0  # the same for what poles saw
    hidden_s: float = 5.0  # the same for not being seen, while something may hide the sender
    sticky_s: float = 60.0  # distrust stays so long after the evidence ends
    silent_s: float = 5.0  # a sender unheard for longer is forgotten, unless distrusted
    sight: SightConfig = SightConfig()


@numba.njit(cache=True)
def _update(  # noqa: PLR0915  one sender, one pass
    sender: U64, time: I64, x: F64, y: F64, heading: F64, speed: F64, far_off: Bool, verdict: I64,
    b_sender: U64, b_time: I64, b_x: F64, b_y: F64, b_speed: F64, b_heading: F64, b_reports: U16,
    b_jumps: F64, b_off: F64, b_impossible: F64, b_unseen: F64, b_seen: F64, b_distrusted: Bool, b_reason: U8,
    b_since: I64, b_until: I64,
    time_ns: int, limits: tuple[float, ...],
) -> tuple[U64, I64, F64, F64, F64, F64, U16, F64, F64, F64, F64, F64, Bool, U8, I64, I64]:  # fmt: skip
    """Merge this tick's reports into the memory, both in order of senders; return the columns of Trust."""
    (
        jump_m, jumps_limit, off_limit, fastest, strongest, impossible_limit, unseen_limit, per_seen, most_seen,
        forget, remember, hidden_forget, sticky, silent,
    ) = limits  # fmt: skip
    size = b_sender.size + sender.size
    o_sender, o_time = np.empty(size, np.uint64), np.empty(size, np.int64)
    o_x, o_y, o_speed, o_heading = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    o_reports = np.empty(size, np.uint16)
    o_jumps, o_off, o_impossible = np.empty(size), np.empty(size), np.empty(size)
    o_unseen, o_seen = np.empty(size), np.empty(size)
    o_distrusted, o_reason = np.empty(size, np.bool_), np.empty(size, np.uint8)
    o_since, o_until = np.empty(size, np.int64), np.empty(size, np.int64)
    n = b = r = 0
    while b < b_sender.size or r < sender.size:
        old = b < b_sender.size and (r >= sender.size or b_sender[b] <= sender[r])
        who = b_sender[b] if old else sender[r]
        heard = r < sender.size and sender[r] == who
        if old:
            last, lx, ly, lv, lh = b_time[b], b_x[b], b_y[b], b_speed[b], b_heading[b]
            count, jumps, off, impossible = int(b_reports[b]), b_jumps[b], b_off[b], b_impossible[b]
            unseen, seen, distrusted, reason = b_unseen[b], b_seen[b], b_distrusted[b], b_reason[b]
            since, until = b_since[b], b_until[b]
            b += 1
        else:
            last, lx, ly, lv, lh = 0, 0.0, 0.0, 0.0, 0.0
            count, jumps, off, impossible, unseen, seen = 0, 0.0, 0.0, 0.0, 0.0, 0.0
            distrusted, reason, since, until = False, np.uint8(0), 0, 0
        while r < sender.size and sender[r] == who:
            known = count > 0
            dt = (time[r] - last) * 1e-9 if known else 0.0
            if known and dt <= 0:
                # an older report tells nothing new of the way, but two places at one instant are two senders
                if dt == 0 and math.hypot(x[r] - lx, y[r] - ly) > 2 * jump_m:
                    jumps += 1.0
                r += 1
                continue
            if known:
                fade = math.exp(-dt / forget)
                jumps, off, impossible = jumps * fade, off * fade, impossible * fade
                seen *= math.exp(-dt / remember)
                unseen *= math.exp(-dt / remember)
            if known and dt < silent:
                way_x = 0.5 * dt * (lv * math.cos(lh) + speed[r] * math.cos(heading[r]))
                way_y = 0.5 * dt * (lv * math.sin(lh) + speed[r] * math.sin(heading[r]))
                astray = math.hypot(x[r] - lx - way_x, y[r] - ly - way_y)
                # between two reports a vehicle may brake hard or turn
                if astray > jump_m + 0.2 * max(lv, speed[r]) * dt + 3.0 * dt * dt:
                    jumps += 1.0
                if dt > 0.05 and abs(speed[r] - lv) > strongest * dt + 1.0:
                    impossible += 1.0
            if speed[r] > fastest:
                impossible += 1.0
            if far_off[r] and speed[r] > 1.0:
                off += 1.0
            held = min(dt, 0.5) if known else 0.1
            if verdict[r] == SEEN:
                seen = min(seen + held, most_seen)
                unseen = max(unseen - 2 * held, 0.0)
            elif verdict[r] == UNSEEN:
                unseen += held
            elif verdict[r] == HIDDEN:
                # what hides it may itself be missed in some scans
                unseen *= math.exp(-held / hidden_forget)
            last, lx, ly, lv, lh = time[r], x[r], y[r], speed[r], heading[r]
            count = min(count + 1, MOST_REPORTS)
            r += 1
        most_unseen = unseen_limit + per_seen * seen
        # reasons in order of how directly they show the lie
        worst, found = 0.0, 0
        for code, share in (
            (_IMPLAUSIBLE_SPEED, impossible / impossible_limit), (_JUMPS, jumps / jumps_limit),
            (_UNSEEN, unseen / most_unseen), (_OFF_ROAD, off / off_limit),
        ):  # fmt: skip
            if share > worst:
                worst, found = share, code
        if heard and worst >= 1.0 and not distrusted:
            distrusted, reason, since = True, np.uint8(found), time_ns
        if distrusted and heard and worst >= 0.5:
            until = time_ns + np.int64(sticky * 1e9)
        if distrusted and time_ns >= until:
            distrusted, reason, since, until = False, np.uint8(0), 0, 0
        if time_ns - last > silent * 1e9 and not distrusted:
            continue
        o_sender[n], o_time[n], o_x[n], o_y[n], o_speed[n], o_heading[n] = who, last, lx, ly, lv, lh
        o_reports[n], o_jumps[n], o_off[n], o_impossible[n] = count, jumps, off, impossible
        # evidence beyond twice its limit would only be forgotten more slowly
        o_unseen[n], o_seen[n] = min(unseen, 2 * most_unseen), seen
        o_distrusted[n], o_reason[n], o_since[n], o_until[n] = distrusted, reason, since, until
        n += 1
    return (
        o_sender[:n], o_time[:n], o_x[:n], o_y[:n], o_speed[:n], o_heading[:n], o_reports[:n], o_jumps[:n],
        o_off[:n], o_impossible[:n], o_unseen[:n], o_seen[:n], o_distrusted[:n], o_reason[:n], o_since[:n],
        o_until[:n],
    )  # fmt: skip


@step(period_s=0.1, reach_m=150.0)
def judge_senders(
    reports: Reports,
    detections: Detections,
    poles: Poles,
    pole_reach: PoleReach,
    before: Trust,
    *,
    road: RoadMap,
    time_ns: int,
    config: PlausibilityConfig,
) -> Trust:
    """Gather evidence against each sender, and distrust those against whom there is enough.

    JUMPS: positions that do not follow from the speeds reported. IMPLAUSIBLE_SPEED: faster, or changing speed
    harder, than road vehicles can. OFF_ROAD: moving where there is no lane. UNSEEN: in clear view of a pole for
    some seconds, and not seen; who has been seen before needs more of it. Distrust stays for `sticky_s` after the
    evidence ended. Senders that fell silent are forgotten, distrusted ones when their distrust ends.

    Limits: a ghost that no pole could see, on the road and moving as a vehicle does, is believed; so is one that
    follows a real vehicle within the poles' accuracy.
    """
    if not (len(reports) or len(before)):
        return Trust.empty()
    if len(reports) > 1 and (reports.sender[1:] < reports.sender[:-1]).any():
        reports = reports.take(reports.order())
    if len(before) > 1 and (before.sender[1:] < before.sender[:-1]).any():
        before = before.take(before.order())
    far_off = np.zeros(len(reports), np.bool_)
    mixed = ((reports.time_ns // INSTANT_NS).astype(np.uint64) + reports.sender) * np.uint64(0x9E3779B97F4A7C15)
    due = np.flatnonzero((mixed >> np.uint64(64 - LOOK_SHARE_BITS) == 0) & (reports.speed > 1.0))
    if len(due) and len(road.lanes):
        far_off[due] = road.distance(reports.x[due], reports.y[due]) > config.off_road_m
    found: Any = _update(
        reports.sender, reports.time_ns, reports.x, reports.y, reports.heading, reports.speed, far_off,
        sight(reports, detections, poles, pole_reach, config.sight),
        before.sender, before.time_ns, before.x, before.y, before.speed, before.heading, before.reports,
        before.jumps, before.off_road, before.impossible, before.unseen, before.seen, before.distrusted,
        before.reason, before.since_ns, before.until_ns,
        time_ns,
        (
            config.jump_m, config.jumps, config.off_road, config.fastest, config.strongest, config.impossible,
            config.unseen_s, config.per_seen, config.most_seen_s, config.forget_s, config.remember_s,
            config.hidden_s, config.sticky_s, config.silent_s,
        ),
    )  # fmt: skip
    return Trust(**dict(zip(Trust.columns, found, strict=True)))


@step(period_s=0.1, reach_m=0.0)
def sender_findings(trust: Trust, *, config: PlausibilityConfig) -> Findings:
    """Report each distrusted sender; `value` is the evidence of its reason and `limit` what was too much.

    For senders found UNSEEN both are seconds, else numbers of reports.
    """
    rows = np.flatnonzero(trust.distrusted)
    if not len(rows):
        return Findings.empty()
    evidence = np.array([trust.seen, trust.jumps, trust.off_road, trust.unseen, trust.impossible])
    limits = np.array([np.nan, config.jumps, config.off_road, config.unseen_s, config.impossible])
    reason = trust.reason[rows]
    return Findings(
        rule=np.full(len(rows), Rule.SENDER_DISTRUSTED, np.uint8),
        subject=trust.sender[rows],
        x=trust.x[rows],
        y=trust.y[rows],
        since_ns=trust.since_ns[rows],
        value=evidence[reason, rows],
        limit=limits[reason],
    )
