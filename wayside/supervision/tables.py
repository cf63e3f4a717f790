"""What was found wrong, and the cases that follow."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I64, U8, U32, U64, Bool, Table, column


class Rule(IntEnum):
    """What a finding is about."""

    OUTSIDE_ZONE = 1
    CLOSED_ZONE = 2  # in a zone that a measure has closed, after the time allowed for leaving
    SPEED_ABOVE_PERMIT = 3
    SPEED_ABOVE_MEASURE = 4
    OUTSIDE_HOURS = 5
    VISIBILITY_BELOW_PERMIT = 6
    PERMIT_EXPIRED = 7
    SILENT = 8
    POLE_MISALIGNED = 20
    SIGNAL_CONFLICT = 21
    SENDER_DISTRUSTED = 22
    STALLED_VEHICLE = 23
    WRONG_WAY = 24
    CHARGER_ABOVE_ORDER = 25
    SITE_ABOVE_LIMIT = 26
    SENDER_REJECTED = 27  # messages in its name without a valid certificate or signature
    PEDESTRIAN_ON_ROAD = 40  # away from a crossing
    DEBRIS = 41
    CRASH = 42
    LANE_SHIFTED = 43  # vehicles no longer drive where the published map has the lane
    ROUGH_ROAD = 44
    POLE_SILENT = 51  # here and below: 50 and the number of the PoleFault
    POLE_FROZEN = 52
    POLE_SHIFTED = 54
    POLE_CLOCK_OFFSET = 55
    POLE_CLOCK_DRIFT = 56
    POLE_LATE = 57
    POLE_BLIND_SECTOR = 58
    POLE_SHORT_SIGHTED = 59
    POLE_GHOSTS = 60
    POLE_NOISY = 61
    POLE_MISCLASSIFYING = 62


class Findings(Table, key=("rule", "subject"), position=("x", "y"), shared=True):
    """What is wrong at this tick; a finding stays as long as what it finds."""

    rule: U8 = column("", "what is wrong", codes=Rule)
    subject: U64 = column("", "vehicle (V2X identity), actor, pole, controller, charger or site concerned")
    x: F64 = column("m", "where, east of the city's origin", places=3)
    y: F64 = column("m", "where, north of the city's origin", places=3)
    since_ns: I64 = column("ns", "since when it is so, as far as known")
    value: F64 = column("", "what was measured, in the rule's unit", places=3)
    limit: F64 = column("", "what was allowed, in the rule's unit; NaN none", places=3)


class Watch(Table, key=("sender", "rule"), position=("x", "y")):
    """Conditions that hold for a permitted vehicle, whether or not they have lasted long enough to be a finding.

    Each vehicle that was ever heard also has a row SILENT, which remembers where and when that was.
    """

    sender: U64 = column("", "V2X identity of the vehicle")
    rule: U8 = column("", "condition", codes=Rule)
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    since_ns: I64 = column("ns", "since when it holds; SILENT: when the last report came in")
    last_ns: I64 = column("ns", "when it was last seen to hold; SILENT: when that is last known to matter")
    value: F64 = column("", "what was measured, in the rule's unit", places=3)
    limit: F64 = column("", "what was allowed, in the rule's unit; NaN none", places=3)


class Cases(Table, key=("case",), held=True):
    """Findings of one rule and subject gathered into one case."""

    case: U32 = column("", "number of the case, in order of opening")
    rule: U8 = column("", "what is wrong", codes=Rule)
    subject: U64 = column("", "whom it concerns")
    x: F64 = column("m", "where it was opened, east of the city's origin", places=3)
    y: F64 = column("m", "where it was opened, north of the city's origin", places=3)
    opened_ns: I64 = column("ns", "when it was opened")
    since_ns: I64 = column("ns", "since when the matter is so, as far as known")
    last_ns: I64 = column("ns", "when the finding last stood")
    worst: F64 = column("", "worst value measured, in the rule's unit", places=3)
    limit: F64 = column("", "what was allowed, in the rule's unit; NaN none", places=3)
    open: Bool = column("", "the finding still stands or ended less than a minute ago")
