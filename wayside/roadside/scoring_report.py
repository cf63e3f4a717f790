"""Tracking scores of Runs, and what several Runs have in common, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wayside.report import Grid, Line
from wayside.roadside.comparison import GOOD_M, Comparison, scored
from wayside.roadside.scoring import LEVELS, Clear, Hota, Identity, clear, hota, identity
from wayside.roadside.scoring_ospa import ospa, ospa_of_tracks

REACH_M = 2.0  # at and beyond it two are not alike at all; MOT15-3D
GATE_LEVEL = int(np.argmin(np.abs(LEVELS - (1.0 - GOOD_M / REACH_M))))  # where HOTA asks for 1.5 m

OF_RUN = {  # line: heading
    "A1-position-rmse": "rmse",
    "A1-within-1.5m": "within",
    "A1-recall": "recall",
    "A1-precision": "precision",
    "A1-hota": "hota",
    "A1-speed-rmse": "speed",
    "A1-identity-switches": "switches",
}

Cells = tuple[str | int | float | None, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """How true the tracks of some Runs are.

    Attributes:
        high: sums of HOTA.
        clear: sums of MOTA and MOTP, at a gate of 1.5 m.
        identity: sums of IDF1, at the same gate.
        apart, frames: sum of OSPA [m] over frames, and how many these are.
        tracks_apart, windows: sum of OSPA(2) [m] over windows of 10 s, and how many these are.
    """

    high: Hota
    clear: Clear
    identity: Identity
    apart: float
    frames: int
    tracks_apart: float
    windows: int

    def __add__(self, other: Self) -> Scores:
        return Scores(
            self.high + other.high,
            self.clear + other.clear,
            self.identity + other.identity,
            self.apart + other.apart,
            self.frames + other.frames,
            self.tracks_apart + other.tracks_apart,
            self.windows + other.windows,
        )

    @property
    def measures(self) -> dict[str, float]:
        """What the table of scores shows, by name."""
        found = {
            "hota": self.high.hota,
            "deta": self.high.deta,
            "assa": self.high.assa,
            "loca": self.high.loca,
            "hota_gate": float(self.high.levels[GATE_LEVEL]),
            "mota": self.clear.mota,
            "motp": self.clear.motp_m,
            "idf1": self.identity.idf1,
            "ospa": self.apart / max(1, self.frames),
            "ospa2": self.tracks_apart / max(1, self.windows),
        }
        counts = {"switch_count": self.clear.switches, "fragments": self.clear.fragments}
        tracked = {"objects": self.clear.objects, "mostly_tracked": self.clear.mostly_tracked}
        return {name: round(value, 4) for name, value in found.items()} | counts | tracked


def score(one: Comparison, *, fog: bool) -> Scores:
    """Score what was shown in clear weather or in fog, at two frames a second."""
    given = scored(one, fog=fog)
    frames, windows = ospa(given), ospa_of_tracks(given)
    return Scores(
        high=hota(given),
        clear=clear(given, GOOD_M),
        identity=identity(given, GOOD_M),
        apart=float(frames.sum()),
        frames=len(frames),
        tracks_apart=float(windows.sum()),
        windows=len(windows),
    )


def tracking_grid(groups: Sequence[tuple[str, Sequence[Scores]]]) -> Grid:
    """Return a row per measure with a column for each group of Runs, all its Runs together."""
    columns: list[tuple[str, dict[str, float]]] = []
    for text, scores in groups:
        if any(one.clear.both + one.clear.missed for one in scores):
            columns.append((text, sum(scores[1:], scores[0]).measures))
    names = columns[0][1] if columns else {}
    rows: list[Cells] = [(f"roadside.head_{name}", *(found[name] for _, found in columns)) for name in names]
    heads = ("roadside.head_measure", *(text for text, _ in columns))
    return Grid("A1-tracking", "roadside.grid_tracking", heads, tuple(rows))


def run_grid(runs: Sequence[tuple[str, Sequence[Line]]]) -> Grid:
    """Return what each Run reached of each requirement, and the mean, least and greatest of several."""
    table = [(name, {line.id: line.measured for line in lines}) for name, lines in runs]
    table = [(name, found) for name, found in table if any(found[line] is not None for line in OF_RUN)]
    rows: list[Cells] = [(name, *(found[line] for line in OF_RUN)) for name, found in table]
    if len(rows) > 1:
        known = [[value for _, found in table if (value := found[line]) is not None] for line in OF_RUN]
        for text, put in (("roadside.mean", np.mean), ("roadside.least", min), ("roadside.greatest", max)):
            rows.append((text, *(round(float(put(values)), 5) if values else None for values in known)))
    heads = ("roadside.head_run", *(f"roadside.head_{name}" for name in OF_RUN.values()))
    return Grid("A1-runs", "roadside.grid_runs", heads, tuple(rows))
