import numpy as np
import pytest

from wayside.admission.tables import MeasureRequests, Permits
from wayside.maps.drawing import crossroads
from wayside.roadside.incidents import IncidentConfig, incident_findings, incidents
from wayside.roadside.tables import Actors, Congestion, IncidentKind, Incidents
from wayside.security.tables import PoleReach
from wayside.signals.tables import Light, Signals
from wayside.supervision.tables import Rule
from wayside.v2x.tables import Kind, Reports

START_NS = 1_000_000_000_000
EVERY_S = 0.2
ROAD = crossroads(arm=200.0)
APPROACH = 0  # eastbound, 188 m to the stop line
POLE = PoleReach(pole=[1], x=[0.0], y=[0.0], reach=[150.0], time_ns=[START_NS])
NO_POLE = PoleReach.empty()


def on_lane(lane, offset, *, identity=None, **columns):
    lane, offset = np.atleast_1d(lane), np.atleast_1d(np.asarray(offset, float))
    rows = max(len(lane), len(offset))
    lane, offset = np.broadcast_to(lane, rows), np.broadcast_to(offset, rows)
    x, y, heading = ROAD.along(lane, offset)
    values = {name: np.zeros(rows, column.dtype) for name, column in Actors.columns.items()}
    values |= {
        "id": np.arange(1, rows + 1) if identity is None else identity, "kind": Kind.CAR, "x": x, "y": y,
        "heading": heading, "length": 4.5, "width": 1.8, "position_sigma": 0.3, "lane": lane, "offset": offset,
        "sources": 2, **columns,
    }  # fmt: skip
    return Actors(**{name: np.broadcast_to(value, rows) for name, value in values.items()})


def signals(light, since_s=-1000.0):
    groups = np.arange(1, 5)
    since = START_NS + round(since_s * 1e9)
    return Signals(
        controller=np.zeros(4), group=groups, light=np.full(4, light), since_ns=np.full(4, since),
        min_end_ns=np.zeros(4), max_end_ns=np.zeros(4), time_ns=np.full(4, since),
    )  # fmt: skip


def requests(active):
    row = {name: np.zeros(1, column.dtype) for name, column in MeasureRequests.columns.items()}
    return MeasureRequests(**{**row, "active": np.array([active])})


def permit(sender):
    row = {name: np.zeros(1, column.dtype) for name, column in Permits.columns.items()}
    return Permits(**{**row, "sender": np.array([sender], np.uint64)})


def said(actors, flags):
    """Return what the actors that have a sender say, with those event flags."""
    rows = np.flatnonzero(actors.sender)
    values = {name: np.zeros(len(rows), column.dtype) for name, column in Reports.columns.items()}
    return Reports(**{**values, "sender": actors.sender[rows], "events": np.full(len(rows), flags)})


def watch(
    seconds,
    actors,
    *,
    light=Light.PROTECTED_GREEN,
    pole=POLE,
    measures=None,
    permits=None,
    before=None,
    start=0.0,
    flags=0,
    flow=None,
):
    """Let the scene stand (or move, if `actors` is a function of time) and return the incidents at the end."""
    found = Incidents.empty() if before is None else before
    for k in range(round(seconds / EVERY_S) + 1):
        elapsed = start + k * EVERY_S
        now = START_NS + round(elapsed * 1e9)
        table = actors(elapsed) if callable(actors) else actors
        table = table.replace(measured_ns=np.full(len(table), now - 100_000_000))
        found = incidents(
            table, said(table, flags), light(elapsed) if callable(light) else signals(light), pole,
            permits or Permits.empty(),
            measures or MeasureRequests.empty(), flow or Congestion.empty(), found,
            road=ROAD, config=IncidentConfig(), time_ns=now,
        ).canonical()  # fmt: skip
    return found


def confirmed(found):
    return found.take(found.confirmed)


def test_a_car_that_stands_on_a_free_lane_is_a_stall_after_20_s():
    car = on_lane(APPROACH, 100.0)
    assert not watch(19.0, car).confirmed.any()
    found = watch(21.0, car)
    assert found.confirmed.tolist() == [True]
    assert (found.kind[0], found.actor[0], found.since_ns[0]) == (IncidentKind.STALLED_VEHICLE, 1, START_NS)


def test_a_queue_at_a_red_light_is_no_incident():
    queue = on_lane(APPROACH, [185.0 - 7.0 * n for n in range(8)])
    assert len(watch(60.0, queue, light=Light.RED)) == 0


def test_behind_a_stalled_car_only_the_first_is_the_incident():
    line = on_lane(APPROACH, [110.0, 103.0, 96.0])
    assert confirmed(watch(40.0, line)).actor.tolist() == [1]


def test_a_car_at_the_stop_line_is_found_after_a_minute_of_green_not_before():
    car = on_lane(APPROACH, 185.0)
    assert not watch(40.0, car).confirmed.any()
    assert watch(70.0, car).confirmed.any()
    assert not watch(150.0, car, light=Light.RED).confirmed.any()


def test_a_queue_whose_head_nobody_sees_is_explained_by_the_light():
    tail = on_lane(APPROACH, 120.0, sources=1, sender=7)

    def cycle(elapsed):
        return signals(Light.PROTECTED_GREEN if elapsed % 60 > 35 else Light.RED, elapsed // 60 * 60 + 35)

    assert not watch(59.0, tail, light=cycle, pole=NO_POLE).confirmed.any()


def test_out_of_sight_a_long_green_that_is_not_followed_is_a_stall():
    tail = on_lane(APPROACH, 120.0, sources=1, sender=7)
    assert confirmed(watch(45.0, tail, pole=NO_POLE)).actor.tolist() == [1]


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": Kind.BICYCLE},
        {"lateral": -1.6},
        {"speed": 1.5},
        {"kind": Kind.BUS},
    ],
    ids=["bicycle", "parked at the kerb", "creeping", "bus at a stop"],
)
def test_some_may_stand(columns):
    assert not watch(45.0, on_lane(APPROACH, 100.0, **columns)).confirmed.any()


def test_a_bus_that_stands_far_longer_than_a_stop_takes_is_a_stall():
    assert watch(85.0, on_lane(APPROACH, 100.0, kind=Kind.BUS)).confirmed.any()


def test_an_automated_vehicle_stands_while_a_measure_tells_it_to():
    taxi = on_lane(APPROACH, 100.0, sender=9)
    assert not watch(200.0, taxi, permits=permit(9), measures=requests(True)).confirmed.any()
    assert not watch(60.0, taxi, permits=permit(9)).confirmed.any()
    assert watch(145.0, taxi, permits=permit(9), measures=requests(False)).confirmed.any()


def test_an_incident_ends_when_the_car_drives_on():
    found = watch(25.0, on_lane(APPROACH, 80.0))
    assert found.confirmed.any()
    after = watch(3.0, lambda t: on_lane(APPROACH, 80.0 + 8.0 * (t - 25.2), speed=8.0), before=found, start=25.2)
    assert len(after) == 0


def test_a_stall_keeps_its_name_when_the_tracker_finds_it_again_under_another():
    found = watch(25.0, on_lane(APPROACH, 80.0, identity=[5]))
    found = watch(4.0, Actors.empty(), before=found, start=25.2)
    found = watch(4.0, on_lane(APPROACH, 80.4, identity=[6]), before=found, start=29.4)
    assert (found.actor.tolist(), found.confirmed.tolist()) == ([5], [True])


def test_who_is_gone_is_forgotten():
    found = watch(25.0, on_lane(APPROACH, 80.0))
    assert len(watch(40.0, Actors.empty(), before=found, start=25.2)) == 0


def test_vehicles_that_go_by_are_counted():
    def scene(t):
        return on_lane([APPROACH, APPROACH], [100.0, 60.5 + 8.0 * (t % 20.0)], speed=[0.0, 8.0])

    assert watch(39.0, scene).passed[0] == 2


def against(metres_s):
    def scene(t):
        actors = on_lane(APPROACH, 150.0 - metres_s * t, speed=metres_s)
        return actors.replace(heading=actors.heading - np.pi)

    return scene


def test_driving_against_the_lane_is_found_within_two_seconds():
    assert not watch(1.0, against(8.0)).confirmed.any()
    found = confirmed(watch(2.0, against(8.0)))
    assert found.kind.tolist() == [IncidentKind.WRONG_WAY]


def test_rolling_back_or_turning_is_not_driving_against_the_lane():
    assert not watch(6.0, against(1.5)).confirmed.any()
    assert not watch(0.8, against(12.0)).confirmed.any()
    crossing = on_lane(APPROACH, 100.0, speed=8.0)
    assert not watch(6.0, crossing.replace(heading=crossing.heading + 1.8)).confirmed.any()


def test_findings_name_the_actor_and_how_long():
    findings = incident_findings(watch(30.0, on_lane(APPROACH, 100.0)))
    assert findings.rule.tolist() == [Rule.STALLED_VEHICLE]
    assert findings.subject.tolist() == [1]
    assert findings.value[0] == pytest.approx(30.0, abs=0.5)
    assert len(incident_findings(Incidents.empty())) == 0


def kinds(found):
    return confirmed(found).kind.tolist()


def test_a_person_on_the_carriageway_is_found_within_two_seconds():
    person = on_lane(APPROACH, 100.0, kind=Kind.PEDESTRIAN, length=0.4, width=0.5, speed=0.8)
    assert kinds(watch(2.2, person)) == [IncidentKind.PEDESTRIAN]
    assert len(watch(2.2, person.replace(sources=[1]))) == 0


def test_a_person_at_the_roadside_is_none():
    beside = on_lane(APPROACH, 100.0, kind=Kind.PEDESTRIAN, speed=0.8)
    assert len(watch(5.0, beside.replace(y=beside.y - 1.6))) == 0


def test_a_car_that_waits_for_a_person_is_no_stall():
    both = on_lane(APPROACH, [90.0, 100.0]).replace(kind=[Kind.CAR, Kind.PEDESTRIAN], length=[4.5, 0.4])
    assert kinds(watch(30.0, both)) == [IncidentKind.PEDESTRIAN]


@pytest.mark.parametrize("columns", [{"kind": Kind.UNKNOWN}, {"kind": Kind.CAR}], ids=["no class", "no such car"])
def test_a_small_thing_that_lies_there_is_debris(columns):
    thing = on_lane(APPROACH, 100.0, length=0.8, width=0.6, **columns)
    assert kinds(watch(4.0, thing)) == [IncidentKind.DEBRIS]
    assert kinds(watch(4.0, thing.replace(length=[4.5]))) == []


def test_two_cars_that_touch_and_stand_have_crashed_and_a_queue_has_not():
    assert kinds(watch(4.0, on_lane(APPROACH, [100.0, 104.6]))) == [IncidentKind.CRASH]
    assert kinds(watch(15.0, on_lane(APPROACH, [100.0, 106.0]))) == []


def test_two_that_stand_side_by_side_have_not_crashed():
    pair = on_lane(APPROACH, [100.0, 100.5])
    assert kinds(watch(15.0, pair.replace(y=pair.y + np.array([0.0, 2.0])))) == []


def test_who_stops_harder_than_brakes_can_and_then_stands_has_crashed():
    def blow(t):
        if t < 0.3:
            return on_lane(APPROACH, 100.0, speed=5.0, acceleration=-25.0)
        return on_lane(APPROACH, 100.5)

    assert kinds(watch(6.0, blow)) == []
    assert kinds(watch(12.0, blow)) == [IncidentKind.CRASH]

    def hard_brake(t):
        return on_lane(APPROACH, 100.0, speed=max(9.0 - 9.0 * t, 0.0), acceleration=-9.0 if t < 1 else 0.0)

    assert kinds(watch(4.0, hard_brake)) == []


def test_a_car_that_cannot_stop_any_more_and_is_then_seen_as_one_with_the_other_has_crashed():
    def scene(t):
        gap = 9.0 - 12.0 * t
        return (
            on_lane(APPROACH, [100.0 - gap - 4.5, 100.0], speed=[12.0, 0.0])
            if gap > 0
            else on_lane(APPROACH, 98.0)
        )

    assert kinds(watch(4.0, scene)) == [IncidentKind.CRASH]


def test_an_airbag_counts_if_a_pole_sees_the_vehicle_too():
    car = on_lane(APPROACH, 100.0, sender=9, sources=3)
    assert kinds(watch(3.0, car, flags=1 << 12)) == [IncidentKind.CRASH]
    assert kinds(watch(3.0, car.replace(sources=[1]), flags=1 << 12)) == []


def test_hazard_lights_make_a_stall_sure_sooner():
    car = on_lane(APPROACH, 100.0, sender=9, sources=3)
    assert kinds(watch(8.0, car, flags=1)) == [IncidentKind.STALLED_VEHICLE]
    assert kinds(watch(8.0, car)) == []


def test_a_queue_that_no_light_explains_is_an_incident_of_its_carriageway():
    flow = blocked_flow()
    found = confirmed(watch(1.0, Actors.empty(), flow=flow))
    assert (found.kind.tolist(), found.actor.tolist()) == ([IncidentKind.QUEUE], [int(ROAD.lanes.edge[APPROACH])])
    assert found.extent.tolist() == [30.0]


def blocked_flow():
    values = {name: np.zeros(1, column.dtype) for name, column in Congestion.columns.items()}
    return Congestion(**{**values, "lane": [APPROACH], "queue_m": [30.0], "queue_since_ns": [START_NS - 10**10]})


def test_a_wrong_way_driver_whom_the_picture_puts_on_the_lane_beside_is_found_in_the_lane_it_drives_in():
    width = float(ROAD.lanes.width[APPROACH])
    x, y, heading = ROAD.along([APPROACH], [100.0])
    beside = ROAD.match(x - width * np.sin(heading), y + width * np.cos(heading), heading + np.pi, reach_m=1.0)
    oncoming = int(beside.lane[0])
    assert abs(abs(float(ROAD.along([oncoming], beside.offset)[2][0] - heading[0])) - np.pi) < 1e-6

    def drives(aside):
        """Return a car against the eastbound lane, off its middle, and matched to the lane in its direction."""

        def at(elapsed):
            x, y, heading = ROAD.along([APPROACH], [150.0 - 8.0 * elapsed])
            car = on_lane(APPROACH, 150.0 - 8.0 * elapsed, speed=8.0)
            y = y + aside * np.cos(heading)
            found = ROAD.match(x, y, heading + np.pi, reach_m=5.0)
            columns = {"lane": [oncoming], "offset": found.offset, "lateral": [-(width - aside)]}
            return car.replace(y=y, heading=heading - np.pi, **columns)

        return at

    found = confirmed(watch(2.0, drives(0.2)))
    assert (found.kind.tolist(), found.lane.tolist()) == ([IncidentKind.WRONG_WAY], [APPROACH])
    # a little over the line between the two directions is no wrong way
    assert not watch(3.0, drives(0.5 * width - 0.2)).confirmed.any()


def test_a_car_that_runs_into_a_motorcycle_and_is_seen_as_one_with_it_has_crashed():
    def scene(aside):
        def at(t):
            gap = 9.0 - 12.0 * t
            if gap <= 0:
                return on_lane(APPROACH, 100.0, kind=Kind.MOTORCYCLE, identity=[2], length=2.5, width=0.8)
            both = on_lane(APPROACH, [100.0 - gap - 3.3, 100.0], speed=[12.0, 0.0], length=[4.5, 2.1])
            return both.replace(kind=[Kind.CAR, Kind.MOTORCYCLE], y=both.y + np.array([0.0, aside]))

        return at

    assert kinds(watch(4.0, scene(0.0))) == [IncidentKind.CRASH]
    assert kinds(watch(4.0, scene(0.9))) == []


def test_a_double_that_stops_dead_beside_a_car_on_one_measurement_is_no_crash():
    def scene(sigma):
        def at(t):
            if t > 0.5:
                return on_lane(APPROACH, 100.0)
            both = on_lane(APPROACH, [100.0, 96.5], acceleration=[0.0, -14.0], position_sigma=[0.25, sigma])
            return both.replace(heading=both.heading + np.array([0.0, 0.9]))

        return at

    assert kinds(watch(5.0, scene(0.4))) == []
    assert kinds(watch(5.0, scene(0.25))) == [IncidentKind.CRASH]
