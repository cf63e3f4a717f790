"""One object in one scan: what is measured of it, with the errors of the sensor, and objects that do not exist."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.table import F64, I64
from wayside.v2x.tables import Kind
from wayside.worlds.draws import Stream, one_bits, one_drift, one_normal, one_uniform
from wayside.worlds.sensing_view import Users

SECOND_NS = 1_000_000_000
BIAS_SPACING_NS = 30 * SECOND_NS  # how long an object's bias lasts
TWO_SECONDS_NS = 2 * SECOND_NS
POLE_WORD = np.uint64(0xD1B54A32D192ED03)  # makes one word of a pole and a road user
MOST_GHOSTS = 40  # of one pole at a time
FIXED_PRESENT = 0.7  # share of the time that a thing of the street is taken for somebody [own assumption]
SMALL, LARGE = (0.5, 0.5), (4.5, 1.8)  # length and width of false objects [m]


@numba.njit(cache=True)
def share_of(word: np.uint64, shift: int) -> float:
    """Return 16 bits of a word as a number in [0, 1)."""
    return float((word >> np.uint64(shift)) & np.uint64(0xFFFF)) / 65536.0


@numba.njit(cache=True)
def _missed(
    users: Users, n: int, post: Any, model: Any, who: np.uint64, distance: float, bearing: float, time_ns: int,
    seed: np.uint64,
) -> bool:  # fmt: skip
    """Tell whether a scan misses an object that is in view."""
    small = users.kind[n] >= Kind.MOTORCYCLE
    far = min(distance / post.range, 1.0) ** 2
    miss = (model.miss_near + (model.miss_far - model.miss_near) * far) * post.misses
    miss *= 1.0 + model.miss_fog * min(distance / post.fog_reach, 1.0) ** 2
    if small:
        miss *= model.miss_small
    alone = 1.0 - (1.0 - model.burst_share) * miss
    if abs(users.speed[n] * np.cos(users.heading[n] - bearing)) < model.still_below:
        alone *= 1.0 - (model.miss_still if small else model.miss_stopped)
    if one_uniform(seed, Stream.POLE_MISS, who, time_ns) >= alone:
        return True
    burst = time_ns // max(int(model.burst_s * SECOND_NS), 1)
    return bool(one_uniform(seed, Stream.POLE_BURST, who, burst) < model.burst_share * miss)


@numba.njit(cache=True)
def _believed(kind: int, far: float, post: Any, model: Any, who: np.uint64, time_ns: int, seed: np.uint64) -> int:
    """Return the class that an object of some class gets; wrong ones stay for whole seconds."""
    confusion = model.confusion_near + (model.confusion_far - model.confusion_near) * far
    confusion += post.confusion
    drawn = one_uniform(seed, Stream.POLE_CLASS, who, time_ns // SECOND_NS)
    if drawn >= confusion:
        return kind
    part = drawn / confusion
    for other in range(len(model.taken_for)):
        if part < model.taken_for[kind, other]:
            return other
    return Kind.UNKNOWN.value


@numba.njit(cache=True)
def measure(
    users: Users, n: int, post: Any, model: Any, distance: float, bearing: float, time_ns: int, seed: np.uint64,
    out: F64,
) -> int:  # fmt: skip
    """Fill in x and y from the pole, heading, speed, length, width and sigma; what the list lacks is NaN.

    Returns:
        The class believed, -1 if the object is missed.
    """
    kind = int(users.kind[n])
    who = users.identity[n] + post.pole * POLE_WORD
    if _missed(users, n, post, model, who, distance, bearing, time_ns, seed):
        return -1
    spread = 1.0 + distance / model.sigma_doubles_m
    stated = post.sigma * model.sigma_factor * spread
    sigma = stated * post.noise
    slow, quick = sigma * np.sqrt(model.slow_share), sigma * np.sqrt(1.0 - model.slow_share)
    spacing = max(int(model.slow_spacing_s * SECOND_NS), 1)
    along = quick * one_normal(seed, Stream.POLE_WHITE_X, who, time_ns)
    along += slow * one_drift(seed, Stream.POLE_SLOW_X, who, time_ns, spacing)
    across = quick * one_normal(seed, Stream.POLE_WHITE_Y, who, time_ns)
    across += slow * one_drift(seed, Stream.POLE_SLOW_Y, who, time_ns, spacing)
    cosine, sine = np.cos(bearing), np.sin(bearing)
    along *= model.along_factor
    across *= model.across_factor
    if model.face_share > 0.0:
        turned = users.heading[n] - bearing
        depth = 0.5 * (abs(np.cos(turned)) * users.length[n] + abs(np.sin(turned)) * users.width[n])
        along -= model.face_share * depth
    out[0] = users.x[n] - post.x + cosine * along - sine * across
    out[1] = users.y[n] - post.y + sine * along + cosine * across
    bias = model.bias_factor * sigma
    if bias > 0.0:
        out[0] += bias * one_drift(seed, Stream.POLE_BIAS_X, who, time_ns, BIAS_SPACING_NS)
        out[1] += bias * one_drift(seed, Stream.POLE_BIAS_Y, who, time_ns, BIAS_SPACING_NS)
    out[2:6] = np.nan
    if users.speed[n] >= model.heading_from:
        out[2] = users.heading[n] + model.heading_sigma * one_normal(seed, Stream.POLE_HEADING, who, time_ns)
    if model.gives_speed > 0.0:
        error = model.speed_sigma * one_normal(seed, Stream.POLE_SPEED, who, time_ns)
        out[3] = max(users.speed[n] + error, 0.0)
    if model.gives_size > 0.0:
        length = model.length_sigma_m * spread * one_normal(seed, Stream.POLE_LENGTH, who, time_ns)
        width = model.width_sigma_m * spread * one_normal(seed, Stream.POLE_WIDTH, who, time_ns)
        out[4], out[5] = max(users.length[n] + length, 0.3), max(users.width[n] + width, 0.3)
    out[6] = stated * np.sqrt(0.5 * (model.along_factor**2 + model.across_factor**2))
    far = min(distance / post.range, 1.0) ** 2
    return _believed(kind, far, post, model, who, time_ns, seed)


@numba.njit(cache=True)
def _complete_ghost(small: bool, away: float, post: Any, model: Any, out: F64) -> int:
    """Fill in size and sigma of a false object and return its class."""
    if model.gives_speed == 0.0:
        out[3] = np.nan
    out[4:6] = np.nan
    if model.gives_size > 0.0:
        out[4], out[5] = SMALL if small else LARGE
    out[6] = post.sigma * model.sigma_factor * (1.0 + away / model.sigma_doubles_m)
    return Kind.PEDESTRIAN.value if small else Kind.CAR.value


@numba.njit(cache=True)
def ghosts(post: Any, model: Any, slot: int, seed: np.uint64) -> int:
    """Return how many false objects a pole sees in a slot of `clutter_s`."""
    expected = (model.clutter_per_s + post.ghosts_per_s) * model.clutter_s
    whole = int(expected)
    if one_uniform(seed, Stream.POLE_CLUTTER, post.pole, slot) < expected - whole:
        whole += 1
    return min(whole, MOST_GHOSTS)


@numba.njit(cache=True)
def ghost(
    users: Users, rows: I64, bearing: F64, post: Any, model: Any, slot: int, number: int, seed: np.uint64, out: F64
) -> int:
    """Fill in a false object as `measure` does a true one; return its class, -1 if nobody is there to make it."""
    word = one_bits(seed, Stream.POLE_CLUTTER, post.pole + np.uint64((number + 1) << 32), slot)
    if share_of(word, 48) >= model.clutter_beside:
        away = post.reach * np.sqrt(share_of(word, 0))
        towards = 2.0 * np.pi * share_of(word, 16)
        out[0], out[1], out[2], out[3] = away * np.cos(towards), away * np.sin(towards), np.nan, 0.0
        return _complete_ghost(bool((word >> np.uint64(32)) & np.uint64(1)), away, post, model, out)
    if not len(rows):
        return -1
    k = int(share_of(word, 0) * len(rows))
    n = rows[k]
    out[0], out[1] = users.x[n] - post.x, users.y[n] - post.y
    out[2], out[3] = users.heading[n], users.speed[n]
    if out[3] < model.heading_from:
        out[2] = np.nan
    behind = model.clutter_behind_m * (0.2 + 0.8 * share_of(word, 16))
    out[0] += behind * np.cos(bearing[k])
    out[1] += behind * np.sin(bearing[k])
    sun = 2.0 * np.pi * share_of(one_bits(seed, Stream.POLE_CLUTTER, np.uint64(0), 0), 0)
    aside = model.clutter_aside_m * (0.4 + 0.6 * share_of(word, 32))
    out[0] += aside * np.cos(sun)
    out[1] += aside * np.sin(sun)
    away = np.hypot(out[0], out[1])
    return _complete_ghost(users.kind[n] >= Kind.BICYCLE, away, post, model, out)


@numba.njit(cache=True)
def fixed_ghost(post: Any, model: Any, number: int, time_ns: int, seed: np.uint64, out: F64) -> int:
    """Fill in a thing of the street that is taken for a person; return its class, -1 if it is not just now."""
    thing = post.pole + np.uint64((number + 1 + MOST_GHOSTS) << 32)
    if one_uniform(seed, Stream.POLE_CLUTTER, thing, time_ns // TWO_SECONDS_NS) >= FIXED_PRESENT:
        return -1
    word = one_bits(seed, Stream.POLE_CLUTTER, thing, -1)
    away, towards = post.range * (0.2 + 0.5 * share_of(word, 0)), 2.0 * np.pi * share_of(word, 16)
    quick = 0.2 * post.sigma * model.sigma_factor
    out[0] = away * np.cos(towards) + quick * one_normal(seed, Stream.POLE_WHITE_X, thing, time_ns)
    out[1] = away * np.sin(towards) + quick * one_normal(seed, Stream.POLE_WHITE_Y, thing, time_ns)
    out[2], out[3] = np.nan, 0.0
    if away > post.reach:
        return -1
    return _complete_ghost(True, away, post, model, out)
