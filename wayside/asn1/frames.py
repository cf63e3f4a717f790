"""Batches of octets, one frame after another."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wayside.asn1.schema import Choice
from wayside.messages import gather
from wayside.table import I64, U8, U64

SPARE = 3  # words behind the last octet, so that a kernel may look ahead


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that lie one after another.

    Attributes:
        octets: all of them.
        starts: where each frame begins, and where the last one ends.

    >>> frames = Frames.of([b"ab", b"", b"cde"])
    >>> len(frames), frames[2], frames.starts.tolist(), list(frames)
    (3, b'cde', [0, 2, 2, 5], [b'ab', b'', b'cde'])
    """

    octets: U8
    starts: I64

    @classmethod
    def of(cls, frames: Sequence[bytes]) -> Frames:
        """Return a batch of frames that stand by themselves."""
        starts = np.zeros(len(frames) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, frames), np.int64, len(frames)), out=starts[1:])
        return cls(np.frombuffer(b"".join(frames), np.uint8), starts)

    @classmethod
    def of_words(cls, words: U64, starts: I64) -> Frames:
        """Return the batch whose octets stand in big-endian words, which are used up."""
        used = words[: starts[-1] // 8 + 1]
        return cls(
            (used.byteswap(inplace=True) if sys.byteorder == "little" else used).view(np.uint8)[: starts[-1]],
            starts,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> bytes:
        """Return one frame."""
        first, last = self.starts[:-1][index], self.starts[1:][index]
        return self.octets[first:last].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        """Yield each frame."""
        whole = self.octets.tobytes()
        return (whole[first:last] for first, last in pairwise(self.starts.tolist()))

    @property
    def lengths(self) -> I64:
        """Octets of each frame."""
        return np.diff(self.starts)

    def take(self, rows: I64) -> Frames:
        """Return the frames of the given indices, in that order."""
        begins = self.starts[:-1][rows]
        return Frames(*gather(self.octets, begins, self.starts[1:][rows] - begins))

    def words(self, more: int = 0) -> U64:
        """Return the octets as big-endian words, with room for some more octets behind them."""
        words: U64 = np.empty((len(self.octets) + more) // 8 + SPARE, np.uint64)
        view = words.view(np.uint8)
        view[: len(self.octets)] = self.octets
        view[len(self.octets) :] = 0
        return words.byteswap(inplace=True) if sys.byteorder == "little" else words


def messages_of(root: Choice, frames: Frames) -> I64:
    r"""Return which alternative of the root each frame is, as an index into what the edition knows; -1 for none.

    Additions that the edition knows beyond the extension marker count on behind the others. Nothing but the
    first octet is looked at.

    >>> from wayside.v2x.editions import EDITION, schema_of
    >>> messages_of(schema_of(EDITION), Frames.of([bytes.fromhex("104800499d0cb29f02bdc8fb7c"), b"", b"\x70"]))
    array([ 1, -1, -1])
    """
    known = len(root.alternatives)
    first = np.zeros(len(frames), np.int64)
    there = frames.lengths > 0
    first[there] = frames.octets[frames.starts[:-1][there]]
    usual = first >> 8 - root.width - root.extensible
    found = np.where(there & (usual < known), usual, -1)
    if root.extensible:
        added = known + (first & 63)
        found = np.where(
            (first >> 6 == 2) & (added < known + len(root.additions)), added, found
        )  # 10: a small index
    return found
