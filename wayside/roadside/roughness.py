"""Roughness of the road, by the vertical acceleration that passing vehicles report."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.maps.road import RoadMap
from wayside.roadside.cells import cell_of, keyed, with_room, written
from wayside.roadside.tables import Actors, Roughness
from wayside.step import step
from wayside.v2x.tables import Reports

PERIOD_S = 1.0
REFERENCE = 22.22  # the speed that the index belongs to, 80 km/h [m/s]
BODY = 0.16  # root mean square acceleration of a car's body at that speed, for 1 m/km [m/s2 per m/km]


class RoughnessConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `roughness`."""

    from_speed: float = 4.0  # slower vehicles say nothing [m/s]
    quantum: float = 0.196  # step of the acceleration in the message [m/s2]
    least_samples: float = 12.0  # for an index
    most_samples: float = 400.0  # more are forgotten in equal measure
    rough_above: float = 5.0  # m/km; where a road in service is due for repair [own assumption]
    sure: float = 2.5  # standard deviations
    better: float = 0.8  # share of the bound below which it is rough no longer


@step(period_s=PERIOD_S, phase_s=0.3, reach_m=50)
def roughness(
    reports: Reports, actors: Actors, before: Roughness, *, road: RoadMap, config: RoughnessConfig, time_ns: int
) -> Roughness:
    """Gather the vertical accelerations that vehicles report on each 50 m of each lane.

    The spectrum of a road's height falls with the square of the wave number, so the variance of a body's
    acceleration grows with the speed, and in proportion to the square of the index. Each squared sample is brought
    to 80 km/h by that, less the variance of the message's own step. The standard deviation of the index is half of
    its share of the squares' spread: index / sqrt(2 n).

    Args:
        reports: what vehicles say.
        actors: where they are.
        before: the sums so far.
        road: the map.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per stretch that such a vehicle has driven on.

    Limits: an index like the International Roughness Index, not the index itself: nobody's suspension is known.
    Reference: ISO 8608 for the spectrum.
    """
    rows = np.flatnonzero(~np.isnan(reports.vertical) & (reports.speed >= config.from_speed))
    if not len(rows) or not len(actors):
        return before
    before = before.in_order()
    order = np.argsort(actors.sender, kind="stable")
    place = order[np.minimum(np.searchsorted(actors.sender, reports.sender[rows], sorter=order), len(order) - 1)]
    good = (actors.sender[place] == reports.sender[rows]) & (actors.lane[place] >= 0)
    good &= ~np.isnan(actors.offset[place])
    rows, place = rows[good], place[good]
    if not len(rows):
        return before
    lane = actors.lane[place]
    key = keyed(lane, cell_of(lane, actors.offset[place], road))
    every = with_room(before, key, road)
    # only stretches with samples change
    touched, at = np.unique(np.searchsorted(keyed(every.lane, every.cell), key), return_inverse=True)
    was = every.take(touched)
    own = np.maximum(reports.vertical[rows] ** 2, 0.0) * (REFERENCE / reports.speed[rows])
    count = np.bincount(at, minlength=len(was)).astype(np.float64)
    squares = was.squares + np.bincount(at, own, len(was))
    samples = was.samples + count
    kept = np.where(samples > config.most_samples, config.most_samples / np.maximum(samples, 1.0), 1.0)
    samples, squares = samples * kept, squares * kept
    mean = squares / np.maximum(samples, 1.0)
    enough = samples >= config.least_samples
    index = np.where(enough, np.sqrt(np.maximum(mean - config.quantum**2 / 12.0, 0.0)) / BODY, np.nan)
    sigma = index / np.sqrt(2.0 * np.maximum(samples, 1.0))
    begins = index - config.sure * sigma > config.rough_above
    stays = was.rough & (index > config.better * config.rough_above)
    rough = np.where(enough, begins | stays, was.rough)
    since = np.where(rough, np.where(was.rough, was.since_ns, time_ns), 0)
    now = was.replace(samples=samples, squares=squares, index=index, sigma=sigma, rough=rough, since_ns=since)
    return written(every, touched, now)
