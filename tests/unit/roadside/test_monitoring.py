from __future__ import annotations

import numpy as np

from wayside.roadside.monitoring_facts import NEAR_M, Fact, Spell, facts_of, judge, scenes_of, spells_of
from wayside.roadside.tables import IncidentKind, Incidents
from wayside.world import Event

SECOND = 1_000_000_000
STALL, QUEUE = IncidentKind.STALLED_VEHICLE, IncidentKind.QUEUE


def event(what: str, at_s: float, kind: str, subject: int = 7, x: float = 0.0) -> Event:
    at = round(at_s * SECOND)
    return Event(at, what, {"incident": kind, "subject": subject, "from_ns": at, "x": x, "y": 0.0})


def spell(kind: IncidentKind, from_s: float, until_s: float, x: float = 0.0, actor: int = 1) -> Spell:
    return Spell(kind, actor, round(from_s * SECOND), round(until_s * SECOND), x, 0.0)


def fact(kind: IncidentKind, from_s: float, until_s: float, x: float = 0.0, subject: int = 7) -> Fact:
    return Fact(kind, subject, round(from_s * SECOND), round(until_s * SECOND), x, 0.0)


def test_facts_last_until_they_are_cleared_and_scenes_need_not_become_facts() -> None:
    log = [event("prepared", 1, "debris"), event("staged", 2, "debris"), event("cleared", 20, "debris"),
           event("prepared", 5, "queue", 9), event("cleared", 50, "queue", 9)]  # fmt: skip
    assert facts_of(log, 99 * SECOND) == [fact(IncidentKind.DEBRIS, 2, 20)]
    assert scenes_of(log, 99 * SECOND) == [fact(IncidentKind.DEBRIS, 1, 20), fact(QUEUE, 5, 50, subject=9)]


def test_a_vehicle_planted_to_stall_is_a_staged_incident() -> None:
    facts = {"fault": "stall", "subject": 7, "x": 0.0, "y": 0.0}
    log = [Event(3 * SECOND, "planted", facts), Event(4 * SECOND, "planted", {**facts, "fault": "fog"})]
    assert facts_of(log, 99 * SECOND) == [fact(STALL, 3, 99)]


def test_spells_are_confirmed_rows_without_gaps() -> None:
    seconds = np.array([1, 2, 3, 10, 11, 1])
    rows = Incidents(
        **{
            **{name: np.zeros(6, c.dtype) for name, c in Incidents.columns.items()},
            "kind": np.full(6, STALL),
            "actor": np.array([4, 4, 4, 4, 4, 5]),
            "confirmed": np.array([True] * 5 + [False]),
        }
    )
    found = spells_of(seconds * SECOND, rows)
    assert [(one.actor, one.from_ns // SECOND, one.until_ns // SECOND) for one in found] == [
        (4, 1, 3),
        (4, 10, 11),
    ]


def test_a_fact_is_found_by_its_own_kind_nearby_while_it_goes_on() -> None:
    stalled = fact(STALL, 10, 60)
    for one, delay in (
        (spell(STALL, 30, 60), 20.0),
        (spell(STALL, 30, 60, x=NEAR_M + 1), None),
        (spell(IncidentKind.CRASH, 30, 60), None),
        (spell(STALL, 70, 90), None),
        (spell(STALL, 2, 5), None),
    ):
        assert judge([stalled], [], [one], {}).facts == ((stalled, delay),)


def test_what_is_left_follows_is_true_or_is_false() -> None:
    debris = fact(IncidentKind.DEBRIS, 10, 40)
    queue = spell(QUEUE, 30, 50, x=80.0, actor=3)
    far = spell(QUEUE, 30, 50, x=900.0, actor=4)
    assert judge([debris], [], [queue], {}).follows == (queue,)
    assert judge([], [debris], [queue], {}).follows == (queue,)
    assert judge([debris], [], [far], {}).false == (far,)
    assert judge([debris], [], [far], {(QUEUE, 4): [35 * SECOND]}).true == (far,)
    assert judge([debris], [], [spell(IncidentKind.CRASH, 30, 40, x=80.0)], {}).false != ()


def test_what_was_over_before_anybody_could_be_sure_is_set_aside_whether_found_or_not() -> None:
    short = fact(IncidentKind.WRONG_WAY, 10.0, 11.6)
    late = spell(IncidentKind.WRONG_WAY, 11.7, 13.0)
    for told in ([], [spell(IncidentKind.WRONG_WAY, 11.4, 11.6)], [late]):
        found = judge([short], [], told, {})
        assert (found.facts, found.brief, found.false) == ((), (short,), ())


def test_what_is_sure_a_moment_after_its_end_is_neither_a_find_nor_false() -> None:
    gone, late = fact(IncidentKind.WRONG_WAY, 10.0, 14.0), spell(IncidentKind.WRONG_WAY, 14.1, 15.0)
    found = judge([gone], [], [late], {})
    assert (found.facts, found.follows, found.false) == (((gone, None),), (late,), ())
    much_later = spell(IncidentKind.WRONG_WAY, 15.5, 17.0)
    assert judge([gone], [], [much_later], {}).false == (much_later,)
