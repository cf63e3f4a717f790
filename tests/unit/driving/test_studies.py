"""The study of forecasts, on Runs of known motion."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.driving.studies import misses, prediction
from wayside.language import catalogue
from wayside.maps.drawing import LaneSketch, draw
from wayside.report import Verdict
from wayside.roadside.tables import Actors
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

S = 1_000_000_000
ROAD = draw([LaneSketch([(0, 0), (1000, 0)])])


def moving(speed_later=10.0, sender=5, offset=0.0, seconds=8, kind=Kind.CAR):
    """Return a Run of one road user: 10 m/s for two seconds, then at another speed; seen `offset` metres ahead."""
    ticks = np.arange(0, seconds * S + 1, S // 10)
    t = ticks / S
    x = 100.0 + 10.0 * np.minimum(t, 2.0) + speed_later * np.maximum(t - 2.0, 0.0)
    rows = len(ticks)
    every = {
        "kind": np.full(rows, kind), "y": np.zeros(rows), "heading": np.zeros(rows),
        "speed": np.where(t < 2.0, 10.0, speed_later), "acceleration": np.zeros(rows),
        "length": np.full(rows, 4.5),
        "width": np.full(rows, 1.8),
    }  # fmt: skip
    truth = Truth(
        **every, id=np.full(rows, 5), x=x, lane=np.zeros(rows), equipped=np.ones(rows, np.bool_),
        automated=np.zeros(rows),
    )  # fmt: skip
    actors = Actors(
        **every, id=np.full(rows, 900), x=x + offset, yaw_rate=np.zeros(rows), position_sigma=np.full(rows, 0.3),
        lane=np.zeros(rows), offset=x + offset, lateral=np.zeros(rows), sender=np.full(rows, sender),
        sources=np.ones(rows), measured_ns=ticks,
    )  # fmt: skip
    stored = {Actors: (ticks, actors), Truth: (ticks, truth)}
    return SimpleNamespace(
        name="motion", road=ROAD, ticks=ticks,
        rows=lambda kind: stored.get(kind, (np.empty(0, np.int64), kind.empty())),
    )  # fmt: skip


def test_steady_motion_is_foreseen():
    found = misses(moving(), 3.0)
    assert len(found.error) == 6  # at 0 to 5 s, each with the truth 3 s later
    assert found.error.max() < 1e-6 and found.straight.max() < 1e-6
    assert found.inside.all()


def test_the_error_is_the_distance_to_where_it_really_was():
    found = misses(moving(speed_later=0.0), 2.0)
    assert found.error[:3] == pytest.approx([0.0, 10.0, 0.0], abs=1e-6)
    assert not found.inside[1]


def test_errors_of_the_picture_are_errors_of_the_forecast():
    found = misses(moving(offset=0.4), 1.0)
    assert found.error == pytest.approx(np.full(len(found.error), 0.4))
    assert found.now == pytest.approx(np.full(len(found.now), 0.4))


def test_a_road_user_without_v2x_is_known_by_its_place():
    assert len(misses(moving(sender=0, offset=0.4), 1.0).error) == 8
    assert len(misses(moving(sender=0, offset=9.0), 1.0).error) == 0


def test_a_sender_unknown_to_the_truth_is_left_out():
    assert len(misses(moving(sender=6), 1.0).error) == 0


def test_a_good_run_passes_and_a_surprise_shows():
    assert {line.verdict for line in prediction([moving()]).lines} == {Verdict.PASS}
    surprised = {line.id: line for line in prediction([moving(speed_later=0.0)]).lines}
    assert surprised["B1-forecast-3s"].verdict is Verdict.FAIL


def test_actors_without_a_heading_are_compared_too():
    run = moving(kind=Kind.PEDESTRIAN)
    ticks, actors = run.rows(Actors)
    lost = actors.replace(heading=np.full(len(actors), np.nan))
    without = SimpleNamespace(
        **{**vars(run), "rows": lambda kind: (ticks, lost) if kind is Actors else run.rows(kind)}
    )
    found = misses(without, 1.0)
    assert found.error == pytest.approx(np.full(len(found.error), 10.0))
    assert found.straight == pytest.approx(found.error)


def test_errors_are_told_apart_by_kind():
    rows = prediction([moving(), moving(kind=Kind.PEDESTRIAN)]).grids[0].rows
    assert {row[0] for row in rows} == {"driving.kind_motor", "driving.kind_on_foot"}
    assert [row[1] for row in rows[:4]] == [1.0, 2.0, 3.0, 5.0]


def test_a_run_without_truth_is_unknown():
    run = moving()
    blind = SimpleNamespace(**{**vars(run), "rows": lambda kind: (np.empty(0, np.int64), kind.empty())})
    assert {line.verdict for line in prediction([blind]).lines} == {Verdict.UNKNOWN}


def test_every_text_of_the_report_is_in_the_catalogue():
    report = prediction([moving()])
    keys = [line.text for line in report.lines] + [*report.notes, report.grids[0].text, report.figures[0].text]
    keys += [*report.grids[0].headings, *(series.text for series in report.figures[0].series)]
    assert [key for key in keys if key not in catalogue()] == []
