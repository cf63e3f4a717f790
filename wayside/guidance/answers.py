"""What an answer to a vehicle's request holds, and what all who judge requests look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wayside.driving.tables import Forecasts
from wayside.guidance.tables import GrantReason, PaymentPoints
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.signals.tables import SignalForecasts
from wayside.table import F64, I64

LOOK_STEP_M = 10.0
LOOK_MOST_M = 1000.0
SEES_SHARE = 0.7  # of the visibility, at which a camera still finds vehicles [own assumption]


class Answer(NamedTuple):
    """Answer to one request.

    Attributes:
        reason: why, or why not.
        granted: it may.
        speed: with which it could, or can soon [m/s]; NaN none.
        opens, closes: when it may begin and must be done, from now [s]; NaN unknown.
        other: row of the actor that stands against it, -1 none.
        helper: row of the actor that is asked to make room, -1 none.
        helper_speed: with which that one makes room [m/s]; NaN none.
    """

    reason: GrantReason
    granted: bool = False
    speed: float = math.nan
    opens: float = math.nan
    closes: float = math.nan
    other: int = -1
    helper: int = -1
    helper_speed: float = math.nan


@dataclass(frozen=True, eq=False)
class Scene:
    """What is known at one instant, for judging requests.

    Attributes:
        actors, forecasts, signal_forecasts, poles, payment_points: the tables.
        reach: how far each pole sees now [m], see `reach_now`.
        forecast_row: row of each actor's forecast, -1 none.
        road: the map.
        promised: per actor the lane it has been granted to come to, -1 none.
        waits: rows of actors that have been told to wait at a junction, or will be told so before they enter.
    """

    actors: Actors
    forecasts: Forecasts
    signal_forecasts: SignalForecasts
    poles: Poles
    reach: F64
    payment_points: PaymentPoints
    forecast_row: I64
    road: RoadMap
    promised: I64
    waits: frozenset[int]

    def seen_along(self, row: int) -> float:
        """Return how far poles see without a gap from an actor along its heading [m].

        0 where none looks.
        """
        heading = float(self.actors.heading[row])
        far = np.arange(0.0, LOOK_MOST_M + LOOK_STEP_M, LOOK_STEP_M)
        x = float(self.actors.x[row]) + far * math.cos(heading)
        y = float(self.actors.y[row]) + far * math.sin(heading)
        within = (np.hypot(x[:, None] - self.poles.x, y[:, None] - self.poles.y) <= self.reach).any(axis=1)
        gaps = np.flatnonzero(~within)
        return float(far[-1] if not len(gaps) else max(far[gaps[0]] - LOOK_STEP_M, 0.0))

    def covered(self, x: float, y: float, radius: float = 0.0) -> bool:
        """Tell whether a pole looks at a place, at least at the edge of a circle around it."""
        return bool((np.hypot(self.poles.x - x, self.poles.y - y) <= self.reach + radius).any())


def reach_now(poles: Poles, weather: RoadWeather) -> F64:
    """Return how far each pole is taken to see [m]: its range, in fog most of what the worst station reads.

    Limits: that a pole has gone blind is not known here; one that sees nothing on an empty road looks the same.

    >>> reach_now(Poles.empty(), RoadWeather.empty())
    array([], dtype=float64)
    """
    visibility = float(np.nanmin(weather.visibility)) if np.isfinite(weather.visibility).any() else math.inf
    return np.minimum(poles.range, SEES_SHARE * visibility)


def time_over(distance: float, speed: float, acceleration: float, most: float) -> float:
    """Return how long a vehicle takes for a distance [s], from its speed up to `most` [m/s].

    Whoever is faster already keeps its speed.

    >>> time_over(20.0, 10.0, 2.0, 10.0), round(time_over(9.0, 0.0, 2.0, 10.0), 2)
    (2.0, 3.0)
    """
    if distance <= 0.0:
        return 0.0
    most = max(most, speed)
    rising = (most - speed) / acceleration
    gained = (speed + most) / 2.0 * rising
    if gained >= distance:
        return (math.sqrt(speed * speed + 2.0 * acceleration * distance) - speed) / acceleration
    return rising + (distance - gained) / most
