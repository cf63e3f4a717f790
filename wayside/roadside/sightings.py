"""What looks like an incident at one tick, and how what is remembered of incidents goes on with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wayside.membership import is_among
from wayside.roadside.tables import Actors, IncidentKind, Incidents
from wayside.table import F64, I32, I64, U8, U64, Bool

SECOND = 1e-9  # [s] in a nanosecond
LONGEST_S = 0.5  # one look at a scene is worth no more seconds than that
KINDS = max(IncidentKind) + 1
LANE_KINDS = (IncidentKind.QUEUE, IncidentKind.CONGESTION)  # those that are about a lane, not about a track


class Sightings(NamedTuple):
    """Candidates of one tick; arrays of one entry each.

    Attributes:
        kind, actor, other: see `Incidents`.
        x, y: where [m].
        lane: index of the lane, -1 none.
        extent: length [m].
        worth: seconds of evidence in a second; 0 where it is so, but explained.
        patience: seconds of evidence needed beyond what its kind needs.
        passing: vehicles that went by since the last look.
    """

    kind: U8
    actor: U64
    other: U64
    x: F64
    y: F64
    lane: I32
    extent: F64
    worth: F64
    patience: F64
    passing: I64


_NAMES, _NUMBERS = np.empty(0, np.uint64), np.empty(0, np.float64)
NOTHING = Sightings(
    kind=np.empty(0, np.uint8), actor=_NAMES, other=_NAMES, x=_NUMBERS, y=_NUMBERS, lane=np.empty(0, np.int32),
    extent=_NUMBERS, worth=_NUMBERS, patience=_NUMBERS, passing=np.empty(0, np.int64),
)  # fmt: skip


def sighted(
    kind: IncidentKind | int,
    actors: Actors,
    rows: I64,
    *,
    lane: I64 | I32 | None = None,
    other: U64 | None = None,
    worth: F64 | float = 1.0,
    patience: F64 | float = 0.0,
    passing: I64 | int = 0,
) -> Sightings:
    """Return sightings of single road users."""
    count = len(rows)
    if not count:
        return NOTHING
    return Sightings(
        kind=np.full(count, kind, np.uint8),
        actor=actors.id[rows],
        other=np.zeros(count, np.uint64) if other is None else other,
        x=actors.x[rows],
        y=actors.y[rows],
        lane=(actors.lane[rows] if lane is None else lane).astype(np.int32),
        extent=np.zeros(count),
        worth=np.full(count, worth, np.float64),
        patience=np.full(count, patience, np.float64),
        passing=np.full(count, passing, np.int64),
    )


def together(parts: list[Sightings]) -> Sightings:
    """Return the rows of all parts."""
    parts = [one for one in parts if len(one.actor)]
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    return Sightings(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Habits(NamedTuple):
    """How incidents of each kind begin and end; arrays by `IncidentKind`.

    Attributes:
        needs_s: evidence that confirms one [s].
        moves_m: and it must have come so far [m].
        gone_s, gone_confirmed_s: for how long it may be unseen before it is over.
        behaves_s, behaves_confirmed_s: for how long it may be seen to behave.
        leaves_m: one that is seen to behave and has come so far is over at once [m]; inf never.
        again_m: one lost may be found again under another identity so near to where it was [m]; 0 never.
    """

    needs_s: F64
    moves_m: F64
    gone_s: F64
    gone_confirmed_s: F64
    behaves_s: F64
    behaves_confirmed_s: F64
    leaves_m: F64
    again_m: F64


def _places(before: Incidents, seen: Sightings, habits: Habits) -> I64:
    """Return the sighting that each remembered row goes on with, -1 none: by identity, else by place."""
    place = np.full(len(before), -1, np.int64)
    taken = np.zeros(len(seen.actor), np.bool_)
    for kind in np.unique(before.kind).tolist():
        mine, there = np.flatnonzero(before.kind == kind), np.flatnonzero(seen.kind == kind)
        if not len(there):
            continue
        order = there[np.argsort(seen.actor[there], kind="stable")]
        at = order[np.minimum(np.searchsorted(seen.actor[order], before.actor[mine]), len(order) - 1)]
        same = seen.actor[at] == before.actor[mine]
        place[mine[same]] = at[same]
        taken[at[same]] = True
        if habits.again_m[kind] <= 0.0:
            continue
        # the tracker may have lost it behind a truck and found it again as another
        free = there[~taken[there]]
        for lost in mine[~same].tolist():
            if not len(free):
                break
            away = np.hypot(seen.x[free] - before.x[lost], seen.y[free] - before.y[lost])
            nearest = int(np.argmin(away))
            if away[nearest] < habits.again_m[kind]:
                place[lost] = free[nearest]
                taken[free[nearest]] = True
                free = np.delete(free, nearest)
    return place


def _rows(before: Incidents, actors: Actors) -> I64:
    """Return the actor with each remembered identity, -1 none."""
    if not len(actors):
        return np.full(len(before), -1, np.int64)
    order = np.argsort(actors.id, kind="stable")
    row = order[np.minimum(np.searchsorted(actors.id, before.actor, sorter=order), len(actors) - 1)]
    return np.where(actors.id[row] == before.actor, row, -1)


def go_on(before: Incidents, seen: Sightings, actors: Actors, habits: Habits, time_ns: int) -> Incidents:
    """Return what is remembered after this tick: rows that go on, less those that are over, and new ones."""
    place = _places(before, seen, habits)
    known = np.zeros(len(seen.actor), np.bool_)
    known[place[place >= 0]] = True
    kept = _continued(before, seen, place, actors, habits, time_ns) if len(before) else before
    fresh = np.flatnonzero(~known & (seen.worth > 0.0))
    if len(fresh):
        # one that is remembered elsewhere under that name is not begun twice
        fresh = fresh[~_is_key(kept, seen.kind[fresh], seen.actor[fresh])]
    if not len(fresh):
        return kept
    return Incidents.concatenate([kept, _opened(seen, fresh, habits, time_ns)])


def _is_key(table: Incidents, kind: U8, actor: U64) -> Bool:
    found = is_among(actor, table.actor)
    for n in np.flatnonzero(found).tolist():
        found[n] = bool(((table.actor == actor[n]) & (table.kind == kind[n])).any())
    return found


def _opened(seen: Sightings, rows: I64, habits: Habits, time_ns: int) -> Incidents:
    count = len(rows)
    return Incidents(
        kind=seen.kind[rows],
        actor=seen.actor[rows],
        other=seen.other[rows],
        x=seen.x[rows],
        y=seen.y[rows],
        lane=seen.lane[rows],
        extent=seen.extent[rows],
        since_ns=np.full(count, time_ns),
        last_ns=np.full(count, time_ns),
        start_x=seen.x[rows],
        start_y=seen.y[rows],
        evidence=np.zeros(count),
        passed=np.zeros(count, np.uint32),
        confirmed=habits.needs_s[seen.kind[rows]] <= 0.0,
    )


def _continued(
    before: Incidents, seen: Sightings, place: I64, actors: Actors, habits: Habits, time_ns: int
) -> Incidents:
    kind = before.kind
    holds = place >= 0
    at = np.maximum(place, 0)

    def now(column: Any, old: Any) -> Any:
        return np.where(holds, column[at], old) if len(seen.actor) else old

    x, y = now(seen.x, before.x), now(seen.y, before.y)
    dt = np.minimum((time_ns - before.last_ns) * SECOND, LONGEST_S)
    gained = now(seen.worth, np.zeros(len(before))) * dt
    passing = now(seen.passing, np.zeros(len(before), np.int64))
    # each vehicle that goes round it says that nothing ahead keeps it
    gained = gained + np.where(gained > 0.0, passing, 0.0)
    evidence = before.evidence + gained
    moved = np.hypot(x - before.start_x, y - before.start_y)
    needed = habits.needs_s[kind] + now(seen.patience, np.zeros(len(before)))
    confirmed = before.confirmed | (holds & (evidence >= needed) & (moved >= habits.moves_m[kind]))
    row = _rows(before, actors)
    there = row >= 0
    unheld_s = (time_ns - before.last_ns) * SECOND
    gone_s = np.where(confirmed, habits.gone_confirmed_s[kind], habits.gone_s[kind])
    behaves_s = np.where(confirmed, habits.behaves_confirmed_s[kind], habits.behaves_s[kind])
    over = ~holds & (unheld_s > np.where(there, behaves_s, gone_s))
    if len(actors):
        here = np.maximum(row, 0)
        left = np.hypot(actors.x[here] - before.start_x, actors.y[here] - before.start_y)
        over |= ~holds & there & (left > habits.leaves_m[kind])
    kept = Incidents(
        kind=kind,
        actor=before.actor,
        other=now(seen.other, before.other),
        x=x,
        y=y,
        lane=now(seen.lane, before.lane),
        extent=now(seen.extent, before.extent),
        since_ns=before.since_ns,
        last_ns=np.where(holds, time_ns, before.last_ns),
        start_x=before.start_x,
        start_y=before.start_y,
        evidence=evidence,
        passed=before.passed + passing.astype(np.uint32),
        confirmed=confirmed,
    )
    return kept if not over.any() else kept.take(~over)
