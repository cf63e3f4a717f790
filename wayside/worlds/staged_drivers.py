"""Staged incidents of driving: a breakdown, a drive against the lane, and a rear-end crash."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wayside.maps.tables import LaneKind
from wayside.table import F64
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.staged_places import Places
from wayside.worlds.stall import Stall
from wayside.worlds.tables import Truth

STALLED_S, CRASHED_S = 50.0, 30.0  # how long each lasts
STOPS_WITHIN_S = 15.0  # a chosen vehicle that does not stand by then has turned off
EMERGENCY = 8.0  # deceleration of the one that is hit [m/s2]
LANE_CHANGES = 1621  # SUMO's default mode
OWN_CHECKS = 31  # SUMO's default speed mode
NO_CHECKS = 0
AGAINST = 8.0  # speed against the lane [m/s]
AGAINST_S = 14.0
CLOSE_M = 25.0  # when somebody comes so near, the wrong-way driver has turned off


class Stalled:
    """A vehicle breaks down."""

    least_s = 0.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places = places
        self._stall = Stall(places.sumo, places.road, places.poles, places.readout, seed)
        self.subject, self.x, self.y, self.over = 0, np.nan, np.nan, False
        self._stood_s: float | None = None

    def begin(self, truth: Truth, away: F64) -> bool:
        """Choose one that can stop in view of a pole, with a lane to go round it."""
        if not self._stall.choose(truth.take(away > 0.0), 0.0) or self._stall.name is None:
            return False
        self.subject = identity(self._stall.name)
        row = int(np.searchsorted(truth.id, np.uint64(self.subject)))
        self.x, self.y = float(truth.x[row]), float(truth.y[row])
        return True

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Tell whether it stands."""
        rows = np.flatnonzero(truth.id == np.uint64(self.subject))
        if not len(rows):
            self.over = True
            return False
        self.x, self.y = float(truth.x[rows[0]]), float(truth.y[rows[0]])
        if truth.speed[rows[0]] < 0.1 and self._stood_s is None:
            self._stood_s = elapsed_s
        begun = self._stood_s
        self.over = elapsed_s > STOPS_WITHIN_S if begun is None else elapsed_s - begun > STALLED_S
        return begun is not None

    def shown(self, truth: Truth) -> Truth:
        """Return the truth as it is."""
        return truth

    def end(self) -> None:
        """Let it go on."""
        sumo, name = self._places.sumo, self._stall.name
        try:
            if sumo.vehicle.isStopped(name):
                sumo.vehicle.resume(name)
            sumo.vehicle.setLaneChangeMode(name, LANE_CHANGES)
        except sumo.TraCIException:
            return


class WrongWay:
    """A car that drives against its lane, unknown to SUMO; it turns off before it meets anybody."""

    least_s = 0.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places, self._seed = places, seed
        self.subject, self.x, self.y, self.over = identity(f"staged-{seed:x}"), np.nan, np.nan, False
        self._lane, self._from_m, self._heading, self._gone_m = -1, 0.0, 0.0, 0.0

    def begin(self, truth: Truth, away: F64) -> bool:
        """Choose a lane on which nobody comes for a while."""
        for place in self._places.drawn(self._seed):
            way = min(float(self._places.offset[place]), AGAINST * AGAINST_S)
            if way < 45.0 or not self._places.apart(place, truth, away):
                continue
            if self._places.clear(place, truth, way + CLOSE_M, 10.0):
                self._lane, self._from_m = int(self._places.lane[place]), float(self._places.offset[place])
                self._go(0.0)
                return True
        return False

    def _go(self, elapsed_s: float) -> None:
        self._gone_m = AGAINST * elapsed_s
        x, y, heading = self._places.road.along([self._lane], [self._from_m - self._gone_m])
        self.x, self.y = float(x[0]), float(y[0])
        self._heading = float((heading[0] + 2.0 * math.pi) % (2.0 * math.pi) - math.pi)

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Drive on; over at the beginning of the lane, or when somebody comes near."""
        self._go(elapsed_s)
        c, s = math.cos(self._heading), math.sin(self._heading)
        along = (truth.x - self.x) * c + (truth.y - self.y) * s
        across = np.abs((truth.y - self.y) * c - (truth.x - self.x) * s)
        met = (truth.kind != Kind.PEDESTRIAN) & (along > -6.0) & (along < CLOSE_M) & (across < 2.0)
        self.over = self._gone_m > self._from_m - 5.0 or elapsed_s > AGAINST_S or bool(met.any())
        return elapsed_s > 0.0

    def shown(self, truth: Truth) -> Truth:
        """Return the truth with the car in it."""
        row: dict[str, Any] = {
            "id": [self.subject], "kind": [Kind.CAR], "x": [self.x], "y": [self.y], "heading": [self._heading],
            "speed": [AGAINST], "acceleration": [0.0], "length": [4.6], "width": [1.85], "lane": [self._lane],
            "equipped": [False], "automated": [0],
        }  # fmt: skip
        car = Truth(**row)
        return Truth.concatenate([truth, car]).in_order()

    def end(self) -> None:
        """Nothing is left of it."""


class Crash:
    """Two cars one behind the other: the first brakes hard, the second runs into it."""

    least_s = 0.0

    def __init__(self, places: Places, seed: int) -> None:
        self._places, self._seed = places, seed
        self._first, self._second = "", ""
        self._touched_s: float | None = None
        self.subject, self.x, self.y, self.over = 0, np.nan, np.nan, False

    def begin(self, truth: Truth, away: F64) -> bool:
        """Choose a pair that drives close together in view of a pole."""
        road, vehicle = self._places.road, self._places.sumo.vehicle
        lane = truth.lane
        fit = (truth.kind == Kind.CAR) & (truth.automated == 0) & (truth.speed > 6.0) & (lane >= 0) & (away > 0.0)
        fit &= (road.lanes.kind[lane] == LaneKind.DRIVING) & ~road.lanes.internal[lane]
        ahead = truth.speed**2 / (2.0 * EMERGENCY) + 15.0
        x, y = truth.x + ahead * np.cos(truth.heading), truth.y + ahead * np.sin(truth.heading)
        fit &= self._places.seen(self._places.poles, x, y)
        rows = np.flatnonzero(fit).tolist()
        rows.sort(key=lambda n: identity(f"{self._seed} {int(truth.id[n])}"))
        for row in rows:
            name = self._places.readout.name_of.get(int(truth.id[row]), "")
            if not name:
                continue
            leader = vehicle.getLeader(name, 40.0)
            if not leader or not leader[0] or not 2.0 < leader[1] < 30.0 or leader[0].startswith("staged"):
                continue
            room = road.lanes.length[lane[row]] - vehicle.getLanePosition(leader[0])
            if vehicle.getLaneID(leader[0]) != vehicle.getLaneID(name) or room < 30.0:
                continue
            if vehicle.getSpeed(leader[0]) < 4.0:
                continue
            self._first, self._second = leader[0], name
            self.subject = int(truth.id[row])
            self.x, self.y = float(truth.x[row]), float(truth.y[row])
            for one in (leader[0], name):
                vehicle.setActionStepLength(one, 0.1)
                vehicle.setSpeedMode(one, NO_CHECKS)
                vehicle.setLaneChangeMode(one, 0)
            vehicle.setMinGap(name, 0.0)
            return True
        return False

    def step(self, truth: Truth, elapsed_s: float) -> bool:
        """Brake the first, let the second run on until they touch, then hold both."""
        vehicle: Any = self._places.sumo.vehicle
        row = np.flatnonzero(truth.id == np.uint64(self.subject))
        present = set(vehicle.getIDList())
        if not len(row) or self._first not in present or self._second not in present:
            self.over = True
            return False
        self.x, self.y = float(truth.x[row[0]]), float(truth.y[row[0]])
        if self._touched_s is None:
            vehicle.setSpeed(self._first, max(vehicle.getSpeed(self._first) - EMERGENCY * 0.1, 0.0))
            gap = vehicle.getLanePosition(self._first) - vehicle.getLength(self._first)
            gap -= vehicle.getLanePosition(self._second)
            speed = vehicle.getSpeed(self._second)
            same = vehicle.getLaneID(self._first) == vehicle.getLaneID(self._second)
            self.over = elapsed_s > STOPS_WITHIN_S or not same
            if gap < 0.05:
                self._touched_s = elapsed_s
            vehicle.setSpeed(self._second, max(min(max(speed, 4.0), gap / 0.1), 0.0))
        else:
            vehicle.setSpeed(self._first, 0.0)
            vehicle.setSpeed(self._second, 0.0)
            self.over = elapsed_s - self._touched_s > CRASHED_S
        return self._touched_s is not None and vehicle.getSpeed(self._second) < 0.1

    def shown(self, truth: Truth) -> Truth:
        """Return the truth as it is."""
        return truth

    def end(self) -> None:
        """Let both go on."""
        sumo = self._places.sumo
        for name in (self._first, self._second):
            try:
                sumo.vehicle.setSpeed(name, -1.0)
                sumo.vehicle.setSpeedMode(name, OWN_CHECKS)
                sumo.vehicle.setLaneChangeMode(name, LANE_CHANGES)
            except sumo.TraCIException:
                continue
        try:
            sumo.vehicle.setMinGap(self._second, 2.5)
        except sumo.TraCIException:
            return
