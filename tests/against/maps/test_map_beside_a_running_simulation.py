"""The map beside SUMO's own opinion of where its vehicles are and what its signals show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.maps.programs import light_of
from wayside.maps.sumo import read_net

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "networks"
pytestmark = [
    pytest.mark.skipif(find_spec("libsumo") is None, reason="needs wayside[sumo]"),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real networks at {DATA}; set WAYSIDE_DATA"),
]
CITIES = [
    ("cologne3", "cologne3.net.xml", ()),
    ("bologna_acosta", "acosta_buslanes.net.xml", ("acosta_tls.add.xml",)),
]

# the simulator runs in a process of its own: it allows one simulation a process and writes to standard output
SIMULATION = """
import json, sys
import libsumo
libsumo.start(["sumo", "-c", sys.argv[1], "--no-step-log", "--no-warnings", "--step-length", "1"])
vehicles, lights = [], []
for second in range(300):
    libsumo.simulationStep()
    if second % 10 == 0:
        for v in libsumo.vehicle.getIDList():
            x, y = libsumo.vehicle.getPosition(v)
            vehicles.append((x, y, libsumo.vehicle.getAngle(v), libsumo.vehicle.getLaneID(v)))
        for t in libsumo.trafficlight.getIDList():
            state = libsumo.trafficlight.getRedYellowGreenState(t)
            lights.append((t, libsumo.trafficlight.getPhase(t), state))
libsumo.close()
with open(sys.argv[2], "w") as file:
    json.dump([vehicles, lights], file)
"""


@pytest.fixture(scope="module", params=CITIES, ids=[city for city, _, _ in CITIES])
def city(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, list[Any], list[Any]]:
    name, net, more = request.param
    out = tmp_path_factory.mktemp(name) / "seen.json"
    config = DATA / name / f"{name}.sumocfg"
    subprocess.run([sys.executable, "-c", SIMULATION, str(config), str(out)], check=True, capture_output=True)
    vehicles, lights = json.loads(out.read_text())
    return read_net(DATA / name / net, programs=[DATA / name / file for file in more]), vehicles, lights


def test_vehicles_are_matched_to_the_lane_the_simulator_has_them_on(
    city: tuple[Any, list[Any], list[Any]],
) -> None:
    road, vehicles, _ = city
    index = {name: i for i, name in enumerate(road.lane_names)}
    x, y, angle = np.array([row[:3] for row in vehicles]).T
    lane = np.array([index[row[3]] for row in vehicles])
    match = road.match(x, y, np.radians(90.0 - angle))
    inside = road.lanes.internal[lane]
    assert len(lane) > 1000
    assert (match.lane == lane)[~inside].mean() > 0.995
    assert (match.lane == lane)[inside].mean() > 0.97  # lanes overlap there
    assert (match.lane >= 0).all()


def test_groups_show_what_the_simulator_shows_in_each_phase(city: tuple[Any, list[Any], list[Any]]) -> None:
    road, _, lights = city
    index = {name: i for i, name in enumerate(road.controller_names)}
    phases = {
        (c, p, g): light
        for c, p, g, light in zip(
            *(getattr(road.phases, name).tolist() for name in ("controller", "phase", "group", "light")),
            strict=True,
        )
    }
    links = list(
        zip(road.links.controller.tolist(), road.links.link.tolist(), road.links.group.tolist(), strict=True)
    )
    checked = set()
    for name, phase, state in lights:
        for controller, link, group in links:
            if controller == index[name]:
                assert phases[controller, phase, group] == light_of(state[link]), (name, phase, link)
                checked.add((name, phase))
    assert len(checked) > 3 * len(index)
