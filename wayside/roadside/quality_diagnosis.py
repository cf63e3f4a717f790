"""Which of the twelve faults a pole has, if any: evidence for each beside what is enough, and what explains what.

Each fault has a score: 1 is where the evidence is just enough. Faults that spoil what others are told by silence
those, and of what remains the highest score names the fault.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numba
import numpy as np

from wayside.roadside.quality_pairing import RINGS, SECTORS
from wayside.roadside.quality_tables import PoleSight
from wayside.roadside.tables import PoleFault
from wayside.table import F64, I64, Bool

FAULTS = len(PoleFault)


class DiagnosisConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is too much of each fault."""

    silent_s: float = 2.0  # without any list
    unheard_s: float = 4.0  # while vehicles were near, their times together
    frozen_s: float = 1.5  # the same list although something in it moves
    frozen_standing_s: float = 15.0  # or though several stand in it that always trembled
    sure: float = 3.0  # standard deviations by which an estimate must be over its limit
    turn: float = 0.0052  # rad, 0.3 degrees
    displacement_m: float = 0.4
    latency_s: float = 0.06
    gain: float = 12.0  # by so much a fault must lower the sum of squares
    drift: float = 0.0002  # s/s; a clock that is corrected gains less
    drift_span_s: float = 8.0  # for how long the drift must be seen
    late_s: float = 0.2  # older lists are of little use
    uneven_s: float = 0.03  # ages that scatter more are not the clock's
    noise_factor: float = 2.0  # scatter from scan to scan as a multiple of the near one it was commissioned with
    blind_scans: float = 40.0  # scans that missed vehicles in three neighbouring sectors, less those that saw
    short_scans: float = 50.0  # the same far away, in two directions at least
    ghosts_per_s: float = 0.9
    wrong_class_share: float = 0.3
    wrong_class_evidence: float = 6.0  # of such a share, as a logarithm of odds; one vehicle gives no more


class Evidence(NamedTuple):
    """What is known of each pole, as arrays [poles], or [poles, 4] for estimates; NaN unknown.

    Attributes:
        quiet_s: for how long nothing came.
        unheard: for how long vehicles were near meanwhile, all together [s].
        frozen_s: for how long the list has been the same.
        frozen_moves: and something in it is said to move.
        frozen_trembled: and several stand in it that always trembled.
        value, sigma: displacement east and north [m], turn [rad], latency [s], each as if alone.
        gain: by how much each lowers the sum of squares.
        enough: there were pairs enough for estimates.
        age, age_sigma, drift, drift_sigma, span: see `Timing`.
        latency, latency_sigma: estimated with the others [s].
        noise: standard deviation from scan to scan as a multiple of the commissioned one.
        ghosts: per second.
        wrong: evidence that too many classes are wrong, as a logarithm of odds.
    """

    quiet_s: F64
    unheard: F64
    frozen_s: F64
    frozen_moves: Bool
    frozen_trembled: Bool
    value: F64
    sigma: F64
    gain: F64
    enough: Bool
    age: F64
    age_sigma: F64
    drift: F64
    drift_sigma: F64
    span: F64
    latency: F64
    latency_sigma: F64
    noise: F64
    ghosts: F64
    wrong: F64


def scores(evidence: Evidence, sight: PoleSight, config: DiagnosisConfig) -> F64:
    """Return the score of each fault [poles, 13], in the order of `PoleFault`; column 0 is nought."""
    e = evidence
    out = np.zeros((len(e.quiet_s), FAULTS + 1))
    out[:, PoleFault.SILENT] = np.minimum(e.quiet_s / config.silent_s, e.unheard / config.unheard_s)
    # a list of things that stand repeats itself where a pole measures without noise or holds them in place
    standing_s = np.where(e.frozen_trembled, config.frozen_standing_s, np.inf)
    out[:, PoleFault.FROZEN] = e.frozen_s / np.where(e.frozen_moves, config.frozen_s, standing_s)
    _geometry(out, e, config)
    _timing(out, e, config)
    out[:, PoleFault.NOISY] = e.noise / config.noise_factor
    out[:, PoleFault.GHOSTS] = e.ghosts / config.ghosts_per_s
    out[:, PoleFault.MISCLASSIFYING] = e.wrong / config.wrong_class_evidence
    _sight(out, sight, config)
    explained: F64 = _explained(np.nan_to_num(out), EXPLAINS)
    return explained


def _geometry(out: F64, e: Evidence, config: DiagnosisConfig) -> None:
    """Score what explains the differences of position best."""
    limit = np.array([config.displacement_m, config.displacement_m, config.turn, config.latency_s])
    over = (np.abs(e.value) - config.sure * e.sigma) / limit
    length = np.hypot(e.value[:, 0], e.value[:, 1])
    over[:, 0] = (length - config.sure * e.sigma[:, 0]) / config.displacement_m
    for column, fault in ((0, PoleFault.SHIFTED), (2, PoleFault.TURNED), (3, PoleFault.CLOCK_OFFSET)):
        best = e.enough & (e.gain[:, column] >= e.gain.max(axis=1)) & (e.gain[:, column] > config.gain)
        out[:, fault] = np.where(best, np.maximum(over[:, column], 0.0), 0.0)


def _timing(out: F64, e: Evidence, config: DiagnosisConfig) -> None:
    """Score drift and lateness; an old list of a clock that is behind is not late."""
    sure = np.abs(e.drift) - config.sure * e.drift_sigma
    long = np.minimum(e.span / config.drift_span_s, 1.0)
    gaining = (e.drift > 0) | (e.latency + e.latency_sigma < 0.3 * e.drift * e.span)
    steady = (e.age_sigma < config.uneven_s) | (np.abs(e.drift) * e.span > 2.0 * e.age_sigma)
    drift = np.where(gaining & steady, sure / config.drift * np.floor(long), 0.0)
    out[:, PoleFault.CLOCK_DRIFT] = drift
    uneven = e.age_sigma > config.uneven_s
    doubt = np.where(uneven, 0.0, np.minimum(e.latency - 2.0 * e.latency_sigma, 0.0))
    out[:, PoleFault.LATE] = (e.age + doubt) / config.late_s


def _sight(out: F64, sight: PoleSight, config: DiagnosisConfig) -> None:
    """Score blind sectors and short sight from the doubts of cells."""
    if not len(sight):
        return
    blind, short = _blindness(sight.doubt.reshape(-1, RINGS, SECTORS), config.blind_scans, config.short_scans)
    # what befalls half of the others too is the weather's
    if len(short) > 2:
        alike = (short >= 0.4).sum(axis=0) - (short >= 0.4)
        short = np.where(2 * alike >= len(short) - 1, 0.0, short)
    out[:, PoleFault.SHORT_SIGHTED], out[:, PoleFault.BLIND_SECTOR] = short, np.where(short >= 1.0, 0.0, blind)


@numba.njit(cache=True)
def _blindness(doubt: F64, blind_scans: float, short_scans: float) -> tuple[F64, F64]:
    """Return the scores of a blind sector and of short sight of each pole, from doubts [poles, rings, sectors]."""
    blind, short = np.zeros(len(doubt)), np.zeros(len(doubt))
    for p in range(len(doubt)):
        within, beyond, inner = 0.0, doubt[p].sum(axis=0), np.zeros(SECTORS)
        for ring in range(1, 4):
            inner = inner + doubt[p, ring - 1]
            within += doubt[p, ring - 1].sum()
            beyond = beyond - doubt[p, ring - 1]
            best, second = beyond.argmax(), 0.0
            for sector in range(SECTORS):  # a second direction at least 60 degrees from the first
                apart = abs(sector - best)
                if min(apart, SECTORS - apart) >= 2:
                    second = max(second, beyond[sector])
            total = beyond.sum()
            if within < 0.2 * total:
                short[p] = max(short[p], min(total / short_scans, second / (0.5 * short_scans)))
            if ring == 2:
                deep = inner.copy()
        for sector in range(SECTORS):  # three neighbouring sectors, in the inner three rings and in the inner two
            left, right = (sector - 1) % SECTORS, (sector + 1) % SECTORS
            window = inner[left] + inner[sector] + inner[right]
            near = deep[left] + deep[sector] + deep[right]
            blind[p] = max(blind[p], min(window / blind_scans, near / (0.3 * blind_scans)))
    return blind, short


@numba.njit(cache=True)
def _explained(out: F64, explains: I64) -> F64:
    """Set to nought what another fault explains."""
    for p in range(len(out)):
        for n in range(len(explains)):
            cause, effect = explains[n]
            if out[p, cause] >= 1.0:
                out[p, effect] = 0.0
    return out


_HIDES_VEHICLES = (PoleFault.BLIND_SECTOR, PoleFault.SHORT_SIGHTED)
# pairs of a fault and one that it explains, in the order in which they are asked
EXPLAINS = np.array(
    [
        (cause, effect)
        for cause, effects in (
            (PoleFault.SILENT, tuple(PoleFault)[1:]),
            (PoleFault.FROZEN, tuple(PoleFault)[2:]),
            (PoleFault.CLOCK_DRIFT, (PoleFault.CLOCK_OFFSET, PoleFault.LATE)),
            (PoleFault.CLOCK_OFFSET, (PoleFault.LATE,)),
            (PoleFault.NOISY, (PoleFault.GHOSTS, *_HIDES_VEHICLES)),
            (PoleFault.TURNED, _HIDES_VEHICLES),
            (PoleFault.SHIFTED, _HIDES_VEHICLES),
            (PoleFault.CLOCK_OFFSET, _HIDES_VEHICLES),
        )
        for effect in effects
    ],
    np.int64,
)
EXPLAINS.flags.writeable = False
