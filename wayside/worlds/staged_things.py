"""Staged incidents that stand in the way: debris, a person on foot, a blocked and a slowed carriageway."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wayside.table import F64
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.areas import edge_of
from wayside.worlds.staged_places import CAR_LANE_M, Places
from wayside.worlds.tables import Truth

IN_LANE = 0  # SUMO's stop flag: traffic has to go round
FOREVER_S = 1.0e6
INSERTED_S = 1.0  # an obstacle that SUMO has not put on the road by then had no room
LYING_S, WALKING_S, BLOCKED_S, SLOWED_S = 25.0, 14.0, 90.0, 70.0  # how long each lasts
BUSY, QUEUE_ROOM_M = 0.5, 45.0  # share of the busiest carriageway's traffic, and the way before the blockage
QUEUE, QUEUE_BELOW = 4, 2.0  # vehicles slower than this [m/s] are a queue
QUEUE_GAP_M = 14.0
SLOWED = 2.4  # speed on a slowed carriageway [m/s]
SLOWED_SHARE = 0.3  # of the permitted speed; slower is congestion
CRAWLING, CRAWLERS, LIGHT_M = 0.5, 3, 30.0  # m/s, vehicles, and their distance to the stop line


class _Obstacle:
    """A body that SUMO takes for a stopped vehicle."""

    def __init__(self, places: Places, name: str, length: float, width: float) -> None:
        self._vehicle: Any = places.sumo.vehicle
        self._places, self.name, self.id = places, name, identity(name)
        self._length, self._width = length, width

    def put(self, place: int) -> bool:
        sumo, lane_name = self._places.sumo, self._places.road.lane_names[int(self._places.lane[place])]
        edge, number = edge_of(lane_name), int(lane_name.rsplit("_", 1)[1])
        kind, end = f"staged_{self._length}", float(self._places.offset[place])
        try:
            if kind not in sumo.vehicletype.getIDList():
                sumo.vehicletype.copy("DEFAULT_VEHTYPE", kind)
                sumo.vehicletype.setLength(kind, self._length)
                sumo.vehicletype.setWidth(kind, self._width)
                sumo.vehicletype.setVehicleClass(kind, "ignoring")  # may stand on any lane
            route = f"route {self.name} {place}"
            sumo.route.add(route, [edge])
            self._vehicle.add(self.name, route, kind, departLane=str(number), departPos=str(end), departSpeed="0")
            self._vehicle.setStop(self.name, edge, end, number, FOREVER_S, IN_LANE)
        except sumo.TraCIException:
            self.take_away()
            return False
        return True

    def there(self, truth: Truth) -> int:
        """Return its row in the truth, -1 none."""
        row = int(np.searchsorted(truth.id, np.uint64(self.id)))
        return row if row < len(truth) and int(truth.id[row]) == self.id else -1

    def take_away(self) -> None:
        try:
            self._vehicle.remove(self.name)
        except self._places.sumo.TraCIException:
            return


class Debris:
    """A small thing that lies on a lane."""

    kind, length, width, lasts_s = Kind.UNKNOWN, 0.8, 0.6, LYING_S
    least_s = 0.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places, self._seed, self._row = places, seed, -1
        self._obstacle = _Obstacle(places, f"staged-{seed:x}", 0.8, 0.6)
        self.subject, self.x, self.y, self.over = self._obstacle.id, np.nan, np.nan, False
        self._elapsed_s = 0.0
        self._place = -1

    def begin(self, truth: Truth, away: F64) -> bool:
        """Put it where nobody is near."""
        for place in self._places.drawn(self._seed):
            if self._places.clear(place, truth, 45.0, 8.0) and self._places.apart(place, truth, away):
                self._place = place
                self.x, self.y = float(self._places.x[place]), float(self._places.y[place])
                return self._obstacle.put(place)
        return False

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Tell whether it is there; over when its time is up, or if SUMO had no room for it."""
        self._row, self._elapsed_s = self._obstacle.there(truth), elapsed_s
        self.over = elapsed_s > self.lasts_s or (self._row < 0 and elapsed_s > INSERTED_S)
        return self._row >= 0

    def shown(self, truth: Truth) -> Truth:
        """Return the truth with the thing in place of SUMO's vehicle."""
        row = self._obstacle.there(truth)
        if row < 0:
            return truth
        changed: dict[str, Any] = {
            "kind": self.kind, "length": self.length, "width": self.width, "equipped": False, "automated": 0,
            "acceleration": 0.0, **self._moved(),
        }  # fmt: skip
        columns = {name: truth.__dict__[name].copy() for name in changed}
        for name, value in changed.items():
            columns[name][row] = value
        return truth.replace(**columns)

    def _moved(self) -> dict[str, float]:
        return {"x": self.x, "y": self.y, "speed": 0.0}

    def end(self) -> None:
        """Take it away."""
        self._obstacle.take_away()


class Walker(Debris):
    """A person who walks to and fro on a lane."""

    kind, length, width, lasts_s = Kind.PEDESTRIAN, 0.4, 0.5, WALKING_S
    SWAY_M, SPEED = 1.2, 0.9  # about the middle of the lane

    def _moved(self) -> dict[str, float]:
        turn = self.SPEED / self.SWAY_M * self._elapsed_s
        across, speed = self.SWAY_M * math.sin(turn), self.SPEED * math.cos(turn)
        heading = float(self._places.heading[self._place]) + math.copysign(0.5 * math.pi, speed)
        left = float(self._places.heading[self._place]) + 0.5 * math.pi
        return {
            "x": self.x + across * math.cos(left),
            "y": self.y + across * math.sin(left),
            "speed": abs(speed),
            "heading": (heading + math.pi) % (2.0 * math.pi) - math.pi,
        }


class Blockage:
    """A carriageway blocked on all lanes by vehicles that stand, so that a queue grows."""

    least_s = 30.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places, self._seed = places, seed
        self._obstacles: list[_Obstacle] = []
        self._lanes: list[int] = []
        self.subject, self.x, self.y, self.over = 0, np.nan, np.nan, False

    def begin(self, truth: Truth, away: F64) -> bool:
        """Block a busy carriageway where nobody is just now."""
        places, lanes = self._places, self._places.road.lanes
        usable = np.flatnonzero(places.offset >= QUEUE_ROOM_M)
        flow = places.flow[lanes.edge[places.lane[usable]]]
        if not len(flow) or not flow.max(initial=0.0):
            return False
        rows = usable[flow >= BUSY * flow.max()].tolist()
        for place in sorted(rows, key=lambda n: identity(f"{self._seed} {n}")):
            lane = int(places.lane[place])
            beside = np.flatnonzero(
                (lanes.edge == lanes.edge[lane]) & (lanes.kind == lanes.kind[lane]) & (lanes.width >= CAR_LANE_M)
            )
            same = np.isin(places.lane, beside) & (places.offset == places.offset[place])
            spots = np.flatnonzero(same).tolist()
            if len(spots) < len(beside) or not all(places.clear(n, truth, 20.0, 10.0) for n in spots):
                continue
            if not places.apart(place, truth, away):
                continue
            self.subject = int(lanes.edge[lane])
            self.x, self.y = float(places.x[place]), float(places.y[place])
            self._lanes = places.lane[spots].tolist()
            self._obstacles = [_Obstacle(places, f"staged-{self._seed:x}-{n}", 4.5, 1.8) for n in spots]
            placed = [one.put(spot) for one, spot in zip(self._obstacles, spots, strict=True)]
            if all(placed):
                return True
            self.end()
        return False

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Tell whether a queue stands behind the blockage."""
        self.over = elapsed_s > BLOCKED_S
        if any(one.there(truth) < 0 for one in self._obstacles):
            self.over |= elapsed_s > INSERTED_S
        for lane, obstacle in zip(self._lanes, self._obstacles, strict=True):
            row = obstacle.there(truth)
            if row < 0:
                continue
            mine = (truth.lane == lane) & (truth.speed < QUEUE_BELOW)
            c, s = math.cos(truth.heading[row]), math.sin(truth.heading[row])
            back = (self.x - truth.x[mine]) * c + (self.y - truth.y[mine]) * s
            back = np.sort(back[back > -3.0])
            if len(back) >= QUEUE and bool((np.diff(back[:QUEUE]) < QUEUE_GAP_M).all()):
                return True
        return False

    def shown(self, truth: Truth) -> Truth:
        """Return the truth; what blocks the way is ordinary cars without a radio."""
        rows = [row for one in self._obstacles if (row := one.there(truth)) >= 0]
        if not rows:
            return truth
        equipped, automated = truth.equipped.copy(), truth.automated.copy()
        equipped[rows], automated[rows] = False, 0
        return truth.replace(equipped=equipped, automated=automated)

    def end(self) -> None:
        """Clear the way."""
        for one in self._obstacles:
            one.take_away()


class Slowdown:
    """A carriageway on which everybody drives at walking pace."""

    least_s = 30.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places, self._seed = places, seed
        self._names: list[tuple[str, float]] = []
        self._lanes = np.empty(0, np.int64)
        self._slow_s = 0.0
        self._last_s = 0.0
        self.subject, self.x, self.y, self.over = 0, np.nan, np.nan, False

    def begin(self, truth: Truth, away: F64) -> bool:
        """Slow a carriageway that has traffic."""
        places, lanes, sumo = self._places, self._places.road.lanes, self._places.sumo
        there = np.bincount(truth.lane[(truth.lane >= 0) & (truth.speed > 3.0)], minlength=len(lanes))
        for place in places.drawn(self._seed):
            lane = int(places.lane[place])
            beside = np.flatnonzero((lanes.edge == lanes.edge[lane]) & (lanes.kind == lanes.kind[lane]))
            if there[beside].sum() < 3 or lanes.length[lane] < 90.0 or not places.apart(place, truth, away):
                continue
            self.subject = int(lanes.edge[lane])
            self.x, self.y = float(places.x[place]), float(places.y[place])
            self._lanes = beside
            names = [places.road.lane_names[n] for n in beside.tolist()]
            self._names = [(name, sumo.lane.getMaxSpeed(name)) for name in names]
            for name in names:
                sumo.lane.setMaxSpeed(name, SLOWED)
            return True
        return False

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Tell whether three vehicles on one lane have crawled for five seconds, none of them near its end.

        Only those count that are in view of a pole or speak: what nobody could know is no fact to be found.
        """
        self.over = elapsed_s > SLOWED_S
        road, slow = self._places.road, False
        for lane in self._lanes.tolist():
            mine = (truth.lane == lane) & (truth.kind >= Kind.CAR) & (truth.kind <= Kind.MOTORCYCLE)
            mine &= truth.equipped | self._places.seen(self._places.poles, truth.x, truth.y)
            mine &= (truth.speed > CRAWLING) & (truth.speed < SLOWED_SHARE * road.lanes.speed_limit[lane])
            x, y, _ = road.along([lane], [road.lanes.length[lane]])
            slow |= int((np.hypot(truth.x[mine] - x[0], truth.y[mine] - y[0]) > LIGHT_M).sum()) >= CRAWLERS
        self._slow_s = self._slow_s + elapsed_s - self._last_s if slow else 0.0
        self._last_s = elapsed_s
        return self._slow_s >= 5.0

    def shown(self, truth: Truth) -> Truth:
        """Return the truth as it is."""
        return truth

    def end(self) -> None:
        """Give the speed back."""
        for name, speed in self._names:
            self._places.sumo.lane.setMaxSpeed(name, speed)
