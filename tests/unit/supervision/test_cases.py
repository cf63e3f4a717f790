"""Findings become cases."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.supervision.cases import CasesConfig, cases
from wayside.supervision.tables import Cases, Findings, Rule

SECOND = 1_000_000_000
RULES = (Rule.OUTSIDE_ZONE, Rule.SILENT, Rule.VISIBILITY_BELOW_PERMIT)


def findings(*rows):
    """Make findings of (rule, subject, value)."""
    count = len(rows)
    return Findings(
        rule=[r[0] for r in rows], subject=[r[1] for r in rows], x=[1.0] * count, y=[2.0] * count,
        since_ns=[50 * SECOND] * count, value=[r[2] for r in rows], limit=[10.0] * count,
    )  # fmt: skip


def follow(*moments):
    """Run the step over moments of (second, findings)."""
    before = Cases.empty()
    for second, found in moments:
        before = cases(found, before, time_ns=round(second * SECOND), config=CasesConfig()).canonical()
    return before


NOTHING = findings()
BREACH = findings((Rule.OUTSIDE_ZONE, 7, 3.0))


def test_a_finding_that_stays_is_one_case_with_its_worst_value():
    case = follow((60, BREACH), (61, findings((Rule.OUTSIDE_ZONE, 7, 9.0))), (62, BREACH))
    assert case.case.tolist() == [1] and case.worst.tolist() == [9.0]
    assert case.opened_ns[0] == 60 * SECOND and case.last_ns[0] == 62 * SECOND and case.open[0]


def test_the_worst_visibility_is_the_lowest_and_a_negative_angle_can_be_the_worst():
    fog, pole = Rule.VISIBILITY_BELOW_PERMIT, Rule.POLE_MISALIGNED
    case = follow(
        (60, findings((fog, 7, 90.0), (pole, 1, 0.01))), (61, findings((fog, 7, 40.0), (pole, 1, -0.03)))
    )
    assert case.worst.tolist() == [40.0, -0.03]


def test_what_comes_back_within_a_minute_is_the_same_case_and_later_a_new_one():
    assert follow((60, BREACH), (61, NOTHING), (120, BREACH)).case.tolist() == [1]
    case = follow((60, BREACH), (61, NOTHING), (120.1, NOTHING), (121, BREACH))
    assert case.case.tolist() == [1, 2] and case.open.tolist() == [False, True]


def test_a_closed_case_never_changes_and_costs_nothing():
    closed = follow((60, BREACH), (130, NOTHING))
    assert not closed.open.any()
    assert cases(NOTHING, closed, time_ns=200 * SECOND, config=CasesConfig()) is closed


def test_cases_of_one_tick_are_numbered_by_rule_and_subject():
    rows = [(Rule.SILENT, 3, 1.0), (Rule.OUTSIDE_ZONE, 9, 1.0), (Rule.OUTSIDE_ZONE, 4, 1.0)]
    case = follow((60, findings(*rows)))
    assert list(zip(case.case.tolist(), case.subject.tolist(), strict=True)) == [(1, 4), (2, 9), (3, 3)]
    assert case == follow((60, findings(*reversed(rows))))


MOMENT = st.lists(
    st.tuples(st.sampled_from(RULES), st.integers(1, 3), st.floats(-5, 50)), max_size=6, unique_by=lambda r: r[:2]
)


@given(st.lists(MOMENT, max_size=12), st.lists(st.floats(0.1, 50), min_size=12, max_size=12))
def test_every_finding_has_one_open_case_and_numbers_only_grow(moments, gaps):
    before, now = Cases.empty(), 100.0
    for rows, gap in zip(moments, gaps, strict=False):
        now += gap
        after = cases(findings(*rows), before, time_ns=round(now * SECOND), config=CasesConfig()).canonical()
        open_now = after.take(after.open)
        keys = list(zip(open_now.rule.tolist(), open_now.subject.tolist(), strict=True))
        assert len(keys) == len(set(keys)) and {(r[0], r[1]) for r in rows} <= set(keys)
        assert after.case.tolist() == list(range(1, len(after) + 1))
        assert np.array_equal(after.opened_ns[: len(before)], before.opened_ns)
        before = after
