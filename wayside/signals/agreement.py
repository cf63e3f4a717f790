"""Whether the lights a controller publishes fit what vehicles do at its stop lines."""

from __future__ import annotations

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.signals.passing import groups_between, movements
from wayside.signals.tables import Passages, SignalControllers, Signals, StopLineCounts
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I32, I64, U8, U16, U32, U64

FORGET_EACH_NS = 5_000_000_000  # forgetting in steps that survive rounding


class AgreementConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much must speak against a controller."""

    evidence: float = 2.7  # passages of red, and vehicles that stand at green, needed for a conflict
    least_red: float = 1.7  # passages of red among them
    share: float = 0.35  # of all passages that must be red ones
    clear_below: float = 0.7  # evidence left when the conflict is over
    standing_s: float = 5.0  # rest at green that weighs as much as one passage of red
    forget_s: float = 180.0  # after that, evidence has faded to a third


@numba.njit(cache=True)
def _count(
    controller: U16, group: U8, green: F64, red: F64, waited: F64, total_green: U32, total_red: U32,
    p_controller: I32, p_groups: U64, p_from: I32, p_to: I32, p_red: U64, p_open: U64, p_waiting: F64,
    way_controller: I32, key: I64, key_groups: U64, edges: int,
) -> None:  # fmt: skip
    """Add what vehicles did in this tick to the columns of the counts."""
    controllers = 0
    for k in range(controller.size):
        controllers = max(controllers, controller[k] + 1)
    row_of = np.full((controllers, 64), -1, np.int32)
    for k in range(controller.size):
        if group[k] < 64:
            row_of[controller[k], group[k]] = k
    for p in range(p_from.size):
        if 0 <= p_from[p] < way_controller.size:
            ruling = groups_between(p_from[p], p_to[p], key, key_groups, edges)
            c = way_controller[p_from[p]]
            against = ruling & ~p_red[p] == 0
            for g in range(1, 64):
                bit = np.uint64(1) << np.uint64(g)
                if c < 0 or c >= controllers or not ruling & bit or row_of[c, g] < 0:
                    continue
                # one vehicle counts once, with the first group that says so
                if against:
                    red[row_of[c, g]] += 1.0
                    total_red[row_of[c, g]] += 1
                    break
                if p_open[p] & bit:
                    green[row_of[c, g]] += 1.0
                    total_green[row_of[c, g]] += 1
                    break
        if p_waiting[p] > 0 and 0 <= p_controller[p] < controllers:
            for g in range(1, 64):
                if p_groups[p] & (np.uint64(1) << np.uint64(g)) and row_of[p_controller[p], g] >= 0:
                    waited[row_of[p_controller[p], g]] += p_waiting[p]
                    break


@numba.njit(cache=True)
def _judge(
    controller: U16, green: F64, red: F64, waited: F64, since: I64, time_ns: int,
    evidence: float, least_red: float, share: float, clear_below: float, standing: float,
) -> None:  # fmt: skip
    """Set or clear `since` of all groups of each controller; rows are in order of controllers."""
    start = 0
    while start < controller.size:
        end, all_red, all_green, all_waited, before = start, 0.0, 0.0, 0.0, 0
        while end < controller.size and controller[end] == controller[start]:
            all_red, all_green, all_waited = all_red + red[end], all_green + green[end], all_waited + waited[end]
            before = max(before, since[end])
            end += 1
        against = all_red + all_waited / standing
        if (
            before == 0
            and against >= evidence
            and all_red >= least_red
            and all_red >= share * (all_red + all_green)
        ):
            before = time_ns
        elif before > 0 and all_red < clear_below:
            before = 0
        since[start:end] = before
        start = end


@step(period_s=0.1, reach_m=None)
def stop_line_counts(
    passages: Passages,
    signals: Signals,
    before: StopLineCounts,
    *,
    road: RoadMap,
    time_ns: int,
    config: AgreementConfig,
) -> StopLineCounts:
    """Count per signal group who passed red and who stood at green, forgetting with time.

    A controller is in conflict once enough vehicles passed well into red, weighed together with those that stood
    at protected green, and these passages are a good share of all. It lasts until the evidence has faded.

    Limits: needs a few seen vehicles each minute; a group that nobody uses is never judged. Single red-light
    runners, buses at stops and stalled vehicles do not make a conflict.
    """
    controller, group = signals.controller, signals.group
    same = np.array_equal(before.controller, controller) and np.array_equal(before.group, group)
    counts = before if same else _with_all(before, signals, time_ns)
    quiet = not ((passages.from_edge >= 0).any() or (passages.waiting > 0).any())
    due = time_ns - counts.forgotten_ns >= FORGET_EACH_NS
    if quiet and not due.any():
        return counts
    green, red, waited = counts.passed_green.copy(), counts.passed_red.copy(), counts.waited_green.copy()
    total_green, total_red = counts.total_green.copy(), counts.total_red.copy()
    since, forgotten = counts.since_ns.copy(), counts.forgotten_ns
    if due.any():
        fade = np.where(due, np.exp((forgotten - time_ns) * 1e-9 / config.forget_s), 1.0)
        green, red, waited = green * fade, red * fade, waited * fade
        forgotten = np.where(due, time_ns, forgotten)
    if not quiet:
        ways = movements(road)
        _count(
            counts.controller, counts.group, green, red, waited, total_green, total_red,
            passages.controller, passages.groups, passages.from_edge, passages.to_edge, passages.red,
            passages.open, passages.waiting, ways.controller, ways.key, ways.groups, ways.edges,
        )  # fmt: skip
    _judge(
        counts.controller, green, red, waited, since, time_ns,
        config.evidence, config.least_red, config.share, config.clear_below, config.standing_s,
    )  # fmt: skip
    return StopLineCounts(
        controller=counts.controller,
        group=counts.group,
        passed_green=green,
        passed_red=red,
        waited_green=waited,
        total_green=total_green,
        total_red=total_red,
        forgotten_ns=forgotten,
        since_ns=since,
    )


def _with_all(before: StopLineCounts, signals: Signals, time_ns: int) -> StopLineCounts:
    """Return the counts in order of their key, with a row of zeros for each group that had none."""
    old = before.controller.astype(np.int64) * 256 + before.group
    wanted = np.setdiff1d(signals.controller.astype(np.int64) * 256 + signals.group, old)
    none = np.zeros(len(wanted))
    new = StopLineCounts(
        controller=wanted // 256,
        group=wanted % 256,
        passed_green=none,
        passed_red=none,
        waited_green=none,
        total_green=none.astype(np.uint32),
        total_red=none.astype(np.uint32),
        forgotten_ns=np.full(len(wanted), time_ns),
        since_ns=none.astype(np.int64),
    )
    both = StopLineCounts.concatenate([before, new])
    return both.take(both.order())


@step(period_s=0.1, reach_m=None)
def signal_findings(
    stop_line_counts: StopLineCounts, signal_controllers: SignalControllers, *, config: AgreementConfig
) -> Findings:
    """Report each controller in conflict; `value` counts its red passages lately, `limit` the evidence needed."""
    rows = np.flatnonzero(stop_line_counts.since_ns > 0)
    if not len(rows):
        return Findings.empty()
    every = stop_line_counts.controller[rows]
    first = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
    controller = every[first]
    since = np.minimum.reduceat(stop_line_counts.since_ns[rows], first)
    red = np.add.reduceat(stop_line_counts.passed_red[rows], first)
    x, y = np.full(len(first), np.nan), np.full(len(first), np.nan)
    if len(signal_controllers):
        order = np.argsort(signal_controllers.controller, kind="stable")
        place = np.searchsorted(signal_controllers.controller, controller, sorter=order)
        spot = order[np.minimum(place, len(order) - 1)]
        known = signal_controllers.controller[spot] == controller
        x[known], y[known] = signal_controllers.x[spot[known]], signal_controllers.y[spot[known]]
    return Findings(
        rule=np.full(len(controller), Rule.SIGNAL_CONFLICT, np.uint8),
        subject=controller.astype(np.uint64),
        x=x,
        y=y,
        since_ns=since,
        value=red,
        limit=np.full(len(controller), config.evidence),
    )
