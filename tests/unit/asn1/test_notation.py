from __future__ import annotations

import pytest

from wayside.asn1.schema import (
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Null,
    Open,
    SchemaError,
    Sequence,
    SequenceOf,
    read_schema,
)

TWO_MODULES = """
Frames DEFINITIONS AUTOMATIC TAGS ::= BEGIN
IMPORTS Size, Note FROM Elements;
FRAME ::= CLASS { &id FrameId UNIQUE, &Type }
FrameId ::= INTEGER (0..32767)
Frames FRAME ::= { { &id 0, &Type Note } | { &id 16, &Type Size }, ... }
Root ::= SEQUENCE { id FRAME.&id ({Frames}), value FRAME.&Type ({Frames}{@id}), ... }
END
Elements DEFINITIONS AUTOMATIC TAGS ::= BEGIN
Size ::= INTEGER (0..most)
most INTEGER ::= 7
Note ::= SEQUENCE { a BOOLEAN, ..., b NULL, c Size (1..3) OPTIONAL }
END
"""


def module(body: str) -> str:
    return f"Test DEFINITIONS AUTOMATIC TAGS ::= BEGIN {body} END"


def test_modules_import_from_one_another_and_a_set_tells_what_an_open_type_holds() -> None:
    note = Sequence((Field("a", Boolean()),), True, (Field("b", Null()), Field("c", Integer(1, 3), True)))
    assert read_schema(TWO_MODULES, "Root") == Sequence(
        (
            Field("id", Integer(0, 32767)),
            Field("value", Open("id", ((0, "Note", note), (16, "Size", Integer(0, 7))))),
        ),
        True,
    )


def test_additions_stand_apart_from_what_came_before_the_marker() -> None:
    text = module("Root ::= SEQUENCE { e ENUMERATED { a, b, ..., c, d }, l SEQUENCE (SIZE(1..2)) OF Pick, ... }"
                  " Pick ::= CHOICE { a NULL, ..., b BOOLEAN }")  # fmt: skip
    pick = Choice((Field("a", Null()),), True, (Field("b", Boolean()),))
    assert read_schema(text, "Root") == Sequence(
        (Field("e", Enumerated(("a", "b"), True, ("c", "d"))), Field("l", SequenceOf(pick, 1, 2))), True
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Root ::= INTEGER", "one range"),
        ("Root ::= INTEGER (0..7, ..., 9)", "adds to its range"),
        ("Root ::= INTEGER (0..3 | 5..7)", "one range"),
        ("Root ::= INTEGER (7..0)", "empty"),
        ("Root ::= INTEGER (0..many)", "many"),
        ("Root ::= SEQUENCE { a INTEGER (0..1), ..., [[ b INTEGER (0..1) ]] }", "group"),
        ("Root ::= SEQUENCE { a NULL, ..., b NULL, ..., c NULL }", "second extension marker"),
        ("Root ::= SEQUENCE { a INTEGER (0..1) DEFAULT 0 }", "DEFAULT"),
        ("Root ::= SEQUENCE { a [3] INTEGER (0..1) }", "tag"),
        ("Root ::= SEQUENCE { a Root OPTIONAL }", "holds itself"),
        ("Root ::= SEQUENCE { a Elsewhere }", "Elsewhere"),
        ("Root ::= BIT STRING (SIZE(1..4))", "one length"),
        ("Root ::= BIT STRING (SIZE(4, ..., 8))", "one length"),
        ("Root ::= ENUMERATED { a(1), b(2) }", "0, 1, 2"),
        ("Root ::= ENUMERATED { a, ..., b(4), c(3) }", "rise"),
        ("Root ::= UTF8String (SIZE(1..4))", "UTF8String"),
        ("Root ::= OCTET STRING (CONTAINING INTEGER)", "one range"),
        ("Word ::= IA5String (SIZE(1..9)) Root ::= Word (SIZE(2))", "another size"),
        ("Small ::= INTEGER (0..7) Root ::= Small (0..8)", "outside 0..7"),
        ("Root ::= SEQUENCE { ", "cannot be read"),
        ("Other ::= NULL", "no type 'Root'"),
    ],
)
def test_what_it_cannot_encode_is_refused_when_read(body: str, told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        read_schema(module(body), "Root")


@pytest.mark.parametrize(
    ("found", "instead", "told"),
    [
        ("most INTEGER ::= 7", "most INTEGER ::= 7 Root ::= NULL", "Root is defined twice, in Frames and in Elem"),
        ("IMPORTS Size,", "IMPORTS Size, Weight,", "imports Weight from Elements"),
        ("&id 16", "&id 0", "number 0 twice"),
        ("({Frames}{@id})", "({Frames})", "one number"),
        ("id FRAME.&id ({Frames}),", "id FRAME.&id ({Frames}) OPTIONAL,", "not OPTIONAL"),
        ("{@id}", "{@other}", "expected a field other"),
        ("value FRAME.&Type", "value FRAME.&Kind", "no class"),
        ("&id FrameId UNIQUE", "&id INTEGER UNIQUE", "one range"),
        ("{ &id 0, &Type Note } | { &id 16, &Type Size }, ...", "...", "no objects"),
        ("{ &id 0, &Type Note }", "note", "expected {"),
    ],
)
def test_a_mistake_between_modules_and_classes_is_named(found: str, instead: str, told: str) -> None:
    assert found in TWO_MODULES
    with pytest.raises(SchemaError, match=told):
        read_schema(TWO_MODULES.replace(found, instead), "Root")
