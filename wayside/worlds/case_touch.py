"""When the bodies of a case's actors first touch, from their paths alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from wayside.table import F64, Bool
from wayside.worlds.case_actors import size_of
from wayside.worlds.case_file import Case
from wayside.worlds.case_paths import Path

STEP_S = 0.01
MOST_ACTORS = 200  # pairs grow with the square


def first_touch(case: Case, paths: Sequence[Path]) -> float | None:
    """Return when the bodies of two actors first touch, to a hundredth of a second [s]; None if they never do.

    Args:
        case: says how large the actors are.
        paths: the actors' ways, in the case's order.

    Limits: of more than 200 actors, the first 200; a touch of less than 0.01 s may be missed.
    """
    sizes = [size_of(actor) for actor in case.actors]
    first: float | None = None
    for i, j in combinations(range(min(len(paths), MOST_ACTORS)), 2):
        one, two = paths[i], paths[j]
        since = max(one.since, two.since)
        until = min(one.until, two.until, case.seconds or np.inf, first or np.inf)
        if not np.isfinite(until):
            until = max(one.times[-1], two.times[-1])
        t = np.arange(since, until + STEP_S / 2, STEP_S)
        touching = np.flatnonzero(overlap(one.at(t), sizes[i], two.at(t), sizes[j]))
        if len(touching):
            first = float(t[touching[0]])
    return first


def overlap(
    one: tuple[F64, F64, F64], size: tuple[float, float], two: tuple[F64, F64, F64], other: tuple[float, float]
) -> Bool:
    """Tell at which instants two rectangles overlap: no side of either separates them.

    Args:
        one, two: x, y [m] and heading [rad] of each.
        size, other: length and width of each [m].

    >>> zero = np.zeros(2)
    >>> overlap((zero, zero, zero), (4.0, 2.0), (np.array([3.9, 4.1]), zero, zero), (4.0, 2.0))
    array([ True, False])
    """
    dx, dy = two[0] - one[0], two[1] - one[1]
    apart = np.zeros(np.shape(dx), np.bool_)
    for heading in (one[2], two[2]):
        for axis in (heading, heading + np.pi / 2):
            reach = np.zeros(np.shape(dx))
            for (length, width), facing in ((size, one[2]), (other, two[2])):
                reach += 0.5 * (length * abs(np.cos(facing - axis)) + width * abs(np.sin(facing - axis)))
            apart |= abs(dx * np.cos(axis) + dy * np.sin(axis)) > reach
    return ~apart
