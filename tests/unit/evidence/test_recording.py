"""What the page's map replays."""

import base64
import json
import zlib

import numpy as np
import pytest

from wayside.evidence.recording import MOST_CHARACTERS, Scale, recording


@pytest.fixture(scope="module")
def recorded(run):
    return recording(run)


def unpack(packed, *columns):
    """Read columns of (type, count, whether they are differences), as the page does."""
    octets, at, values = zlib.decompress(base64.b64decode(packed)), 0, []
    for kind, count, differences in columns:
        column = np.frombuffer(octets, kind, count, at)
        at += column.nbytes
        values.append(np.cumsum(column, dtype=kind) if differences else column)
    assert at == len(octets)
    return values


def tracks(recorded):
    n, samples = recorded["tracks"]["stretches"], recorded["tracks"]["samples"]
    whole, each = [("<u4", n, False)] * 4 + [("<u2", n, False)] * 2, [("<i2", samples, True)] * 2
    small = [("u1", n, False)] * 4 + [("u1", samples, True)] * 2
    return unpack(recorded["tracks"]["data"], *whole, *each, *small)


def test_positions_come_back_to_a_decimetre_twice_a_second(recorded, run):
    _, low, _, sender, first, count, x, y, kind, vehicle_class, length, _, heading, speed = tracks(recorded)
    assert recorded["frames"] == 21 and recorded["spacing_s"] == 0.5
    assert low.tolist() == [1001, 1002, 1003] and sender.tolist() == [77, 0, 0]
    assert first.tolist() == [0, 0, 6] and count.tolist() == [21, 21, 7]
    scale = Scale.over(run.road.points.x, run.road.points.y)
    np.testing.assert_allclose(x[:21] * scale.step + scale.x, np.arange(21) * 5.0 - 60, atol=0.051)
    np.testing.assert_allclose(y[21:42] * scale.step + scale.y, 30.0, atol=0.051)
    assert kind.tolist() == [1, 6, 0] and vehicle_class.tolist() == [3, 0, 0] and length[0] == 46
    assert speed[0] * recorded["tracks"]["speed_step"] == 10.0
    assert heading[21] == 192  # three quarters of a turn


def test_a_gap_begins_a_new_stretch(fakes):
    run = fakes.make_run()
    whole = run.rows

    def with_gap(kind):
        instants, table = whole(kind)
        if kind.__name__ != "Actors":
            return instants, table
        keep = (table.id != 1001) | (instants != fakes.START + 5 * 1_000_000_000)
        return instants[keep], table.take(keep)

    run.rows = with_gap
    _, low, *_ = tracks(recording(run))
    assert low.tolist() == [1001, 1001, 1002, 1003]


def test_lanes_are_all_there_to_a_decimetre(recorded, run):
    drawn = recorded["map"]
    points, x, y, kind, width = unpack(
        drawn["data"],
        ("<u2", drawn["lanes"], False),
        ("<i2", drawn["points"], True),
        ("<i2", drawn["points"], True),
        ("u1", drawn["lanes"], False),
        ("u1", drawn["lanes"], False),
    )
    assert points.sum() == drawn["points"] == len(x) == len(y) and drawn["lanes"] == len(kind) == len(width)
    scale = Scale.over(run.road.points.x, run.road.points.y)
    lane = int(np.flatnonzero(np.isin(run.road.lanes.kind, (1, 2, 3, 4, 5)))[0])
    first = run.road.lanes.first_point[lane]
    assert abs(x[0] * scale.step + scale.x - run.road.points.x[first]) <= 0.051


def test_signals_change_when_they_changed_and_have_their_stop_lines(recorded):
    assert recorded["signals"]["changes"]["0.1"] == [0, 3, 10, 6]
    assert recorded["signals"]["bars"] and all(len(bar) == 5 for bar in recorded["signals"]["bars"])


def test_a_measure_is_told_once_with_its_end(recorded):
    (measure,) = recorded["measures"]
    assert (measure["from"], measure["until"], measure["closed"], measure["cap_km_h"]) == (2.0, 16.0, True, None)


def test_only_warnings_that_went_out_are_shown(recorded):
    assert recorded["warnings"] == [[2.0, f"{1001:016x}", 1]]


def test_visibility_is_the_lowest_of_those_that_know(recorded):
    assert recorded["visibility"] == [0, 150]


def test_what_is_recorded_is_plain_json_without_nan(recorded):
    assert json.loads(json.dumps(recorded, allow_nan=False))["cases"][0]["subject"] == f"{77:016x}"


def test_pictures_are_farther_apart_rather_than_above_the_limit(run, monkeypatch):
    monkeypatch.setattr("wayside.evidence.recording.MOST_CHARACTERS", len(recording(run)["tracks"]["data"]) - 1)
    coarse = recording(run)
    assert coarse["spacing_s"] > 0.5 and coarse["frames"] < 21
    assert MOST_CHARACTERS == 4_000_000


def test_a_city_too_large_for_decimetres_gets_coarser_steps():
    scale = Scale.over(np.array([0.0, 30_000.0]), np.array([0.0, 10_000.0]))
    x, _ = scale.pack(np.array([0.0, 30_000.0, 31_000.0]), np.zeros(3))
    assert scale.step > 0.1 and abs(x).max() <= 32767
    np.testing.assert_allclose(x[:2] * scale.step + scale.x, [0.0, 30_000.0], atol=scale.step)
