"""Green-light optimal speed advice (GLOSA): the speed with which the next light is met at green."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.approach import GREEN, approach, colour_of
from wayside.guidance.judging import told_from
from wayside.guidance.tables import SpeedRequests
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import F64


class SpeedAdviceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is advised, and how."""

    within_m: float = 300.0  # of the stop line
    from_m: float = 15.0  # nearer than this there is nothing left to gain
    from_speed: float = 3.0  # [m/s] slower ones are queueing or starting
    least_share: float = 0.5  # of the limit; nobody is asked to be slower
    margin_s: float = 1.5  # after the start and before the end of green
    sure_green_s: float = 3.5  # of a green whose length is not known


def green_speed(distance: F64, limit: F64, opens: F64, closes: F64, least_share: float) -> F64:
    """Return the highest speed within the limit that reaches the line while it is open; NaN if none does.

    Args:
        distance: to the stop line [m].
        limit: speed limit [m/s].
        opens, closes: when the line may be passed, from now [s]; NaN unknown.
        least_share: of the limit; no slower speed is returned.

    >>> green_speed(np.array([100.0]), np.array([10.0]), np.array([12.5]), np.array([40.0]), 0.5)
    array([8.])
    """
    speed = np.minimum(limit, distance / np.maximum(opens, 1e-9))
    fits = (speed >= least_share * limit) & (distance <= speed * closes)
    return np.where(fits, speed, np.nan)


@step(period_s=0.1, reach_m=350.0)
def speed_advice(
    actors: Actors, signal_forecasts: SignalForecasts, *, road: RoadMap, config: SpeedAdviceConfig
) -> SpeedRequests:
    """Advise motor vehicles that can be reached and have no queue ahead how to meet green within the limit.

    Whoever follows the advice gets the same advice again, so that it does not jump. No row where no speed fits,
    the times are unknown, or the groups that may govern the lane differ.

    Limits: queues are seen as far as the live picture holds them; the way ahead is followed up to the next fork.
    """
    able = told_from(actors, config.from_speed)
    if not (able.any() and len(signal_forecasts)):
        return SpeedRequests.empty()
    found = approach(actors, signal_forecasts, road, reach=config.within_m, wanted=able)
    rows = np.flatnonzero(able & found.alike & found.clear & (found.distance >= config.from_m))
    if not len(rows):
        return SpeedRequests.empty()
    row, distance = found.row[rows], found.distance[rows]
    limit = road.lanes.speed_limit[actors.lane[rows]]
    is_green = colour_of(signal_forecasts.light[row]) == GREEN
    closes = np.where(is_green, signal_forecasts.min_end[row] - config.margin_s, np.nan)
    this_green = green_speed(distance, limit, np.zeros(len(rows)), closes, config.least_share)
    # of a light that is green now, the forecast does not say when the green after the next red begins
    opens = np.where(is_green, np.nan, signal_forecasts.next_green[row] + config.margin_s)
    # where the length of that green is not known yet, its beginning must do
    length = signal_forecasts.next_green_duration[row] - 2 * config.margin_s
    closes = opens + np.where(np.isnan(length), config.sure_green_s, length)
    next_green = green_speed(distance, limit, opens, closes, config.least_share)
    speed = np.where(np.isnan(this_green), next_green, this_green)
    given = ~np.isnan(speed)
    rows = rows[given]
    return SpeedRequests(
        subject=actors.id[rows],
        x=actors.x[rows],
        y=actors.y[rows],
        controller=signal_forecasts.controller[row[given]].astype(np.int32),
        group=signal_forecasts.group[row[given]],
        speed=speed[given],
        distance=distance[given],
    )
