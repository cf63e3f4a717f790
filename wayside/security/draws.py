"""Random numbers that depend on what they are for, never on the order in which they were asked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.table import F64, U64


def drawn(seed: int, purpose: int, identity: NDArray[Any], counter: NDArray[Any] | int = 0) -> F64:
    """Return a number from [0, 1) for each identity and counter.

    >>> drawn(1, 2, np.array([7, 8], np.uint64)).round(4)
    array([0.7509, 0.9446])
    """
    word: U64 = np.asarray(identity).astype(np.uint64) + np.uint64((seed * 1_000_003 + purpose) & 0xFFFF_FFFF_FFFF)
    for part in (np.uint64(0), np.asarray(counter).astype(np.uint64)):
        word = _mixed(word + np.uint64(0x9E3779B97F4A7C15) * np.atleast_1d(part + np.uint64(1)).astype(np.uint64))
    return (word >> np.uint64(11)).astype(np.float64) / 2.0**53


def _mixed(word: U64) -> U64:
    """Return the finisher of SplitMix64."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: U64 = word ^ (word >> np.uint64(31))
    return mixed


def identity(seed: int, sender: NDArray[Any], number: NDArray[Any] | int) -> U64:
    """Return an identity that a sender invents, by running number."""
    high = (drawn(seed, 90, sender, number) * 2.0**31).astype(np.uint64)
    low = (drawn(seed, 91, sender, number) * 2.0**31).astype(np.uint64)
    made: U64 = (high << np.uint64(32)) | low | np.uint64(1)
    return made
