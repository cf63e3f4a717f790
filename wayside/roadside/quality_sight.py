"""What a pole sees of the vehicles it should see: by bearing and distance, and how far it sees at all."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.membership import is_among
from wayside.roadside.quality_objects import SECOND
from wayside.roadside.quality_pairing import RINGS, SECTORS
from wayside.roadside.quality_tables import PolePairs, PoleSight, Sight
from wayside.roadside.tables import Poles, RoadWeather
from wayside.step import step
from wayside.table import F64

CELLS = SECTORS * RINGS


class PoleSightConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `pole_sight`."""

    scans: float = 4.0  # so many scans stand for one that is looked at
    forget_s: float = 45.0  # a scan counts 1/e of its weight after so long
    doubt_forget_s: float = 150.0  # and doubt fades so slowly
    most_scans: int = 15  # so many scans of one vehicle in one cell count, the rest tell nothing new
    clear_share: float = 0.45  # of the visibility; nothing is asked farther away
    most_doubt: float = 90.0  # doubt grows no further, so that it can be undone


@step(period_s=0.4, reach_m=None)
def pole_sight(
    pole_pairs: PolePairs,
    poles: Poles,
    road_weather: RoadWeather,
    before: PoleSight,
    *,
    config: PoleSightConfig,
    time_ns: int,
) -> PoleSight:
    """Count for each sector and ring of each pole's view which reporting vehicles it saw and which it missed.

    Beside shares, which forget slowly, each cell keeps its doubt: how many more scans missed than saw a vehicle
    since both were last even. Doubt rises at once where a pole goes blind and stays near 0 where vehicles are
    now and then hidden.

    Args:
        pole_pairs: who was seen and missed at this tick.
        poles: all poles.
        road_weather: how far one can see at all.
        before: the counts so far.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        A row for each cell of each pole.
    """
    if not len(poles):
        return PoleSight.empty()
    poles, before, road_weather = poles.in_order(), before.in_order(), road_weather.in_order()
    known = is_among(pole_pairs.pole, poles.pole) & (pole_pairs.cell < CELLS)
    pole_pairs = pole_pairs if known.all() else pole_pairs.take(known)
    rows = len(poles) * CELLS
    seen, missed, doubt = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    if len(before) == rows and np.array_equal(before.pole[::CELLS], poles.pole):
        elapsed = (time_ns - int(before.time_ns[0])) * SECOND
        kept = np.exp(-elapsed / config.forget_s)
        seen, missed = before.seen * kept, before.missed * kept
        doubt = before.doubt * np.exp(-elapsed / config.doubt_forget_s)
    visibility = np.repeat(_nearest(poles, road_weather), CELLS)
    counted = pole_pairs.cell_scans <= config.most_scans
    place = np.searchsorted(poles.pole, pole_pairs.pole) * CELLS + pole_pairs.cell
    seen_now = np.bincount(place[counted & (pole_pairs.sight == Sight.SEEN)], minlength=rows)
    missed_now = np.bincount(place[counted & (pole_pairs.sight == Sight.MISSED)], minlength=rows)
    ring_ends: F64 = (np.arange(rows) % CELLS // SECTORS + 1) / RINGS * np.repeat(poles.range, CELLS)
    was_seen, was_missed = config.scans * seen_now, config.scans * missed_now
    # where fog may be the reason nothing is held against the pole
    clear = ~(ring_ends > config.clear_share * visibility)
    return PoleSight(
        pole=np.repeat(poles.pole, CELLS),
        cell=np.tile(np.arange(CELLS), len(poles)),
        x=np.repeat(poles.x, CELLS),
        y=np.repeat(poles.y, CELLS),
        time_ns=np.full(rows, time_ns),
        seen=np.where(clear, seen + was_seen, 0.0),
        missed=np.where(clear, missed + was_missed, 0.0),
        doubt=np.where(clear, np.clip(doubt + was_missed - was_seen, 0.0, config.most_doubt), 0.0),
    )


def _nearest(poles: Poles, stations: RoadWeather) -> F64:
    """Return the visibility at the nearest station, for each pole; NaN if there is none."""
    if not len(stations):
        return np.full(len(poles), np.nan)
    dx, dy = poles.x[:, None] - stations.x, poles.y[:, None] - stations.y
    found: F64 = stations.visibility[np.argmin(dx * dx + dy * dy, axis=1)]
    return found
