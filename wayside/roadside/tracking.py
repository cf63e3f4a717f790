"""Fusion and tracking: reports of vehicles and detections of poles become one track per road user."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wayside.membership import is_among
from wayside.roadside.fusion import fuse
from wayside.roadside.likeness import describe
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.upkeep import tidy
from wayside.security.tables import Trust
from wayside.step import step
from wayside.table import I64, U64, Table
from wayside.v2x.tables import Reports


class Settings(NamedTuple):
    """Plain numbers of `TrackConfig`, as the kernels take them; see there."""

    gate: float
    reach_vehicle: float
    reach_vulnerable: float
    heading_sigma: float
    noise_vehicle: float
    noise_vulnerable: float
    bias_variance: float
    bias_time: float
    speed_sigma_pole: float
    heading_sigma_pole: float
    speed_sigma_report: float
    heading_sigma_report: float
    max_age_ns: int
    expected_age_ns: int
    drop_moving_ns: int
    drop_standing_ns: int
    unbind_ns: int


class TrackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `track`."""

    gate: float = 16.0  # squared difference over its variance at which a measurement is of another road user
    reach_vehicle_m: float = 4.0  # and no farther than this from where a vehicle was expected
    reach_vulnerable_m: float = 2.0  # or a pedestrian or cyclist
    heading_sigma: float = 0.35  # difference of headings that counts as one standard deviation [rad]
    noise_vehicle: float = 2.0  # spectral density of a vehicle's acceleration [m2/s3]
    noise_vulnerable: float = 0.6  # that of a pedestrian or cyclist [m2/s3]
    bias_sigma_m: float = 0.3  # standard deviation of the slow part of a vehicle's positioning error, per axis
    bias_time_s: float = 60.0  # how long that part keeps its value
    speed_sigma_pole: float = 0.3  # of a pole's speeds [m/s]
    heading_sigma_pole: float = 0.06  # of a pole's headings [rad]
    speed_sigma_report: float = 0.2  # of reported speeds [m/s]
    heading_sigma_report: float = 0.03  # of reported headings [rad]
    max_age_s: float = 1.0  # older measurements are left out
    expected_age_s: float = 0.08  # usual age of measurements; only speeds up the search
    drop_moving_s: float = 1.2  # a moving track is dropped when unmeasured for so long
    drop_standing_s: float = 3.0  # and one that stands, for it may be hidden
    unbind_s: float = 3.0  # a sender not heard for so long loses its track


@lru_cache(maxsize=16)
def _settings(config: TrackConfig) -> Settings:
    def ns(seconds: float) -> int:
        return round(seconds * 1e9)

    return Settings(
        gate=config.gate,
        reach_vehicle=config.reach_vehicle_m,
        reach_vulnerable=config.reach_vulnerable_m,
        heading_sigma=config.heading_sigma,
        noise_vehicle=config.noise_vehicle,
        noise_vulnerable=config.noise_vulnerable,
        bias_variance=config.bias_sigma_m**2,
        bias_time=config.bias_time_s,
        speed_sigma_pole=config.speed_sigma_pole,
        heading_sigma_pole=config.heading_sigma_pole,
        speed_sigma_report=config.speed_sigma_report,
        heading_sigma_report=config.heading_sigma_report,
        max_age_ns=ns(config.max_age_s),
        expected_age_ns=ns(config.expected_age_s),
        drop_moving_ns=ns(config.drop_moving_s),
        drop_standing_ns=ns(config.drop_standing_s),
        unbind_ns=ns(config.unbind_s),
    )


@cache
def _record(table: Any) -> np.dtype[Any]:
    return np.dtype([(c.name, c.dtype) for c in table.columns.values()], align=True)


def _pack(table: Table, room: int = 0) -> NDArray[Any]:
    """Return the rows as records in key order, with room for more behind them."""
    if len(table) > 1 and not table._is_sorted():
        table = table.take(table.order())
    kind: Any = type(table)
    records = np.empty(len(table) + room, _record(kind))
    for name, array in table.arrays():
        records[name][: len(table)] = array
    return records


def _timely(records: NDArray[Any], time_ns: int, settings: Settings) -> NDArray[Any]:
    """Leave out what is too old, from a clock that is well ahead, or nowhere."""
    age = time_ns - records["time_ns"]
    good = (age <= settings.max_age_ns) & (age >= -100_000_000) & ~np.isnan(records["x"] + records["y"])
    return records if good.all() else records[good]


def _schedule(heard: NDArray[Any], seen: NDArray[Any]) -> tuple[I64, I64]:
    """Return the first row of each scan with the number of rows behind, and reports and scans by instant."""
    pole, instant = seen["pole"], seen["time_ns"]
    turn = np.flatnonzero((pole[1:] != pole[:-1]) | (instant[1:] != instant[:-1])) + 1
    first = np.concatenate(([0], turn)) if len(seen) else turn[:0]
    order = np.argsort(np.concatenate((heard["time_ns"], instant[first])), kind="stable")
    return np.append(first, len(seen)), order


def _straighten(records: NDArray[Any], quality: PoleQuality) -> None:
    """Turn the detections of poles known to be misaligned back into place."""
    bad = quality.take(quality.misaligned).in_order()
    row = np.searchsorted(bad.pole, records["pole"])
    row[row == len(bad)] = 0
    turned = np.flatnonzero(bad.pole[row] == records["pole"])
    row = row[turned]
    yaw, x, y = bad.yaw_error[row], bad.x[row], bad.y[row]
    dx, dy = records["x"][turned] - x, records["y"][turned] - y
    records["x"][turned] = x + np.cos(yaw) * dx + np.sin(yaw) * dy
    records["y"][turned] = y - np.sin(yaw) * dx + np.cos(yaw) * dy
    records["heading"][turned] -= yaw


def _owners(tracks: NDArray[Any], senders: U64) -> I64:
    """Return the row of the track bound to each sender, -1 where none."""
    bound = np.flatnonzero(tracks["sender"])
    if not len(bound) or not len(senders):
        return np.full(len(senders), -1, np.int64)
    known = tracks["sender"][bound]
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, senders, sorter=order)
    place[place == len(bound)] = 0
    row = bound[order[place]]
    return np.where(tracks["sender"][row] == senders, row, -1).astype(np.int64)


def _renounce(tracks: Tracks, refused: U64) -> Tracks:
    """Drop what only a refused sender spoke of; what poles see too stays, without his name."""
    fallen = is_among(tracks.sender, refused)
    if not fallen.any():
        return tracks
    renamed = tracks.replace(
        sender=np.where(fallen, 0, tracks.sender), heard_ns=np.where(fallen, 0, tracks.heard_ns)
    )
    return renamed.take(~fallen | (tracks.sources >= 2))


@step(period_s=0.1, reach_m=150)
def track(
    reports: Reports,
    detections: Detections,
    trust: Trust,
    pole_quality: PoleQuality,
    before: Tracks,
    *,
    config: TrackConfig,
    time_ns: int,
) -> Tracks:
    """Fuse what vehicles report and poles see into one track per road user.

    Measurements are taken in at their own instants, in the order of those; what arrives late corrects the
    present state through the past one. Each scan of a pole is matched as a whole: the best pairs of track and
    detection first, each once. A vehicle's own positioning error is part of the state, so that ten reports a
    second do not make it look small. Poles known to be misaligned are turned back before use.

    Args:
        reports: what vehicles said; reports of distrusted senders are left out.
        detections: what poles saw.
        trust: who is believed.
        pole_quality: which poles are misaligned, and by how much.
        before: the tracks of the last tick.
        config: settings.
        time_ns: the tick's instant; measurements older than a second are left out.

    Returns:
        Tracks at the instants of their newest measurements, unconfirmed ones included.

    Limits: constant velocity with adaptive noise; standing traffic hidden for over 3 s comes back under a new
    identity. Only neighbours within some metres bear on each other; the reach is that from a pole to what it sees.
    """
    settings = _settings(config)
    refused = trust.sender[trust.distrusted]
    seen = _timely(_pack(detections), time_ns, settings)
    if len(seen) and pole_quality.misaligned.any():
        _straighten(seen, pole_quality)
    heard = _timely(_pack(reports), time_ns, settings)
    if len(refused):
        heard = heard[~is_among(heard["sender"], refused)]
        before = _renounce(before, refused)
    tracks = _pack(before, len(heard) + len(seen))
    count = len(before)
    old = tracks[:count].copy()
    bound = _owners(tracks[:count], heard["sender"])
    scans, order = _schedule(heard, seen)
    usual_ns = time_ns - settings.expected_age_ns
    owner = np.empty(len(seen), np.int64)
    count = fuse(tracks, count, heard, bound, seen, owner, scans, order, usual_ns, settings)
    describe(tracks, heard, bound, seen, owner)
    if count > len(old):
        # a scan that came twice would begin the same track twice
        again = is_among(tracks["id"][len(old) : count], old["id"])
        tracks["history"][len(old) : count][again] = 0
        tracks["confirmed"][len(old) : count][again] = False
    count = tidy(
        tracks, count, old, time_ns, settings.drop_moving_ns, settings.drop_standing_ns, settings.unbind_ns
    )
    return Tracks(**{name: np.ascontiguousarray(tracks[name][:count]) for name in Tracks.columns})
