"""Runs give back exactly what was recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wayside.columns import from_arrow, to_arrow
from wayside.frame import Frame
from wayside.maps.drawing import two_lane_road
from wayside.recorder import SEGMENT_TICKS, Recorder
from wayside.roadside.tables import Detections, Poles, RoadWeather
from wayside.run import Run, RunError
from wayside.table import F64, U64, Bool, Table, column
from wayside.world import Event

TICK_NS = 100_000_000


class Things(Table, key=("id",), position=("x", "y")):
    """Test rows."""

    id: U64 = column("", "identity")
    x: F64 = column("m", "east", places=3)
    y: F64 = column("m", "north", places=3)
    known: Bool = column("", "flag")


class Memory(Table, key=("id",), checkpointed=True):
    """What a step remembers."""

    id: U64 = column("", "identity")


def things(tick: int, rows: int) -> Things:
    draw = np.random.default_rng(tick)
    x = draw.normal(0, 1000, rows)
    x[draw.random(rows) < 0.1] = np.nan
    ids = np.arange(rows, dtype=np.uint64) * np.uint64(2**61 + tick)
    return Things(id=ids, x=x, y=draw.normal(0, 1000, rows), known=draw.random(rows) < 0.5)


def poles(x: float) -> Poles:
    return Poles(pole=[1], x=[x], y=[0.0], range=[80.0], position_sigma=[0.3], controller=[-1])


def record(folder: Path, ticks: int, *, complete: bool = True) -> tuple[list[Frame], str]:
    frames = []
    with Recorder(folder, {"start_ns": 0, "tick_ns": TICK_NS}, two_lane_road(length=100.0)) as recorder:
        for tick in range(ticks):
            weather = RoadWeather.empty()
            if tick >= 5:
                weather = RoadWeather(
                    station=[1], x=[0.0], y=[0.0], visibility=[200.0 - tick // 10], rain_mm_per_h=[np.nan],
                    surface_c=[20.0], time_ns=[tick // 10],
                )  # fmt: skip
            frame = Frame(tick * TICK_NS, [things(tick, tick % 7), poles(1.0), weather])
            recorder.record(
                frame, {"tick": 1.0}, [Event(frame.time_ns, "test", {"tick": tick})] if tick == 3 else []
            )
            frames.append(frame)
        recorder.close(complete=complete)
        return frames, recorder.hash


def test_every_frame_comes_back_equal_over_several_segments(tmp_path: Path) -> None:
    frames, digest = record(tmp_path / "run", SEGMENT_TICKS + 20)
    run = Run(tmp_path / "run")
    assert run.manifest["complete"] and run.hash == digest
    back = list(run.frames([Things, Poles, RoadWeather]))
    assert [f.time_ns for f in back] == [f.time_ns for f in frames]
    for one, other in zip(frames, back, strict=True):
        assert dict(one) == dict(other)
        assert one.digest() == other.digest()
    assert run.digests == [f.digest() for f in frames]


def test_a_table_that_never_had_a_row_comes_back_empty(tmp_path: Path) -> None:
    record(tmp_path / "run", 3)
    assert all(len(f[Detections]) == 0 for f in Run(tmp_path / "run").frames([Detections]))


def test_a_held_table_is_stored_only_when_it_changes(tmp_path: Path) -> None:
    record(tmp_path / "run", 41)
    instants, weather = Run(tmp_path / "run").rows(RoadWeather)
    assert instants.tolist() == [t * TICK_NS for t in (5, 10, 20, 30, 40)]
    assert weather.visibility.tolist() == [200, 199, 198, 197, 196]


def test_a_frame_in_the_middle_has_the_held_tables_of_then(tmp_path: Path) -> None:
    frames, _ = record(tmp_path / "run", 40)
    assert dict(Run(tmp_path / "run").frame(27 * TICK_NS, [Things, Poles, RoadWeather])) == dict(frames[27])


def test_memory_is_stored_at_checkpoints_alone(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run", {"start_ns": 0, "tick_ns": TICK_NS}, two_lane_road(length=9.0)) as recorder:
        frames = [Frame(tick * TICK_NS, [things(tick, 3), Memory(id=[tick])]) for tick in range(25)]
        for frame in frames:
            recorder.record(frame, {})
        recorder.close(complete=True)
    run = Run(tmp_path / "run")
    instants, memory = run.rows(Memory)
    assert instants.tolist() == [0, 10 * TICK_NS, 20 * TICK_NS] and memory.id.tolist() == [0, 10, 20]
    assert run.frame(10 * TICK_NS, [Memory])[Memory] == frames[10][Memory]
    assert [run.digests[n] == frames[n].digest() for n in (9, 10, 11)] == [False, True, False]
    assert run.digests[11] == frames[11].digest(checkpoint=False)
    assert (run.checkpoint(9), run.checkpoint(10), run.checkpoint(24)) == (0, 10, 20)
    with pytest.raises(RunError, match=f"memory at checkpoints only; the last one is at {10 * TICK_NS} ns"):
        run.frame(13 * TICK_NS, [Memory])


def test_a_run_left_by_an_exception_is_valid_for_its_whole_ticks(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        Recorder(tmp_path / "run", {"start_ns": 0, "tick_ns": TICK_NS}, two_lane_road(length=9.0)) as recorder,
    ):
        for tick in range(4):
            recorder.record(Frame(tick, [things(tick, 3)]), {})
        raise KeyError
    run = Run(tmp_path / "run")
    assert not run.manifest["complete"] and len(run.ticks) == 4


def test_a_segment_that_cannot_be_written_leaves_the_earlier_ones_readable(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    recorder = Recorder(folder, {"start_ns": 0, "tick_ns": TICK_NS}, two_lane_road(length=9.0))
    for tick in range(SEGMENT_TICKS):
        recorder.record(Frame(tick, [things(tick, 3)]), {})
    (folder / "tables" / "things" / "00001.new").mkdir(parents=True)  # the next segment finds its place taken
    with pytest.raises(RunError, match=f"valid for its first {SEGMENT_TICKS} ticks"):
        for tick in range(SEGMENT_TICKS, 3 * SEGMENT_TICKS):
            recorder.record(Frame(tick, [things(tick, 3)]), {})
    run = Run(folder)
    assert len(run.ticks) == SEGMENT_TICKS and len(list(run.frames([Things]))) == SEGMENT_TICKS


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        Recorder(tmp_path, {}, two_lane_road(length=9.0))


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no manifest\.toml"):
        Run(tmp_path)
    (tmp_path / "manifest.toml").write_text("format = 99\n")
    with pytest.raises(RunError, match="format 99"):
        Run(tmp_path)


def test_the_map_comes_back_with_the_run(tmp_path: Path) -> None:
    record(tmp_path / "run", 1)
    road, same = Run(tmp_path / "run").road, two_lane_road(length=100.0)
    assert road.lanes == same.lanes and road.points == same.points and road.lane_names == same.lane_names


def test_events_keep_their_facts(tmp_path: Path) -> None:
    record(tmp_path / "run", 5)
    assert Run(tmp_path / "run").events == [Event(3 * TICK_NS, "test", {"tick": 3})]


def test_largest_identities_and_unknowns_survive_arrow() -> None:
    table = Things(id=[0, 2**64 - 1], x=[np.nan, -123456789.123], y=[0.0, -0.0], known=[True, False])
    instants, back = from_arrow(Things, to_arrow(Things, [(7, table)]))
    assert instants.tolist() == [7, 7]
    assert back == table.canonical()
