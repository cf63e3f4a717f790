"""Approval of warnings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.guard.tables import Verdict, WarningOrders
from wayside.guard.warnings import WarningGuardConfig, approve_warnings
from wayside.guidance.tables import Service, WarningRequests

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
CONFIG = WarningGuardConfig()


def requests(*rows):
    """Make requests of (service, subject, other, lead)."""
    service, subject, other, lead = zip(*rows, strict=True) if rows else ((), (), (), ())
    count = len(rows)
    return WarningRequests(
        service=service, subject=subject, other=other, lead=lead, x=np.arange(count), y=np.zeros(count),
        confidence=np.full(count, 0.9), value=np.zeros(count), reason=np.ones(count),
    )  # fmt: skip


def approve(asked, before=None, now=NOW):
    return approve_warnings(asked, before or WarningOrders.empty(), time_ns=now, config=CONFIG).canonical()


def test_the_most_urgent_warning_of_a_subject_goes_out_and_the_others_wait():
    orders = approve(requests((1, 5, 8, 2.0), (2, 5, 9, 1.5), (6, 5, 0, 9.0), (1, 6, 8, 4.0)))
    assert orders.verdict.tolist() == [
        Verdict.LESS_URGENT, Verdict.APPROVED, Verdict.APPROVED, Verdict.LESS_URGENT,
    ]  # fmt: skip
    assert orders.said_ns.tolist() == [0, NOW, NOW, 0]


def test_what_is_about_to_happen_is_more_urgent_than_what_is_so_already():
    orders = approve(requests((1, 5, 8, 0.4), (7, 5, 0, np.nan)))
    assert orders.verdict.tolist() == [Verdict.APPROVED, Verdict.LESS_URGENT]


def test_at_equal_time_the_smaller_service_number_goes_first():
    orders = approve(requests((3, 5, 8, 2.0), (2, 5, 9, 2.0)))
    assert orders.verdict.tolist() == [Verdict.APPROVED, Verdict.LESS_URGENT]


def test_the_same_warning_goes_out_once_a_second_for_as_long_as_it_is_asked_for():
    before, said = WarningOrders.empty(), []
    for tick in range(31):
        before = approve(requests((1, 5, 8, 2.0)), before, NOW + tick * SECOND // 10)
        assert len(before) == 1
        said.append(int(before.verdict[0]))
    assert [i for i, v in enumerate(said) if v == Verdict.APPROVED] == [0, 10, 20, 30]
    assert set(said) == {Verdict.APPROVED, Verdict.REPEATED}


def test_a_request_that_flickers_is_not_said_twice_within_a_second():
    first = approve(requests((1, 5, 8, 2.0)))
    gap = approve(requests(), first, NOW + SECOND // 10)
    assert gap.verdict.tolist() == [Verdict.REMEMBERED] and gap.said_ns.tolist() == [NOW]
    again = approve(requests((1, 5, 8, 2.0)), gap, NOW + 2 * SECOND // 10)
    assert again.verdict.tolist() == [Verdict.REPEATED]
    assert len(approve(requests(), gap, NOW + SECOND)) == 0


def test_a_new_danger_is_told_at_once_though_another_was_told_a_moment_ago():
    first = approve(requests((1, 5, 8, 4.0)))
    orders = approve(requests((1, 5, 8, 3.9), (2, 5, 9, 1.0)), first, NOW + SECOND // 10)
    assert orders.verdict.tolist() == [Verdict.LESS_URGENT, Verdict.APPROVED]
    later = approve(requests((1, 5, 8, 3.8)), orders, NOW + 2 * SECOND // 10)
    assert later.verdict.tolist() == [Verdict.REPEATED, Verdict.REMEMBERED]


@pytest.mark.parametrize(
    "changed",
    [
        {"service": [99]},
        {"subject": [0]},
        {"other": [5]},
        {"lead": [-0.1]},
        {"lead": [21.0]},
        {"x": [np.nan]},
        {"confidence": [np.nan]},
        {"confidence": [0.1]},
        {"confidence": [1.2]},
    ],
)
def test_a_request_without_sense_is_refused_and_listed(changed):
    orders = approve(requests((1, 5, 8, 2.0)).replace(**changed))
    assert orders.verdict.tolist() == [Verdict.IMPLAUSIBLE] and orders.said_ns.tolist() == [0]


def test_nonsense_does_not_keep_a_true_warning_from_going_out():
    orders = approve(requests((1, 5, 8, -3.0), (2, 5, 9, 6.0)))
    assert orders.verdict.tolist() == [Verdict.IMPLAUSIBLE, Verdict.APPROVED]


ROWS = st.lists(
    st.tuples(
        st.sampled_from([*Service, 0, 200]),
        st.integers(0, 5),
        st.integers(0, 5),
        st.one_of(st.just(float("nan")), st.floats(-2, 30)),
    ),
    max_size=25,
    unique_by=lambda r: r[:3],
)


@given(ROWS, ROWS)
def test_every_request_gets_one_row_and_no_subject_two_warnings_at_once(first, second):
    before = approve(requests(*first))
    orders = approve(requests(*second), before, NOW + SECOND // 2)
    kept = orders.verdict == Verdict.REMEMBERED
    answered = {(int(s), int(a), int(o)) for s, a, o in zip(
        orders.service[~kept], orders.subject[~kept], orders.other[~kept], strict=True)}  # fmt: skip
    assert answered == {r[:3] for r in second} and (~kept).sum() == len(second)
    subjects = orders.subject[np.isin(orders.verdict, [Verdict.APPROVED, Verdict.REPEATED])]
    assert len(subjects) == len(set(subjects.tolist()))
    assert (orders.said_ns[orders.verdict == Verdict.APPROVED] == NOW + SECOND // 2).all()
    assert (orders.said_ns[orders.verdict == Verdict.REMEMBERED] == NOW).all()


@given(ROWS, ROWS, st.randoms())
def test_neither_the_order_of_rows_nor_a_cut_between_subjects_matters(first, second, random):
    shuffled = list(second)
    random.shuffle(shuffled)
    before = approve(requests(*first))
    whole = approve(requests(*second), before, NOW + 3)
    assert approve(requests(*shuffled), before, NOW + 3).replace(x=np.zeros(len(whole))) == whole.replace(
        x=np.zeros(len(whole))
    )
    parts = []
    for side in (0, 1):
        mine = requests(*[r for r in second if r[1] % 2 == side])
        parts.append(approve(mine, before.take(before.subject % 2 == side), NOW + 3))
    joined = WarningOrders.concatenate(parts).canonical()
    assert joined.replace(x=np.zeros(len(joined))) == whole.replace(x=np.zeros(len(whole)))
