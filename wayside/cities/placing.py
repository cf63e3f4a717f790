"""The rule by which roadside equipment, a charging site and a pilot zone are placed on any map.

1. A roadside unit stands in the middle of each signalised junction and speaks for its controller.
2. Up to six sensing poles stand at the junctions with the most approach lanes, among equals at those nearest to
   the middle of all, 250 m or more from each other.
3. Two weather stations stand at the two ends of the map's longer axis.
4. One charging site with eight chargers stands beside the street nearest to the map's middle.
5. The pilot zone is the convex hull of the map and 30 m around it. The core is a box around the three junctions
   with the most approach lanes that lie nearest together.
6. Two measures are prepared against fog: a speed cap in the whole zone, and the core closed to those who need to
   see farthest.

A map without signals is treated as if its largest junctions had some, 400 m or more apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull, QhullError

from wayside.admission.tables import Measures, Permits, VehicleClass, ZoneCorners, Zones
from wayside.energy.tables import Chargers, Sites
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Poles, Units, WeatherStations
from wayside.signals.tables import SignalControllers
from wayside.table import F64, I64, Table
from wayside.world import identity

UNIT_RANGE_M = 300.0  # radio range
POLE_RANGE_M = 100.0
POLE_SIGMA_M = 0.3  # per axis, of a near detection
MOST_POLES = 6
POLES_APART_M = 250.0
MOST_UNITS_UNSIGNALISED = 6
UNITS_APART_M = 400.0
ZONE_MARGIN_M = 30.0
CORE_JUNCTIONS = 3
CORE_MARGIN_M = 60.0
ROUND_CORNERS = 8  # corners of the circle that stands for a margin

PILOT_ZONE, CORE_ZONE = 1, 2
RATED_KW = (180.0, 180.0, 120.0, 120.0, 120.0, 120.0, 60.0, 60.0)
SITE_LIMIT_KW = 400.0
MINIMUM_KW = 6.0

FOG_BELOW_M, FOG_OVER_ABOVE_M = 200.0, 300.0
FOG_SPEED = 30 / 3.6  # m/s
FOG_GRACE_S, CLOSING_GRACE_S = 30.0, 60.0
EVERY_CLASS = sum(1 << one for one in VehicleClass if one is not VehicleClass.NONE)
NEAR_SIGHTED = (1 << VehicleClass.ROBOTAXI) | (1 << VehicleClass.PARCEL_ROBOT)

PERMITTED_SPEED = {  # m/s
    VehicleClass.ROBOTAXI: 60 / 3.6,
    VehicleClass.BUS: 50 / 3.6,
    VehicleClass.SWEEPER: 20 / 3.6,
    VehicleClass.PARCEL_ROBOT: 25 / 3.6,
    VehicleClass.CONTAINER_TRUCK: 50 / 3.6,
}
FROM_MINUTE, UNTIL_MINUTE = 6 * 60, 22 * 60
MIN_VISIBILITY_M = 50.0
FIRST_PERMIT = 1001

T = TypeVar("T", bound=Table)


def _table(kind: type[T], **columns: ArrayLike) -> T:
    return kind(**columns).canonical()


@dataclass(frozen=True)
class Junctions:
    """Where equipment may stand: one row per signal controller, or per large junction on a map without any.

    Attributes:
        x, y: its middle [m].
        controller: number of the controller, -1 none.
        approaches: motor lanes that lead to it.
    """

    x: F64
    y: F64
    controller: I64
    approaches: I64


def junctions(road: RoadMap) -> Junctions:
    """Return the junctions at which equipment may stand."""
    lanes, nodes = road.lanes, road.nodes
    motor = np.isin(lanes.kind, (LaneKind.DRIVING, LaneKind.BUS)) & ~lanes.internal
    many = len(road.controller_names)
    at_node = np.bincount(lanes.to_node[motor & (lanes.to_node >= 0)], minlength=len(nodes))[: len(nodes)]
    if many:
        owned = nodes.controller >= 0
        owner, share = nodes.controller[owned], np.ones(int(owned.sum()))
        count = np.bincount(owner, share, many)
        with np.errstate(invalid="ignore"):
            x = np.bincount(owner, nodes.x[owned], many) / count
            y = np.bincount(owner, nodes.y[owned], many) / count
        there = np.flatnonzero(count > 0)
        controlled = lanes.controller[motor & (lanes.controller >= 0)]
        approaches = np.bincount(controlled, minlength=many)
        return Junctions(x[there], y[there], there.astype(np.int64), approaches[there].astype(np.int64))
    big = np.flatnonzero(at_node > 2)
    chosen = big[_apart(nodes.x[big], nodes.y[big], at_node[big], UNITS_APART_M, MOST_UNITS_UNSIGNALISED)]
    none = np.full(len(chosen), -1, np.int64)
    return Junctions(nodes.x[chosen], nodes.y[chosen], none, at_node[chosen].astype(np.int64))


def _apart(x: F64, y: F64, weight: I64, least: float, most: int) -> I64:
    """Return the heaviest rows, in falling weight, each at least that far from those before it."""
    chosen: list[int] = []
    if not len(x):
        return np.zeros(0, np.int64)
    inward = np.rint(np.hypot(x - x.mean(), y - y.mean()))
    for row in np.lexsort((np.arange(len(x)), inward, -weight)).tolist():
        if len(chosen) < most and all(np.hypot(x[row] - x[c], y[row] - y[c]) >= least for c in chosen):
            chosen.append(row)
    return np.array(chosen, np.int64)


def place_units(spots: Junctions) -> tuple[Units, SignalControllers]:
    """Place a roadside unit in the middle of each junction; unit n + 1 speaks for controller n."""
    signalised = spots.controller >= 0
    number = np.where(signalised, spots.controller, np.arange(len(spots.x))) + 1
    units = _table(
        Units,
        unit=number,
        x=spots.x,
        y=spots.y,
        range=np.full(len(number), UNIT_RANGE_M),
        controller=spots.controller,
    )
    controllers = _table(
        SignalControllers,
        controller=spots.controller[signalised],
        x=spots.x[signalised],
        y=spots.y[signalised],
        unit=number[signalised],
    )
    return units, controllers


def place_poles(spots: Junctions) -> Poles:
    """Place sensing poles at the junctions with the most approach lanes, well apart; pole 1 at the largest."""
    chosen = _apart(spots.x, spots.y, spots.approaches, POLES_APART_M, MOST_POLES)
    return _table(
        Poles,
        pole=np.arange(1, len(chosen) + 1),
        x=spots.x[chosen],
        y=spots.y[chosen],
        range=np.full(len(chosen), POLE_RANGE_M),
        position_sigma=np.full(len(chosen), POLE_SIGMA_M),
        controller=spots.controller[chosen],
    )


def place_stations(road: RoadMap) -> WeatherStations:
    """Place a weather station at either end of the map's longer axis."""
    x, y = road.points.x, road.points.y
    along = x if np.ptp(x) >= np.ptp(y) else y
    ends = [int(along.argmin()), int(along.argmax())]
    return _table(WeatherStations, station=[1, 2], x=x[ends], y=y[ends])


def place_chargers(
    x: float,
    y: float,
    *,
    rated_kw: Sequence[float] = RATED_KW,
    limit_kw: float = SITE_LIMIT_KW,
    minimum_kw: float = MINIMUM_KW,
) -> tuple[Sites, Chargers]:
    """Place a charging site with its chargers.

    Args:
        x, y: where [m].
        rated_kw: greatest power of each charger.
        limit_kw: what the site may draw.
        minimum_kw: least power of a session.
    """
    many = len(rated_kw)
    sites = _table(Sites, site=[1], x=[x], y=[y], limit_kw=[limit_kw])
    chargers = _table(
        Chargers,
        charger=np.arange(1, many + 1),
        site=np.ones(many),
        rated_kw=rated_kw,
        minimum_kw=np.full(many, minimum_kw),
    )
    return sites, chargers


def _middle(road: RoadMap) -> tuple[float, float]:
    """Return the point of a motor lane nearest to the middle of the map."""
    x, y = road.points.x, road.points.y
    motor = road.lanes.kind[road.points.lane] == LaneKind.DRIVING
    usable = np.flatnonzero(motor & ~road.lanes.internal[road.points.lane])
    away = np.hypot(x - (x.min() + x.max()) / 2, y - (y.min() + y.max()) / 2)
    nearest = usable[away[usable].argmin()] if len(usable) else away.argmin()
    return float(x[nearest]), float(y[nearest])


def hull(x: F64, y: F64, margin: float) -> tuple[F64, F64]:
    """Return the corners of the convex hull of points and a margin around it, anticlockwise, not closed.

    >>> x, y = hull(np.array([0.0, 10.0, 10.0, 0.0, 5.0]), np.array([0.0, 0.0, 10.0, 10.0, 5.0]), 1.0)
    >>> float(x.min()), float(y.max()) >= 11.0
    (-1.0, True)
    """
    angle = 2 * np.pi * np.arange(ROUND_CORNERS) / ROUND_CORNERS
    reach = margin / np.cos(np.pi / ROUND_CORNERS)  # the polygon holds the circle
    with suppress(QhullError):  # too few points, or all on one line: then every point counts
        outer = ConvexHull(np.column_stack([x, y])).vertices
        x, y = x[outer], y[outer]
    angle += np.pi / ROUND_CORNERS  # flat towards the axes
    around_x, around_y = x[:, None] + reach * np.cos(angle), y[:, None] + reach * np.sin(angle)
    around = np.column_stack([around_x.ravel(), around_y.ravel()])
    around = np.unique(np.rint(around * 1000) / 1000, axis=0)
    corners = ConvexHull(around).vertices
    first = int(np.lexsort((around[corners, 1], around[corners, 0]))[0])
    corners = np.roll(corners, -first)
    return around[corners, 0], around[corners, 1]


def box(x: F64, y: F64, margin: float) -> tuple[F64, F64]:
    """Return the corners of the box around points and a margin, anticlockwise from the south-west."""
    west, south, east, north = x.min() - margin, y.min() - margin, x.max() + margin, y.max() + margin
    return np.array([west, east, east, west]), np.array([south, south, north, north])


def core(spots: Junctions) -> I64:
    """Return the rows of busy junctions that lie together: the busiest, and from the busier half the nearest."""
    if not len(spots.x):
        return np.zeros(0, np.int64)
    order = np.lexsort((np.arange(len(spots.x)), -spots.approaches))
    first, busy = order[0], order[: max(CORE_JUNCTIONS, len(order) // 2)]
    away = np.hypot(spots.x[busy] - spots.x[first], spots.y[busy] - spots.y[first])
    found: I64 = busy[np.lexsort((busy, away))[:CORE_JUNCTIONS]].astype(np.int64)
    return found


def place_zones(road: RoadMap, core_x: F64, core_y: F64) -> tuple[Zones, ZoneCorners]:
    """Draw the pilot zone around the map, and the core around the given points; no points, no core."""
    outlines = [(PILOT_ZONE, *hull(road.points.x, road.points.y, ZONE_MARGIN_M))]
    if len(core_x):
        outlines.append((CORE_ZONE, *box(core_x, core_y, CORE_MARGIN_M)))
    sizes = [len(x) for _, x, _ in outlines]
    numbers = [zone for zone, _, _ in outlines]
    corners = _table(
        ZoneCorners,
        zone=np.repeat(numbers, sizes),
        number=np.concatenate([np.arange(n) for n in sizes]),
        x=np.concatenate([x for _, x, _ in outlines]),
        y=np.concatenate([y for _, _, y in outlines]),
    )
    return _table(Zones, zone=numbers, corners=sizes), corners


def fog_measures(*, with_core: bool = True) -> Measures:
    """Prepare the measures against fog: a speed cap in the pilot zone, and the core closed."""
    return _table(
        Measures,
        measure=[1, 2],
        zone=[PILOT_ZONE, CORE_ZONE],
        classes=[EVERY_CLASS, NEAR_SIGHTED],
        visibility_below=[FOG_BELOW_M] * 2,
        visibility_above=[FOG_OVER_ABOVE_M] * 2,
        max_speed=[FOG_SPEED, np.nan],
        closed=[False, True],
        grace=[FOG_GRACE_S, CLOSING_GRACE_S],
    ).take(slice(None, 2 if with_core else 1))


def permits(names: Sequence[str], classes: Sequence[VehicleClass], zone: int, valid_until_ns: int) -> Permits:
    """Make permits for named vehicles.

    Args:
        names: the vehicles' names, from which their V2X identities follow.
        classes: their kinds, one a name.
        zone: the operating zone they may drive in.
        valid_until_ns: end of validity [ns since 1970].

    >>> made = permits(["sweeper-01"], [VehicleClass.SWEEPER], 1, 0)
    >>> float(made.max_speed[0])
    5.56
    """
    many = len(names)
    return _table(
        Permits,
        sender=np.array([identity(name) for name in names], np.uint64),
        permit=np.arange(FIRST_PERMIT, FIRST_PERMIT + many),
        vehicle_class=np.array(classes, np.uint8),
        zone=np.full(many, zone),
        max_speed=np.array([PERMITTED_SPEED[one] for one in classes], np.float64),
        from_minute=np.full(many, FROM_MINUTE),
        until_minute=np.full(many, UNTIL_MINUTE),
        min_visibility=np.full(many, MIN_VISIBILITY_M),
        valid_until_ns=np.full(many, valid_until_ns),
    )


def place(road: RoadMap) -> tuple[Table, ...]:
    """Place equipment, a charging site, a pilot zone and its measures on a map by the rule above.

    Limits: it knows lanes and signals and nothing else; it cannot see what stands in a pole's way.
    """
    spots = junctions(road)
    inner = core(spots)
    return (
        place_poles(spots),
        *place_units(spots),
        place_stations(road),
        *place_chargers(*_middle(road)),
        *place_zones(road, spots.x[inner], spots.y[inner]),
        fog_measures(with_core=len(inner) > 0),
    )
