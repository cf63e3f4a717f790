from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.maps.drawing import two_lane_road
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.v2x.tables import Kind, Reports

NOWHERE = two_lane_road(length=1.0)  # a map on which nothing happens
SPEED = 10.0
START_NS = 1_000_000_000_000
TICK_NS = 100_000_000


def detections(x: Any, y: Any, time_ns: int, *, pole: int = 1, **columns: Any) -> Detections:
    x, y = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
    rows = len(x)
    values: dict[str, Any] = {
        "pole": pole, "time_ns": time_ns, "number": np.arange(rows), "received_ns": time_ns + 80_000_000,
        "kind": Kind.CAR, "x": x, "y": y, "heading": 0.0, "speed": 10.0, "length": 4.5, "width": 1.8,
        "position_sigma": 0.3,
    }  # fmt: skip
    values.update(columns)
    return Detections(**{name: np.broadcast_to(value, rows) for name, value in values.items()})


def reports(sender: Any, x: Any, y: Any, time_ns: int, **columns: Any) -> Reports:
    sender = np.atleast_1d(np.asarray(sender, np.uint64))
    values: dict[str, Any] = {
        "sender": sender, "time_ns": time_ns, "received_ns": time_ns + 20_000_000, "kind": Kind.CAR,
        "x": x, "y": y, "heading": 0.0, "speed": 10.0, "acceleration": 0.0, "yaw_rate": 0.0,
        "vertical": 0.0, "length": 4.5, "width": 1.8, "position_sigma": 0.3, "events": 0,
    }  # fmt: skip
    values.update(columns)
    return Reports(**{name: np.broadcast_to(value, len(sender)) for name, value in values.items()})


def trust(sender: int, *, distrusted: bool) -> Trust:
    row = {name: np.zeros(1, column.dtype) for name, column in Trust.columns.items()}
    return Trust(**{**row, "sender": np.array([sender], np.uint64), "distrusted": np.array([distrusted])})


def step(
    before: Tracks,
    time_ns: int,
    seen: Detections | None = None,
    heard: Reports | None = None,
    *,
    who: Trust | None = None,
    quality: PoleQuality | None = None,
    config: TrackConfig | None = None,
    road: RoadMap = NOWHERE,
) -> Tracks:
    return track(
        Reports.empty() if heard is None else heard,
        Detections.empty() if seen is None else seen,
        Trust.empty() if who is None else who,
        PoleQuality.empty() if quality is None else quality,
        before,
        road=road,
        config=config or TrackConfig(),
        time_ns=time_ns,
    ).canonical()


def misaligned(pole: int, x: float, y: float, yaw: float) -> PoleQuality:
    row = {name: np.zeros((1, *column.shape), column.dtype) for name, column in PoleQuality.columns.items()}
    known = {"pole": [pole], "x": [x], "y": [y], "yaw_error": [yaw], "misaligned": [True], "since_ns": [1]}
    return PoleQuality(**{**row, **known})


def drive(ticks, *, sees=lambda k: True, heard=False, start=0, before=None, x0=0.0, bias=0.0, speed=SPEED):
    """Let one car drive east along y = 0 past a pole whose scans arrive a tick later."""
    tracks = Tracks.empty() if before is None else before
    for k in range(start, start + ticks):
        scan = START_NS + (k - 1) * TICK_NS
        x = x0 + speed * (k - 1) * 0.1
        seen = detections(x, 0.0, scan, speed=speed) if sees(k) else None
        said = reports(7, [x + bias], [0.0], scan, speed=speed) if heard else None
        tracks = step(tracks, START_NS + k * TICK_NS, seen, said)
    return tracks


def test_a_state_is_valid_at_the_instant_of_its_measurement():
    tracks = drive(10)
    assert tracks.time_ns[0] == START_NS + 8 * TICK_NS
    assert tracks.x[0] == pytest.approx(8.0, abs=0.01)
    assert tracks.velocity_x[0] == pytest.approx(SPEED, abs=0.01)


def test_two_poles_that_see_one_car_make_one_track():
    tracks = Tracks.empty()
    for k in range(8):
        scan = START_NS + k * TICK_NS
        both = Detections.concatenate(
            [detections(k + 0.4, 0.3, scan, pole=1), detections(k - 0.4, -0.3, scan, pole=2)]
        )
        tracks = step(tracks, scan + TICK_NS, both)
    assert len(tracks) == 1
    assert tracks.x[0] == pytest.approx(7.0, abs=0.25)


def test_two_cars_side_by_side_stay_two():
    tracks = Tracks.empty()
    for k in range(30):
        scan = START_NS + k * TICK_NS
        tracks = step(tracks, scan + TICK_NS, detections([k, k + 0.5], [0.0, 3.0], scan))
    assert len(tracks) == 2
    assert np.allclose(np.sort(tracks.y), [0.0, 3.0], atol=0.05)


def test_doubles_in_one_place_become_one_track_and_keep_the_sender():
    # the report is off by more than the gate at first, so there are two tracks
    tracks = step(Tracks.empty(), START_NS + TICK_NS, detections(0, 0, START_NS), reports(7, [4.5], [0], START_NS))
    assert len(tracks) == 2
    for k in range(1, 12):
        scan, x = START_NS + k * TICK_NS, float(k)
        off = max(4.5 - 0.5 * k, 0.0)
        tracks = step(tracks, scan + TICK_NS, detections(x, 0, scan), reports(7, [x + off], [0], scan))
    assert len(tracks) == 1
    assert tracks.sender[0] == 7


def test_a_report_binds_to_the_track_a_pole_has_begun_and_keeps_its_identity():
    tracks = drive(6)
    identity = tracks.id[0]
    tracks = drive(6, start=6, before=tracks, heard=True)
    assert len(tracks) == 1
    assert (tracks.id[0], tracks.sender[0], tracks.sources[0]) == (identity, 7, 3)


def test_an_equipped_vehicle_is_believed_at_once_and_a_scan_is_not():
    assert drive(1, sees=lambda k: False, heard=True).confirmed.all()
    one = drive(1)
    assert len(one) == 1
    assert not one.confirmed.any()


@pytest.mark.parametrize("scans", [1, 2, 3])
def test_clutter_of_few_scans_is_never_confirmed_and_goes(scans):
    tracks = Tracks.empty()
    for k in range(12):
        seen = detections(5.0, 5.0, START_NS + k * TICK_NS, speed=0.0, heading=np.nan) if k < scans else None
        tracks = step(tracks, START_NS + (k + 1) * TICK_NS, seen)
        assert not tracks.confirmed.any()
    assert len(tracks) == 0


def test_averaging_does_not_remove_a_vehicles_own_positioning_error():
    tracks = drive(150, sees=lambda k: False, heard=True, bias=0.4)
    assert np.sqrt(tracks.variance_p[0]) > 0.2
    assert tracks.x[0] == pytest.approx(148.0 + 0.4, abs=0.25)


def test_a_pole_teaches_the_positioning_error_and_it_is_remembered():
    tracks = drive(60, heard=True, bias=0.4)
    assert tracks.bias_x[0] == pytest.approx(0.4, abs=0.15)
    tracks = drive(20, start=60, before=tracks, sees=lambda k: False, heard=True, bias=0.4)
    assert tracks.x[0] == pytest.approx(78.0, abs=0.2)


def test_reports_of_a_distrusted_sender_are_ignored_and_its_ghost_goes_at_once():
    ghost = drive(5, sees=lambda k: False, heard=True)
    assert len(ghost) == 1
    now = START_NS + 5 * TICK_NS
    said = reports(7, [5.0], [0.0], now - TICK_NS)
    assert len(step(ghost, now, None, said, who=trust(7, distrusted=False))) == 1
    assert len(step(ghost, now, None, said, who=trust(7, distrusted=True))) == 0


def test_a_car_that_poles_see_loses_only_its_name_when_its_sender_is_distrusted():
    seen = drive(8, heard=True)
    after = step(
        seen, START_NS + 8 * TICK_NS, detections(7.0, 0, START_NS + 7 * TICK_NS), who=trust(7, distrusted=True)
    )
    assert after.id.tolist() == seen.id.tolist()
    assert after.sender.tolist() == [0]


@pytest.mark.parametrize(
    ("speed", "hidden", "survives"), [(10.0, 15, True), (10.0, 25, False), (0.0, 25, True), (0.0, 35, False)]
)
def test_the_hidden_are_remembered_for_a_while_and_longer_if_they_stand(speed, hidden, survives):
    tracks = drive(40, speed=speed)
    identity = tracks.id[0]
    tracks = drive(hidden, start=40, before=tracks, sees=lambda k: False, speed=speed)
    tracks = drive(1, start=40 + hidden, before=tracks, speed=speed)
    assert (identity in tracks.id) == survives
    assert len(tracks) == 1


def test_a_late_scan_does_not_throw_the_state_back():
    on_time = drive(20)
    late = detections(15.0, 0.0, START_NS + 15 * TICK_NS, pole=2)
    after = step(on_time, START_NS + 20 * TICK_NS, late)
    assert after.time_ns[0] == on_time.time_ns[0]
    assert after.x[0] == pytest.approx(18.0, abs=0.02)
    assert after.variance_p[0] < on_time.variance_p[0]


def test_a_scan_that_comes_twice_counts_once():
    tracks = drive(10)
    again = step(tracks, START_NS + 10 * TICK_NS, detections(8.0, 0.0, START_NS + 8 * TICK_NS))
    assert again.hits[0] == tracks.hits[0]
    assert again.variance_p[0] == tracks.variance_p[0]


def test_what_is_too_old_or_from_the_future_or_nowhere_is_left_out():
    now = START_NS + 100 * TICK_NS
    for seen in (detections(0, 0, START_NS), detections(0, 0, now + 3 * TICK_NS), detections(np.nan, 0, now)):
        assert len(step(Tracks.empty(), now, seen)) == 0


def test_unknown_size_speed_and_heading_are_no_obstacle():
    tracks, bare = Tracks.empty(), dict.fromkeys(("heading", "speed", "length", "width"), np.nan)
    for k in range(30):
        scan = START_NS + k * TICK_NS
        tracks = step(tracks, scan + TICK_NS, detections(k, 0.0, scan, **bare))
    assert len(tracks) == 1
    assert tracks.velocity_x[0] == pytest.approx(SPEED, abs=0.3)
    assert tracks.heading[0] == pytest.approx(0.0, abs=0.05)
    assert np.isnan(tracks.length[0])


def test_a_standing_car_keeps_its_heading_against_a_poles_guess():
    tracks = drive(20)
    for k in range(20, 60):
        scan = START_NS + (k - 1) * TICK_NS
        tracks = step(tracks, scan + TICK_NS, detections(19.0, 0, scan, speed=0.0, heading=2.0 if k > 30 else 0.0))
    assert np.hypot(tracks.velocity_x[0], tracks.velocity_y[0]) < 0.2
    assert tracks.heading[0] == pytest.approx(0.0, abs=0.1)


def test_a_sudden_lane_change_keeps_the_identity():
    tracks = drive(20)
    for k in range(20, 30):
        scan = START_NS + (k - 1) * TICK_NS
        tracks = step(tracks, scan + TICK_NS, detections(k - 1, 3.2, scan))
    assert tracks.id.tolist() == drive(20).id.tolist()
    assert tracks.y[0] == pytest.approx(3.2, abs=0.1)


def test_a_misaligned_pole_is_turned_back_before_use():
    yaw = np.radians(1.5)
    tracks = Tracks.empty()
    for k in range(10):
        scan, x = START_NS + k * TICK_NS, 60.0 + k
        seen = detections(x * np.cos(yaw), x * np.sin(yaw), scan, heading=yaw)
        tracks = step(tracks, scan + TICK_NS, seen, quality=misaligned(1, 0.0, 0.0, yaw))
    assert tracks.y[0] == pytest.approx(0.0, abs=0.01)
    assert tracks.heading[0] == pytest.approx(0.0, abs=0.01)


def test_a_class_is_voted_and_one_mistake_does_not_change_it():
    tracks = Tracks.empty()
    for k in range(10):
        scan = START_NS + k * TICK_NS
        kind = Kind.TRUCK if k == 5 else Kind.CAR
        tracks = step(tracks, scan + TICK_NS, detections(k, 0, scan, kind=kind))
    assert (len(tracks), tracks.kind[0]) == (1, Kind.CAR)


def test_a_pedestrian_beside_a_car_is_another_road_user():
    tracks = Tracks.empty()
    for k in range(10):
        scan = START_NS + k * TICK_NS
        seen = detections([0.0, 0.3], [0.0, 1.6], scan, kind=[Kind.CAR, Kind.PEDESTRIAN], speed=0.0)
        tracks = step(tracks, scan + TICK_NS, seen)
    assert sorted(tracks.kind.tolist()) == [Kind.CAR, Kind.PEDESTRIAN]


def test_nothing_in_nothing_out():
    assert len(step(Tracks.empty(), START_NS)) == 0


def test_a_vehicle_that_comes_back_gets_a_new_identity():
    first = drive(1, sees=lambda k: False, heard=True)
    later = drive(1, start=50, sees=lambda k: False, heard=True)
    assert first.id[0] != later.id[0]


def crowd(seed, cars=40, ticks=6):
    """Return scans and reports of a dense crowd; the fields of both arrive in some order."""
    random = np.random.default_rng(seed)
    x0, y0 = random.uniform(-60, 60, cars), random.uniform(-15, 15, cars)
    speed = random.uniform(0, 15, cars)
    for k in range(ticks):
        scan = START_NS + k * TICK_NS
        x = x0 + speed * k * 0.1
        seen = [
            detections(x[some] + random.normal(0, 0.4, some.sum()), y0[some] + random.normal(0, 0.4, some.sum()),
                       scan - 20_000_000 * pole, pole=pole, speed=speed[some])
            for pole in (1, 2)
            for some in (random.random(cars) > 0.2,)
        ]  # fmt: skip
        said = reports(
            np.arange(1, cars // 3), x[1 : cars // 3], y0[1 : cars // 3], scan, speed=speed[1 : cars // 3]
        )
        yield scan + TICK_NS, Detections.concatenate(seen).canonical(), said.canonical()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_never_matters(seed):
    random = np.random.default_rng(seed + 1)
    straight = shuffled = Tracks.empty()
    for now, seen, said in crowd(seed):
        straight = step(straight, now, seen, said)
        before = shuffled.take(random.permutation(len(shuffled)))
        mixed = seen.take(random.permutation(len(seen))), said.take(random.permutation(len(said)))
        shuffled = step(before, now, *mixed)
        assert straight == shuffled


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_city_cut_in_two_with_a_halo_gives_the_same_tracks(seed):
    whole = cut = Tracks.empty()
    halo = 30.0
    for now, seen, said in crowd(seed):
        whole = step(whole, now, seen, said)
        sides = []
        for own, near in ((lambda x: x < 0, lambda x: x < halo), (lambda x: x >= 0, lambda x: x > -halo)):
            part = step(cut.take(near(cut.x)), now, seen.take(near(seen.x)), said.take(near(said.x)))
            sides.append(part.take(own(part.x)))
        cut = Tracks.concatenate(sides).canonical()
        assert cut == whole


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0.05, 3.0))
def test_whatever_comes_in_variances_stay_positive_and_identities_unique(seed, noise):
    random = np.random.default_rng(seed)
    tracks = Tracks.empty()
    for k in range(8):
        now, rows = START_NS + (k + 1) * TICK_NS, int(random.integers(0, 12))
        seen = detections(
            random.normal(0, noise, rows), random.normal(0, noise, rows), now - int(random.integers(3)) * TICK_NS,
            pole=int(random.integers(1, 3)), kind=random.integers(0, 7, rows), speed=random.uniform(0, 30, rows),
            heading=np.where(random.random(rows) < 0.3, np.nan, random.uniform(-3, 3, rows)),
        )  # fmt: skip
        said = reports([3, 4], random.normal(0, noise, 2), random.normal(0, noise, 2), now)
        tracks = step(tracks, now, seen, said if k % 2 else Reports.empty())
        assert len(np.unique(tracks.id)) == len(tracks)
        for name in ("variance_p", "variance_v", "variance_b"):
            assert (getattr(tracks, name) > 0).all()
        assert (tracks.variance_p * tracks.variance_v >= tracks.covariance_pv**2 * 0.99 - 1e-3).all()


def test_a_pole_that_misstates_speed_does_not_drag_the_position_away():
    tracks = Tracks.empty()
    for k in range(60):
        scan = START_NS + k * TICK_NS
        tracks = step(tracks, scan + TICK_NS, detections(k, 0.0, scan, speed=16.0))
    assert len(tracks) == 1
    assert tracks.x[0] == pytest.approx(59.0, abs=1.5)


def test_a_positioning_error_beyond_belief_is_unlearned():
    tracks = drive(30, heard=True)
    wrong = tracks.replace(bias_x=[2.5], x=tracks.x - 2.5)
    after = drive(2, start=30, before=wrong, sees=lambda k: False, heard=True)
    assert after.bias_x[0] == pytest.approx(0.0, abs=0.2)
    assert after.x[0] == pytest.approx(30.0, abs=0.3)
