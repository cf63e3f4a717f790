"""The live picture: confirmed tracks, brought to the present and put on the map."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.maps.road import FOOT_KINDS, Match, RoadMap
from wayside.roadside.tables import Actors, Tracks
from wayside.step import step
from wayside.table import F64, U8, Bool
from wayside.v2x.tables import Kind

SECOND = 1e-9  # [s] in a nanosecond

# by Kind: length and width [m] assumed until one is measured [own assumption]
USUAL_LENGTH_M = np.array([4.5, 4.5, 11.0, 8.0, 2.1, 1.7, 0.5])
USUAL_WIDTH_M = np.array([1.8, 1.8, 2.5, 2.4, 0.8, 0.6, 0.5])


class PictureConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `picture`."""

    sigma_m: float = 1.5  # a track more uncertain than this per axis is not shown
    lasting_sigma_m: float = 0.2  # part of the poles' error that the tracker cannot average away, per axis
    noise: float = 2.0  # spectral density of acceleration over what is predicted [m2/s3]
    lane_reach_m: float = 3.0  # a vehicle's centre is on a lane when no farther from its middle line
    foot_reach_m: float = 4.0  # the same for people on foot


def _match(x: F64, y: F64, heading: F64, on_foot: Bool, road: RoadMap, config: PictureConfig) -> Match:
    """Match people on foot to footways and crossings, all others to lanes."""
    found = road.match(x, y, heading, reach_m=config.lane_reach_m)
    rows = np.flatnonzero(on_foot)
    if len(rows):
        walked = road.match(x[rows], y[rows], heading[rows], reach_m=config.foot_reach_m, kinds=FOOT_KINDS)
        found.lane[rows], found.offset[rows] = walked.lane, walked.offset
        found.lateral[rows], found.heading[rows] = walked.lateral, walked.heading
    return found


@step(period_s=0.1, reach_m=20)
def picture(tracks: Tracks, *, road: RoadMap, time_ns: int, config: PictureConfig) -> Actors:
    """Predict each confirmed track to this tick and find its lane.

    On an arc, with the track's acceleration and turn for at most half a second, and never backwards by braking.
    A vehicle that was never seen moving takes the direction of the lane it stands in.

    Args:
        tracks: the tracker's table.
        road: the map.
        time_ns: the tick's instant.
        config: settings.

    Returns:
        One row per confirmed track whose position is known well enough.

    Limits: heading is NaN for one that stands off the lanes and was never seen moving.
    """
    dt = ((time_ns - tracks.time_ns) * SECOND).astype(np.float64)
    variance = _variance(tracks, dt, config) + np.where(tracks.heard_ns > 0, 0.0, config.lasting_sigma_m**2)
    along, across = _apart(tracks, dt)
    sigma = np.sqrt(variance + 0.5 * (along + across))
    shown = tracks.confirmed & (sigma <= config.sigma_m)
    if not shown.all():
        tracks, dt, sigma = tracks.take(shown), dt[shown], sigma[shown]
        variance, along, across = variance[shown], along[shown], across[shown]
    if not len(tracks):
        return Actors.empty()
    speed = np.hypot(tracks.velocity_x, tracks.velocity_y)
    span = np.minimum(dt, 0.5)
    gained = np.maximum(tracks.acceleration * span, -speed)
    turned = np.where(speed > 1.0, tracks.yaw_rate * span, 0.0)
    # way beyond constant speed, as a share of that speed; the course on the way is half turned
    way = np.where(speed > 0.5, dt + gained * (dt - 0.5 * span) / np.maximum(speed, 0.5), dt)
    cosine, sine = way * np.cos(0.5 * turned), way * np.sin(0.5 * turned)
    x = tracks.x + cosine * tracks.velocity_x - sine * tracks.velocity_y
    y = tracks.y + sine * tracks.velocity_x + cosine * tracks.velocity_y
    speed = speed + np.where(speed > 0.5, gained, 0.0)
    # standing still is a speed of nothing, not of the filter's noise
    speed = np.where(speed < 0.1, 0.0, speed)
    heading = tracks.heading + turned
    on = _match(x, y, heading, tracks.kind == Kind.PEDESTRIAN, road, config)
    heading = np.where(np.isnan(heading) & (tracks.kind != Kind.PEDESTRIAN), on.heading, heading)
    return Actors(
        id=tracks.id,
        kind=tracks.kind,
        x=x,
        y=y,
        heading=(heading + np.pi) % (2.0 * np.pi) - np.pi,
        speed=speed,
        acceleration=tracks.acceleration,
        yaw_rate=tracks.yaw_rate,
        length=_known(tracks.length, USUAL_LENGTH_M, tracks.kind),
        width=_known(tracks.width, USUAL_WIDTH_M, tracks.kind),
        position_sigma=sigma,
        sigma_along=np.sqrt(variance + along),
        sigma_across=np.sqrt(variance + across),
        lane=on.lane,
        offset=on.offset,
        lateral=on.lateral,
        sender=tracks.sender,
        sources=tracks.sources,
        measured_ns=np.maximum(tracks.heard_ns, tracks.seen_ns),
    )


def _variance(tracks: Tracks, dt: F64, config: PictureConfig) -> F64:
    """Return the variance per axis at this tick within each model of motion, weighted by how likely it is [m2]."""
    agile = tracks.agility
    steady = tracks.variance_p + dt * (2.0 * tracks.covariance_pv + dt * tracks.variance_v)
    swift = tracks.agile_pp + dt * (2.0 * tracks.agile_pv + dt * tracks.agile_vv)
    swift += dt**2 * (tracks.agile_pa + 0.25 * dt**2 * tracks.agile_aa)
    grown: F64 = (1.0 - agile) * steady + agile * swift + config.noise * np.abs(dt) ** 3 / 3.0
    return np.maximum(grown, 0.0)


def _apart(tracks: Tracks, dt: F64) -> tuple[F64, F64]:
    """Return the variance between the models of motion at this tick, along the course and across it [m2]."""
    dx = tracks.aside_x + dt * (tracks.aside_velocity_x + 0.5 * dt * tracks.acceleration_x)
    dy = tracks.aside_y + dt * (tracks.aside_velocity_y + 0.5 * dt * tracks.acceleration_y)
    vx, vy = tracks.velocity_x, tracks.velocity_y
    both = tracks.agility * (1.0 - tracks.agility) / np.maximum(vx * vx + vy * vy, 1e-6)
    return both * (vx * dx + vy * dy) ** 2, both * (vx * dy - vy * dx) ** 2


def _known(measured: F64, usual: F64, kind: U8) -> F64:
    return np.where(np.isnan(measured), usual[kind], measured)
