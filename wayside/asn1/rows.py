"""The rows of one level of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.asn1.program import Level
from wayside.table import I64


class Rows(Mapping[str, NDArray[Any]]):
    """The columns of one level by name, as they are on the wire.

    Args:
        level: what the columns are.
        places: which row of `block` each column is.
        block: the numbers, one row per column.
    """

    def __init__(self, level: Level, places: Mapping[str, int], block: I64) -> None:
        self.level = level
        self._places, self._block = places, block

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column: whole numbers with a sign, without one for strings of eight octets."""
        place = self._places.get(name)
        if place is None:
            there, where = ", ".join(self._places), self.level.name or "the message"
            raise KeyError(f"no column {name!r} in {where}; there are {there}")
        column: NDArray[Any] = self._block[place]
        return column.view(np.uint64) if name in self.level.wide else column

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        """Return the number of columns; `count` is that of the rows."""
        return len(self._places)

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self._block.shape[1])

    def __repr__(self) -> str:
        return f"<{self.level.name or 'message'}: {self.count} rows of {len(self)} columns>"
