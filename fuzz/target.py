"""What is fuzzed: something that takes octets and must say what they are, or refuse them by a typed error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

READ = "read"  # the outcome of octets that are accepted; every other one is the reason of a refusal


class Wrong(Exception):
    """Two ways that must agree do not, or something was accepted that must not be."""


@dataclass
class Fed:
    """What became of some inputs.

    Attributes:
        outcomes: how many were read, and how many refused for which reason.
        slowest_s: processor time of the slowest call [s].
        slowest: inputs of that call.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest: tuple[bytes, ...] = ()


class Target(Protocol):
    """One thing that is fuzzed.

    Attributes:
        name: group and member, such as `records:csae53-2020`.
        size: inputs of one batch.
        keeps: it remembers earlier inputs; what fails is then tried again with a new one.
        head: octets at the front of each input that are no part of the frame, and are not cut when a failing
            input is made smaller.
    """

    name: str
    size: int
    keeps: bool
    head: int

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated inputs; the same ones for the same state of `random`, unless it keeps something."""
        ...

    def feed(self, inputs: Sequence[bytes]) -> Fed:
        """Take a batch in. Any exception is a finding."""
        ...


class Each:
    """A target that takes one input a call."""

    name = ""
    size = 500
    keeps = False
    head = 0

    def one(self, octets: bytes) -> str:
        """Take one input in; return `READ` or the reason of its refusal."""
        raise NotImplementedError

    def feed(self, inputs: Sequence[bytes]) -> Fed:
        """Take a batch in, call by call."""
        fed, clock = Fed(), time.thread_time
        for octets in inputs:
            before = clock()
            outcome = self.one(octets)
            took = clock() - before
            fed.outcomes[outcome] += 1
            if took > fed.slowest_s:
                fed.slowest_s, fed.slowest = took, (octets,)
        return fed


class Together:
    """A target that takes a whole batch in one call."""

    name = ""
    size = 1000
    keeps = False
    head = 0

    def all(self, inputs: Sequence[bytes]) -> Counter[str]:
        """Take all in at once; return how many came to which outcome."""
        raise NotImplementedError

    def feed(self, inputs: Sequence[bytes]) -> Fed:
        """Take a batch in."""
        before = time.thread_time()
        outcomes = self.all(inputs)
        return Fed(outcomes, time.thread_time() - before, tuple(inputs))


def expect(holds: bool, *what: object) -> None:
    """Raise Wrong with some words unless something holds.

    >>> expect(1 + 1 == 2, "numbers")
    """
    if not holds:
        raise Wrong(" ".join(map(str, what)))
