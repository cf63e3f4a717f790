"""Incidents: what stands, drives, walks or lies where it should not, crashes, and traffic that is stuck."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np

from wayside.admission.tables import MeasureRequests, Permits
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.membership import is_among
from wayside.roadside.carriageway import SEEN, CarriagewayConfig, lying, walking
from wayside.roadside.crash import CrashConfig, doomed, four_wheeled, has_company, standing_near, touching
from wayside.roadside.sightings import KINDS, SECOND, Habits, Sightings, go_on, sighted, together
from wayside.roadside.standing import explanations
from wayside.roadside.tables import Actors, Congestion, CongestionLevel, IncidentKind, Incidents
from wayside.security.tables import PoleReach
from wayside.signals.tables import Signals
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import I32, I64, Bool
from wayside.v2x.tables import Kind, Reports

# bits of VehicleEventFlags with which a vehicle says that it is in trouble
HAZARD_LIGHTS, FLAT_TYRE, DISABLED, AIRBAG = 1 << 0, 1 << 10, 1 << 11, 1 << 12
BOTH = 3  # `sources` of what is heard and seen: its own word counts only then
TROUBLE_WORTH = 3.0  # seconds of evidence in one second of standing with its hazard lights on
NEVER = np.inf
SPARED_NS = 2_000_000_000  # a doomed vehicle that still drives by then has been spared
LIVE_NS = 250_000_000  # if it has been measured that lately
# an enumeration's members are slow to look up
_CAR, _BUS, _MOTORCYCLE = int(Kind.CAR), int(Kind.BUS), int(Kind.MOTORCYCLE)
_DRIVING, _CRASH = int(LaneKind.DRIVING), int(IncidentKind.CRASH)


class IncidentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `incidents`."""

    standing_below: float = 0.5  # slower is standing [m/s]
    stalled_after_s: float = 20.0  # standing without a reason for so long is a stall
    bus_stop_s: float = 60.0  # more for buses, which serve stops
    service_s: float = 120.0  # more for automated vehicles, which serve passengers and parcels
    in_lane_m: float = 1.2  # farther off the lane's middle a vehicle is parked beside it
    moved_m: float = 5.0  # a stalled vehicle that is farther from where it stood has driven on
    forget_s: float = 10.0  # a candidate unseen for so long is forgotten
    forget_confirmed_s: float = 30.0  # and an incident
    wrong_way_angle: float = 2.1  # between a vehicle's course and its lane's [rad], 120 degrees
    wrong_way_speed: float = 2.0  # slower is not judged [m/s]
    beside_m: float = 0.3  # farther beyond a lane's edge one does not drive in that lane
    wrong_way_s: float = 1.2
    wrong_way_m: float = 5.0
    walking_s: float = 1.6  # so long on the carriageway before a person on foot is an incident
    lying_s: float = 3.0  # so long has a thing lain there
    alone_s: float = 8.0  # more where nothing that was hit is seen
    crash_s: float = 2.5  # so long have two stood in touch, or one after a blow
    queue_s: float = 5.0  # so long have they stood
    congested_from: int = CongestionLevel.SEVERE
    fresh_s: float = 0.5  # what was not measured for so long is not judged
    carriageway: CarriagewayConfig = CarriagewayConfig()
    crash: CrashConfig = CrashConfig()


@lru_cache(maxsize=16)
def _habits(config: IncidentConfig) -> Habits:
    """Return how incidents of each kind begin and end, in the order of the fields of `Habits`."""
    by_kind = {
        IncidentKind.STALLED_VEHICLE: (
            config.stalled_after_s, 0.0, config.forget_s, config.forget_confirmed_s,
            config.forget_s, config.forget_confirmed_s, config.moved_m, 0.5 * config.moved_m,
        ),
        # one that is seen to drive as it should again is over after a second
        IncidentKind.WRONG_WAY: (config.wrong_way_s, config.wrong_way_m, 2.0, 2.0, 1.0, 1.0, NEVER, 0.0),
        IncidentKind.PEDESTRIAN: (config.walking_s, 0.0, 1.0, 3.0, 2.5, 2.5, NEVER, 2.0),
        IncidentKind.DEBRIS: (config.lying_s, 0.0, 10.0, 60.0, 3.0, 10.0, 2.0, 1.5),
        IncidentKind.CRASH: (config.crash_s, 0.0, 10.0, 60.0, 4.0, 10.0, config.moved_m, 3.0),
        # these have their own memory in Congestion
        IncidentKind.QUEUE: (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, NEVER, 0.0),
        IncidentKind.CONGESTION: (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, NEVER, 0.0),
    }  # fmt: skip
    table = np.zeros((len(Habits._fields), KINDS))
    for kind, values in by_kind.items():
        table[:, kind] = values
    return Habits(*table)


def _stalled_now(actors: Actors, judged: Bool, road: RoadMap, config: IncidentConfig) -> Bool:
    """Tell which of the actors that are judged stand in a driving lane."""
    standing = judged & (actors.speed < config.standing_below) & (np.abs(actors.lateral) <= config.in_lane_m)
    standing &= road.lanes.kind[np.maximum(actors.lane, 0)] == _DRIVING
    return standing


def _wrong_way_now(actors: Actors, judged: Bool, road: RoadMap, config: IncidentConfig) -> tuple[I64, I32]:
    """Return the rows of those actors judged that drive against the lane they are in, and that lane.

    Of two lanes the picture prefers the one in the vehicle's direction, even if it drives beside that. Where it
    does, its place alone tells the lane.
    """
    outside = ~road.lanes.internal[np.maximum(actors.lane, 0)]
    rows = np.flatnonzero(
        judged & outside & (actors.speed > config.wrong_way_speed) & (actors.position_sigma < 1.0)
    )
    lane = actors.lane[rows]
    lateral, offset = actors.lateral[rows], actors.offset[rows]
    beside = np.flatnonzero(np.abs(lateral) > 0.5 * road.lanes.width[lane] + config.beside_m)
    if len(beside):
        x, y = actors.x[rows[beside]], actors.y[rows[beside]]
        found = road.match(x, y, np.full(len(beside), np.nan), reach_m=config.in_lane_m)
        lane[beside], lateral[beside], offset[beside] = found.lane, found.lateral, found.offset
    _, _, direction = road.along(lane, offset)
    against = np.abs((actors.heading[rows] - direction + np.pi) % (2.0 * np.pi) - np.pi)
    wrong = (lane >= 0) & (np.abs(lateral) <= config.in_lane_m) & (against > config.wrong_way_angle)
    wrong &= ~road.lanes.internal[lane]
    return rows[wrong], lane[wrong]


def _events(actors: Actors, reports: Reports) -> I64:
    """Return the event flags that each actor sent just now, of those that a pole sees too; 0 for the rest."""
    events = np.zeros(len(actors), np.int64)
    loud = np.flatnonzero(reports.events)
    if len(loud):
        order = loud[np.argsort(reports.sender[loud], kind="stable")]
        place = np.minimum(np.searchsorted(reports.sender[order], actors.sender), len(order) - 1)
        said = (reports.sender[order[place]] == actors.sender) & (actors.sources == BOTH) & (actors.sender != 0)
        events[said] = reports.events[order[place[said]]]
    return events


def _stalls(
    actors: Actors, stalled: Bool, events: I64, signals: Signals, pole_reach: PoleReach, excused: Bool,
    patience: np.ndarray, road: RoadMap, time_ns: int,
) -> Sightings:  # fmt: skip
    """Return the vehicles that stand, and how little explains it."""
    rows = np.flatnonzero(stalled)
    worth, passing = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    if len(rows):
        worth, passing = explanations(actors, rows, signals, pole_reach, road, time_ns)
    worth[excused[rows]] = 0.0
    in_trouble = (events[rows] & (HAZARD_LIGHTS | FLAT_TYRE | DISABLED)) > 0
    worth = np.where(in_trouble, TROUBLE_WORTH * np.maximum(worth, 0.3), worth)
    return sighted(
        IncidentKind.STALLED_VEHICLE, actors, rows, worth=worth, patience=patience[rows], passing=passing
    )  # fmt: skip


def _crashes(
    actors: Actors, fresh: Bool, events: I64, before: Incidents, config: IncidentConfig, time_ns: int
) -> list[Sightings]:
    """Return pairs that touch, blows just felt, and what stands where a blow was felt."""
    crash = config.crash
    placed = fresh & (actors.lane >= 0) & (np.abs(actors.lateral) <= crash.off_lane_m)
    able, riders = placed & four_wheeled(actors), placed & (actors.kind == _MOTORCYCLE)
    # a double of a track that takes over another's measurement seems to stop dead, right beside it
    steady = actors.position_sigma < crash.steady_sigma_m
    burst, seen = able & ((events & AIRBAG) > 0), (actors.sources & SEEN) > 0
    blow = burst | (able & (actors.acceleration < -crash.no_brake) & steady & seen)
    live = time_ns - actors.measured_ns <= LIVE_NS
    late, into = doomed(actors, able & seen, riders & seen, crash)
    mine = np.flatnonzero(before.kind == _CRASH)
    actor, other = before.actor[mine], before.other[mine]
    blows = (other == 0) | (other == actor)
    felt = actor[blows]
    # of two that touched for a while a pole may see but one from then on
    merged = ~blows & (before.evidence[mine] >= crash.merge_s)
    merged &= ~(is_among(actor, actors.id) & is_among(other, actors.id))
    driving = is_among(actor, actors.id[live & (actors.speed > crash.drives_on)])
    spared = driving & ~before.confirmed[mine] & (time_ns - before.since_ns[mine] > SPARED_NS)
    stays = (blows | merged) & ~spared
    actor, other = actor[stays], other[stays]
    there, row = standing_near(before.x[mine[stays]], before.y[mine[stays]], actors, able | riders, crash)
    alone = np.where(other[there] == actor[there], config.alone_s, 0.0)
    after = sighted(_CRASH, actors, row, other=other[there], patience=alone)
    # what vehicles say of their own place is too coarse to tell a gap
    first, second = touching(actors, able & seen & steady, crash)
    low = np.where(actors.id[first] < actors.id[second], first, second)
    high = first + second - low
    # each vehicle is in one crash, and one that has felt a blow is in that one
    of_blow = is_among(actors.id, felt)
    struck = blow | of_blow
    _, once = np.unique(actors.id[low], return_index=True)
    once = once[~(struck[low[once]] | struck[high[once]] | is_among(actors.id[low[once]], actor))]
    begun = np.flatnonzero(blow & ~of_blow)
    met = burst[begun] | has_company(actors, begun, able, crash)
    new = ~struck[late]
    hit = sighted(_CRASH, actors, into[new])
    return [
        sighted(_CRASH, actors, low[once], other=actors.id[high[once]]),
        after._replace(actor=actor[there]),
        sighted(_CRASH, actors, begun, other=np.where(met, 0, actors.id[begun]).astype(np.uint64)),
        hit._replace(actor=actors.id[late[new]]),
    ]


def _stuck(congestion: Congestion, config: IncidentConfig, road: RoadMap, time_ns: int) -> list[Sightings]:
    """Return one queue and one congestion for each carriageway that has them: those of its worst lane."""
    found: list[Sightings] = []
    if not len(congestion):
        return found
    queued = congestion.queue_since_ns > 0
    queued &= time_ns - congestion.queue_since_ns >= config.queue_s * 1e9
    slow = congestion.level >= config.congested_from
    for kind, mask, size in (
        (IncidentKind.QUEUE, queued, congestion.queue_m),
        (IncidentKind.CONGESTION, slow, road.lanes.length[congestion.lane]),
    ):
        rows = np.flatnonzero(mask)
        if not len(rows):
            continue
        edge = road.lanes.edge[congestion.lane[rows]]
        order = np.lexsort((congestion.lane[rows], -size[rows], edge))
        rows, edge = rows[order], edge[order]
        worst = np.concatenate(([True], edge[1:] != edge[:-1]))
        rows, edge = rows[worst], edge[worst]
        count = len(rows)
        found.append(
            Sightings(
                kind=np.full(count, kind, np.uint8),
                actor=edge.astype(np.uint64),
                other=np.zeros(count, np.uint64),
                x=congestion.tail_x[rows],
                y=congestion.tail_y[rows],
                lane=congestion.lane[rows],
                extent=size[rows],
                worth=np.ones(count),
                patience=np.zeros(count),
                passing=np.zeros(count, np.int64),
            )
        )
    return found


@step(period_s=0.2, reach_m=150)
def incidents(
    actors: Actors,
    reports: Reports,
    signals: Signals,
    pole_reach: PoleReach,
    permits: Permits,
    measure_requests: MeasureRequests,
    congestion: Congestion,
    before: Incidents,
    *,
    road: RoadMap,
    config: IncidentConfig,
    time_ns: int,
) -> Incidents:
    """Find what should not be on the road, or not so.

    - Standing vehicles gather evidence, in seconds, while nothing explains it: no slow vehicle ahead, no red
      light, no yielding at the end of the lane. Where poles would not see what stands ahead of one, only a long
      green that it does not follow counts. Buses and automated vehicles may serve stops for longer, and automated
      ones stand where a measure tells them to. Each vehicle that goes round it is worth a second, its own hazard
      lights three times the time.
    - A vehicle drives the wrong way while its course is against its lane's; it must have come some metres so. One
      that drives beside the lane it was matched to is judged by the lane it is in.
    - People on foot and things that lie there are incidents on a carriageway away from crossings.
    - Two vehicles have crashed that touch and stand, in a way that no queue does. So has one that no brake could
      have kept from a standing vehicle or motorcycle, that stopped harder than brakes can, or whose airbag went
      off, and then stands.
    - Queues and congestion are those of `congestion`, one for each carriageway.

    Args:
        actors: the live picture.
        reports: what vehicles say of themselves; of those, the event flags of vehicles that poles see too.
        signals: what controllers say they show.
        pole_reach: how far each pole sees now.
        permits: which senders are automated vehicles.
        measure_requests: measures the regulator wants in force; while one is, automated vehicles may stand.
        congestion: how traffic flows.
        before: candidates and incidents so far.
        road: the map.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        Candidates and incidents; `confirmed` tells them apart.

    Limits: a stall at a stop line is found after a minute of green; of two-wheelers only motorcycles are judged,
    and of crashes among them only those in which a larger vehicle runs into one.
    """
    fresh: Bool = time_ns - actors.measured_ns <= config.fresh_s * 1e9
    walkers, on_lane = walking(actors, fresh, road, config.carriageway)
    things, thing_lane = lying(actors, fresh, road, config.carriageway)
    if len(walkers):
        actors = _placed(actors, walkers, on_lane, road)
    events = _events(actors, reports)
    automated = is_among(actors.sender, permits.sender) & (actors.sender != 0)
    excused = automated & (len(measure_requests) > 0 and bool(measure_requests.active.any()))
    patience = np.where(actors.kind == _BUS, config.bus_stop_s, 0.0)
    patience = np.where(automated, config.service_s, patience)
    judged = fresh & (actors.lane >= 0) & (actors.kind >= _CAR) & (actors.kind <= _MOTORCYCLE)
    stalled = _stalled_now(actors, judged, road, config)
    against, against_lane = _wrong_way_now(actors, judged, road, config)
    seen = together(
        [
            _stalls(actors, stalled, events, signals, pole_reach, excused, patience, road, time_ns),
            sighted(IncidentKind.WRONG_WAY, actors, against, lane=against_lane),
            sighted(IncidentKind.PEDESTRIAN, actors, walkers, lane=on_lane),
            sighted(IncidentKind.DEBRIS, actors, things, lane=thing_lane),
            *_crashes(actors, fresh, events, before, config, time_ns),
            *_stuck(congestion, config, road, time_ns),
        ]
    )
    if not len(before) and not len(seen.actor):
        return before
    return go_on(before, seen, actors, _habits(config), time_ns)


def _placed(actors: Actors, rows: I64, lane: I64, road: RoadMap) -> Actors:
    """Put people on foot in the lane they stand in, so that vehicles are seen to wait for them."""
    x, y, heading = road.along(lane, np.zeros(len(rows)))
    lanes, offsets = actors.lane.copy(), actors.offset.copy()
    lanes[rows] = lane
    ahead = (actors.x[rows] - x) * np.cos(heading) + (actors.y[rows] - y) * np.sin(heading)
    offsets[rows] = np.clip(ahead, 0.0, road.lanes.length[lane])
    return actors.replace(lane=lanes, offset=offsets)


RULES = {
    IncidentKind.STALLED_VEHICLE: Rule.STALLED_VEHICLE,
    IncidentKind.WRONG_WAY: Rule.WRONG_WAY,
    IncidentKind.PEDESTRIAN: Rule.PEDESTRIAN_ON_ROAD,
    IncidentKind.DEBRIS: Rule.DEBRIS,
    IncidentKind.CRASH: Rule.CRASH,
}  # queues and congestion are states of traffic, nobody opens a case about them
_RULE = np.array([RULES.get(IncidentKind(n), 0) if n else 0 for n in range(KINDS)], np.uint8)


@step(period_s=0.1, reach_m=0)
def incident_findings(incidents: Incidents) -> Findings:
    """Return a finding for each confirmed incident but queues and congestion: how long it has lasted [s]."""
    rows = np.flatnonzero(incidents.confirmed & (_RULE[incidents.kind] > 0))
    if not len(rows):
        return Findings.empty()
    sure = incidents.take(rows)
    return Findings(
        rule=_RULE[sure.kind],
        subject=sure.actor,
        x=sure.x,
        y=sure.y,
        since_ns=sure.since_ns,
        value=(sure.last_ns - sure.since_ns).astype(np.float64) * SECOND,
        limit=np.full(len(sure), np.nan),
    )
