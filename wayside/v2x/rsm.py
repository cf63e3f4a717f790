"""RSM: what poles and units see, to Detections and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wayside.roadside.tables import Actors, Detections
from wayside.table import I64, U64
from wayside.v2x.place import ABSOLUTE, Place, offsets, position
from wayside.v2x.quantities import (
    CLASSIFICATION,
    CONFIDENCE_NUMBER,
    CONFIDENCES,
    KIND_OF_CLASSIFICATION,
    LENGTH_STEP,
    NO_SPEED,
    SPEED_STEP,
    from_confidence,
    from_steps,
    instant_of,
    second_mark,
    to_confidence,
    to_steps,
)
from wayside.v2x.tables import Kind
from wayside.world import Message

MOST = 16  # participants of one frame
SORT_OF_KIND = ("unknown", "motor", "motor", "motor", "motor", "non-motor", "pedestrian")
KIND_LIST: list[int] = KIND_OF_CLASSIFICATION.tolist()
KIND_OF_SORT = {"motor": Kind.CAR, "non-motor": Kind.BICYCLE, "pedestrian": Kind.PEDESTRIAN}
SCANNED = "video"  # ParticipantData.source of a pole
FUSED = "integrated"  # and of a unit that hands on the fused picture


def device_id(prefix: str, number: int) -> str:
    """Return the eight octets a device is known by, as hex; the prefix has four letters.

    >>> bytes.fromhex(device_id("POLE", 3)), bytes.fromhex(device_id("POLE", 54321))
    (b'POLE0003', b'POL54321')
    """
    digits = 4 if number < 10_000 else 5
    return f"{prefix[: 8 - digits]}{number:0{digits}d}".encode("ascii").hex()


def participants(
    table: Detections | Actors, numbers: I64, instants: I64, source: str, reference: tuple[I64, I64], place: Place
) -> list[dict[str, Any]]:
    """Return ParticipantData of rows.

    Args:
        table: whom they are about.
        numbers: ptcId of each row, 0 to 65535.
        instants: when each was so [ns].
        source: a name of ParticipantData.source.
        reference: latitude and longitude [1e-7 degrees] of each row's sender.
        place: where the city lies.
    """
    latitude, longitude = place.to_wire(table.x, table.y)
    return [
        {
            "ptcType": SORT_OF_KIND[kind],
            "ptcId": number,
            "source": source,
            "secMark": mark,
            "pos": at,
            "posConfidence": {"pos": CONFIDENCES[rung]},
            "speed": speed,
            "heading": heading,
            "size": {"width": width, "length": length},
            "vehicleClass": {"classification": sort},
        }
        for kind, number, mark, at, rung, speed, heading, width, length, sort in zip(
            table.kind.tolist(),
            numbers.tolist(),
            second_mark(instants).tolist(),
            offsets(latitude, longitude, reference),
            to_confidence(table.position_sigma).tolist(),
            to_steps(table.speed, SPEED_STEP, 0, 8190, NO_SPEED).tolist(),
            place.heading_to_wire(table.heading).tolist(),
            to_steps(table.width, LENGTH_STEP, 0, 1023, 0).tolist(),
            to_steps(table.length, LENGTH_STEP, 0, 4095, 0).tolist(),
            CLASSIFICATION[table.kind].tolist(),
            strict=True,
        )
    ]


def frames(device: str, reference: tuple[int, int], seen: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield RSM values, without msgCnt, that carry what one device has seen; 16 participants each at most."""
    for first in range(0, len(seen), MOST):
        some = seen[first : first + MOST]
        yield {"msgCnt": 0, "id": device, "refPos": position(*reference), "participants": some}


def rows(value: dict[str, Any], frame: int) -> list[tuple[int, ...]]:
    """Return the numbers of each participant of one RSM, with the running number of its frame in front."""
    at = value["refPos"]
    latitude, longitude = at["lat"], at["long"]
    taken: list[tuple[int, ...]] = []
    for seen in value["participants"]:
        ((form, offset),) = seen["pos"]["offsetLL"].items()
        north, east = (0, 0) if form == ABSOLUTE else (latitude, longitude)
        sort = seen.get("vehicleClass")
        size = seen["size"]
        taken.append(
            (
                frame,
                seen["ptcId"],
                seen["secMark"],
                north + offset["lat"],
                east + offset["lon"],
                CONFIDENCE_NUMBER[seen["posConfidence"]["pos"]],
                seen["speed"],
                seen["heading"],
                size["width"],
                size["length"],
                KIND_OF_SORT.get(seen["ptcType"], 0) if sort is None else KIND_LIST[sort["classification"]],
            )
        )
    return taken


def detections_of(
    values: Sequence[dict[str, Any]], poles: Sequence[int], messages: Sequence[Message], place: Place
) -> tuple[Detections, I64]:
    """Return one row per participant of the RSM values, and which of the frames each came in.

    Args:
        values: the RSM values.
        poles: number of the pole that sent each.
        messages: the frames they came in.
        place: where the city lies.
    """
    taken = [row for frame, value in enumerate(values) for row in rows(value, frame)]
    if not taken:
        return Detections.empty(), np.empty(0, np.int64)
    frame, number, mark, lat, lon, rung, speed, heading, width, length, kind = np.array(taken, np.int64).T
    received = np.array([message.time_ns for message in messages], np.int64)[frame]
    x, y = place.from_wire(lat, lon)
    table = Detections(
        pole=np.array(poles)[frame],
        time_ns=instant_of(mark, received),
        number=number,
        received_ns=received,
        kind=kind,
        x=x,
        y=y,
        heading=place.heading_from_wire(heading),
        speed=from_steps(speed, SPEED_STEP, NO_SPEED),
        length=from_steps(length, LENGTH_STEP, 0),
        width=from_steps(width, LENGTH_STEP, 0),
        position_sigma=from_confidence(rung),
    )
    return table, frame


def short_numbers(identities: U64, groups: I64) -> I64:
    """Return a number from 1 to 65535 for each identity, unlike all others of its group.

    It is taken from the identity, so that an actor keeps it from message to message; where two of one group
    collide, which happens to about one group of fifty in fifty, the later identity takes the next free number.
    """
    numbers = (identities % np.uint64(65_535)).astype(np.int64) + 1
    order = np.lexsort((identities, numbers, groups))
    ordered, group = numbers[order], groups[order]
    if len(order) > 1 and ((ordered[1:] == ordered[:-1]) & (group[1:] == group[:-1])).any():
        used: set[tuple[int, int]] = set()
        for row in order.tolist():
            number = int(numbers[row])
            while (int(groups[row]), number) in used:
                number = number % 65_535 + 1
            used.add((int(groups[row]), number))
            numbers[row] = number
    return numbers
