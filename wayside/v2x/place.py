"""Where and which way, on the wire and in the city: degrees and compass headings, metres and radians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike

from wayside.asn1.program import ABSENT
from wayside.maps.road import RoadMap
from wayside.table import F64, I64

DEGREE = 10_000_000  # latitude and longitude units in a degree
NO_LATITUDE, NO_LONGITUDE = 900_000_001, 1_800_000_001
HEADING_STEP = np.radians(0.0125)
HEADINGS = 28_800  # steps in a turn; also the value for unknown
# offsets of a point from a reference: the first form that is wide enough is taken
OFFSET_FORMS = ("position-LL1", "position-LL2", "position-LL3", "position-LL4", "position-LL5", "position-LL6")
OFFSET_REACH = np.array([1 << 11, 1 << 13, 1 << 15, 1 << 17, 1 << 21, 1 << 23])
ABSOLUTE = "position-LatLon"
_FORMS = (*OFFSET_FORMS, ABSOLUTE)


@dataclass(frozen=True, slots=True)
class Place:
    """How one city's metres and radians become wire values.

    Attributes:
        road: the map that says where the city lies.
        north: direction of true north in the city's frame, anticlockwise from east [rad]; it differs from
            pi/2 by the meridian convergence of the map's projection, taken at the middle of the map.
    """

    road: RoadMap
    north: float

    @classmethod
    def of(cls, road: RoadMap) -> Place:
        """Measure where north is on this map.

        Raises:
            MapError: the map does not say where on the globe it lies.
        """
        x = float(road.points.x.mean()) if len(road.points) else 0.0
        y = float(road.points.y.mean()) if len(road.points) else 0.0
        latitude, longitude = road.to_wgs84([x], [y])
        north_x, north_y = road.from_wgs84(latitude + 0.001, longitude)
        return cls(road, float(np.arctan2(north_y[0] - y, north_x[0] - x)))

    def to_wire(self, x: ArrayLike, y: ArrayLike) -> tuple[I64, I64]:
        """Return latitude and longitude [1e-7 degrees] of positions [m]; unknown ones as the wire says it."""
        latitude, longitude = self.road.to_wgs84(x, y)
        return _units(latitude, NO_LATITUDE), _units(longitude, NO_LONGITUDE)

    def from_wire(self, latitude: I64, longitude: I64) -> tuple[F64, F64]:
        """Return positions [m] of latitude and longitude [1e-7 degrees]; NaN where the wire says unknown."""
        unknown = (latitude == NO_LATITUDE) | (longitude == NO_LONGITUDE)
        x, y = self.road.from_wgs84(latitude / DEGREE, longitude / DEGREE)
        return (np.where(unknown, np.nan, x), np.where(unknown, np.nan, y)) if unknown.any() else (x, y)

    def heading_to_wire(self, heading: F64) -> I64:
        """Return headings [0.0125 degrees clockwise from north] of directions [rad anticlockwise from east]."""
        return np.asarray(_to_headings(heading, self.north))

    def heading_from_wire(self, steps: I64) -> F64:
        """Return directions [rad], above -pi and up to pi, of headings; NaN where the wire says unknown."""
        return np.asarray(_from_headings(steps, self.north))


@numba.njit(cache=True)
def _to_headings(directions: F64, north: float) -> I64:
    steps = np.empty(len(directions), np.int64)
    for n in range(len(directions)):
        step = np.rint((north - directions[n]) / HEADING_STEP)
        steps[n] = HEADINGS if np.isnan(step) else np.int64(step) % HEADINGS
    return steps


@numba.njit(cache=True)
def _from_headings(steps: I64, north: float) -> F64:
    directions = np.empty(len(steps), np.float64)
    for n in range(len(steps)):
        turned = np.pi - (np.pi - (north - steps[n] * HEADING_STEP)) % (2 * np.pi)
        directions[n] = np.nan if steps[n] == HEADINGS or steps[n] == ABSENT else turned
    return directions


@numba.njit(cache=True)
def _units(degrees: F64, unknown: int) -> I64:
    """Return whole units of degrees."""
    units = np.empty(len(degrees), np.int64)
    for n in range(len(degrees)):
        units[n] = unknown if np.isnan(degrees[n]) else np.int64(np.rint(degrees[n] * DEGREE))
    return units


@numba.njit(cache=True)
def nearest_in_reach(x: F64, y: F64, place_x: F64, place_y: F64, reach: F64) -> I64:
    """Return the index of the place nearest to each point, the first of several; -1 where it is out of its reach.

    Args:
        x, y: points [m, n]; NaN is out of reach.
        place_x, place_y: places [m, k].
        reach: how far each place's reach is [m, k].

    >>> nearest_in_reach(np.array([1.0, 99.0]), np.zeros(2), np.array([5.0, 2.0]), np.zeros(2), np.full(2, 9.0))
    array([ 1, -1])
    """
    found = np.full(len(x), -1, np.int64)
    order = np.argsort(place_x)
    ordered = place_x[order]
    for n in range(len(x)):
        if not len(order) or np.isnan(x[n]) or np.isnan(y[n]):
            continue
        above = np.searchsorted(ordered, x[n])
        below = above - 1
        nearest, least = order[0], np.inf
        while True:  # outwards from the point, on the side that is nearer along x
            left = x[n] - ordered[below] if below >= 0 else np.inf
            right = ordered[above] - x[n] if above < len(order) else np.inf
            if not min(left, right) ** 2 <= least or min(left, right) == np.inf:
                break
            if left <= right:
                place, below = order[below], below - 1
            else:
                place, above = order[above], above + 1
            square = (place_x[place] - x[n]) ** 2 + (place_y[place] - y[n]) ** 2
            if square < least or (square == least and place < nearest):
                nearest, least = place, square
        if least < np.inf and np.sqrt(least) <= reach[nearest]:
            found[n] = nearest
    return found


@numba.njit(cache=True)
def offset_forms(east: I64, north: I64) -> I64:
    """Return the index of the narrowest form for offsets in longitude and latitude; 6 is the absolute one.

    >>> offset_forms(np.array([0, -2048, 2048, 9_000_000]), np.array([0, 0, 0, 0]))
    array([0, 0, 1, 6])
    """
    forms = np.empty(len(east), np.int64)
    for n in range(len(east)):
        need = max(-east[n] if east[n] < 0 else east[n] + 1, -north[n] if north[n] < 0 else north[n] + 1)
        forms[n] = np.searchsorted(OFFSET_REACH, need)
    return forms


def offset_of(latitude: I64, longitude: I64, reference: Sequence[I64 | int] | I64) -> tuple[I64, I64, I64]:
    """Return form, longitude and latitude with which points go on the wire.

    Args:
        latitude, longitude: of the points [1e-7 degrees].
        reference: latitude and longitude that they are told from; single numbers, or one for each point.

    Returns:
        Index of the form, and two numbers that are offsets or, in the last form, the position itself.
    """
    north, east = latitude - reference[0], longitude - reference[1]
    form = offset_forms(east, north)
    form[(latitude == NO_LATITUDE) | (longitude == NO_LONGITUDE)] = len(OFFSET_FORMS)
    absolute = form == len(OFFSET_FORMS)
    return form, np.where(absolute, longitude, east), np.where(absolute, latitude, north)


def absolute(form: I64, latitude: I64, longitude: I64, at_latitude: I64, at_longitude: I64) -> tuple[I64, I64]:
    """Return latitude and longitude of points told in any form, with the reference of each; unknown where it is.

    >>> absolute(np.array([0, 6]), np.array([5, 70]), np.array([-7, 80]), np.full(2, 100), np.full(2, 200))
    (array([105,  70]), array([193,  80]))
    """
    whole = form == len(OFFSET_FORMS)
    nowhere = ~whole & ((at_latitude == NO_LATITUDE) | (at_longitude == NO_LONGITUDE))
    north = np.where(whole, latitude, at_latitude + latitude)
    east = np.where(whole, longitude, at_longitude + longitude)
    return np.where(nowhere, NO_LATITUDE, north), np.where(nowhere, NO_LONGITUDE, east)


def offsets(latitude: I64, longitude: I64, reference: Sequence[int]) -> list[dict[str, Any]]:
    """Return PositionOffsetLLV values of points, as differences to a reference (latitude, longitude).

    >>> offsets(np.array([5]), np.array([-7]), (0, 0))
    [{'offsetLL': {'position-LL1': {'lon': -7, 'lat': 5}}}]
    """
    told = (column.tolist() for column in offset_of(latitude, longitude, reference))
    return [
        {"offsetLL": {_FORMS[form]: {"lon": east, "lat": north}}} for form, east, north in zip(*told, strict=True)
    ]


def position(latitude: int, longitude: int) -> dict[str, int]:
    """Return a Position3D without elevation, which the city's plane does not know."""
    return {"lat": latitude, "long": longitude}
