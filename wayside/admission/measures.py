"""When the weather asks for a prepared measure, and when it no longer does."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.admission.tables import MeasureRequests, Measures
from wayside.roadside.tables import RoadWeather
from wayside.step import step


class MeasuresConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How steady the weather must be before a measure begins or ends."""

    begin_after_s: float = 5.0  # visibility has been below the measure's threshold for so long
    end_after_s: float = 60.0  # visibility has been above the measure's second threshold for so long
    stale_after_s: float = 300.0  # a station not heard for so long says nothing


@step(period_s=1.0, reach_m=None)
def wanted_measures(
    road_weather: RoadWeather,
    measures: Measures,
    before: MeasureRequests,
    *,
    time_ns: int,
    config: MeasuresConfig,
) -> MeasureRequests:
    """Ask for each prepared measure while the lowest visibility in the city demands it.

    One row per measure. A measure begins when the lowest visibility of any station has been below
    `visibility_below` for `begin_after_s`, and ends when it has been above `visibility_above` for
    `end_after_s`; between the two nothing changes. Unknown visibility neither begins nor ends a measure,
    and stops the clock that was running towards either.

    Limits: one visibility for the whole city, since a zone of a few square kilometres has few stations.
    """
    known = ~np.isnan(road_weather.visibility) & (road_weather.time_ns > 0)
    known &= time_ns - road_weather.time_ns <= config.stale_after_s * 1e9
    visibility, station = np.nan, -1
    if known.any():
        rows = np.flatnonzero(known)
        worst = rows[np.lexsort((road_weather.station[rows], road_weather.visibility[rows]))[0]]
        visibility, station = float(road_weather.visibility[worst]), int(road_weather.station[worst])

    count = len(measures)
    fresh = MeasureRequests(
        measure=measures.measure,
        active=np.zeros(count, np.bool_),
        since_ns=np.full(count, time_ns),
        visibility=np.full(count, visibility),
        station=np.full(count, station),
        turning_ns=np.zeros(count, np.int64),
    )
    both = MeasureRequests.concatenate([before, fresh])
    order = np.argsort(both.measure, kind="stable")  # stable: what is remembered stands before what is fresh
    was = both.take(order[np.searchsorted(both.measure[order], measures.measure)])

    opposite = np.where(was.active, visibility > measures.visibility_above, visibility < measures.visibility_below)
    turning = np.where(opposite, np.where(was.turning_ns == 0, time_ns, was.turning_ns), 0)
    wait_ns = np.where(was.active, config.end_after_s, config.begin_after_s) * 1e9
    change = opposite & (time_ns - turning >= wait_ns)
    return MeasureRequests(
        measure=measures.measure,
        active=was.active ^ change,
        since_ns=np.where(change, time_ns, was.since_ns),
        visibility=np.where(change, visibility, was.visibility),
        station=np.where(change, station, was.station),
        turning_ns=np.where(change, 0, turning),
    )
