"""The interlock between chargers and the grid: whatever was asked, a site stays under its limit."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wayside.energy.tables import Chargers, ChargingRequests, Sites
from wayside.guard.tables import ChargingOrders, Verdict
from wayside.step import step
from wayside.table import I64


class ChargingGuardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept free."""

    reserve: float = 0.0  # share of the site's limit that is never given away, 0 to 1


def _rows(keys: NDArray[Any], wanted: NDArray[Any]) -> I64:
    """Return for each wanted key the row of `keys` that holds it, -1 where none does."""
    if len(keys) == 0:
        return np.full(len(wanted), -1)
    order = np.argsort(keys, kind="stable")
    row = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    return np.where(keys[row] == wanted, row, -1)


@step(period_s=1.0, reach_m=None)
def approve_charging(
    charging_requests: ChargingRequests,
    sites: Sites,
    chargers: Chargers,
    before: ChargingOrders,
    *,
    time_ns: int,
    config: ChargingGuardConfig,
) -> ChargingOrders:
    """Allow each charger what was asked for it, cut so that no site can draw more than its limit.

    One row per charger, and one per request for a charger that does not exist. A request above the
    charger's rated power is LIMITED to it; one that is negative or unknown is IMPLAUSIBLE and gets nothing; a
    charger that does not obey is FAULTY, is ordered to stop, and what it still draws is taken off what the
    others may share; a charger that nobody asked for is NOT_ASKED and gets nothing. Where the rest of a site
    adds up to more than its limit, all are cut by the same factor: SITE_LIMIT. Powers are rounded down.

    Limits: the orders hold the limit, a charger that has not yet heard its new order may not; a cut may
    fall below the least power of a session, since sharing sensibly is the energy room's business.
    """
    count = len(chargers)
    request = _rows(charging_requests.charger, chargers.charger)
    site = _rows(sites.site, chargers.site)
    asked = np.where(request >= 0, _at(charging_requests.limit_kw, request), 0.0)
    faulty = (request >= 0) & _at(charging_requests.faulty, request)
    drawn = np.where(faulty, np.fmax(_at(charging_requests.power_kw, request), 0.0), 0.0)

    plausible = (asked >= 0.0) & (site >= 0) & (chargers.rated_kw >= 0.0)
    allowed = np.where(plausible & ~faulty, np.minimum(asked, chargers.rated_kw), 0.0)
    number = len(sites)
    wanted_kw = np.bincount(site[site >= 0], allowed[site >= 0], number)
    lost_kw = np.bincount(site[site >= 0], drawn[site >= 0], number)
    free_kw = np.fmax(sites.limit_kw * (1.0 - config.reserve) - lost_kw, 0.0)
    factor = np.divide(free_kw, wanted_kw, out=np.ones(number), where=wanted_kw > free_kw)
    cut = np.where(site >= 0, _at(factor, site), 0.0)
    # tens of watts, rounded down: the sum of rounded orders must not exceed the limit either
    granted = np.floor(np.round(allowed * cut * 100.0, 6)) / 100.0

    verdict = np.full(count, Verdict.APPROVED, np.uint8)
    verdict[asked > chargers.rated_kw] = Verdict.LIMITED
    verdict[(cut < 1.0) & (allowed > 0.0)] = Verdict.SITE_LIMIT
    verdict[request < 0] = Verdict.NOT_ASKED
    verdict[~plausible] = Verdict.IMPLAUSIBLE
    verdict[faulty] = Verdict.FAULTY

    stray = charging_requests.charger[_rows(chargers.charger, charging_requests.charger) < 0]
    charger = np.concatenate([chargers.charger, stray])
    granted = np.concatenate([granted, np.zeros(len(stray))])
    verdict = np.concatenate([verdict, np.full(len(stray), Verdict.IMPLAUSIBLE, np.uint8)])
    was = _rows(before.charger, charger)
    same = (was >= 0) & (_at(before.limit_kw, was) == granted) & (_at(before.verdict, was) == verdict)
    return ChargingOrders(
        charger=charger,
        site=np.concatenate([chargers.site.astype(np.int32), np.full(len(stray), -1, np.int32)]),
        limit_kw=granted,
        verdict=verdict,
        since_ns=np.where(same, _at(before.since_ns, was), time_ns),
    )


def _at(values: NDArray[Any], rows: I64) -> NDArray[Any]:
    """Return the values of those rows; anything where the row is -1, which the caller masks."""
    return values[rows] if len(values) else np.zeros(len(rows), values.dtype)
