"""Comparing runs with services off and on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel

from wayside.guidance.benefit import MEASURES, Trial, compared, interval, trial


def _trial(value: float) -> Trial:
    return Trial(**dict.fromkeys(MEASURES, value), told=1.0, hours=2.0)  # type: ignore[arg-type]


def test_the_interval_is_that_of_the_paired_t_test() -> None:
    random = np.random.default_rng(3)
    off, on = random.normal(5.0, 1.0, 8), random.normal(4.0, 1.0, 8)
    mean, half = interval(on - off)
    expected = ttest_rel(on, off).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((expected.low, expected.high))


def test_one_pair_has_no_interval() -> None:
    mean, half = interval(np.array([2.0]))
    assert mean == 2.0
    assert np.isnan(half)
    report = compared([_trial(4.0)], [_trial(3.0)], [1], "pingshan")
    assert all(line.measured is None for line in report.lines)


@pytest.mark.parametrize(
    ("on", "met"), [((3.0, 3.1, 2.9), True), ((5.0, 5.1, 4.9), False), ((3.0, 4.2, 5.1), True)]
)
def test_a_line_fails_only_where_services_surely_did_harm(on: tuple[float, ...], met: bool) -> None:
    report = compared([_trial(4.0)] * 3, [_trial(value) for value in on], [1, 2, 3], "pingshan")
    measured = report.lines[0].measured
    assert measured is not None
    assert (measured <= 0.0) == met
    grid = report.grids[0].rows[0]
    assert grid[1:4] == (4.0, pytest.approx(np.mean(on), abs=1e-3), pytest.approx(np.mean(on) - 4.0, abs=1e-3))


@pytest.mark.slow
def test_who_does_not_listen_is_told_and_drives_as_without_services() -> None:
    off, again = (trial("pingshan", 3, 15.0, listens=False, settle_s=5.0) for _ in range(2))
    on = trial("pingshan", 3, 15.0, listens=True, settle_s=5.0)
    assert off == again
    assert off.told > 0.0
    assert off.hours > 0.4
    assert on != off
