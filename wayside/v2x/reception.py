"""Received messages to Reports and Detections, in batches; each that gives no rows is counted with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from wayside.asn1.batch import Batch, Plan
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.frames import Frames, messages_of
from wayside.envelope import Claims, Envelope
from wayside.guidance.tables import ManoeuvreRequests
from wayside.membership import flags_of
from wayside.messages import Messages
from wayside.roadside.tables import Detections
from wayside.security.tables import SignatureState
from wayside.table import I64, Bool, Table
from wayside.v2x import bsm, day_two, rsm, vir, vpm
from wayside.v2x.editions import schema_of
from wayside.v2x.fingerprint import Memory
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import Place
from wayside.v2x.quantities import LAST_MARK, NO_MARK
from wayside.v2x.refuse import Ledger
from wayside.v2x.stations import AIDS_OF, DAY_TWO_AIDS
from wayside.v2x.tables import MessageType, RefusalReason, Refusals, Reports

T = TypeVar("T", bound=Table)

STALE_AFTER_NS = 5_000_000_000  # older messages are refused
AHEAD_NS = 1_000_000_000  # and those from further in the future
BELIEVED = flags_of((SignatureState.VALID, SignatureState.UNCHECKED))  # by SignatureState
REASONS = {
    SignatureState.BAD: RefusalReason.BAD_SIGNATURE,
    SignatureState.UNKNOWN_SIGNER: RefusalReason.UNKNOWN_SIGNER,
    SignatureState.EXPIRED: RefusalReason.CERTIFICATE_EXPIRED,
    SignatureState.NOT_YET_VALID: RefusalReason.CERTIFICATE_NOT_YET_VALID,
    SignatureState.OUTSIDE_REGION: RefusalReason.OUTSIDE_REGION,
    SignatureState.NOT_PERMITTED: RefusalReason.NOT_PERMITTED,
    SignatureState.REVOKED: RefusalReason.CERTIFICATE_REVOKED,
    SignatureState.UNTRUSTED: RefusalReason.UNTRUSTED_ROOT,
    SignatureState.MALFORMED: RefusalReason.BAD_ENVELOPE,
    SignatureState.NONE: RefusalReason.UNSIGNED,
    SignatureState.STALE: RefusalReason.STALE,
}
DAY_ONE = tuple(MessageType(index) for index in range(5))  # by their index in the MessageFrame
DAY_TWO = {MessageType.SSM: 12, MessageType.PSM: 15}  # messageId of those that are read into rows
DAY_TWO_INDEX = len(DAY_ONE)  # msgFrameExt, where the edition knows it
# applications that messages of each MessageType may be signed for; the last row is of those of no type
MOST_AIDS, NO_AID = max(map(len, AIDS_OF.values())), -2
APPLICATIONS: I64 = np.array(
    [[*AIDS_OF.get(kind, DAY_TWO_AIDS), *[NO_AID] * MOST_AIDS][:MOST_AIDS] for kind in MessageType]
    + [[NO_AID] * MOST_AIDS],
    np.int64,
)
NO_POLE = -1
MOST_REQUESTS = 256  # messages with requests that are read in one tick


@dataclass(frozen=True)
class Received:
    """What one tick's messages have become.

    Attributes:
        reports, detections, requests, refusals: the rows.
        frames, octets: how many messages of each type were read, and their octets, envelopes included.
    """

    reports: Reports
    detections: Detections
    requests: ManoeuvreRequests
    refusals: Refusals
    frames: Counter[MessageType]
    octets: Counter[MessageType]


class _Reader:
    """Reads the messages of one edition."""

    def __init__(self, edition: str, place: Place, pole_of: Mapping[int, int]) -> None:
        self._root = schema_of(edition)
        names = [f.name for f in (*self._root.alternatives, *self._root.additions)]
        self._plans = [Plan.of(self._root, name) for name in names[:DAY_TWO_INDEX]]
        self._day_two = [
            (kind, Plan.of(self._root, name, number))
            for name in names[DAY_TWO_INDEX:]
            for kind, number in DAY_TWO.items()
        ]
        self._poles = np.array(sorted(pole_of), np.uint64)
        self._pole_of: I64 = np.array([pole_of[identity] for identity in sorted(pole_of)], np.int64)

    def batches(self, frames: Frames) -> Iterator[tuple[MessageType, I64, Batch]]:
        """Yield each type's frames, read: the type, their rows in `frames`, and the batch."""
        index = messages_of(self._root, frames)
        for number in _there(index[index >= 0]):
            rows = np.flatnonzero(index == number)
            chosen = frames.take(rows) if len(rows) < len(frames) else frames
            if number < DAY_TWO_INDEX:
                yield DAY_ONE[number], rows, self._plans[number].decode(chosen)
                continue
            for kind, plan in self._day_two:
                batch = plan.decode(chosen)
                mine = np.flatnonzero(batch.fault >= 0)
                if len(mine) and (batch.fault[mine] == 0).any():
                    yield kind, rows, batch

    def poles_of(self, batch: Batch) -> I64:
        """Return the number of the pole that sent each frame, `NO_POLE` for any other sender."""
        rows = batch[""]
        found = np.full(len(batch.frames), NO_POLE, np.int64)
        if len(self._poles):
            who = rows["id"].view(np.uint64)
            place = np.minimum(np.searchsorted(self._poles, who), len(self._poles) - 1)
            found[rows["frame"]] = np.where(self._poles[place] == who, self._pole_of[place], NO_POLE)
        return found


class Reception:
    """Reads what roadside units receive.

    Args:
        place: where the city lies.
        poles: number of each pole by the eight octets it is known by.
        edition: of all links but those
        links: that have an edition of their own.
        envelope: what opens and judges messages; None where they come without.
        lanes: finds the lanes that requests name.
    """

    def __init__(
        self,
        place: Place,
        poles: Mapping[int, int],
        edition: str,
        links: Mapping[int, str],
        envelope: Envelope | None,
        lanes: LaneReferences,
    ) -> None:
        self._place, self._envelope, self._lanes = place, envelope, lanes
        self._editions = (edition, *sorted(set(links.values()) - {edition}))
        self._readers = {name: _Reader(name, place, poles) for name in self._editions}
        self._links = np.array(sorted(links), np.uint64)
        self._of_link: I64 = np.array([self._editions.index(links[link]) for link in sorted(links)], np.int64)
        self._memory = Memory(STALE_AFTER_NS + AHEAD_NS)

    def read(self, messages: Messages, time_ns: int) -> Received:
        """Return what the messages say; the order in which they are handed over does not matter."""
        ledger = Ledger()
        fresh, copies = self._memory.fresh(messages, time_ns)
        ledger.refuse_all(messages, copies, RefusalReason.DUPLICATE)
        messages = messages.take(fresh)
        outer, inner = messages, messages
        letters = None
        if self._envelope is not None:
            letters = self._envelope.open(messages, time_ns)
            for state in _there(letters.reasons):
                ledger.refuse_all(
                    messages, letters.refused[letters.reasons == state], REASONS[SignatureState(state)]
                )
            outer = messages.take(letters.rows) if len(letters.rows) < len(messages) else messages
            inner = letters.payloads
        said = _Said(len(inner))
        for place, edition in enumerate(self._editions):
            rows = np.flatnonzero(self._edition_of(inner) == place) if len(self._links) else np.arange(len(inner))
            if len(rows):
                self._read(self._readers[edition], inner, rows, said, ledger, outer)
        self._read_requests(inner, said, ledger, outer)
        unread = np.flatnonzero(said.type < 0)
        if len(unread):
            empty = inner.lengths[unread] == 0
            ledger.refuse_all(outer, unread[empty], RefusalReason.TRUNCATED)
            ledger.refuse_all(outer, unread[~empty], RefusalReason.UNKNOWN_MESSAGE)
        if letters is not None:
            states = letters.judge(said.claims(inner))
            states[said.read & ~_fits(said.type, letters.aids)] = SignatureState.NOT_PERMITTED
            lost = said.good & ~BELIEVED[states]
            for state in _there(states[lost]):
                ledger.refuse_all(outer, np.flatnonzero(lost & (states == state)), REASONS[SignatureState(state)])
            said.good &= ~lost
        spoken, seen = said.tables()
        asked = vir.table_of([row for row, message in said.requests if said.good[message]])
        reports = _kept(*spoken, outer, ledger)
        detections = _kept(*seen, outer, ledger)
        types = said.type[said.read]
        numbers, lengths = np.bincount(types), np.bincount(types, weights=outer.lengths[said.read])
        frames = Counter({MessageType(kind): int(numbers[kind]) for kind in np.flatnonzero(numbers).tolist()})
        octets = Counter({kind: int(lengths[kind]) for kind in frames})
        return Received(reports, detections, asked, ledger.table(), frames, octets)

    def _read_requests(self, inner: Messages, said: _Said, ledger: Ledger, outer: Messages) -> None:
        """Read what vehicles ask for, message by message: they are few, and the same in every edition."""
        first = inner.octets[np.minimum(inner.starts[:-1], max(len(inner.octets) - 1, 0))] if len(inner) else None
        if first is None or not (first == day_two.EXTENDED).any():
            return
        rows = np.flatnonzero((said.type < 0) & (inner.lengths > 0) & (first == day_two.EXTENDED))
        for row in rows[:MOST_REQUESTS].tolist():
            payload = bytes(inner.octets[inner.starts[row] : inner.starts[row + 1]])
            kind = day_two.TYPE_OF.get(day_two.number_of(payload))
            if kind not in (MessageType.VIR, MessageType.VPM):
                continue
            received = int(inner.time_ns[row])
            said.type[row] = kind
            try:
                _, value = day_two.read(payload)
            except WireError as error:
                ledger.refuse_all(outer, np.array([row]), RefusalReason(error.reason))
                continue
            said.read[row] = True
            if kind is MessageType.VIR:
                asked = vir.rows(value, received, self._place, self._lanes)
            else:
                asked = vpm.rows(value, received, self._place)
            late = [not -AHEAD_NS <= received - one["time_ns"] <= STALE_AFTER_NS for one in asked]
            if any(late):
                ledger.refuse_all(outer, np.array([row]), RefusalReason.STALE)
                continue
            said.good[row] = True
            said.asks(row, asked)

    def _edition_of(self, messages: Messages) -> I64:
        """Return the place of each message's edition, where links have editions of their own."""
        place = np.minimum(np.searchsorted(self._links, messages.link), len(self._links) - 1)
        return np.where(self._links[place] == messages.link, self._of_link[place], 0)

    def _read(
        self, reader: _Reader, inner: Messages, rows: I64, said: _Said, ledger: Ledger, outer: Messages
    ) -> None:
        """Read the messages of one edition into `said`."""
        frames = Frames(inner.octets, inner.starts)
        if len(rows) < len(frames):
            frames = frames.take(rows)
        for kind, chosen, batch in reader.batches(frames):
            mine = rows[chosen]
            received: I64 = inner.time_ns[mine]
            ours = batch.fault >= 0  # the others are day-II messages of another type
            said.type[mine[ours]] = kind
            for reason in _there(batch.fault[batch.fault > 0]):
                ledger.refuse_all(outer, mine[batch.fault == reason], RefusalReason(Fault(reason)))
            good = batch.fault == 0
            said.read[mine[good]] = True
            if kind in (MessageType.BSM, MessageType.PSM):
                good &= ~_reserved(batch, "", "secMark")
                said.reports.append((bsm.reports_of(batch, received, self._place), mine[batch[""]["frame"]]))
            elif kind in (MessageType.RSM, MessageType.SSM):
                pole = reader.poles_of(batch)
                level = "participants"
                mark = "ptc.secMark" if "ptc.secMark" in batch[level] else "secMark"
                reserved = _reserved(batch, level, mark)
                ledger.refuse_all(outer, mine[good & reserved & (pole >= 0)], RefusalReason.OUT_OF_RANGE)
                ledger.refuse_all(outer, mine[good & (pole < 0)], RefusalReason.UNKNOWN_MESSAGE)
                good &= ~reserved & (pole >= 0)
                pole[~good] = NO_POLE
                table, frame = rsm.detections_of(batch, pole, received, self._place)
                said.detections.append((table, mine[frame]))
                said.sender[mine[batch[""]["frame"]]] = batch[""]["id"].view(np.uint64)
            if kind in (MessageType.BSM, MessageType.PSM):
                lost = (batch.fault == 0) & ~good
                ledger.refuse_all(outer, mine[lost], RefusalReason.OUT_OF_RANGE)
            said.good[mine[good]] = True


def _fits(kinds: I64, aids: I64) -> Bool:
    """Tell whether each message was signed for an application that its type belongs to; none of type -1 was."""
    fit: Bool = (APPLICATIONS[kinds] == aids[:, None]).any(axis=1)
    return fit


def _there(numbers: NDArray[Any]) -> list[int]:
    """Return which whole numbers from 0 on are there, in order.

    >>> _there(np.array([5, 0, 5], np.int8))
    [0, 5]
    """
    return np.flatnonzero(np.bincount(numbers)).tolist() if len(numbers) else []


class _Said:
    """What messages say, gathered by type, with the row of the message each row came in.

    Attributes:
        type: MessageType of each message, -1 while it is not known.
        read: it could be read.
        good: it may give rows.
        sender: identity inside it, 0 where it has none.
    """

    def __init__(self, count: int) -> None:
        self.type: I64 = np.full(count, -1, np.int64)
        self.read: Bool = np.zeros(count, np.bool_)
        self.good: Bool = np.zeros(count, np.bool_)
        self.sender = np.zeros(count, np.uint64)
        self.reports: list[tuple[Reports, I64]] = []
        self.detections: list[tuple[Detections, I64]] = []
        self.requests: list[tuple[dict[str, Any], int]] = []  # rows, and the message each came in

    def asks(self, message: int, rows: list[dict[str, Any]]) -> None:
        """Note the requests of one message."""
        self.requests += [(row, message) for row in rows]
        if rows:
            self.sender[message] = rows[0]["sender"]

    def claims(self, messages: Messages) -> Claims:
        """Return what decides whether signatures are worth checking."""
        time_ns = messages.time_ns.copy()
        x, y, vx, vy = (np.full(len(messages), np.nan) for _ in range(4))
        event = np.zeros(len(messages), np.bool_)
        for table, rows in self.reports:
            self.sender[rows], time_ns[rows] = table.sender, table.time_ns
            x[rows], y[rows] = table.x, table.y
            vx[rows], vy[rows] = table.speed * np.cos(table.heading), table.speed * np.sin(table.heading)
            event[rows] = table.events > 0
        for row, message in self.requests:
            time_ns[message], x[message], y[message] = row["time_ns"], row["x"], row["y"]
            event[message] = True  # an answer hangs on it
        return Claims(self.sender, time_ns, x, y, vx, vy, event)

    def tables(self) -> tuple[tuple[Reports, I64], tuple[Detections, I64]]:
        """Return the rows of good messages, and the message each came in."""
        return _joined(Reports, self.reports, self.good), _joined(Detections, self.detections, self.good)


def _joined(kind: type[T], parts: Sequence[tuple[T, I64]], good: Bool) -> tuple[T, I64]:
    """Return the rows of all parts that came in good messages."""
    if not parts:
        return kind.empty(), np.empty(0, np.int64)
    table = parts[0][0] if len(parts) == 1 else kind.concatenate([table for table, _ in parts])
    rows = np.concatenate([rows for _, rows in parts])
    return (table, rows) if good[rows].all() else (table.take(good[rows]), rows[good[rows]])


def _reserved(batch: Batch, level: str, name: str) -> Bool:
    """Tell which frames have a millisecond that no minute has, and that is not the one for unknown."""
    rows = batch[level]
    marks = rows[name]
    found = np.zeros(len(batch.frames), np.bool_)
    found[rows["frame"][(marks > LAST_MARK) & (marks < NO_MARK)]] = True
    return found


def _kept(table: T, rows: I64, messages: Messages, ledger: Ledger) -> T:
    """Return the rows that are neither too old, nor from the future, nor there twice; refuse the others' frames.

    Args:
        table: Reports or Detections.
        rows: the message each row came in.
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
        ledger.refuse_all(messages, np.unique(rows[mask]), reason)
    return table.take(~lost)
