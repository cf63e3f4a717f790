"""What signals show, will show, and whether the road agrees."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, I64, U8, U16, U32, U64, Table, column


class Light(IntEnum):
    """Aspect of a signal group; the values of LightState in the message set."""

    UNAVAILABLE = 0
    DARK = 1
    FLASHING_RED = 2
    RED = 3
    FLASHING_GREEN = 4
    PERMISSIVE_GREEN = 5
    PROTECTED_GREEN = 6
    YELLOW = 7
    FLASHING_YELLOW = 8


class Signals(Table, key=("controller", "group")):
    """What each controller says its groups show now."""

    controller: U16 = column("", "number of the controller in the map")
    group: U8 = column("", "signal group (phase id of SPAT and MAP), from 1")
    light: U8 = column("", "what it shows", codes=Light)
    since_ns: I64 = column("ns", "when it began to show it")
    min_end_ns: I64 = column("ns", "earliest end the controller promises, 0 unknown")
    max_end_ns: I64 = column("ns", "latest end the controller promises, 0 unknown")
    time_ns: I64 = column("ns", "instant of the controller's statement")


class SignalForecasts(Table, key=("controller", "group")):
    """What each group shows and when it will change, as SPAT publishes it."""

    controller: U16 = column("", "number of the controller in the map")
    group: U8 = column("", "signal group, from 1")
    light: U8 = column("", "what it shows", codes=Light)
    min_end: F64 = column("s", "earliest time to the end of this light; NaN unknown", places=1)
    likely_end: F64 = column("s", "likely time to the end of this light; NaN unknown", places=1)
    max_end: F64 = column("s", "latest time to the end of this light; NaN unknown", places=1)
    next_green: F64 = column("s", "likely time to the next start of green, 0 if green; NaN unknown", places=1)
    next_green_duration: F64 = column("s", "likely length of that green; NaN unknown", places=1)


class LightHistory(Table, key=("controller", "group", "light"), held=True):
    """How long each group showed each light when it last ended, and in which order: the forecaster's memory."""

    controller: U16 = column("", "number of the controller in the map")
    group: U8 = column("", "signal group, from 1")
    light: U8 = column("", "the light", codes=Light)
    since_ns: I64 = column("ns", "when it last began")
    until_ns: I64 = column("ns", "when it last ended, 0 if it shows now or never ended")
    duration: F64 = column("s", "smoothed length; NaN unknown", places=2)
    spread: F64 = column("s", "mean deviation of the length; NaN unknown", places=2)
    next_light: U8 = column("", "what followed it last", codes=Light)


class Passages(Table, key=("actor",), position=("x", "y")):
    """Vehicles before a stop line or in the junction behind it: what the watch over signals remembers of them."""

    actor: U64 = column("", "identity of the actor")
    x: F64 = column("m", "east of the city's origin", places=1)
    y: F64 = column("m", "north of the city's origin", places=1)
    seen_ns: I64 = column("ns", "when it was last seen on a lane that counts")
    edge: I32 = column("", "carriageway it approaches on or came from, -1 none")
    controller: I32 = column("", "controller at the end of that carriageway, -1 none")
    groups: U64 = column("", "bit g set: group g may govern the lane it was last on before the line")
    front_ns: I64 = column("ns", "when its front passed the line, 0 not yet")
    front_red: U64 = column("", "bit g set: group g was well into red then")
    passed_ns: I64 = column("ns", "when its centre passed the line, 0 not yet")
    passed_red: U64 = column("", "bit g set: group g was well into red at both instants")
    passed_open: U64 = column("", "bit g set: group g was not red at the second")
    waited: F64 = column("s", "time at rest at the line well into green, capped", places=2)
    from_edge: I32 = column("", "carriageway it came from, in the tick in which it leaves the junction; else -1")
    to_edge: I32 = column("", "carriageway it leaves on, in that tick; else -1")
    red: U64 = column("", "the groups of passed_red, in that tick")
    open: U64 = column("", "the groups of passed_open, in that tick")
    waiting: F64 = column("s", "what this tick added to the time at rest", places=2)


class StopLineCounts(Table, key=("controller", "group"), held=True):
    """What vehicles did at each group's stop lines, beside what the group said."""

    controller: U16 = column("", "number of the controller in the map")
    group: U8 = column("", "signal group, from 1")
    passed_green: F64 = column("", "vehicles that passed while not red, forgetting with time", places=3)
    passed_red: F64 = column("", "vehicles that passed well into red, forgetting with time", places=3)
    waited_green: F64 = column("s", "vehicle-seconds at rest at the line well into green, forgetting", places=3)
    total_green: U32 = column("", "vehicles that passed while not red, all")
    total_red: U32 = column("", "vehicles that passed well into red, all")
    forgotten_ns: I64 = column("ns", "when it last forgot")
    since_ns: I64 = column("ns", "when a conflict was found, 0 none")


class SignalControllers(Table, key=("controller",), position=("x", "y"), asset=True):
    """Signal controllers of the city."""

    controller: U16 = column("", "number of the controller in the map")
    x: F64 = column("m", "middle of its intersection, east of the city's origin", places=3)
    y: F64 = column("m", "middle of its intersection, north of the city's origin", places=3)
    unit: I32 = column("", "roadside unit that speaks for it, -1 none")
