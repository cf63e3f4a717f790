"""What roadside units put on the air, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from wayside.admission.tables import ZoneCorners
from wayside.asn1.batch import Plan
from wayside.asn1.codec import Codec
from wayside.asn1.frames import Frames
from wayside.frame import Frame
from wayside.guard.tables import MeasureOrders, WarningOrders
from wayside.guidance.tables import PaymentPoints, Signs
from wayside.maps.road import RoadMap
from wayside.membership import is_among
from wayside.messages import Messages
from wayside.numbering import Numbering
from wayside.roadside.tables import Actors, Incidents, RoadStates, Units
from wayside.signals.tables import Light, SignalControllers, SignalForecasts
from wayside.table import F64, I64, U8, U16, U64, Table
from wayside.v2x import rsi, rsm, spat
from wayside.v2x.cooperation import Cooperation
from wayside.v2x.mapdata import MapMessage, map_message
from wayside.v2x.place import Place, nearest_in_reach
from wayside.v2x.quantities import minute_of_year
from wayside.v2x.stations import Outbox, unit_identity
from wayside.v2x.tables import MessageType, Traffic

T = TypeVar("T", bound=Table)
SEEN_BY_POLE = 2  # bit of Actors.sources
SECOND_NS = 1_000_000_000
STAGGER_NS = 100_000_000  # units speak their slow messages one tick apart


def _asset(assets: Sequence[Table], kind: type[T]) -> T:
    """Return the table of that class, empty if it is not among them."""
    return next((table for table in assets if type(table) is kind), kind.empty())


class _PreparedMap:
    """A MAP that is encoded once; only its counter and its minute change."""

    def __init__(self, message: MapMessage, unit: int, codec: Codec) -> None:
        def number(**changed: int) -> int:
            return int.from_bytes(codec.encode({"mapFrame": {**message.value, **changed}}), "big")

        self.unit = unit
        self.length = len(codec.encode({"mapFrame": message.value}))
        self._base = number()
        # a field's lowest bit shows where the field lies
        self._count = number(msgCnt=1) ^ self._base
        self._minute = number(timeStamp=1) ^ self._base

    def octets(self, count: int, minute: int) -> bytes:
        return (self._base + count * self._count + minute * self._minute).to_bytes(self.length, "big")


class Sender:
    """Turns Frames into the messages of all units.

    Attributes:
        cuts: what did not fit into MAP messages.
    """

    def __init__(self, road: RoadMap, assets: Sequence[Table], place: Place, codec: Codec) -> None:
        self._place, self._codec = place, codec
        self._units = _asset(assets, Units)
        latitude, longitude = place.to_wire(self._units.x, self._units.y)
        self._at: list[tuple[int, int]] = list(zip(latitude.tolist(), longitude.tolist(), strict=True))
        self._ids = [rsm.device_id("UNIT", unit) for unit in self._units.unit.tolist()]
        self._sights = rsm.SightWriter(Plan.of(codec.root, "rsmFrame"), place, rsm.FUSED, self._ids, self._at)
        controllers = _asset(assets, SignalControllers)
        self._unit_of = {
            controller: unit
            for controller, unit in zip(controllers.controller.tolist(), controllers.unit.tolist(), strict=True)
            if unit >= 0
        }
        self._maps: list[_PreparedMap] = []
        cuts: list[str] = []
        for controller, x, y in zip(
            controllers.controller.tolist(), controllers.x.tolist(), controllers.y.tolist(), strict=True
        ):
            if controller not in self._unit_of:
                continue
            made = map_message(road, place, controller, x, y)
            if made is not None:
                self._maps.append(_PreparedMap(made, self._unit_of[controller], codec))
                cuts += made.cuts
        self.cuts = tuple(cuts)
        self._controllers = np.array(list(self._unit_of), np.int64)
        self._programs = _Programs(road)
        self._spat = Plan.of(codec.root, "spatFrame")
        self._zones = _circles(_asset(assets, ZoneCorners))
        self._counts: Counter[tuple[MessageType, int]] = Counter()
        self._slots: dict[tuple[MessageType, int], int] = {}
        self._all_slots: dict[MessageType, I64] = {}
        self._said: dict[int, set[tuple[Any, ...]]] = {}
        self._sent: tuple[Counter[MessageType], Counter[MessageType]] = Counter(), Counter()
        self._cooperation = Cooperation(
            self._units, self._ids, self._at, _asset(assets, Signs), _asset(assets, PaymentPoints), place, codec,
            nearest=self._nearest, count=self._next, due=self._due,
        )  # fmt: skip

    def messages(self, frame: Frame) -> Outbox:
        """Return the messages of one instant, in a fixed order of type and sender."""
        box = Outbox(frame.time_ns)
        if not len(self._units):
            return box
        self._seen(frame.get(Actors, Actors.empty()), box)  # type: ignore[arg-type]
        self._signals(frame.get(SignalForecasts, SignalForecasts.empty()), box)  # type: ignore[arg-type]
        for kind, told in (
            (MessageType.MAP, self._drawn(frame.time_ns)),
            (MessageType.RSI, self._events(frame)),
        ):
            listed = list(told)
            links = np.array([unit for unit, _ in listed], np.uint64)
            box.add(kind, Frames.of([octets for _, octets in listed]), links=links, stations=unit_identity(links))
        self._cooperation.add(frame, box)
        return box

    def note(self, box: Outbox, sent: Messages) -> None:
        """Count what went out."""
        for total, more in zip(self._sent, box.tally(sent), strict=True):
            total.update(more)

    def drain(self) -> tuple[Counter[MessageType], Counter[MessageType]]:
        """Return frames and octets sent since the last call, by type."""
        taken, self._sent = self._sent, (Counter(), Counter())
        return taken

    def _nearest(self, x: F64, y: F64) -> I64:
        """Return the row of the nearest unit for each position, -1 where it is out of that unit's range."""
        return np.asarray(nearest_in_reach(x, y, self._units.x, self._units.y, self._units.range))

    def _next(self, kind: MessageType, sender: int) -> int:
        count = self._counts[kind, sender]
        self._counts[kind, sender] = (count + 1) % 128
        return count

    def _due(self, kind: MessageType, sender: int, place: int, time_ns: int) -> bool:
        """Tell whether a sender's second has begun; seconds of neighbours begin a tick apart."""
        slot = (time_ns + place * STAGGER_NS) // SECOND_NS
        before = self._slots.setdefault((kind, sender), slot)
        self._slots[kind, sender] = slot
        return slot != before

    def _all_due(self, kind: MessageType, senders: int, time_ns: int) -> list[int]:
        """Return the places of those of all senders whose seconds have begun, see `_due`."""
        slots = (time_ns + np.arange(senders) * STAGGER_NS) // SECOND_NS
        before = self._all_slots.get(kind, slots)
        self._all_slots[kind] = slots
        due: list[int] = np.flatnonzero(slots != before).tolist()
        return due

    def _seen(self, actors: Actors, box: Outbox) -> None:
        """Add each unit's RSM of the actors near it that poles see."""
        rows = np.flatnonzero(actors.sources & SEEN_BY_POLE)
        unit = self._nearest(actors.x[rows], actors.y[rows])
        rows, unit = rows[unit >= 0], unit[unit >= 0]
        if not len(rows):
            return
        order = np.lexsort((actors.id[rows], unit))
        actors, unit = actors.take(rows[order]), unit[order]
        units: list[int] = self._units.unit.tolist()
        senders, frames = self._sights.frames(
            actors,
            device=unit,
            numbers=rsm.short_numbers(actors.id, unit),
            instants=np.full(len(actors), box.time_ns),
            counts=lambda row: self._next(MessageType.RSM, units[row]),
        )
        links = self._units.unit[senders].astype(np.uint64)
        box.add(MessageType.RSM, frames, links=links, stations=unit_identity(links))

    def _signals(self, forecasts: SignalForecasts, box: Outbox) -> None:
        """Add the SPAT of each controller that has a unit."""
        known = self._unit_of
        mine = is_among(forecasts.controller, self._controllers)
        if not mine.all():
            forecasts = forecasts.take(np.flatnonzero(mine))
        if not len(forecasts):
            return
        greens, only = self._programs.of(forecasts)
        endless = (only == forecasts.light) & np.isnan(forecasts.likely_end)
        if endless.any():
            forecasts = forecasts.replace(likely_end=np.where(endless, np.inf, forecasts.likely_end))
        controllers, frames = spat.frames_of(
            forecasts, greens, lambda one: self._next(MessageType.SPAT, one), box.time_ns, self._spat
        )
        links = np.array([known[one] for one in controllers.tolist()], np.uint64)
        box.add(MessageType.SPAT, frames, links=links, stations=unit_identity(links))

    def _drawn(self, time_ns: int) -> Iterator[tuple[int, bytes]]:
        """Yield the unit and the MAP whose second begins now."""
        minute = minute_of_year(time_ns)
        for place in self._all_due(MessageType.MAP, len(self._maps), time_ns):
            one = self._maps[place]
            yield one.unit, one.octets(self._next(MessageType.MAP, place), minute)

    def _events(self, frame: Frame) -> Iterator[tuple[int, bytes]]:
        """Yield each unit's RSI: when its second begins, and at once when there is something new to say."""
        everywhere = [
            *rsi.measure_events(frame.get(MeasureOrders, MeasureOrders.empty()), self._zones),  # type: ignore[arg-type]
            *rsi.weather_events(frame.get(RoadStates, RoadStates.empty())),  # type: ignore[arg-type]
        ]
        local = [
            *rsi.warning_events(frame.get(WarningOrders, WarningOrders.empty())),  # type: ignore[arg-type]
            *rsi.incident_events(frame.get(Incidents, Incidents.empty())),  # type: ignore[arg-type]
        ]
        near = self._nearest(np.array([e.x for e in local]), np.array([e.y for e in local])).tolist()
        heard: dict[int, list[rsi.Event]] = {}
        for event, where in zip(local, near, strict=True):
            heard.setdefault(where, []).append(event)
        due = set(self._all_due(MessageType.RSI, len(self._units), frame.time_ns))
        said_everywhere = {event.identity for event in everywhere}
        for row, unit in enumerate(self._units.unit.tolist()):
            here = heard.get(row, [])
            now = said_everywhere | {event.identity for event in here} if here else said_everywhere
            if row in due or not now <= self._said.get(unit, set()):
                reach, events = float(self._units.range[row]), everywhere + here
                for value in rsi.values(events, self._ids[row], self._at[row], reach, frame.time_ns, self._place):
                    value["msgCnt"] = self._next(MessageType.RSI, unit)
                    yield unit, self._codec.encode({"rsiFrame": value})
                self._said[unit] = now


def counted(received: Mapping[MessageType, int], octets: Mapping[MessageType, int], sender: Sender) -> Traffic:
    """Return the Traffic of what was received, and of what the sender has sent since the last call."""
    frames, sent = sender.drain()
    rows = [(kind, 0, received[kind], octets[kind]) for kind in MessageType if received.get(kind)]
    rows += [(kind, 1, frames[kind], sent[kind]) for kind in MessageType if frames[kind]]
    if not rows:
        return Traffic.empty()
    filled: dict[str, Any] = dict(zip(Traffic.columns, zip(*rows, strict=True), strict=True))
    return Traffic(**filled)


class _Programs:
    """What the groups of all controllers show by their programs."""

    def __init__(self, road: RoadMap) -> None:
        phases = road.phases
        self._numbers = Numbering()
        group = self._numbers.add(_pairs(phases.controller, phases.group))
        self._green: I64 = np.zeros(len(self._numbers) + 1, np.int64)
        self._green[-1] = Light.PROTECTED_GREEN  # of a group that has no program
        self._only: I64 = np.full(len(self._numbers) + 1, -1, np.int64)
        shown: dict[int, set[int]] = {}
        for one, light in zip(group.tolist(), phases.light.tolist(), strict=True):
            shown.setdefault(one, set()).add(light)
        for one, lights in shown.items():
            self._green[one] = max(
                (light for light in lights if spat.GREENS[light]), default=Light.PROTECTED_GREEN
            )
            if len(lights) == 1:
                self._only[one] = min(lights)

    def of(self, forecasts: SignalForecasts) -> tuple[I64, I64]:
        """Return which green each row's group shows, and its light if it always shows the same one, else -1."""
        group = self._numbers.find(_pairs(forecasts.controller, forecasts.group))
        return self._green[group], self._only[group]


def _pairs(controller: U16, group: U8) -> U64:
    """Return one key for each controller's group."""
    return controller.astype(np.uint64) << np.uint64(8) | group


def _circles(corners: ZoneCorners) -> dict[int, tuple[float, float, float]]:
    """Return a circle (x, y, radius [m]) around each zone."""
    circles = {}
    for zone in np.unique(corners.zone).tolist():
        mine = corners.zone == zone
        x, y = corners.x[mine], corners.y[mine]
        middle_x, middle_y = float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2
        circles[zone] = (middle_x, middle_y, float(np.hypot(x - middle_x, y - middle_y).max()))
    return circles
