"""Plain values to canonical OER octets."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from wayside.asn1.coer_reading import CONTEXT, DEEPEST, LONG_TAG, LONGEST_TAG, below, integer_form, octets_of
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

_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")
_UNKNOWN_NAME = re.compile(r"\.\.\.(0|[1-9][0-9]{0,305})\Z")  # as many digits as 127 octets can say


class CoerWriter:
    """Writes values into one object."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.before = 0
        self.depth = 0

    def fail(self, path: str, found: str, reason: Fault = Fault.MALFORMED) -> NoReturn:
        """Refuse the value here."""
        raise WireError(reason, path, 8 * (self.before + len(self.out)), found)

    def length(self, count: int) -> None:
        """Append a length determinant."""
        if count < 0x80:
            self.out.append(count)
        else:
            octets = octets_of(count, signed=False)
            self.out.append(0x80 | octets)
            self.out += count.to_bytes(octets, "big")

    def integer(self, node: Integer, value: Any, path: str) -> None:
        """Append a whole number."""
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(path, f"{value!r} is not a Python int")
        if not node.low <= value <= node.high:
            self.fail(path, f"{value} is not between {node.low} and {node.high}", Fault.OUT_OF_RANGE)
        octets, signed = integer_form(node.low, node.high)
        if not octets:
            octets = octets_of(value, signed)
            self.length(octets)
        self.out += value.to_bytes(octets, "big", signed=signed)

    def name(self, node: Enumerated, value: Any, path: str) -> None:
        """Append an enumeration."""
        names = node.names + node.additions
        unknown = _UNKNOWN_NAME.match(value) if isinstance(value, str) and node.extensible else None
        if isinstance(value, str) and value in names:
            number = names.index(value)
        elif unknown and int(unknown[1]) >= len(names):
            number = int(unknown[1])
        else:
            self.fail(path, f"{value!r} is none of {', '.join(names)}", Fault.OUT_OF_RANGE)
        if number < 0x80:
            self.out.append(number)
        else:
            octets = octets_of(number, signed=True)
            if octets > 0x7F:
                self.fail(path, f"{value!r} takes {octets} octets, at most 127 can be counted", Fault.OUT_OF_RANGE)
            self.out.append(0x80 | octets)
            self.out += number.to_bytes(octets, "big")

    def bits(self, node: Bits, value: Any, path: str) -> None:
        """Append a bit string."""
        bits = value.get("bits") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(bits, str) or bits.strip("01"):
            self.fail(path, f'{value!r} is not {{"bits": "01..."}}')
        if len(bits) != node.size:
            self.fail(path, f"{len(bits)} bits, expected {node.size}", Fault.OUT_OF_RANGE)
        self.padded(bits)

    def free_bits(self, bits: str) -> None:
        """Append a bit string with its length."""
        self.length(1 + (len(bits) + 7) // 8)
        self.out.append(-len(bits) % 8)
        self.padded(bits)

    def padded(self, bits: str) -> None:
        """Append bits, filled up with zeros to whole octets."""
        spare = -len(bits) % 8
        self.out += (int(bits or "0", 2) << spare).to_bytes((len(bits) + spare) // 8, "big")

    def hexadecimal(self, text: Any, path: str) -> bytes:
        """Return the octets of a hex text."""
        if not isinstance(text, str) or not _HEX.match(text):
            self.fail(path, f"{text!r} is not lower-case hex")
        return bytes.fromhex(text)

    def counted(self, node: Octets | Text, raw: bytes, path: str) -> None:
        """Append octets, with their length before them where it is not fixed."""
        if not node.low <= len(raw) <= node.high:
            self.fail(path, f"{len(raw)} octets, expected {node.low} to {node.high}", Fault.OUT_OF_RANGE)
        if node.low != node.high:
            self.length(len(raw))
        self.out += raw

    def text(self, node: Text, value: Any, path: str) -> None:
        """Append characters."""
        try:
            raw = value.encode("utf-8" if isinstance(node, Characters) else "ascii")
        except (AttributeError, UnicodeEncodeError) as error:
            self.fail(path, f"{value!r} is not a text that can be sent: {error}")
        if not isinstance(node, Characters):
            self.counted(node, raw, path)
            return
        if not node.low <= len(value) <= node.high:
            self.fail(path, f"{len(value)} characters, expected {node.low} to {node.high}", Fault.OUT_OF_RANGE)
        self.length(len(raw))
        self.out += raw

    def write(self, node: Node, value: Any, path: str) -> None:
        """Append the value of a node."""
        match node:
            case Integer():
                self.integer(node, value, path)
            case Boolean():
                if not isinstance(value, bool):
                    self.fail(path, f"{value!r} is neither true nor false")
                self.out.append(0xFF if value else 0x00)
            case Null():
                if value is not None:
                    self.fail(path, f"{value!r} is not null")
            case Enumerated():
                self.name(node, value, path)
            case Bits():
                self.bits(node, value, path)
            case Octets():
                self.counted(node, self.hexadecimal(value, path), path)
            case Text():
                self.text(node, value, path)
            case SequenceOf():
                self.items(node, value, path)
            case Choice():
                self.alternative(node, value, path)
            case Reference():
                self.depth += 1
                if self.depth > DEEPEST:
                    self.fail(path, f"{node.name} inside itself more than {DEEPEST} times")
                self.write(node.known[node.name], value, path)
                self.depth -= 1
            case Sequence():
                self.fields(node, value, path)
            case _:
                raise SchemaError(f"{path}: {type(node).__name__} is not encoded by OER here")

    def items(self, node: SequenceOf, value: Any, path: str) -> None:
        """Append a list."""
        if not isinstance(value, list):
            self.fail(path, f"a {type(value).__name__}, expected a list")
        if not node.low <= len(value) <= node.high:
            self.fail(path, f"{len(value)} items, expected {node.low} to {node.high}", Fault.OUT_OF_RANGE)
        octets = octets_of(len(value), signed=False)
        self.length(octets)
        self.out += len(value).to_bytes(octets, "big")
        for index, item in enumerate(value):
            self.write(node.element, item, f"{path}[{index}]")

    def field(self, field: Field, value: Any, path: str) -> None:
        """Append the value of a field or an alternative."""
        self.write(field.node, value, below(path, field.name))

    def opened(self, field: Field, value: Any, path: str) -> None:
        """Append an addition, in octets of its own."""
        outer, before = self.out, self.before
        self.out, self.before = bytearray(), before + len(outer)
        self.field(field, value, path)
        inner, self.out, self.before = self.out, outer, before
        self.length(len(inner))
        self.out += inner

    def unknown(self, text: Any, path: str) -> None:
        """Append the octets of an addition that the schema does not know."""
        raw = self.hexadecimal(text, path)
        self.length(len(raw))
        self.out += raw

    def tag(self, number: int) -> None:
        """Append a context tag."""
        if number < LONG_TAG:
            self.out.append(CONTEXT << 6 | number)
            return
        self.out.append(CONTEXT << 6 | LONG_TAG)
        groups = (number.bit_length() + 6) // 7
        self.out += bytes(number >> 7 * n & 0x7F | (0x80 if n else 0) for n in reversed(range(groups)))

    def alternative(self, node: Choice, value: Any, path: str) -> None:
        """Append a choice."""
        if not isinstance(value, dict) or len(value) != 1:
            self.fail(path, f"{value!r} is not a dict of one alternative")
        ((name, inner),) = value.items()
        known = len(node.alternatives) + len(node.additions)
        if name == UNKNOWN and node.extensible:
            if not isinstance(inner, dict) or inner.keys() != {"index", "octets"}:
                self.fail(path, f"{inner!r} is not an unknown alternative's index and octets")
            index = inner["index"]
            if not isinstance(index, int) or not known <= index < 1 << 7 * LONGEST_TAG:
                self.fail(path, f"{index!r} is not the index of an unknown alternative", Fault.OUT_OF_RANGE)
            self.tag(index)
            self.unknown(inner["octets"], path)
            return
        for index, alternative in enumerate(node.alternatives + node.additions):
            if alternative.name == name:
                self.tag(index)
                write = self.field if index < len(node.alternatives) else self.opened
                write(alternative, inner, path)
                return
        self.fail(path, f"there is no alternative {name!r}", Fault.OUT_OF_RANGE)

    def fields(self, node: Sequence, value: Any, path: str) -> None:
        """Append a sequence."""
        if not isinstance(value, dict):
            self.fail(path, f"a {type(value).__name__}, expected a dict")
        names = {f.name for f in node.fields + node.additions} | ({UNKNOWN} if node.extensible else set())
        if not value.keys() <= names:
            self.fail(path, f"there is no field {min(value.keys() - names, key=str)!r}")
        here = {
            f.name
            for f in node.fields
            if f.name in value and not (isinstance(f, Defaulted) and value[f.name] == f.default)
        }
        present = "".join("01"[f.name in value] for f in node.additions)
        unknown = value.get(UNKNOWN)
        if UNKNOWN in value:
            present = self.presence(present, unknown, path)
        extended = "1" in present
        self.padded(
            ("01"[extended] if node.extensible else "") + "".join("01"[f.name in here] for f in node.optionals)
        )
        for field in node.fields:
            if field.name in here:
                self.field(field, value[field.name], path)
            elif not field.optional:
                self.fail(below(path, field.name), "is missing")
        if extended:
            self.free_bits(present)
            for field in node.additions:
                if field.name in value:
                    self.opened(field, value[field.name], path)
            for addition in unknown if isinstance(unknown, list) else []:
                if addition is not None:
                    self.unknown(addition, below(path, UNKNOWN))

    def presence(self, known: str, unknown: Any, path: str) -> str:
        """Return which additions are there, with unknown ones behind, or only as many as an older schema had."""
        if isinstance(unknown, int) and 0 < unknown < len(known) and "1" not in known[unknown:]:
            known = known[:unknown]
        elif isinstance(unknown, list) and unknown:
            known += "".join("01"[addition is not None] for addition in unknown)
        else:
            self.fail(
                below(path, UNKNOWN), f"{unknown!r} is neither a list of additions nor how many an older one had"
            )
        if "1" not in known:
            self.fail(below(path, UNKNOWN), f"{unknown!r} stands for additions, and none is there")
        return known
