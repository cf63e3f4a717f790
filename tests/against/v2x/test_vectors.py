"""Frames of other encoders: ours must read them, and write them back octet by octet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import EDITION, codec_of

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "v2x"
MESSAGES = ("bsm", "map", "rsm", "spat", "rsi")
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no vectors in {VECTORS}")


def vectors(name: str) -> list[dict[str, Any]]:
    source = VECTORS / name
    if not source.is_file():
        pytest.skip(f"no vectors in {source}")
    found: list[dict[str, Any]] = json.loads(source.read_text("utf-8"))
    return found


@pytest.mark.parametrize("message", MESSAGES)
def test_random_frames_of_2020_decode_to_their_value_and_back(message: str) -> None:
    codec = codec_of(EDITION)
    for one in vectors(f"random_2020_{message}.json"):
        octets, value = bytes.fromhex(one["hex"]), {f"{message}Frame": one["value"]}
        assert codec.decode(octets) == value
        assert codec.encode(value) == octets


@pytest.mark.parametrize("message", MESSAGES)
def test_the_walk_agrees_with_the_generated_functions(message: str) -> None:
    root = codec_of(EDITION).root
    for one in vectors(f"random_2020_{message}.json"):
        octets, value = bytes.fromhex(one["hex"]), {f"{message}Frame": one["value"]}
        assert read_frame(root, octets) == value
        assert write_frame(root, value) == octets


def test_field_payloads_decode_to_their_value_and_back() -> None:
    codec, seen = codec_of(EDITION), 0
    for one in vectors("real_vectors.json"):
        # a 2019 payload without a field that changed is also one of 2020; those that differ are not ours
        if one["edition"] == "csae53_2020" or "valid under both" in one["note"]:
            octets = bytes.fromhex(one["hex"])
            assert codec.decode(octets) == {one["type"]: one["value"]}, one["id"]
            assert codec.encode({one["type"]: one["value"]}) == octets, one["id"]
            seen += 1
    assert seen >= 4


def test_day_two_frames_are_kept_whole() -> None:
    codec, seen = codec_of(EDITION), 0
    for source in sorted(VECTORS.glob("random_day2_*.json")):
        for one in vectors(source.name):
            octets = bytes.fromhex(one["hex"])
            assert codec.encode(codec.decode(octets)) == octets, source.name
            seen += 1
    assert seen
