from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.roadside.road_state import ICE, VISIBILITY, WET, WIND, RoadStateConfig, road_states
from wayside.roadside.tables import RoadCondition, RoadStates, RoadWeather, WeatherReadings
from wayside.v2x import rsi

CONFIG = RoadStateConfig()
SECOND = 1_000_000_000


def reading(time_s: float, **columns: Any) -> WeatherReadings:
    values = {
        "station": 1, "time_ns": int(time_s * SECOND), "x": 0.0, "y": 0.0, "visibility": 9000.0,
        "rain_mm_per_h": 0.0, "wind": 1.0, "temperature_c": 20.0, "surface_c": 22.0, **columns,
    }  # fmt: skip
    return WeatherReadings(**{name: np.array([value]) for name, value in values.items()})


def after(
    minutes: float, *, visibility: float = 9000.0, before: RoadStates | None = None, **columns: Any
) -> RoadStates:
    """Read every ten seconds; columns may be functions of the time [s]."""
    found = RoadStates.empty() if before is None else before
    weather = RoadWeather(
        station=[1], x=[0.0], y=[0.0], visibility=[visibility], rain_mm_per_h=[0.0], surface_c=[20.0], time_ns=[1]
    )
    begun = 1000.0 if before is None else float(before.time_ns[0]) / SECOND
    for second in np.arange(10.0, 60.0 * minutes + 1, 10.0):
        now = {name: value(second) if callable(value) else value for name, value in columns.items()}
        found = road_states(reading(begun + second, **now), weather, found, config=CONFIG).canonical()
    return found


def test_a_dry_road_in_clear_air_has_no_advice() -> None:
    state = after(5)
    assert state.condition.tolist() == [RoadCondition.DRY]
    assert (np.isnan(state.advisory[0]), state.reasons.tolist()) == (True, [0])


def test_rain_wets_the_road_and_it_dries_again() -> None:
    rained = after(10, rain_mm_per_h=3.0)
    assert (rained.condition.tolist(), rained.reasons.tolist()) == ([RoadCondition.WET], [WET])
    assert after(600, before=rained).condition.tolist() == [RoadCondition.DRY]


def test_in_fog_one_can_stop_within_what_is_seen() -> None:
    speeds = [after(1, visibility=v).advisory[0] for v in (300.0, 200.0, 120.0, 60.0, 30.0)]
    assert speeds == sorted(speeds, reverse=True)
    speed = speeds[2]
    assert 2.5 * speed + speed**2 / (2 * 3.4) <= 0.8 * 120.0
    assert after(1, visibility=120.0).reasons.tolist() == [VISIBILITY]


def test_ice_is_foreseen_before_it_is_there() -> None:
    rained = after(10, rain_mm_per_h=3.0, surface_c=3.0)
    cooling = after(20, before=rained, surface_c=lambda s: 3.0 - s / 600.0)  # 6 degrees an hour
    assert cooling.surface_c[0] > 0.5
    assert cooling.condition.tolist() == [RoadCondition.ICE_RISK]
    assert 0 < cooling.freezing_s[0] < 1800
    frozen = after(60, before=rained, surface_c=lambda s: max(3.0 - s / 600.0, -2.0))
    assert (frozen.condition.tolist(), frozen.reasons.tolist()) == ([RoadCondition.ICE], [ICE])
    assert frozen.advisory[0] < cooling.advisory[0]


def test_a_dry_road_that_cools_is_no_risk_above_the_point_of_hoar() -> None:
    assert after(20, surface_c=lambda s: 3.0 - s / 600.0).condition.tolist() == [RoadCondition.DRY]


def test_strong_wind_limits_the_speed() -> None:
    assert np.isnan(after(10, wind=15.0).advisory[0])
    state = after(10, wind=22.0)
    assert (state.reasons.tolist(), round(float(state.advisory[0] * 3.6), 2)) == ([WIND], 40.0)


def test_an_old_or_repeated_reading_changes_nothing() -> None:
    state = after(5)
    again = road_states(reading(1000.0, rain_mm_per_h=50.0), RoadWeather.empty(), state, config=CONFIG)
    assert again is state


def test_the_lowest_advice_goes_out_with_each_of_its_reasons() -> None:
    assert rsi.weather_events(after(5)) == []
    told = rsi.weather_events(after(10, visibility=100.0, rain_mm_per_h=5.0))
    assert [event.fields["eventType"] for event in told] == [rsi.EVENT_OF_WEATHER[0], rsi.EVENT_OF_WEATHER[1]]
    assert "advisory" in told[0].fields["description"]["textString"]
    assert told[0].fields["eventSource"] == "meteorological"
    assert pytest.approx(0.0) == told[0].radius
