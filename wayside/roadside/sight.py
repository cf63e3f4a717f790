"""Who is where a pole must see it, and who is hidden behind others: geometry for studies, by true positions."""

from __future__ import annotations

import numba
import numpy as np

from wayside.roadside.tables import Poles
from wayside.table import F64, I64, U8, Bool
from wayside.worlds.tables import Truth

RANGE_SHARE = 0.8  # of a pole's range in which it must see
SIGHT_SHARE = 0.5  # of the visibility within which it must see
AIM = 0.7  # share of its height at which a road user is looked at
# by Kind: height [m] [own assumption]
HEIGHT_M = np.array([1.5, 1.5, 3.2, 3.5, 1.5, 1.6, 1.7])


def in_view(x: F64, y: F64, poles: Poles, visibility: F64) -> tuple[F64, Bool]:
    """Return the distance to the nearest pole [m], NaN without poles, and whether a pole must see that place.

    Args:
        x, y: the places [m].
        poles: the sensing poles.
        visibility: at each place [m].
    """
    nearest, sighted = np.full(len(x), np.nan), np.zeros(len(x), np.bool_)
    for n in range(len(poles)):
        east, north = x - poles.x[n], y - poles.y[n]
        away = np.hypot(east, north)
        nearest = np.fmin(nearest, away)
        aside = np.arctan2(north, east) - poles.facing[n]
        aside -= 2.0 * np.pi * np.rint(aside / (2.0 * np.pi))
        looks = np.abs(aside) <= 0.5 * poles.field_of_view[n] + 1e-3
        sighted |= looks & (away <= np.minimum(RANGE_SHARE * poles.range[n], SIGHT_SHARE * visibility))
    return nearest, sighted


@numba.njit(cache=True)
def _passes(east: float, north: float, heading: float, half_length: float, half_width: float, to_x: float,
            to_y: float) -> float:  # fmt: skip
    """Return where on the way from the origin to a point a line leaves a box, as a share; -1 if it misses it."""
    cosine, sine = np.cos(heading), np.sin(heading)
    enters, leaves = 0.0, 1.0
    for axis in range(2):
        ux, uy = (cosine, sine) if axis == 0 else (-sine, cosine)
        half = half_length if axis == 0 else half_width
        middle, way = ux * east + uy * north, ux * to_x + uy * to_y
        if abs(way) < 1e-9:
            if abs(middle) > half:
                return -1.0
            continue
        one, other = (middle - half) / way, (middle + half) / way
        enters, leaves = max(enters, min(one, other)), min(leaves, max(one, other))
    return leaves if enters < leaves else -1.0


@numba.njit(cache=True)
def _hidden(
    first: I64, kind: U8, x: F64, y: F64, heading: F64, length: F64, width: F64, reach: F64, pole_x: F64,
    pole_y: F64, pole_height: F64, facing: F64, half_view: F64, heights: F64,
) -> Bool:  # fmt: skip
    """Tell who is in view of poles but hidden from each of them; `reach` is [poles, frames]."""
    hidden = np.zeros(x.size, np.bool_)
    shown = np.zeros(x.size, np.bool_)
    near = np.empty(x.size, np.int64)
    for frame in range(first.size - 1):
        for p in range(pole_x.size):
            limit = reach[p, frame]
            count = 0
            for i in range(first[frame], first[frame + 1]):
                if np.hypot(x[i] - pole_x[p], y[i] - pole_y[p]) <= limit:
                    near[count] = i
                    count += 1
            for k in range(count):
                i = near[k]
                to_x, to_y = x[i] - pole_x[p], y[i] - pole_y[p]
                aside = np.arctan2(to_y, to_x) - facing[p]
                aside -= 2.0 * np.pi * np.rint(aside / (2.0 * np.pi))
                if abs(aside) > half_view[p] or shown[i]:
                    continue
                way = np.hypot(to_x, to_y)
                aim = AIM * heights[kind[i]]
                blocked = False
                for m in range(count):
                    j = near[m]
                    east, north = x[j] - pole_x[p], y[j] - pole_y[p]
                    if (
                        j == i
                        or east * to_x + north * to_y > way * way
                        or (abs(east * to_y - north * to_x) > 0.5 * (length[j] + width[j]) * way)
                    ):
                        continue
                    leaves = _passes(east, north, heading[j], length[j] / 2, width[j] / 2, to_x, to_y)
                    # sight is lowest where it leaves the other's body
                    if leaves >= 0.0 and pole_height[p] + (aim - pole_height[p]) * leaves < heights[kind[j]]:
                        blocked = True
                        break
                hidden[i] = blocked
                shown[i] = not blocked
    return hidden & ~shown


def hidden(time_ns: I64, truth: Truth, poles: Poles, visibility: F64) -> Bool:
    """Tell which road users are where a pole must see them, but hidden behind others from every such pole.

    Hidden from a pole: the straight line from its sensors to 0.7 of the height of the road user's middle goes
    through another's body, taken as a box.

    Args:
        time_ns: tick of each row, rising [ns].
        truth: everybody of those ticks.
        poles: the sensing poles.
        visibility: at each row [m].

    Limits: buildings and trees hide nobody; heights are assumed by class.

    >>> hidden(np.empty(0, np.int64), Truth.empty(), Poles.empty(), np.empty(0))
    array([], dtype=bool)
    """
    first = np.append(np.flatnonzero(np.diff(time_ns, prepend=-1)), len(time_ns))
    reach = np.minimum(RANGE_SHARE * poles.range[:, None], SIGHT_SHARE * visibility[first[:-1]][None, :])
    found: Bool = _hidden(
        first, truth.kind, truth.x, truth.y, truth.heading, truth.length, truth.width, reach,
        poles.x, poles.y, poles.height, poles.facing, 0.5 * poles.field_of_view + 1e-3, HEIGHT_M,
    )  # fmt: skip
    return found
