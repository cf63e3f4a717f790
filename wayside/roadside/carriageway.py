"""What has no business on a carriageway: people on foot away from crossings, and things that lie there."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Actors
from wayside.table import I64, Bool
from wayside.v2x.tables import Kind

SEEN = 2  # bit of `sources`
CARRIAGEWAY = (LaneKind.DRIVING, LaneKind.BUS)
PAVEMENTS = (LaneKind.SIDEWALK, LaneKind.WALKING_AREA)
# an enumeration's members are slow to look up
_UNKNOWN, _CAR, _TRUCK, _PEDESTRIAN = (int(kind) for kind in (Kind.UNKNOWN, Kind.CAR, Kind.TRUCK, Kind.PEDESTRIAN))
_CROSSING, _SIDEWALK = int(LaneKind.CROSSING), int(LaneKind.SIDEWALK)
REACH_M = 3.0  # half of the widest lane, and more


class CarriagewayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as being on the carriageway, and as a thing."""

    inside_m: float = 0.3  # farther inside a lane's edge than that
    beside_m: float = 1.5  # people walk that far beside a crossing
    kerb_m: float = 1.0  # and so near to the edge of a pavement they may be on it
    walks_below: float = 3.0  # faster is no pedestrian, whatever a pole calls it [m/s]
    lies_below: float = 0.4  # a thing that lies has no speed; its estimate may have some [m/s]
    thing_m: float = 2.5  # what no class explains is a thing if it is no longer than that
    too_short_m: float = 2.0  # no car, truck or bus is that short


@lru_cache(maxsize=8)
def _has_crossings(road: RoadMap) -> bool:
    """Tell whether a map knows where people may cross."""
    return bool((road.lanes.kind == _CROSSING).any())


def walking(actors: Actors, fresh: Bool, road: RoadMap, config: CarriagewayConfig) -> tuple[I64, I64]:
    """Return the rows of people on foot on a carriageway away from crossings, and the lane each is on.

    Limits: a map without any crossing cannot tell where people may cross; there, the inside of junctions does not
    count.
    """
    on_foot = fresh & (actors.kind == _PEDESTRIAN) & (actors.speed < config.walks_below)
    on_foot &= (actors.sources & SEEN) > 0
    rows = np.flatnonzero(on_foot)
    crossings = _has_crossings(road)
    if crossings:
        # most walk where they should, as their own match tells already
        rows = rows[~_on_footway(actors, rows, road, config)]
    rows, lane = _on_lanes(actors, rows, road, config.inside_m)
    if not len(rows):
        return rows, lane
    if crossings:
        x, y = actors.x[rows], actors.y[rows]
        away = ~(road.distance(x, y, kinds=(LaneKind.CROSSING,)) <= config.beside_m)
        away &= ~(road.distance(x, y, kinds=PAVEMENTS) <= config.kerb_m)
    else:
        away = ~road.lanes.internal[lane]
    return rows[away], lane[away]


def _on_footway(actors: Actors, rows: I64, road: RoadMap, config: CarriagewayConfig) -> Bool:
    """Tell which people on foot are surely beside or on the crossing or pavement that they are matched to."""
    lane, offset = np.maximum(actors.lane[rows], 0), actors.offset[rows]
    kind = road.lanes.kind[lane]
    beside = np.abs(actors.lateral[rows]) - 0.5 * road.lanes.width[lane]
    least = np.where(kind == _CROSSING, config.beside_m, config.kerb_m)
    walked = (kind == _CROSSING) | (kind == _SIDEWALK)
    # past either end of a lane the distance across says little
    between = (offset > 0.0) & (offset < road.lanes.length[lane])
    footway: Bool = (actors.lane[rows] >= 0) & walked & between & (beside <= least)
    return footway


def lying(actors: Actors, fresh: Bool, road: RoadMap, config: CarriagewayConfig) -> tuple[I64, I64]:
    """Return the rows of small things that lie on a carriageway and that no class explains, and their lanes."""
    unexplained = (actors.kind == _UNKNOWN) & (actors.length <= config.thing_m)
    misfit = (actors.kind >= _CAR) & (actors.kind <= _TRUCK) & (actors.length < config.too_short_m)
    still = fresh & (actors.speed < config.lies_below) & (actors.sender == 0) & ((actors.sources & SEEN) > 0)
    return _on_lanes(actors, np.flatnonzero((unexplained | misfit) & still), road, config.inside_m)


def _on_lanes(actors: Actors, rows: I64, road: RoadMap, inside_m: float) -> tuple[I64, I64]:
    """Return those of the rows that are well inside a lane for vehicles, and that lane."""
    if not len(rows):
        return rows, rows
    unknown = np.full(len(rows), np.nan)
    found = road.match(actors.x[rows], actors.y[rows], unknown, reach_m=REACH_M, kinds=CARRIAGEWAY)
    half = 0.5 * road.lanes.width[np.maximum(found.lane, 0)]
    inside = (found.lane >= 0) & (np.abs(found.lateral) <= half - inside_m)
    return rows[inside], found.lane[inside].astype(np.int64)
