"""A Run as the evidence room sees one: a crossroads, three road users, one case."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.admission.tables import MeasureRequests, Permits, ZoneCorners
from wayside.guard.tables import MeasureOrders, Verdict, WarningOrders
from wayside.maps.drawing import crossroads
from wayside.report import Figure, Grid, Line, Report, Series
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.signals.tables import Light, Signals
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.world import Event

SECOND = 1_000_000_000
START = 1_772_413_200 * SECOND  # 2026-03-02 09:00 in China
HOSTILE = '</script><img src=x onerror="alert(1)">'


def table(kind, /, **columns):
    """Make a table with zeros in the columns not given."""
    count = len(next(iter(columns.values())))
    return kind(**{name: np.zeros((count, *c.shape)) for name, c in kind.columns.items()} | columns)


def make_run(ticks_count=101):
    """Make a Run of 10 Hz: 77 drives east at 10 m/s, 5 stands, 6 is there from 3 s to 6 s."""
    ticks = START + np.arange(ticks_count) * (SECOND // 10)
    second = np.arange(ticks_count) / 10
    there = (second >= 3) & (second <= 6)
    actors = Actors.concatenate(
        [
            table(
                Actors,
                id=np.full(ticks_count, 1001),
                sender=np.full(ticks_count, 77),
                x=second * 10 - 60,
                y=np.full(ticks_count, -2.0),
                speed=np.full(ticks_count, 10.0),
                kind=np.ones(ticks_count),
                length=np.full(ticks_count, 4.6),
                width=np.full(ticks_count, 1.8),
            ),
            table(
                Actors,
                id=np.full(ticks_count, 1002),
                x=np.full(ticks_count, 8.04),
                y=np.full(ticks_count, 30.0),
                heading=np.full(ticks_count, -np.pi / 2),
                kind=np.full(ticks_count, 6),
            ),
            table(Actors, id=np.full(there.sum(), 1003), x=np.full(there.sum(), 20.0)),
        ]
    )
    instants = np.concatenate([ticks, ticks, ticks[there]])
    order = np.lexsort((actors.id, instants))
    opened = START + 4 * SECOND
    signals = table(
        Signals,
        controller=np.zeros(ticks_count),
        group=np.ones(ticks_count),
        light=np.where(second < 5, Light.RED, Light.PROTECTED_GREEN),
    )
    rows = {
        Actors: (instants[order], actors.take(order)),
        Signals: (ticks, signals),
        Cases: (
            np.array([opened, opened + SECOND]),
            table(
                Cases,
                case=[1, 1],
                rule=[Rule.SPEED_ABOVE_MEASURE] * 2,
                subject=[77, 77],
                x=[-20.0, -20.0],
                opened_ns=[opened] * 2,
                since_ns=[opened - 2 * SECOND] * 2,
                last_ns=[opened, opened + SECOND],
                worst=[10.0, 11.0],
                limit=[np.nan, 8.0],
            ),
        ),
        Findings: (np.array([opened]), table(Findings, rule=[Rule.SPEED_ABOVE_MEASURE], subject=[77])),
        MeasureOrders: (
            START + np.array([1, 2]) * SECOND,
            table(
                MeasureOrders,
                measure=[1, 1],
                zone=[2, 2],
                since_ns=[START + SECOND] * 2,
                max_speed=[np.nan] * 2,
                closed=[True] * 2,
            ),
        ),
        MeasureRequests: (np.array([START + 8 * SECOND]), table(MeasureRequests, measure=[1])),
        WarningOrders: (
            START + np.array([1, 2]) * SECOND,
            table(WarningOrders, service=[1, 1], subject=[1001] * 2, verdict=[Verdict.APPROVED, Verdict.REPEATED]),
        ),
        RoadWeather: (
            START + np.array([0, 0, 5]) * SECOND,
            table(RoadWeather, station=[1, 2, 1], visibility=[900.0, 150.0, np.nan]),
        ),
    }
    assets = {
        Poles: table(Poles, pole=[1], x=[5.0], y=[5.0], range=[80.0]),
        Permits: table(Permits, sender=[77], vehicle_class=[3]),
        ZoneCorners: table(ZoneCorners, zone=[2] * 3, number=[0, 1, 2], x=[0.0, 50.0, 0.0], y=[0.0, 0.0, 50.0]),
    }
    empty = ticks[:0]
    return SimpleNamespace(
        name="demo-seed7",
        ticks=ticks,
        road=crossroads(),
        events=[Event(START, "planted", {"fault": "pole", "subject": 3})],
        timings={"tick": np.linspace(1, 9, ticks_count), "track": np.linspace(0.1, 0.9, ticks_count)},
        manifest={
            "city": "demo",
            "name": "demo",
            "title": {"en": "Demo zone", "zh": "演示区"},
            "seed": 7,
            "seconds": 10.0,
            "complete": True,
            "hash": "ab" * 16,
            "versions": {"wayside": "0.1.0"},
            "machine": {"cores": 2},
            "rows": {"actors": 233},
        },
        rows=lambda kind: rows.get(kind, (empty, kind.empty())),
        asset=lambda kind: assets.get(kind, kind.empty()),
    )


def make_reports():
    """Make a report with one line of each verdict, a long table and every kind of figure."""
    x = np.arange(5.0)
    y = np.array([1.0, np.nan, 3.0, 2.0, 5.0])
    one, two = Series("wayside.verdict_pass", x, y), Series("other", x, y * 2)
    named = Series("n", ["evidence.kind_car", "tram"], np.array([1.0, 2.0]))
    return [
        Report(
            "trial",
            lines=(
                Line("A10-good", "wayside.verdict_pass", 2.0, "<=", "m", "own", 1.5),
                Line("A9-bad", "evidence.requirement", 2.0, ">=", "m", "own", 1.5),
                Line("D3-open", HOSTILE, 2.0, "==", "", "own", None),
            ),
            grids=(
                Grid(
                    "g",
                    "evidence.grid_timings",
                    ("evidence.case", HOSTILE),
                    tuple((n, "evidence.kind_bus" if n % 2 else HOSTILE) for n in range(30)),
                ),
            ),
            figures=(
                Figure("f1", "evidence.figure_ticks", "line", "evidence.case", "evidence.unit", (one, two)),
                Figure(
                    "f2", "evidence.figure_ticks", "step", "evidence.case", "evidence.unit", (one,), log_y=True
                ),
                Figure("f3", "evidence.figure_ticks", "scatter", "evidence.case", HOSTILE, (one,)),
                Figure("f4", "evidence.figure_ticks", "bar", "evidence.case", "evidence.unit", (one, two)),
                Figure("f5", "evidence.figure_ticks", "bar", "evidence.case", "evidence.unit", (named,)),
            ),
            notes=("evidence.note_warm_up",),
        )
    ]


@pytest.fixture(scope="session")
def run():
    return make_run()


@pytest.fixture(scope="session")
def reports():
    return make_reports()


@pytest.fixture(scope="session")
def fakes():
    return SimpleNamespace(make_run=make_run, make_reports=make_reports, HOSTILE=HOSTILE, START=START, table=table)
