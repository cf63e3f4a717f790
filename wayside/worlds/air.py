"""The time that what is said takes to arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from wayside.table import Bool, Table

A = TypeVar("A", bound=Table)


class Air(Generic[A]):
    """Holds back rows of a table with `received_ns` until then.

    >>> from wayside.v2x.tables import Reports
    >>> len(Air(Reports).pass_on([Reports.empty()], 0))
    0
    """

    def __init__(self, kind: type[A]) -> None:
        self._kind, self._waiting = kind, kind.empty()

    def pass_on(self, sent: Sequence[A], now_ns: int) -> A:
        """Take in what was sent and return what has arrived by now."""
        every = self._kind.concatenate([self._waiting, *sent])
        there: Bool = every.__dict__["received_ns"] <= now_ns
        if there.all():
            self._waiting = self._kind.empty()
            return every
        self._waiting = every.take(~there)
        return every.take(there)
