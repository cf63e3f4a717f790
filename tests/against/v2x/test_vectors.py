"""Frames of other encoders: ours must read them, and write them back octet by octet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.probe import probe

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "v2x"
EDITIONS = {  # their name for an edition: ours
    "2019": "gbt31024-3-2019",
    "2020": "csae53-2020",
    "day2": "csae157-2020",
    "gbt31024_3_2019": "gbt31024-3-2019",
    "csae53_2020": "csae53-2020",
    "csae157_2020": "csae157-2020",
}
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no vectors in {VECTORS}")


def vectors(name: str) -> list[dict[str, Any]]:
    source = VECTORS / name
    if not source.is_file():
        pytest.skip(f"no vectors in {source}")
    found: list[dict[str, Any]] = json.loads(source.read_text("utf-8"))
    return found


def inner(value: dict[str, Any]) -> Any:
    """Return the message inside a frame."""
    ((name, message),) = value.items()
    return next(iter(message["value"].values())) if name == "msgFrameExt" else message


NAMES = sorted(file.name for file in VECTORS.glob("random_*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_random_frames_decode_to_their_value_and_back(name: str) -> None:
    codec = codec_of(EDITIONS[name.split("_")[1]])
    for one in vectors(name):
        octets = bytes.fromhex(one["hex"])
        value = codec.decode(octets)
        assert inner(value) == one["value"]
        assert codec.encode(value) == octets


@pytest.mark.parametrize("name", NAMES)
def test_the_walk_agrees_with_the_generated_functions(name: str) -> None:
    codec = codec_of(EDITIONS[name.split("_")[1]])
    for one in vectors(name):
        octets = bytes.fromhex(one["hex"])
        value = codec.decode(octets)
        assert read_frame(codec.root, octets) == value
        assert write_frame(codec.root, value) == octets


def test_field_payloads_decode_to_their_value_and_back() -> None:
    seen = 0
    for one in vectors("real_vectors.json"):
        codec, octets = codec_of(EDITIONS[one["edition"]]), bytes.fromhex(one["hex"])
        value = codec.decode(octets)
        assert list(value) == [one["type"]], one["id"]
        assert inner(value) == inner({one["type"]: one["value"]}), one["id"]
        assert codec.encode(value) == octets, one["id"]
        seen += 1
    assert seen == 8


def test_field_payloads_fit_the_editions_that_they_should() -> None:
    """A payload without a field that changed fits 2019 and 2020 alike; an RSI with a path fits one alone."""
    for one in vectors("real_vectors.json"):
        exact = {reading.edition for reading in probe(bytes.fromhex(one["hex"])) if reading.exact}
        assert EDITIONS[one["edition"]] in exact, one["id"]
        assert ({"gbt31024-3-2019", EDITION} <= exact) is ("valid under both" in one["note"] or one["type"] in (
            "spatFrame", "rsmFrame", "bsmFrame", "msgFrameExt")), one["id"]  # fmt: skip


def test_day_two_frames_are_kept_whole_by_an_edition_that_does_not_know_them() -> None:
    codec, seen = codec_of(EDITION), 0
    for source in sorted(VECTORS.glob("random_day2_*.json")):
        for one in vectors(source.name):
            octets = bytes.fromhex(one["hex"])
            assert codec.encode(codec.decode(octets)) == octets, source.name
            seen += 1
    assert seen
