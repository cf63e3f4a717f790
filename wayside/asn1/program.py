"""A schema as a short list of whole numbers, for one kernel to read and one to write whole batches by.

Python objects would cost more than the bits of a message do, and a compiled function per message would have to be
compiled. So the schema of a message becomes a program: one instruction per field, with widths, bounds, columns
and jumps as plain numbers. `machine.py` runs it over bits, `writing.py` over columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cached_property

from wayside.table import I64

ABSENT = -(2**63)  # in a cell: the field is not there; no number of any schema is as low
WORDS = 8  # numbers of one instruction: a line of the processor's cache
NOWHERE = -1  # the column of an instruction that fills none
FREE_COUNT = -1  # width of the count of a LIST that may have any number of rows, in several parts
EXTENSIBLE_NAME, EXTENSIBLE_BITS, EXTENSIBLE_NUMBER = (
    1,
    2,
    3,
)  # forms of a FIELD whose first bit is an extension bit


class Operation(IntEnum):
    """What an instruction does when reading; writing mirrors it."""

    FIELD = 0  # one number of fixed width
    OPTIONAL = auto()  # the same, if its presence bit is set
    PREAMBLE = auto()  # extension bit and presence bits of a sequence
    OPTION = auto()  # pass over a field that its presence bit says is absent
    LIST = auto()  # count, and the first row of the level below
    NEXT = auto()  # the next row of that level, or back to the one above
    CHOICE = auto()  # index, and a jump to the alternative
    JUMP = auto()
    TEXT = auto()  # counted characters or octets, into the pool
    CONSTANT = auto()  # a number that takes no bits
    ADDITIONS = auto()  # what follows the extension marker of a sequence
    ADDITION = auto()  # pass over an addition that is not there
    UNKNOWN = auto()  # step over the additions that the edition does not know
    OPEN = auto()  # a length in octets; what follows has to fit
    CLOSE = auto()  # the end of that
    SELECT = auto()  # another number here: it is not the message that is asked for
    END = auto()


class Kind(IntEnum):
    """What the number in a cell says."""

    NUMBER = 0  # the number itself
    NAME = auto()  # index of a name; at or above their number, one that the edition does not know
    BITS = auto()  # bits, the first of the wire most significant
    FLAG = auto()  # 0 or 1
    OCTETS = auto()  # up to eight octets as one number, the first most significant
    COUNT = auto()  # how many rows of the level below, or characters in the pool
    CHOSEN = auto()  # index of the alternative; at or above their number, one that the edition does not know
    PRESENT = auto()  # 1 where an optional field is there
    START = auto()  # where its characters begin in the pool
    ROW = auto()  # row of another level, or number of the frame


@dataclass(slots=True)
class Cell:
    """One column of a level.

    Attributes:
        name: path below the level, such as `pos.lat`; the marks `#`, `?` and `@` after a path stand for the count
            or the chosen alternative, for presence, and for the start in the pool.
        kind: what its numbers say.
        low, high: least and greatest number on the wire (of any alternative that shares the column).
        names: of an enumeration, or of the alternatives of a choice.
        optional: whether `ABSENT` may stand in it.
    """

    name: str
    kind: Kind
    low: int = 0
    high: int = 0
    names: tuple[str, ...] = ()
    optional: bool = False

    @property
    def wide(self) -> bool:
        """Whether its numbers need all 64 bits and so have no sign."""
        return self.kind is Kind.OCTETS and self.high >> 63 > 0


@dataclass
class Level:
    """The message itself, or the rows of one list below it.

    Attributes:
        name: path of the list from the message on, such as `intersections.phases`; empty for the message.
        parent: number of the level above; -1 for the message.
        cells: its columns; the first two are the number of the frame and the row of the level above.
        least, most: bits of one row on the wire, without what stands in lists and texts.
    """

    name: str
    parent: int
    cells: list[Cell] = field(default_factory=list)
    least: int = 0
    most: int = 0

    @cached_property
    def names(self) -> dict[str, int]:
        """The number of each column by its name."""
        return {cell.name: number for number, cell in enumerate(self.cells)}

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns that say how long a text is."""
        return tuple(f"{cell.name[:-1]}#" for cell in self.cells if cell.kind is Kind.START)

    @cached_property
    def wide(self) -> frozenset[str]:
        """The columns whose numbers have no sign."""
        return frozenset(cell.name for cell in self.cells if cell.wide)


@dataclass(frozen=True, slots=True)
class Program:
    """The instructions of one message.

    Attributes:
        code: one row of numbers per instruction; what they are stands beside each in `machine.py`.
        level: level of each instruction.
        targets: instructions that choices jump to; in front of those of each, how many of them are additions.
        presence: columns that tell whether an optional field is there, in the order of the presence bits.
        paths: path of the field of each instruction, with `[]` for any item of a list.
        levels: the message and its lists, those above before those below.
        starts: number of the first column of each level among those of all levels, and how many there are.
        places, ranges: which numbers of `code`, counted through all instructions, are columns, or the first of
            some whose number stands next to it.
        lists: level, column of the count, and level below, of each list.
        groups: level, column that says whether it is there, and how many columns are inside, of each optional
            sequence, the inner ones first.
        registers, loops: how many sequences and lists there are.
    """

    code: I64
    level: I64
    targets: I64
    presence: I64
    paths: tuple[str, ...]
    levels: tuple[Level, ...]
    starts: I64
    places: I64
    ranges: I64
    lists: tuple[tuple[int, int, int], ...]
    groups: tuple[tuple[int, int, int], ...]
    registers: int
    loops: int
