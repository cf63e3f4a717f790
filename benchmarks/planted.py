"""Ten seeds of the demo: how many of the six planted facts are found, how soon, and what is found falsely."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bar import Bar
from benchmarks.demo import run

SEEDS = tuple(range(11, 21))  # not those that thresholds were chosen with
PREFIX = "P"  # requirement lines of planted facts are P1-fog to P6-charger


def measure(seeds: Sequence[int] = SEEDS) -> list[Bar]:
    """Run every seed for ten minutes, as many at a time as there are cores."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda seed: run(Path(place) / str(seed), "--seed", str(seed)), seeds))
    found: dict[str, list[float]] = {}
    for result in results:
        for line in result["lines"]:
            if line["id"].startswith(PREFIX):
                found.setdefault(line["id"], []).append(_number(line["measured"]))
    return [_bar(name, values) for name, values in sorted(found.items())]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _bar(name: str, values: Sequence[float]) -> Bar:
    known = [v for v in values if not np.isnan(v)]
    beside = f"found with delay {min(known):.1f} to {max(known):.1f} s" if known else "never found"
    return Bar(f"{name}: seeds in which it is found", len(known), "==", len(values), "", beside)
