"""A parked car with jitter, and one that drives against its lane: seen by a pole, tracked, and judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.bar import Bar
from wayside.maps.drawing import two_lane_road
from wayside.roadside.congestion import congestion
from wayside.roadside.incidents import incidents
from wayside.roadside.picture import picture
from wayside.roadside.tables import Detections, IncidentKind, Incidents
from wayside.roadside.tracking import track
from wayside.security.sight import pole_reach
from wayside.step import AnyStep
from wayside.tick import Pipeline
from wayside.v2x.tables import Kind

START_NS, TICK_NS = 1_000_000_000_000, 100_000_000
LATE_NS = TICK_NS  # a scan arrives one tick later
DRAWS = 200
STEPS: tuple[AnyStep, ...] = (pole_reach, track, picture, congestion, incidents)


def _pipeline() -> Pipeline:
    written = {one.writes for one in STEPS}
    read = {kind for one in STEPS for _, kind in one.reads if not kind.asset}
    settings = {one.name: one.config() for one in STEPS if one.config is not None}
    return Pipeline.of(STEPS, settings, two_lane_road(400.0), frozenset(read - written), (), START_NS)


def _seen(random: Any, time_ns: int, moved_m: float, speed: float, noise_m: float, whole: bool) -> Detections:
    """Return what a pole sees of a car on the lane to the east that has come so far to the west."""
    values: dict[str, Any] = {name: np.zeros(1, c.dtype) for name, c in Detections.columns.items()}
    heading = np.pi + random.normal(0.0, 0.04) if whole and speed > 0.5 else np.nan
    values |= {
        "pole": [1], "time_ns": [time_ns], "received_ns": [time_ns + LATE_NS], "kind": [Kind.CAR],
        "x": [200.0 - moved_m + random.normal(0.0, noise_m)], "y": [random.normal(0.0, noise_m)],
        "heading": [heading], "speed": [max(speed + random.normal(0.0, 0.2), 0.0) if whole else np.nan],
        "length": [4.5], "width": [1.8], "position_sigma": [max(noise_m, 0.1)],
    }  # fmt: skip
    return Detections(**values)


def found_after(seed: int, speed: float, noise_m: float, seconds: float, *, whole: bool = True) -> float | None:
    """Return when a car on the lane to the east, driving west, is first called a wrong-way driver [s]; None never.

    Args:
        seed: of its noise.
        speed: of the car [m/s].
        noise_m: standard deviation of each detection per axis.
        seconds: how long it is watched from the first scan.
        whole: the pole tells heading and speed too, not places alone.
    """
    random = np.random.default_rng(seed)
    pipeline = _pipeline()
    frame = pipeline.first()
    for tick in range(round(seconds * 10) + 1):
        now = START_NS + tick * TICK_NS
        seen = [_seen(random, now - LATE_NS, speed * (tick - 1) * 0.1, speed, noise_m, whole)] if tick else []
        frame = pipeline.tick(frame, seen, now)
        table: Any = frame[Incidents]
        if (table.confirmed & (table.kind == IncidentKind.WRONG_WAY)).any():
            return tick * 0.1
    return None


def wrong_way_bars() -> list[Bar]:
    """Measure."""
    bars = []
    parked = sum(found_after(seed, 0.0, 0.02, 4.0, whole=seed % 2 == 0) is not None for seed in range(DRAWS))
    bars.append(Bar(f"wrong way: parked with 2 cm of jitter, alarms in {DRAWS}", parked, "<=", 0, "", "peer 101"))
    for whole, words in ((True, "places, headings, speeds"), (False, "places alone")):
        times = [found_after(seed, 8.0, 0.5, 2.4, whole=whole) for seed in range(DRAWS)]
        known = [time for time in times if time is not None]
        beside = f"median {np.median(known):.1f} s, at most {max(known):.1f} s; peer 67" if known else ""
        what = f"wrong way: 8 m/s with 0.5 m of noise, {words}: found of {DRAWS} within 2.4 s"
        bars.append(Bar(what, len(known), ">=", 195, "", beside))
    return bars
