"""Whole frames by walking the schema: what `reader.py` and `writer.py` do bit by bit.

The generated functions of `generate.py` handle frames of what the edition knows; whatever they give up on
comes here, to be read with its unknown parts kept, or refused with the field and the bit named.

Additions that the edition knows are ordinary keys. What it does not know keeps its octets, so that it is
written back unchanged:

* a sequence gets the key `...` with one hex text (or None) per addition beyond those the edition knows; or
  with the number of additions the sender listed, where those are fewer, or where none of them is there;
* a choice is `{"...": {"index": 0, "octets": "00"}}`, and an enumeration reads `...0`;
* an open type whose number is not known is `{"...": "00"}`; a bit string has another length.
"""

from __future__ import annotations

from typing import Any

from wayside.asn1.reader import UNKNOWN, Reader
from wayside.asn1.schema import Choice
from wayside.asn1.writer import Writer

__all__ = ["UNKNOWN", "Reader", "Writer", "read_frame", "write_frame"]


def read_frame(root: Choice, octets: bytes) -> dict[str, Any]:
    """Return the value of a frame.

    Raises:
        WireError: the frame is not one of this edition; it names the field and the bit.
    """
    reader = Reader(octets)
    value = reader.read(root, "")
    reader.finish("")
    return dict(value)


def write_frame(root: Choice, value: Any) -> bytes:
    """Return the frame of a value.

    Raises:
        WireError: the value is not one of this edition; it names the field.
    """
    writer = Writer()
    writer.write(root, value, "")
    return writer.octets()
