import numpy as np
import pytest

from wayside.roadside.tables import RoadWeather, WeatherReadings
from wayside.roadside.weather import RoadWeatherConfig, road_weather

CONFIG = RoadWeatherConfig()
SECOND = 1_000_000_000


def reading(station, time_s, visibility, **columns):
    values = {
        "x": 10.0 * station, "y": 0.0, "rain_mm_per_h": 0.0, "wind": 1.0, "temperature_c": 20.0, "surface_c": 25.0,
        **columns,
    }  # fmt: skip
    return WeatherReadings(
        station=[station], time_ns=[int(time_s * SECOND)], visibility=[visibility],
        **{name: [value] for name, value in values.items()},
    )  # fmt: skip


def read(before, readings, time_s):
    return road_weather(readings, before, time_ns=int(time_s * SECOND), config=CONFIG).canonical()


def test_the_first_reading_is_believed_as_it_is():
    weather = read(RoadWeather.empty(), reading(3, 100, 8000.0), 100)
    assert (weather.station.tolist(), weather.visibility.tolist()) == ([3], [8000.0])


def test_fog_is_followed_within_half_a_minute_and_never_overshot():
    weather = read(RoadWeather.empty(), reading(1, 100, 8000.0), 100)
    seen = []
    for k in range(30):
        weather = read(weather, reading(1, 101 + k, 120.0), 101 + k)
        seen.append(weather.visibility[0])
    assert np.all(np.diff(seen) <= 0)
    assert 120.0 <= seen[-1] < 200.0


def test_nothing_changes_between_readings():
    weather = read(RoadWeather.empty(), reading(1, 100, 8000.0), 100)
    assert road_weather(WeatherReadings.empty(), weather, time_ns=101 * SECOND, config=CONFIG) is weather


def test_an_old_reading_changes_nothing():
    weather = read(RoadWeather.empty(), reading(1, 100, 8000.0), 100)
    assert read(weather, reading(1, 90, 100.0), 101) == weather


def test_an_unknown_value_leaves_the_known_one():
    weather = read(RoadWeather.empty(), reading(1, 100, 8000.0, rain_mm_per_h=np.nan), 100)
    assert np.isnan(weather.rain_mm_per_h[0])
    weather = read(weather, reading(1, 110, np.nan, rain_mm_per_h=4.0), 110)
    assert (weather.visibility[0], weather.rain_mm_per_h[0]) == (8000.0, 4.0)


def test_a_silent_station_becomes_unknown_and_its_neighbour_does_not():
    weather = read(RoadWeather.empty(), reading(1, 100, 8000.0), 100)
    weather = read(weather, reading(2, 1000, 5000.0), 1000)
    assert weather.station.tolist() == [1, 2]
    assert np.isnan(weather.visibility[0])
    assert weather.visibility[1] == pytest.approx(5000.0)
    assert weather.x.tolist() == [10.0, 20.0]
