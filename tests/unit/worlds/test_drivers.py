"""How drivers' wishes become caps on speed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wayside.worlds.drivers import UNCAPPED, Drivers, Wish

SECOND = 1_000_000_000


class Vehicle:
    """One vehicle that would drive 15 m/s and takes every cap at once."""

    def __init__(self) -> None:
        self.speed, self.cap = 15.0, UNCAPPED

    def getSpeed(self, name: str) -> float:
        return self.speed

    def getSpeedWithoutTraCI(self, name: str) -> float:
        return 15.0

    def setSpeed(self, name: str, speed: float) -> None:
        self.cap = speed
        self.speed = 15.0 if speed == UNCAPPED else speed


@pytest.fixture
def vehicle() -> Vehicle:
    return Vehicle()


@pytest.fixture
def drivers(vehicle: Vehicle) -> Drivers:
    return Drivers(SimpleNamespace(vehicle=vehicle), 0.5)


def warned(vehicle: Vehicle, now_ns: int) -> Wish:
    return Wish(0.5 * vehicle.getSpeed("a"), 3.0, now_ns + 3 * SECOND, now_ns + SECOND)


def test_who_is_told_again_and_again_goes_down_to_half_the_speed_and_not_to_a_crawl(
    vehicle: Vehicle, drivers: Drivers
) -> None:
    lowest = vehicle.speed
    for tick in range(100):
        now_ns = tick * SECOND // 10
        if tick % 10 == 0:
            drivers.wish("a", "warning", warned(vehicle, now_ns), prolong=True)
        drivers.apply(now_ns, frozenset("a"))
        lowest = min(lowest, vehicle.speed)
    assert lowest == 7.5


def test_a_wish_that_is_over_is_not_prolonged(vehicle: Vehicle, drivers: Drivers) -> None:
    drivers.wish("a", "warning", warned(vehicle, 0), prolong=True)
    for tick in range(40):
        drivers.apply(tick * SECOND // 10, frozenset("a"))
    assert vehicle.cap == UNCAPPED
    vehicle.speed = 10.0
    drivers.wish("a", "warning", warned(vehicle, 5 * SECOND), prolong=True)
    for tick in range(50, 75):
        drivers.apply(tick * SECOND // 10, frozenset("a"))
    assert vehicle.cap == 5.0


def test_nobody_acts_before_having_reacted(vehicle: Vehicle, drivers: Drivers) -> None:
    drivers.wish("a", "warning", warned(vehicle, 0), prolong=True)
    drivers.apply(SECOND - 1, frozenset("a"))
    assert vehicle.cap == UNCAPPED
    drivers.apply(SECOND, frozenset("a"))
    assert vehicle.cap == 13.5  # half a second of 3 m/s2


def test_of_two_wishes_the_lower_counts_and_a_vehicle_that_is_gone_is_forgotten(
    vehicle: Vehicle, drivers: Drivers
) -> None:
    drivers.wish("a", "advice", Wish(14.0, 1.5, SECOND))
    drivers.wish("a", "care", Wish(14.5, 1.5, SECOND))
    drivers.apply(0, frozenset("a"))
    assert vehicle.cap == 14.25
    drivers.apply(1, frozenset())
    vehicle.cap = UNCAPPED
    drivers.apply(2, frozenset("a"))
    assert vehicle.cap == UNCAPPED
