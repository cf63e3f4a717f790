"""What rules on meetings share: who is concerned, how sure it is, and which danger a driver is told first."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from wayside.guidance.tables import Meetings, Service, WarningRequests
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Kind

_CAR, _MOTORCYCLE = int(Kind.CAR), int(Kind.MOTORCYCLE)  # an enumeration's members are slow to look up


class Joined(NamedTuple):
    """Meetings beside the rows of both actors; equally long."""

    meetings: Meetings
    subject: I64
    other: I64

    def take(self, wanted: Bool) -> Joined:
        """Return those that are wanted."""
        return Joined(self.meetings.take(wanted), self.subject[wanted], self.other[wanted])


def motorised(actors: Actors) -> Bool:
    """Tell which actors are motor vehicles."""
    return (actors.kind >= _CAR) & (actors.kind <= _MOTORCYCLE)


def told_from(actors: Actors, speed: float) -> Bool:
    """Tell which actors are motor vehicles that can be reached and drive at `speed` [m/s] or faster."""
    told: Bool = _told_from(actors.kind, actors.sender, actors.speed, speed)
    return told


@numba.njit(cache=True)
def _told_from(kind: U8, sender: U64, speed: F64, least: float) -> Bool:
    told = np.empty(kind.size, np.bool_)
    for n in range(kind.size):
        told[n] = _CAR <= kind[n] <= _MOTORCYCLE and sender[n] != 0 and speed[n] >= least
    return told


def rows_of(actors: Actors, ids: U64) -> I64:
    """Return the row of each identity, -1 where there is none."""
    if not len(actors):
        return np.full(len(ids), -1)
    known = actors.id
    if (known[1:] > known[:-1]).all():  # as in every frame
        rows: I64 = np.minimum(known.searchsorted(ids), len(actors) - 1)
    else:
        order = np.argsort(known, kind="stable")
        rows = order[np.minimum(known.searchsorted(ids, sorter=order), len(actors) - 1)]
    return np.where(known[rows] == ids, rows, -1)


def joined(meetings: Meetings, actors: Actors, within_s: float, among: Bool | None = None) -> Joined:
    """Return the meetings within so many seconds, beside the rows of both actors.

    If `among` is given, one entry an actor, only those whose other is among these. Bodies that overlap already are
    left out: they are one body seen twice; so are meetings of who is not there.
    """
    soon = np.flatnonzero((meetings.time > 0.05) & (meetings.time <= within_s))
    if not len(soon):
        return Joined(Meetings.empty(), soon, soon)
    subject, other = rows_of(actors, np.concatenate([meetings.subject[soon], meetings.other[soon]])).reshape(2, -1)
    there = (subject >= 0) & (other >= 0)
    if among is not None:
        there[there] = among[other[there]]
    return Joined(meetings.take(soon[there]), subject[there], other[there])


@numba.njit(cache=True)
def chance_of(depth: float, sigma: float) -> float:
    """Return the chance that bodies foreseen to overlap by `depth` [m] do overlap, with its deviation [m].

    >>> round(chance_of(1.0, 0.0), 2), round(chance_of(-1.0, 1.0), 2), round(chance_of(0.5, 5.0), 2)
    (1.0, 0.16, 0.54)
    """
    if sigma > 0:
        return 0.5 * (1 + math.erf(depth / sigma / math.sqrt(2.0)))
    return 1.0 if depth >= 0 else 0.0


@numba.njit(cache=True)
def chance(depth: F64, sigma: F64) -> F64:
    """Return the same for each pair; see `chance_of`."""
    found = np.empty(depth.size)
    for n in range(depth.size):
        found[n] = chance_of(depth[n], sigma[n])
    return found


@numba.njit(cache=True)
def _most_urgent(subject: I64, lead: F64, identity: U64) -> Bool:
    """Return for each row whether it is its subject's soonest; of equally soon ones the least identity."""
    count = 0
    for n in range(subject.size):
        count = max(count, subject[n] + 1)
    best = np.full(count, -1, np.int64)
    for n in range(subject.size):
        b = best[subject[n]]
        if b < 0 or lead[n] < lead[b] or (lead[n] == lead[b] and identity[n] < identity[b]):
            best[subject[n]] = n
    chosen = np.zeros(subject.size, np.bool_)
    for n in range(subject.size):
        chosen[n] = best[subject[n]] == n
    return chosen


def warn(
    service: Service,
    actors: Actors,
    subject: I64,
    other: I64,
    *,
    lead: F64,
    confidence: F64,
    value: F64,
    reason: U8 | I64 | int,
) -> WarningRequests:
    """Return one request for each subject, of its soonest danger; arguments are rows of actors and what was found.

    >>> len(warn(Service.LEFT_TURN, Actors.empty(), *[np.empty(0, np.int64)] * 2,
    ...          lead=np.empty(0), confidence=np.empty(0), value=np.empty(0), reason=1))
    0
    """
    if not len(subject):
        return WarningRequests.empty()
    first = _most_urgent(subject, lead, actors.id[other])
    subject, other = subject[first], other[first]
    return WarningRequests(
        service=np.full(len(subject), service, np.uint8),
        subject=actors.id[subject],
        other=actors.id[other],
        x=actors.x[subject],
        y=actors.y[subject],
        lead=lead[first],
        confidence=confidence[first],
        value=value[first],
        reason=np.broadcast_to(np.asarray(reason, np.uint8), len(first))[first],
    )
