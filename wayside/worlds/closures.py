"""Leaving the lane and standing safely where a measure closes a zone, and going on when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from wayside.worlds.areas import edge_of

PARKED = 1  # SUMO's stop flag: off the lane
FOREVER_S = 1.0e6
COMFORTABLE = 1.5  # deceleration a stop is planned with [m/s2]
LANE_CHANGE_M = 15.0  # way one lane change takes at least [m]
MARGIN_M = 8.0  # beyond the braking distance
CREEPING = 3.0  # m/s
QUEUE_MARGIN_M = 1.5  # the same, and the distance from the stop line, of a vehicle that creeps
JUNCTION_CLEAR_M = 12.0  # nobody stops nearer to the end of a carriageway
ENTRY_CLEAR_M = 10.0  # nor nearer to its beginning
LOOK_AHEAD_EDGES = 6
RETRY_NS = 500_000_000


@dataclass(slots=True)
class _Halt:
    edge: str
    number: int
    end: float


class PullOvers:
    """Makes vehicles stand at the kerb, one by one, and lets them go.

    Args:
        sumo: the running simulation.

    Limits: SUMO takes a parked vehicle off the lane without room being needed for it.
    """

    def __init__(self, sumo: Any) -> None:
        self._sumo = sumo
        self._halts: dict[str, _Halt] = {}
        self._next_try: dict[str, int] = {}
        self._kerbs: dict[tuple[str, str], int] = {}

    def _kerb(self, edge: str, vehicle_class: str) -> int:
        """Return the number of the outermost lane that a class of SUMO may use, -1 if none."""
        known = self._kerbs.get((edge, vehicle_class))
        if known is None:
            lane, known = self._sumo.lane, -1
            for number in range(self._sumo.edge.getLaneNumber(edge)):
                allowed = lane.getAllowed(f"{edge}_{number}")
                # no class named means all of them
                if not allowed or vehicle_class in allowed:
                    known = number
                    break
            self._kerbs[edge, vehicle_class] = known
        return known

    def __contains__(self, name: str) -> bool:
        return name in self._halts

    def halt(self, name: str, now_ns: int) -> bool:
        """Let a vehicle stand at the next place where it can; tell whether it has one.

        A try that fails is repeated half a second later at the earliest.
        """
        if name in self._halts:
            return True
        if self._next_try.get(name, 0) > now_ns:
            return False
        self._next_try[name] = now_ns + RETRY_NS
        for edge, number, end in self._places(name):
            try:
                self._sumo.vehicle.setStop(name, edge, end, number, FOREVER_S, PARKED)
            except self._sumo.TraCIException:
                continue
            self._halts[name] = _Halt(edge, number, end)
            return True
        return False

    def _places(self, name: str) -> Iterator[tuple[str, int, float]]:
        """Yield carriageways, lanes and positions ahead where the vehicle could stand, the nearest first."""
        vehicle, lane_length = self._sumo.vehicle, self._sumo.lane.getLength
        here, speed, kind = vehicle.getRoadID(name), vehicle.getSpeed(name), vehicle.getVehicleClass(name)
        # whoever creeps in a queue need not wait for the signal to find a place behind it
        margin, clear = (QUEUE_MARGIN_M, QUEUE_MARGIN_M) if speed < CREEPING else (MARGIN_M, JUNCTION_CLEAR_M)
        needed = speed * speed / (2.0 * COMFORTABLE) + margin
        route = vehicle.getRoute(name)
        first = vehicle.getRouteIndex(name)
        passed = -vehicle.getLanePosition(name)
        if here.startswith(":"):
            # inside a junction: the carriageway it left is behind it
            first += 1
            passed = 0.0
        else:
            needed += LANE_CHANGE_M * abs(vehicle.getLaneIndex(name) - self._kerb(here, kind))
        for edge in route[max(first, 0) : first + LOOK_AHEAD_EDGES]:
            number = self._kerb(edge, kind)
            length = lane_length(f"{edge}_{max(number, 0)}")
            end = max(needed - passed, ENTRY_CLEAR_M)
            if number >= 0 and end <= length - clear:
                yield edge, number, end
            passed += length
            clear = JUNCTION_CLEAR_M

    def release(self, names: Iterable[str], present: frozenset[str]) -> None:
        """Let vehicles go on that stand or are about to; those not held are left alone."""
        vehicle = self._sumo.vehicle
        for name in names:
            halt = self._halts.pop(name, None)
            self._next_try.pop(name, None)
            if halt is None or name not in present:
                continue
            if vehicle.isStopped(name) and self._is_at(name, halt):
                vehicle.resume(name)
            else:
                # the same stop with no duration cancels it
                vehicle.setStop(name, halt.edge, halt.end, halt.number, 0.0, PARKED)

    def _is_at(self, name: str, halt: _Halt) -> bool:
        stop = self._sumo.vehicle.getStops(name, 1)[0]
        return edge_of(stop.lane) == halt.edge and abs(stop.endPos - halt.end) < 0.1

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the vehicles that stand or are about to."""
        return tuple(self._halts)
