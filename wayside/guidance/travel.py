"""What travelling costs, read off true trajectories: distance, time lost, stops and work at the wheels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wayside.maps.road import RoadMap
from wayside.table import F64, I64
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

GRAVITY = 9.81  # [m/s2]
AIR = 1.2  # density [kg/m3]
STOPPED, GOING = 0.5, 2.0  # [m/s] a stop begins below the first, and the next one only after the second
JOULE_PER_KWH = 3.6e6


class Body(NamedTuple):
    """What resists a vehicle's motion.

    Attributes:
        mass: laden as usual [kg].
        drag: drag coefficient times frontal area [m2].
        rolling: coefficient of rolling resistance.
    """

    mass: float
    drag: float
    rolling: float


# usual values of vehicle dynamics textbooks for the middle of each class [own assumption]
BODIES = {
    Kind.CAR: Body(1_700.0, 0.65, 0.010),
    Kind.BUS: Body(14_000.0, 5.5, 0.008),
    Kind.TRUCK: Body(8_000.0, 5.0, 0.008),
    Kind.MOTORCYCLE: Body(250.0, 0.6, 0.015),
}


@dataclass(frozen=True, slots=True)
class Travel:
    """What all motor vehicles together did.

    Attributes:
        hours: time that they were there [h].
        kilometres: distance [km].
        delay_s: time lost against driving at the lane's limit, standing included [s].
        stops: how often one came to a stand.
        energy_kwh: work at the wheels; braking gives none back [kWh].
    """

    hours: float
    kilometres: float
    delay_s: float
    stops: int
    energy_kwh: float


def travel(time_ns: I64, truth: Truth, road: RoadMap) -> Travel:
    """Sum up what motor vehicles did in true trajectories.

    Args:
        time_ns: tick of each row [ns].
        truth: every road user of all ticks.
        road: the map, for the limits of lanes; off the lanes no time is lost.

    Limits: no gradients, no losses of the drive, nothing for heating and light; people and bicycles are left out;
    the time before a vehicle could enter the map is not seen.

    >>> from wayside.maps.road import RoadMap
    >>> travel(np.empty(0, np.int64), Truth.empty(), None).stops  # type: ignore[arg-type]
    0
    """
    motor = truth.kind < Kind.BICYCLE
    time_ns, truth = time_ns[motor], truth.take(motor)
    if not len(truth):
        return Travel(0.0, 0.0, 0.0, 0, 0.0)
    order = np.lexsort((time_ns, truth.id))
    time_ns, truth = time_ns[order], truth.take(order)
    spacing = np.diff(time_ns, append=time_ns[-1:]) * 1e-9
    spacing[np.diff(truth.id, append=truth.id[-1:]) != 0] = 0.0
    spacing[spacing > 1.0] = 0.0  # it was away meanwhile
    limit = np.where(truth.lane >= 0, road.lanes.speed_limit[np.maximum(truth.lane, 0)], np.inf)
    lost = np.where(np.isfinite(limit), np.maximum(1.0 - truth.speed / limit, 0.0), 0.0)
    return Travel(
        hours=float(spacing.sum()) / 3600.0,
        kilometres=float((truth.speed * spacing).sum()) / 1000.0,
        delay_s=float((lost * spacing).sum()),
        stops=_stops(truth),
        energy_kwh=float((_power(truth) * spacing).sum()) / JOULE_PER_KWH,
    )


def _power(truth: Truth) -> F64:
    """Return the power at the wheels, 0 where the vehicle rolls or brakes [W]."""
    mass, drag, rolling = np.zeros((3, 256))
    for kind, body in BODIES.items():
        mass[kind], drag[kind], rolling[kind] = body
    mass[Kind.UNKNOWN], drag[Kind.UNKNOWN], rolling[Kind.UNKNOWN] = BODIES[Kind.CAR]
    of, v = truth.kind, truth.speed
    force = mass[of] * (truth.acceleration + rolling[of] * GRAVITY) + 0.5 * AIR * drag[of] * v * v
    power: F64 = np.maximum(force * v, 0.0)
    return power


def _stops(truth: Truth) -> int:
    """Return how often a vehicle came to a stand after it had been going; rows in order of vehicle and time."""
    state = np.where(truth.speed < STOPPED, -1, np.where(truth.speed > GOING, 1, 0))
    told = np.flatnonzero(state)
    same = np.diff(truth.id[told]) == 0
    return int((same & (state[told][:-1] == 1) & (state[told][1:] == -1)).sum())
