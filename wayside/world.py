"""The World: the only thing with a clock, a radio or an actuator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.messages import Message, Messages
from wayside.table import Table


@dataclass(frozen=True, slots=True)
class Intake:
    """What a World gives for one tick: messages still to be decoded, and tables."""

    time_ns: int
    messages: Sequence[Message] = field(default_factory=Messages.empty)
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened outside the tables and belongs in the Run's log.

    Attributes:
        kind: a word from the glossary, such as `planted`.
        facts: plain values: numbers, texts and booleans.
    """

    time_ns: int
    kind: str
    facts: dict[str, str | int | float | bool] = field(default_factory=dict)


def identity(name: str) -> int:
    """Return the 64-bit V2X identity a named vehicle is registered under; the same on every machine.

    >>> hex(identity("taxi-01"))
    '0xc7830e56b9eb396c'
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


class Edge(Protocol):
    """The line between octets and tables. Messages exist only here.

    Attributes:
        writes: the tables that `decode` gives each tick.
    """

    writes: frozenset[type[Table]]

    def decode(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Turn what roadside units received into tables; what cannot be understood becomes Refusals."""

    def encode(self, frame: Frame) -> Messages:
        """Turn the picture, forecasts and Orders of the frame into the messages roadside units send."""

    def speak(self, tables: Sequence[Table], time_ns: int) -> Messages:
        """Turn what simulated vehicles and poles say (Reports, Detections) into their messages.

        Senders that Impostors name sign with certificates nobody trusted has issued.
        """

    def hear(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Turn what roadside units sent into what simulated vehicles understand of it."""


@runtime_checkable
class World(Protocol):
    """A place where the city happens: simulator, road log, rig or the real one.

    Attributes:
        provides: tables that `poll` gives by itself.
        obeys: tables that `act` looks at; it ignores all others.
        lag_ticks: how many ticks later than at the next poll it carries out what `act` is told: 0 or 1. With 1 a
            tick may be polled before the orders of the last one are known.
        speaks: whether `poll` also gives messages, from which the edge makes Reports and Detections.
        road: the map.
        assets: what stands there: poles, units, chargers, permits.
        start_ns: instant of the first tick.
        tick_ns: spacing of ticks.

    A World may also have `enrolled`: names and classes of vehicles that drive themselves and hold no permit yet.
    """

    provides: frozenset[type[Table]]
    obeys: frozenset[type[Table]]
    lag_ticks: int
    speaks: bool
    road: RoadMap
    assets: tuple[Table, ...]
    start_ns: int
    tick_ns: int

    def poll(self, until_ns: int) -> Intake | None:
        """Let the World go on to that instant and return what came in; None when it has ended."""

    def act(self, orders: Frame, messages: Sequence[Message]) -> None:
        """Carry out the Orders tables of the frame and put the messages on the air."""

    def events(self) -> Sequence[Event]:
        """Return what happened since the last call and belongs in the log, such as a planted fault."""

    def close(self) -> None:
        """Let go of everything; may be called twice."""
