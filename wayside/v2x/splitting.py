"""Rows shared out over messages that hold only so many."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.table import I64


@numba.njit(cache=True)
def split(groups: NDArray[Any], most: int) -> tuple[I64, I64]:
    """Return the part that each row belongs to, and the first row of each part.

    Args:
        groups: rows of one group next to each other; no part has rows of two.
        most: rows that a part holds.

    >>> split(np.array([4, 4, 4, 9]), 2)
    (array([0, 0, 1, 2]), array([0, 2, 3]))
    """
    part, first = np.empty(len(groups), np.int64), np.empty(len(groups), np.int64)
    parts = 0
    for row in range(len(groups)):
        if row == 0 or groups[row] != groups[row - 1] or row - first[parts - 1] == most:
            first[parts] = row
            parts += 1
        part[row] = parts - 1
    return part, first[:parts]
