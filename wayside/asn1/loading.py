"""Given columns laid out for the kernel that writes frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from wayside.asn1.program import ABSENT, Level, Program
from wayside.table import I64

Columns = Mapping[str, Any]  # of one level, by name: arrays, or one number for all rows
Names = tuple[tuple[str, ...], ...]  # of the columns that are given, by level
MOST_KEPT = 32  # forms of a program, and layouts of a form
_FIRST = 2  # columns of a level in front of those that are written: number of the frame, row of the level above
_BLOCK = 8  # lines of the processor's cache: columns grow by so much, so that most batches have a layout already


@dataclass(frozen=True, slots=True)
class Layout:
    """Where columns stand when each level has room for some rows.

    Attributes:
        code, presence: the program with places instead of columns.
        levels: first place, stride, 0 and 0 of each level; the rows are filled in for each batch.
        places: place of each column by its name, of each level.
        aside: place of a column of ABSENT, as long as the longest level: what is not there.
        size: of all cells.
        counts: of each list whose rows are to be counted: place of the count, level, place of `parent` in the
            level below (-1 if it is not there), that level, and whether 0 rows are ABSENT.
        groups: of each optional field whose presence is to be written: its place, level, whether presence is
            given, and from where to where `inside` has what is inside it.
        inside: places.
    """

    code: I64
    presence: I64
    levels: I64
    places: tuple[dict[str, int], ...]
    aside: int
    size: int
    counts: I64
    groups: I64
    inside: I64


class _Form:
    """What follows from which columns are given, whatever stands in them."""

    def __init__(self, program: Program, names: Names) -> None:
        self._program = program
        self._columns = [list(given) for given in names]
        self._counts: list[tuple[int, str, int, bool]] = []  # level, column, level below, optional
        for number, index, below in program.lists:
            cell = program.levels[number].cells[index]
            if cell.name not in names[number]:
                self._counts.append((number, cell.name, below, cell.optional))
                self._columns[number].append(cell.name)
        self._groups: list[tuple[int, str, bool, list[str]]] = []  # level, column, given, columns inside
        here = [set(columns) for columns in self._columns]
        for number, first, inside_count in program.groups:
            name, *within = (cell.name for cell in program.levels[number].cells[first : first + 1 + inside_count])
            inside, given = [one for one in within if one in here[number]], name in here[number]
            if inside or given:
                self._groups.append((number, name, given, inside))
            if inside and not given:
                here[number].add(name)
                self._columns[number].append(name)
        self._layouts: dict[tuple[int, ...], Layout] = {}

    def layout(self, strides: tuple[int, ...]) -> Layout:
        """Return where the columns stand if those of each level are so many cells apart."""
        layout = self._layouts.get(strides)
        if layout is None:
            if len(self._layouts) >= MOST_KEPT:
                self._layouts.clear()
            layout = self._layouts[strides] = self._laid(strides)
        return layout

    def _laid(self, strides: tuple[int, ...]) -> Layout:
        program = self._program
        levels, places, base = [], [], 0
        for stride, columns in zip(strides, self._columns, strict=True):
            own = [name for name in columns if name != "parent"]
            there = {name: base + (_FIRST + order) * stride for order, name in enumerate(own)}
            places.append({**there, "parent": base + stride} if "parent" in columns else there)
            levels.append((base, stride, 0, 0))
            base += (_FIRST + len(own)) * stride
        place: I64 = np.full(int(program.starts[-1]) + 1, base, np.int64)
        for level, first, there in zip(program.levels, program.starts.tolist(), places, strict=False):
            for name, at in there.items():
                if name != "parent":
                    place[first + level.names[name]] = at
        code = program.code.copy()
        flat = code.reshape(-1)
        flat[program.places] = place[flat[program.places]]
        inside: list[int] = []
        groups = []
        for number, name, given, within in self._groups:
            begin = len(inside)
            inside += [places[number][one] for one in within]
            groups.append((places[number][name], number, given, begin, len(inside)))
        counts = [
            (places[number][name], number, places[below].get("parent", -1), below, optional)
            for number, name, below, optional in self._counts
        ]
        return Layout(
            code=code,
            presence=place[program.presence],
            levels=np.array(levels, np.int64),
            places=tuple(places),
            aside=base,
            size=base + max(strides),
            counts=np.array(counts, np.int64).reshape(-1, 5),
            groups=np.array(groups, np.int64).reshape(-1, 5),
            inside=np.array(inside, np.int64),
        )


class Loader:
    """Lays out columns that somebody gives for one program; it keeps what follows from their names alone."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.numbers = {level.name: number for number, level in enumerate(program.levels)}
        self._forms: dict[Names, _Form] = {}

    def form(self, names: Names) -> _Form:
        """Return what follows from the names of the columns."""
        form = self._forms.get(names)
        if form is None:
            if len(self._forms) >= MOST_KEPT:
                self._forms.clear()
            form = self._forms[names] = _Form(self.program, names)
        return form


class Loading:
    """Columns that somebody gave, and the program bound to them.

    Args:
        loader: of the program that they are for.
        given: columns of each level by its name; what is not there is ABSENT.

    Attributes:
        code, presence: the program with places instead of columns.
        levels: first place, stride, rows, and 0, of each level.
        cells: the cells.

    Raises:
        KeyError: there is no such level or column, or a list's rows do not say what they belong to.
        ValueError: columns of a level have different lengths.
    """

    def __init__(self, loader: Loader, given: Mapping[str, Columns]) -> None:
        self._program = loader.program
        for name in given:
            if name not in loader.numbers:
                raise KeyError(f"no level {name!r}; there are {', '.join(map(repr, loader.numbers))}")
        listed = [_arrays(level, given.get(level.name, {})) for level in self._program.levels]
        for level, (columns, count) in zip(self._program.levels, listed, strict=True):
            if level.parent >= 0 and count and "parent" not in columns:
                raise KeyError(f"{level.name} needs a column 'parent': the row each row of it belongs to")
        self._rows = [count for _, count in listed]
        form = loader.form(tuple([tuple(columns) for columns, _ in listed]))
        layout = form.layout(tuple([_stride(count) for count in self._rows]))
        cells: I64 = np.empty(layout.size, np.int64)
        cells[layout.aside :] = ABSENT
        for places, (columns, count) in zip(layout.places, listed, strict=True):
            if count:
                for name, values in columns.items():
                    cells[places[name] : places[name] + count] = values
        self.code, self.presence, self.cells, self._places = layout.code, layout.presence, cells, layout.places
        self.levels: I64 = layout.levels.copy()
        self.levels[:, 2] = self._rows
        wrong = _derive(cells, self.levels, layout.counts, layout.groups, layout.inside)
        if wrong >= 0:
            below, above = int(layout.counts[wrong, 3]), int(layout.counts[wrong, 1])
            parents, name = self._column(below, "parent"), self._program.levels[below].name
            found = f"{parents.min()} to {parents.max()}"
            raise ValueError(f"{name}: its parents are rows {found}, but there are {self._rows[above]}")

    def bits(self, pool: int) -> int:
        """Return how many bits the frames can take at most, with texts from a pool of so many octets."""
        total = sum(n * level.most for n, level in zip(self._rows, self._program.levels, strict=True))
        for number, level in enumerate(self._program.levels):
            for name in level.texts:
                if name in self._places[number]:
                    total += 8 * int(np.clip(self._column(number, name), 0, pool).sum())
        return total + total // 1024 + 1024  # longer open types take one more length for each 16384 octets

    def found(self, level: int, column: str, row: int) -> int:
        """Return the number in a cell."""
        return int(self._column(level, column)[row]) if column in self._places[level] else ABSENT

    def _column(self, level: int, name: str) -> I64:
        begin = self._places[level][name]
        return self.cells[begin : begin + self._rows[level]]


def _stride(rows: int) -> int:
    """Return how many cells apart the columns of a level are: lines of the cache, an odd number of them.

    So cells of a row do not share their cache set.
    """
    lines = -(-rows // (8 * _BLOCK)) * _BLOCK
    return (lines | 1) * 8


@numba.njit(cache=True)
def _derive(cells: I64, levels: I64, counts: I64, groups: I64, inside: I64) -> int:
    """Fill in the rows of each list, and whether an optional field is there: where anything inside it is.

    Returns:
        Number of the list whose rows belong to rows that are not there; -1 where all is well.
    """
    for n in range(len(counts)):
        at, parent, optional = counts[n, 0], counts[n, 2], counts[n, 4]
        rows, below = levels[counts[n, 1], 2], levels[counts[n, 3], 2]
        cells[at : at + rows] = 0
        for row in range(below):
            above = cells[parent + row]
            if above < 0 or above >= rows:
                return n
            cells[at + above] += 1
        if optional:
            for row in range(rows):
                if cells[at + row] == 0:
                    cells[at + row] = ABSENT
    for n in range(len(groups)):
        at, rows, given = groups[n, 0], levels[groups[n, 1], 2], groups[n, 2]
        for row in range(rows):
            there = given == 1 and cells[at + row] == 1
            if not given:
                for k in range(groups[n, 3], groups[n, 4]):
                    if cells[inside[k] + row] != ABSENT:
                        there = True
                        break
            cells[at + row] = 1 if there else ABSENT
    return -1


def _arrays(level: Level, given: Columns) -> tuple[Columns, int]:
    """Return the columns of a level, each whole numbers or one for all rows, and how many rows there are."""
    columns: dict[str, Any] = {}
    lengths: dict[int, str] = {}
    known = level.names
    for name, values in given.items():
        if name not in known:
            there = ", ".join(known)
            raise KeyError(f"no column {name!r} in {level.name or 'the message'}; there are {there}")
        array = np.asarray(values)
        if array.dtype.kind not in "iub" or array.ndim > 1:
            found = f"{array.dtype} in {array.ndim} dimensions"
            raise ValueError(f"{level.name or 'message'}: {name} holds {found}, expected whole numbers in one")
        if array.ndim == 0:
            number = int(array)
            columns[name] = number - (1 << 64) if number >> 63 > 0 else number
            continue
        columns[name] = array.view(np.int64) if array.dtype == np.uint64 else array
        lengths.setdefault(len(array), name)
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {length}" for length, name in lengths.items())
        raise ValueError(f"{level.name or 'message'}: columns of different lengths: {sizes}")
    return columns, next(iter(lengths), 0)
