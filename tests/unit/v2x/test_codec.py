from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.asn1.errors import WireError
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.tables import RefusalReason

CODEC = codec_of(EDITION)


def bsm(**changed: Any) -> dict[str, Any]:
    value = {
        "msgCnt": 11,
        "id": "3132333435363738",
        "secMark": 0,
        "pos": {"lat": 227100000, "long": 1143500000},
        "transmission": "neutral",
        "speed": 0,
        "heading": 0,
        "accelSet": {"long": 20, "lat": 20, "vert": 0, "yaw": 0},
        "brakes": {},
        "size": {"width": 20, "length": 20},
        "vehicleClass": {"classification": 0},
    }
    return {"bsmFrame": {**value, **changed}}


def spat(**changed: Any) -> dict[str, Any]:
    state = {
        "intersectionId": {"id": 7},
        "status": {"bits": "0" * 16},
        "phases": [{"id": 1, "phaseStates": [{"light": "red"}]}],
        **changed,
    }
    return {"spatFrame": {"msgCnt": 0, "intersections": [state]}}


def refusal(octets: bytes) -> WireError:
    with pytest.raises(WireError) as found:
        CODEC.decode(octets)
    return found.value


def unwritten(value: dict[str, Any]) -> WireError:
    with pytest.raises(WireError) as found:
        CODEC.encode(value)
    return found.value


def test_a_frame_reads_back_as_it_was_written() -> None:
    assert CODEC.decode(CODEC.encode(bsm())) == bsm()


def test_the_codec_is_made_once() -> None:
    assert codec_of(EDITION) is CODEC


def test_unknown_additions_of_a_sequence_are_kept() -> None:
    value = bsm(**{"...": ["0102", None, "ff"]})
    octets = CODEC.encode(value)
    assert CODEC.decode(octets) == value
    assert CODEC.encode(CODEC.decode(octets)) == octets


def test_unknown_additions_inside_a_list_do_not_disturb_what_follows() -> None:
    phases = [
        {"id": 1, "phaseStates": [{"light": "...3", "...": ["aa"]}, {"light": "red"}]},
        {"id": 2, "phaseStates": [{"light": "yellow", "timing": {"...": {"index": 70, "octets": "00"}}}]},
    ]
    value = spat(phases=phases)
    assert CODEC.decode(CODEC.encode(value)) == value


def test_a_message_above_16383_octets_reads_back() -> None:
    participant = {
        "ptcType": "motor", "ptcId": 5, "source": "video", "secMark": 22016, "posConfidence": {"pos": "a1m"},
        "speed": 676,
        "pos": {"offsetLL": {"position-LatLon": {"lon": 1143500000, "lat": 227100000}}},
        "heading": 100, "size": {"width": 180, "length": 460}, "vehicleClass": {"classification": 10},
    }  # fmt: skip
    point = {"offsetLL": {"position-LL6": {"lon": -83, "lat": 92}}}
    detected = [{"ptc": participant, "polygon": [point] * 4} for _ in range(512)]
    message = {
        "msgCnt": 1, "id": "504f4c4530303033", "equipmentType": "rsu", "secMark": 22016,
        "sensorPos": {"lat": 225909256, "long": 1144111720}, "participants": detected,
    }  # fmt: skip
    value = {"msgFrameExt": {"messageId": 12, "value": {"SensorSharingMsg": message}}}
    octets = codec_of("csae157-2020").encode(value)
    assert len(octets) > 16383
    assert codec_of("csae157-2020").decode(octets) == value
    assert CODEC.encode(CODEC.decode(octets)) == octets


def test_an_unknown_message_is_kept() -> None:
    value = {"...": {"index": 0, "octets": "00" * 200}}
    assert CODEC.decode(CODEC.encode(value)) == value


@pytest.mark.parametrize("bits", ["", "1", "0" * 12, "10" * 7, "1" * 200])
def test_an_extended_bit_string_keeps_its_length(bits: str) -> None:
    value = bsm(safetyExt={"events": {"bits": bits}})
    assert CODEC.decode(CODEC.encode(value)) == value


def test_a_short_frame_names_the_field_where_it_ends() -> None:
    error = refusal(CODEC.encode(bsm())[:10])
    assert (error.reason, error.path) == (RefusalReason.TRUNCATED, "bsmFrame.id")
    assert error.bit == 19


def test_an_empty_frame_is_truncated() -> None:
    assert refusal(b"").reason == RefusalReason.TRUNCATED


def test_a_number_above_its_range_is_refused_with_its_bit() -> None:
    octets = CODEC.encode(bsm())
    latitude = (1 << 31) - 1 << 8 * len(octets) - 131  # its 31 bits end at bit 131
    error = refusal((int.from_bytes(octets, "big") | latitude).to_bytes(len(octets), "big"))
    assert (error.reason, error.path) == (RefusalReason.OUT_OF_RANGE, "bsmFrame.pos.lat")
    assert error.bit == 131


@pytest.mark.parametrize("extra", [b"\x00", b"\x01", b"\xff\xff"])
def test_octets_after_the_message_are_refused(extra: bytes) -> None:
    assert refusal(CODEC.encode(bsm()) + extra).reason == RefusalReason.TRAILING_BITS


def test_padding_that_is_not_zero_is_refused() -> None:
    octets = bytearray(CODEC.encode(bsm()))
    octets[-1] |= 1
    assert refusal(bytes(octets)).reason == RefusalReason.TRAILING_BITS


def test_an_index_beyond_the_messages_is_unknown() -> None:
    assert refusal(b"\x70\x00").reason == RefusalReason.UNKNOWN_MESSAGE


def test_a_length_that_is_longer_than_it_needs_to_be_is_malformed() -> None:
    assert refusal(bytes.fromhex("80800100")).reason == RefusalReason.MALFORMED


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (bsm(speed=8192), "bsmFrame.speed", RefusalReason.OUT_OF_RANGE),
        (bsm(speed=-1), "bsmFrame.speed", RefusalReason.OUT_OF_RANGE),
        (bsm(speed=1.5), "bsmFrame.speed", RefusalReason.MALFORMED),
        (bsm(speed=np.int64(3)), "bsmFrame.speed", RefusalReason.MALFORMED),
        (bsm(id="31"), "bsmFrame.id", RefusalReason.OUT_OF_RANGE),
        (bsm(id="zz" * 8), "bsmFrame.id", RefusalReason.MALFORMED),
        (bsm(transmission="fast"), "bsmFrame.transmission", RefusalReason.OUT_OF_RANGE),
        (bsm(colour=1), "bsmFrame", RefusalReason.MALFORMED),
        (bsm(brakes={"wheelBrakes": {"bits": "0101"}}), "bsmFrame.brakes.wheelBrakes", RefusalReason.OUT_OF_RANGE),
        (bsm(brakes={"abs": None}), "bsmFrame.brakes.abs", RefusalReason.OUT_OF_RANGE),
        (spat(phases=[]), "spatFrame.intersections[0].phases", RefusalReason.OUT_OF_RANGE),
        (spat(phases=[{"id": 1}]), "spatFrame.intersections[0].phases[0].phaseStates", RefusalReason.MALFORMED),
        ({"noFrame": {}}, "", RefusalReason.OUT_OF_RANGE),
        ({}, "", RefusalReason.MALFORMED),
    ],
)
def test_a_value_that_is_wrong_is_refused_with_its_field(
    value: dict[str, Any], path: str, reason: RefusalReason
) -> None:
    error = unwritten(value)
    assert (error.path, error.reason) == (path, reason)


def test_a_missing_field_is_named() -> None:
    value = bsm()
    del value["bsmFrame"]["speed"]
    assert unwritten(value).path == "bsmFrame.speed"
