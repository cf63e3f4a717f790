"""What becomes of liars put into stored traffic: who is distrusted, for what, and how soon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.frame import Frame
from wayside.roadside.tables import Detections, Poles
from wayside.security.attacks import Attack, Attacked, change_identities, inject
from wayside.security.plausibility import PlausibilityConfig, judge_senders
from wayside.security.tables import Distrust, PoleReach, Trust
from wayside.table import F64, I64, U64, Bool
from wayside.v2x.tables import Reports

if TYPE_CHECKING:
    from wayside.run import Run

SHARE = 0.05  # of senders that lie
IDENTITY_S = 120.0  # an honest sender's identity lasts so long


@dataclass(frozen=True)
class Outcome:
    """What became of the identities of one Run with one attack.

    Attributes:
        sender: identities that told lies or are honest; those an attacker tells the truth under are left out.
        lied: which of them told lies.
        since_ns: for those, the instant of the first lie.
        found_ns: instant at which each was first distrusted after that, -1 never.
        reason: why.
        messages: of those identities.
        false: which messages were lies; refused: which came from a sender distrusted by then.
        honest_s: time honest senders were heard, all together [s].
        delays_s: from a vehicle's first lie, under whatever identity, until one of its identities was distrusted
            [s]; of vehicles found.
        vehicles: that lied.
    """

    sender: U64
    lied: Bool
    since_ns: I64
    found_ns: I64
    reason: I64
    false: Bool
    refused: Bool
    honest_s: float

    delays_s: F64
    vehicles: int

    @classmethod
    def joined(cls, outcomes: Sequence[Outcome]) -> Outcome:
        """Return several outcomes as one."""
        columns: dict[str, Any] = {
            field.name: np.concatenate([getattr(one, field.name) for one in outcomes]) if outcomes else np.empty(0)
            for field in fields(cls)
            if field.name not in ("honest_s", "vehicles")
        }
        for name in ("lied", "false", "refused"):
            columns[name] = columns[name].astype(np.bool_)
        return cls(
            **columns,
            honest_s=sum(one.honest_s for one in outcomes),
            vehicles=sum(one.vehicles for one in outcomes),
        )

    def scores(self) -> tuple[float, float, float]:
        """Return precision, recall and F1 over senders."""
        return _scores(self.lied, self.found_ns >= 0)

    def message_scores(self) -> tuple[float, float, float]:
        """Return precision, recall and F1 over messages."""
        return _scores(self.false, self.refused)


def _scores(true: Bool, said: Bool) -> tuple[float, float, float]:
    right, all_true, all_said = int((true & said).sum()), int(true.sum()), int(said.sum())
    precision = right / all_said if all_said else float("nan")
    recall = right / all_true if all_true else float("nan")
    return precision, recall, 2 * right / (all_true + all_said) if all_true + all_said else float("nan")


def judged(run: Run, attacked: Attacked, config: PlausibilityConfig) -> Iterator[tuple[int, slice, Trust]]:
    """Yield for each tick its instant, the rows of its reports and who is trusted after it."""
    memory, poles, road = Trust.empty(), run.asset(Poles), run.road
    ticks, start = np.unique(attacked.ticks, return_index=True)
    end = np.append(start[1:], len(attacked.ticks))
    rows_of = {tick: (first, last) for tick, first, last in zip(ticks.tolist(), start, end, strict=True)}
    frame: Frame
    for frame in run.frames([Detections, PoleReach]):
        rows = slice(*rows_of.get(frame.time_ns, (0, 0)))
        memory = judge_senders(
            attacked.reports.take(rows), frame[Detections], poles, frame[PoleReach], memory,
            road=road, time_ns=frame.time_ns, config=config,
        ).canonical()  # fmt: skip
        yield frame.time_ns, rows, memory


def tell(
    run: Run,
    attack: Attack | None,
    *,
    seed: int,
    share: float = SHARE,
    identity_s: float = IDENTITY_S,
    config: PlausibilityConfig | None = None,
) -> Outcome:
    """Put liars into a stored Run, judge its senders tick by tick, and tell what became of each.

    Args:
        run: with Reports, and Detections and PoleReach if poles are to help.
        attack: how they lie; None for honest traffic.
        seed: of who lies and of the changed identities.
        share: of senders that lie.
        identity_s: how long an honest identity lasts [s], 0 for ever.
        config: of `judge_senders`.
    """
    ticks, reports = run.rows(Reports)
    if attack is None:
        attacked = Attacked.nobody(ticks, reports)
    else:
        attacked = inject(ticks, reports, attack, share=share, seed=seed)
    told = attacked.reports
    vehicle = told.sender
    if identity_s > 0:
        told = change_identities(told, period_s=identity_s, seed=seed)
        attacked = replace(attacked, reports=told)
    sender, place = np.unique(told.sender, return_inverse=True)
    begin = np.full(len(sender), np.iinfo(np.int64).max)
    np.minimum.at(begin, place[attacked.lies], attacked.ticks[attacked.lies])
    found, reason = np.full(len(sender), -1), np.zeros(len(sender), np.int64)
    refused = np.zeros(len(told), np.bool_)
    lied = np.isin(sender, told.sender[attacked.lies])
    for instant, rows, trust in judged(run, attacked, config or PlausibilityConfig()):
        bad = trust.sender[trust.distrusted]
        if not len(bad):
            continue
        refused[rows] = np.isin(told.sender[rows], bad)
        which = np.searchsorted(sender, bad)
        new = (found[which] < 0) & (~lied[which] | (instant >= begin[which]))
        found[which[new]] = instant
        reason[which[new]] = trust.reason[trust.distrusted][new]
    counted = ~np.isin(sender, told.sender[attacked.aside])
    of_them = counted[place]
    delays = _delays(vehicle, told.sender, attacked, sender, found)
    spacing = float(np.median(np.diff(run.ticks))) * 1e-9 if len(run.ticks) > 1 else 0.0
    honest = counted & ~lied
    return Outcome(
        sender[counted], lied[counted], np.where(lied, begin, 0)[counted], found[counted], reason[counted],
        attacked.lies[of_them], refused[of_them], float(honest[place].sum() * spacing), delays[delays >= 0],
        len(delays),
    )  # fmt: skip


def _delays(vehicle: U64, identity: U64, attacked: Attacked, sender: U64, found: I64) -> F64:
    """Return for each vehicle that lies how long after its first lie it is distrusted [s], -1 never."""
    liars, of_lie = np.unique(vehicle[attacked.lies], return_inverse=True)
    if not len(liars):
        return np.empty(0)
    never = np.iinfo(np.int64).max
    begin, end = np.full(len(liars), never), np.full(len(liars), never)
    np.minimum.at(begin, of_lie, attacked.ticks[attacked.lies])
    found_of_lie = found[np.searchsorted(sender, identity[attacked.lies])]
    np.minimum.at(end, of_lie, np.where(found_of_lie < 0, never, found_of_lie))
    return np.where(end < never, (end - begin) * 1e-9, -1.0)


def reasons_of(outcome: Outcome, lied: bool) -> dict[Distrust, int]:
    """Return how many senders were distrusted for which reason: liars, or honest ones."""
    of_them = (outcome.lied == lied) & (outcome.found_ns >= 0)
    codes, counts = np.unique(outcome.reason[of_them], return_counts=True)
    return {Distrust(int(c)): int(n) for c, n in zip(codes, counts, strict=True)}
