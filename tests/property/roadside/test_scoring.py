"""What holds of tracking scores whatever is scored."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.roadside.scoring import clear, hota, identity
from wayside.roadside.scoring_ospa import ospa, ospa_of_tracks
from wayside.roadside.scoring_scene import Objects, scene

place = st.floats(0.0, 6.0).map(lambda value: round(value, 3))
row = st.tuples(st.integers(0, 7), st.integers(0, 4), place, place)


def objects(rows: list[tuple[int, int, float, float]]) -> Objects:
    table = np.array(sorted({(f, i): (f, i, x, y) for f, i, x, y in rows}.values()), np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].copy(), table[:, 3].copy()


some = st.lists(row, max_size=40).map(objects)


def scores(true: Objects, shown: Objects) -> list[float]:
    one = scene(true, shown)
    c, i = clear(one, 1.5), identity(one, 1.5)
    return [hota(one).hota, hota(one).deta, hota(one).assa, c.mota, c.motp, i.idf1]


@given(some, some, st.permutations(range(5)))
@settings(max_examples=60, deadline=None)
def test_names_do_not_matter(true: Objects, shown: Objects, names: list[int]) -> None:
    frame, identities, x, y = shown
    renamed = (frame, np.array([10, 37, 2, 99, 5])[names][identities], x, y)
    before, after = scores(true, shown), scores(true, renamed)
    # pairs that are worth exactly the same may be chosen by name
    assert np.allclose(before[:1] + before[5:], after[:1] + after[5:], atol=1e-9)


@given(some)
@settings(max_examples=60, deadline=None)
def test_the_truth_itself_is_perfect(true: Objects) -> None:
    one = scene(true, true)
    assert not ospa(one).any()
    assert not ospa_of_tracks(one, 4).any()
    if len(true[0]):
        assert hota(one).hota == clear(one, 1.5).mota == identity(one, 1.5).idf1 == 1.0


@given(some, some)
@settings(max_examples=60, deadline=None)
def test_scores_stay_in_bounds_and_do_not_depend_on_the_order_of_rows(true: Objects, shown: Objects) -> None:
    found = scores(true, shown)
    assert all(0.0 <= value <= 1.0 + 1e-12 for name, value in enumerate(found) if name != 3)
    assert found[3] <= 1.0
    one = scene(true, shown)
    assert ((ospa(one) >= 0.0) & (ospa(one) <= 2.0)).all()
    assert ((ospa_of_tracks(one, 4) >= 0.0) & (ospa_of_tracks(one, 4) <= 2.0)).all()
    assert np.allclose(ospa(one), ospa(scene(shown, true)))  # a distance


@given(some, some)
@settings(max_examples=60, deadline=None)
def test_who_is_shown_far_away_only_adds_what_is_false(true: Objects, shown: Objects) -> None:
    frame = np.arange(3)
    more = tuple(
        np.concatenate([a, b])
        for a, b in zip(shown, (frame, np.full(3, 77), frame + 500.0, frame * 1.0), strict=True)
    )
    before, after = scene(true, shown), scene(true, more)  # type: ignore[arg-type]
    assert hota(after).deta <= hota(before).deta
    assert clear(after, 1.5).false == clear(before, 1.5).false + 3
    assert clear(after, 1.5).missed == clear(before, 1.5).missed
