"""Reading and writing any value by walking the schema bit by bit: slow, complete, and able to say where.

The generated functions of `generate.py` handle frames without unknown extensions; whatever they give up on
comes here, to be read with its extensions kept, or refused with the field and the bit named.

Values that the edition does not know keep their octets, so that they are written back unchanged:
a sequence gets the key `...` with one hex text (or None) per addition, a choice is
`{"...": {"index": 0, "octets": "00"}}`, an enumeration reads `...0`, a bit string has another length.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from wayside.asn1.errors import Fault, WireError
from wayside.asn1.schema import Bits, Choice, Enumerated, Integer, Node, Octets, Sequence, SequenceOf, Text

UNKNOWN = "..."  # stands where the edition has no name
_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")
_SMALL = 64  # normally small numbers below it take seven bits
_LONGEST = 16384  # lengths from here on are fragmented, which no message of this set can need


class Reader:
    """Reads values from one frame."""

    def __init__(self, octets: bytes) -> None:
        self.value = int.from_bytes(octets, "big")
        self.total = self.left = len(octets) * 8

    def fail(self, reason: Fault, path: str, found: str) -> NoReturn:
        """Refuse the frame here."""
        raise WireError(reason, path, self.total - self.left, found)

    def take(self, width: int, path: str) -> int:
        """Return the next bits as a number."""
        if width > self.left:
            self.fail(Fault.TRUNCATED, path, f"needs {width} bits, {self.left} are left")
        self.left -= width
        return self.value >> self.left & ((1 << width) - 1)

    def bounded(self, low: int, high: int, path: str) -> int:
        """Return a number that lies between two bounds."""
        number = low + self.take((high - low).bit_length(), path)
        if number > high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{number} is above {high}")
        return number

    def length(self, path: str) -> int:
        """Return an unconstrained length."""
        if not self.take(1, path):
            return self.take(7, path)
        if self.take(1, path):
            self.fail(Fault.MALFORMED, path, "a fragmented length")
        number = self.take(14, path)
        if number < 1 << 7:
            self.fail(Fault.MALFORMED, path, f"the length {number} in long form")
        return number

    def small(self, path: str) -> int:
        """Return a normally small number."""
        if not self.take(1, path):
            return self.take(6, path)
        octets = self.length(path)
        number = self.take(8 * octets, path)
        if not _SMALL <= number < _LONGEST or octets != (number.bit_length() + 7) // 8:
            self.fail(Fault.MALFORMED, path, f"the index {number} in long form")
        return number

    def opened(self, path: str) -> str:
        """Return the octets of an open type."""
        octets = self.length(path)
        return self.take(8 * octets, path).to_bytes(octets, "big").hex()

    def read(self, node: Node, path: str) -> Any:  # noqa: PLR0911
        """Return the value of a node."""
        match node:
            case Integer():
                return self.bounded(node.low, node.high, path)
            case Enumerated():
                if node.extensible and self.take(1, path):
                    return f"{UNKNOWN}{self.small(path)}"
                return node.names[self.bounded(0, len(node.names) - 1, path)]
            case Bits():
                size = node.size
                if node.extensible and self.take(1, path):
                    size = self.length(path)
                    if size == node.size:
                        self.fail(Fault.MALFORMED, path, f"the extension form for the usual {size} bits")
                return {"bits": f"{self.take(size, path):0{size}b}" if size else ""}
            case Octets():
                count = self.bounded(node.low, node.high, path)
                return self.take(8 * count, path).to_bytes(count, "big").hex()
            case Text():
                count = self.bounded(node.low, node.high, path)
                return bytes(self.take(7, path) for _ in range(count)).decode("ascii")
            case SequenceOf():
                count = self.bounded(node.low, node.high, path)
                return [self.read(node.element, f"{path}[{index}]") for index in range(count)]
            case Choice():
                return self.alternative(node, path)
            case Sequence():
                return self.fields(node, path)

    def alternative(self, node: Choice, path: str) -> dict[str, Any]:
        """Return the value of a choice."""
        if node.extensible and self.take(1, path):
            index = self.small(path)
            return {UNKNOWN: {"index": index, "octets": self.opened(path)}}
        index = self.take(node.width, path)
        if index >= len(node.alternatives):
            reason = Fault.OUT_OF_RANGE if path else Fault.UNKNOWN_MESSAGE
            self.fail(reason, path, f"there is no alternative {index}")
        chosen = node.alternatives[index]
        return {chosen.name: self.read(chosen.node, f"{path}.{chosen.name}" if path else chosen.name)}

    def fields(self, node: Sequence, path: str) -> dict[str, Any]:
        """Return the value of a sequence."""
        extended = node.extensible and self.take(1, path)
        present = [bool(self.take(1, path)) for _ in node.optionals]
        there = iter(present)
        value = {
            f.name: self.read(f.node, f"{path}.{f.name}") for f in node.fields if not f.optional or next(there)
        }
        if extended:
            if self.take(1, path):
                self.fail(Fault.MALFORMED, path, "more than 64 additions")
            additions = [self.take(1, path) for _ in range(self.take(6, path) + 1)]
            value[UNKNOWN] = [
                self.opened(f"{path}.{UNKNOWN}[{n}]") if a else None for n, a in enumerate(additions)
            ]
        return value


class Writer:
    """Writes values into one frame."""

    def __init__(self) -> None:
        self.value = 0
        self.total = 0

    def fail(self, path: str, found: str, reason: Fault = Fault.MALFORMED) -> NoReturn:
        """Refuse the value here."""
        raise WireError(reason, path, self.total, found)

    def put(self, number: int, width: int) -> None:
        """Append bits."""
        self.value = self.value << width | number
        self.total += width

    def octets(self) -> bytes:
        """Return what was written, filled up with zero bits to whole octets."""
        spare = -self.total % 8
        return (self.value << spare).to_bytes((self.total + spare) // 8, "big")

    def bounded(self, number: Any, low: int, high: int, path: str) -> None:
        """Append a number that lies between two bounds."""
        if not isinstance(number, int):
            self.fail(path, f"{number!r} is not a Python int")
        if not low <= number <= high:
            self.fail(path, f"{number} is not between {low} and {high}", Fault.OUT_OF_RANGE)
        self.put(int(number) - low, (high - low).bit_length())

    def length(self, count: int, path: str) -> None:
        """Append an unconstrained length."""
        if count >= _LONGEST:
            self.fail(path, f"{count} items would need fragments", Fault.OUT_OF_RANGE)
        if count < 1 << 7:
            self.put(count, 8)
        else:
            self.put(1 << 15 | count, 16)

    def small(self, number: int, path: str) -> None:
        """Append a normally small number."""
        if not isinstance(number, int) or not 0 <= number < _LONGEST:
            self.fail(path, f"{number!r} is not an index", Fault.OUT_OF_RANGE)
        if number < _SMALL:
            self.put(number, 7)
        else:
            octets = (number.bit_length() + 7) // 8
            self.put(1, 1)
            self.length(octets, path)
            self.put(number, 8 * octets)

    def hexadecimal(self, text: Any, path: str) -> bytes:
        """Return the octets of a hex text."""
        if not isinstance(text, str) or not _HEX.match(text):
            self.fail(path, f"{text!r} is not lower-case hex")
        return bytes.fromhex(text)

    def opened(self, text: Any, path: str) -> None:
        """Append an open type."""
        octets = self.hexadecimal(text, path)
        self.length(len(octets), path)
        self.put(int.from_bytes(octets, "big"), 8 * len(octets))

    def write(self, node: Node, value: Any, path: str) -> None:
        """Append the value of a node."""
        match node:
            case Integer():
                self.bounded(value, node.low, node.high, path)
            case Enumerated():
                self.name(node, value, path)
            case Bits():
                self.bits(node, value, path)
            case Octets():
                octets = self.hexadecimal(value, path)
                self.bounded(len(octets), node.low, node.high, path)
                self.put(int.from_bytes(octets, "big"), 8 * len(octets))
            case Text():
                if not isinstance(value, str) or not value.isascii():
                    self.fail(path, f"{value!r} is not an ASCII text")
                self.bounded(len(value), node.low, node.high, path)
                for character in value.encode("ascii"):
                    self.put(character, 7)
            case SequenceOf():
                if not isinstance(value, list):
                    self.fail(path, f"a {type(value).__name__}, expected a list")
                self.bounded(len(value), node.low, node.high, path)
                for index, item in enumerate(value):
                    self.write(node.element, item, f"{path}[{index}]")
            case Choice():
                self.alternative(node, value, path)
            case Sequence():
                self.fields(node, value, path)

    def name(self, node: Enumerated, value: Any, path: str) -> None:
        """Append an enumeration."""
        if value in node.names:
            self.put(node.names.index(value), node.width + node.extensible)
        elif node.extensible and isinstance(value, str) and re.fullmatch(r"\.\.\.\d{1,5}", value):
            self.put(1, 1)
            self.small(int(value.removeprefix(UNKNOWN)), path)
        else:
            self.fail(path, f"{value!r} is none of {', '.join(node.names)}", Fault.OUT_OF_RANGE)

    def bits(self, node: Bits, value: Any, path: str) -> None:
        """Append a bit string."""
        bits = value.get("bits") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(bits, str) or not re.fullmatch("[01]*", bits):
            self.fail(path, f'{value!r} is not {{"bits": "01..."}}')
        if len(bits) != node.size:
            if not node.extensible:
                self.fail(path, f"{len(bits)} bits, expected {node.size}", Fault.OUT_OF_RANGE)
            self.put(1, 1)
            self.length(len(bits), path)
        elif node.extensible:
            self.put(0, 1)
        self.put(int(bits or "0", 2), len(bits))

    def alternative(self, node: Choice, value: Any, path: str) -> None:
        """Append a choice."""
        if not isinstance(value, dict) or len(value) != 1:
            self.fail(path, f"{value!r} is not a dict of one alternative")
        ((name, inner),) = value.items()
        if name == UNKNOWN and node.extensible:
            if not isinstance(inner, dict) or inner.keys() != {"index", "octets"}:
                self.fail(path, f"{inner!r} is not an unknown alternative's index and octets")
            self.put(1, 1)
            self.small(inner["index"], path)
            self.opened(inner["octets"], path)
            return
        for index, alternative in enumerate(node.alternatives):
            if alternative.name == name:
                self.put(index, node.width + node.extensible)
                self.write(alternative.node, inner, f"{path}.{name}" if path else name)
                return
        self.fail(path, f"there is no alternative {name!r}", Fault.OUT_OF_RANGE)

    def fields(self, node: Sequence, value: Any, path: str) -> None:
        """Append a sequence."""
        if not isinstance(value, dict):
            self.fail(path, f"a {type(value).__name__}, expected a dict")
        additions = value.get(UNKNOWN) if node.extensible else None
        names = {f.name for f in node.fields} | ({UNKNOWN} if node.extensible else set())
        if not value.keys() <= names:
            self.fail(path, f"there is no field {min(value.keys() - names, key=str)!r}")
        if node.extensible:
            self.put(UNKNOWN in value, 1)
        for field in node.optionals:
            self.put(field.name in value, 1)
        for field in node.fields:
            if field.name in value:
                self.write(field.node, value[field.name], f"{path}.{field.name}")
            elif not field.optional:
                self.fail(f"{path}.{field.name}", "is missing")
        if UNKNOWN in value:
            if not isinstance(additions, list) or not 0 < len(additions) <= _SMALL:
                self.fail(f"{path}.{UNKNOWN}", f"{additions!r} is not a list of 1 to 64 additions")
            self.put(len(additions) - 1, 7)
            for addition in additions:
                self.put(addition is not None, 1)
            for index, addition in enumerate(additions):
                if addition is not None:
                    self.opened(addition, f"{path}.{UNKNOWN}[{index}]")


def read_frame(root: Choice, octets: bytes) -> dict[str, Any]:
    """Return the value of a frame.

    Raises:
        WireError: the frame is not one of this edition; it names the field and the bit.
    """
    reader = Reader(octets)
    value = reader.read(root, "")
    if reader.left > 7:
        reader.fail(Fault.TRAILING_BITS, "", f"{reader.left} bits follow the message")
    if reader.value & ((1 << reader.left) - 1):
        reader.fail(Fault.TRAILING_BITS, "", "the padding is not zero")
    return dict(value)


def write_frame(root: Choice, value: Any) -> bytes:
    """Return the frame of a value.

    Raises:
        WireError: the value is not one of this edition; it names the field.
    """
    writer = Writer()
    writer.write(root, value, "")
    return writer.octets()
