"""Frames of one edition to plain values and back."""

from __future__ import annotations

from typing import Any

from wayside.asn1.generate import GIVES_UP, Decode, Encode, Generated
from wayside.asn1.reader import LONGEST, SMALL
from wayside.asn1.schema import Choice, Field
from wayside.asn1.walk import read_frame, write_frame


class Codec:
    """Decoder and encoder of one edition's MessageFrame.

    Values are plain: dict for SEQUENCE and CHOICE (`{alternative: value}`), list, int, str, bool, None (NULL);
    a BIT STRING is `{"bits": "0101"}` with the first bit first, an OCTET STRING is lower-case hex, an open type
    is `{type: value}`. Numbers must be Python ints. Whatever octets are decoded, the value encodes to the same.

    Args:
        root: the frame, by its schema.
        label: stands in tracebacks.

    >>> from wayside.v2x.editions import EDITION, codec_of
    >>> codec = codec_of(EDITION)
    >>> value = codec.decode(bytes.fromhex("104800499d0cb29f02bdc8fb7c"))
    >>> value["mapFrame"]["nodes"][0]["id"], codec.encode(value).hex()
    ({'id': 4711}, '104800499d0cb29f02bdc8fb7c')
    """

    def __init__(self, root: Choice, label: str) -> None:
        self.root = root
        self.names = tuple(f.name for f in root.alternatives + root.additions)
        self._generated = Generated(label)
        self._head = root.width + root.extensible
        self._by_octet: list[tuple[Decode, int, str]] = [(_unknown, 0, "")] * 256  # by a frame's first octet
        self._by_name: dict[str, tuple[Encode, int, int]] = {}  # the head stands behind a 1 that marks its start
        spare = 8 - self._head
        for index, field in enumerate(root.alternatives[:256]):
            self._by_name[field.name] = (self._first_encode(field), 1 << self._head | index, self._head)
            first = self._first_decode(field)
            for octet in range(index << spare, index + 1 << spare):
                self._by_octet[octet] = first, self._head, field.name
        for index, field in enumerate(root.additions[:SMALL]):
            self._by_name[field.name] = (self._first_encode(field), 0b11 << 7 | index, 8)
            self._by_octet[1 << 7 | index] = (self._first_decode(field), 8, field.name)

    def _first_decode(self, field: Field) -> Decode:
        """Return a decoder that makes the real one when it is first called, and steps aside for it."""

        def decode(number: int, left: int) -> tuple[Any, int]:
            made = self._generated.decoder(field.node, field.name, opened=field in self.root.additions)
            for octet, (_, head, name) in enumerate(self._by_octet):
                if name == field.name:
                    self._by_octet[octet] = made, head, name
            return made(number, left)

        return decode

    def _first_encode(self, field: Field) -> Encode:
        """Return an encoder that makes the real one when it is first called, and steps aside for it."""

        def encode(value: Any) -> int:
            made = self._generated.encoder(field.node, field.name, opened=field in self.root.additions)
            self._by_name[field.name] = made, *self._by_name[field.name][1:]
            return made(value)

        return encode

    def decode(self, octets: bytes) -> dict[str, Any]:
        """Return `{message: value}`; what the edition does not know is kept under `...` (see `walk.py`).

        Raises:
            WireError: the frame is not one of this edition; it names the reason, the field and the bit.
        """
        size = len(octets)
        if size < LONGEST:  # longer ones take time by the square of their length
            try:
                function, head, name = self._by_octet[octets[0]]
                number = int.from_bytes(octets, "big")
                value, left = function(number, 8 * size - head)
                if left < 8 and not number & ((1 << left) - 1):
                    return {name: value}
            except GIVES_UP:
                pass
        return read_frame(self.root, octets)

    def encode(self, value: dict[str, Any]) -> bytes:
        """Return the frame of `{message: value}`, filled up with zero bits to whole octets.

        Raises:
            WireError: the value is not one of this edition; it names the field.
        """
        try:
            ((name, inner),) = value.items()
            function, head, width = self._by_name[name]
            body = function(inner)
            bits = body.bit_length() - 1
            width += bits
            spare = -width % 8
            number = (head << bits | body ^ 1 << bits) << spare
            width += spare
            octets: bytes = (number ^ 1 << width).to_bytes(width // 8, "big")
            return octets or b"\0"
        except GIVES_UP:
            return write_frame(self.root, value)


def _unknown(number: int, left: int) -> tuple[Any, int]:
    """Give up on a first octet that begins no message known."""
    raise ValueError((number, left))
