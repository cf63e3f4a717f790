"""Scores of the roundabout's trials, and from whom each was allowed to learn.

A drive that is scored teaches nothing. It learns from other trials, from the other drives of its own, and from the
other equipped vehicle of the same drive what that has reported by then, as the road side learns from the messages
of equipped vehicles that pass. Beside it stands what other trials alone teach. People are detected later than
vehicles: their latency is learnt on the first half of the one trial there is, and the second half is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.roundabout import PEOPLE, VEHICLES, Score, follow, pairs_of, read, score
from benchmarks.roundabout_learning import Known, Pairs, cell_of, learn, quality_of, remains
from wayside.roadside.tables import PoleQuality

EVERY_S = 2.0  # between two lessons
Drives = list[tuple[str, str]]  # trial and name of the instrumented vehicle


class Outcome(NamedTuple):
    """How well one instrumented road user was followed.

    Attributes:
        score: after learning all that may be learnt.
        elsewhere: the same, having learnt from other trials only.
        floor: mean distance of the detections themselves, had they been corrected by their own truth [m].
        latency: learnt, of the whole [s].
    """

    score: Score
    elsewhere: Score
    floor: float
    latency: float


def drives() -> Drives:
    """Return all drives of instrumented vehicles."""
    return [(name, who) for name in VEHICLES for who in read(name).truth]


def _together(some: Drives, latency: float, until_s: float = np.inf) -> Pairs:
    return Pairs.together(pairs_of(name, who, latency, until_s=until_s) for name, who in some)


@cache
def _latency(some: tuple[tuple[str, str], ...]) -> float:
    """Return the latency of the whole as these drives tell it, found from nothing [s]."""
    latency = 0.0
    for _ in range(3):  # pairs depend on it a little
        latency = learn(_together(list(some), latency), latency).latency
    return latency


def lessons(scored: tuple[str, str]) -> Callable[[float], Known]:
    """Return what is known by when, if that drive teaches nothing."""
    name, who = scored
    same = [one for one in drives() if one[0] == name and one[1][1:] == who[1:]]
    others = [one for one in drives() if one not in same]
    beside = [one for one in same if one != scored]
    latency = _latency(tuple(others))
    taught = _together(others, latency)
    met = _together(beside, latency) if beside else taught.take(slice(0))

    @cache
    def by(slot: int) -> Known:
        heard = np.flatnonzero(met.known < slot * EVERY_S)
        return learn(Pairs.together((taught, met.take(heard))), latency)

    return lambda second: by(int(second // EVERY_S) if len(met.known) else 0)


def _elsewhere(scored: tuple[str, str]) -> Known:
    others = [one for one in drives() if one[0] != scored[0]]
    latency = _latency(tuple(others))
    return learn(_together(others, latency), latency)


def vehicle_scores() -> Iterator[tuple[tuple[str, str], Outcome]]:
    """Score each drive."""
    floors = floor()
    for name, who in drives():
        known = lessons((name, who))
        trial = read(name)

        def quality(second: float, known: Callable[[float], Known] = known) -> PoleQuality:
            return known(second).quality

        first = known(0.0)
        best = score(name, who, follow(trial, quality), first)
        strict = _elsewhere((name, who))

        def same(second: float, known: Known = strict) -> PoleQuality:
            return known.quality

        beside = score(name, who, follow(trial, same), strict)
        yield (name, who), Outcome(best, beside, floors[name, who], first.latency)


def floor() -> dict[tuple[str, str], float]:
    """Return what remains of each drive's detections when all drives, it too, have taught [m]."""
    latency = _latency(tuple(drives()))
    parts = [pairs_of(*one, latency) for one in drives()]
    left = np.split(remains(Pairs.together(parts)), np.cumsum([len(part.x) for part in parts])[:-1])
    return {one: float(some.mean()) for one, some in zip(drives(), left, strict=True)}


def pedestrian_score() -> tuple[float, Score]:
    """Return the latency learnt on the first half [s], and the score of the second half."""
    base = _latency(tuple(drives()))
    frame = learn(_together(drives(), base), base).quality
    trial = read(PEOPLE)
    (who,) = trial.truth
    stamps = trial.detections["time_ns"] * 1e-9
    middle, latency = float(stamps[0] + stamps[-1]) / 2.0, 0.4
    for _ in range(3):
        pairs = pairs_of(PEOPLE, who, latency, until_s=middle)
        row = cell_of(pairs.x, pairs.y)
        dx = pairs.dx - frame.offset_x[row] + frame.yaw_error[row] * pairs.y
        dy = pairs.dy - frame.offset_y[row] - frame.yaw_error[row] * pairs.x
        squared = pairs.u**2 + pairs.v**2
        latency -= float(np.median((dx * pairs.u + dy * pairs.v) / squared))
    quality = quality_of(frame.yaw_error, frame.offset_x, frame.offset_y, latency)
    known = Known(quality, latency, ((0.0, 0.0),))
    return latency, score(PEOPLE, who, follow(trial, lambda _: quality), known, from_s=middle)
