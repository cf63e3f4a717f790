"""Given columns laid out for the kernel that writes frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.asn1.program import ABSENT, Level, Program
from wayside.table import I64

Columns = Mapping[str, Any]  # of one level, by name: arrays, or one number for all rows


class Loading:
    """Columns that somebody gave, and the program bound to them.

    Args:
        program: what they are for.
        given: columns of each level by its name; what is not there is ABSENT.

    Attributes:
        code, presence: the program with places instead of columns.
        levels: first place, stride, rows, and 0, of each level.
        cells: the cells.

    Raises:
        KeyError: there is no such level or column, or a list's rows do not say what they belong to.
        ValueError: columns of a level have different lengths.
    """

    def __init__(self, program: Program, given: Mapping[str, Columns]) -> None:
        self._program = program
        names = {level.name: number for number, level in enumerate(program.levels)}
        for name in given:
            if name not in names:
                raise KeyError(f"no level {name!r}; there are {', '.join(map(repr, names))}")
        self._columns: list[dict[str, I64]] = []
        rows = []
        for level in program.levels:
            columns, count = _arrays(level, given.get(level.name, {}))
            self._columns.append(columns)
            rows.append(count)
            if level.parent >= 0 and count and "parent" not in columns:
                raise KeyError(f"{level.name} needs a column 'parent': the row each row of it belongs to")
        self._rows = rows
        self._starts = program.starts
        self._derive_counts()
        self._derive_presence()
        self._lay()

    def _derive_counts(self) -> None:
        """Put in the number of rows of each list where it is not given."""
        for number, index, below in self._program.lists:
            cell = self._program.levels[number].cells[index]
            if cell.name in self._columns[number]:
                continue
            rows, parents = self._rows[number], self._columns[below].get("parent", np.empty(0, np.int64))
            if len(parents) and not 0 <= parents.min() <= parents.max() < rows:
                found, name = f"{parents.min()} to {parents.max()}", self._program.levels[below].name
                raise ValueError(f"{name}: its parents are rows {found}, but there are {rows}")
            counts = np.bincount(parents, minlength=rows).astype(np.int64)
            if cell.optional:
                counts[counts == 0] = ABSENT
            self._columns[number][cell.name] = counts

    def _derive_presence(self) -> None:
        """Put in whether an optional field is there where it is not said: where anything inside it is."""
        here = [{level.names[name] for name in columns} for level, columns in self._levels()]
        for number, first, inside_count in self._program.groups:
            inside = [n for n in range(first + 1, first + 1 + inside_count) if n in here[number]]
            if not inside and first not in here[number]:
                continue
            cells, columns = self._program.levels[number].cells, self._columns[number]
            name = cells[first].name
            if first in here[number]:
                columns[name] = np.where(columns[name] == 1, 1, ABSENT)
                continue
            there = columns[cells[inside[0]].name] != ABSENT
            for other in inside[1:]:
                there = there | (columns[cells[other].name] != ABSENT)
            columns[name] = np.where(there, 1, ABSENT)
            here[number].add(first)

    def _levels(self) -> Iterator[tuple[Level, dict[str, I64]]]:
        return zip(self._program.levels, self._columns, strict=True)

    def _lay(self) -> None:
        """Put the columns into one array, and their places into the program."""
        rows = np.array(self._rows, np.int64)
        stride = ((rows + 7) // 8 | 1) * 8
        widths = [len(columns) + 2 for columns in self._columns]
        base = np.concatenate([[0], np.cumsum(widths * stride)]).astype(np.int64)
        aside = int(base[-1])  # what is not given: a column of ABSENT for the longest level
        cells: I64 = np.empty(aside + int(stride.max()), np.int64)
        cells[aside:] = ABSENT
        place: I64 = np.full(int(self._starts[-1]) + 1, aside, np.int64)
        for number, (level, columns) in enumerate(self._levels()):
            begin, step, count = int(base[number]), int(stride[number]), self._rows[number]
            first, index_of = int(self._starts[number]), level.names
            at = begin + 2 * step
            for name, values in columns.items():
                if name == "parent":
                    cells[begin + step : begin + step + count] = values
                    continue
                cells[at : at + count] = values
                place[first + index_of[name]] = at
                at += step
        self.levels: I64 = np.stack([base[:-1], stride, rows, np.zeros_like(rows)], axis=1)
        self.cells = cells
        code = self._program.code.copy()
        flat, places = code.reshape(-1), self._program.places
        flat[places] = place[flat[places]]
        self.code: I64 = code
        self.presence: I64 = place[self._program.presence]

    def bits(self, pool: int) -> int:
        """Return how many bits the frames can take at most, with texts from a pool of so many octets."""
        total = sum(n * level.most for n, level in zip(self._rows, self._program.levels, strict=True))
        for level, columns in self._levels():
            for name in level.texts:
                if name in columns:
                    total += 8 * int(np.clip(columns[name], 0, pool).sum())
        return total + total // 1024 + 1024  # longer open types take one more length for each 16384 octets

    def found(self, level: int, column: str, row: int) -> int:
        """Return the number in a cell."""
        values = self._columns[level].get(column)
        return ABSENT if values is None else int(values[row])


def _arrays(level: Level, given: Columns) -> tuple[dict[str, I64], int]:
    """Return the columns of a level as whole numbers of one length, and that length."""
    columns: dict[str, NDArray[Any]] = {}
    numbers: dict[str, int] = {}
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
            numbers[name] = int(array)
            continue
        columns[name] = array.view(np.int64) if array.dtype == np.uint64 else array
        lengths.setdefault(len(array), name)
    if len(lengths) > 1:
        sizes = ", ".join(f"{name} {length}" for length, name in lengths.items())
        raise ValueError(f"{level.name or 'message'}: columns of different lengths: {sizes}")
    count = next(iter(lengths), 0)
    for name, number in numbers.items():
        columns[name] = np.full(count, number - (1 << 64) if number >> 63 > 0 else number, np.int64)
    return columns, count
