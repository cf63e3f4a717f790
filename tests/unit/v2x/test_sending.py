from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import pytest

from wayside.admission.tables import ZoneCorners
from wayside.frame import Frame
from wayside.guard.tables import MeasureOrders, Verdict, WarningOrders
from wayside.maps.drawing import crossroads
from wayside.messages import Message
from wayside.roadside.tables import Actors, Incidents, Units
from wayside.signals.tables import Light, SignalControllers, SignalForecasts
from wayside.table import Table
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.rsm import MOST, short_numbers
from wayside.v2x.tables import MessageType, Traffic

START = 1_763_000_000_000_000_000
TICK = 100_000_000
CODEC = codec_of(EDITION)
NAN = float("nan")


T = TypeVar("T", bound=Table)


def filled(kind: type[T], count: int, /, **given: Any) -> T:
    """Return rows with the given columns, and zeros in all others."""
    zeros = {c.name: np.zeros((count, *c.shape), c.dtype) for c in kind.columns.values()}
    return kind(**{**zeros, **given})


def edge(units: int = 2, controllers: int = 2, **given: Any) -> V2xEdge:
    n = np.arange(units)
    assets: list[Table] = [
        Units(unit=n + 1, x=1000.0 * n, y=0.0 * n, range=np.full(units, 300.0), controller=n),
        SignalControllers(
            controller=[0, 1][:controllers],
            x=[0.0, 1000.0][:controllers],
            y=[0.0] * controllers,
            unit=[1, -1][:controllers],
        ),
        ZoneCorners(zone=[2, 2, 2], number=[0, 1, 2], x=[0.0, 100.0, 100.0], y=[0.0, 0.0, 80.0]),
    ]
    return V2xEdge(EdgeConfig(), crossroads(), assets, **given)


def actors(count: int, **changed: Any) -> Actors:
    n = np.arange(count)
    usual = {"id": n.astype(np.uint64) + np.uint64(7), "kind": np.full(count, 1), "x": 5.0 * n}
    return filled(Actors, count, **{**usual, "sources": np.full(count, 3), **changed})


def forecasts(**changed: Any) -> SignalForecasts:
    return SignalForecasts(
        **{
            "controller": [0, 0, 0, 1],
            "group": [1, 2, 3, 1],
            "light": [Light.PROTECTED_GREEN, Light.RED, Light.YELLOW, Light.RED],
            "min_end": [3.0, NAN, 0.4, 1.0],
            "likely_end": [5.0, 12.5, 0.4, NAN],
            "max_end": [9.0, 20.0, NAN, 1.0],
            "next_green": [0.0, 14.5, NAN, 1.0],
            "next_green_duration": [NAN, 30.0, NAN, 5.0],
            **changed,
        }
    )


def measures(count: int = 1, **changed: Any) -> MeasureOrders:
    n = np.arange(count)
    return MeasureOrders(
        **{
            "measure": n + 300,
            "zone": np.full(count, 2),
            "classes": np.full(count, 6),
            "max_speed": np.where(n % 2, NAN, 8.33),
            "closed": n % 2 == 1,
            "since_ns": np.full(count, START),
            "grace_until_ns": START + n,
            **changed,
        }
    )


def warnings(verdict: Verdict = Verdict.APPROVED, subject: int = 5) -> WarningOrders:
    return WarningOrders(
        service=[1],
        subject=[subject],
        other=[9],
        x=[20.0],
        y=[0.0],
        lead=[1.5],
        reason=[1],
        verdict=[verdict],
        said_ns=[START],
    )


def values(messages: list[Message], name: str) -> list[tuple[int, dict[str, Any]]]:
    found = [(message.link, CODEC.decode(message.payload)) for message in messages]
    return [(link, value[f"{name}Frame"]) for link, value in found if f"{name}Frame" in value]


def test_an_empty_frame_sends_nothing_at_first() -> None:
    assert not len(edge().encode(Frame(START)))


def test_a_city_without_units_sends_nothing() -> None:
    made = V2xEdge(EdgeConfig(), crossroads(), [])
    assert not len(made.encode(Frame(START, [actors(3), forecasts(), measures()])))


def test_actors_that_poles_see_go_out_from_the_nearest_unit_in_range() -> None:
    seen = actors(5, x=np.array([0.0, 100.0, 990.0, 500.0, 10.0]), sources=np.array([2, 3, 2, 2, 1]))
    found = values(edge().encode(Frame(START, [seen])), "rsm")
    assert [(link, len(value["participants"])) for link, value in found] == [(1, 2), (2, 1)]
    assert bytes.fromhex(found[1][1]["id"]) == b"UNIT0002"


def test_many_actors_go_out_in_several_frames_and_each_number_once() -> None:
    found = values(edge().encode(Frame(START, [actors(50)])), "rsm")
    assert [len(value["participants"]) for _, value in found] == [MOST, MOST, MOST, 2]
    assert [value["msgCnt"] for _, value in found] == [0, 1, 2, 3]
    numbers = [p["ptcId"] for _, value in found for p in value["participants"]]
    assert len(set(numbers)) == 50
    assert {p["source"] for _, value in found for p in value["participants"]} == {"integrated"}


def test_short_numbers_stay_apart_within_a_unit_and_stay_with_their_actor() -> None:
    identities = np.array([5, 5 + 65_535, 5 + 2 * 65_535, 9], np.uint64)
    together = short_numbers(identities, np.zeros(4, np.int64))
    assert len(set(together.tolist())) == 4 and together.min() >= 1
    assert short_numbers(identities, np.arange(4)).tolist() == [6, 6, 6, 10]
    assert together[0] == 6 and together[3] == 10


def test_spat_carries_the_forecasts_there_and_back() -> None:
    made, told = edge(), forecasts()
    messages = made.encode(Frame(START, [told]))
    assert [link for link, _ in values(messages, "spat")] == [1]  # controller 1 has no unit
    _, heard = made.hear(messages, START)
    assert isinstance(heard, SignalForecasts)
    expected = told.take(slice(0, 3)).replace(next_green_duration=[NAN, 30.0, NAN])
    assert heard.canonical() == expected.canonical()


def test_what_is_heard_later_counts_from_then_on() -> None:
    made = edge()
    messages = made.encode(Frame(START, [forecasts()]))
    _, heard = made.hear(messages, START + 700_000_000)
    assert isinstance(heard, SignalForecasts)
    np.testing.assert_allclose(heard.likely_end, [4.3, 11.8, 0.0])
    np.testing.assert_allclose(heard.next_green[:2], [0.0, 13.8])
    np.testing.assert_allclose(heard.next_green_duration[1], 30.0)


def test_a_controller_with_many_groups_takes_several_states_of_one_message() -> None:
    count = 40
    many = SignalForecasts(
        controller=np.zeros(count, int), group=np.arange(1, count + 1), light=np.full(count, Light.RED),
        **{name: np.full(count, 4.0) for name in ("min_end", "likely_end", "max_end")},
        next_green=np.full(count, 4.0), next_green_duration=np.full(count, 4.0),
    )  # fmt: skip
    made = edge()
    messages = made.encode(Frame(START, [many]))
    ((_, value),) = values(messages, "spat")
    assert [len(state["phases"]) for state in value["intersections"]] == [16, 16, 8]
    assert made.hear(messages, START)[1].canonical() == many.canonical()


def test_the_next_green_is_the_one_of_the_program() -> None:
    ((_, value),) = values(edge().encode(Frame(START, [forecasts()])), "spat")
    second = value["intersections"][0]["phases"][1]["phaseStates"]
    assert [state["light"] for state in second] == ["red", "protected-green"]
    assert second[1]["timing"]["counting"] == {"startTime": 145, "likelyEndTime": 445}


def test_times_of_the_clock_give_the_light_alone() -> None:
    made = edge(1)
    (message, *_) = made.encode(Frame(START, [forecasts()]))
    value = CODEC.decode(message.payload)
    timing = {"timing": {"utcTiming": {"startUTCTime": 5, "likelyEndUTCTime": 9}}}
    states = [{"light": "red", **timing}, {"light": "yellow", **timing}, {"light": "protected-green", **timing}]
    value["spatFrame"]["intersections"][0]["phases"] = [{"id": 4, "phaseStates": states}]
    _, heard = made.hear([Message(START, 1, CODEC.encode(value))], START)
    assert isinstance(heard, SignalForecasts)
    assert heard.light.tolist() == [Light.RED] and np.isnan(heard.likely_end).all()


def test_map_goes_out_once_a_second_with_its_own_counter_and_minute() -> None:
    made = edge(controllers=1)
    sent = [values(made.encode(Frame(START + k * TICK)), "map") for k in range(100)]
    ticks = [k for k, found in enumerate(sent) if found]
    assert np.diff(ticks).tolist() == [10] * (len(ticks) - 1) and len(ticks) >= 9
    ((_, first),), ((_, last),) = sent[ticks[0]], sent[ticks[-1]]
    assert (first["msgCnt"], last["msgCnt"]) == (0, len(ticks) - 1)
    assert first["timeStamp"] == (START + ticks[0] * TICK - 1_735_689_600_000_000_000) // 60_000_000_000
    assert first["nodes"] == last["nodes"]


def test_units_speak_their_maps_at_different_ticks() -> None:
    assets = [
        Units(unit=[1], x=[0.0], y=[0.0], range=[300.0], controller=[0]),
        SignalControllers(controller=[0], x=[0.0], y=[0.0], unit=[1]),
    ]
    made = V2xEdge(EdgeConfig(), crossroads(), assets)
    rsi_ticks = [k for k in range(30) if values(made.encode(Frame(START + k * TICK, [measures()])), "rsi")]
    assert rsi_ticks[0] == 0 and np.diff(rsi_ticks[1:]).tolist() == [10] * (len(rsi_ticks) - 2)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_measures_are_heard_exactly_as_they_were_ordered(count: int) -> None:
    made, ordered = edge(), measures(count)
    messages = made.encode(Frame(START, [ordered]))
    assert len(values(messages, "rsi")) == 2 * -(-count // 8)
    assert all(len(value["rtes"]) <= 8 for _, value in values(messages, "rsi"))
    heard, _ = made.hear(messages, START)
    assert isinstance(heard, MeasureOrders)
    assert heard.canonical() == ordered.canonical()


def test_event_numbers_are_unique_within_a_unit() -> None:
    found = values(edge(1).encode(Frame(START, [measures(20, measure=np.arange(20) * 256)])), "rsi")
    numbers = [event["rteId"] for _, value in found for event in value["rtes"]]
    assert len(set(numbers)) == 20


def test_a_measure_names_the_circle_around_its_zone() -> None:
    found = values(edge(1).encode(Frame(START, [measures(1)])), "rsi")
    (event,) = found[0][1]["rtes"]
    assert event["eventRadius"] == round(np.hypot(50, 40) * 10)
    assert event["eventType"] >= 10_000  # a private number, not one of GB/T 29100


def test_a_new_warning_goes_out_at_once_and_only_from_the_unit_nearby() -> None:
    made = edge()
    assert values(made.encode(Frame(START + TICK)), "rsi") == []
    found = values(made.encode(Frame(START + 2 * TICK, [warnings()])), "rsi")
    assert [link for link, _ in found] == [1]
    assert values(made.encode(Frame(START + 3 * TICK, [warnings()])), "rsi") == []
    again = values(made.encode(Frame(START + 4 * TICK, [warnings(subject=6)])), "rsi")
    assert again[0][1]["rtes"][0]["description"]["textString"].startswith(
        "warning service=1 subject=0000000000000006"
    )


def test_a_warning_that_was_not_approved_stays_silent() -> None:
    assert not len(edge().encode(Frame(START, [warnings(Verdict.REPEATED)])))


def test_only_confirmed_incidents_go_out() -> None:
    incidents = filled(Incidents, 2, kind=[1, 2], actor=[4, 5], confirmed=[True, False])
    ((_, value),) = values(edge().encode(Frame(START, [incidents])), "rsi")
    texts = [event["description"]["textString"] for event in value["rtes"]]
    assert texts == ["incident kind=1 actor=0000000000000004"]


@pytest.mark.parametrize(
    "text", ["measure", "measure zone=1", "measure measure=70000 zone=1", "closed", "measure measure=x", "m=1"]
)
def test_a_description_that_is_not_ours_gives_no_measure(text: str) -> None:
    made = edge(1)
    (message,) = made.encode(Frame(START, [measures(1)]))
    value = CODEC.decode(message.payload)
    value["rsiFrame"]["rtes"][0]["description"] = {"textString": text}
    heard, _ = made.hear([Message(START, 1, CODEC.encode(value))], START)
    assert len(heard) == 0


def test_hearing_proves_one_message_of_each_type_a_second_or_all() -> None:
    for verify, expected in ((False, 2), (True, 20)):
        made = edge(1, verify=verify)
        for k in range(20):
            made.hear(made.encode(Frame(START + k * TICK, [actors(3)])), START + k * TICK)
        assert made.proven[MessageType.RSM] == expected and made.unread == 0


def test_what_cannot_be_read_is_counted_and_passed_over() -> None:
    made = edge()
    messages = made.encode(Frame(START, [forecasts()]))
    _, heard = made.hear([Message(START, 1, b"\x30"), *messages, Message(START, 1, b"")], START)
    assert len(heard) == 3 and made.unread == 1 + 1


def test_what_was_sent_is_counted_with_the_next_reception() -> None:
    made = edge()
    sent = made.encode(Frame(START, [actors(20), forecasts()]))
    traffic = made.decode([], START + TICK)[3]
    assert isinstance(traffic, Traffic)
    assert (traffic.type.tolist(), traffic.direction.tolist()) == ([MessageType.RSM, MessageType.SPAT], [1, 1])
    assert traffic.frames.tolist() == [2, 1] and int(traffic.octets.sum()) == sum(len(m.payload) for m in sent)
    assert len(made.decode([], START + 2 * TICK)[3]) == 0
