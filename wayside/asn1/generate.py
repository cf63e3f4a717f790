"""Straight-line Python for each message, written from its schema when the message is first met.

A frame is one big int. Neighbouring fields of fixed width are taken from it (or put into it) together, as
one small int that constant shifts and masks then split, so that the cost of a field hardly depends on the
length of the frame. The generated functions know only what the edition knows: at an extension that it does
not know, or at anything wrong, they raise, and the caller walks the schema instead (`walk.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeAlias

from wayside.asn1.decoding import Decoder
from wayside.asn1.encoding import Encoder
from wayside.asn1.schema import Node, Open

GIVES_UP = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)  # what the functions raise

Decode: TypeAlias = Callable[[int, int], tuple[Any, int]]  # (frame, bits not yet read) -> (value, bits left)
Encode: TypeAlias = Callable[[Any], int]  # value -> its bits behind a leading 1


def _characters(number: int, count: int) -> str:
    """Return the IA5 text of so many seven-bit characters."""
    return bytes(number >> 7 * place & 127 for place in range(count - 1, -1, -1)).decode("ascii")


class _ByNumber(dict[int, tuple[str, Any]]):
    """(Type's name, function) of each type an open type may hold, by its number; made as they are met."""

    def __init__(self, node: Open, make: Callable[[Node, str], Any]) -> None:
        super().__init__()
        self.types = {number: (name, inner) for number, name, inner in node.types}
        self.make = make

    def __missing__(self, number: int) -> tuple[str, Any]:
        name, inner = self.types[number]
        made = self[number] = name, self.make(inner, name)
        return made


class Generated:
    """The generated functions of one schema, each made when it is asked for.

    >>> from wayside.asn1.schema import Integer
    >>> generated = Generated("example")
    >>> generated.encoder(Integer(0, 7), "three_bits")(5), generated.decoder(Integer(0, 7), "three_bits")(5, 3)
    (13, (5, 0))
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.making = Lock()  # two threads may meet a message at once
        self.names: dict[str, Any] = {
            "characters": _characters,
            "fromhex": bytes.fromhex,
            "from_bytes": int.from_bytes,
        }

    def decoder(self, node: Node, name: str, *, opened: bool = False) -> Decode:
        """Return a function that reads a value, or (opened) an open type that holds one."""
        with self.making:
            writer = Decoder(self.names, lambda open_type: _ByNumber(open_type, self.decoder))
            made: Decode = self._run(writer.function("made", node, opened=opened), f"{name} decoder")
        return made

    def encoder(self, node: Node, name: str, *, opened: bool = False) -> Encode:
        """Return a function that writes a value, or (opened) an open type that holds one."""
        with self.making:
            writer = Encoder(self.names, lambda open_type: _ByNumber(open_type, self.encoder))
            made: Encode = self._run(writer.function("made", node, opened=opened), f"{name} encoder")
        return made

    def _run(self, text: str, name: str) -> Any:
        defined: dict[str, Any] = {}
        exec(compile(text, f"<{self.label} {name}>", "exec"), self.names, defined)
        return defined["made"]
