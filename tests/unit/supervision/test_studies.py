"""Who kept to the measures, and how soon it was known."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.admission.tables import MeasureRequests, Measures, Permits, ZoneCorners, Zones
from wayside.guard.tables import MeasureOrders
from wayside.report import Verdict
from wayside.roadside.tables import Actors, RoadWeather
from wayside.supervision.studies import compliance, latest_cases
from wayside.supervision.tables import Cases, Findings, Rule

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
ORDER_S = 47  # the measure comes into force


def table(kind, **columns):
    count = len(next(iter(columns.values())))
    return kind(**{name: np.zeros(count) for name in kind.columns} | columns)


def fake_run():
    """Make 200 s at 2 Hz: 7 slows 20 s after the order, 8 never does, 9 leaves the zone after 10 s."""
    ticks = START + np.arange(400) * SECOND // 2
    second = np.arange(400) / 2
    speeds = {7: np.where(second < ORDER_S + 20, 12.0, 4.0), 8: np.full(400, 12.0), 9: np.full(400, 12.0)}
    x = {7: np.full(400, 50.0), 8: np.full(400, 50.0), 9: np.where(second < ORDER_S + 10, 50.0, 150.0)}
    order, grace = START + ORDER_S * SECOND, START + (ORDER_S + 30) * SECOND
    found = START + (ORDER_S + 32) * SECOND
    assets = {
        Permits: table(Permits, sender=[7, 8, 9, 10], vehicle_class=[1, 1, 2, 1], zone=[1] * 4),
        Zones: Zones(zone=[1], corners=[4]),
        ZoneCorners: ZoneCorners(zone=[1] * 4, number=range(4), x=[0, 100, 100, 0], y=[0, 0, 100, 100]),
        Measures: table(Measures, measure=[1], zone=[1], visibility_below=[200.0]),
    }
    rows = {
        Actors: (
            np.tile(ticks, 3),
            table(
                Actors,
                id=np.repeat([1, 2, 3], 400),
                sender=np.repeat([7, 8, 9], 400),
                x=np.concatenate([x[s] for s in (7, 8, 9)]),
                y=np.full(1200, 50.0),
                speed=np.concatenate([speeds[s] for s in (7, 8, 9)]),
            ),
        ),
        MeasureOrders: (
            np.array([order]),
            table(
                MeasureOrders,
                measure=[1],
                zone=[1],
                classes=[0b110],
                max_speed=[5.0],
                since_ns=[order],
                grace_until_ns=[grace],
            ),
        ),
        MeasureRequests: (
            np.array([order, ticks[390]]),
            table(MeasureRequests, measure=[1, 1], active=[True, False]),
        ),
        RoadWeather: (
            START + np.array([0, 30, 41, 44]) * SECOND,
            table(RoadWeather, station=[1] * 4, visibility=[900.0, 250.0, 180.0, 90.0]),
        ),
        Findings: (np.array([found]), table(Findings, rule=[Rule.SPEED_ABOVE_MEASURE], subject=[8])),
        Cases: (
            np.array([found, found + SECOND]),
            table(
                Cases,
                case=[1, 1],
                rule=[Rule.SPEED_ABOVE_MEASURE] * 2,
                subject=[8, 8],
                opened_ns=[found] * 2,
                since_ns=[grace] * 2,
                last_ns=[found, found + SECOND],
                worst=[12.0, 13.0],
            ),
        ),
    }
    return SimpleNamespace(
        name="run-1",
        ticks=ticks,
        rows=lambda kind: rows.get(kind, (ticks[:0], kind.empty())),
        asset=lambda kind: assets[kind],
    )


@pytest.fixture(scope="module")
def lines():
    return {line.id: line for line in compliance([fake_run()]).lines}


def test_who_followed_the_measure_and_how_fast(lines):
    assert lines["D3-complied-share"].measured == pytest.approx(2 / 3)
    assert lines["D3-complied-share"].verdict is Verdict.FAIL
    assert lines["D3-complied-time-p90"].target == 30.0
    grid = {row[0]: row for row in compliance([fake_run()]).grids[1].rows}
    assert grid["0000000000000007"][4:] == ("supervision.complied", 19.5)
    assert grid["0000000000000008"][4:] == ("supervision.refused", 147.5)
    assert grid["0000000000000009"][4:] == ("supervision.complied", 9.5)
    assert grid["000000000000000a"][4:] == ("supervision.unconcerned", None)


def test_how_soon_the_regulator_acted_and_knew(lines):
    assert lines["D3-publication-delay"].measured == 6.0
    assert lines["D3-offenders-caught"].measured == 1.0
    assert lines["D4-alert-delay-p99"].measured == 0.0
    assert lines["D4-evidence-window"].measured == 1.0
    assert lines["D4-findings-in-cases"].measured == 1.0
    assert lines["D4-supervised-share"].measured == 1.0


def test_a_run_in_which_nothing_happened_leaves_lines_unknown_and_none_met_by_default():
    nothing = np.empty(0, np.int64)
    quiet = SimpleNamespace(
        name="quiet",
        ticks=np.array([START]),
        rows=lambda kind: (nothing, kind.empty()),
        asset=lambda kind: kind.empty(),
    )
    assert {line.verdict for line in compliance([quiet]).lines} == {Verdict.UNKNOWN}


def test_a_case_is_told_as_it_was_last():
    assert latest_cases(fake_run()).worst.tolist() == [13.0]
