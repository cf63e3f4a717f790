"""What was staged, what was found, and what of it belongs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.congestion import CongestionConfig, congestion
from wayside.roadside.tables import Actors, Congestion, IncidentKind, Incidents
from wayside.security.tables import PoleReach
from wayside.signals.tables import Signals
from wayside.table import I64
from wayside.world import Event
from wayside.worlds.tables import Truth

SECOND_NS = 1_000_000_000
NEAR_M = 25.0  # what is found so near to what was staged is about it
FOLLOWS_M = 150.0  # what is found so near, and is a stall or a queue, follows from it
AFTER_NS = 40 * SECOND_NS  # for so long after it was cleared, too
LANE_KINDS = (IncidentKind.QUEUE, IncidentKind.CONGESTION)
FOLLOWING = (IncidentKind.STALLED_VEHICLE, *LANE_KINDS)
SLACK_NS = 20 * SECOND_NS  # the reference knows sooner, or forgets sooner
BRIEF_NS = 2_400_000_000  # one that was cleared sooner is not asked for; a wrong-way driver may take so long
TRACE_NS = SECOND_NS  # what poles have seen arrives later, and what tells of it may be sure later, by so much


@dataclass(frozen=True)
class Fact:
    """A staged incident: kind, subject, when it was a fact [ns] and where [m]."""

    kind: IncidentKind
    subject: int
    from_ns: int
    until_ns: int
    x: float
    y: float


@dataclass(frozen=True)
class Spell:
    """An incident that was found: kind, actor, when it was confirmed [ns], and where then [m]."""

    kind: IncidentKind
    actor: int
    from_ns: int
    until_ns: int
    x: float
    y: float


@dataclass(frozen=True)
class Judged:
    """What became of facts and spells.

    Attributes:
        facts: each with its delay [s], None if it was not found.
        brief: those that were over before anybody could be sure; they count neither as found nor as missed.
        follows: spells that follow from what was staged: a queue behind debris, a wrong-way driver just gone.
        true: spells that the truth bears out though nobody staged them.
        false: spells that nothing bears out.
    """

    facts: tuple[tuple[Fact, float | None], ...]
    brief: tuple[Fact, ...]
    follows: tuple[Spell, ...]
    true: tuple[Spell, ...]
    false: tuple[Spell, ...]


def _told(event: Event) -> tuple[str, int]:
    return str(event.facts.get("incident")), int(event.facts.get("subject", 0))


def _from(events: Sequence[Event], word: str, end_ns: int) -> list[Fact]:
    """Return a fact for each event of that name, until the next clearing of the same kind and subject."""
    found = []
    for number, event in enumerate(events):
        if event.kind != word:
            continue
        later = (e.time_ns for e in events[number:] if e.kind == "cleared" and _told(e) == _told(event))
        kind, subject = _told(event)
        x, y = float(event.facts["x"]), float(event.facts["y"])
        found.append(Fact(IncidentKind[kind.upper()], subject, event.time_ns, next(later, end_ns), x, y))
    return found


def facts_of(events: Sequence[Event], end_ns: int) -> list[Fact]:
    """Return the staged incidents that an event log tells of; those not cleared last until the end.

    A vehicle that was planted to stall is one of them.
    """
    stalls = [
        Fact(
            IncidentKind.STALLED_VEHICLE, int(event.facts["subject"]), event.time_ns, end_ns,
            float(event.facts["x"]), float(event.facts["y"]),
        )
        for event in events
        if event.kind == "planted" and event.facts.get("fault") == "stall"
    ]  # fmt: skip
    return _from(events, "staged", end_ns) + stalls


def scenes_of(events: Sequence[Event], end_ns: int) -> list[Fact]:
    """Return what was prepared, whether or not it became a fact: a blocked road on which no queue grew."""
    return _from(events, "prepared", end_ns)


def spells_of(ticks: I64, rows: Incidents) -> list[Spell]:
    """Return the confirmed incidents of stored rows, each from its first tick to its last."""
    sure = np.flatnonzero(rows.confirmed)
    order = sure[np.lexsort((ticks[sure], rows.actor[sure], rows.kind[sure]))]
    if not len(order):
        return []
    kind, actor, when = rows.kind[order], rows.actor[order], ticks[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (kind[1:] != kind[:-1]) | (actor[1:] != actor[:-1]) | (np.diff(when) > 2 * SECOND_NS)
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(order)) - 1
    return [
        Spell(IncidentKind(int(kind[a])), int(actor[a]), int(when[a]), int(when[b]), float(rows.x[order[a]]),
              float(rows.y[order[a]]))
        for a, b in zip(first.tolist(), last.tolist(), strict=True)
    ]  # fmt: skip


def perfect(truth: Truth, road: RoadMap, time_ns: int) -> Actors:
    """Return the live picture as it would be if everybody were seen without error."""
    found = road.match(truth.x, truth.y, truth.heading, reach_m=3.0)
    zeros = np.zeros(len(truth))
    return Actors(
        id=truth.id, kind=truth.kind, x=truth.x, y=truth.y, heading=truth.heading, speed=truth.speed,
        acceleration=truth.acceleration, yaw_rate=zeros, length=truth.length, width=truth.width,
        lane=found.lane, offset=found.offset, lateral=found.lateral, sender=np.where(truth.equipped, truth.id, 0),
        sources=np.full(len(truth), 3), measured_ns=np.full(len(truth), time_ns),
        **{name: zeros for name in Actors.columns if name.startswith(("position_s", "sigma"))},
    )  # fmt: skip


class Reference:
    """Queues and congestion as `congestion` would find them if poles saw everything; fed one second at a time."""

    def __init__(self, road: RoadMap) -> None:
        self._road, self._flow = road, Congestion.empty()
        self._config = CongestionConfig()
        far = {"pole": [1], "x": [0.0], "y": [0.0], "reach": [1e6], "time_ns": [0]}
        self._reach = PoleReach(**far)  # type: ignore[arg-type]
        self.stuck: dict[tuple[IncidentKind, int], list[int]] = {}

    def look(self, truth: Truth, signals: Signals, time_ns: int) -> None:
        """Take in one instant."""
        actors = perfect(truth, self._road, time_ns)
        self._flow = congestion(
            actors, signals, self._reach, self._flow, road=self._road, config=self._config, time_ns=time_ns
        ).canonical()
        edge = self._road.lanes.edge[self._flow.lane]
        for kind, rows in (
            (IncidentKind.QUEUE, self._flow.queue_since_ns > 0),
            (IncidentKind.CONGESTION, self._flow.level > 2),
        ):
            for one in np.unique(edge[rows]).tolist():
                self.stuck.setdefault((kind, one), []).append(time_ns)


def judge(
    facts: Sequence[Fact],
    scenes: Sequence[Fact],
    spells: Sequence[Spell],
    stuck: Mapping[tuple[IncidentKind, int], Sequence[int]],
) -> Judged:
    """Put facts and spells together.

    A fact is found by a spell of its kind that is near while it goes on; a queue or congestion on its carriageway.
    Of the other spells, one that is sure within a second of its fact's end follows from it, and so does a stall or
    a queue near what was staged; a queue or congestion that the reference knows too is true; the rest is false.
    Facts shorter than 2.4 s are set aside, whether they were found or not.
    """
    used: set[int] = set()
    told: list[tuple[Fact, float | None]] = []
    brief = [fact for fact in facts if fact.until_ns - fact.from_ns < BRIEF_NS]
    for fact in facts:
        delays = []
        for number, spell in enumerate(spells):
            if spell.from_ns <= fact.until_ns and _is_of(spell, fact):
                delays.append(max(spell.from_ns - fact.from_ns, 0) / SECOND_NS)
                used.add(number)
        if fact not in brief:
            told.append((fact, min(delays, default=None)))
    follows, true, false = [], [], []
    for number, spell in enumerate(spells):
        if number in used:
            continue
        if _known(spell, stuck):
            true.append(spell)
        elif any(_follows(spell, scene) for scene in (*facts, *scenes)):
            follows.append(spell)
        else:
            false.append(spell)
    return Judged(tuple(told), tuple(brief), tuple(follows), tuple(true), tuple(false))


def _is_of(spell: Spell, fact: Fact) -> bool:
    """Tell whether a spell is of a fact's kind, at its place and at its time or a moment later."""
    if spell.kind != fact.kind or spell.from_ns > fact.until_ns + TRACE_NS or spell.until_ns < fact.from_ns:
        return False
    if fact.kind in LANE_KINDS and spell.actor == fact.subject:
        return True
    near_m = NEAR_M * (3.0 if fact.kind == IncidentKind.WRONG_WAY else 1.0)  # who drives is elsewhere by then
    return bool(np.hypot(spell.x - fact.x, spell.y - fact.y) <= near_m)


def _follows(spell: Spell, fact: Fact) -> bool:
    if _is_of(spell, fact):
        return True
    going = fact.from_ns <= spell.from_ns <= fact.until_ns + AFTER_NS
    return going and spell.kind in FOLLOWING and bool(np.hypot(spell.x - fact.x, spell.y - fact.y) <= FOLLOWS_M)


def _known(spell: Spell, stuck: Mapping[tuple[IncidentKind, int], Sequence[int]]) -> bool:
    instants = stuck.get((spell.kind, spell.actor), ())
    return any(spell.from_ns - SLACK_NS <= instant <= spell.from_ns + SLACK_NS for instant in instants)
