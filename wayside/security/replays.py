"""Who says what when, for attackers that repeat messages of their own or of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wayside.security.draws import drawn
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Reports

HEARD_WITHIN_M = 400.0
OLDEST = 20  # ticks that a repeated message may be old
TRIES = 8  # draws of a sender until one is near enough


@dataclass(frozen=True)
class Traffic:
    """Honest reports by tick and by sender.

    Attributes:
        ticks: instant of the tick of each report [ns].
        reports: in order of tick, sender and time.
        number: running number of each report among its sender's.
        box: least x, least y, greatest x and greatest y [m].
        start: first row of each tick, and the end; shape (ticks + 1,).
        tick_of: running number of each report's tick.
        before: row of the same sender's report before, -1 where there is none.
        lost: reports that nobody can repeat, for their senders send something else instead.
    """

    ticks: I64
    reports: Reports
    number: I64
    box: F64
    start: I64
    tick_of: I64
    before: I64
    lost: Bool

    @classmethod
    def of(cls, ticks: I64, reports: Reports, lost: Bool) -> Traffic:
        """Sort out who says what when."""
        _, start, tick_of = np.unique(ticks, return_index=True, return_inverse=True)
        order = np.lexsort((reports.time_ns, reports.sender))
        senders = reports.sender[order]
        fresh = np.append(True, senders[1:] != senders[:-1])
        begin = np.flatnonzero(fresh)
        rank = np.arange(len(order)) - np.repeat(begin, np.diff(np.append(begin, len(order))))
        number, before = np.empty(len(order), np.int64), np.full(len(order), -1)
        number[order] = rank
        before[order[1:]] = np.where(fresh[1:], -1, order[:-1])
        box = np.array([reports.x.min(), reports.y.min(), reports.x.max(), reports.y.max()])
        return cls(ticks, reports, number, box, np.append(start, len(ticks)), tick_of, before, lost)

    def earlier(self, rows: I64, by: int) -> tuple[I64, I64]:
        """Return for each row that of the same sender so many messages earlier, and the places that have one."""
        old = rows
        for _ in range(by):
            old = np.where(old >= 0, self.before[old], -1)
        there = np.flatnonzero(old >= 0)
        return old[there], there

    def _row(self, tick: int, sender: np.uint64) -> int:
        """Return the row of a sender's last report in a tick, -1 if it said nothing."""
        first, end = int(self.start[tick]), int(self.start[tick + 1])
        place = first + int(np.searchsorted(self.reports.sender[first:end], sender, side="right")) - 1
        return place if place >= first and self.reports.sender[place] == sender else -1

    def _nearest(self, tick: int, row: int) -> int:
        """Return the row of the nearest other sender in a tick, -1 if none is heard."""
        first, end = int(self.start[tick]), int(self.start[tick + 1])
        away = np.hypot(
            self.reports.x[first:end] - self.reports.x[row], self.reports.y[first:end] - self.reports.y[row]
        )
        away[self.lost[first:end]] = np.inf
        if not len(away) or not away.min() <= HEARD_WITHIN_M:
            return -1
        return first + int(np.argmin(away))

    def followed(self, rows: I64) -> tuple[I64, I64, I64]:
        """Choose a victim for each attacker, the nearest, and keep to it until it is gone or out of hearing.

        Args:
            rows: the attackers' own reports.

        Returns:
            For each message that can be replayed: the row of the victim's message of the tick before, the place
            in `rows`, and the running number of the victim.
        """
        old, there, turns = [], [], []
        order = rows[np.lexsort((self.tick_of[rows], self.reports.sender[rows]))]
        place_of = {int(row): place for place, row in enumerate(rows.tolist())}
        attacker, victim, turn = None, np.uint64(0), -1
        for row in order.tolist():
            if self.reports.sender[row] != attacker:
                attacker, victim, turn = self.reports.sender[row], np.uint64(0), -1
            tick = int(self.tick_of[row]) - 1
            if tick < 0:
                continue
            found = self._row(tick, victim) if victim else -1
            lost = (
                found < 0
                or np.hypot(
                    self.reports.x[found] - self.reports.x[row], self.reports.y[found] - self.reports.y[row]
                )
                > HEARD_WITHIN_M
            )
            if lost:
                # one message may be lost on the air; a victim that is silent for longer is replaced
                if victim and tick > 0 and found < 0 and self._row(tick - 1, victim) >= 0:
                    continue
                found = self._nearest(tick, row)
                if found < 0:
                    victim = np.uint64(0)
                    continue
                victim, turn = self.reports.sender[found], turn + 1
            old.append(found)
            there.append(place_of[row])
            turns.append(turn)
        return np.array(old, np.int64), np.array(there, np.int64), np.array(turns, np.int64)

    def anyone(self, said: Reports, when: I64, number: I64, seed: int) -> I64:
        """Return for each message a row that somebody within hearing said during the last two seconds."""
        tick = np.searchsorted(self.ticks[self.start[:-1]], when)
        back = 1 + (drawn(seed, 15, said.sender, number) * OLDEST).astype(np.int64)
        tick = np.maximum(tick - back, 0)
        first, count = self.start[tick], self.start[tick + 1] - self.start[tick]
        chosen: I64 = first
        undecided = np.ones(len(said), np.bool_)
        for attempt in range(TRIES):
            row = first + (drawn(seed, 16 + 100 * attempt, said.sender, number) * count).astype(np.int64)
            near = np.hypot(self.reports.x[row] - said.x, self.reports.y[row] - said.y) <= HEARD_WITHIN_M
            near &= ~self.lost[row]
            chosen = np.where(undecided & (near | (attempt == TRIES - 1)), row, chosen)
            undecided &= ~near
        return chosen
