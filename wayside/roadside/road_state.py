"""What the weather means for the road: water, ice to be foreseen, wind, and the speed that is still safe."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from wayside.roadside.tables import RoadCondition, RoadStates, RoadWeather, WeatherReadings
from wayside.step import step
from wayside.table import F64, U8, Bool

SECOND = 1e-9  # [s] in a nanosecond
HOUR_S = 3600.0
GRAVITY = 9.80665  # m/s2
VISIBILITY, WET, ICE, WIND = 1, 2, 4, 8  # bits of `reasons`
LAST_REASON = 3  # number of the highest bit
# by RoadCondition: coefficient of friction of tyres, in the middle of what handbooks give [own assumption]
FRICTION = np.array([np.nan, 0.7, 0.45, 0.3, 0.12])


class RoadStateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `road_states`. What names no source is our own assumption."""

    wind_s: float = 60.0  # time constant of wind
    surface_s: float = 60.0  # of the surface's temperature
    trend_s: float = 600.0  # of its trend
    longest_s: float = 900.0  # after a longer silence nothing is carried on
    wet_mm: float = 0.02  # more water than that is wet
    held_mm: float = 0.5  # what the surface's texture holds; more runs off
    drains_s: float = 600.0  # time constant of running off
    dries_mm_per_h: float = 0.05  # at 0 degrees and without wind
    dries_per_degree: float = 0.01  # more for each degree [mm/h]
    dries_per_wind: float = 0.02  # and for each m/s [mm/h]
    freezes_c: float = 0.0  # water without salt
    risk_c: float = 1.0  # wet and colder than that is a risk already
    hoar_c: float = -1.0  # colder than that hoar may form though no rain was measured
    nowcast_s: float = 1800.0  # wet and freezing within so long is a risk
    farthest_s: float = 10_800.0  # a trend says nothing of a time farther off
    reaction_s: float = 2.5  # perception and reaction [AASHTO Green Book]
    comfortable: float = 3.4  # deceleration most drivers accept, on wet roads too [m/s2, AASHTO Green Book]
    grip_share: float = 0.8  # of the friction that braking may use
    sight_share: float = 0.8  # of the visibility at which an obstacle is surely seen
    design_sight_m: float = (
        75.0  # stopping sight distance of roads for 60 km/h [JTG D20]; counts where it is slippery
    )
    strong_wind: tuple[float, float, float] = (17.2, 20.8, 24.5)  # from 8, 9 and 10 Beaufort [m/s]
    wind_speed: tuple[float, float, float] = (16.7, 11.12, 5.56)  # what is advised then [m/s]
    step_kmh: float = 5.0  # speeds are advised in whole steps, rounded down
    least_kmh: float = 10.0
    highest: float = 33.3  # more than that is no advice [m/s]


def safe_speed(sight_m: F64, deceleration: F64, reaction_s: float) -> F64:
    """Return the speed at which one stops within the sight distance.

    The distance to stop from speed v is v t + v^2 / (2 a), with the reaction time t and the deceleration a.

    Args:
        sight_m: distance at which an obstacle is seen [m].
        deceleration: a [m/s2].
        reaction_s: t [s].

    Returns:
        Speed [m/s]; NaN where the sight distance is.

    Limits: level road.
    Reference: AASHTO, A Policy on Geometric Design of Highways and Streets, stopping sight distance.

    >>> np.round(safe_speed(np.array([250.0, 50.0, 50.0]), np.array([3.4, 3.4, 0.9]), 2.5) * 3.6)
    array([121.,  42.,  27.])
    """
    lost = deceleration * reaction_s
    return np.sqrt(lost**2 + 2.0 * deceleration * np.maximum(sight_m, 0.0)) - lost


def _condition(water_mm: F64, surface_c: F64, freezing_s: F64, config: RoadStateConfig) -> U8:
    wet = water_mm > config.wet_mm
    risk = wet & ((surface_c <= config.risk_c) | (freezing_s <= config.nowcast_s))
    risk |= surface_c <= config.hoar_c
    condition = np.where(wet, RoadCondition.WET, RoadCondition.DRY)
    condition = np.where(risk, RoadCondition.ICE_RISK, condition)
    return np.where(wet & (surface_c <= config.freezes_c), RoadCondition.ICE, condition).astype(np.uint8)


def advice(visibility: F64, condition: U8, wind: F64, config: RoadStateConfig) -> tuple[F64, U8]:
    """Return the greatest speed that is advised [m/s], NaN none, and for which reasons.

    Args:
        visibility: meteorological optical range [m]; unknown limits nothing.
        condition: of the surface.
        wind: [m/s]; unknown limits nothing.
        config: settings.
    """
    braking = np.minimum(config.comfortable, config.grip_share * FRICTION[condition] * GRAVITY)
    seen = safe_speed(config.sight_share * visibility, braking, config.reaction_s)
    slippery = condition >= RoadCondition.WET
    grip = np.where(
        slippery, safe_speed(np.full(len(wind), config.design_sight_m), braking, config.reaction_s), np.nan
    )
    force = (np.nan_to_num(wind)[:, None] >= np.array(config.strong_wind)).sum(axis=1)
    blown = np.array((np.nan, *config.wind_speed))[force]
    each = np.stack([seen, grip, blown])
    each = np.where(each > config.highest, np.nan, each)
    lowest = np.where(np.isnan(each), np.inf, each).min(axis=0)
    icy = condition >= RoadCondition.ICE_RISK
    reasons = np.where(~np.isnan(each[0]), VISIBILITY, 0) | np.where(~np.isnan(each[2]), WIND, 0)
    reasons = reasons | np.where(slippery & ~np.isnan(each[1]), np.where(icy, ICE, WET), 0)
    steps = np.floor(np.where(np.isinf(lowest), 0.0, lowest) * 3.6 / config.step_kmh + 1e-9) * config.step_kmh
    speed = np.where(np.isinf(lowest), np.nan, np.maximum(steps, config.least_kmh) / 3.6)
    return speed, reasons.astype(np.uint8)


@step(period_s=0.1, reach_m=0)
def road_states(
    weather_readings: WeatherReadings,
    road_weather: RoadWeather,
    before: RoadStates,
    *,
    config: RoadStateConfig,
) -> RoadStates:
    """Say what the weather at each station means for the road.

    Water gathers by rain, runs off above what the texture holds, and dries. Ice is where water is and the surface
    is at or below 0 degrees; it is foreseen where the surface's trend takes it there within half an hour. The
    speed advised is that from which one stops within what is seen, with the grip there is; in strong wind less.

    Args:
        weather_readings: what arrived this tick.
        road_weather: the smoothed weather, for visibility.
        before: the states so far.
        config: settings.

    Returns:
        One row per station ever heard. Only a new reading changes it.

    Limits: no salt, no snow, no dew; the trend is a straight line.
    """
    if not len(weather_readings):
        return before
    road_weather, before = road_weather.in_order(), before.in_order()
    news = weather_readings.take(np.argsort(weather_readings.station, kind="stable"))
    if len(news) and len(before):
        at = np.minimum(np.searchsorted(before.station, news.station), len(before) - 1)
        news = news.take((before.station[at] != news.station) | (before.time_ns[at] < news.time_ns))
    if not len(news):
        return before
    old = _before(before, news)
    dt: F64 = (news.time_ns - old.time_ns).astype(np.float64) * SECOND
    fresh = (old.time_ns == 0) | (dt > config.longest_s)
    dt = np.where(fresh, 0.0, dt)
    wind = _follow(old.wind, news.wind, dt, config.wind_s, fresh)
    surface = _follow(old.surface_c, news.surface_c, dt, config.surface_s, fresh)
    slope = (surface - old.surface_c) / np.maximum(dt, 1e-3) * HOUR_S
    share = 1.0 - np.exp(-dt / config.trend_s)
    steady = np.where(np.isnan(old.trend_c_per_h), 0.0, old.trend_c_per_h)
    trend = np.where(fresh, np.nan, steady + share * (np.where(np.isnan(slope), 0.0, slope) - steady))
    water = _water(old.water_mm, news, wind, np.nan_to_num(surface, nan=15.0), dt, config)
    cooling = np.where(trend < -1e-3, trend, np.nan)
    ahead = (surface - config.freezes_c) / -cooling * HOUR_S
    freezing = np.where(surface <= config.freezes_c, 0.0, np.where(ahead <= config.farthest_s, ahead, np.nan))
    condition = _condition(water, surface, freezing, config)
    row = np.minimum(np.searchsorted(road_weather.station, news.station), max(len(road_weather) - 1, 0))
    visibility = np.full(len(news), np.nan)
    if len(road_weather):
        visibility = np.where(road_weather.station[row] == news.station, road_weather.visibility[row], np.nan)
    speed, reasons = advice(visibility, condition, wind, config)
    told = RoadStates(
        station=news.station, x=news.x, y=news.y, time_ns=news.time_ns, wind=wind, water_mm=water,
        surface_c=surface, trend_c_per_h=trend, freezing_s=freezing, condition=condition,
        friction=FRICTION[condition], advisory=speed, reasons=reasons,
    )  # fmt: skip
    kept = before.take(~np.isin(before.station, news.station))
    return RoadStates.concatenate([kept, told]).in_order()


def _before(before: RoadStates, news: WeatherReadings) -> RoadStates:
    """Return what was known of each station that has news; blank where nothing was."""
    count = len(news)
    unknown, none = np.full(count, np.nan), np.zeros(count)
    columns: dict[str, Any] = {c.name: none if c.places is None else unknown for c in RoadStates.columns.values()}
    blank = RoadStates(**{**columns, "station": news.station})
    both = RoadStates.concatenate([before, blank])
    order = np.argsort(both.station, kind="stable")  # stable: what was known stands before what is blank
    return both.take(order[np.searchsorted(both.station[order], news.station)])


def _follow(old: F64, new: F64, dt: F64, time_constant: float, fresh: Bool) -> F64:
    """Move towards the new value by what the time since the old one is worth."""
    share = np.where(fresh | np.isnan(old), 1.0, 1.0 - np.exp(-dt / time_constant))
    start = np.where(np.isnan(old), new, old)
    return np.where(np.isnan(new), old, start + share * (new - start))


def _water(old: F64, news: WeatherReadings, wind: F64, surface_c: F64, dt: F64, config: RoadStateConfig) -> F64:
    """Return the water on the surface [mm]."""
    rain = np.where(np.isnan(news.rain_mm_per_h), 0.0, news.rain_mm_per_h)
    dries = config.dries_mm_per_h + config.dries_per_degree * np.maximum(surface_c, 0.0)
    dries = dries + config.dries_per_wind * np.nan_to_num(wind)
    water = np.where(np.isnan(old), 0.0, old) + (rain - dries) * dt / HOUR_S
    # the first reading in rain finds a wet road
    water = np.where((dt == 0.0) & (rain > 0.0), np.maximum(water, 2.0 * config.wet_mm), water)
    excess = np.maximum(water - config.held_mm, 0.0)
    return np.maximum(water - excess * (1.0 - np.exp(-dt / config.drains_s)), 0.0)
