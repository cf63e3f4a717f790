"""Collision services: lead and false warnings through the whole chain, and the time they take in a crowd."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.bar import Bar
from wayside.driving.predict import PredictConfig, predict
from wayside.driving.tables import Forecasts
from wayside.guidance.braking import EmergencyBrakingConfig, emergency_braking
from wayside.guidance.crossing import IntersectionCollisionConfig, intersection_collision
from wayside.guidance.following import ForwardCollisionConfig, forward_collision
from wayside.guidance.meeting import MeetingsConfig, meetings
from wayside.guidance.oncoming_lane import DoNotPassConfig, do_not_pass
from wayside.guidance.overtaking import overtaking_clear
from wayside.guidance.sideways import BlindSpotConfig, blind_spot
from wayside.guidance.tables import WarningRequests
from wayside.guidance.turning import LeftTurnConfig, left_turn
from wayside.guidance.vulnerable import VulnerableRoadUserConfig, vulnerable_road_user
from wayside.maps.drawing import draw
from wayside.roadside.tables import Actors
from wayside.signals.tables import SignalForecasts
from wayside.table import F64
from wayside.v2x.tables import Kind, Reports
from wayside.worlds.cases import play

HEADINGS = [15.0 * turn for turn in range(24)]  # degrees
APPROACH_S = 6.0
EMPTY = draw([])
NO_SIGNALS = SignalForecasts.empty()
POLE = {"x": 0, "y": 10}


def warned(actors: Sequence[Mapping[str, Any]], seconds: float, **more: Any) -> list[float]:
    """Play a case and return when warnings were given [s]."""
    rows = play({"actors": list(actors), "seconds": seconds, **more}).rows
    return sorted(row["t"] for row in rows if row["what"] == "warning")


def lead(speed: float, angle: float, heading: float) -> float:
    """Return how long before two cars touch that meet at an angle [degrees] the first warning is given [s]."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    body = 4.6 if angle == 180 else 3.2  # so far apart are the centres when the bodies touch, along either way
    apart = body / 2 if angle == 180 else body
    far, end = -apart - speed * APPROACH_S, -apart
    first = {"name": "A", "poses": [[0, far, 0], [APPROACH_S, end, 0]]}
    second = {"name": "B", "poses": [[0, far * c, far * s], [APPROACH_S, end * c, end * s]]}
    said = warned([first, second], APPROACH_S, rotate=heading)
    return APPROACH_S - said[0] if said else 0.0


def beside(aside: float, walking: float) -> int:
    """Return the warnings of a car at 15 m/s that passes a person so far aside, who walks away so fast."""
    car = {"name": "A", "poses": [[0, -75, 0], [6, 15, 0]]}
    person: dict[str, Any] = {"name": "P", "kind": "pedestrian"}
    if walking:
        person["poses"] = [[0, 0, aside], [6, 0, aside + 6 * walking]]
    else:
        person |= {"poses": [[0, 0, aside, 90]], "hold": True}
    return len(warned([car, person], 6.0, poles=[POLE]))


def side_by_side(heading: float) -> int:
    """Return the warnings of two cars side by side, 3.5 m apart."""
    pair = [{"name": n, "poses": [[0, x, y], [4, x + 60, y]]} for n, x, y in (("A", 0, 0), ("B", 1, 3.5))]
    return len(warned(pair, 4.0, rotate=heading))


def actors_of(rows: F64, *, yaw_rate: F64 | float = 0.0) -> Actors:
    """Return actors of rows of x, y, heading, speed and kind."""
    count = len(rows)
    x, y, heading, speed, kind = rows.T
    small = kind >= Kind.BICYCLE
    return Actors(
        id=np.arange(1, count + 1, dtype=np.uint64), kind=kind, x=x, y=y, heading=heading, speed=speed,
        acceleration=np.zeros(count), yaw_rate=np.broadcast_to(yaw_rate, count),
        length=np.where(small, 0.8, 4.6), width=np.where(small, 0.6, 1.8), position_sigma=np.full(count, 0.3),
        lane=np.full(count, -1), offset=np.full(count, np.nan), lateral=np.full(count, np.nan),
        sender=np.where(small, 0, np.arange(1, count + 1)).astype(np.uint64),
        sources=np.ones(count, np.uint8), measured_ns=np.zeros(count, np.int64),
    )  # fmt: skip


def wrong_grants() -> int:
    """Return how often overtaking was granted with somebody coming within the manoeuvre, in 24 directions."""
    wrong = 0
    for heading in np.radians(HEADINGS):
        c, s = math.cos(heading), math.sin(heading)
        # subject, the one ahead, and oncoming traffic at 16 m/s that is met within 2 to 8 s
        for far in range(60, 250, 10):
            rows = np.array([[0, 0, 0, 14, 1], [25, 0, 0, 10, 1], [far, 3.5, math.pi, 16, 1]], np.float64)
            turned = rows.copy()
            turned[:, 0], turned[:, 1] = c * rows[:, 0] - s * rows[:, 1], s * rows[:, 0] + c * rows[:, 1]
            turned[:, 2] += heading
            wrong += overtaking_clear(actors_of(turned), 0).clear
    return wrong


def all_rules(actors: Actors, forecasts: Forecasts) -> list[WarningRequests]:
    """Run all collision rules once."""
    met = meetings(actors, forecasts, config=MeetingsConfig())
    return [
        forward_collision(actors, met, road=EMPTY, config=ForwardCollisionConfig()),
        intersection_collision(actors, met, NO_SIGNALS, road=EMPTY, config=IntersectionCollisionConfig()),
        vulnerable_road_user(actors, met, NO_SIGNALS, road=EMPTY, config=VulnerableRoadUserConfig()),
        left_turn(actors, forecasts, NO_SIGNALS, road=EMPTY, config=LeftTurnConfig()),
        blind_spot(actors, road=EMPTY, config=BlindSpotConfig()),
        do_not_pass(actors, road=EMPTY, config=DoNotPassConfig()),
        emergency_braking(actors, Reports.empty(), forecasts, config=EmergencyBrakingConfig()),
    ]


def turning() -> int:
    """Return the warnings of two cars on one circle, half a circle apart, in both senses and all directions."""
    given = 0
    for sense in (-1.0, 1.0):
        for heading in np.radians(HEADINGS):
            rows = []
            for away in (0.0, math.pi):
                h = heading + away
                rows.append([25 * sense * math.sin(h), -25 * sense * math.cos(h), h, 10, 1])
            actors = actors_of(np.array(rows), yaw_rate=sense * 10 / 25)
            found = all_rules(actors, predict(actors, road=EMPTY, config=PredictConfig()))
            given += sum(len(table) for table in found)
    return given


def crowd(count: int, side: float) -> tuple[Actors, Forecasts]:
    """Return a crowd in a square: 8 of 10 vehicles at up to 15 m/s, the others riding or on foot."""
    random = np.random.default_rng(1)
    kind = random.choice([1, 1, 1, 1, 1, 1, 1, 1, 5, 6], count)
    speed = random.uniform(0, 15, count) / np.where(kind >= Kind.BICYCLE, 6, 1)
    place = random.uniform(0, side, (2, count))
    actors = actors_of(np.column_stack([*place, random.uniform(-3, 3, count), speed, kind]))
    return actors, predict(actors, road=EMPTY, config=PredictConfig())


def least_ms(work: Callable[[], object]) -> float:
    """Return the least processor time of five rounds [ms], after one to warm up."""
    taken = []
    for _ in range(6):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken[1:]) * 1e3


def measure() -> list[Bar]:
    """Measure."""
    turns = (0.0, 35.0, 200.0)
    bars = []
    for speed in (8, 12, 16, 20, 25):
        leads = [lead(speed, 180, turn) for turn in turns]
        bars.append(Bar(f"head-on at 2 x {speed} m/s: first warning before impact", min(leads), ">=", 2.0, "s",
                        f"least of {len(turns)} headings, whole chain"))  # fmt: skip
    for speed in (10, 20):
        leads = [lead(speed, 90, turn) for turn in turns]
        bars.append(Bar(f"crossing at 90 degrees, {speed} m/s: first warning before impact", min(leads), ">=", 2.5,
                        "s", f"least of {len(turns)} headings, whole chain"))  # fmt: skip
    sides = [side * metres for metres in range(3, 36) for side in (1, -1)]
    standing = sum(beside(aside, 0.0) for aside in sides)
    away = sum(beside(math.copysign(aside, way), 1.4 * way) for aside in range(2, 12) for way in (1, -1))
    abreast = sum(side_by_side(heading) for heading in HEADINGS)
    dense, wide, many = crowd(1000, 200.0), crowd(1000, 632.0), crowd(10_000, 2000.0)
    crowded, usual = least_ms(lambda: all_rules(*dense)), least_ms(lambda: all_rules(*wide))
    tenfold = least_ms(lambda: all_rules(*many))
    return [
        *bars,
        Bar("person standing 3 to 35 m beside the path, both sides: warnings", standing, "==", 0, "",
            f"{len(sides)} passes, whole chain"),
        Bar("person walking away from the path: warnings", away, "==", 0, "", "20 passes, whole chain"),
        Bar("two cars side by side, 24 headings: warnings", abreast, "==", 0, "", "24 passes, whole chain"),
        Bar("two cars on one circle, both senses, 24 headings: warnings", turning(), "==", 0, "", "rules alone"),
        Bar("overtaking granted with oncoming traffic within the manoeuvre", wrong_grants(), "==", 0, "",
            "24 headings x 19 distances"),
        Bar("1,000 in 200 x 200 m, all collision rules, one tick", crowded, "<=", 20.0, "ms",
            "processor time, least of 5; random places and directions"),
        Bar("1,000 at a tenth of that density", usual, "<=", None, "ms"),
        Bar("10,000 at that density, as a multiple of it", tenfold / usual, "<=", 20.0, "", f"{tenfold:.1f} ms"),
    ]  # fmt: skip
