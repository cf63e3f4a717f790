"""What the cooperative services want to tell road users."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, I64, U8, U16, U64, Bool, Table, column


class Service(IntEnum):
    """Cooperative services, a smaller number being more urgent at equal time."""

    FORWARD_COLLISION = 1
    INTERSECTION_COLLISION = 2
    VULNERABLE_ROAD_USER = 3
    WRONG_WAY = 4
    RED_LIGHT = 5
    HAZARD_AHEAD = 6
    SPEED_LIMIT = 7
    LEFT_TURN = 8
    BLIND_SPOT = 9
    DO_NOT_PASS = 10
    EMERGENCY_BRAKING = 11
    ABNORMAL_VEHICLE = 12
    CONTROL_LOSS = 13
    CONGESTION_AHEAD = 14
    EMERGENCY_VEHICLE = 15
    IN_VEHICLE_SIGN = 16
    PAYMENT = 17


class Reason(IntEnum):
    """What made a rule speak; the numbers are stored and never change."""

    REACHES_AHEAD = 1
    """It would run into who is ahead on its path within a short time."""
    BRAKES_TOO_LITTLE = 2
    """Not running into who is ahead takes hard braking, and it does not brake enough."""
    HEAD_ON = 3
    """Somebody comes towards it on its own path."""
    PATHS_CROSS = 4
    """Its path and another's cross at the same time."""
    PERSON_IN_PATH = 5
    """Its path meets a person on the carriageway at the same time."""
    PERSON_STEPS_OUT = 6
    """A person still beside the carriageway is about to step into its path."""
    TURNS_ACROSS_ONCOMING = 7
    """It turns left in front of somebody who comes from the other side."""
    TAKEN_LANE = 8
    """It moves sideways to where somebody is beside it."""
    OVERTAKEN_MEANWHILE = 9
    """It moves sideways to where somebody faster comes from behind."""
    ONCOMING_IN_PASSING = 10
    """It is passing on the other side of the road and somebody comes there before it is back."""
    STOPS_HARD_AHEAD = 11
    """Somebody ahead on its way brakes hard, perhaps hidden behind others."""
    RED_AT_ARRIVAL = 12
    """The light is red and will be when it arrives."""
    RED_BEFORE_ARRIVAL = 13
    """The light will have turned red before it arrives."""
    OVER_LIMIT = 14
    """It is clearly faster than the lane allows."""
    AGAINST_TRAFFIC = 15
    """It drives against the direction of its lane."""
    INCIDENT_AHEAD = 16
    """There is an incident on its way."""
    OUT_OF_ORDER_AHEAD = 17
    """Somebody on its way says that it is broken down or shows its hazard lights."""
    LOST_CONTROL = 18
    """Somebody near says that its brakes, its traction or its stability control are at their limit."""
    SLOW_TRAFFIC_AHEAD = 19
    """It comes to the end of a queue or of congestion."""
    SIREN_BEHIND = 20
    """An emergency vehicle on duty comes from behind."""
    SIREN_CROSSING = 21
    """An emergency vehicle on duty comes to the same junction at the same time."""
    SIGN_AHEAD = 22
    """A sign that is for it stands ahead."""
    PAYS_HERE = 23
    """It comes to where it pays by radio."""


class Meetings(Table, key=("subject", "other"), position=("x", "y"), stored=False):
    """Who will touch whom within the horizon if nobody acts; one row for each that may have to be warned."""

    subject: U64 = column("", "a moving motor vehicle that can be reached")
    other: U64 = column("", "whom it will touch")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    time: F64 = column("s", "until the first touch", places=3)
    depth: F64 = column("m", "how deep the bodies overlap then; negative: by how much they miss", places=3)
    sigma: F64 = column("m", "standard deviation of that depth", places=3)
    turned: F64 = column("rad", "direction of the other less that of the subject at the touch", places=3)
    mine: F64 = column("m", "way of the subject until the touch", places=2)
    theirs: F64 = column("m", "way of the other until the touch", places=2)


class WarningRequests(Table, key=("service", "subject", "other"), position=("x", "y"), shared=True):
    """Warnings that services want to give."""

    service: U8 = column("", "which service", codes=Service)
    subject: U64 = column("", "actor to be warned")
    other: U64 = column("", "actor, controller or incident it is warned of; 0 none")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    lead: F64 = column("s", "time until the event if nobody acts; NaN where it is already so", places=2)
    confidence: F64 = column("", "0 to 1", places=2, low=0, high=1)
    value: F64 = column("", "the number that decided, in the service's unit (s, m or m/s)", places=2)
    reason: U8 = column("", "what made the service speak", codes=Reason)


class SpeedRequests(Table, key=("subject",), position=("x", "y")):
    """Speeds with which actors would meet a green light."""

    subject: U64 = column("", "actor to be advised")
    x: F64 = column("m", "of the subject, east of the city's origin", places=3)
    y: F64 = column("m", "of the subject, north of the city's origin", places=3)
    controller: I32 = column("", "controller it approaches")
    group: U8 = column("", "signal group it approaches")
    speed: F64 = column("m/s", "advised speed", places=2)
    distance: F64 = column("m", "to the stop line", places=1)


class Manoeuvre(IntEnum):
    """What a vehicle may ask the roadside for."""

    OVERTAKE = 1  # over the lane of the oncoming traffic
    LANE_CHANGE = 2  # to another lane of its own direction
    INTERSECTION_PASSING = 3
    SENSOR_SHARING = 4
    PAYMENT = 5
    CLEAR_THE_WAY = 6
    SIGNAL_PRIORITY = 7


class RequestStatus(IntEnum):
    """What a vehicle says of its request; the numbers of ReqStatus."""

    UNKNOWN = 0
    REQUEST = 1
    CONFIRMED = 2
    CANCEL = 3
    COMPLETE = 4


class GrantReason(IntEnum):
    """Why a request was granted or not."""

    CLEAR = 1  # nothing stands against it
    WAITING = 2  # it was not judged yet
    UNKNOWN_VEHICLE = 3  # the roadside does not see who asks
    NO_SUCH_PLACE = 4  # the lane, the junction or the area does not exist, or cannot be reached from where it is
    GAP_AHEAD = 5  # too close to who drives ahead, in its own lane or in the one it wants
    GAP_BEHIND = 6  # who comes from behind would have to brake hard
    OCCUPIED = 7  # somebody is beside it
    ONCOMING = 8  # somebody comes, or may come, the other way
    SIGHT = 9  # the roadside does not see far enough to know
    CONFLICT = 10  # the paths of others cross its own at that time
    RED = 11  # its light is not green then
    RESERVED = 12  # another request was granted before
    FORBIDDEN = 13  # not allowed there: a junction, another kind of lane, too slow or too fast
    NO_RIGHT = 14  # only emergency vehicles on duty may ask for it
    NOT_COVERED = 15  # no unit's poles look there


class ManoeuvreRequests(Table, key=("sender", "number"), position=("x", "y")):
    """What vehicles asked for, in the tick in which it was heard."""

    sender: U64 = column("", "temporary identity of the vehicle")
    number: U8 = column("", "its number for the request, the same as long as the request stands")
    kind: U8 = column("", "what it asks for", codes=Manoeuvre)
    status: U8 = column("", "asked, cancelled or done", codes=RequestStatus)
    priority: U8 = column("", "0 to 7, 7 most urgent")
    time_ns: I64 = column("ns", "instant of the message, from secMark")
    received_ns: I64 = column("ns", "instant the message was received")
    until_ns: I64 = column("ns", "when the request lapses")
    x: F64 = column("m", "of the vehicle, east of the city's origin", places=3)
    y: F64 = column("m", "of the vehicle, north of the city's origin", places=3)
    lane: I32 = column("", "lane it wants to come to, -1 none or unknown")
    node: I32 = column("", "junction it wants to pass, -1 none or unknown")
    direction: U8 = column("", "which way it wants to turn there, a Direction; 0 not said")
    area_x: F64 = column("m", "middle of the area it asks about, or of the payment point; NaN none", places=2)
    area_y: F64 = column("m", "the same, north", places=2)
    area_radius: F64 = column("m", "radius of that area; NaN none", places=2)


class Grants(Table, key=("sender", "number"), position=("x", "y")):
    """Requests that stand, and the answer that guidance proposes."""

    sender: U64 = column("", "temporary identity of the vehicle that asks")
    number: U8 = column("", "its number for the request")
    kind: U8 = column("", "what it asks for", codes=Manoeuvre)
    priority: U8 = column("", "0 to 7, 7 most urgent")
    asked_ns: I64 = column("ns", "when it was first asked for")
    until_ns: I64 = column("ns", "when the request lapses")
    lane: I32 = column("", "lane it wants to come to, -1 none")
    node: I32 = column("", "junction it wants to pass, -1 none")
    direction: U8 = column("", "which way it wants to turn there, a Direction; 0 not said")
    area_x: F64 = column("m", "middle of the area asked about; NaN none", places=2)
    area_y: F64 = column("m", "the same, north", places=2)
    area_radius: F64 = column("m", "radius of that area; NaN none", places=2)
    actor: U64 = column("", "actor that asks, 0 unknown")
    x: F64 = column("m", "of the vehicle, east of the city's origin", places=3)
    y: F64 = column("m", "of the vehicle, north of the city's origin", places=3)
    granted: Bool = column("", "it may")
    reason: U8 = column("", "why, or why not", codes=GrantReason)
    speed: F64 = column("m/s", "speed with which it could, or can soon; NaN none", places=2)
    opens: F64 = column("s", "from now until it may be done; 0 at once, NaN unknown", places=2)
    closes: F64 = column("s", "from now until it must be done; NaN unknown", places=2)
    other: U64 = column("", "actor that stands against it, 0 none")
    helper: U64 = column("", "sender that is asked to make room, 0 none")
    helper_speed: F64 = column("m/s", "speed with which that one makes room; NaN none", places=2)
    since_ns: I64 = column("ns", "since when the answer is this one")


class PriorityHints(Table, key=("sender",), position=("x", "y")):
    """Which lights emergency vehicles on duty come to, for whoever controls them."""

    sender: U64 = column("", "temporary identity of the vehicle")
    x: F64 = column("m", "of the vehicle, east of the city's origin", places=3)
    y: F64 = column("m", "of the vehicle, north of the city's origin", places=3)
    controller: I32 = column("", "controller it approaches")
    groups: U64 = column("", "bit g set: group g governs the lane it is on")
    distance: F64 = column("m", "to the stop line", places=1)
    arrival: F64 = column("s", "time to the stop line at its speed", places=1)


class Signs(Table, key=("sign",), position=("x", "y"), asset=True):
    """Traffic signs that are shown inside vehicles."""

    sign: U16 = column("", "number of the sign")
    type: U16 = column("", "number of GB 5768.2; 0 text")
    x: F64 = column("m", "beside the lane it is for, east of the city's origin", places=2)
    y: F64 = column("m", "the same, north", places=2)
    heading: F64 = column("rad", "direction of the traffic it is for, anticlockwise from east", places=3)
    ahead: F64 = column("m", "how far before the sign it is shown", places=1)
    kinds: U16 = column("", "bit k set: for road users of Kind k; 0 all motor vehicles")
    value: F64 = column("", "number on it, such as a speed or a weight; NaN none", places=2)


class PaymentPurpose(IntEnum):
    """What is paid for at a point."""

    TOLL = 1
    CONGESTION = 2
    CHARGING = 3
    PARKING = 4


class PaymentPoints(Table, key=("point",), position=("x", "y"), asset=True):
    """Where vehicles pay by radio."""

    point: U16 = column("", "number of the point")
    purpose: U8 = column("", "what is paid for", codes=PaymentPurpose)
    x: F64 = column("m", "east of the city's origin", places=2)
    y: F64 = column("m", "north of the city's origin", places=2)
    heading: F64 = column("rad", "direction of the traffic that pays, anticlockwise from east; NaN any", places=3)
    radius: F64 = column("m", "how near a vehicle has to come", places=1)
    kinds: U16 = column("", "bit k set: for road users of Kind k; 0 all motor vehicles")
    price_fen: I64 = column("fen", "price for one passage or the first hour, 0.01 CNY")
