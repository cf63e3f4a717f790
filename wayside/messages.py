"""Wire messages on their way in or out: one, or many as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numba
import numpy as np

from wayside.table import I64, U8, U64


@dataclass(frozen=True, slots=True)
class Message:
    """One wire message on its way in or out.

    Attributes:
        time_ns: instant it was received, or is to be sent.
        link: who handed it over or shall send it: roadside unit, pole or vehicle.
        payload: the octets.
    """

    time_ns: int
    link: int
    payload: bytes


@numba.njit(cache=True)
def gather(octets: U8, begins: I64, lengths: I64) -> tuple[U8, I64]:
    """Return pieces of octets one after another, and where each begins there.

    Args:
        octets: any.
        begins, lengths: of each piece in `octets` [n].

    Returns:
        The octets of all pieces, and their starts and the end of the last one [n + 1].
    """
    starts = np.zeros(len(begins) + 1, np.int64)
    for n in range(len(begins)):
        starts[n + 1] = starts[n] + lengths[n]
    taken = np.empty(starts[-1], np.uint8)
    for n in range(len(begins)):
        taken[starts[n] : starts[n + 1]] = octets[begins[n] : begins[n] + lengths[n]]
    return taken, starts


@dataclass(frozen=True, slots=True, eq=False)
class Messages(Sequence[Message]):
    """Many wire messages as columns; the octets of all stand one after another.

    Attributes:
        time_ns: instants, see `Message` [n].
        link: who handed each over [n].
        octets: of all messages.
        starts: where each message begins in `octets`, and where the last one ends [n + 1].

    >>> some = Messages.of([Message(1, 7, b"ab"), Message(2, 8, b"c")])
    >>> len(some), some[1], some.take(np.array([1]))[0].payload
    (2, Message(time_ns=2, link=8, payload=b'c'), b'c')
    """

    time_ns: I64
    link: U64
    octets: U8
    starts: I64

    @classmethod
    def empty(cls) -> Messages:
        """Return no messages."""
        return cls(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.uint8), np.zeros(1, np.int64))

    @classmethod
    def of(cls, messages: Iterable[Message]) -> Messages:
        """Return messages as columns; columns are returned as they are."""
        if isinstance(messages, Messages):
            return messages
        listed = list(messages)
        starts = np.zeros(len(listed) + 1, np.int64)
        np.cumsum([len(m.payload) for m in listed], out=starts[1:])
        return cls(
            np.array([m.time_ns for m in listed], np.int64),
            np.array([m.link for m in listed], np.uint64),
            np.frombuffer(b"".join(m.payload for m in listed), np.uint8),
            starts,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Messages]) -> Messages:
        """Return the messages of all parts, in order."""
        if not parts:
            return cls.empty()
        lengths = np.concatenate([np.diff(part.starts) for part in parts])
        starts = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        return cls(
            np.concatenate([part.time_ns for part in parts]),
            np.concatenate([part.link for part in parts]),
            np.concatenate([part.octets[part.starts[0] : part.starts[-1]] for part in parts]),
            starts,
        )

    def take(self, rows: I64) -> Messages:
        """Return chosen messages in that order."""
        begins = self.starts[:-1][rows]
        octets, starts = gather(self.octets, begins, self.starts[1:][rows] - begins)
        return Messages(self.time_ns[rows], self.link[rows], octets, starts)

    @property
    def lengths(self) -> I64:
        """Octets of each message."""
        return np.diff(self.starts)

    def payload(self, row: int) -> bytes:
        """Return the octets of one message."""
        return self.octets[self.starts[row] : self.starts[row + 1]].tobytes()

    def __len__(self) -> int:
        return len(self.time_ns)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Messages: ...
    def __getitem__(self, index: int | slice) -> Message | Messages:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        row = range(len(self))[index]
        return Message(int(self.time_ns[row]), int(self.link[row]), self.payload(row))

    def __iter__(self) -> Iterator[Message]:
        return (self[row] for row in range(len(self)))
