"""What is wrong at the charging sites."""

from __future__ import annotations

import numpy as np

from wayside.energy.tables import Chargers, ChargingRequests, Sites
from wayside.step import step
from wayside.supervision.tables import Findings, Rule


@step(reach_m=None)
def charging_findings(charging_requests: ChargingRequests, sites: Sites, chargers: Chargers) -> Findings:
    """Report chargers that do not obey and sites that draw more than they may.

    A disobedient charger's finding shows the most that it drew and what it was allowed; it stands until the
    charger is repaired. A site's shows the sum of its newest meter values and its limit.

    Limits: meter values of one site are summed as if taken at one instant.
    """
    if not len(charging_requests) or not len(sites):
        return Findings.empty()
    sites = sites.take(np.argsort(sites.site))
    place = np.minimum(np.searchsorted(sites.site, charging_requests.site), len(sites) - 1)
    drawn = np.bincount(place, charging_requests.power_kw, len(sites))
    bad = np.flatnonzero(charging_requests.faulty)
    # half of the last decimal place of each meter: sums of rounded numbers are no excess
    over = np.flatnonzero(drawn > sites.limit_kw + 0.005 * len(chargers))
    if not len(bad) and not len(over):
        return Findings.empty()
    newest = np.zeros(len(sites), np.int64)
    np.maximum.at(newest, place, charging_requests.time_ns)
    where = np.concatenate([place[bad], over])
    rules = np.repeat([Rule.CHARGER_ABOVE_ORDER, Rule.SITE_ABOVE_LIMIT], [len(bad), len(over)])
    since = charging_requests.above_since_ns[bad]
    return Findings(
        rule=rules,
        subject=np.concatenate([charging_requests.charger[bad], sites.site[over]]),
        x=sites.x[where],
        y=sites.y[where],
        since_ns=np.concatenate([since, newest[over]]),
        value=np.concatenate([charging_requests.worst_kw[bad], drawn[over]]),
        limit=np.concatenate([charging_requests.allowed_kw[bad], sites.limit_kw[over]]),
    )
