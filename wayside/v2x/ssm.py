"""SSM: road users of an area, for those who asked for it and for those who are warned of somebody silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from wayside.asn1.batch import Plan
from wayside.asn1.frames import Frames
from wayside.guard.tables import ManoeuvreOrders, Verdict, WarningOrders
from wayside.guidance.tables import Manoeuvre
from wayside.membership import is_among
from wayside.roadside.tables import Actors
from wayside.table import I64
from wayside.v2x.day_two import EDITION, FRAME
from wayside.v2x.editions import schema_of
from wayside.v2x.place import Place, offset_of
from wayside.v2x.quantities import (
    CLASSIFICATION,
    LENGTH_STEP,
    NO_SPEED,
    SPEED_STEP,
    second_mark,
    to_confidence,
    to_steps,
)
from wayside.v2x.rsm import FUSED, SORT_OF_KIND, short_numbers
from wayside.v2x.splitting import split

MOST = 16  # participants of one frame, so that it fits into one packet of the air; the type holds 512
ROADSIDE_UNIT = 1  # EquipmentType
NUMBER = 12  # messageId
# DetectedPTCType of each Kind: unknown, car, bus, truck, motorcyclist, cyclist, pedestrian
TYPE_OF_KIND = np.array([0, 3, 6, 5, 8, 7, 10])


def wanted(
    orders: ManoeuvreOrders, warnings: WarningOrders, actors: Actors, nearest: Callable[..., I64]
) -> tuple[I64, I64]:
    """Return pairs of unit (its row) and actor (its row) that are to be told, in order.

    Args:
        orders: granted areas; whoever is inside is told by the unit nearest to who asked.
        warnings: where somebody is warned of one that does not speak for itself, that one is told too.
        actors: the live picture.
        nearest: gives the row of the unit nearest to places x, y, -1 where none is in range.
    """
    if not (len(orders) or len(warnings)):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pairs: set[tuple[int, int]] = set()
    rows = np.flatnonzero(
        (orders.kind == Manoeuvre.SENSOR_SHARING) & orders.granted & (orders.verdict != Verdict.IMPLAUSIBLE)
    )
    units = nearest(orders.x[rows], orders.y[rows])
    for row, unit in zip(rows.tolist(), units.tolist(), strict=True):
        away = np.hypot(actors.x - orders.area_x[row], actors.y - orders.area_y[row])
        if unit >= 0:
            pairs |= {(unit, actor) for actor in np.flatnonzero(away <= orders.area_radius[row]).tolist()}
    said = warnings.take(warnings.verdict == Verdict.APPROVED) if len(warnings) else warnings
    if len(said) and len(actors):
        silent = np.flatnonzero((actors.sender == 0) & is_among(actors.id, said.other))
        units = nearest(said.x, said.y)
        row_of = dict(zip(actors.id[silent].tolist(), silent.tolist(), strict=True))
        for other, unit in zip(said.other.tolist(), units.tolist(), strict=True):
            if unit >= 0 and other in row_of:
                pairs.add((unit, row_of[other]))
    listed: I64 = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return listed[:, 0], listed[:, 1]


def frames_of(
    actors: Actors,
    unit: I64,
    *,
    devices: Sequence[str],
    references: Sequence[tuple[int, int]],
    counts: Callable[[int], int],
    time_ns: int,
    place: Place,
) -> tuple[I64, Frames]:
    """Return the unit (its row) each SSM comes from, and the frames.

    Args:
        actors: whom they are about, rows of one unit next to each other.
        unit: row of the unit that tells each.
        devices, references: id, and latitude and longitude [1e-7 degrees], of each unit.
        counts: gives the next msgCnt of a unit by its row.
        time_ns: now.
        place: where the city lies.
    """
    if not len(actors):
        return np.empty(0, np.int64), Frames.of([])
    at: I64 = np.array(references, np.int64).reshape(-1, 2)
    identities = np.array([int(device, 16) for device in devices], np.uint64).view(np.int64)
    message, first = split(unit, MOST)
    sender = unit[first]
    latitude, longitude = place.to_wire(actors.x, actors.y)
    form, east, north = offset_of(latitude, longitude, at[unit].T)
    mark = second_mark(np.full(len(actors), time_ns))
    frames = Plan.of(schema_of(EDITION), FRAME, NUMBER).encode(
        {
            "": {
                "messageId": np.full(len(sender), NUMBER),
                "msgCnt": np.array([counts(row) for row in sender.tolist()]),
                "id": identities[sender],
                "equipmentType": ROADSIDE_UNIT,
                "secMark": int(mark[0]),
                "sensorPos.lat": at[sender, 0],
                "sensorPos.long": at[sender, 1],
            },
            "participants": {
                "parent": message,
                "ptc.ptcType": SORT_OF_KIND[actors.kind],
                "ptc.ptcId": short_numbers(actors.id, unit),
                "ptc.source": FUSED,
                "ptc.secMark": mark,
                "ptc.pos.offsetLL#": form,
                "ptc.pos.offsetLL.lon": east,
                "ptc.pos.offsetLL.lat": north,
                "ptc.posConfidence.pos": to_confidence(actors.position_sigma),
                "ptc.speed": to_steps(actors.speed, SPEED_STEP, 0, 8190, NO_SPEED),
                "ptc.heading": place.heading_to_wire(actors.heading),
                "ptc.size.width": to_steps(actors.width, LENGTH_STEP, 0, 1023, 0),
                "ptc.size.length": to_steps(actors.length, LENGTH_STEP, 0, 4095, 0),
                "ptc.vehicleClass.classification": CLASSIFICATION[actors.kind],
                "detectedPTCType": TYPE_OF_KIND[actors.kind],
            },
        }
    )
    return sender, frames
