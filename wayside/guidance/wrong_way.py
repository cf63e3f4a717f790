"""Warning those who drive the wrong way."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.judging import told_from
from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.roadside.tables import Actors, IncidentKind, Incidents
from wayside.step import step
from wayside.table import I64, U64, Bool


class WrongWayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When somebody is told to drive the wrong way."""

    from_speed: float = 1.0  # [m/s]


def rows_of(actors: Actors, ids: U64) -> I64:
    """Return the row of each identity, -1 where there is none."""
    if not len(actors):
        return np.full(len(ids), -1)
    order = np.argsort(actors.id, kind="stable")
    rows = order[np.minimum(np.searchsorted(actors.id, ids, sorter=order), len(actors) - 1)]
    return np.where(actors.id[rows] == ids, rows, -1)


def reachable(actors: Actors, from_speed: float) -> Bool:
    """Tell which actors are moving motor vehicles that can be told something."""
    able: Bool = told_from(actors, from_speed)
    return able


@step(period_s=0.1, reach_m=50.0)
def wrong_way(actors: Actors, incidents: Incidents, *, config: WrongWayConfig) -> WarningRequests:
    """Tell whoever is confirmed to drive the wrong way, if it can be reached and still moves.

    `lead` is NaN, since it is already so; `value` is the speed [m/s].
    """
    against = incidents.confirmed & (incidents.kind == IncidentKind.WRONG_WAY)
    if not against.any():
        return WarningRequests.empty()
    rows = rows_of(actors, incidents.actor[against])
    rows = np.unique(rows[rows >= 0])
    rows = rows[reachable(actors, config.from_speed)[rows]]
    return WarningRequests(
        service=np.full(len(rows), Service.WRONG_WAY, np.uint8),
        subject=actors.id[rows],
        other=np.zeros(len(rows), np.uint64),
        x=actors.x[rows],
        y=actors.y[rows],
        lead=np.full(len(rows), np.nan),
        confidence=np.full(len(rows), 0.9),
        value=actors.speed[rows],
        reason=np.full(len(rows), Reason.AGAINST_TRAFFIC, np.uint8),
    )
