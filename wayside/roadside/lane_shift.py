"""Lane shift: where vehicles no longer drive where the published map has the lane."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.cells import cell_of, keyed, with_room, written
from wayside.roadside.tables import Actors, LaneShifts
from wayside.step import step
from wayside.table import F64
from wayside.v2x.tables import Kind

PERIOD_S = 1.0


class LaneShiftConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `lane_shifts`."""

    from_speed: float = 3.0  # slower vehicles may be parking [m/s]
    most_lately: float = 8.0  # vehicles that the present mean remembers
    least: float = 5.0  # vehicles for a mean
    most_usual: float = 300.0  # vehicles that the history remembers
    shift_m: float = 0.8  # farther off is a shift
    sure: float = 3.0  # standard deviations of the mean
    back_m: float = 0.4  # nearer than that it is over
    fresh_s: float = 0.5  # what was not measured for so long is not counted
    quickest: float = 50.0  # a vehicle counts as a whole one over a stretch of so many metres


def _mean(count: F64, cosine: F64, sine: F64, width: F64) -> tuple[F64, F64]:
    """Return mean and standard deviation across [m] of sums on the circle whose turn is a lane's width."""
    angle = np.arctan2(sine, cosine)
    length = np.clip(np.hypot(cosine, sine) / np.maximum(count, 1e-6), 1e-6, 1.0)
    return angle * width / (2.0 * np.pi), np.sqrt(-2.0 * np.log(length)) * width / (2.0 * np.pi)


@step(period_s=PERIOD_S, phase_s=0.6, reach_m=50)
def lane_shifts(
    actors: Actors, before: LaneShifts, *, road: RoadMap, config: LaneShiftConfig, time_ns: int
) -> LaneShifts:
    """Compare where vehicles drive across each 50 m of each lane with where they used to.

    Places across are averaged on a circle whose turn is the lane's width: when all lanes shift to one side, some
    vehicles are matched to the next lane, on its other side, and still say the same. What is usual is the history
    before the shift, and where there is none yet the published lane's middle.

    Args:
        actors: the live picture.
        before: the sums so far.
        road: the map.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per stretch that a vehicle has driven on.

    Limits: a shift is known up to whole lanes; its sign is uncertain near half a lane's width.
    Reference: Mardia and Jupp, Directional Statistics, for means on a circle.
    """
    lanes = road.lanes
    rows = np.flatnonzero(
        (actors.lane >= 0)
        & (actors.speed >= config.from_speed)
        & (actors.kind >= Kind.CAR)
        & (actors.kind <= Kind.TRUCK)
        & (time_ns - actors.measured_ns <= config.fresh_s * 1e9)
    )
    lane = actors.lane[rows]
    fit = (lanes.kind[lane] == LaneKind.DRIVING) & ~lanes.internal[lane]
    rows, lane = rows[fit], lane[fit]
    if not len(rows):
        return before
    key = keyed(lane, cell_of(lane, actors.offset[rows], road))
    every = with_room(before.in_order(), key, road)
    # only stretches with vehicles change
    touched, at = np.unique(np.searchsorted(keyed(every.lane, every.cell), key), return_inverse=True)
    was = every.take(touched)
    # a slow vehicle is seen more often; each one counts once over a stretch
    worth = np.minimum(actors.speed[rows] * PERIOD_S / config.quickest, 1.0)
    turn = 2.0 * np.pi * actors.lateral[rows] / lanes.width[lane]
    more, cosine, sine = (
        np.bincount(at, worth * part, len(was)) for part in (np.ones(len(rows)), np.cos(turn), np.sin(turn))
    )
    kept = np.clip(1.0 - more / config.most_lately, 0.0, 1.0)
    count, c, s = was.count * kept + more, was.cosine * kept + cosine, was.sine * kept + sine
    width = lanes.width[was.lane]
    mean, spread = _mean(count, c, s, width)
    known = was.usual_count >= config.least
    usual = np.where(known, _mean(was.usual_count, was.usual_cosine, was.usual_sine, width)[0], 0.0)
    # the shorter way round
    shift = (mean - usual + 0.5 * width) % width - 0.5 * width
    enough = count >= config.least
    error = spread / np.sqrt(np.maximum(count, 1.0))
    begins = enough & (np.abs(shift) > config.shift_m) & (np.abs(shift) > config.sure * error)
    stays = was.shifted & (np.abs(shift) > config.back_m)
    shifted = begins | stays
    # what looks odd already is not learned as usual
    learn = ~shifted & enough & (np.abs(shift) < 0.5 * config.shift_m)
    fade = np.where(learn, np.clip(1.0 - more / config.most_usual, 0.0, 1.0), 1.0)
    gain = learn.astype(np.float64)
    now = was.replace(
        count=count, cosine=c, sine=s,
        usual_count=was.usual_count * fade + gain * more,
        usual_cosine=was.usual_cosine * fade + gain * cosine,
        usual_sine=was.usual_sine * fade + gain * sine,
        mean=np.where(enough, mean, np.nan), spread=np.where(enough, spread, np.nan),
        shift=np.where(enough, shift, np.nan), shifted=shifted,
        since_ns=np.where(shifted, np.where(was.shifted, was.since_ns, time_ns), 0),
    )  # fmt: skip
    return written(every, touched, now)
