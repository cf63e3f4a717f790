"""Rounding of many columns at once."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def round_block(block: NDArray[np.float64], scales: NDArray[np.float64]) -> int:
    """Round each row, in place, to whole parts of 1/scale; return the first row with an infinite value, or -1.

    Every zero becomes +0 and every NaN the same NaN, so that equal values have equal bytes.
    """
    infinite = -1
    for row in range(len(block)):
        scale = scales[row]
        for i in range(block.shape[1]):
            value = block[row, i]
            if np.isnan(value):
                block[row, i] = np.nan
            else:
                block[row, i] = np.rint(value * scale) / scale + 0.0
                if infinite < 0 and np.isinf(value):
                    infinite = row
    return infinite
