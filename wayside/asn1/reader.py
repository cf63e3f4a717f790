"""Reading any value by walking the schema bit by bit: slow, complete, and able to say where.

Time and memory grow with the length of the frame, never with what it claims to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from wayside.asn1.errors import Fault, WireError
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

UNKNOWN = "..."  # stands where the edition has no name
SMALL = 64  # normally small numbers below it take seven bits
LONGEST = 1 << 14  # lengths from here on come in fragments of so many items


def signed_octets(number: int) -> int:
    """Return how many octets a number takes as a two's complement.

    >>> [signed_octets(number) for number in (0, 127, 128, -128, -129)]
    [1, 1, 2, 1, 2]
    """
    return (number if number >= 0 else ~number).bit_length() // 8 + 1


class Reader:
    """Reads values from one frame, or from the open types inside it.

    Args:
        octets: what is read.
        origins: (bit of these octets, bit of the frame), rising, for octets that were taken out of a frame.
    """

    def __init__(self, octets: bytes, origins: tuple[tuple[int, int], ...] = ((0, 0),)) -> None:
        self.octets = octets
        self.origins = origins
        self.total = len(octets) * 8
        self.at = 0

    def place(self) -> int:
        """Return where the frame has the bit that is read next."""
        start, origin = next(one for one in reversed(self.origins) if one[0] <= self.at)
        return origin + self.at - start

    def fail(self, reason: Fault, path: str, found: str) -> NoReturn:
        """Refuse the frame here."""
        raise WireError(reason, path, self.place(), found)

    def take(self, width: int, path: str) -> int:
        """Return the next bits as a number."""
        end = self.at + width
        if end > self.total:
            self.fail(Fault.TRUNCATED, path, f"needs {width} bits, {self.total - self.at} are left")
        number = int.from_bytes(self.octets[self.at >> 3 : end + 7 >> 3], "big") >> (-end & 7)
        self.at = end
        return number & ((1 << width) - 1)

    def finish(self, path: str) -> None:
        """Refuse anything but zero bits that fill up the last octet; an empty value still takes an octet."""
        if not self.total:
            self.fail(Fault.TRUNCATED, path, "holds no octets, expected one at least")
        left = self.total - self.at
        if left > (7 if self.at else 8):
            self.fail(Fault.TRAILING_BITS, path, f"{left} bits follow its end")
        if left and self.octets[-1] & ((1 << left) - 1):
            self.fail(Fault.TRAILING_BITS, path, "the padding is not zero")

    def bounded(self, low: int, high: int, path: str) -> int:
        """Return a number that lies between two bounds."""
        number = low + self.take((high - low).bit_length(), path)
        if number > high:
            self.fail(Fault.OUT_OF_RANGE, path, f"{number} is above {high}")
        return number

    def lengths(self, path: str) -> Iterator[int]:
        """Yield how many items follow, for each fragment of a length that may come in several.

        Only the one form is read that the standard would write: the largest fragments first.
        """
        most = 4
        while self.take(1, path):
            if not self.take(1, path):
                count = self.take(14, path)
                if count < 1 << 7:
                    self.fail(Fault.MALFORMED, path, f"the length {count} in long form")
                yield count
                return
            fold = self.take(6, path)
            if not 0 < fold <= most:
                self.fail(Fault.MALFORMED, path, f"a fragment of {fold} times {LONGEST} items")
            most = 4 if fold == 4 else 0
            yield fold * LONGEST
        yield self.take(7, path)

    def small(self, path: str) -> int:
        """Return a normally small number."""
        if not self.take(1, path):
            return self.take(6, path)
        octets = self.take(8, path)
        number = self.take(8 * octets, path) if octets in (1, 2) else 0
        if not SMALL <= number < LONGEST or octets != (number.bit_length() + 7) // 8:
            self.fail(Fault.MALFORMED, path, f"an index of {octets} octets, expected {SMALL} to {LONGEST - 1}")
        return number

    def opened(self, path: str) -> Reader:
        """Return the reader of an open type's octets."""
        pieces: list[bytes] = []
        origins: list[tuple[int, int]] = []
        start = 0
        for count in self.lengths(path):
            origins.append((8 * start, self.place()))
            pieces.append(self.take(8 * count, path).to_bytes(count, "big"))
            start += count
        return Reader(b"".join(pieces), tuple(origins))

    def kept(self, path: str) -> str:
        """Return the octets of an open type that the edition does not know."""
        return self.opened(path).octets.hex()

    def contained(self, node: Node, path: str) -> Any:
        """Return the value inside an open type."""
        inner = self.opened(path)
        value = inner.read(node, path)
        inner.finish(path)
        return value

    def read(self, node: Node, path: str) -> Any:  # noqa: PLR0911
        """Return the value of a node."""
        match node:
            case Integer():
                if node.extensible and self.take(1, path):
                    return self.outside(node, path)
                return self.bounded(node.low, node.high, path)
            case Boolean():
                return bool(self.take(1, path))
            case Null():
                return None
            case Enumerated():
                return self.name(node, path)
            case Bits():
                return {"bits": self.bits(node, path)}
            case Octets():
                return self.string(node, path)
            case Text():
                count = self.bounded(node.low, node.high, path)
                return bytes(self.take(7, path) for _ in range(count)).decode("ascii")
            case SequenceOf():
                return self.items(node, path)
            case Choice():
                return self.alternative(node, path)
            case Sequence():
                return self.fields(node, path)
            case _:
                raise SchemaError(f"{path} is a {type(node).__name__}, which has no form in packed encoding")

    def outside(self, node: Integer, path: str) -> int:
        """Return a number that lies outside its usual bounds."""
        count = self.take(8, path)
        if not 0 < count <= 8:
            self.fail(Fault.MALFORMED, path, f"a number of {count} octets, expected 1 to 8")
        number = self.take(8 * count, path)
        number -= number >> 8 * count - 1 << 8 * count
        if signed_octets(number) != count or node.low <= number <= node.high:
            self.fail(Fault.MALFORMED, path, f"the number {number} in a form of {count} octets")
        return number

    def string(self, node: Octets, path: str) -> str:
        """Return octets as hex."""
        if not (node.extensible and self.take(1, path)):
            count = self.bounded(node.low, node.high, path)
            return self.take(8 * count, path).to_bytes(count, "big").hex()
        octets = self.opened(path).octets
        if node.low <= len(octets) <= node.high:
            self.fail(Fault.MALFORMED, path, f"the extension form for the usual {len(octets)} octets")
        return octets.hex()

    def name(self, node: Enumerated, path: str) -> str:
        """Return the name of an enumeration's value."""
        if node.extensible and self.take(1, path):
            index = self.small(path)
            return node.additions[index] if index < len(node.additions) else f"{UNKNOWN}{index}"
        return node.names[self.bounded(0, len(node.names) - 1, path)]

    def bits(self, node: Bits, path: str) -> str:
        """Return the bits of a bit string as a text."""
        if not (node.extensible and self.take(1, path)):
            return f"{self.take(node.size, path):0{node.size}b}" if node.size else ""
        text = "".join(f"{self.take(count, path):0{count}b}" for count in self.lengths(path) if count)
        if len(text) == node.size:
            self.fail(Fault.MALFORMED, path, f"the extension form for the usual {node.size} bits")
        return text

    def items(self, node: SequenceOf, path: str) -> list[Any]:
        """Return the values of a list."""
        counts = self.lengths(path) if node.high >= FREE else (self.bounded(node.low, node.high, path),)
        values: list[Any] = []
        for count in counts:
            start = len(values)
            values += [self.read(node.element, f"{path}[{start + index}]") for index in range(count)]
        if len(values) < node.low:
            self.fail(Fault.OUT_OF_RANGE, path, f"{len(values)} items, expected {node.low} at least")
        return values

    def alternative(self, node: Choice, path: str) -> dict[str, Any]:
        """Return the value of a choice."""
        if node.extensible and self.take(1, path):
            index = self.small(path)
            if index >= len(node.additions):
                return {UNKNOWN: {"index": index, "octets": self.kept(path)}}
            added = node.additions[index]
            return {added.name: self.contained(added.node, f"{path}.{added.name}" if path else added.name)}
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
        value: dict[str, Any] = {}
        for field in node.fields:
            if not field.optional or next(there):
                value[field.name] = self.field(field, value, f"{path}.{field.name}")
        if extended:
            self.added(node, value, path)
        return value

    def field(self, field: Field, before: dict[str, Any], path: str) -> Any:
        """Return the value of a field, whose type what was read before it may tell."""
        if not isinstance(field.node, Open):
            return self.read(field.node, path)
        selected = before[field.node.selector]
        for number, name, node in field.node.types:
            if number == selected:
                return {name: self.contained(node, f"{path}.{name}")}
        return {UNKNOWN: self.kept(path)}

    def added(self, node: Sequence, value: dict[str, Any], path: str) -> None:
        """Put a sequence's additions into its value."""
        if self.take(1, path):
            self.fail(Fault.MALFORMED, path, "more than 64 additions")
        listed = self.take(6, path) + 1
        present = [self.take(1, path) for _ in range(listed)]
        for field, there in zip(node.additions, present, strict=False):
            if there:
                value[field.name] = self.contained(field.node, f"{path}.{field.name}")
        known = len(node.additions)
        if listed > known:
            value[UNKNOWN] = [
                self.kept(f"{path}.{UNKNOWN}[{place}]") if there else None
                for place, there in enumerate(present[known:])
            ]
        elif listed < known or not any(present):
            value[UNKNOWN] = listed
