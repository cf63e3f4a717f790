from __future__ import annotations

from random import Random
from typing import Any

import pytest

from wayside.asn1.codec import Codec
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.generate import Generated
from wayside.asn1.samples import sample
from wayside.asn1.schema import Choice, read_schema
from wayside.asn1.walk import read_frame, write_frame

TEXT = """
Test DEFINITIONS AUTOMATIC TAGS ::= BEGIN
FRAME ::= CLASS { &id FrameId UNIQUE, &Type }
FrameId ::= INTEGER (0..32767)
Frames FRAME ::= { { &id 0, &Type Small } | { &id 16, &Type Grown } | { &id 17, &Type Nothing }
  | { &id 18, &Type Long }, ... }
Small ::= INTEGER (0..7)
Wide ::= SEQUENCE { n INTEGER (-3..4, ...), o OCTET STRING (SIZE(1..2, ...)), p OCTET STRING (SIZE(3, ...)) }
Nothing ::= NULL
Long ::= SEQUENCE (SIZE(0..9000)) OF OCTET STRING (SIZE(8))
Grown ::= SEQUENCE { a Small, b BOOLEAN OPTIONAL, ..., c Small, d Nothing, e Grown2 OPTIONAL }
Grown2 ::= SEQUENCE { flags BIT STRING (SIZE(3, ...)), kind ENUMERATED { red, green, ..., blue } }
Pick ::= CHOICE { a Small, b Nothing, ..., c Grown, d Nothing }
Root ::= CHOICE {
  grown Grown,
  pick Pick,
  many SEQUENCE (SIZE(0..3)) OF Grown,
  ...,
  extended SEQUENCE { id FRAME.&id ({Frames}), value FRAME.&Type ({Frames}{@id}), ... },
  more Pick,
  wide Wide
}
END
"""


def codec_from(text: str, root: str = "Root") -> Codec:
    node = read_schema(text, root)
    assert isinstance(node, Choice)
    return Codec(node, "test")


CODEC = codec_from(TEXT)
SMALL = "extended.value.Small"


def extended(number: int, value: dict[str, Any]) -> dict[str, Any]:
    return {"extended": {"id": number, "value": value}}


def both_ways(value: dict[str, Any]) -> bytes:
    """Return the frame, after both ways to write and to read it have agreed on it."""
    octets = CODEC.encode(value)
    assert write_frame(CODEC.root, value) == octets
    assert CODEC.decode(octets) == read_frame(CODEC.root, octets) == value
    return octets


def refused(octets: bytes) -> WireError:
    with pytest.raises(WireError) as found:
        CODEC.decode(octets)
    return found.value


def unwritten(value: Any) -> WireError:
    with pytest.raises(WireError) as found:
        CODEC.encode(value)
    return found.value


def bits(text: str) -> bytes:
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


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
        "SEQUENCE { a BOOLEAN, b NULL }",
        "SEQUENCE { a CHOICE { x INTEGER (0..3), ... } OPTIONAL, ... }",
        "SEQUENCE { ..., a BOOLEAN }",
        "BIT STRING (SIZE(3, ...))",
        "INTEGER (3..3, ...)",
        "OCTET STRING (SIZE(0..127, ...))",
        "SEQUENCE OF INTEGER (0..4)",
        "SEQUENCE (SIZE(2..70000)) OF INTEGER (0..4)",
    ],
)
def test_every_type_reads_back_as_it_was_written(body: str) -> None:
    codec = codec_from(f"Test DEFINITIONS AUTOMATIC TAGS ::= BEGIN Root ::= CHOICE {{ one {body} }} END")
    random = Random(7)
    for _ in range(30):
        value = sample(codec.root, random)
        octets = codec.encode(value)
        assert octets and codec.decode(octets) == value
        assert read_frame(codec.root, octets) == value


def test_random_values_agree_by_either_way() -> None:
    random = Random(3)
    for _ in range(300):
        both_ways(sample(CODEC.root, random, most_items=2))


def test_generated_functions_and_not_the_walk_handle_what_the_edition_knows() -> None:
    random, generated = Random(4), Generated("test")
    for field in CODEC.root.alternatives + CODEC.root.additions:
        opened = field in CODEC.root.additions
        encode = generated.encoder(field.node, field.name, opened=opened)
        decode = generated.decoder(field.node, field.name, opened=opened)
        seen = 0
        for _ in range(40):
            value = sample(field.node, random, most_items=2)
            if any(left in str(value) for left in ("blue", "None", "Long")):
                continue  # added names, types of no bits and fragments are left to the walk
            number = encode(value)
            width = number.bit_length() - 1
            assert decode(number ^ 1 << width, width) == (value, 0)
            seen += 1
        assert seen > 5


def test_known_additions_are_ordinary_keys() -> None:
    octets = both_ways({"grown": {"a": 5, "c": 2, "d": None}})
    # extension bits of both, index; b is absent; a; three additions, two of them there; each an open type
    assert octets == bits("0 00 1 0 101 0000010 110 00000001 01000000 00000001 00000000")


def test_an_addition_of_no_bits_takes_one_zero_octet() -> None:
    octets = both_ways({"more": {"b": None}})
    assert octets == bits("1 0000001 00000001 0 1 000000")
    assert refused(bits("1 0000001 00000000")).reason == Fault.TRUNCATED
    assert both_ways(extended(17, {"Nothing": None}))[-2:] == b"\x01\x00"


def test_a_sender_that_knows_fewer_additions_is_kept_apart() -> None:
    older = both_ways({"grown": {"a": 5, "c": 2, "...": 1}})
    assert older == bits("0 00 1 0 101 0000000 1 00000001 01000000")
    assert both_ways({"grown": {"a": 5, "c": 2, "...": 2}}) != older


def test_a_sender_that_knows_more_additions_is_kept_whole() -> None:
    both_ways({"grown": {"a": 5, "c": 2, "...": ["0102", None, "ff"]}})
    both_ways({"grown": {"a": 5, "...": [None]}})
    both_ways({"many": [{"a": 5, "...": ["01"]}, {"a": 6, "d": None}]})


def test_an_extension_bit_with_nothing_behind_it_is_kept() -> None:
    assert both_ways({"grown": {"a": 5, "...": 3}}) == bits("0 00 1 0 101 0000010 000")


def test_unknown_alternatives_names_and_lengths_are_kept() -> None:
    both_ways({"pick": {"...": {"index": 2, "octets": "00ff"}}})
    both_ways({"pick": {"...": {"index": 16383, "octets": ""}}})
    both_ways({"...": {"index": 3, "octets": "00"}})
    grown = {"flags": {"bits": "01"}, "kind": "...1"}
    both_ways({"grown": {"a": 1, "e": grown}})
    both_ways({"grown": {"a": 1, "e": {**grown, "kind": "...200"}}})
    both_ways({"grown": {"a": 1, "e": {"flags": {"bits": "1" * 40_000}, "kind": "blue"}}})


def wide(n: int = 0, o: str = "00", p: str = "000000") -> dict[str, Any]:
    return {"wide": {"n": n, "o": o, "p": p}}


@pytest.mark.parametrize("n", [-4, 5, 127, 128, -128, -129, 255, 256, 2**62, 2**63 - 1, -(2**63)])
def test_a_number_outside_its_bounds_is_kept_where_a_marker_allows_it(n: int) -> None:
    both_ways(wide(n))


@pytest.mark.parametrize("o", ["", "010203", "ab" * 200, "cd" * 20_000])
def test_octets_of_another_number_are_kept_where_a_marker_allows_it(o: str) -> None:
    both_ways(wide(0, o, o))


def test_a_usual_number_in_the_form_of_an_unusual_one_is_refused() -> None:
    assert refused(bits("1 0000010 00000011 1 00000001 00000100 0000000")).reason == Fault.MALFORMED
    assert refused(bits("1 0000010 00000100 1 00000010 00000000 00000101 0000000")).reason == Fault.MALFORMED
    assert refused(bits("1 0000010 00000011 1 00000000 00000000 00000101")).reason == Fault.MALFORMED
    assert refused(bits("1 0000010 00000011 1 00001001 00000000 00000101")).reason == Fault.MALFORMED
    assert unwritten(wide(2**63)).path == "wide.n"
    assert refused(bits("1 0000010 00000011 0 111 1 00000001 00000001 000")).reason == Fault.MALFORMED


def test_the_number_beside_an_open_type_tells_its_type() -> None:
    both_ways(extended(16, {"Grown": {"a": 3, "c": 1}}))
    both_ways(extended(0, {"Small": 3}))
    both_ways(extended(99, {"...": "0102"}))
    assert unwritten(extended(99, {"Small": 3})).path == "extended.value"
    assert unwritten(extended(0, {"...": "60"})).path == "extended.value"
    assert unwritten(extended(0, {"Grown": {"a": 3}})).path == "extended.value"
    assert unwritten(extended(0, {"Small": 8})).path == "extended.value.Small"


@pytest.mark.parametrize("count", [15, 16, 2040, 2048, 4096, 8191, 8192, 8200])
def test_an_open_type_of_any_length_reads_back(count: int) -> None:
    both_ways(extended(18, {"Long": [f"{n:016x}" for n in range(count)]}))


@pytest.mark.parametrize("octets", [127, 128, 16383, 16384, 65535, 65536, 65537, 81920, 131072])
def test_fragments_are_written_and_read(octets: int) -> None:
    value = {"...": {"index": 5, "octets": "a5" * octets}}
    frame = both_ways(value)
    assert len(frame) > octets
    assert refused(frame[:-1]).reason == Fault.TRUNCATED


@pytest.mark.parametrize("count", [0, 127, 128, 16383, 16384, 40_000, 65536])
def test_a_list_without_bounds_has_any_length(count: int) -> None:
    codec = codec_from("T DEFINITIONS AUTOMATIC TAGS ::= BEGIN Root ::= CHOICE { l SEQUENCE OF BOOLEAN } END")
    value = {"l": [n % 3 == 0 for n in range(count)]}
    octets = codec.encode(value)
    assert octets == write_frame(codec.root, value)
    assert codec.decode(octets) == read_frame(codec.root, octets) == value


def test_fragments_smaller_than_they_could_be_are_refused() -> None:
    piece = b"\xc1" + bytes(16384)
    assert refused(b"\x85" + piece + piece + b"\x00").reason == Fault.MALFORMED
    assert refused(b"\x85" + b"\xc0\x00").reason == Fault.MALFORMED
    assert refused(b"\x85" + b"\xc5").reason == Fault.MALFORMED


def test_a_fault_inside_fragments_is_placed_in_the_frame() -> None:
    codec = codec_from(TEXT.replace("OCTET STRING (SIZE(8))", "INTEGER (0..65000)"))
    frame = bytearray(codec.encode(extended(18, {"Long": [0] * 9000})))
    assert len(frame) > 16384
    frame[-200:-196] = b"\xff" * 4  # over a number behind the first fragment
    with pytest.raises(WireError) as found:
        codec.decode(bytes(frame))
    assert found.value.reason == Fault.OUT_OF_RANGE
    assert 16 <= found.value.bit - 8 * (len(frame) - 200) <= 32


@pytest.mark.parametrize(
    ("octets", "reason", "path"),
    [
        (bits("1 0000000 00000101 0 000000000010000 00000001 01100000 0"), Fault.TRAILING_BITS, "extended"),
        (
            bits("1 0000000 00000100 0 000000000000000 00000001 01100001"),
            Fault.TRAILING_BITS,
            "extended.value.Small",
        ),
        (
            bits("1 0000000 00000101 0 000000000000000 00000010 01100000 00000000"),
            Fault.TRAILING_BITS,
            "extended.value.Small",
        ),
        (bits("1 0000000 00000011 0 000000000000000 00000000"), Fault.TRUNCATED, "extended.value.Small"),
        (bits("0 00 1 0 101 0000000 1 00000001 01000001"), Fault.TRAILING_BITS, "grown.c"),
        (bits("0 00 1 0 101 1"), Fault.MALFORMED, "grown"),
        (bits("0 11"), Fault.UNKNOWN_MESSAGE, ""),
        (bits("1 1000000"), Fault.TRUNCATED, ""),
        (bits("1 1000000 00000001 01000000"), Fault.MALFORMED, ""),
        (bits("1 0000101 10000000 00000001 00"), Fault.MALFORMED, ""),
    ],
)
def test_forms_that_would_not_be_written_back_are_refused(octets: bytes, reason: Fault, path: str) -> None:
    error = refused(octets)
    assert (error.reason, error.path) == (reason, path)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"grown": {"a": 1, "...": 4}}, "grown...."),
        ({"grown": {"a": 1, "...": 0}}, "grown...."),
        ({"grown": {"a": 1, "...": []}}, "grown...."),
        ({"grown": {"a": 1, "...": [None] * 62}}, "grown...."),
        ({"grown": {"a": 1, "d": None, "...": 1}}, "grown...."),
        ({"grown": {"a": 1, "d": None, "...": 3}}, "grown...."),
        ({"grown": {"a": 1, "...": ["0"]}}, "grown....[0]"),
        ({"grown": {"a": 1, "b": 1}}, "grown.b"),
        ({"grown": {"a": 1, "d": 0}}, "grown.d"),
        ({"grown": {"a": 1, "f": 0, 3: 4}}, "grown"),
        ({"grown": {"a": 1, "e": {"flags": {"bits": "000"}, "kind": "...0"}}}, "grown.e.kind"),
        ({"grown": {"a": 1, "e": {"flags": {"bits": "000"}, "kind": "...01"}}}, "grown.e.kind"),
        ({"grown": {"a": 1, "e": {"flags": {"bits": "000"}, "kind": "...16384"}}}, "grown.e.kind"),
        ({"pick": {"...": {"index": 1, "octets": "00"}}}, "pick"),
        ({"pick": {"...": {"index": 16384, "octets": "00"}}}, "pick"),
        ({"pick": {"...": {"octets": "00"}}}, "pick"),
        ({"pick": {"x": 1}}, "pick"),
        ({"many": {}}, "many"),
        ({"many": [{"a": 1}, []]}, "many[1]"),
        ({1: 2}, ""),
        ([], ""),
    ],
)
def test_a_value_that_is_wrong_is_refused_with_its_field(value: Any, path: str) -> None:
    assert unwritten(value).path == path


def test_mutated_frames_are_refused_or_read_alike_by_either_way() -> None:
    random, kept = Random(11), 0
    for _ in range(1500):
        octets = bytearray(CODEC.encode(sample(CODEC.root, random, most_items=2))[:200])
        for _ in range(random.randint(1, 4)):
            octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
        try:
            value = read_frame(CODEC.root, bytes(octets))
        except WireError as error:
            assert refused(bytes(octets)).args == error.args
            continue
        kept += 1
        assert CODEC.decode(bytes(octets)) == value
        assert CODEC.encode(value) == write_frame(CODEC.root, value) == octets
    assert kept > 50
