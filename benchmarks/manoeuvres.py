"""How well single road users are followed: made-up ways, sensors of stated quality, and what is published."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wayside.maps.drawing import two_lane_road
from wayside.roadside.picture import PictureConfig, picture
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.table import F64
from wayside.v2x.tables import Kind, Reports

STEP_S = 0.01  # between points of a way
TICK_S = 0.1
START_NS = 1_000_000_000_000
NOWHERE = two_lane_road(length=1.0)  # a map without lanes where the ways run
SETTLED_S = 2.0  # until then nothing is scored


class Way(NamedTuple):
    """Where a road user truly is: position [m], speed [m/s] and heading [rad] every `STEP_S`."""

    x: F64
    y: F64
    speed: F64
    heading: F64


def way(seconds: float, speed: float, acceleration: F64 | float = 0.0, turn: F64 | float = 0.0) -> Way:
    """Return the way that follows from a first speed and the acceleration and rate of turn at each point."""
    points = round(seconds / STEP_S)
    speeds = np.maximum(speed + np.cumsum(np.broadcast_to(acceleration, points)) * STEP_S, 0.0)
    heading = np.cumsum(np.broadcast_to(turn, points) * STEP_S * (speeds > 0.0))
    x, y = np.cumsum(speeds * np.cos(heading)) * STEP_S, np.cumsum(speeds * np.sin(heading)) * STEP_S
    # far from the map's lanes
    return Way(x + 500.0, y + 500.0, speeds, heading)


def manoeuvres() -> dict[str, Way]:
    """Return the ways by name."""
    t = np.arange(round(20.0 / STEP_S)) * STEP_S

    def during(begin: float, end: float, value: float) -> F64:
        return np.where((t > begin) & (t < end), value, 0.0)

    def swing(begin: float, lasts: float, aside: float, speed: float) -> F64:
        share = (t - begin) / lasts
        turn: F64 = aside * 2.0 * np.pi / lasts**2 * np.sin(2.0 * np.pi * share) / speed
        return np.where((share > 0.0) & (share < 1.0), turn, 0.0)

    return {
        "standing": way(20.0, 0.0),
        "straight, 15 m/s": way(20.0, 15.0),
        "curve of 30 m, 12 m/s": way(20.0, 12.0, turn=during(4.0, 99.0, 0.4)),
        "right turn of 10 m": way(20.0, 12.0, during(2.0, 5.5, -2.0) + during(9.5, 13.0, 2.0),
                                  during(6.0, 6.0 + np.pi, 0.5)),
        "braking with 6 m/s2": way(20.0, 15.0, during(4.0, 6.5, -6.0)),
        "stop and go": way(20.0, 12.0, during(3.0, 9.0, -2.0) + during(12.0, 17.0, 2.2)),
        "lane change in 3 s": way(20.0, 15.0, turn=swing(5.0, 3.0, 3.5, 15.0)),
        "swerve in 1.5 s": way(20.0, 14.0, turn=swing(5.0, 1.5, 2.5, 14.0)),
    }  # fmt: skip


class Sensor(NamedTuple):
    """Quality of a pole's list, as in `worlds/sensing.py`."""

    sigma: float = 0.3  # of position per axis [m]
    lasting: float = 0.4  # share of that variance which stays for about 2 s
    missed: float = 0.04
    age_s: float = 0.08  # from scan to tick
    moves: bool = True  # tells speed and heading
    pole: int = 1
    early_s: float = 0.0  # its clock is ahead by so much


def scans(truth: Way, sensor: Sensor, seed: int) -> list[Detections]:
    """Return what the sensor says before each tick."""
    random = np.random.default_rng((seed, sensor.pole))
    ticks = round(len(truth.x) * STEP_S / TICK_S)
    rows = np.maximum(((np.arange(ticks) * TICK_S - sensor.age_s) / STEP_S).round().astype(int), 0)
    lasting, keep = random.normal(size=(ticks, 2)), np.exp(-TICK_S / 2.0)
    for k in range(1, ticks):
        lasting[k] = keep * lasting[k - 1] + np.sqrt(1.0 - keep**2) * lasting[k]
    quick = np.sqrt(1.0 - sensor.lasting) * random.normal(size=(ticks, 2))
    error = sensor.sigma * (quick + np.sqrt(sensor.lasting) * lasting)
    sure = sensor.sigma > 0.0
    speed = np.maximum(truth.speed[rows] + 0.2 * sure * random.normal(size=ticks), 0.0)
    heading = truth.heading[rows] + 0.04 * sure * random.normal(size=ticks)
    heading = np.where((truth.speed[rows] < 0.5) | (not sensor.moves), np.nan, heading)
    seen = random.random(ticks) >= sensor.missed
    found = []
    for k in range(ticks):
        if not seen[k]:
            found.append(Detections.empty())
            continue
        stamp = START_NS + round((k * TICK_S - sensor.age_s + sensor.early_s) * 1e9)
        one: dict[str, Any] = {
            "pole": sensor.pole, "time_ns": stamp, "number": 0, "received_ns": stamp, "kind": Kind.CAR,
            "x": truth.x[rows[k]] + error[k, 0], "y": truth.y[rows[k]] + error[k, 1], "heading": heading[k],
            "speed": speed[k] if sensor.moves else np.nan, "length": 4.5, "width": 1.8,
            "position_sigma": max(sensor.sigma, 0.1),
        }  # fmt: skip
        found.append(Detections(**{name: np.atleast_1d(value) for name, value in one.items()}))
    return found


class Followed(NamedTuple):
    """Errors of what is published, at the publishing instants.

    Attributes:
        position: distance [m]; ahead, aside: the same along the course and to the left of it.
        velocity: difference of velocities [m/s].
        surprise: squared distance over twice the stated variance; 1 on average where that is honest.
        identities: how many a road user had.
    """

    position: F64
    ahead: F64
    aside: F64
    velocity: F64
    surprise: F64
    identities: int


def follow(truth: Way, sensors: tuple[Sensor, ...], seed: int = 1, quality: PoleQuality | None = None) -> Followed:
    """Follow one road user through what the sensors say, and compare what is published with where it is."""
    said = [scans(truth, sensor, seed) for sensor in sensors]
    tracks, rows, names = Tracks.empty(), [], set()
    for k, lists in enumerate(zip(*said, strict=True)):
        now = START_NS + round(k * TICK_S * 1e9)
        tracks = track(
            Reports.empty(), Detections.concatenate(lists).canonical(), Trust.empty(),
            PoleQuality.empty() if quality is None else quality, tracks, road=NOWHERE, config=TrackConfig(),
            time_ns=now,
        ).canonical()  # fmt: skip
        shown = picture(tracks, road=NOWHERE, time_ns=now, config=PictureConfig())
        point = min(round(k * TICK_S / STEP_S), len(truth.x) - 1)
        names.update(shown.id.tolist())
        if not len(shown) or k * TICK_S < SETTLED_S:
            continue
        dx, dy = shown.x - truth.x[point], shown.y - truth.y[point]
        n = int(np.hypot(dx, dy).argmin())
        cosine, sine = np.cos(truth.heading[point]), np.sin(truth.heading[point])
        course = shown.heading[n] if not np.isnan(shown.heading[n]) else 0.0
        u = shown.speed[n] * np.cos(course) - truth.speed[point] * cosine
        v = shown.speed[n] * np.sin(course) - truth.speed[point] * sine
        squared = dx[n] ** 2 + dy[n] ** 2
        rows.append((np.sqrt(squared), dx[n] * cosine + dy[n] * sine, dy[n] * cosine - dx[n] * sine,
                     np.hypot(u, v), squared / (2.0 * shown.position_sigma[n] ** 2)))  # fmt: skip
    position, ahead, aside, velocity, surprise = np.array(rows).T
    return Followed(position, ahead, aside, velocity, surprise, len(names))


def two_perfect(truth: Way) -> Followed:
    """Follow a road user by two sensors without error, the second half a tick older than the first."""
    exact = Sensor(sigma=0.0, missed=0.0, lasting=0.0)
    return follow(truth, (exact, exact._replace(pole=2, age_s=0.13)))
