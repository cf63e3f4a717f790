"""A schema as numbers: what the machine of `coer_machine.py` follows to find places in many objects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from wayside.asn1.coer import CoerCodec
from wayside.asn1.coer_reading import DEEPEST, integer_form
from wayside.asn1.coer_schema import LARGEST, LARGEST_SIGNED, LEAST, Characters, Defaulted, Reference
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
from wayside.table import I64, U8

FREE = -1  # in place of a bound that there is not, and of a mark


class Operation(IntEnum):
    """What the machine does at a place of the code, and the numbers that follow. Places are places in the code."""

    FIXED = 0  # octets, mark: step over some
    SIZED = 1  # least, greatest or FREE, seven-bit, mark: step over octets behind their length
    INTEGER = 2  # octets, signed, least, greatest, mark
    NUMBER = 3  # signed, mark: an integer behind its length
    ENUMERATED = 4  # how many are known, extensible, mark
    BOOLEAN = 5  # mark
    SEVEN_BIT = 6  # how many octets that must be characters, mark
    CHARACTERS = 7  # least, greatest or FREE, mark
    BITS = 8  # how many, mark
    BEGIN = 9  # mark: note where it begins
    END = 10  # mark: note where it ends
    CHOICE = 11  # alternatives, extensible, place behind; then the place of each
    JUMP = 12  # place
    FLAGS = 13  # bits: push where presence bits are, and room for where a field begins
    FIELD = 14  # bit, place behind: go there if the bit is not set; note where the field begins
    DEFAULT = 15  # place in the defaults, octets: refuse a field that is its default
    ADDITIONS = 16  # place behind: go there if the first presence bit is not set; push the bits of the additions
    ADDITION = 17  # number, place behind: go there if that addition is absent; else push the end, and end with it
    CLOSE = 18  # pop the end, which must be reached
    UNKNOWN = 19  # how many additions are known: step over all others, pop the additions
    DROP = 20  # pop the presence bits
    LIST = 21  # least, greatest or FREE, place behind: push how many items
    AGAIN = 22  # place of the first item's end, place of the others: one item less; go there, or pop
    CALL = 23  # place: push where to go on
    RETURN = 24
    OPEN = 25  # push the end, and end with what follows


@dataclass(frozen=True, slots=True)
class PlacesProgram:
    """A schema compiled for finding places.

    Attributes:
        code: operations, each with its numbers; the whole object begins at the first.
        defaults: octets of defaults, one after another.
        stack: how many numbers are pushed at most.
        marks: the paths that are noted.
    """

    code: I64
    defaults: U8
    stack: int
    marks: tuple[str, ...]


class _Compiler:
    """Appends the code of nodes."""

    def __init__(self, marks: tuple[str, ...]) -> None:
        self.marks = marks
        self.code: list[int] = []
        self.defaults = bytearray()
        self.found: set[str] = set()
        self.calls: list[tuple[int, Reference, str | None]] = []
        self.height = self.highest = 0

    def push(self, count: int) -> None:
        """Count what is pushed, and popped below zero."""
        self.height += count
        self.highest = max(self.highest, self.height)

    def put(self, operation: Operation, *numbers: int) -> int:
        """Append an operation; return where its numbers begin."""
        self.code += [operation, *numbers]
        return len(self.code) - len(numbers)

    def here(self, *places: int) -> None:
        """Let places of the code say what comes next."""
        for place in places:
            self.code[place] = len(self.code)

    def mark(self, path: str | None) -> int:
        """Return the number of a mark; FREE where a path has none."""
        if path is None or path not in self.marks:
            return FREE
        self.found.add(path)
        return self.marks.index(path)

    def node(self, node: Node, path: str | None) -> None:
        """Append the code of a node; `path` is None where nothing is marked at or below it."""
        if path and not any(m == path or m.startswith((f"{path}.", f"{path}[")) for m in self.marks):
            path = None
        mark = self.mark(path)
        if isinstance(node, Reference):
            self.made_of_others(node, path)  # which notes the place itself
        elif isinstance(node, Sequence | Choice | SequenceOf | Null):
            if mark != FREE:
                self.put(Operation.BEGIN, mark)
            self.made_of_others(node, path)
            if mark != FREE:
                self.put(Operation.END, mark)
        else:
            self.simple(node, mark)

    def simple(self, node: Node, mark: int) -> None:
        """Append a node that is not made of others."""
        match node:
            case Integer():
                octets, signed = integer_form(node.low, node.high)
                if octets:
                    self.put(Operation.INTEGER, octets, signed, node.low, _word(node.high), mark)
                elif (node.low, node.high) in {(0, LARGEST), (LEAST, LARGEST_SIGNED)}:
                    self.put(Operation.NUMBER, signed, mark)
                else:
                    raise SchemaError(f"an INTEGER between {node.low} and {node.high} cannot be compiled")
            case Boolean():
                self.put(Operation.BOOLEAN, mark)
            case Enumerated():
                known = len(node.names) + len(node.additions)
                self.put(Operation.ENUMERATED, known, node.extensible, mark)
            case Bits():
                self.put(Operation.BITS, node.size, mark)
            case Characters():
                self.put(Operation.CHARACTERS, node.low, _high(node.high), mark)
            case Octets() | Text() if node.low == node.high:
                self.put(Operation.FIXED if isinstance(node, Octets) else Operation.SEVEN_BIT, node.low, mark)
            case Octets() | Text():
                self.put(Operation.SIZED, node.low, _high(node.high), isinstance(node, Text), mark)
            case _:
                raise SchemaError(f"a {type(node).__name__} cannot be compiled")

    def made_of_others(self, node: Node, path: str | None) -> None:
        """Append a node that is made of others."""
        match node:
            case Reference():
                place = self.put(Operation.CALL, 0)
                self.push(1)
                self.push(-1)
                self.calls.append((place, node, path))
            case Sequence():
                self.sequence(node, path)
            case Choice():
                self.choice(node, path)
            case SequenceOf():
                behind = self.put(Operation.LIST, node.low, _high(node.high), 0) + 2
                self.push(1)
                first = f"{path}[0]" if path else None
                self.node(node.element, first)
                ends = self.put(Operation.AGAIN, 0)
                if first:  # the other items are not marked
                    jump = self.put(Operation.JUMP, 0)
                    self.here(ends)
                    again = len(self.code)
                    self.node(node.element, None)
                    self.put(Operation.AGAIN, again)
                    self.here(jump)
                else:
                    self.code[ends] = behind + 1
                self.here(behind)
                self.push(-1)

    def choice(self, node: Choice, path: str | None) -> None:
        """Append a choice."""
        fields = (*node.alternatives, *node.additions)
        table = self.put(Operation.CHOICE, len(fields), node.extensible, 0, *([0] * len(fields))) + 2
        ends = [table]
        for index, field in enumerate(fields):
            self.here(table + 1 + index)
            if index >= len(node.alternatives):
                self.put(Operation.OPEN)
                self.push(1)
            self.node(field.node, _below(path, field.name))
            if index >= len(node.alternatives):
                self.put(Operation.CLOSE)
                self.push(-1)
            ends.append(self.put(Operation.JUMP, 0))
        self.here(*ends)

    def sequence(self, node: Sequence, path: str | None) -> None:
        """Append a sequence."""
        bits = int(node.extensible) + len(node.optionals)
        bit = int(node.extensible)
        if bits:
            self.put(Operation.FLAGS, bits)
            self.push(2)
        for field in node.fields:
            behind = self.put(Operation.FIELD, bit, 0) + 1 if field.optional else None
            self.node(field.node, _below(path, field.name))
            if behind is not None:
                bit += 1
                self.default(field)
                self.here(behind)
        if node.extensible:
            end = self.put(Operation.ADDITIONS, 0)
            self.push(2)
            for number, field in enumerate(node.additions):
                behind = self.put(Operation.ADDITION, number, 0) + 1
                self.push(1)
                self.node(field.node, _below(path, field.name))
                self.put(Operation.CLOSE)
                self.push(-1)
                self.here(behind)
            self.put(Operation.UNKNOWN, len(node.additions))
            self.push(-2)
            self.here(end)
        if bits:
            self.put(Operation.DROP)
            self.push(-2)

    def default(self, field: Field) -> None:
        """Append that a default is not sent."""
        if isinstance(field, Defaulted):
            octets = CoerCodec(field.node).encode(field.default)
            self.put(Operation.DEFAULT, len(self.defaults), len(octets))
            self.defaults += octets

    def called(self) -> None:
        """Append each type that is inside itself, once; and once more for each path with marks below it."""
        places: dict[tuple[str, str | None], int] = {}
        while self.calls:
            place, reference, path = self.calls.pop()
            key = (reference.name, path)
            if key not in places:
                places[key] = len(self.code)
                self.node(reference.known[reference.name], path)
                self.put(Operation.RETURN)
            self.code[place] = places[key]


def _below(path: str | None, name: str) -> str | None:
    return None if path is None else f"{path}.{name}" if path else name


def _high(bound: int) -> int:
    return FREE if bound == LARGEST else bound


def _word(number: int) -> int:
    """Return a number of up to 64 bits as a signed one of the same bits."""
    return number - (1 << 64) if number >= 1 << 63 else number


def compile_places(root: Node, marks: tuple[str, ...]) -> PlacesProgram:
    """Return the program that finds the places of some paths in objects of a schema.

    Args:
        root: a node of `read_coer_schema`.
        marks: paths such as `content.signedData.tbsData` or `list[0].name`; of lists only the first item has one.

    Raises:
        SchemaError: the schema has no such path, or a type that cannot be compiled.

    >>> from wayside.asn1.coer_schema import read_coer_schema
    >>> text = "M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= SEQUENCE { a NULL, b OCTET STRING (SIZE(3)) } END"
    >>> compile_places(*read_coer_schema(text, "A"), ("b",)).code.tolist() == [
    ...     Operation.FIXED, 3, 0, Operation.RETURN]
    True
    """
    compiler = _Compiler(marks)
    compiler.node(root, "")
    compiler.put(Operation.RETURN)
    compiler.called()
    if missing := set(marks) - compiler.found:
        raise SchemaError(f"the schema has no {min(missing)}")
    return PlacesProgram(
        np.array(compiler.code, np.int64),
        np.frombuffer(bytes(compiler.defaults) or b"\0", np.uint8),
        (DEEPEST + 1) * (compiler.highest + 1),
        marks,
    )
