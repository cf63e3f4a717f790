"""The camera model beside real roadside cameras: the same drives through a roundabout, seen by both.

The model's figures were read off these recordings, so this proves that it says what it was told, no more.
"""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from wayside.roadside.tables import Detections, Poles, SensorKind
from wayside.table import F64
from wayside.v2x.tables import Kind
from wayside.worlds.sensing import SensingConfig, scan
from wayside.worlds.tables import Truth

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[4] / "shared" / "data"))
FOLDER = DATA / "trajectories" / "msight_roundabout"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings at {FOLDER}; set WAYSIDE_DATA")
LATITUDE, LONGITUDE, RADIUS = 42.300947, -83.698649, 6378137.0
TRIALS = {"3": "gps_data_3", "4": "gps_data_4", "13": "gps_data_13_c"}  # a car, within 50 m
WITHIN_M, MATCH_M = 50.0, 1.5
BANDS = ((0.0, 15.0), (15.0, 30.0), (30.0, 50.0))


class Seen(NamedTuple):
    """What was seen of a drive: error per axis and distance where it was found, share found, lag undone."""

    error: F64
    distance: F64
    share: float
    lag: float


def places(objects: list[dict[str, Any]]) -> F64:
    north = np.radians([float(o["lat"]) - LATITUDE for o in objects]) * RADIUS
    scale = RADIUS * np.cos(np.radians(LATITUDE))
    east = np.radians([float(o["lon"]) - LONGITUDE for o in objects]) * scale
    return np.column_stack([east, north])


@cache
def drive(trial: str) -> tuple[F64, F64]:
    """Return the instants [s] and places [m] of the instrumented car."""
    frames = json.loads(gzip.decompress((FOLDER / "gts" / f"{TRIALS[trial]}.json.gz").read_bytes()))
    frames = sorted((f for f in frames if f["objs"]), key=lambda f: f["timestamp"])
    return np.array([f["timestamp"] for f in frames]), places([f["objs"][0] for f in frames])


def judge(trial: str, scans: list[tuple[float, F64]], lag: float) -> Seen:
    """Compare stamped lists of places with the drive, their stamps put back by the lag."""
    instants, path = drive(trial)
    errors, distances, found = [], [], []
    for stamp, seen in scans:
        t = stamp - lag
        if not instants[0] <= t <= instants[-1]:
            continue
        at = np.array([np.interp(t, instants, path[:, axis]) for axis in (0, 1)])
        if np.hypot(*at) > WITHIN_M:
            continue
        gaps = np.hypot(*(seen - at).T) if len(seen) else np.array([np.inf])
        nearest = int(gaps.argmin())
        found.append(gaps[nearest] < MATCH_M)
        if found[-1]:
            errors.append(seen[nearest] - at)
            distances.append(np.hypot(*at))
    return Seen(np.array(errors), np.array(distances), float(np.mean(found)), lag)


def best(trial: str, scans: list[tuple[float, F64]]) -> Seen:
    """Return the comparison with the lag that makes the mean error least."""
    tried = [judge(trial, scans, lag) for lag in np.arange(0.0, 0.25, 0.02)]
    return min(tried, key=lambda one: float(np.hypot(*one.error.T).mean()))


@cache
def recorded(trial: str) -> Seen:
    frames = json.loads(gzip.decompress((FOLDER / "dets" / f"detection_{trial}.json.gz").read_bytes()))
    return best(trial, [(f["timestamp"], places(f["objs"]) if f["objs"] else np.empty((0, 2))) for f in frames])


@cache
def modelled(trial: str, seed: int) -> Seen:
    instants, path = drive(trial)
    start, scans = instants[0], []
    pole = Poles(
        pole=[1], x=[0.0], y=[0.0], range=[60.0], position_sigma=[0.3], controller=[-1], sensor=[SensorKind.CAMERA]
    )
    for n in range(int((instants[-1] - start) * 10)):
        now, ahead = (
            np.array([np.interp(start + t, instants, path[:, axis]) for axis in (0, 1)])
            for t in (n / 10, n / 10 + 0.05)
        )
        speed = float(np.hypot(*(ahead - now)) / 0.05)
        heading = float(np.arctan2(*(ahead - now)[::-1]))
        truth = Truth(
            id=[7], kind=[Kind.CAR], x=[now[0]], y=[now[1]], heading=[heading], speed=[speed], acceleration=[0.0],
            length=[4.9], width=[1.9], lane=[-1], equipped=[True], automated=[0],
        )  # fmt: skip
        seen: Detections = scan(
            truth, pole, time_ns=n * 100_000_000, visibility=12_000.0, config=SensingConfig(), seed=seed
        )
        if len(seen):
            scans.append((start + float(seen.time_ns[0]) * 1e-9, np.column_stack([seen.x, seen.y])))
        else:
            scans.append((start + n / 10 + 0.12, np.empty((0, 2))))
    return best(trial, scans)


def spread(parts: list[Seen], low: float, high: float) -> float:
    errors = np.concatenate([p.error[(p.distance >= low) & (p.distance < high)] for p in parts])
    return float(np.sqrt(np.mean(errors**2)))


def test_errors_by_distance_are_those_of_the_recordings() -> None:
    real = [recorded(trial) for trial in TRIALS]
    made = [modelled(trial, seed) for trial in TRIALS for seed in range(4)]
    for low, high in BANDS:
        assert spread(made, low, high) == pytest.approx(spread(real, low, high), rel=0.4)


def test_as_many_scans_are_missed_and_stamps_are_as_late() -> None:
    real = [recorded(trial) for trial in TRIALS]
    made = [modelled(trial, seed) for trial in TRIALS for seed in range(4)]
    assert np.mean([one.share for one in made]) == pytest.approx(np.mean([one.share for one in real]), abs=0.06)
    assert np.mean([one.lag for one in made]) == pytest.approx(np.mean([one.lag for one in real]), abs=0.03)
