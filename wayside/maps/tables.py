"""The nouns of the map."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, U8, U16, Bool, Table, column


class LaneKind(IntEnum):
    """What a lane is for."""

    DRIVING = 1
    BUS = 2
    BICYCLE = 3
    SIDEWALK = 4
    CROSSING = 5
    WALKING_AREA = 6  # joins sidewalks and crossings; its middle line is its long axis


class Direction(IntEnum):
    """Which way a connection turns."""

    STRAIGHT = 1
    LEFT = 2
    RIGHT = 3
    U_TURN = 4


class Lanes(Table, key=("lane",), asset=True):
    """Lanes, those inside junctions too; a lane's points run in the direction of travel."""

    lane: I32 = column("", "index of the lane, 0, 1, 2, ...")
    edge: I32 = column("", "index of the carriageway (all lanes of one direction between two junctions)")
    number: U8 = column("", "place on the carriageway, 0 rightmost")
    kind: U8 = column("", "what it is for", codes=LaneKind)
    internal: Bool = column("", "lies inside a junction")
    length: F64 = column("m", "along the lane", places=3)
    width: F64 = column("m", "across the lane", places=2)
    speed_limit: F64 = column("m/s", "highest permitted speed", places=2)
    from_node: I32 = column("", "junction it begins at (the junction it lies in, for internal lanes)")
    to_node: I32 = column("", "junction it leads to")
    controller: I32 = column("", "signal controller at its end (own one, if it lies inside the junction), -1 none")
    first_point: I32 = column("", "index of its first row in LanePoints")
    points: I32 = column("", "number of its rows in LanePoints")


class LanePoints(Table, key=("lane", "number"), asset=True):
    """Middle lines of lanes as polylines."""

    lane: I32 = column("", "index of the lane")
    number: I32 = column("", "running number along the lane")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    offset: F64 = column("m", "distance along the lane", places=3)


class Connections(Table, key=("from_lane", "to_lane"), asset=True):
    """Which lane continues in which, through which lane inside the junction."""

    from_lane: I32 = column("", "lane it leaves; lanes inside a junction have rows of their own")
    to_lane: I32 = column("", "lane it enters")
    via_lane: I32 = column("", "first lane inside the junction, -1 none")
    direction: U8 = column("", "which way it turns", codes=Direction)
    controller: I32 = column("", "signal controller that governs it, -1 none")
    group: U8 = column("", "signal group of that controller, 1 to 63; 0 none")


class Nodes(Table, key=("node",), position=("x", "y"), asset=True):
    """Junctions."""

    node: I32 = column("", "index of the junction")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    controller: I32 = column("", "signal controller, -1 none")


class SignalPhases(Table, key=("controller", "phase", "group"), asset=True):
    """Signal programs: what each group shows in each phase."""

    controller: U16 = column("", "index of the controller")
    phase: U8 = column("", "running number of the phase in the program, from 0")
    group: U8 = column("", "signal group, from 1")
    light: U8 = column("", "a value of the signals room's Light")
    duration: F64 = column("s", "planned length of the phase", places=1)


class SignalLinks(Table, key=("controller", "link"), asset=True):
    """Which group each link index of a controller's program belongs to (the simulator's numbering).

    Links that no connection of the map has, such as those of tramways, have no row.
    """

    controller: U16 = column("", "index of the controller")
    link: I32 = column("", "link index in the program's state string")
    group: U8 = column("", "signal group, from 1")
