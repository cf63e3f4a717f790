from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.report import Line, Report, Verdict
from wayside.security.acceptance import signatures
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.v2x.tables import Reports
from wayside.world import Event

S = 1_000_000_000
IMPOSTOR, HONEST = 66, 7


class HandmadeRun:
    """As much of a Run as the study reads."""

    name = "handmade"

    def __init__(
        self, counts: dict[SignatureState, int], lost: list[tuple[int, SignatureState]], believed: list[int]
    ) -> None:
        self.ticks = np.arange(3) * S
        self.events = [Event(0, "planted", {"fault": "impostor", "subject": IMPOSTOR, "from_ns": 0})]
        states = np.array(list(counts), np.uint8)
        told = SignatureCounts(state=states, messages=np.array(list(counts.values()), np.uint32))
        n = len(lost)
        refused = Signatures(
            received_ns=np.zeros(n, np.int64), link=np.zeros(n, np.uint64), number=np.arange(n, dtype=np.uint32),
            signer=np.zeros(n, np.uint64), sender=np.array([who for who, _ in lost], np.uint64), x=np.zeros(n),
            y=np.zeros(n), aid=np.full(n, 111, np.int32), generation_ns=np.zeros(n, np.int64),
            state=np.array([state for _, state in lost], np.uint8),
        )  # fmt: skip
        reports = Reports.empty()
        if believed:
            columns: dict[str, Any] = {
                name: np.zeros(len(believed), c.dtype) for name, c in Reports.columns.items()
            }
            reports = Reports(**columns | {"sender": np.array(believed, np.uint64)})
        self._rows = {SignatureCounts: told, Signatures: refused, Reports: reports}

    def rows(self, kind: type) -> tuple[Any, Any]:
        return np.zeros(len(self._rows[kind]), np.int64), self._rows[kind]


def line(report: Report, name: str) -> Line:
    return next(one for one in report.lines if one.id == name)


def test_an_impostor_refused_for_its_certificate_is_met() -> None:
    counts = {SignatureState.VALID: 10, SignatureState.UNCHECKED: 90, SignatureState.UNTRUSTED: 2}
    run = HandmadeRun(counts, [(IMPOSTOR, SignatureState.UNTRUSTED)] * 2, [HONEST])
    report = signatures([run])  # type: ignore[list-item]
    assert line(report, "B9-impostor-refused").measured == 1.0
    assert line(report, "B9-honest-refused").measured == 0.0
    assert line(report, "B9-share-verified").measured == pytest.approx(0.1)
    assert report.figures[0].series[0].y.tolist() == [pytest.approx(0.1)]


def test_a_believed_impostor_or_another_reason_is_not_met() -> None:
    counts = {SignatureState.VALID: 1, SignatureState.UNTRUSTED: 1}
    run = HandmadeRun(counts, [(IMPOSTOR, SignatureState.UNTRUSTED)], [IMPOSTOR])
    assert line(signatures([run]), "B9-impostor-refused").measured == 0.5  # type: ignore[list-item]
    run = HandmadeRun({SignatureState.BAD: 1}, [(IMPOSTOR, SignatureState.BAD)], [])
    assert line(signatures([run]), "B9-impostor-refused").verdict is Verdict.FAIL  # type: ignore[list-item]


def test_an_honest_sender_refused_is_counted() -> None:
    run = HandmadeRun({SignatureState.EXPIRED: 3}, [(HONEST, SignatureState.EXPIRED)] * 3, [])
    assert line(signatures([run]), "B9-honest-refused").measured == 3.0  # type: ignore[list-item]


def test_a_run_without_signatures_knows_nothing() -> None:
    run = HandmadeRun({}, [], [])
    assert all(one.verdict is Verdict.UNKNOWN for one in signatures([run]).lines)  # type: ignore[list-item]
