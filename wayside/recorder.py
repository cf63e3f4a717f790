"""Recording a Run: what happens is buffered tick by tick and written by a thread, segment by segment."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w

from wayside.columns import to_arrow
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.maps.storing import save_map
from wayside.run import FORMAT, RunError
from wayside.table import Table
from wayside.world import Event

SEGMENT_TICKS = 300  # ticks buffered before they are written
CHECKPOINT_TICKS = 10  # the first tick, and then every so many, keeps all memory of the steps


def versions() -> dict[str, str]:
    """Return the versions of what a Run's numbers depend on."""
    found = {"python": platform.python_version()}
    for package in ("wayside", "numpy", "scipy", "numba", "pyarrow", "libsumo"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def machine() -> dict[str, str | int]:
    """Return what is worth knowing of this machine beside a measured time."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"system": platform.system(), "processor": model, "cores": os.cpu_count() or 0}


@dataclass(slots=True)
class _Segment:
    """Whole ticks that are written together, and what the manifest says once they are."""

    number: int
    rows: dict[type[Table], list[tuple[int, Table]]] = field(default_factory=dict)
    ticks: list[tuple[int, bytes, list[str]]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    hash: str = ""
    counts: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Writes a Run, tick by tick; as a context manager it seals a Run left before `close` as cut short.

    Args:
        folder: a new or empty folder.
        about: what the manifest says besides: city, seed, settings, `start_ns`, `tick_ns`.
        road: the map, stored with the Run so that it can be replayed without its source.

    Raises:
        RunError: the folder is not empty, or cannot be written.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], road: RoadMap) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"{folder} is not empty; name a new folder for the Run, or remove it")
        self.folder = folder
        self._manifest: dict[str, Any] = {
            "format": FORMAT,
            **about,
            "checkpoint_ticks": CHECKPOINT_TICKS,
            "ticks": 0,
            "segments": 0,
            "complete": False,
            "hash": "",
            "versions": versions(),
            "machine": machine(),
        }
        self._segment = _Segment(0)
        self._held: dict[type[Table], Table] = {}
        self._done = 0
        self._timings: dict[str, list[float]] = {}
        self._hash = hashlib.blake2b(digest_size=16)
        self._counts: dict[str, int] = {}
        self._closed = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="wayside-recorder")
        self._writing: Future[None] | None = None
        try:
            (folder / "tables").mkdir(parents=True, exist_ok=True)
            (folder / "ticks").mkdir(exist_ok=True)
            save_map(road, folder / "map")
            self._write_manifest()
        except OSError as error:
            raise RunError(f"cannot write the Run folder {folder}: {error}") from error

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self._closed:
            self.close(complete=False)

    @property
    def hash(self) -> str:
        """The hash over all ticks so far."""
        return self._hash.hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """Rows recorded so far, by table."""
        return dict(sorted(self._counts.items()))

    def record(self, frame: Frame, timings: Mapping[str, float], events: Sequence[Event] = ()) -> None:
        """Take in one tick: its frame, how long its parts took [ms], and what happened.

        Raises:
            RunError: an earlier segment could not be written, for example on a full disk.
        """
        changed: list[str] = []
        checkpoint = self._done % CHECKPOINT_TICKS == 0
        self._done += 1
        for kind, table in frame.items():
            if not kind.stored or (kind.checkpointed and not checkpoint):
                continue
            name = kind.table_name
            if kind.held:
                last = self._held.get(kind)
                if last is table or (last is not None and last.digest() == table.digest()):
                    continue
                self._held[kind] = table
                changed.append(name)
            if len(table):
                self._segment.rows.setdefault(kind, []).append((frame.time_ns, table))
                self._counts[name] = self._counts.get(name, 0) + len(table)
        digest = frame.digest(checkpoint=checkpoint)
        self._hash.update(digest)
        self._segment.ticks.append((frame.time_ns, digest, sorted(changed)))
        for part, milliseconds in timings.items():
            self._timings.setdefault(part, []).append(milliseconds)
        self._segment.events.extend(events)
        if len(self._segment.ticks) >= SEGMENT_TICKS:
            self.flush()

    def note_timing(self, part: str, milliseconds: float) -> None:
        """Add a duration to the last recorded tick."""
        self._timings.setdefault(part, []).append(milliseconds)

    def note_events(self, events: Sequence[Event]) -> None:
        """Take in what happened after the last tick."""
        self._segment.events.extend(events)

    def flush(self) -> None:
        """Hand what is buffered to the writing thread as one segment, once the last one is written.

        Raises:
            RunError: the last segment could not be written.
        """
        self._settle()
        done = self._segment
        done.hash, done.counts = self.hash, self.counts
        self._segment = _Segment(done.number + bool(done.ticks))
        self._writing = self._writer.submit(self._write_segment, done)

    def _settle(self) -> None:
        """Wait for the segment being written."""
        writing, self._writing = self._writing, None
        if writing is not None:
            try:
                writing.result()
            except OSError as error:
                self._closed = True
                self._writer.shutdown(wait=False)
                raise RunError(
                    f"cannot write the Run {self.folder}: {error}; "
                    f"it is valid for its first {self._manifest['ticks']} ticks"
                ) from error

    def _write_segment(self, segment: _Segment) -> None:
        """Write one segment and name it in the manifest; the only code that runs in the thread."""
        with (self.folder / "events.jsonl").open("ab") as log:
            log.writelines(msgspec.json.encode(event) + b"\n" for event in segment.events)
        if not segment.ticks:
            return
        for kind, parts in segment.rows.items():
            target = self.folder / "tables" / kind.table_name / f"{segment.number:05d}.parquet"
            target.parent.mkdir(exist_ok=True)
            _write(to_arrow(kind, parts), target)
        instants, digests, changed = zip(*segment.ticks, strict=True)
        ticks = pa.table(
            {
                "tick_ns": pa.array(instants, pa.int64()),
                "digest": pa.array(digests, pa.binary(16)),
                "changed": pa.array(changed, pa.list_(pa.string())),
            }
        )
        _write(ticks, self.folder / "ticks" / f"{segment.number:05d}.parquet")
        self._manifest["ticks"] += len(segment.ticks)
        self._manifest["segments"] = segment.number + 1
        self._manifest["hash"] = segment.hash
        self._manifest["rows"] = segment.counts
        self._write_manifest()

    def close(self, *, complete: bool) -> None:
        """Write the rest and seal the manifest; `complete` says whether the Run reached its planned end."""
        try:
            self.flush()
            self._settle()
        finally:
            self._closed = True
            self._writer.shutdown()
        self._manifest["complete"] = complete
        try:
            if self._timings:
                longest = max(len(v) for v in self._timings.values())
                padded = {k: v + [float("nan")] * (longest - len(v)) for k, v in self._timings.items()}
                _write(
                    pa.table({k: pa.array(v, pa.float32()) for k, v in padded.items()}),
                    self.folder / "timings.parquet",
                )
            self._write_manifest()
        except OSError as error:
            raise RunError(f"cannot seal the Run {self.folder}: {error}") from error

    def _write_manifest(self) -> None:
        new = self.folder / "manifest.toml.new"
        new.write_text(tomli_w.dumps(self._manifest), "utf-8")
        new.replace(self.folder / "manifest.toml")


def _write(table: pa.Table, target: Path) -> None:
    """Write a Parquet file that is either whole or not there."""
    new = target.with_suffix(".new")
    packed = [f.name for f in table.schema if pa.types.is_integer(f.type) or pa.types.is_decimal(f.type)]
    pq.write_table(
        table,
        new,
        compression="zstd",
        compression_level=6,
        use_dictionary=[f.name for f in table.schema if f.name not in packed and not pa.types.is_floating(f.type)],
        column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
        store_decimal_as_integer=True,
        write_statistics=["tick_ns"] if "tick_ns" in table.schema.names else False,
    )
    new.replace(target)
