"""Requests of vehicles, and the answers of guidance and guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wayside.driving.tables import Forecasts
from wayside.guard.manoeuvres import ManoeuvreGuardConfig, approve_manoeuvres
from wayside.guard.tables import ManoeuvreOrders, Verdict, WarningOrders
from wayside.guidance.requests import GrantsConfig, grants
from wayside.guidance.tables import (
    GrantReason,
    Grants,
    Manoeuvre,
    ManoeuvreRequests,
    PaymentPoints,
    Reason,
    RequestStatus,
    Service,
)
from wayside.maps.drawing import LaneSketch, draw
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.signals.tables import SignalForecasts
from wayside.v2x.tables import Kind, Reports, VehicleEvent

NOW = 1_000_000_000_000
SECOND = 1_000_000_000
ROAD = draw(
    [LaneSketch([(0, 3.5 * n), (1000, 3.5 * n)], edge=0, number=n) for n in range(3)]
    + [LaneSketch([(1000, 10.5), (0, 10.5)], edge=1)],
    nodes=[],
)
POLES = Poles(
    pole=[1], x=[500.0], y=[-8.0], range=[600.0], position_sigma=[0.3], controller=[-1],
    **{
        name: np.zeros(1, declared.dtype) for name, declared in Poles.columns.items()
        if name not in ("pole", "x", "y", "range", "position_sigma", "controller")
    },
)  # fmt: skip

MakeActors = Callable[..., Actors]


def table(kind_of: type[Any], /, **columns: Any) -> Any:
    """Return a table; what is not given is zero or unknown."""
    count = len(next(iter(columns.values())))
    blank = {
        name: np.full((count, *d.shape), np.nan if d.dtype.kind == "f" else 0, d.dtype)
        for name, d in kind_of.columns.items()
    }
    return kind_of(**{**blank, **columns})


def asked(*rows: tuple[int, Manoeuvre, int], status: RequestStatus = RequestStatus.REQUEST) -> ManoeuvreRequests:
    """Return requests of senders, for a manoeuvre to a lane."""
    made: ManoeuvreRequests = table(
        ManoeuvreRequests,
        sender=[row[0] for row in rows],
        number=[1] * len(rows),
        kind=[row[1] for row in rows],
        lane=[row[2] for row in rows],
        node=[-1] * len(rows),
        status=[status] * len(rows),
        until_ns=[NOW + 5 * SECOND] * len(rows),
    )
    return made


def answers(
    actors: Actors,
    requests: ManoeuvreRequests,
    *,
    before: Grants | None = None,
    time_ns: int = NOW,
    poles: Poles = POLES,
    reports: Reports | None = None,
    config: GrantsConfig | None = None,
) -> Grants:
    return grants(
        actors, Forecasts.empty(), SignalForecasts.empty(), Reports.empty() if reports is None else reports, poles,
        RoadWeather.empty(), PaymentPoints.empty(), requests, Grants.empty() if before is None else before,
        road=ROAD, config=config or GrantsConfig(), time_ns=time_ns,
    )  # fmt: skip


def reason_of(found: Grants, sender: int) -> GrantReason:
    return GrantReason(int(found.reason[found.sender == sender][0]))


def test_a_free_lane_is_granted_and_a_taken_one_is_not(actors_of: MakeActors) -> None:
    alone = actors_of([{"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0}], ROAD)
    assert answers(alone, asked((1, Manoeuvre.LANE_CHANGE, 1))).granted.tolist() == [True]
    two = actors_of(
        [{"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0}, {"id": 2, "x": 503.0, "y": 3.5, "speed": 12.0}], ROAD
    )
    found = answers(two, asked((1, Manoeuvre.LANE_CHANGE, 1)))
    assert reason_of(found, 1) is GrantReason.OCCUPIED and found.other.tolist() == [2]


def test_somebody_two_lanes_away_counts_once_it_comes_over(actors_of: MakeActors) -> None:
    def scene(heading: float) -> Actors:
        rows = [
            {"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0},
            {"id": 2, "x": 502.0, "y": 7.0, "speed": 12.0, "heading": heading},
        ]
        return actors_of(rows, ROAD)

    assert answers(scene(0.0), asked((1, Manoeuvre.LANE_CHANGE, 1))).granted.all()
    assert reason_of(answers(scene(-0.1), asked((1, Manoeuvre.LANE_CHANGE, 1))), 1) is GrantReason.OCCUPIED


def test_of_two_who_want_the_same_place_the_first_gets_it(actors_of: MakeActors) -> None:
    both = actors_of(
        [{"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0}, {"id": 2, "x": 502.0, "y": 7.0, "speed": 12.0}], ROAD
    )
    first = answers(both, asked((2, Manoeuvre.LANE_CHANGE, 1)))
    found = answers(both, asked((1, Manoeuvre.LANE_CHANGE, 1)), before=first, time_ns=NOW + SECOND // 10)
    assert dict(zip(found.sender.tolist(), found.granted.tolist(), strict=True)) == {1: False, 2: True}


@pytest.mark.parametrize(("faster", "helps"), [(3.0, True), (9.0, False)])
def test_who_follows_is_asked_to_make_room_where_easing_off_is_enough(
    actors_of: MakeActors, faster: float, helps: bool
) -> None:
    rows = [
        {"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0},
        {"id": 2, "x": 481.0, "y": 3.5, "speed": 12.0 + faster},
    ]
    found = answers(actors_of(rows, ROAD), asked((1, Manoeuvre.LANE_CHANGE, 1)))
    assert reason_of(found, 1) is GrantReason.GAP_BEHIND
    assert found.helper.tolist() == [2 if helps else 0]
    assert found.helper_speed[0] < 12.0 if helps else np.isnan(found.helper_speed[0])


def test_a_lane_of_the_other_direction_is_changed_to_for_overtaking(actors_of: MakeActors) -> None:
    slow = actors_of(
        [{"id": 1, "x": 100.0, "y": 7.0, "speed": 10.0}, {"id": 2, "x": 130.0, "y": 7.0, "speed": 6.0}], ROAD
    )
    found = answers(slow, asked((1, Manoeuvre.LANE_CHANGE, 3)))
    assert found.kind.tolist() == [Manoeuvre.OVERTAKE] and found.granted.all()
    blind = answers(slow, asked((1, Manoeuvre.LANE_CHANGE, 3)), poles=Poles.empty())
    assert reason_of(blind, 1) is GrantReason.SIGHT


def test_requests_stand_until_they_lapse_or_are_taken_back(actors_of: MakeActors) -> None:
    alone = actors_of([{"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0}], ROAD)
    first = answers(alone, asked((1, Manoeuvre.LANE_CHANGE, 1)))
    later = answers(alone, ManoeuvreRequests.empty(), before=first, time_ns=NOW + SECOND)
    assert later.granted.all() and later.asked_ns.tolist() == [NOW] and later.since_ns.tolist() == [NOW]
    assert not len(answers(alone, ManoeuvreRequests.empty(), before=later, time_ns=NOW + 6 * SECOND))
    cancel = asked((1, Manoeuvre.LANE_CHANGE, 1), status=RequestStatus.CANCEL)
    assert not len(answers(alone, cancel, before=first, time_ns=NOW + SECOND))


def test_who_is_not_seen_gets_nothing(actors_of: MakeActors) -> None:
    found = answers(Actors.empty(), asked((1, Manoeuvre.LANE_CHANGE, 1)))
    assert reason_of(found, 1) is GrantReason.UNKNOWN_VEHICLE


def test_the_way_is_cleared_for_emergency_vehicles_on_duty_alone(actors_of: MakeActors) -> None:
    alone = actors_of([{"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0}], ROAD)
    duty = VehicleEvent.EMERGENCY_VEHICLE | VehicleEvent.SIREN
    said = table(Reports, sender=[1], time_ns=[NOW], events=[int(duty)])
    request = asked((1, Manoeuvre.CLEAR_THE_WAY, 0))
    assert answers(alone, request, reports=said).granted.all()
    assert reason_of(answers(alone, request), 1) is GrantReason.NO_RIGHT


def test_beyond_the_most_requests_wait(actors_of: MakeActors) -> None:
    rows = [{"id": n, "x": 100.0 * n, "y": 0.0, "speed": 12.0} for n in range(1, 7)]
    requests = asked(*((n, Manoeuvre.LANE_CHANGE, 1) for n in range(1, 7)))
    found = answers(actors_of(rows, ROAD), requests, config=GrantsConfig(most=4))
    assert sorted(found.reason.tolist()) == [GrantReason.CLEAR] * 4 + [GrantReason.WAITING] * 2


def test_the_order_of_rows_does_not_matter(actors_of: MakeActors) -> None:
    rows = [{"id": n, "x": 490.0 + 7 * n, "y": 3.5 * (n % 3), "speed": 10.0 + n} for n in range(1, 8)]
    requests = asked(*((n, Manoeuvre.LANE_CHANGE, 1) for n in range(1, 8)))
    found = answers(actors_of(rows, ROAD), requests)
    turned = answers(actors_of(rows[::-1], ROAD), requests.take(np.arange(7)[::-1]))
    assert found.canonical() == turned.canonical()


def order_of(found: Grants, warnings: WarningOrders | None = None, before: ManoeuvreOrders | None = None,
             time_ns: int = NOW) -> ManoeuvreOrders:  # fmt: skip
    return approve_manoeuvres(
        found,
        WarningOrders.empty() if warnings is None else warnings,
        ManoeuvreOrders.empty() if before is None else before,
        time_ns=time_ns,
        config=ManoeuvreGuardConfig(),
    )


def granted(**changed: Any) -> Grants:
    columns: dict[str, Any] = {
        "sender": [1], "number": [1], "kind": [Manoeuvre.LANE_CHANGE], "actor": [10], "x": [0.0], "y": [0.0],
        "granted": [True], "reason": [GrantReason.CLEAR], "lane": [1], "speed": [9.0], "opens": [0.0],
        "closes": [4.0],
    }  # fmt: skip
    made: Grants = table(Grants, **{**columns, **changed})
    return made


def test_whoever_is_warned_of_a_collision_may_not() -> None:
    columns = {"subject": [10], "other": [3], "verdict": [Verdict.APPROVED], "reason": [Reason.HEAD_ON]}
    said = table(WarningOrders, service=[Service.FORWARD_COLLISION], **columns)
    refused = order_of(granted(), said)
    assert not refused.granted.any() and refused.verdict.tolist() == [Verdict.LIMITED]
    assert refused.reason.tolist() == [GrantReason.CONFLICT]
    other = table(WarningOrders, service=[Service.SPEED_LIMIT], **columns)
    assert order_of(granted(), other).granted.all()


def test_two_are_not_granted_the_same_place() -> None:
    pair = {
        "sender": [1, 2], "number": [1, 1], "kind": [Manoeuvre.LANE_CHANGE] * 2, "actor": [10, 11],
        "x": [0.0, 20.0], "y": [0.0, 0.0], "granted": [True, True], "reason": [GrantReason.CLEAR] * 2,
        "lane": [1, 1], "speed": [9.0, 9.0], "opens": [0.0, 0.0], "closes": [4.0, 4.0], "since_ns": [5, 4],
    }  # fmt: skip
    found = order_of(granted(**pair))
    assert found.granted.tolist() == [False, True] and found.reason[0] == GrantReason.RESERVED
    apart = order_of(granted(**{**pair, "x": [0.0, 90.0]}))
    assert apart.granted.all()


@pytest.mark.parametrize(
    "changed",
    [{"speed": [-1.0]}, {"speed": [90.0]}, {"opens": [5.0], "closes": [1.0]}, {"actor": [0]}, {"x": [np.nan]}],
)
def test_answers_without_sense_do_not_go_out(changed: dict[str, Any]) -> None:
    found = order_of(granted(**changed))
    assert found.verdict.tolist() == [Verdict.IMPLAUSIBLE] and not found.granted.any()


def test_an_answer_is_repeated_after_half_a_second_and_at_once_where_it_changes() -> None:
    first = order_of(granted())
    soon = order_of(granted(), before=first, time_ns=NOW + SECOND // 5)
    assert soon.verdict.tolist() == [Verdict.REPEATED] and soon.said_ns.tolist() == [NOW]
    assert order_of(granted(), before=soon, time_ns=NOW + SECOND // 2).verdict.tolist() == [Verdict.APPROVED]
    changed = granted(granted=[False], reason=[GrantReason.OCCUPIED])
    assert order_of(changed, before=first, time_ns=NOW + SECOND // 5).verdict.tolist() == [Verdict.APPROVED]


def test_kinds_of_road_users_other_than_vehicles_count_too(actors_of: MakeActors) -> None:
    rows = [
        {"id": 1, "x": 500.0, "y": 0.0, "speed": 12.0},
        {"id": 2, "x": 510.0, "y": 3.5, "speed": 4.0, "kind": Kind.BICYCLE},
    ]
    assert not answers(actors_of(rows, ROAD), asked((1, Manoeuvre.LANE_CHANGE, 1))).granted.any()
