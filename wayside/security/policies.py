"""Which of the received messages have their signatures verified.

A roadside unit hears some thousands of signed messages a second and could not verify them all beside its other
work. `all` does; `sampled` verifies a fixed share; `on_demand` verifies those on which something hangs, and a
share of the rest. The choice is a pure function of the message and what is known of its sender: no clock and no
randomness.

The sampled share is drawn by a keyed hash of the message. Without `salt` a forger could grind signature octets
until its message falls outside the sample, so a receiver keeps its salt to itself.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

import msgspec
import numba
import numpy as np

from wayside.security.pseudonyms import mix
from wayside.table import F64, I64, U8, U64, Bool


class Cause(IntEnum):
    """Why a message is verified; the first that applies, in this order."""

    NONE = 0  # it is not verified
    ALL = 1  # the policy verifies everything
    FIRST = 2  # nothing of this sender was verified before
    SUSPECT = 3  # a bad signature in this sender's name was met lately
    CERTIFICATE = 4  # its sender was not verified with this certificate before
    EVENT = 5  # it reports a safety event
    CONFLICT = 6  # its sender and another one are about to meet
    NEAR = 7  # its sender is near a place of interest, such as the receiver or a crossing
    OVERDUE = 8  # too long since anything of this sender was verified
    SAMPLED = 9


_NONE, _FIRST, _SUSPECT, _CERTIFICATE, _EVENT, _CONFLICT, _NEAR, _OVERDUE, _SAMPLED = (
    int(one) for one in Cause if one is not Cause.ALL
)  # numbers, as the kernel takes them


class VerifyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is verified."""

    policy: Literal["all", "on_demand", "sampled"] = "on_demand"
    share: float = 0.05  # of the rest (on_demand) or of all (sampled)
    near_m: float = 30.0  # from a place of interest
    conflict_m: float = 3.0  # closest approach of two senders that is a conflict
    conflict_s: float = 4.0  # within so long
    look_m: float = 120.0  # senders farther apart than this do not conflict
    overdue_s: float = 5.0  # a sender is verified at least so often
    suspect_s: float = 60.0  # after a bad signature, all messages in that name are verified for so long
    salt: int = 0  # known to the receiver alone


class Heard(msgspec.Struct, frozen=True):
    """Signed messages of one instant and what is known of their senders: equally long columns.

    Attributes:
        digest: 8 octets of the signature's r, as a number.
        signer: HashedId8 of the certificate that signed, as a number.
        time_ns: instant the message speaks of.
        x, y: its sender's position in the city's frame [m]; NaN where the message carries none.
        vx, vy: its sender's velocity [m/s].
        event: it reports a safety event.
        known: a message of this signer was verified before.
        changed: its sender was not verified with this certificate before.
        suspect: a bad signature under this certificate was met lately.
        verified_ns: instant of the last message of this signer that was verified.
    """

    digest: U64
    signer: U64
    time_ns: I64
    x: F64
    y: F64
    vx: F64
    vy: F64
    event: Bool
    known: Bool
    changed: Bool
    suspect: Bool
    verified_ns: I64


@numba.njit(cache=True)
def _meet(
    order: I64, signer: U64, x: F64, y: F64, vx: F64, vy: F64, look: float, near: float, soon: float
) -> Bool:
    """Tell which senders come closer than `near` to another within `soon` seconds if none changes its motion.

    `order` sorts by x, so that only neighbours within `look` are paired.
    """
    found = np.zeros(len(x), np.bool_)
    for i in range(len(order)):
        a = order[i]
        for j in range(i + 1, len(order)):
            b = order[j]
            dx = x[b] - x[a]
            if not dx <= look:
                break
            dy = y[b] - y[a]
            if signer[a] == signer[b] or not abs(dy) <= look or (found[a] and found[b]):
                continue
            ux, uy = vx[b] - vx[a], vy[b] - vy[a]
            square = ux * ux + uy * uy
            when = -(dx * ux + dy * uy) / square if square > 1e-6 else 0.0
            # a pair that parts, or keeps its distance as a platoon does, is no conflict
            if 0.0 < when <= soon and (dx + ux * when) ** 2 + (dy + uy * when) ** 2 <= near * near:
                found[a] = found[b] = True
    return found


def causes(heard: Heard, places: F64, config: VerifyConfig) -> U8:
    """Return for each message why it is verified; 0 (`Cause.NONE`) if it is not.

    Args:
        heard: the messages; each row is judged on its own, the order does not matter.
        places: places of interest in the city's frame, shape [n, 2] [m].
        config: what is verified.

    Limits: a conflict is foreseen on straight lines at constant speed.

    >>> none, one = np.zeros(2, np.bool_), np.zeros(2)
    >>> heard = Heard(np.array([5, 6], np.uint64), np.array([1, 2], np.uint64), np.zeros(2, np.int64), one,
    ...               one + 9, one, one, none, np.array([True, False]), none, none, np.zeros(2, np.int64))
    >>> causes(heard, np.empty((0, 2)), VerifyConfig(share=0.0)).tolist()
    [0, 2]
    """
    if config.policy == "all":
        return np.full(len(heard.digest), Cause.ALL, np.uint8)
    drawn: Any = mix(np.ascontiguousarray(heard.digest, np.uint64) ^ np.uint64(config.salt), 1)
    sampled = (drawn >> np.uint64(11)).astype(np.float64) < config.share * 2.0**53
    if config.policy == "sampled":
        return np.where(sampled, np.uint8(Cause.SAMPLED), np.uint8(Cause.NONE))
    overdue = heard.time_ns - heard.verified_ns >= config.overdue_s * 1e9
    order = np.argsort(heard.x, kind="stable")  # NaN comes last and pairs with nobody
    meet = _meet(
        order,
        heard.signer,
        heard.x,
        heard.y,
        heard.vx,
        heard.vy,
        config.look_m,
        config.conflict_m,
        config.conflict_s,
    )
    near = _near(heard.x, heard.y, places, config.near_m)
    found: U8 = _first_of(heard.known, heard.suspect, heard.changed, heard.event, meet, near, overdue, sampled)
    return found


@numba.njit(cache=True)
def _near(x: F64, y: F64, places: F64, within: float) -> Bool:
    """Tell who is near any of the places."""
    found = np.zeros(len(x), np.bool_)
    for place in range(len(places)):
        for n in range(len(x)):
            if (x[n] - places[place, 0]) ** 2 + (y[n] - places[place, 1]) ** 2 <= within**2:
                found[n] = True
    return found


@numba.njit(cache=True)
def _first_of(
    known: Bool, suspect: Bool, changed: Bool, event: Bool, meet: Bool, near: Bool, overdue: Bool, sampled: Bool
) -> U8:
    """Return the first `Cause` that applies to each message."""
    found = np.empty(len(known), np.uint8)
    for n in range(len(known)):
        if not known[n]:
            found[n] = _FIRST
        elif suspect[n]:
            found[n] = _SUSPECT
        elif changed[n]:
            found[n] = _CERTIFICATE
        elif event[n]:
            found[n] = _EVENT
        elif meet[n]:
            found[n] = _CONFLICT
        elif near[n]:
            found[n] = _NEAR
        elif overdue[n]:
            found[n] = _OVERDUE
        else:
            found[n] = _SAMPLED if sampled[n] else _NONE
    return found


def share_verified(found: U8) -> float:
    """Return which share of messages is verified, NaN of none.

    >>> share_verified(np.array([0, 2, 9, 0], np.uint8))
    0.5
    """
    return float(np.count_nonzero(found) / len(found)) if len(found) else float("nan")
