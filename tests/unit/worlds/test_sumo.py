"""SUMO read out: what the tables say is what the simulation has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from wayside.admission.tables import VehicleClass
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.signals.tables import Light, Signals
from wayside.v2x.tables import Kind
from wayside.world import Intake, identity
from wayside.worlds.engine import Engine, WorldError, first_departure
from wayside.worlds.grid import GridCity, make_grid
from wayside.worlds.lights import Timetable
from wayside.worlds.sumo import SumoConfig, SumoWorld, open_world
from wayside.worlds.tables import Truth

TICK_NS = 100_000_000
Opener = Callable[..., SumoWorld]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> GridCity:
    return make_grid(tmp_path_factory.mktemp("grid"), streets=2, per_hour=400.0)


@pytest.fixture(scope="module")
def road(city: GridCity) -> RoadMap:
    return read_net(city.net)


@pytest.fixture
def start(city: GridCity, road: RoadMap) -> Iterator[Opener]:
    opened: list[SumoWorld] = []

    def start_it(
        *, seed: int = 1, seconds: float = 60.0, shuffle_seed: int | None = None, **config: object
    ) -> SumoWorld:
        settings = {"net": city.net.name, "routes": (city.routes.name,), "warm_up": 90.0, **config}
        opened.append(
            open_world(
                SumoConfig(**settings),  # type: ignore[arg-type]
                folder=city.net.parent,
                seed=seed,
                start_ns=0,
                tick_ns=TICK_NS,
                seconds=seconds,
                road=road,
                assets=(),
                edge=None,
                shuffle_seed=shuffle_seed,
            )
        )
        return opened[-1]

    yield start_it
    for world in opened:
        world.close()


def poll(world: SumoWorld, tick: int) -> Intake:
    intake = world.poll(tick * TICK_NS)
    assert intake is not None
    return intake


def only(intake: Intake, kind: type) -> object:
    return next(table for table in intake.tables if type(table) is kind)


def test_every_vehicle_is_told_where_sumo_has_it(start: Opener) -> None:
    world = start()
    truth = only(poll(world, 0), Truth)
    vehicle = world.engine.sumo.vehicle
    names = {identity(name): name for name in vehicle.getIDList()}
    rows = [row for row, who in enumerate(truth.id.tolist()) if who in names]
    assert len(rows) == len(names) > 20
    for row in rows:
        name = names[int(truth.id[row])]
        front = vehicle.getPosition(name)
        half = 0.5 * vehicle.getLength(name)
        # from the body's centre forward lies the bumper that SUMO speaks of
        assert truth.x[row] + half * np.cos(truth.heading[row]) == pytest.approx(front[0], abs=1e-9)
        assert truth.y[row] + half * np.sin(truth.heading[row]) == pytest.approx(front[1], abs=1e-9)
        compass = np.degrees(np.pi / 2 - truth.heading[row]) % 360.0
        assert (compass - vehicle.getAngle(name) + 180.0) % 360.0 == pytest.approx(180.0, abs=1e-9)
        assert truth.speed[row] == vehicle.getSpeed(name)
        assert truth.acceleration[row] == vehicle.getAcceleration(name)
        assert world.road.lane_names[truth.lane[row]] == vehicle.getLaneID(name)
        assert -np.pi <= truth.heading[row] < np.pi


def test_speeds_lead_from_one_position_to_the_next(start: Opener) -> None:
    world = start(seconds=20.0)
    moved, said = [], []
    before = only(poll(world, 0), Truth)
    for tick in range(1, 150):
        now = only(poll(world, tick), Truth)
        _, old, new = np.intersect1d(before.id, now.id, return_indices=True)
        fast = (now.speed[new] > 3.0) & (now.kind[new] == Kind.CAR)
        moved.append(np.hypot(now.x[new] - before.x[old], now.y[new] - before.y[old])[fast] / 0.1)
        said.append(now.speed[new][fast])
        before = now
    off = np.concatenate(moved) / np.concatenate(said) - 1.0
    assert len(off) > 1000
    assert np.median(np.abs(off)) < 0.005
    assert np.percentile(np.abs(off), 90) < 0.05


def test_people_walk_where_people_walk(start: Opener, road: RoadMap) -> None:
    truth = only(poll(start(), 0), Truth)
    walking = truth.kind == Kind.PEDESTRIAN
    assert walking.sum() > 5
    found = road.match(truth.x, truth.y, truth.heading, kinds=tuple(set(road.lanes.kind.tolist())), reach_m=3.0)
    assert (found.lane[walking] >= 0).mean() > 0.9
    assert not truth.equipped[walking].any()


def test_centres_lie_on_the_map_facing_the_way_of_their_lane(start: Opener, road: RoadMap) -> None:
    truth = only(poll(start(), 0), Truth)
    driving = np.isin(truth.kind, (Kind.CAR, Kind.BUS, Kind.TRUCK)) & ~road.lanes.internal[truth.lane]
    found = road.match(truth.x[driving], truth.y[driving], truth.heading[driving])
    assert (found.lane == truth.lane[driving]).mean() > 0.9
    turned = (found.heading - truth.heading[driving] + np.pi) % (2 * np.pi) - np.pi
    assert np.median(np.abs(turned)) < 0.01


def test_kinds_and_automated_vehicles_follow_from_the_types(start: Opener) -> None:
    truth = only(poll(start(), 0), Truth)
    assert {Kind.CAR, Kind.BUS, Kind.BICYCLE, Kind.PEDESTRIAN} <= set(truth.kind.tolist())
    assert VehicleClass.ROBOTAXI in truth.automated
    assert truth.equipped[truth.automated > 0].all()
    assert (truth.automated[truth.kind == Kind.PEDESTRIAN] == 0).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_of_equipped_vehicles_is_a_setting(start: Opener, share: float) -> None:
    truth = only(poll(start(equipped_share=share), 0), Truth)
    ordinary = np.isin(truth.kind, (Kind.CAR, Kind.TRUCK, Kind.MOTORCYCLE)) & (truth.automated == 0)
    assert truth.equipped[ordinary].mean() == pytest.approx(share, abs=0.25)
    assert not truth.equipped[truth.kind == Kind.BICYCLE].any()


def test_cars_can_be_made_robotaxis(start: Opener) -> None:
    truth = only(poll(start(automated_share=1.0), 0), Truth)
    assert (truth.automated[truth.kind == Kind.CAR] == VehicleClass.ROBOTAXI).all()


def test_lights_change_when_they_were_promised_to(start: Opener) -> None:
    world = start(seconds=120.0)
    before: Signals | None = None
    changes = 0
    for tick in range(1200):
        now = only(poll(world, tick), Signals)
        if before is not None:
            changed = now.light != before.light
            np.testing.assert_array_equal(now.since_ns[changed], before.min_end_ns[changed])
            np.testing.assert_array_equal(before.min_end_ns, before.max_end_ns)
            changes += changed.sum()
        before = now
    assert changes > 50


def test_lights_are_those_of_the_links_in_each_group(start: Opener, road: RoadMap) -> None:
    world = start()
    letters = {"r": Light.RED, "y": Light.YELLOW, "G": Light.PROTECTED_GREEN, "g": Light.PERMISSIVE_GREEN}
    signals = only(poll(world, 0), Signals)
    shown = {
        (controller, group): light
        for controller, group, light in zip(
            signals.controller.tolist(), signals.group.tolist(), signals.light.tolist(), strict=True
        )
    }
    links = road.links
    for controller, link, group in zip(
        links.controller.tolist(), links.link.tolist(), links.group.tolist(), strict=True
    ):
        state = world.engine.sumo.trafficlight.getRedYellowGreenState(road.controller_names[controller])
        assert shown[controller, group] == letters[state[link]]


def test_an_actuated_program_promises_a_span() -> None:
    phases = [
        ("Gr", 20.0, 5.0, 40.0, 1),
        ("yr", 3.0, 3.0, 3.0, 2),
        ("rG", 20.0, 5.0, 40.0, 3),
        ("ry", 3.0, 3.0, 3.0, 0),
    ]
    table = Timetable.of(phases, [0, 1], fixed=False)
    # the red of the second group outlasts the first phase by the yellow alone
    np.testing.assert_array_equal(table.after_least[0], [0.0, 3.0])
    np.testing.assert_array_equal(table.after_most[1], [0.0, 0.0])


def test_a_light_that_never_changes_promises_nothing() -> None:
    table = Timetable.of([("Gg", 30.0, 30.0, 30.0, 1), ("Gr", 30.0, 30.0, 30.0, 0)], [0, 1], fixed=True)
    assert np.isnan(table.after_least[:, 0]).all()
    assert not np.isnan(table.after_least[:, 1]).any()


def test_rows_in_any_order_are_the_same_frames(start: Opener) -> None:
    frames = []
    for shuffle in (None, 5):
        world = start(shuffle_seed=shuffle)
        intakes = [poll(world, tick) for tick in range(5)]
        frames.append([Frame(i.time_ns, i.tables).digest() for i in intakes])
        shuffled = only(intakes[-1], Truth).id
        assert (np.sort(shuffled) == shuffled).all() == (shuffle is None)
        world.close()
    assert frames[0] == frames[1]


def test_another_seed_is_another_day(start: Opener) -> None:
    seen = []
    for seed in (1, 2):
        world = start(seed=seed)
        seen.append(only(poll(world, 0), Truth))
        world.close()
    assert seen[0] != seen[1]


def test_what_sumo_counted_is_told_at_the_end(start: Opener) -> None:
    world = start(seconds=1.0)
    for tick in range(10):
        poll(world, tick)
    assert world.poll(10 * TICK_NS) is None
    (event,) = world.events()
    assert event.kind == "simulated"
    assert {"teleports", "collisions", "departed", "arrived", "warnings"} <= event.facts.keys()


def test_a_second_simulation_in_the_process_is_refused_until_the_first_is_closed(start: Opener) -> None:
    world = start()
    with pytest.raises(WorldError, match="once per process"):
        start()
    world.close()
    poll(start(), 0)


def test_a_tick_that_sumo_cannot_count_is_refused(city: GridCity, road: RoadMap) -> None:
    with pytest.raises(WorldError, match="milliseconds"):
        open_world(
            SumoConfig(net=str(city.net)),
            folder=Path(),
            seed=1,
            start_ns=0,
            tick_ns=1_234_567,
            seconds=1.0,
            road=road,
            assets=(),
            edge=None,
        )


def engine(net: Path, *routes: Path) -> Engine:
    return Engine(net=net, routes=routes, additional=(), step_s=0.1, seed=1, begin_s=None, warm_up_s=0.0)


def test_bad_input_is_named_in_sumo_s_own_words(city: GridCity, tmp_path: Path) -> None:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    text = city.net.read_text("utf-8")
    newer = write("newer.net.xml", re.sub(r'<net version="[\d.]+"', '<net version="2.0"', text))
    torn = write("torn.net.xml", text[: len(text) // 2])
    other = write("other.net.xml", "<routes/>")
    lost = write("lost.rou.xml", '<routes><trip id="a" depart="0" from="nowhere" to="nowhere"/></routes>')
    late = write("late.rou.xml", '<routes><trip id="a" depart="9999" from="nowhere" to="nowhere"/></routes>')
    with pytest.raises(WorldError, match=r"no file .*missing\.net\.xml"):
        engine(tmp_path / "missing.net.xml")
    with pytest.raises(WorldError, match=r"version 2\.x"):
        engine(newer)
    with pytest.raises(WorldError, match=r"could not load torn\.net\.xml"):
        engine(torn)
    with pytest.raises(WorldError, match="not a SUMO network"):
        engine(other)
    with pytest.raises(WorldError, match=r"no file .*none\.rou\.xml"):
        engine(city.net, tmp_path / "none.rou.xml")
    for routes in (lost, late):
        with pytest.raises(WorldError, match=r"edge 'nowhere'.* is not known"):
            engine(city.net, routes)
    engine(city.net, city.routes).close()


def test_a_compressed_net_and_times_of_day_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.rou.xml"
    file.write_text('<routes><vType id="x"/><vehicle id="a" type="x" depart="1:02:03.5"/></routes>', "utf-8")
    assert first_departure([file]) == 3723.5
    file.write_text("<routes/>", "utf-8")
    assert first_departure([file]) == 0.0


def test_nothing_is_printed(start: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    world = start()
    for tick in range(20):
        poll(world, tick)
    world.close()
    assert capfd.readouterr() == ("", "")
