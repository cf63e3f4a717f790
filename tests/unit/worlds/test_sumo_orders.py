"""Orders become what vehicles in SUMO do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from wayside.admission.tables import VehicleClass, ZoneCorners
from wayside.energy.tables import Chargers, ChargerStates, Sites
from wayside.frame import Frame
from wayside.guard.tables import ChargingOrders, MeasureOrders, SpeedOrders, Verdict, WarningOrders
from wayside.guidance.tables import Reason, Service
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.messages import Message
from wayside.roadside.tables import Actors
from wayside.table import Table
from wayside.worlds.areas import Areas, inside
from wayside.worlds.drivers import DriverConfig
from wayside.worlds.faults import FaultConfig
from wayside.worlds.grid import GridCity, make_grid
from wayside.worlds.sumo import SumoConfig, SumoWorld, open_world
from wayside.worlds.tables import Truth

TICK_NS = 100_000_000
ZONE = ZoneCorners(
    zone=[1] * 4, number=[0, 1, 2, 3], x=[100.0, 400.0, 400.0, 100.0], y=[100.0, 100.0, 400.0, 400.0]
)
EVERYONE = DriverConfig(advice_compliance=1.0, warning_compliance=1.0)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> GridCity:
    return make_grid(tmp_path_factory.mktemp("grid"), streets=2, per_hour=500.0, walkers_per_hour=0.0)


@pytest.fixture(scope="module")
def road(city: GridCity) -> RoadMap:
    return read_net(city.net)


class Town:
    """A world and what is true in it now."""

    def __init__(self, world: SumoWorld) -> None:
        self.world, self.tick = world, -1
        self.go(0.1)

    def go(self, seconds: float, *tables: Table) -> Truth:
        """Let time pass, giving the same orders at every tick."""
        for _ in range(round(seconds * 10)):
            self.tick += 1
            intake = self.world.poll(self.tick * TICK_NS)
            assert intake is not None
            self.tables = {type(table): table for table in intake.tables}
            self.truth: Truth = self.tables[Truth]
            self.world.act(Frame(self.tick * TICK_NS, tables), ())
        return self.truth

    def of(self, who: int) -> int | None:
        rows = np.flatnonzero(self.truth.id == np.uint64(who))
        return int(rows[0]) if len(rows) else None


@pytest.fixture
def town(city: GridCity, road: RoadMap, request: pytest.FixtureRequest) -> Iterator[Town]:
    settings = getattr(request, "param", {})
    site = Sites(site=[1], x=[0.0], y=[0.0], limit_kw=[200.0])
    chargers = Chargers(charger=[1, 2], site=[1, 1], rated_kw=[120.0, 120.0], minimum_kw=[6.0, 6.0])
    world = open_world(
        SumoConfig(
            net=city.net.name, routes=(city.routes.name,), warm_up=90.0, **{"drivers": EVERYONE, **settings}
        ),
        folder=city.net.parent,
        seed=1,
        start_ns=0,
        tick_ns=TICK_NS,
        seconds=300.0,
        road=road,
        assets=(ZONE, site, chargers),
        edge=None,
    )
    yield Town(world)
    world.close()


def actors(senders: Sequence[int]) -> Actors:
    """Return tracks 1, 2, ... bound to those senders."""
    n = len(senders)
    zero = np.zeros(n)
    return Actors(
        id=np.arange(1, n + 1), kind=np.ones(n), x=zero, y=zero, heading=zero, speed=zero, acceleration=zero,
        yaw_rate=zero, length=zero, width=zero, position_sigma=zero, lane=zero, offset=zero, lateral=zero,
        sender=np.array(senders, np.uint64), sources=np.ones(n), measured_ns=zero,
    )  # fmt: skip


def advice(count: int, speed: float, verdict: Verdict = Verdict.APPROVED) -> SpeedOrders:
    zero = np.zeros(count)
    return SpeedOrders(
        subject=np.arange(1, count + 1),
        x=zero,
        y=zero,
        speed=np.full(count, speed),
        verdict=np.full(count, verdict),
    )


def closure(*, closed: bool = True, cap: float = np.nan, classes: int = 0xFFFF) -> MeasureOrders:
    return MeasureOrders(
        measure=[1],
        zone=[1],
        classes=[classes],
        max_speed=[cap],
        closed=[closed],
        since_ns=[0],
        grace_until_ns=[0],
    )


def drivers_at_speed(truth: Truth, road: RoadMap) -> list[int]:
    """Return who sends, drives freely and has way ahead."""
    room = road.lanes.length[truth.lane] > 100.0
    x, y, _ = road.along(truth.lane, road.lanes.length[truth.lane])
    far = np.hypot(truth.x - x, truth.y - y) > 90.0
    return truth.id[truth.equipped & (truth.speed > 9.0) & room & far].tolist()


def test_equipped_drivers_follow_an_advice_gently_and_let_go_of_it(town: Town, road: RoadMap) -> None:
    senders = drivers_at_speed(town.truth, road)
    assert senders
    orders = actors(senders), advice(len(senders), 6.0)
    hardest = 0.0
    for _ in range(60):
        truth = town.go(0.1, *orders)
        rows = [town.of(who) for who in senders]
        hardest = min([hardest, *(float(truth.acceleration[row]) for row in rows if row is not None)])
    assert hardest >= -1.6
    speeds = [truth.speed[row] for row in rows if row is not None]
    assert speeds and max(speeds) < 6.3
    fastest = 0.0
    for _ in range(30):
        truth = town.go(1.0)
        fastest = max([fastest, *(truth.speed[row] for row in map(town.of, senders) if row is not None)])
    assert fastest > 8.0


@pytest.mark.parametrize("verdict", [Verdict.LESS_URGENT, Verdict.IMPLAUSIBLE])
def test_what_was_not_approved_is_not_followed(town: Town, road: RoadMap, verdict: Verdict) -> None:
    senders = drivers_at_speed(town.truth, road)
    before = {who: float(town.truth.speed[town.of(who)]) for who in senders}
    town.go(2.0, actors(senders), advice(len(senders), 2.0, verdict))
    kept = [town.truth.speed[row] > before[who] - 1.0 for who in senders if (row := town.of(who)) is not None]
    assert np.mean(kept) > 0.8


@pytest.mark.parametrize("town", [{"drivers": DriverConfig(advice_compliance=0.0)}], indirect=True)
def test_nobody_follows_where_nobody_complies(town: Town, road: RoadMap) -> None:
    senders = drivers_at_speed(town.truth, road)
    town.go(2.0, actors(senders), advice(len(senders), 2.0))
    assert np.median([town.truth.speed[row] for who in senders if (row := town.of(who)) is not None]) > 8.0


def test_tracks_without_a_sender_and_senders_that_do_not_exist_hear_nothing(town: Town) -> None:
    town.go(1.0, actors([0, 12345]), advice(2, 1.0))


def test_a_warned_driver_brakes_firmly_and_recovers(town: Town, road: RoadMap) -> None:
    who = drivers_at_speed(town.truth, road)[0]
    before = float(town.truth.speed[town.of(who)])
    warning = WarningOrders(
        service=[Service.FORWARD_COLLISION],
        subject=[1],
        other=[2],
        x=[0.0],
        y=[0.0],
        lead=[2.0],
        reason=[Reason.REACHES_AHEAD],
        verdict=[Verdict.APPROVED],
        said_ns=[0],
    )
    town.go(0.1, actors([who]), warning)
    hardest, slowest = 0.0, before
    for tick in range(40):  # it takes up to 1.5 s to react
        now = town.go(0.1)
        if tick < 5:
            assert float(now.acceleration[town.of(who)]) > -2.0
        hardest = min(hardest, float(now.acceleration[town.of(who)]))
        slowest = min(slowest, float(now.speed[town.of(who)]))
    assert hardest >= -3.1
    assert slowest < before - 3.0
    town.go(6.0)
    row = town.of(who)
    assert row is None or town.truth.speed[row] > 0.5 * before + 1.0


def test_who_is_asked_for_care_goes_a_fifth_slower_than_usual_however_often_asked(
    town: Town, road: RoadMap
) -> None:
    who = drivers_at_speed(town.truth, road)[0]
    row = town.of(who)
    limit = road.lanes.speed_limit[town.truth.lane[row]]
    care = WarningOrders(
        service=[Service.HAZARD_AHEAD], subject=[1], other=[2], x=[0.0], y=[0.0], lead=[2.0],
        reason=[Reason.REACHES_AHEAD], verdict=[Verdict.APPROVED], said_ns=[0],
    )  # fmt: skip
    for _ in range(60):
        truth = town.go(0.1, actors([who]), care)
        row = town.of(who)
        assert row is not None
        if truth.speed[row] < 0.9 * limit:
            break
    fastest = 0.0
    for _ in range(20):
        truth = town.go(0.1, actors([who]), care)
        row = town.of(who)
        assert row is not None
        fastest = max(fastest, float(truth.speed[row]) / limit)
    assert 0.5 < fastest < 0.92


def test_who_is_told_of_a_red_light_that_shows_green_drives_on(town: Town, road: RoadMap) -> None:
    vehicle, names = town.world.engine.sumo.vehicle, town.world._readout.name_of
    for _ in range(300):
        at_green = [
            who for who in drivers_at_speed(town.truth, road)
            if (lights := vehicle.getNextTLS(names[who])) and lights[0][3] in "gG" and 30.0 < lights[0][2] < 90.0
        ]  # fmt: skip
        if at_green:
            break
        town.go(0.1)
    red = WarningOrders(
        service=[Service.RED_LIGHT], subject=[1], other=[2], x=[0.0], y=[0.0], lead=[2.0],
        reason=[Reason.RED_AT_ARRIVAL], verdict=[Verdict.APPROVED], said_ns=[0],
    )  # fmt: skip
    town.go(0.3, actors([at_green[0]]), red)  # orders may be carried out at the next poll
    assert not town.world._actuation._drivers._wishes
    ahead = red.replace(service=np.array([Service.FORWARD_COLLISION], np.uint8))
    town.go(0.3, actors([at_green[0]]), ahead)
    assert town.world._actuation._drivers._wishes


def automated_inside(truth: Truth) -> np.ndarray:
    return (truth.automated > 0) & inside(ZONE.x, ZONE.y, truth.x, truth.y)


def test_automated_vehicles_stand_at_the_kerb_while_a_zone_is_closed_and_go_on_afterwards(town: Town) -> None:
    assert (town.truth.speed[automated_inside(town.truth)] > 1.0).any()
    early = set(town.truth.id[automated_inside(town.truth)].tolist())
    town.go(60.0, closure())
    for _ in range(10):
        truth = town.go(1.0, closure())
        rows = automated_inside(truth)
        assert (truth.speed[rows & np.isin(truth.id, list(early))] < 0.1).all()
        assert (truth.speed[rows] < 0.1).mean() > 0.8
    vehicle = town.world.engine.sumo.vehicle
    standing = [name for name in vehicle.getIDList() if vehicle.isStoppedParking(name)]
    assert len(standing) > 3
    ordinary = (truth.automated == 0) & inside(ZONE.x, ZONE.y, truth.x, truth.y)
    assert (truth.speed[ordinary] > 1.0).any()
    town.go(15.0)
    here = set(vehicle.getIDList())
    assert not any(vehicle.isStoppedParking(name) for name in standing if name in here)


def test_a_closure_for_one_class_leaves_the_others_alone(town: Town) -> None:
    truth = town.go(60.0, closure(classes=1 << VehicleClass.BUS))
    rows = automated_inside(truth)
    assert (truth.speed[rows & (truth.automated == VehicleClass.BUS)] < 0.1).all()
    assert (truth.speed[rows & (truth.automated == VehicleClass.ROBOTAXI)] > 1.0).any()


def test_a_cap_holds_inside_the_zone_only(town: Town) -> None:
    town.go(30.0, closure(closed=False, cap=5.0))
    fast_outside = False
    for _ in range(20):
        truth = town.go(1.0, closure(closed=False, cap=5.0))
        well_inside = (truth.automated > 0) & inside(
            0.6 * (ZONE.x - 250) + 250, 0.6 * (ZONE.y - 250) + 250, truth.x, truth.y
        )
        assert (truth.speed[well_inside] < 5.2).all()
        fast_outside |= bool((truth.speed[(truth.automated > 0) & ~automated_inside(truth)] > 8.0).any())
    assert fast_outside


@pytest.mark.parametrize("town", [{"faults": FaultConfig(planted=("offender",))}], indirect=True)
def test_the_offender_goes_on_inside_the_closed_zone(town: Town) -> None:
    events, moved, seen = [], 0, 0
    for _ in range(120):
        truth = town.go(1.0, closure(cap=6.0))
        events += town.world.events()
        if events:
            row = town.of(int(events[0].facts["subject"]))
            assert row is not None
            seen += 1
            moved += bool(automated_inside(truth)[row] and truth.speed[row] > 6.5)
    (event,) = events
    assert event.kind == "planted"
    assert event.facts["fault"] == "offender"
    assert moved > 0.2 * seen


def test_chargers_obey_their_limits(town: Town) -> None:
    orders = ChargingOrders(
        charger=[1, 2, 9], site=[1, 1, 1], limit_kw=[10.0, 7.0, 50.0], verdict=[0, 0, 0], since_ns=[0, 0, 0]
    )
    for _ in range(60):
        town.go(0.1, orders)
        states = town.tables[ChargerStates]
        if len(states) and town.tick > 40:
            assert (states.power_kw <= [10.01, 7.01]).all()


def test_measures_are_heard_over_the_air_and_not_by_the_by(city: GridCity, road: RoadMap) -> None:
    class Ear:
        """An edge whose messages say nothing until `told` is set."""

        writes: frozenset[type[Table]] = frozenset()
        told = False

        def speak(self, tables: Sequence[Table], time_ns: int) -> list[Message]:
            return [Message(time_ns, 0, bytes([len(tables)]))]

        def hear(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
            return (closure(),) if self.told else ()

    ear = Ear()
    world = open_world(
        SumoConfig(net=city.net.name, routes=(city.routes.name,), warm_up=90.0),
        folder=city.net.parent,
        seed=1,
        start_ns=0,
        tick_ns=TICK_NS,
        seconds=60.0,
        road=road,
        assets=(ZONE,),
        edge=ear,  # type: ignore[arg-type]
    )
    assert world.speaks
    town = Town(world)
    assert len(world.poll((town.tick + 1) * TICK_NS).messages) == 1  # type: ignore[union-attr]
    town.tick += 1
    vehicle = world.engine.sumo.vehicle
    town.go(20.0, closure())
    assert not any(vehicle.getStops(name) for name in vehicle.getIDList())
    ear.told = True
    town.go(10.0)
    assert any(vehicle.getStops(name) for name in vehicle.getIDList())
    world.close()


def test_a_carriageway_that_only_passes_through_a_zone_belongs_to_it(road: RoadMap) -> None:
    sliver = ZoneCorners(
        zone=[7] * 4, number=[0, 1, 2, 3], x=[240.0, 252.0, 252.0, 240.0], y=[140.0, 140.0, 160.0, 160.0]
    )
    assert {"A0B0", "B0A0"} == Areas((sliver,), road).edges(7)
    assert Areas((), road).edges(7) == frozenset()


def test_the_grid_is_where_these_tests_think_it_is(city: GridCity, road: RoadMap) -> None:
    assert Path(city.net).is_file()
    signals = road.nodes.controller >= 0
    assert road.nodes.x[signals].min() == 150.0
    assert road.nodes.x[signals].max() == 350.0
