"""Which road users a lane of the simulator admits, and what kind of lane that makes it."""

from __future__ import annotations

from functools import lru_cache

from wayside.maps.tables import LaneKind

RAILS_AND_WATER = frozenset(
    {"tram", "rail_urban", "rail", "rail_electric", "rail_fast", "subway", "cable_car", "ship", "container"}
    | {"aircraft", "drone"}
)
SLOW = frozenset({"bicycle", "moped", "scooter", "wheelchair"})
ON_ROAD = SLOW | {
    *("private", "emergency", "authority", "army", "vip", "pedestrian", "passenger", "hov", "taxi", "bus"),
    *("coach", "delivery", "truck", "trailer", "motorcycle", "evehicle", "custom1", "custom2"),
}


@lru_cache(maxsize=1024)
def kind_of(allow: str | None, disallow: str | None) -> LaneKind | None:
    """Return the kind of a lane from its lists of admitted or of excluded classes; None if it is no road.

    A lane for everyone is a driving lane. One that only buses and coaches, perhaps with taxis and cyclists, may
    use is a bus lane; one for cyclists and mopeds a bicycle lane, unless people on foot share it, which makes it
    a sidewalk. Rails and waterways are none.

    >>> kind_of(None, "tram rail"), kind_of("bus bicycle taxi", None), kind_of("tram", None)
    (<LaneKind.DRIVING: 1>, <LaneKind.BUS: 2>, None)
    """
    if allow is not None:
        classes = ON_ROAD if "all" in allow.split() else frozenset(allow.split())
    else:
        excluded = frozenset((disallow or "").split())
        classes = frozenset() if "all" in excluded else ON_ROAD - excluded
    motor = classes - RAILS_AND_WATER - SLOW - {"pedestrian"}
    if motor:
        return LaneKind.DRIVING if motor - {"bus", "coach", "taxi"} or motor == {"taxi"} else LaneKind.BUS
    if "pedestrian" in classes:
        return LaneKind.SIDEWALK
    return LaneKind.BICYCLE if classes & SLOW else None
