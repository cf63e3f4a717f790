"""How well road users are followed: real detections, manoeuvres, two perfect sensors, and what a tick costs.

Says nothing of the pilot zone; that is `wayside study perception`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import roundabout, roundabout_scores
from benchmarks.bar import Bar
from benchmarks.manoeuvres import NOWHERE, Followed, Sensor, follow, manoeuvres, two_perfect
from benchmarks.roundabout import Score
from wayside.roadside.picture import PictureConfig, picture
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.v2x.tables import Kind, Reports

SEEDS = range(10)
USERS = (240, 10_000)
START_NS = 1_000_000_000_000
TICK_NS = 100_000_000


def bias() -> list[Bar]:
    """Measure what is published of one seen by two perfect sensors."""
    ways = manoeuvres()
    found = []
    for name, bar in (("straight, 15 m/s", 0.05), ("curve of 30 m, 12 m/s", 0.15)):
        followed = two_perfect(ways[name])
        beside = f"mean {followed.position.mean():.3f} m"
        what = f"two perfect sensors, {name}: greatest error when published"
        found.append(Bar(what, float(followed.position.max()), "<=", bar, "m", beside))
    return found


def _together(runs: list[Followed], column: str) -> Any:
    return np.concatenate([getattr(one, column) for one in runs])


def turning() -> list[Bar]:
    """Measure each manoeuvre over all seeds, with sensors that tell speed and heading and without."""
    found = []
    for moves, words in ((True, "speed and heading told"), (False, "places only")):
        for name, truth in manoeuvres().items():
            runs = [follow(truth, (Sensor(moves=moves),), seed) for seed in SEEDS]
            error, velocity = _together(runs, "position"), _together(runs, "velocity")
            each = [float(np.sqrt((one.position**2).mean())) for one in runs]
            beside = (
                f"{min(each):.2f}-{max(each):.2f}; 99 % below {np.percentile(error, 99):.2f} m; velocity "
                f"{np.sqrt((velocity**2).mean()):.2f} m/s; surprise {_together(runs, 'surprise').mean():.1f}"
            )
            rms = float(np.sqrt((error**2).mean()))
            found.append(Bar(f"{name}, {words}: position error (RMS)", rms, "<=", None, "m", beside))
            names = max(one.identities for one in runs)
            if names > 1:
                found.append(Bar(f"{name}, {words}: identities of one road user", names, "<=", 1, ""))
    return found


def _real(what: str, score: Score, mean: float, beside: str) -> list[Bar]:
    there = f"{score.wanted} ticks; {score.tracked.mean():.3f} m at the scans"
    return [
        Bar(f"{what}: within 1.5 m of what was seen", score.recall, ">=", 0.95, "", there),
        Bar(f"{what}: mean error when published", score.mean, "<=", mean, "m", beside),
        Bar(f"{what}: identity switches", score.switches, "<=", 0, ""),
    ]


def real() -> list[Bar]:
    """Measure the roundabout's trials, if the data is there."""
    if not roundabout.FOLDER.is_dir():
        return []
    found = []
    for (trial, who), told in roundabout_scores.vehicle_scores():
        strict = told.elsewhere
        beside = (
            f"from the antenna {told.score.antenna.mean():.3f} m; other trials alone {strict.mean:.3f} m, from "
            f"the antenna {strict.antenna.mean():.3f} m; detections by their own truth {told.floor:.3f} m; "
            f"{told.latency:.2f} s late"
        )
        found += _real(f"roundabout, trial {trial}, vehicle {who}", told.score, 0.35, beside)
    latency, score = roundabout_scores.pedestrian_score()
    return [*found, *_real("roundabout, pedestrian", score, 0.25, f"{latency:.2f} s late")]


def _crowd(users: int, instant: int, random: np.random.Generator) -> Detections:
    """Return a scan of road users on a grid of 20 m that all drive east; each pole sees 100 of them."""
    rows = np.arange(users)
    side = int(np.ceil(np.sqrt(users)))
    stamp = START_NS + instant * TICK_NS
    x = (rows % side) * 20.0 + instant + random.normal(0.0, 0.2, users)
    y = (rows // side) * 20.0 + 1000.0 + random.normal(0.0, 0.2, users)
    plain = np.zeros(users)
    columns: dict[str, Any] = {
        "pole": rows // 100, "time_ns": np.full(users, stamp - 80_000_000), "number": rows % 100,
        "received_ns": np.full(users, stamp), "kind": np.full(users, Kind.CAR), "x": x, "y": y, "heading": plain,
        "speed": plain + 10.0, "length": plain + 4.5, "width": plain + 1.8, "position_sigma": plain + 0.3,
    }  # fmt: skip
    return Detections(**columns).canonical()


def cost() -> list[Bar]:
    """Measure processor time a tick, the least of 20."""
    found = []
    for users in USERS:
        random, tracks, spent = np.random.default_rng(1), Tracks.empty(), []
        for k in range(30):
            seen, now = _crowd(users, k, random), START_NS + k * TICK_NS
            begun = time.process_time_ns()
            tracks = track(
                Reports.empty(), seen, Trust.empty(), PoleQuality.empty(), tracks, road=NOWHERE,
                config=TrackConfig(), time_ns=now,
            ).canonical()  # fmt: skip
            middle = time.process_time_ns()
            picture(tracks, road=NOWHERE, time_ns=now, config=PictureConfig()).canonical()
            spent.append((middle - begun, time.process_time_ns() - middle))
        tracked, shown = np.array(spent[10:]).min(axis=0) / 1e6
        what = f"{users} road users: track and picture, per core-second"
        beside = f"track {tracked:.2f} ms, picture {shown:.2f} ms, each with rounding"
        found.append(Bar(what, users / (tracked + shown) * 1000.0, ">=", None, "/s", beside))
    return found


def measure() -> list[Bar]:
    """Measure."""
    return [*bias(), *turning(), *real(), *cost()]
