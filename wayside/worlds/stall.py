"""A vehicle that breaks down in its lane, mid-block, where no signal explains why it stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Poles
from wayside.table import F64, Bool
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.areas import edge_of
from wayside.worlds.readout import Readout
from wayside.worlds.tables import Truth

IN_LANE = 0  # SUMO's stop flag: traffic has to go round
FOREVER_S = 1.0e6
BRAKES = 3.0  # deceleration of a vehicle that breaks down [m/s2]
QUEUE_CLEAR_M = 45.0  # it stands at least that far before the end of its carriageway
IN_VIEW_M = 65.0  # distance to a pole from which it is seen even in fog
PATIENCE_S = 10.0  # so long a better place is waited for


class Stall:
    """Chooses a vehicle and stops it; one simulation's lifetime.

    Args:
        sumo: the running simulation.
        road: the map.
        poles: the poles that might see it.
        readout: knows the vehicles' names.
        seed: of the Run.

    Attributes:
        name: the vehicle that was chosen, None so far.
    """

    def __init__(self, sumo: Any, road: RoadMap, poles: Poles, readout: Readout, seed: int) -> None:
        self._sumo, self._road, self._poles, self._readout, self._seed = sumo, road, poles, readout, seed
        self.name: str | None = None
        lanes = road.lanes
        usable = (lanes.kind == LaneKind.DRIVING) & ~lanes.internal
        beside = np.bincount(lanes.edge[usable], minlength=int(lanes.edge.max(initial=0)) + 1)
        self._usable: Bool = usable
        self._roomy: Bool = usable & (beside[lanes.edge] > 1)

    def choose(self, truth: Truth, waited_s: float) -> bool:
        """Stop a vehicle if there is one in a place that is good enough by now; tell whether it was done.

        At first only a place in view of a pole and with a lane to go round will do; each ten seconds of waiting
        one wish is dropped.
        """
        lane = truth.lane
        ordinary = (truth.kind == Kind.CAR) & (truth.automated == 0) & (truth.speed > 4.0) & (lane >= 0)
        ordinary &= self._usable[lane]
        ahead = truth.speed**2 / (2.0 * BRAKES) + 5.0
        # where it will stand counts, not where it is
        seen = self._in_view(truth.x + ahead * np.cos(truth.heading), truth.y + ahead * np.sin(truth.heading))
        known = seen | truth.equipped
        roomy = ordinary & self._roomy[lane]
        ranks = [roomy & seen, roomy & known, ordinary & known, ordinary]
        vehicle = self._sumo.vehicle
        for rank in ranks[: 1 + int(waited_s / PATIENCE_S)]:
            drawn = {identity(f"{self._seed} stall {truth.id[n]}"): n for n in np.flatnonzero(rank).tolist()}
            for _, row in sorted(drawn.items()):
                name = self._readout.name_of[int(truth.id[row])]
                end = vehicle.getLanePosition(name) + float(ahead[row])
                lane_name = self._road.lane_names[int(lane[row])]
                if end > self._sumo.lane.getLength(lane_name) - QUEUE_CLEAR_M:
                    continue
                try:
                    vehicle.setStop(name, edge_of(lane_name), end, vehicle.getLaneIndex(name), FOREVER_S, IN_LANE)
                except self._sumo.TraCIException:
                    continue
                vehicle.setLaneChangeMode(name, 0)  # a broken-down vehicle does not look for a better lane
                self.name = name
                return True
        return False

    def _in_view(self, x: F64, y: F64) -> Bool:
        if not len(self._poles):
            return np.zeros(len(x), np.bool_)
        away = np.hypot(x[:, None] - self._poles.x, y[:, None] - self._poles.y)
        seen: Bool = away.min(axis=1) < IN_VIEW_M
        return seen
