"""What a pole makes of the road users around it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.roadside.tables import Poles
from wayside.v2x.tables import Kind
from wayside.worlds.sensing import SensingConfig, scan
from wayside.worlds.tables import Truth

S = 1_000_000_000
PERFECT = SensingConfig(exact=True, every={"hidden_share": 1.1})
SURE = {"miss_near": 0.0, "miss_far": 0.0, "clutter_per_s": 0.0}
OPEN = {**SURE, "hidden_share": 1.1}  # sees whoever is there, with the usual errors


def pole(count=1, sigma=0.25, reach=150.0):
    return Poles(
        pole=np.arange(1, count + 1),
        x=np.arange(count) * 100.0,
        y=np.zeros(count),
        range=np.full(count, reach),
        position_sigma=np.full(count, sigma),
        controller=np.full(count, -1),
    )


def users(x, y, kind=Kind.CAR, heading=0.0, speed=8.0, size=(4.5, 1.8)):
    rows = len(x)
    return Truth(
        id=np.arange(1, rows + 1) * 7919,
        kind=np.broadcast_to(kind, rows),
        x=x,
        y=y,
        heading=np.broadcast_to(heading, rows),
        speed=np.broadcast_to(speed, rows),
        acceleration=np.zeros(rows),
        length=np.broadcast_to(np.asarray(size, np.float64)[..., 0], rows),
        width=np.broadcast_to(np.asarray(size, np.float64)[..., 1], rows),
        lane=np.zeros(rows),
        equipped=np.zeros(rows, np.bool_),
        automated=np.zeros(rows),
    )


def crowd(rows=60, seed=1):
    rng = np.random.default_rng(seed)
    kind = rng.choice([Kind.CAR, Kind.BUS, Kind.TRUCK, Kind.BICYCLE, Kind.PEDESTRIAN], rows)
    return users(rng.uniform(-140, 240, rows), rng.uniform(-90, 90, rows), kind, rng.uniform(-3, 3, rows))


def look(truth, poles, config=PERFECT, *, time_ns=S, visibility=12000.0, yaw=None, seed=1):
    return scan(
        truth, poles, time_ns=time_ns, visibility=visibility, yaw_errors=yaw or {}, config=config, seed=seed
    )


def test_a_perfect_pole_sees_the_truth():
    truth = users([30.0, -20.0], [10.0, 0.0])
    seen = look(truth, pole(sigma=0.0))
    seen = seen.take(np.argsort(seen.x))
    assert seen.x == pytest.approx([-20.0, 30.0]) and seen.y == pytest.approx([0.0, 10.0])
    assert seen.speed.tolist() == [8.0, 8.0]
    assert (seen.kind == Kind.CAR).all()


def test_nothing_beyond_the_range_is_seen_and_fog_shortens_it():
    truth = users([40.0, 100.0, 149.0, 151.0], [0.0] * 4)
    assert len(look(truth, pole(sigma=0.0))) == 3
    assert look(truth, pole(sigma=0.0), visibility=80.0).x.tolist() == [40.0]


def test_position_errors_are_as_large_as_the_pole_says_and_grow_with_distance():
    truth = users([20.0, 140.0], [0.0, 0.0])
    config = SensingConfig(every=OPEN)
    scans = [look(truth, pole(), config, time_ns=n * S // 10) for n in range(4000)]
    for place in (20.0, 140.0):
        errors, stated = [], []
        for seen in scans:
            row = np.argmin(np.abs(seen.x - place))
            errors += [seen.x[row] - place, seen.y[row]]
            stated.append(seen.position_sigma[row])
        assert abs(np.mean(errors)) < 0.05
        assert np.std(errors) == pytest.approx(np.mean(stated), rel=0.08)  # with a bias of 15 % in it
    assert scans[0].position_sigma.max() > 1.5 * scans[0].position_sigma.min()


def test_far_and_small_objects_are_missed_more_often():
    config = SensingConfig(every={"clutter_per_s": 0.0, "hidden_share": 1.1})
    truth = users([0.0, 30.0, 0.0], [20.0, 130.0, -130.0], [Kind.CAR, Kind.CAR, Kind.PEDESTRIAN])
    near = far = small = 0
    for n in range(4000):
        seen = look(truth, pole(), config, time_ns=n * S // 10)
        near += int((np.abs(seen.y - 20.0) < 6).any())
        far += int((np.abs(seen.y - 130.0) < 6).any())
        small += int((np.abs(seen.y + 130.0) < 6).any())
    assert near / 4000 == pytest.approx(1 - 0.022, abs=0.01)
    assert far / 4000 == pytest.approx(1 - 0.124, abs=0.025)
    assert small < far < near


def test_a_bus_hides_the_car_behind_it_and_a_car_does_not_hide_a_bus():
    config = SensingConfig(every=SURE)
    size = [(12.0, 2.5), (4.5, 1.8)]
    behind_bus = users([50.0, 56.0], [0.0, 0.0], [Kind.BUS, Kind.CAR], np.pi / 2, size=size)
    assert np.round(look(behind_bus, pole(sigma=0.0), config).x).tolist() == [50.0]
    behind_car = users([50.0, 56.0], [0.0, 0.0], [Kind.CAR, Kind.BUS], np.pi / 2, size=size[::-1])
    assert len(look(behind_car, pole(sigma=0.0), config)) == 2
    beside = users([50.0, 56.0], [0.0, 20.0], [Kind.BUS, Kind.CAR], np.pi / 2, size=size)
    assert len(look(beside, pole(sigma=0.0), config)) == 2


def test_occlusion_works_across_the_seam_of_the_circle():
    config = SensingConfig(every=SURE)
    truth = users([-50.0, -56.0], [0.5, -0.5], [Kind.BUS, Kind.CAR], np.pi / 2, size=[(12.0, 2.5), (4.5, 1.8)])
    assert len(look(truth, pole(sigma=0.0), config)) == 1


def test_a_turned_pole_turns_its_detections_about_itself():
    truth = users([160.0], [0.0], heading=3.1)
    seen = look(truth, pole(2, sigma=0.0, reach=80.0), yaw={2: 0.1})
    assert (seen.x[0], seen.y[0]) == pytest.approx((100.0 + 60.0 * np.cos(0.1), 60.0 * np.sin(0.1)))
    assert seen.heading[0] == pytest.approx(3.2 - 2 * np.pi)


def test_slow_objects_have_no_heading():
    seen = look(users([10.0, 20.0], [0.0, 0.0], speed=[0.2, 5.0]), pole(sigma=0.0))
    assert np.isnan(seen.heading).sum() == 1


def test_every_scan_arrives_whole_between_60_and_100_ms_later():
    delays = []
    for n in range(300):
        seen = look(crowd(), pole(2), SensingConfig(), time_ns=n * S // 10)
        for number in (1, 2):
            late = seen.received_ns[seen.pole == number] - n * S // 10
            assert len(set(late.tolist())) == 1
            delays.append(late[0] // 1_000_000)
    assert min(delays) == 60 and max(delays) == 100


def test_ghosts_are_as_rare_as_configured():
    config = SensingConfig(every={"clutter_per_s": 0.02, "clutter_s": 0.3})
    poles = pole(200)
    seen = sum(len(look(Truth.empty(), poles, config, time_ns=n * S // 10)) for n in range(300))
    assert seen / 3 / (200 * 30.0) == pytest.approx(0.02, rel=0.3)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**63), order=st.permutations(range(60)))
def test_detections_do_not_depend_on_the_order_of_rows(seed, order):
    first = look(crowd(), pole(2), SensingConfig(), seed=seed).canonical()
    assert (
        look(crowd().take(np.array(order)), pole(2).take([1, 0]), SensingConfig(), seed=seed).canonical() == first
    )


def test_classes_are_confused_for_whole_seconds():
    config = SensingConfig(every={**SURE, "confusion_near": 0.5, "confusion_far": 0.5})
    truth = users([10.0], [0.0])
    kinds = [int(look(truth, pole(), config, time_ns=n * S // 10).kind[0]) for n in range(500)]
    by_second = np.array(kinds).reshape(50, 10)
    assert (by_second == by_second[:, :1]).all()
    assert set(kinds) == {Kind.CAR, Kind.TRUCK}


def test_without_poles_or_road_users_nothing_is_seen():
    assert len(look(crowd(), Poles.empty())) == 0
    assert len(look(Truth.empty(), pole(3))) == 0
