"""asn1tools, a codec by other people, must agree with ours on every random value."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import asn1tools
import pytest

from wayside.asn1.samples import sample
from wayside.asn1.schema import Node, Open, Sequence
from wayside.asn1.writer import Writer
from wayside.v2x.editions import EDITION, codec_of, schema_of, text_of

MESSAGES = 120  # of each type; the slow test takes 10,000 of each message of the default edition
DAY_ONE = ("bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame")
EDITIONS = ("csae53-2017", "gbt31024-3-2019", EDITION)


@cache
def reference(edition: str) -> Any:
    """Return asn1tools' codec. It knows no information object classes, so the frame of day II is left out."""
    modules = text_of(edition).split("\nEND")
    kept = [module for module in modules if "CLASS {" not in module]
    return asn1tools.compile_string("\nEND".join(kept), "uper")


def bits(text: str) -> tuple[bytes, int]:
    octets = -(-len(text) // 8)
    return int(text.ljust(octets * 8, "0"), 2).to_bytes(octets, "big"), len(text)


def agree(edition: str, message: str, frames: int, foreign: Any) -> None:
    codec, random = codec_of(edition), Random(message)
    (node,) = (f.node for f in codec.root.alternatives if f.name == message)
    for _ in range(frames):
        value = {message: sample(node, random, most_items=3)}
        octets = codec.encode(value)
        theirs = foreign(codec.root, value, bits)
        assert reference(edition).encode("MessageFrame", theirs) == octets
        assert reference(edition).decode("MessageFrame", octets) == theirs
        assert codec.decode(octets) == value


def day_two() -> dict[str, Node]:
    """Return the types that msgFrameExt may hold, and those that day II adds to, by name."""
    root = schema_of("csae157-2020")
    (extended,) = (f.node for f in root.additions)
    assert isinstance(extended, Sequence)
    value = extended.fields[1].node
    assert isinstance(value, Open)
    held = {name: node for _, name, node in value.types}
    frames = {f.name: f.node for f in root.alternatives}
    return {**held, "MapData": frames["mapFrame"], "RoadSideInformation": frames["rsiFrame"]}


@pytest.mark.parametrize("message", DAY_ONE)
@pytest.mark.parametrize("edition", EDITIONS)
def test_random_values_have_the_same_octets_in_both_codecs(edition: str, message: str, foreign: Any) -> None:
    agree(edition, message, MESSAGES, foreign)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("message", DAY_ONE)
def test_ten_thousand_random_values_have_the_same_octets_in_both_codecs(message: str, foreign: Any) -> None:
    agree(EDITION, message, 10_000, foreign)


@pytest.mark.parametrize("name", sorted(day_two()))
def test_random_values_of_day_two_have_the_same_octets_in_both_codecs(name: str, foreign: Any) -> None:
    node, random = day_two()[name], Random(name)
    theirs_of = reference("csae157-2020")
    for _ in range(MESSAGES // 2):
        value = sample(node, random, most_items=2)
        writer = Writer()
        writer.write(node, value, "")
        octets, theirs = writer.octets(), foreign(node, value, bits)
        assert theirs_of.encode(name, theirs) == octets
        assert theirs_of.decode(name, octets) == theirs
