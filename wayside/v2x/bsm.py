"""BSM: what vehicles say of themselves, to Reports and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wayside.asn1.batch import Batch, Plan
from wayside.asn1.frames import Frames
from wayside.asn1.program import ABSENT
from wayside.asn1.rows import Rows
from wayside.table import I64, U8
from wayside.v2x.place import Place
from wayside.v2x.quantities import (
    CLASSIFICATION,
    KIND_OF_CLASSIFICATION,
    LENGTH_STEP,
    NO_ACCELERATION,
    NO_AXIS,
    NO_SPEED,
    SPEED_STEP,
    column,
    from_confidence,
    from_steps,
    instant_of,
    second_mark,
    to_confidence,
    to_steps,
)
from wayside.v2x.tables import Kind, Reports, VehicleEvent

AXIS_STEP = 0.05  # m
ACCELERATION_STEP = 0.01  # m/s2
VERTICAL_STEP, NO_VERTICAL = 0.02 * 9.80665, -127  # m/s2, steps of 0.02 g
YAW_STEP = np.radians(0.01)  # rad/s; on the wire positive to the right
FLAGS = 13  # VehicleEventFlags the edition names


# flags in the order of the wire: the first one is bit 0 of our number and the greatest bit of the wire's
_REVERSED: I64 = np.array([int(f"{n:0{FLAGS}b}"[::-1], 2) for n in range(1 << FLAGS)], np.int64)
UNAVAILABLE = 7  # TransmissionState
EMERGENCY = VehicleEvent.EMERGENCY_VEHICLE | VehicleEvent.LIGHT_BAR | VehicleEvent.SIREN
EMERGENCY_CLASSES = np.zeros(256, np.uint16)  # by VehicleClassification
EMERGENCY_CLASSES[60:70] = VehicleEvent.EMERGENCY_VEHICLE
EMERGENCY_CAR, EMERGENCY_TRUCK = 60, 62  # VehicleClassification
SIREN_IN_USE, LIGHT_BAR_IN_USE = 2, 2  # SirenInUse, LightbarInUse
NOT_IN_USE, RESPONDING = 1, 1  # both of those; ResponseType emergency
# Kind of each PersonalDeviceUserType of a PSM: unavailable, pedestrian, cyclist, road worker, animal, not known
KIND_OF_PERSON = np.array(
    [Kind.UNKNOWN, Kind.PEDESTRIAN, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.UNKNOWN, Kind.UNKNOWN], np.uint8
)


def frames_of(reports: Reports, counts: Sequence[int] | I64, place: Place, plan: Plan) -> Frames:
    """Return the BSM of each report.

    Args:
        reports: one row a message.
        counts: msgCnt of each.
        place: where the city lies.
        plan: of bsmFrame.

    Confidence of position goes out twice: as the 95 % radius of the fixed ladder, and as the two axes in steps of
    5 cm. Events are sent only where there are any. Gear, brakes and sideways motion are not known to a Report.
    """
    if not len(reports):
        return Frames.of([])
    latitude, longitude = place.to_wire(reports.x, reports.y)
    axis = to_steps(reports.position_sigma, AXIS_STEP, 0, 254, NO_AXIS)
    events = reports.events & ((1 << FLAGS) - 1)
    return plan.encode(
        {
            "": {
                **_emergency(reports),
                "msgCnt": np.asarray(counts, np.int64),
                "id": reports.sender.view(np.int64),
                "secMark": second_mark(reports.time_ns),
                "pos.lat": latitude,
                "pos.long": longitude,
                "posAccuracy.semiMajor": axis,
                "posAccuracy.semiMinor": axis,
                "posAccuracy.orientation": 65_535,
                "posConfidence.pos": to_confidence(reports.position_sigma),
                "transmission": UNAVAILABLE,
                "speed": to_steps(reports.speed, SPEED_STEP, 0, 8190, NO_SPEED),
                "heading": place.heading_to_wire(reports.heading),
                "accelSet.long": to_steps(reports.acceleration, ACCELERATION_STEP, -2000, 2000, NO_ACCELERATION),
                "accelSet.lat": NO_ACCELERATION,
                "accelSet.vert": to_steps(reports.vertical, VERTICAL_STEP, -126, 127, NO_VERTICAL),
                "accelSet.yaw": to_steps(-reports.yaw_rate, YAW_STEP, -32767, 32767, 0),
                "size.width": to_steps(reports.width, LENGTH_STEP, 0, 1023, 0),
                "size.length": to_steps(reports.length, LENGTH_STEP, 0, 4095, 0),
                "safetyExt.events": np.where(events > 0, _REVERSED[events], ABSENT),
            }
        }
    )


def _emergency(reports: Reports) -> dict[str, I64]:
    """Return the class of each vehicle, and what emergency vehicles say besides."""
    classes = CLASSIFICATION[reports.kind]
    mine = (reports.events & EMERGENCY) != 0
    if not mine.any():
        return {"vehicleClass.classification": classes}
    own = np.where(reports.kind == Kind.TRUCK, EMERGENCY_TRUCK, EMERGENCY_CAR)
    siren, light = reports.events & VehicleEvent.SIREN, reports.events & VehicleEvent.LIGHT_BAR
    return {
        "vehicleClass.classification": np.where(reports.events & VehicleEvent.EMERGENCY_VEHICLE, own, classes),
        "emergencyExt.responseType": np.where(mine, np.where(siren | light, RESPONDING, 0), ABSENT),
        "emergencyExt.sirenUse": np.where(mine, np.where(siren, SIREN_IN_USE, NOT_IN_USE), ABSENT),
        "emergencyExt.lightsUse": np.where(mine, np.where(light, LIGHT_BAR_IN_USE, NOT_IN_USE), ABSENT),
    }


def _events(rows: Rows) -> NDArray[np.uint16]:
    """Return what each vehicle says is up with it, as bits of VehicleEvent."""
    events = _REVERSED[column(rows, "safetyExt.events", 0)].astype(np.uint16)
    if "vehicleClass.classification" in rows:
        events |= EMERGENCY_CLASSES[np.minimum(np.maximum(rows["vehicleClass.classification"], 0), 255)]
    if "emergencyExt.sirenUse" in rows:  # the edition of 2017 has no such extension
        events[rows["emergencyExt.sirenUse"] == SIREN_IN_USE] |= np.uint16(VehicleEvent.SIREN)
        events[rows["emergencyExt.lightsUse"] == LIGHT_BAR_IN_USE] |= np.uint16(VehicleEvent.LIGHT_BAR)
    return events


def _kinds(rows: Rows) -> U8:
    """Return what sort of road user sent each message."""
    if "vehicleClass.classification" in rows:
        return np.asarray(KIND_OF_CLASSIFICATION[rows["vehicleClass.classification"]])
    return np.asarray(KIND_OF_PERSON[np.minimum(rows["non-motorData.basicType"], len(KIND_OF_PERSON) - 1)])


def reports_of(batch: Batch, received_ns: I64, place: Place) -> Reports:
    """Return one row per BSM or PSM that was read, with NaN for what the sender does not know.

    Args:
        batch: frames read by the plan of bsmFrame, of any edition, or of the PSM of day II.
        received_ns: when each frame of the batch was received.
        place: where the city lies.

    Limits: a missing yaw rate has no number of its own in the message set, it reads as zero. A secMark that no
    minute has gives the instant of reception; see `reserved`.
    """
    rows = batch[""]
    if not rows.count:
        return Reports.empty()
    received = received_ns[rows["frame"]]
    x, y = place.from_wire(rows["pos.lat"], rows["pos.long"])
    major, minor = column(rows, "posAccuracy.semiMajor", NO_AXIS), column(rows, "posAccuracy.semiMinor", NO_AXIS)
    axes = np.sqrt((major**2 + minor**2) / 2) * AXIS_STEP
    known = np.maximum(major, minor) < NO_AXIS - 1
    # the edition of 2017 has one accuracy, of the same ladder
    rung = column(rows, "posConfidence.pos" if "posConfidence.pos" in rows else "accuracy.pos", 0)
    return Reports(
        sender=rows["id"].view(np.uint64),
        time_ns=instant_of(rows["secMark"], received),
        received_ns=received,
        kind=_kinds(rows),
        x=x,
        y=y,
        heading=place.heading_from_wire(rows["heading"]),
        speed=from_steps(rows["speed"], SPEED_STEP, NO_SPEED),
        acceleration=from_steps(column(rows, "accelSet.long"), ACCELERATION_STEP, NO_ACCELERATION),
        yaw_rate=column(rows, "accelSet.yaw", 0) * -YAW_STEP,
        vertical=from_steps(column(rows, "accelSet.vert"), VERTICAL_STEP, NO_VERTICAL),
        length=from_steps(column(rows, "size.length"), LENGTH_STEP, 0),
        width=from_steps(column(rows, "size.width"), LENGTH_STEP, 0),
        position_sigma=np.where(known, axes, from_confidence(rung)),
        events=_events(rows),
    )
