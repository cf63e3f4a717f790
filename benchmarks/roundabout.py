"""Real roadside detections of a roundabout, tracked, beside the satellite positions of instrumented road users.

MSight recordings of State St and W Ellsworth Rd, Ann Arbor, 2023-07-06 (GitHub, MIT:
michigan-traffic-lab/perception_evaluation): object lists at 10 Hz, and one or two instrumented vehicles or one
pedestrian a trial. They are developer data and not part of this repository.

What is learnt from whom stands in `roundabout_learning.py`; the tracker is never given a latency.

Stamps are those of writing. After a stall the lists that queued up are written faster than they were made, which
shows in their spacing; `scan_instants` gives them back their pace, from what has arrived by then.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.roundabout_learning import Known, Pairs, cell_of, offset_of
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
SIGMA_M = (
    0.05  # per axis; from scan to scan places jump by 0.02 m along the way and 0.01 m across it, in every trial
)
TICK_NS = 100_000_000
SCAN_S = 0.1  # between scans
EPOCH_S = 1_688_680_000.0  # seconds of the recording count from here
START_NS = 1_000_000_000_000
SEEN_S, NEAR_M, GOOD_M = 0.3, 3.0, 1.5
KEPT_S = 3.0  # so long an actor that was right is asked for again, as in CLEAR; another in its place is a switch


@dataclass(frozen=True)
class Trial:
    """One recording: detections as columns, and where each instrumented road user was.

    Attributes:
        detections: columns of `Detections`, in the order of their scans.
        truth: per instrumented road user rows of time [s], x and y [m].
        radius: from the middle of the roundabout, within which is scored [m].
    """

    detections: dict[str, NDArray[Any]]
    truth: dict[str, F64]
    radius: float


@cache
def read(name: str) -> Trial:
    """Read a trial. Headings are left out: the recording has the axis of a box, not its direction."""
    detected, driven, radius = TRIALS[name]
    lists = _json(FOLDER / "dets" / f"{detected}.json.gz")
    instants, received = scan_instants(np.array([_seconds(frame["timestamp"]) for frame in lists]))
    rows = [
        (*(round(stamp * 1e9) for stamp in stamps), number, KINDS[int(seen["classType"])],
         *(float(seen[what]) for what in ("lat", "lon", "length", "width")))
        for frame, *stamps in zip(lists, instants.tolist(), received.tolist(), strict=True)
        for number, seen in enumerate(frame["objs"])
    ]  # fmt: skip
    time_ns, received_ns, number, kind, latitude, longitude, length, width = (
        np.array(c) for c in zip(*rows, strict=True)
    )
    x, y = CENTRE.from_wgs84(latitude, longitude)
    order = np.lexsort((number, time_ns))
    columns: dict[str, Any] = {
        "time_ns": time_ns, "received_ns": received_ns, "number": number, "kind": kind, "x": x, "y": y,
        "length": length, "width": width, "pole": cell_of(x, y) + 1, "heading": np.full(len(x), np.nan),
        "speed": np.full(len(x), np.nan), "position_sigma": np.full(len(x), SIGMA_M),
    }  # fmt: skip
    driven_rows: dict[str, list[tuple[float, float, float]]] = {}
    for frame in _json(FOLDER / "gts" / f"{driven}.json.gz"):
        for there in frame["objs"]:
            place = float(there["lat"]), float(there["lon"])
            driven_rows.setdefault(str(there["id"]), []).append((_seconds(frame["timestamp"]), *place))
    truth = {}
    for who, places in driven_rows.items():
        stamp, latitude, longitude = np.array(sorted(places)).T
        truth[who] = np.column_stack((stamp, *CENTRE.from_wgs84(latitude, longitude)))
    return Trial({name: values[order] for name, values in columns.items()}, truth, radius)


def _json(path: Path) -> Any:
    with gzip.open(path) as file:
        return json.load(file)


def _seconds(stamp: float) -> float:
    return START_NS * 1e-9 + round(stamp - EPOCH_S, 9)


def scan_instants(written: F64) -> tuple[F64, F64]:
    """Return when lists were made, up to a delay that is always the same, and when that is known [s].

    A list after a gap is kept back until the next: if that follows at once, both had queued up, a scan apart; else
    the scans between were lost.

    >>> [values.round(2).tolist() for values in scan_instants(np.array([0.0, 0.1, 0.5, 0.53, 0.56, 0.7]))]
    [[0.0, 0.1, 0.2, 0.3, 0.4, 0.6], [0.0, 0.1, 0.53, 0.53, 0.56, 0.7]]
    """
    made, known = written.copy(), written.copy()
    for k in range(1, len(written)):
        gap = written[k] - written[k - 1]
        behind = written[k - 1] - made[k - 1]
        queued = k + 1 < len(written) and written[k + 1] - written[k] < 0.7 * SCAN_S
        if gap > 1.5 * SCAN_S:
            known[k] = written[min(k + 1, len(written) - 1)]
            if queued:
                made[k] = made[k - 1] + SCAN_S
        elif gap < 0.9 * SCAN_S and behind > 0.0:
            made[k] = min(made[k - 1] + SCAN_S, written[k])
        elif behind > 0.0:  # nothing queues any more
            made[k] = written[k] - 0.5 * behind
    return made, known


def places(truth: F64, instants: Any) -> tuple[F64, F64]:
    """Return where a road user was [m]."""
    return np.interp(instants, truth[:, 0], truth[:, 1]), np.interp(instants, truth[:, 0], truth[:, 2])


@dataclass(frozen=True)
class Drive:
    """The way of an instrumented road user, with the direction in which it points, standing still too."""

    truth: F64
    along: F64  # way behind it at each row [m]
    step: I64  # rows at which it had moved by another decimetre

    @staticmethod
    @cache
    def of(name: str, who: str) -> Drive:
        """Return one of a trial."""
        truth = read(name).truth[who]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(truth[:, 1:], axis=0).T))])
        step = np.unique(np.floor(along / 0.1), return_index=True)[1]
        return Drive(truth, along, step)

    def course(self, instants: Any) -> F64:
        """Return the direction of the metre in whose middle it was [rad]."""
        way = np.interp(instants, self.truth[:, 0], self.along)
        turns = []
        for axis in (1, 2):
            line = self.truth[self.step, axis]
            turns.append(np.interp(way + 0.5, self.along[self.step], line)
                         - np.interp(way - 0.5, self.along[self.step], line))  # fmt: skip
        course: F64 = np.arctan2(turns[1], turns[0])
        return course


def pairs_of(name: str, who: str, latency: float, *, least_speed: float = 0.5, until_s: float = np.inf) -> Pairs:
    """Pair the nearest detection of each scan with an instrumented road user, if nearer than `NEAR_M`."""
    trial, drive = read(name), Drive.of(name, who)
    seen, truth = trial.detections, drive.truth
    stamp = seen["time_ns"] * 1e-9
    then = stamp - latency
    x, y = places(truth, then)
    (x0, y0), (x1, y1) = places(truth, then - 0.25), places(truth, then + 0.25)
    u, v = (x1 - x0) / 0.5, (y1 - y0) / 0.5
    away = np.hypot(seen["x"] - x, seen["y"] - y)
    good = (then > truth[0, 0]) & (then < truth[-1, 0]) & (np.hypot(x, y) < trial.radius)
    good &= (away < NEAR_M) & (np.hypot(u, v) > least_speed) & (stamp < until_s)
    rows = np.flatnonzero(good)
    rows = rows[np.lexsort((away[rows], stamp[rows]))]
    rows = rows[np.unique(stamp[rows], return_index=True)[1]]
    course = drive.course(then[rows])
    known = seen["received_ns"][rows] * 1e-9
    vehicle = np.full(len(rows), int(who[0]))
    return Pairs(known, vehicle, course, *np.stack([x, y, u, v, seen["x"] - x, seen["y"] - y])[:, rows])


Shown = list[tuple[int, Actors, Tracks]]  # instant of the tick, what is published, and the tracks behind it


def follow(trial: Trial, quality: Callable[[float], PoleQuality]) -> Shown:
    """Track a trial; lists reach the tracker in the first tick after they are known, with what is known then."""
    seen, road = trial.detections, two_lane_road(length=1.0)
    first = int(seen["received_ns"].min()) + TICK_NS // 2
    ticks = np.arange(first, int(seen["received_ns"].max()) + TICK_NS, TICK_NS)
    slot = np.searchsorted(ticks, seen["received_ns"])
    tracks, shown = Tracks.empty(), []
    for number, now in enumerate(ticks.tolist()):
        rows = np.flatnonzero(slot == number)
        arrived = Detections(**{name: values[rows] for name, values in seen.items()}).canonical()
        tracks = track(
            Reports.empty(), arrived, Trust.empty(), quality(now * 1e-9), tracks, road=road, config=TrackConfig(),
            time_ns=now,
        ).canonical()  # fmt: skip
        shown.append((now, picture(tracks, road=road, time_ns=now, config=PictureConfig()), tracks))
    return shown


@dataclass(frozen=True)
class Score:
    """How well a road user was followed.

    Attributes:
        wanted: ticks at which it was within the radius and the detector had seen it within the last 0.3 s.
        errors: distance of its actor, the last one or else the nearest, from the road user's middle at those
            ticks, where within 1.5 m [m].
        antenna: the same from the antenna, as recorded [m].
        tracked: distance of its track from its middle at the instant of the newest scan [m].
        switches: times that another actor took its place within 3 s.
    """

    wanted: int
    errors: F64
    antenna: F64
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


def score(name: str, who: str, shown: Shown, known: Known, *, from_s: float = 0.0) -> Score:
    """Score positions against one instrumented road user.

    Those published count at the publishing instants, the tracks behind them at the instants of their scans.
    """
    trial, drive = read(name), Drive.of(name, who)
    truth, seen = drive.truth, trial.detections
    then = seen["time_ns"] * 1e-9 - known.latency
    x, y = places(truth, then)
    near = (np.hypot(seen["x"] - x, seen["y"] - y) < NEAR_M) & (then > truth[0, 0]) & (then < truth[-1, 0])
    sightings = np.unique(seen["received_ns"][near] * 1e-9)
    arm = known.arms[int(who[0])]

    def middle(second: float) -> tuple[float, float, float, float]:
        (px,), (py,) = places(truth, [second])
        ahead, aside = offset_of(arm, float(drive.course(second)))
        return px, py, px + ahead, py + aside

    wanted, switches, errors, antenna, tracked = 0, 0, [], [], []
    last, last_s = 0, -np.inf
    for now, actors, tracks in shown:
        second = now * 1e-9
        before = np.searchsorted(sightings, second, "right") - 1
        if not truth[0, 0] <= second <= truth[-1, 0] or second < from_s:
            continue
        ax, ay, px, py = middle(second)
        if np.hypot(ax, ay) > trial.radius or before < 0 or second - sightings[before] > SEEN_S:
            continue
        wanted += 1
        away = np.hypot(actors.x - px, actors.y - py)
        if not len(away) or away.min() > GOOD_M:
            continue
        same = np.flatnonzero((actors.id == last) & (away <= GOOD_M) & (second - last_s < KEPT_S))
        nearest = int(same[0]) if len(same) else int(away.argmin())
        errors.append(float(away[nearest]))
        antenna.append(float(np.hypot(actors.x[nearest] - ax, actors.y[nearest] - ay)))
        (row,) = np.flatnonzero(tracks.id == actors.id[nearest])
        _, _, px, py = middle(tracks.time_ns[row] * 1e-9)
        tracked.append(float(np.hypot(tracks.x[row] - px, tracks.y[row] - py)))
        switches += int(second - last_s < KEPT_S and int(actors.id[nearest]) != last)
        last, last_s = int(actors.id[nearest]), second
    return Score(wanted, np.array(errors), np.array(antenna), np.array(tracked), switches)
