"""Who is believed."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I64, U8, U16, U64, Bool, Table, column


class Distrust(IntEnum):
    """Why a sender is not believed."""

    NONE = 0
    JUMPS = 1  # its positions do not follow from its speeds
    OFF_ROAD = 2  # it claims to drive where there is no road
    UNSEEN = 3  # it claims to be in clear view of a pole that does not see it
    IMPLAUSIBLE_SPEED = 4  # no road vehicle moves like that


class Trust(Table, key=("sender",), position=("x", "y")):
    """What is remembered of each sender's honesty."""

    sender: U64 = column("", "V2X identity")
    time_ns: I64 = column("ns", "instant of its last report")
    x: F64 = column("m", "last reported position, east of the city's origin", places=2)
    y: F64 = column("m", "last reported position, north of the city's origin", places=2)
    speed: F64 = column("m/s", "last reported speed", places=2)
    heading: F64 = column("rad", "last reported heading", places=3)
    reports: U16 = column("", "reports heard, capped")
    jumps: F64 = column("", "evidence for JUMPS, forgetting", places=3)
    off_road: F64 = column("", "evidence for OFF_ROAD, forgetting", places=3)
    impossible: F64 = column("", "evidence for IMPLAUSIBLE_SPEED, forgetting", places=3)
    unseen: F64 = column(
        "s", "evidence for UNSEEN: time in clear view of a pole and not seen, forgetting", places=3
    )
    seen: F64 = column("s", "evidence against UNSEEN: time a pole saw it, capped and forgetting", places=3)
    distrusted: Bool = column("", "its reports are refused")
    reason: U8 = column("", "why", codes=Distrust)
    since_ns: I64 = column("ns", "since when it is distrusted, 0 never")
    until_ns: I64 = column("ns", "it stays distrusted at least until then, 0 it is not")


class PoleReach(Table, key=("pole",), position=("x", "y")):
    """How far each pole has been seen to see lately."""

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "of the pole, east of the city's origin", places=2)
    y: F64 = column("m", "of the pole, north of the city's origin", places=2)
    reach: F64 = column("m", "distance of its farthest detections, shrinking with time", places=2)
    time_ns: I64 = column("ns", "instant of that")
