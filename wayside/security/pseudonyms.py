"""Which pseudonym a vehicle uses when: pools of certificates, and when to turn to the next.

A vehicle turns after `period_s`, or after `distance_m` if that comes first, but never while it reports an
event: who warns must stay the same sender for those who listen. After a turn it is silent for `silence_s`, so
that the old and the new identity are not joined by their positions alone. Certificate, message id and message
count turn together; all three are drawn from the vehicle and the number of the turn, so a Run computed again
turns alike.

Defaults: 300 s is the certificate change interval of SAE J2945/1; 2,000 m, the silence and the spread are our
own. ETSI TR 103 415 compares strategies in use.

Limits: for simulated vehicles. The draws can be turned back by who knows the rule; a real unit draws its
identities from the system's randomness.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numba
import numpy as np

from wayside.table import F64, I64, U16, U64, Bool

COUNTS = 128  # msgCnt runs from 0 to 127


class RotationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a vehicle turns to its next pseudonym."""

    period_s: float = 300.0  # with one identity at most, unless an event holds it
    distance_m: float = 2000.0  # driven with one identity at most, unless an event holds it
    silence_s: float = 1.0  # nothing is sent for so long after a turn; 0 sends on at once
    spread: float = 0.2  # each turn comes up to this share earlier, so that not all vehicles turn together


class Rotation(msgspec.Struct, frozen=True):
    """What is remembered of each vehicle's pseudonym: equally long columns in rising order of `vehicle`."""

    vehicle: U64  # the vehicle's own lasting identity; never sent
    turn: I64  # how often it has turned
    since_ns: I64  # instant of the last turn
    driven_m: F64  # since the last turn

    @classmethod
    def empty(cls) -> Rotation:
        """Return the memory of no vehicle."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@numba.njit(cache=True)
def mix(value: U64, salt: int) -> U64:
    """Return 64 well-mixed bits of each value: the finish of SplitMix64."""
    out = np.empty_like(value)
    for i in range(len(value)):
        x = value[i] + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[i] = x ^ (x >> np.uint64(31))
    return out


def _drawn(vehicle: U64, turn: I64, purpose: int) -> U64:
    """Return 64 bits for each vehicle, turn and purpose."""
    one: Any = mix(np.ascontiguousarray(vehicle, np.uint64), purpose)
    both: Any = mix(one ^ np.asarray(turn, np.int64).astype(np.uint64), purpose + 1)
    return np.asarray(both, np.uint64)


def rotate(
    before: Rotation, vehicle: U64, time_ns: int, moved_m: F64, holds: Bool, config: RotationConfig
) -> Rotation:
    """Return the memory after one instant: who has turned, and how far each has driven since.

    Args:
        before: the memory of the instant before.
        vehicle: who is there now, in rising order; who is not is forgotten, and starts anew when it comes back.
        time_ns: now.
        moved_m: what each has driven since the instant before [m].
        holds: whether an event keeps its identity for now.
        config: when to turn.

    >>> who, still = np.array([7], np.uint64), np.zeros(1, np.bool_)
    >>> first = rotate(Rotation.empty(), who, 0, np.zeros(1), still, RotationConfig())
    >>> later = rotate(first, who, 301 * 10**9, np.zeros(1), still, RotationConfig())
    >>> first.turn.tolist(), later.turn.tolist(), bool(later.since_ns == 301 * 10**9)
    ([0], [1], True)
    """
    place = np.searchsorted(before.vehicle, vehicle)
    place = np.minimum(place, max(len(before.vehicle) - 1, 0))
    known = before.vehicle[place] == vehicle if len(before.vehicle) else np.zeros(len(vehicle), np.bool_)
    turn, since, driven = (
        np.zeros(len(vehicle), np.int64),
        np.full(len(vehicle), time_ns),
        np.zeros(len(vehicle)),
    )
    turn[known], since[known] = before.turn[place[known]], before.since_ns[place[known]]
    driven[known] = before.driven_m[place[known]] + moved_m[known]
    early = 1.0 - config.spread * (_drawn(vehicle, turn, 1) >> np.uint64(40)).astype(np.float64) / 2.0**24
    due = (time_ns - since >= config.period_s * 1e9 * early) | (driven >= config.distance_m * early)
    turns = due & ~holds & known
    return Rotation(
        vehicle=vehicle,
        turn=turn + turns,
        since_ns=np.where(turns, time_ns, since).astype(np.int64),
        driven_m=np.where(turns, 0.0, driven),
    )


def silent(rotation: Rotation, time_ns: int, config: RotationConfig) -> Bool:
    """Tell who keeps silent at an instant because it has only just turned; a first identity is used at once."""
    just = time_ns - rotation.since_ns < config.silence_s * 1e9
    return np.asarray(just & (rotation.turn > 0), np.bool_)


def certificate_index(vehicle: U64, turn: I64, pool: int) -> I64:
    """Return which certificate of its pool each vehicle uses in a turn: 0 to `pool` - 1.

    The pool is walked in steps that share no divisor with its size, from a start of the vehicle's own: all
    certificates are used before one is used again, and two turns in a row never use the same (pools of one apart).

    Raises:
        ValueError: the pool is empty.

    >>> order = certificate_index(np.full(20, 9, np.uint64), np.arange(20), 20)
    >>> sorted(order.tolist()) == list(range(20))
    True
    """
    if pool < 1:
        raise ValueError(f"a pool of pseudonyms holds at least 1 certificate, not {pool}")
    steps = np.array([s for s in range(1, pool + 1) if np.gcd(s, pool) == 1], np.int64)
    nothing = np.zeros(len(vehicle), np.int64)
    start = (_drawn(vehicle, nothing, 3) % np.uint64(pool)).astype(np.int64)
    step = steps[(_drawn(vehicle, nothing, 5) % np.uint64(len(steps))).astype(np.int64)]
    return np.asarray((start + np.asarray(turn, np.int64) * step) % pool, np.int64)


def message_identity(vehicle: U64, turn: I64) -> U64:
    """Return the temporary identity a BSM carries in `id` during a turn: 8 octets as one number."""
    return _drawn(vehicle, turn, 7)


def first_count(vehicle: U64, turn: I64) -> U16:
    """Return the msgCnt with which a turn begins, 0 to 127."""
    return np.asarray(_drawn(vehicle, turn, 9) % np.uint64(COUNTS), np.uint16)


def period_of(time_ns: int, first_ns: int, period_s: float) -> int:
    """Return the i-period an instant lies in, counted from `first_ns`; certificates of other periods do not hold.

    >>> period_of(8 * 86_400 * 10**9, 0, 7 * 86_400.0)
    1
    """
    return int((time_ns - first_ns) // round(period_s * 1e9))
