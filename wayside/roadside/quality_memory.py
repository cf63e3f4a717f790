"""What is remembered of each pole, how it fades, and what a tick adds to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from wayside.roadside.quality_clock import AGES, SECOND, add_ages
from wayside.roadside.quality_diagnosis import DiagnosisConfig
from wayside.roadside.quality_geometry import (
    EAST,
    LATENCY,
    NORTH,
    PRIOR,
    SUMS,
    TURN,
    Estimate,
    Paired,
    add_pairs,
    solve,
)
from wayside.roadside.quality_tables import PoleObjects, PolePairs
from wayside.roadside.tables import Detections, PoleQuality, Poles
from wayside.table import F64, I64, Bool

ALL, CHANGE = (tuple(f"{memory}_{name}" for name in SUMS) for memory in ("sum", "change"))
PRIORS = ("prior_x", "prior_y", "prior_turn", "prior_latency")
TRUSTS = ("trust_x", "trust_y", "trust_turn", "trust_latency")
COUNTS = ("samples", "rest_sum", "rest_weight", "class_agree", "class_weight")  # as `add_pairs` returns them
LISTS = ("surprise_sum", "surprise_weight", "ghost_sum")
KNOWN = ("yaw_error", "latency_s", "offset_x", "offset_y", "latency_sigma")
MEMORY = (*ALL, *TRUSTS, *CHANGE, *COUNTS, *LISTS, *AGES, *PRIORS, "unheard", "frozen_s")


class PoleQualityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `pole_quality`."""

    period_s: float = 0.2  # between the scans that are looked at
    sums_s: float = 400.0  # what was measured counts 1/e of its weight after so long
    change_s: float = 4.0  # sudden changes are looked for over so long
    change: float = 12.0  # squared change over its variance from which it is measured
    proof: float = 14.0  # and which it must still have after `change_s`
    change_lag_s: float = 1.0  # a change is noticed so long after it happened
    jump: float = 0.75  # share of that which a single kind of change must explain to be all that changed
    counts_s: float = 20.0  # memory of classes and ghosts
    noise_s: float = 5.0  # memory of scatter from scan to scan
    ages_s: float = 20.0  # memory of ages
    pair_sigma_m: float = 0.42  # scatter of a pair's difference per axis, its lasting part left out
    correlation: float = 4.0  # so many pairs in a row tell as much as one
    least_bias_m: float = 0.3  # no vehicle is believed to know its position better, per axis
    heading_sigma: float = 0.05  # scatter of a pair's difference of headings [rad]
    heading_correlation: float = 1.5  # so many in a row tell as much as one
    most_apart_m: float = 2.5  # a passage whose mean is farther from what is known is another vehicle's
    from_m: float = 8.0  # nearer to the pole pairs are left out
    know_latency: float = 0.05  # changes are looked for once the latency is known as well as that [s]
    starved: float = 3.0  # fewer pairs in memory are none
    know_turn: float = 0.0087  # a turn is known whose standard deviation is below that [rad], 0.5 degrees
    class_samples: int = 120  # so many scans of one vehicle count for its class
    young_s: float = 0.6  # what comes and goes in that time is a ghost
    hold_s: float = 2.5  # a fault is named when suspected for so long
    hold_short_s: float = 12.0  # short sight, which fog looks like while it comes
    clear_s: float = 6.0  # and cleared when nothing has been suspected for so long
    stays: float = 0.5  # a named fault stays while its score is above that
    limits: DiagnosisConfig = DiagnosisConfig()


def recall(before: PoleQuality, poles: Poles) -> dict[str, Any]:
    """Return each column of the last table for the poles of today, nought for new ones."""
    if np.array_equal(before.pole, poles.pole):
        return dict(before.arrays())
    if not len(before):
        return {name: np.zeros(len(poles), c.dtype) for name, c in PoleQuality.columns.items()}
    row = np.minimum(np.searchsorted(before.pole, poles.pole), len(before) - 1)
    known = before.pole[row] == poles.pole
    return {name: np.where(known, values[row], np.zeros(1, values.dtype)) for name, values in before.arrays()}


class Memory:
    """The sums of all poles as one block, and how they change.

    Attributes:
        block: [poles, len(MEMORY)].
        elapsed: time since they last changed [poles], s.
    """

    def __init__(self, was: dict[str, Any], time_ns: int, config: PoleQualityConfig) -> None:
        self.block: F64 = np.stack([was[name] for name in MEMORY], axis=1)
        self.elapsed: F64 = np.where(was["time_ns"] > 0, time_ns - was["time_ns"], 0) * SECOND
        self.kept_ages = np.exp(-self.elapsed / config.ages_s)
        spans = [config.sums_s] * (len(ALL) + len(TRUSTS)) + [config.change_s] * len(CHANGE)
        spans += [config.counts_s] * len(COUNTS) + [config.noise_s, config.noise_s, config.counts_s]
        self.block[:, : len(spans)] *= np.exp(-self.elapsed[:, None] / np.array(spans))

    def part(self, names: tuple[str, ...]) -> F64:
        """Return a view of neighbouring sums."""
        start = MEMORY.index(names[0])
        return self.block[:, start : start + len(names)]

    def __getitem__(self, name: str) -> F64:
        column: F64 = self.block[:, MEMORY.index(name)]
        return column


def listen(
    memory: Memory, was: dict[str, Any], detections: Detections, poles: Poles, time_ns: int
) -> tuple[I64, I64, Bool]:
    """Take in when lists came: return the newest stamps, the newest receptions, and whose ages took a step."""
    row = np.searchsorted(poles.pole, detections.pole)
    ages = np.ascontiguousarray(memory.part(AGES))
    stepped = add_ages(
        ages, memory.elapsed, memory.kept_ages, row, detections.time_ns, detections.received_ns, time_ns
    )
    memory.part(AGES)[:] = ages
    scan_ns, heard_ns = was["scan_ns"].copy(), np.where(was["heard_ns"] > 0, was["heard_ns"], time_ns)
    if len(row):
        newest = np.zeros(len(scan_ns), np.int64)
        np.maximum.at(newest, row, detections.time_ns)
        scan_ns = np.where(newest > 0, newest, scan_ns)
        np.maximum.at(heard_ns, row, detections.received_ns)
    return scan_ns, heard_ns, stepped


def look_at_lists(
    memory: Memory, objects: PoleObjects, poles: Poles, scan_ns: I64, came: Bool, config: PoleQualityConfig
) -> tuple[F64, Bool]:
    """Take in how the lists changed: return how many objects each pole has, and whether one moves."""
    row = np.searchsorted(poles.pole, objects.pole)
    size = len(poles)
    fresh = (objects.time_ns == scan_ns[row]) & came[row]
    again = fresh & ~np.isnan(objects.surprise)
    young = objects.ended & objects.inner & (objects.time_ns - objects.first_ns < round(config.young_s / SECOND))
    lists = memory.part(LISTS)
    lists[:, 0] += np.bincount(row[again], objects.surprise[again], size)
    lists[:, 1] += np.bincount(row[again], minlength=size)
    lists[:, 2] += np.bincount(row[young], minlength=size)
    count = np.bincount(row[fresh], minlength=size)
    same = (count > 0) & (np.bincount(row[fresh & objects.repeated], minlength=size) == count)
    moving = fresh & (objects.velocity_x**2 + objects.velocity_y**2 > 1.0)
    frozen_s = memory["frozen_s"]
    frozen_s[:] = np.where(same, frozen_s + memory.elapsed, np.where(came, 0.0, frozen_s))
    there: F64 = np.bincount(row[~objects.ended], minlength=size).astype(np.float64)
    return there, np.bincount(row[moving], minlength=size) > 0


def compare(
    memory: Memory, was: dict[str, Any], pairs: PolePairs, poles: Poles, time_ns: int, config: PoleQualityConfig
) -> F64:
    """Take in this tick's pairs; return how many vehicles say that they are in near view of each pole."""
    row = np.searchsorted(poles.pole, pairs.pole)
    known: F64 = np.nan_to_num(np.stack([was[name] for name in KNOWN], axis=1))
    unsure = ~(was["latency_sigma"] > 0.0)
    known[unsure, -1] = PRIOR[LATENCY] ** -0.5
    since = (time_ns - was["change_ns"]) * SECOND + config.change_lag_s
    changing = np.where(was["change_ns"] > 0, since / config.period_s, -1.0)
    sums, change, counts = add_pairs(
        row, Paired.of(pairs), known, was["changed_ns"], changing,
        config.correlation * config.pair_sigma_m**2, config.least_bias_m**2,
        1.0 / (config.heading_correlation * config.heading_sigma**2), config.from_m,
        config.most_apart_m, config.class_samples,
    )  # fmt: skip
    memory.part(ALL)[:] += sums
    memory.part(CHANGE)[:] += change
    memory.part(COUNTS)[:] += counts
    near = pairs.distance < 0.5 * poles.range[row]
    found: F64 = np.bincount(row[near], minlength=len(poles)).astype(np.float64)
    return found


class Settled(NamedTuple):
    """What the sums say after a tick.

    Attributes:
        estimate: displacement, turn and latency.
        spread: of differences about each passage's mean [poles], m.
        enough: there were pairs enough.
        changed_ns, change_ns: see `PoleQuality`.
    """

    estimate: Estimate
    spread: F64
    enough: Bool
    changed_ns: I64
    change_ns: I64


def settle(memory: Memory, was: dict[str, Any], stepped: Bool, time_ns: int, config: PoleQualityConfig) -> Settled:
    """Solve for what is off; where it changed at once, begin anew from what it was and by how much it changed."""
    sums, change = memory.part(ALL), memory.part(CHANGE)
    prior, trust = memory.part(PRIORS), memory.part(TRUSTS)
    np.maximum(trust, PRIOR, out=trust)
    weight = memory["rest_weight"]
    spread = np.sqrt(np.divide(memory["rest_sum"], weight, out=np.full(len(weight), np.nan), where=weight > 10))
    scale = np.maximum(np.nan_to_num(spread, nan=config.pair_sigma_m) / config.pair_sigma_m, 1.0) ** 2
    estimate = solve(sums, scale, prior, trust)
    moved = solve(change, scale, np.zeros_like(prior), np.broadcast_to(PRIOR, prior.shape))
    size = (moved.value * moved.right).sum(axis=1)
    changed_ns, change_ns = was["changed_ns"].copy(), was["change_ns"].copy()
    measured = (change_ns > 0) & ((time_ns - change_ns) * SECOND >= config.change_s)
    proven = measured & (size > config.proof)
    for p in np.flatnonzero(proven).tolist():
        best = int(moved.gain[p].argmax())
        step = np.zeros(4)
        step_variance = np.zeros(4)
        if moved.gain[p, best] > config.jump * size[p]:
            kind = [EAST, NORTH] if best == EAST else [best]
            step[kind], step_variance[kind] = moved.alone[p, kind], moved.alone_sigma[p, kind] ** 2
        else:
            step, step_variance = moved.value[p], moved.variance[p]
        prior[p] = estimate.value[p] + step
        trust[p] = 1.0 / (estimate.variance[p] + step_variance)
    # a step of the ages leaves nothing of what was known of latency
    prior[stepped], trust[stepped] = estimate.value[stepped], 1.0 / estimate.variance[stepped]
    trust[stepped, LATENCY], prior[stepped, LATENCY] = PRIOR[LATENCY], 0.0
    # where nothing fits any more what is known, it is forgotten
    starved = (memory["samples"] < config.starved) & (changed_ns > 0) & ~stepped
    prior[starved], trust[starved] = 0.0, PRIOR
    fresh = proven | stepped
    sums[fresh] = 0.0
    changed_ns[fresh] = time_ns
    if fresh.any():
        estimate = solve(sums, scale, prior, trust)
    timed = estimate.variance[:, LATENCY] < config.know_latency**2
    begins = timed & (size > config.change) & (change_ns == 0) & ~fresh
    change[begins | measured | fresh] = 0.0
    change_ns = np.where(begins, time_ns, np.where(measured | fresh, 0, change_ns))
    known = np.sqrt(estimate.variance[:, TURN]) < config.know_turn
    return Settled(estimate, spread, known, changed_ns, change_ns)
