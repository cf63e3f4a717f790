"""Pole quality: how well each pole measures where things are, and which fault it has.

Vehicles that report their own position pass the poles all day. What a pole makes of them tells whether it was
knocked, whether its clock is right and what it no longer sees; its own lists tell the rest.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from wayside.membership import is_among
from wayside.roadside.quality_clock import SECOND, Timing, timing
from wayside.roadside.quality_diagnosis import DiagnosisConfig, Evidence, scores
from wayside.roadside.quality_geometry import EAST, LATENCY, NORTH, TURN, Estimate
from wayside.roadside.quality_memory import (
    AGREE,
    COMPARED,
    EVIDENCE,
    GHOSTS,
    PAIRS,
    SURPRISE,
    SURPRISES,
    Memory,
    PoleQualityConfig,
    compare,
    listen,
    look_at_lists,
    recall,
    settle,
)
from wayside.roadside.quality_pairing import RINGS, SECTORS
from wayside.roadside.quality_sight import CELLS
from wayside.roadside.quality_tables import PoleObjects, PolePairs, PoleSight
from wayside.roadside.tables import Detections, PoleFault, PoleQuality, Poles
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, Bool

T = TypeVar("T", Detections, PoleObjects, PolePairs)

_RULES = np.array(
    [
        Rule.POLE_MISALIGNED if fault == PoleFault.TURNED else Rule[f"POLE_{fault.name}"]
        for fault in (PoleFault.TURNED, *PoleFault)  # the first stands for no fault
    ],
    np.uint8,
)
_LIMITS = DiagnosisConfig()
JUDGE_NS = 400_000_000  # verdicts are given that often; sums are kept at every run
JUDGE_AT_NS = 200_000_000  # and not at the ticks at which `pole_sight` runs, so that no tick does all the work
_GEOMETRY = np.array([PoleFault.TURNED, PoleFault.SHIFTED, PoleFault.CLOCK_OFFSET])


def _ratio(above: F64, below: F64, least: float) -> F64:
    """Return the quotient where the divisor is large enough to say something, else NaN."""
    ratio: F64 = np.divide(above, below, out=np.full(len(above), np.nan), where=below >= least)
    return ratio


def _measures(
    memory: Memory, sight: PoleSight, poles: Poles, estimate: Estimate, spread: F64, enough: Bool, times: Timing,
    config: PoleQualityConfig,
) -> dict[str, Any]:  # fmt: skip
    """Return the columns that say how well each pole measures."""
    sigma = np.sqrt(estimate.variance)
    known = np.where(enough, 1.0, np.nan)
    out: dict[str, Any] = {
        "yaw_error": estimate.value[:, TURN] * known,
        "yaw_sigma": sigma[:, TURN] * known,
        "offset_x": estimate.value[:, EAST] * known,
        "offset_y": estimate.value[:, NORTH] * known,
        "offset_sigma": np.maximum(sigma[:, EAST], sigma[:, NORTH]) * known,
        "latency_s": estimate.value[:, LATENCY] * known,
        "latency_sigma": sigma[:, LATENCY] * known,
        "age_s": times.age,
        "age_sigma": times.age_sigma,
        "drift": times.drift,
        "drift_sigma": times.drift_sigma,
        "spread": spread,
        "noise": np.sqrt(0.5 * _ratio(memory.lists[:, SURPRISE], memory.lists[:, SURPRISES], 10.0)),
        "ghosts_per_s": memory.lists[:, GHOSTS] / config.counts_s,
        "class_share": _ratio(memory.counts[:, AGREE], memory.counts[:, COMPARED], 10.0),
    }
    rings = lost = np.zeros((len(poles), RINGS))
    if len(sight) == len(poles) * RINGS * SECTORS:
        rings = sight.seen.reshape(len(poles), RINGS, SECTORS).sum(axis=2)
        lost = sight.missed.reshape(len(poles), RINGS, SECTORS).sum(axis=2)
    out["share_seen"] = _ratio(rings.sum(axis=1), rings.sum(axis=1) + lost.sum(axis=1), 10.0)
    some = rings + lost >= 5.0
    most = some & (rings >= lost)
    last: F64 = np.where(most, np.arange(1, RINGS + 1), 0).max(axis=1)
    out["sight_m"] = np.where(some.any(axis=1), last * poles.range / RINGS, np.nan)
    return out


def _evidence(
    measures: dict[str, Any], memory: Memory, poles: Poles, estimate: Estimate, enough: Bool, span: F64,
    quiet_s: F64, moves: Bool, trembles: Bool,
) -> Evidence:  # fmt: skip
    """Gather what the diagnosis weighs."""
    value = estimate.alone.copy()
    if enough.sum() > 2:
        # what all poles see alike is an error of the vehicles' positioning
        value[:, : NORTH + 1] -= np.median(estimate.value[enough, : NORTH + 1], axis=0)
    return Evidence(
        quiet_s=quiet_s,
        unheard=memory.unheard,
        frozen_s=memory.frozen_s,
        frozen_moves=moves,
        frozen_trembled=trembles,
        value=value,
        sigma=estimate.alone_sigma,
        gain=estimate.gain,
        enough=enough,
        age=measures["age_s"],
        age_sigma=measures["age_sigma"],
        drift=measures["drift"],
        drift_sigma=measures["drift_sigma"],
        span=span,
        latency=estimate.value[:, LATENCY],
        latency_sigma=np.sqrt(estimate.variance[:, LATENCY]),
        noise=measures["noise"] / poles.position_sigma,
        ghosts=measures["ghosts_per_s"],
        wrong=memory.counts[:, EVIDENCE],
    )


@lru_cache(maxsize=16)
def _patience(config: PoleQualityConfig) -> F64:
    """Return for how long each fault, in the order of `PoleFault`, is suspected before it is named [s]."""
    hold = np.array([config.clear_s] + [config.hold_s] * len(PoleFault))
    hold[[PoleFault.SILENT, PoleFault.FROZEN]] = 0.0
    hold[PoleFault.SHORT_SIGHTED] = config.hold_short_s
    hold.flags.writeable = False
    return hold


def _name(
    was: dict[str, Any], score: F64, unknown: Bool, time_ns: int, config: PoleQualityConfig
) -> dict[str, Any]:
    """Return the columns that name the fault: suspected for a while, and staying till it surely has gone."""
    each, fault = np.arange(len(score)), was["fault"].astype(np.int64)
    held = score.copy()
    staying = (fault > 0) & (unknown | (score[each, fault] > config.stays))
    held[each, fault] = np.where(staying, np.maximum(held[each, fault], 1.0), held[each, fault])
    held[:, 0] = 0.0
    best = held.argmax(axis=1)
    suspected = np.where(held[each, best] >= 1.0, best, 0)
    suspected_ns = np.where(suspected == was["suspected"], was["suspected_ns"], time_ns)
    ripe = (time_ns - suspected_ns) * SECOND >= _patience(config)[suspected]
    named = np.where(ripe, suspected, fault)
    strength = np.maximum(held[each, named], 1.0)
    return {
        "fault": named,
        "confidence": np.where(named > 0, 1.0 - 0.5 / strength, np.nan),
        "since_ns": np.where(named == 0, 0, np.where(fault == 0, suspected_ns, was["since_ns"])),
        "suspected": suspected,
        "suspected_ns": suspected_ns,
    }


@step(period_s=0.2, reach_m=None)
def pole_quality(
    detections: Detections,
    poles: Poles,
    pole_objects: PoleObjects,
    pole_pairs: PolePairs,
    pole_sight: PoleSight,
    before: PoleQuality,
    *,
    config: PoleQualityConfig,
    time_ns: int,
) -> PoleQuality:
    """Estimate how each pole's frame and clock are off, and name what is wrong with it.

    Displacement, turn and latency are estimated together from pairs of report and detection (`quality_geometry`),
    with a short and a long memory; where these contradict each other something has happened, and the past is
    forgotten. Drift and delay follow from when lists arrive (`quality_clock`); silence, freezing, ghosts and
    noise from the lists themselves (`quality_objects`); blindness from vehicles that should be seen
    (`quality_sight`). `quality_diagnosis` weighs them.

    Args:
        detections: what poles saw.
        poles: where poles stand.
        pole_objects: what stands in their lists from scan to scan.
        pole_pairs: vehicles that report themselves, and how poles see them.
        pole_sight: what each pole sees by bearing and distance.
        before: the sums so far.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per pole.

    Limits: without reporting vehicles only silence, freezing, drift, ghosts and noise can be told. A pole whose
    positions were always older than their stamps counts as one with a wrong clock.
    """
    if not len(poles):
        return PoleQuality.empty()
    detections, poles, before = detections.in_order(), poles.in_order(), before.in_order()
    detections = _of_poles(detections, poles)
    pole_objects, pole_pairs = _of_poles(pole_objects.in_order(), poles), _of_poles(pole_pairs.in_order(), poles)
    pole_sight = pole_sight.in_order()
    if not np.array_equal(pole_sight.pole, np.repeat(poles.pole, CELLS)):
        pole_sight = PoleSight.empty()
    was = recall(before, poles)
    memory = Memory(was, time_ns, config)
    scan_ns, heard_ns, stepped = listen(memory, was, detections, poles, time_ns)
    came = scan_ns != was["scan_ns"]
    there, moves, trembles = look_at_lists(memory, pole_objects, poles, scan_ns, came, config)
    moves |= ~came & was["frozen_moves"]
    asking = compare(memory, was, pole_pairs, poles, time_ns, config)
    memory.unheard[:] = np.where(came, 0.0, memory.unheard + memory.elapsed * (asking + 0.2 * there))
    columns: dict[str, Any] = was | memory.columns() | {"samples": memory.counts[:, PAIRS]}
    columns |= {"pole": poles.pole, "x": poles.x, "y": poles.y, "time_ns": np.full(len(poles), time_ns)}
    columns |= {"scan_ns": scan_ns, "heard_ns": heard_ns, "frozen_moves": moves}
    last_ns = int(before.time_ns[0]) if len(before) == len(poles) else 0
    if (time_ns + JUDGE_AT_NS) // JUDGE_NS == (last_ns + JUDGE_AT_NS) // JUDGE_NS and not stepped.any():
        return PoleQuality(**columns)
    estimate, spread, enough, changed_ns, change_ns = settle(memory, was, stepped, time_ns, config)
    times = Timing(*timing(memory.ages))
    measures = _measures(memory, pole_sight, poles, estimate, spread, enough, times, config)
    quiet_s: Any = (time_ns - heard_ns) * SECOND
    evidence = _evidence(measures, memory, poles, estimate, enough, times.span, quiet_s, moves, trembles)
    unknown = (was["fault"][:, None] == _GEOMETRY).any(axis=1) & ~enough
    unknown |= (was["fault"] == PoleFault.CLOCK_DRIFT) & ~(times.span >= config.limits.drift_span_s)
    verdict = _name(was, scores(evidence, pole_sight, config.limits), unknown, time_ns, config)
    misaligned = verdict["fault"] == PoleFault.TURNED
    told = misaligned & np.isnan(measures["yaw_error"])
    measures["yaw_error"] = np.where(told, was["yaw_error"], measures["yaw_error"])
    columns |= measures | verdict
    columns |= {"misaligned": misaligned, "changed_ns": changed_ns, "change_ns": change_ns}
    return PoleQuality(**columns)


def _of_poles(rows: T, poles: Poles) -> T:
    """Return the rows whose pole is among these."""
    known = is_among(rows.pole, poles.pole)
    return rows if known.all() else rows.take(known)


def _measured(q: PoleQuality, row: int) -> tuple[float, float]:  # noqa: PLR0911
    """Return what was measured of a pole's fault, and what is allowed; NaN no single figure is."""
    match q.fault[row]:
        case PoleFault.SILENT:
            return (int(q.time_ns[row]) - int(q.heard_ns[row])) * SECOND, _LIMITS.silent_s
        case PoleFault.FROZEN:
            return q.frozen_s[row], _LIMITS.frozen_s if q.frozen_moves[row] else _LIMITS.frozen_standing_s
        case PoleFault.TURNED:
            return abs(q.yaw_error[row]), _LIMITS.turn
        case PoleFault.SHIFTED:
            return math.hypot(q.offset_x[row], q.offset_y[row]), _LIMITS.displacement_m
        case PoleFault.CLOCK_OFFSET:
            return abs(q.latency_s[row]), _LIMITS.latency_s
        case PoleFault.CLOCK_DRIFT:
            return 1e3 * abs(q.drift[row]), 1e3 * _LIMITS.drift
        case PoleFault.LATE:
            return q.age_s[row], _LIMITS.late_s
        case PoleFault.BLIND_SECTOR:
            return q.share_seen[row], math.nan
        case PoleFault.SHORT_SIGHTED:
            return q.sight_m[row], math.nan
        case PoleFault.GHOSTS:
            return q.ghosts_per_s[row], _LIMITS.ghosts_per_s
        case PoleFault.NOISY:
            return q.noise[row], math.nan
        case _:
            return 1.0 - q.class_share[row], _LIMITS.wrong_class_share


@step(period_s=0.1, reach_m=0)
def pole_findings(pole_quality: PoleQuality) -> Findings:
    """Return a finding for each pole with a named fault: what was measured and what is allowed.

    The units are those of the columns of `PoleQuality`: seconds of silence or of the same list, m, rad, s, ms of
    drift a second, seconds of age, shares seen, metres of sight, ghosts a second, and the share of wrong classes.
    """
    fault = pole_quality.fault
    rows = np.flatnonzero((fault > 0) & (fault <= len(PoleFault)))
    if not len(rows):
        return Findings.empty()
    measured = np.array([_measured(pole_quality, row) for row in rows.tolist()])
    return Findings(
        rule=_RULES[fault[rows]],
        subject=pole_quality.pole[rows].astype(np.uint64),
        x=pole_quality.x[rows],
        y=pole_quality.y[rows],
        since_ns=pole_quality.since_ns[rows],
        value=np.nan_to_num(measured[:, 0]),
        limit=measured[:, 1],
    )
