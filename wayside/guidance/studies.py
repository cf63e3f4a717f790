"""How many warnings there were, whether they were right, and how early."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wayside.guard.tables import SpeedOrders, Verdict, WarningOrders
from wayside.guidance.conflicts import Witness
from wayside.guidance.dangers import IN_TIME_S, OWN, Danger, Dangers, dangers, leads
from wayside.guidance.tables import Service, SpeedRequests, WarningRequests
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Actors
from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Kind

if TYPE_CHECKING:
    from wayside.run import Run

SOURCE = "systems A3 [own]"
EPISODE_GAP_S = 3.0  # the same warning after a longer pause is a new one
JUDGED = (
    Service.FORWARD_COLLISION,
    Service.INTERSECTION_COLLISION,
    Service.VULNERABLE_ROAD_USER,
    Service.RED_LIGHT,
    Service.SPEED_LIMIT,
    Service.LEFT_TURN,
    Service.BLIND_SPOT,
    Service.DO_NOT_PASS,
    Service.EMERGENCY_BRAKING,
)
COLLISIONS = (*JUDGED[:3], Service.LEFT_TURN)
LEAD_EDGES_S = np.arange(0.0, 4.01, 0.25)
EARLY_EDGES_S = np.arange(0.0, 10.01, 0.5)
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


@dataclass(frozen=True)
class Told:
    """What one Run's warnings were worth.

    Attributes:
        name: the Run's.
        given, right, wrong: warnings, those that were right, and those that were not.
        lead: of each service, the time until the event that each warning told [s].
        vehicle_hours: time that vehicles could hear.
        dangers: what truly was dangerous.
        before: how long before each of these the first warning of it was given [s]; NaN none.
        own: the same by the service that has to warn of it.
    """

    name: str
    given: dict[Service, int]
    right: dict[Service, int]
    wrong: dict[Service, int]
    lead: dict[Service, list[float]]
    vehicle_hours: float
    dangers: Dangers
    before: F64
    own: dict[Service, F64]


def warnings(runs: Sequence[Run]) -> Report:
    """Judge the approved warnings of the runs against what was really there, and what was there against them.

    Precision: a warning is right if within the next seconds, by the true positions, the two would have met within
    3 s at constant velocity, or crossed each other's path within 2 s, or one braked hard; one of speeding if it
    was speeding (all rules in `conflicts`). Recall: of true dangers (`dangers`) that somebody could be warned of,
    those with a warning at least 1 s before they happen if nobody acts. What is only information is counted only.
    Without true positions nothing is judged.
    """
    told = [_told(run) for run in runs]
    reached = _sum(told, lambda t: t.dangers.reachable)
    before = _sum(told, lambda t: t.before)
    hours = sum(t.vehicle_hours for t in told)
    right = {s: sum(t.right[s] for t in told) for s in Service}
    wrong = {s: sum(t.wrong[s] for t in told) for s in Service}
    judged = sum(right[s] + wrong[s] for s in COLLISIONS)
    lead = np.array([v for t in told for s in COLLISIONS for v in t.lead.get(s, [])])
    false_rate = (
        sum(wrong[s] for s in COLLISIONS) / hours if hours and any((*right.values(), *wrong.values())) else None
    )
    return Report(
        study="warnings",
        lines=(
            Line(
                "A3-precision", "guidance.precision_line", 0.8, ">=", "", SOURCE,
                sum(right[s] for s in COLLISIONS) / judged if judged else None,
            ),
            Line(
                "A3-recall", "guidance.recall_line", 0.8, ">=", "", SOURCE, _in_time(before, reached > 0),
            ),
            Line("A3-false-alarms", "guidance.false_alarms_line", 1.0, "<=", "1/h", SOURCE, false_rate),
            Line(
                "A3-lead", "guidance.lead_line", 1.5, ">=", "s", SOURCE,
                float(np.median(lead)) if len(lead) else None,
            ),
        ),
        grids=tuple(
            grid for grid in (
                _service_grid(told, right, wrong, hours), _advice_grid(runs), _danger_grid(told), _run_grid(told),
            ) if grid.rows
        ),
        figures=(_lead_figure(told), _early_figure(told)),
        runs=tuple(run.name for run in runs),
        notes=("guidance.judged_note", "guidance.dangers_note"),
    )  # fmt: skip


def _told(run: Run) -> Told:
    time, orders = run.rows(WarningOrders)
    said = orders.verdict == Verdict.APPROVED
    time, orders = time[said], orders.take(said)
    actor_time, actors = run.rows(Actors)
    tick_s = float(np.median(np.diff(run.ticks))) * 1e-9 if len(run.ticks) > 1 else 0.0
    hears = (actors.sender != 0) & (actors.kind >= Kind.CAR) & (actors.kind <= Kind.MOTORCYCLE)
    given, right, wrong = dict.fromkeys(Service, 0), dict.fromkeys(Service, 0), dict.fromkeys(Service, 0)
    lead = dict[Service, list[float]]()
    witness = Witness(run, actor_time, actors)
    for row in episodes(time, orders.service, orders.subject, orders.other):
        service = Service(int(orders.service[row]))
        given[service] += 1
        if not np.isnan(orders.lead[row]):
            lead.setdefault(service, []).append(float(orders.lead[row]))
        if service in JUDGED:
            place = (float(orders.x[row]), float(orders.y[row]))
            verdict = witness.judge(service, int(time[row]), place, int(orders.other[row]))
            right[service] += verdict is True
            wrong[service] += verdict is False
    found = dangers(run)
    return Told(
        name=run.name,
        given=given,
        right=right,
        wrong=wrong,
        lead=lead,
        vehicle_hours=float(hears.sum()) * tick_s / 3600,
        dangers=found,
        before=leads(found, time, orders, witness),
        own={service: leads(found, time, orders, witness, [service]) for service in OWN},
    )


def _sum(told: Sequence[Told], part: Callable[[Told], Any]) -> F64:
    """Return a column of all Runs, one after the other."""
    return np.concatenate([np.empty(0), *(part(t) for t in told)])


def _in_time(before: F64, due: Bool) -> float | None:
    """Return the share of dangers that were warned of at least 1 s before, None if there is none."""
    return _share(float(np.count_nonzero(before[due] >= IN_TIME_S)), float(np.count_nonzero(due)))


def _service_grid(
    told: Sequence[Told], right: dict[Service, int], wrong: dict[Service, int], hours: float
) -> Grid:
    kind, reached = _sum(told, lambda t: t.dangers.kind), _sum(told, lambda t: t.dangers.reachable) > 0
    rows: list[tuple[str | int | float | None, ...]] = []
    for service in Service:
        given, judged = sum(t.given[service] for t in told), right[service] + wrong[service]
        lead = [v for t in told for v in t.lead.get(service, [])]
        recall = None
        if service in OWN:
            before = _sum(told, lambda t, service=service: t.own[service])  # type: ignore[misc]
            recall = _in_time(before, reached & np.isin(kind, [int(k) for k in OWN[service]]))
        rows.append(
            (
                f"guidance.{service.name.lower()}", given, _rounded(given / hours if hours else None),
                right[service] if service in JUDGED else None, wrong[service] if service in JUDGED else None,
                _rounded(right[service] / judged) if judged else None, recall,
                _rounded(float(np.median(lead))) if lead else None,
            )
        )  # fmt: skip
    heads = ("service", "given", "per_hour", "right", "wrong", "precision", "recall", "median_lead")
    return Grid("warnings", "guidance.warnings_grid", tuple(f"guidance.{h}" for h in heads), tuple(rows))


def _danger_grid(told: Sequence[Told]) -> Grid:
    """Return, for each sort of danger, how many there were and how many were warned of, and when."""
    kind, before = _sum(told, lambda t: t.dangers.kind), _sum(told, lambda t: t.before)
    reached = _sum(told, lambda t: t.dangers.reachable) > 0
    rows: list[tuple[str | int | float | None, ...]] = []
    for danger in Danger:
        of_kind = kind == danger
        due = of_kind & reached
        early = before[due & ~np.isnan(before)]
        if of_kind.any():
            rows.append(
                (
                    f"guidance.danger_{danger.name.lower()}", int(of_kind.sum()), int(due.sum()), len(early),
                    int(np.count_nonzero(early >= IN_TIME_S)), _in_time(before, due),
                    *(_rounded(float(np.percentile(early, p))) if len(early) else None for p in (5, 50, 95)),
                )
            )  # fmt: skip
    heads = ("danger", "happened", "reachable", "warned", "in_time", "recall", "early_low", "early", "early_high")
    return Grid("dangers", "guidance.dangers_grid", tuple(f"guidance.{h}" for h in heads), tuple(rows))


def _run_grid(told: Sequence[Told]) -> Grid:
    """Return what each Run reached, and the mean, least and greatest of several."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for t in told:
        right, wrong = sum(t.right[s] for s in COLLISIONS), sum(t.wrong[s] for s in COLLISIONS)
        lead = [v for s in COLLISIONS for v in t.lead.get(s, [])]
        rows.append(
            (
                t.name, sum(t.given.values()), _share(right, right + wrong),
                _in_time(t.before, t.dangers.reachable),
                _rounded(wrong / t.vehicle_hours) if t.vehicle_hours else None,
                _rounded(float(np.median(lead))) if lead else None,
            )
        )  # fmt: skip
    if len(rows) > 1:
        columns = [[float(v) for v in c if v is not None] for c in list(zip(*rows, strict=True))[1:]]
        for text, put in (("mean", np.mean), ("least", min), ("greatest", max)):
            cells = (_rounded(float(put(c))) if c else None for c in columns)
            rows.append((f"guidance.{text}", *cells))
    heads = ("run", "given", "precision", "recall", "false_per_hour", "median_lead")
    return Grid("warnings-runs", "guidance.runs_grid", tuple(f"guidance.{h}" for h in heads), tuple(rows))


def _advice_grid(runs: Sequence[Run]) -> Grid:
    advice = sum((_advice(run) for run in runs), np.zeros(4))
    return Grid(
        "speed-advice", "guidance.advice_grid",
        ("guidance.advised_vehicles", "guidance.advice_requests", "guidance.advice_approved",
         "guidance.advice_followed"),
        ((int(advice[0]), int(advice[1]), _share(advice[2], advice[1]), _share(advice[3], advice[2])),),
    )  # fmt: skip


def _lead_figure(told: Sequence[Told]) -> Figure:
    """Return how many warnings told of an event so long ahead."""
    leads_of = {s: [v for t in told for v in t.lead.get(s, [])] for s in COLLISIONS}
    return Figure(
        "warning-leads", "guidance.lead_figure", "step", "guidance.lead_axis", "guidance.count_axis",
        tuple(
            Series(
                f"guidance.{service.name.lower()}", LEAD_EDGES_S[:-1],
                np.histogram(lead, LEAD_EDGES_S)[0].astype(np.float64),
            )
            for service, lead in leads_of.items()
        ),
    )  # fmt: skip


def _early_figure(told: Sequence[Told]) -> Figure:
    """Return the share of dangers that were warned of at least so long before they happen."""
    kind, before = _sum(told, lambda t: t.dangers.kind), _sum(told, lambda t: t.before)
    reached = _sum(told, lambda t: t.dangers.reachable) > 0
    series = []
    for danger in Danger:
        early = before[(kind == danger) & reached]
        if len(early):
            share: F64 = (early[:, None] >= EARLY_EDGES_S).mean(axis=0)
            series.append(Series(f"guidance.danger_{danger.name.lower()}", EARLY_EDGES_S, share))
    return Figure(
        "warning-early",
        "guidance.early_figure",
        "line",
        "guidance.early_axis",
        "guidance.share_axis",
        tuple(series),
    )


def _rounded(value: float | None) -> float | None:
    """Return the value with two decimal places."""
    return None if value is None else round(value, 2)


def _share(part: float, whole: float) -> float | None:
    """Return part by whole, None if there is nothing."""
    return round(part / whole, 3) if whole else None


def _advice(run: Run) -> F64:
    """Return how many vehicles were advised, and how often advice was asked for, approved and followed."""
    actor_time, actors = run.rows(Actors)
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
