"""What came in over the air, as columns."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from wayside.table import F64, I64, U8, U16, U32, U64, Table, column


class Kind(IntEnum):
    """What sort of road user a row is about."""

    UNKNOWN = 0
    CAR = 1
    BUS = 2
    TRUCK = 3
    MOTORCYCLE = 4
    BICYCLE = 5
    PEDESTRIAN = 6


class VehicleEvent(IntFlag):
    """What a vehicle says is up with it.

    Bits 0 to 12 are VehicleEventFlags in the order of the message set; bits 13 to 15 come from the vehicle's class
    and its VehicleEmergencyExtensions.
    """

    HAZARD_LIGHTS = 1 << 0
    STOP_LINE_VIOLATION = 1 << 1
    ANTI_LOCK_BRAKES = 1 << 2
    TRACTION_CONTROL = 1 << 3
    STABILITY_CONTROL = 1 << 4
    HAZARDOUS_MATERIALS = 1 << 5
    HARD_BRAKING = 1 << 7
    LIGHTS_CHANGED = 1 << 8
    WIPERS_CHANGED = 1 << 9
    FLAT_TIRE = 1 << 10
    DISABLED = 1 << 11
    AIR_BAG = 1 << 12
    EMERGENCY_VEHICLE = 1 << 13
    LIGHT_BAR = 1 << 14
    SIREN = 1 << 15


class Reports(Table, key=("sender", "time_ns"), position=("x", "y")):
    """What vehicles said of themselves in BSMs decoded this tick."""

    sender: U64 = column("", "temporary identity: the 8 octets of the message, big-endian")
    time_ns: I64 = column("ns", "instant the sender measured its state, from secMark")
    received_ns: I64 = column("ns", "instant the message was received")
    kind: U8 = column("", "vehicle class", codes=Kind)
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    heading: F64 = column("rad", "direction of travel, anticlockwise from east", places=4)
    speed: F64 = column("m/s", "speed over ground", places=3, low=0, high=60)
    acceleration: F64 = column("m/s2", "along the heading", places=2, low=-10, high=10)
    yaw_rate: F64 = column("rad/s", "rate of turn, anticlockwise", places=4, low=-2, high=2)
    vertical: F64 = column(
        "m/s2", "upward, gravity left out; NaN unknown", places=2, low=-24, high=24, default=float("nan")
    )
    length: F64 = column("m", "bumper to bumper", places=2, low=0.3, high=25)
    width: F64 = column("m", "without mirrors", places=2, low=0.3, high=4)
    position_sigma: F64 = column("m", "the sender's own standard deviation per axis", places=2, low=0, high=50)
    events: U16 = column("", "what it says is up with it, bits of VehicleEvent")


class RefusalReason(IntEnum):
    """Why a frame did not become rows."""

    TRUNCATED = 1
    MALFORMED = 2
    OUT_OF_RANGE = 3
    UNKNOWN_MESSAGE = 4
    TRAILING_BITS = 5
    DUPLICATE = 6
    STALE = 7
    UNSIGNED = 8  # here and below: what the envelope says, see SignatureState of the security room
    BAD_SIGNATURE = 9
    UNKNOWN_SIGNER = 10
    CERTIFICATE_EXPIRED = 11
    CERTIFICATE_NOT_YET_VALID = 12
    OUTSIDE_REGION = 13
    NOT_PERMITTED = 14
    CERTIFICATE_REVOKED = 15
    UNTRUSTED_ROOT = 16
    BAD_ENVELOPE = 17


class Refusals(Table, key=("received_ns", "link", "number")):
    """Frames that were received and not understood, so that nothing is lost uncounted."""

    received_ns: I64 = column("ns", "instant the frame was received")
    link: U64 = column("", "who handed the frame over: a roadside unit, a pole or a vehicle")
    number: U32 = column("", "running number within link and instant")
    reason: U8 = column("", "why", codes=RefusalReason)
    octets: U16 = column("", "length of the frame")


class MessageType(IntEnum):
    """The five messages of day I, by their index in the MessageFrame, and the nine of day II."""

    BSM = 0
    MAP = 1
    RSM = 2
    SPAT = 3
    RSI = 4
    TEST = 5
    RTCM = 6
    RSC = 7
    SSM = 8
    VIR = 9
    PAM = 10
    PSM = 11
    CLPMM = 12
    VPM = 13


class Traffic(Table, key=("type", "direction")):
    """How many frames and octets passed the edge this tick."""

    type: U8 = column("", "message type", codes=MessageType)
    direction: U8 = column("", "0 received, 1 sent")
    frames: U64 = column("", "frames")
    octets: U64 = column("", "octets of all frames")
