"""Scores whose values can be told by hand, and distances against trying every way to pair."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from wayside.roadside.scoring import Hota, clear, hota, identity
from wayside.roadside.scoring_ospa import ospa, ospa_of_tracks
from wayside.roadside.scoring_scene import Objects, assign, scene
from wayside.table import F64


def walk(ids: list[int], x: float = 0.0) -> Objects:
    """Return one object that stands at `x` for as many frames as identities are given, -1 not being there."""
    frames = np.array([n for n, one in enumerate(ids) if one >= 0], np.int64)
    count = len(frames)
    return frames, np.array([one for one in ids if one >= 0], np.int64), np.full(count, x), np.zeros(count)


def both(first: Objects, second: Objects) -> Objects:
    frame, identity, x, y = (np.concatenate(parts) for parts in zip(first, second, strict=True))
    return frame, identity, x, y


def test_a_track_broken_in_the_middle_is_half_an_association() -> None:
    given = scene(walk([1] * 10), walk([5] * 5 + [6] * 5))
    assert hota(given).assa == pytest.approx(0.5)
    assert hota(given).deta == 1.0
    assert hota(given).hota == pytest.approx(np.sqrt(0.5))
    assert clear(given, 1.5).switches == 1
    assert clear(given, 1.5).mota == pytest.approx(0.9)
    assert identity(given, 1.5).idf1 == pytest.approx(0.5)


def test_a_gap_is_an_interruption_but_no_switch() -> None:
    # somebody else is always there, so that no frame is empty
    other = walk([9] * 10, 50.0)
    given = scene(both(walk([1] * 10), other), both(walk([5] * 4 + [-1] * 2 + [5] * 4), other))
    found = clear(given, 1.5)
    assert (found.switches, found.fragments, found.missed, found.false) == (0, 1, 2, 0)


def test_the_gate_decides_what_is_right() -> None:
    given = scene(walk([1] * 10), walk([1] * 10, 1.2))
    assert (clear(given, 1.5).both, clear(given, 1.0).both) == (10, 0)
    assert clear(given, 1.5).motp_m == pytest.approx(1.2)
    assert (identity(given, 1.5).both, identity(given, 1.0).both) == (10, 0)


def test_who_was_right_before_keeps_its_identity_though_another_is_nearer() -> None:
    near = walk([-1] * 5 + [7] * 5, 0.1)
    given = scene(walk([1] * 10), both(walk([5] * 10, 0.8), near))
    assert clear(given, 1.5).switches == 0
    assert clear(given, 1.5).distance == pytest.approx(8.0)


def test_sums_of_runs_add_up() -> None:
    good, bad = scene(walk([1] * 10), walk([1] * 10)), scene(walk([1] * 10), walk([]))
    total = hota(good) + hota(bad)
    assert isinstance(total, Hota)
    assert total.deta == pytest.approx(0.5)
    assert (clear(good, 1.5) + clear(bad, 1.5)).mota == pytest.approx(0.5)


def test_nothing_shown_and_nothing_there_are_no_errors() -> None:
    for given in (scene(walk([1] * 3), walk([])), scene(walk([]), walk([1] * 3)), scene(walk([]), walk([]))):
        assert hota(given).hota == clear(given, 1.5).both == identity(given, 1.5).both == 0.0
    assert ospa(scene(walk([1] * 3), walk([]))).tolist() == [2.0] * 3
    assert len(ospa(scene(walk([]), walk([])))) == len(ospa_of_tracks(scene(walk([]), walk([])))) == 0


def test_an_identity_twice_in_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="twice in one frame"):
        scene(both(walk([1]), walk([1])), walk([1]))


def best(cost: F64, cutoff: float) -> float:
    """Return the least total of all ways to pair the smaller side; who is left costs the cutoff."""
    if cost.shape[0] > cost.shape[1]:
        cost = cost.T
    few, many = cost.shape
    ways = itertools.permutations(range(many), few)
    return min(sum(cost[i, way[i]] for i in range(few)) for way in ways) + cutoff * (many - few)


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_ospa_is_the_best_of_all_ways_to_pair(order: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        n, m = random.integers(1, 5, 2)
        a, b = random.uniform(0.0, 3.0, (2, n)), random.uniform(0.0, 3.0, (2, m))
        given = scene((np.zeros(n, np.int64), np.arange(n), *a), (np.zeros(m, np.int64), np.arange(m), *b))
        apart = np.minimum(np.hypot(a[0][:, None] - b[0], a[1][:, None] - b[1]), 1.5) ** order
        expected = (best(apart, 1.5**order) / max(n, m)) ** (1.0 / order)
        assert ospa(given, 1.5, order)[0] == pytest.approx(expected)


def test_ospa_of_tracks_is_the_best_of_all_ways_to_pair_tracks() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        there = random.random((2, 3, 6)) < 0.7
        there[:, 0, 0] = True
        x, y = random.uniform(0.0, 2.5, (2, 2, 3, 6))
        sides = [(np.nonzero(t)[1], np.nonzero(t)[0], px[t], py[t]) for t, px, py in zip(there, x, y, strict=True)]
        kept = [[k for k in range(3) if t[k].any()] for t in there]
        apart = np.empty((len(kept[0]), len(kept[1])))
        for i, a in enumerate(kept[0]):
            for j, b in enumerate(kept[1]):
                one, other = there[0, a], there[1, b]
                away = np.minimum(np.hypot(x[0, a] - x[1, b], y[0, a] - y[1, b]), 2.0)
                apart[i, j] = np.where(one & other, away, 2.0)[one | other].mean()
        expected = best(apart, 2.0) / max(apart.shape)
        assert ospa_of_tracks(scene(*sides), 6)[0] == pytest.approx(expected)


def test_a_changed_identity_is_seen_by_ospa_of_tracks_alone() -> None:
    given = scene(walk([1] * 20), walk([5] * 10 + [6] * 10))
    assert not ospa(given).any()
    assert ospa_of_tracks(given).tolist() == [pytest.approx(1.5)]  # half of one track, and one too many


def test_a_cutoff_beyond_the_reach_and_a_long_window_are_refused() -> None:
    given = scene(walk([1]), walk([1]))
    with pytest.raises(ValueError, match="cutoff"):
        ospa(given, 3.0)
    with pytest.raises(ValueError, match="window"):
        ospa_of_tracks(given, 65)


def test_pairs_are_chosen_so_that_the_sum_is_the_most() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        table = random.random((4, 4)) * (random.random((4, 4)) < 0.5)
        left, right = np.nonzero(table)
        chosen = assign(left, right, table[left, right])
        most = max(sum(table[i, way[i]] for i in range(4)) for way in itertools.permutations(range(4)))
        assert table[left, right][chosen].sum() == pytest.approx(most)
        assert len(np.unique(left[chosen])) == len(np.unique(right[chosen])) == chosen.sum()
