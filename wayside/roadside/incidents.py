"""Incidents: vehicles that stand where nothing explains it, and vehicles that drive against their lane."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.admission.tables import MeasureRequests, Permits
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.membership import is_among
from wayside.roadside.standing import explanations
from wayside.roadside.tables import Actors, IncidentKind, Incidents
from wayside.security.tables import PoleReach
from wayside.signals.tables import Signals
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64, Bool
from wayside.v2x.tables import Kind

SECOND = 1e-9  # [s] in a nanosecond


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
    wrong_way_s: float = 1.5
    wrong_way_m: float = 5.0
    fresh_s: float = 0.5  # what was not measured for so long is not judged


def _stalled_now(actors: Actors, road: RoadMap, config: IncidentConfig, time_ns: int) -> Bool:
    """Tell which actors stand in a driving lane."""
    lane = np.maximum(actors.lane, 0)
    standing: Bool = (
        (actors.lane >= 0)
        & (actors.speed < config.standing_below)
        & (actors.kind >= Kind.CAR)
        & (actors.kind <= Kind.MOTORCYCLE)
        & (np.abs(actors.lateral) <= config.in_lane_m)
        & (time_ns - actors.measured_ns <= config.fresh_s * 1e9)
    )
    standing &= road.lanes.kind[lane] == LaneKind.DRIVING
    return standing


def _wrong_way_now(actors: Actors, road: RoadMap, config: IncidentConfig, time_ns: int) -> Bool:
    """Tell which actors drive against the lane they are in."""
    rows = np.flatnonzero(
        (actors.lane >= 0)
        & (actors.speed > config.wrong_way_speed)
        & (actors.kind >= Kind.CAR)
        & (actors.kind <= Kind.MOTORCYCLE)
        & (np.abs(actors.lateral) <= config.in_lane_m)
        & (actors.position_sigma < 1.0)
        & (time_ns - actors.measured_ns <= config.fresh_s * 1e9)
    )
    result = np.zeros(len(actors), np.bool_)
    if len(rows):
        lane = actors.lane[rows]
        _, _, direction = road.along(lane, actors.offset[rows])
        against = np.abs((actors.heading[rows] - direction + np.pi) % (2.0 * np.pi) - np.pi)
        result[rows] = (against > config.wrong_way_angle) & ~road.lanes.internal[lane]
    return result


def _rows_of(before: Incidents, actors: Actors, now: Bool, config: IncidentConfig) -> I64:
    """Return the actor each remembered row is about: by identity, else a stalled one by place; -1 none."""
    row = np.full(len(before), -1, np.int64)
    if not len(actors) or not len(before):
        return row
    order = np.argsort(actors.id, kind="stable")
    place = np.minimum(np.searchsorted(actors.id, before.actor, sorter=order), len(actors) - 1)
    found = actors.id[order[place]] == before.actor
    row[found] = order[place[found]]
    missing = np.flatnonzero(~found & (before.kind == IncidentKind.STALLED_VEHICLE)).tolist()
    if not missing:
        return row
    taken = np.zeros(len(actors), np.bool_)
    taken[row[found]] = True
    free = np.flatnonzero(now & ~taken).tolist()
    for lost in missing:
        # the tracker may have lost it behind a truck and found it again as another
        away = [(float(np.hypot(actors.x[n] - before.x[lost], actors.y[n] - before.y[lost])), n) for n in free]
        nearest = min(away, default=(np.inf, -1))
        if nearest[0] < 0.5 * config.moved_m:
            row[lost] = nearest[1]
            free.remove(nearest[1])
    return row


@step(period_s=0.2, reach_m=150)
def incidents(
    actors: Actors,
    signals: Signals,
    pole_reach: PoleReach,
    permits: Permits,
    measure_requests: MeasureRequests,
    before: Incidents,
    *,
    road: RoadMap,
    config: IncidentConfig,
    time_ns: int,
) -> Incidents:
    """Find vehicles that stand without a reason, and vehicles that drive against their lane.

    A standing vehicle gathers evidence, in seconds, while nothing explains it: no slow vehicle ahead, no red
    light, no yielding at the end of its lane. Where poles would not see what stands ahead of it, only a long green
    that it does not follow counts. Buses and automated vehicles may serve stops for longer, and automated
    ones stand where a measure tells them to. Evidence ends when it drives on.

    Args:
        actors: the live picture.
        signals: what controllers say they show.
        pole_reach: how far each pole sees now.
        permits: which senders are automated vehicles.
        measure_requests: measures the regulator wants in force; while one is, automated vehicles may stand.
        before: candidates and incidents so far.
        road: the map.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        Candidates and incidents; `confirmed` tells them apart.

    Limits: a stall at a stop line is found after a minute of green; two-wheelers are not judged.
    """
    stalled = _stalled_now(actors, road, config, time_ns)
    against = _wrong_way_now(actors, road, config, time_ns)
    if not len(before) and not stalled.any() and not against.any():
        return before
    weight, passing = np.zeros(len(actors)), np.zeros(len(actors), np.int64)
    rows = np.flatnonzero(stalled)
    if len(rows):
        weight[rows], passing[rows] = explanations(actors, rows, signals, pole_reach, road, time_ns)
    automated = is_among(actors.sender, permits.sender) & (actors.sender != 0)
    if len(measure_requests) and measure_requests.active.any():
        weight[automated] = 0.0
    patience = np.where(actors.kind == Kind.BUS, config.bus_stop_s, 0.0)
    patience = np.where(automated, config.service_s, patience)
    row = _rows_of(before, actors, stalled, config)
    kept = _continued(before, row, actors, stalled, against, weight, passing, patience, config, time_ns)
    parts = [kept]
    for kind, now in ((IncidentKind.STALLED_VEHICLE, stalled & (weight > 0.0)), (IncidentKind.WRONG_WAY, against)):
        known = before.actor[before.kind == kind]
        if kind == IncidentKind.STALLED_VEHICLE:
            known = np.concatenate((known, actors.id[row[row >= 0]]))
        fresh = np.flatnonzero(now & ~is_among(actors.id, known))
        if len(fresh):
            parts.append(_opened(kind, actors.take(fresh), time_ns))
    return Incidents.concatenate(parts)


def _opened(kind: IncidentKind, actors: Actors, time_ns: int) -> Incidents:
    rows = len(actors)
    return Incidents(
        kind=np.full(rows, kind),
        actor=actors.id,
        x=actors.x,
        y=actors.y,
        lane=actors.lane,
        since_ns=np.full(rows, time_ns),
        last_ns=np.full(rows, time_ns),
        start_x=actors.x,
        start_y=actors.y,
        evidence=np.zeros(rows),
        passed=np.zeros(rows, np.uint32),
        confirmed=np.zeros(rows, np.bool_),
    )


def _continued(
    before: Incidents,
    row: I64,
    actors: Actors,
    stalled: Bool,
    against: Bool,
    weight: F64,
    passing: I64,
    patience: F64,
    config: IncidentConfig,
    time_ns: int,
) -> Incidents:
    """Return the remembered rows with this tick's evidence, less those that are over."""
    if not len(before):
        return before
    there = row >= 0
    if not len(actors):
        return before.take(time_ns - before.last_ns < round(config.forget_s * 1e9))
    at = np.maximum(row, 0)
    is_stall = before.kind == IncidentKind.STALLED_VEHICLE
    holds = there & np.where(is_stall, stalled[at], against[at])
    dt = np.minimum((time_ns - before.last_ns) * SECOND, 0.5)
    evidence = before.evidence + np.where(holds, dt * np.where(is_stall, weight[at], 1.0), 0.0)
    moved = np.hypot(actors.x[at] - before.start_x, actors.y[at] - before.start_y)
    long_enough = np.where(
        is_stall,
        evidence >= config.stalled_after_s + patience[at],
        (evidence > config.wrong_way_s) & (moved > config.wrong_way_m),
    )
    confirmed = before.confirmed | (holds & long_enough)
    unheld_s = (time_ns - before.last_ns) * SECOND
    allowed_s = np.where(confirmed, config.forget_confirmed_s, config.forget_s)
    # one that is seen to behave again is over at once, or after a second if it was going the wrong way
    over = there & ~holds & np.where(is_stall, moved > config.moved_m, unheld_s > 1.0)
    over |= ~there & (unheld_s > np.where(is_stall, allowed_s, 2.0))
    # a standing vehicle may be matched beside its lane for a moment, but not for long
    over |= there & ~holds & is_stall & (unheld_s > allowed_s)
    kept = Incidents(
        kind=before.kind,
        actor=before.actor,
        x=np.where(holds, actors.x[at], before.x),
        y=np.where(holds, actors.y[at], before.y),
        lane=np.where(holds, actors.lane[at], before.lane),
        since_ns=before.since_ns,
        last_ns=np.where(holds, time_ns, before.last_ns),
        start_x=before.start_x,
        start_y=before.start_y,
        evidence=evidence,
        passed=before.passed + np.where(holds & is_stall, passing[at], 0).astype(np.uint32),
        confirmed=confirmed,
    )
    return kept if not over.any() else kept.take(~over)


@step(period_s=0.1, reach_m=0)
def incident_findings(incidents: Incidents) -> Findings:
    """Return a finding for each confirmed incident: how long it has lasted [s]."""
    sure = incidents.take(incidents.confirmed)
    return Findings(
        rule=np.where(sure.kind == IncidentKind.STALLED_VEHICLE, Rule.STALLED_VEHICLE, Rule.WRONG_WAY).astype(
            np.uint8
        ),
        subject=sure.actor,
        x=sure.x,
        y=sure.y,
        since_ns=sure.since_ns,
        value=(sure.last_ns - sure.since_ns).astype(np.float64) * SECOND,
        limit=np.full(len(sure), np.nan),
    )
