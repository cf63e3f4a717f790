"""Real roadside detections of a roundabout, tracked, beside the satellite positions of instrumented road users.

MSight recordings of State St and W Ellsworth Rd, Ann Arbor, 2023-07-06 (GitHub, MIT:
michigan-traffic-lab/perception_evaluation): object lists at 10 Hz, and one or two instrumented vehicles or one
pedestrian a trial. They are developer data and not part of this repository.

The error and the delay differ from one side of the roundabout to the other, so each quarter counts as a pole.
Frame and latency of each quarter are estimated from the instrumented vehicle of the OTHER trials, as a system
learns them from equipped vehicles that pass; of the trial that is scored the tracker gets detections only. People
are detected later than vehicles: their latency is estimated on the first half of the one trial there is, and the
second half is scored.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.maps.coordinates import Projection
from wayside.maps.drawing import two_lane_road
from wayside.roadside.picture import PictureConfig, picture
from wayside.roadside.tables import Actors, Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.table import F64, I64
from wayside.v2x.tables import Kind, Reports

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[2] / "shared" / "data"))
FOLDER = DATA / "trajectories" / "msight_roundabout"
CENTRE = Projection.around(42.300947, -83.698649)
TRIALS = {  # files of detections and truth, and radius within which is scored [m]
    "2": ("detection_2", "gps_data_2", 20.0),
    "3": ("detection_3", "gps_data_3", 50.0),
    "4": ("detection_4", "gps_data_4", 50.0),
    "13": ("detection_13", "gps_data_13_c", 50.0),
    "11": ("detection_11", "ped_gps_data_ped_11", 25.0),
}
VEHICLES, PEOPLE = ("2", "3", "4", "13"), "11"
KINDS = {0: 0, 2: Kind.CAR, 10: Kind.PEDESTRIAN}  # class in the recording: ours
REFERENCE = ("0", "0-cut")  # the instrumented vehicle whose antenna stands at its middle line
SIGMA_M = 0.15  # scan-to-scan noise of trial 2
TICK_NS = 100_000_000
EPOCH_S = 1_688_680_000.0  # seconds of the recording count from here
START_NS = 1_000_000_000_000
SEEN_S, NEAR_M, GOOD_M = 0.3, 3.0, 1.5


@dataclass(frozen=True)
class Trial:
    """One recording: detections as columns, and where each instrumented road user was.

    Attributes:
        detections: columns of `Detections`, in the order of their stamps.
        truth: per instrumented road user rows of time [s], x and y [m].
        radius: from the middle of the roundabout, within which is scored [m].
    """

    detections: dict[str, NDArray[Any]]
    truth: dict[str, F64]
    radius: float


def read(name: str) -> Trial:
    """Read a trial. Headings are left out: the recording has the axis of a box, not its direction."""
    detected, driven, radius = TRIALS[name]
    rows = [
        (_ns(frame["timestamp"]), number, KINDS[int(seen["classType"])],
         *(float(seen[what]) for what in ("lat", "lon", "length", "width")))
        for frame in _json(FOLDER / "dets" / f"{detected}.json.gz")
        for number, seen in enumerate(frame["objs"])
    ]  # fmt: skip
    time_ns, number, kind, latitude, longitude, length, width = (np.array(c) for c in zip(*rows, strict=True))
    x, y = CENTRE.from_wgs84(latitude, longitude)
    order = np.lexsort((number, time_ns))
    columns: dict[str, Any] = {
        "time_ns": time_ns, "received_ns": time_ns, "number": number, "kind": kind, "x": x, "y": y,
        "length": length, "width": width, "pole": _quarter(x, y) + 1, "heading": np.full(len(x), np.nan),
        "speed": np.full(len(x), np.nan), "position_sigma": np.full(len(x), SIGMA_M),
    }  # fmt: skip
    driven_rows: dict[str, list[tuple[float, float, float]]] = {}
    for frame in _json(FOLDER / "gts" / f"{driven}.json.gz"):
        for there in frame["objs"]:
            place = float(there["lat"]), float(there["lon"])
            driven_rows.setdefault(str(there["id"]), []).append((_ns(frame["timestamp"]) * 1e-9, *place))
    truth = {}
    for who, places in driven_rows.items():
        stamp, latitude, longitude = np.array(sorted(places)).T
        truth[who] = np.column_stack((stamp, *CENTRE.from_wgs84(latitude, longitude)))
    return Trial({name: values[order] for name, values in columns.items()}, truth, radius)


def _json(path: Path) -> Any:
    with gzip.open(path) as file:
        return json.load(file)


def _ns(stamp: float) -> int:
    return START_NS + round((stamp - EPOCH_S) * 1e9)


def _quarter(x: Any, y: Any) -> I64:
    """Return 0 for the east of the roundabout, then 1, 2, 3 for north, west, south."""
    quarter: I64 = np.floor((np.arctan2(y, x) + np.pi / 4.0) / (np.pi / 2.0)).astype(np.int64) % 4
    return quarter


def _places(truth: F64, instants: Any) -> tuple[F64, F64]:
    return np.interp(instants, truth[:, 0], truth[:, 1]), np.interp(instants, truth[:, 0], truth[:, 2])


@dataclass(frozen=True)
class Pairs:
    """Detections beside an instrumented road user: where it was by then, its velocity, and the difference."""

    x: F64
    y: F64
    velocity_x: F64
    velocity_y: F64
    dx: F64
    dy: F64

    @staticmethod
    def of(trial: Trial, latency: float, *, least_speed: float, until_s: float = np.inf) -> Pairs:
        """Pair the nearest detection of each frame with each reference, if nearer than `NEAR_M`."""
        seen = trial.detections
        stamp = seen["time_ns"] * 1e-9
        parts = []
        for who, truth in trial.truth.items():
            if who not in REFERENCE:
                continue
            then = stamp - latency
            x, y = _places(truth, then)
            (x0, y0), (x1, y1) = _places(truth, then - 0.25), _places(truth, then + 0.25)
            u, v = (x1 - x0) / 0.5, (y1 - y0) / 0.5
            away = np.hypot(seen["x"] - x, seen["y"] - y)
            good = (then > truth[0, 0]) & (then < truth[-1, 0]) & (np.hypot(x, y) < trial.radius)
            good &= (away < NEAR_M) & (np.hypot(u, v) > least_speed) & (stamp < until_s)
            rows = np.flatnonzero(good)
            rows = rows[np.lexsort((away[rows], stamp[rows]))]
            rows = rows[np.unique(stamp[rows], return_index=True)[1]]
            parts.append(np.stack([x, y, u, v, seen["x"] - x, seen["y"] - y])[:, rows])
        return Pairs(*np.concatenate(parts, axis=1))

    def take(self, rows: Any) -> Pairs:
        """Return some of the pairs."""
        return Pairs(*(values[rows] for values in vars(self).values()))

    @staticmethod
    def together(parts: list[Pairs]) -> Pairs:
        """Return the pairs of all parts."""
        return Pairs(*(np.concatenate(c) for c in zip(*(vars(p).values() for p in parts), strict=True)))


PRIOR = np.array([np.radians(0.6), 0.3, 0.3, 0.05])  # by how much a quarter differs from the whole
CORRELATION = 10.0  # so many pairs in a row tell as much as one


def _estimate(pairs: Pairs, about: F64, spread: F64) -> Any:
    """Return turn [rad], shift east and north [m] and further latency [s]: robust least squares with a prior."""
    rows = len(pairs.x)
    design = np.zeros((2 * rows, 4))
    design[0::2, 0], design[1::2, 0] = -pairs.y, pairs.x
    design[0::2, 1], design[1::2, 2] = 1.0, 1.0
    design[0::2, 3], design[1::2, 3] = -pairs.velocity_x, -pairs.velocity_y
    wanted = np.stack([pairs.dx, pairs.dy], axis=1).reshape(-1)
    prior = np.diag(0.09 * CORRELATION / spread**2)
    weight: Any = np.ones(2 * rows)
    found = about
    for _ in range(15):
        normal = (design * weight[:, None]).T
        found = np.linalg.solve(normal @ design + prior, normal @ wanted + prior @ about)
        left = (wanted - design @ found).reshape(-1, 2)
        weight = np.repeat(1.0 / np.maximum(np.hypot(*left.T) / 0.3, 1.0), 2)
    return found


def survey(pairs: Pairs, latency: float) -> PoleQuality:
    """Return what is known of the four quarters after comparing them with an instrumented road user."""
    whole = _estimate(pairs, np.zeros(4), np.ones(4))
    quarter = _quarter(pairs.x, pairs.y)
    found = [whole]
    for number in range(4):
        rows = np.flatnonzero(quarter == number)
        found.append(_estimate(pairs.take(rows), whole, PRIOR) if len(rows) > 5 else whole)
    turn, east, north, late = np.array(found[1:]).T
    return known(turn, east, north, late + latency)


def known(turn: F64, east: F64, north: F64, late: Any) -> PoleQuality:
    """Return pole quality that is sure of these errors."""
    columns = {name: np.zeros(4, column.dtype) for name, column in PoleQuality.columns.items()}
    columns |= {"pole": np.arange(1, 5, dtype=np.uint16), "yaw_error": turn, "offset_x": east, "offset_y": north}
    return PoleQuality(**columns | {"latency_s": np.broadcast_to(late, 4)})


Shown = list[tuple[int, Actors, Tracks]]  # instant of the tick, what is published, and the tracks behind it


def follow(trial: Trial, quality: PoleQuality) -> Shown:
    """Track a trial; frames reach the tracker in the first tick after their stamp."""
    seen, road = trial.detections, two_lane_road(length=1.0)
    first = int(seen["time_ns"].min()) + TICK_NS // 2
    ticks = np.arange(first, int(seen["time_ns"].max()) + TICK_NS, TICK_NS)
    slot = np.searchsorted(ticks, seen["time_ns"])
    tracks, shown = Tracks.empty(), []
    for number, now in enumerate(ticks.tolist()):
        rows = np.flatnonzero(slot == number)
        arrived = Detections(**{name: values[rows] for name, values in seen.items()}).canonical()
        tracks = track(
            Reports.empty(), arrived, Trust.empty(), quality, tracks, road=road, config=TrackConfig(), time_ns=now
        ).canonical()
        shown.append((now, picture(tracks, road=road, time_ns=now, config=PictureConfig()), tracks))
    return shown


@dataclass(frozen=True)
class Score:
    """How well a road user was followed.

    Attributes:
        wanted: ticks at which it was within the radius and the detector had seen it within the last 0.3 s.
        errors: distance of the nearest actor at those ticks, where within 1.5 m [m].
        tracked: distance of its track from where the road user was at the instant of the newest scan [m].
        switches: times that this actor's identity changed within 3 s.
    """

    wanted: int
    errors: F64
    tracked: F64
    switches: int

    @property
    def recall(self) -> float:
        """Share of the wanted ticks with an actor within 1.5 m."""
        return len(self.errors) / max(self.wanted, 1)

    @property
    def mean(self) -> float:
        """Mean error [m]."""
        return float(self.errors.mean()) if len(self.errors) else float("nan")


def score(trial: Trial, shown: Shown, who: str, latency: float, *, from_s: float = 0.0) -> Score:
    """Score positions against one instrumented road user.

    Those published count at the publishing instants, the tracks behind them at the instants of their scans.
    """
    truth, seen = trial.truth[who], trial.detections
    then = seen["time_ns"] * 1e-9 - latency
    x, y = _places(truth, then)
    near = (np.hypot(seen["x"] - x, seen["y"] - y) < NEAR_M) & (then > truth[0, 0]) & (then < truth[-1, 0])
    sightings = np.unique(seen["time_ns"][near] * 1e-9)
    wanted, switches, errors, tracked = 0, 0, [], []
    last, last_s = 0, -np.inf
    for now, actors, tracks in shown:
        second = now * 1e-9
        before = np.searchsorted(sightings, second, "right") - 1
        if not truth[0, 0] <= second <= truth[-1, 0] or second < from_s:
            continue
        (px,), (py,) = _places(truth, [second])
        if np.hypot(px, py) > trial.radius or before < 0 or second - sightings[before] > SEEN_S:
            continue
        wanted += 1
        away = np.hypot(actors.x - px, actors.y - py)
        if not len(away) or away.min() > GOOD_M:
            continue
        nearest = int(away.argmin())
        errors.append(float(away[nearest]))
        (row,) = np.flatnonzero(tracks.id == actors.id[nearest])
        (px,), (py,) = _places(truth, [tracks.time_ns[row] * 1e-9])
        tracked.append(float(np.hypot(tracks.x[row] - px, tracks.y[row] - py)))
        switches += int(second - last_s < 3.0 and int(actors.id[nearest]) != last)
        last, last_s = int(actors.id[nearest]), second
    return Score(wanted, np.array(errors), np.array(tracked), switches)


def vehicle_scores() -> dict[tuple[str, str], Score]:
    """Return the score of each instrumented vehicle, by trial and name; its own trial teaches nothing."""
    trials = {name: read(name) for name in VEHICLES}
    pairs = {name: Pairs.of(trial, 0.13, least_speed=1.0) for name, trial in trials.items()}
    found = {}
    for name, trial in trials.items():
        quality = survey(Pairs.together([pairs[other] for other in VEHICLES if other != name]), 0.13)
        shown = follow(trial, quality)
        for who in trial.truth:
            found[name, who] = score(trial, shown, who, float(quality.latency_s.mean()))
    return found


def pedestrian_score() -> tuple[float, Score]:
    """Return the latency estimated on the first half [s], and the score of the second half."""
    trials = [read(name) for name in VEHICLES]
    frame = survey(Pairs.together([Pairs.of(trial, 0.13, least_speed=1.0) for trial in trials]), 0.13)
    trial = read(PEOPLE)
    stamps = trial.detections["time_ns"] * 1e-9
    middle, latency = float(stamps[0] + stamps[-1]) / 2.0, 0.4
    for _ in range(3):  # pairs depend on the latency a little
        pairs = Pairs.of(trial, latency, least_speed=0.5, until_s=middle)
        row = _quarter(pairs.x, pairs.y)
        dx = pairs.dx - frame.offset_x[row] + frame.yaw_error[row] * pairs.y
        dy = pairs.dy - frame.offset_y[row] - frame.yaw_error[row] * pairs.x
        squared = pairs.velocity_x**2 + pairs.velocity_y**2
        latency -= float(np.median((dx * pairs.velocity_x + dy * pairs.velocity_y) / squared))
    quality = known(frame.yaw_error, frame.offset_x, frame.offset_y, latency)
    (who,) = trial.truth
    return latency, score(trial, follow(trial, quality), who, latency, from_s=middle)
