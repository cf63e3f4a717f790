"""Canonical OER (X.696): objects of a schema to plain values and back.

One value has one encoding: octets that are not the canonical ones of their value are refused, so what can be read
is written back octet by octet, and what was signed is what is hashed.

Values are those of `codec.py`: dict for SEQUENCE and CHOICE (`{alternative: value}`), list, int, str, bool, None
for NULL; a BIT STRING is `{"bits": "0101"}`, an OCTET STRING is lower-case hex. A field with a DEFAULT always has
a value. What the schema does not know is kept under `...`: a choice as `{"...": {"index": 5, "octets": "00"}}`, an
enumeration as `...5`, later additions of a sequence as a list of hex texts (or None); a number there says that the
sender knows only so many of our additions.
"""

from __future__ import annotations

from typing import Any

from wayside.asn1.coer_reading import CoerReader
from wayside.asn1.coer_writing import CoerWriter
from wayside.asn1.errors import Fault
from wayside.asn1.schema import Node


class CoerCodec:
    """Decoder and encoder of one type.

    Limits: numbers of up to 127 octets; list elements take at least one octet; no open types of an
    information object class; a type inside itself 16 times at most.

    >>> from wayside.asn1.coer_schema import read_coer_schema
    >>> text = '''M DEFINITIONS AUTOMATIC TAGS ::= BEGIN
    ... Place ::= SEQUENCE { aid INTEGER (0..MAX), name UTF8String OPTIONAL, chain INTEGER DEFAULT 1, ... } END'''
    >>> codec = CoerCodec(*read_coer_schema(text, "Place"))
    >>> codec.encode({"aid": 3627, "name": "路"}).hex()
    '40020e2b03e8b7af'
    >>> codec.decode(bytes.fromhex("40020e2b03e8b7af"))
    {'aid': 3627, 'name': '路', 'chain': 1}
    """

    def __init__(self, root: Node) -> None:
        self.root = root

    def decode(self, octets: bytes) -> Any:
        """Return the value of an object.

        Raises:
            WireError: the octets are not the canonical encoding of a value; it names the reason, the field and
                the bit (8 x octet) at which reading stopped.
        """
        return self.decode_and_locate(octets)[0]

    def decode_and_locate(self, octets: bytes, *paths: str) -> tuple[Any, dict[str, bytes]]:
        """Return the value of an object, and the octets of the fields at some paths, as they stand in it.

        Paths that are not in the object are left out. Raises as `decode` does.
        """
        reader = CoerReader(octets, paths)
        value = reader.read(self.root, "")
        if reader.at != len(octets):
            reader.fail(Fault.TRAILING_BITS, "", f"{len(octets) - reader.at} octets follow the object")
        return value, {path: octets[start:end] for path, (start, end) in reader.spans.items()}

    def encode(self, value: Any) -> bytes:
        """Return the octets of a value.

        Raises:
            WireError: the value is not one of the schema; it names the field.
        """
        writer = CoerWriter()
        writer.write(self.root, value, "")
        return bytes(writer.out)
