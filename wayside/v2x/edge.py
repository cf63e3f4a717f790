"""The line between octets and tables for T/CSAE 53-2020."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from wayside.asn1.errors import WireError
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Detections, Poles
from wayside.table import I64, Bool, Table
from wayside.v2x import bsm, rsi, rsm, spat
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.place import Place
from wayside.v2x.quantities import LAST_MARK, NO_MARK
from wayside.v2x.refuse import Ledger
from wayside.v2x.sending import Sender, counted
from wayside.v2x.tables import MessageType, RefusalReason, Refusals, Reports, Traffic
from wayside.world import Message

T = TypeVar("T", bound=Table)

STALE_AFTER_NS = 5_000_000_000  # older messages are refused
AHEAD_NS = 1_000_000_000  # and those from further in the future
MESSAGE_OF = {
    "bsmFrame": MessageType.BSM,
    "mapFrame": MessageType.MAP,
    "rsmFrame": MessageType.RSM,
    "spatFrame": MessageType.SPAT,
    "rsiFrame": MessageType.RSI,
}


class V2xEdge:
    """An `Edge` that speaks T/CSAE 53-2020 (YD/T 3709-2020) in unaligned PER.

    It keeps message counters, what was sent when, and which frames came in during the last seconds; nothing
    it keeps changes the meaning of a row. Security (certificates and signatures) is not its concern.

    Args:
        road: the map; it must say where on the globe it lies.
        assets: what stands there; Poles, Units, SignalControllers and ZoneCorners are used if given.
        verify: decode every message in `hear`, and not only one of each type a second.

    Attributes:
        proven: how many messages of each type `hear` has read.
        unread: how many it could not read.
        cuts: what did not fit into MAP messages, in words.

    Raises:
        MapError: the map does not say where it lies.
    """

    writes: frozenset[type[Table]] = frozenset((Reports, Detections, Refusals, Traffic))

    def __init__(self, road: RoadMap, assets: Sequence[Table], *, verify: bool = False) -> None:
        self._codec = codec_of(EDITION)
        self._place = Place.of(road)
        self._verify = verify
        poles = next((table for table in assets if isinstance(table, Poles)), Poles.empty())
        poles = poles.take(poles.order())
        self._poles = poles.pole
        latitude, longitude = self._place.to_wire(poles.x, poles.y)
        ids = [rsm.device_id("POLE", pole) for pole in poles.pole.tolist()]
        self._pole_of = dict(zip(ids, poles.pole.tolist(), strict=True))
        at = list(zip(latitude.tolist(), longitude.tolist(), strict=True))
        self._scans = rsm.SightWriter(self._codec.root, self._place, rsm.SCANNED, ids, at)
        self._reports = bsm.ReportWriter(self._codec.root, self._place)
        self._sender = Sender(road, assets, self._place, self._codec)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._recent: dict[bytes, int] = {}
        self._forget_ns = 0
        self._listened = -1  # the second whose SPAT were heard
        self._checked: dict[int, int] = {}
        self.proven: Counter[MessageType] = Counter()
        self.unread = 0
        self.cuts = self._sender.cuts

    def decode(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Return Reports, Detections, Refusals and Traffic of what was received.

        Messages are taken in the order of reception, link and octets, so that the order in which they are
        handed over does not matter. Frames of types that give no rows here (SPAT, MAP, RSI) are counted.
        Traffic also counts what `encode` has sent since the last call.
        """
        ledger = Ledger()
        said: list[tuple[dict[str, Any], Message]] = []
        seen: list[tuple[dict[str, Any], int, Message]] = []
        received: Counter[MessageType] = Counter()
        octets: Counter[MessageType] = Counter()
        self._forget(time_ns)
        for message in sorted(messages, key=lambda m: (m.time_ns, m.link, m.payload)):
            if message.payload in self._recent:
                ledger.refuse(message, RefusalReason.DUPLICATE)
                continue
            try:
                ((name, value),) = self._codec.decode(message.payload).items()
            except WireError as error:
                ledger.refuse(message, RefusalReason(error.reason))
                continue
            kind = MESSAGE_OF.get(name)
            if kind is None:
                ledger.refuse(message, RefusalReason.UNKNOWN_MESSAGE)
                continue
            self._recent[message.payload] = message.time_ns
            received[kind] += 1
            octets[kind] += len(message.payload)
            if kind is MessageType.BSM:
                if _reserved(value["secMark"]):
                    ledger.refuse(message, RefusalReason.OUT_OF_RANGE)
                else:
                    said.append((value, message))
            elif kind is MessageType.RSM:
                pole = self._pole_of.get(value["id"])
                if pole is None:
                    ledger.refuse(message, RefusalReason.UNKNOWN_MESSAGE)
                elif any(_reserved(one["secMark"]) for one in value["participants"]):
                    ledger.refuse(message, RefusalReason.OUT_OF_RANGE)
                else:
                    seen.append((value, pole, message))
        reports = bsm.reports_of([v for v, _ in said], [m for _, m in said], self._place)
        reports = _kept(reports, np.arange(len(said)), [m for _, m in said], ledger)
        scans, poles = [value for value, _, _ in seen], [pole for _, pole, _ in seen]
        carriers = [message for _, _, message in seen]
        detections, frames = rsm.detections_of(scans, poles, carriers, self._place)
        detections = _kept(detections, frames, carriers, ledger)
        traffic = counted(received, octets, self._sender)
        return reports, detections, ledger.table(), traffic

    def encode(self, frame: Frame) -> list[Message]:
        """Return what the roadside units send at this instant: RSM and SPAT each time, MAP and RSI once a second.

        Tables the frame does not have count as empty.
        """
        return self._sender.messages(frame)

    def speak(self, tables: Sequence[Table], time_ns: int) -> list[Message]:
        """Return the BSM of each Report and the RSM of each pole's Detections; other tables are left alone.

        Raises:
            WireError: a row holds what the message set cannot say.
            KeyError: Detections name a pole that is not among the assets.
        """
        spoken: list[Message] = []
        for table in tables:
            if isinstance(table, Reports):
                senders = table.sender.tolist()
                counts = [self._next("bsm", sender) for sender in senders]
                octets = self._reports.frames(table, counts)
                spoken += [Message(time_ns, *one) for one in zip(senders, octets, strict=True)]
            elif isinstance(table, Detections):
                spoken += self._scanned(table, time_ns)
        return spoken

    def _scanned(self, table: Detections, time_ns: int) -> list[Message]:
        """Return the RSM of each pole."""
        table = table.take(np.lexsort((table.number, table.time_ns, table.pole)))
        known = self._poles
        device = np.searchsorted(known, table.pole)
        strange = ~np.isin(table.pole, known)
        if strange.any():
            raise KeyError(f"Detections of pole {table.pole[strange][0]}, which is not among the assets")
        names: list[int] = known.tolist()
        made = self._scans.frames(
            table,
            device=device,
            numbers=table.number.astype(np.int64),
            instants=table.time_ns,
            counts=lambda index: self._next("rsm", names[index]),
        )
        return [Message(time_ns, names[index], octets) for index, octets in made]

    def hear(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Return MeasureOrders and SignalForecasts as vehicles understand them; both always, empty if nothing.

        Vehicles listen to every RSI, and to the SPAT of the first tick of each second. Of other messages one of
        each kind is read a second, and all with `verify`, so that what was sent is known to be readable.
        Measures are the union over all units among these messages; a unit repeats them once a second, and how
        long a vehicle believes in one is its own affair. Times of forecasts count from now on.
        """
        shown: dict[tuple[int, int], spat.Row] = {}
        told: list[tuple[Any, ...]] = []
        second = time_ns // 1_000_000_000
        wanted = {MessageType.RSI}
        if self._listened != second:
            self._listened = second
            wanted.add(MessageType.SPAT)
        for message in sorted(messages, key=lambda m: (m.time_ns, m.link)):
            index = message.payload[0] >> 4 if message.payload else -1
            if not (index in wanted or self._verify) and self._checked.get(index) == second:
                continue
            self._checked[index] = second
            try:
                ((name, value),) = self._codec.decode(message.payload).items()
            except WireError:
                self.unread += 1
                continue
            kind = MESSAGE_OF.get(name)
            if kind is None:
                self.unread += 1
                continue
            self.proven[kind] += 1
            if kind is MessageType.SPAT:
                shown.update(((row[0], row[1]), row) for row in spat.rows(value, time_ns))
            elif kind is MessageType.RSI:
                told += rsi.measure_rows(value)
        return rsi.measures_of(told), spat.forecasts_of(shown)

    def _next(self, kind: str, sender: int) -> int:
        """Return the next msgCnt of a sender."""
        count = self._counts[kind, sender]
        self._counts[kind, sender] = (count + 1) % 128
        return count

    def _forget(self, time_ns: int) -> None:
        """Drop frames that could no longer be taken for new ones, once a second."""
        if time_ns >= self._forget_ns:
            self._forget_ns = time_ns + 1_000_000_000
            oldest = time_ns - STALE_AFTER_NS - AHEAD_NS
            self._recent = {octets: at for octets, at in self._recent.items() if at >= oldest}


def _reserved(mark: int) -> bool:
    """Tell whether a millisecond of the minute is one that no minute has, and not the one for unknown."""
    return LAST_MARK < mark < NO_MARK


def _kept(table: T, frames: I64, messages: Sequence[Message], ledger: Ledger) -> T:
    """Return the rows that are neither too old, nor from the future, nor there twice; refuse the others' frames.

    Args:
        table: Reports or Detections.
        frames: index of the message each row came in.
        messages: the messages.
        ledger: takes one refusal for each frame that lost rows, and each reason.
    """
    if not len(table):
        return table
    columns = dict(table.arrays())
    age = columns["received_ns"] - columns["time_ns"]
    stale: Bool = (age > STALE_AFTER_NS) | (age < -AHEAD_NS)
    order = table.order()
    same = np.ones(len(order) - 1, np.bool_)
    for name in table.key:
        ordered = columns[name][order]
        same &= ordered[1:] == ordered[:-1]
    twice = np.zeros(len(order), np.bool_)
    twice[order[1:]] = same
    twice &= ~stale
    lost = stale | twice
    if not lost.any():
        return table
    for reason, mask in ((RefusalReason.STALE, stale), (RefusalReason.DUPLICATE, twice)):
        for frame in np.unique(frames[mask]).tolist():
            ledger.refuse(messages[frame], reason)
    return table.take(~lost)
