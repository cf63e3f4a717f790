import numpy as np
import pytest

from wayside.language import LANGUAGES, say
from wayside.report import Verdict
from wayside.roadside.comparison import compare, scored
from wayside.roadside.scoring import clear
from wayside.roadside.scoring_report import score
from wayside.roadside.studies import perception
from wayside.roadside.tables import Actors, PoleQuality, Poles, RoadWeather
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

START_NS = 1_000_000_000_000
TICK_NS = 100_000_000


def filled(table, rows, **columns):
    values = {name: np.zeros(column.shape, column.dtype) for name, column in table.columns.items()} | columns
    shapes = {name: (rows, *column.shape) for name, column in table.columns.items()}
    return table(**{name: np.broadcast_to(value, shapes[name]) for name, value in values.items()})


class Recorded:
    """A Run in memory: ten cars in a row, each with an actor that is off by `error`, but for some."""

    name = "recorded"

    def __init__(self, seconds=10, error=0.3, missing=0, extra=0, switch_at=None, visibility=None):
        self.ticks = START_NS + np.arange(seconds * 10) * TICK_NS
        self.timings = {"track": np.full(len(self.ticks), 0.4)}
        cars = np.arange(10)
        when = np.repeat(self.ticks, 10)
        shown = np.tile(cars, len(self.ticks))
        truth = filled(
            Truth, len(when), id=shown + 1, kind=Kind.CAR, x=10.0 * shown, speed=5.0, length=4.5, width=1.8
        )
        identity = shown + 101
        if switch_at is not None:
            identity = np.where((when >= START_NS + switch_at * TICK_NS) & (shown == 3), 999, identity)
        kept = shown >= missing
        actors = filled(
            Actors, int(kept.sum()), id=identity[kept], kind=Kind.CAR, x=10.0 * shown[kept] + error, speed=5.5,
            sources=2, measured_ns=when[kept] - TICK_NS, length=4.5, width=1.8,
        )  # fmt: skip
        ghosts = np.repeat(self.ticks, extra)
        ghost = filled(Actors, len(ghosts), id=np.tile(np.arange(extra) + 500, len(self.ticks)), y=30.0, sources=2)
        together = np.concatenate([when[kept], ghosts])
        order = np.argsort(together, kind="stable")
        poles = Poles(pole=[1], x=[50.0], y=[0.0], range=[100.0], position_sigma=[0.3], controller=[-1])
        self.tables = {
            Truth: (when, truth),
            Actors: (together[order], Actors.concatenate([actors, ghost]).take(order)),
            Poles: (self.ticks[:1], poles),
            PoleQuality: (self.ticks[-1:], filled(PoleQuality, 1, pole=1, yaw_error=0.01, samples=500.0)),
        }
        if visibility is not None:
            weather = filled(RoadWeather, 1, station=1, visibility=visibility, time_ns=START_NS)
            self.tables[RoadWeather] = (self.ticks[:1], weather)

    def rows(self, kind):
        return self.tables.get(kind, (np.empty(0, np.int64), kind.empty()))

    def asset(self, kind):
        return self.rows(kind)[1]


def lines(run):
    return {line.id: line for line in perception([run]).lines}


def test_accuracy_is_what_it_was_made():
    found = lines(Recorded(error=0.3))
    assert found["A1-position-rmse"].measured == pytest.approx(0.3, abs=1e-4)
    assert found["A1-speed-rmse"].measured == pytest.approx(0.5, abs=1e-4)
    assert found["A1-recall"].measured == found["A1-precision"].measured == 1.0
    assert found["A1-latency"].measured == pytest.approx(0.1)
    assert all(line.verdict is Verdict.PASS for line in found.values())


def test_who_is_missed_lowers_recall_and_ghosts_lower_precision():
    found = lines(Recorded(missing=2, extra=3))
    assert found["A1-recall"].measured == pytest.approx(0.8)
    assert found["A1-precision"].measured == pytest.approx(8 / 11, abs=1e-4)
    assert found["A1-recall"].verdict is Verdict.FAIL


def test_an_actor_2_m_off_is_neither_right_nor_left_out_of_the_error():
    found = lines(Recorded(error=2.0))
    assert found["A1-recall"].measured == 0.0
    assert found["A1-within-1.5m"].measured == 0.0
    assert found["A1-position-rmse"].measured == pytest.approx(2.0, abs=1e-4)


def test_a_changed_identity_is_counted_once():
    assert compare(Recorded(switch_at=60)).switches == 1
    assert compare(Recorded()).switches == 0


def test_a_perfect_picture_has_full_scores():
    high = score(compare(Recorded(error=0.0)), fog=False)
    assert high.high.hota == high.clear.mota == high.identity.idf1 == 1.0
    assert high.apart == high.tracks_apart == 0.0


def test_hota_falls_with_the_error_and_with_a_changed_identity():
    assert lines(Recorded(error=0.5))["A1-hota"].measured == pytest.approx(15 / 19, abs=1e-5)  # alike by 0.75
    assert 0.8 < lines(Recorded(error=0.0, switch_at=60))["A1-hota"].measured < 1.0


def test_lines_are_of_clear_weather_and_fog_stands_beside():
    run = Recorded(visibility=60.0)
    assert lines(run)["A1-position-rmse"].verdict is Verdict.UNKNOWN
    assert lines(run)["A1-hota"].verdict is Verdict.UNKNOWN
    grid = next(g for g in perception([run]).grids if g.id == "A1-tracking")
    assert grid.headings == ("roadside.head_measure", "roadside.fog")


def test_an_actor_that_is_right_about_somebody_who_need_not_be_seen_is_spared():
    given = scored(compare(Recorded(visibility=60.0)), fog=True)  # three of ten cars are too far off in fog
    assert len(given.truth_frame) == 7 * len(np.unique(given.truth_frame))
    assert clear(given, 1.5).false == 0
    with_ghost = scored(compare(Recorded(extra=1)), fog=False)
    assert clear(with_ghost, 1.5).false == len(np.unique(with_ghost.truth_frame))


def test_several_runs_have_a_mean_and_a_spread():
    report = perception([Recorded(error=0.3), Recorded(error=0.5)])
    rows = {row[0]: row[1] for row in next(g for g in report.grids if g.id == "A1-runs").rows}
    assert rows["roadside.mean"] == pytest.approx(0.4, abs=1e-4)
    assert (rows["roadside.least"], rows["roadside.greatest"]) == (pytest.approx(0.3), pytest.approx(0.5))
    assert len(next(g for g in perception([Recorded()]).grids if g.id == "A1-runs").rows) == 1


def test_in_fog_nobody_is_wanted_beyond_half_the_visibility():
    clear, fog = compare(Recorded()), compare(Recorded(visibility=60.0))
    assert clear.wanted.all()
    assert not clear.fog.any()
    assert fog.fog.all()
    assert set(fog.truth.x[fog.wanted].tolist()) == {20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0}


def test_without_truth_every_line_of_accuracy_is_unknown():
    run = Recorded()
    run.tables.pop(Truth)
    found = lines(run)
    assert found["A1-position-rmse"].verdict is Verdict.UNKNOWN
    assert found["A1-recall"].verdict is Verdict.UNKNOWN


def test_an_empty_run_is_no_error():
    run = Recorded()
    run.tables, run.ticks = {}, np.empty(0, np.int64)
    assert perception([run]).grids == ()
    assert perception([]).runs == ()


def test_every_text_is_in_both_languages():
    report = perception([Recorded(), Recorded(visibility=500.0)])
    keys = [line.text for line in report.lines] + list(report.notes)
    keys += [key for grid in report.grids for key in (grid.text, *grid.headings)]
    keys += [key for figure in report.figures for key in (figure.text, figure.x_text, figure.y_text)]
    assert len(report.figures) == 7
    for key in keys:
        assert all(say(key, language) for language in LANGUAGES)
