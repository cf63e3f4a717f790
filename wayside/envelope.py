"""What signs messages on their way out, and opens and judges those that come in. The edge knows no keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from wayside.messages import Messages
from wayside.table import F64, I32, I64, U8, U64, Bool, Table


class Role(IntEnum):
    """What kind of station a sender is, which decides the certificates it may hold."""

    VEHICLE = 0  # changes its certificates, so that it cannot be followed
    ROADSIDE = 1  # a unit or a pole
    IMPOSTOR = 2  # holds certificates that nobody trusted has issued; there are some in simulations


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """What messages say, as far as it decides whether their signatures are worth checking.

    Attributes:
        sender: identity inside the message, 0 where it has none [n].
        time_ns: instant it speaks of [ns, n].
        x, y: where its sender says to be, NaN where it does not say [m, n].
        vx, vy: its velocity [m/s, n].
        event: it reports a safety event [n].
    """

    sender: U64
    time_ns: I64
    x: F64
    y: F64
    vx: F64
    vy: F64
    event: Bool


class Letters(Protocol):
    """Messages that were opened.

    Attributes:
        rows: which of the messages given could be opened [k].
        payloads: what was inside them [k].
        aids: application each was signed for [k].
        refused: the other ones [m], and
        reasons: why, as `wayside.security.tables.SignatureState` [m].
    """

    rows: I64
    payloads: Messages
    aids: I64
    refused: I64
    reasons: U8

    def judge(self, claims: Claims | None) -> U8:
        """Check as many signatures as the policy asks for; return the SignatureState of each payload [k].

        Without claims only what envelopes say of themselves decides.
        """


class Envelope(Protocol):
    """Puts messages into signed envelopes and takes them out.

    Attributes:
        writes: the tables that `findings` gives each tick.
    """

    writes: frozenset[type[Table]]

    def seal(self, messages: Messages, stations: U64, roles: U8, aids: I32) -> Messages:
        """Return the messages signed by the stations that send them.

        Args:
            messages: what is sent; each one's `time_ns` is the instant it is made.
            stations: identity of each one's station.
            roles: its `Role`.
            aids: application identifier of each one.
        """

    def open(self, messages: Messages, time_ns: int) -> Letters:
        """Open what was received by `time_ns`."""

    def overhear(
        self, messages: Messages, time_ns: int, aids: Collection[int], begins: Bool | None = None
    ) -> Letters:
        """Open what roadside units sent, as vehicles do.

        Args:
            messages: what was sent.
            time_ns: now.
            aids: the applications that vehicles care for; none are all of them.
            begins: of each octet whether they care for payloads that begin with it [256]; None if for all.
        """

    def findings(self, time_ns: int) -> tuple[Table, ...]:
        """Return the tables of what was judged since the last call."""
