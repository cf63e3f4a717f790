"""Where points lie with respect to the outlines of zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from wayside.table import F64, I64, U16, Bool

if TYPE_CHECKING:
    from wayside.admission.tables import ZoneCorners, Zones


def inside(x: F64, y: F64, zones: Zones, corners: ZoneCorners) -> Bool:
    """Tell which points lie in which zones, by counting the borders that a ray to the east crosses.

    Args:
        x, y: points, east and north of the city's origin [m]; NaN lies nowhere.
        zones: the zones asked about; one without at least three corners holds no point.
        corners: their outlines; corners of other zones are ignored. Outlines may run either way round. Where
            an outline crosses itself, points that it winds around twice are outside (even-odd rule).

    Returns:
        One row a point, one column a zone. A point on a border belongs to the zone east of it, or north of it
        where the border runs east: of two zones that share a border exactly one has it.

    Limits: exact to rounding of the crossing's abscissa, about 1e-9 m for a city.

    >>> from wayside.admission.tables import ZoneCorners, Zones
    >>> square = ZoneCorners(zone=[1] * 4, number=[0, 1, 2, 3], x=[0.0, 9.0, 9.0, 0.0], y=[0.0, 0.0, 9.0, 9.0])
    >>> inside(np.array([4.0, 12.0, 0.0, 9.0]), np.full(4, 5.0), Zones(zone=[1], corners=[4]), square)[:, 0]
    array([ True, False,  True, False])
    """
    begin, end, corner_x, corner_y = _outlines(zones, corners)
    member: Bool = _inside(begin, end, corner_x, corner_y, np.asarray(x, np.float64), np.asarray(y, np.float64))
    return member


def depth(x: F64, y: F64, zones: Zones, corners: ZoneCorners) -> F64:
    """Return how deep points lie in zones: the distance to the outline, negative outside.

    Args:
        x, y, zones, corners: as for `inside`.

    Returns:
        One row a point, one column a zone [m]; NaN for a point that is nowhere or a zone without an outline.

    >>> from wayside.admission.tables import ZoneCorners, Zones
    >>> square = ZoneCorners(zone=[1] * 4, number=[0, 1, 2, 3], x=[0.0, 9.0, 9.0, 0.0], y=[0.0, 0.0, 9.0, 9.0])
    >>> depth(np.array([4.0, 12.0]), np.full(2, 5.0), Zones(zone=[1], corners=[4]), square)[:, 0]
    array([ 4., -3.])
    """
    begin, end, corner_x, corner_y = _outlines(zones, corners)
    found: F64 = _depth(begin, end, corner_x, corner_y, np.asarray(x, np.float64), np.asarray(y, np.float64))
    return found


def own_depth(x: F64, y: F64, own: U16, zones: Zones, corners: ZoneCorners) -> F64:
    """Return how deep each point lies in its own zone: the distance to the outline, negative outside.

    Args:
        x, y, zones, corners: as for `inside`.
        own: number of the zone of each point.

    Returns:
        One entry a point [m]; NaN for one that is nowhere, or whose zone is not there or has no outline.

    >>> from wayside.admission.tables import ZoneCorners, Zones
    >>> square = ZoneCorners(zone=[1] * 4, number=[0, 1, 2, 3], x=[0.0, 9.0, 9.0, 0.0], y=[0.0, 0.0, 9.0, 9.0])
    >>> own_depth(np.array([4.0, 4.0]), np.full(2, 5.0), np.array([1, 7]), Zones(zone=[1], corners=[4]), square)
    array([ 4., nan])
    """
    zones = zones.in_order()
    begin, end, corner_x, corner_y = _outlines(zones, corners)
    found: F64 = _own_depth(
        begin, end, corner_x, corner_y, np.asarray(x, np.float64), np.asarray(y, np.float64), own, zones.zone
    )
    return found


def _outlines(zones: Zones, corners: ZoneCorners) -> tuple[I64, I64, F64, F64]:
    """Return where each zone's corners begin and end, and all corners in order."""
    corners = corners.in_order()
    begin, end = corners.zone.searchsorted(zones.zone, "left"), corners.zone.searchsorted(zones.zone, "right")
    return begin, end, corners.x, corners.y


@njit(cache=True)
def _crossings(corner_x: F64, corner_y: F64, px: float, py: float) -> int:
    """Count the borders that a ray from the point to the east crosses."""
    count = 0
    ax, ay = corner_x[-1], corner_y[-1]
    for c in range(len(corner_x)):
        bx, by = corner_x[c], corner_y[c]
        if (ay > py) != (by > py):
            # the lower end first, so that two zones find the same crossing on a shared border
            low_x, low_y, high_x, high_y = (ax, ay, bx, by) if ay < by else (bx, by, ax, ay)
            cross = low_x + (high_x - low_x) * (py - low_y) / (high_y - low_y)
            if px < cross:
                count += 1
        ax, ay = bx, by
    return count


@njit(cache=True)
def _inside(begin: I64, end: I64, corner_x: F64, corner_y: F64, x: F64, y: F64) -> Bool:
    member = np.zeros((len(x), len(begin)), np.bool_)
    for z in range(len(begin)):
        zone_x, zone_y = corner_x[begin[z] : end[z]], corner_y[begin[z] : end[z]]
        if len(zone_x) < 3:
            continue
        low_x, high_x = zone_x.min(), zone_x.max()
        low_y, high_y = zone_y.min(), zone_y.max()
        for i in range(len(x)):
            px, py = x[i], y[i]
            if not (low_x <= px <= high_x and low_y <= py <= high_y):
                continue
            member[i, z] = _crossings(zone_x, zone_y, px, py) % 2 == 1
    return member


@njit(cache=True)
def _one_depth(corner_x: F64, corner_y: F64, px: float, py: float) -> float:
    """Return the distance of a point to an outline [m], negative outside it."""
    nearest = np.inf
    ax, ay = corner_x[-1], corner_y[-1]
    for c in range(len(corner_x)):
        bx, by = corner_x[c], corner_y[c]
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        along = 0.0
        if length2 > 0.0:
            along = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / length2))
        ox, oy = px - ax - along * dx, py - ay - along * dy
        nearest = min(nearest, ox * ox + oy * oy)
        ax, ay = bx, by
    away = np.sqrt(nearest)
    return float(away if _crossings(corner_x, corner_y, px, py) % 2 == 1 else -away)


@njit(cache=True)
def _depth(begin: I64, end: I64, corner_x: F64, corner_y: F64, x: F64, y: F64) -> F64:
    depth = np.full((len(x), len(begin)), np.nan)
    for z in range(len(begin)):
        zone_x, zone_y = corner_x[begin[z] : end[z]], corner_y[begin[z] : end[z]]
        if len(zone_x) < 3:
            continue
        for i in range(len(x)):
            if not (np.isnan(x[i]) or np.isnan(y[i])):
                depth[i, z] = _one_depth(zone_x, zone_y, x[i], y[i])
    return depth


@njit(cache=True)
def _own_depth(
    begin: I64, end: I64, corner_x: F64, corner_y: F64, x: F64, y: F64, own: U16, zone: U16
) -> F64:  # fmt: skip
    depth = np.full(len(x), np.nan)
    for i in range(len(x)):
        z = np.searchsorted(zone, own[i])
        if z == len(zone) or zone[z] != own[i] or np.isnan(x[i]) or np.isnan(y[i]) or end[z] - begin[z] < 3:
            continue
        depth[i] = _one_depth(corner_x[begin[z] : end[z]], corner_y[begin[z] : end[z]], x[i], y[i])
    return depth
