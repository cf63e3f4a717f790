"""What is planted happens, to whom the log says and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from wayside.energy.tables import Chargers, ChargerStates, Sites
from wayside.frame import Frame
from wayside.guard.tables import ChargingOrders
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Detections, Poles, WeatherReadings, WeatherStations
from wayside.signals.tables import Light, Signals
from wayside.table import Table
from wayside.v2x.tables import Kind, Reports
from wayside.world import Event, identity
from wayside.worlds.faults import Fault, FaultConfig
from wayside.worlds.forger import BESIDE_M, Forger
from wayside.worlds.grid import GridCity, make_grid
from wayside.worlds.lights import Timetable
from wayside.worlds.sumo import SumoConfig, SumoWorld, open_world
from wayside.worlds.tables import Truth

TICK_NS = 100_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> GridCity:
    return make_grid(tmp_path_factory.mktemp("grid"), streets=2, per_hour=400.0, walkers_per_hour=0.0)


@pytest.fixture(scope="module")
def road(city: GridCity) -> RoadMap:
    return read_net(city.net)


def poles_of(road: RoadMap) -> Poles:
    crossings = np.flatnonzero(road.nodes.controller >= 0)
    count = len(crossings)
    return Poles(
        pole=np.arange(1, count + 1),
        x=road.nodes.x[crossings] + 9.0,
        y=road.nodes.y[crossings] + 9.0,
        range=np.full(count, 120.0),
        position_sigma=np.full(count, 0.2),
        controller=road.nodes.controller[crossings],
    )


Runner = Callable[..., tuple[list[dict[type[Table], Table]], list[Event], SumoWorld]]


@pytest.fixture
def run(city: GridCity, road: RoadMap) -> Iterator[Runner]:
    opened: list[SumoWorld] = []
    stations = WeatherStations(station=[1], x=[0.0], y=[0.0])
    site = Sites(site=[1], x=[0.0], y=[0.0], limit_kw=[200.0])
    chargers = Chargers(charger=[1, 2], site=[1, 1], rated_kw=[120.0, 120.0], minimum_kw=[6.0, 6.0])

    def run_it(
        fault: Fault, *, seconds: float, seed: int = 1, orders: tuple[Table, ...] = (), **times: float
    ) -> tuple[list[dict[type[Table], Table]], list[Event], SumoWorld]:
        world = open_world(
            SumoConfig(
                net=city.net.name,
                routes=(city.routes.name,),
                warm_up=90.0,
                faults=FaultConfig(planted=(fault,), **times),  # type: ignore[arg-type]
            ),
            folder=city.net.parent,
            seed=seed,
            start_ns=0,
            tick_ns=TICK_NS,
            seconds=seconds,
            road=road,
            assets=(poles_of(road), stations, site, chargers),
            edge=None,
        )
        opened.append(world)
        ticks, events = [], []
        for tick in range(round(seconds * 10)):
            intake = world.poll(tick * TICK_NS)
            assert intake is not None
            world.act(Frame(intake.time_ns, orders), ())
            ticks.append({type(table): table for table in intake.tables})
            events += world.events()
        return ticks, events, world

    yield run_it
    for world in opened:
        world.close()


def test_nothing_is_planted_unasked() -> None:
    assert FaultConfig().planted == ()


def test_fog_comes_and_lifts_and_is_read_by_the_stations(run: Runner) -> None:
    ticks, events, _ = run("fog", seconds=45.0, fog_at_s=8.0, fog_until_s=25.0, fog_ramp_s=2.0)
    assert [(e.kind, e.time_ns) for e in events] == [("planted", 8 * SECOND_NS), ("lifted", 25 * SECOND_NS)]
    seen = {n: tick[WeatherReadings].visibility[0] for n, tick in enumerate(ticks) if len(tick[WeatherReadings])}
    assert len(seen) in (4, 5)
    for number, visibility in seen.items():
        assert (visibility < 200.0) == (100 <= number <= 250)


def test_poles_see_less_in_fog(run: Runner) -> None:
    ticks, _, _ = run("fog", seconds=20.0, fog_at_s=5.0, fog_until_s=99.0, fog_ramp_s=1.0, fog_visibility=60.0)
    clear = sum(len(tick[Detections]) for tick in ticks[10:50])
    foggy = sum(len(tick[Detections]) for tick in ticks[80:120])
    assert 0 < foggy < 0.6 * clear


def test_a_shifted_clock_lies_while_the_real_lights_are_right(run: Runner, road: RoadMap) -> None:
    ticks, (event,), world = run("signal", seconds=60.0, signal_at_s=1.0)
    subject = int(event.facts["subject"])
    assert event.facts["fault"] == "signal"
    assert subject in poles_of(road).controller
    name, links = road.controller_names[subject], road.links
    rows = links.controller == subject
    state = world.engine.sumo.trafficlight.getRedYellowGreenState(name)
    last: Signals = ticks[-1][Signals]
    green = (Light.PROTECTED_GREEN, Light.PERMISSIVE_GREEN)
    said = dict(
        zip(
            last.group[last.controller == subject].tolist(),
            last.light[last.controller == subject].tolist(),
            strict=True,
        )
    )
    wrong = [
        (said[group] in green) != (state[link] in "Gg")
        for link, group in zip(links.link[rows].tolist(), links.group[rows].tolist(), strict=True)
    ]
    assert any(wrong)
    # what it promises, it keeps: the lie is consistent
    for before, now in pairwise(ticks[20:]):
        one, two = before[Signals], now[Signals]
        changed = (one.controller == subject) & (one.light != two.light)
        assert (np.abs(two.since_ns[changed] - one.min_end_ns[changed]) <= TICK_NS).all()


def test_half_a_cycle_turns_crossing_greens_over() -> None:
    phases = [
        ("Gr", 30.0, 30.0, 30.0, 1),
        ("yr", 3.0, 3.0, 3.0, 2),
        ("rG", 30.0, 30.0, 30.0, 3),
        ("ry", 3.0, 3.0, 3.0, 0),
    ]
    table = Timetable.of(phases, [0, 1], fixed=True)
    assert table.contradiction(0.5) > 0.9
    assert table.contradiction(0.0) == 0.0
    assert table.at(0, 10.0, 0.5) == (2, 10.0)
    assert table.at(3, 3.0, 0.5) == (2, 0.0)


def test_a_turned_pole_puts_things_beside_where_they_are(run: Runner, road: RoadMap) -> None:
    ticks, (event,), _ = run("pole", seconds=20.0, pole_at_s=10.0, pole_turn_deg=5.0)
    subject = event.facts["subject"]
    poles = poles_of(road)
    row = int(np.flatnonzero(poles.pole == subject)[0])

    def turned(part: list[dict[type[Table], Table]]) -> float:
        """Return the mean angle by which far detections lie to the left of the vehicles they are of."""
        angles = []
        for before, tick in pairwise(part):
            truth, seen = before[Truth], tick[Detections]
            for x, y in zip(seen.x[seen.pole == subject], seen.y[seen.pole == subject], strict=True):
                nearest = np.argmin(np.hypot(truth.x - x, truth.y - y))
                true_x, true_y = truth.x[nearest] - poles.x[row], truth.y[nearest] - poles.y[row]
                if np.hypot(true_x, true_y) > 40.0:
                    angle = np.arctan2(y - poles.y[row], x - poles.x[row]) - np.arctan2(true_y, true_x)
                    angles.append((angle + np.pi) % (2 * np.pi) - np.pi)
        return float(np.median(angles))

    assert abs(np.degrees(turned(ticks[10:95]))) < 0.5
    assert np.degrees(turned(ticks[110:])) > 2.0


def test_the_forger_reports_what_is_not_there(run: Runner) -> None:
    ticks, (event,), _ = run("forger", seconds=30.0, forger_at_s=2.0, seed=1)
    sender = np.uint64(event.facts["subject"])
    lies = [tick[Reports].take(tick[Reports].sender == sender) for tick in ticks]
    assert not any(len(one) for one in lies[:20])
    assert sum(len(one) for one in lies[21:]) > 20
    assert all(sender not in tick[Truth].id for tick in ticks)


@pytest.mark.parametrize("seed", range(6))
def test_the_ghost_is_on_the_road_in_view_of_a_pole(road: RoadMap, seed: int) -> None:
    poles = poles_of(road)
    forger = Forger(road, poles, seed)
    truth = Truth(
        id=[1], kind=[Kind.CAR], x=poles.x[:1] - 50.0, y=poles.y[:1], heading=[0.0], speed=[10.0],
        acceleration=[0.0], length=[4.5], width=[1.8], lane=[0], equipped=[False], automated=[0],
    )  # fmt: skip
    said = forger.report(truth, 0)
    assert len(said) == 1
    assert np.hypot(poles.x - said.x, poles.y - said.y).min() < 60.0
    if forger.stands:
        found = road.match(said.x, said.y, said.heading)
        assert road.lanes.kind[found.lane[0]] == LaneKind.DRIVING
        assert said.speed[0] == 0.0
    else:
        assert np.hypot(said.x - truth.x, said.y - truth.y)[0] == pytest.approx(BESIDE_M)
        assert said.speed[0] == 10.0


def test_a_forger_without_poles_still_drives_nowhere(road: RoadMap) -> None:
    assert len(Forger(road, Poles.empty(), 1).report(Truth.empty(), 0)) == 0


def test_an_ordinary_car_stalls_mid_block_and_stays(run: Runner, road: RoadMap) -> None:
    ticks, (event,), _ = run("stall", seconds=60.0, stall_at_s=2.0)
    subject, from_ns = np.uint64(event.facts["subject"]), int(event.facts["from_ns"])
    assert from_ns < 40 * SECOND_NS
    for tick in ticks[from_ns // TICK_NS :]:
        truth = tick[Truth]
        row = np.flatnonzero(truth.id == subject)[0]
        assert truth.speed[row] < 0.1
        assert truth.x[row] == pytest.approx(event.facts["x"], abs=0.5)
        assert not truth.automated[row]
    lane = int(truth.lane[row])
    assert road.lanes.kind[lane] == LaneKind.DRIVING
    assert not road.lanes.internal[lane]
    end_x, end_y, _ = road.along([lane], [road.lanes.length[lane]])
    assert np.hypot(end_x - truth.x[row], end_y - truth.y[row])[0] > 40.0


def test_one_charger_draws_what_it_wants(run: Runner) -> None:
    limits = ChargingOrders(charger=[1, 2], site=[1, 1], limit_kw=[10.0, 10.0], verdict=[0, 0], since_ns=[0, 0])
    ticks, (event,), _ = run("charger", seconds=20.0, charger_at_s=8.0, orders=(limits,))
    states = [tick[ChargerStates] for tick in ticks if len(tick[ChargerStates])][-1]
    rogue = states.charger == event.facts["subject"]
    assert (states.power_kw[rogue] > 60.0).all()
    assert (states.power_kw[~rogue] < 10.1).all()


def test_targets_follow_from_the_seed(run: Runner) -> None:
    found = []
    for seed in (1, 1, 2, 3, 4):
        _, (event,), world = run("pole", seconds=0.3, pole_at_s=0.1, seed=seed)
        world.close()
        found.append(event.facts["subject"])
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_a_stalled_vehicle_is_named_by_its_identity(run: Runner) -> None:
    _, (event,), world = run("stall", seconds=45.0, stall_at_s=1.0)
    names = world.engine.sumo.vehicle.getIDList()
    assert event.facts["subject"] in {identity(name) for name in names}
