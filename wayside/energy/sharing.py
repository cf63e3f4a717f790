"""Sharing a site's power among its chargers, fairly and never beyond its limit."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.energy.tables import Chargers, ChargerStates, ChargingRequests, Sites
from wayside.step import step
from wayside.table import F64, I64, Bool


class SharingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How close to a site's limit its chargers may go, and how disobedience is told from slowness."""

    margin: float = 0.03  # share of the site's limit that is never given away
    above_kw: float = 2.0  # a charger disobeys if it draws that much more than allowed,
    above_share: float = 0.05  # and that share of what is allowed more,
    above_s: float = 3.0  # for longer than that [s]
    slow_down_s: float = 2.0  # time an obedient charger may take from rated power to nothing [s]
    silent_s: float = 10.0  # a charger not heard for that long keeps its share, and gets no more [s]


def fair_shares(wanted: F64, least: F64, limit: float) -> F64:
    """Return the max-min fair powers under a limit: nobody can have more without someone poorer having less.

    Everybody gets the same level, but not more than wanted and not less than the session needs. Where not even
    the least powers fit under the limit, whoever stands last in the arrays waits with nothing.

    Args:
        wanted: power each would take [kW], >= 0.
        least: power below which a session stops [kW]; someone who wants less than that may get what he wants.
        limit: power there is [kW].

    Returns:
        Powers [kW]: their sum does not exceed the limit, nor each what is wanted.

    Reference: Bertsekas and Gallager 1992, Data Networks, section 6.5 (max-min flow control).

    >>> fair_shares(np.array([10.0, 60.0, 120.0]), np.zeros(3), 100.0)
    array([10., 45., 45.])
    >>> fair_shares(np.array([60.0, 60.0, 60.0]), np.full(3, 20.0), 50.0)
    array([25., 25.,  0.])
    """
    here = wanted > 0.0
    here &= np.cumsum(np.where(here, least, 0.0)) <= limit
    high = np.where(here, wanted, 0.0)
    if high.sum() <= limit:
        return high
    low = np.minimum(least, high)
    # the sum of clip(level, low, high) is a broken line that rises with the level: a row starts to rise at its
    # low corner and stops at its high one
    corners = np.concatenate([low, high])
    order = np.argsort(corners, kind="stable")
    corners = corners[order]
    slopes = np.cumsum(np.where(order < len(low), 1, -1))
    sums = low.sum() + np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(corners))])
    place = max(int(np.searchsorted(sums, limit, side="right")) - 1, 0)
    level = corners[place] + max(limit - sums[place], 0.0) / max(int(slopes[place]), 1)
    shares: F64 = np.clip(level, low, high)
    return shares


@step(reach_m=None)
def share_power(
    charger_states: ChargerStates,
    sites: Sites,
    chargers: Chargers,
    before: ChargingRequests,
    *,
    config: SharingConfig,
) -> ChargingRequests:
    """Say how much power each charger should be allowed.

    It acts when reports arrive and otherwise repeats itself. Limits fall at once and rise only as far as what the
    others may still be drawing leaves room, so the site stays under its limit while powers change hands. A charger
    not yet heard gets nothing. One that draws more than allowed is counted at what it really draws; after
    `above_s` it is called faulty, stays so, and should be switched off.

    Limits: the meters are believed; a charger that lies about its power goes unseen. Nobody is heard of again if
    all chargers fall silent at once: the limits then stay as they are.
    """
    if not len(charger_states) and len(before) == len(chargers):
        return before
    chargers = chargers.take(np.argsort(chargers.charger))
    if len(before) != len(chargers):
        before = _unheard(chargers)
    now = _heard(charger_states, before)
    new = now.time_ns > before.time_ns
    elapsed_s = np.where(before.time_ns > 0, (now.time_ns - before.time_ns) * 1e-9, 0.0)
    slowed = before.allowed_kw - chargers.rated_kw / config.slow_down_s * elapsed_s
    allowed = np.where(new & ~before.faulty, np.maximum(before.limit_kw, slowed), before.allowed_kw)

    excess = now.power_kw > allowed + np.maximum(config.above_kw, config.above_share * allowed)
    began = np.where(before.above_since_ns > 0, before.above_since_ns, now.time_ns)
    above: I64 = np.where(excess, began, np.where(before.faulty, before.above_since_ns, 0))
    faulty = before.faulty | (excess & (now.time_ns - above > config.above_s * 1e9))
    worst = np.where(excess, np.maximum(before.worst_kw, now.power_kw), np.where(faulty, before.worst_kw, 0.0))
    silent = (now.time_ns > 0) & (now.time_ns.max(initial=0) - now.time_ns > config.silent_s * 1e9)

    limit = np.zeros(len(now))
    for site, site_kw in zip(sites.site, sites.limit_kw, strict=True):
        rows = np.flatnonzero(chargers.site == site)
        limit[rows] = _limits(
            now.take(rows), chargers.minimum_kw[rows], (excess | silent)[rows], faulty[rows],
            float(site_kw) * (1.0 - config.margin),
        )  # fmt: skip
    return now.replace(
        # downwards, so that rounding never adds up to more than the limit
        limit_kw=np.floor(limit * 100.0 + 1e-6) / 100.0,
        faulty=faulty,
        allowed_kw=allowed,
        above_since_ns=above,
        worst_kw=worst,
    )


def _unheard(chargers: Chargers) -> ChargingRequests:
    """Return the memory at the very start; whatever a charger draws then, nobody has forbidden it yet."""
    rows = len(chargers)
    return ChargingRequests(
        charger=chargers.charger,
        site=chargers.site,
        limit_kw=np.zeros(rows),
        faulty=np.zeros(rows, np.bool_),
        time_ns=np.zeros(rows, np.int64),
        connected=np.zeros(rows, np.bool_),
        wanted_kw=np.zeros(rows),
        power_kw=np.zeros(rows),
        allowed_kw=chargers.rated_kw,
        above_since_ns=np.zeros(rows, np.int64),
        worst_kw=np.zeros(rows),
    )


def _heard(states: ChargerStates, before: ChargingRequests) -> ChargingRequests:
    """Return the memory with newer reports taken in; reports of unknown chargers and late ones are passed over."""
    if not len(before):
        return before
    place = np.minimum(np.searchsorted(before.charger, states.charger), len(before) - 1)
    good = (before.charger[place] == states.charger) & (states.time_ns > before.time_ns[place])
    place = place[good]
    columns = {name: getattr(before, name).copy() for name in ("time_ns", "connected", "wanted_kw", "power_kw")}
    for name, values in columns.items():
        values[place] = getattr(states, name)[good]
    return before.replace(**columns)


def _limits(now: ChargingRequests, least: F64, held: Bool, faulty: Bool, site_kw: float) -> F64:
    """Return the limits for one site's chargers [kW].

    Args:
        now: newest reports, beside the limits they were metered under.
        least: power below which a session stops [kW].
        held: chargers that do not follow or are not heard: counted at what they draw or may draw.
        faulty: chargers to be switched off.
        site_kw: power to give away [kW].
    """
    drawing = np.maximum(now.limit_kw, now.power_kw)  # the most that each may be drawing at this moment
    free = ~(held | faulty)
    count = np.where(faulty, now.power_kw, drawing)
    there = max(site_kw - float(count[~free].sum()), 0.0)
    wanted = np.where(free & now.connected, np.maximum(now.wanted_kw, 0.0), 0.0)
    target = fair_shares(wanted, least, there)
    rise = np.where(free, np.maximum(target - drawing, 0.0), 0.0)
    room = max(there - float(drawing[free].sum()), 0.0)
    share = min(room / rise.sum(), 1.0) if rise.sum() > 0.0 else 1.0
    limit: F64 = np.where(rise > 0.0, drawing + share * rise, target)
    limit = np.where(limit < np.minimum(least, wanted), 0.0, limit)
    return np.where(faulty, 0.0, np.where(held, now.limit_kw, limit))
