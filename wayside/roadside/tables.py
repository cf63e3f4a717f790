"""What the roadside has seen, and what it believes is there."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from wayside.table import F64, I32, I64, U8, U16, U32, U64, Bool, Table, column
from wayside.v2x.tables import Kind


class PoleFault(IntEnum):
    """What may be wrong with a sensing pole; the numbers are stored and never change."""

    SILENT = 1
    """It sends nothing."""
    FROZEN = 2
    """It sends the same list again and again, with new times."""
    TURNED = 3
    """Its frame is turned about the pole: its mount has moved, or it was commissioned askew."""
    SHIFTED = 4
    """Its frame is displaced: the same error in metres everywhere."""
    CLOCK_OFFSET = 5
    """Its clock differs by a constant time."""
    CLOCK_DRIFT = 6
    """Its clock runs too fast or too slowly, so that the difference grows."""
    LATE = 7
    """Its lists arrive late and unevenly; the times in them are right."""
    BLIND_SECTOR = 8
    """It sees nothing towards some bearings, as behind dirt or a branch."""
    SHORT_SIGHTED = 9
    """It sees less far than it was commissioned for, though the weather is no reason."""
    GHOSTS = 10
    """It reports many objects that do not exist."""
    NOISY = 11
    """Its positions scatter more than it says."""
    MISCLASSIFYING = 12
    """It often gives objects a wrong class."""


class SensorKind(IntEnum):
    """What a sensing pole sees with."""

    CAMERA = 1
    """Cameras alone: fine classes and bearings, no direct speed, poor at night and in fog."""
    RADAR = 2
    """Millimetre-wave radar alone: speed and range in any weather, no sizes, blind to people who stand."""
    LIDAR = 3
    """Laser scanners alone: exact places and sizes, near only, hurt by fog and rain."""
    RADAR_VIDEO = 4
    """Radars and cameras of a whole intersection, merged into one list of objects."""


class Poles(Table, key=("pole",), position=("x", "y"), asset=True):
    """Sensing poles as they were commissioned; a pole sees all around unless its columns say less."""

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    range: F64 = column("m", "farthest distance at which it is meant to see", places=1)
    position_sigma: F64 = column("m", "standard deviation per axis of a near detection", places=2)
    controller: I32 = column("", "signal controller of its intersection, -1 none")
    sensor: U8 = column("", "what it sees with", codes=SensorKind, default=SensorKind.RADAR_VIDEO)
    facing: F64 = column("rad", "middle of its view, anticlockwise from east", places=4, default=0.0)
    field_of_view: F64 = column("rad", "width of its view; a full turn is all around", places=4, default=6.2832)
    height: F64 = column("m", "of the sensors over the road", places=2, default=6.5)


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


class Tracks(Table, key=("id",), position=("x", "y"), checkpointed=True):
    """What the tracker remembers of each road user: its state at its newest measurement, and its history.

    Two models of motion run beside each other, see `motion.py`: a steady one with position p and velocity v per
    axis, and an agile one with acceleration a too; both share the bias b of the bound vehicle's own positioning.
    Variances are those of one axis, the same for both axes.
    """

    id: U64 = column("", "identity, drawn from the first measurement; never reused")
    time_ns: I64 = column("ns", "instant the state is valid for: that of the newest measurement taken in")
    x: F64 = column("m", "east of the city's origin; the mean of both models", places=3)
    y: F64 = column("m", "north of the city's origin; the mean of both models", places=3)
    velocity_x: F64 = column("m/s", "eastward; the mean of both models", places=2)
    velocity_y: F64 = column("m/s", "northward; the mean of both models", places=2)
    acceleration_x: F64 = column("m/s2", "eastward, if it is agile", places=2)
    acceleration_y: F64 = column("m/s2", "northward, if it is agile", places=2)
    agility: F64 = column("", "probability that it is agile: speeds up, brakes, turns", places=2, low=0, high=1)
    aside_x: F64 = column("m", "agile position less the steady one, eastward", places=3)
    aside_y: F64 = column("m", "agile position less the steady one, northward", places=3)
    aside_velocity_x: F64 = column("m/s", "agile velocity less the steady one, eastward", places=2)
    aside_velocity_y: F64 = column("m/s", "agile velocity less the steady one, northward", places=2)
    bias_x: F64 = column("m", "eastward error of what the vehicle reports of itself", places=3)
    bias_y: F64 = column("m", "northward error of what the vehicle reports of itself", places=3)
    variance_p: F64 = column("m2", "steady: variance of position", places=4)
    covariance_pv: F64 = column("m2/s", "steady: covariance of position and velocity", places=4)
    variance_v: F64 = column("m2/s2", "steady: variance of velocity", places=3)
    covariance_pb: F64 = column("m2", "steady: covariance of position and bias", places=4)
    covariance_vb: F64 = column("m2/s", "steady: covariance of velocity and bias", places=4)
    agile_pp: F64 = column("m2", "agile: variance of position", places=4)
    agile_pv: F64 = column("m2/s", "agile: covariance of position and velocity", places=3)
    agile_pa: F64 = column("m2/s2", "agile: covariance of position and acceleration", places=3)
    agile_vv: F64 = column("m2/s2", "agile: variance of velocity", places=3)
    agile_va: F64 = column("m2/s3", "agile: covariance of velocity and acceleration", places=2)
    agile_aa: F64 = column("m2/s4", "agile: variance of acceleration", places=2)
    agile_pb: F64 = column("m2", "agile: covariance of position and bias", places=4)
    agile_vb: F64 = column("m2/s", "agile: covariance of velocity and bias", places=4)
    agile_ab: F64 = column("m2/s2", "agile: covariance of acceleration and bias", places=4)
    variance_b: F64 = column("m2", "variance of the bias", places=4)
    stress: F64 = column("", "smoothed squared surprise per axis; 1 where a model of motion holds", places=2)
    heading: F64 = column("rad", "direction it faces, anticlockwise from east; NaN unknown", places=3)
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
    position_sigma: F64 = column("m", "standard deviation per axis", places=2)
    sigma_along: F64 = column("m", "standard deviation along its course; NaN unknown", places=2, default=np.nan)
    sigma_across: F64 = column("m", "standard deviation across its course; NaN unknown", places=2, default=np.nan)
    lane: I32 = column("", "index into the lanes of the map, -1 off the lanes")
    offset: F64 = column("m", "distance of the centre along the lane; NaN off the lanes", places=2)
    lateral: F64 = column("m", "distance to the left of the lane's middle; NaN off the lanes", places=2)
    sender: U64 = column("", "V2X identity, 0 none")
    sources: U8 = column("", "bit 0: V2X, bit 1: pole")
    measured_ns: I64 = column("ns", "instant of the newest measurement in it")


class PoleQuality(Table, key=("pole",), position=("x", "y"), held=True):
    """How well each pole measures, what is wrong with it, and the sums from which that follows.

    The sums are those of least squares for displacement east and north, turn and latency: of all that was measured
    since the last change, and of sudden changes within the passages of single vehicles.
    """

    pole: U16 = column("", "number of the pole")
    x: F64 = column("m", "of the pole, east of the city's origin", places=3)
    y: F64 = column("m", "of the pole, north of the city's origin", places=3)
    time_ns: I64 = column("ns", "instant up to which the sums forget")
    fault: U8 = column("", "what is wrong with it: a PoleFault, 0 nothing known")
    confidence: F64 = column("", "how sure that is; NaN nothing is wrong", places=3, low=0, high=1)
    since_ns: I64 = column("ns", "since when something is wrong, 0 nothing is")
    suspected: U8 = column("", "the fault that evidence speaks for just now: a PoleFault, 0 none")
    suspected_ns: I64 = column("ns", "since when it does")
    misaligned: Bool = column("", "surely turned by more than is allowed")
    samples: F64 = column("", "pairs of report and detection compared, with forgetting", places=2)
    yaw_error: F64 = column("rad", "estimated turn of the pole's frame, anticlockwise; NaN unknown", places=5)
    yaw_sigma: F64 = column("rad", "standard deviation of that estimate; NaN unknown", places=5)
    offset_x: F64 = column("m", "estimated displacement of the frame, east; NaN unknown", places=3)
    offset_y: F64 = column("m", "the same, north", places=3)
    offset_sigma: F64 = column("m", "standard deviation of those estimates, per axis; NaN unknown", places=3)
    latency_s: F64 = column("s", "by how much positions are older than their stamps say; NaN unknown", places=4)
    latency_sigma: F64 = column("s", "standard deviation of that estimate; NaN unknown", places=4)
    age_s: F64 = column("s", "mean time from stamp to reception; NaN unknown", places=4)
    age_sigma: F64 = column("s", "standard deviation of that time; NaN unknown", places=4)
    drift: F64 = column("s/s", "by how much the pole's clock gains; NaN unknown", places=6)
    drift_sigma: F64 = column("s/s", "standard deviation of that estimate; NaN unknown", places=6)
    spread: F64 = column("m", "root mean square difference per axis that remains; NaN unknown", places=3)
    noise: F64 = column("m", "standard deviation per axis that changes from scan to scan; NaN unknown", places=3)
    share_seen: F64 = column("", "share of scans in which vehicles in view are seen; NaN unknown", places=3)
    sight_m: F64 = column("m", "distance up to which it sees most of them; NaN unknown", places=1)
    ghosts_per_s: F64 = column("1/s", "objects that come and go within a moment, well inside its range", places=3)
    class_share: F64 = column("", "share of pairs whose class agrees; NaN unknown", places=3)
    heard_ns: I64 = column("ns", "reception of its newest scan; first instant asked, if none")
    scan_ns: I64 = column("ns", "instant of its newest scan by its own clock, 0 none")
    unheard: F64 = column("s", "time vehicles were in near view while nothing came, all together", places=2)
    frozen_s: F64 = column("s", "for how long the list has been the same", places=2)
    frozen_moves: Bool = column("", "and something in it is said to move")
    lists: F64 = column("", "what changes in its lists, with forgetting, see quality_memory", places=4, shape=(5,))
    counts: F64 = column("", "how its pairs fit, with forgetting, see quality_memory", places=3, shape=(6,))
    ages: F64 = column("", "age smoothed [s], and the line through ages, see quality_clock", places=6, shape=(7,))
    changed_ns: I64 = column("ns", "passages begun before are left out: then its frame or clock changed, 0 never")
    change_ns: I64 = column("ns", "since when a change is being measured, 0 none is")
    prior: F64 = column("", "displacement, turn and latency known before the sums", places=6, shape=(4,))
    trust: F64 = column("", "information in each of those", places=5, shape=(4,))
    sums: F64 = column("", "sums of least squares over all pairs, see quality_geometry", places=5, shape=(12,))
    change: F64 = column("", "the same over sudden changes within passages", places=5, shape=(12,))


class IncidentKind(IntEnum):
    """What went wrong on the road."""

    STALLED_VEHICLE = 1
    WRONG_WAY = 2
    QUEUE = 3  # vehicles that stand one behind the other though no light explains it
    PEDESTRIAN = 4  # on foot on a carriageway, not at a crossing
    DEBRIS = 5  # something small that lies on a carriageway and that no class explains
    CRASH = 6  # two that touch and stand, or one that stopped harder than brakes can
    CONGESTION = 7  # a carriageway whose traffic is slow for long, red lights left out


class Incidents(Table, key=("kind", "actor"), position=("x", "y"), held=True):
    """Incidents that are believed to be going on, and what the detector remembers of candidates."""

    kind: U8 = column("", "what it is", codes=IncidentKind)
    actor: U64 = column("", "identity of the track concerned; of a queue and of congestion the carriageway")
    other: U64 = column("", "the second track of a crash, itself if it hit nothing that is seen; 0 none")
    x: F64 = column("m", "east of the city's origin; of a queue and of congestion the last vehicle", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    lane: I32 = column("", "index into the lanes of the map, -1 off the lanes")
    extent: F64 = column("m", "length of the lane concerned, 0 for a single road user", places=1)
    since_ns: I64 = column("ns", "when the condition began")
    last_ns: I64 = column("ns", "when it was last seen to hold")
    start_x: F64 = column("m", "where the condition began, east of the city's origin", places=2)
    start_y: F64 = column("m", "where the condition began, north of the city's origin", places=2)
    evidence: F64 = column("s", "for how long it has been so without another explanation, weighted", places=2)
    passed: U32 = column("", "vehicles that went by it meanwhile")
    confirmed: Bool = column("", "long enough and sure enough to be published")


class CongestionLevel(IntEnum):
    """How well traffic flows; a greater number is slower."""

    FREE = 0
    FAIRLY_FREE = 1
    LIGHT = 2
    MODERATE = 3
    SEVERE = 4


class Congestion(Table, key=("lane",), position=("x", "y"), held=True):
    """How traffic flows on each lane with vehicles on it: speed, density and queue, and the level that follows."""

    lane: I32 = column("", "index into the lanes of the map")
    x: F64 = column("m", "middle of the lane, east of the city's origin", places=1)
    y: F64 = column("m", "middle of the lane, north of the city's origin", places=1)
    speed: F64 = column("m/s", "smoothed speed of vehicles that no light holds; NaN none yet", places=2)
    traffic: F64 = column("", "smoothed number of such vehicles", places=3)
    density: F64 = column("1/km", "smoothed vehicles per kilometre in view of a pole; NaN out of view", places=2)
    queue_m: F64 = column("m", "from a queue's first front bumper to its last rear bumper; 0 none", places=1)
    queued: U16 = column("", "vehicles in it")
    queue_since_ns: I64 = column("ns", "since when such a queue stands that no light explains, 0 none")
    queue_last_ns: I64 = column("ns", "when it was last seen")
    tail_x: F64 = column("m", "its last vehicle, or the lane's, east of the city's origin", places=1)
    tail_y: F64 = column("m", "its last vehicle, or the lane's, north of the city's origin", places=1)
    flowing: Bool = column("", "the light at its end is green, or it has none")
    failures: U8 = column("", "greens in a row that ended with a queue left at the stop line")
    level: U8 = column("", "how congested", codes=CongestionLevel)
    leaning_ns: I64 = column("ns", "since when another level is called for, 0 it is not")
    since_ns: I64 = column("ns", "since when it has this level, 0 always")
    last_ns: I64 = column("ns", "when a vehicle was last on it")


class Roughness(Table, key=("lane", "cell"), position=("x", "y"), held=True):
    """How rough each stretch of a lane is, by the vertical acceleration that vehicles report."""

    lane: I32 = column("", "index into the lanes of the map")
    cell: U16 = column("", "stretch of 50 m along the lane, from 0")
    x: F64 = column("m", "middle of the stretch, east of the city's origin", places=1)
    y: F64 = column("m", "middle of the stretch, north of the city's origin", places=1)
    samples: F64 = column("", "reports in it, with forgetting", places=1)
    squares: F64 = column("m2/s4", "sum of squared vertical accelerations, brought to one speed", places=2)
    index: F64 = column("m/km", "like the International Roughness Index; NaN too few reports", places=2)
    sigma: F64 = column("m/km", "standard deviation of the index; NaN unknown", places=2)
    rough: Bool = column("", "surely above what is allowed")
    since_ns: I64 = column("ns", "since when it is rough, 0 it is not")


class LaneShifts(Table, key=("lane", "cell"), position=("x", "y"), held=True):
    """Where across each stretch of a lane vehicles drive, against the map and against what was usual."""

    lane: I32 = column("", "index into the lanes of the map")
    cell: U16 = column("", "stretch of 50 m along the lane, from 0")
    x: F64 = column("m", "middle of the stretch, east of the city's origin", places=1)
    y: F64 = column("m", "middle of the stretch, north of the city's origin", places=1)
    count: F64 = column("", "vehicles lately, with forgetting", places=2)
    cosine: F64 = column("", "sum of cosines of their place across, a lane's width being a full turn", places=3)
    sine: F64 = column("", "sum of sines of the same", places=3)
    usual_count: F64 = column("", "vehicles in the history", places=2)
    usual_cosine: F64 = column("", "sum of cosines of the history", places=3)
    usual_sine: F64 = column("", "sum of sines of the history", places=3)
    mean: F64 = column("m", "where they drive lately, to the left of the lane's middle; NaN too few", places=2)
    spread: F64 = column("m", "standard deviation of that among vehicles; NaN too few", places=2)
    shift: F64 = column("m", "how far to the left of what was usual; NaN too few", places=2)
    shifted: Bool = column("", "surely farther off than is allowed")
    since_ns: I64 = column("ns", "since when it is shifted, 0 it is not")


class RoadCondition(IntEnum):
    """What a road's surface is like; a greater number is more slippery."""

    DRY = 1
    WET = 2
    ICE_RISK = 3
    """Wet, and about to freeze, or freezing cold without known moisture."""
    ICE = 4


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


class RoadStates(Table, key=("station",), position=("x", "y"), held=True):
    """What the weather at each station means for the road: surface, freezing, and the speed that is still safe."""

    station: U16 = column("", "number of the station")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    time_ns: I64 = column("ns", "instant of the newest reading in it")
    wind: F64 = column("m/s", "smoothed wind speed; NaN unknown", places=2)
    water_mm: F64 = column("mm", "water on the surface, by rain, run-off and drying", places=3)
    surface_c: F64 = column("degC", "smoothed surface temperature; NaN unknown", places=2)
    trend_c_per_h: F64 = column("degC/h", "how fast the surface warms; NaN unknown", places=2)
    freezing_s: F64 = column("s", "until the surface freezes at this rate; 0 it has, NaN not foreseen", places=0)
    condition: U8 = column("", "what the surface is like", codes=RoadCondition)
    friction: F64 = column("", "coefficient of friction assumed", places=2, low=0, high=1)
    advisory: F64 = column("m/s", "greatest speed that is advised; NaN no limit but the sign's", places=2)
    reasons: U8 = column("", "why: bit 0 visibility, bit 1 wet, bit 2 ice, bit 3 wind")
