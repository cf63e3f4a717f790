"""What a sensing pole makes of the road users around it: misses, noise, occlusion, delay and the odd ghost.

One pole stands for the radar-video sensors of a whole intersection, merged into one list of objects at 10 Hz.
All draws depend on pole, road user and instant alone, so nothing depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numba
import numpy as np

from wayside.roadside.tables import Detections, Poles
from wayside.table import F64, I64, U8, U16, U64, Bool
from wayside.v2x.tables import Kind
from wayside.worlds.draws import Stream, one_bits, one_drift, one_normal, one_uniform, seed_word, uniform
from wayside.worlds.tables import Truth


class SensingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Quality of a pole's object list.

    Position errors are set to what remains of the roadside detections of the MSight roundabout recordings once
    their delay is undone: mean error 0.23-0.41 m within about 50 m. Everything else is our own assumption.
    """

    height_m: float = 6.5  # of the sensors over the road
    fog_factor: float = 0.6  # sees no farther than that share of the meteorological optical range
    sigma_doubles_m: float = 100.0  # distance at which the position error is twice the near one
    slow_share: float = 0.4  # share of the position error's variance that lasts
    slow_spacing_s: float = 2.0  # for about so long
    miss_near: float = 0.02  # share of scans in which a near object is missed
    miss_far: float = 0.15  # the same at the end of the range
    miss_small: float = 1.5  # times as many misses of pedestrians and two-wheelers
    hidden_share: float = 0.7  # share of an object's width behind others from which it is unseen
    confusion_near: float = 0.02  # share of seconds in which a near object gets a wrong class
    confusion_far: float = 0.08  # the same at the end of the range
    speed_sigma: float = 0.2  # m/s
    heading_sigma: float = 0.04  # rad
    heading_from: float = 0.5  # slower objects have no heading [m/s]
    length_sigma_m: float = 0.2
    width_sigma_m: float = 0.1
    clutter_per_s: float = 0.02  # false objects that one pole begins to see
    clutter_s: float = 0.3  # for how long it sees each
    delay_min_ms: int = 60  # from scan to the roadside unit
    delay_max_ms: int = 100


# by Kind: height [m] of the object as an obstacle to sight [own assumption]
_HEIGHT = np.array([1.5, 1.5, 3.2, 3.6, 1.5, 1.6, 1.7])
# by Kind: what it is most often taken for
_TAKEN_FOR = np.array(
    [Kind.CAR, Kind.TRUCK, Kind.TRUCK, Kind.BUS, Kind.BICYCLE, Kind.MOTORCYCLE, Kind.BICYCLE], np.uint8
)
_TARGET_SHARE = 0.7  # the point that must be seen lies at that share of the object's height
_RAYS = 8  # lines of sight across an object
_TRUTH_COLUMNS = ("id", "kind", "x", "y", "heading", "speed", "length", "width")
_POLE_COLUMNS = ("pole", "x", "y", "range", "position_sigma")


class _Users(NamedTuple):
    """Road users, as columns."""

    identity: U64
    kind: U8
    x: F64
    y: F64
    heading: F64
    speed: F64
    length: F64
    width: F64


class _Posts(NamedTuple):
    """Poles, as columns."""

    pole: U16
    x: F64
    y: F64
    range: F64
    sigma: F64
    reach: F64
    yaw: F64


class _Quality(NamedTuple):
    """The settings that single measurements need."""

    sigma_doubles: float
    slow_share: float
    slow_ns: int
    miss_near: float
    miss_far: float
    miss_small: float
    confusion_near: float
    confusion_far: float
    speed_sigma: float
    heading_sigma: float
    heading_from: float
    length_sigma: float
    width_sigma: float


@numba.njit(cache=True)
def _within(users: _Users, x: float, y: float, reach: float) -> tuple[I64, F64]:
    """Return the rows within reach of a point, nearest first, and their distances, at least half a metre."""
    rows = np.empty(len(users.x), np.int64)
    distance = np.empty(len(users.x))
    count = 0
    for n in range(len(users.x)):
        square = (users.x[n] - x) ** 2 + (users.y[n] - y) ** 2
        if square <= reach**2:
            rows[count], distance[count] = n, max(np.sqrt(square), 0.5)
            count += 1
    order = np.argsort(distance[:count])
    return rows[:count][order], distance[:count][order]


@numba.njit(cache=True)
def _hidden(users: _Users, rows: I64, distance: F64, x: float, y: float, pole_height: float, least: int) -> Bool:
    """Tell which of the rows, nearest first, are hidden behind nearer ones from a sensor on a pole."""
    bearing, half = np.empty(len(rows)), np.empty(len(rows))
    for i in range(len(rows)):
        n = rows[i]
        bearing[i] = np.arctan2(users.y[n] - y, users.x[n] - x)
        turned = users.heading[n] - bearing[i]
        across = abs(np.sin(turned)) * users.length[n] + abs(np.cos(turned)) * users.width[n]
        half[i] = np.arctan2(0.5 * across, distance[i])
    hidden = np.zeros(len(rows), np.bool_)
    for far in range(len(rows)):
        aim = _TARGET_SHARE * _HEIGHT[users.kind[rows[far]]]
        covered = 0
        for near in range(far):
            if distance[near] > distance[far] - 1.0:
                break
            # height of the line of sight where it passes the nearer object
            sight = pole_height - (pole_height - aim) * distance[near] / distance[far]
            if _HEIGHT[users.kind[rows[near]]] < sight:
                continue
            apart = bearing[far] - bearing[near]
            apart -= 2.0 * np.pi * np.rint(apart / (2.0 * np.pi))
            if abs(apart) > half[near] + half[far]:
                continue
            for ray in range(_RAYS):
                if abs(apart + half[far] * ((2 * ray + 1) / _RAYS - 1.0)) < half[near]:
                    covered |= 1 << ray
        count = 0
        for ray in range(_RAYS):
            count += (covered >> ray) & 1
        hidden[far] = count >= least
    return hidden


@numba.njit(cache=True)
def _measure(
    users: _Users, n: int, posts: _Posts, p: int, distance: float, time_ns: int, seed: np.uint64,
    quality: _Quality, out: F64,
) -> int:  # fmt: skip
    """Fill in x and y from the pole, heading, speed, length, width and sigma.

    Returns:
        The class believed, -1 if the object is missed.
    """
    kind = users.kind[n]
    who = users.identity[n] + np.uint64(posts.pole[p]) * np.uint64(0xD1B54A32D192ED03)
    far = min(distance / posts.range[p], 1.0) ** 2
    miss = quality.miss_near + (quality.miss_far - quality.miss_near) * far
    if kind >= Kind.MOTORCYCLE:
        miss *= quality.miss_small
    # half of the misses come alone, half for half a second
    if one_uniform(seed, Stream.POLE_MISS, who, time_ns) < 0.5 * miss:
        return -1
    if one_uniform(seed, Stream.POLE_BURST, who, time_ns // 500_000_000) < 0.5 * miss:
        return -1
    spread = 1.0 + distance / quality.sigma_doubles
    sigma = posts.sigma[p] * spread
    slow, quick = sigma * np.sqrt(quality.slow_share), sigma * np.sqrt(1.0 - quality.slow_share)
    out[0] = users.x[n] - posts.x[p] + quick * one_normal(seed, Stream.POLE_WHITE_X, who, time_ns)
    out[0] += slow * one_drift(seed, Stream.POLE_SLOW_X, who, time_ns, quality.slow_ns)
    out[1] = users.y[n] - posts.y[p] + quick * one_normal(seed, Stream.POLE_WHITE_Y, who, time_ns)
    out[1] += slow * one_drift(seed, Stream.POLE_SLOW_Y, who, time_ns, quality.slow_ns)
    out[2] = np.nan
    if users.speed[n] >= quality.heading_from:
        out[2] = users.heading[n] + quality.heading_sigma * one_normal(seed, Stream.POLE_HEADING, who, time_ns)
    out[3] = max(users.speed[n] + quality.speed_sigma * one_normal(seed, Stream.POLE_SPEED, who, time_ns), 0.0)
    length = quality.length_sigma * spread * one_normal(seed, Stream.POLE_LENGTH, who, time_ns)
    width = quality.width_sigma * spread * one_normal(seed, Stream.POLE_WIDTH, who, time_ns)
    out[4], out[5] = max(users.length[n] + length, 0.3), max(users.width[n] + width, 0.3)
    out[6] = sigma
    confusion = quality.confusion_near + (quality.confusion_far - quality.confusion_near) * far
    if one_uniform(seed, Stream.POLE_CLASS, who, time_ns // 1_000_000_000) < confusion:
        return int(_TAKEN_FOR[kind])
    return int(kind)


@numba.njit(cache=True)
def _ghost(posts: _Posts, p: int, slot: int, seed: np.uint64, quality: _Quality, out: F64) -> int:
    """Fill in a false object at a hashed place, as `_measure` does a true one."""
    word = one_bits(seed, Stream.POLE_CLUTTER, np.uint64(posts.pole[p]) + np.uint64(1 << 32), slot)
    away = posts.reach[p] * np.sqrt(float(word & np.uint64(0xFFFF)) / 65536.0)
    towards = 2.0 * np.pi * float((word >> np.uint64(16)) & np.uint64(0xFFFF)) / 65536.0
    small = bool((word >> np.uint64(32)) & np.uint64(1))
    out[0], out[1], out[2], out[3] = away * np.cos(towards), away * np.sin(towards), np.nan, 0.0
    out[4], out[5] = (0.5, 0.5) if small else (4.5, 1.8)
    out[6] = posts.sigma[p] * (1.0 + away / quality.sigma_doubles)
    return Kind.PEDESTRIAN.value if small else Kind.CAR.value


@numba.njit(cache=True)
def _scan(
    users: _Users, posts: _Posts, time_ns: int, seed: np.uint64, quality: _Quality, height_m: float, least: int,
    clutter_share: float, clutter_ns: int,
) -> tuple[I64, F64]:  # fmt: skip
    """Return (pole, number, kind) and (x, y, heading, speed, length, width, sigma) of all detections."""
    room = len(posts.pole)
    for p in range(len(posts.pole)):
        for n in range(len(users.x)):
            if (users.x[n] - posts.x[p]) ** 2 + (users.y[n] - posts.y[p]) ** 2 <= posts.reach[p] ** 2:
                room += 1
    codes, values = np.empty((room, 3), np.int64), np.empty((room, 7))
    filled = 0
    for p in range(len(posts.pole)):
        first = filled
        rows, distance = _within(users, posts.x[p], posts.y[p], posts.reach[p])
        hidden = _hidden(users, rows, distance, posts.x[p], posts.y[p], height_m, least)
        for i in range(len(rows)):
            if hidden[i]:
                continue
            believed = _measure(users, rows[i], posts, p, distance[i], time_ns, seed, quality, values[filled])
            if believed >= 0:
                codes[filled, 2] = believed
                filled += 1
        slot = time_ns // clutter_ns
        if one_uniform(seed, Stream.POLE_CLUTTER, np.uint64(posts.pole[p]), slot) < clutter_share:
            codes[filled, 2] = _ghost(posts, p, slot, seed, quality, values[filled])
            filled += 1
        rank = np.argsort(np.arctan2(values[first:filled, 1], values[first:filled, 0]))
        cosine, sine = np.cos(posts.yaw[p]), np.sin(posts.yaw[p])
        for number in range(filled - first):
            i = first + rank[number]
            codes[i, 0], codes[i, 1] = posts.pole[p], number
            dx, dy = values[i, 0], values[i, 1]
            values[i, 0] = posts.x[p] + cosine * dx - sine * dy
            values[i, 1] = posts.y[p] + sine * dx + cosine * dy
            facing = values[i, 2] + posts.yaw[p]
            values[i, 2] = facing - 2.0 * np.pi * np.rint(facing / (2.0 * np.pi))
    return codes[:filled], values[:filled]


def scan(
    truth: Truth,
    poles: Poles,
    *,
    time_ns: int,
    visibility: float,
    yaw_errors: Mapping[int, float],
    config: SensingConfig,
    seed: int,
) -> Detections:
    """Return what all poles detect in the scan at that instant.

    Args:
        truth: every road user.
        poles: where the poles stand and how well they see.
        time_ns: instant of the scan, by the poles' clocks too [ns].
        visibility: meteorological optical range [m].
        yaw_errors: by number of the pole, how far its frame has turned anticlockwise since it was commissioned
            [rad]; no entry is no error.
        config: quality of the object lists.
        seed: of the Run.

    Returns:
        Detections with `received_ns` later than the scan; the World hands them over then. `number` counts a pole's
        objects by bearing and says nothing from one scan to the next.

    Limits: buildings and trees hide nothing; a pole's clock is right; objects do not merge.
    """
    if not len(poles) or not np.isfinite(visibility):
        return Detections.empty()
    reach = np.minimum(poles.range, config.fog_factor * visibility)
    yaw = np.array([yaw_errors.get(int(n), 0.0) for n in poles.pole])
    # own copies have one memory layout, so the kernel is compiled once
    truth_columns = (np.array(getattr(truth, name), order="C") for name in _TRUTH_COLUMNS)
    pole_columns = (*(np.array(getattr(poles, name), order="C") for name in _POLE_COLUMNS), reach, yaw)
    codes, values = _scan(
        _Users(*truth_columns),
        _Posts(*pole_columns),
        time_ns,
        seed_word(seed),
        _Quality(
            sigma_doubles=config.sigma_doubles_m,
            slow_share=config.slow_share,
            slow_ns=max(round(config.slow_spacing_s * 1e9), 1),
            miss_near=config.miss_near,
            miss_far=config.miss_far,
            miss_small=config.miss_small,
            confusion_near=config.confusion_near,
            confusion_far=config.confusion_far,
            speed_sigma=config.speed_sigma,
            heading_sigma=config.heading_sigma,
            heading_from=config.heading_from,
            length_sigma=config.length_sigma_m,
            width_sigma=config.width_sigma_m,
        ),
        config.height_m,
        int(np.ceil(config.hidden_share * _RAYS)),
        config.clutter_per_s * config.clutter_s,
        max(round(config.clutter_s * 1e9), 1),
    )
    span = config.delay_max_ms - config.delay_min_ms + 1
    names = codes[:, 0].astype(np.uint64)
    delay_ms = config.delay_min_ms + (uniform(seed, Stream.POLE_DELAY, names, time_ns) * span).astype(np.int64)
    return Detections(
        pole=codes[:, 0].astype(np.uint16),
        time_ns=np.full(len(names), time_ns),
        number=codes[:, 1].astype(np.uint16),
        received_ns=time_ns + delay_ms * 1_000_000,
        kind=codes[:, 2].astype(np.uint8),
        x=values[:, 0],
        y=values[:, 1],
        heading=values[:, 2],
        speed=values[:, 3],
        length=values[:, 4],
        width=values[:, 5],
        position_sigma=values[:, 6],
    )
