"""The city at one instant: immutable tables, found by their class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from wayside.table import Table

T = TypeVar("T", bound=Table)


class Frame(Mapping[type[Table], Table]):
    """Tables at one instant, each rounded and in key order.

    >>> from wayside.roadside.tables import Poles
    >>> poles = Poles(pole=[7, 3], x=[1.0, 2.0], y=[0.0, 0.0], range=[80.0, 80.0],
    ...               position_sigma=[0.3, 0.3], controller=[-1, -1])
    >>> frame = Frame(0, [poles])
    >>> frame[Poles].pole
    array([3, 7], dtype=uint16)
    """

    __slots__ = ("_tables", "time_ns")

    def __init__(self, time_ns: int, tables: Iterable[Table] = ()) -> None:
        self.time_ns = time_ns
        self._tables: dict[type[Table], Table] = {}
        for table in tables:
            if type(table) in self._tables:
                raise ValueError(f"two tables {type(table).__name__} for one Frame")
            self._tables[type(table)] = table.canonical()

    @classmethod
    def of_canonical(cls, time_ns: int, tables: Mapping[type[Table], Table]) -> Frame:
        """Make a Frame of tables that are known to be rounded and in order."""
        frame = cls(time_ns)
        frame._tables = dict(tables)
        return frame

    def __getitem__(self, table: type[T]) -> T:
        """Return the table of that class; the error for a missing one names what is there."""
        try:
            return self._tables[table]  # type: ignore[return-value]
        except KeyError:
            there = ", ".join(sorted(t.__name__ for t in self._tables)) or "nothing"
            raise KeyError(f"the frame holds no {table.__name__}; it holds {there}") from None

    def __iter__(self) -> Iterator[type[Table]]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"<Frame at {self.time_ns} ns: {', '.join(f'{t.__name__} {len(v)}' for t, v in self.items())}>"

    def digest(self, *, checkpoint: bool = True) -> bytes:
        """Return 16 bytes that equal frames share, whatever the order in which tables were added.

        Args:
            checkpoint: with the tables that are stored at checkpoints alone.
        """
        parts = [self.time_ns.to_bytes(8, "little", signed=True)]
        for name, kind in sorted((t.__name__, t) for t in self._tables):
            if kind.stored and (checkpoint or not kind.checkpointed):
                parts += [name.encode(), self._tables[kind].digest()]
        return hashlib.blake2b(b"".join(parts), digest_size=16).digest()
