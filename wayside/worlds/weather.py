"""The weather of a simulated city: fog that comes and goes, and what the stations read of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from wayside.roadside.tables import WeatherReadings, WeatherStations
from wayside.worlds.draws import Stream, normal

CLEAR_M = 12000.0  # visibility without fog [own assumption: a hazy subtropical day]
PERIOD_NS = 10_000_000_000  # each station reads once in that time
READING_NOISE = 0.05  # relative error of a visibility reading, one standard deviation [own assumption]


class FogSpell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One spell of fog over the whole city.

    Attributes:
        from_ns: instant at which it begins to come.
        until_ns: instant at which it begins to go.
        visibility: meteorological optical range while it stands [m].
        ramp_s: time it takes to come and to go [s].
    """

    from_ns: int
    until_ns: int
    visibility: float = 150.0
    ramp_s: float = 20.0


def visibility(time_ns: int, fog: Sequence[FogSpell]) -> float:
    """Return the meteorological optical range at that instant [m].

    Extinction, the inverse of visibility, rises and falls linearly over a spell's ramp. Where spells overlap, the
    denser one counts.

    >>> spell = FogSpell(from_ns=0, until_ns=60_000_000_000, visibility=100.0, ramp_s=10.0)
    >>> [round(visibility(t * 1_000_000_000, [spell])) for t in (0, 5, 10, 60, 70)]
    [12000, 198, 100, 100, 12000]
    """
    thickest = 0.0
    for spell in fog:
        ramp_ns = max(spell.ramp_s * 1e9, 1.0)
        coming = min(max((time_ns - spell.from_ns) / ramp_ns, 0.0), 1.0)
        going = min(max((time_ns - spell.until_ns) / ramp_ns, 0.0), 1.0)
        thickest = max(thickest, (coming - going) * (1.0 / spell.visibility - 1.0 / CLEAR_M))
    return 1.0 / (1.0 / CLEAR_M + thickest)


def read(
    stations: WeatherStations, *, time_ns: int, start_ns: int, fog: Sequence[FogSpell], seed: int
) -> WeatherReadings:
    """Return what the stations whose turn it is read at this tick; no rows at most ticks.

    Args:
        stations: where they stand.
        time_ns: instant of the tick [ns]; a station's turn is on a whole second after the start.
        start_ns: instant of the first tick [ns].
        fog: spells of fog.
        seed: of the Run.

    Limits: one visibility for the whole city; no rain; temperatures follow nothing but noise.
    """
    # three seconds between the turns of neighbouring numbers, so that one city's stations do not read together
    turn = (stations.station.astype(np.int64) * 3 % 10) * 1_000_000_000
    due = np.flatnonzero((time_ns - start_ns - turn) % PERIOD_NS == 0)
    if not len(due):
        return WeatherReadings.empty()
    station = stations.station[due]
    noise = [normal(seed, Stream.WEATHER + n, station, time_ns) for n in range(4)]
    seen = visibility(time_ns, fog)
    air = 22.0 - 4.0 * math.exp(-seen / 1000.0)  # fog is cool [own assumption]
    return WeatherReadings(
        station=station,
        time_ns=np.full(len(due), time_ns),
        x=stations.x[due],
        y=stations.y[due],
        visibility=np.clip(seen * (1.0 + READING_NOISE * noise[0]), 10.0, 20000.0),
        rain_mm_per_h=np.zeros(len(due)),
        wind=np.maximum(2.0 + 0.5 * noise[1], 0.0),
        temperature_c=air + 0.2 * noise[2],
        surface_c=air + 1.5 + 0.2 * noise[3],
    )
