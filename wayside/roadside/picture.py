"""The live picture: confirmed tracks, brought to the present and put on the map."""

from __future__ import annotations

from typing import Any

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from wayside.maps.road import FOOT_KINDS, Match, RoadMap
from wayside.roadside.tables import Actors, Tracks
from wayside.step import step
from wayside.table import F64, I64, U8, Bool
from wayside.v2x.tables import Kind

SECOND = 1e-9  # [s] in a nanosecond
_PEDESTRIAN = int(Kind.PEDESTRIAN)

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
    if not len(tracks):
        return Actors.empty()
    columns: Any = [getattr(tracks, name) for name in STATE]
    kernel: Any = _predict
    state, shown = kernel(time_ns, *columns, config.sigma_m, config.lasting_sigma_m, config.noise)
    if not shown.any():
        return Actors.empty()
    every = shown.all()
    x, y, heading, speed, sigma, sigma_along, sigma_across = state if every else state[:, shown]

    def of_shown(column: NDArray[Any]) -> Any:
        return column if every else column[shown]

    kind = of_shown(tracks.kind)
    on_foot = kind == _PEDESTRIAN
    on = _match(x, y, heading, on_foot, road, config)
    heading = np.where(np.isnan(heading) & ~on_foot, on.heading, heading)
    return Actors(
        id=of_shown(tracks.id),
        kind=kind,
        x=x,
        y=y,
        heading=(heading + np.pi) % (2.0 * np.pi) - np.pi,
        speed=speed,
        acceleration=of_shown(tracks.acceleration),
        yaw_rate=of_shown(tracks.yaw_rate),
        length=_known(of_shown(tracks.length), USUAL_LENGTH_M, kind),
        width=_known(of_shown(tracks.width), USUAL_WIDTH_M, kind),
        position_sigma=sigma,
        sigma_along=sigma_along,
        sigma_across=sigma_across,
        lane=on.lane,
        offset=on.offset,
        lateral=on.lateral,
        sender=of_shown(tracks.sender),
        sources=of_shown(tracks.sources),
        measured_ns=of_shown(np.maximum(tracks.heard_ns, tracks.seen_ns)),
    )


# columns of `Tracks` as `_predict` takes them
STATE = (
    "time_ns", "x", "y", "velocity_x", "velocity_y", "heading", "acceleration", "yaw_rate", "acceleration_x",
    "acceleration_y", "agility", "aside_x", "aside_y", "aside_velocity_x", "aside_velocity_y", "variance_p",
    "covariance_pv", "variance_v", "agile_pp", "agile_pv", "agile_pa", "agile_vv", "agile_aa", "heard_ns",
    "confirmed",
)  # fmt: skip


@numba.njit(cache=True)
def _predict(
    now_ns: int, time_ns: I64, x: F64, y: F64, velocity_x: F64, velocity_y: F64, heading: F64, acceleration: F64,
    yaw_rate: F64, acceleration_x: F64, acceleration_y: F64, agility: F64, aside_x: F64, aside_y: F64,
    aside_velocity_x: F64, aside_velocity_y: F64, variance_p: F64, covariance_pv: F64, variance_v: F64,
    agile_pp: F64, agile_pv: F64, agile_pa: F64, agile_vv: F64, agile_aa: F64, heard_ns: I64, confirmed: Bool,
    sigma_m: float, lasting_sigma_m: float, noise: float,
) -> Any:  # fmt: skip
    """Return x, y, heading, speed and the three sigmas of each track at an instant, and which are shown."""
    state = np.empty((7, len(x)))
    shown = np.zeros(len(x), np.bool_)
    for n in range(len(x)):
        if not confirmed[n]:
            continue
        dt, agile = (now_ns - time_ns[n]) * SECOND, agility[n]
        # variance per axis within each model of motion, weighted by how likely it is
        steady = variance_p[n] + dt * (2.0 * covariance_pv[n] + dt * variance_v[n])
        swift = agile_pp[n] + dt * (2.0 * agile_pv[n] + dt * agile_vv[n])
        swift += dt**2 * (agile_pa[n] + 0.25 * dt**2 * agile_aa[n])
        variance = max((1.0 - agile) * steady + agile * swift + noise * abs(dt) ** 3 / 3.0, 0.0)
        if heard_ns[n] <= 0:
            variance += lasting_sigma_m**2
        # variance between the models, along the course and across it
        dx = aside_x[n] + dt * (aside_velocity_x[n] + 0.5 * dt * acceleration_x[n])
        dy = aside_y[n] + dt * (aside_velocity_y[n] + 0.5 * dt * acceleration_y[n])
        vx, vy = velocity_x[n], velocity_y[n]
        both = agile * (1.0 - agile) / max(vx * vx + vy * vy, 1e-6)
        along, across = both * (vx * dx + vy * dy) ** 2, both * (vx * dy - vy * dx) ** 2
        sigma = np.sqrt(variance + 0.5 * (along + across))
        if not sigma <= sigma_m:
            continue
        shown[n] = True
        speed, span = np.hypot(vx, vy), min(dt, 0.5)
        gained = max(acceleration[n] * span, -speed)
        turned = yaw_rate[n] * span if speed > 1.0 else 0.0
        # way beyond constant speed, as a share of that speed; the course on the way is half turned
        way = dt + gained * (dt - 0.5 * span) / max(speed, 0.5) if speed > 0.5 else dt
        cosine, sine = way * np.cos(0.5 * turned), way * np.sin(0.5 * turned)
        state[0, n] = x[n] + cosine * vx - sine * vy
        state[1, n] = y[n] + sine * vx + cosine * vy
        state[2, n] = heading[n] + turned
        speed += gained if speed > 0.5 else 0.0
        # standing still is a speed of nothing, not of the filter's noise
        state[3, n] = speed if speed >= 0.1 else 0.0
        state[4, n] = sigma
        state[5, n], state[6, n] = np.sqrt(variance + along), np.sqrt(variance + across)
    return state, shown


def _known(measured: F64, usual: F64, kind: U8) -> F64:
    return np.where(np.isnan(measured), usual[kind], measured)
