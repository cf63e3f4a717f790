import numpy as np
import pytest

from benchmarks.manoeuvres import Sensor, follow, manoeuvres, two_perfect

WAYS = manoeuvres()
EXACT = Sensor(sigma=0.0, missed=0.0, lasting=0.0)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize(("name", "bar"), [("straight, 15 m/s", 0.05), ("curve of 30 m, 12 m/s", 0.15)])
def test_two_perfect_sensors_give_the_true_place_at_the_publishing_instant(name, bar):
    followed = two_perfect(WAYS[name])
    assert followed.position.max() < bar
    assert followed.identities == 1


def test_a_curve_bends_what_is_published_to_neither_side_for_long():
    followed = two_perfect(WAYS["curve of 30 m, 12 m/s"])
    assert abs(np.mean(followed.aside)) < 0.05
    assert abs(np.mean(followed.ahead)) < 0.03


@pytest.mark.parametrize("name", list(WAYS))
@pytest.mark.parametrize("moves", [True, False])
def test_a_road_user_keeps_one_identity_whatever_it_does(name, moves):
    for seed in range(3):
        followed = follow(WAYS[name], (Sensor(moves=moves),), seed)
        assert followed.identities == 1
        assert rms(followed.position) < 0.6


def test_one_that_moves_steadily_is_known_better_than_by_its_last_detection():
    sensor = Sensor(lasting=0.0, moves=False)
    for name in ("standing", "straight, 15 m/s"):
        followed = follow(WAYS[name], (sensor,))
        assert rms(followed.position) < 0.8 * np.sqrt(2.0) * sensor.sigma
        assert rms(followed.velocity) < 0.5


def test_braking_and_turning_are_known_within_a_second():
    for name in ("braking with 6 m/s2", "right turn of 10 m", "swerve in 1.5 s"):
        followed = follow(WAYS[name], (EXACT,))
        assert followed.position.max() < 0.35
        assert rms(followed.velocity) < 0.5


def test_the_stated_uncertainty_is_of_the_size_of_the_error():
    for name, truth in WAYS.items():
        surprise = np.mean([follow(truth, (Sensor(),), seed).surprise.mean() for seed in range(3)])
        assert 0.2 < surprise < 3.0, name
