"""Time of the security objects: TAI seconds since 2004 began in UTC; ours is nanoseconds since 1970, UTC.

Source: IEEE 1609.2-2022 (Time32, Time64, Duration), which YD/T 3957-2021 follows; leap seconds of IERS Bulletin C.
Limits: knows the leap seconds up to 2026, and takes it that none follows: a later one must be added to `LEAPS`,
or what was written after it reads one second late. A leap second itself shares its number in UTC with the next.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime

S, MS, US = 1_000_000_000, 1_000_000, 1_000  # [ns]
EPOCH_NS = int(datetime(2004, 1, 1, tzinfo=UTC).timestamp()) * S  # [ns since 1970 UTC]
LEAPS = tuple(  # first instants of UTC behind one more leap second [ns since 1970 UTC]
    int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * S
    for year, month in ((2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1))
)
_LEAPS_TAI = tuple(leap - EPOCH_NS + (index + 1) * S for index, leap in enumerate(LEAPS))  # [ns TAI since 2004]
DURATIONS = {  # what one unit of a Duration lasts [ns]
    "microseconds": US,
    "milliseconds": MS,
    "seconds": S,
    "minutes": 60 * S,
    "hours": 3600 * S,
    "sixtyHours": 60 * 3600 * S,
    "years": 31_556_952 * S,  # the mean year of the calendar
}


def utc_of(tai_ns: int) -> int:
    """Return the UTC instant [ns since 1970] of a TAI one [ns since 2004 began in UTC].

    >>> utc_of(0) == EPOCH_NS, utc_of(660798991 * S) // S
    (True, 1733714186)
    """
    return tai_ns + EPOCH_NS - bisect_right(_LEAPS_TAI, tai_ns) * S


def tai_of(utc_ns: int) -> int:
    """Return the TAI instant [ns since 2004 began in UTC] of a UTC one [ns since 1970].

    >>> tai_of(1733714186 * S) // S
    660798991
    """
    return utc_ns - EPOCH_NS + bisect_right(LEAPS, utc_ns) * S


def duration_ns(duration: dict[str, int]) -> int:
    """Return how long a Duration lasts [ns].

    >>> duration_ns({"hours": 1239}) // S
    4460400
    """
    ((unit, number),) = duration.items()
    return DURATIONS[unit] * number
