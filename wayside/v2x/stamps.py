"""Whether the stamps of messages fit the instant they were heard, and whether their counters run on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from wayside.report import Grid, Line
from wayside.v2x.heard import MINUTE_NS, Heard, stamps_of, stated_instant
from wayside.v2x.rates import subjects_of

MOST_ERROR_S = 0.05
MOST_AGE_S = 0.1
BY_CLOCK = frozenset(
    {"spatFrame", "RoadsideCoordination"}
)  # stamped when sent; others when something was measured
MINUTE_SLACK_NS = 1_000_000_000  # a minute may be told this long before and after it
COUNTS = 128
BACKWARDS = 64  # a step from here on is one back
MOST_LOST = 0.05
FEWEST = 20  # steps, below which the share of lost messages is unknown


class Stamps:
    """Collects how far stamps are from reception; positive is late."""

    def __init__(self) -> None:
        self._late: dict[str, list[int]] = defaultdict(list)
        self._minutes = self._wrong_minutes = 0

    def hear(self, heard: Heard) -> None:
        """Note one message; those without an instant of reception tell nothing."""
        if not heard.received:
            return
        minute, marks = stamps_of(heard.name, heard.value)
        self._late[heard.name] += [heard.instant - stated_instant(minute, mark, heard.instant) for mark in marks]
        if minute is not None and not marks:
            away = heard.instant - stated_instant(minute, 0, heard.instant)
            self._minutes += 1
            self._wrong_minutes += not -MINUTE_SLACK_NS <= away < MINUTE_NS + MINUTE_SLACK_NS

    def lines(self) -> Iterator[Line]:
        """Yield the error of clocks, the age of what was measured (of the worst kind of message), and minutes."""
        source = "ConflictMonitor defaults, systems A8; 95 % own"
        yield Line("A12-stamp-error", "v2x.stamp_error", MOST_ERROR_S, "<=", "s", source, self._worst(clock=True))
        yield Line("A12-age", "v2x.age", MOST_AGE_S, "<=", "s", "own", self._worst(clock=False))
        wrong = float(self._wrong_minutes) if self._minutes else None
        yield Line("A12-stamp-minute", "v2x.stamp_minute", 0.0, "==", "", "T/CSAE 53-2020", wrong)

    def _worst(self, *, clock: bool) -> float | None:
        """Return the greatest 95 % error [s] among messages stamped by the clock, or among the others."""
        errors = [
            _percentile(np.abs(late), 95)
            for name, late in self._late.items()
            if late and (name in BY_CLOCK) is clock
        ]
        return max(errors, default=None)

    def grids(self) -> Iterator[Grid]:
        """Yield lateness by kind of message."""
        rows: list[tuple[str | int | float | None, ...]] = []
        for name, late in sorted(self._late.items()):
            if late:
                rows.append((name, len(late), *(_percentile(late, percent) for percent in (0, 50, 95, 100))))
        headings = (
            "v2x.type", "v2x.stamps", "v2x.late_least", "v2x.late_median", "v2x.late_95", "v2x.late_greatest",
        )  # fmt: skip
        yield Grid("check-stamps", "v2x.stamp_table", headings, tuple(rows))


class Counters:
    """Collects the steps of msgCnt.

    A sender may count all its messages of one type together, or those of each intersection apart; whichever fits
    what was heard by a link better is taken for it.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[object, ...], int] = {}
        self._steps: dict[tuple[str, object], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))

    def hear(self, heard: Heard) -> None:
        """Note one message."""
        count = heard.value.get("msgCnt")
        if not isinstance(count, int):
            return
        subjects = tuple(subjects_of(heard))
        sender = heard.link if heard.name in ("spatFrame", "mapFrame") else subjects
        for place, key in enumerate(((heard.name, sender), (heard.name, heard.link, subjects))):
            last = self._last.get((place, *key))
            if last is not None:
                self._steps[heard.name, sender][place].append((count - last) % COUNTS)
            self._last[place, *key] = count

    def lines(self) -> Iterator[Line]:
        """Yield how often a counter stood still or ran back, and the share of messages it says are missing."""
        steps = [step for told in self._steps.values() for step in min(told, key=_badness)]
        back = sum(step == 0 or step >= BACKWARDS for step in steps)
        sent = sum(step for step in steps if step < BACKWARDS)
        heard = sum(0 < step < BACKWARDS for step in steps)
        known = len(steps) >= FEWEST and sent > 0
        yield Line(
            "A12-count-back", "v2x.count_back", 0.0, "==", "", "T/CSAE 53-2020", float(back) if steps else None
        )
        lost = round((sent - heard) / sent, 4) if known else None
        yield Line("A12-count-lost", "v2x.count_lost", MOST_LOST, "<=", "", "own", lost)

    def grids(self) -> Iterator[Grid]:
        """Yield nothing: two numbers need no table."""
        yield from ()


def _badness(steps: list[int]) -> tuple[bool, float]:
    """Return a key by which the better way of counting comes first; one without any step comes last."""
    wrong = sum(step != 1 for step in steps)
    return not steps, wrong / max(len(steps), 1)


def _percentile(nanoseconds: ArrayLike, percent: float) -> float:
    """Return a percentile [s], to the millisecond."""
    return round(float(np.percentile(np.asarray(nanoseconds, np.float64), percent)) * 1e-9, 3)
