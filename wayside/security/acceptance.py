"""Whether signatures and certificates held, how many were checked, and whether the right ones were refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.table import F64
from wayside.v2x.tables import Reports

if TYPE_CHECKING:
    from wayside.run import Run

SOURCE = "systems B9 [own]"
LEAST_CHECKED = 0.02  # share of messages [own]; the default policy samples 5 % beside those with a reason
BIN_S = 5.0
CHECKED = (SignatureState.VALID, SignatureState.BAD)
BELIEVED = (SignatureState.VALID, SignatureState.UNCHECKED)


def signatures(runs: Sequence[Run]) -> Report:
    """Report how signed messages were judged.

    An impostor's messages are those under the identity of a planted `impostor`. All of them have to be refused,
    and because nobody trusted has issued its certificate; no honest sender's may be refused at all.
    """
    totals = np.zeros(len(SignatureState), np.int64)
    refused = rightly = believed = honest = 0
    planted_any = False
    seconds, shares = list[F64](), list[F64]()
    for run in runs:
        instants, counts = run.rows(SignatureCounts)
        totals += np.bincount(counts.state, counts.messages, len(SignatureState)).astype(np.int64)
        if len(run.ticks):
            middle, part = _checked_share((instants - run.ticks[0]) * 1e-9, counts)
            seconds.append(middle)
            shares.append(part)
        planted = [
            int(e.facts["subject"])
            for e in run.events
            if e.kind == "planted" and e.facts.get("fault") == "impostor"
        ]
        planted_any |= bool(planted)
        impostors = np.array(planted, np.uint64)
        _, lost = run.rows(Signatures)
        _, reports = run.rows(Reports)
        mine = np.isin(lost.sender, impostors)
        refused += int(mine.sum())
        rightly += int((lost.state[mine] == SignatureState.UNTRUSTED).sum())
        honest += int((~mine).sum())
        believed += int(np.isin(reports.sender, impostors).sum())
    received, checked = int(totals.sum()), int(totals[list(CHECKED)].sum())
    signed = checked + int(totals[SignatureState.UNCHECKED])
    share = checked / signed if signed else None
    said = refused + believed
    return Report(
        study="signatures",
        lines=(
            Line(
                "B9-impostor-refused", "security.impostor_line", 1.0, "==", "", SOURCE,
                rightly / said if planted_any and said else None,
            ),
            Line(
                "B9-honest-refused", "security.refused_line", 0.0, "==", "", SOURCE,
                float(honest) if received > int(totals[SignatureState.NONE]) else None,
            ),
            Line("B9-share-verified", "security.verified_line", LEAST_CHECKED, ">=", "", SOURCE, share),
        ),
        grids=(
            Grid(
                "signature-states", "security.states_grid", ("security.state", "security.messages"),
                tuple(
                    (f"security.state_{state.name.lower()}", int(totals[state]))
                    for state in SignatureState
                    if totals[state]
                ),
            ),
        ) if received else (),
        figures=(
            Figure(
                "signatures-checked", "security.checked_figure", "line",
                "security.time_axis", "security.share_axis",
                tuple(
                    Series("security.checked_series", time, share)
                    for time, share in zip(seconds, shares, strict=True)
                ),
            ),
        ) if received else (),
        runs=tuple(run.name for run in runs),
    )  # fmt: skip


def _checked_share(time: F64, counts: SignatureCounts) -> tuple[F64, F64]:
    """Return the middle of each five seconds [s], and the share of believable messages that was checked."""
    judged = np.isin(counts.state, (*CHECKED, SignatureState.UNCHECKED))
    place = (time[judged] // BIN_S).astype(np.int64)
    every = np.bincount(place, counts.messages[judged])
    checked = np.bincount(place, counts.messages[judged] * np.isin(counts.state[judged], CHECKED), len(every))
    filled = np.flatnonzero(every)
    middle: F64 = (filled.astype(np.float64) + 0.5) * BIN_S
    return middle, np.asarray(checked[filled] / every[filled], np.float64)
