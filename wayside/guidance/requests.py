"""What vehicles ask the roadside for, kept until it lapses, and answered at every tick."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from wayside.driving.tables import Forecasts
from wayside.guidance.answers import Answer, Scene, reach_now
from wayside.guidance.emergency import on_duty
from wayside.guidance.junction import JunctionConfig, judge_passing
from wayside.guidance.lane_change import LaneChangeConfig, judge_lane_change
from wayside.guidance.neighbourhood import forecast_rows
from wayside.guidance.overtaking import OvertakingConfig, Passing, overtaking_clear
from wayside.guidance.signage import concerns
from wayside.guidance.tables import (
    GrantReason,
    Grants,
    Manoeuvre,
    ManoeuvreRequests,
    PaymentPoints,
    RequestStatus,
)
from wayside.maps.road import RoadMap
from wayside.membership import flags_of
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.signals.tables import SignalForecasts
from wayside.step import step
from wayside.table import Bool
from wayside.v2x.tables import Reports

OVER = flags_of((RequestStatus.CANCEL, RequestStatus.COMPLETE))
OPPOSED = -0.5  # cosine of the angle between two directions of travel
KEPT = ("kind", "priority", "until_ns", "lane", "node", "direction", "area_x", "area_y", "area_radius")
REASON_OF_PASSING = {
    Passing.CLEAR: GrantReason.CLEAR,
    Passing.ONCOMING: GrantReason.ONCOMING,
    Passing.LANE_TAKEN: GrantReason.OCCUPIED,
    Passing.TOO_SLOW: GrantReason.FORBIDDEN,
    Passing.NOT_SEEN_FAR_ENOUGH: GrantReason.SIGHT,
}


class GrantsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How requests are answered."""

    most: int = 64  # requests judged a tick; those behind wait
    longest_s: float = 30.0  # a request lapses at the latest so long after it was last heard
    junction_m: float = 30.0  # nobody overtakes so near to a junction, beside the way it takes
    lane_change: LaneChangeConfig = LaneChangeConfig()
    overtaking: OvertakingConfig = OvertakingConfig()
    junction: JunctionConfig = JunctionConfig()


def standing(asked: ManoeuvreRequests, before: Grants, time_ns: int, longest_s: float) -> Grants:
    """Return the requests that stand, with the last answer to each; WAITING where there was none.

    What is heard again replaces what stood under the same number. Who changes what it asks for is asking anew.
    """
    latest = round(longest_s * 1e9)
    heard = {key: row for row, key in enumerate(zip(asked.sender.tolist(), asked.number.tolist(), strict=True))}
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for row, key in enumerate(zip(before.sender.tolist(), before.number.tolist(), strict=True)):
        if key not in heard and before.until_ns[row] > time_ns:
            rows[key] = {name: getattr(before, name)[row] for name in Grants.columns}
    old = {key: row for row, key in enumerate(zip(before.sender.tolist(), before.number.tolist(), strict=True))}
    for key, row in heard.items():
        until = min(int(asked.until_ns[row]), time_ns + latest)
        if OVER[asked.status[row]] or until <= time_ns:
            continue
        fresh: dict[str, Any] = {name: getattr(asked, name)[row] for name in KEPT}
        fresh |= {"sender": key[0], "number": key[1], "x": asked.x[row], "y": asked.y[row], "until_ns": until}
        was = old.get(key)
        same = was is not None and before.kind[was] == asked.kind[row] and before.lane[was] == asked.lane[row]
        answer: dict[str, Any] = {
            "actor": 0, "granted": False, "reason": GrantReason.WAITING, "other": 0, "helper": 0,
            "speed": math.nan, "opens": math.nan, "closes": math.nan, "helper_speed": math.nan,
            "asked_ns": time_ns, "since_ns": time_ns,
        }  # fmt: skip
        if same:
            answer = {name: getattr(before, name)[was] for name in answer}
        rows[key] = fresh | answer
    if not rows:
        return Grants.empty()
    listed = [rows[key] for key in sorted(rows)]
    return Grants(**{name: np.array([row[name] for row in listed], c.dtype) for name, c in Grants.columns.items()})


@step(period_s=0.1, reach_m=None)
def grants(
    actors: Actors,
    forecasts: Forecasts,
    signal_forecasts: SignalForecasts,
    reports: Reports,
    poles: Poles,
    road_weather: RoadWeather,
    payment_points: PaymentPoints,
    manoeuvre_requests: ManoeuvreRequests,
    before: Grants,
    *,
    road: RoadMap,
    config: GrantsConfig,
    time_ns: int,
) -> Grants:
    """Answer every request that stands: granted or not, why, and what would help.

    Requests are judged one after another: by priority, where an emergency vehicle on duty asks, then what was
    granted already, then by the time of asking. A granted lane counts as taken for those judged later; at
    junctions those judged later count as waiting if they can stop. A grant is judged anew at each tick and ends
    when it no longer holds; a vehicle that has begun must finish or break off by itself.

    Limits: `most` requests a tick; those behind keep their last answer.
    """
    if not len(manoeuvre_requests) and not len(before):
        return Grants.empty()
    asked = standing(manoeuvre_requests, before, time_ns, config.longest_s)
    if not len(asked):
        return asked
    row_of = {sender: row for row, sender in enumerate(actors.sender.tolist()) if sender}
    rows = np.array([row_of.get(sender, -1) for sender in asked.sender.tolist()])
    duty, _ = on_duty(actors, reports, 0.0)
    urgent = np.isin(rows, duty)
    kinds = _kinds(asked, actors, rows, road)
    order = np.lexsort(
        (
            asked.number,
            asked.sender,
            asked.asked_ns,
            ~asked.granted,
            np.where(urgent, -asked.priority.astype(int), 1),
        )
    )
    promised = np.full(len(actors), -1)
    waits = {int(row) for row, kind in zip(rows, kinds, strict=True) if kind == Manoeuvre.INTERSECTION_PASSING}
    answers: dict[int, Answer] = {}
    forecast_row, reach = forecast_rows(actors, forecasts), reach_now(poles, road_weather)
    for place in order[: config.most].tolist():
        row = int(rows[place])
        waits.discard(row)
        scene = Scene(
            actors, forecasts, signal_forecasts, poles, reach, payment_points, forecast_row, road, promised,
            frozenset(waits),
        )  # fmt: skip
        kind = Manoeuvre(int(kinds[place]))
        answer = answers[place] = _judge(scene, row, asked, place, kind, urgent, config)
        if answer.granted and kind in (Manoeuvre.LANE_CHANGE, Manoeuvre.OVERTAKE):
            promised[row] = asked.lane[place]
        if not answer.granted and kind is Manoeuvre.INTERSECTION_PASSING:
            waits.add(row)
    return _with(asked.replace(kind=kinds.astype(np.uint8)), actors, rows, answers, time_ns)


def _kinds(asked: Grants, actors: Actors, rows: Any, road: RoadMap) -> Any:
    """Return what each request is for: a lane of the other direction is changed to in order to overtake."""
    lane = np.where((asked.lane >= 0) & (asked.lane < len(road.lanes)), asked.lane, -1)
    _, _, direction = road.along(lane, np.zeros(len(lane)))
    heading = actors.heading[rows] if len(actors) else np.full(len(rows), np.nan)
    against: Bool = (rows >= 0) & (np.cos(direction - heading) < OPPOSED)
    changes = asked.kind == Manoeuvre.LANE_CHANGE
    return np.where(changes & against, int(Manoeuvre.OVERTAKE), asked.kind)


def _judge(
    scene: Scene, row: int, asked: Grants, place: int, kind: Manoeuvre, urgent: Bool, config: GrantsConfig
) -> Answer:
    """Return the answer to one request."""
    if row < 0:
        return Answer(GrantReason.UNKNOWN_VEHICLE)
    match kind:
        case Manoeuvre.OVERTAKE:
            answer = _overtaking(scene, row, config)
        case Manoeuvre.LANE_CHANGE:
            answer = judge_lane_change(scene, row, int(asked.lane[place]), config.lane_change)
        case Manoeuvre.INTERSECTION_PASSING:
            node, way, lane = int(asked.node[place]), int(asked.direction[place]), int(asked.lane[place])
            answer = judge_passing(scene, row, node, way, lane, config.junction)
        case Manoeuvre.SENSOR_SHARING:
            answer = _sharing(scene, asked, place)
        case Manoeuvre.PAYMENT:
            answer = _paying(scene, row)
        case _ if urgent[place]:
            answer = Answer(GrantReason.CLEAR, True, opens=0.0)
        case _:
            # the way is cleared, and lights asked for, for emergency vehicles on duty alone
            answer = Answer(GrantReason.NO_RIGHT)
    return answer


def _overtaking(scene: Scene, row: int, config: GrantsConfig) -> Answer:
    """Return whether somebody may pass who is ahead on the other side of the road."""
    actors, lanes = scene.actors, scene.road.lanes
    lane = int(actors.lane[row])
    limit, lateral = math.inf, 0.0
    if lane >= 0:
        limit, lateral = float(lanes.speed_limit[lane]), float(actors.lateral[row])
        ends = float(lanes.length[lane] - actors.offset[row])
        leads_on = scene.road.successor_first[lane + 1] > scene.road.successor_first[lane]
    found = overtaking_clear(
        actors, row, limit=limit, seen_m=scene.seen_along(row), lateral=lateral, config=config.overtaking
    )
    other = int(np.flatnonzero(actors.id == np.uint64(found.other))[0]) if found.other else -1
    if not found.clear:
        return Answer(REASON_OF_PASSING[found.why], other=other)
    if lane >= 0:
        mean = float(actors.speed[row]) + config.overtaking.faster_by / 2
        needed = found.needed_s * mean + config.junction_m
        if lanes.internal[lane] or (leads_on and ends < needed):
            return Answer(GrantReason.FORBIDDEN)
    return Answer(GrantReason.CLEAR, True, opens=0.0, closes=found.needed_s)


def _sharing(scene: Scene, asked: Grants, place: int) -> Answer:
    """Return whether the roadside looks at an area."""
    x, y, radius = (float(column[place]) for column in (asked.area_x, asked.area_y, asked.area_radius))
    if math.isnan(x + y + radius) or radius <= 0.0:
        return Answer(GrantReason.NO_SUCH_PLACE)
    if not scene.covered(x, y, radius):
        return Answer(GrantReason.NOT_COVERED)
    return Answer(GrantReason.CLEAR, True, opens=0.0)


def _paying(scene: Scene, row: int) -> Answer:
    """Return whether somebody is where it can pay."""
    actors, points = scene.actors, scene.payment_points
    away = np.hypot(points.x - actors.x[row], points.y - actors.y[row])
    near = away <= points.radius
    if not near.any():
        return Answer(GrantReason.NO_SUCH_PLACE)
    kind = np.full(len(points), actors.kind[row])
    if not (near & concerns(points.kinds, kind)).any():
        return Answer(GrantReason.FORBIDDEN)
    return Answer(GrantReason.CLEAR, True, opens=0.0)


def _with(asked: Grants, actors: Actors, rows: Any, answers: dict[int, Answer], time_ns: int) -> Grants:
    """Return the requests with their answers; `since_ns` stays where the answer is what it was."""
    columns = {name: getattr(asked, name).copy() for name in Grants.columns}
    for place, answer in answers.items():
        row, reason = int(rows[place]), int(answer.reason)
        same = columns["granted"][place] == answer.granted and columns["reason"][place] == reason
        columns["since_ns"][place] = columns["since_ns"][place] if same else time_ns
        columns["granted"][place], columns["reason"][place] = answer.granted, reason
        columns["other"][place] = actors.id[answer.other] if answer.other >= 0 else 0
        columns["helper"][place] = actors.sender[answer.helper] if answer.helper >= 0 else 0
        for name in ("speed", "opens", "closes", "helper_speed"):
            columns[name][place] = getattr(answer, name)
        if row >= 0:
            columns["actor"][place] = actors.id[row]
            columns["x"][place], columns["y"][place] = actors.x[row], actors.y[row]
    return Grants(**columns)
