"""How well misbehaviour is detected: each attack put into the honest traffic of stored Runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from wayside.report import Figure, Grid, Line, Report, Series
from wayside.security.attacks import F2MD_ATTACKS, Attack
from wayside.security.detection import Outcome, reasons_of, tell
from wayside.table import F64

if TYPE_CHECKING:
    from wayside.run import Run

SEEDS = (11, 12, 13)  # not those that thresholds were chosen with
LEAST_F1 = 0.9
MOST_FALSE_PER_HOUR = 0.001  # of honest senders
DELAYS_S = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0])


def misbehaviour(runs: Sequence[Run], seeds: Sequence[int] = SEEDS) -> Report:
    """Put every attack into every Run, with each seed, and tell who was distrusted.

    F1 is judged by sender: an identity that lied at least once is found if it is distrusted at any time from then
    on. By message, as F2MD counts it, all lies before the verdict count as missed. Both are over all Runs and
    seeds together; the worst seed stands beside them. A pseudonym changes every two minutes; delays count from a
    vehicle's first lie, through its changes.

    Limits: it takes seconds for each minute of a Run, attack and seed. A planted forger in a Run counts as an
    honest sender.
    """
    told = {attack: [tell(run, attack, seed=seed) for run in runs for seed in seeds] for attack in Attack}
    honest = [tell(run, None, seed=seed) for run in runs for seed in seeds]
    accused = sum(int((one.found_ns >= 0).sum()) for one in honest)
    hours = sum(one.honest_s for one in honest) / 3600.0
    rate, low, high = false_rate(accused, hours)
    rows, by_sender, by_message = [], [], []
    for attack, outcomes in told.items():
        row, f1, f1_messages = _row(attack, outcomes, len(seeds))
        rows.append(row)
        by_sender.append(f1)
        by_message.append(f1_messages)
    names = [_name(attack) for attack in told]
    return Report(
        study="misbehaviour",
        lines=(
            *(
                Line(
                    f"B9-f1-{attack.name.lower().replace('_', '-')}", _name(attack), LEAST_F1, ">=", "",
                    "systems B9 [own], F2MD", None if np.isnan(f1) else f1,
                )
                for attack, f1 in zip(told, by_sender, strict=True)
                if attack in F2MD_ATTACKS
            ),
            Line(
                "B9-false-alarms", "security.false_alarm_line", MOST_FALSE_PER_HOUR, "<=", "1/h",
                "systems B9 [own]", rate if hours else None,
            ),
        ),
        grids=(
            Grid(
                "detection", "security.detection_grid",
                ("security.detection_attack", "security.detection_liars", "security.detection_precision",
                 "security.detection_recall", "security.detection_f1", "security.detection_f1_least",
                 "security.detection_f1_messages", "security.detection_median", "security.detection_late",
                 "security.detection_accused", "security.detection_reason"),
                tuple(rows),
            ),
            Grid(
                "honest", "security.honest_grid",
                ("security.honest_hours", "security.accused", "security.honest_rate", "security.honest_low",
                 "security.honest_high"),
                ((round(hours, 1), accused, round(rate, 5), round(low, 5), round(high, 5)),),
            ),
        ),
        figures=(
            Figure(
                "detection-f1", "security.detection_figure", "bar", "security.detection_attack",
                "security.f1_axis",
                (
                    Series("security.by_sender", names, np.nan_to_num(np.array(by_sender))),
                    Series("security.by_message", names, np.nan_to_num(np.array(by_message))),
                ),
            ),
            Figure(
                "detection-delay", "security.delay_figure", "step", "security.delay_axis", "security.share_found",
                tuple(Series(_name(attack), DELAYS_S, _found_by(outcomes)) for attack, outcomes in told.items()),
            ),
        ),
        runs=tuple(run.name for run in runs),
    )  # fmt: skip


def false_rate(accused: int, hours: float) -> tuple[float, float, float]:
    """Return falsely accused senders per sender-hour, and the exact 95 % interval of the Poisson law.

    >>> [round(value, 5) for value in false_rate(0, 1000.0)]
    [0.0, 0.0, 0.00369]
    """
    if hours <= 0:
        return float("nan"), float("nan"), float("nan")
    low = float(chi2.ppf(0.025, 2 * accused)) / 2.0 if accused else 0.0
    return accused / hours, low / hours, float(chi2.ppf(0.975, 2 * accused + 2)) / 2.0 / hours


def _name(attack: Attack) -> str:
    """Return the catalogue key of an attack's name."""
    return f"security.attack_{attack.name.lower()}"


def _row(
    attack: Attack, outcomes: Sequence[Outcome], seeds: int
) -> tuple[tuple[str | int | float | None, ...], float, float]:
    """Return one row of the table, and F1 by sender and by message."""
    together = Outcome.joined(outcomes)
    precision, recall, f1 = together.scores()
    _, _, f1_messages = together.message_scores()
    of_seed = [Outcome.joined(outcomes[n::seeds]).scores()[2] for n in range(seeds)] if outcomes else []
    reasons = reasons_of(together, lied=True)
    most = max(reasons, key=lambda reason: reasons[reason]).name.lower() if reasons else "detection_none"
    delays = together.delays_s
    median, late = np.percentile(delays, [50, 90]) if len(delays) else (np.nan, np.nan)
    return (
        (
            _name(attack), int(together.lied.sum()), _short(precision), _short(recall), _short(f1),
            _short(min(of_seed, default=np.nan)), _short(f1_messages), _short(median, 1), _short(late, 1),
            int((~together.lied & (together.found_ns >= 0)).sum()), f"security.{most}",
        ),
        f1,
        f1_messages,
    )  # fmt: skip


def _short(value: float, places: int = 3) -> float | None:
    return None if np.isnan(value) else round(float(value), places)


def _found_by(outcomes: Sequence[Outcome]) -> F64:
    """Return the share of lying vehicles found within each of DELAYS_S."""
    together = Outcome.joined(outcomes)
    if not together.vehicles:
        return np.zeros(len(DELAYS_S))
    share: F64 = (together.delays_s <= DELAYS_S[:, None] + 1e-6).sum(axis=1) / together.vehicles
    return share
