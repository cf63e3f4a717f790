"""Real networks start and run as they are, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NETWORKS = Path(__file__).parents[4] / "shared" / "data" / "networks"
FILES = {
    "cologne3": ("cologne3.net.xml", ["cologne3.rou.xml"], []),
    "ingolstadt7": ("ingolstadt7.net.xml", ["ingolstadt7.rou.xml"], []),
    "bologna_acosta": (
        "acosta_buslanes.net.xml",
        ["acosta.rou.xml", "acosta_busses.rou.xml"],
        [f"acosta_{what}.add.xml" for what in ("vtypes", "detectors", "bus_stops", "tls")],
    ),
    "shenzhen_pingshan": ("shenzhen_pingshan.net.xml", ["shenzhen_pingshan.rou.xml"], []),
    "shenzhen_futian": ("shenzhen_futian.net.xml.gz", ["shenzhen_futian.rou.xml.gz"], []),
}
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from wayside.frame import Frame
from wayside.maps.sumo import read_net
from wayside.signals.tables import Signals
from wayside.worlds.sumo import SumoConfig, open_world
from wayside.worlds.tables import Truth
folder, net, routes, additional = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
programs = [folder / name for name in additional if "tls" in name]
road = read_net(folder / net, programs=programs)
config = SumoConfig(
    net=net, routes=tuple(routes), additional=tuple(additional),
    warm_up=120.0, action_step_s=0.5, automated_share=0.1,
)
world = open_world(
    config, folder=folder, seed=1, start_ns=0, tick_ns=10**8, seconds=10.0, road=road, assets=(), edge=None
)
most, off, lights = 0, 0.0, 0
for tick in range(100):
    intake = world.poll(tick * 10**8)
    frame = Frame(intake.time_ns, intake.tables)
    truth = frame[Truth]
    most, lights = max(most, len(truth)), max(lights, len(frame[Signals]))
    off = max(off, float(np.mean(truth.lane < 0)) if len(truth) else 0.0)
    world.act(Frame(intake.time_ns), ())
automated = int((truth.automated > 0).sum())
x, y, _ = road.along(truth.lane, np.zeros(len(truth)))
beyond = float((np.hypot(truth.x - x, truth.y - y) - road.lanes.length[truth.lane]).max())
assert world.poll(100 * 10**8) is None
world.close()
print(json.dumps({"most": most, "off": off, "lights": lights, "automated": automated, "beyond": beyond}))
"""


@pytest.mark.parametrize("name", FILES)
def test_a_real_network_runs(name: str) -> None:
    folder = NETWORKS / name
    if not folder.is_dir():
        pytest.skip(f"the network {name} is not on this machine ({folder})")
    net, routes, additional = FILES[name]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), net, json.dumps(routes), json.dumps(additional)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["most"] > 20
    assert found["lights"] > 5
    assert found["automated"] > 0
    assert found["off"] == 0.0
    # a vehicle lies no further from its lane's beginning than the lane is long, but for its own length
    assert found["beyond"] < 20.0
