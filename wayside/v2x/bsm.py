"""BSM: what vehicles say of themselves, to Reports and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from wayside.table import I64
from wayside.v2x.place import Place, position
from wayside.v2x.quantities import (
    CLASSIFICATION,
    CONFIDENCE_NUMBER,
    CONFIDENCES,
    KIND_OF_CLASSIFICATION,
    LENGTH_STEP,
    NO_ACCELERATION,
    NO_AXIS,
    NO_SPEED,
    SPEED_STEP,
    from_confidence,
    from_steps,
    instant_of,
    second_mark,
    to_confidence,
    to_steps,
)
from wayside.v2x.tables import Reports
from wayside.world import Message

AXIS_STEP = 0.05  # m
ACCELERATION_STEP = 0.01  # m/s2
YAW_STEP = np.radians(0.01)  # rad/s; on the wire positive to the right
FLAGS = 13  # VehicleEventFlags the edition names
NO_EVENTS = "0" * FLAGS


@cache
def _flags(events: int) -> dict[str, Any]:
    """Return VehicleEventFlags in a safety extension; the first flag is bit 0 of the number."""
    return {"events": {"bits": f"{events & ((1 << FLAGS) - 1):0{FLAGS}b}"[::-1]}}


def values(reports: Reports, counts: Sequence[int], place: Place) -> list[dict[str, Any]]:
    """Return the BSM of each report; `counts` are their msgCnt.

    The gear and the brakes are not known to a Report and are sent as unavailable or absent. Confidence of
    position goes out twice: as the 95 % radius of the fixed ladder, and as the two axes in steps of 5 cm.
    """
    latitude, longitude = place.to_wire(reports.x, reports.y)
    sigma = reports.position_sigma
    columns = (
        counts,
        reports.sender.tolist(),
        second_mark(reports.time_ns).tolist(),
        latitude.tolist(),
        longitude.tolist(),
        to_steps(sigma, AXIS_STEP, 0, 254, NO_AXIS).tolist(),
        to_confidence(sigma).tolist(),
        to_steps(reports.speed, SPEED_STEP, 0, 8190, NO_SPEED).tolist(),
        place.heading_to_wire(reports.heading).tolist(),
        to_steps(reports.acceleration, ACCELERATION_STEP, -2000, 2000, NO_ACCELERATION).tolist(),
        to_steps(-reports.yaw_rate, YAW_STEP, -32767, 32767, 0).tolist(),
        to_steps(reports.width, LENGTH_STEP, 0, 1023, 0).tolist(),
        to_steps(reports.length, LENGTH_STEP, 0, 4095, 0).tolist(),
        CLASSIFICATION[reports.kind].tolist(),
        reports.events.tolist(),
    )
    made = []
    for count, sender, mark, lat, lon, axis, rung, speed, heading, along, yaw, width, length, sort, events in zip(
        *columns, strict=True
    ):
        value = {
            "msgCnt": count,
            "id": f"{sender:016x}",
            "secMark": mark,
            "pos": position(lat, lon),
            "posAccuracy": {"semiMajor": axis, "semiMinor": axis, "orientation": 65535},
            "posConfidence": {"pos": CONFIDENCES[rung]},
            "transmission": "unavailable",
            "speed": speed,
            "heading": heading,
            "accelSet": {"long": along, "lat": NO_ACCELERATION, "vert": -127, "yaw": yaw},
            "brakes": {},
            "size": {"width": width, "length": length},
            "vehicleClass": {"classification": sort},
        }
        if events:
            value["safetyExt"] = _flags(events)
        made.append(value)
    return made


def row(value: dict[str, Any]) -> tuple[int, ...]:
    """Return the numbers of one BSM that a Report needs."""
    at, moved, size = value["pos"], value["accelSet"], value["size"]
    accuracy, confidence, safety = value.get("posAccuracy"), value.get("posConfidence"), value.get("safetyExt")
    flags = safety["events"]["bits"] if safety is not None and "events" in safety else NO_EVENTS
    return (
        value["secMark"],
        at["lat"],
        at["long"],
        NO_AXIS if accuracy is None else accuracy["semiMajor"],
        NO_AXIS if accuracy is None else accuracy["semiMinor"],
        0 if confidence is None else CONFIDENCE_NUMBER[confidence["pos"]],
        value["speed"],
        value["heading"],
        moved["long"],
        moved["yaw"],
        size["width"],
        size["length"],
        value["vehicleClass"]["classification"],
        0 if flags == NO_EVENTS else int(flags[15::-1] or "0", 2),
    )


def reports_of(values: Sequence[dict[str, Any]], messages: Sequence[Message], place: Place) -> Reports:
    """Return one row per BSM, with NaN for what the sender does not know.

    Limits: a missing yaw rate has no number of its own in the message set, it reads as zero.
    """
    if not values:
        return Reports.empty()
    numbers: I64 = np.array([row(value) for value in values], np.int64).T
    mark, lat, lon, major, minor, rung, speed, heading, along, yaw, width, length, sort, events = numbers
    received = np.array([message.time_ns for message in messages], np.int64)
    x, y = place.from_wire(lat, lon)
    axes = np.sqrt((major**2 + minor**2) / 2) * AXIS_STEP
    known = np.maximum(major, minor) < 254
    return Reports(
        sender=np.array([int(value["id"], 16) for value in values], np.uint64),
        time_ns=instant_of(mark, received),
        received_ns=received,
        kind=KIND_OF_CLASSIFICATION[sort],
        x=x,
        y=y,
        heading=place.heading_from_wire(heading),
        speed=from_steps(speed, SPEED_STEP, NO_SPEED),
        acceleration=from_steps(along, ACCELERATION_STEP, NO_ACCELERATION),
        yaw_rate=yaw * -YAW_STEP,
        length=from_steps(length, LENGTH_STEP, 0),
        width=from_steps(width, LENGTH_STEP, 0),
        position_sigma=np.where(known, axes, from_confidence(rung)),
        events=events,
    )
