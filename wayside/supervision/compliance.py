"""How vehicles followed a measure: per vehicle, from its publication to the last moment against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wayside.admission.tables import MeasureRequests, Permits, ZoneCorners, Zones
from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors
from wayside.table import I64, Bool

if TYPE_CHECKING:
    from wayside.run import Run

PERSISTENCE_S = 2.0  # what is shorter than this is no breach
GAP_S = 1.0  # rows farther apart than this do not belong to one movement
STANDING_SPEED = 1.0  # slower [m/s] counts as standing
BORDER_M = 1.0  # a vehicle is inside from this far within the border


@dataclass(frozen=True, slots=True)
class Following:
    """How one vehicle followed one measure.

    Attributes:
        sender: the vehicle.
        measure: number of the measure.
        since_ns: when the measure came into force.
        grace_s: time it allowed for complying [s].
        seconds: from then to the end of the vehicle's last breach; 0 if it never was in breach [s].
    """

    sender: int
    measure: int
    since_ns: int
    grace_s: float
    seconds: float

    @property
    def complied(self) -> bool:
        """Whether no breach lasted beyond the time allowed and the persistence of a breach."""
        return self.seconds <= self.grace_s + PERSISTENCE_S


def followings(run: Run) -> list[Following]:
    """Return how each vehicle that a measure concerned and met in its zone followed it."""
    orders = run.rows(MeasureOrders)[1]
    permits, zones, corners = run.asset(Permits), run.asset(Zones), run.asset(ZoneCorners)
    if not len(orders) or not len(permits):
        return []
    _, first = np.unique(np.stack([orders.measure.astype(np.int64), orders.since_ns]), axis=1, return_index=True)
    ticks, actors = supervised(run)
    asked_ns, asked = run.rows(MeasureRequests)
    found: list[Following] = []
    for row in first.tolist():
        since, grace_until = int(orders.since_ns[row]), int(orders.grace_until_ns[row])
        over = asked_ns[(asked.measure == orders.measure[row]) & ~asked.active & (asked_ns > since)]
        until = int(over[0]) if len(over) else int(run.ticks[-1]) + 1
        zone = zones.take(zones.zone == orders.zone[row])
        during = (ticks >= since) & (ticks < until)
        rows, instant = actors.take(during), ticks[during]
        inside: Bool = np.any(zone.depth(corners, rows.x, rows.y) > BORDER_M, axis=1)
        breach: Bool = inside & (rows.speed > orders.max_speed[row] * 1.05 + 1 / 3.6)
        if bool(orders.closed[row]):
            breach |= inside & (rows.speed > STANDING_SPEED)
        concerned = permits.sender[(orders.classes[row] >> permits.vehicle_class) & 1 == 1]
        for sender in concerned.tolist():
            mine = rows.sender == np.uint64(sender)
            if inside[mine].any():
                end = last_breach(instant[mine], breach[mine])
                seconds = 0.0 if end is None else (end - since) / 1e9
                grace = (grace_until - since) / 1e9
                found.append(Following(sender, int(orders.measure[row]), since, grace, seconds))
    return found


def supervised(run: Run) -> tuple[I64, Actors]:
    """Return the rows of Actors that are permitted vehicles, with the instants of their ticks [ns]."""
    instants, actors = run.rows(Actors)
    keep = np.isin(actors.sender, run.asset(Permits).sender) & (actors.sender != 0)
    return instants[keep], actors.take(keep)


def last_breach(instants: I64, breach: Bool) -> int | None:
    """Return when the last breach of at least `PERSISTENCE_S` ended [ns]; None if there was none.

    >>> ticks = np.arange(60) * 100_000_000
    >>> last_breach(ticks, (ticks < 3e9) | (ticks > 5.5e9))
    2900000000
    """
    if not breach.any():
        return None
    at = instants[breach]
    number = np.cumsum(~breach)[breach]  # equal within one unbroken run of rows in breach
    cut = np.flatnonzero((np.diff(number) > 0) | (np.diff(at) > GAP_S * 1e9)) + 1
    begins = at[np.concatenate([[0], cut])]
    ends = at[np.concatenate([cut - 1, [len(at) - 1]])]
    long = ends[ends - begins >= PERSISTENCE_S * 1e9]
    return int(long[-1]) if len(long) else None


def time_covered(instants: I64) -> tuple[float, float]:
    """Return for rising instants [ns] the time that rows account for and the time from first to last [s].

    >>> time_covered(np.array([0, 1, 2, 10]) * 1_000_000_000)
    (3.0, 10.0)
    """
    if len(instants) < 2:
        return 0.0, 0.0
    gaps = np.diff(instants) / 1e9
    return float(np.minimum(gaps, GAP_S).sum()), float(gaps.sum())
