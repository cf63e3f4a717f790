"""Tracking beside RTK positions: real detections of a roundabout. How, see `benchmarks/roundabout.py`.

`python -m benchmarks perception` prints all bars. What trial 13 misses has its reason in the data: the detector's
own places lie 0.4 m off west of the roundabout, and the antenna of the second vehicle 0.5 m right of its middle.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.roundabout import FOLDER, Pairs, follow, known, pedestrian_score, read, score, vehicle_scores

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings at {FOLDER}; set WAYSIDE_DATA"),
]


@pytest.fixture(scope="module")
def vehicles():
    return vehicle_scores()


def test_no_vehicle_of_any_trial_changes_its_identity(vehicles) -> None:
    assert len(vehicles) == 7
    assert {name: one.switches for name, one in vehicles.items() if one.switches} == {}


def test_vehicles_are_followed_within_one_and_a_half_metres_wherever_the_detector_saw_them(vehicles) -> None:
    for name, one in vehicles.items():
        assert one.wanted > 90, name
        assert one.recall >= 0.95, name


@pytest.mark.parametrize("trial", ["2", "3", "4"])
def test_vehicles_are_published_within_a_third_of_a_metre_on_average(vehicles, trial) -> None:
    assert vehicles[trial, "0"].mean <= 0.35


def test_where_the_detector_itself_errs_the_error_stays_below_a_metre(vehicles) -> None:
    for who in ("0", "1", "0-cut", "1-cut"):
        assert vehicles["13", who].mean < 0.9


def test_a_pedestrian_is_followed_without_a_switch() -> None:
    latency, second_half = pedestrian_score()
    assert 0.2 < latency < 0.6  # people are detected later than vehicles
    assert second_half.recall >= 0.98
    assert second_half.switches == 0
    assert second_half.mean < 0.35
    assert second_half.tracked.mean() < 0.28


def test_the_latency_that_passing_vehicles_tell_is_worth_most_of_the_error(vehicles) -> None:
    trial = read("2")
    nothing = known(np.zeros(4), np.zeros(4), np.zeros(4), np.zeros(4))
    without = score(trial, follow(trial, nothing), "0", 0.13)
    assert without.mean > 4.0 * vehicles["2", "0"].mean


def test_pairs_are_made_with_the_nearest_detection_of_each_frame_only() -> None:
    pairs = Pairs.of(read("4"), 0.13, least_speed=1.0)
    assert len(pairs.x) == 98
    assert np.hypot(pairs.dx, pairs.dy).max() < 3.0
