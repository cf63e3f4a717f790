"""What a study says: requirement lines, tables and figures, all traceable to stored Runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

import numpy as np

from wayside.table import F64

if TYPE_CHECKING:
    from wayside.run import Run


class Verdict(Enum):
    """Whether a requirement is met; unknown where the Run cannot tell, never silently met."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement, its target and what was measured.

    Attributes:
        id: stable short identity, such as `A1-position-rmse`.
        text: catalogue key of the requirement in words.
        target: the bound [unit].
        sense: how measured and target compare: measured `<=`, `>=` or `==` target.
        unit: unit of both.
        source: where the target comes from, such as `systems A1 [own]`.
        measured: what was measured; None where the Run cannot tell.
    """

    id: str
    text: str
    target: float
    sense: Literal["<=", ">=", "=="]
    unit: str
    source: str
    measured: float | None

    @property
    def verdict(self) -> Verdict:
        """Compare.

        >>> Line("a", "wayside.verdict_pass", 2.0, "<=", "m", "own", 1.5).verdict
        <Verdict.PASS: 'pass'>
        """
        if self.measured is None or np.isnan(self.measured):
            return Verdict.UNKNOWN
        met = {
            "<=": self.measured <= self.target,
            ">=": self.measured >= self.target,
            "==": self.measured == self.target,
        }
        return Verdict.PASS if met[self.sense] else Verdict.FAIL


@dataclass(frozen=True, slots=True)
class Series:
    """One curve or set of bars: equally long x and y."""

    text: str
    x: F64 | Sequence[str]
    y: F64


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot; texts are catalogue keys, and so are the names under bars if the catalogue has them."""

    id: str
    text: str
    kind: Literal["line", "bar", "scatter", "step"]
    x_text: str
    y_text: str
    series: tuple[Series, ...]
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; headings are catalogue keys; text cells that are catalogue keys are translated."""

    id: str
    text: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one study."""

    study: str
    lines: tuple[Line, ...] = ()
    grids: tuple[Grid, ...] = ()
    figures: tuple[Figure, ...] = ()
    runs: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


StudyFunction = Callable[["Sequence[Run]"], Report]
