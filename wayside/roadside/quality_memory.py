"""What is remembered of each pole, how it fades, and what a tick adds to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

from wayside.roadside.quality_clock import SECOND, add_ages
from wayside.roadside.quality_diagnosis import DiagnosisConfig
from wayside.roadside.quality_geometry import EAST, LATENCY, NORTH, PRIOR, TURN, Estimate, Paired, add_pairs, solve
from wayside.roadside.quality_objects import Listed, look_through
from wayside.roadside.quality_pairing import SCATTER_M
from wayside.roadside.quality_tables import PoleObjects, PolePairs
from wayside.roadside.tables import Detections, PoleQuality, Poles
from wayside.table import F64, I64, Bool

KNOWN = ("yaw_error", "latency_s", "offset_x", "offset_y", "latency_sigma")
MEMORY = ("sums", "trust", "change", "counts", "lists", "ages", "prior", "unheard", "frozen_s")
# what stands in `PoleQuality.counts` and `PoleQuality.lists`, in this order
PAIRS, REST, RESTS, AGREE, COMPARED, EVIDENCE = range(6)
SURPRISE, SURPRISES, GHOSTS, TREMBLED, STOOD = range(5)
CLASS_RUN = 9.0  # so many scans in a row tell as much of a class as one


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
    usual_wrong_share: float = 0.06  # of classes, of a pole in order
    noise_s: float = 5.0  # memory of scatter from scan to scan
    ages_s: float = 20.0  # memory of ages
    pair_sigma_m: float = 0.42  # scatter of a pair's difference per axis, its lasting part left out
    correlation: float = 4.0  # so many pairs in a row tell as much as one
    heading_sigma: float = 0.05  # scatter of a pair's difference of headings [rad]
    heading_correlation: float = 1.5  # so many in a row tell as much as one
    most_apart_m: float = 2.5  # a passage whose mean is farther from what is known is another vehicle's
    from_m: float = 8.0  # nearer to the pole pairs are left out
    know_latency: float = 0.05  # changes are looked for once the latency is known as well as that [s]
    starved: float = 3.0  # fewer pairs in memory are none
    know_turn: float = 0.0087  # a turn is known whose standard deviation is below that [rad], 0.5 degrees
    class_fades: float = 12.0  # after so many of one vehicle the next tells half as much
    most_class_evidence: float = 10.0  # evidence of wrong classes grows no further, so that it can be undone
    many: int = 3  # so many standing objects do not stay in place by chance
    trembled: float = 30.0  # where standing objects did not stay in so many scans, with forgetting
    stood: float = 0.1  # and stayed in no more than such a share of those
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
    was = {name: np.zeros((len(poles), *c.shape), c.dtype) for name, c in PoleQuality.columns.items()}
    if len(before):
        row = np.minimum(np.searchsorted(before.pole, poles.pole), len(before) - 1)
        known = before.pole[row] == poles.pole
        for name, values in before.arrays():
            was[name][known] = values[row[known]]
    return was


class Memory:
    """The sums of all poles, faded to this tick, and writable.

    Attributes:
        elapsed: time since they last changed [poles], s.
        sums, trust, change, counts, lists, ages, prior: columns of `PoleQuality` [poles, n].
        unheard, frozen_s: its columns [poles].
    """

    sums: F64
    trust: F64
    change: F64
    counts: F64
    lists: F64
    ages: F64
    prior: F64
    unheard: F64
    frozen_s: F64

    def __init__(self, was: dict[str, Any], time_ns: int, config: PoleQualityConfig) -> None:
        self.elapsed: F64 = np.where(was["time_ns"] > 0, time_ns - was["time_ns"], 0) * SECOND
        for name in MEMORY:
            setattr(self, name, was[name].copy())
        spans = (config.sums_s, config.change_s, config.noise_s, config.counts_s, config.ages_s)
        kept: F64 = np.exp(np.divide.outer(self.elapsed, -np.array(spans)))
        self.sums *= kept[:, :1]
        self.trust *= kept[:, :1]
        self.change *= kept[:, 1:2]
        self.counts[:, :EVIDENCE] *= kept[:, 3:4]
        # while a list is frozen, what was known of its trembling stays
        self.lists[:, GHOSTS] *= kept[:, 3]
        kept[self.frozen_s > 0.0, 2:4] = 1.0
        self.lists[:, :GHOSTS] *= kept[:, 2:3]
        self.lists[:, TREMBLED:] *= kept[:, 3:4]
        self.kept_ages: F64 = kept[:, 4].copy()

    def columns(self) -> dict[str, F64]:
        """Return all of it by name."""
        return {name: getattr(self, name) for name in MEMORY}


def listen(
    memory: Memory, was: dict[str, Any], detections: Detections, poles: Poles, time_ns: int
) -> tuple[I64, I64, Bool]:
    """Take in when lists came: return the newest stamps, the newest receptions, and whose ages took a step."""
    row = np.searchsorted(poles.pole, detections.pole)
    scan_ns, heard_ns = was["scan_ns"].copy(), np.where(was["heard_ns"] > 0, was["heard_ns"], time_ns)
    stepped = add_ages(
        memory.ages, memory.elapsed, memory.kept_ages, row, detections.time_ns, detections.received_ns, time_ns,
        scan_ns, heard_ns,
    )  # fmt: skip
    return scan_ns, heard_ns, stepped


def look_at_lists(
    memory: Memory, objects: PoleObjects, poles: Poles, scan_ns: I64, came: Bool, config: PoleQualityConfig
) -> tuple[F64, Bool, Bool]:
    """Take in how the lists changed.

    Returns:
        How many objects each pole has; whether one is said to move; and whether there are several that always
        trembled, so that noise alone would change the list.
    """
    there, moving, same, count = look_through(
        np.searchsorted(poles.pole, objects.pole), Listed.of(objects), scan_ns, came,
        round(config.young_s / SECOND), memory.lists,
    )  # fmt: skip
    memory.frozen_s[:] = np.where(same, memory.frozen_s + memory.elapsed, np.where(came, 0.0, memory.frozen_s))
    trembled, stood = memory.lists[:, TREMBLED], memory.lists[:, STOOD]
    trembles = (count >= config.many) & (trembled >= config.trembled) & (stood <= config.stood * trembled)
    return there, moving, trembles


def compare(
    memory: Memory, was: dict[str, Any], pairs: PolePairs, poles: Poles, time_ns: int, config: PoleQualityConfig
) -> F64:
    """Take in this tick's pairs; return how many vehicles say that they are in near view of each pole."""
    row = np.searchsorted(poles.pole, pairs.pole)
    known: F64 = np.empty((len(poles), len(KNOWN)))
    for column, name in enumerate(KNOWN):
        known[:, column] = was[name]
    known[np.isnan(known)] = 0.0
    known[~(known[:, -1] > 0.0), -1] = PRIOR[LATENCY] ** -0.5
    since = (time_ns - was["change_ns"]) * SECOND + config.change_lag_s
    changing = np.where(was["change_ns"] > 0, since / config.period_s, -1.0)
    classes = np.zeros((len(poles), 2))
    near = add_pairs(
        row, Paired.of(pairs), known, was["changed_ns"], changing,
        config.correlation * config.pair_sigma_m**2, SCATTER_M**2,
        1.0 / (config.heading_correlation * config.heading_sigma**2), config.from_m,
        config.most_apart_m, config.class_fades, 0.5 * poles.range, memory.sums, memory.change, memory.counts,
        classes,
    )  # fmt: skip
    wrong, usual = config.limits.wrong_class_share, config.usual_wrong_share
    speaks_for = np.array([np.log(wrong / usual), np.log((1.0 - wrong) / (1.0 - usual))]) / CLASS_RUN
    evidence = memory.counts[:, EVIDENCE] + classes @ speaks_for
    memory.counts[:, EVIDENCE] = np.minimum(np.maximum(evidence, 0.0), config.most_class_evidence)
    return near


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
    sums, change, prior, trust = memory.sums, memory.change, memory.prior, memory.trust
    np.maximum(trust, PRIOR, out=trust)
    rest, rests = memory.counts[:, REST], memory.counts[:, RESTS]
    spread: F64 = np.full(len(rest), np.nan)
    np.sqrt(np.divide(rest, rests, out=spread, where=rests > 10.0), out=spread)
    scale = np.fmax(spread / config.pair_sigma_m, 1.0) ** 2
    estimate = solve(sums, scale, prior, trust)
    moved = solve(change, scale, np.zeros_like(prior), np.repeat(PRIOR[None], len(prior), 0))
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
    starved = (memory.counts[:, PAIRS] < config.starved) & (changed_ns > 0) & ~stepped
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
