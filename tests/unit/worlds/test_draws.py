"""Draws that depend on what they are for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.worlds.draws import Stream, _mix, drift, normal, uniform

IDS = np.arange(1, 100_001, dtype=np.uint64)
words = st.integers(0, 2**64 - 1)


def test_uniform_draws_fill_the_unit_interval_evenly():
    drawn = uniform(3, Stream.POLE_MISS, IDS, 7)
    assert drawn.min() >= 0.0 and drawn.max() < 1.0
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    chi_square = ((counts - 5000.0) ** 2 / 5000.0).sum()
    assert chi_square < 43.8  # the 0.1 % point at 19 degrees of freedom


def test_normal_draws_have_mean_0_variance_1_and_nearly_normal_tails():
    drawn = normal(3, Stream.POLE_SPEED, IDS, 7)
    assert abs(drawn.mean()) < 0.012
    assert abs(drawn.var() - 1.0) < 0.015
    assert abs((drawn**3).mean()) < 0.03
    assert 2.85 < (drawn**4).mean() < 3.0
    assert 0.0015 < (np.abs(drawn) > 3.0).mean() < 0.0030


@pytest.mark.parametrize(
    "other",
    [
        lambda: normal(4, Stream.POLE_SPEED, IDS, 7),
        lambda: normal(3, Stream.POLE_HEADING, IDS, 7),
        lambda: normal(3, Stream.POLE_SPEED, IDS, 8),
        lambda: normal(3, Stream.POLE_SPEED, IDS + np.uint64(1), 7),
        lambda: normal(3, Stream.POLE_SPEED, IDS[::-1], 7),
    ],
    ids=["seed", "stream", "instant", "next identity", "mirrored identity"],
)
def test_changing_one_part_of_the_key_gives_unrelated_draws(other):
    assert abs(np.corrcoef(normal(3, Stream.POLE_SPEED, IDS, 7), other())[0, 1]) < 0.012


@settings(deadline=None)
@given(
    ids=st.lists(words, min_size=1, max_size=20, unique=True), seed=st.integers(), counter=st.integers(0, 2**62)
)
def test_the_order_of_rows_never_matters(ids, seed, counter):
    rows = np.array(ids, np.uint64)
    for draw in (uniform, normal):
        together = draw(seed, 1, rows, counter)
        assert np.array_equal(draw(seed, 1, rows[::-1], counter), together[::-1])
        assert draw(seed, 1, rows[-1:], counter)[0] == together[-1]


def test_draws_are_the_same_on_every_machine():
    assert uniform(1, 2, [3], 4)[0].hex() == "0x1.4d8d9c798b661p-1"
    assert normal(1, 2, [3], 4)[0].hex() == "0x1.a55c000000000p-1"


def test_the_hash_is_splitmix64():
    """The first outputs of SplitMix64 from seed 1234567, as its author's program prints them."""
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    state, drawn = 1234567, []
    for _ in range(2):
        state = (state + golden) & mask
        drawn.append(int(_mix(np.uint64(state))))
    assert drawn == [6457827717110365317, 3203168211198807973]


def test_no_rows_give_no_draws():
    assert len(uniform(1, 1, [], 0)) == 0
    assert len(drift(1, 1, [], 0, 1.0)) == 0


def test_drift_has_variance_1_at_every_instant():
    for second in (0, 17, 30, 59):
        assert abs(drift(1, 1, IDS, second * 10**9, 60.0).var() - 1.0) < 0.02


def test_drift_forgets_within_its_spacing():
    now = drift(1, 1, IDS, 10**12, 60.0)
    likeness = [np.corrcoef(now, drift(1, 1, IDS, 10**12 + s * 10**9, 60.0))[0, 1] for s in (1, 50, 120)]
    assert likeness[0] > 0.998
    assert abs(likeness[1] - np.exp(-1)) < 0.02
    assert abs(likeness[2]) < 0.015


@settings(deadline=None)
@given(identity=words, start=st.integers(0, 10**15))
def test_drift_never_jumps(identity, start):
    times = [start + n * 10**8 for n in range(30)]
    path = np.array([drift(5, 1, [identity], t, 2.0)[0] for t in times])
    assert np.abs(np.diff(path)).max() < 1.6  # 0.1 s of a 2 s spacing; the draws themselves differ by up to 12
