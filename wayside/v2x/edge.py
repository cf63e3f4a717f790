"""The line between octets and tables: what is received becomes rows, what is to be sent becomes messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numba
import numpy as np

from wayside.asn1.batch import Plan
from wayside.asn1.errors import WireError
from wayside.asn1.frames import Frames
from wayside.envelope import Envelope, Role
from wayside.frame import Frame
from wayside.guidance.tables import Manoeuvre, ManoeuvreRequests
from wayside.maps.road import RoadMap
from wayside.membership import flags_of, is_among
from wayside.messages import Message, Messages
from wayside.numbering import Numbering
from wayside.roadside.tables import Detections, Poles
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.table import I64, U64, Table
from wayside.v2x import bsm, day_two, rsc, rsi, rsm, spat, vir, vpm
from wayside.v2x.editions import EDITION, TEXTS, codec_of
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import Place
from wayside.v2x.reception import BELIEVED, Reception
from wayside.v2x.sending import Sender, counted
from wayside.v2x.stations import AIDS_OF, DAY_TWO_AIDS, Outbox, pole_identity
from wayside.v2x.tables import MessageType, Refusals, Reports, Traffic
from wayside.worlds.tables import Impostors

# what vehicles open at every tick: RSI and day II, by application and by the octet that such a message begins with
LISTENED_AIDS = (*AIDS_OF[MessageType.RSI], *DAY_TWO_AIDS)
LISTENED_OCTETS = flags_of((*(MessageType.RSI << 4 | rest for rest in range(16)), day_two.EXTENDED))


class EdgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which edition of the message set is spoken."""

    edition: str = EDITION  # of all links but those
    links: dict[str, str] = {}  # that have an edition of their own, by number

    def __post_init__(self) -> None:
        for name in (self.edition, *self.links.values()):
            if name not in TEXTS:
                raise ValueError(f"no edition {name!r}; known are: {', '.join(TEXTS)}")
        for link in self.links:
            if not link.isdecimal():
                raise ValueError(f"link {link!r} is not a number")


class V2xEdge:
    """An `Edge` that speaks the message set of T/CSAE 53 and its relatives, in envelopes if it is given any.

    It keeps message counters, what was sent when, and fingerprints of the frames that came in during the last
    seconds; nothing it keeps changes the meaning of a row. It knows no keys: those are the envelope's.
    It sends in the edition of 2020 whatever it listens to.

    Args:
        config: which editions it listens to.
        road: the map; it must say where on the globe it lies.
        assets: what stands there; Poles, Units, SignalControllers and ZoneCorners are used if given.
        envelope: signs, opens and judges messages; None sends and takes them bare.
        verify: decode every message in `hear`, and not only one of each type a second.

    Attributes:
        proven: how many messages of each type `hear` has read.
        unread: how many it could not read or believe.
        cuts: what did not fit into MAP messages, in words.

    Raises:
        MapError: the map does not say where it lies.
    """

    def __init__(
        self,
        config: EdgeConfig,
        road: RoadMap,
        assets: Sequence[Table],
        envelope: Envelope | None = None,
        *,
        verify: bool = False,
    ) -> None:
        self._codec = codec_of(EDITION)
        self._place = Place.of(road)
        self._envelope, self._verify = envelope, verify
        poles = next((table for table in assets if isinstance(table, Poles)), Poles.empty())
        poles = poles.take(poles.order())
        self._poles = poles.pole
        latitude, longitude = self._place.to_wire(poles.x, poles.y)
        ids = [rsm.device_id("POLE", pole) for pole in poles.pole.tolist()]
        known = {int(identity, 16): pole for identity, pole in zip(ids, poles.pole.tolist(), strict=True)}
        links = {int(link): name for link, name in config.links.items()}
        self._lanes = LaneReferences(road)
        self._reception = Reception(self._place, known, config.edition, links, envelope, self._lanes)
        at = list(zip(latitude.tolist(), longitude.tolist(), strict=True))
        self._scans = rsm.SightWriter(Plan.of(self._codec.root, "rsmFrame"), self._place, rsm.SCANNED, ids, at)
        self._bsm = Plan.of(self._codec.root, "bsmFrame")
        self._sender = Sender(road, assets, self._place, self._codec)
        self._speakers = Numbering()  # of BSM
        self._said: I64 = np.zeros(0, np.int64)  # next msgCnt, by number of the speaker
        self._scanned_counts: Counter[int] = Counter()
        self._asks: Counter[int] = Counter()  # last msgCnt of each sender of VIR and VPM
        self._listened = -1  # the second whose SPAT were heard
        own = frozenset((Reports, Detections, ManoeuvreRequests, Refusals, Traffic, Signatures, SignatureCounts))
        self.writes: frozenset[type[Table]] = own | (frozenset() if envelope is None else envelope.writes)
        self.proven: Counter[MessageType] = Counter()
        self.unread = 0
        self.cuts = self._sender.cuts

    def decode(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Return what was received: Reports, Detections, Refusals, Traffic, Signatures and ManoeuvreRequests.

        Messages are taken in the order of reception, link and octets, so that the order in which they are
        handed over does not matter. Frames of types that give no rows here (SPAT, MAP, RSI) are read and counted.
        Traffic also counts what `encode` has sent since the last call.
        """
        got = self._reception.read(Messages.of(messages), time_ns)
        traffic = counted(got.frames, got.octets, self._sender)
        if self._envelope is None:
            found: tuple[Table, ...] = (Signatures.empty(), _unsigned(sum(got.frames.values())))
        else:
            found = self._envelope.findings(time_ns)
        return (got.reports, got.detections, got.refusals, traffic, *found, got.requests)

    def encode(self, frame: Frame) -> Messages:
        """Return what the roadside units send at this instant: RSM and SPAT each time, MAP and RSI once a second.

        Besides RSC and VPM where vehicles are answered, and SSM where they asked or need to know of somebody.
        Tables the frame does not have count as empty.
        """
        box = self._sender.messages(frame)
        sent = box.sealed(self._envelope)
        self._sender.note(box, sent)
        return sent

    def speak(self, tables: Sequence[Table], time_ns: int) -> Messages:
        """Return the BSM of each Report, the RSM of each pole's Detections, the VIR or VPM of each request.

        Other tables are left alone.

        Senders that Impostors name sign with certificates nobody trusted has issued.

        Raises:
            WireError: a row holds what the message set cannot say.
            KeyError: Detections name a pole that is not among the assets.
        """
        box = Outbox(time_ns)
        impostors = [int(one) for table in tables if isinstance(table, Impostors) for one in table.sender]
        for table in tables:
            if isinstance(table, Reports):
                counts = self._next_of(table.sender)
                strange = is_among(table.sender, np.array(impostors, np.uint64))
                roles = np.where(strange, int(Role.IMPOSTOR), int(Role.VEHICLE))
                frames = bsm.frames_of(table, counts, self._place, self._bsm)
                box.add(MessageType.BSM, frames, links=table.sender, stations=table.sender, roles=roles)
            elif isinstance(table, Detections):
                self._scanned(table, box)
            elif isinstance(table, ManoeuvreRequests) and len(table):
                self._asked(table, box)
        return box.sealed(self._envelope)

    def _asked(self, table: ManoeuvreRequests, box: Outbox) -> None:
        """Put the VIR of each request into the box, and the VPM of those who want to pay."""
        told = [(MessageType.VIR, sender, value) for sender, value in vir.values(table, self._place, self._lanes)]
        for row in np.flatnonzero(table.kind == Manoeuvre.PAYMENT).tolist():
            told.append((MessageType.VPM, int(table.sender[row]), vpm.ask(table, row, self._place)))
        for kind in (MessageType.VIR, MessageType.VPM):
            mine = [(sender, value) for one, sender, value in told if one is kind]
            if not mine:
                continue
            frames = []
            for sender, value in mine:
                self._asks[sender] = count = (self._asks[sender] + 1) % 128
                frames.append(day_two.write(kind, {**value, "msgCnt": count}))
            senders = np.array([sender for sender, _ in mine], np.uint64)
            roles = np.full(len(mine), Role.VEHICLE)
            box.add(kind, Frames.of(frames), links=senders, stations=senders, roles=roles)

    def _scanned(self, table: Detections, box: Outbox) -> None:
        """Put the RSM of each pole into the box."""
        table = table.take(np.lexsort((table.number, table.time_ns, table.pole)))
        known = self._poles
        device: I64 = np.searchsorted(known, table.pole)
        strange = ~is_among(table.pole, known)
        if strange.any():
            raise KeyError(f"Detections of pole {table.pole[strange][0]}, which is not among the assets")
        names: list[int] = known.tolist()
        senders, frames = self._scans.frames(
            table,
            device=device,
            numbers=table.number.astype(np.int64),
            instants=table.time_ns,
            counts=lambda index: self._next(names[index]),
        )
        links = known[senders].astype(np.uint64)
        box.add(MessageType.RSM, frames, links=links, stations=pole_identity(links))

    def hear(self, messages: Sequence[Message], time_ns: int) -> tuple[Table, ...]:
        """Return MeasureOrders and SignalForecasts as vehicles understand them; both always, empty if nothing.

        Where an RSC was heard, ManoeuvreOrders as vehicles understand them come third, see `rsc.understood`.

        Vehicles listen to every RSI and RSC, and to the SPAT of the first tick of each second. Of other messages
        one of each kind is read a second, and all with `verify`, so that what was sent is known to be readable.
        Measures are the union over all units among these messages; a unit repeats them once a second, and how
        long a vehicle believes in one is its own affair. Times of forecasts count from now on.
        """
        shown: dict[tuple[int, int], spat.Row] = {}
        told: list[tuple[Any, ...]] = []
        answers: list[dict[str, Any]] = []
        second = time_ns // 1_000_000_000
        fresh, self._listened = self._listened != second, second
        proven: set[int] = set()
        for message in self._bare(Messages.of(messages), time_ns, everything=fresh or self._verify):
            index = message.payload[0] >> 4 if message.payload else -1
            number = day_two.number_of(message.payload)
            if number in day_two.TYPE_OF:
                if day_two.TYPE_OF[number] is MessageType.RSC or self._verify or (fresh and -number not in proven):
                    proven.add(-number)
                    answers += self._heard_answer(message.payload)
                continue
            listens = index == MessageType.RSI or (fresh and index == MessageType.SPAT)
            if not (listens or self._verify) and (index in proven or not fresh):
                continue
            proven.add(index)
            try:
                ((name, value),) = self._codec.decode(message.payload).items()
            except WireError:
                self.unread += 1
                continue
            if name not in self._codec.names:
                self.unread += 1
                continue
            kind = MessageType(self._codec.names.index(name))
            self.proven[kind] += 1
            if kind is MessageType.SPAT:
                shown.update(((row[0], row[1]), row) for row in spat.rows(value, time_ns))
            elif kind is MessageType.RSI:
                told += rsi.measure_rows(value)
        known = rsi.measures_of(told), spat.forecasts_of(shown)
        return (*known, rsc.orders_of(answers)) if answers else known

    def _heard_answer(self, payload: bytes) -> list[dict[str, Any]]:
        """Return what vehicles understand of a day-II message; nothing of any but an RSC."""
        try:
            kind, value = day_two.read(payload)
        except WireError:
            self.unread += 1
            return []
        self.proven[kind] += 1
        return rsc.understood(value) if kind is MessageType.RSC else []

    def _bare(self, messages: Messages, time_ns: int, *, everything: bool) -> Messages:
        """Return what is inside those messages whose envelopes vehicles believe, by time and link.

        Without `everything` all but RSI and day II are left closed.
        """
        if self._envelope is not None:
            wanted = ((), None) if everything else (LISTENED_AIDS, LISTENED_OCTETS)
            letters = self._envelope.overhear(messages, time_ns, *wanted)
            if not len(letters.payloads):
                self.unread += len(letters.refused)
                return letters.payloads
            believed = BELIEVED[letters.judge(None)]
            self.unread += len(letters.refused) + int((~believed).sum())
            messages = letters.payloads.take(np.flatnonzero(believed))
        return messages.take(np.lexsort((messages.link, messages.time_ns)))

    def _next_of(self, senders: U64) -> I64:
        """Return the next msgCnt of each sender of a BSM."""
        numbers = self._speakers.add(senders)
        new = len(self._speakers) - len(self._said)
        if new:
            self._said = np.concatenate([self._said, np.zeros(new, np.int64)])
        return np.asarray(_count_on(self._said, numbers))

    def _next(self, pole: int) -> int:
        """Return the next msgCnt of a pole."""
        count = self._scanned_counts[pole]
        self._scanned_counts[pole] = (count + 1) % 128
        return count


@numba.njit(cache=True)
def _count_on(said: I64, numbers: I64) -> I64:
    """Return the next msgCnt of each speaker, by its number, who may speak more than once."""
    counts = np.empty(len(numbers), np.int64)
    for n in range(len(numbers)):
        counts[n] = said[numbers[n]]
        said[numbers[n]] = (counts[n] + 1) % 128
    return counts


def _unsigned(messages: int) -> SignatureCounts:
    """Return the count of messages that came without envelopes."""
    if not messages:
        return SignatureCounts.empty()
    state, count = np.array([SignatureState.NONE], np.uint8), np.array([messages], np.uint32)
    return SignatureCounts(state=state, messages=count)


def open_edge(config: EdgeConfig, road: RoadMap, assets: Sequence[Table], envelope: Envelope | None) -> V2xEdge:
    """Return the edge of a city; see `V2xEdge`."""
    return V2xEdge(config, road, assets, envelope)
