"""The pilot zone: Wayside's own share of a tick, size on disk, and the hash of repeated and shuffled runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.bar import Bar
from wayside.run import Run

SECONDS = 600  # of the demo that timing and size are taken from
SHORT_SECONDS = 120  # of the runs that only the hash is taken from
SQL = "select count(*) from '{run}/tables/actors/*.parquet'"


def run(folder: Path, *more: str) -> dict[str, Any]:
    """Run the zone in a process of its own and return what `--json` printed."""
    command = [sys.executable, "-m", "wayside.cli", "run", "pingshan", "--out", str(folder), "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def own_share(stored: Run) -> Any:
    """Return the milliseconds of each tick that are Wayside's own: the steps and the store."""
    return stored.timings["tick"] + np.nan_to_num(stored.timings["store"])


def measure() -> list[Bar]:
    """Measure."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        run(root / "whole", "--seconds", str(SECONDS))
        stored = Run(root / "whole")
        own = own_share(stored)
        actors = stored.manifest["rows"]["actors"]
        parts = [root / "whole" / name for name in ("tables", "ticks", "map")]
        size = sum(f.stat().st_size for part in parts for f in part.rglob("*") if f.is_file())
        counted = duckdb.sql(SQL.format(run=root / "whole")).fetchall()
        if counted != [(actors,)]:
            raise RuntimeError(f"DuckDB counts {counted} actor rows, the manifest says {actors}")
        short = ("--seconds", str(SHORT_SECONDS))
        hashes = [
            run(root / "first", *short)["hash"],
            run(root / "second", *short)["hash"],
            run(root / "shuffled", *short, "--shuffle", "7")["hash"],
        ]
        worst = np.argsort(own)[-3:][::-1]
        median, rare = np.percentile(own, [50, 99])
        per_tick = actors / len(stored.ticks)
        world = float(np.median(stored.timings["world"]))
        codec = float(np.median(stored.timings["decode"] + stored.timings["encode"]))
        where = f"max {own.max():.1f} ms at ticks {worst.tolist()}"
        return [
            Bar("own share of a tick, median", float(median), "<=", 8, "ms", f"{per_tick:.0f} actors"),
            Bar("own share of a tick, 99th percentile", float(rare), "<=", 25, "ms", where),
            Bar("World (SUMO, sensors, radios), median", world, "<=", None, "ms"),
            Bar("codec: decode + encode, median", codec, "<=", None, "ms"),
            Bar(
                "tables, ticks and map on disk per actor row", size / actors, "<=", 60, "B", f"{size / 1e6:.1f} MB"
            ),
            Bar("different hashes of two equal runs and a shuffled one", len(set(hashes)), "==", 1, "", hashes[0]),
        ]
