"""What the signed edge does with what it hears: editions by link, envelopes, impostors, day II."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from wayside.asn1.frames import Frames
from wayside.asn1.samples import sample
from wayside.envelope import Role
from wayside.guidance.tables import ManoeuvreRequests
from wayside.maps.drawing import crossroads
from wayside.messages import Message, Messages
from wayside.roadside.tables import Detections, Poles, Units
from wayside.security.envelope import EnvelopeConfig, open_envelope
from wayside.security.objects import decode_object, encode_object
from wayside.security.policies import VerifyConfig
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.signals.tables import SignalControllers
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import codec_of, schema_of
from wayside.v2x.tables import Kind, MessageType, RefusalReason, Refusals, Reports, Traffic
from wayside.worlds.tables import Impostors

HERE = {"lat": 225_000_000, "long": 1_140_000_000}
NOW = 1_772_000_039_900_000_000
POLES = Poles(pole=[3], x=[10.0], y=[10.0], range=[80.0], position_sigma=[0.3], controller=[0])
UNITS = Units(unit=[1], x=[0.0], y=[0.0], range=[500.0], controller=[0])
CONTROLLERS = SignalControllers(controller=[0], x=[0.0], y=[0.0], unit=[1])


def edge(signed: bool = True, **config: Any) -> V2xEdge:
    road = crossroads()
    every = EnvelopeConfig(pool=1, verify=VerifyConfig(policy="all"))
    envelope = open_envelope(every, seed=1, start_ns=NOW, seconds=9.0, road=road, assets=()) if signed else None
    return V2xEdge(EdgeConfig(**config), road, [POLES, UNITS, CONTROLLERS], envelope)


def reports(count: int = 3) -> Reports:
    n = np.arange(count)
    return Reports(
        sender=(n + 1).astype(np.uint64),
        time_ns=np.full(count, NOW),
        received_ns=np.full(count, NOW),
        kind=np.full(count, Kind.CAR, np.uint8),
        x=10.0 * n,
        y=-3.0 * n,
        heading=0.1 * n,
        speed=1.0 + n,
        acceleration=0.0 * n,
        yaw_rate=0.0 * n,
        vertical=0.0 * n,
        length=np.full(count, 4.5),
        width=np.full(count, 1.8),
        position_sigma=np.full(count, 0.4),
        events=np.zeros(count, np.uint16),
    )


def decoded(made: V2xEdge, messages: Messages | list[Message], time_ns: int = NOW) -> dict[type, Any]:
    return {type(table): table for table in made.decode(messages, time_ns)}


def reasons(tables: dict[type, Any]) -> list[RefusalReason]:
    return [RefusalReason(one) for one in tables[Refusals].reason.tolist()]


def test_signed_reports_arrive_and_are_counted() -> None:
    made = edge()
    assert made.writes == {Reports, Detections, ManoeuvreRequests, Refusals, Traffic, Signatures, SignatureCounts}
    got = decoded(made, made.speak([reports(5)], NOW))
    assert got[Reports].canonical().sender.tolist() == [1, 2, 3, 4, 5]
    assert got[SignatureCounts].state.tolist() == [SignatureState.VALID]
    assert not len(got[Refusals]) and not len(got[Signatures])
    (octets,) = got[Traffic].octets[got[Traffic].type == MessageType.BSM].tolist()
    assert octets > 5 * 200  # with the envelopes and the certificates


def test_an_impostors_reports_never_become_rows() -> None:
    made = edge()
    got = decoded(made, made.speak([reports(4), Impostors(sender=np.array([2], np.uint64))], NOW))
    assert got[Reports].canonical().sender.tolist() == [1, 3, 4]
    assert reasons(got) == [RefusalReason.UNTRUSTED_ROOT]
    assert got[Signatures].sender.tolist() == [2]
    assert got[Signatures].x[0] == pytest.approx(10.0, abs=0.01)


def test_a_changed_payload_is_a_bad_signature_and_its_neighbours_are_read() -> None:
    made = edge()
    spoken = list(made.speak([reports(3)], NOW))
    octets = bytearray(spoken[1].payload)
    octets[25] ^= 1
    got = decoded(made, [spoken[0], Message(NOW, spoken[1].link, bytes(octets)), spoken[2]])
    assert got[Reports].canonical().sender.tolist() == [1, 3]
    assert reasons(got) in ([RefusalReason.BAD_SIGNATURE], [RefusalReason.OUT_OF_RANGE])


def test_a_bare_message_is_refused_where_signatures_are_asked_for() -> None:
    made = edge()
    bare = edge(signed=False).speak([reports(1)], NOW)
    assert reasons(decoded(made, bare)) == [RefusalReason.BAD_ENVELOPE]


def test_a_message_signed_for_another_application_is_refused() -> None:
    made = edge()
    bare = edge(signed=False).speak([reports(1)], NOW)
    told = (np.array([9], np.uint64), np.array([Role.ROADSIDE], np.uint8), np.array([3618], np.int32))
    sealed = made._envelope.seal(bare, *told)  # type: ignore[union-attr]
    assert reasons(decoded(made, sealed)) == [RefusalReason.NOT_PERMITTED]


def test_units_and_vehicles_understand_each_other_in_envelopes() -> None:
    made = edge()
    assert made.hear(Messages.empty(), NOW) is not None and made.unread == 0


def test_each_link_has_its_edition() -> None:
    old = codec_of("csae53-2017")
    value = {
        "msgCnt": 1, "id": "00000000000000ff", "secMark": 59900, "pos": HERE,
        "accuracy": {"pos": "a1m"}, "transmission": "neutral", "speed": 100, "heading": 0,
        "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0}, "brakes": {},
        "size": {"width": 180, "length": 450}, "vehicleClass": {"classification": 10},
    }  # fmt: skip
    octets = old.encode({"bsmFrame": value})
    made = edge(signed=False, links={"7": "csae53-2017"})
    got = decoded(made, [Message(NOW, 7, octets)])
    assert got[Reports].sender.tolist() == [255] and got[Reports].speed.tolist() == [2.0]
    assert got[Reports].position_sigma[0] == pytest.approx(1.0 / 2.4477, abs=1e-3)
    assert not len(decoded(made, [Message(NOW, 8, octets)])[Reports])


def test_an_unknown_edition_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="known are: csae53-2017"):
        EdgeConfig(edition="2021")
    with pytest.raises(ValueError, match="not a number"):
        EdgeConfig(links={"north": "csae53-2017"})


def test_day_two_people_and_shared_sensors_become_rows() -> None:
    day_two = codec_of("csae157-2020")
    person = {
        "msgCnt": 1, "id": "00000000000000aa", "secMark": 59900, "pos": HERE,
        "posAccuracy": {"semiMajor": 20, "semiMinor": 20, "orientation": 65535}, "speed": 60, "heading": 0,
        "overallRadius": 5, "non-motorData": {"basicType": "aPEDESTRIAN"},
    }  # fmt: skip
    seen = {
        "ptcType": "motor", "ptcId": 4, "source": "video", "secMark": 59900,
        "pos": {"offsetLL": {"position-LL1": {"lon": 5, "lat": 5}}}, "posConfidence": {"pos": "a1m"},
        "speed": 100, "heading": 0, "size": {"width": 180, "length": 450},
    }  # fmt: skip
    sensed = {
        "msgCnt": 1, "id": b"POLE0003".hex(), "equipmentType": "rsu", "secMark": 59900,
        "sensorPos": {"lat": 225_000_000, "long": 1_140_000_000}, "participants": [{"ptc": seen}],
    }  # fmt: skip
    frames = [
        day_two.encode({"msgFrameExt": {"messageId": number, "value": {name: value}}})
        for number, name, value in ((15, "PersonalSafetyMessage", person), (12, "SensorSharingMsg", sensed))
    ]
    made = edge(signed=False, edition="csae157-2020")
    got = decoded(made, [Message(NOW, 1, octets) for octets in frames])
    assert got[Reports].kind.tolist() == [Kind.PEDESTRIAN] and np.isnan(got[Reports].length).all()
    assert got[Detections].pole.tolist() == [3] and got[Detections].number.tolist() == [4]
    assert got[Detections].speed.tolist() == [2.0]
    assert set(got[Traffic].type.tolist()) == {MessageType.PSM, MessageType.SSM}


@pytest.mark.parametrize("edition", ["csae53-2017", "gbt31024-3-2019", "csae53-2020", "csae157-2020"])
def test_any_valid_frame_of_an_edition_is_read_or_refused_with_a_reason(edition: str) -> None:
    random, codec = Random(3), codec_of(edition)
    frames = [codec.encode(sample(schema_of(edition), random)) for _ in range(60)]
    made = edge(signed=False, edition=edition)
    got = decoded(made, [Message(NOW, n, octets) for n, octets in enumerate(frames)])
    read = int(got[Traffic].frames.sum())
    assert read + len({(r, link) for r, link in zip(got[Refusals].reason, got[Refusals].link, strict=True)}) >= 60


def test_frames_and_messages_hold_the_same_octets() -> None:
    messages = Messages.of([Message(NOW, 1, b"ab"), Message(NOW, 2, b"c")])
    assert list(Frames(messages.octets, messages.starts)) == [b"ab", b"c"]


def lazy(share: float = 0.0) -> V2xEdge:
    """An edge that verifies on demand alone."""
    road, config = crossroads(), EnvelopeConfig(pool=1, verify=VerifyConfig(share=share))
    envelope = open_envelope(config, seed=1, start_ns=NOW, seconds=9.0, road=road, assets=())
    return V2xEdge(EdgeConfig(), road, [POLES, UNITS, CONTROLLERS], envelope)


def forged(message: Message, identity: int, time_ns: int) -> Message:
    """Return a signed BSM with another identity inside, and its old signature."""
    bare, sealed = codec_of("csae53-2020"), decode_object(message.payload, "signed")
    data = sealed["content"]["signedData"]["tbsData"]["payload"]["data"]["content"]
    value = bare.decode(bytes.fromhex(data["unsecuredData"]))
    value["bsmFrame"]["id"] = f"{identity:016x}"
    data["unsecuredData"] = bare.encode(value).hex()
    return Message(time_ns, message.link, encode_object(sealed, "signed"))


def test_other_identities_under_a_known_certificate_are_verified_and_refused() -> None:
    made = lazy()
    decoded(made, made.speak([reports(1)], NOW))
    later = NOW + 100_000_000
    (good,) = made.speak([later_reports(1, later)], later)
    got = decoded(made, [good, *(forged(good, 1000 + n, later) for n in range(300))], later)
    assert got[Reports].sender.tolist() == [1]
    assert reasons(got) == [RefusalReason.BAD_SIGNATURE] * 300


def test_after_a_bad_signature_everything_in_that_name_is_verified() -> None:
    made = lazy()
    decoded(made, made.speak([reports(1)], NOW))
    later = NOW + 100_000_000
    (good,) = made.speak([later_reports(1, later)], later)
    assert reasons(decoded(made, [forged(good, 77, later)], later)) == [RefusalReason.BAD_SIGNATURE]
    # without that, a message in a verified sender's name would be left out by the policy
    octets = bytearray(good.payload)
    octets[-1] ^= 1
    got = decoded(made, [Message(later, good.link, bytes(octets)), good], later)
    assert reasons(got) == [RefusalReason.BAD_SIGNATURE] and got[Reports].sender.tolist() == [1]


def later_reports(count: int, time_ns: int) -> Reports:
    said = reports(count)
    columns = dict(said.arrays()) | {"time_ns": np.full(count, time_ns), "received_ns": np.full(count, time_ns)}
    return Reports(**columns)


def test_a_flood_of_refused_frames_is_counted_to_the_last_one() -> None:
    made = edge(signed=False)
    flood = Messages.of([Message(NOW, 5, b"\xf0" + n.to_bytes(4, "big")) for n in range(70_000)])
    got = decoded(made, flood)
    assert len(got[Refusals]) == 70_000 == len(set(got[Refusals].number.tolist()))
