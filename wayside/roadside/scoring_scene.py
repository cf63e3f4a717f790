"""What is scored: true road users and shown ones, frame by frame, and how alike each near pair is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from wayside.table import F64, I64, U64, Bool

Objects = tuple[I64, I64 | U64, F64, F64]  # frame, identity, x and y [m]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """True and shown objects of all frames.

    Attributes:
        truth_frame, truth_id: frame and identity of each true object; identities from 0 without gaps.
        shown_frame, shown_id: the same of each shown object.
        truth, shown: rows of the pairs of one frame that are less than the reach apart.
        distance: how far apart each pair is [m].
        similarity: 1 where they are at one place, falling evenly to 0 at the reach.
        reach: at and beyond it two objects have nothing in common [m].
    """

    truth_frame: I64
    truth_id: I64
    shown_frame: I64
    shown_id: I64
    truth: I64
    shown: I64
    distance: F64
    similarity: F64
    reach: float


def near_pairs(
    truth_frame: I64, truth_x: F64, truth_y: F64, shown_frame: I64, shown_x: F64, shown_y: F64, reach: float
) -> tuple[I64, I64, F64]:
    """Return the rows of all pairs of one frame that are at most `reach` apart, and their distances [m].

    >>> one, x = np.zeros(1, np.int64), np.array([0.0])
    >>> near_pairs(one, x, x, one, x + 0.5, x, 2.0)
    (array([0]), array([0]), array([0.5]))
    """
    if not len(truth_frame) or not len(shown_frame):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    # frames are put so far apart that no pair reaches over
    start, lift = min(int(truth_frame.min()), int(shown_frame.min())), 10.0 * reach
    real = cKDTree(np.column_stack((truth_x, truth_y, (truth_frame - start) * lift)))
    seen = cKDTree(np.column_stack((shown_x, shown_y, (shown_frame - start) * lift)))
    near = real.sparse_distance_matrix(seen, reach, output_type="ndarray")
    near = near[np.lexsort((near["j"], near["i"]))]
    return near["i"].astype(np.int64), near["j"].astype(np.int64), near["v"]


def scene(truth: Objects, shown: Objects, reach: float = 2.0) -> Scene:
    """Return what `scoring` works on.

    Args:
        truth: frame, identity (any numbers), x [m] and y [m] of true objects.
        shown: the same of shown objects.
        reach: distance at which similarity is 0 [m]; 2 m is that of MOT15-3D.

    Raises:
        ValueError: an identity is twice in one frame.
    """
    ids = []
    for frame, identity, _, _ in (truth, shown):
        known, number = np.unique(identity, return_inverse=True)
        code = frame * max(len(known), 1) + number
        if len(np.unique(code)) < len(code):
            raise ValueError("an identity is twice in one frame; every object of a frame needs its own")
        ids.append(number.astype(np.int64))
    left, right, distance = near_pairs(truth[0], truth[2], truth[3], shown[0], shown[2], shown[3], reach)
    return Scene(
        truth_frame=truth[0],
        truth_id=ids[0],
        shown_frame=shown[0],
        shown_id=ids[1],
        truth=left,
        shown=right,
        distance=distance,
        similarity=np.maximum(0.0, 1.0 - distance / reach),
        reach=reach,
    )


def groups(left: I64, right: I64) -> tuple[I64, I64]:
    """Return the pairs in order of the groups they make, and where each group begins; the end is the last.

    Pairs are of one group if they share a left or right row, or are joined by such pairs. Which pairs of a group
    are chosen does not touch the others.
    """
    if not len(left):
        return np.empty(0, np.int64), np.zeros(1, np.int64)
    lefts, a = np.unique(left, return_inverse=True)
    rights, b = np.unique(right, return_inverse=True)
    size = len(lefts) + len(rights)
    graph = coo_array((np.ones(len(a), np.bool_), (a, len(lefts) + b)), shape=(size, size))
    label = connected_components(graph, directed=False)[1][a]
    order = np.argsort(label, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(label[order], prepend=-1)), len(order))


def best_of(left: I64, right: I64, score: F64) -> Bool:
    """Return which pairs of one group to choose, one to one, so that their scores sum up to the most."""
    lefts, a = np.unique(left, return_inverse=True)
    rights, b = np.unique(right, return_inverse=True)
    table = np.zeros((len(lefts), len(rights)))
    table[a, b] = score
    chosen = np.zeros_like(table, np.bool_)
    chosen[linear_sum_assignment(table, maximize=True)] = True
    some: Bool = chosen[a, b] & (score > 0.0)
    return some


def assign(left: I64, right: I64, score: F64) -> Bool:
    """Return which pairs to choose, one to one, so that their scores sum up to the most.

    Exact: pairs that share nothing are chosen apart, each group by the assignment algorithm of scipy.

    Args:
        left, right: rows of each pair; no pair twice.
        score: what choosing it is worth, at least 0; pairs worth nothing are not chosen.

    >>> assign(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.5, 0.6, 0.4])).tolist()
    [True, False, True]
    """
    order, begins = groups(left, right)
    chosen = np.zeros(len(left), np.bool_)
    count = np.diff(begins)
    chosen[order[begins[:-1][count == 1]]] = True
    for group in np.flatnonzero(count > 1).tolist():
        rows = order[begins[group] : begins[group + 1]]
        a, b = left[rows], right[rows]
        if (a == a[0]).all() or (b == b[0]).all():
            chosen[rows[np.argmax(score[rows])]] = True
        else:
            chosen[rows] = best_of(a, b, score[rows])
    return chosen & (score > 0.0)
