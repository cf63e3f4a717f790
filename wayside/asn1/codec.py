"""Frames of one edition to plain values and back."""

from __future__ import annotations

from typing import Any

from wayside.asn1.generate import GIVES_UP, compiled
from wayside.asn1.schema import Choice
from wayside.asn1.walk import read_frame, write_frame


class Codec:
    """Decoder and encoder of one edition's MessageFrame.

    Values are plain: dict for SEQUENCE and CHOICE (`{alternative: value}`), list, int, str; a BIT STRING is
    `{"bits": "0101"}` with the first bit first, an OCTET STRING is lower-case hex. Numbers must be Python ints.

    >>> from wayside.v2x.editions import EDITION, codec_of
    >>> codec = codec_of(EDITION)
    >>> value = codec.decode(bytes.fromhex("12b00204f4cd8782b89e35f798"))
    >>> value["mapFrame"]["nodes"][0]["id"], codec.encode(value).hex()
    ({'id': 33085}, '12b00204f4cd8782b89e35f798')
    """

    def __init__(self, root: Choice, label: str) -> None:
        self.root = root
        self.names = tuple(f.name for f in root.alternatives)
        functions = compiled(root, label)
        self._decoders = tuple(functions[f"decode_{name}"] for name in self.names)
        self._encoders = {
            name: (functions[f"encode_{name}"], 1 << root.width + root.extensible | index)
            for index, name in enumerate(self.names)
        }
        self._head = root.width + root.extensible

    def decode(self, octets: bytes) -> dict[str, Any]:
        """Return `{message: value}`; what the edition does not know is kept under `...` (see `walk.py`).

        Raises:
            WireError: the frame is not one of this edition; it names the reason, the field and the bit.
        """
        number = int.from_bytes(octets, "big")
        left = len(octets) * 8 - self._head
        try:
            index = number >> left  # an extension bit makes it larger than any index
            value, left = self._decoders[index](number, left)
            if left > 7 or number & ((1 << left) - 1):
                return read_frame(self.root, octets)
            return {self.names[index]: value}
        except GIVES_UP:
            return read_frame(self.root, octets)

    def encode(self, value: dict[str, Any]) -> bytes:
        """Return the frame of `{message: value}`, filled up with zero bits to whole octets.

        Raises:
            WireError: the value is not one of this edition; it names the field.
        """
        try:
            ((name, inner),) = value.items()
            function, head = self._encoders[name]
            body = function(inner)
            width = body.bit_length() - 1
            spare = -(width + self._head) % 8
            number = (head << width | body ^ 1 << width) << spare
            width += self._head + spare
            octets: bytes = (number ^ 1 << width).to_bytes(width // 8, "big")
            return octets
        except GIVES_UP:
            return write_frame(self.root, value)
