"""The interlock of charging sites."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.energy.tables import Chargers, ChargingRequests, Sites
from wayside.guard.charging import ChargingGuardConfig, approve_charging
from wayside.guard.tables import ChargingOrders, Verdict

SITES = Sites(site=[1, 2], x=[0.0, 0.0], y=[0.0, 0.0], limit_kw=[100.0, 60.0])
CHARGERS = Chargers(
    charger=[10, 11, 12, 20], site=[1, 1, 1, 2], rated_kw=[60.0, 60.0, 120.0, 60.0], minimum_kw=[5.0] * 4
)


def requests(charger, limit_kw, faulty=None, power_kw=None):
    columns = {name: np.zeros(len(charger)) for name in ChargingRequests.columns}
    columns |= {"charger": charger, "limit_kw": limit_kw}
    columns |= {"faulty": faulty if faulty is not None else columns["faulty"]}
    columns |= {"power_kw": power_kw if power_kw is not None else columns["power_kw"]}
    return ChargingRequests(**columns)


def approve(asked, sites=SITES, chargers=CHARGERS, before=None, now=7):
    return approve_charging(
        asked, sites, chargers, before or ChargingOrders.empty(), time_ns=now, config=ChargingGuardConfig()
    ).canonical()


def test_what_fits_is_approved():
    orders = approve(requests([10, 11, 12, 20], [40.0, 30.0, 30.0, 60.0]))
    assert orders.limit_kw.tolist() == [40.0, 30.0, 30.0, 60.0]
    assert set(orders.verdict.tolist()) == {Verdict.APPROVED}
    assert orders.site.tolist() == [1, 1, 1, 2]


def test_a_site_that_asks_too_much_is_cut_by_one_factor_and_its_neighbour_is_not():
    orders = approve(requests([10, 11, 12, 20], [60.0, 20.0, 120.0, 60.0]))
    assert orders.limit_kw.tolist() == [30.0, 10.0, 60.0, 60.0]
    assert orders.verdict.tolist() == [Verdict.SITE_LIMIT] * 3 + [Verdict.APPROVED]


def test_a_charger_that_does_not_obey_is_stopped_and_what_it_draws_is_taken_off_the_others():
    orders = approve(requests([10, 11, 12], [60.0, 40.0, 40.0], [True, False, False], [60.0, 0.0, 0.0]))
    assert orders.limit_kw.tolist()[:3] == [0.0, 20.0, 20.0]
    assert orders.verdict.tolist()[:3] == [Verdict.FAULTY, Verdict.SITE_LIMIT, Verdict.SITE_LIMIT]


def test_nobody_gets_more_than_its_charger_can_give():
    orders = approve(requests([20], [90.0]))
    assert orders.limit_kw[3] == 60.0 and orders.verdict[3] == Verdict.LIMITED


def test_a_charger_nobody_asked_for_gets_nothing():
    orders = approve(ChargingRequests.empty())
    assert orders.limit_kw.tolist() == [0.0] * 4 and set(orders.verdict.tolist()) == {Verdict.NOT_ASKED}


def test_nonsense_gets_nothing_and_is_listed():
    orders = approve(requests([10, 11, 99], [np.nan, -4.0, 50.0]))
    assert orders.charger.tolist() == [10, 11, 12, 20, 99]
    assert orders.limit_kw.tolist() == [0.0] * 5
    assert orders.verdict[[0, 1, 4]].tolist() == [Verdict.IMPLAUSIBLE] * 3


def test_an_order_that_does_not_change_keeps_its_instant():
    asked = requests([10, 11, 12, 20], [40.0, 30.0, 30.0, 60.0])
    first = approve(asked, now=7)
    second = approve(requests([10, 11, 12, 20], [40.0, 20.0, 30.0, 60.0]), before=first, now=9)
    assert second.since_ns.tolist() == [7, 9, 7, 7]


@given(
    asked=st.lists(
        st.tuples(
            st.integers(8, 22),
            st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)),
            st.booleans(),
            st.one_of(st.just(float("nan")), st.floats(-50, 500)),
        ),
        max_size=14,
        unique_by=lambda r: r[0],
    ),
    limits=st.lists(st.one_of(st.just(float("nan")), st.floats(-10, 400)), min_size=2, max_size=2),
)
def test_whatever_is_asked_no_site_may_draw_more_than_its_limit(asked, limits):
    sites = SITES.replace(limit_kw=limits).canonical()
    charger, limit_kw, faulty, power_kw = zip(*asked, strict=True) if asked else ((), (), (), ())
    orders = approve(requests(charger, limit_kw, faulty, power_kw), sites)
    assert set(charger) <= set(orders.charger.tolist()) and len(set(orders.charger.tolist())) == len(orders)
    assert (orders.limit_kw >= 0).all()
    for site, limit in zip(sites.site, sites.limit_kw, strict=True):
        total = orders.limit_kw[orders.site == site].sum()
        assert total <= max(0.0, np.nan_to_num(limit)) + 1e-9
    rated = dict(zip(CHARGERS.charger.tolist(), CHARGERS.rated_kw.tolist(), strict=True))
    assert all(
        power <= rated.get(c, 0.0) for c, power in zip(orders.charger.tolist(), orders.limit_kw, strict=True)
    )


def test_a_charger_of_a_site_that_does_not_exist_gets_nothing():
    orders = approve(requests([10], [40.0]), sites=Sites.empty())
    assert orders.limit_kw.tolist() == [0.0] * 4 and orders.verdict[0] == Verdict.IMPLAUSIBLE


def test_without_chargers_there_are_no_orders():
    assert len(approve(ChargingRequests.empty(), chargers=Chargers.empty())) == 0


def test_powers_are_rounded_down_so_that_their_sum_stays_below_the_limit_too():
    orders = approve(requests([10, 11, 12], [60.0] * 3), sites=SITES.replace(limit_kw=[100.01, 60.0]))
    assert orders.limit_kw.tolist()[:3] == [33.33] * 3
