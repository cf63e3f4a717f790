"""Evidence that cannot be altered unnoticed."""

import io
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors, Detections, RoadWeather
from wayside.supervision.evidence import EvidenceError, gather, gather_all, verify, write_files
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.v2x.tables import Reports

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def table(kind, **columns):
    count = len(next(iter(columns.values())))
    return kind(**{name: np.zeros(count) for name in kind.columns} | columns)


def fake_run(hash_="ab"):
    """Make a Run of 200 s at 1 Hz: 77 drives east at 10 m/s, 5 stays 100 m ahead, 6 is far away."""
    ticks = START + np.arange(200) * SECOND
    second = np.arange(200.0)
    opened = START + 120 * SECOND
    rows = {
        Actors: (
            np.repeat(ticks, 3),
            table(
                Actors,
                id=np.tile([1, 2, 3], 200),
                sender=np.tile([77, 5, 6], 200),
                x=np.repeat(second * 10, 3) + np.tile([0.0, 100.0, 900.0], 200),
                y=np.zeros(600),
            ),
        ),
        Reports: (ticks, table(Reports, sender=np.full(200, 77), x=second * 10, time_ns=ticks)),
        Detections: (ticks, table(Detections, pole=np.ones(200), x=np.full(200, 1200.0))),
        Findings: (ticks[118:], table(Findings, rule=np.full(82, 3), subject=np.full(82, 77))),
        MeasureOrders: (ticks[[10, 100]], table(MeasureOrders, measure=[1, 1])),
        RoadWeather: (ticks[[0, 20, 60]], table(RoadWeather, station=[1, 1, 1], visibility=[9e3, 300.0, 90.0])),
        Cases: (
            ticks[[120, 130]],
            table(
                Cases,
                case=[4, 4],
                rule=[Rule.SPEED_ABOVE_PERMIT] * 2,
                subject=[77, 77],
                x=[1200.0] * 2,
                opened_ns=[opened] * 2,
                last_ns=[opened, opened + 10 * SECOND],
            ),
        ),
    }
    return SimpleNamespace(
        name="run-1",
        ticks=ticks,
        manifest={"hash": hash_},
        rows=lambda kind: rows.get(kind, (ticks[:0], kind.empty())),
    )


def entry(found, name):
    return pq.read_table(io.BytesIO(found.entries[name])).to_pydict()


def test_evidence_holds_ninety_seconds_before_and_thirty_after():
    reports = entry(gather(fake_run(), 4), "Reports")
    assert reports["tick_ns"][0] == START + 30 * SECOND
    assert reports["tick_ns"][-1] == START + 150 * SECOND
    assert len(reports["tick_ns"]) == 121


def test_actors_near_the_moving_subject_are_in_it_and_far_ones_are_not():
    assert set(entry(gather(fake_run(), 4), "Actors")["sender"]) == {77, 5}
    seconds = {(t - START) // SECOND for t in entry(gather(fake_run(), 4), "Detections")["tick_ns"]}
    assert seconds == set(range(117, 124))


def test_measures_and_weather_begin_with_what_held_when_the_window_opened():
    found = gather(fake_run(), 4)
    assert entry(found, "RoadWeather")["visibility"] == [300.0, 90.0]
    assert len(entry(found, "MeasureOrders")["tick_ns"]) == 2


def test_a_case_that_is_not_there_is_named():
    with pytest.raises(EvidenceError, match=r"no case 9; it has \[4\]"):
        gather(fake_run(), 9)


def test_the_same_evidence_has_the_same_bytes_and_survives_a_round_trip(tmp_path):
    found = gather(fake_run(), 4)
    assert found.octets() == gather_all(fake_run(), [4])[4].octets()
    path = found.write(tmp_path / "new" / "case-4.zip")
    assert verify(path.read_bytes(), found.seal) == found


OCTETS = gather(fake_run(), 4).octets()


@given(st.integers(0, len(OCTETS) - 1), st.integers(1, 255))
@example(29, 114)  # the length of a name, which leads beyond the end
@settings(max_examples=150, deadline=None)
def test_one_altered_byte_anywhere_is_found(position, change):
    altered = bytearray(OCTETS)
    altered[position] ^= change
    with pytest.raises(EvidenceError):
        verify(bytes(altered))


def test_a_file_that_was_cut_or_grew_is_found():
    for altered in (OCTETS[:-1], OCTETS[:100], b"", OCTETS + b"x"):
        with pytest.raises(EvidenceError):
            verify(altered)


def test_a_rewritten_file_does_not_have_the_seal_that_was_noted():
    noted = gather(fake_run(), 4).seal
    rewritten = gather(fake_run("cd"), 4)
    verify(rewritten.octets())
    with pytest.raises(EvidenceError, match="seal"):
        verify(rewritten.octets(), noted)


def test_each_case_about_a_vehicle_gets_its_file(tmp_path):
    (path,) = write_files(fake_run(), tmp_path)
    assert path == tmp_path / "cases" / "case-4.zip"
    assert verify(path.read_bytes()).about["subject"] == "77"
