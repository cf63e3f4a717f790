"""What somebody says is up with it, and requests to tell somebody something."""

from __future__ import annotations

import numpy as np

from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, U16, U64
from wayside.v2x.tables import Reports, VehicleEvent


def who_says(actors: Actors, reports: Reports, wanted: VehicleEvent) -> tuple[I64, U16]:
    """Return the rows of actors whose messages of this tick tell any of the events, and all they tell.

    Senders that nobody believes have no actor, so they have no row.
    """
    mine = np.flatnonzero(reports.events & np.uint16(int(wanted)))
    if not (len(mine) and len(actors)):
        return np.empty(0, np.int64), np.empty(0, np.uint16)
    senders, place = np.unique(reports.sender[mine], return_inverse=True)
    said = np.zeros(len(senders), np.uint16)
    np.bitwise_or.at(said, place, reports.events[mine])
    order = np.argsort(actors.sender, kind="stable")
    row = order[np.minimum(np.searchsorted(actors.sender, senders, sorter=order), len(actors) - 1)]
    known = actors.sender[row] == senders
    return row[known], said[known]


def told_of(
    service: Service,
    reason: Reason,
    actors: Actors,
    rows: I64,
    other: U64 | I64,
    lead: F64,
    value: F64,
    confidence: float = 0.9,
) -> WarningRequests:
    """Return a request for each row of actors; `other`, `lead` and `value` have an entry for each."""
    if not len(rows):
        return WarningRequests.empty()
    return WarningRequests(
        service=np.full(len(rows), service, np.uint8),
        subject=actors.id[rows],
        other=np.asarray(other, np.uint64),
        x=actors.x[rows],
        y=actors.y[rows],
        lead=lead,
        confidence=np.full(len(rows), confidence),
        value=value,
        reason=np.full(len(rows), reason, np.uint8),
    )
