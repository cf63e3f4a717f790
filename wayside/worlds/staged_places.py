"""Where incidents can be staged: in view of a pole, on a lane with room."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Poles
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.readout import Readout
from wayside.worlds.tables import Truth

IN_VIEW_M = 65.0  # distance to a pole from which it is seen even in fog
PIECE_M = 10.0  # places are looked at every so many metres of a lane
FROM_START_M, FROM_END_M = 25.0, 45.0  # nearer to a lane's ends nothing is staged
TRIES = 40
CAR_LANE_M = 2.8  # narrower lanes are for bicycles and small robots


class Places:
    """Places on lanes in view of a pole; one simulation's lifetime.

    Attributes:
        sumo, road, readout: as given.
        lane, offset, x, y, heading: the places, one every ten metres.
        poles: as given.
        flow: by carriageway, vehicles in motion summed over the looks so far.
    """

    def __init__(self, sumo: Any, road: RoadMap, poles: Poles, readout: Readout) -> None:
        self.sumo, self.road, self.readout = sumo, road, readout
        usable = (road.lanes.kind == LaneKind.DRIVING) & ~road.lanes.internal
        usable &= (road.lanes.length > FROM_START_M + FROM_END_M) & (road.lanes.width >= CAR_LANE_M)
        rows = np.flatnonzero(usable)
        count = ((road.lanes.length[rows] - FROM_START_M - FROM_END_M) // PIECE_M + 1).astype(np.int64)
        lane: I64 = np.repeat(rows, count)
        number = np.arange(len(lane)) - np.repeat(np.cumsum(count) - count, count)
        offset: F64 = FROM_START_M + PIECE_M * number.astype(np.float64)
        x, y, heading = road.along(lane, offset)
        seen: Bool = self.seen(poles, x, y)
        self.lane, self.offset, self.x, self.y, self.heading = (c[seen] for c in (lane, offset, x, y, heading))
        self.poles = poles
        self.flow: F64 = np.zeros(int(road.lanes.edge.max(initial=0)) + 1)

    @staticmethod
    def seen(poles: Poles, x: F64, y: F64) -> Bool:
        """Tell which points a pole sees well."""
        if not len(poles):
            return np.zeros(len(x), np.bool_)
        away = np.hypot(x[:, None] - poles.x, y[:, None] - poles.y)
        near: Bool = away.min(axis=1) < IN_VIEW_M
        return near

    def drawn(self, seed: int) -> list[int]:
        """Return some of the places in an order drawn from the seed."""
        count = len(self.lane)
        return [identity(f"{seed} {n}") % count for n in range(TRIES)] if count else []

    def clear(self, place: int, truth: Truth, behind_m: float, ahead_m: float) -> bool:
        """Tell whether nobody is on the lane from so far behind a place to so far ahead of it."""
        mine = truth.lane == self.lane[place]
        dx, dy = truth.x[mine] - self.x[place], truth.y[mine] - self.y[place]
        along = dx * np.cos(self.heading[place]) + dy * np.sin(self.heading[place])
        return not bool(((along > -behind_m) & (along < ahead_m)).any())

    def count(self, truth: Truth) -> None:
        """Take in how much traffic each carriageway has."""
        moving = truth.lane[(truth.lane >= 0) & (truth.speed > 3.0) & (truth.kind <= Kind.MOTORCYCLE)]
        self.flow += np.bincount(self.road.lanes.edge[moving], minlength=len(self.flow))

    def apart(self, place: int, truth: Truth, away: F64) -> bool:
        """Tell whether a place is far from other incidents; `away` as in `Act.begin`, read off the nearest row."""
        if not len(truth):
            return True
        near = np.hypot(truth.x - self.x[place], truth.y - self.y[place])
        row = int(np.argmin(near))
        return bool(away[row] > near[row])
