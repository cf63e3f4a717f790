"""A tick of the pilot zone with every motor vehicle equipped and signing, as it runs and in one process."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bar import Bar
from wayside.apart import can_be_apart
from wayside.config import read_city
from wayside.frame import Frame
from wayside.opening import Opened, open_city
from wayside.operate import operate
from wayside.recorder import Recorder
from wayside.run import Run
from wayside.security.tables import SignatureCounts, SignatureState
from wayside.table import F64
from wayside.v2x.tables import Traffic

WARM_TICKS = 200  # compiled kernels are loaded and the first certificates proven by then
TICKS = 2000


class _Clock:
    """Times a function that is called once a tick."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.spent: list[float] = []

    def __call__(self) -> None:
        begun = time.perf_counter()
        self._function()
        self.spent.append(time.perf_counter() - begun)


def period_of(share: float, folder: Path) -> tuple[F64, Run, float]:
    """Return the milliseconds from tick to tick as `wayside run` goes, the Run, and BSM in a tick."""
    city = read_city("pingshan").with_world(equipped_share=share)
    ticks = WARM_TICKS + TICKS
    opened = open_city(city, seed=1, seconds=ticks / 10, apart=can_be_apart())
    ends, sent = _operated(opened, folder, ticks)
    return np.diff(ends)[WARM_TICKS:] * 1e3, Run(folder), sent


def ticks_of(share: float, folder: Path) -> tuple[F64, F64, Run, float]:
    """Return milliseconds of each tick in one process without SUMO's step, those of the step, the Run, and BSM."""
    city = read_city("pingshan").with_world(equipped_share=share)
    ticks = WARM_TICKS + TICKS
    opened = open_city(city, seed=1, seconds=ticks / 10)
    clock = _Clock(opened.world.engine.step)  # type: ignore[attr-defined]
    opened.world.engine.step = clock  # type: ignore[attr-defined]
    ends, sent = _operated(opened, folder, ticks)
    whole = np.diff(ends)[WARM_TICKS:] * 1e3
    sumo = np.array(clock.spent[-len(whole) :]) * 1e3
    return whole - sumo, sumo, Run(folder), sent


def _operated(opened: Opened, folder: Path, ticks: int) -> tuple[list[float], float]:
    """Run it all, and return the end of each tick [s] and how many BSM came in at one."""
    ends: list[float] = []
    sent = Counter[int]()

    def note(number: int, frame: Frame) -> None:
        ends.append(time.perf_counter())
        traffic = frame[Traffic]
        sent[0] += int(traffic.frames[(traffic.type == 0) & (traffic.direction == 0)].sum())

    try:
        with Recorder(folder, {"name": "signed", "seed": 1}, opened.world.road) as recorder:
            pipeline, edge = opened.pipeline, opened.edge
            operate(opened.world, pipeline, edge=edge, recorder=recorder, ticks=ticks, on_tick=note)
            recorder.close(complete=True)
    finally:
        opened.world.close()
    return ends, sent[0] / ticks


def measure() -> list[Bar]:
    """Measure."""
    bars = []
    for share, bound in ((1.0, 15.0), (0.3, None)):
        what = f"{share:.0%} equipped and signing"
        with tempfile.TemporaryDirectory() as place:
            period, run, reports = period_of(share, Path(place) / "run")
            _, counts = run.rows(SignatureCounts)
            checked = counts.messages[counts.state == SignatureState.VALID].sum() / counts.messages.sum()
            spent = {name: run.timings[name][-TICKS:] for name in ("world", "decode", "tick", "encode", "store")}
            parts = {name: float(np.nanmedian(one)) for name, one in spent.items()}
        said = ", ".join(f"{name} {part:.1f}" for name, part in parts.items())
        least, most = (float(np.median(half)) for half in np.array_split(period, 2))
        bars += [
            Bar(
                f"from tick to tick, SUMO on the other core, {what}, median", float(np.median(period)),
                "<=", bound, "ms", f"{reports:.0f} BSM a tick; {said}; first half {least:.1f}, second {most:.1f}",
            ),
            Bar(f"the same, 99th percentile, {what}", float(np.percentile(period, 99)), "<=", None, "ms"),
            Bar(f"share of messages verified, {what}", float(checked), ">=", None, ""),
        ]  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        own, sumo, _, _ = ticks_of(1.0, Path(place) / "run")
    beside = f"SUMO's step {np.median(sumo):.1f}; all the rest one after another"
    bars.append(
        Bar(
            "one process, without SUMO's step, all equipped, median",
            float(np.median(own)),
            "<=",
            15.0,
            "ms",
            beside,
        )
    )
    return bars
