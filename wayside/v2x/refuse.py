"""Counting what is not understood, so that nothing is lost unseen."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.messages import Messages
from wayside.table import I64
from wayside.v2x.tables import RefusalReason, Refusals

LONGEST = 65_535  # octets a row can say


class Ledger:
    """Refused frames of one tick."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int]] = []

    def refuse_all(self, messages: Messages, rows: I64, reason: RefusalReason) -> None:
        """Note that some of the messages, or parts of them, did not become rows."""
        if len(rows):
            octets = np.minimum(messages.lengths[rows], LONGEST)
            columns = (messages.time_ns[rows], messages.link[rows], np.full(len(rows), reason), octets)
            self._rows += zip(*(column.tolist() for column in columns), strict=True)

    def table(self) -> Refusals:
        """Return the rows; `number` tells apart those of one link and instant, in an order of their own values."""
        if not self._rows:
            return Refusals.empty()
        rows = sorted(self._rows)
        numbers = [0] * len(rows)
        for place in range(1, len(rows)):
            if rows[place][:2] == rows[place - 1][:2]:
                numbers[place] = numbers[place - 1] + 1
        received, links, reasons, octets = (list(column) for column in zip(*rows, strict=True))
        filled: dict[str, Any] = {"received_ns": received, "link": links, "reason": reasons, "octets": octets}
        return Refusals(number=np.array(numbers, np.uint32), **filled)
