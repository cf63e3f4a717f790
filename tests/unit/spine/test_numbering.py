"""Tests of numbers for 64-bit keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.numbering import UNKNOWN, Numbering

KEYS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 30))


@settings(deadline=None)  # kernels are compiled at the first call
@given(st.lists(st.lists(KEYS, max_size=90), max_size=6), st.lists(KEYS))
def test_keys_are_numbered_as_by_a_dict(batches: list[list[int]], asked: list[int]) -> None:
    known: dict[int, int] = {}
    numbering = Numbering()
    for batch in batches:
        expected = [known.setdefault(key, len(known)) for key in batch]
        assert numbering.add(np.array(batch, np.uint64)).tolist() == expected
    assert len(numbering) == len(known)
    assert numbering.keys.tolist() == list(known)
    assert numbering.find(np.array(asked, np.uint64)).tolist() == [known.get(key, UNKNOWN) for key in asked]


def test_nothing_is_found_where_nothing_has_come() -> None:
    numbering = Numbering()
    assert numbering.add(np.empty(0, np.uint64)).tolist() == []
    assert numbering.find(np.array([0, 2**64 - 1], np.uint64)).tolist() == [UNKNOWN, UNKNOWN]


def test_keys_may_stand_apart_and_be_locked() -> None:
    keys = np.arange(100, dtype=np.uint64)[::2]
    keys.flags.writeable = False
    numbering = Numbering()
    assert numbering.add(keys).tolist() == list(range(50))
    assert numbering.find(keys[::-1]).tolist() == list(range(49, -1, -1))
