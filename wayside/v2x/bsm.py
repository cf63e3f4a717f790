"""BSM: what vehicles say of themselves, to Reports and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wayside.asn1.batch import Batch
from wayside.asn1.frames import Frames
from wayside.asn1.schema import Choice
from wayside.table import I64
from wayside.v2x.layout import Layout, assemble
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
from wayside.v2x.tables import Reports

AXIS_STEP = 0.05  # m
ACCELERATION_STEP = 0.01  # m/s2
YAW_STEP = np.radians(0.01)  # rad/s; on the wire positive to the right
FLAGS = 13  # VehicleEventFlags the edition names
NO_EVENTS = "0" * FLAGS


# the shape of the BSM we send: the gear, the brakes and the sideways motion are not known to a Report
_SAMPLE: dict[str, Any] = {
    "msgCnt": 0,
    "id": "00" * 8,
    "secMark": 0,
    "pos": {"lat": 0, "long": 0},
    "posAccuracy": {"semiMajor": NO_AXIS, "semiMinor": NO_AXIS, "orientation": 65535},
    "posConfidence": {"pos": "unavailable"},
    "transmission": "unavailable",
    "speed": NO_SPEED,
    "heading": 0,
    "accelSet": {"long": NO_ACCELERATION, "lat": NO_ACCELERATION, "vert": -127, "yaw": 0},
    "brakes": {},
    "size": {"width": 0, "length": 0},
    "vehicleClass": {"classification": 0},
    "safetyExt": {"events": {"bits": "0" * FLAGS}},
}
# flags in the order of the wire: the first one is bit 0 of the number and the greatest bit of the slot
_REVERSED: I64 = np.array([int(f"{n:0{FLAGS}b}"[::-1], 2) for n in range(1 << FLAGS)], np.int64)


class ReportWriter:
    """Writes the BSM of Reports.

    Args:
        root: the schema of the MessageFrame.
        place: where the city lies.
    """

    def __init__(self, root: Choice, place: Place) -> None:
        self._place = place
        self._layout = Layout(root, {"bsmFrame": _SAMPLE})
        inside = "bsmFrame.safetyExt."
        self._extra = [slot for path, slot in self._layout.place.items() if path.startswith(inside)]

    def frames(self, reports: Reports, counts: Sequence[int]) -> Frames:
        """Return the BSM of each report; `counts` are their msgCnt.

        Confidence of position goes out twice: as the 95 % radius of the fixed ladder, and as the two axes in
        steps of 5 cm. Events are sent only where there are any.
        """
        if not len(reports):
            return Frames.of([])
        place = self._place
        latitude, longitude = place.to_wire(reports.x, reports.y)
        axis = to_steps(reports.position_sigma, AXIS_STEP, 0, 254, NO_AXIS)
        events = reports.events & ((1 << FLAGS) - 1)
        piece = self._layout.rows(
            len(reports),
            {
                "bsmFrame.msgCnt": np.asarray(counts, np.int64),
                "bsmFrame.id": reports.sender,
                "bsmFrame.secMark": second_mark(reports.time_ns),
                "bsmFrame.pos.lat": latitude,
                "bsmFrame.pos.long": longitude,
                "bsmFrame.posAccuracy.semiMajor": axis,
                "bsmFrame.posAccuracy.semiMinor": axis,
                "bsmFrame.posConfidence.pos": to_confidence(reports.position_sigma),
                "bsmFrame.speed": to_steps(reports.speed, SPEED_STEP, 0, 8190, NO_SPEED),
                "bsmFrame.heading": place.heading_to_wire(reports.heading),
                "bsmFrame.accelSet.long": to_steps(
                    reports.acceleration, ACCELERATION_STEP, -2000, 2000, NO_ACCELERATION
                ),
                "bsmFrame.accelSet.yaw": to_steps(-reports.yaw_rate, YAW_STEP, -32767, 32767, 0),
                "bsmFrame.size.width": to_steps(reports.width, LENGTH_STEP, 0, 1023, 0),
                "bsmFrame.size.length": to_steps(reports.length, LENGTH_STEP, 0, 4095, 0),
                "bsmFrame.vehicleClass.classification": CLASSIFICATION[reports.kind],
                "bsmFrame.safetyExt?": (events > 0).astype(np.int64),
                "bsmFrame.safetyExt.events": _REVERSED[events],
            },
        )
        piece.widths[np.ix_(events == 0, self._extra)] = 0
        return assemble(len(reports), [(piece, np.arange(len(reports)))])


def reports_of(batch: Batch, received_ns: I64, place: Place) -> Reports:
    """Return one row per BSM that was read, with NaN for what the sender does not know.

    Args:
        batch: frames read by the plan of bsmFrame, of any edition.
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
        kind=KIND_OF_CLASSIFICATION[rows["vehicleClass.classification"]],
        x=x,
        y=y,
        heading=place.heading_from_wire(rows["heading"]),
        speed=from_steps(rows["speed"], SPEED_STEP, NO_SPEED),
        acceleration=from_steps(rows["accelSet.long"], ACCELERATION_STEP, NO_ACCELERATION),
        yaw_rate=rows["accelSet.yaw"] * -YAW_STEP,
        length=from_steps(rows["size.length"], LENGTH_STEP, 0),
        width=from_steps(rows["size.width"], LENGTH_STEP, 0),
        position_sigma=np.where(known, axes, from_confidence(rung)),
        events=_REVERSED[column(rows, "safetyExt.events", 0)].astype(np.uint16),
    )
