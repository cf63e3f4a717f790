"""What equipped vehicles say of themselves."""

import numpy as np

from wayside.v2x.tables import Kind
from wayside.worlds.onboard import HARD_BRAKING, OnboardConfig, report, turn_rate
from wayside.worlds.tables import Truth

S = 1_000_000_000
SETTING = OnboardConfig()


def traffic(rows=2000, **changed):
    columns = {
        "id": np.arange(1, rows + 1),
        "kind": np.full(rows, Kind.CAR),
        "x": np.linspace(0.0, 1000.0, rows),
        "y": np.zeros(rows),
        "heading": np.full(rows, 3.1),
        "speed": np.full(rows, 10.0),
        "acceleration": np.zeros(rows),
        "length": np.full(rows, 4.5),
        "width": np.full(rows, 1.8),
        "lane": np.zeros(rows),
        "equipped": np.ones(rows, np.bool_),
        "automated": np.zeros(rows),
    }
    return Truth(**{**columns, **changed})


def test_only_equipped_vehicles_speak():
    truth = traffic(10, equipped=np.arange(10) % 2 == 0)
    said = report(truth, time_ns=S, config=OnboardConfig(loss=0.0), seed=1)
    assert said.sender.tolist() == [1, 3, 5, 7, 9]


def test_about_one_report_in_a_hundred_is_lost():
    heard = [len(report(traffic(), time_ns=t * S, config=SETTING, seed=1)) for t in range(20)]
    assert 0.007 < 1.0 - sum(heard) / 40_000 < 0.013


def test_the_stated_sigma_is_the_true_one():
    truth = traffic()
    said = report(truth, time_ns=S, config=OnboardConfig(loss=0.0), seed=1)
    errors = np.concatenate([said.x - truth.x, said.y - truth.y])
    assert abs(errors.mean()) < 0.02
    assert abs(errors.std() / said.position_sigma[0] - 1.0) < 0.05


def test_the_position_error_changes_slowly():
    truth = traffic()
    quiet = OnboardConfig(loss=0.0)
    errors = {t: report(truth, time_ns=t * S, config=quiet, seed=1).x - truth.x for t in (100, 101, 160, 400)}
    assert np.corrcoef(errors[100], errors[101])[0, 1] > 0.95
    assert abs(np.corrcoef(errors[100], errors[160])[0, 1] - np.exp(-1)) < 0.08
    assert abs(np.corrcoef(errors[100], errors[400])[0, 1]) < 0.08


def test_headings_stay_within_half_a_turn():
    said = report(traffic(heading=np.full(2000, np.pi)), time_ns=S, config=SETTING, seed=1)
    assert (np.abs(said.heading) <= np.pi).all()
    assert (said.heading < 0).any() and (said.heading > 0).any()


def test_reports_arrive_ten_to_twenty_milliseconds_later():
    said = report(traffic(), time_ns=S, config=SETTING, seed=1)
    delay_ms = (said.received_ns - said.time_ns) // 1_000_000
    assert (said.time_ns == S).all()
    assert set(delay_ms.tolist()) == set(range(10, 21))


def test_standing_vehicles_never_report_negative_speed():
    said = report(traffic(speed=np.zeros(2000)), time_ns=S, config=SETTING, seed=1)
    assert (said.speed >= 0.0).all()


def test_hard_braking_raises_its_flag():
    said = report(traffic(2, acceleration=[-3.0, -5.0]), time_ns=S, config=OnboardConfig(loss=0.0), seed=1)
    assert said.events.tolist() == [0, HARD_BRAKING]


def test_what_is_said_does_not_depend_on_the_order_of_rows():
    truth = traffic(50)
    mixed = truth.take(np.random.default_rng(1).permutation(50))
    first, second = (report(t, time_ns=S, config=SETTING, seed=1).canonical() for t in (truth, mixed))
    assert first == second


def test_rate_of_turn_follows_a_vehicle_across_the_seam_of_the_circle():
    before = traffic(3, id=[1, 2, 4], heading=[3.14, 0.0, 1.0])
    now = traffic(3, id=[1, 3, 4], heading=[-3.14, 0.5, 0.9])
    assert np.allclose(turn_rate(before, now, 0.1), [(2 * np.pi - 6.28) / 0.1, 0.0, -1.0])
    assert turn_rate(Truth.empty(), now, 0.1).tolist() == [0.0, 0.0, 0.0]
