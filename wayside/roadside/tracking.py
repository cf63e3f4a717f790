"""Fusion and tracking: reports of vehicles and detections of poles become one track per road user."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec
import numba
import numpy as np

from wayside.maps.road import RoadMap
from wayside.membership import is_among
from wayside.records import Records, records_of, table_of
from wayside.roadside.correction import straighten
from wayside.roadside.fusion import fuse
from wayside.roadside.hidden import follow_lanes
from wayside.roadside.likeness import describe
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.upkeep import tidy
from wayside.security.tables import Trust
from wayside.step import step
from wayside.table import I64, U64, Bool
from wayside.v2x.tables import Reports

MOST_AHEAD_NS = 100_000_000  # a measurement's clock may be so much ahead


class Settings(NamedTuple):
    """Plain numbers of `TrackConfig`, as the kernels take them; see there."""

    gate: float
    reach_vehicle: float
    reach_vulnerable: float
    heading_sigma: float
    steady_noise_vehicle: float
    steady_noise_vulnerable: float
    agile_variance_vehicle: float
    agile_variance_vulnerable: float
    acceleration_time: float
    steady_time: float
    agile_time: float
    bias_variance: float
    bias_time: float
    speed_sigma_pole: float
    heading_sigma_pole: float
    speed_sigma_report: float
    heading_sigma_report: float
    acceleration_variance_report: float
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
    steady_noise_vehicle: float = 0.1  # spectral density of a steady vehicle's acceleration [m2/s3]
    steady_noise_vulnerable: float = 0.05  # that of a steady pedestrian or cyclist [m2/s3]
    agile_sigma_vehicle: float = 3.0  # acceleration of an agile vehicle, along or across [m/s2]
    agile_sigma_vulnerable: float = 1.2  # that of an agile pedestrian or cyclist [m/s2]
    acceleration_time_s: float = 2.0  # how long such an acceleration lasts
    steady_time_s: float = 3.3  # how long one moves steadily before being agile
    agile_time_s: float = 1.7  # and how long one is
    bias_sigma_m: float = 0.3  # standard deviation of the slow part of a vehicle's positioning error, per axis
    bias_time_s: float = 60.0  # how long that part keeps its value
    speed_sigma_pole: float = 0.3  # of a pole's speeds [m/s]
    heading_sigma_pole: float = 0.06  # of a pole's headings [rad]
    speed_sigma_report: float = 0.2  # of reported speeds [m/s]
    heading_sigma_report: float = 0.03  # of reported headings [rad]
    acceleration_sigma_report: float = 0.5  # of reported accelerations and of speed times reported turn [m/s2]
    max_age_s: float = 1.0  # older measurements are left out
    expected_age_s: float = 0.08  # usual age of measurements; only speeds up the search
    drop_moving_s: float = 2.0  # a moving track is dropped when unmeasured for so long
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
        steady_noise_vehicle=config.steady_noise_vehicle,
        steady_noise_vulnerable=config.steady_noise_vulnerable,
        agile_variance_vehicle=config.agile_sigma_vehicle**2,
        agile_variance_vulnerable=config.agile_sigma_vulnerable**2,
        acceleration_time=config.acceleration_time_s,
        steady_time=config.steady_time_s,
        agile_time=config.agile_time_s,
        bias_variance=config.bias_sigma_m**2,
        bias_time=config.bias_time_s,
        speed_sigma_pole=config.speed_sigma_pole,
        heading_sigma_pole=config.heading_sigma_pole,
        speed_sigma_report=config.speed_sigma_report,
        heading_sigma_report=config.heading_sigma_report,
        acceleration_variance_report=config.acceleration_sigma_report**2,
        max_age_ns=ns(config.max_age_s),
        expected_age_ns=ns(config.expected_age_s),
        drop_moving_ns=ns(config.drop_moving_s),
        drop_standing_ns=ns(config.drop_standing_s),
        unbind_ns=ns(config.unbind_s),
    )


@numba.njit(cache=True)
def _is_timely(records: Records, time_ns: int, max_age_ns: int) -> Bool:
    """Tell which measurements are neither too old, nor from a clock that is well ahead, nor nowhere."""
    timely = np.empty(len(records), np.bool_)
    for n in range(len(records)):
        age = time_ns - records[n].time_ns
        timely[n] = -MOST_AHEAD_NS <= age <= max_age_ns and not np.isnan(records[n].x + records[n].y)
    return timely


def _timely(records: Records, time_ns: int, settings: Settings) -> Records:
    """Leave out what is too old, from a clock that is well ahead, or nowhere."""
    timely = _is_timely(records, time_ns, settings.max_age_ns)
    return records if timely.all() else records[timely]


def _schedule(heard: Records, seen: Records) -> tuple[I64, I64]:
    """Return the first row of each scan with the number of rows behind, and reports and scans by instant."""
    pole, instant = seen["pole"], seen["time_ns"]
    turn = np.flatnonzero((pole[1:] != pole[:-1]) | (instant[1:] != instant[:-1])) + 1
    first = np.concatenate(([0], turn)) if len(seen) else turn[:0]
    order = np.argsort(np.concatenate((heard["time_ns"], instant[first])), kind="stable")
    return np.append(first, len(seen)), order


@numba.njit(cache=True)
def _owners(tracks: Records, senders: U64) -> I64:
    """Return the row of the track bound to each of the senders, which rise, -1 where none."""
    bound = np.full(len(senders), -1, np.int64)
    for row in range(len(tracks) - 1, -1, -1):  # backwards: of several tracks of one sender the first is meant
        sender = tracks[row].sender
        if sender == np.uint64(0):
            continue
        place = np.searchsorted(senders, sender)
        while place < len(senders) and senders[place] == sender:
            bound[place] = row
            place += 1
    return bound


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
    road: RoadMap,
    config: TrackConfig,
    time_ns: int,
) -> Tracks:
    """Fuse what vehicles report and poles see into one track per road user.

    Measurements are taken in at their own instants, in the order of those; what arrives late corrects the
    present state through the past one. Each scan of a pole is matched as a whole: the best pairs of track and
    detection first, each once. A vehicle's own positioning error is part of the state, so that ten reports a
    second do not make it look small. Motion is a steady and an agile model beside each other (`motion.py`).
    What is surely known of a pole's frame and clock is undone before use (`correction.py`). Vehicles that nobody
    sees for a moment are carried along their lanes (`hidden.py`).

    Args:
        reports: what vehicles said; reports of distrusted senders are left out.
        detections: what poles saw.
        trust: who is believed.
        pole_quality: by how much each pole is turned, shifted and late.
        before: the tracks of the last tick.
        road: the map.
        config: settings.
        time_ns: the tick's instant; measurements older than a second are left out.

    Returns:
        Tracks at the instants of their newest measurements, those of hidden vehicles on lanes at this tick's or
        one of the last three; unconfirmed ones included.

    Limits: standing traffic hidden for over 3 s comes back under a new
    identity. Only neighbours within some metres bear on each other; the reach is that from a pole to what it sees.
    """
    settings = _settings(config)
    refused = trust.sender[trust.distrusted]
    seen = records_of(detections.in_order())
    straighten(seen, pole_quality)
    seen = _timely(seen, time_ns, settings)
    heard = _timely(records_of(reports.in_order()), time_ns, settings)
    if len(refused):
        heard = heard[~is_among(heard["sender"], refused)]
        before = _renounce(before, refused)
    tracks = records_of(before.in_order(), len(heard) + len(seen))
    count = len(before)
    old = tracks["id"][:count].copy()
    bound = _owners(tracks[:count], heard["sender"])
    scans, order = _schedule(heard, seen)
    usual_ns = time_ns - settings.expected_age_ns
    owner = np.empty(len(seen), np.int64)
    count = fuse(tracks, count, heard, bound, seen, owner, scans, order, usual_ns, settings)
    describe(tracks, heard, bound, seen, owner)
    if count > len(old):
        # a scan that came twice would begin the same track twice
        again = is_among(tracks["id"][len(old) : count], old)
        tracks["history"][len(old) : count][again] = 0
        tracks["confirmed"][len(old) : count][again] = False
    follow_lanes(tracks[:count], time_ns, road, settings)
    count = tidy(tracks, count, time_ns, settings.drop_moving_ns, settings.drop_standing_ns, settings.unbind_ns)
    return table_of(Tracks, tracks[:count])
