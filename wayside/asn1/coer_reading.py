"""Canonical OER octets to plain values, refusing whatever is not the one encoding of its value."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

from wayside.asn1.coer_schema import Characters, Defaulted, Reference
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.reader import UNKNOWN
from wayside.asn1.schema import (
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Node,
    Null,
    Octets,
    SchemaError,
    Sequence,
    SequenceOf,
    Text,
)

DEEPEST = 16  # a type inside itself, so many times; objects of the field have four
CONTEXT = 0b10  # class of all tags that automatic tagging gives
LONG_TAG = 0b111111  # in place of a tag number from here on
LONGEST_TAG = 4  # octets of a long tag number


@cache
def integer_form(low: int, high: int) -> tuple[int, bool]:
    """Return how an integer with bounds is written: octets (0: a length says so), and whether it has a sign.

    >>> integer_form(0, 255), integer_form(-900000000, 900000001), integer_form(0, 1 << 64)
    ((1, False), (4, True), (0, False))
    """
    for octets in (1, 2, 4, 8):
        if low >= 0 and high < 1 << 8 * octets:
            return octets, False
        if low < 0 and low >= -1 << 8 * octets - 1 and high < 1 << 8 * octets - 1:
            return octets, True
    return 0, low < 0


def below(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{name}" if path else name


LARGEST_TOLD = 1 << 128  # Python does not print numbers of any length


def told(number: int) -> str:
    """Return a number in words of any length.

    >>> told(5), told(1 << 4000)
    ('5', 'a number of 4001 bits')
    """
    return str(number) if abs(number) < LARGEST_TOLD else f"a number of {number.bit_length()} bits"


class CoerReader:
    """Reads values from one object.

    Args:
        octets: the object.
        wanted: paths whose places are noted.

    Attributes:
        at: next octet.
        spans: first octet and octet behind the last, by path.
    """

    def __init__(self, octets: bytes, wanted: tuple[str, ...] = ()) -> None:
        self.octets = octets
        self.at = 0
        self.end = len(octets)
        self.depth = 0
        self.wanted = wanted
        self.spans: dict[str, tuple[int, int]] = {}

    def fail(self, reason: Fault, path: str, found: str) -> NoReturn:
        """Refuse the object here."""
        raise WireError(reason, path, 8 * self.at, found)

    def take(self, count: int, path: str) -> bytes:
        """Return the next octets."""
        if count > self.end - self.at:
            self.fail(Fault.TRUNCATED, path, f"needs {count} octets, {self.end - self.at} are left")
        self.at += count
        return self.octets[self.at - count : self.at]

    def length(self, path: str) -> int:
        """Return a length determinant."""
        first = self.take(1, path)[0]
        if first < 0x80:
            return first
        number = int.from_bytes(self.take(first & 0x7F, path), "big")
        if number < 0x80 or (number.bit_length() + 7) // 8 != first & 0x7F:
            self.fail(
                Fault.MALFORMED,
                path,
                f"the length {told(number)} in {first & 0x7F} octets is not the shortest form",
            )
        return number

    def integer(self, node: Integer, path: str) -> int:
        """Return a whole number."""
        octets, signed = integer_form(node.low, node.high)
        raw = self.take(octets or self.length(path), path)
        number = int.from_bytes(raw, "big", signed=signed)
        if not octets and len(raw) != octets_of(number, signed):
            self.fail(Fault.MALFORMED, path, f"{told(number)} in {len(raw)} octets is not the shortest form")
        if not node.low <= number <= node.high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{told(number)} is not between {node.low} and {node.high}")
        return number

    def name(self, node: Enumerated, path: str) -> str:
        """Return an enumeration's name."""
        number = self.take(1, path)[0]
        if number >= 0x80:
            raw = self.take(number & 0x7F, path)
            number = int.from_bytes(raw, "big", signed=True)
            if number < 0x80 or len(raw) != octets_of(number, signed=True):
                self.fail(Fault.MALFORMED, path, f"the enumeration value {number} in long form")
        names = node.names + node.additions
        if number < len(names):
            return names[number]
        if not node.extensible:
            self.fail(Fault.OUT_OF_RANGE, path, f"{number} is none of {', '.join(names)}")
        return f"{UNKNOWN}{number}"

    def bits(self, node: Bits, path: str) -> dict[str, str]:
        """Return a bit string."""
        return {"bits": self.padded(self.take((node.size + 7) // 8, path), node.size, path)}

    def free_bits(self, path: str) -> str:
        """Return the bits of a string whose length is sent."""
        raw = self.take(self.length(path), path)
        size = 8 * (len(raw) - 1) - raw[0] if raw else -1
        if size < 0 or raw[0] > 7:
            self.fail(Fault.MALFORMED, path, f"{raw[:2].hex() or 'nothing'} does not begin a bit string")
        return self.padded(raw[1:], size, path)

    def padded(self, raw: bytes, size: int, path: str) -> str:
        """Return the first bits of some octets, whose others must be zero."""
        number, spare = int.from_bytes(raw, "big"), 8 * len(raw) - size
        if number & ((1 << spare) - 1):
            self.fail(Fault.MALFORMED, path, "the bits that fill the last octet are not zero")
        return f"{number >> spare:0{size}b}" if size else ""

    def counted(self, node: Octets | Text, path: str) -> bytes:
        """Return octets, with their length before them where it is not fixed."""
        raw = self.take(node.low if node.low == node.high else self.length(path), path)
        if not node.low <= len(raw) <= node.high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{len(raw)} octets, expected {node.low} to {node.high}")
        return raw

    def text(self, node: Text, path: str) -> str:
        """Return characters."""
        try:
            if not isinstance(node, Characters):
                return self.counted(node, path).decode("ascii")
            text = self.take(self.length(path), path).decode("utf-8")
        except UnicodeDecodeError as error:
            self.fail(Fault.MALFORMED, path, f"{error.object[:32]!r} is not a text: {error.reason}")
        if not node.low <= len(text) <= node.high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{len(text)} characters, expected {node.low} to {node.high}")
        return text

    def read(self, node: Node, path: str) -> Any:  # noqa: PLR0911
        """Return the value of a node."""
        match node:
            case Integer():
                return self.integer(node, path)
            case Boolean():
                octet = self.take(1, path)[0]
                if octet not in {0x00, 0xFF}:
                    self.fail(Fault.MALFORMED, path, f"{octet:02x} is neither false (00) nor true (ff)")
                return octet == 0xFF
            case Null():
                return None
            case Enumerated():
                return self.name(node, path)
            case Bits():
                return self.bits(node, path)
            case Octets():
                return self.counted(node, path).hex()
            case Text():
                return self.text(node, path)
            case SequenceOf():
                return self.items(node, path)
            case Choice():
                return self.alternative(node, path)
            case Reference():
                self.depth += 1
                if self.depth > DEEPEST:
                    self.fail(Fault.MALFORMED, path, f"{node.name} inside itself more than {DEEPEST} times")
                value = self.read(node.known[node.name], path)
                self.depth -= 1
                return value
            case Sequence():
                return self.fields(node, path)
            case _:
                raise SchemaError(f"{path}: {type(node).__name__} is not encoded by OER here")

    def items(self, node: SequenceOf, path: str) -> list[Any]:
        """Return the values of a list; each takes at least one octet."""
        raw = self.take(self.length(path), path)
        count = int.from_bytes(raw, "big")
        if len(raw) != octets_of(count, signed=False):
            self.fail(Fault.MALFORMED, path, f"the number of items, {told(count)}, in {len(raw)} octets")
        if not node.low <= count <= node.high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{told(count)} items, expected {node.low} to {node.high}")
        if count > self.end - self.at:
            self.fail(
                Fault.TRUNCATED, path, f"{told(count)} items cannot be in the {self.end - self.at} octets left"
            )
        return [self.read(node.element, f"{path}[{index}]") for index in range(count)]

    def field(self, field: Field, path: str) -> Any:
        """Return the value of a field or an alternative, whose place is noted if it is wanted."""
        path = below(path, field.name)
        start = self.at
        value = self.read(field.node, path)
        if path in self.wanted:
            self.spans[path] = (start, self.at)
        return value

    def opened(self, field: Field, path: str) -> Any:
        """Return the value of an addition, which stands in octets of its own."""
        inside = below(path, field.name)
        length, end = self.length(inside), self.end
        if length > end - self.at:
            self.fail(Fault.TRUNCATED, inside, f"needs {length} octets, {end - self.at} are left")
        self.end = self.at + length
        value = self.field(field, path)
        if self.at != self.end:
            self.fail(Fault.TRAILING_BITS, inside, f"{self.end - self.at} octets follow {field.name} in its place")
        self.end = end
        return value

    def tag(self, path: str) -> int:
        """Return the number of a tag."""
        first = self.take(1, path)[0]
        if first >> 6 != CONTEXT:
            self.fail(Fault.MALFORMED, path, f"the octet {first:02x} is not a context tag (80 to bf)")
        number = first & LONG_TAG
        if number < LONG_TAG:
            return number
        number, start = 0, self.at
        while True:
            octet = self.take(1, path)[0]
            number = number << 7 | octet & 0x7F
            if octet < 0x80 or self.at - start == LONGEST_TAG:
                break
        if octet >= 0x80 or number < LONG_TAG or self.octets[start] == 0x80:
            self.fail(Fault.MALFORMED, path, "a tag in long form that is too long, or not the shortest form")
        return number

    def alternative(self, node: Choice, path: str) -> dict[str, Any]:
        """Return the value of a choice."""
        index = self.tag(path)
        if index < len(node.alternatives):
            chosen = node.alternatives[index]
            return {chosen.name: self.field(chosen, path)}
        later = index - len(node.alternatives)
        if later < len(node.additions):
            chosen = node.additions[later]
            return {chosen.name: self.opened(chosen, path)}
        if not node.extensible:
            self.fail(Fault.OUT_OF_RANGE, path, f"there is no alternative {index}")
        return {UNKNOWN: {"index": index, "octets": self.take(self.length(path), path).hex()}}

    def fields(self, node: Sequence, path: str) -> dict[str, Any]:
        """Return the value of a sequence."""
        size = node.extensible + len(node.optionals)
        flags = iter(self.padded(self.take((size + 7) // 8, path), size, path))
        extended = node.extensible and next(flags) == "1"
        value: dict[str, Any] = {}
        for field in node.fields:
            if not field.optional or next(flags) == "1":
                value[field.name] = self.field(field, path)
                if isinstance(field, Defaulted) and value[field.name] == field.default:
                    self.fail(
                        Fault.MALFORMED, below(path, field.name), "its default is sent, which must be left out"
                    )
            elif isinstance(field, Defaulted):
                value[field.name] = field.default
        if extended:
            self.additions(node, value, path)
        return value

    def additions(self, node: Sequence, value: dict[str, Any], path: str) -> None:
        """Put what stands beyond the extension marker into the value of a sequence."""
        present = self.free_bits(path)
        if "1" not in present:
            self.fail(Fault.MALFORMED, path, "the extension bit is set, and no addition is there")
        for field, flag in zip(node.additions, present, strict=False):
            if flag == "1":
                value[field.name] = self.opened(field, path)
        known = len(node.additions)
        if len(present) < known:
            value[UNKNOWN] = len(present)
        elif len(present) > known:
            value[UNKNOWN] = [
                self.take(self.length(path), path).hex() if flag == "1" else None for flag in present[known:]
            ]


def octets_of(number: int, signed: bool) -> int:
    """Return how many octets a number takes at least.

    >>> octets_of(0, False), octets_of(128, False), octets_of(128, True), octets_of(-128, True)
    (1, 1, 2, 1)
    """
    bits = (number if number >= 0 else ~number).bit_length() + signed
    return max(1, (bits + 7) // 8)
