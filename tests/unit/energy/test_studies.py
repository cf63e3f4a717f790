"""The study of charging, on a simulated site."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.energy.faults import charging_findings
from wayside.energy.sharing import SharingConfig, share_power
from wayside.energy.studies import charging, site_powers
from wayside.energy.tables import Chargers, ChargerStates, ChargingRequests, Sites
from wayside.language import catalogue
from wayside.report import Verdict
from wayside.supervision.tables import Findings
from wayside.world import Event
from wayside.worlds.charging import ChargingConfig, ChargingPlant

S = 1_000_000_000
SITES = Sites(site=[1], x=[0.0], y=[0.0], limit_kw=[400.0])
CHARGERS = Chargers(
    charger=np.arange(1, 11), site=np.ones(10), rated_kw=[120.0] * 4 + [60.0] * 6, minimum_kw=np.full(10, 5.0)
)


def simulated(seconds=90, rogue_from=None, control=True):
    """Return a Run of a site of ten chargers."""
    plant = ChargingPlant(SITES, CHARGERS, seed=2, config=ChargingConfig(gap_s=15.0, stay_s=40.0))
    requests, stored = ChargingRequests.empty(), {ChargerStates: [], Findings: []}
    for tick in range(1, seconds * 10 + 1):
        now = tick * S // 10
        limits = dict(zip(requests.charger.tolist(), requests.limit_kw.tolist(), strict=True)) if control else {}
        rogue = 4 if rogue_from is not None and tick >= rogue_from * 10 else None
        states = plant.step(now, 0.1, limits, rogue).canonical()
        requests = share_power(states, SITES, CHARGERS, requests, config=SharingConfig()).canonical()
        stored[ChargerStates].append((now, states))
        stored[Findings].append((now, charging_findings(requests, SITES, CHARGERS).canonical()))
    rows = {
        kind: (
            np.repeat([t for t, _ in parts], [len(p) for _, p in parts]),
            kind.concatenate([p for _, p in parts]),
        )
        for kind, parts in stored.items()
    }
    rows |= {Sites: (np.zeros(1, np.int64), SITES), Chargers: (np.zeros(10, np.int64), CHARGERS)}
    events = []
    if rogue_from is not None:
        facts = {"fault": "charger", "subject": 4, "from_ns": rogue_from * S}
        events.append(Event(rogue_from * S, "planted", facts))
    return SimpleNamespace(
        name="site",
        ticks=np.arange(1, seconds * 10 + 1) * (S // 10),
        events=events,
        rows=lambda kind: rows[kind],
        asset=lambda kind: rows[kind][1],
    )


def verdicts(report):
    return {line.id: line.verdict for line in report.lines}


def test_a_site_under_control_passes_and_knows_nothing_of_rogues():
    found = verdicts(charging([simulated()]))
    assert found["F1-site-limit"] is found["F1-limit-used"] is found["F1-meter-sums"] is Verdict.PASS
    assert found["F1-rogue-excess"] is found["F1-rogue-found"] is Verdict.UNKNOWN


def test_a_rogue_is_found_and_its_excess_counted_apart_and_shown():
    report = charging([simulated(rogue_from=30)])
    lines = {line.id: line for line in report.lines}
    assert lines["F1-site-limit"].measured == 0.0
    assert 1.0 <= lines["F1-rogue-excess"].measured <= 3.0
    assert 3.0 <= lines["F1-rogue-found"].measured <= 7.0
    seconds_above, excess = report.grids[0].rows[0][-2:]
    assert seconds_above == lines["F1-rogue-excess"].measured
    assert excess > 10.0


def test_a_site_without_control_fails():
    found = verdicts(charging([simulated(control=False)]))
    assert found["F1-site-limit"] is Verdict.FAIL


def test_metered_energy_equals_the_integral_of_power():
    power = site_powers(simulated())[0]
    assert power.energy_kwh == pytest.approx(power.integral_kwh, rel=0.01)
    assert power.sessions > 10


def test_runs_without_charging_are_unknown():
    run = simulated(seconds=2)
    empty = SimpleNamespace(
        **{
            **vars(run),
            "rows": lambda kind: (np.empty(0, np.int64), kind.empty()),
            "asset": lambda kind: kind.empty(),
        }
    )
    report = charging([empty])
    assert set(verdicts(report).values()) == {Verdict.UNKNOWN}
    assert charging([]).lines


def test_every_text_of_the_report_is_in_the_catalogue():
    report = charging([simulated(seconds=10)])
    keys = [line.text for line in report.lines] + [*report.notes, report.figures[0].text, report.grids[0].text]
    keys += [*report.grids[0].headings, *(series.text for series in report.figures[0].series)]
    assert [key for key in keys if key not in catalogue()] == []
