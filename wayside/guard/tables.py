"""What is allowed. A World accepts nothing else."""

from __future__ import annotations

from enum import IntEnum

from wayside.guidance.tables import GrantReason, Manoeuvre, Reason, Service
from wayside.table import F64, I32, I64, U8, U16, U64, Bool, Table, column


class Verdict(IntEnum):
    """What the guard decided, and why."""

    APPROVED = 0
    LIMITED = 1  # approved with a smaller value than asked
    LESS_URGENT = 2  # the subject is being told something more urgent
    REPEATED = 3  # said a moment ago
    IMPLAUSIBLE = 4  # the request itself makes no sense
    SITE_LIMIT = 5  # cut to hold the site under its limit
    FAULTY = 6  # the device does not obey and is switched off
    REMEMBERED = 7  # nobody asks now; kept so that it is not said again too soon; never goes out
    NOT_ASKED = 8  # nobody asked, so nothing is allowed


class WarningOrders(Table, key=("service", "subject", "other"), position=("x", "y")):
    """Warnings and what became of them; only approved ones go out."""

    service: U8 = column("", "which service", codes=Service)
    subject: U64 = column("", "actor to be warned")
    other: U64 = column("", "what it is warned of; 0 none")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    lead: F64 = column("s", "time until the event if nobody acts; NaN where it is already so", places=2)
    reason: U8 = column("", "what made the service ask", codes=Reason)
    verdict: U8 = column("", "what the guard decided", codes=Verdict)
    said_ns: I64 = column("ns", "when this warning last went out, 0 never")


class SpeedOrders(Table, key=("subject",), position=("x", "y")):
    """Advised speeds that may be given."""

    subject: U64 = column("", "actor to be advised")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    speed: F64 = column("m/s", "advised speed; NaN where none may be given", places=2)
    verdict: U8 = column("", "what the guard decided", codes=Verdict)


class ManoeuvreOrders(Table, key=("sender", "number"), position=("x", "y")):
    """Answers to requests of vehicles; approved ones go out, and those that were limited to a refusal."""

    sender: U64 = column("", "temporary identity of the vehicle that asked")
    number: U8 = column("", "its number for the request")
    kind: U8 = column("", "what it asked for", codes=Manoeuvre)
    x: F64 = column("m", "of the vehicle, east of the city's origin", places=3)
    y: F64 = column("m", "of the vehicle, north of the city's origin", places=3)
    granted: Bool = column("", "it may")
    reason: U8 = column("", "why, or why not", codes=GrantReason)
    lane: I32 = column("", "lane it may come to, -1 none")
    node: I32 = column("", "junction it may pass, -1 none")
    direction: U8 = column("", "which way it may turn there, a Direction; 0 not said")
    area_x: F64 = column("m", "middle of the area about which it is told; NaN none", places=2)
    area_y: F64 = column("m", "the same, north", places=2)
    area_radius: F64 = column("m", "radius of that area; NaN none", places=2)
    speed: F64 = column("m/s", "speed it should drive with; NaN none", places=2)
    opens: F64 = column("s", "from now until it may be done; 0 at once, NaN unknown", places=2)
    closes: F64 = column("s", "from now until it must be done; NaN unknown", places=2)
    helper: U64 = column("", "sender that is asked to make room, 0 none")
    helper_speed: F64 = column("m/s", "speed with which that one makes room; NaN none", places=2)
    verdict: U8 = column("", "what the guard decided", codes=Verdict)
    said_ns: I64 = column("ns", "when this answer last went out, 0 never")


class MeasureOrders(Table, key=("measure",), held=True):
    """Measures in force, as published to fleets."""

    measure: U16 = column("", "number of the measure")
    zone: U16 = column("", "zone it acts in")
    classes: U16 = column("", "bit set of the vehicle classes concerned")
    max_speed: F64 = column("m/s", "speed cap; NaN none", places=2)
    closed: Bool = column("", "the classes concerned must leave the zone or stop safely")
    since_ns: I64 = column("ns", "in force since")
    grace_until_ns: I64 = column("ns", "to be complied with from then on")


class ChargingOrders(Table, key=("charger",), held=True):
    """The power each charger may draw."""

    charger: U16 = column("", "number of the charger")
    site: I32 = column("", "number of its site, -1 no such charger")
    limit_kw: F64 = column("kW", "power it may draw", places=2)
    verdict: U8 = column("", "what the guard decided", codes=Verdict)
    since_ns: I64 = column("ns", "since when this order stands")
