"""Work on many rows shared out over the processor's cores: for kernels that do not hold Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

FEWEST = 16  # rows for which another thread pays


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=spare_cores(), thread_name_prefix="signatures")


def spare_cores() -> int:
    """Return how many cores are left beside two: the steps have one and the World, in its own process, another."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores - 2, 0)


def in_parts(work: Callable[[slice], NDArray[T]], rows: int) -> NDArray[T]:
    """Return what `work` gives for all rows, in their order; each spare core does a part of them.

    Args:
        work: gives the result of a slice of the rows, independent of all others.
        rows: how many there are.

    >>> int(in_parts(lambda part: np.arange(100)[part] * 2, 100)[-1])
    198
    """
    parts = min(1 + spare_cores(), rows // FEWEST)
    if parts < 2:
        return work(slice(0, rows))
    edges = [rows * n // parts for n in range(parts + 1)]
    later = [_pool().submit(work, slice(a, b)) for a, b in pairwise(edges[1:])]
    first = work(slice(0, edges[1]))
    return np.concatenate([first, *(one.result() for one in later)])
