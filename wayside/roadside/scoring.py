"""How true tracks are: HOTA, CLEAR (MOTA, MOTP) and identity (IDF1), as sums that add up over Runs.

The definitions are those of the papers; where these leave a choice, it is TrackEval's, with whose results those
here agree to 1e-9. Pairs that are far apart are never looked at, so cost grows with the number of objects, not its
square.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from wayside.roadside.scoring_scene import Scene, assign, best_of, groups
from wayside.table import F64, I64, Bool

LEVELS = np.arange(0.05, 0.99, 0.05)  # similarities from which HOTA takes two objects for the same
LEAST = float(np.finfo(np.float64).eps)
KEEPING = 1000.0  # what staying with the last identity is worth, against a similarity of at most 1


class _Sums:
    """Sums that add up over Runs."""

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Hota(_Sums):
    """Sums of HOTA at each of the 19 levels.

    Attributes:
        both, missed, false: objects that are right, missed and false.
        association: sum over right objects of how much of their two tracks agree.
        association_recall, association_precision: the same of the true and of the shown track alone.
        likeness: sum of similarities of right objects.
    """

    both: F64
    missed: F64
    false: F64
    association: F64
    association_recall: F64
    association_precision: F64
    likeness: F64

    def _by_both(self, sums: F64) -> float:
        return float(np.mean(sums / np.maximum(1.0, self.both)))

    @property
    def levels(self) -> F64:
        """HOTA at each level."""
        found: F64 = np.sqrt(
            self.both
            / np.maximum(1.0, self.both + self.missed + self.false)
            * (self.association / np.maximum(1.0, self.both))
        )
        return found

    @property
    def hota(self) -> float:
        """Higher order tracking accuracy, 0 to 1."""
        return float(np.mean(self.levels))

    @property
    def deta(self) -> float:
        """Detection accuracy, 0 to 1."""
        return float(np.mean(self.both / np.maximum(1.0, self.both + self.missed + self.false)))

    @property
    def assa(self) -> float:
        """Association accuracy, 0 to 1."""
        return self._by_both(self.association)

    @property
    def assre(self) -> float:
        """Association recall, 0 to 1."""
        return self._by_both(self.association_recall)

    @property
    def asspr(self) -> float:
        """Association precision, 0 to 1."""
        return self._by_both(self.association_precision)

    @property
    def loca(self) -> float:
        """Mean similarity of what is right, 0 to 1; 1 where nothing is."""
        return float(np.mean(np.maximum(1e-10, self.likeness) / np.maximum(1e-10, self.both)))


def hota(given: Scene) -> Hota:
    """Return the sums of HOTA.

    Source: Luiten et al., HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking, IJCV 2021.
    """
    lengths, shown_lengths = np.bincount(given.truth_id), np.bincount(given.shown_id)
    # how much of the frames that either track has the two are the likeliest partners
    across = np.bincount(given.truth, given.similarity, len(given.truth_id))[given.truth]
    down = np.bincount(given.shown, given.similarity, len(given.shown_id))[given.shown]
    rest = across + down - given.similarity
    alike = np.divide(given.similarity, rest, out=np.zeros_like(rest), where=rest > LEAST)
    couple = given.truth_id[given.truth] * max(len(shown_lengths), 1) + given.shown_id[given.shown]
    couples, of_pair = np.unique(couple, return_inverse=True)
    first, second = couples // max(len(shown_lengths), 1), couples % max(len(shown_lengths), 1)
    potential = np.bincount(of_pair, alike, len(couples))
    mine, theirs = lengths[first].astype(np.float64), shown_lengths[second].astype(np.float64)
    alignment = potential / (mine + theirs - potential)
    chosen = assign(given.truth, given.shown, alignment[of_pair] * given.similarity)
    likeness, of_pair = given.similarity[chosen], of_pair[chosen]
    sums = np.zeros((7, len(LEVELS)))
    for level, at_least in enumerate(LEVELS):
        right = likeness >= at_least - LEAST
        number = float(np.count_nonzero(right))
        shared = np.bincount(of_pair[right], minlength=len(couples)).astype(np.float64)
        sums[:, level] = (
            number,
            len(given.truth_id) - number,
            len(given.shown_id) - number,
            np.sum(shared * shared / np.maximum(1.0, mine + theirs - shared)),
            np.sum(shared * shared / mine),
            np.sum(shared * shared / theirs),
            np.sum(likeness[right]),
        )
    return Hota(*sums)


@dataclass(frozen=True, slots=True, eq=False)
class Clear(_Sums):
    """Sums of the CLEAR metrics at one gate.

    Attributes:
        both, missed, false: objects that are right, missed and false.
        switches: times that a true object's identity is another than when it was last right.
        fragments: times that a true object is right again after it was not.
        mostly_tracked, mostly_lost: true objects that are right in over 80 % and in under 20 % of their frames.
        objects: true objects.
        likeness: sum of similarities of right objects.
        distance: sum of their distances [m].
    """

    both: int
    missed: int
    false: int
    switches: int
    fragments: int
    mostly_tracked: int
    mostly_lost: int
    objects: int
    likeness: float
    distance: float

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy, at most 1; below 0 if there is more wrong than right."""
        return (self.both - self.false - self.switches) / max(1, self.both + self.missed)

    @property
    def motp(self) -> float:
        """Multiple object tracking precision as the mean similarity of what is right, 0 to 1."""
        return self.likeness / max(1, self.both)

    @property
    def motp_m(self) -> float:
        """The same as the mean distance [m]."""
        return self.distance / max(1, self.both)


def clear(given: Scene, gate: float) -> Clear:
    """Return the sums of the CLEAR metrics.

    Args:
        given: what is scored.
        gate: farthest distance at which two objects are the same [m].

    Source: Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance, 2008.
    """
    chosen = matches(given, gate)
    rows, partner = given.truth[chosen], given.shown_id[given.shown[chosen]]
    order = np.lexsort((given.truth_frame[rows], given.truth_id[rows]))
    rows, partner = rows[order], partner[order]
    who = given.truth_id[rows]
    same = who[1:] == who[:-1]
    # only frames in which there is something on both sides count as neighbours
    both_there = np.intersect1d(given.truth_frame, given.shown_frame)
    when = np.searchsorted(both_there, given.truth_frame[rows])
    number = len(rows)
    lengths = np.bincount(given.truth_id)
    tracked = np.bincount(who, minlength=len(lengths)) / np.maximum(1, lengths)
    return Clear(
        both=number,
        missed=len(given.truth_id) - number,
        false=len(given.shown_id) - number,
        switches=int(np.count_nonzero(same & (partner[1:] != partner[:-1]))),
        fragments=int(np.count_nonzero(same & (np.diff(when) > 1))),
        mostly_tracked=int(np.count_nonzero(tracked > 0.8)),
        mostly_lost=int(np.count_nonzero(tracked < 0.2)),
        objects=len(lengths),
        likeness=float(np.sum(given.similarity[chosen])),
        distance=float(np.sum(given.distance[chosen])),
    )


def matches(given: Scene, gate: float) -> Bool:
    """Return which pairs CLEAR takes for the same: first who stays with its identity, then who is nearest."""
    close = np.flatnonzero(_likeness(given, gate) & (given.similarity > LEAST))
    left, right, score = given.truth[close], given.shown[close], given.similarity[close]
    before = _before(given)
    with_whom = np.full(len(given.truth_id), -1, np.int64)
    chosen = np.zeros(len(given.truth), np.bool_)
    order, begins = groups(left, right)
    count = np.diff(begins)
    alone = order[begins[:-1][count == 1]]
    chosen[close[alone]] = True
    with_whom[left[alone]] = given.shown_id[right[alone]]
    # who may choose depends on what was chosen the frame before
    several = np.flatnonzero(count > 1)
    several = several[np.argsort(given.truth_frame[left[order[begins[several]]]], kind="stable")]
    for group in several.tolist():
        pairs = order[begins[group] : begins[group + 1]]
        a, b = left[pairs], right[pairs]
        last = np.where(before[a] >= 0, with_whom[before[a]], -1)
        taken = pairs[best_of(a, b, score[pairs] + KEEPING * (last == given.shown_id[b]))]
        chosen[close[taken]] = True
        with_whom[left[taken]] = given.shown_id[right[taken]]
    return chosen


def _likeness(given: Scene, gate: float) -> Bool:
    """Return which pairs are within the gate."""
    near: Bool = given.similarity >= 1.0 - gate / given.reach - LEAST
    return near


def _before(given: Scene) -> I64:
    """Return each true object's row in the frame before, -1 where it has none."""
    both_there = np.intersect1d(given.truth_frame, given.shown_frame)
    there = np.flatnonzero(np.isin(given.truth_frame, both_there))
    rank = np.searchsorted(both_there, given.truth_frame[there])
    order = np.lexsort((rank, given.truth_id[there]))
    rows, rank = there[order], rank[order]
    before = np.full(len(given.truth_id), -1, np.int64)
    next_to = (np.diff(given.truth_id[rows]) == 0) & (np.diff(rank) == 1)
    before[rows[1:][next_to]] = rows[:-1][next_to]
    return before


@dataclass(frozen=True, slots=True, eq=False)
class Identity(_Sums):
    """Sums of the identity metrics at one gate: objects whose identity is right, missed and false."""

    both: int
    missed: int
    false: int

    @property
    def idf1(self) -> float:
        """Share of objects, true and shown, whose identity is right."""
        return self.both / max(1.0, self.both + 0.5 * (self.missed + self.false))

    @property
    def idp(self) -> float:
        """Share of shown objects whose identity is right."""
        return self.both / max(1, self.both + self.false)

    @property
    def idr(self) -> float:
        """Share of true objects whose identity is right."""
        return self.both / max(1, self.both + self.missed)


def identity(given: Scene, gate: float) -> Identity:
    """Return the sums of the identity metrics, each true track being given the shown one that serves all best.

    Source: Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, 2016.
    """
    near = given.similarity >= 1.0 - gate / given.reach
    size = int(given.shown_id.max(initial=0)) + 1
    couples, count = np.unique(
        given.truth_id[given.truth[near]] * size + given.shown_id[given.shown[near]], return_counts=True
    )
    chosen = assign(couples // size, couples % size, count.astype(np.float64))
    both = int(count[chosen].sum())
    return Identity(both=both, missed=len(given.truth_id) - both, false=len(given.shown_id) - both)
