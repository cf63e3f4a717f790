"""Telling messages apart without keeping them."""

from __future__ import annotations

import numba
import numpy as np

from wayside.messages import Messages
from wayside.table import I64, U8, U64, Bool

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
    """Remembers for some seconds which messages came in.

    Limits: it keeps 64 bits of each. Two different messages of one span share them once in 2**64 pairs; the later
    one is then taken for a copy. Who forges such a pair only loses its own message, unless it foresees another's
    octets, which a signature prevents.
    """

    def __init__(self, span_ns: int) -> None:
        self._span_ns, self._next_ns = span_ns, 0
        self._seen: dict[int, int] = {}

    def order(self, messages: Messages) -> I64:
        """Return the rows in order of reception, link and octets, so that how they are handed over is nothing."""
        marks = _fingerprints(messages.octets, messages.starts)
        return np.lexsort((marks, messages.link, messages.time_ns))

    def fresh(self, messages: Messages, time_ns: int) -> Bool:
        """Tell which of them were not seen before, and remember all."""
        if time_ns >= self._next_ns:
            self._next_ns = time_ns + 1_000_000_000
            oldest = time_ns - self._span_ns
            self._seen = {mark: at for mark, at in self._seen.items() if at >= oldest}
        marks: list[int] = _fingerprints(messages.octets, messages.starts).tolist()
        new = np.empty(len(messages), np.bool_)
        for row, (mark, at) in enumerate(zip(marks, messages.time_ns.tolist(), strict=True)):
            new[row] = mark not in self._seen
            self._seen[mark] = at
        return new
