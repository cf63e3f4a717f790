"""Who may drive where, when and how."""

from __future__ import annotations

from enum import IntEnum

from wayside.admission import zones
from wayside.table import F64, I32, I64, U8, U16, U32, U64, Bool, Table, column


class VehicleClass(IntEnum):
    """Kinds of automated vehicle that hold permits."""

    NONE = 0
    ROBOTAXI = 1
    BUS = 2
    SWEEPER = 3
    PARCEL_ROBOT = 4
    CONTAINER_TRUCK = 5


class Permits(Table, key=("sender",), asset=True):
    """One automated vehicle's permit in force."""

    sender: U64 = column("", "V2X identity the vehicle is registered under")
    permit: U32 = column("", "number of the permit")
    vehicle_class: U8 = column("", "kind of vehicle", codes=VehicleClass)
    zone: U16 = column("", "operating zone it may drive in")
    max_speed: F64 = column("m/s", "highest permitted speed in automated mode", places=2)
    from_minute: U16 = column("min", "start of the daily window, local time")
    until_minute: U16 = column("min", "end of the daily window, local time; below the start if past midnight")
    min_visibility: F64 = column("m", "below this visibility it must not drive in automated mode", places=1)
    valid_until_ns: I64 = column("ns", "end of validity")


class ZoneCorners(Table, key=("zone", "number"), asset=True):
    """Outlines of zones, anticlockwise, not closed."""

    zone: U16 = column("", "number of the zone")
    number: U16 = column("", "running number of the corner")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)


class Zones(Table, key=("zone",), asset=True):
    """Operating zones and the areas that measures name."""

    zone: U16 = column("", "number of the zone")
    corners: U16 = column("", "number of corners of its outline")

    def inside(self, corners: ZoneCorners, x: F64, y: F64) -> Bool:
        """Tell which points lie in which zones: one row a point, one column a row of this table.

        A point on an outline belongs to the zone east or north of it, so that of two zones that share a
        border exactly one has it. See `wayside.admission.zones.inside`.
        """
        return zones.inside(x, y, self, corners)

    def depth(self, corners: ZoneCorners, x: F64, y: F64) -> F64:
        """Return how deep each point lies in each zone [m], negative outside; see `zones.depth`."""
        return zones.depth(x, y, self, corners)

    def own_depth(self, corners: ZoneCorners, x: F64, y: F64, own: U16) -> F64:
        """Return how deep each point lies in the zone of the number it gives [m]; see `zones.own_depth`."""
        return zones.own_depth(x, y, own, self, corners)


class Measures(Table, key=("measure",), asset=True):
    """Conditional restrictions the regulator has prepared."""

    measure: U16 = column("", "number of the measure")
    zone: U16 = column("", "zone it acts in")
    classes: U16 = column("", "bit set of the vehicle classes concerned, bit n = class n")
    visibility_below: F64 = column("m", "it begins below this visibility", places=1)
    visibility_above: F64 = column("m", "it ends above this visibility", places=1)
    max_speed: F64 = column("m/s", "speed cap while it holds; NaN none", places=2)
    closed: Bool = column("", "the classes concerned must leave the zone or stop safely")
    grace: F64 = column("s", "time allowed for complying", places=1)


class MeasureRequests(Table, key=("measure",), held=True):
    """Which prepared measures the regulator wants in force."""

    measure: U16 = column("", "number of the measure")
    active: Bool = column("", "wanted in force")
    since_ns: I64 = column("ns", "since when")
    visibility: F64 = column("m", "the visibility that decided", places=1)
    station: I32 = column("", "the station that decided, -1 none")
    turning_ns: I64 = column("ns", "since when the weather has asked for the opposite, 0 it does not")
