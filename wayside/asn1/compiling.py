"""Turning a schema into a `Program`."""

from __future__ import annotations

import numpy as np

from wayside.asn1.program import (
    EXTENSIBLE_BITS,
    EXTENSIBLE_NAME,
    EXTENSIBLE_NUMBER,
    FREE_COUNT,
    NOWHERE,
    WORDS,
    Cell,
    Kind,
    Level,
    Operation,
    Program,
)
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
    count_width,
)
from wayside.asn1.sizes import is_short, least_bits, most_bits, shares_columns

_WIDEST = 63  # bits of a number that a signed cell can hold
_PLACES: dict[Operation, tuple[int, ...]] = {  # which numbers of an instruction are columns
    Operation.FIELD: (1,),
    Operation.OPTIONAL: (1,),
    Operation.OPTION: (1,),
    Operation.LIST: (1,),
    Operation.CHOICE: (1,),
    Operation.TEXT: (1, 6),
    Operation.CONSTANT: (1,),
    Operation.ADDITION: (1,),
    Operation.SELECT: (1,),
}
_RANGES = {  # and which are the first of some columns, followed by their number
    Operation.OPTION: 5,
    Operation.ADDITION: 5,
    Operation.ADDITIONS: 5,
    Operation.CHOICE: 6,
}


class Compiler:
    """Writes the program of one message.

    Args:
        select: number of the type that an open type of the message shall have.
    """

    def __init__(self, select: int | None) -> None:
        self.select = select
        self.code: list[list[int]] = []
        self.of_level: list[int] = []
        self.paths: list[str] = []
        self.targets: list[int] = []
        self.presence: list[tuple[int, int]] = []
        self.levels = [_level("", -1)]
        self.here = 0  # the level
        self.registers = self.loops = 0
        self.selected: Node | None = None

    # --- what is written ---

    def emit(self, path: str, operation: Operation, *numbers: int) -> list[int]:
        """Append an instruction and return its numbers, to be completed where they are not known yet."""
        instruction = [int(operation), *map(int, numbers)]
        instruction += [0] * (WORDS - len(instruction))
        self.code.append(instruction)
        self.of_level.append(self.here)
        self.paths.append(path)
        return instruction

    def cell(self, name: str, kind: Kind, low: int = 0, high: int = 0, names: tuple[str, ...] = ()) -> int:
        """Return the number of a column of this level; the same one for alternatives that share it."""
        cells = self.levels[self.here].cells
        name = name.removeprefix(".")
        if name in ("", "#", "@"):
            name = f"value{name}"
        for number, known in enumerate(cells):
            if known.name == name:
                known.low, known.high = min(known.low, low), max(known.high, high)
                return number
        cells.append(Cell(name, kind, low, high, names))
        return len(cells) - 1

    @property
    def _end(self) -> int:
        return len(self.levels[self.here].cells)

    # --- nodes ---

    def node(self, node: Node, name: str, path: str) -> None:
        """Write what reads a value; `name` is its path below the level, `path` its path in the message."""
        match node:
            case Integer():
                self.number(node, name, path)
            case Enumerated():
                names = (*node.names, *node.additions)
                self.name(node, self.cell(name, Kind.NAME, 0, len(names) - 1, names), path)
            case Boolean():
                self.emit(path, Operation.FIELD, self.cell(name, Kind.FLAG, 0, 1), 1, 0, 1)
            case Null():
                pass
            case Bits():
                if node.size > _WIDEST:
                    raise SchemaError(f"{path}: a column cannot hold {node.size} bits")
                span = (1 << node.size) - 1
                cell = self.cell(name, Kind.BITS, 0, span)
                form = EXTENSIBLE_BITS if node.extensible else 0
                self.emit(path, Operation.FIELD, cell, node.size + node.extensible, 0, span, form, node.size)
            case Octets() if is_short(node):
                span = (1 << 8 * node.low) - 1
                cell = self.cell(name, Kind.OCTETS, 0, span)
                self.emit(path, Operation.FIELD, cell, 8 * node.low, 0, span if node.low < 8 else -1)
            case Octets() | Text():
                self.text(node, name, path)
            case SequenceOf():
                self.items(node, name, path)
            case Choice():
                self.alternatives(node, name, path)
            case Sequence():
                self.fields(node, name, path)
            case _:
                raise SchemaError(f"{path}: a column cannot hold {type(node).__name__}")

    def number(self, node: Integer, name: str, path: str) -> None:
        """Write what reads a number."""
        if node.width > _WIDEST or not -(2**63) < node.low <= node.high < 2**63:
            raise SchemaError(f"{path}: a column cannot hold {node.low}..{node.high}")
        cell = self.cell(name, Kind.NUMBER, node.low, node.high)
        if node.width or node.extensible:
            form, width = EXTENSIBLE_NUMBER if node.extensible else 0, node.width + node.extensible
            self.emit(path, Operation.FIELD, cell, width, node.low, node.high - node.low, form)
        else:
            self.emit(path, Operation.CONSTANT, cell, node.low)

    def name(self, node: Enumerated, cell: int, path: str) -> None:
        """Write what reads an enumeration."""
        width = node.width + node.extensible
        if width:
            form, known = EXTENSIBLE_NAME if node.extensible else 0, len(node.additions)
            self.emit(path, Operation.FIELD, cell, width, 0, len(node.names) - 1, form, known)
        else:
            self.emit(path, Operation.CONSTANT, cell, 0)

    def text(self, node: Octets | Text, name: str, path: str) -> None:
        """Write what reads a text into the pool."""
        count = self.cell(f"{name}#", Kind.COUNT, node.low, node.high)
        start = self.cell(f"{name}@", Kind.START)
        bits = 8 if isinstance(node, Octets) else 7
        width, span = count_width(node), node.high - node.low
        extensible = isinstance(node, Octets) and node.extensible
        self.emit(path, Operation.TEXT, count, width, node.low, span, bits, start, extensible)

    def items(self, node: SequenceOf, name: str, path: str) -> None:
        """Write what reads a list into a level of its own."""
        count = self.cell(f"{name}#", Kind.COUNT, node.low, node.high)
        above, level, loop = self.here, len(self.levels), self.loops
        full = f"{self.levels[above].name}.{name.removeprefix('.')}" if name else f"{self.levels[above].name}[]"
        self.levels.append(_level(full.removeprefix("."), above, node.element))
        self.loops += 1
        width = FREE_COUNT if node.high >= FREE else count_width(node)
        span = node.high - node.low
        at, head = len(self.code), self.emit(path, Operation.LIST, count, width, node.low, span, level, loop)
        self.here, body = level, len(self.code)
        self.node(node.element, "", f"{path}[]")
        self.emit(path, Operation.NEXT, above, level, loop, body, at)
        self.here = above
        head[7] = len(self.code)

    def opened(self, node: Node, name: str, path: str) -> None:
        """Write what reads a value inside an open type."""
        self.emit(path, Operation.OPEN)
        self.node(node, name, path)
        self.emit(path, Operation.CLOSE)

    def alternatives(self, node: Choice, name: str, path: str) -> None:
        """Write what reads a choice."""
        fields = (*node.alternatives, *node.additions)
        shared, known = shares_columns(node), len(node.alternatives)
        names = tuple(f.name for f in fields)
        cell = self.cell(f"{name}#", Kind.CHOSEN, 0, len(fields) - 1, names)
        self.targets.append(len(node.additions))
        table = len(self.targets)
        self.targets += [0] * (len(fields) + 1)
        head = self.emit(path, Operation.CHOICE, cell, node.width, known, node.extensible, table)
        head[6] = self._end
        leaps = []
        for number, chosen in enumerate(fields):
            self.targets[table + number] = len(self.code)
            inner = name if shared else f"{name}.{chosen.name}"
            write = self.node if number < known else self.opened
            write(chosen.node, inner, f"{path}.{chosen.name}")
            leaps.append(self.emit(path, Operation.JUMP))
        for leap in leaps:
            leap[2] = len(self.code)
        self.targets[table + len(fields)] = len(self.code)
        if not shared or node.extensible:  # else the alternative fills all that there is
            head[7] = self._end - head[6]

    def fields(self, node: Sequence, name: str, path: str) -> None:
        """Write what reads a sequence."""
        register, table = self.registers, len(self.presence)
        self.registers += 2
        options = node.optionals
        if len(options) > _WIDEST - 1:
            raise SchemaError(f"{path}: {len(options)} optional fields, expected at most {_WIDEST - 1}")
        self.presence += [(self.here, NOWHERE)] * (len(options) + len(node.additions))
        if options or node.extensible:
            added = len(node.additions)
            self.emit(path, Operation.PREAMBLE, NOWHERE, node.extensible, len(options), register, table, added)
        selector = next((f.node.selector for f in node.fields if isinstance(f.node, Open)), None)
        place = 0
        for field in node.fields:
            inner, inside = f"{name}.{field.name}", f"{path}.{field.name}"
            if isinstance(field.node, Open):
                title, chosen = self.type_of(field.node, inside)
                self.opened(chosen, name, f"{inside}.{title}")
            elif field.name == selector and isinstance(field.node, Integer):
                number = field.node
                cell = self.cell(inner, Kind.NUMBER, number.low, number.high)
                span, wanted = number.high - number.low, -1 if self.select is None else self.select
                self.emit(inside, Operation.SELECT, cell, number.width, number.low, span, wanted)
            elif field.optional:
                self.option(Operation.OPTION, field, inner, inside, register, place, table + place)
                place += 1
            else:
                self.node(field.node, inner, inside)
        if node.extensible:
            self.additions(node, name, path, register, table + len(options))

    def type_of(self, node: Open, path: str) -> tuple[str, Node]:
        """Return the name and type that an open type has for the selected number."""
        for number, title, inner in node.types:
            if number == self.select:
                return title, inner
        known = ", ".join(f"{number} {title}" for number, title, _ in node.types)
        raise SchemaError(f"{path}: say which number is wanted, one of: {known}; found {self.select}")

    def option(
        self, operation: Operation, field: Field, name: str, path: str, register: int, place: int, entry: int
    ) -> None:
        """Write what reads a field where its presence bit is set; else its columns become ABSENT."""
        first = self._end
        present = NOWHERE
        wide = isinstance(field.node, Octets) and is_short(field.node) and field.node.low == 8
        if isinstance(field.node, Sequence | Null) or wide:  # nothing else says for sure that it is there
            present = self.cell(f"{name}?", Kind.PRESENT, 0, 1)
        head = self.emit(path, operation, present, register, place, 0, first)
        (self.node if operation is Operation.OPTION else self.opened)(field.node, name, path)
        one = self.code[-2] is head and self.code[-1][0] == Operation.FIELD
        if one and operation is Operation.OPTION and present == NOWHERE:
            self.fuse(register, place)
        head[4], head[6] = len(self.code), self._end - first
        for cell in self.levels[self.here].cells[first:]:
            cell.optional = True
        self.presence[entry] = (self.here, first)

    def fuse(self, register: int, place: int) -> None:
        """Make one instruction of an OPTION and the FIELD behind it: most optional fields are one number."""
        del self.code[-2], self.of_level[-2], self.paths[-2]
        self.code[-1][0], self.code[-1][7] = int(Operation.OPTIONAL), register << 6 | place

    def additions(self, node: Sequence, name: str, path: str, register: int, table: int) -> None:
        """Write what reads beyond the extension marker of a sequence."""
        first = self._end
        head = self.emit(path, Operation.ADDITIONS, NOWHERE, register, len(node.additions), 0, first)
        head[7] = table
        for place, field in enumerate(node.additions):
            inner, inside = f"{name}.{field.name}", f"{path}.{field.name}"
            self.option(Operation.ADDITION, field, inner, inside, register + 1, place, table + place)
        self.emit(f"{path}....[]", Operation.UNKNOWN, NOWHERE, register + 1, len(node.additions))
        head[4], head[6] = len(self.code), self._end - first

    def program(self, node: Node, path: str, *, opened: bool) -> Program:
        """Return the program of a message; `opened` where its edition has it beyond the extension marker."""
        self.levels[0].least, self.levels[0].most = least_bits(node), most_bits(node) + 64
        (self.opened if opened else self.node)(node, "", path)
        self.emit("", Operation.END)
        starts = np.cumsum([0, *(len(level.cells) for level in self.levels)])
        code, level = np.array(self.code, np.int64), np.array(self.of_level, np.int64)
        lists = [(here, one[1], one[5]) for one, here in self._of(Operation.LIST)]
        groups = [
            (here, one[1], one[6] - 1)
            for one, here in self._of(Operation.OPTION, Operation.ADDITION)
            if one[1] != NOWHERE
        ]
        places = [
            row * WORDS + at for row, one in enumerate(self.code) for at in _PLACES.get(Operation(one[0]), ())
        ]
        ranges = [
            row * WORDS + _RANGES[Operation(one[0])] for row, one in enumerate(self.code) if one[0] in _RANGES
        ]
        flat = code.reshape(-1)  # the same numbers
        for chosen in (np.array(places, np.int64), np.array(ranges, np.int64)):
            flat[chosen] += np.where(flat[chosen] == NOWHERE, 0, starts[level[chosen // WORDS]])
        return Program(
            code=code,
            level=level,
            targets=np.array(self.targets or [0], np.int64),
            presence=np.array([starts[here] + cell for here, cell in self.presence] or [0], np.int64),
            paths=tuple(self.paths),
            levels=tuple(self.levels),
            starts=starts,
            places=np.array(places, np.int64),
            ranges=np.array(ranges, np.int64),
            lists=tuple(lists),
            groups=tuple(reversed(groups)),
            registers=max(1, self.registers),
            loops=max(1, self.loops),
        )

    def _of(self, *operations: Operation) -> list[tuple[list[int], int]]:
        """Return the instructions of some operations, with their levels."""
        pairs = zip(self.code, self.of_level, strict=True)
        return [(one, level) for one, level in pairs if one[0] in operations]


def _level(name: str, parent: int, element: Node | None = None) -> Level:
    """Return a level with the two columns that every level has."""
    cells = [Cell("frame", Kind.ROW), Cell("parent", Kind.ROW)]
    if element is None:
        return Level(name, parent, cells)
    return Level(name, parent, cells, least_bits(element), most_bits(element))
