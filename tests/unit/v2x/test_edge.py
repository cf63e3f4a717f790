from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.guidance.tables import ManoeuvreRequests
from wayside.maps.drawing import crossroads
from wayside.messages import Message
from wayside.roadside.tables import Detections, Poles, Units
from wayside.security.tables import SignatureCounts, Signatures
from wayside.signals.tables import SignalControllers
from wayside.table import F64
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.tables import Kind, MessageType, RefusalReason, Refusals, Reports, Traffic
from wayside.world import Edge

NOW = 1_763_000_039_900_000_000  # 100 ms before a full minute
CODEC = codec_of(EDITION)


def edge(**given: Any) -> V2xEdge:
    poles = Poles(
        pole=[3, 12345],
        x=[10.0, -300.0],
        y=[10.0, 0.0],
        range=[80.0] * 2,
        position_sigma=[0.3] * 2,
        controller=[0, -1],
    )
    units = Units(unit=[1], x=[0.0], y=[0.0], range=[500.0], controller=[0])
    controllers = SignalControllers(controller=[0], x=[0.0], y=[0.0], unit=[1])
    return V2xEdge(EdgeConfig(), crossroads(), [poles, units, controllers], **given)


def reports(count: int = 3, **changed: Any) -> Reports:
    n = np.arange(count)
    return Reports(
        **{
            "sender": np.uint64(2**63) + n.astype(np.uint64),
            "time_ns": np.full(count, NOW),
            "received_ns": np.full(count, NOW),
            "kind": n % 7,
            "x": 10.0 * n,
            "y": -3.0 * n,
            "heading": -3.0 + n * 0.1,
            "speed": 1.0 + n,
            "acceleration": -2.0 + n * 0.01,
            "yaw_rate": -0.2 + n * 0.01,
            "vertical": -3.0 + n * 0.1,
            "length": np.full(count, 4.5),
            "width": np.full(count, 1.8),
            "position_sigma": np.full(count, 0.4),
            "events": n % 2 * 128,
            **changed,
        }
    )


def detections(count: int = 20, pole: int = 3, **changed: Any) -> Detections:
    n = np.arange(count)
    return Detections(
        **{
            "pole": np.full(count, pole),
            "time_ns": np.full(count, NOW),
            "number": n + 1,
            "received_ns": np.full(count, NOW),
            "kind": n % 7,
            "x": 3.0 * n,
            "y": -70.0 + n,
            "heading": np.where(n % 3 == 0, np.nan, 0.1 * n - 1.0),
            "speed": np.where(n % 4 == 0, np.nan, 0.5 * n),
            "length": np.full(count, 4.5),
            "width": np.full(count, 1.8),
            "position_sigma": np.full(count, 0.4),
            **changed,
        }
    )


def tables(given: tuple[Any, ...]) -> tuple[Reports, Detections, Refusals, Traffic]:
    first, second, third, fourth, *_ = given
    assert (type(first), type(second), type(third), type(fourth)) == (Reports, Detections, Refusals, Traffic)
    return first, second, third, fourth


def reasons(refusals: Refusals) -> list[RefusalReason]:
    return [RefusalReason(reason) for reason in refusals.reason.tolist()]


def close(ours: F64, theirs: F64, within: float) -> None:
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.nanmax(np.abs(ours - theirs), initial=0.0) <= within


def test_it_is_an_edge() -> None:
    made: Edge = edge()
    assert made.writes == {Reports, Detections, ManoeuvreRequests, Refusals, Traffic, Signatures, SignatureCounts}


def test_nothing_received_gives_empty_tables() -> None:
    assert [len(t) for t in edge().decode([], NOW)] == [0] * 7


def test_reports_survive_the_air_within_the_steps_of_the_message() -> None:
    made, said = edge(), reports(50)
    heard, _, refused, _ = tables(made.decode(made.speak([said], NOW), NOW))
    heard = heard.canonical()
    assert len(refused) == 0
    for name in ("sender", "time_ns", "received_ns", "kind", "events"):
        assert np.array_equal(getattr(heard, name), getattr(said, name)), name
    close(heard.x, said.x, 0.0075)
    close(heard.y, said.y, 0.0075)
    close(heard.heading, said.heading, 0.0002)
    close(heard.speed, said.speed, 0.0101)
    close(heard.acceleration, said.acceleration, 0.0101)
    close(heard.yaw_rate, said.yaw_rate, 0.0002)
    close(heard.vertical, said.vertical, 0.1031)
    close(heard.length, said.length, 0.0051)
    close(heard.width, said.width, 0.0051)
    close(heard.position_sigma, said.position_sigma, 0.0251)


def test_what_a_sender_does_not_know_arrives_as_unknown() -> None:
    names = ("x", "y", "heading", "speed", "acceleration", "length", "width", "position_sigma")
    said = reports(1, **dict.fromkeys(names, np.full(1, np.nan)))
    made = edge()
    heard, _, _, _ = tables(made.decode(made.speak([said], NOW), NOW))
    for name in names:
        assert np.isnan(getattr(heard, name)).all(), name


def test_frames_are_what_the_codec_writes_of_their_value() -> None:
    for message in edge().speak([reports(30), detections(40)], NOW):
        assert CODEC.encode(CODEC.decode(message.payload)) == message.payload


def test_detections_survive_the_air_in_frames_of_sixteen() -> None:
    made, seen = edge(), detections(40)
    spoken = made.speak([seen], NOW)
    frames = [CODEC.decode(m.payload)["rsmFrame"] for m in spoken]
    assert [len(f["participants"]) for f in frames] == [16, 16, 8]
    assert [f["msgCnt"] for f in frames] == [0, 1, 2]
    assert {bytes.fromhex(f["id"]) for f in frames} == {b"POLE0003"} and {m.link for m in spoken} == {3}
    _, heard, refused, _ = tables(made.decode(spoken, NOW))
    heard = heard.canonical()
    assert len(refused) == 0
    for name in ("pole", "time_ns", "number", "kind"):
        assert np.array_equal(getattr(heard, name), getattr(seen, name)), name
    close(heard.x, seen.x, 0.0075)
    close(heard.y, seen.y, 0.0075)
    close(heard.heading, seen.heading, 0.0002)
    close(heard.speed, seen.speed, 0.0101)
    assert (heard.position_sigma >= seen.position_sigma).all()


def test_poles_with_long_numbers_are_known_again() -> None:
    made = edge()
    _, heard, refused, _ = tables(made.decode(made.speak([detections(3, 12345)], NOW), NOW))
    assert set(heard.pole.tolist()) == {12345} and len(refused) == 0


def test_a_detection_of_a_pole_that_is_not_there_cannot_be_spoken() -> None:
    with pytest.raises(KeyError, match="pole 4"):
        edge().speak([detections(1, 4)], NOW)


def test_the_order_of_messages_and_rows_does_not_matter() -> None:
    first, second = edge(), edge()
    order = np.random.default_rng(1).permutation(20)
    one = first.decode(first.speak([reports(20), detections(20)], NOW), NOW)
    spoken = second.speak([detections(20).take(order), reports(20).take(order)], NOW)
    other = second.decode([spoken[i] for i in np.random.default_rng(2).permutation(len(spoken))], NOW)
    assert [t.canonical() for t in one] == [t.canonical() for t in other]


def test_a_malformed_frame_never_disturbs_its_neighbours() -> None:
    made = edge()
    spoken = made.speak([reports(4)], NOW)
    payloads = (b"", b"\x70\x00", spoken[0].payload[:12], spoken[1].payload + b"\x00\x01", b"\x80\x03abc")
    heard, _, refused, traffic = tables(made.decode([*spoken, *(Message(NOW, 9, p) for p in payloads)], NOW))
    assert len(heard) == 4
    assert sorted(reasons(refused)) == [
        RefusalReason.TRUNCATED,
        RefusalReason.TRUNCATED,
        RefusalReason.UNKNOWN_MESSAGE,
        RefusalReason.UNKNOWN_MESSAGE,
        RefusalReason.TRAILING_BITS,
    ]
    assert refused.number.tolist() == [0, 1, 2, 3, 4] and set(refused.link.tolist()) == {9}
    assert traffic.frames.tolist() == [4]
    assert len(refused.canonical()) == 5


def test_a_repeated_frame_is_a_duplicate_also_in_a_later_tick() -> None:
    made = edge()
    spoken = made.speak([reports(1)], NOW)
    heard, _, refused, _ = tables(made.decode([*spoken, *spoken], NOW))
    assert len(heard) == 1 and reasons(refused) == [RefusalReason.DUPLICATE]
    later = [Message(NOW + 2_000_000_000, m.link, m.payload) for m in spoken]
    heard, _, refused, _ = tables(made.decode(later, NOW + 2_000_000_000))
    assert len(heard) == 0 and reasons(refused) == [RefusalReason.DUPLICATE]


def test_two_frames_of_one_sender_and_instant_are_one_report() -> None:
    made = edge()
    spoken = [*made.speak([reports(2)], NOW), *made.speak([reports(1)], NOW)]  # the counter differs
    heard, _, refused, _ = tables(made.decode(spoken, NOW))
    assert len(heard.canonical()) == 2 and reasons(refused) == [RefusalReason.DUPLICATE]


def test_old_frames_and_frames_from_the_future_are_stale() -> None:
    made = edge()
    for away_ns, kept in ((4_900_000_000, 1), (5_100_000_000, 0), (-900_000_000, 1), (-1_100_000_000, 0)):
        spoken = made.speak([reports(1)], NOW)
        moved = [Message(NOW + away_ns, m.link, m.payload) for m in spoken]
        heard, _, refused, _ = tables(made.decode(moved, NOW + away_ns))
        assert len(heard) == kept and reasons(refused) == [RefusalReason.STALE] * (1 - kept), away_ns
        assert heard.time_ns.tolist() == [NOW] * kept


def test_a_frame_with_one_stale_participant_loses_that_one_alone() -> None:
    made = edge()
    times = np.full(3, NOW)
    times[1] -= 7_000_000_000
    _, heard, refused, _ = tables(made.decode(made.speak([detections(3, time_ns=times)], NOW), NOW))
    assert len(heard) == 2 and reasons(refused) == [RefusalReason.STALE]


def test_an_rsm_of_an_unknown_device_is_refused() -> None:
    value = {
        "rsmFrame": {
            "msgCnt": 0,
            "id": b"POLE9999".hex(),
            "refPos": {"lat": 0, "long": 0},
            "participants": [
                {
                    "ptcType": "motor",
                    "ptcId": 1,
                    "source": "video",
                    "secMark": 0,
                    "pos": {"offsetLL": {"position-LL1": {"lon": 0, "lat": 0}}},
                    "posConfidence": {"pos": "a1m"},
                    "speed": 0,
                    "heading": 0,
                    "size": {"width": 0, "length": 0},
                }
            ],
        }
    }
    _, heard, refused, traffic = tables(edge().decode([Message(NOW, 5, CODEC.encode(value))], NOW))
    assert len(heard) == 0 and reasons(refused) == [RefusalReason.UNKNOWN_MESSAGE]
    assert traffic.type.tolist() == [MessageType.RSM]


def test_a_participant_without_class_is_taken_by_its_type() -> None:
    made = edge()
    (message,) = made.speak([detections(4, kind=np.array([Kind.TRUCK, Kind.BICYCLE, Kind.PEDESTRIAN, 0]))], NOW)
    value = CODEC.decode(message.payload)
    for participant in value["rsmFrame"]["participants"]:
        del participant["vehicleClass"]
    _, heard, _, _ = tables(made.decode([Message(NOW, 3, CODEC.encode(value))], NOW))
    assert heard.kind.tolist() == [Kind.CAR, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.UNKNOWN]


@pytest.mark.parametrize("mark", [61_000, 65_534])
def test_a_millisecond_that_no_minute_has_is_out_of_range(mark: int) -> None:
    made = edge()
    spoken = made.speak([reports(1), detections(2)], NOW)
    frames = [CODEC.decode(message.payload) for message in spoken]
    frames[0]["bsmFrame"]["secMark"] = mark
    frames[1]["rsmFrame"]["participants"][1]["secMark"] = mark
    heard, seen, refused, _ = tables(made.decode([Message(NOW, 1, CODEC.encode(f)) for f in frames], NOW))
    assert len(heard) == len(seen) == 0
    assert reasons(refused) == [RefusalReason.OUT_OF_RANGE] * 2


def test_a_pole_that_does_not_know_where_it_is_tells_no_positions() -> None:
    made = edge()
    (message,) = made.speak([detections(3)], NOW)
    value = CODEC.decode(message.payload)
    value["rsmFrame"]["refPos"]["lat"] = 900_000_001
    _, seen, _, _ = tables(made.decode([Message(NOW, 3, CODEC.encode(value))], NOW))
    assert len(seen) == 3 and np.isnan(seen.x).all() and np.isnan(seen.y).all()


def test_counters_roll_over_after_127() -> None:
    made = edge()
    counts = [CODEC.decode(made.speak([reports(1)], NOW)[0].payload)["bsmFrame"]["msgCnt"] for _ in range(130)]
    assert counts == [*range(128), 0, 1]
