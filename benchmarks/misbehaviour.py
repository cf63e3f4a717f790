"""Judging senders: time of one tick with 350 vehicles, and how it grows with their number."""

from __future__ import annotations

import itertools
import time

import numpy as np

from benchmarks.bar import Bar
from wayside.maps.drawing import two_lane_road
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Detections, Poles
from wayside.security.attacks import Attack, inject
from wayside.security.plausibility import PlausibilityConfig, judge_senders
from wayside.security.tables import PoleReach, Trust
from wayside.table import I64
from wayside.v2x.tables import Kind, Reports

SENDERS, MANY = 350, 1400
TICKS, WARM = 60, 10
TICK_NS, START_NS = 100_000_000, 1_000_000_000_000


def traffic(senders: int) -> tuple[I64, Reports]:
    """Return cars 20 m apart that drive at 12 m/s, with a little noise, heard at every tick."""
    random = np.random.default_rng(1)
    instant = np.repeat(START_NS + np.arange(TICKS) * TICK_NS, senders)
    some = np.ones(len(instant))
    x = np.tile(np.arange(senders) * 20.0, TICKS) + 12.0 * (instant - START_NS) * 1e-9
    return instant, Reports(
        sender=np.tile(np.arange(1, senders + 1), TICKS), time_ns=instant, received_ns=instant + 15_000_000,
        kind=some * Kind.CAR, x=x + random.normal(0, 0.05, len(x)), y=random.normal(0, 0.05, len(x)),
        heading=random.normal(0, 0.01, len(x)), speed=12 + random.normal(0, 0.05, len(x)), acceleration=0 * some,
        yaw_rate=0 * some, vertical=0 * some, length=4.6 * some, width=1.8 * some, position_sigma=0.3 * some,
        events=0 * some,
    ).rounded()  # fmt: skip


def tick_ms(ticks: I64, reports: Reports, road: RoadMap) -> float:
    """Return the median time of a tick [ms], the least of three rounds."""
    config, rounds = PlausibilityConfig(), []
    starts = np.append(np.flatnonzero(np.diff(ticks, prepend=-1)), len(ticks))
    for _ in range(3):
        trust, taken = Trust.empty(), []
        for first, end in itertools.pairwise(starts):
            heard = reports.take(slice(int(first), int(end)))
            begin = time.perf_counter()
            trust = judge_senders(
                heard, Detections.empty(), Poles.empty(), PoleReach.empty(), trust, road=road,
                time_ns=int(ticks[first]), config=config,
            )  # fmt: skip
            taken.append(time.perf_counter() - begin)
            trust = trust.canonical()
        rounds.append(float(np.median(taken[WARM:])) * 1e3)
    return min(rounds)


def measure() -> list[Bar]:
    """Measure."""
    road = two_lane_road(MANY * 20.0 + 1000.0)
    some, many = traffic(SENDERS), traffic(MANY)
    flooded = inject(*some, Attack.DOS_RANDOM_SYBIL, share=0.1, seed=1)
    usual, fourfold = tick_ms(*some, road), tick_ms(*many, road)
    return [
        Bar(f"judge {SENDERS} senders, one tick", usual, "<=", 1.0, "ms", "median, best of 3 rounds; no poles"),
        Bar(f"the same with {MANY} senders, as a multiple", fourfold / usual, "<=", 6.0, "", f"{fourfold:.2f} ms"),
        Bar("a tenth of them flooding", tick_ms(flooded.ticks, flooded.reports, road), "<=", None, "ms"),
    ]
