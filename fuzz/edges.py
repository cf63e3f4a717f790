"""The edge as a city runs it: a tick's messages in, tables out, bare or in signed envelopes."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from random import Random

from fuzz.frames import any_edition
from fuzz.mutators import Pool, crowd
from fuzz.stations import NOW, an_edge, spoken
from fuzz.target import READ, Together, expect
from wayside.messages import Message
from wayside.v2x.editions import TEXTS
from wayside.v2x.tables import RefusalReason, Refusals, Traffic

HEAD = struct.Struct(">qQ")  # instant of reception [ns] and link, before the octets
TICK_NS = 100_000_000


class Edge(Together):
    """An edge that hears mutated frames tick by tick; on unsigned links four editions side by side.

    Each message that comes in is counted: as traffic, or as refused.
    """

    size = 250
    keeps = True
    head = HEAD.size

    def __init__(self, kind: str) -> None:
        self.name, self._signed = f"edge:{kind}", kind == "signed"
        links = {str(link): list(TEXTS)[link % len(TEXTS)] for link in range(1024)}
        self._edge = an_edge(signed=self._signed, links={} if self._signed else links)
        self._speaker = an_edge(signed=self._signed)
        self._time_ns = NOW
        self._pool = Pool(any_edition)

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutations of what stations say at the next tick, and without envelopes of any valid frames."""
        self._time_ns += TICK_NS
        said = spoken(self._speaker, self._time_ns)
        payloads = [said.payload(row) for row in range(len(said))]
        frames = crowd(payloads, random, count if self._signed else count // 2)
        if not self._signed:
            frames += self._pool.crowd(random, count - len(frames))
        return [HEAD.pack(self._time_ns, link) + octets for link, octets in enumerate(frames)]

    def all(self, inputs: Sequence[bytes]) -> Counter[str]:
        """Hear all as a roadside unit, and then as vehicles."""
        heads = [HEAD.unpack_from(one) for one in inputs]
        messages = [Message(at, link, one[HEAD.size :]) for (at, link), one in zip(heads, inputs, strict=True)]
        now = max((message.time_ns for message in messages), default=NOW)
        tables = [table.canonical() for table in self._edge.decode(messages, now)]
        refusals = next(table for table in tables if isinstance(table, Refusals))
        traffic = next(table for table in tables if isinstance(table, Traffic))
        heard = int(traffic.frames[traffic.direction == 0].sum())
        refused = len(set(refusals.link.tolist()))
        there = len({one.link for one in messages})
        expect(heard + refused >= there, f"{heard} heard and {refused} refused of {there}")
        for table in self._edge.hear(messages, now):
            table.canonical()
        outcomes = Counter(RefusalReason(reason).name.lower() for reason in refusals.reason.tolist())
        outcomes[READ] = heard
        return +outcomes
