"""Approval of measures."""

import numpy as np

from wayside.admission.tables import MeasureRequests, Measures
from wayside.guard.measures import MeasureGuardConfig, approve_measures
from wayside.guard.tables import MeasureOrders

SECOND = 1_000_000_000
PREPARED = Measures(
    measure=[1, 2, 3],
    zone=[5, 6, 7],
    classes=[2, 4, 6],
    visibility_below=[200.0] * 3,
    visibility_above=[300.0] * 3,
    max_speed=[8.0, np.nan, 0.5],
    closed=[False, True, False],
    grace=[30.0, 20.0, np.nan],
)


def requests(measure, active):
    count = len(measure)
    return MeasureRequests(
        measure=measure,
        active=active,
        since_ns=np.zeros(count),
        visibility=np.full(count, 90.0),
        station=np.zeros(count),
        turning_ns=np.zeros(count),
    )


def approve(asked, before=None, now=100 * SECOND):
    return approve_measures(
        asked, PREPARED, before or MeasureOrders.empty(), time_ns=now, config=MeasureGuardConfig()
    ).canonical()


def test_only_wanted_measures_are_in_force_as_they_were_prepared():
    orders = approve(requests([1, 2, 3], [True, True, False]))
    assert orders.measure.tolist() == [1, 2] and orders.zone.tolist() == [5, 6]
    assert orders.closed.tolist() == [False, True]
    assert orders.max_speed[0] == 8.0 and np.isnan(orders.max_speed[1])
    assert orders.grace_until_ns.tolist() == [130 * SECOND, 120 * SECOND]


def test_a_measure_that_stays_keeps_its_grace_and_one_that_joins_gets_its_own():
    first = approve(requests([1], [True]))
    second = approve(requests([1, 2], [True, True]), first, 110 * SECOND)
    assert second.since_ns.tolist() == [100 * SECOND, 110 * SECOND]
    assert second.grace_until_ns.tolist() == [130 * SECOND, 130 * SECOND]


def test_a_measure_that_comes_back_has_a_new_grace():
    first = approve(requests([1], [True]))
    gone = approve(requests([1], [False]), first, 110 * SECOND)
    assert len(gone) == 0
    assert approve(requests([1], [True]), gone, 120 * SECOND).grace_until_ns.tolist() == [150 * SECOND]


def test_a_measure_nobody_prepared_is_never_in_force():
    assert len(approve(requests([9], [True]))) == 0


def test_everybody_gets_time_to_comply_and_a_cap_at_which_one_can_drive():
    orders = approve(requests([3], [True]))
    assert orders.grace_until_ns.tolist() == [105 * SECOND] and orders.max_speed.tolist() == [2.0]
