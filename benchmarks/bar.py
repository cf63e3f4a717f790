"""One measured figure beside what it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure, its bar and its reference.

    Attributes:
        what: what was measured.
        measured: the figure [unit].
        sense: how it is held against the bar.
        bar: what it is held to [unit]; None where it is only shown.
        unit: unit of both.
        beside: the reference measured in the same run, or the spread, in words.
    """

    what: str
    measured: float
    sense: Literal["<=", ">=", "=="]
    bar: float | None
    unit: str
    beside: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None:
            return None
        return {"<=": self.measured <= self.bar, ">=": self.measured >= self.bar, "==": self.measured == self.bar}[
            self.sense
        ]
