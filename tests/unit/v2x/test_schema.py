from __future__ import annotations

from random import Random

import asn1tools
import pytest

from wayside.asn1.codec import Codec
from wayside.asn1.generate import compiled
from wayside.asn1.samples import sample
from wayside.asn1.schema import Choice, SchemaError, Sequence, _Reader
from wayside.v2x.editions import EDITION, schema_of


def read(body: str) -> Choice:
    text = f"Test DEFINITIONS AUTOMATIC TAGS ::= BEGIN Root ::= CHOICE {{ one {body} }} END"
    (module,) = asn1tools.parse_string(text).values()
    node = _Reader(module["types"]).named("Root")
    assert isinstance(node, Choice)
    return node


def test_the_edition_has_five_messages_and_a_marker() -> None:
    root = schema_of(EDITION)
    assert [f.name for f in root.alternatives] == ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"]
    assert root.extensible
    bsm = root.alternatives[0].node
    assert isinstance(bsm, Sequence) and len(bsm.optionals) == 7


@pytest.mark.parametrize(
    "body",
    [
        "INTEGER",
        "INTEGER (0..7, ...)",
        "SEQUENCE { a INTEGER (0..1), ..., b INTEGER (0..1) }",
        "SEQUENCE { a INTEGER (0..1) DEFAULT 0 }",
        "BIT STRING (SIZE(1..4))",
        "ENUMERATED { a(1), b(2) }",
        "UTF8String (SIZE(1..4))",
    ],
)
def test_what_it_cannot_encode_is_refused_when_read(body: str) -> None:
    with pytest.raises(SchemaError):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        "INTEGER (5..5)",
        "INTEGER (-3..300)",
        "ENUMERATED { only }",
        "OCTET STRING (SIZE(20))",
        "OCTET STRING (SIZE(0..3))",
        "IA5String (SIZE(4))",
        "SEQUENCE (SIZE(3)) OF INTEGER (1..6)",
        "SEQUENCE { }",
        "SEQUENCE { a CHOICE { x INTEGER (0..3), ... } OPTIONAL, ... }",
        "BIT STRING (SIZE(3, ...))",
    ],
)
def test_every_type_reads_back_as_it_was_written(body: str) -> None:
    codec, random = Codec(read(body), "test"), Random(7)
    for _ in range(30):
        value = sample(codec.root, random)
        octets = codec.encode(value)
        assert codec.decode(octets or b"") == value


def test_generated_functions_and_not_the_walk_handle_ordinary_values() -> None:
    root = schema_of(EDITION)
    functions, random = compiled(root, "test"), Random(1)
    for field in root.alternatives:
        value = sample(field.node, random)
        number = functions[f"encode_{field.name}"](value)
        width = number.bit_length() - 1
        assert functions[f"decode_{field.name}"](number ^ 1 << width, width) == (value, 0)
