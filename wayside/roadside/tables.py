"""What the roadside has seen, and what it believes is there."""

from __future__ import annotations

from enum import IntEnum

from wayside.table import F64, I32, I64, U8, U16, U32, U64, Bool, Table, column
from wayside.v2x.tables import Kind


class Poles(Table, key=("pole",), position=("x", "y"), asset=True):
    """Sensing poles as they were commissioned."""

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    range: F64 = column("m", "farthest distance at which it is meant to see", places=1)
    position_sigma: F64 = column("m", "standard deviation per axis of a near detection", places=2)
    controller: I32 = column("", "signal controller of its intersection, -1 none")


class Units(Table, key=("unit",), position=("x", "y"), asset=True):
    """Roadside units: the radios that speak to vehicles."""

    unit: U16 = column("", "number of the unit")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    range: F64 = column("m", "radio range", places=1)
    controller: I32 = column("", "signal controller it speaks for, -1 none")


class Detections(Table, key=("pole", "time_ns", "number"), position=("x", "y")):
    """One object in one scan of one pole, as decoded from the pole's RSM."""

    pole: U16 = column("", "number of the pole")
    time_ns: I64 = column("ns", "instant of the scan, by the pole's clock")
    number: U16 = column("", "the pole's own number for the object; not stable")
    received_ns: I64 = column("ns", "instant the message was received")
    kind: U8 = column("", "class the pole believes", codes=Kind)
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    heading: F64 = column("rad", "direction of travel, anticlockwise from east; NaN unknown", places=3)
    speed: F64 = column("m/s", "speed over ground; NaN unknown", places=2)
    length: F64 = column("m", "bumper to bumper", places=1)
    width: F64 = column("m", "without mirrors", places=1)
    position_sigma: F64 = column("m", "the pole's own standard deviation per axis", places=2)


class Tracks(Table, key=("id",), position=("x", "y")):
    """What the tracker remembers of each road user: a Kalman state at its newest measurement, and its history.

    Per axis the state is position, velocity and the bias of the bound vehicle's own positioning; both axes
    share one covariance.
    """

    id: U64 = column("", "identity, drawn from the first measurement; never reused")
    time_ns: I64 = column("ns", "instant the state is valid for: that of the newest measurement taken in")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    velocity_x: F64 = column("m/s", "eastward", places=3)
    velocity_y: F64 = column("m/s", "northward", places=3)
    bias_x: F64 = column("m", "eastward error of what the vehicle reports of itself", places=3)
    bias_y: F64 = column("m", "northward error of what the vehicle reports of itself", places=3)
    variance_p: F64 = column("m2", "variance of position, per axis", places=4)
    covariance_pv: F64 = column("m2/s", "covariance of position and velocity, per axis", places=4)
    variance_v: F64 = column("m2/s2", "variance of velocity, per axis", places=4)
    covariance_pb: F64 = column("m2", "covariance of position and bias, per axis", places=4)
    covariance_vb: F64 = column("m2/s", "covariance of velocity and bias, per axis", places=4)
    variance_b: F64 = column("m2", "variance of the bias, per axis", places=4)
    stress: F64 = column("", "smoothed squared surprise per axis; 1 where the motion model holds", places=2)
    heading: F64 = column("rad", "direction it faces, anticlockwise from east; NaN unknown", places=4)
    yaw_rate: F64 = column("rad/s", "rate of turn, anticlockwise", places=3)
    acceleration: F64 = column("m/s2", "along the heading", places=2)
    kind: U8 = column("", "best class so far", codes=Kind)
    kind_weight: U16 = column("", "how many measurements speak for it, less those against")
    length: F64 = column("m", "bumper to bumper; NaN unknown", places=2)
    width: F64 = column("m", "without mirrors; NaN unknown", places=2)
    sender: U64 = column("", "V2X identity bound to it, 0 none")
    sources: U8 = column("", "bit 0: heard over V2X within a second, bit 1: seen by a pole within a second")
    hits: U16 = column("", "measurements taken in, capped")
    history: U8 = column("", "bit n: measured n runs of the tracker ago")
    confirmed: Bool = column("", "measured often enough to be believed")
    pole: I32 = column("", "pole of the last detection taken in, -1 none")
    born_ns: I64 = column("ns", "instant of the first measurement")
    heard_ns: I64 = column("ns", "instant of the last V2X report taken in, 0 never")
    seen_ns: I64 = column("ns", "instant of the last pole detection taken in, 0 never")


class Actors(Table, key=("id",), position=("x", "y")):
    """The live picture: every confirmed road user, predicted to this tick and matched to the map."""

    id: U64 = column("", "identity of the track")
    kind: U8 = column("", "what it is", codes=Kind)
    x: F64 = column("m", "centre, east of the city's origin", places=3)
    y: F64 = column("m", "centre, north of the city's origin", places=3)
    heading: F64 = column("rad", "direction it faces, anticlockwise from east", places=3)
    speed: F64 = column("m/s", "speed over ground", places=3)
    acceleration: F64 = column("m/s2", "along the heading", places=2)
    yaw_rate: F64 = column("rad/s", "rate of turn, anticlockwise", places=3)
    length: F64 = column("m", "bumper to bumper", places=2)
    width: F64 = column("m", "without mirrors", places=2)
    position_sigma: F64 = column("m", "standard deviation per axis", places=3)
    lane: I32 = column("", "index into the lanes of the map, -1 off the lanes")
    offset: F64 = column("m", "distance of the centre along the lane; NaN off the lanes", places=2)
    lateral: F64 = column("m", "distance to the left of the lane's middle; NaN off the lanes", places=2)
    sender: U64 = column("", "V2X identity, 0 none")
    sources: U8 = column("", "bit 0: V2X, bit 1: pole")
    measured_ns: I64 = column("ns", "instant of the newest measurement in it")


class PoleQuality(Table, key=("pole",), position=("x", "y"), held=True):
    """How each pole's detections differ from passing vehicles that know where they are."""

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "of the pole, east of the city's origin", places=3)
    y: F64 = column("m", "of the pole, north of the city's origin", places=3)
    time_ns: I64 = column("ns", "instant up to which the sums forget")
    samples: F64 = column("", "pairs of report and detection compared, with forgetting", places=2)
    moment_rr: F64 = column("m2", "sum of squared distances to the pole", places=1)
    moment_rt: F64 = column("m2", "sum of distance times sideways difference", places=2)
    moment_tt: F64 = column("m2", "sum of squared sideways differences", places=2)
    yaw_error: F64 = column("rad", "estimated turn of the pole's frame, anticlockwise; NaN unknown", places=5)
    yaw_sigma: F64 = column("rad", "standard deviation of that estimate; NaN unknown", places=5)
    spread: F64 = column("m", "root mean square of the sideways differences that remain; NaN unknown", places=3)
    misaligned: Bool = column("", "surely turned by more than is allowed")
    since_ns: I64 = column("ns", "since when it is misaligned, 0 it is not")


class IncidentKind(IntEnum):
    """What went wrong on the road."""

    STALLED_VEHICLE = 1
    WRONG_WAY = 2


class Incidents(Table, key=("kind", "actor"), position=("x", "y"), held=True):
    """Incidents that are believed to be going on, and what the detector remembers of candidates."""

    kind: U8 = column("", "what it is", codes=IncidentKind)
    actor: U64 = column("", "identity of the track concerned")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    lane: I32 = column("", "index into the lanes of the map")
    since_ns: I64 = column("ns", "when the condition began")
    last_ns: I64 = column("ns", "when it was last seen to hold")
    start_x: F64 = column("m", "where the condition began, east of the city's origin", places=2)
    start_y: F64 = column("m", "where the condition began, north of the city's origin", places=2)
    evidence: F64 = column("s", "for how long it has been so without another explanation, weighted", places=2)
    passed: U32 = column("", "vehicles that went by it meanwhile")
    confirmed: Bool = column("", "long enough and sure enough to be published")


class WeatherStations(Table, key=("station",), position=("x", "y"), asset=True):
    """Road weather stations."""

    station: U16 = column("", "number of the station")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)


class WeatherReadings(Table, key=("station",), position=("x", "y")):
    """What the weather stations read; a row only in the tick a reading arrives."""

    station: U16 = column("", "number of the station")
    time_ns: I64 = column("ns", "instant of the reading")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    visibility: F64 = column("m", "meteorological optical range", places=1, low=10, high=20000)
    rain_mm_per_h: F64 = column("mm/h", "rain intensity", places=2, low=0, high=150)
    wind: F64 = column("m/s", "wind speed", places=2, low=0, high=60)
    temperature_c: F64 = column("degC", "air temperature", places=2, low=-30, high=50)
    surface_c: F64 = column("degC", "road surface temperature", places=2, low=-30, high=80)


class RoadWeather(Table, key=("station",), position=("x", "y"), held=True):
    """The weather each station stands for, smoothed."""

    station: U16 = column("", "number of the station")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    visibility: F64 = column("m", "smoothed meteorological optical range; NaN unknown", places=1)
    rain_mm_per_h: F64 = column("mm/h", "smoothed rain intensity; NaN unknown", places=2)
    surface_c: F64 = column("degC", "road surface temperature; NaN unknown", places=2)
    time_ns: I64 = column("ns", "instant of the newest reading in it, 0 never")
