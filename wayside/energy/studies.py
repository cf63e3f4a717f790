"""Studies of charging: whether sites kept under their limits, and what chargers and vehicles got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wayside.energy.tables import Chargers, ChargerStates, Sites
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64, Bool

if TYPE_CHECKING:
    from wayside.run import Run

SETTLED_NS = 5_000_000_000  # after its switch-off a charger's power is gone, and limits have come, by then
METER_KW = 0.005  # rounding of one meter value
FOUND_WITHIN_S = 10.0  # a charger that disobeys should be found by then


@dataclass(frozen=True)
class SitePower:
    """What one site metered over a Run, one entry per instant of its meters.

    Attributes:
        site, limit_kw: number and grid limit.
        time_ns: instants [ns].
        power_kw, wanted_kw: sums over its chargers [kW].
        disturbed: a charger that disobeys is planted there and not yet found and off.
        energy_kwh: energy its meters counted, sessions added up.
        integral_kwh: integral of its power.
        sessions: vehicles that were served.
    """

    site: int
    limit_kw: float
    time_ns: I64
    power_kw: F64
    wanted_kw: F64
    disturbed: Bool
    energy_kwh: float
    integral_kwh: float
    sessions: int

    @property
    def above(self) -> Bool:
        """Instants at which it drew more than its limit."""
        above: Bool = self.power_kw > self.limit_kw + METER_KW * 20
        return above


def site_powers(run: Run) -> list[SitePower]:
    """Return what each site of a Run metered; none where the Run has no charger reports."""
    _, states = run.rows(ChargerStates)
    chargers, sites = run.asset(Chargers).canonical(), run.asset(Sites).canonical()
    if not len(states) or not len(chargers):
        return []
    place = np.minimum(np.searchsorted(chargers.charger, states.charger), len(chargers) - 1)
    site_of = chargers.site[place]
    found = []
    for site, limit_kw in zip(sites.site.tolist(), sites.limit_kw.tolist(), strict=True):
        own = states.take(site_of == site)
        times, at = np.unique(own.time_ns, return_inverse=True)
        if not len(times):
            continue
        energy, integral, sessions = _metered(own)
        disturbed = np.zeros(len(times), np.bool_)
        for from_ns, until_ns in disturbances(run, chargers.charger[chargers.site == site].tolist()):
            disturbed |= (times >= from_ns) & (times < until_ns + SETTLED_NS)
        power, wanted = (
            np.bincount(at, kw, len(times)).astype(np.float64) for kw in (own.power_kw, own.wanted_kw)
        )
        found.append(SitePower(site, limit_kw, times, power, wanted, disturbed, energy, integral, sessions))
    return found


def _metered(states: ChargerStates) -> tuple[float, float, int]:
    """Return energy metered [kWh], the integral of power over the same time [kWh] and the number of sessions."""
    states = states.take(np.lexsort((states.time_ns, states.charger)))
    same = np.diff(states.charger.astype(np.int64)) == 0
    gained = np.diff(states.energy_kwh)
    hours = np.diff(states.time_ns) / 3.6e12
    mean_kw = 0.5 * (states.power_kw[1:] + states.power_kw[:-1])
    # between two sessions the meter starts anew; what flowed in that second is on neither side
    going = same & (gained >= 0.0) & states.connected[1:] & states.connected[:-1]
    first = states.connected & np.concatenate([[True], ~going])
    return float(gained[going].sum()), float((mean_kw * hours)[going].sum()), int(first.sum())


def disturbances(run: Run, chargers: Sequence[int]) -> list[tuple[int, int]]:
    """Return from when to when [ns] each planted charger among these disobeyed before it was found.

    One that was not found counts to the end of the Run; one planted too near the end to be found is left out.
    """
    ticks, findings = run.rows(Findings)
    end = int(run.ticks[-1]) if len(run.ticks) else 0
    spans = []
    for event in run.events:
        subject = int(event.facts.get("subject", -1))
        if event.kind != "planted" or event.facts.get("fault") != "charger" or subject not in chargers:
            continue
        from_ns = int(event.facts.get("from_ns", event.time_ns))
        mine = (findings.rule == Rule.CHARGER_ABOVE_ORDER) & (findings.subject == np.uint64(subject))
        later = ticks[mine & (ticks >= from_ns)]
        if len(later) or end - from_ns > FOUND_WITHIN_S * 1e9:
            spans.append((from_ns, int(later[0]) if len(later) else end))
    return spans


def charging(runs: Sequence[Run]) -> Report:
    """Say whether charging sites kept under their grid limits, also while a charger disobeyed."""
    powers = [(run, power) for run in runs for power in site_powers(run)]
    calm, excess, use, meters, delays = [], [], [], [], []
    for run in runs:
        chargers = run.asset(Chargers).charger.tolist()
        last = int(run.ticks[-1]) if len(run.ticks) else 0
        delays += [
            (until - since) / 1e9 if until < last else np.inf for since, until in disturbances(run, chargers)
        ]
    for _, power in powers:
        step_s = float(np.median(np.diff(power.time_ns))) / 1e9 if len(power.time_ns) > 1 else 0.0
        settled = power.time_ns >= power.time_ns[0] + SETTLED_NS
        calm.append(step_s * float((power.above & ~power.disturbed & settled).sum()))
        if power.disturbed.any():
            excess.append(step_s * float((power.above & power.disturbed).sum()))
        scarce = settled & (power.wanted_kw > power.limit_kw)
        if scarce.any():
            use.append(float(power.power_kw[scarce].mean()) / power.limit_kw)
        if power.integral_kwh > 0.0:
            meters.append(abs(power.energy_kwh / power.integral_kwh - 1.0))
    return Report(
        "charging",
        lines=(
            _line("F1-site-limit", "<=", 0.0, "s", "systems F1", max(calm, default=None)),
            _line("F1-rogue-excess", "<=", 5.0, "s", "systems F1 [own]", max(excess, default=None)),
            _line("F1-rogue-found", "<=", FOUND_WITHIN_S, "s", "systems F1 [own]", max(delays, default=None)),
            _line("F1-limit-used", ">=", 0.9, "", "systems F1 [own]", min(use, default=None)),
            _line("F1-meter-sums", "<=", 0.01, "", "systems F1 [own]", max(meters, default=None)),
        ),
        grids=(_sites_grid(powers),) if powers else (),
        figures=(_power_figure(*powers[0]),) if powers else (),
        runs=tuple(run.name for run in runs),
        notes=("energy.note_rogue", "energy.note_first_run") if powers else (),
    )


def _line(name: str, sense: str, target: float, unit: str, source: str, measured: float | None) -> Line:
    words = name.split("-", 1)[1].replace("-", "_")
    return Line(name, f"energy.line_{words}", target, sense, unit, source, measured)  # type: ignore[arg-type]


def _sites_grid(powers: Sequence[tuple[Run, SitePower]]) -> Grid:
    rows = []
    for run, power in powers:
        step_s = float(np.median(np.diff(power.time_ns))) / 1e9 if len(power.time_ns) > 1 else 0.0
        rows.append(
            (
                run.name,
                power.site,
                power.limit_kw,
                round(float(power.power_kw.max()), 2),
                round(float(power.wanted_kw.mean()), 1),
                round(float(power.power_kw.mean()), 1),
                round(power.energy_kwh, 1),
                power.sessions,
                round(step_s * float(power.above.sum()), 1),
                round(max(float(power.power_kw.max()) - power.limit_kw, 0.0), 2),
            )
        )
    return Grid(
        "charging-sites",
        "energy.grid_sites",
        (
            "energy.head_run",
            "energy.head_site",
            "energy.head_limit",
            "energy.head_peak",
            "energy.head_wanted",
            "energy.head_mean",
            "energy.head_energy",
            "energy.head_sessions",
            "energy.head_seconds_above",
            "energy.head_excess",
        ),
        tuple(rows),
    )


def _power_figure(run: Run, power: SitePower) -> Figure:
    start = int(run.ticks[0]) if len(run.ticks) else int(power.time_ns[0])
    seconds = (power.time_ns - start) / 1e9
    return Figure(
        "charging-power",
        "energy.figure_power",
        "step",
        "energy.axis_time",
        "energy.axis_power",
        (
            Series("energy.series_wanted", seconds, power.wanted_kw),
            Series("energy.series_drawn", seconds, power.power_kw),
            Series("energy.series_limit", seconds, np.full(len(seconds), power.limit_kw)),
        ),
    )
