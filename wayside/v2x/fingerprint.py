"""Telling messages apart without keeping them."""

from __future__ import annotations

import numba
import numpy as np

from wayside.messages import Messages
from wayside.numbering import UNKNOWN, Numbering
from wayside.table import I64, U8, U64

_PRIME = np.uint64(0x100000001B3)


@numba.njit(cache=True)
def _fingerprints(octets: U8, starts: I64) -> U64:
    """Return a 64-bit FNV-1a of each frame, with its bits mixed once more."""
    found = np.empty(len(starts) - 1, np.uint64)
    for n in range(len(found)):
        state = np.uint64(0xCBF29CE484222325)
        for place in range(starts[n], starts[n + 1]):
            state = (state ^ np.uint64(octets[place])) * _PRIME
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found[n] = state ^ (state >> np.uint64(31))
    return found


class Memory:
    """Remembers for some seconds, and for less than twice as long, which messages came in.

    Limits: it keeps 64 bits of each. Two different messages of one span share them once in 2**64 pairs; the later
    one is then taken for a copy. Who forges such a pair only loses its own message, unless it foresees another's
    octets, which a signature prevents.
    """

    def __init__(self, span_ns: int) -> None:
        self._span_ns, self._next_ns = span_ns, 0
        self._young = Numbering()  # of this span
        self._old = Numbering()  # of the one before

    def fresh(self, messages: Messages, time_ns: int) -> tuple[I64, I64]:
        """Return the rows of messages that were not seen before, and those of copies; remember all.

        Both are in order of reception, link and octets, so that how messages are handed over is nothing.
        """
        if time_ns >= self._next_ns:
            gone = time_ns >= self._next_ns + self._span_ns
            self._old, self._young = Numbering() if gone else self._young, Numbering()
            self._next_ns = time_ns + self._span_ns
        columns = _fingerprints(messages.octets, messages.starts)
        rows = np.lexsort((columns, messages.link, messages.time_ns))
        marks, before = columns[rows], len(self._young)
        numbers = self._young.add(marks)
        new = (numbers >= before) & (self._old.find(marks) == UNKNOWN)
        if len(self._young) - before < np.count_nonzero(numbers >= before):  # a mark is there twice
            first = np.zeros(len(marks), np.bool_)
            first[np.unique(marks, return_index=True)[1]] = True
            new &= first
        return rows[new], rows[~new]
