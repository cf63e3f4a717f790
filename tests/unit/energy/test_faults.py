"""Findings at charging sites."""

import numpy as np

from wayside.energy.faults import charging_findings
from wayside.energy.tables import Chargers, ChargingRequests, Sites
from wayside.supervision.tables import Rule

SITES = Sites(site=[2, 1], x=[20.0, 10.0], y=[2.0, 1.0], limit_kw=[50.0, 100.0])
CHARGERS = Chargers(charger=[1, 2, 3], site=[1, 1, 2], rated_kw=[60.0] * 3, minimum_kw=[5.0] * 3)


def requests(power=(40.0, 40.0, 40.0), faulty=(False, False, False)):
    return ChargingRequests(
        charger=[1, 2, 3],
        site=[1, 1, 2],
        limit_kw=[40.0] * 3,
        faulty=faulty,
        time_ns=[7, 8, 9],
        connected=[True] * 3,
        wanted_kw=[60.0] * 3,
        power_kw=power,
        allowed_kw=[30.0] * 3,
        above_since_ns=np.where(faulty, 5, 0),
        worst_kw=np.where(faulty, 55.0, 0.0),
    )


def test_a_site_in_order_gives_no_findings():
    assert len(charging_findings(requests(), SITES, CHARGERS)) == 0
    assert len(charging_findings(requests(power=(50.0, 50.0, 50.0)), SITES, CHARGERS)) == 0


def test_a_faulty_charger_is_reported_where_its_site_is():
    found = charging_findings(requests(faulty=(False, False, True)), SITES, CHARGERS)
    assert found.rule.tolist() == [Rule.CHARGER_ABOVE_ORDER]
    assert (found.subject[0], found.x[0], found.y[0]) == (3, 20.0, 2.0)
    assert (found.since_ns[0], found.value[0], found.limit[0]) == (5, 55.0, 30.0)


def test_a_site_above_its_limit_is_reported():
    found = charging_findings(requests(power=(60.0, 41.0, 10.0)), SITES, CHARGERS)
    assert found.rule.tolist() == [Rule.SITE_ABOVE_LIMIT]
    assert (found.subject[0], found.value[0], found.limit[0], found.since_ns[0]) == (1, 101.0, 100.0, 8)


def test_nothing_known_is_nothing_found():
    assert len(charging_findings(ChargingRequests.empty(), SITES, CHARGERS)) == 0
    assert len(charging_findings(requests(), Sites.empty(), CHARGERS)) == 0
