"""Who sends what: messages of one instant with the stations that send them, and their application identifiers."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np

from wayside.asn1.frames import Frames
from wayside.envelope import Envelope, Role
from wayside.messages import Messages
from wayside.table import I32, I64, U8, U64
from wayside.v2x.tables import MessageType
from wayside.world import identity

# Applications under which a message of each type may be signed; we sign it for the first of them. MAP and SPAT
# after T/CSAE 159-2020, BSM as pseudonym certificates in the field have it. The standard gives RSI and RSM 3620
# to 3623; which is which could not be verified, so all four are taken for both.
AIDS_OF: dict[MessageType, tuple[int, ...]] = {
    MessageType.BSM: (111, 112, 113, 114),
    MessageType.MAP: (3618,),
    MessageType.SPAT: (3619,),
    MessageType.RSI: (3620, 3621, 3622, 3623),
    MessageType.RSM: (3623, 3620, 3621, 3622),
}
DAY_TWO_AIDS = (3616,)


@cache
def _named(word: str, number: int) -> int:
    return identity(f"{word} {number}")


def pole_identity(poles: U64) -> U64:
    """Return the identity under which each pole's certificate is kept."""
    return np.array([_named("pole", pole) for pole in poles.tolist()], np.uint64)


def unit_identity(units: U64) -> U64:
    """Return the identity under which each unit's certificate is kept."""
    return np.array([_named("unit", unit) for unit in units.tolist()], np.uint64)


class Outbox:
    """Messages of one instant on their way out.

    Attributes:
        time_ns: the instant.
        kinds: type of each message, in the order in which they were added.
    """

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns
        self.kinds: list[MessageType] = []
        self._parts: list[Messages] = []
        self._stations: list[U64] = []
        self._roles: list[U8] = []
        self._aids: list[I32] = []

    def add(
        self, kind: MessageType, frames: Frames, *, links: U64, stations: U64, roles: I64 | None = None
    ) -> None:
        """Add frames of one type; without `roles` they are sent by the roadside."""
        count = len(frames)
        self.kinds += [kind] * count
        instants = np.full(count, self.time_ns)
        self._parts.append(Messages(instants, links, frames.octets, frames.starts))
        self._stations.append(stations)
        given = np.full(count, Role.ROADSIDE) if roles is None else roles
        self._roles.append(given.astype(np.uint8))
        self._aids.append(np.full(count, AIDS_OF.get(kind, DAY_TWO_AIDS)[0], np.int32))

    def sealed(self, envelope: Envelope | None) -> Messages:
        """Return the messages, in envelopes if there are any."""
        messages = Messages.concatenate(self._parts)
        if envelope is None or not len(messages):
            return messages
        stations, roles = np.concatenate(self._stations), np.concatenate(self._roles)
        return envelope.seal(messages, stations, roles, np.concatenate(self._aids))

    def tally(self, sent: Messages) -> tuple[Counter[MessageType], Counter[MessageType]]:
        """Return how many messages of each type went out, and their octets."""
        frames, octets = Counter(self.kinds), Counter[MessageType]()
        for kind, length in zip(self.kinds, sent.lengths.tolist(), strict=True):
            octets[kind] += length
        return frames, octets
