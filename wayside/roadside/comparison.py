"""The live picture beside the truth: who was seen, who was not, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.table import F64, I64, Bool
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

EVERY_NS = 500_000_000  # ticks compared
WARM_UP_NS = 3_000_000_000  # at the start nobody has been seen yet
PAIR_M = 3.0  # an actor and a road user farther apart are never the same
GOOD_M = 1.5  # an actor nearer than this to its road user is right
RANGE_SHARE = 0.8  # of a pole's range in which it must see
SIGHT_SHARE = 0.5  # of the visibility within which it must see
FOG_M = 1000.0  # below this visibility there is fog (WMO)
REMEMBER_NS = 5_000_000_000  # an identity that changes within so long has been switched


@dataclass(frozen=True)
class Comparison:
    """Actors and road users at the compared ticks.

    Attributes:
        actors, truth: the rows compared.
        actor_ticks, truth_ticks: instants of their ticks [ns].
        pair: row of `actors` each road user is paired with, -1 none.
        error: distance of each pair [m]; NaN where none.
        paired: which actors are paired within `GOOD_M`.
        wanted: which road users are where somebody must see or hear them.
        judged: which actors are there.
        pole_m: distance of each road user to the nearest pole [m]; NaN without poles.
        fog: which road users are in fog, by the nearest moment's readings.
        switches: times that a road user's identity changed.
    """

    actors: Actors
    truth: Truth
    actor_ticks: I64
    truth_ticks: I64
    pair: I64
    error: F64
    paired: Bool
    wanted: Bool
    judged: Bool
    pole_m: F64
    fog: Bool
    switches: int

    @property
    def found(self) -> Bool:
        """Which road users have an actor within `GOOD_M`."""
        good: Bool = self.error <= GOOD_M
        return good


def compare(run: Run) -> Comparison:
    """Pair actors with road users one to one at every half second, the nearest pairs first.

    A road user is wanted where it is within 0.8 of a pole's range and half the visibility, or sends messages.

    Limits: hidden road users are wanted too; the first 3 s are left out.
    """
    actor_ticks, actors = run.rows(Actors)
    truth_ticks, truth = run.rows(Truth)
    begun = int(run.ticks[0]) if len(run.ticks) else 0
    rows = _compared(actor_ticks, begun)
    actor_ticks, actors = actor_ticks[rows], actors.take(rows)
    rows = _compared(truth_ticks, begun)
    truth_ticks, truth = truth_ticks[rows], truth.take(rows)
    pair, error = _pairs(actor_ticks, actors, truth_ticks, truth)
    paired = np.zeros(len(actors), np.bool_)
    paired[pair[error <= GOOD_M]] = True
    poles = run.asset(Poles)
    visibility_ns, visibility = _visibility(run)
    actor_m, actor_in = _in_sight(actors.x, actors.y, poles, _at(actor_ticks, visibility_ns, visibility))
    seen_by = _at(truth_ticks, visibility_ns, visibility)
    truth_m, truth_in = _in_sight(truth.x, truth.y, poles, seen_by)
    del actor_m
    return Comparison(
        actors=actors,
        truth=truth,
        actor_ticks=actor_ticks,
        truth_ticks=truth_ticks,
        pair=pair,
        error=error,
        paired=paired,
        wanted=truth_in | truth.equipped,
        judged=actor_in | (actors.sender != 0),
        pole_m=truth_m,
        fog=seen_by < FOG_M,
        switches=_switches(truth_ticks, truth, actors, pair, error),
    )


def _compared(ticks: I64, begun: int) -> I64:
    return np.flatnonzero((ticks >= begun + WARM_UP_NS) & ((ticks - begun) % EVERY_NS == 0))


def _pairs(actor_ticks: I64, actors: Actors, truth_ticks: I64, truth: Truth) -> tuple[I64, F64]:
    """Return each road user's actor and the distance to it."""
    pair, error = np.full(len(truth), -1, np.int64), np.full(len(truth), np.nan)
    if not len(actors) or not len(truth):
        return pair, error
    # ticks are put so far apart that no pair reaches over
    start = min(int(actor_ticks[0]), int(truth_ticks[0]))
    lift = 10.0 * PAIR_M / EVERY_NS
    real = cKDTree(np.column_stack((truth.x, truth.y, (truth_ticks - start) * lift)))
    seen = cKDTree(np.column_stack((actors.x, actors.y, (actor_ticks - start) * lift)))
    near = real.sparse_distance_matrix(seen, PAIR_M, output_type="ndarray")
    near = near[np.lexsort((near["j"], near["i"], near["v"]))]
    free = bytearray(b"\x01") * len(actors)
    for i, j, distance in zip(near["i"].tolist(), near["j"].tolist(), near["v"].tolist(), strict=True):
        if pair[i] < 0 and free[j]:
            pair[i], error[i] = j, distance
            free[j] = 0
    return pair, error


def _visibility(run: Run) -> tuple[I64, F64]:
    """Return the instants at which the least visibility of all stations changed, and its value [m]."""
    ticks, weather = run.rows(RoadWeather)
    known = ~np.isnan(weather.visibility)
    ticks, values = ticks[known], weather.visibility[known]
    if not len(ticks):
        return ticks, values
    instants, first = np.unique(ticks, return_index=True)
    return instants, np.minimum.reduceat(values, first)


def _at(ticks: I64, instants: I64, values: F64) -> F64:
    """Return the value that held at each tick; inf before the first."""
    place = np.searchsorted(instants, ticks, "right") - 1
    return np.where(place >= 0, np.append(values, np.inf)[place], np.inf)


def _in_sight(x: F64, y: F64, poles: Poles, visibility: F64) -> tuple[F64, Bool]:
    """Return the distance to the nearest pole, and whether one must see that place."""
    nearest, sighted = np.full(len(x), np.nan), np.zeros(len(x), np.bool_)
    for px, py, reach in zip(poles.x, poles.y, poles.range, strict=True):
        away = np.hypot(x - px, y - py)
        nearest = np.fmin(nearest, away)
        sighted |= away <= np.minimum(RANGE_SHARE * reach, SIGHT_SHARE * visibility)
    return nearest, sighted


def _switches(ticks: I64, truth: Truth, actors: Actors, pair: I64, error: F64) -> int:
    rows = np.flatnonzero(error <= GOOD_M)
    rows = rows[np.lexsort((ticks[rows], truth.id[rows]))]
    who, when, named = truth.id[rows], ticks[rows], actors.id[pair[rows]]
    same = (who[1:] == who[:-1]) & (when[1:] - when[:-1] <= REMEMBER_NS)
    return int(np.count_nonzero(same & (named[1:] != named[:-1])))
