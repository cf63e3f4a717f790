"""Whether forged senders were found and honest ones left in peace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.security.tables import Distrust, Trust
from wayside.table import F64

if TYPE_CHECKING:
    from wayside.run import Run

FOUND_WITHIN_S = 30.0
EVIDENCE_EDGES_S = np.arange(0.0, 4.01, 0.25)


def trust(runs: Sequence[Run]) -> Report:
    """Compare who was distrusted with who was planted as a forger.

    The time to finding counts from the forger's first report; a forger that no pole can see may take long.
    """
    delays, missed, honest, accused = list[float](), 0, 0, 0
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
                delays.append((int(tick[row]) - max(heard, planted[sender])) * 1e-9)
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
                (max(delays) if not missed else float("nan")) if delays else None,
            ),
            Line(
                "B9-honest-distrusted", "security.honest_line", 0, "==", "", "systems B9 [own]",
                float(accused) if honest else None,
            ),
        ),
        grids=(
            Grid(
                "trust", "security.trust_grid",
                ("security.senders", "security.found", "security.missed", "security.accused", "security.delay"),
                ((honest, len(delays), missed, accused, round(max(delays), 1) if delays else None),),
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
