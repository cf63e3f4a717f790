"""Canonical OER: one value, one encoding, and a named reason for everything else."""

from __future__ import annotations

from typing import Any

import pytest

from wayside.asn1.coer import CoerCodec
from wayside.asn1.coer_schema import read_coer_schema
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.schema import SchemaError

TEXT = """
M DEFINITIONS AUTOMATIC TAGS ::= BEGIN
Byte ::= INTEGER (0..255)
Signed ::= INTEGER (-900000000..900000001)
Wide ::= INTEGER (0..18446744073709551615)
Many ::= INTEGER (0..MAX)
Any ::= INTEGER
Flag ::= BOOLEAN
Colour ::= ENUMERATED { red, green, ..., blue }
Bits ::= BIT STRING { first(0) } (SIZE(5))
Name ::= UTF8String (SIZE(1..3))
Label ::= IA5String
List ::= SEQUENCE (SIZE(0..300)) OF Byte
Old ::= SEQUENCE { a Byte, ..., b Byte OPTIONAL }
New ::= SEQUENCE { a Byte, ..., b Byte OPTIONAL, c Byte OPTIONAL, d Byte OPTIONAL }
Chain ::= SEQUENCE { least INTEGER DEFAULT 1, kind BIT STRING { app(0), enroll(1) } (SIZE(8)) DEFAULT { app } }
Pick ::= CHOICE { a Byte, b NULL, ..., c Byte }
Shut ::= CHOICE { a Byte, b NULL }
Nest ::= SEQUENCE { inner Nest OPTIONAL }
END
"""
NAMES = [line.split()[0] for line in TEXT.splitlines() if "::=" in line and not line.startswith("M ")]
CODECS = dict(zip(NAMES, map(CoerCodec, read_coer_schema(TEXT, *NAMES)), strict=True))


@pytest.mark.parametrize(
    ("name", "value", "octets"),
    [
        ("Byte", 7, "07"),
        ("Signed", -1, "ffffffff"),
        ("Wide", 1 << 63, "8000000000000000"),
        ("Many", 0, "0100"),
        ("Many", 3627, "020e2b"),
        ("Any", -1, "01ff"),
        ("Any", 128, "020080"),
        ("Flag", True, "ff"),
        ("Colour", "blue", "02"),
        ("Colour", "...3", "03"),
        ("Colour", "...300", "82012c"),
        ("Bits", {"bits": "10001"}, "88"),
        ("Name", "路口", "06e8b7afe58fa3"),
        ("Label", "x" * 200, "81c8" + "78" * 200),
        ("List", [], "0100"),
        ("List", [1] * 256, "020100" + "01" * 256),
        ("Old", {"a": 1}, "0001"),
        ("Old", {"a": 1, "b": 2}, "8001020780" + "0102"),
        ("Old", {"a": 1, "...": [None, "abcd"]}, "8001020520" + "02abcd"),
        ("New", {"a": 1, "b": 2, "...": 1}, "8001020780" + "0102"),
        ("Chain", {"least": 1, "kind": {"bits": "10000000"}}, "00"),
        ("Chain", {"least": -1, "kind": {"bits": "11000000"}}, "c001ffc0"),
        ("Pick", {"b": None}, "81"),
        ("Pick", {"c": 5}, "820105"),
        ("Pick", {"...": {"index": 3, "octets": "abcd"}}, "8302abcd"),
        ("Pick", {"...": {"index": 63, "octets": ""}}, "bf3f00"),
        ("Pick", {"...": {"index": 200, "octets": ""}}, "bf814800"),
        ("Nest", {"inner": {"inner": {}}}, "808000"),
    ],
)
def test_a_value_has_the_octets_of_the_standard(name: str, value: Any, octets: str) -> None:
    assert CODECS[name].encode(value).hex() == octets
    assert CODECS[name].decode(bytes.fromhex(octets)) == value


@pytest.mark.parametrize(
    ("name", "octets", "reason", "path"),
    [
        ("Many", "02000e", Fault.MALFORMED, ""),  # a leading zero
        ("Any", "020001", Fault.MALFORMED, ""),
        ("Any", "02ff80", Fault.MALFORMED, ""),
        ("Many", "00", Fault.MALFORMED, ""),  # a number of no octets
        ("Many", "8180" + "01" * 128, Fault.OUT_OF_RANGE, ""),
        ("Label", "810178", Fault.MALFORMED, ""),  # a short length in long form
        ("Label", "82008178", Fault.MALFORMED, ""),
        ("Label", "80", Fault.MALFORMED, ""),
        ("Label", "0180", Fault.MALFORMED, ""),  # not seven bits
        ("Label", "fe" + "ff" * 126, Fault.TRUNCATED, ""),
        ("Flag", "01", Fault.MALFORMED, ""),
        ("Bits", "89", Fault.MALFORMED, ""),  # a padding bit
        ("Colour", "8102", Fault.MALFORMED, ""),
        ("Colour", "81ff", Fault.MALFORMED, ""),
        ("Signed", "7fffffff", Fault.OUT_OF_RANGE, ""),
        ("Name", "00", Fault.OUT_OF_RANGE, ""),
        ("Name", "02c080", Fault.MALFORMED, ""),  # an overlong character
        ("Name", "03eda080", Fault.MALFORMED, ""),  # a surrogate
        ("List", "02012d", Fault.OUT_OF_RANGE, ""),
        ("List", "0105", Fault.TRUNCATED, ""),
        ("List", "020005", Fault.MALFORMED, ""),
        ("Old", "4001", Fault.MALFORMED, ""),
        ("Old", "80010205" + "00", Fault.MALFORMED, ""),  # additions, and none is there
        ("Old", "8001020781", Fault.MALFORMED, ""),  # padding of the presence bits
        ("Old", "80010207800201" + "02", Fault.TRAILING_BITS, "b"),  # more in the place of b than b
        ("Old", "800102078001", Fault.TRUNCATED, "b"),
        ("Chain", "800101", Fault.MALFORMED, "least"),  # a default that is sent
        ("Chain", "4080", Fault.MALFORMED, "kind"),
        ("Pick", "05", Fault.MALFORMED, ""),  # another class of tag
        ("Pick", "bf0500", Fault.MALFORMED, ""),  # a short tag in long form
        ("Pick", "bf803f00", Fault.MALFORMED, ""),
        ("Shut", "8201", Fault.OUT_OF_RANGE, ""),
        ("Shut", "800", Fault.TRUNCATED, "a"),
        ("Byte", "0700", Fault.TRAILING_BITS, ""),
        ("Nest", "80" * 20 + "00", Fault.MALFORMED, ".".join(["inner"] * 17)),
    ],
)
def test_what_is_not_canonical_is_refused_with_its_reason(
    name: str, octets: str, reason: Fault, path: str
) -> None:
    raw = bytes.fromhex(octets if len(octets) % 2 == 0 else octets[:-1])
    with pytest.raises(WireError) as refused:
        CODECS[name].decode(raw)
    assert (refused.value.reason, refused.value.path) == (reason, path)
    assert 0 <= refused.value.bit <= 8 * len(raw)
    assert refused.value.bit % 8 == 0


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("Byte", 256, ""),
        ("Byte", True, ""),
        ("Byte", "1", ""),
        ("Flag", 1, ""),
        ("Colour", "...1", ""),  # one that has a name
        ("Colour", "pink", ""),
        ("Bits", {"bits": "1"}, ""),
        ("Name", "", ""),
        ("Name", "\ud800", ""),
        ("Label", "路", ""),
        ("List", [256], "[0]"),
        ("List", [0] * 301, ""),
        ("Old", {}, "a"),
        ("Old", {"a": 1, "x": 1}, ""),
        ("Old", {"a": 1, "...": []}, "..."),
        ("Old", {"a": 1, "...": [None]}, "..."),
        ("New", {"a": 1, "d": 1, "...": 2}, "..."),
        ("Pick", {"...": {"index": 2, "octets": ""}}, ""),
        ("Pick", {"c": 300}, "c"),
        ("Shut", {"...": {"index": 9, "octets": ""}}, ""),
        ("Shut", {"b": 0}, "b"),
    ],
)
def test_a_value_of_another_schema_is_refused_with_its_field(name: str, value: Any, path: str) -> None:
    with pytest.raises(WireError) as refused:
        CODECS[name].encode(value)
    assert refused.value.path == path


def test_a_type_inside_itself_is_written_only_as_deep_as_it_is_read() -> None:
    value: dict[str, Any] = {}
    for _ in range(16):
        value = {"inner": value}
    assert CODECS["Nest"].decode(CODECS["Nest"].encode(value)) == value
    with pytest.raises(WireError, match="more than 16 times"):
        CODECS["Nest"].encode({"inner": value})


def test_the_octets_of_a_field_are_found_where_they_stand() -> None:
    value, found = CODECS["Chain"].decode_and_locate(bytes.fromhex("c001ffc0"), "kind", "nothing")
    assert found == {"kind": b"\xc0"}
    assert value["least"] == -1


def test_a_list_that_claims_more_than_is_there_takes_no_memory() -> None:
    with pytest.raises(WireError, match="cannot be in the 0 octets left"):
        CoerCodec(
            *read_coer_schema("M DEFINITIONS AUTOMATIC TAGS ::= BEGIN L ::= SEQUENCE OF BOOLEAN END", "L")
        ).decode(bytes.fromhex("087fffffffffffffff"))


@pytest.mark.parametrize(
    "text", ["A ::= ENUMERATED { a(3), b(5) }", "A ::= REAL", "B ::= NULL", "A ::= INTEGER (0..7, ...)"]
)
def test_a_text_that_cannot_be_encoded_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        read_coer_schema(f"M DEFINITIONS AUTOMATIC TAGS ::= BEGIN {text} END", "A")
