"""Approval of advised speeds."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.guard.speeds import SpeedGuardConfig, approve_speeds
from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.tables import SpeedRequests
from wayside.roadside.tables import Actors

ROAD = SimpleNamespace(lanes=SimpleNamespace(speed_limit=np.array([13.89, 8.33, 1.0, 20.0])))


def actors(*rows):
    """Make actors of (id, lane)."""
    columns = {name: np.zeros(len(rows)) for name in Actors.columns}
    return Actors(**columns | {"id": [r[0] for r in rows], "lane": [r[1] for r in rows]})


def requests(*rows):
    """Make requests of (subject, speed)."""
    columns = {name: np.zeros(len(rows)) for name in SpeedRequests.columns}
    return SpeedRequests(**columns | {"subject": [r[0] for r in rows], "speed": [r[1] for r in rows]})


def warned(*rows):
    """Make warning orders of (subject, verdict)."""
    columns = {name: np.zeros(len(rows)) for name in WarningOrders.columns}
    return WarningOrders(**columns | {"subject": [r[0] for r in rows], "verdict": [r[1] for r in rows]})


def approve(asked, there, said=None):
    return approve_speeds(
        asked, said or WarningOrders.empty(), there, road=ROAD, config=SpeedGuardConfig()
    ).canonical()


def test_a_speed_above_the_lanes_limit_is_lowered_to_it():
    orders = approve(requests((1, 12.0), (2, 12.0)), actors((2, 1), (1, 0)))
    assert orders.speed.tolist() == [12.0, 8.33]
    assert orders.verdict.tolist() == [Verdict.APPROVED, Verdict.LIMITED]


def test_too_slow_an_advice_is_refused_and_not_raised():
    orders = approve(requests((1, 1.9)), actors((1, 0)))
    assert orders.verdict.tolist() == [Verdict.IMPLAUSIBLE] and np.isnan(orders.speed[0])


def test_who_is_being_warned_gets_no_advice():
    orders = approve(
        requests((1, 9.0), (2, 9.0), (3, 9.0)),
        actors((1, 0), (2, 0), (3, 0)),
        warned((1, Verdict.APPROVED), (2, Verdict.REMEMBERED), (3, Verdict.IMPLAUSIBLE)),
    )
    assert orders.verdict.tolist() == [Verdict.LESS_URGENT, Verdict.LESS_URGENT, Verdict.APPROVED]
    assert np.isnan(orders.speed[:2]).all()


def test_who_is_not_there_or_off_the_lanes_gets_no_advice():
    orders = approve(requests((1, 9.0), (2, 9.0)), actors((2, -1)))
    assert orders.verdict.tolist() == [Verdict.IMPLAUSIBLE] * 2
    assert approve(requests((1, 9.0)), Actors.empty()).verdict.tolist() == [Verdict.IMPLAUSIBLE]
    assert approve(SpeedRequests.empty(), actors((1, 0))) == SpeedOrders.empty()


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.one_of(st.just(float("nan")), st.floats(-50, 90))),
        max_size=9,
        unique_by=lambda r: r[0],
    ),
    st.lists(st.tuples(st.integers(1, 9), st.integers(-1, 3)), max_size=9, unique_by=lambda r: r[0]),
)
def test_no_order_is_faster_than_its_lane_allows_or_too_slow_to_drive(asked, there):
    orders = approve(requests(*asked), actors(*there))
    assert orders.subject.tolist() == sorted(s for s, _ in asked)
    lane = dict(there)
    for subject, speed, verdict in zip(orders.subject.tolist(), orders.speed, orders.verdict, strict=True):
        if verdict in (Verdict.APPROVED, Verdict.LIMITED):
            assert 2.0 <= speed <= ROAD.lanes.speed_limit[lane[subject]]
        else:
            assert np.isnan(speed)
