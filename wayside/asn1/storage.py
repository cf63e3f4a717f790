"""Room for the rows of a batch, and the program bound to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wayside.asn1.frames import Frames
from wayside.asn1.program import Program
from wayside.asn1.rows import Rows
from wayside.table import I64, Bool

_STEP = 64  # rows: levels have room for a multiple of it
_LINE = 8  # cells of a cache line
_MOST_KEPT = 32  # layouts


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns stand when each level has room for some rows.

    Attributes:
        code: the program with places instead of columns.
        levels: first place, stride, rows there is room for, and 0, of each level.
        size: of all cells.
    """

    code: I64
    levels: I64
    size: int


class Layouts:
    """Layouts of a program, kept for later batches, and what those may expect by the last one.

    Args:
        program: what the cells are for.
        wanted: paths of the columns to keep; all if None.

    Attributes:
        kept: whether each column is kept, of all levels.
        widths: columns kept of each level.
        used: rows of each level in the last batch.
    """

    def __init__(self, program: Program, wanted: set[str] | None = None) -> None:
        self.program = program
        self.kept = np.ones(program.starts[-1], np.bool_) if wanted is None else _chosen(program, wanted)
        self._before: I64 = np.concatenate([[0], np.cumsum(self.kept)])  # kept cells before each, of all levels
        self.widths: I64 = np.diff(self._before[program.starts])
        self.used = [0] * len(program.levels)
        self._known: dict[tuple[int, ...], Layout] = {}

    def of(self, rows: tuple[int, ...]) -> Layout:
        """Return the layout with room for so many rows of each level."""
        layout = self._known.get(rows)
        if layout is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            layout = self._known[rows] = self._bound(np.array(rows, np.int64))
        return layout

    def _bound(self, rows: I64) -> Layout:
        """Place the levels for so many rows each, and put places into the program."""
        program = self.program
        stride = ((rows + _LINE - 1) // _LINE | 1) * _LINE  # odd lines: cells of a row share no cache set
        ends = np.cumsum(self.widths * stride)
        levels = np.stack([ends - self.widths * stride, stride, rows, np.zeros_like(rows)], axis=1)
        aside = int(ends[-1])  # what nobody wants
        level = np.repeat(np.arange(len(rows)), np.diff(program.starts))
        order = self._before[:-1] - self._before[program.starts[level]]
        at = levels[level, 0] + order * stride[level]
        place, first = np.append(np.where(self.kept, at, aside), aside), np.append(at, 0)
        code = program.code.copy()
        flat, ranges = code.reshape(-1), program.ranges
        flat[program.places] = place[flat[program.places]]
        begin = flat[ranges]
        flat[ranges + 1] = self._before[begin + flat[ranges + 1]] - self._before[begin]
        flat[ranges] = first[begin]
        return Layout(code, levels, aside + int(stride.max()))


class Storage:
    """Cells of all levels in one array, which grows with what is read and never with what a frame claims.

    Args:
        layouts: of the program that the cells are for.
        frames: what is read.

    Attributes:
        code: the program with places instead of columns.
        levels: first place, stride, rows there is room for, and rows used, of each level.
        cells: the cells; the last column takes what nobody wants.
    """

    def __init__(self, layouts: Layouts, frames: Frames) -> None:
        self._layouts, self._program, self._frames = layouts, layouts.program, frames
        begin = len(frames), *layouts.used[1:]
        self._lay([min(rows, self._most(number, 0, 0)) for number, rows in enumerate(begin)])
        self.cells: I64 = np.empty(self._size, np.int64)

    def _most(self, level: int, used: int, frame: int) -> int:
        """Return how many rows a level may have at the end, by the bits that are left."""
        bits = 8 * int(self._frames.starts[-1] - self._frames.starts[frame])
        return used + bits // max(1, self._program.levels[level].least) + 2

    def _lay(self, rows: list[int]) -> None:
        """Place the levels for so many rows each or a few more, so that batches much alike share a layout."""
        layout = self._layouts.of(tuple([max(-(-one // _STEP), 1) * _STEP for one in rows]))
        self.code: I64 = layout.code
        self.levels: I64 = layout.levels.copy()
        self._size = layout.size

    def grow(self, level: int, done: int) -> None:
        """Make room for more rows of a level, and for those of others as the frames so far let expect."""
        before, old = self.levels, self.cells
        used, room = before[:, 3].tolist(), before[:, 2].tolist()
        rows = []
        for number in range(len(used)):
            expected = used[number] * len(self._frames) // max(1, done) * 9 // 8 + _STEP
            if number == level:
                expected = max(expected, 2 * room[number])
            rows.append(max(room[number] + 1, min(expected, self._most(number, used[number], done))))
        self._lay(rows)
        self.cells = np.empty(self._size, np.int64)
        for number, count in enumerate(used):
            self._block(number, self.levels, self.cells)[:, :count] = self._block(number, before, old)[:, :count]
        self.levels[:, 3] = before[:, 3]

    def _block(self, number: int, levels: I64, cells: I64) -> I64:
        """Return the cells of a level, one row per column."""
        first, stride = int(levels[number, 0]), int(levels[number, 1])
        width = int(self._layouts.widths[number])
        return cells[first : first + width * stride].reshape(width, stride)

    def rows(self) -> dict[str, Rows]:
        """Return the rows of each level by its name."""
        layouts, found = self._layouts, {}
        layouts.used = used = self.levels[:, 3].tolist()
        for number, level in enumerate(self._program.levels):
            block = self._block(number, self.levels, self.cells)[:, : used[number]]
            names = level.names
            if len(names) != len(block):
                kept = layouts.kept[self._program.starts[number] : self._program.starts[number + 1]]
                names = {name: place for place, name in enumerate(np.array(list(names))[kept].tolist())}
            found[level.name] = Rows(level, names, block)
        return found


def _chosen(program: Program, wanted: set[str]) -> Bool:
    """Tell which columns of all levels are wanted; the first two of each always are."""
    kept, known = [], set()
    for level in program.levels:
        front = f"{level.name}." if level.name else ""
        for number, cell in enumerate(level.cells):
            known.add(front + cell.name)
            kept.append(number < 2 or front + cell.name in wanted)
    if wanted - known:
        raise KeyError(f"no columns {', '.join(sorted(wanted - known))}; `Plan.columns` has all that there are")
    return np.array(kept)
