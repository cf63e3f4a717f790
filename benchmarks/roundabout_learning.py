"""What equipped vehicles tell of the roundabout's detections: where they lie wrong, how late, and by which point.

The recording does not say which camera saw what, and errors differ from place to place. So each of eight cells,
the quarters within 17 m of the middle and those without, counts as a pole with a displacement, a turn and
a latency of its own, near to those of the whole. Antenna and box do not mark the same point of a vehicle: by how
much they differ is estimated beside, along the vehicle and across it. It is told apart from latency because
vehicles slow down and stop, and from displacement because they come from several sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from wayside.roadside.tables import PoleQuality
from wayside.table import F64, I64

RING_M = 17.0  # about the rim of the circulating lanes
CELLS = 8
VEHICLES = 2
UNKNOWNS = 4  # displacement east and north [m], latency [s], turn [rad]
WHOLE = (1.0, 1.0, 1.0, 0.05)  # how far from nothing those of the whole may be
APART = (0.15, 0.15, 0.05, 0.0105)  # and those of a cell from the whole
ARM = (0.5, 0.3, 0.5, 0.5)  # the box ahead and left of the antenna; the second vehicle's less the first's [m]
NOISE_M = 0.3  # of one pair, from which on it counts less
CORRELATION = 10.0  # so many pairs in a row tell as much as one


def cell_of(x: Any, y: Any) -> I64:
    """Return the cell of a place: 0 to 3 for the inner east, north, west and south, 4 to 7 for the outer.

    >>> cell_of(np.array([5.0, -30.0]), np.array([0.0, 1.0])).tolist()
    [0, 6]
    """
    quarter: I64 = np.floor((np.arctan2(y, x) + np.pi / 4.0) / (np.pi / 2.0)).astype(np.int64) % 4
    cell: I64 = quarter + 4 * (np.hypot(x, y) > RING_M)
    return cell


@dataclass(frozen=True)
class Pairs:
    """Detections beside an instrumented road user.

    Attributes:
        known: when the detection had arrived [s].
        vehicle: number of the road user.
        course: direction in which it points [rad].
        x, y: where its antenna was at the scan [m].
        u, v: its velocity [m/s].
        dx, dy: where the detection lies from there [m].
    """

    known: F64
    vehicle: I64
    course: F64
    x: F64
    y: F64
    u: F64
    v: F64
    dx: F64
    dy: F64

    def take(self, rows: Any) -> Pairs:
        """Return some of the pairs."""
        return Pairs(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def together(parts: Iterable[Pairs]) -> Pairs:
        """Return the pairs of all parts."""
        columns = zip(*([getattr(part, field.name) for field in fields(part)] for part in parts), strict=True)
        return Pairs(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class Known:
    """What is known of the detections.

    Attributes:
        quality: displacement, turn and latency of each cell.
        latency: of the whole [s].
        arms: how far the box lies ahead and left of the antenna, by vehicle [m].
    """

    quality: PoleQuality
    latency: float
    arms: tuple[tuple[float, float], ...]


def offset_of(arm: tuple[float, float], course: float) -> tuple[float, float]:
    """Return how far east and north of the antenna the box lies [m].

    >>> offset_of((0.5, 0.0), np.pi / 2.0)[1]
    0.5
    """
    cosine, sine = float(np.cos(course)), float(np.sin(course))
    return cosine * arm[0] - sine * arm[1], sine * arm[0] + cosine * arm[1]


def quality_of(turn: Any, east: Any, north: Any, late: Any) -> PoleQuality:
    """Return pole quality that is sure of these errors, of each cell or of all."""
    columns = {name: np.zeros((CELLS, *c.shape), c.dtype) for name, c in PoleQuality.columns.items()}
    said = {"yaw_error": turn, "offset_x": east, "offset_y": north, "latency_s": late}
    columns |= {name: np.broadcast_to(values, CELLS) for name, values in said.items()}
    return PoleQuality(**columns | {"pole": np.arange(1, CELLS + 1, dtype=np.uint16)})


def nothing() -> Known:
    """Return what is known where nobody has told anything."""
    return Known(quality_of(0.0, 0.0, 0.0, 0.0), 0.0, ((0.0, 0.0),) * VEHICLES)


def _design(pairs: Pairs) -> F64:
    """Return by how much each unknown moves each pair, east and north in turn."""
    rows = len(pairs.x)
    zero, one = np.zeros(rows), np.ones(rows)
    moves = np.array([(one, zero), (zero, one), (-pairs.u, -pairs.v), (-pairs.y, pairs.x)])
    cell = cell_of(pairs.x, pairs.y)
    cosine, sine = np.cos(pairs.course), np.sin(pairs.course)
    arms = np.array([(cosine, sine), (-sine, cosine)])
    parts = [moves, *(moves * (cell == k) for k in range(CELLS)), arms, arms * (pairs.vehicle == 1)]
    return np.ascontiguousarray(np.concatenate(parts).transpose(2, 1, 0)).reshape(2 * rows, -1)


def _solve(pairs: Pairs) -> tuple[F64, F64]:
    """Return the unknowns by robust least squares with a prior, and what is left of each pair [m]."""
    design, wanted = _design(pairs), np.stack([pairs.dx, pairs.dy], axis=1).reshape(-1)
    prior = np.diag(NOISE_M**2 * CORRELATION / np.array([*WHOLE, *APART * CELLS, *ARM]) ** 2)
    weight: Any = np.ones(len(wanted))
    found: F64 = np.zeros(len(prior))
    left: Any = np.zeros((len(pairs.x), 2))
    for _ in range(15):
        normal = (design * weight[:, None]).T
        found = np.linalg.solve(normal @ design + prior, normal @ wanted)
        left = (wanted - design @ found).reshape(-1, 2)
        weight = np.repeat(1.0 / np.maximum(np.hypot(*left.T) / NOISE_M, 1.0), 2)
    return found, left


def learn(pairs: Pairs, latency: float) -> Known:
    """Return what pairs tell that were made with a first guess of the latency [s].

    Limits: turns are small and taken about the middle, velocities steady over the error of the guess.
    """
    found, _ = _solve(pairs)
    whole, cells = found[:UNKNOWNS], found[UNKNOWNS : UNKNOWNS * (1 + CELLS)].reshape(CELLS, UNKNOWNS)
    east, north, late, turn = (whole + cells).T
    first, second = found[-4:-2], found[-4:-2] + found[-2:]
    arms = tuple((float(ahead), float(aside)) for ahead, aside in (first, second))
    return Known(quality_of(turn, east, north, late + latency), float(whole[2] + latency), arms)


def remains(pairs: Pairs) -> F64:
    """Return how far detections lie from where they should when these very pairs have taught all there is [m].

    What no filter can take away but by averaging over scans.
    """
    _, left = _solve(pairs)
    distance: F64 = np.hypot(left[:, 0], left[:, 1])
    return distance
