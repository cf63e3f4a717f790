"""Road weather: what each station's readings amount to, smoothed."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from wayside.roadside.tables import RoadWeather, WeatherReadings
from wayside.step import step
from wayside.table import F64

SECOND = 1e-9  # [s] in a nanosecond


class RoadWeatherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `road_weather`."""

    visibility_s: float = 10.0  # time constant of visibility; short, for fog is a danger
    rain_s: float = 30.0  # time constant of rain
    surface_s: float = 60.0  # time constant of the surface's temperature
    silent_s: float = 600.0  # a station unheard for so long is unknown


def _follow(old: F64, new: F64, elapsed: F64, time_constant: float, *, ratio: bool = False) -> F64:
    """Move the old value towards the new one by what the time between them is worth; ratios, if asked."""
    share = 1.0 - np.exp(-np.maximum(elapsed, 0.0) / time_constant)
    if ratio:
        old, new = np.log(np.maximum(old, 1.0)), np.log(np.maximum(new, 1.0))
    value = np.where(np.isnan(old), new, np.where(np.isnan(new), old, old + share * (new - old)))
    return np.exp(value) if ratio else value


@step(period_s=0.1, reach_m=0)
def road_weather(
    weather_readings: WeatherReadings, before: RoadWeather, *, time_ns: int, config: RoadWeatherConfig
) -> RoadWeather:
    """Smooth what each station reads.

    Visibility is smoothed as a ratio, so that falling from 5 km to 100 m takes no longer than from 500 m to 10 m.
    A reading that is not newer than the last changes nothing.

    Args:
        weather_readings: what arrived this tick.
        before: the smoothed values so far.
        time_ns: the tick's instant.
        config: settings.

    Returns:
        One row per station ever heard; NaN where it fell silent or never measured.

    Limits: a stuck sensor is not told from steady weather.
    """
    readings = weather_readings
    silent = before.time_ns < time_ns - round(config.silent_s * 1e9)
    if not len(readings) and not (silent & ~np.isnan(before.visibility)).any():
        return before
    station = np.union1d(before.station, readings.station)
    columns: dict[str, Any] = {}
    old = {name: np.full(len(station), np.nan) for name in ("x", "y", "visibility", "rain_mm_per_h", "surface_c")}
    new = {name: values.copy() for name, values in old.items()}
    last = np.zeros(len(station), np.int64)
    at = np.searchsorted(station, before.station)
    last[at] = before.time_ns
    for name, values in old.items():
        values[at] = np.where(silent & (name not in {"x", "y"}), np.nan, getattr(before, name))
    at = np.searchsorted(station, readings.station)
    instant = np.zeros(len(station), np.int64)
    instant[at] = readings.time_ns
    for name, values in new.items():
        values[at] = getattr(readings, name)
    newer = instant > last
    elapsed = np.where(last > 0, (instant - last) * SECOND, 1e6)
    for name, time_constant in (
        ("visibility", config.visibility_s),
        ("rain_mm_per_h", config.rain_s),
        ("surface_c", config.surface_s),
    ):
        moved = _follow(old[name], new[name], elapsed, time_constant, ratio=name == "visibility")
        columns[name] = np.where(newer, moved, old[name])
    for name in ("x", "y"):
        columns[name] = np.where(newer, new[name], old[name])
    return RoadWeather(station=station, time_ns=np.where(newer, instant, last), **columns)
