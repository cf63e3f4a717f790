"""A sender that does not exist: it reports a vehicle where there is none, well in view of a pole."""

from __future__ import annotations

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Poles
from wayside.table import F64
from wayside.v2x.tables import Kind, Reports
from wayside.world import identity
from wayside.worlds.readout import share_of
from wayside.worlds.tables import Truth

NEAREST_M = 15.0  # to the pole; nearer ones may be below its view
FARTHEST_M = 55.0  # from the pole, so that it stays in view in fog
STOP_LINE_CLEAR_M = 25.0  # a ghost that stands does so before the place where real vehicles queue
BESIDE_M = 8.0  # from the vehicle whose path is copied
FASTER_THAN = 3.0  # m/s, of a vehicle worth copying
DELAY_NS = 15_000_000
LENGTH_M, WIDTH_M, SIGMA_M = 4.6, 1.8, 0.3


class Forger:
    """Reports a ghost ten times a second.

    By seed it either stands in a lane of an approach, or drives beside real vehicles, on the path of one until
    that leaves the pole's view, then on the path of the next.

    Args:
        road: the map.
        poles: the poles to be deceived.
        seed: of the Run.
        name: tells several of one Run apart.

    Attributes:
        sender: the V2X identity it invents.
        stands: it stands.
    """

    def __init__(self, road: RoadMap, poles: Poles, seed: int, name: str = "forger") -> None:
        self._seed = f"{seed}" if name == "forger" else f"{seed} {name}"
        self.sender = identity(f"{name} {seed}")
        self._spot = self._standing_place(road, poles)
        self.stands = self._spot is not None and share_of("forger stands", self._seed) < 0.5
        self._poles = poles
        self._copied = np.uint64(0)
        self._beside = (0.0, 0.0)

    def _standing_place(self, road: RoadMap, poles: Poles) -> tuple[float, float, float] | None:
        lanes = road.lanes
        approach = np.flatnonzero(
            (lanes.kind == LaneKind.DRIVING) & ~lanes.internal & (lanes.length > STOP_LINE_CLEAR_M + 20.0)
        )
        steps = np.arange(STOP_LINE_CLEAR_M, FARTHEST_M + STOP_LINE_CLEAR_M, 5.0)
        lane = np.repeat(lanes.lane[approach], len(steps))
        offset = np.repeat(lanes.length[approach], len(steps)) - np.tile(steps, len(approach))
        fits = offset > 10.0
        lane, offset = lane[fits], offset[fits]
        x, y, heading = road.along(lane, offset)
        near, _ = _nearest(x, y, poles)
        seen = np.flatnonzero((near > NEAREST_M) & (near < FARTHEST_M))
        if not len(seen):
            return None
        row = min(seen.tolist(), key=lambda n: identity(f"{self._seed} ghost {lane[n]} {offset[n]:.0f}"))
        return float(x[row]), float(y[row]), float(heading[row])

    def report(self, truth: Truth, now_ns: int) -> Reports:
        """Return what it says at this tick; nothing while there is no vehicle to copy."""
        if self.stands and self._spot is not None:
            x, y, heading = self._spot
            return self._say(now_ns, x, y, heading, 0.0, 0.0)
        row = self._copy(truth)
        if row is None:
            return Reports.empty()
        return self._say(
            now_ns,
            float(truth.x[row]) + self._beside[0],
            float(truth.y[row]) + self._beside[1],
            float(truth.heading[row]),
            float(truth.speed[row]),
            float(truth.acceleration[row]),
        )

    def _copy(self, truth: Truth) -> int | None:
        motor = (truth.kind >= Kind.CAR) & (truth.kind <= Kind.TRUCK)
        held = np.flatnonzero((truth.id == self._copied) & motor)
        if len(held) and _nearest(truth.x[held], truth.y[held], self._poles)[0][0] < FARTHEST_M:
            return int(held[0])
        distance, _ = _nearest(truth.x, truth.y, self._poles)
        usable = motor & (distance < FARTHEST_M)
        fresh = np.flatnonzero(usable & (distance > FARTHEST_M - 10.0) & (truth.speed > FASTER_THAN))
        if not len(fresh):
            self._copied = np.uint64(0)
            return None
        row = int(min(fresh.tolist(), key=lambda n: identity(f"{self._seed} copies {truth.id[n]}")))
        self._copied = truth.id[row]
        side = BESIDE_M if share_of("forger left", self._seed) < 0.5 else -BESIDE_M
        heading = float(truth.heading[row])
        self._beside = (-side * float(np.sin(heading)), side * float(np.cos(heading)))
        return row

    def _say(self, now_ns: int, x: float, y: float, heading: float, speed: float, acceleration: float) -> Reports:
        return Reports(
            sender=np.array([self.sender], np.uint64),
            time_ns=np.array([now_ns]),
            received_ns=np.array([now_ns + DELAY_NS]),
            kind=np.array([Kind.CAR], np.uint8),
            x=np.array([x]),
            y=np.array([y]),
            heading=np.array([heading]),
            speed=np.array([speed]),
            acceleration=np.array([acceleration]),
            yaw_rate=np.zeros(1),
            vertical=np.full(1, np.nan),
            length=np.array([LENGTH_M]),
            width=np.array([WIDTH_M]),
            position_sigma=np.array([SIGMA_M]),
            events=np.zeros(1, np.uint16),
        )


def _nearest(x: F64, y: F64, poles: Poles) -> tuple[F64, F64]:
    """Return the distance of each point to the nearest pole, and that as a share of the pole's range."""
    if not len(poles):
        return np.full(len(x), np.inf), np.full(len(x), np.inf)
    away = np.hypot(x[:, None] - poles.x, y[:, None] - poles.y)
    return away.min(axis=1), (away / poles.range).min(axis=1)
