"""Regions within regions and places within them, and ciphers against others' vectors."""

from __future__ import annotations

from typing import Any

import pytest

from wayside.security.regions import place_in, region_within

PINGSHAN = (22.69, 114.35)


def point(latitude: float, longitude: float) -> dict[str, int]:
    return {"latitude": round(latitude * 1e7), "longitude": round(longitude * 1e7)}


def circle(latitude: float, longitude: float, radius: int) -> dict[str, Any]:
    return {"circularRegion": {"center": point(latitude, longitude), "radius": radius}}


def box(south: float, west: float, north: float, east: float) -> dict[str, Any]:
    return {"rectangularRegion": [{"northWest": point(north, west), "southEast": point(south, east)}]}


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"polygonalRegion": [point(*corner) for corner in corners]}


def country(number: int) -> dict[str, Any]:
    return {"identifiedRegion": [{"countryOnly": number}]}


DISTRICT = box(22.6, 114.2, 22.8, 114.5)
CROSS = polygon((22.6, 114.3), (22.6, 114.4), (22.7, 114.35), (22.8, 114.4), (22.8, 114.3), (22.7, 114.33))


@pytest.mark.parametrize(
    ("region", "place", "inside"),
    [
        (None, (0.0, 0.0), True),
        (DISTRICT, PINGSHAN, True),
        (DISTRICT, (22.81, 114.35), False),
        (CROSS, (22.69, 114.34), True),
        (CROSS, (22.7, 114.38), False),
        (circle(22.69, 114.35, 100), PINGSHAN, True),
        (country(156), PINGSHAN, True),
        (country(156), (48.1, 11.6), False),
        (country(276), (48.1, 11.6), False),  # no box is known, so nothing is inside
        ({"...": {"index": 9, "octets": "00"}}, PINGSHAN, False),
    ],
)
def test_places_in_regions(region: Any, place: tuple[float, float], inside: bool) -> None:
    assert place_in(region, place) == inside


@pytest.mark.parametrize(
    ("child", "parent", "within"),
    [
        (None, DISTRICT, True),
        (DISTRICT, None, True),
        (circle(22.69, 114.35, 2000), DISTRICT, True),
        (circle(22.69, 114.35, 12_000), DISTRICT, False),
        (circle(22.69, 114.35, 500), circle(22.69, 114.35, 500), True),
        (circle(22.69, 114.355, 500), circle(22.69, 114.35, 600), False),
        (DISTRICT, DISTRICT, True),
        (box(22.65, 114.3, 22.75, 114.6), DISTRICT, False),
        (CROSS, DISTRICT, True),
        (box(22.61, 114.34, 22.79, 114.36), CROSS, False),  # its corners are inside, its middle is not
        (DISTRICT, country(156), True),
        (box(48.0, 11.0, 49.0, 12.0), country(156), False),
        (country(156), DISTRICT, False),
        (country(156), country(156), True),
        (country(276), country(156), False),
        ({"identifiedRegion": []}, country(156), False),
        ({"identifiedRegion": [{"...": {"index": 9, "octets": "00"}}]}, country(156), False),
        ({"...": {"index": 9, "octets": "00"}}, DISTRICT, False),
    ],
)
def test_regions_within_regions(child: Any, parent: Any, within: bool) -> None:
    assert region_within(child, parent) == within


def test_districts_of_provinces_are_within_them_only_if_listed() -> None:
    def districts(*numbers: int) -> dict[str, Any]:
        inside = {"country": 156, "regionAndSubregions": [{"region": 44, "subregions": list(numbers)}]}
        return {"identifiedRegion": [{"countryAndSubregions": inside}]}

    province = {"identifiedRegion": [{"countryAndRegions": {"countryOnly": 156, "regions": [44]}}]}
    other = {"identifiedRegion": [{"countryAndRegions": {"countryOnly": 156, "regions": [11]}}]}
    assert region_within(districts(310), districts(310, 309))
    assert not region_within(districts(310, 309), districts(310))
    assert region_within(districts(310), province) and not region_within(districts(310), other)
    assert not region_within(province, districts(310))
    assert region_within(province, country(156)) and not region_within(country(156), province)
