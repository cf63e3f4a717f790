"""RSM: what poles and units see, to Detections and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from wayside.asn1.batch import Batch, Plan
from wayside.asn1.frames import Frames
from wayside.asn1.program import ABSENT
from wayside.roadside.tables import Actors, Detections
from wayside.table import I64, U64
from wayside.v2x.place import Place, absolute, offset_of
from wayside.v2x.quantities import (
    CLASSIFICATION,
    KIND_OF_CLASSIFICATION,
    LENGTH_STEP,
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
from wayside.v2x.splitting import split
from wayside.v2x.tables import Kind

MOST = 16  # participants of one frame
SORT_OF_KIND = np.array([0, 1, 1, 1, 1, 2, 3])  # ParticipantData.ptcType of each Kind
# Kind of each ptcType where no class is given; the last one stands for a roadside unit and what is not known
KIND_OF_SORT = np.array([Kind.UNKNOWN, Kind.CAR, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.UNKNOWN])
SCANNED = 3  # ParticipantData.source of a pole: video
FUSED = 7  # and of a unit that hands on the fused picture: integrated


def device_id(prefix: str, number: int) -> str:
    """Return the eight octets a device is known by, as hex; the prefix has four letters.

    >>> bytes.fromhex(device_id("POLE", 3)), bytes.fromhex(device_id("POLE", 54321))
    (b'POLE0003', b'POL54321')
    """
    digits = 4 if number < 10_000 else 5
    return f"{prefix[: 8 - digits]}{number:0{digits}d}".encode("ascii").hex()


class SightWriter:
    """Writes the RSM of what devices have seen.

    Args:
        plan: of rsmFrame.
        place: where the city lies.
        source: a number of ParticipantData.source.
        devices: ids of the devices that may send.
        references: latitude and longitude [1e-7 degrees] of each device.
    """

    def __init__(
        self,
        plan: Plan,
        place: Place,
        source: int,
        devices: Sequence[str],
        references: Sequence[tuple[int, int]],
    ) -> None:
        self._plan, self._place, self._source = plan, place, source
        self._ids = np.array([int(device, 16) for device in devices], np.uint64).view(np.int64)
        self._at: I64 = np.array(references, np.int64).reshape(-1, 2)

    def frames(
        self,
        table: Detections | Actors,
        *,
        device: I64,
        numbers: I64,
        instants: I64,
        counts: Callable[[int], int],
    ) -> tuple[I64, Frames]:
        """Return the index of the device each RSM frame comes from, and the frames; 16 participants each at most.

        Args:
            table: whom they are about, rows of one device next to each other.
            device: index of the device that saw each row.
            numbers: ptcId of each row, 0 to 65535.
            instants: when each was so [ns].
            counts: gives the next msgCnt of a device by its index.
        """
        if not len(table):
            return np.empty(0, np.int64), Frames.of([])
        message, first = split(device, MOST)
        sender = device[first]
        latitude, longitude = self._place.to_wire(table.x, table.y)
        form, east, north = offset_of(latitude, longitude, self._at[device].T)
        frames = self._plan.encode(
            {
                "": {
                    "msgCnt": np.array([counts(one) for one in sender.tolist()]),
                    "id": self._ids[sender],
                    "refPos.lat": self._at[sender, 0],
                    "refPos.long": self._at[sender, 1],
                },
                "participants": {
                    "parent": message,
                    "ptcType": SORT_OF_KIND[table.kind],
                    "ptcId": numbers,
                    "source": self._source,
                    "secMark": second_mark(instants),
                    "pos.offsetLL#": form,
                    "pos.offsetLL.lon": east,
                    "pos.offsetLL.lat": north,
                    "posConfidence.pos": to_confidence(table.position_sigma),
                    "speed": to_steps(table.speed, SPEED_STEP, 0, 8190, NO_SPEED),
                    "heading": self._place.heading_to_wire(table.heading),
                    "size.width": to_steps(table.width, LENGTH_STEP, 0, 1023, 0),
                    "size.length": to_steps(table.length, LENGTH_STEP, 0, 4095, 0),
                    "vehicleClass.classification": CLASSIFICATION[table.kind],
                },
            }
        )
        return sender, frames


def detections_of(batch: Batch, poles: I64, received_ns: I64, place: Place) -> tuple[Detections, I64]:
    """Return one row per participant of the RSM that were read, and the frame of the batch each came in.

    Args:
        batch: frames read by the plan of rsmFrame, or by that of the SSM, of any edition.
        poles: number of the pole that sent each frame of the batch; frames with -1 give no rows.
        received_ns: when each frame of the batch was received.
        place: where the city lies.
    """
    frames, rows = batch[""], batch["participants"]
    inside = "ptc." if "ptc.ptcId" in rows else ""  # a DetectedPTCData of day II has the participant inside
    mine = np.flatnonzero(poles[rows["frame"]] >= 0)
    if not len(mine):
        return Detections.empty(), np.empty(0, np.int64)

    def read(name: str, absent: int = ABSENT) -> I64:
        return column(rows, inside + name, absent)[mine]

    frame, parent = rows["frame"][mine], rows["parent"][mine]
    # the edition of 2017 has another name for it
    confidence = "posConfidence.pos" if f"{inside}posConfidence.pos" in rows else "accuracy.pos"
    point = "sensorPos" if "sensorPos.lat" in frames else "refPos"
    north, east = absolute(
        read("pos.offsetLL#"), read("pos.offsetLL.lat"), read("pos.offsetLL.lon"),
        frames[f"{point}.lat"][parent], frames[f"{point}.long"][parent],
    )  # fmt: skip
    x, y = place.from_wire(north, east)
    received = received_ns[frame]
    sort, classification = read("ptcType"), read("vehicleClass.classification")
    table = Detections(
        pole=poles[frame],
        time_ns=instant_of(read("secMark"), received),
        number=read("ptcId").astype(np.uint16),
        received_ns=received,
        kind=np.where(
            classification == ABSENT,
            KIND_OF_SORT[np.minimum(sort, len(KIND_OF_SORT) - 1)],
            KIND_OF_CLASSIFICATION[np.maximum(classification, 0)],
        ),
        x=x,
        y=y,
        heading=place.heading_from_wire(read("heading")),
        speed=from_steps(read("speed"), SPEED_STEP, NO_SPEED),
        length=from_steps(read("size.length"), LENGTH_STEP, 0),
        width=from_steps(read("size.width"), LENGTH_STEP, 0),
        position_sigma=from_confidence(read(confidence, 0)),
    )
    return table, frame


def short_numbers(identities: U64, groups: I64) -> I64:
    """Return a number from 1 to 65535 for each identity, unlike all others of its group.

    It is taken from the identity, so that an actor keeps it from message to message; where two of one group
    collide, as in one of some fifty groups of fifty actors, the later identity takes the next free number.
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
