"""The pilot zone as a whole: the same again, resumed, shuffled, in districts, interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from wayside.replaying import pipeline_of, replay
from wayside.roadside.tables import Actors
from wayside.run import Run
from wayside.scale.districts import strips, tick_in_districts
from wayside.worlds.log import LogWorld
from wayside.worlds.tables import Truth

SECONDS = 12

Zone = tuple[Path, dict[str, Any]]


def wayside(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command in a process of its own: a process holds one simulation."""
    command = [sys.executable, "-m", "wayside.cli", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=env)


def run_zone(folder: Path, *more: str, **environment: str) -> dict[str, Any]:
    """Run the zone and return what `--json` printed."""
    arguments = ("run", "pingshan", "--seconds", str(SECONDS), "--out", folder, "--json", *more)
    done = wayside(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Zone:
    """The folder of one short Run and its facts."""
    folder = tmp_path_factory.mktemp("zone") / "run"
    return folder, run_zone(folder)


def test_what_json_prints_says_what_ran(zone: Zone) -> None:
    _, facts = zone
    assert facts["complete"] and facts["ticks"] == 120 and facts["seed"] == 1
    assert len(facts["hash"]) == 32
    assert facts["counts"]["actors"] > 100 * 120 / 2
    assert {"p50", "p95", "p99"} <= facts["timings_ms"]["track"].keys()
    assert len(facts["lines"]) >= 30
    assert {line["verdict"] for line in facts["lines"]} <= {"pass", "fail", "unknown"}


def test_the_pack_lies_beside_the_run(zone: Zone) -> None:
    folder, facts = zone
    evidence = json.loads((folder / "evidence.json").read_text("utf-8"))
    assert facts["hash"] in json.dumps(evidence)
    page = (folder / "report.html").read_text("utf-8")
    assert "坪山" in page and "Pingshan" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_the_same_seed_with_shuffled_rows_gives_the_same_hash(zone: Zone, tmp_path: Path) -> None:
    assert run_zone(tmp_path / "shuffled", "--shuffle", "5")["hash"] == zone[1]["hash"]


@pytest.mark.slow
def test_a_processor_without_vector_instructions_gives_the_same_hash(zone: Zone, tmp_path: Path) -> None:
    """Stands in for another machine: NumPy and the compiled kernels keep to the oldest instructions."""
    plain = {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"),
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3",
    }
    assert run_zone(tmp_path / "plain", **plain)["hash"] == zone[1]["hash"]


def test_another_seed_gives_another_hash(zone: Zone, tmp_path: Path) -> None:
    assert run_zone(tmp_path / "other", "--seed", "2")["hash"] != zone[1]["hash"]


@pytest.mark.parametrize("tick", [0, 1, 37, 80, 119])
def test_a_run_resumed_from_any_stored_tick_goes_on_identically(zone: Zone, tick: int) -> None:
    run = Run(zone[0])
    found = replay(run, since_ns=int(run.ticks[tick]))
    assert found.first_difference is None
    assert (found.ticks, found.same) == (120 - tick, 120 - tick)


def test_a_tick_computed_in_districts_is_byte_for_byte_the_same(zone: Zone) -> None:
    run = Run(zone[0])
    world = LogWorld(run)
    pipeline = pipeline_of(run, world)
    middle = float(np.median(run.road.points.x))
    districts = strips([middle - 300.0, middle + 150.0])
    whole = parts = pipeline.first()
    for instant in run.ticks[:40].tolist():
        intake = world.poll(instant)
        assert intake is not None
        whole = pipeline.tick(whole, intake.tables, instant)
        parts = tick_in_districts(pipeline, parts, intake.tables, instant, districts)
        for kind, table in whole.items():
            assert parts[kind] == table, f"{kind.__name__} at {instant}"
    assert len(whole[Actors]) > 50


def test_a_whole_run_passes_its_check_and_a_changed_one_does_not(zone: Zone, tmp_path: Path) -> None:
    assert wayside("check", zone[0]).returncode == 0
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", zone[0], copy], check=True)
    target = next((copy / "tables" / "reports").glob("*.parquet"))
    duckdb.sql(f"create table t as from '{target}'; update t set speed = speed + 1 where rowid = 5")
    duckdb.sql(f"copy (from t) to '{target}' (format parquet)")
    done = wayside("check", copy, "--json")
    assert done.returncode == 1
    assert "do not have the digest" in json.loads(done.stdout)["problems"][0]


def test_one_line_of_sql_opens_a_table(zone: Zone) -> None:
    counted = duckdb.sql(f"select count(*), avg(speed) from '{zone[0]}/tables/actors/*.parquet'").fetchall()
    assert counted[0][0] == zone[1]["counts"]["actors"] and 0 < counted[0][1] < 20


def test_ctrl_c_leaves_a_run_that_is_valid_up_to_the_last_whole_tick(tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    command = [sys.executable, "-m", "wayside.cli", "run", "pingshan", "--seconds", "600", "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (folder / "ticks" / "00000.parquet").is_file() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    run = Run(folder)
    assert not run.manifest["complete"]
    assert 300 <= len(run.ticks) < 6000
    assert replay(run).first_difference is None
    assert len(run.rows(Truth)[1]) > 0


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: the write fails in the same way."""
    folder = tmp_path / "full"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (260_000, 260_000)); "
        "from wayside.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["run", "pingshan", "--seconds", "60", "--out", str(folder), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "cannot write" in error
