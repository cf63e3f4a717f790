"""What a pole can see at all: who is in reach and in view, who is hidden, and which two look like one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Kind
from wayside.worlds.draws import Stream, one_uniform

# by Kind: height [m] of the object as an obstacle to sight [own assumption]
HEIGHT = np.array([1.5, 1.5, 3.2, 3.6, 1.5, 1.6, 1.7])
LOW = 2.0  # what is higher is tall: it may hide others from afar [m]
TARGET_SHARE = 0.7  # the point that must be seen lies at that share of the object's height
RAYS = 8  # lines of sight across an object
HALF_SECOND_NS = 500_000_000

# one sensing pole as the kernels read it: with what the weather leaves of it, and what is wrong with it
POST = np.dtype(
    [
        ("pole", np.uint64),
        ("model", np.int64),  # row of the sensor models
        ("x", np.float64),
        ("y", np.float64),
        ("range", np.float64),  # distance at which misses and confusions are those of the end of the range [m]
        ("reach", np.float64),  # farthest distance now [m]
        ("fog_reach", np.float64),  # what fog alone would leave [m]
        ("height", np.float64),  # of the sensors [m]
        ("sigma", np.float64),  # position error of a near object, per axis [m]
        ("facing", np.float64),  # middle of the view [rad]
        ("half_view", np.float64),  # half its width; pi or more is all around [rad]
        ("misses", np.float64),  # times as many misses in this weather
        ("silent", np.bool_),
        ("turn", np.float64),  # of its frame, anticlockwise [rad]
        ("shift_x", np.float64),  # of its frame [m]
        ("shift_y", np.float64),
        ("clock", np.float64),  # ahead of the true time [s]
        ("late", np.float64),  # mean delay besides the usual [s]
        ("blind_at", np.float64),  # middle of a blind sector [rad]
        ("blind_half", np.float64),  # half its width, 0 none [rad]
        ("ghosts_per_s", np.float64),  # false objects besides the usual
        ("noise", np.float64),  # times the usual position error
        ("confusion", np.float64),  # share of wrong classes besides the usual
    ]
)

Posts = NDArray[np.void]  # of dtype POST


class Users(NamedTuple):
    """Road users, as columns, by identity."""

    identity: U64
    kind: U8
    x: F64
    y: F64
    heading: F64
    speed: F64
    length: F64
    width: F64


@numba.njit(cache=True)
def wrapped(angle: float) -> float:
    """Return the angle within half a turn of 0 [rad]."""
    turned: float = angle - 2.0 * np.pi * np.rint(angle / (2.0 * np.pi))
    return turned


@numba.njit(cache=True)
def within(users: Users, x: float, y: float, reach: float) -> tuple[I64, F64]:
    """Return the rows within reach of a point, nearest first, and their distances, at least half a metre."""
    rows = np.empty(len(users.x), np.int64)
    distance = np.empty(len(users.x))
    count = 0
    square = reach * reach
    for n in range(len(users.x)):
        dx, dy = users.x[n] - x, users.y[n] - y
        if dx * dx + dy * dy <= square:
            rows[count], distance[count] = n, max(np.sqrt(dx * dx + dy * dy), 0.5)
            count += 1
    order = np.argsort(distance[:count], kind="mergesort")  # who is equally far stays by identity
    return rows[:count][order], distance[:count][order]


@numba.njit(cache=True)
def bearings(users: Users, rows: I64, distance: F64, x: float, y: float) -> tuple[F64, F64]:
    """Return the bearing of each row from a point, and half the angle it covers [rad]."""
    bearing, half = np.empty(len(rows)), np.empty(len(rows))
    for i in range(len(rows)):
        n = rows[i]
        bearing[i] = np.arctan2(users.y[n] - y, users.x[n] - x)
        turned = users.heading[n] - bearing[i]
        across = abs(np.sin(turned)) * users.length[n] + abs(np.cos(turned)) * users.width[n]
        half[i] = np.arctan2(0.5 * across, distance[i])
    return bearing, half


@numba.njit(cache=True)
def _covered(apart: float, half_far: float, half_near: float) -> int:
    """Return the rays to a far object that a nearer one blocks, as bits."""
    apart = wrapped(apart)
    if abs(apart) > half_near + half_far:
        return 0
    rays = 0
    for ray in range(RAYS):
        if abs(apart + half_far * ((2 * ray + 1) / RAYS - 1.0)) < half_near:
            rays |= 1 << ray
    return rays


@numba.njit(cache=True)
def hidden(
    users: Users, rows: I64, distance: F64, bearing: F64, half: F64, post: Any, obstacle_share: float,
    hidden_share: float,
) -> Bool:  # fmt: skip
    """Tell which of the rows, nearest first, are hidden behind nearer ones from the sensors on a pole.

    A line of sight from the sensors down to a point of the target passes nearer objects at some height; those that
    reach it block it. Low ones can do so only near the target, so few of them are asked.
    """
    least = int(np.ceil(hidden_share * RAYS))
    found = np.zeros(len(rows), np.bool_)
    tall = np.empty(len(rows), np.int64)
    towering = 0
    for far in range(len(rows)):
        aim = TARGET_SHARE * HEIGHT[users.kind[rows[far]]]
        slope = (post.height - aim) / distance[far]
        rays = 0
        near = far - 1
        while near >= 0 and post.height - slope * distance[near] <= LOW * obstacle_share:
            top = HEIGHT[users.kind[rows[near]]]
            sight = post.height - slope * distance[near]
            if top < LOW and distance[near] <= distance[far] - 1.0 and top * obstacle_share >= sight:
                rays |= _covered(bearing[far] - bearing[near], half[far], half[near])
            near -= 1
        for k in range(towering):
            near = tall[k]
            if distance[near] > distance[far] - 1.0:
                break
            if HEIGHT[users.kind[rows[near]]] * obstacle_share >= post.height - slope * distance[near]:
                rays |= _covered(bearing[far] - bearing[near], half[far], half[near])
        if HEIGHT[users.kind[rows[far]]] >= LOW:
            tall[towering] = far
            towering += 1
        count = 0
        for ray in range(RAYS):
            count += (rays >> ray) & 1
        found[far] = count >= least
    return found


@numba.njit(cache=True)
def seen(users: Users, rows: I64, distance: F64, bearing: F64, post: Any, model: Any) -> Bool:
    """Tell which rows are in view: near enough for their class, not under the pole, and where the pole looks."""
    found = np.empty(len(rows), np.bool_)
    for i in range(len(rows)):
        ahead = bearing[i] + post.turn  # as the turned sensor has it
        found[i] = (
            model.nearest_m <= distance[i] <= post.reach * model.range_of[users.kind[rows[i]]]
            and (post.half_view >= np.pi - 1e-3 or abs(wrapped(ahead - post.facing)) <= post.half_view)
            and (post.blind_half <= 0.0 or abs(wrapped(ahead - post.blind_at)) > post.blind_half)
        )
    return found


@numba.njit(cache=True)
def merged(
    users: Users, rows: I64, distance: F64, bearing: F64, usable: Bool, post: Any, model: Any, time_ns: int,
    seed: np.uint64,
) -> I64:  # fmt: skip
    """Return for each row the place of a nearer one that it is seen as one with, -1 if it is not."""
    into = np.full(len(rows), -1, np.int64)
    if model.merge_share <= 0.0:
        return into
    close = np.radians(model.merge_deg)
    half_second = time_ns // HALF_SECOND_NS
    for far in range(len(rows)):
        if not usable[far]:
            continue
        n = rows[far]
        approach = users.speed[n] * np.cos(users.heading[n] - bearing[far])
        for near in range(far - 1, -1, -1):
            if distance[far] - distance[near] > model.merge_m:
                break
            if not usable[near] or into[near] >= 0 or abs(wrapped(bearing[far] - bearing[near])) > close:
                continue
            m = rows[near]
            if abs(users.speed[m] * np.cos(users.heading[m] - bearing[near]) - approach) > model.merge_speed:
                continue
            if (users.kind[n] == Kind.PEDESTRIAN) != (users.kind[m] == Kind.PEDESTRIAN):
                continue
            pair = users.identity[n] + users.identity[m] * np.uint64(3) + post.pole * np.uint64(0x9E3779B97F4A7C15)
            if one_uniform(seed, Stream.POLE_MERGE, pair, half_second) < model.merge_share:
                into[far] = near
                break
    return into
