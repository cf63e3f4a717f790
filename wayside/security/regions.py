"""Where a certificate holds: regions of IEEE 1609.2 within regions, and places within regions.

Circles, rectangles and polygons are compared in a plane around the child's first point: exact to some metres
within 100 km. A country is compared with a country by its number; whether a place lies in a country is judged
by the country's bounding box, so a place outside the box is surely outside, and one inside may still be abroad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Box = tuple[float, float, float, float]  # south, west, north, east [degrees]
Point = tuple[float, float]  # east, north [m]
Place = tuple[float, float]  # latitude, longitude [degrees]
Region = Mapping[str, Any]
Country = tuple[int, frozenset[int] | None, frozenset[tuple[int, int]] | None]

COUNTRY_BOXES: Mapping[int, Box] = {156: (3.8, 73.5, 53.6, 135.1)}  # by UN M49 number: China with its islands
METRES_PER_DEGREE = 111_319.49  # of the equator, WGS-84
STEP = 1e-7  # degrees in one unit of the wire
UNKNOWN_COUNTRY = -1  # a way to name a place that this edition does not have: it lies within nothing


def _place(point: Mapping[str, int]) -> Place:
    return point["latitude"] * STEP, point["longitude"] * STEP


def _flat(place: Place, around: Place) -> Point:
    return (
        (place[1] - around[1]) * METRES_PER_DEGREE * math.cos(math.radians(around[0])),
        (place[0] - around[0]) * METRES_PER_DEGREE,
    )


def _inside(point: Point, corners: Sequence[Point]) -> bool:
    """Tell whether the point lies in the polygon; the border counts as inside."""
    if _distance(point, corners) <= 0.5:
        return True
    odd = False
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (ay > point[1]) != (by > point[1]) and point[0] < ax + (point[1] - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def _distance(point: Point, corners: Sequence[Point]) -> float:
    """Return the distance to the polygon's border [m]."""
    best = math.inf
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        along = 0.0 if square == 0 else ((point[0] - ax) * dx + (point[1] - ay) * dy) / square
        along = min(max(along, 0.0), 1.0)
        best = min(best, math.hypot(point[0] - ax - along * dx, point[1] - ay - along * dy))
    return best


def _cross(one: Sequence[Point], two: Sequence[Point]) -> bool:
    """Tell whether two polygons' borders cross; touching is no crossing."""

    def side(a: Point, b: Point, c: Point) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    for a, b in zip(one, (*one[1:], one[0]), strict=True):
        for c, d in zip(two, (*two[1:], two[0]), strict=True):
            if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
                return True
    return False


def _rectangle(value: Mapping[str, Any]) -> tuple[Place, ...]:
    (north, west), (south, east) = _place(value["northWest"]), _place(value["southEast"])
    return (north, west), (north, east), (south, east), (south, west)


def _shapes(region: Region) -> list[tuple[tuple[Place, ...], float]]:
    """Return the parts of a region as corners and a radius [m], which is above 0 for a circle alone."""
    ((kind, value),) = region.items()
    if kind == "circularRegion":
        return [((_place(value["center"]),), float(value["radius"]))]
    if kind == "rectangularRegion":
        return [(_rectangle(one), 0.0) for one in value]
    if kind == "polygonalRegion":
        return [(tuple(_place(p) for p in value), 0.0)]
    return []


def _part_within(child: tuple[tuple[Place, ...], float], parent: tuple[tuple[Place, ...], float]) -> bool:
    around = child[0][0]
    mine, radius = [_flat(p, around) for p in child[0]], child[1]
    theirs = [_flat(p, around) for p in parent[0]]
    if len(theirs) == 1:
        return all(math.dist(p, theirs[0]) + radius <= parent[1] + 0.5 for p in mine)
    if len(mine) == 1:
        return _inside(mine[0], theirs) and _distance(mine[0], theirs) >= radius - 0.5
    return all(_inside(p, theirs) for p in mine) and not _cross(mine, theirs)


def _countries(region: Region) -> list[Country]:
    """Return of each country its number, the provinces listed and the districts listed; None stands for all."""
    found = list[Country]()
    for one in region["identifiedRegion"]:
        ((kind, value),) = one.items()
        if kind == "countryOnly":
            found.append((value, None, None))
        elif kind == "countryAndRegions":
            found.append((value["countryOnly"], frozenset(value["regions"]), None))
        elif kind == "countryAndSubregions":
            pairs = {(r["region"], s) for r in value["regionAndSubregions"] for s in r["subregions"]}
            found.append((value["country"], frozenset(r for r, _ in pairs), frozenset(pairs)))
        else:
            found.append((UNKNOWN_COUNTRY, None, None))
    return found


def place_in(region: Region | None, place: Place, boxes: Mapping[int, Box] = COUNTRY_BOXES) -> bool:
    """Tell whether a place lies in a region.

    Args:
        region: as the certificate codec gives it, with one key; None is everywhere.
        place: latitude and longitude [degrees].
        boxes: the bounding boxes of countries; a country that is not among them contains no place.

    >>> place_in({"identifiedRegion": [{"countryOnly": 156}]}, (22.69, 114.35))
    True
    >>> place_in({"circularRegion": {"center": {"latitude": 226900000, "longitude": 1143500000}, "radius": 500}},
    ...          (22.70, 114.35))
    False
    """
    if region is None:
        return True
    if "identifiedRegion" in region:
        known = [boxes[country] for country, _, _ in _countries(region) if country in boxes]
        return any(s <= place[0] <= n and w <= place[1] <= e for s, w, n, e in known)
    return any(_part_within(((place,), 0.0), part) for part in _shapes(region))


def region_within(child: Region | None, parent: Region | None, boxes: Mapping[int, Box] = COUNTRY_BOXES) -> bool:
    """Tell whether a certificate's region lies within its issuer's.

    A certificate without a region takes its issuer's, and an issuer without one holds everywhere. Each part of the
    child must lie in one part of the parent; a part that only the union of several covers is refused.

    >>> china, guangdong = [{"countryOnly": 156}], [{"countryAndRegions": {"countryOnly": 156, "regions": [44]}}]
    >>> region_within({"identifiedRegion": guangdong}, {"identifiedRegion": china})
    True
    >>> region_within({"identifiedRegion": china}, {"identifiedRegion": guangdong})
    False
    """
    if child is None or parent is None:
        return True
    if "identifiedRegion" in parent:
        allowed = _countries(parent)
        if "identifiedRegion" not in child:
            parts = _shapes(child)
            return bool(parts) and all(place_in(parent, p, boxes) for corners, _ in parts for p in corners)
        return all(
            any(
                country == mine != UNKNOWN_COUNTRY
                and (regions is None or (provinces is not None and provinces <= regions))
                and (pairs is None or (districts is not None and districts <= pairs))
                for country, regions, pairs in allowed
            )
            for mine, provinces, districts in _countries(child)
        ) and bool(_countries(child))
    parts = _shapes(child)
    return bool(parts) and all(any(_part_within(one, other) for other in _shapes(parent)) for one in parts)
