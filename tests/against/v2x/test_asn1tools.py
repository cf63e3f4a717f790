"""asn1tools, a codec by other people, must agree with ours on every random value."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import asn1tools
import pytest

from wayside.asn1.samples import sample
from wayside.asn1.schema import Bits, Choice, Node, Octets, Sequence, SequenceOf
from wayside.v2x.editions import EDITION, codec_of

MESSAGES = 250  # of each type


@cache
def reference() -> Any:
    text = files("wayside.v2x").joinpath("asn1", f"{EDITION}.asn").read_text("utf-8")
    return asn1tools.compile_string(text, "uper")


def foreign(node: Node, value: Any) -> Any:
    """Return a value of ours in the form asn1tools takes."""
    match node:
        case Bits():
            octets = -(-node.size // 8)
            return int(value["bits"].ljust(octets * 8, "0"), 2).to_bytes(octets, "big"), node.size
        case Octets():
            return bytes.fromhex(value)
        case SequenceOf():
            return [foreign(node.element, item) for item in value]
        case Choice():
            ((name, inner),) = value.items()
            return name, foreign(next(f.node for f in node.alternatives if f.name == name), inner)
        case Sequence():
            return {f.name: foreign(f.node, value[f.name]) for f in node.fields if f.name in value}
        case _:
            return value


@pytest.mark.parametrize("message", ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"])
def test_random_values_have_the_same_octets_in_both_codecs(message: str) -> None:
    codec, random = codec_of(EDITION), Random(message)
    (node,) = (f.node for f in codec.root.alternatives if f.name == message)
    for _ in range(MESSAGES if message != "mapFrame" else MESSAGES // 2):
        value = {message: sample(node, random, most_items=3)}
        octets = codec.encode(value)
        theirs = foreign(codec.root, value)
        assert reference().encode("MessageFrame", theirs) == octets
        assert reference().decode("MessageFrame", octets) == theirs
        assert codec.decode(octets) == value
