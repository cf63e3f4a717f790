"""Who is believed."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, I64, U8, U16, U32, U64, Bool, Table, column
from wayside.v2x.tables import Kind


class Distrust(IntEnum):
    """Why a sender is not believed."""

    NONE = 0
    JUMPS = 1  # its positions do not follow from its speeds
    OFF_ROAD = 2  # it claims to drive where there is no road
    UNSEEN = 3  # it claims to be in clear view of a pole that does not see it
    IMPLAUSIBLE_SPEED = 4  # no road vehicle moves like that
    SPEED_MISMATCH = 5  # it moves faster or slower than it says
    WRONG_HEADING = 6  # it moves in another direction than it says
    FLOODING = 7  # it sends more messages than a vehicle needs
    OVERLAPS = 8  # it stands or drives where other vehicles are
    COPIES = 9  # it repeats what another sender said
    STALE = 10  # its messages are old when they arrive
    JITTER = 11  # its positions tremble more than its own accuracy allows
    RESIZED = 12  # its length, width or kind changes


class Trust(Table, key=("sender",), position=("x", "y")):
    """What is remembered of each sender's honesty."""

    sender: U64 = column("", "V2X identity")
    time_ns: I64 = column("ns", "instant of its last report")
    x: F64 = column("m", "last reported position, east of the city's origin", places=2)
    y: F64 = column("m", "last reported position, north of the city's origin", places=2)
    speed: F64 = column("m/s", "last reported speed", places=2)
    heading: F64 = column("rad", "last reported heading", places=3)
    reports: U16 = column("", "reports heard, capped")
    jumps: F64 = column("", "evidence for JUMPS, forgetting", places=3)
    off_road: F64 = column("", "evidence for OFF_ROAD, forgetting", places=3)
    impossible: F64 = column("", "evidence for IMPLAUSIBLE_SPEED, forgetting", places=3)
    unseen: F64 = column(
        "s", "evidence for UNSEEN: time in clear view of a pole and not seen, forgetting", places=3
    )
    seen: F64 = column("s", "evidence against UNSEEN: time a pole saw it, capped and forgetting", places=3)
    mismatch: F64 = column("s", "evidence for SPEED_MISMATCH, forgetting", places=3)
    misheading: F64 = column("s", "evidence for WRONG_HEADING, forgetting", places=3)
    flooding: F64 = column("", "evidence for FLOODING, forgetting", places=3)
    overlaps: F64 = column("", "evidence for OVERLAPS, forgetting", places=3)
    copies: F64 = column("", "evidence for COPIES, forgetting", places=3)
    stale: F64 = column("", "evidence for STALE, forgetting", places=3)
    jittery: F64 = column("s", "evidence for JITTER, forgetting", places=3)
    resized: F64 = column("", "evidence for RESIZED, forgetting", places=3)
    observed: U16 = column("", "what was observed of it at this tick: bit n for the Observation of that number")
    first_ns: I64 = column("ns", "instant of its first report, or of the identity's it went on from")
    root: U64 = column("", "identity under which the same vehicle was first heard, as far as is known")
    kind: U8 = column("", "last reported vehicle class", codes=Kind)
    length: F64 = column("m", "last reported length", places=2)
    width: F64 = column("m", "last reported width", places=2)
    allowance: F64 = column("", "messages it may send before they are too many", places=2)
    bias: F64 = column("m/s", "filtered: how much faster along its heading it moves than it says", places=3)
    slip: F64 = column("m/s", "filtered: how fast its positions move to the left of its heading", places=3)
    step_x: F64 = column("m", "last position less the one expected from the speeds, east", places=3)
    step_y: F64 = column("m", "the same, north", places=3)
    jitter: F64 = column("m2", "filtered: variance of the part of its position that changes each time", places=4)
    partner: U64 = column("", "root of whom it overlapped last, 0 none")
    partner_before: U64 = column("", "root of whom it overlapped before that, 0 none")
    together: F64 = column("s", "how long it has overlapped that one", places=2)
    intruded: Bool = column("", "its first report lay in a vehicle that was there before")
    distrusted: Bool = column("", "its reports are refused")
    reason: U8 = column("", "why", codes=Distrust)
    since_ns: I64 = column("ns", "since when it is distrusted, 0 never")
    until_ns: I64 = column("ns", "it stays distrusted at least until then, 0 it is not")


class PoleReach(Table, key=("pole",), position=("x", "y")):
    """How far each pole has been seen to see lately."""

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "of the pole, east of the city's origin", places=2)
    y: F64 = column("m", "of the pole, north of the city's origin", places=2)
    reach: F64 = column("m", "distance of its farthest detections, shrinking with time", places=2)
    time_ns: I64 = column("ns", "instant of that")


class Observation(IntEnum):
    """What an `Observations` row says; the first twelve are numbered as in `Distrust`."""

    NONE = 0
    JUMPS = 1
    OFF_ROAD = 2
    UNSEEN = 3
    IMPLAUSIBLE_SPEED = 4
    SPEED_MISMATCH = 5
    WRONG_HEADING = 6
    FLOODING = 7
    OVERLAPS = 8
    COPIES = 9
    STALE = 10
    JITTER = 11
    RESIZED = 12
    SUDDEN = 13  # it moved when first heard, and nobody fell silent who could be it; says nothing alone
    SPEED_TOO_LARGE = 14
    ACCELERATION_TOO_LARGE = 15
    SIGNATURE_BAD = 20
    SIGNER_UNKNOWN = 21
    CERTIFICATE_TIME = 22
    CERTIFICATE_REGION = 23
    CERTIFICATE_PERMISSION = 24
    CERTIFICATE_REVOKED = 25
    HEADER_MALFORMED = 26


class Observations(Table, key=("sender", "observation", "time_ns"), shared=True):
    """What spoke against senders at this tick, one row for each kind of observation."""

    sender: U64 = column("", "V2X identity")
    observation: U8 = column("", "what was observed", codes=Observation)
    time_ns: I64 = column("ns", "instant of the tick at which it was observed")
    target: U8 = column("", "target class of ETSI TS 103 759; 255 where that standard has no such observation")
    id: U8 = column("", "observation of that class; 255 where the standard has none")
    degree: F64 = column("", "evidence gathered so far as a share of what is too much", places=2, low=0, high=1)


class SignatureState(IntEnum):
    """What became of a message's signature."""

    NONE = 0  # unsigned
    VALID = 1
    UNCHECKED = 2  # left out by the policy
    BAD = 3
    UNKNOWN_SIGNER = 4
    EXPIRED = 5
    NOT_YET_VALID = 6
    OUTSIDE_REGION = 7
    NOT_PERMITTED = 8
    REVOKED = 9
    UNTRUSTED = 10
    MALFORMED = 11
    STALE = 12  # made too long before its reception, or after it


class Signatures(Table, key=("received_ns", "link", "number"), position=("x", "y")):
    """Messages received whose signature, or whose certificate, did not hold."""

    received_ns: I64 = column("ns", "instant the message was received")
    link: U64 = column("", "who handed it over")
    number: U32 = column("", "running number within link and instant")
    signer: U64 = column("", "HashedId8 of the certificate, 0 unsigned")
    sender: U64 = column("", "identity inside the message, 0 if none")
    x: F64 = column("m", "where the message claims to come from, east of the city's origin", places=2)
    y: F64 = column("m", "the same, north of the city's origin", places=2)
    aid: I32 = column("", "application identifier")
    generation_ns: I64 = column("ns", "instant of signing, from the header")
    state: U8 = column("", "what became of it", codes=SignatureState)


class SignatureCounts(Table, key=("state",)):
    """How many messages received this tick came to which end."""

    state: U8 = column("", "what became of their signatures", codes=SignatureState)
    messages: U32 = column("", "messages")


class Rejections(Table, key=("subject", "state"), position=("x", "y")):
    """Who sent messages that were not believed lately, and why."""

    subject: U64 = column("", "identity inside the messages; HashedId8 of their certificate where that has none")
    x: F64 = column("m", "where the last one claims to come from, east of the city's origin", places=2)
    y: F64 = column("m", "the same, north of the city's origin", places=2)
    state: U8 = column("", "what was wrong", codes=SignatureState)
    messages: U32 = column("", "messages so far")
    first_ns: I64 = column("ns", "reception of the first")
    last_ns: I64 = column("ns", "reception of the last")
