"""What the cooperative services want to tell road users."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, U8, U64, Table, column


class Service(IntEnum):
    """Cooperative services, a smaller number being more urgent at equal time."""

    FORWARD_COLLISION = 1
    INTERSECTION_COLLISION = 2
    VULNERABLE_ROAD_USER = 3
    WRONG_WAY = 4
    RED_LIGHT = 5
    HAZARD_AHEAD = 6
    SPEED_LIMIT = 7


class WarningRequests(Table, key=("service", "subject", "other"), position=("x", "y"), shared=True):
    """Warnings that services want to give."""

    service: U8 = column("", "which service", codes=Service)
    subject: U64 = column("", "actor to be warned")
    other: U64 = column("", "actor, controller or incident it is warned of; 0 none")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    lead: F64 = column("s", "time until the event if nobody acts; NaN where it is already so", places=2)
    confidence: F64 = column("", "0 to 1", places=2, low=0, high=1)
    value: F64 = column("", "the number that decided, in the service's unit (s, m or m/s)", places=2)


class SpeedRequests(Table, key=("subject",), position=("x", "y")):
    """Speeds with which actors would meet a green light."""

    subject: U64 = column("", "actor to be advised")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    controller: I32 = column("", "controller it approaches")
    group: U8 = column("", "signal group it approaches")
    speed: F64 = column("m/s", "advised speed", places=2)
    distance: F64 = column("m", "to the stop line", places=1)
