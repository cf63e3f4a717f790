"""A World in a process of its own: the same ticks, the same errors, and nothing left behind."""

from __future__ import annotations

import os
import pickle
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wayside.apart import WorldApart, can_be_apart
from wayside.config import City, ConfigError, read_city
from wayside.errors import WaysideError
from wayside.opening import Opened, open_city
from wayside.operate import operate
from wayside.outside import Outside
from wayside.roadside.tables import Poles
from wayside.v2x.tables import Reports
from wayside.worlds.tables import Truth

pytestmark = pytest.mark.skipif(not can_be_apart(), reason="needs a second core, and a system that forks")
SECONDS = 4.0


@pytest.fixture(scope="module")
def city() -> City:
    return read_city("pingshan").with_world(warm_up=30.0)


def digests(opened: Opened) -> list[bytes]:
    """Run a city to its end and return what its ticks hash to."""
    found: list[bytes] = []
    try:
        operate(
            opened.world,
            opened.pipeline,
            edge=opened.edge,
            recorder=None,
            ticks=round(SECONDS * 10),
            on_tick=lambda _, frame: found.append(frame.digest()),
        )
    finally:
        opened.world.close()
    return found


def test_every_tick_is_the_same_as_in_one_process(city: City) -> None:
    one = open_city(city, seed=3, seconds=SECONDS)
    two = open_city(city, seed=3, seconds=SECONDS, apart=True)
    assert digests(one) == digests(two)
    told = [[(event.time_ns, event.kind, event.facts) for event in opened.world.events()] for opened in (one, two)]
    assert told[0] == told[1]
    assert told[0][-1][1] == "simulated"


def outside_of(city: City, folder: Path) -> Outside:
    opened = open_city(city, seed=1, seconds=1.0)
    opened.world.close()
    road = opened.world.road
    return replace(
        Outside.of(city, road, opened.world.assets, seed=1, seconds=1.0, shuffle_seed=None), folder=folder
    )


def test_an_error_on_opening_comes_back_as_it_was(city: City) -> None:
    wrong = outside_of(city, city.folder)
    with pytest.raises(ConfigError, match="no_such_setting"):
        WorldApart(replace(wrong, world={**wrong.world, "no_such_setting": 1}))


def test_a_process_that_dies_is_named(city: City) -> None:
    world = WorldApart(outside_of(city, city.folder))
    assert world.poll(world.start_ns) is not None
    os.kill(world._process.pid, signal.SIGKILL)
    with pytest.raises(WaysideError, match="ended with code -9"):
        for tick in range(1, 4):
            world.poll(world.start_ns + tick * world.tick_ns)
    world.close()
    assert world._process.poll() is not None


def test_closing_in_the_middle_leaves_no_process(city: City) -> None:
    world = WorldApart(outside_of(city, city.folder))
    world.poll(world.start_ns)
    world.close()
    assert world._process.returncode == 0
    assert [event.kind for event in world.events()][-1:] == ["simulated"]


def test_tables_pass_between_processes_unchanged() -> None:
    poles = Poles(
        pole=[7, 3, 9], x=[1.0, 2.0, np.nan], y=[0.0, -0.5, 3.0], range=[80.0] * 3, position_sigma=[0.3] * 3,
        controller=[-1, -1, 4],
    )  # fmt: skip
    passed = pickle.loads(pickle.dumps(poles))
    assert passed == poles
    assert not passed.x.flags.writeable
    assert passed.x.flags.aligned
    assert pickle.loads(pickle.dumps(Truth.empty())) == Truth.empty()
    assert pickle.loads(pickle.dumps(Reports.empty())).columns == Reports.columns
