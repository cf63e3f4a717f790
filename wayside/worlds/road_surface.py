"""What is wrong with the road of a simulated city: rough stretches, and works that shift traffic to one side."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from wayside.maps.road import RoadMap
from wayside.table import F64, Bool
from wayside.worlds.engine import WorldError
from wayside.worlds.tables import Truth

SMOOTH = 1.5  # index of an ordinary city street [m/km; own assumption]
REFERENCE = 22.22  # speed the index belongs to [m/s]
BODY = 0.16  # root mean square vertical acceleration of a car's body at that speed, for 1 m/km [m/s2 per m/km]


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of all lanes of one carriageway, from an instant on.

    Attributes:
        edge: name of the carriageway in the source of the map.
        from_m, to_m: distance along its lanes [m].
        from_s: seconds from the first tick.
        index: roughness, like the International Roughness Index [m/km]; as elsewhere if not given.
        shift_m: how far to the left vehicles drive there [m].
        ramp_m: way over which they go over to that, and back, inside the stretch [m].
    """

    edge: str
    from_m: float = 0.0
    to_m: float = 1e4
    from_s: float = 0.0
    index: float = SMOOTH
    shift_m: float = 0.0
    ramp_m: float = 25.0


class RoadSurface:
    """The stretches of a simulation.

    Raises:
        WorldError: a stretch names a carriageway that the map does not have.
    """

    def __init__(self, stretches: Sequence[Stretch], road: RoadMap, start_ns: int) -> None:
        self._stretches, self._start_ns = tuple(stretches), start_ns
        edges = [name.rsplit("_", 1)[0] for name in road.lane_names]
        for one in self._stretches:
            if one.edge not in edges:
                raise WorldError(f"[world.faults] road: the map has no carriageway {one.edge!r}")
        self._lanes = [np.array([name == one.edge for name in edges], np.bool_) for one in self._stretches]
        self._road = road

    def _along(self, number: int, truth: Truth, now_ns: int) -> tuple[Bool, F64]:
        """Return who is on the carriageway of a stretch, and how far along it each is [m]."""
        one, mine = self._stretches[number], (truth.lane >= 0) & self._lanes[number][truth.lane]
        if (now_ns - self._start_ns) * 1e-9 < one.from_s or not mine.any():
            return np.zeros(len(truth), np.bool_), np.zeros(0)
        rows = np.flatnonzero(mine)
        x, y, heading = self._road.along(truth.lane[rows], np.full(len(rows), one.from_m))
        ahead = (truth.x[rows] - x) * np.cos(heading) + (truth.y[rows] - y) * np.sin(heading)
        return mine, one.from_m + ahead

    def shown(self, truth: Truth, now_ns: int) -> Truth:
        """Return the truth with vehicles where the works make them drive."""
        for number, one in enumerate(self._stretches):
            if not one.shift_m:
                continue
            mine, along = self._along(number, truth, now_ns)
            if not mine.any():
                continue
            inside = np.minimum(along - one.from_m, one.to_m - along) / one.ramp_m
            off = one.shift_m * np.clip(inside, 0.0, 1.0)
            x, y = truth.x.copy(), truth.y.copy()
            x[mine] -= off * np.sin(truth.heading[mine])
            y[mine] += off * np.cos(truth.heading[mine])
            truth = truth.replace(x=x, y=y)
        return truth

    def index(self, truth: Truth, now_ns: int) -> F64:
        """Return the roughness under each road user [m/km]."""
        found = np.full(len(truth), SMOOTH)
        for number, one in enumerate(self._stretches):
            mine, along = self._along(number, truth, now_ns)
            if mine.any():
                found[mine] = np.where((along >= one.from_m) & (along <= one.to_m), one.index, found[mine])
        return found


def shaking(index: F64, speed: F64) -> F64:
    """Return the root mean square of the vertical acceleration of a body on such a road [m/s2].

    In proportion to the index, and to the square root of the speed, as the spectrum of roads has it.

    >>> np.round(shaking(np.array([2.0, 8.0]), np.array([22.22, 11.11])), 2)
    array([0.32, 0.91])
    """
    return BODY * index * np.sqrt(np.maximum(speed, 0.0) / REFERENCE)
