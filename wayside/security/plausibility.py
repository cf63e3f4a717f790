"""Whom to believe: each sender's reports against physics, its own past, the others, the map and the poles."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.records import Records, limits_of, record_type, records_of, table_of
from wayside.roadside.tables import Detections, Poles
from wayside.security.company import find_copies, find_overlaps, layered, predecessor
from wayside.security.conduct import begin, fade, follows, go_on, keep, spend, stands_alone
from wayside.security.sight import HIDDEN, SEEN, UNSEEN, SightConfig, sight
from wayside.security.tables import Distrust, Observation, PoleReach, Trust
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64, U64, Bool
from wayside.v2x.tables import Reports

LOOK_SHARE_BITS = 3  # one in 2**3 reports is looked up on the map
INSTANT_NS = 10_000_000  # reports are told apart by the hundredth of a second
FEW_REPORTS = 5
# compiled kernels know plain numbers only
_JUMPS, _UNSEEN = int(Distrust.JUMPS), int(Distrust.UNSEEN)
_OVERLAPS, _COPIES, _SUDDEN = int(Distrust.OVERLAPS), int(Distrust.COPIES), int(Observation.SUDDEN)


class PlausibilityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much must speak against a sender."""

    jump_m: float = 5.0  # so far from where the speeds lead is a jump; a lane change at once is none
    jumps: float = 2.5  # jumps remembered that are too many
    off_road_m: float = 8.0  # from the nearest lane's surface; three times as far counts twice
    off_road: float = 4.0  # looks at the map, about one a second, that find it moving off the road
    swarm: float = 5.0  # senders heard once only, off the road, from which on every such one is distrusted
    fastest: float = 58.0  # [m/s]
    strongest: float = 12.0  # [m/s2] change of speed between two reports
    speed_error: float = 0.8  # [m/s] that the change may be off
    hardest: float = 12.0  # [m/s2] acceleration reported; motorcycles brake with 10
    impossible: float = 2.0  # such reports remembered that are too many; one over the limit counts by its square
    watched_s: float = 1.0  # a pole watches whom it saw for so long of late
    crash: float = 0.9  # of `impossible` is the most that slowing down counts against whom a pole watches
    unseen_s: float = 2.5  # seconds in clear view of a pole, unseen
    per_seen: float = 1.0  # more of them for each second a pole did see it
    most_seen_s: float = 3.0  # of those that count
    bias_s: float = 1.0  # the filters of speed look back so far
    bias_floor: float = 0.6  # [m/s] positions may move so much faster or slower than said
    bias_share: float = 0.04  # and by this share of the speed
    swing: float = 0.25  # of the length, at which a turn moves the centre beside or along the heading
    mismatch_s: float = 2.0  # seconds of more than that which are too many
    turned_from: float = 3.0  # [m/s] slower motion has no certain direction
    turned_cosine: float = 0.5  # of the angle between heading and motion beyond which they contradict each other
    misheading_s: float = 2.0  # seconds of that which are too many
    jitter_s: float = 3.0  # the filter of jitter looks back so far
    jitter_floor: float = 0.05  # [m2] variance that is always allowed
    jitter_share: float = 0.6  # of the accuracy claimed may change from one report to the next
    jittery_s: float = 3.0  # seconds of more than that which are too many
    messages_per_s: float = 15.0  # that a sender may send for long
    messages_at_once: float = 10.0  # and beyond that, once
    flooding: float = 5.0  # messages over the allowance that are too many
    stale_s: float = 0.3  # older messages are stale when they arrive
    stale: float = 5.0  # such messages that are too many
    resized: float = 1.5  # changes of length, width or kind that are too many
    copies: float = 3.0  # repeated reports of others that are too many
    overlap_m: float = 1.0  # vehicles must reach so far into each other
    usual_sigma: float = 0.7  # [m] of both senders' accuracies together; less accurate ones must overlap more
    overlaps: float = 1.7  # others in the same place, or seconds inside the one that was there first: too many
    passing: float = 0.3  # what it counts against one that moves that another stands there
    alike: float = 0.5  # what it counts against each of two that both move
    meeting_s: float = 0.25  # shorter overlaps do not count
    sudden_from: float = 3.0  # [m/s] who is first heard faster than this has come from somewhere
    together: float = 1.25  # of several kinds of evidence, each as a share of its limit
    forget_s: float = 20.0  # evidence has faded to a third
    filtered_forget_s: float = 8.0  # the same for what the filters found
    remember_s: float = 60.0  # the same for what poles saw, and for changes no vehicle makes
    overlap_forget_s: float = 180.0  # the same for overlaps
    hidden_s: float = 5.0  # the same for not being seen, while something may hide the sender
    sticky_s: float = 60.0  # distrust stays so long after the evidence ends
    silent_s: float = 5.0  # a sender unheard for longer is forgotten, unless distrusted
    sight: SightConfig = SightConfig()


# reasons in order of how directly they show the lie, each with its evidence in Trust and its limit in the config
REASONS = (
    (Distrust.IMPLAUSIBLE_SPEED, "impossible", "impossible"),
    (Distrust.JUMPS, "jumps", "jumps"),
    (Distrust.COPIES, "copies", "copies"),
    (Distrust.FLOODING, "flooding", "flooding"),
    (Distrust.STALE, "stale", "stale"),
    (Distrust.RESIZED, "resized", "resized"),
    (Distrust.SPEED_MISMATCH, "mismatch", "mismatch_s"),
    (Distrust.WRONG_HEADING, "misheading", "misheading_s"),
    (Distrust.JITTER, "jittery", "jittery_s"),
    (Distrust.UNSEEN, "unseen", "unseen_s"),
    (Distrust.OVERLAPS, "overlaps", "overlaps"),
    (Distrust.OFF_ROAD, "off_road", "off_road"),
)
_CODES = np.array([code for code, _, _ in REASONS], np.uint8)
_EVIDENCE = {int(code): (evidence, limit) for code, evidence, limit in REASONS}


@numba.njit(cache=True)
def _shares(row: Any, limit: Any, shares: F64) -> None:
    """Fill in each kind of evidence as a share of its limit, in the order of REASONS."""
    shares[0], shares[1] = row.impossible / limit.impossible, row.jumps / limit.jumps
    shares[2], shares[3] = row.copies / limit.copies, row.flooding / limit.flooding
    shares[4], shares[5] = row.stale / limit.stale, row.resized / limit.resized
    shares[6], shares[7] = row.mismatch / limit.mismatch_s, row.misheading / limit.misheading_s
    shares[8] = row.jittery / limit.jittery_s
    shares[9] = row.unseen / (limit.unseen_s + limit.per_seen * row.seen)
    shares[10], shares[11] = row.overlaps / limit.overlaps, row.off_road / limit.off_road


@numba.njit(cache=True)
def _look(row: Any, verdict: int, held: float, limit: Any) -> int:
    """Take in what the poles saw of one report; return UNSEEN's bit if they should have seen it and did not."""
    if verdict == SEEN:
        row.seen = min(row.seen + held, limit.most_seen_s)
        row.unseen = max(row.unseen - 2 * held, 0.0)
    elif verdict == UNSEEN:
        row.unseen += held
        return 1 << _UNSEEN
    elif verdict == HIDDEN:
        # what hides it may itself be missed in some scans
        row.unseen *= math.exp(-held / limit.hidden_s)
    return 0


@numba.njit(cache=True)
def _meet(row: Any, partner: np.uint64, after: bool, weight: float, held: float, limit: Any) -> int:
    """Take in whom the sender overlaps at this tick; return the bit of OVERLAPS if it counts."""
    if partner == 0:
        row.intruded = False
        if row.together >= limit.meeting_s:
            row.together = 0.0  # what was too short to count may go on
        return 0
    if partner != row.partner:
        row.partner, row.partner_before, row.together = partner, row.partner, 0.0
    elif row.together == 0.0:
        # met again: not another one
        row.together = limit.meeting_s
    met = row.together >= limit.meeting_s
    row.together += held
    if weight == 0.0 and not met and not (row.intruded and after):
        # both stand: it counts when one drives out through the other
        row.together = min(row.together, 0.5 * limit.meeting_s)
    if row.together < limit.meeting_s:
        return 0
    if not met:
        row.overlaps += weight
    elif row.intruded and after:
        row.overlaps += held
    return 1 << _OVERLAPS


@numba.njit(cache=True)
def _judge(row: Any, heard: bool, time_ns: int, limit: Any, shares: F64, codes: Any) -> None:
    """Weigh the evidence and set whether and why the sender is distrusted."""
    _shares(row, limit, shares)
    worst, found, total = 0.0, 0, 0.0
    for n in range(shares.size):
        total += shares[n]
        if shares[n] > worst:
            worst, found = shares[n], codes[n]
    worst = max(worst, total / limit.together)
    if heard and worst >= 1.0 and not row.distrusted:
        row.distrusted, row.reason, row.since_ns = True, found, time_ns
    if row.distrusted and heard and worst >= 0.5:
        row.until_ns = time_ns + np.int64(limit.sticky_s * 1e9)
    if row.distrusted and time_ns >= row.until_ns:
        row.distrusted, row.reason, row.since_ns, row.until_ns = False, 0, 0, 0
    # evidence beyond twice its limit would only be forgotten more slowly
    row.unseen = min(row.unseen, 2 * (limit.unseen_s + limit.per_seen * row.seen))


@numba.njit(cache=True)
def _take_in(
    row: Any, new: Any, away: float, verdict: int, copied: bool, is_swarm: bool, limit: Any
) -> tuple[int, float]:
    """Carry a sender's record on by one report; return what was observed, and for how long it holds [s]."""
    is_first = row.reports == 0
    dt = 0.0 if is_first else (new.time_ns - row.time_ns) * 1e-9
    observed = spend(row, max(dt, 0.0), limit)
    if not is_first and dt <= 0.0:
        # an older report tells nothing new of the way, but two places at one instant are two senders
        if dt == 0.0 and math.hypot(new.x - row.x, new.y - row.y) > 2 * limit.jump_m:
            row.jumps += 1.0
            observed |= 1 << _JUMPS
        return observed, 0.0
    if is_first:
        is_new = row.root == row.sender
        row.intruded = is_new
        if is_new and new.speed > limit.sudden_from:
            observed |= 1 << _SUDDEN
    else:
        fade(row, dt, verdict == SEEN, limit)
        if dt < limit.silent_s:
            observed |= follows(row, new, dt, limit)
    observed |= stands_alone(row, new, away, is_swarm, limit)
    if copied:
        row.copies += 1.0
        observed |= 1 << _COPIES
    held = 0.1 if is_first else min(dt, 0.5)
    observed |= _look(row, verdict, held, limit)
    keep(row, new)
    return observed, held


@numba.njit(cache=True)
def _update(
    said: Any, away: F64, verdict: I64, copied: Bool, partner: U64, after: Bool, weight: F64,
    memory: Any, speaks: Bool, now: Any, is_swarm: bool, time_ns: int, limits: Any, codes: Any,
) -> int:  # fmt: skip
    """Carry each sender's record on by this tick's reports, both in order of senders; return how many stay.

    Args:
        said, away, verdict, copied: the reports, and for each what was found of it.
        partner, after, weight: for each sender heard, see `find_overlaps`.
        memory: records of Trust as the last tick left them; `speaks` tells who of them is heard again.
        now: records to fill, as many as there may be.
        is_swarm: see `stands_alone`.
        time_ns: the tick's instant.
        limits: record of PlausibilityConfig.
        codes: reasons in the order of REASONS.
    """
    limit, shares = limits[0], np.zeros(codes.size)
    n = b = r = heard_senders = 0
    while b < memory.size or r < said.size:
        known = b < memory.size and (r >= said.size or memory[b].sender <= said[r].sender)
        row = now[n]
        if known:
            now[n] = memory[b]
            b += 1
        else:
            past = predecessor(said[r], memory, speaks)
            if past >= 0:
                now[n] = memory[past]
                go_on(row, said[r])
            else:
                now[n] = np.zeros(1, now.dtype)[0]
                begin(row, said[r], limit)
        heard = r < said.size and said[r].sender == row.sender
        observed, held_at_all = 0, 0.0
        while r < said.size and said[r].sender == row.sender:
            seen, held = _take_in(row, said[r], away[r], verdict[r], copied[r], is_swarm, limit)
            observed |= seen
            held_at_all += held
            r += 1
        if heard:
            met = heard_senders
            observed |= _meet(row, partner[met], after[met], weight[met], held_at_all, limit)
            heard_senders += 1
        row.observed = observed
        _judge(row, heard, time_ns, limit, shares, codes)
        # of a sender that said next to nothing there is nothing to remember, however many of them there are
        if time_ns - row.time_ns <= limit.silent_s * 1e9 or (row.distrusted and row.reports >= FEW_REPORTS):
            n += 1
    return n


@numba.njit(cache=True)
def _doubted(row: Any) -> bool:
    """Tell whether something speaks against a sender besides others being in the same place."""
    events = row.jumps + row.impossible + row.copies + row.flooding + row.stale + row.resized
    seconds = row.mismatch + row.misheading + row.jittery + row.unseen
    return bool(row.distrusted or events >= 0.8 or seconds >= 0.4 or row.off_road >= 1.5)


@numba.njit(cache=True)
def _is_due(report: Any) -> bool:
    """Tell whether a report is one of those that are looked up on the map, drawn from its sender and instant."""
    instant = np.uint64(report.time_ns // INSTANT_NS)
    mixed = (instant + report.sender) * np.uint64(0x9E3779B97F4A7C15)
    return bool(mixed >> np.uint64(64 - LOOK_SHARE_BITS) == np.uint64(0))


@numba.njit(cache=True)
def _recognise(said: Records, memory: Records) -> tuple[I64, U64, I64, Bool, Bool, Bool]:
    """Find the senders heard at this tick in what is remembered; reports and records are in order of senders.

    Returns:
        For each sender heard: the row of its newest report, under which identity and since when [ns] it is known,
        and whether it is doubted already. For each record, whether its sender is heard. For each report, whether
        to look it up on the map: the first one of each new sender, and of all others one now and then.
    """
    last, root = np.empty(said.size, np.int64), np.empty(said.size, np.uint64)
    since, doubted = np.empty(said.size, np.int64), np.zeros(said.size, np.bool_)
    speaks, due = np.zeros(memory.size, np.bool_), np.zeros(said.size, np.bool_)
    n = b = r = 0
    while r < said.size:
        one = said[r]
        while b < memory.size and memory[b].sender < one.sender:
            b += 1
        root[n], since[n] = one.sender, one.time_ns
        if b < memory.size and memory[b].sender == one.sender:
            root[n], since[n], doubted[n] = memory[b].root, memory[b].first_ns, _doubted(memory[b])
            speaks[b] = True
        else:
            due[r] = one.speed > 1.0
        while r < said.size and said[r].sender == one.sender:
            due[r] = due[r] or (said[r].speed > 1.0 and _is_due(said[r]))
            last[n] = r
            r += 1
        n += 1
    return last[:n], root[:n], since[:n], doubted[:n], speaks, due


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

    `Distrust` lists what may speak against a sender. Each kind of evidence fades and has a limit of its own; what
    reaches its limit, or several kinds that together are `together` times one, makes the sender distrusted, and
    the kind nearest to its limit is the reason. Distrust stays for `sticky_s` after the evidence ended. Senders
    that fell silent are forgotten, distrusted ones when their distrust ends.

    Limits: a ghost that no pole could see, on the road, where no other vehicle is, and moving as a vehicle does,
    is believed; so is one that follows a real vehicle within the poles' accuracy, and a vehicle whose messages are
    late and say that they are not. A vehicle that crashes to a stop where no pole sees it changes speed as only
    liars else do.
    """
    if not (len(reports) or len(before)):
        return Trust.empty()
    reports, before = reports.in_order(), before.in_order()
    said, memory, limits = records_of(reports), records_of(before), limits_of(config)
    last, root, since, doubted, speaks, due = _recognise(said, memory)
    away, looked = np.full(len(reports), np.nan), np.flatnonzero(due)
    if len(looked) and len(road.lanes):
        away[looked] = road.distance(reports.x[looked], reports.y[looked])
    is_swarm = bool(np.count_nonzero((before.reports == 1) & (before.off_road > 0)) >= config.swarm)
    partner, after, weight = find_overlaps(last, said, root, since, doubted, limits, time_ns)
    met = np.flatnonzero(partner)
    if len(met):
        row = last[met]
        partner[met[layered(road, reports.x[row], reports.y[row])]] = 0
    order = np.argsort(before.x, kind="stable")
    verdict = sight(reports, detections, poles, pole_reach, config.sight)
    now = np.empty(len(last) + len(before) + 1, record_type(Trust))
    copied = find_copies(said, memory, speaks, order, before.x[order])
    kept = _update(
        said, away, verdict, copied, partner, after, weight, memory, speaks, now, is_swarm, time_ns, limits, _CODES
    )
    return table_of(Trust, now[:kept])


@step(period_s=0.1, reach_m=0.0)
def sender_findings(trust: Trust, *, config: PlausibilityConfig) -> Findings:
    """Report each distrusted sender; `value` is the evidence of its reason and `limit` what was too much.

    Both are seconds or numbers of reports, as the evidence's unit in Trust says.
    """
    rows = np.flatnonzero(trust.distrusted)
    if not len(rows):
        return Findings.empty()
    value, limit = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    reasons = trust.reason[rows]
    for code in np.unique(reasons).tolist():
        if code in _EVIDENCE:
            evidence, most = _EVIDENCE[code]
            of_it = reasons == code
            value[of_it], limit[of_it] = getattr(trust, evidence)[rows[of_it]], getattr(config, most)
    return Findings(
        rule=np.full(len(rows), Rule.SENDER_DISTRUSTED, np.uint8),
        subject=trust.sender[rows],
        x=trust.x[rows],
        y=trust.y[rows],
        since_ns=trust.since_ns[rows],
        value=value,
        limit=limit,
    )
