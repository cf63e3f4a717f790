"""The live picture beside the truth: who was seen, who was not, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wayside.roadside.scoring_scene import Scene, near_pairs, scene
from wayside.roadside.sight import hidden, in_view
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.table import F64, I64, Bool
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

EVERY_NS = 500_000_000  # ticks compared
WARM_UP_NS = 3_000_000_000  # at the start nobody has been seen yet
PAIR_M = 3.0  # an actor and a road user farther apart are never the same
GOOD_M = 1.5  # an actor nearer than this to its road user is right
FOG_M = 1000.0  # below this visibility there is fog (WMO)


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
        fog, actor_fog: which road users and actors are in fog, by the last readings before.
        in_view: which road users are where a pole must see them.
        hidden: which of those are hidden behind others from every such pole.
        switched: where a wanted road user's identity is another than when it was last found, however long ago.
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
    actor_fog: Bool
    in_view: Bool
    hidden: Bool
    switched: Bool

    @property
    def switches(self) -> int:
        """Times that a road user's identity changed."""
        return int(np.count_nonzero(self.switched))

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
    actor_sight = _at(actor_ticks, visibility_ns, visibility)
    actor_in = in_view(actors.x, actors.y, poles, actor_sight)[1]
    truth_sight = _at(truth_ticks, visibility_ns, visibility)
    truth_m, truth_in = in_view(truth.x, truth.y, poles, truth_sight)
    wanted = truth_in | truth.equipped
    return Comparison(
        actors=actors,
        truth=truth,
        actor_ticks=actor_ticks,
        truth_ticks=truth_ticks,
        pair=pair,
        error=error,
        paired=paired,
        wanted=wanted,
        judged=actor_in | (actors.sender != 0),
        pole_m=truth_m,
        fog=truth_sight < FOG_M,
        actor_fog=actor_sight < FOG_M,
        in_view=truth_in,
        hidden=hidden(truth_ticks, truth, poles, truth_sight),
        switched=_switched(truth_ticks, truth, actors, pair, wanted & (error <= GOOD_M)),
    )


def _compared(ticks: I64, begun: int) -> I64:
    return np.flatnonzero((ticks >= begun + WARM_UP_NS) & ((ticks - begun) % EVERY_NS == 0))


def _pairs(actor_ticks: I64, actors: Actors, truth_ticks: I64, truth: Truth) -> tuple[I64, F64]:
    """Return each road user's actor and the distance to it."""
    pair, error = np.full(len(truth), -1, np.int64), np.full(len(truth), np.nan)
    if not len(actors) or not len(truth):
        return pair, error
    real, seen, apart = near_pairs(
        truth_ticks // EVERY_NS, truth.x, truth.y, actor_ticks // EVERY_NS, actors.x, actors.y, PAIR_M
    )
    order = np.lexsort((seen, real, apart))
    free = bytearray(b"\x01") * len(actors)
    for i, j, distance in zip(real[order].tolist(), seen[order].tolist(), apart[order].tolist(), strict=True):
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


def _switched(ticks: I64, truth: Truth, actors: Actors, pair: I64, found: Bool) -> Bool:
    rows = np.flatnonzero(found)
    rows = rows[np.lexsort((ticks[rows], truth.id[rows]))]
    who, named = truth.id[rows], actors.id[pair[rows]]
    same = who[1:] == who[:-1]
    switched = np.zeros(len(truth), np.bool_)
    switched[rows[1:][same & (named[1:] != named[:-1])]] = True
    return switched


def scored(one: Comparison, *, fog: bool) -> Scene:
    """Return what of a comparison is scored in clear weather or in fog: everybody wanted, and who is shown there.

    Actors that are right about a road user who need not be seen are left out, as is usual of regions that are not
    scored; every other actor where somebody must be seen counts.
    """
    real = np.flatnonzero(one.wanted & (one.fog == fog))
    spared = np.zeros(len(one.actors), np.bool_)
    spared[one.pair[one.found & ~one.wanted]] = True
    due = one.judged.copy()
    due[one.pair[one.wanted & (one.pair >= 0)]] = True
    seen = np.flatnonzero(due & ~spared & (one.actor_fog == fog))
    return scene(
        (one.truth_ticks[real] // EVERY_NS, one.truth.id[real], one.truth.x[real], one.truth.y[real]),
        (one.actor_ticks[seen] // EVERY_NS, one.actors.id[seen], one.actors.x[seen], one.actors.y[seen]),
    )
