"""Room for the rows of a batch, and the program bound to it."""

from __future__ import annotations

import numpy as np

from wayside.asn1.frames import Frames
from wayside.asn1.program import Program
from wayside.asn1.rows import Rows
from wayside.table import I64, Bool

_FIRST = 64  # rows of a list's level there is room for before anything is known of the batch
_LINE = 8  # cells of a cache line


class Storage:
    """Cells of all levels in one array, which grows with what is read and never with what a frame claims.

    Args:
        program: what the cells are for.
        frames: what is read.
        wanted: paths of the columns to keep; all if None.

    Attributes:
        code: the program with places instead of columns.
        levels: first place, stride, rows there is room for, and rows used, of each level.
        cells: the cells; the last column takes what nobody wants.
    """

    def __init__(self, program: Program, frames: Frames, wanted: set[str] | None) -> None:
        self._program, self._frames, self._wanted = program, frames, wanted
        self._starts = program.starts
        self._kept = np.ones(self._starts[-1], np.bool_) if wanted is None else _chosen(program, wanted)
        before = np.concatenate([[0], np.cumsum(self._kept)])  # kept cells before each cell, of all levels
        self._widths: I64 = np.diff(before[self._starts])
        self._before: I64 = before
        rows = [min(len(frames), self._most(0, 0, 0))] + [_FIRST] * (len(program.levels) - 1)
        self.levels: I64 = np.zeros((len(rows), 4), np.int64)
        self._lay(np.array(rows, np.int64))
        self.cells: I64 = np.empty(self._size, np.int64)
        self._bind()

    def _most(self, level: int, used: int, frame: int) -> int:
        """Return how many rows a level may have at the end, by the bits that are left."""
        bits = 8 * int(self._frames.starts[-1] - self._frames.starts[frame])
        return used + bits // max(1, self._program.levels[level].least) + 2

    def _lay(self, rows: I64) -> None:
        """Place the levels for so many rows each."""
        stride = (rows + _LINE - 1) // _LINE | 1  # odd, so that cells of a row do not share their cache set
        self.levels[:, 1], self.levels[:, 2] = stride * _LINE, rows
        ends = np.cumsum(self._widths * stride * _LINE)
        self.levels[:, 0] = ends - self._widths * stride * _LINE
        self._aside = int(ends[-1])
        self._size = self._aside + int(self.levels[:, 1].max())

    def _bind(self) -> None:
        """Put places into the program."""
        level = np.repeat(np.arange(len(self.levels)), np.diff(self._starts))
        base, stride = self.levels[level, 0], self.levels[level, 1]
        order = self._before[:-1] - self._before[self._starts[level]]
        place = np.append(np.where(self._kept, base + order * stride, self._aside), self._aside)
        first = np.append(base + order * stride, 0)
        code = self._program.code.copy()
        flat, places, ranges = code.reshape(-1), self._program.places, self._program.ranges
        flat[places] = place[flat[places]]
        begin = flat[ranges]
        flat[ranges + 1] = self._before[begin + flat[ranges + 1]] - self._before[begin]
        flat[ranges] = first[begin]
        self.code: I64 = code

    def grow(self, level: int, done: int) -> None:
        """Make room for more rows of a level, and for those of others as the frames so far let expect."""
        used, before = self.levels[:, 3].copy(), self.levels.copy()
        expected = used * len(self._frames) // max(1, done) * 9 // 8 + _FIRST
        expected[level] = max(expected[level], 2 * before[level, 2])
        bound = [self._most(number, int(n), done) for number, n in enumerate(used)]
        rows = np.maximum(before[:, 2] + 1, np.minimum(expected, bound))
        self._lay(rows)
        cells: I64 = np.empty(self._size, np.int64)
        for number, rows_used in enumerate(used.tolist()):
            old, new = (
                self._block(number, levels, c) for levels, c in ((before, self.cells), (self.levels, cells))
            )
            new[:, :rows_used] = old[:, :rows_used]
        self.cells = cells
        self._bind()

    def _block(self, number: int, levels: I64, cells: I64) -> I64:
        """Return the cells of a level, one row per column."""
        first, stride = int(levels[number, 0]), int(levels[number, 1])
        width = int(self._widths[number])
        return cells[first : first + width * stride].reshape(width, stride)

    def rows(self, number: int) -> Rows:
        """Return the rows of a level."""
        block = self._block(number, self.levels, self.cells)[:, : self.levels[number, 3]]
        level = self._program.levels[number]
        if self._wanted is None:
            return Rows(level, level.names, block)
        kept = self._kept[self._starts[number] : self._starts[number + 1]]
        names = [cell.name for cell, keep in zip(level.cells, kept, strict=True) if keep]
        return Rows(level, {name: place for place, name in enumerate(names)}, block)


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
