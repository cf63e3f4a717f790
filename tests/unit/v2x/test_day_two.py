"""Requests, answers, shared sensors, payment and signs over the air."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.asn1.batch import Plan
from wayside.frame import Frame
from wayside.guard.tables import ManoeuvreOrders, Verdict, WarningOrders
from wayside.guidance.tables import (
    GrantReason,
    Manoeuvre,
    ManoeuvreRequests,
    PaymentPoints,
    PaymentPurpose,
    Reason,
    RequestStatus,
    Service,
    Signs,
)
from wayside.maps.drawing import crossroads
from wayside.messages import Message
from wayside.roadside.tables import Actors, Units
from wayside.security.envelope import EnvelopeConfig, open_envelope
from wayside.v2x import day_two
from wayside.v2x.bsm import frames_of, reports_of
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import codec_of, schema_of
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import Place
from wayside.v2x.tables import Kind, MessageType, Refusals, Reports, Traffic, VehicleEvent

NOW = 1_772_409_000_000_000_000
ROAD = crossroads()
UNITS = Units(unit=[1], x=[0.0], y=[0.0], range=[300.0], controller=[0])
SENDER = 0x1122334455667788


def edge(*more: object) -> V2xEdge:
    return V2xEdge(EdgeConfig(), ROAD, [UNITS, *more])  # type: ignore[list-item]


def blank(table: type, /, **columns: object) -> object:
    """Return a table of one row; what is not given is zero or unknown."""
    filled = {
        name: np.full(1, np.nan if declared.dtype.kind == "f" else 0, declared.dtype)
        for name, declared in table.columns.items()  # type: ignore[attr-defined]
    }
    return table(**{**filled, **{name: [value] for name, value in columns.items()}})


def request(kind: Manoeuvre, **changed: object) -> ManoeuvreRequests:
    values: dict[str, object] = {
        "sender": SENDER, "number": 7, "kind": kind, "status": RequestStatus.REQUEST, "priority": 3,
        "time_ns": NOW, "received_ns": NOW, "until_ns": NOW + 4_000_000_000, "x": -60.0, "y": -1.75,
        "lane": -1, "node": -1,
    }  # fmt: skip
    return blank(ManoeuvreRequests, **{**values, **changed})  # type: ignore[return-value]


def heard(made: V2xEdge, asked: ManoeuvreRequests) -> ManoeuvreRequests:
    got = made.decode(made.speak([asked], NOW), NOW)
    return next(table for table in got if isinstance(table, ManoeuvreRequests))


def order(kind: Manoeuvre, granted: bool, **changed: object) -> ManoeuvreOrders:
    values: dict[str, object] = {
        "sender": SENDER, "number": 7, "kind": kind, "x": -60.0, "y": -1.75, "granted": granted,
        "reason": GrantReason.CLEAR if granted else GrantReason.OCCUPIED, "lane": -1, "node": -1,
        "verdict": Verdict.APPROVED, "said_ns": NOW,
    }  # fmt: skip
    return blank(ManoeuvreOrders, **{**values, **changed})  # type: ignore[return-value]


def actor(**changed: object) -> Actors:
    values = {"id": 5, "kind": Kind.PEDESTRIAN, "x": 10.0, "y": 5.0, "heading": 0.0, "speed": 1.0, "length": 0.5,
              "width": 0.5, "position_sigma": 0.3, "lane": -1}  # fmt: skip
    return blank(Actors, **{**values, **changed})  # type: ignore[return-value]


def lane_into_the_crossing() -> int:
    lanes = ROAD.lanes
    return int(np.flatnonzero((lanes.controller == 0) & ~lanes.internal & (lanes.kind == 1))[0])


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (Manoeuvre.OVERTAKE, {}),
        (Manoeuvre.INTERSECTION_PASSING, {"direction": 2}),
        (Manoeuvre.SENSOR_SHARING, {"area_x": 30.0, "area_y": -4.0, "area_radius": 25.0}),
        (Manoeuvre.SIGNAL_PRIORITY, {"node": 0}),
    ],
)
def test_what_a_vehicle_asks_for_is_heard_as_it_was_asked(kind: Manoeuvre, columns: dict[str, float]) -> None:
    got = heard(edge(), request(kind, **columns))
    assert got.sender.tolist() == [SENDER] and got.number.tolist() == [7] and got.kind.tolist() == [kind]
    assert got.priority.tolist() == [3] and got.until_ns.tolist() == [NOW + 4_000_000_000]
    assert got.x[0] == pytest.approx(-60.0, abs=0.02) and got.y[0] == pytest.approx(-1.75, abs=0.02)
    for name, value in columns.items():
        assert getattr(got, name)[0] == pytest.approx(value, abs=0.05)


def test_lanes_are_named_and_found_again() -> None:
    names = LaneReferences(ROAD)
    lane = lane_into_the_crossing()
    x, y, _ = (float(column[0]) for column in ROAD.along([lane], [100.0]))
    assert names.lane(*names.reference(lane), x, y) == lane
    upstream, downstream, number = names.reference(lane)
    assert names.lane(upstream, downstream, number + 9, x, y) == -1
    assert names.lane({"region": 9, "id": 999}, downstream, number, x, y) == -1
    got = heard(edge(), request(Manoeuvre.LANE_CHANGE, lane=lane, x=x, y=y))
    assert got.lane.tolist() == [lane]


def test_payment_goes_by_its_own_message() -> None:
    got = heard(edge(), request(Manoeuvre.PAYMENT))
    assert got.kind.tolist() == [Manoeuvre.PAYMENT] and got.x[0] == pytest.approx(-60.0, abs=0.02)


def test_cancelled_requests_are_told_as_such() -> None:
    got = heard(edge(), request(Manoeuvre.OVERTAKE, status=RequestStatus.CANCEL))
    assert got.status.tolist() == [RequestStatus.CANCEL]


def test_a_broken_or_late_request_is_refused_with_its_reason() -> None:
    made = edge()
    (octets,) = [message.payload for message in made.speak([request(Manoeuvre.OVERTAKE)], NOW)]
    got = made.decode([Message(NOW, 3, octets[:12])], NOW)
    assert len(next(t for t in got if isinstance(t, Refusals))) == 1
    later = NOW + 20_000_000_000
    got = made.decode([Message(later, 3, octets)], later)
    assert next(t for t in got if isinstance(t, Refusals)).reason.tolist() == [7]
    assert not len(next(t for t in got if isinstance(t, ManoeuvreRequests)))


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("kind", [Manoeuvre.OVERTAKE, Manoeuvre.LANE_CHANGE, Manoeuvre.INTERSECTION_PASSING])
def test_vehicles_understand_whether_they_may(kind: Manoeuvre, granted: bool) -> None:
    made = edge()
    told = order(kind, granted, direction=1, speed=9.0, opens=2.5, lane=lane_into_the_crossing())
    messages = made.encode(Frame(NOW, [told]))
    *_, got = made.hear(messages, NOW)
    assert isinstance(got, ManoeuvreOrders)
    assert got.sender.tolist() == [SENDER] and got.kind.tolist() == [kind] and got.granted.tolist() == [granted]
    assert got.speed.tolist() == [9.0] and got.opens.tolist() == [2.5]


def test_who_is_asked_to_make_room_hears_of_it() -> None:
    made = edge()
    told = order(Manoeuvre.LANE_CHANGE, False, helper=99, helper_speed=7.0)
    *_, got = made.hear(made.encode(Frame(NOW, [told])), NOW)
    assert dict(zip(got.sender.tolist(), got.speed.tolist(), strict=True))[99] == 7.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("verdict", [Verdict.REPEATED, Verdict.IMPLAUSIBLE])
def test_answers_that_were_not_approved_do_not_go_out(verdict: Verdict) -> None:
    assert not len(edge().encode(Frame(NOW, [order(Manoeuvre.OVERTAKE, True, verdict=verdict)])))


def sent_ssm(frame: Frame) -> list[dict[str, object]]:
    numbered = [m.payload for m in edge().encode(frame) if day_two.number_of(m.payload) == 12]
    return [day_two.read(octets)[1] for octets in numbered]


def test_an_area_that_was_granted_is_shared_and_nothing_else() -> None:
    area = {"area_x": 0.0, "area_y": 0.0, "area_radius": 20.0}
    told = order(Manoeuvre.SENSOR_SHARING, True, verdict=Verdict.REPEATED, **area)
    (value,) = sent_ssm(Frame(NOW, [told, actor()]))
    (seen,) = value["participants"]  # type: ignore[misc]
    assert value["equipmentType"] == "rsu" and seen["detectedPTCType"] == "pedestrian"
    assert seen["ptc"]["ptcType"] == "pedestrian" and seen["ptc"]["speed"] == 50
    assert not sent_ssm(Frame(NOW, [told, actor(x=40.0)]))
    assert not sent_ssm(Frame(NOW, [order(Manoeuvre.SENSOR_SHARING, False, **area), actor()]))


def test_whoever_is_warned_of_somebody_silent_is_told_of_that_one() -> None:
    columns = {"service": Service.VULNERABLE_ROAD_USER, "subject": 8, "other": 5, "x": 0.0, "y": 0.0}
    told = blank(WarningOrders, **columns, reason=Reason.PERSON_IN_PATH)
    assert len(sent_ssm(Frame(NOW, [told, actor()]))) == 1  # type: ignore[list-item]
    assert not sent_ssm(Frame(NOW, [told, actor(sender=77)]))  # type: ignore[list-item]


def test_points_of_payment_are_offered_once_a_second_and_answered() -> None:
    points = blank(PaymentPoints, point=3, purpose=PaymentPurpose.TOLL, x=-50.0, y=0.0, radius=60.0, price_fen=500)
    made = edge(points)
    told = [[m.payload for m in made.encode(Frame(NOW + k * 100_000_000, []))] for k in range(12)]
    offers = [day_two.read(octets)[1] for tick in told for octets in tick]
    assert len(offers) == 1
    listed = offers[0]["payment"]["initialzation-request"]["paymentList"]
    assert listed[0]["paymentInfo"]["paymentInfoType1"]["tollInfo"]["price"] == 500
    (answer,) = [m.payload for m in edge().encode(Frame(NOW, [order(Manoeuvre.PAYMENT, True)]))]
    asked = day_two.read(answer)[1]["payment"]["action-request"]
    assert asked["targetId"] == f"{SENDER:016x}" and asked["actionParameter"] == {"setMMIRq": {"toll": "ok"}}


def test_signs_go_out_once_a_second_with_their_number() -> None:
    signs = blank(Signs, sign=9, type=101, x=-30.0, y=-6.0, heading=0.0, ahead=100.0, value=40.0)
    made = edge(signs)
    told = [m.payload for k in range(12) for m in made.encode(Frame(NOW + k * 100_000_000, []))]
    assert len(told) == 1
    (shown,) = codec_of("csae53-2020").decode(told[0])["rsiFrame"]["rtss"]
    assert shown["signType"] == 101 and shown["description"] == {"textString": "sign kinds=0 value=40"}


@pytest.mark.parametrize("edition", ["csae53-2020", "csae157-2020"])
@pytest.mark.parametrize("more", [0, VehicleEvent.SIREN, VehicleEvent.LIGHT_BAR])
def test_emergency_vehicles_say_what_they_are(edition: str, more: int) -> None:
    events = int(VehicleEvent.EMERGENCY_VEHICLE | VehicleEvent.HAZARD_LIGHTS | more)
    said = blank(Reports, sender=4, time_ns=NOW, received_ns=NOW, kind=Kind.TRUCK, x=0.0, y=0.0, events=events)
    plan, place = Plan.of(schema_of(edition), "bsmFrame"), Place.of(ROAD)
    got = reports_of(plan.decode(frames_of(said, [1], place, plan)), np.array([NOW]), place)  # type: ignore[arg-type]
    assert got.events.tolist() == [events] and got.kind.tolist() == [Kind.TRUCK]


def test_day_two_messages_are_counted() -> None:
    made = edge()
    made.encode(Frame(NOW, [order(Manoeuvre.OVERTAKE, True)]))
    got = made.decode(made.speak([request(Manoeuvre.OVERTAKE)], NOW), NOW)
    traffic = next(t for t in got if isinstance(t, Traffic))
    assert set(zip(traffic.type.tolist(), traffic.direction.tolist(), strict=True)) == {
        (MessageType.VIR, 0),
        (MessageType.RSC, 1),
    }


def test_signed_requests_and_answers_are_believed() -> None:
    config = EnvelopeConfig(pool=1)
    envelope = open_envelope(config, seed=1, start_ns=NOW, seconds=9.0, road=ROAD, assets=[UNITS])
    made = V2xEdge(EdgeConfig(), ROAD, [UNITS], envelope)
    assert heard(made, request(Manoeuvre.OVERTAKE)).sender.tolist() == [SENDER]
    *_, got = made.hear(made.encode(Frame(NOW, [order(Manoeuvre.OVERTAKE, True)])), NOW)
    assert isinstance(got, ManoeuvreOrders) and got.granted.all() and made.unread == 0


def test_an_unsigned_request_is_not_believed_where_envelopes_are_used() -> None:
    config = EnvelopeConfig(pool=1)
    envelope = open_envelope(config, seed=1, start_ns=NOW, seconds=9.0, road=ROAD, assets=[UNITS])
    bare = edge().speak([request(Manoeuvre.OVERTAKE)], NOW)
    got = V2xEdge(EdgeConfig(), ROAD, [UNITS], envelope).decode(bare, NOW)
    assert not len(next(t for t in got if isinstance(t, ManoeuvreRequests)))
