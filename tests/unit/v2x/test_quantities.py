from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.v2x.quantities import (
    CLASSIFICATION,
    CONFIDENCE_RADII,
    KIND_OF_CLASSIFICATION,
    MINUTE_NS,
    NO_MARK,
    RADIUS_95,
    from_confidence,
    from_steps,
    instant_of,
    minute_of_year,
    second_mark,
    to_confidence,
    to_steps,
)
from wayside.v2x.tables import Kind


@given(received=st.integers(10 * MINUTE_NS, 2**62), age_ms=st.integers(-29_999, 29_999))
def test_an_instant_is_found_again_across_the_minute(received: int, age_ms: int) -> None:
    said = received // 1_000_000 * 1_000_000 - age_ms * 1_000_000
    assert instant_of(second_mark(np.array([said])), np.array([received]))[0] == said


def test_an_unknown_mark_is_taken_for_the_reception() -> None:
    assert instant_of(np.array([NO_MARK]), np.array([123_456_789]))[0] == 123_456_789


@given(sigma=st.floats(0.004, 200))
def test_a_confidence_promises_no_more_than_is_true_and_not_much_less(sigma: float) -> None:
    number = to_confidence(np.array([sigma]))
    back = from_confidence(number)[0]
    assert back >= sigma * 0.999
    assert back <= 2.6 * sigma or CONFIDENCE_RADII[number][0] == 0.01
    assert np.isclose(back * RADIUS_95, CONFIDENCE_RADII[number][0])


def test_every_kind_is_found_again_by_its_classification() -> None:
    for kind in Kind:
        assert KIND_OF_CLASSIFICATION[CLASSIFICATION[kind]] == kind


def test_what_lies_beyond_the_range_is_cut_to_it() -> None:
    steps = to_steps(np.array([-5.0, 1e6, np.nan]), 0.02, 0, 8190, 8191)
    assert steps.tolist() == [0, 8190, 8191]
    assert np.isnan(from_steps(steps, 0.02, 8191)[2])


def test_minutes_of_the_year_begin_anew_with_the_year() -> None:
    new_year = int(np.datetime64("2026-01-01", "ns").astype(np.int64))
    assert [minute_of_year(new_year + d) for d in (-1, 0, 60_000_000_000)] == [525_599, 0, 1]
    leap_end = int(np.datetime64("2024-12-31T23:59", "ns").astype(np.int64))
    assert minute_of_year(leap_end) == 527_039
