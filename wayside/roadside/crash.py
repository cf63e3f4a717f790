"""Crashes: vehicles that touch each other and stand, and vehicles that stopped harder than brakes can."""

from __future__ import annotations

import msgspec
import numba
import numpy as np

from wayside.roadside.tables import Actors
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

_CAR, _TRUCK = int(Kind.CAR), int(Kind.TRUCK)
NEAR_M = 20.0  # middles of two vehicles that touch are no farther apart


class CrashConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What tells a crash from a queue."""

    standing_below: float = 0.8  # [m/s]
    touch_m: float = 0.7  # gap of two boxes that may be touching; drivers leave more, even in a queue
    askew: float = 0.45  # vehicles that point so differently do not queue [rad], 25 degrees
    askew_touch_m: float = 0.2  # and must be that close, for in turning traffic they stand close anyhow
    in_line_m: float = 1.0  # one behind the other: no farther apart sideways
    rider_in_line_m: float = 0.6  # a motorcycle ahead is passed closely without being hit
    no_brake: float = 11.0  # deceleration beyond what tyres hold on a dry road [m/s2]
    merge_s: float = 0.15  # two that touched for so long may be seen as one
    sigma_m: float = 0.6  # of the position of one whose speed and gap are believed
    steady_sigma_m: float = (
        0.35  # of one whose deceleration or touch is; one measurement after a gap is not enough
    )
    meets_m: float = 7.0  # between the middles of two that have just met
    doomed_from: float = 4.0  # slower vehicles stop in time, whatever their measurement says [m/s]
    drives_on: float = 2.0  # one that was doomed and is faster a second later has been spared [m/s]
    off_lane_m: float = 2.0  # from the middle of a lane; farther off nothing is judged
    stays_m: float = 6.0  # what stands so near to where a blow was felt is what felt it, whatever its name by now


@numba.njit(cache=True)
def box_gap(ax: float, ay: float, ah: float, al: float, aw: float,
            bx: float, by: float, bh: float, bl: float, bw: float) -> float:  # fmt: skip
    """Return the greatest distance of two boxes along any of their sides [m]; negative if they overlap.

    Args:
        ax, ay, ah, al, aw: middle [m], heading [rad], length and width [m] of the one.
        bx, by, bh, bl, bw: of the other.

    Limits: where corners face each other the true distance is greater, by at most the square root of two.
    Reference: the separating axis theorem.

    >>> box_gap(0.0, 0.0, 0.0, 4.0, 2.0, 5.0, 0.0, 0.0, 4.0, 2.0)
    1.0
    >>> abs(round(box_gap(0.0, 0.0, 0.0, 4.0, 2.0, 3.0, 0.0, 1.5707963, 4.0, 2.0), 3))
    0.0
    """
    dx, dy = bx - ax, by - ay
    widest = -np.inf
    for side in range(4):
        axis = (ah if side < 2 else bh) + (np.pi / 2.0 if side % 2 else 0.0)
        cosine, sine = np.cos(axis), np.sin(axis)
        own = 0.5 * (abs(np.cos(ah - axis)) * al + abs(np.sin(ah - axis)) * aw)
        others = 0.5 * (abs(np.cos(bh - axis)) * bl + abs(np.sin(bh - axis)) * bw)
        widest = max(widest, abs(dx * cosine + dy * sine) - own - others)
    return widest


@numba.njit(cache=True)
def _touching(
    rows: I64, x: F64, y: F64, heading: F64, length: F64, width: F64,
    touch: float, askew: float, askew_touch: float, in_line: float,
) -> tuple[I64, I64]:  # fmt: skip
    """Return the pairs among the rows, which are sorted by x, that touch in a way no queue does."""
    first, second = np.empty(4 * len(rows), np.int64), np.empty(4 * len(rows), np.int64)
    count = 0
    for i in range(len(rows)):
        a = rows[i]
        for j in range(i + 1, len(rows)):
            b = rows[j]
            if x[b] - x[a] > NEAR_M:
                break
            if abs(y[b] - y[a]) > NEAR_M or count == len(first):
                continue
            gap = box_gap(x[a], y[a], heading[a], length[a], width[a], x[b], y[b], heading[b], length[b], width[b])
            if gap > touch:
                continue
            turned = abs(np.sin(heading[a] - heading[b]))
            across = abs(-(x[b] - x[a]) * np.sin(heading[a]) + (y[b] - y[a]) * np.cos(heading[a]))
            behind = turned < np.sin(askew) and across < in_line
            corner = turned >= np.sin(askew) and gap < askew_touch
            if behind or corner:
                first[count], second[count] = a, b
                count += 1
    return first[:count], second[:count]


def touching(actors: Actors, able: Bool, config: CrashConfig) -> tuple[I64, I64]:
    """Return the rows of the two of each pair of standing vehicles that look as if they had crashed.

    Args:
        actors: the live picture.
        able: which are motor vehicles in a lane or a junction, measured just now.
        config: settings.

    Limits: two vehicles side by side and parallel are never taken for touching.
    """
    rows = np.flatnonzero(able & (actors.speed < config.standing_below) & ~np.isnan(actors.heading))
    if len(rows) < 2:
        return rows[:0], rows[:0]
    rows = rows[np.argsort(actors.x[rows], kind="stable")]
    found: tuple[I64, I64] = _touching(
        rows, actors.x, actors.y, actors.heading, actors.length, actors.width,
        config.touch_m, config.askew, config.askew_touch_m, config.in_line_m,
    )  # fmt: skip
    return found


@numba.njit(cache=True)
def _doomed(
    rows: I64, able: Bool, rider: Bool, x: F64, y: F64, heading: F64, speed: F64, length: F64,
    from_speed: float, standing: float, askew: float, in_line: float, rider_in_line: float, no_brake: float,
) -> tuple[I64, I64]:  # fmt: skip
    """Return who among the rows, sorted by x, cannot but run into which standing vehicle."""
    first, second = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    count = 0
    for i in range(len(rows)):
        a = rows[i]
        if not able[a] or speed[a] < from_speed:
            continue
        for way in (-1, 1):
            j = i + way
            while 0 <= j < len(rows) and abs(x[rows[j]] - x[a]) <= NEAR_M:
                b = rows[j]
                j += way
                if (
                    speed[b] > standing
                    or abs(y[b] - y[a]) > NEAR_M
                    or abs(np.sin(heading[a] - heading[b])) > askew
                ):
                    continue
                cosine, sine = np.cos(heading[a]), np.sin(heading[a])
                ahead = (x[b] - x[a]) * cosine + (y[b] - y[a]) * sine
                gap = ahead - 0.5 * (length[a] + length[b])
                across = abs((y[b] - y[a]) * cosine - (x[b] - x[a]) * sine)
                aside = rider_in_line if rider[b] else in_line
                late = ahead > 0.0 and across < aside and speed[a] ** 2 > 2.0 * no_brake * max(gap, 0.1)
                if late and (count == 0 or first[count - 1] != a):
                    first[count], second[count] = a, b
                    count += 1
    return first[:count], second[:count]


def doomed(actors: Actors, able: Bool, riders: Bool, config: CrashConfig) -> tuple[I64, I64]:
    """Return the rows of vehicles that no brake can keep from a standing one ahead, and of that one.

    From speed v over a gap d that takes v^2 / (2 d). A motorcycle may be hit, but is not judged as the one that
    hits.

    Args:
        actors: the live picture.
        able: which are motor vehicles with four wheels or more in a lane or a junction, measured just now.
        riders: which are motorcycles, likewise.
        config: settings.
    """
    rows = np.flatnonzero((able | riders) & ~np.isnan(actors.heading))
    rows = rows[np.argsort(actors.x[rows], kind="stable")]
    found: tuple[I64, I64] = _doomed(
        rows, able & (actors.position_sigma < config.sigma_m), riders, actors.x, actors.y, actors.heading,
        actors.speed, actors.length, config.doomed_from, config.standing_below, config.askew, config.in_line_m,
        config.rider_in_line_m, config.no_brake,
    )  # fmt: skip
    return found


def standing_near(
    felt_x: F64, felt_y: F64, actors: Actors, able: Bool, config: CrashConfig
) -> tuple[I64, I64]:  # fmt: skip
    """Return which of the blows have a vehicle standing where they were felt, and the row of the nearest such.

    A pole may see two cars that touch as one, so that identities are no help.
    """
    rows = np.flatnonzero(able & (actors.speed < config.standing_below))
    if not len(felt_x) or not len(rows):
        return rows[:0], rows[:0]
    away = np.hypot(felt_x[:, None] - actors.x[rows], felt_y[:, None] - actors.y[rows])
    nearest = np.argmin(away, axis=1)
    there = np.flatnonzero(away[np.arange(len(felt_x)), nearest] < config.stays_m)
    return there, rows[nearest[there]]


def has_company(actors: Actors, rows: I64, able: Bool, config: CrashConfig) -> Bool:
    """Tell which of the rows have another slow vehicle so near that they may have hit it."""
    if not len(rows):
        return np.zeros(0, np.bool_)
    others = np.flatnonzero(able & (actors.speed < config.doomed_from))
    away = np.hypot(actors.x[rows][:, None] - actors.x[others], actors.y[rows][:, None] - actors.y[others])
    near: Bool = ((away < config.meets_m) & (rows[:, None] != others)).any(axis=1)
    return near


def four_wheeled(actors: Actors) -> Bool:
    """Tell which actors are cars, buses or trucks; two-wheelers stand too close together to be judged."""
    wheeled: Bool = (actors.kind >= _CAR) & (actors.kind <= _TRUCK)
    return wheeled
