"""Writing any value by walking the schema bit by bit: slow, complete, and able to say where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from wayside.asn1.errors import Fault, WireError
from wayside.asn1.reader import LONGEST, SMALL, UNKNOWN, signed_octets
from wayside.asn1.schema import (
    FREE,
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Node,
    Null,
    Octets,
    Open,
    SchemaError,
    Sequence,
    SequenceOf,
    Text,
)

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*\Z")
_INDEX = re.compile(r"\.\.\.(0|[1-9]\d{0,4})\Z", re.ASCII)
_HELD = 4096  # bits are gathered in a number of about so many, so that a long frame takes no longer per bit


def fragments(count: int) -> Iterator[tuple[int, int, int]]:
    """Yield (length as written, its bits, number of items it stands for) for so many items.

    >>> list(fragments(5)), list(fragments(16385))
    ([(5, 8, 5)], [(193, 8, 16384), (1, 8, 1)])
    """
    while count >= LONGEST:
        fold = min(count // LONGEST, 4)
        yield 0b11 << 6 | fold, 8, fold * LONGEST
        count -= fold * LONGEST
    if count < 1 << 7:
        yield count, 8, count
    else:
        yield 1 << 15 | count, 16, count


class Writer:
    """Writes values into one frame, or into an open type of it.

    Args:
        origin: bit of the frame at which this begins; inside an open type, its length is not counted.
    """

    def __init__(self, origin: int = 0) -> None:
        self.origin = origin
        self.done = bytearray()
        self.held = 0
        self.width = 0

    def fail(self, path: str, found: str, reason: Fault = Fault.MALFORMED) -> NoReturn:
        """Refuse the value here."""
        raise WireError(reason, path, self.place(), found)

    def place(self) -> int:
        """Return where the frame has the bit that is written next."""
        return self.origin + 8 * len(self.done) + self.width

    def put(self, number: int, width: int) -> None:
        """Append bits."""
        self.held = self.held << width | number
        self.width += width
        if self.width >= _HELD:
            rest = self.width & 7
            self.done += (self.held >> rest).to_bytes(self.width >> 3, "big")
            self.held &= (1 << rest) - 1
            self.width = rest

    def octets(self) -> bytes:
        """Return what was written, filled up with zero bits to whole octets, to one at least."""
        spare = -self.width % 8
        whole = bytes(self.done) + (self.held << spare).to_bytes((self.width + spare) // 8, "big")
        return whole or b"\0"

    def bounded(self, number: Any, low: int, high: int, path: str) -> None:
        """Append a number that lies between two bounds."""
        if not isinstance(number, int):
            self.fail(path, f"{number!r} is not a Python int")
        if not low <= number <= high:
            self.fail(path, f"{number} is not between {low} and {high}", Fault.OUT_OF_RANGE)
        self.put(int(number) - low, (high - low).bit_length())

    def small(self, number: Any, path: str) -> None:
        """Append a normally small number."""
        if not isinstance(number, int) or not 0 <= number < LONGEST:
            self.fail(path, f"{number!r} is not an index below {LONGEST}", Fault.OUT_OF_RANGE)
        if number < SMALL:
            self.put(number, 7)
        else:
            octets = (number.bit_length() + 7) // 8
            self.put(1 << 8 | octets, 9)
            self.put(number, 8 * octets)

    def hexadecimal(self, text: Any, path: str) -> bytes:
        """Return the octets of a hex text."""
        if not isinstance(text, str) or not _HEX.match(text):
            self.fail(path, f"{text!r} is not hex")
        return bytes.fromhex(text)

    def opened(self, octets: bytes) -> None:
        """Append an open type."""
        start = 0
        for length, width, count in fragments(len(octets)):
            self.put(length, width)
            self.put(int.from_bytes(octets[start : start + count], "big"), 8 * count)
            start += count

    def contained(self, node: Node, value: Any, path: str) -> None:
        """Append an open type that holds a value."""
        inner = Writer(self.place())
        inner.write(node, value, path)
        self.opened(inner.octets())

    def write(self, node: Node, value: Any, path: str) -> None:
        """Append the value of a node."""
        match node:
            case Integer():
                if node.extensible:
                    self.extensible(node, value, path)
                else:
                    self.bounded(value, node.low, node.high, path)
            case Boolean():
                if not isinstance(value, bool):
                    self.fail(path, f"{value!r} is neither True nor False")
                self.put(value, 1)
            case Null():
                if value is not None:
                    self.fail(path, f"{value!r}, expected None")
            case Enumerated():
                self.name(node, value, path)
            case Bits():
                self.bits(node, value, path)
            case Octets():
                self.string(node, self.hexadecimal(value, path), path)
            case Text():
                if not isinstance(value, str) or not value.isascii():
                    self.fail(path, f"{value!r} is not an ASCII text")
                self.bounded(len(value), node.low, node.high, path)
                for character in value.encode("ascii"):
                    self.put(character, 7)
            case SequenceOf():
                self.items(node, value, path)
            case Choice():
                self.alternative(node, value, path)
            case Sequence():
                self.fields(node, value, path)
            case _:
                raise SchemaError(f"{path} is a {type(node).__name__}, which has no form in packed encoding")

    def extensible(self, node: Integer, value: Any, path: str) -> None:
        """Append a number that may lie outside its usual bounds."""
        if not isinstance(value, int) or node.low <= value <= node.high:
            self.put(0, 1)
            self.bounded(value, node.low, node.high, path)
            return
        count = signed_octets(value)
        if count > 8:
            self.fail(path, f"{value} takes {count} octets, expected 8 at most", Fault.OUT_OF_RANGE)
        self.put(1 << 8 | count, 9)
        self.put(value & ((1 << 8 * count) - 1), 8 * count)

    def string(self, node: Octets, octets: bytes, path: str) -> None:
        """Append octets."""
        if node.extensible:
            outside = not node.low <= len(octets) <= node.high
            self.put(outside, 1)
            if outside:
                self.opened(octets)
                return
        self.bounded(len(octets), node.low, node.high, path)
        self.put(int.from_bytes(octets, "big"), 8 * len(octets))

    def name(self, node: Enumerated, value: Any, path: str) -> None:
        """Append an enumeration."""
        if value in node.names:
            self.put(node.names.index(value), node.width + node.extensible)
            return
        index = _INDEX.match(value) if isinstance(value, str) else None
        if value in node.additions:
            self.put(1, 1)
            self.small(node.additions.index(value), path)
        elif node.extensible and index and int(index[1]) >= len(node.additions):
            self.put(1, 1)
            self.small(int(index[1]), path)
        else:
            names = ", ".join(node.names + node.additions)
            self.fail(path, f"{value!r} is none of {names}", Fault.OUT_OF_RANGE)

    def bits(self, node: Bits, value: Any, path: str) -> None:
        """Append a bit string."""
        bits = value.get("bits") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(bits, str) or not re.fullmatch("[01]*", bits):
            self.fail(path, f'{value!r} is not {{"bits": "01..."}}')
        if len(bits) == node.size:
            self.put(int(bits or "0", 2), node.size + node.extensible)
            return
        if not node.extensible:
            self.fail(path, f"{len(bits)} bits, expected {node.size}", Fault.OUT_OF_RANGE)
        self.put(1, 1)
        start = 0
        for length, width, count in fragments(len(bits)):
            self.put(length, width)
            self.put(int(bits[start : start + count] or "0", 2), count)
            start += count

    def items(self, node: SequenceOf, value: Any, path: str) -> None:
        """Append a list."""
        if not isinstance(value, list):
            self.fail(path, f"a {type(value).__name__}, expected a list")
        if node.high < FREE:
            self.bounded(len(value), node.low, node.high, path)
            for index, item in enumerate(value):
                self.write(node.element, item, f"{path}[{index}]")
            return
        if len(value) < node.low:
            self.fail(path, f"{len(value)} items, expected {node.low} at least", Fault.OUT_OF_RANGE)
        start = 0
        for length, width, count in fragments(len(value)):
            self.put(length, width)
            for index in range(start, start + count):
                self.write(node.element, value[index], f"{path}[{index}]")
            start += count

    def alternative(self, node: Choice, value: Any, path: str) -> None:
        """Append a choice."""
        if not isinstance(value, dict) or len(value) != 1:
            self.fail(path, f"{value!r} is not a dict of one alternative")
        ((name, inner),) = value.items()
        if name == UNKNOWN and node.extensible:
            if not isinstance(inner, dict) or inner.keys() != {"index", "octets"}:
                self.fail(path, f"{inner!r} is not an unknown alternative's index and octets")
            if isinstance(inner["index"], int) and 0 <= inner["index"] < len(node.additions):
                self.fail(path, f"the index {inner['index']} has the name {node.additions[inner['index']].name}")
            self.put(1, 1)
            self.small(inner["index"], path)
            self.opened(self.hexadecimal(inner["octets"], path))
            return
        below = f"{path}.{name}" if path else str(name)
        for index, alternative in enumerate(node.alternatives):
            if alternative.name == name:
                self.put(index, node.width + node.extensible)
                self.write(alternative.node, inner, below)
                return
        for index, alternative in enumerate(node.additions):
            if alternative.name == name:
                self.put(1, 1)
                self.small(index, path)
                self.contained(alternative.node, inner, below)
                return
        self.fail(path, f"there is no alternative {name!r}", Fault.OUT_OF_RANGE)

    def fields(self, node: Sequence, value: Any, path: str) -> None:
        """Append a sequence."""
        if not isinstance(value, dict):
            self.fail(path, f"a {type(value).__name__}, expected a dict")
        names = {f.name for f in node.fields + node.additions} | ({UNKNOWN} if node.extensible else set())
        if not value.keys() <= names:
            self.fail(path, f"there is no field {min(map(str, value.keys() - names))!r}")
        extended = UNKNOWN in value or any(f.name in value for f in node.additions)
        if node.extensible:
            self.put(extended, 1)
        for field in node.optionals:
            self.put(field.name in value, 1)
        for field in node.fields:
            if field.name in value:
                self.field(field, value, f"{path}.{field.name}")
            elif not field.optional:
                self.fail(f"{path}.{field.name}", "is missing")
        if extended:
            self.added(node, value, path)

    def field(self, field: Field, value: dict[str, Any], path: str) -> None:
        """Append a field, whose type another field may tell."""
        if not isinstance(field.node, Open):
            self.write(field.node, value[field.name], path)
            return
        inner, selected = value[field.name], value[field.node.selector]
        expected, node = next(((n, t) for number, n, t in field.node.types if number == selected), (UNKNOWN, None))
        if not isinstance(inner, dict) or inner.keys() != {expected}:
            found = ", ".join(map(repr, inner)) if isinstance(inner, dict) else repr(inner)
            self.fail(path, f"{found}, expected {{{expected!r}: ...}} for {field.node.selector} {selected}")
        if node is None:
            self.opened(self.hexadecimal(inner[UNKNOWN], path))
        else:
            self.contained(node, inner[expected], f"{path}.{expected}")

    def added(self, node: Sequence, value: dict[str, Any], path: str) -> None:
        """Append a sequence's additions."""
        known = [f if f.name in value else None for f in node.additions]
        unknown: list[Any] = []
        rest = value.get(UNKNOWN, known)
        if isinstance(rest, int) and 0 < rest <= len(known) and not any(known[rest % len(known) :]):
            known = known[:rest]
        elif UNKNOWN in value and isinstance(rest, list) and 0 < len(rest) <= SMALL - len(known):
            unknown = rest
        elif UNKNOWN in value:
            self.fail(
                f"{path}.{UNKNOWN}",
                f"{rest!r} is neither a list of further additions, {SMALL - len(known)} at most, "
                "nor how many of the known ones the sender listed",
            )
        self.put(len(known) + len(unknown) - 1, 7)
        for addition in (*known, *unknown):
            self.put(addition is not None, 1)
        for field in known:
            if field:
                self.contained(field.node, value[field.name], f"{path}.{field.name}")
        for place, octets in enumerate(unknown):
            if octets is not None:
                self.opened(self.hexadecimal(octets, f"{path}.{UNKNOWN}[{place}]"))
