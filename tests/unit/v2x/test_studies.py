from __future__ import annotations

from typing import Any

import numpy as np

from wayside.language import catalogue
from wayside.report import Verdict
from wayside.signals.tables import SignalControllers
from wayside.table import I64, Table
from wayside.v2x.studies import report_rates, wire
from wayside.v2x.tables import MessageType, RefusalReason, Refusals, Reports, Traffic

TICK = 100_000_000


class FakeRun:
    name = "fake"

    def __init__(
        self, seconds: int, given: dict[type[Table], tuple[I64, Table]], units: tuple[int, ...] = (1, 2)
    ) -> None:
        self.ticks = np.arange(seconds * 10 + 1, dtype=np.int64) * TICK + 7 * TICK
        self._given = given
        self._units = units

    def rows(self, kind: type[Any]) -> tuple[I64, Any]:
        return self._given.get(kind, (np.empty(0, np.int64), kind.empty()))

    def asset(self, kind: type[Any]) -> Any:
        assert kind is SignalControllers
        n = np.arange(len(self._units))
        return SignalControllers(controller=n, x=n * 1.0, y=n * 1.0, unit=self._units)


def run(
    seconds: int = 21, *, spat: int = 2, bsm_ns: int = TICK, refused: int = 0, units: tuple[int, ...] = (1, 2)
) -> Any:
    """Return a Run in which each of two controllers speaks SPAT every tick and MAP each second."""
    ticks = seconds * 10
    instants, rows = [], []
    for k in range(1, ticks + 1):
        sent = [(MessageType.SPAT, 1, spat, 100 * spat)]
        if k % 10 == 3:
            sent.append((MessageType.MAP, 1, 2, 800))
        for row in [*sent, (MessageType.BSM, 0, 3, 150)]:
            instants.append((k + 7) * TICK)
            rows.append(row)
    kinds, directions, frames, octets = (list(c) for c in zip(*rows, strict=True))
    said = np.arange(7 * TICK, (7 + ticks) * TICK, bsm_ns)
    n = len(said)
    zero = np.zeros(n)
    floats = {c.name: zero for c in Reports.columns.values() if c.places is not None}
    reports = Reports(
        sender=np.full(n, 5, np.uint64), time_ns=said, received_ns=said, kind=zero, events=zero, **floats
    )  # fmt: skip
    m = np.arange(refused)
    refusals = Refusals(
        received_ns=m + 1, link=m, number=m * 0, reason=np.full(refused, RefusalReason.STALE), octets=m + 20
    )
    return FakeRun(
        seconds,
        {
            Traffic: (np.array(instants), Traffic(type=kinds, direction=directions, frames=frames, octets=octets)),
            Reports: (said, reports),
            Refusals: (m + 1, refusals),
        },
        units,
    )


def verdicts(*runs: Any) -> dict[str, Verdict]:
    return {line.id: line.verdict for line in wire(runs).lines}


def test_a_run_that_keeps_its_rates_meets_every_line() -> None:
    assert set(verdicts(run()).values()) == {Verdict.PASS}


def test_a_controller_that_is_silent_fails_the_rate() -> None:
    found = verdicts(run(spat=1))
    assert found["A3-spat-rate-min"] == Verdict.FAIL and found["A3-spat-rate-max"] == Verdict.PASS


def test_a_controller_that_says_it_twice_fails_the_other_bound() -> None:
    assert verdicts(run(spat=4))["A3-spat-rate-max"] == Verdict.FAIL


def test_a_single_bad_run_among_good_ones_is_not_averaged_away() -> None:
    assert verdicts(run(), run(spat=1), run())["A3-spat-rate-min"] == Verdict.FAIL


def test_controllers_without_a_unit_are_not_expected_to_speak() -> None:
    assert verdicts(run(spat=1, units=(1, -1)))["A3-spat-rate-min"] == Verdict.PASS


def test_slow_senders_are_found() -> None:
    assert verdicts(run(bsm_ns=2 * TICK))["A3-bsm-rate-min"] == Verdict.FAIL
    np.testing.assert_allclose(report_rates(run()), [10.0])


def test_every_refused_frame_counts() -> None:
    assert verdicts(run(refused=1))["A3-refusals"] == Verdict.FAIL
    grid = next(g for g in wire([run(refused=3)]).grids if g.id == "wire-refusals")
    assert ("v2x.refused_stale", 3) in grid.rows


def test_a_run_that_cannot_tell_leaves_its_lines_unknown() -> None:
    assert set(verdicts(FakeRun(5, {}, ())).values()) == {Verdict.UNKNOWN}
    assert set(verdicts().values()) == {Verdict.UNKNOWN}


def test_frames_and_octets_are_summed_by_type_and_direction() -> None:
    grid = next(g for g in wire([run(20)]).grids if g.id == "wire-traffic")
    bsm = next(row for row in grid.rows if row[0] == "v2x.type_bsm")
    assert bsm[:4] == ("v2x.type_bsm", "v2x.received", 600, 30_000)
    assert bsm[6] == 50.0


def test_all_words_are_in_the_catalogue() -> None:
    report = wire([run(refused=1)])
    words = [line.text for line in report.lines]
    for grid in report.grids:
        words += [grid.text, *grid.headings, *(cell for row in grid.rows for cell in row if isinstance(cell, str))]
    for figure in report.figures:
        words += [figure.text, figure.x_text, figure.y_text]
        words += [text for series in figure.series for text in (series.text, *series.x) if isinstance(text, str)]
    assert not [word for word in words if word not in catalogue()]
