"""Day-II messages: their numbers, and reading and writing the few that come seldom, one by one.

They travel as an addition to the MessageFrame, which is the same whatever edition the other messages have.
"""

from __future__ import annotations

from typing import Any

from wayside.v2x.editions import codec_of
from wayside.v2x.tables import MessageType

EDITION = "csae157-2020"
FRAME = "msgFrameExt"
NUMBER_OF = {
    MessageType.RSC: (11, "RoadsideCoordination"),
    MessageType.SSM: (12, "SensorSharingMsg"),
    MessageType.VIR: (13, "VehIntentionAndRequest"),
    MessageType.VPM: (17, "VehiclePaymentMessage"),
}
TYPE_OF = {number: kind for kind, (number, _) in NUMBER_OF.items()}
EXTENDED = 0x80  # first octet of a frame with an addition
NEVER, LONGEST = 65_535, 65_534  # TimeOffset unknown, and longer than can be said
OFFSET_S = 0.01  # TimeOffset


def number_of(payload: bytes) -> int:
    """Return the messageId of a day-II frame, -1 of any other.

    >>> number_of(bytes.fromhex("8027000d24")), number_of(bytes.fromhex("1048"))
    (13, -1)
    """
    if len(payload) < 5 or payload[0] != EXTENDED:
        return -1
    at = 3 if payload[1] & 0x80 else 2  # a length of 128 octets or more takes two
    return int.from_bytes(payload[at : at + 2], "big") & 0x7FFF


def write(kind: MessageType, value: dict[str, Any]) -> bytes:
    """Return the frame of a message.

    Raises:
        WireError: it cannot be said so.
    """
    number, name = NUMBER_OF[kind]
    return codec_of(EDITION).encode({FRAME: {"messageId": number, "value": {name: value}}})


def read(payload: bytes) -> tuple[MessageType, dict[str, Any]]:
    """Return the type of a day-II frame and what it says.

    Raises:
        WireError: it is malformed.
        KeyError: it is of a type that is not read here; see `TYPE_OF`.
    """
    inside = codec_of(EDITION).decode(payload)[FRAME]
    kind = TYPE_OF[inside["messageId"]]
    value: dict[str, Any] = inside["value"][NUMBER_OF[kind][1]]
    return kind, value


def time_offset(seconds: float) -> int:
    """Return a time from now as TimeOffset.

    >>> time_offset(2.0), time_offset(-1.0), time_offset(1e9)
    (200, 1, 65534)
    """
    return min(max(round(seconds / OFFSET_S), 1), LONGEST)
