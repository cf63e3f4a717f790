"""Honest vehicles of the pilot zone that are distrusted all the same: over as many hours as there is time for."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.bar import Bar
from wayside.config import read_city
from wayside.opening import open_city
from wayside.operate import operate
from wayside.recorder import Recorder
from wayside.replaying import describe
from wayside.run import Run
from wayside.security.detection import reasons_of, tell
from wayside.security.detection_study import MOST_FALSE_PER_HOUR, false_rate

SEEDS = (501, 502)  # of traffic that no limit was chosen with
SECONDS = 600.0


def drive(folder: Path, seed: int, seconds: float, demand: float) -> Run:
    """Record what all motor vehicles say over the wire and what poles see; nobody lies, nothing is broken."""
    city = read_city("pingshan").with_world(equipped_share=1.0, demand_scale=demand, faults={"planted": ()})
    steps = tuple(one for one in city.steps if one.name == "pole_reach")
    city = dataclasses.replace(city, steps=steps, envelope={"kind": "none"})
    opened = open_city(city, seed=seed, seconds=seconds)
    about = {
        "name": "honest",
        "seed": seed,
        "start_ns": city.start_ns,
        "tick_ns": city.tick_ns,
        **describe(opened.pipeline),
    }
    try:
        with Recorder(folder, about, opened.world.road) as recorder:
            ticks = round(seconds * 10)
            operate(opened.world, opened.pipeline, edge=opened.edge, recorder=recorder, ticks=ticks)
            recorder.close(complete=True)
    finally:
        opened.world.close()
    return Run(folder)


def accused(seed: int, seconds: float = SECONDS, demand: float = 1.0) -> tuple[float, int, dict[str, int]]:
    """Return hours of honest senders, how many of them were distrusted, and for what."""
    with tempfile.TemporaryDirectory() as place:
        outcome = tell(drive(Path(place) / "run", seed, seconds, demand), None, seed=seed)
    reasons = {reason.name: count for reason, count in reasons_of(outcome, lied=False).items()}
    return outcome.honest_s / 3600.0, int((outcome.found_ns >= 0).sum()), reasons


def measure(seeds: Iterable[int] = SEEDS) -> list[Bar]:
    """Measure; a third of a minute for each minute of traffic."""
    found = [accused(seed) for seed in seeds]
    hours, wrong = sum(one[0] for one in found), sum(one[1] for one in found)
    rate, low, high = false_rate(wrong, hours)
    beside = f"{wrong} in {hours:.0f} hours; 95 % interval {low:.4f} to {high:.4f}"
    return [Bar("honest senders distrusted in an hour", rate, "<=", MOST_FALSE_PER_HOUR, "1/h", beside)]
