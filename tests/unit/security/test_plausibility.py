from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from wayside.maps.drawing import LaneSketch, draw, two_lane_road
from wayside.roadside.tables import Detections, Poles
from wayside.security.plausibility import PlausibilityConfig, judge_senders, sender_findings
from wayside.security.sight import HIDDEN, SEEN, UNSEEN, UNTOLD, PoleReachConfig, SightConfig, pole_reach, sight
from wayside.security.tables import Distrust, PoleReach, Trust
from wayside.supervision.tables import Rule
from wayside.v2x.tables import Kind, Reports

ROAD = two_lane_road(400.0)
START = 1_000_000_000_000
TICK = 100_000_000
POLE = Poles(pole=[3], x=[200.0], y=[12.0], range=[120.0], position_sigma=[0.3], controller=[-1])
CONFIG = PlausibilityConfig()


def reports_of(rows: list[tuple[int, float, float, float, float]], time_ns: int) -> Reports:
    """Return reports of (sender, x, y, heading, speed)."""
    sender, x, y, heading, speed = (np.array(c) for c in zip(*rows, strict=True)) if rows else [np.empty(0)] * 5
    some = np.ones(len(rows))
    return Reports(
        sender=sender, time_ns=time_ns * some.astype(np.int64), received_ns=time_ns * some.astype(np.int64),
        kind=some * Kind.CAR, x=x, y=y, heading=heading, speed=speed, acceleration=0 * some, yaw_rate=0 * some,
        vertical=0 * some, length=4.6 * some, width=1.8 * some, position_sigma=0.3 * some, events=0 * some,
    )  # fmt: skip


def detections_of(rows: list[tuple[float, float, float, float]], time_ns: int, kind: int = Kind.CAR) -> Detections:
    """Return one scan of the pole with (x, y, heading, speed)."""
    x, y, heading, speed = (np.array(c) for c in zip(*rows, strict=True)) if rows else [np.empty(0)] * 4
    some = np.ones(len(rows))
    return Detections(
        pole=3 * some, time_ns=time_ns * some.astype(np.int64), number=np.arange(len(rows)),
        received_ns=(time_ns + 80_000_000) * some.astype(np.int64), kind=kind * some, x=x, y=y, heading=heading,
        speed=speed, length=4.6 * some, width=1.8 * some, position_sigma=0.3 * some,
    )  # fmt: skip


def watch(seconds: float, say, see=lambda _: [], *, road=ROAD, trust=None, start=START, ticks=TICK):
    """Run the steps on what `say(t)` reports and `see(t)` shows; return trust and first distrust of each [s]."""
    trust = Trust.empty() if trust is None else trust
    reach, first = PoleReach.empty(), {}
    for k in range(round(seconds * 1e9 / ticks)):
        now = start + k * ticks
        scan = detections_of(see((k - 1) * ticks * 1e-9), now - ticks)
        reach = pole_reach(scan, POLE, reach, time_ns=now, config=PoleReachConfig()).canonical()
        said = reports_of(say(k * ticks * 1e-9), now)
        trust = judge_senders(said, scan, POLE, reach, trust, road=road, time_ns=now, config=CONFIG).canonical()
        for sender in trust.sender[trust.distrusted]:
            first.setdefault(int(sender), k * ticks * 1e-9)
    return trust, first


def reason(trust: Trust, sender: int) -> Distrust:
    return Distrust(int(trust.reason[trust.sender == sender][0]))


# a queue that gives the pole something to see on the other side
FAR = [(130.0, 3.5, 0.0, 0.0), (270.0, 3.5, 0.0, 0.0)]


def test_a_ghost_standing_in_clear_view_is_distrusted_within_ten_seconds():
    trust, first = watch(10.0, lambda t: [(9, 230.0, 0.0, 0.0, 0.0)], lambda t: FAR)
    assert first[9] < 10.0
    assert reason(trust, 9) == Distrust.UNSEEN


def test_a_ghost_driving_in_clear_view_is_distrusted_before_it_is_gone():
    _, first = watch(10.0, lambda t: [(9, 150.0 + 10 * t, 0.0, 0.0, 10.0)], lambda t: FAR)
    assert first[9] < 10.0


def test_cars_that_drive_through_a_ghost_do_not_vouch_for_it():
    def see(t):
        return [*FAR, (((12 * t) % 36) + 212, 0.0, 0.0, 12.0)]

    _, first = watch(12.0, lambda t: [(9, 230.0, 0.0, 0.0, 0.0)], see)
    assert first[9] < 12.0


def test_a_hundred_honest_senders_are_trusted_for_ten_minutes():
    # a turned pole, positions with bias, misses: all at once, in ticks of half a second
    random = np.random.default_rng(1)
    turn = np.radians(1.5)
    # two lanes of fifty, each with its own speed: nobody drives through another
    begin, speed = np.tile(np.arange(50) * 8.0, 2), np.repeat(random.uniform(5, 14, 2), 50)
    bias, lane = random.normal(0, 0.4, (100, 2)), np.repeat([0.0, 3.5], 50)

    def place(t):
        return (begin + speed * t) % 400.0

    def say(t):
        x = place(t)
        return [
            (
                1000 + round((begin[i] + speed[i] * t) // 400) * 1000 + i,
                x[i] + bias[i, 0],
                lane[i] + bias[i, 1],
                0.0,
                speed[i],
            )
            for i in range(100)
        ]

    def see(t):
        x = place(t)
        dx, dy = x - 200.0, lane - 12.0
        shown = (np.hypot(dx, dy) < 120) & (random.random(100) > 0.05)
        sx, sy = 200 + dx * np.cos(turn) - dy * np.sin(turn), 12 + dx * np.sin(turn) + dy * np.cos(turn)
        noise = random.normal(0, 0.4, (100, 2))
        return [(sx[i] + noise[i, 0], sy[i] + noise[i, 1], 0.0, speed[i]) for i in np.flatnonzero(shown)]

    trust, first = watch(600.0, say, see, ticks=5 * TICK)
    assert first == {}
    assert len(trust) >= 100
    assert trust.seen.max() > 2.0


def test_a_car_hidden_behind_a_bus_is_not_blamed():
    # on one line of sight: bus at 20 m, car behind it at 30 m
    scan = detections_of([*FAR, (200.0, -8.0, 0.0, 0.0)], START, kind=Kind.BUS)
    hidden = reports_of([(9, 200.0, -18.0, 0.0, 0.0)], START)
    open_view = reports_of([(9, 230.0, -8.0, 0.0, 0.0)], START)
    reach = pole_reach(scan, POLE, PoleReach.empty(), time_ns=START, config=PoleReachConfig())
    assert list(sight(hidden, scan, POLE, reach, SightConfig())) == [HIDDEN]
    assert list(sight(open_view, scan, POLE, reach, SightConfig())) == [UNSEEN]


def test_in_fog_nobody_is_blamed_for_being_farther_than_the_pole_sees():
    reach = PoleReach.empty()
    for k in range(400):
        # nothing farther than 40 m is seen
        scan = detections_of([(235.0, 0.0, 0.0, 0.0)], START + k * TICK)
        reach = pole_reach(scan, POLE, reach, time_ns=START + k * TICK, config=PoleReachConfig()).canonical()
    far, near = (
        reports_of([(9, 260.0, 0.0, 0.0, 0.0)], scan.time_ns[0]),
        reports_of([(9, 172.0, 0.0, 0.0, 0.0)], scan.time_ns[0]),
    )
    assert list(sight(far, scan, POLE, reach, SightConfig())) == [UNTOLD]
    assert list(sight(near, scan, POLE, reach, SightConfig())) == [UNSEEN]


def test_a_report_is_moved_back_to_the_instant_of_the_scan():
    scan = detections_of([(230.0, 0.0, 0.0, 25.0)], START)
    late = reports_of([(9, 230.0 + 25.0 * 0.3, 0.0, 0.0, 25.0)], START + 3 * TICK)
    reach = pole_reach(scan, POLE, PoleReach.empty(), time_ns=START, config=PoleReachConfig())
    assert list(sight(late, scan, POLE, reach, SightConfig())) == [SEEN]


def test_a_pole_that_misses_most_senders_is_doubted_itself():
    scan = detections_of(FAR, START)
    several = reports_of([(n, 210.0 + 8 * n, 0.0, 0.0, 0.0) for n in range(1, 6)], START)
    reach = pole_reach(scan, POLE, PoleReach.empty(), time_ns=START, config=PoleReachConfig())
    assert list(sight(several, scan, POLE, reach, SightConfig())) == [UNTOLD] * 5


def test_positions_that_do_not_follow_from_speeds_are_jumps():
    trust, first = watch(5.0, lambda t: [(9, 20.0 + (40.0 if int(t * 10) % 5 == 0 else 0.0), 0.0, 0.0, 3.0)])
    assert first[9] < 2.0
    assert reason(trust, 9) == Distrust.JUMPS


def test_two_vehicles_under_one_identity_are_jumps():
    trust, first = watch(5.0, lambda t: [(9, 20.0 + 10 * t, 0.0, 0.0, 10.0), (9, 300.0 + 10 * t, 0.0, 0.0, 10.0)])
    assert 9 in first
    assert reason(trust, 9) == Distrust.JUMPS


def test_one_jump_is_forgiven():
    _, first = watch(60.0, lambda t: [(9, 20.0 + 5 * t + (60.0 if t > 30 else 0.0), 0.0, 0.0, 5.0)])
    assert first == {}


def test_hard_braking_and_turning_are_no_jumps():
    def say(t):
        speed = max(20.0 - 9.0 * t, 0.0)
        return [
            (9, 20 * min(t, 20 / 9) - 4.5 * min(t, 20 / 9) ** 2, 0.0, 0.0, speed),
            (8, 20 * np.sin(t / 2), 20 * (1 - np.cos(t / 2)), t / 2, 10.0),
        ]

    _, first = watch(5.0, say, road=draw([]))
    assert first == {}


def test_moving_slower_than_said_speaks_no_longer_than_it_lasts():
    def say(t):
        # for half a second it says 15 m/s and moves with 10
        lost = 5.0 * min(max(t - 3.0, 0.0), 0.5)
        return [(9, 50.0 + 15.0 * t - lost, 0.0, 0.0, 15.0)]

    trust, _ = watch(5.0, say)
    assert 0.1 < trust.mismatch[0] <= 0.5


def passing_under(road) -> dict[int, float]:
    """Return who is distrusted where one sender stands at x = 200 m and others drive by in the same place."""

    def say(t):
        crossing = [(10 + n, 200.0, 0.5 + 14.0 * (t - 2.0 * n), np.pi / 2, 14.0) for n in range(6)]
        return [(9, 200.0, 0.0, 0.0, 0.0), *(one for one in crossing if -60.0 < one[2] < 60.0)]

    return watch(16.0, say, road=road)[1]


def test_a_car_on_a_bridge_is_not_blamed_for_those_who_pass_under_it():
    lanes = [LaneSketch([(0, 0), (400, 0)], edge=0), LaneSketch([(200, -100), (200, 100)], edge=1)]
    assert passing_under(draw(lanes)) == {}


def test_inside_a_junction_who_stands_where_others_drive_is_the_ghost():
    lanes = [
        LaneSketch([(0, 0), (400, 0)], edge=0, internal=True, from_node=0, to_node=0),
        LaneSketch([(200, -100), (200, 100)], edge=1, internal=True, from_node=0, to_node=0),
    ]
    assert set(passing_under(draw(lanes))) == {9}


def stopping(t, speed, brakes_at=2.0, drives_on_at=np.inf):
    """Return x and speed of a sender that drives, stands from one report to the next, and drives on later."""
    if t < brakes_at:
        return 20.0 + speed * t, speed
    after = max(t - drives_on_at, 0.0)
    gathering = min(after, speed)  # at 1 m/s2
    return 20.0 + speed * brakes_at + 0.5 * gathering**2 + speed * (after - gathering), gathering


def test_who_stands_from_ten_kilometres_an_hour_within_a_tenth_of_a_second_is_distrusted():
    trust, first = watch(5.0, lambda t: [(n, stopping(t, n)[0], 0.0, 0.0, stopping(t, n)[1]) for n in (2, 3)])
    assert set(first) == {3}
    assert reason(trust, 3) == Distrust.IMPLAUSIBLE_SPEED


def test_an_impossible_stop_is_forgotten_when_the_sender_drives_on_or_a_pole_sees_it_but_not_while_it_stands():
    def say(t):
        x, speed = stopping(t, 2.4)
        later, goes = stopping(t, 2.4, drives_on_at=5.0)
        return [(7, x + 190.0, 0.0, 0.0, speed), (8, x, 0.0, 0.0, speed), (9, later - 20.0, 0.0, 0.0, goes)]

    trust, first = watch(50.0, say, lambda t: [say(t)[0][1:]])
    assert first == {}
    seen, stands, drives = trust.impossible
    assert stands == pytest.approx((2.4 / 2.0) ** 2, abs=0.01)
    assert seen < 0.6 * stands
    assert drives < 0.6 * stands


@pytest.mark.parametrize(("watched", "distrusted"), [(True, False), (False, True)])
def test_a_car_that_crashes_to_a_stop_is_believed_if_a_pole_sees_it_stand(watched, distrusted):
    # within two tenths of a second, as its own sensors tell too
    def say(t):
        way, speed = (80.0 + 12.0 * t, 12.0) if t < 5.0 else (140.6, 7.0) if t < 5.05 else (140.9, 0.0)
        return [(9, way, 0.0, 0.0, speed), (8, way + 90.0, 3.5, 0.0, 12.0 if t < 5.0 else speed)]

    _, first = watch(40.0, say, lambda t: [*FAR, *((row[1:]) for row in say(t)[: 2 if watched else 0])])
    assert (9 in first) == distrusted


def test_a_ghost_that_stops_in_view_of_a_pole_is_distrusted_when_the_pole_sees_it_gone():
    def true(t):
        return (150.0 + 10.0 * t, 0.0, 0.0, 10.0)

    def say(t):
        return [(9, *(true(t) if t < 3.0 else (180.0, 0.0, 0.0, 0.0)))]

    _, first = watch(10.0, say, lambda t: [*FAR, true(t)])
    assert 3.0 < first[9] < 6.0


def test_cars_that_wait_inside_one_that_stands_show_the_ghost_when_they_drive_on():
    # they come to rest in it so slowly that it might have been one another's error
    def wait(t):
        braking, gone = min(t, 6.0), max(t - 9.0, 0.0)
        return 191.3 + 3.0 * braking - 0.25 * braking**2 + gone**2, 3.0 - 0.5 * braking + 2.0 * gone

    def say(t):
        cars = [(20 + n, t - 20.0 * n) for n in range(2)]
        rows = [(n, wait(when)[0], 0.0, 0.0, wait(when)[1]) for n, when in cars if 0.0 <= when < 16.0]
        return [(9, 200.0, 0.0, 0.0, 0.0), *rows]

    assert set(watch(40.0, say)[1]) == {9}
    assert watch(29.0, say)[1] == {}


def test_a_meeting_that_breaks_off_before_it_counts_goes_on():
    def say(t):
        rows = [(9, 200.0, 0.0, 0.0, 0.0)]
        for n in range(2):
            x = 200.05 + 6.0 * (t - 9.0 - 6.0 * n)
            # positioned just outside once, two tenths of a second after they met
            if abs(x - 200.0) < 50.0:
                rows.append((20 + n, x, 1.2 if -2.6 < x - 200.0 < -2.2 else 0.5, 0.0, 6.0))
        return rows

    assert set(watch(20.0, say)[1]) == {9}


def test_a_car_that_broke_down_is_trusted_while_others_pass_on_the_next_lane_and_stand_behind_it():
    random = np.random.default_rng(2)
    aside = random.uniform(-1.5, 1.5, 400)  # errors of positioning

    def say(t):
        broken = max(14.0 - 6.0 * t, 0.0)
        gone = min(t, 14.0 / 6.0)
        rows = [(9, 200.0 + 14.0 * gone - 3.0 * gone**2, 0.0, 0.0, broken)]
        rows += [(100 + n, 200.0 + 12.0 * (t - 3.0 * n), 3.3 + aside[n], 0.0, 12.0) for n in range(100)]
        behind = min(t, 10.0)
        rows += [(8, 160.0 + 10.0 * behind - 0.5 * behind**2, 0.0, 0.0, 10.0 - behind)]
        return [row for row in rows if -20.0 < row[1] < 420.0]

    assert watch(300.0, say)[1] == {}


def test_driving_where_there_is_no_road_is_distrusted():
    trust, first = watch(20.0, lambda t: [(9, 20.0 + 5 * t, 60.0, 0.0, 5.0), (8, 20.0 + 5 * t, 5.0, 0.0, 5.0)])
    assert set(first) == {9}
    assert reason(trust, 9) == Distrust.OFF_ROAD


def test_standing_off_the_road_is_allowed():
    assert watch(30.0, lambda t: [(9, 20.0, 60.0, 0.0, 0.0)])[1] == {}


def test_impossible_speeds_are_distrusted():
    trust, first = watch(3.0, lambda t: [(9, 70.0 * t, 0.0, 0.0, 70.0)])
    assert first[9] < 1.0
    assert reason(trust, 9) == Distrust.IMPLAUSIBLE_SPEED


def test_distrust_lasts_a_minute_after_the_evidence_and_then_ends():
    trust, _ = watch(8.0, lambda t: [(9, 230.0, 0.0, 0.0, 0.0)], lambda t: FAR)
    later = START + 8_000_000_000
    for seconds, distrusted in ((5.0, True), (53.0, True), (10.0, False)):
        trust, _ = watch(seconds, lambda t: [(9, 100.0, 0.0, 0.0, 0.0)][:0], trust=trust, start=later)
        later += round(seconds * 1e9)
        assert trust.distrusted.any() == distrusted
    assert len(trust) == 0


def test_silent_senders_are_forgotten():
    trust, _ = watch(1.0, lambda t: [(9, 10.0, 0.0, 0.0, 0.0)])
    assert len(trust) == 1
    assert len(watch(6.0, lambda t: [], trust=trust, start=START + 1_000_000_000)[0]) == 0


def test_a_finding_names_the_sender_and_the_evidence():
    trust, first = watch(
        8.0,
        lambda t: [(9, 230.0, 0.0, 0.0, 0.0), (8, 100.0, 0.0, 0.0, 0.0)],
        lambda t: [*FAR, (100.0, 0.0, 0.0, 0.0)],
    )
    found = sender_findings(trust, config=CONFIG)
    assert list(found.subject) == [9]
    assert found.rule[0] == Rule.SENDER_DISTRUSTED
    assert found.since_ns[0] == START + round(first[9] * 1e9)
    assert found.value[0] >= found.limit[0]
    assert len(sender_findings(Trust.empty(), config=CONFIG)) == 0


@given(x=floats(-1e4, 1e4), y=floats(-1e4, 1e4), heading=floats(-3.1, 3.1), speed=floats(0, 40))
@settings(deadline=None, max_examples=30)
def test_steady_motion_is_never_a_jump(x, y, heading, speed):
    def say(t):
        return [(9, x + speed * t * np.cos(heading), y + speed * t * np.sin(heading), heading, speed)]

    trust, first = watch(1.0, say, road=draw([]))
    assert first == {}
    assert trust.jumps[0] == 0


def test_the_order_of_rows_does_not_matter():
    said = reports_of([(n, 200.0 + 5 * n, 0.0, 0.0, 3.0) for n in range(1, 8)], START)
    scan = detections_of([*FAR, (205.0, 0.0, 0.0, 3.0), (210.0, 0.5, 0.0, 3.0)], START)
    reach = pole_reach(scan, POLE, PoleReach.empty(), time_ns=START, config=PoleReachConfig())
    before = Trust.empty()
    usual = judge_senders(said, scan, POLE, reach, before, road=ROAD, time_ns=START, config=CONFIG).canonical()
    mixed = judge_senders(
        said.take(np.array([3, 1, 6, 0, 2, 5, 4])), scan.take(np.array([3, 0, 2, 1])), POLE, reach, before,
        road=ROAD, time_ns=START, config=CONFIG,
    ).canonical()  # fmt: skip
    assert mixed == usual


@pytest.mark.parametrize("table", [Reports, Detections])
def test_nothing_heard_or_seen_is_no_evidence(table):
    said = Reports.empty() if table is Reports else reports_of([(9, 230.0, 0.0, 0.0, 0.0)], START)
    scan = Detections.empty() if table is Detections else detections_of(FAR, START)
    reach = pole_reach(scan, POLE, PoleReach.empty(), time_ns=START, config=PoleReachConfig())
    trust = judge_senders(said, scan, POLE, reach, Trust.empty(), road=ROAD, time_ns=START, config=CONFIG)
    assert len(trust) == len(said)
    assert not trust.distrusted.any()
