from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.messages import Message, Messages

ONES = st.lists(
    st.builds(Message, st.integers(0, 2**60), st.integers(0, 2**64 - 1), st.binary(max_size=20)), max_size=8
)


@given(ONES)
def test_messages_come_back_as_they_were(given_ones: list[Message]) -> None:
    columns = Messages.of(given_ones)
    assert list(columns) == given_ones and len(columns) == len(given_ones)
    assert columns.lengths.tolist() == [len(m.payload) for m in given_ones]
    assert Messages.of(columns) is columns


@given(ONES, st.randoms(use_true_random=False))
def test_any_rows_can_be_taken_in_any_order(given_ones: list[Message], random: object) -> None:
    rows = [random.randrange(len(given_ones)) for _ in range(5)] if given_ones else []  # type: ignore[attr-defined]
    taken = Messages.of(given_ones).take(np.array(rows, np.int64))
    assert list(taken) == [given_ones[row] for row in rows]


@given(st.lists(ONES, max_size=4))
def test_parts_are_put_together_in_order(parts: list[list[Message]]) -> None:
    whole = Messages.concatenate([Messages.of(part) for part in parts])
    assert list(whole) == [one for part in parts for one in part]


def test_slices_and_ends_are_those_of_a_sequence() -> None:
    columns = Messages.of([Message(n, n, bytes([n])) for n in range(4)])
    assert columns[-1] == Message(3, 3, b"\x03") and list(columns[1:3]) == [columns[1], columns[2]]
    assert not len(Messages.empty())
