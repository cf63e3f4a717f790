"""What is remembered between ticks to judge the poles; only this room reads it."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I64, U8, U16, U64, Bool, Table, column

_SIX = "place from the pole, velocity and difference of position, each east and north"


class Sight(IntEnum):
    """What became of a vehicle in a pole's scan."""

    UNTOLD = 0  # no scan, out of view, or several detections could be meant
    SEEN = 1
    MISSED = 2
    HIDDEN = 3  # something seen stands in front of it


class PoleObjects(Table, key=("pole", "first_ns", "number"), position=("x", "y"), held=True, checkpointed=True):
    """What stands in each pole's lists from scan to scan, followed by nearness alone, as a check of the lists."""

    pole: U16 = column("", "number of the pole")
    first_ns: I64 = column("ns", "instant of the first scan it stood in")
    number: U16 = column("", "the pole's own number for it in that scan")
    time_ns: I64 = column("ns", "instant of the newest scan it stood in")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    velocity_x: F64 = column("m/s", "eastward, as the pole says; 0 unknown", places=3)
    velocity_y: F64 = column("m/s", "northward, as the pole says; 0 unknown", places=3)
    surprise: F64 = column("m2", "squared distance from where its velocity led, per axis; NaN not known", places=4)
    repeated: Bool = column("", "it stands in the newest scan exactly where it stood in the one before")
    ended: Bool = column("", "it has not come back; the row goes at the next tick")
    inner: Bool = column("", "it appeared well inside the pole's range")


class PolePairs(Table, key=("pole", "sender"), position=("x", "y"), held=True, checkpointed=True):
    """Vehicles that report themselves near a pole, and how the pole sees them.

    Differences are detection less report. The mean is over all scans in which the two were paired. `base`
    follows as fast as a vehicle's own error of position changes, and `level` says how much of it it has taken up:
    what a scan brings beside these is new, whatever came before (`quality_geometry`).
    """

    pole: U16 = column("", "number of the pole")
    sender: U64 = column("", "V2X identity")
    x: F64 = column("m", "of the pole, east of the city's origin", places=3)
    y: F64 = column("m", "of the pole, north of the city's origin", places=3)
    time_ns: I64 = column("ns", "instant of its newest report")
    sight: U8 = column("", "what became of it in this tick's scan", codes=Sight)
    bearing: F64 = column("rad", "from the pole, anticlockwise from east", places=3)
    distance: F64 = column("m", "from the pole", places=2)
    speed: F64 = column("m/s", "as it says", places=2)
    sigma: F64 = column("m", "its own standard deviation of position per axis", places=2)
    begun_ns: I64 = column("ns", "instant at which it was first paired, 0 not yet")
    samples: U16 = column("", "scans in which it was paired, capped")
    now: F64 = column("m, m/s", f"{_SIX}; NaN not paired at this tick", places=3, shape=(6,))
    error_heading: F64 = column("rad", "difference of heading; NaN not known", places=4)
    kind_agrees: Bool = column("", "both say the same class")
    mean: F64 = column("m, m/s", "mean of `now` over the passage", places=5, shape=(6,))
    base: F64 = column("m, m/s", "what was to be expected of `now`, after this tick", places=5, shape=(6,))
    level: F64 = column("", "the same of a constant 1", places=6)
    gain: F64 = column("", "by how much the newest scan moved `base`", places=6)
    recent_error_x: F64 = column("m", "smoothed error_x, to know it again by", places=3)
    recent_error_y: F64 = column("m", "smoothed error_y, to know it again by", places=3)
    cell: U16 = column("", "sector and ring of the pole's view it is in, see PoleSight")
    cell_scans: U16 = column("", "scans of it with the same outcome in that cell, capped")


class PoleSight(Table, key=("pole", "cell"), position=("x", "y"), held=True, checkpointed=True):
    """What each pole sees of vehicles that should be seen, by sector of bearing and ring of distance."""

    pole: U16 = column("", "number of the pole")
    cell: U16 = column("", "ring times 12 plus sector: rings of a fifth of the range, sectors of 30 degrees")
    x: F64 = column("m", "of the pole, east of the city's origin", places=3)
    y: F64 = column("m", "of the pole, north of the city's origin", places=3)
    time_ns: I64 = column("ns", "instant up to which the sums forget")
    seen: F64 = column("", "scans of vehicles that were seen, with forgetting", places=3)
    missed: F64 = column("", "scans of vehicles that should have been and were not, with forgetting", places=3)
    doubt: F64 = column("", "missed less seen since they last were even, at least 0", places=3)
