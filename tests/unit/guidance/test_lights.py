from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from wayside.guidance.approach import approach
from wayside.guidance.glosa import SpeedAdviceConfig, green_speed, speed_advice
from wayside.guidance.red_light import RedLightConfig, red_light
from wayside.guidance.tables import Service
from wayside.maps.drawing import ConnectionSketch, LaneSketch, crossroads, draw
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, SignalForecasts

ROAD = crossroads()
STOP = -12.0  # x of the western stop line


def lights(light: int, *, end: float = np.nan, green: float = np.nan, length: float = np.nan) -> SignalForecasts:
    return SignalForecasts(
        controller=[0] * 4,
        group=[1, 2, 3, 4],
        light=[light] * 4,
        min_end=[end] * 4,
        likely_end=[end] * 4,
        max_end=[end] * 4,
        next_green=[green] * 4,
        next_green_duration=[length] * 4,
    )


def at(distance: float, speed: float, **more: float) -> dict[str, float]:
    """Return a car whose front is so far before the western stop line."""
    return {"x": STOP - distance - 2.3, "y": -1.75, "speed": speed, **more}


def red(actors: Actors, signals: SignalForecasts):
    return red_light(actors, signals, road=ROAD, config=RedLightConfig())


def advice(actors: Actors, signals: SignalForecasts, road=ROAD):
    return speed_advice(actors, signals, road=road, config=SpeedAdviceConfig())


def test_the_stop_line_is_measured_from_the_front(actors_of):
    found = approach(actors_of([at(40.0, 10.0)], ROAD), lights(Light.RED), ROAD)
    assert found.distance[0] == pytest.approx(40.0)
    assert found.all_red[0]
    assert found.alike[0]


def test_a_driver_who_would_pass_a_red_light_is_warned(actors_of):
    found = red(actors_of([at(25.0, 14.0)], ROAD), lights(Light.RED, end=20.0, green=20.0))
    assert list(found.service) == [Service.RED_LIGHT]
    assert found.other[0] == 1
    assert found.lead[0] == pytest.approx(25 / 14)
    assert found.value[0] == pytest.approx(14**2 / 50)


@pytest.mark.parametrize(
    ("car", "signals"),
    [
        (at(25.0, 14.0), lights(Light.PROTECTED_GREEN, end=20.0, green=0.0)),
        (at(25.0, 14.0), lights(Light.RED, end=1.0, green=1.0)),  # green when it gets there
        (at(25.0, 14.0), lights(Light.YELLOW, end=3.0, green=40.0)),  # passes in yellow
        (at(60.0, 14.0), lights(Light.RED, end=20.0, green=20.0)),  # room to brake gently
        (at(25.0, 14.0, acceleration=-4.0), lights(Light.RED, end=20.0, green=20.0)),  # brakes
        (at(2.0, 1.0), lights(Light.RED, end=20.0, green=20.0)),  # creeps
        (at(-3.0, 14.0), lights(Light.RED, end=20.0, green=20.0)),  # past the line
        (at(25.0, 14.0, sender=0), lights(Light.RED, end=20.0, green=20.0)),
    ],
)
def test_other_drivers_are_not_warned_of_the_light(actors_of, car, signals):
    assert len(red(actors_of([car], ROAD), signals)) == 0


def test_yellow_that_ends_before_the_line_is_warned_of(actors_of):
    found = red(actors_of([at(25.0, 14.0)], ROAD), lights(Light.YELLOW, end=0.5, green=40.0))
    assert len(found) == 1


def test_advice_meets_the_beginning_of_green(actors_of):
    found = advice(actors_of([at(100.0, 13.0)], ROAD), lights(Light.RED, end=9.0, green=9.0, length=25.0))
    margin = SpeedAdviceConfig().margin_s
    assert found.speed[0] == pytest.approx(100.0 / (9.0 + margin))
    assert found.distance[0] == pytest.approx(100.0)


def test_following_the_advice_keeps_the_advice(actors_of):
    speed, distance, told = 13.0, 150.0, []
    for tick in range(80):
        wait = 12.0 - 0.1 * tick
        found = advice(
            actors_of([at(distance, speed)], ROAD), lights(Light.RED, end=wait, green=wait, length=25.0)
        )
        told.append(found.speed[0])
        speed = found.speed[0]
        distance -= 0.1 * speed
    assert max(told) - min(told) < 0.05


def test_nobody_is_asked_to_crawl_or_to_speed(actors_of):
    far, near = at(150.0, 13.0), at(20.0, 13.0)
    assert len(advice(actors_of([near], ROAD), lights(Light.RED, end=30.0, green=30.0, length=25.0))) == 0
    quick = advice(actors_of([far], ROAD), lights(Light.RED, end=1.0, green=1.0, length=60.0))
    assert quick.speed[0] == ROAD.lanes.speed_limit[0]
    assert len(advice(actors_of([far], ROAD), lights(Light.RED, end=1.0, green=1.0, length=5.0))) == 0


def test_green_that_lasts_long_enough_is_passed_at_the_limit(actors_of):
    found = advice(actors_of([at(100.0, 13.0)], ROAD), lights(Light.PROTECTED_GREEN, end=15.0, green=0.0))
    assert found.speed[0] == ROAD.lanes.speed_limit[0]
    assert len(advice(actors_of([at(100.0, 13.0)], ROAD), lights(Light.PROTECTED_GREEN, end=5.0, green=0.0))) == 0


def test_a_queue_ahead_silences_the_advice(actors_of):
    signals = lights(Light.RED, end=9.0, green=9.0, length=25.0)
    assert len(advice(actors_of([at(100.0, 13.0), at(1.0, 0.0)], ROAD), signals)) == 0
    assert len(advice(actors_of([at(100.0, 13.0), at(120.0, 0.0)], ROAD), signals)) == 1


def test_groups_that_differ_give_no_advice(actors_of):
    road = draw(
        [
            LaneSketch([(0, 0), (100, 0)], controller=0),
            LaneSketch([(112, 0), (200, 0)]),
            LaneSketch([(106, 6), (106, 90)]),
        ],
        [ConnectionSketch(0, 1, controller=0, group=1), ConnectionSketch(0, 2, controller=0, group=2)],
    )
    car = actors_of([{"x": 20.0, "speed": 10.0}], road)
    signals = lights(Light.RED, end=9.0, green=9.0, length=25.0)
    assert len(advice(car, signals, road)) == 1
    mixed = signals.replace(light=[Light.RED, Light.PROTECTED_GREEN, Light.RED, Light.RED])
    assert len(advice(car, mixed, road)) == 0


def test_the_way_is_followed_over_lanes_that_do_not_fork(actors_of):
    road = draw(
        [
            LaneSketch([(0, 0), (100, 0)]),
            LaneSketch([(100, 0), (150, 0)], controller=0),
            LaneSketch([(160, 0), (200, 0)]),
        ],
        [ConnectionSketch(0, 1), ConnectionSketch(1, 2, controller=0, group=1)],
    )
    found = approach(actors_of([{"x": 40.0, "speed": 10.0}], road), lights(Light.RED), road)
    assert found.distance[0] == pytest.approx(150 - 42.3)


@given(distance=floats(1, 300), opens=floats(0, 60), length=floats(1, 60))
@settings(deadline=None)
def test_advised_speeds_arrive_while_the_line_is_open(distance, opens, length):
    limit = 13.9
    speed = green_speed(*(np.array([v]) for v in (distance, limit, opens, opens + length)), 0.5)[0]
    if np.isnan(speed):
        return
    assert 0.5 * limit <= speed <= limit
    assert opens - 1e-6 <= distance / speed <= opens + length + 1e-6


def test_no_signals_and_no_actors_give_nothing(actors_of):
    car = actors_of([at(25.0, 14.0)], ROAD)
    assert len(red(car, SignalForecasts.empty())) == len(advice(car, SignalForecasts.empty())) == 0
    assert len(red(Actors.empty(), lights(Light.RED))) == len(advice(Actors.empty(), lights(Light.RED))) == 0
