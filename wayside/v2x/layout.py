"""Messages of one shape, written for whole tables at once.

A shape is given by a sample value: which optional fields are there, which alternatives are chosen. The schema
turns it into slots, each so many bits wide and filled with the sample's number; columns of a table then replace
some of them. What a slot may hold is what its width can; the caller keeps to the ranges of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.asn1.errors import Fault, WireError
from wayside.asn1.frames import Frames
from wayside.asn1.schema import Bits, Choice, Enumerated, Integer, Node, Octets, SequenceOf, Text
from wayside.asn1.schema import Sequence as SequenceNode
from wayside.table import I64, U8, U64


@dataclass(frozen=True, slots=True)
class Slot:
    """One run of bits: its path, width, the least number of its type, and the sample's number above that."""

    path: str
    width: int
    low: int
    number: int


def _slots(node: Node, sample: Any, path: str) -> list[Slot]:  # noqa: PLR0911
    """Return the slots of a value; an empty list in the sample stands for items that follow as their own piece."""
    match node:
        case Integer():
            return [Slot(path, node.width, node.low, sample - node.low)]
        case Enumerated():
            return [Slot(path, node.width + node.extensible, 0, node.names.index(sample))]
        case Bits():
            return [Slot(path, node.size + node.extensible, 0, int(sample["bits"], 2))]
        case Octets() if node.low == node.high and node.low <= 8:
            return [Slot(path, 8 * node.low, 0, int(sample, 16))]
        case SequenceOf():
            if sample:
                raise ValueError(f"{path}: items are pieces of their own; leave the list empty")
            return [Slot(f"{path}#", (node.high - node.low).bit_length(), node.low, 0)]
        case Choice():
            ((name, inner),) = sample.items()
            index = [f.name for f in node.alternatives].index(name)
            chosen = node.alternatives[index]
            head = Slot(f"{path}#", node.width + node.extensible, 0, index)
            return [head, *_slots(chosen.node, inner, f"{path}.{name}" if path else name)]
        case SequenceNode():
            slots = [Slot(f"{path}...", 1, 0, 0)] if node.extensible else []
            slots += [Slot(f"{path}.{f.name}?", 1, 0, int(f.name in sample)) for f in node.optionals]
            for field in node.fields:
                if field.name in sample:
                    slots += _slots(field.node, sample[field.name], f"{path}.{field.name}")
            return slots
        case Octets() | Text():
            raise ValueError(f"{path}: a text of varying length has no slot")


class Layout:
    """The slots of one shape.

    Args:
        node: the schema of the value.
        sample: a value of that shape; lists must come last in it and be empty.
    """

    def __init__(self, node: Node, sample: Any) -> None:
        slots = _slots(node, sample, "")
        self.place = {slot.path.lstrip("."): place for place, slot in enumerate(slots)}
        self.low: I64 = np.array([slot.low for slot in slots], np.int64)
        self.width: U8 = np.array([slot.width for slot in slots], np.uint8)
        self.number: U64 = np.array([slot.number for slot in slots], np.uint64)

    def rows(self, count: int, columns: Mapping[str, I64 | U64 | int]) -> Piece:
        """Return so many values of this shape, with the named slots replaced by wire values.

        Raises:
            KeyError: the shape has no such slot.
        """
        numbers = np.repeat(self.number[None, :], count, axis=0)
        for path, values in columns.items():
            place = self.place[path]
            low = self.low[place]
            numbers[:, place] = np.asarray(values - low if low else values).astype(np.uint64)
        return Piece(numbers, np.repeat(self.width[None, :], count, axis=0))


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one layout: the numbers in their slots, and the width of each; width 0 leaves a slot out."""

    numbers: U64
    widths: U8


@numba.njit(cache=True)
def _pack(numbers: U64, widths: U8, first: I64, octets: U8, starts: I64) -> int:
    """Write messages one after another, each from a whole octet on; return the slot that overflows, or -1."""
    bit = 0
    for message in range(len(first) - 1):
        bit = (bit + 7) // 8 * 8
        starts[message] = bit // 8
        for slot in range(first[message], first[message + 1]):
            width: int = widths[slot]
            number = numbers[slot]
            if 0 < width < 64 and number >> np.uint64(width) != 0:
                return slot
            while width > 0:
                room = 8 - bit % 8
                taken = room if room < width else width
                part = (number >> np.uint64(width - taken)) & np.uint64((1 << taken) - 1)
                octets[bit // 8] |= np.uint8(part << np.uint64(room - taken))
                bit += taken
                width -= taken
    starts[len(first) - 1] = (bit + 7) // 8
    return -1


def assemble(count: int, pieces: Sequence[tuple[Piece, NDArray[np.int64]]]) -> Frames:
    """Return messages put together from pieces.

    Args:
        count: how many messages.
        pieces: rows and the message each belongs to, in the order in which they follow one another there.

    Raises:
        WireError: a number is too large for its slot.
    """
    message = np.concatenate([of for _, of in pieces])
    length = np.concatenate([np.full(len(of), piece.numbers.shape[1]) for piece, of in pieces])
    order = np.argsort(message, kind="stable")
    begin = np.empty(len(order), np.int64)
    ends = np.cumsum(length[order])
    begin[order] = ends - length[order]
    total = int(ends[-1]) if len(ends) else 0
    numbers, widths = np.empty(total, np.uint64), np.empty(total, np.uint8)
    row = 0
    for piece, of in pieces:
        where = begin[row : row + len(of), None] + np.arange(piece.numbers.shape[1])
        numbers[where], widths[where] = piece.numbers, piece.widths
        row += len(of)
    slots = np.bincount(message, length, count).astype(np.int64)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(slots)])
    octets = np.zeros(int(widths.sum(dtype=np.int64)) // 8 + count + 1, np.uint8)
    starts = np.zeros(count + 1, np.int64)
    wrong = _pack(numbers, widths, first, octets, starts)
    if wrong >= 0:
        found = f"{int(numbers[wrong])} needs more than {int(widths[wrong])} bits"
        raise WireError(Fault.OUT_OF_RANGE, f"slot {wrong}", 0, found)
    return Frames(octets[: starts[-1]], starts)
