"""Day-II messages that roadside units send: answers to requests, shared sensors, offers of payment; and signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wayside.asn1.codec import Codec
from wayside.asn1.frames import Frames
from wayside.frame import Frame
from wayside.guard.tables import ManoeuvreOrders, WarningOrders
from wayside.guidance.tables import Manoeuvre, PaymentPoints, Signs
from wayside.roadside.tables import Actors, Units
from wayside.table import I64
from wayside.v2x import rsc, rts, ssm, vpm
from wayside.v2x.day_two import write
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import Place
from wayside.v2x.quantities import second_mark
from wayside.v2x.stations import Outbox, unit_identity
from wayside.v2x.tables import MessageType


class Cooperation:
    """Makes a tick's day-II messages, and the RSI with signs once a second.

    Args:
        units: the roadside units, with their ids and places [1e-7 degrees] in the same order.
        signs, payment_points: what stands there.
        place: where the city lies.
        codec: of the edition in which signs go out.
        nearest: gives the row of the unit nearest to places, -1 where none is in range.
        count: gives the next msgCnt of a type and a sender.
        due: tells whether the second of a sender has begun.
    """

    def __init__(
        self,
        units: Units,
        ids: Sequence[str],
        at: Sequence[tuple[int, int]],
        signs: Signs,
        payment_points: PaymentPoints,
        place: Place,
        codec: Codec,
        *,
        nearest: Callable[..., I64],
        count: Callable[[MessageType, int], int],
        due: Callable[[MessageType, int, int, int], bool],
    ) -> None:
        self._units, self._ids, self._at, self._place, self._codec = units, ids, at, place, codec
        self._nearest, self._count, self._due = nearest, count, due
        self._lanes: LaneReferences | None = None  # made when first needed
        self._points = payment_points
        self._pays_at = nearest(payment_points.x, payment_points.y).tolist()
        self._signs = rts.values(signs, nearest(signs.x, signs.y), ids, at, place)

    def add(self, frame: Frame, box: Outbox) -> None:
        """Put the messages of one instant into the box."""
        orders = frame.get(ManoeuvreOrders)
        if isinstance(orders, ManoeuvreOrders) and len(orders):
            self._send(MessageType.RSC, self._answers(orders, box.time_ns), box)
        else:
            orders = ManoeuvreOrders.empty()
        self._shared(orders, frame, box)
        self._send(MessageType.VPM, self._payments(orders, box.time_ns), box)
        self._send(MessageType.RSI, self._shown(box.time_ns), box)

    def _send(self, kind: MessageType, listed: list[tuple[int, bytes]], box: Outbox) -> None:
        if not listed:
            return
        links = self._units.unit[[unit for unit, _ in listed]].astype(np.uint64)
        box.add(kind, Frames.of([octets for _, octets in listed]), links=links, stations=unit_identity(links))

    def _numbered(self, kind: MessageType, unit: int, value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "msgCnt": self._count(kind, int(self._units.unit[unit]))}

    def _answers(self, orders: ManoeuvreOrders, time_ns: int) -> list[tuple[int, bytes]]:
        """Return the unit (its row) and octets of each RSC."""
        orders = orders.take(rsc.spoken(orders))
        if not len(orders):
            return []
        self._lanes = self._lanes or LaneReferences(self._place.road)
        units = self._nearest(orders.x, orders.y)
        mark = int(second_mark(np.array([time_ns]))[0])
        listed = []
        for unit in np.unique(units[units >= 0]).tolist():
            mine = orders.take(units == unit)
            told = rsc.coordinations(mine, self._at[unit], self._place, self._lanes, self._place.road)
            for value in rsc.values(told, self._ids[unit], self._at[unit], mark):
                listed.append((unit, write(MessageType.RSC, self._numbered(MessageType.RSC, unit, value))))
        return listed

    def _shared(self, orders: ManoeuvreOrders, frame: Frame, box: Outbox) -> None:
        """Add the SSM of each unit."""
        actors, warnings = frame.get(Actors), frame.get(WarningOrders)
        if not isinstance(actors, Actors):
            return
        said = warnings if isinstance(warnings, WarningOrders) else WarningOrders.empty()
        unit, actor = ssm.wanted(orders, said, actors, self._nearest)
        if not len(actor):
            return
        names: list[int] = self._units.unit.tolist()
        senders, frames = ssm.frames_of(
            actors.take(actor),
            unit,
            devices=self._ids,
            references=self._at,
            counts=lambda row: self._count(MessageType.SSM, names[row]),
            time_ns=box.time_ns,
            place=self._place,
        )
        links = self._units.unit[senders].astype(np.uint64)
        box.add(MessageType.SSM, frames, links=links, stations=unit_identity(links))

    def _payments(self, orders: ManoeuvreOrders, time_ns: int) -> list[tuple[int, bytes]]:
        """Return the unit (its row) and octets of each VPM: offers once a second, and answers."""
        told: list[tuple[int, dict[str, Any]]] = []
        for row, unit in enumerate(self._pays_at):
            if unit >= 0 and self._due(MessageType.VPM, row, row, time_ns):
                told.append((unit, vpm.offer(self._points, row, self._ids[unit], self._place, time_ns)))
        rows = np.flatnonzero((orders.kind == Manoeuvre.PAYMENT) & rsc.OUT[orders.verdict])
        units = self._nearest(orders.x[rows], orders.y[rows])
        for row, unit in zip(rows.tolist(), units.tolist(), strict=True):
            if unit >= 0:
                granted = bool(orders.granted[row])
                told.append((unit, vpm.answer(int(orders.sender[row]), granted, self._ids[unit], time_ns)))
        return [
            (unit, write(MessageType.VPM, self._numbered(MessageType.VPM, unit, value))) for unit, value in told
        ]

    def _shown(self, time_ns: int) -> list[tuple[int, bytes]]:
        """Return the unit (its row) and octets of each RSI with signs whose second begins now."""
        return [
            (unit, self._codec.encode({"rsiFrame": self._numbered(MessageType.RSI, unit, value)}))
            for place, (unit, value) in enumerate(self._signs)
            if self._due(MessageType.RSI, -1 - place, place, time_ns)
        ]
