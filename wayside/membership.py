"""Which values are among others: for a few hundred values at a time, several times faster than `numpy.isin`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.table import Bool


def is_among(values: NDArray[Any], members: NDArray[Any]) -> Bool:
    """Tell of each value whether it is among the members, which may stand in any order and more than once.

    Args:
        values: of any shape; whole numbers of the members' type.
        members: [n].

    >>> is_among(np.array([7, 1, 9]), np.array([9, 7, 9])).tolist()
    [True, False, True]
    """
    if not (values.size and len(members)):
        return np.zeros(values.shape, np.bool_)
    ordered = np.sort(members)
    place = ordered.searchsorted(values)
    place[place == len(ordered)] = 0
    found: Bool = ordered[place] == values
    return found


def flags_of(codes: Iterable[int]) -> Bool:
    """Return which of the 256 values of an octet are among these codes; index it with a column of codes.

    >>> flags_of((2, 5))[np.array([1, 2, 5], np.uint8)].tolist()
    [False, True, True]
    """
    flags = np.zeros(256, np.bool_)
    flags[[int(code) for code in codes]] = True
    flags.flags.writeable = False
    return flags
