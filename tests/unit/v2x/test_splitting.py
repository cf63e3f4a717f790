"""Tests of sharing rows out over messages."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.v2x.splitting import split


@settings(deadline=None)  # the kernel is compiled at the first call
@given(st.lists(st.integers(1, 40), max_size=8), st.integers(1, 20))
def test_parts_are_full_but_for_the_last_of_each_group(sizes: list[int], most: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    part, first = split(groups, most)
    expected = [min(most, size - begun) for size in sizes for begun in range(0, size, most)]
    assert [len(list(rows)) for _, rows in groupby(part.tolist())] == expected
    assert part.tolist() == sorted(part.tolist())
    assert first.tolist() == [sum(expected[:n]) for n in range(len(expected))]
