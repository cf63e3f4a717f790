"""Reading all vehicles out of SUMO, beside the plain loop of bound getters it is held against."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bar import Bar
from wayside.maps.sumo import read_net
from wayside.table import F64
from wayside.worlds.engine import Engine
from wayside.worlds.grid import make_grid
from wayside.worlds.readout import Readout

CITIES = ((3, 240.0, 180.0), (8, 420.0, 400.0))  # streets each way, vehicles per hour and entry, warm-up [s]
REPEATS = 200
MOST_OF_PLAIN = 1.3  # times the plain loop


def plain_loop(vehicle: Any) -> Callable[[], F64]:
    """Return the reference: seven numbers per vehicle by bound getters, one list, one array."""
    position, speed, angle = vehicle.getPosition, vehicle.getSpeed, vehicle.getAngle
    acceleration, offset, lane = vehicle.getAcceleration, vehicle.getLanePosition, vehicle.getLaneIndex

    def read() -> F64:
        return np.array(
            [(*position(v), speed(v), angle(v), acceleration(v), offset(v), lane(v)) for v in vehicle.getIDList()]
        )

    return read


def best_ms(call: Callable[[], object]) -> float:
    """Return the least CPU time of one call [ms]."""
    best = np.inf
    for _ in range(REPEATS):
        begun = time.process_time_ns()
        call()
        best = min(best, (time.process_time_ns() - begun) / 1e6)
    return float(best)


def measure() -> list[Bar]:
    """Measure small and large traffic; the tables read hold more than the reference's seven numbers."""
    bars = []
    for streets, per_hour, warm_up_s in CITIES:
        with tempfile.TemporaryDirectory() as folder:
            city = make_grid(Path(folder), streets=streets, per_hour=per_hour, walkers_per_hour=0.0)
            engine = Engine(
                net=city.net,
                routes=(city.routes,),
                additional=(),
                step_s=0.1,
                seed=1,
                begin_s=0.0,
                warm_up_s=warm_up_s,
                options=("--default.action-step-length", "0.5"),
            )
            try:
                readout = Readout(engine.sumo, read_net(city.net), equipped_share=0.3, automated_share=0.0)
                vehicles = len(readout.read())
                plain = best_ms(plain_loop(engine.sumo.vehicle))
                own = best_ms(readout.read)
            finally:
                engine.close()
        each = f"{1000 * own / vehicles:.2f} us a vehicle; plain loop {1000 * plain / vehicles:.2f} us"
        bars.append(Bar(f"read-out of {vehicles} vehicles", own, "<=", MOST_OF_PLAIN * plain, "ms", each))
    return bars
