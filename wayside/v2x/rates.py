"""How often messages come: per intersection in windows of ten seconds, per vehicle, all others for the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from wayside.report import Grid, Line
from wayside.table import F64, I64
from wayside.v2x.heard import Heard, node_of

WINDOW_NS = 10_000_000_000
FEWEST = 20  # a vehicle heard less often has no rate
SOURCE = "ConflictMonitor defaults, systems A8"
VEHICLE_SOURCE = "T/CSAE 53-2020, 10 Hz; +-10 % own"
BOUNDS = {"spatFrame": (90.0, 110.0), "mapFrame": (9.0, 11.0)}
WORDS = {"spatFrame": "spat", "mapFrame": "map"}


def subjects_of(heard: Heard) -> list[tuple[object, ...]]:
    """Return what a message speaks for: its intersections, its sender, or else the link it came by."""
    if heard.name == "spatFrame":
        return list(dict.fromkeys(node_of(one["intersectionId"]) for one in heard.value["intersections"]))
    if heard.name == "mapFrame":
        return list(dict.fromkeys(node_of(one["id"]) for one in heard.value["nodes"]))
    return [(heard.value.get("id", heard.link),)]


class Rates:
    """Collects when each subject was heard."""

    def __init__(self) -> None:
        self._instants: dict[str, dict[tuple[object, ...], list[int]]] = defaultdict(lambda: defaultdict(list))

    def hear(self, heard: Heard) -> None:
        """Note one message."""
        for subject in subjects_of(heard):
            self._instants[heard.name][subject].append(heard.instant)

    def lines(self) -> Iterator[Line]:
        """Yield the least and the greatest rate of SPAT, MAP and BSM; unknown where none is long enough."""
        for name, bounds in BOUNDS.items():
            counts = [per_window(np.array(told, np.int64)) for told in self._instants.get(name, {}).values()]
            found = np.concatenate([np.empty(0), *counts])
            yield from _bounds(f"A12-{WORDS[name]}-rate", f"{WORDS[name]}_rate", "1/10 s", found, *bounds, SOURCE)
        rates = [rate_of(told) for told in self._instants.get("bsmFrame", {}).values() if len(told) >= FEWEST]
        found = np.array([rate for rate in rates if rate is not None])
        yield from _bounds("A12-bsm-rate", "vehicle_rate", "Hz", found, 9.0, 11.0, VEHICLE_SOURCE)

    def grids(self) -> Iterator[Grid]:
        """Yield messages, subjects and median rates by name."""
        rows = []
        for name, subjects in sorted(self._instants.items()):
            rates = [rate for told in subjects.values() if (rate := rate_of(told)) is not None]
            median = round(float(np.median(rates)), 2) if rates else None
            rows.append((name, sum(len(told) for told in subjects.values()), len(subjects), median))
        headings = ("v2x.type", "v2x.frames", "v2x.subjects", "v2x.median_rate")
        yield Grid("check-rates", "v2x.heard", headings, tuple(rows))


def per_window(instants: I64) -> F64:
    """Return how many messages fall into each whole window of ten seconds from the first on.

    >>> per_window(np.arange(250) * 100_000_000)
    array([100., 100.])
    """
    if len(instants) < 2:
        return np.empty(0)
    instants = np.sort(instants)
    usual = np.median(np.diff(instants))  # the last message stands for the time until the next one
    windows = int((instants[-1] - instants[0] + usual) // WINDOW_NS)
    counted = np.bincount((instants - instants[0]) // WINDOW_NS, minlength=windows)[:windows]
    return counted.astype(np.float64)


def rate_of(instants: list[int]) -> float | None:
    """Return one over the median interval [Hz], which passes over gaps; None without an interval."""
    intervals = np.diff(np.sort(np.array(instants, np.int64)))
    median = float(np.median(intervals)) if len(intervals) else 0.0
    return 1e9 / median if median > 0 else None


def _bounds(
    identity: str, text: str, unit: str, values: F64, low: float, high: float, source: str
) -> tuple[Line, Line]:
    least, greatest = (float(values.min()), float(values.max())) if len(values) else (None, None)
    return (
        Line(f"{identity}-min", f"v2x.{text}_min", low, ">=", unit, source, least),
        Line(f"{identity}-max", f"v2x.{text}_max", high, "<=", unit, source, greatest),
    )
