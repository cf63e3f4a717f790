"""Close encounters: what nearly became a crash, read off true trajectories.

Time to collision and post-encroachment time are the usual surrogates of safety studies. They need no warning to
have been given, so they say what a service missed, and what a city is spared where services are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numba
import numpy as np

from wayside.driving.tables import HORIZON_STEP_S
from wayside.guidance.contact import first_contact
from wayside.guidance.encroachment import STILL, encroachments
from wayside.guidance.neighbourhood import near_pairs
from wayside.table import F64, I64, U8, U64
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

MERGE_NS = 1_000_000_000  # moments of one pair that are less apart are one encounter


class EncounterKind(IntEnum):
    """By which measure two road users came too close."""

    TIME_TO_COLLISION = 1
    POST_ENCROACHMENT = 2


@dataclass(frozen=True, slots=True, eq=False)
class Encounters:
    """Encounters in order of their beginning; equally long columns.

    Attributes:
        kind: EncounterKind.
        begin_ns, end_ns: first and last tick at which the measure was below its limit [ns].
        worst_ns: the tick of its least value [ns].
        first, second: the two road users; by encroachment `second` came after `first`, else the identities rise.
        value: the least value [s].
        closing: by time to collision the speed of one seen from the other then, else that of `second` [m/s].
        x, y: where `second` was at the worst tick [m].
    """

    kind: U8
    begin_ns: I64
    end_ns: I64
    worst_ns: I64
    first: U64
    second: U64
    value: F64
    closing: F64
    x: F64
    y: F64

    def __len__(self) -> int:
        return len(self.kind)


@numba.njit(cache=True)
def _arc(x: float, y: float, heading: float, speed: float, rate: float, steps: int, out: F64) -> None:
    """Fill in x, y and heading of a way on at constant speed and rate of turn, [3, steps]."""
    for k in range(steps):
        middle = heading + rate * (k + 0.5) * HORIZON_STEP_S
        x += speed * np.cos(middle) * HORIZON_STEP_S
        y += speed * np.sin(middle) * HORIZON_STEP_S
        out[0, k], out[1, k], out[2, k] = x, y, heading + rate * (k + 1) * HORIZON_STEP_S


@numba.njit(cache=True)
def _collision_times(
    left: I64, right: I64, x: F64, y: F64, heading: F64, speed: F64, rate: F64, length: F64, width: F64, steps: int
) -> F64:
    """Return the time to contact of each pair if both keep speed and rate of turn [s]; NaN if there is none."""
    mine, theirs, sure = np.empty((3, steps)), np.empty((3, steps)), np.zeros(steps)
    found = np.full(left.size, np.nan)
    for p in range(left.size):
        i, j = left[p], right[p]
        _arc(x[i], y[i], heading[i], speed[i], rate[i], steps, mine)
        _arc(x[j], y[j], heading[j], speed[j], rate[j], steps, theirs)
        found[p] = first_contact(
            x[i], y[i], heading[i], length[i] / 2, width[i] / 2, mine[0], mine[1], mine[2], sure,
            x[j], y[j], heading[j], length[j] / 2, width[j] / 2, theirs[0], theirs[1], theirs[2], sure,
            steps,
        )[0]  # fmt: skip
    return found


def encounters(
    time_ns: I64, truth: Truth, *, collision_s: float = 1.5, encroachment_s: float = 1.0, every: int = 2
) -> Encounters:
    """Find the encounters in true trajectories.

    Time to collision: until two bodies touch if both keep speed and rate of turn; one of them must be a motor
    vehicle that moves. Post-encroachment: between one leaving a spot and another, on a path that crosses its,
    coming to it.

    Args:
        time_ns: tick of each row [ns].
        truth: every road user of all ticks.
        collision_s, encroachment_s: limits below which it is an encounter [s].
        every: time to collision is looked at in every so many-th tick.

    Limits: encroachment is told to two ticks and half a metre, most often as too long; bodies are boxes; who
    stands in a place does not encroach on it.

    Source: Hayward 1972 (time to collision, 1.5 s), Allen, Shin and Cooper 1978 (post-encroachment time).

    >>> len(encounters(np.empty(0, np.int64), Truth.empty()))
    0
    """
    if not len(truth):
        none = np.empty(0, np.int64)
        return _episodes(none.astype(np.uint8), none, none, none, np.empty(0), truth)
    order = np.lexsort((truth.id, time_ns))
    time_ns, truth = time_ns[order], truth.take(order)
    first = np.flatnonzero(np.diff(time_ns, prepend=time_ns[0] - 1))
    first = np.append(first, len(time_ns))
    columns = {name: np.array(getattr(truth, name)) for name in ("x", "y", "heading", "speed", "length", "width")}
    rate = _turn_rates(time_ns, truth)
    motor = truth.kind < Kind.BICYCLE
    steps = int(np.ceil(collision_s / HORIZON_STEP_S))
    lefts, rights, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for tick in range(0, len(first) - 1, every):
        rows = slice(first[tick], first[tick + 1])
        here = {name: column[rows] for name, column in columns.items()}
        radius = here["speed"] * collision_s + np.hypot(here["length"], here["width"]) / 2
        left, right = near_pairs(
            here["x"], here["y"], radius, motor[rows] & (here["speed"] > STILL), np.ones(len(radius), np.bool_)
        )
        lower = np.where(motor[rows][right] & (here["speed"][right] > STILL), left < right, True)
        left, right = left[lower], right[lower]
        time = _collision_times(left, right, *_in_order(here, rate[rows]), steps)
        close = time < collision_s
        lefts.append(first[tick] + left[close])
        rights.append(first[tick] + right[close])
        values.append(time[close])
    a, b, value = np.concatenate(lefts), np.concatenate(rights), np.concatenate(values)
    swap = truth.id[a] > truth.id[b]
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    later, earlier, gap = encroachments(
        first, time_ns, truth.id, columns["x"], columns["y"], columns["heading"], columns["speed"],
        columns["length"], columns["width"], round(encroachment_s * 1e9),
    )  # fmt: skip
    wheels = motor[later] | motor[earlier]
    later, earlier, gap = later[wheels], earlier[wheels], gap[wheels]
    kinds = np.repeat([EncounterKind.TIME_TO_COLLISION, EncounterKind.POST_ENCROACHMENT], [len(a), len(later)])
    return _episodes(
        kinds.astype(np.uint8),
        time_ns[np.concatenate([b, later])],
        np.concatenate([a, earlier]),
        np.concatenate([b, later]),
        np.concatenate([value, gap * 1e-9]),
        truth,
    )


def _in_order(here: dict[str, F64], rate: F64) -> tuple[F64, F64, F64, F64, F64, F64, F64]:
    """Return the columns of one tick as `_collision_times` takes them."""
    return here["x"], here["y"], here["heading"], here["speed"], rate, here["length"], here["width"]


def _turn_rates(time_ns: I64, truth: Truth) -> F64:
    """Return each row's rate of turn since the same road user's last row [rad/s]; 0 where there is none."""
    order = np.lexsort((time_ns, truth.id))
    who, when, heading = truth.id[order], time_ns[order], truth.heading[order]
    turn = np.diff(heading, prepend=heading[:1])
    turn -= 2.0 * np.pi * np.rint(turn / (2.0 * np.pi))
    spacing = np.diff(when, prepend=when[:1]) * 1e-9
    same = np.diff(who, prepend=who[:1]) == 0
    rate = np.zeros(len(who))
    known = same & (spacing > 0) & (spacing < 1.0)
    rate[order[known]] = turn[known] / spacing[known]
    return rate


def _episodes(kind: U8, when: I64, first: I64, second: I64, value: F64, truth: Truth) -> Encounters:
    """Put the moments of each pair together that follow each other."""
    who, whom = truth.id[first], truth.id[second]
    order = np.lexsort((when, whom, who, kind))
    kind, when, value, first, second = kind[order], when[order], value[order], first[order], second[order]
    who, whom = who[order], whom[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (
        (kind[1:] != kind[:-1])
        | (who[1:] != who[:-1])
        | (whom[1:] != whom[:-1])
        | (when[1:] - when[:-1] > MERGE_NS)
    )
    begins = np.flatnonzero(fresh)
    ends = np.append(begins[1:], len(order))[: len(begins)]
    by_value = np.lexsort((value, np.cumsum(fresh)))  # of each encounter the least value first
    worst = by_value[begins] if len(begins) else begins
    rank = np.lexsort((who[begins], when[begins]))
    begins, ends, worst = begins[rank], ends[rank], worst[rank]
    return Encounters(
        kind=kind[begins],
        begin_ns=when[begins],
        end_ns=when[ends - 1],
        worst_ns=when[worst],
        first=who[begins],
        second=whom[begins],
        value=value[worst],
        closing=_closing(kind[worst], first[worst], second[worst], truth),
        x=truth.x[second[worst]],
        y=truth.y[second[worst]],
    )


def _closing(kind: U8, first: I64, second: I64, truth: Truth) -> F64:
    vx, vy = truth.speed * np.cos(truth.heading), truth.speed * np.sin(truth.heading)
    apart = np.hypot(vx[second] - vx[first], vy[second] - vy[first])
    return np.where(kind == EncounterKind.TIME_TO_COLLISION, apart, truth.speed[second])
