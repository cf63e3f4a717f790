"""A crossroads with traffic that obeys its lights, and a watcher who sees a third of it, with noise."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.maps.drawing import crossroads
from wayside.roadside.tables import Actors
from wayside.signals.tables import Light, Signals

ROAD = crossroads()
CYCLE_S, GREEN_S, YELLOW_S, ALL_RED_S = 70.0, 30.0, 3.0, 2.0
SECOND_NS = 1_000_000_000


def light_at(group: int, time_s: float) -> tuple[int, float, float]:
    """Return light, its beginning and its end [s] of vehicle group 1 or 2 in the fixed-time plan."""
    start = 0.0 if group == 1 else CYCLE_S / 2
    since = (time_s - start) % CYCLE_S
    begin = time_s - since
    if since < GREEN_S:
        return Light.PROTECTED_GREEN, begin, begin + GREEN_S
    if since < GREEN_S + YELLOW_S:
        return Light.YELLOW, begin + GREEN_S, begin + GREEN_S + YELLOW_S
    return Light.RED, begin + GREEN_S + YELLOW_S, begin + CYCLE_S


def signals_at(time_s: float, *, swapped: bool = False, shift_s: float = 0.0, promise: bool = True) -> Signals:
    """Return what the controller publishes: the plan, or another's lights, or those of another time."""
    # times are counted from a positive origin, since 0 means unknown
    rows = []
    for group in (1, 2):
        light, begin, end = light_at(3 - group if swapped else group, time_s + shift_s)
        rows.append((light, round((begin - shift_s + 1e4) * 1e9), round((end - shift_s + 1e4) * 1e9)))
    lights, since, end = zip(*rows, strict=True)
    return Signals(
        controller=[0, 0],
        group=[1, 2],
        light=lights,
        since_ns=since,
        min_end_ns=end if promise else [0, 0],
        max_end_ns=end if promise else [0, 0],
        time_ns=[round((time_s + 1e4) * 1e9)] * 2,
    )


class Traffic:
    """Cars on the eight ways through the crossroads; `flow` cars a second come in over all arms."""

    def __init__(self, seed: int, *, flow: float = 0.25, seen: float = 0.35, step_s: float = 0.1) -> None:
        self.random = np.random.default_rng(seed)
        self.flow, self.seen, self.step_s = flow, seen, step_s
        self.time_s = 0.0
        self.cars: list[dict] = []
        self.number = 1

    def tick(self) -> Actors:
        """Move everybody on and return what is seen of them."""
        self.time_s += self.step_s
        if self.random.random() < self.flow * self.step_s:
            arm, turn = int(self.random.integers(4)), self.random.choice(3, p=[0.6, 0.2, 0.2])
            via = 8 + 3 * arm + int(turn)
            after = next(
                int(c)
                for c, v in zip(ROAD.connections.to_lane, ROAD.connections.via_lane, strict=True)
                if v == via
            )
            self.cars.append(
                {
                    "id": self.number, "lanes": (2 * arm, via, after), "s": 0.0, "v": 12.0, "group": 1 + arm % 2,
                    "seen": self.random.random() < self.seen,
                    "length": float(self.random.choice([4.6, 4.6, 12.0, 16.0])),
                    "bias": self.random.normal(0, 0.4, 2), "stop": float(self.random.uniform(0.3, 2.0)),
                }
            )  # fmt: skip
            self.number += 1
        length = ROAD.lanes.length
        last: dict[int, float] = {}
        for car in sorted(self.cars, key=lambda c: -c["s"]):
            line = length[car["lanes"][0]]
            front = car["s"] + car["length"] / 2
            light, _, _ = light_at(car["group"], self.time_s)
            gap, lead = 1e3, 1e3
            ahead = last.get(car["lanes"][0])
            if ahead is not None and car["s"] < line:
                lead = ahead - front
            room = line - car["stop"] - front
            # whoever cannot stop comfortably goes on in yellow
            stops = light == Light.RED or (light == Light.YELLOW and car["v"] ** 2 / 6.0 < room)
            if room > -1.5 and stops:
                gap = room
            gap = max(min(gap, lead - 2.0), 0.0)
            # the speed from which it can stop within the gap, a second's reaction included (Krauss)
            safe = -4.5 + np.sqrt(4.5**2 + 2 * 4.5 * gap)
            top = 12.0 if car["lanes"][1] % 3 == 2 or car["s"] < line - 30 else 7.0
            car["v"] = max(min(car["v"] + 2.0 * self.step_s, safe, max(top, car["v"] - 4 * self.step_s)), 0.0)
            car["s"] += car["v"] * self.step_s
            last[car["lanes"][0]] = car["s"] - car["length"] / 2
        self.cars = [c for c in self.cars if c["s"] < sum(length[lane] for lane in c["lanes"]) - 5.0]
        return self.picture()

    def picture(self) -> Actors:
        """Return the cars that are seen, matched to the map."""
        cars = [c for c in self.cars if c["seen"]]
        count = len(cars)
        lane, offset = np.zeros(count, np.int32), np.zeros(count)
        for i, car in enumerate(cars):
            rest = car["s"]
            for on in car["lanes"]:
                lane[i], offset[i] = on, rest
                if rest <= ROAD.lanes.length[on]:
                    break
                rest -= ROAD.lanes.length[on]
        x, y, heading = ROAD.along(lane, offset)
        noise = np.array([c["bias"] for c in cars]).reshape(-1, 2) + self.random.normal(0, 0.25, (count, 2))
        x, y = x + noise[:, 0], y + noise[:, 1]
        found = ROAD.match(x, y, heading)
        zero = np.zeros(count)
        return Actors(
            id=[c["id"] for c in cars], kind=np.ones(count), x=x, y=y, heading=heading,
            speed=[max(c["v"] + e, 0.0) for c, e in zip(cars, self.random.normal(0, 0.1, count), strict=True)],
            acceleration=zero, yaw_rate=zero, length=[c["length"] for c in cars], width=zero + 1.8,
            position_sigma=zero + 0.4, lane=found.lane, offset=found.offset, lateral=found.lateral,
            sender=zero, sources=zero, measured_ns=zero,
        )  # fmt: skip


@pytest.fixture
def traffic():
    return Traffic


@pytest.fixture
def signals_of():
    return signals_at


@pytest.fixture
def light_of():
    return light_at
