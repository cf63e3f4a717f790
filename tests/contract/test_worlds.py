"""What every World keeps, whatever is behind it. A new World joins by a line in WORLDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from wayside.energy.tables import Chargers, Sites
from wayside.errors import WaysideError
from wayside.frame import Frame
from wayside.guidance.tables import SpeedRequests
from wayside.maps.road import RoadMap
from wayside.maps.sumo import read_net
from wayside.recorder import Recorder
from wayside.roadside.tables import Poles, WeatherStations
from wayside.run import Run
from wayside.supervision.tables import Findings
from wayside.table import Table
from wayside.world import World
from wayside.worlds.faults import FaultConfig
from wayside.worlds.grid import make_grid
from wayside.worlds.log import LogWorld
from wayside.worlds.sumo import SumoConfig, open_world

START_NS = 1_772_413_200_000_000_000
TICK_NS = 100_000_000
TICKS = 30


@dataclass(frozen=True)
class Place:
    """A small city on disk."""

    folder: Path
    road: RoadMap
    assets: tuple[Table, ...]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("grid")
    road = read_net(make_grid(folder, streets=2).net)
    crossings = np.flatnonzero(road.nodes.controller >= 0)[:2]
    x, y = road.nodes.x[crossings], road.nodes.y[crossings]
    assets = (
        Poles(
            pole=[1, 2],
            x=x + 8.0,
            y=y + 8.0,
            range=[120.0, 120.0],
            position_sigma=[0.2, 0.2],
            controller=road.nodes.controller[crossings],
        ),
        WeatherStations(station=[1], x=x[:1], y=y[:1]),
        Sites(site=[1], x=x[:1], y=y[:1], limit_kw=[200.0]),
        Chargers(charger=[1, 2], site=[1, 1], rated_kw=[120.0, 120.0], minimum_kw=[6.0, 6.0]),
    )
    return Place(folder, road, assets)


def open_sumo(place: Place, seed: int) -> World:
    faults = FaultConfig(planted=("signal", "pole", "forger"), signal_at_s=1.0, pole_at_s=1.0, forger_at_s=1.0)
    return open_world(
        SumoConfig(net="grid.net.xml", routes=("grid.rou.xml",), warm_up=60.0, faults=faults),
        folder=place.folder,
        seed=seed,
        start_ns=START_NS,
        tick_ns=TICK_NS,
        seconds=TICKS * TICK_NS / 1e9,
        road=place.road,
        assets=place.assets,
        edge=None,
    )


def open_log(place: Place, seed: int) -> World:
    """Record a simulated World and open what was stored."""
    folder = place.folder / f"run-{seed}"
    if not folder.is_dir():
        world = open_sumo(place, seed)
        given = sorted(kind.table_name for kind in world.provides)
        about = {"start_ns": START_NS, "tick_ns": TICK_NS, "given": given, "assets": ["poles"]}
        with Recorder(folder, about, place.road) as recorder:
            now_ns = START_NS
            while (intake := world.poll(now_ns)) is not None:
                recorder.record(Frame(now_ns, [*intake.tables, place.assets[0]]), {}, world.events())
                now_ns += TICK_NS
            recorder.close(complete=True)
        world.close()
    return LogWorld(Run(folder))


WORLDS: dict[str, Callable[[Place, int], World]] = {"sumo": open_sumo, "log": open_log}


@pytest.fixture(params=sorted(WORLDS))
def open_one(request: pytest.FixtureRequest, place: Place) -> Iterator[Callable[[int], World]]:
    """Open the World under test; whatever a test leaves open is closed."""
    opened: list[World] = []

    def open_it(seed: int = 1) -> World:
        opened.append(WORLDS[request.param](place, seed))
        return opened[-1]

    yield open_it
    for world in opened:
        world.close()


def digests(world: World, orders: Callable[[int], Frame] = Frame) -> list[bytes]:
    """Run a World to its end and return what each tick's tables hash to."""
    found = []
    now_ns = world.start_ns
    while (intake := world.poll(now_ns)) is not None:
        found.append(Frame(now_ns, intake.tables).digest())
        world.act(orders(now_ns), ())
        now_ns += world.tick_ns
    world.close()
    return found


def test_it_is_a_world(open_one: Callable[..., World]) -> None:
    world = open_one()
    assert isinstance(world, World)
    assert world.start_ns == START_NS
    assert world.tick_ns == TICK_NS


def test_time_only_moves_forward(open_one: Callable[..., World]) -> None:
    world = open_one()
    for tick in range(3):
        intake = world.poll(START_NS + tick * TICK_NS)
        assert intake is not None
        assert intake.time_ns == START_NS + tick * TICK_NS
    with pytest.raises(WaysideError):
        world.poll(START_NS + TICK_NS)


def test_a_tick_gives_each_declared_table_once_and_nothing_else(open_one: Callable[..., World]) -> None:
    world = open_one()
    for tick in range(5):
        intake = world.poll(START_NS + tick * TICK_NS)
        assert intake is not None
        assert sorted(type(table).__name__ for table in intake.tables) == sorted(
            t.__name__ for t in world.provides
        )
        assert world.speaks or not intake.messages


def test_rows_have_keys_of_their_own_and_finite_values(open_one: Callable[..., World]) -> None:
    world = open_one()
    rows = 0
    for tick in range(TICKS):
        intake = world.poll(START_NS + tick * TICK_NS)
        assert intake is not None
        rows += sum(len(table.canonical()) for table in intake.tables)
    assert rows > 0


def test_after_the_end_there_is_nothing(open_one: Callable[..., World]) -> None:
    world = open_one()
    assert len(digests(world)) == TICKS
    world = open_one()
    for tick in range(TICKS):
        assert world.poll(START_NS + tick * TICK_NS) is not None
    assert world.poll(START_NS + TICKS * TICK_NS) is None
    assert world.poll(START_NS + (TICKS + 1) * TICK_NS) is None


def test_closing_twice_is_fine(open_one: Callable[..., World]) -> None:
    world = open_one()
    world.poll(START_NS)
    world.close()
    world.close()


def test_the_same_seed_gives_the_same_tables(open_one: Callable[..., World]) -> None:
    assert digests(open_one(7)) == digests(open_one(7))


def test_tables_that_are_no_orders_change_nothing(open_one: Callable[..., World]) -> None:
    def wishes(now_ns: int) -> Frame:
        asked = SpeedRequests(
            subject=[1], x=[0.0], y=[0.0], controller=[0], group=[1], speed=[1.0], distance=[10.0]
        )
        found = Findings(rule=[1], subject=[1], x=[0.0], y=[0.0], since_ns=[now_ns], value=[1.0], limit=[np.nan])
        return Frame(now_ns, [asked, found])

    assert digests(open_one(3), wishes) == digests(open_one(3))


def test_events_are_told_once_and_in_time(open_one: Callable[..., World]) -> None:
    world = open_one()
    told = []
    for tick in range(TICKS):
        world.poll(START_NS + tick * TICK_NS)
        fresh = world.events()
        assert all(event.time_ns <= START_NS + tick * TICK_NS for event in fresh)
        told += [(event.time_ns, event.kind, tuple(event.facts.items())) for event in fresh]
    assert len(told) == len(set(told)) > 0
    assert not world.events()
