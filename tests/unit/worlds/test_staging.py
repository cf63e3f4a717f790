from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from wayside.config import read_city
from wayside.maps.conversion import read_map
from wayside.maps.drawing import LaneSketch, draw
from wayside.roadside.tables import Poles
from wayside.v2x.tables import Kind, Reports
from wayside.world import Event
from wayside.worlds.engine import WorldError
from wayside.worlds.road_surface import SMOOTH, RoadSurface, Stretch
from wayside.worlds.staged_places import Places
from wayside.worlds.staged_things import Slowdown
from wayside.worlds.staging import ACTS
from wayside.worlds.sumo import SumoConfig, open_world
from wayside.worlds.tables import Truth

SECOND = 1_000_000_000
ROAD = draw([LaneSketch([(0, 0), (300, 0)], name="main_0"), LaneSketch([(0, 50), (300, 50)], name="side_0")])


def truth(x: Any, lane: int = 0) -> Truth:
    x = np.asarray(x, float)
    values: dict[str, Any] = {name: np.zeros(len(x), c.dtype) for name, c in Truth.columns.items()}
    return Truth(**{**values, "id": np.arange(1, len(x) + 1), "x": x, "lane": np.full(len(x), lane)})


def test_works_shift_traffic_inside_their_stretch_and_from_their_time() -> None:
    surface = RoadSurface([Stretch("main", 100.0, 200.0, from_s=10.0, shift_m=1.5)], ROAD, 0)
    there = truth([50.0, 112.5, 150.0, 190.0, 250.0])
    assert surface.shown(there, 10 * SECOND).y == pytest.approx([0.0, 0.75, 1.5, 0.6, 0.0])
    assert surface.shown(there, 9 * SECOND) is there
    assert surface.shown(truth([150.0], lane=1), 20 * SECOND).y.tolist() == [0.0]


def test_a_rough_stretch_is_rough_and_the_rest_is_not() -> None:
    surface = RoadSurface([Stretch("main", 100.0, 200.0, index=8.0)], ROAD, 0)
    assert surface.index(truth([50.0, 150.0]), 0).tolist() == [SMOOTH, 8.0]


def test_a_carriageway_that_is_not_there_is_refused() -> None:
    with pytest.raises(WorldError, match="no carriageway 'lost'"):
        RoadSurface([Stretch("lost")], ROAD, 0)


def test_crawling_traffic_is_a_fact_only_if_somebody_could_know_of_three_who_crawl() -> None:
    pole: dict[str, Any] = {name: np.zeros(1, c.dtype) for name, c in Poles.columns.items()}
    limits = SimpleNamespace(getMaxSpeed=lambda name: 13.9, setMaxSpeed=lambda name, speed: None)
    places: Any = Places(SimpleNamespace(lane=limits), ROAD, Poles(**{**pole, "x": [100.0]}), None)  # type: ignore[arg-type]

    def fact(x: list[float], equipped: bool) -> bool:
        act = Slowdown(places, 3)
        cars = truth(x).replace(kind=np.full(3, Kind.CAR), equipped=np.full(3, equipped))
        assert act.begin(cars.replace(speed=np.full(3, 10.0)), np.full(3, 1000.0))
        crawling = cars.replace(speed=np.full(3, 2.0))
        return any(act.step(crawling, float(second)) for second in range(8))

    assert fact([60.0, 90.0, 120.0], equipped=False)
    assert not fact([60.0, 90.0, 220.0], equipped=False)
    assert fact([60.0, 90.0, 220.0], equipped=True)


@pytest.mark.slow
def test_each_kind_of_incident_is_staged_in_the_pilot_zone_and_cleared_away() -> None:
    city = read_city("pingshan")
    incidents = {"kinds": list(ACTS), "first_s": 5.0, "every_s": 5.0, "until_s": 60.0}
    road = read_map(city.folder / city.world["net"], origin=city.header.origin, programs=[])
    config = msgspec.convert({**city.world, "faults": {"incidents": incidents}}, SumoConfig)
    world = open_world(
        config, folder=city.folder, seed=5, start_ns=city.start_ns, tick_ns=city.tick_ns, seconds=180.0, road=road,
        assets=city.assets, edge=None,
    )  # fmt: skip
    kinds, vertical, now = set(), [], city.start_ns
    events: list[Event] = []
    try:
        while (intake := world.poll(now)) is not None:
            tables: dict[type, Any] = {type(table): table for table in intake.tables}
            kinds |= set(np.unique(tables[Truth].kind).tolist())
            vertical.append(tables[Reports].vertical)
            events += world.events()
            now += city.tick_ns
    finally:
        world.close()
    staged = {event.facts["incident"] for event in events if event.kind == "staged"}
    cleared = {event.facts["incident"] for event in events if event.kind == "cleared"}
    assert staged >= {"stalled_vehicle", "wrong_way", "pedestrian", "debris", "crash"}
    assert cleared >= staged
    assert Kind.UNKNOWN in kinds
    assert 0.1 < np.concatenate(vertical).std() < 0.5
