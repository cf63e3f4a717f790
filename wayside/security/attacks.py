"""Liars for tests of misbehaviour detection: the attacks of F2MD and VeReMi, put into honest traffic.

Everything is drawn by hashes of (seed, what for, sender, running number): the same seed gives the same attackers
and the same lies, whatever else is in the traffic.

References: F2MD, "Simulation Framework for Misbehavior Detection in Vehicular Networks" (Kamel et al. 2020), for
the attacks and their parameters; its beacons are sent once a second, those here ten times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from wayside.security.draws import drawn, identity
from wayside.security.replays import Traffic
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Reports


class Attack(IntEnum):
    """How a sender lies. The first nineteen are those of F2MD; the others are harder to find."""

    CONST_POS = 1
    CONST_POS_OFFSET = 2
    RANDOM_POS = 3
    RANDOM_POS_OFFSET = 4
    CONST_SPEED = 5
    CONST_SPEED_OFFSET = 6
    RANDOM_SPEED = 7
    RANDOM_SPEED_OFFSET = 8
    EVENTUAL_STOP = 9
    DISRUPTIVE = 10
    DATA_REPLAY = 11
    STALE_MESSAGES = 12
    DOS = 13
    DOS_RANDOM = 14
    DOS_DISRUPTIVE = 15
    GRID_SYBIL = 16
    DATA_REPLAY_SYBIL = 17
    DOS_RANDOM_SYBIL = 18
    DOS_DISRUPTIVE_SYBIL = 19
    STALE_RESTAMPED = 20  # late messages that say they are new
    NOISY_REPLAY = 21  # a replay with noise of its own, so that nothing is repeated to the last decimal
    SMOOTH_GRID_SYBIL = 22  # a grid of ghosts that do not tremble
    FRESH_SYBIL = 23  # a new identity for each message


DRAWN_ANEW = {Attack.RANDOM_POS, Attack.RANDOM_POS_OFFSET, Attack.RANDOM_SPEED, Attack.RANDOM_SPEED_OFFSET}
F2MD_ATTACKS = tuple(Attack(n) for n in range(1, 20))
MOST_OFFSET_M = 70.0  # of a constant offset, per axis; it is a fifth of that at least
RANDOM_OFFSET_M = 35.0  # at most, per axis, drawn anew for each message
MOST_SPEED = 40.0  # m/s
MOST_SPEED_OFFSET = 7.0  # m/s, of a constant offset; a fifth of that at least
RANDOM_SPEED_OFFSET = 3.5  # m/s at most, drawn anew for each message
FALSE_FROM_M = 2.0  # a stopped sender lies once its vehicle is so far away, or moves
STOP_SHARE = 0.01  # of messages are the one from which on the sender stands
STALE_BY = 5  # messages
TIMES_FASTER = 4  # than usual sends who floods
GHOSTS = 5  # identities of one Sybil attacker
GAP_BEHIND_M, GAP_BESIDE_M, TREMBLE_M = 5.0, 2.0, 0.5  # between the ghosts of a grid
BEACON_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class Attacked:
    """Traffic with liars in it.

    Attributes:
        ticks: instant of the tick of each report [ns], rising.
        reports: what was received.
        lies: which reports are lies.
        aside: which reports are true ones of an attacker that also lies under other identities.
    """

    ticks: I64
    reports: Reports
    lies: Bool
    aside: Bool

    @classmethod
    def nobody(cls, ticks: I64, reports: Reports) -> Attacked:
        """Return traffic without liars."""
        none = np.zeros(len(reports), np.bool_)
        return cls(ticks, reports, none, none)


def change_identities(reports: Reports, *, period_s: float, seed: int) -> Reports:
    """Return the reports with each sender under a new identity from time to time, as pseudonyms are changed.

    Args:
        reports: of any instants.
        period_s: how long an identity lasts [s]; each sender begins at an instant of its own.
        seed: of the identities.
    """
    period_ns = round(period_s * 1e9)
    phase = (drawn(seed, 92, reports.sender) * period_ns).astype(np.int64)
    return reports.replace(sender=identity(seed, reports.sender, (reports.time_ns + phase) // period_ns))


def inject(ticks: I64, reports: Reports, attack: Attack, *, share: float, seed: int) -> Attacked:
    """Make some senders of honest traffic lie.

    Args:
        ticks: instant of the tick of each report [ns].
        reports: honest reports, in order of tick, sender and time, as `Run.rows` gives them.
        attack: how they lie.
        share: of senders that do.
        seed: of who they are and what they say.

    Returns:
        The traffic with lies, in order of tick, sender and time.

    Limits: attackers know all traffic within 400 m without loss. Speeds of F2MD are vectors of two draws; here the
    speed along the heading is drawn. Who replays says that the message is new, as in F2MD.
    """
    mine = drawn(seed, 0, reports.sender) < share
    if not mine.any():
        return Attacked.nobody(ticks, reports)
    told, when, lies, also_true = _lie(Traffic.of(ticks, reports, mine), np.flatnonzero(mine), attack, seed)
    keep = np.flatnonzero(~mine | also_true)
    all_told = Reports.concatenate([reports.take(keep), told])
    all_ticks = np.concatenate([ticks[keep], when])
    all_lies = np.concatenate([np.zeros(len(keep), np.bool_), lies])
    aside = np.concatenate([mine[keep], np.zeros(len(told), np.bool_)])
    order = np.lexsort((all_told.time_ns, all_told.sender, all_ticks))
    return Attacked(all_ticks[order], all_told.take(order).rounded(), all_lies[order], aside[order])


def _lie(traffic: Traffic, mine: I64, attack: Attack, seed: int) -> tuple[Reports, I64, Bool, bool]:
    """Return what attackers send and when, which of it is false, and whether they tell the truth besides."""
    honest, ticks = traffic.reports.take(mine), traffic.ticks[mine]
    everything = np.ones(len(mine), np.bool_)
    number = traffic.number[mine]
    match attack:
        case Attack.EVENTUAL_STOP:
            stopped, since = _stops(honest, number, seed)
            frozen = honest.take(since)
            held = ("x", "y", "heading")
            changed: dict[str, Any] = {n: np.where(stopped, getattr(frozen, n), getattr(honest, n)) for n in held}
            for name in ("speed", "acceleration", "yaw_rate"):
                changed[name] = np.where(stopped, 0.0, getattr(honest, name))
            # who stands where it says tells no lie yet
            away = np.hypot(changed["x"] - honest.x, changed["y"] - honest.y)
            lies = stopped & ((away > FALSE_FROM_M) | (honest.speed > 1.0))
            return honest.replace(**changed), ticks, lies, False
        case Attack.STALE_MESSAGES | Attack.STALE_RESTAMPED:
            old, there = traffic.earlier(mine, STALE_BY)
            said = traffic.reports.take(old).replace(received_ns=honest.received_ns[there])
            if attack is Attack.STALE_RESTAMPED:
                said = said.replace(time_ns=honest.time_ns[there])
            return said, ticks[there], everything[there], False
        case Attack.DATA_REPLAY | Attack.NOISY_REPLAY | Attack.DATA_REPLAY_SYBIL:
            victims, there, turn = traffic.followed(mine)
            said = _under(traffic.reports.take(victims), honest.take(there))
            if attack is Attack.NOISY_REPLAY:
                said = _noisy(said, seed)
            if attack is Attack.DATA_REPLAY_SYBIL:
                said = said.replace(sender=identity(seed, said.sender, turn % GHOSTS))
            return said, ticks[there], everything[there], False
        case Attack.GRID_SYBIL | Attack.SMOOTH_GRID_SYBIL:
            said = _grid(honest, number, seed, tremble=0.0 if attack is Attack.SMOOTH_GRID_SYBIL else TREMBLE_M)
            return said, np.tile(ticks, GHOSTS), np.ones(len(said), np.bool_), True
        case _:
            pass
    if attack <= Attack.RANDOM_SPEED_OFFSET:
        return _falsified(honest, traffic.box, attack, number, seed), ticks, everything, False
    many = 1 if attack is Attack.DISRUPTIVE else TIMES_FASTER
    said, when, number = _faster(honest, ticks, number, many)
    if attack in (Attack.DISRUPTIVE, Attack.DOS_DISRUPTIVE, Attack.DOS_DISRUPTIVE_SYBIL):
        said = _under(traffic.reports.take(traffic.anyone(said, when, number, seed)), said)
    elif attack is not Attack.DOS:
        said = _invented(said, traffic.box, number, seed)
    if attack in (Attack.DOS_RANDOM_SYBIL, Attack.DOS_DISRUPTIVE_SYBIL):
        said = said.replace(sender=identity(seed, said.sender, number % GHOSTS))
    elif attack is Attack.FRESH_SYBIL:
        said = said.replace(sender=identity(seed, said.sender, number))
    return said, when, np.ones(len(said), np.bool_), False


def _falsified(honest: Reports, box: F64, attack: Attack, number: I64, seed: int) -> Reports:
    """Return the reports with a false position or speed."""
    counter = number + 1 if attack in DRAWN_ANEW else np.zeros_like(number)
    u, v = drawn(seed, 1, honest.sender, counter), drawn(seed, 2, honest.sender, counter)
    left, back = (drawn(seed, p, honest.sender) < 0.5 for p in (3, 4))
    match attack:
        case Attack.CONST_POS | Attack.RANDOM_POS:
            return honest.replace(x=box[0] + u * (box[2] - box[0]), y=box[1] + v * (box[3] - box[1]))
        case Attack.CONST_POS_OFFSET:
            x, y = ((0.2 + 0.8 * draw) * MOST_OFFSET_M for draw in (u, v))
            return honest.replace(x=honest.x + np.where(left, -x, x), y=honest.y + np.where(back, -y, y))
        case Attack.RANDOM_POS_OFFSET:
            return honest.replace(
                x=honest.x + (2 * u - 1) * RANDOM_OFFSET_M, y=honest.y + (2 * v - 1) * RANDOM_OFFSET_M
            )
        case Attack.CONST_SPEED | Attack.RANDOM_SPEED:
            return honest.replace(speed=u * MOST_SPEED)
        case Attack.CONST_SPEED_OFFSET:
            return honest.replace(speed=honest.speed + (0.2 + 0.8 * u) * MOST_SPEED_OFFSET)
        case _:
            return honest.replace(speed=np.maximum(honest.speed + (2 * u - 1) * RANDOM_SPEED_OFFSET, 0.0))


def _stops(honest: Reports, number: I64, seed: int) -> tuple[Bool, I64]:
    """Return which reports come after the stop, and the row of each sender's last true place."""
    begins = drawn(seed, 5, honest.sender, number) < STOP_SHARE
    order = np.lexsort((number, honest.sender))
    stopped, since = np.zeros(len(honest), np.bool_), np.arange(len(honest))
    senders = honest.sender[order]
    for part in np.split(order, np.flatnonzero(senders[1:] != senders[:-1]) + 1):
        hit = np.flatnonzero(begins[part])
        if len(hit):
            stopped[part[hit[0] :]], since[part[hit[0] :]] = True, part[hit[0]]
    return stopped, since


def _under(content: Reports, carrier: Reports) -> Reports:
    """Return what others said under the identity and at the time of the attacker."""
    return content.replace(sender=carrier.sender, time_ns=carrier.time_ns, received_ns=carrier.received_ns)


def _noisy(said: Reports, seed: int) -> Reports:
    """Return the reports with small errors, as if they had been measured anew."""
    counter = said.time_ns // 1_000_000
    u, v, w = (2 * drawn(seed, p, said.sender, counter) - 1 for p in (6, 7, 8))
    return said.replace(x=said.x + 0.1 * u, y=said.y + 0.1 * v, speed=np.maximum(said.speed + 0.1 * w, 0.0))


def _faster(honest: Reports, ticks: I64, number: I64, many: int) -> tuple[Reports, I64, I64]:
    """Return the reports many times as often, the added ones between the others."""
    every = np.repeat(np.arange(len(honest)), many)
    part = np.tile(np.arange(many), len(honest))
    early_ns = part * (BEACON_NS // many)
    said = honest.take(every)
    way = said.speed * early_ns * 1e-9
    said = said.replace(
        time_ns=said.time_ns - early_ns,
        received_ns=said.received_ns - early_ns,
        x=said.x - way * np.cos(said.heading),
        y=said.y - way * np.sin(said.heading),
    )
    return said, ticks[every], number[every] * many + part


def _invented(said: Reports, box: F64, number: I64, seed: int) -> Reports:
    """Return the reports with random position, speed and heading."""
    u, v, s, h = (drawn(seed, p, said.sender, number) for p in (10, 11, 12, 13))
    return said.replace(
        x=box[0] + u * (box[2] - box[0]),
        y=box[1] + v * (box[3] - box[1]),
        speed=s * MOST_SPEED,
        heading=(2 * h - 1) * np.pi,
    )


def _grid(honest: Reports, number: I64, seed: int, tremble: float) -> Reports:
    """Return ghosts in two columns beside and behind each attacker, under identities of their own."""
    ghosts = []
    side = np.where(drawn(seed, 14, honest.sender) < 0.5, 1.0, -1.0)
    for n in range(1, GHOSTS + 1):
        u, v, s, h = (2 * drawn(seed, 20 * n + p, honest.sender, number) - 1 for p in range(4))
        behind = (n // 2) * (honest.length + GAP_BEHIND_M) + tremble * u
        beside = side * (n % 2) * (honest.width + GAP_BESIDE_M) + tremble * v
        cosine, sine = np.cos(honest.heading), np.sin(honest.heading)
        ghosts.append(
            honest.replace(
                sender=identity(seed, honest.sender, n),
                x=honest.x - behind * cosine - beside * sine,
                y=honest.y - behind * sine + beside * cosine,
                speed=np.maximum(honest.speed + 0.05 * s, 0.0),
                heading=(honest.heading + 0.01 * h + np.pi) % (2 * np.pi) - np.pi,
            )
        )
    return Reports.concatenate(ghosts)
