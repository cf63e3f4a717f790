"""Whether forged senders were found and honest ones left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Detections, Poles
from wayside.security.sight import UNSEEN, SightConfig, sight
from wayside.security.tables import Distrust, PoleReach, Trust
from wayside.table import F64
from wayside.v2x.tables import Reports

if TYPE_CHECKING:
    from wayside.run import Run

FOUND_WITHIN_S = 10.0
EVIDENCE_EDGES_S = np.arange(0.0, 4.01, 0.25)


def trust(runs: Sequence[Run]) -> Report:
    """Compare who was distrusted with who was planted as a forger.

    The time to finding that is judged counts only while some pole had a clear view of the place the forger
    claimed: what a truck hides, nobody can call a lie. The whole time since its first report is shown beside it.
    """
    delays, in_view, missed, honest, accused = list[float](), list[float](), 0, 0, 0
    reasons = dict.fromkeys(Distrust, 0)
    most_unseen = list[F64]()
    for run in runs:
        tick, memory = run.rows(Trust)
        planted = {
            int(e.facts["subject"]): int(e.facts["from_ns"])
            for e in run.events
            if e.kind == "planted" and e.facts.get("fault") == "forger"
        }
        forgers = np.array(list(planted), np.uint64)
        senders, place = np.unique(memory.sender, return_inverse=True)
        is_honest = ~np.isin(senders, forgers)
        honest += int(is_honest.sum())
        unseen = np.zeros(len(senders))
        np.maximum.at(unseen, place, memory.unseen)
        most_unseen.append(unseen[is_honest])
        bad = np.flatnonzero(memory.distrusted)
        _, first = np.unique(memory.sender[bad], return_index=True)
        for row in bad[first]:
            sender = int(memory.sender[row])
            reasons[Distrust(int(memory.reason[row]))] += 1
            if sender in planted:
                heard = int(tick[np.flatnonzero(memory.sender == np.uint64(sender))[0]])
                since = max(heard, planted[sender])
                delays.append((int(tick[row]) - since) * 1e-9)
                in_view.append(_time_in_view(run, sender, since, int(tick[row])))
            else:
                accused += 1
        missed += len(planted)
    missed -= len(delays)
    evidence = np.concatenate(most_unseen) if most_unseen else np.empty(0)
    return Report(
        study="trust",
        lines=(
            Line(
                "B9-forger-found", "security.found_line", FOUND_WITHIN_S, "<=", "s", "systems B9 [own]",
                (max(in_view) if not missed else float("nan")) if in_view else None,
            ),
            Line(
                "B9-honest-distrusted", "security.honest_line", 0, "==", "", "systems B9 [own]",
                float(accused) if honest else None,
            ),
        ),
        grids=(
            Grid(
                "trust", "security.trust_grid",
                ("security.senders", "security.found", "security.missed", "security.accused", "security.in_view",
                 "security.delay"),
                ((honest, len(delays), missed, accused, _longest(in_view), _longest(delays)),),
            ),
            Grid(
                "distrust-reasons", "security.reasons_grid", ("security.reason", "security.count"),
                tuple((f"security.{r.name.lower()}", reasons[r]) for r in Distrust if r != Distrust.NONE),
            ),
        ),
        figures=(
            Figure(
                "unseen-evidence", "security.evidence_figure", "bar", "security.evidence_axis", "security.senders",
                (
                    Series(
                        "security.honest",
                        EVIDENCE_EDGES_S[:-1],
                        np.histogram(np.minimum(evidence, EVIDENCE_EDGES_S[-1]), EVIDENCE_EDGES_S)[0] * 1.0,
                    ),
                ),
            ),
        ),
        runs=tuple(run.name for run in runs),
    )  # fmt: skip


def _longest(seconds: list[float]) -> float | None:
    """Return the longest time with one decimal place, None of none."""
    return round(max(seconds), 1) if seconds else None


def _time_in_view(run: Run, sender: int, from_ns: int, until_ns: int) -> float:
    """Return for how long some pole should have seen the sender and did not [s]."""
    poles, config, unseen = run.asset(Poles), SightConfig(), 0
    for frame in run.frames([Reports, Detections, PoleReach], since_ns=from_ns):
        if frame.time_ns > until_ns:
            break
        reports = frame[Reports]
        verdict = sight(reports, frame[Detections], poles, frame[PoleReach], config)
        unseen += bool((verdict[reports.sender == np.uint64(sender)] == UNSEEN).any())
    tick_ns = float(np.median(np.diff(run.ticks))) if len(run.ticks) > 1 else 0.0
    return unseen * tick_ns * 1e-9
