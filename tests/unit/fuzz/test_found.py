"""What the fuzzer has found, so that it stays mended."""

from __future__ import annotations

import pytest

from wayside.asn1.errors import Fault, WireError
from wayside.maps.drawing import crossroads
from wayside.messages import Message
from wayside.roadside.tables import Detections, Poles
from wayside.security.objects import decode_object, encode_object
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import EDITION, codec_of


@pytest.mark.parametrize("nothing", [[], "", ()])
def test_an_empty_list_or_text_is_no_sequence_without_fields(nothing: object) -> None:
    participant: dict[str, object] = {
        "ptcType": "motor",
        "ptcId": 1,
        "source": "video",
        "secMark": 0,
        "pos": {"offsetLL": {"position-LL1": {"lon": 0, "lat": 0}}},
        "posConfidence": {"pos": "a1m"},
        "speed": 0,
        "heading": 0,
        "motionCfd": {},
        "size": {"width": 0, "length": 0},
    }
    frame = {"msgCnt": 0, "id": "00" * 8, "refPos": {"lat": 0, "long": 0}, "participants": [participant]}
    codec = codec_of(EDITION)
    assert codec.decode(codec.encode({"rsmFrame": frame})) == {"rsmFrame": frame}
    participant["motionCfd"] = nothing
    with pytest.raises(WireError, match="expected a dict"):
        codec.encode({"rsmFrame": frame})


def test_an_unknown_name_with_any_number_that_can_be_read_is_written_again() -> None:
    octets = bytes.fromhex(
        "01818800ab00050d06e4b3cebcd9656d3e1246fa930100818219825d3dc996b6ae4bca65ab43eb9b5d967918918f58d9be19943d3512f81f"
        "9e61abc815d29c3cbebaa44fcc0c6d68e08a076f4ff43ff86cb59a8cb74678e9dc"
    )
    value = decode_object(octets, "tdcl")
    assert len(value["toBeSignedPkiCtl"]["issuer"]["self"]) > 9
    assert encode_object(value, "tdcl") == octets
    value["toBeSignedPkiCtl"]["issuer"]["self"] = f"...{2**1015 - 1}"
    assert decode_object(encode_object(value, "tdcl"), "tdcl") == value
    value["toBeSignedPkiCtl"]["issuer"]["self"] = f"...{2**1015}"
    with pytest.raises(WireError, match="at most 127") as refused:
        encode_object(value, "tdcl")
    assert refused.value.reason is Fault.OUT_OF_RANGE


def test_an_rsm_of_2017_says_how_sure_its_positions_are_under_another_name() -> None:
    seen = {
        "ptcType": "motor", "ptcId": 4, "source": "video", "secMark": 59900,
        "pos": {"offsetLL": {"position-LL1": {"lon": 5, "lat": 5}}}, "accuracy": {"pos": "a1m"},
        "speed": 100, "heading": 0, "size": {"width": 180, "length": 450},
    }  # fmt: skip
    value = {
        "msgCnt": 1, "id": b"POLE0003".hex(), "refPos": {"lat": 225_000_000, "long": 1_140_000_000},
        "participants": [seen],
    }  # fmt: skip
    octets = codec_of("csae53-2017").encode({"rsmFrame": value})
    poles = Poles(pole=[3], x=[0.0], y=[0.0], range=[80.0], position_sigma=[0.3], controller=[0])
    edge = V2xEdge(EdgeConfig(edition="csae53-2017"), crossroads(), [poles])
    detections = next(t for t in edge.decode([Message(59_900_000_000, 1, octets)], 0) if isinstance(t, Detections))
    assert detections.number.tolist() == [4] and detections.position_sigma[0] < 1.0


@pytest.mark.parametrize("octets", [b"\x01\x82\x08" + bytes([0xC8]) * 2100])
def test_a_number_too_long_to_print_is_refused(octets: bytes) -> None:
    with pytest.raises(WireError):
        decode_object(octets, "tbs-tdcl")
