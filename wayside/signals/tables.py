"""What signals show, will show, and whether the road agrees."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, I64, U8, U16, U32, Table, column


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


class StopLineCounts(Table, key=("controller", "group"), held=True):
    """What vehicles did at each group's stop lines, beside what the group said."""

    controller: U16 = column("", "number of the controller in the map")
    group: U8 = column("", "signal group, from 1")
    passed_green: U32 = column("", "vehicles that passed while green or yellow")
    passed_red: F64 = column("", "vehicles that passed well into red, forgetting with time", places=3)
    waited_green: F64 = column("", "vehicle-seconds at rest at the line well into green, forgetting", places=3)
    total_red: U32 = column("", "vehicles that passed well into red, all")
    since_ns: I64 = column("ns", "when a conflict was found, 0 none")


class SignalControllers(Table, key=("controller",), position=("x", "y"), asset=True):
    """Signal controllers of the city."""

    controller: U16 = column("", "number of the controller in the map")
    x: F64 = column("m", "middle of its intersection, east of the city's origin", places=3)
    y: F64 = column("m", "middle of its intersection, north of the city's origin", places=3)
    unit: I32 = column("", "roadside unit that speaks for it, -1 none")
