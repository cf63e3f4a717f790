"""How many warnings there were, whether they were right, and how early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.conflicts import Witness
from wayside.guidance.tables import Service, SpeedRequests, WarningRequests
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, U8, U64
from wayside.v2x.tables import Kind

if TYPE_CHECKING:
    from wayside.run import Run

EPISODE_GAP_S = 3.0  # the same warning after a longer pause is a new one
JUDGED = (
    Service.FORWARD_COLLISION,
    Service.INTERSECTION_COLLISION,
    Service.VULNERABLE_ROAD_USER,
    Service.RED_LIGHT,
    Service.SPEED_LIMIT,
)
COLLISIONS = JUDGED[:3]
LEAD_EDGES_S = np.arange(0.0, 4.01, 0.25)
FOLLOWED_AFTER_S = 4.0  # an advice is followed if the speed is near it so much later
FOLLOWED_WITHIN = 1.0  # [m/s]


def episodes(time_ns: I64, service: U8, subject: U64, other: U64) -> I64:
    """Return the rows at which a warning begins that was not given a moment before.

    >>> episodes(np.array([0, 10**9, 9 * 10**9]), np.full(3, 1), np.full(3, 7), np.full(3, 8))
    array([0, 2])
    """
    order = np.lexsort((time_ns, other, subject, service))
    same = np.zeros(len(order), np.bool_)
    first, then = order[:-1], order[1:]
    same[1:] = (
        (service[first] == service[then]) & (subject[first] == subject[then]) & (other[first] == other[then])
    )
    same[1:] &= time_ns[then] - time_ns[first] <= EPISODE_GAP_S * 1e9
    return np.sort(order[~same])


def warnings(runs: Sequence[Run]) -> Report:
    """Judge the approved warnings of the runs against what was really there.

    A warning is right if within the next seconds, by the true positions, the two would have met within 3 s at
    constant velocity, or crossed each other's path within 2 s, or the subject braked hard; one of speeding if it
    was speeding. Incidents ahead and wrong ways are counted only. Without true positions nothing is judged.
    """
    given = dict.fromkeys(Service, 0)
    right, wrong, leads = dict.fromkeys(Service, 0), dict.fromkeys(Service, 0), dict[Service, list[float]]()
    vehicle_hours = 0.0
    advice = np.zeros(4)
    for run in runs:
        time, orders = run.rows(WarningOrders)
        said = orders.verdict == Verdict.APPROVED
        time, orders = time[said], orders.take(said)
        actor_time, actors = run.rows(Actors)
        tick_s = float(np.median(np.diff(run.ticks))) * 1e-9 if len(run.ticks) > 1 else 0.0
        reached = (actors.sender != 0) & (actors.kind >= Kind.CAR) & (actors.kind <= Kind.MOTORCYCLE)
        vehicle_hours += float(reached.sum()) * tick_s / 3600
        witness = Witness(run, actor_time, actors)
        for row in episodes(time, orders.service, orders.subject, orders.other):
            service = Service(int(orders.service[row]))
            given[service] += 1
            if not np.isnan(orders.lead[row]):
                leads.setdefault(service, []).append(float(orders.lead[row]))
            if service in JUDGED:
                verdict = witness.judge(
                    service,
                    int(time[row]),
                    (float(orders.x[row]), float(orders.y[row])),
                    int(orders.other[row]),
                )
                right[service] += verdict is True
                wrong[service] += verdict is False
        advice += _advice(run, actor_time, actors)
    judged = {s: right[s] + wrong[s] for s in Service}
    collisions = sum(judged[s] for s in COLLISIONS)
    lead = np.array([v for s in COLLISIONS for v in leads.get(s, [])])
    false_rate = (
        sum(wrong[s] for s in COLLISIONS) / vehicle_hours if vehicle_hours and sum(judged.values()) else None
    )
    per_hour = {s: given[s] / vehicle_hours if vehicle_hours else None for s in Service}
    return Report(
        study="warnings",
        lines=(
            Line(
                "A3-precision", "guidance.precision_line", 0.8, ">=", "", "systems A3 [own]",
                sum(right[s] for s in COLLISIONS) / collisions if collisions else None,
            ),
            Line(
                "A3-false-alarms", "guidance.false_alarms_line", 1.0, "<=", "1/h", "systems A3 [own]", false_rate
            ),
            Line(
                "A3-lead", "guidance.lead_line", 1.5, ">=", "s", "systems A3 [own]",
                float(np.median(lead)) if len(lead) else None,
            ),
        ),
        grids=(
            Grid(
                "warnings", "guidance.warnings_grid",
                ("guidance.service", "guidance.given", "guidance.per_hour", "guidance.right", "guidance.wrong",
                 "guidance.precision", "guidance.median_lead"),
                tuple(
                    (
                        f"guidance.{service.name.lower()}", given[service], _rounded(per_hour[service]),
                        right[service] if service in JUDGED else None,
                        wrong[service] if service in JUDGED else None,
                        _rounded(right[service] / judged[service]) if judged[service] else None,
                        _rounded(float(np.median(leads[service]))) if service in leads else None,
                    )
                    for service in Service
                ),
            ),
            Grid(
                "speed-advice", "guidance.advice_grid",
                ("guidance.advised_vehicles", "guidance.advice_requests", "guidance.advice_approved",
                 "guidance.advice_followed"),
                ((int(advice[0]), int(advice[1]), _share(advice[2], advice[1]), _share(advice[3], advice[2])),),
            ),
        ),
        figures=(
            Figure(
                "warning-leads", "guidance.lead_figure", "step", "guidance.lead_axis", "guidance.count_axis",
                tuple(
                    Series(
                        f"guidance.{service.name.lower()}",
                        LEAD_EDGES_S[:-1],
                        np.histogram(leads.get(service, []), LEAD_EDGES_S)[0].astype(np.float64),
                    )
                    for service in COLLISIONS
                ),
            ),
        ),
        runs=tuple(run.name for run in runs),
        notes=("guidance.judged_note",),
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    """Return the value with two decimal places."""
    return None if value is None else round(value, 2)


def _share(part: float, whole: float) -> float | None:
    """Return part by whole, None if there is nothing."""
    return round(part / whole, 3) if whole else None


def _advice(run: Run, actor_time: I64, actors: Actors) -> F64:
    """Return how many vehicles were advised, and how often advice was asked for, approved and followed."""
    _, asked = run.rows(SpeedRequests)
    time, orders = run.rows(SpeedOrders)
    approved = (orders.verdict == Verdict.APPROVED) | (orders.verdict == Verdict.LIMITED)
    time, orders = time[approved], orders.take(approved)
    # speed of each advised actor a while later, looked up by (time, id)
    order = np.lexsort([actors.id, actor_time])
    key_time, key_id = actor_time[order], actors.id[order]
    followed = 0
    start = np.searchsorted(key_time, time + round(FOLLOWED_AFTER_S * 1e9))
    end = np.searchsorted(key_time, time + round(FOLLOWED_AFTER_S * 1e9), side="right")
    for row in range(len(time)):
        place = start[row] + np.searchsorted(key_id[start[row] : end[row]], orders.subject[row])
        if place < end[row] and key_id[place] == orders.subject[row]:
            followed += bool(abs(actors.speed[order[place]] - orders.speed[row]) <= FOLLOWED_WITHIN)
    return np.array([len(np.unique(asked.subject)), len(asked), len(orders), followed], np.float64)


def requested(runs: Sequence[Run]) -> dict[Service, int]:
    """Return how many warnings each service asked for, before the guard."""
    counts = dict.fromkeys(Service, 0)
    for run in runs:
        _, asked = run.rows(WarningRequests)
        for service in Service:
            counts[service] += int((asked.service == service).sum())
    return counts
