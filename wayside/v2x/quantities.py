"""Numbers of the message set and what they stand for, for whole columns at once.

Each wire number has a step and a value that means unknown, which is NaN on our side. What lies beyond the
greatest number is cut to it.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

from wayside.asn1.program import ABSENT
from wayside.asn1.rows import Rows
from wayside.table import F64, I64, U8
from wayside.v2x.tables import Kind

SPEED_STEP = 0.02  # m/s
LENGTH_STEP = 0.01  # m
NO_SPEED = 8191
NO_ACCELERATION = 2001
NO_AXIS = 255  # PositionalAccuracy
RADIUS_95 = 2.4477  # radius that holds 95 % of a plane normal distribution, in standard deviations per axis
MINUTE_NS = 60_000_000_000
MILLISECOND_NS = 1_000_000
NO_MARK = 65_535  # secMark unknown
LAST_MARK = 60_999  # within a leap second

# PositionConfidence: the wire names, and the 95 % radius [m] each promises
CONFIDENCES = (
    "unavailable", "a500m", "a200m", "a100m", "a50m", "a20m", "a10m", "a5m", "a2m", "a1m",
    "a50cm", "a20cm", "a10cm", "a5cm", "a2cm", "a1cm",
)  # fmt: skip
CONFIDENCE_RADII = np.array([np.nan, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01])

# VehicleClassification of each Kind, in the order of the enumeration
CLASSIFICATION = np.array([0, 10, 54, 25, 40, 85, 82])
_FIRST_OF_KIND = (  # first classification of a range, and what it is to us
    (0, Kind.UNKNOWN), (10, Kind.CAR), (20, Kind.TRUCK), (40, Kind.MOTORCYCLE), (50, Kind.BUS),
    (60, Kind.CAR), (62, Kind.TRUCK), (66, Kind.CAR), (80, Kind.UNKNOWN), (82, Kind.PEDESTRIAN),
    (83, Kind.UNKNOWN), (85, Kind.BICYCLE), (86, Kind.UNKNOWN),
)  # fmt: skip
KIND_OF_CLASSIFICATION: U8 = np.zeros(256, np.uint8)
for _first, _kind in _FIRST_OF_KIND:
    KIND_OF_CLASSIFICATION[_first:] = _kind


def column(rows: Rows, name: str, absent: int = ABSENT) -> I64:
    """Return a column of wire numbers, with another number for what is absent, or for all if there is none."""
    if name not in rows:
        return np.full(rows.count, absent, np.int64)
    values: I64 = rows[name]
    return values if absent == ABSENT else np.where(values == ABSENT, absent, values)


@numba.njit(cache=True)
def to_steps(values: F64, step: float, low: int, high: int, unknown: int) -> I64:
    """Return values as whole steps between two bounds, and NaN as the number for unknown.

    >>> to_steps(np.array([1.0, np.nan, 999.0]), 0.02, 0, 8190, 8191)
    array([  50, 8191, 8190])
    """
    steps = np.empty(len(values), np.int64)
    for n in range(len(values)):
        if np.isnan(values[n]):
            steps[n] = unknown
        else:
            steps[n] = np.int64(min(max(np.rint(values[n] / step), low), high))
    return steps


@numba.njit(cache=True)
def from_steps(steps: I64, step: float, unknown: int) -> F64:
    """Return what whole steps stand for; NaN for what is absent, and for the number that means unknown."""
    values = np.empty(len(steps), np.float64)
    for n in range(len(steps)):
        values[n] = np.nan if steps[n] == unknown or steps[n] == ABSENT else steps[n] * step
    return values


def to_confidence(sigma: F64) -> I64:
    """Return the PositionConfidence (its number) that a standard deviation per axis [m] still keeps.

    >>> [CONFIDENCES[n] for n in to_confidence(np.array([0.3, 0.0, 1000.0, np.nan]))]
    ['a1m', 'a1cm', 'unavailable', 'unavailable']
    """
    radius = sigma * RADIUS_95
    number = len(CONFIDENCES) - 1 - np.searchsorted(CONFIDENCE_RADII[:0:-1], radius)
    return np.where(np.isnan(radius), 0, np.maximum(number, 0))


def from_confidence(number: I64) -> F64:
    """Return the standard deviation per axis [m] of a PositionConfidence; up to 2.5 times what was put in."""
    return np.asarray(CONFIDENCE_RADII[number] / RADIUS_95)


def second_mark(time_ns: I64) -> I64:
    """Return the millisecond of the minute."""
    return np.asarray(time_ns // MILLISECOND_NS % 60_000)


@numba.njit(cache=True)
def instant_of(mark: I64, received_ns: I64) -> I64:
    """Return the instant nearest to the reception that has this millisecond of the minute.

    Unknown and absent marks give the instant of reception. Limits: what was sent more than half a minute before
    its reception seems younger than it is.

    >>> instant_of(np.array([59_900, 100]), np.array([60_100_000_000, 59_900_000_000]))
    array([59900000000, 60100000000])
    """
    instants = np.empty(len(mark), np.int64)
    for n in range(len(mark)):
        received = received_ns[n]
        instants[n] = received
        if mark[n] != NO_MARK and mark[n] != ABSENT:
            instant = received - received % MINUTE_NS + mark[n] * MILLISECOND_NS
            if instant - received > MINUTE_NS // 2:
                instant -= MINUTE_NS
            elif received - instant > MINUTE_NS // 2:
                instant += MINUTE_NS
            instants[n] = instant
    return instants


def minute_of_year(time_ns: int) -> int:
    """Return the minutes since the beginning of the year, UTC.

    >>> minute_of_year(0), minute_of_year(86_400_000_000_000 + 60_000_000_000)
    (0, 1441)
    """
    return _minute_of_year(time_ns // MINUTE_NS)


@lru_cache(maxsize=256)
def _minute_of_year(minute: int) -> int:
    instant = np.datetime64(minute, "m")
    return int((instant - instant.astype("datetime64[Y]")) // np.timedelta64(1, "m"))
