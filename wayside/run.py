"""Runs: folders that hold every table of every tick, so that replays, studies and papers can cite them.

A Run folder holds `manifest.toml` (what ran, with which settings, seeds and versions, and the hash),
`tables/<table>/<segment>.parquet` (one row per row and tick, decimals exact), `ticks/<segment>.parquet`
(one row per tick: its digest and which held tables changed), `events.jsonl`, `timings.parquet` and `map/`.
Segments are written whole and renamed into place; the manifest names the last whole one, so a Run that was
cut short is valid up to there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w

from wayside.columns import from_arrow, to_arrow
from wayside.errors import WaysideError
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.maps.storing import load_map, save_map
from wayside.table import F64, I64, Table
from wayside.world import Event

T = TypeVar("T", bound=Table)

FORMAT = 1  # version of the folder's layout
SEGMENT_TICKS = 300  # ticks buffered before they are written


class RunError(WaysideError):
    """A Run folder cannot be written or read; the text says what was found and what was expected."""


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
            "ticks": 0,
            "segments": 0,
            "complete": False,
            "hash": "",
            "versions": versions(),
            "machine": machine(),
        }
        self._rows: dict[type[Table], list[tuple[int, Table]]] = {}
        self._ticks: list[tuple[int, bytes, list[str]]] = []
        self._held: dict[type[Table], Table] = {}
        self._timings: dict[str, list[float]] = {}
        self._events: list[Event] = []
        self._hash = hashlib.blake2b(digest_size=16)
        self._counts: dict[str, int] = {}
        self._closed = False
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
            RunError: a segment was due and could not be written, for example on a full disk.
        """
        changed: list[str] = []
        for kind, table in frame.items():
            if not kind.stored:
                continue
            name = kind.table_name
            if kind.held:
                if self._held.get(kind) is table or (kind in self._held and self._held[kind] == table):
                    continue
                self._held[kind] = table
                changed.append(name)
            if len(table):
                self._rows.setdefault(kind, []).append((frame.time_ns, table))
                self._counts[name] = self._counts.get(name, 0) + len(table)
        digest = frame.digest()
        self._hash.update(digest)
        self._ticks.append((frame.time_ns, digest, sorted(changed)))
        for part, milliseconds in timings.items():
            self._timings.setdefault(part, []).append(milliseconds)
        self._events.extend(events)
        if len(self._ticks) >= SEGMENT_TICKS:
            self.flush()

    def note_timing(self, part: str, milliseconds: float) -> None:
        """Add a duration to the last recorded tick."""
        self._timings.setdefault(part, []).append(milliseconds)

    def note_events(self, events: Sequence[Event]) -> None:
        """Take in what happened after the last tick."""
        self._events.extend(events)

    def flush(self) -> None:
        """Write what is buffered as one segment; events alone make none."""
        if not self._ticks:
            self._append_events()
            return
        number = self._manifest["segments"]
        try:
            for kind, parts in self._rows.items():
                target = self.folder / "tables" / kind.table_name / f"{number:05d}.parquet"
                target.parent.mkdir(exist_ok=True)
                _write(to_arrow(kind, parts), target)
            ticks = pa.table(
                {
                    "tick_ns": pa.array([t for t, _, _ in self._ticks], pa.int64()),
                    "digest": pa.array([d for _, d, _ in self._ticks], pa.binary(16)),
                    "changed": pa.array([c for _, _, c in self._ticks], pa.list_(pa.string())),
                }
            )
            _write(ticks, self.folder / "ticks" / f"{number:05d}.parquet")
            self._append_events()
            self._manifest["ticks"] += len(self._ticks)
            self._manifest["segments"] = number + 1
            self._manifest["hash"] = self.hash
            self._manifest["rows"] = self.counts
            self._write_manifest()
        except OSError as error:
            raise RunError(
                f"cannot write segment {number} of the Run {self.folder}: {error}; "
                f"the Run is valid for its first {self._manifest['ticks']} ticks"
            ) from error
        self._rows, self._ticks = {}, []

    def _append_events(self) -> None:
        with (self.folder / "events.jsonl").open("ab") as log:
            for event in self._events:
                log.write(msgspec.json.encode(event) + b"\n")
        self._events = []

    def close(self, *, complete: bool) -> None:
        """Write the rest and seal the manifest; `complete` says whether the Run reached its planned end."""
        self.flush()
        self._manifest["complete"] = complete
        self._closed = True
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


class Run:
    """A stored Run, opened for reading.

    Raises:
        RunError: the folder is no Run, or of another format.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        source = self.folder / "manifest.toml"
        if not source.is_file():
            raise RunError(f"{self.folder} is not a Run: it has no manifest.toml")
        try:
            self.manifest: dict[str, Any] = tomllib.loads(source.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise RunError(f"{source} is not valid TOML: {error}") from error
        if self.manifest.get("format") != FORMAT:
            found = self.manifest.get("format")
            raise RunError(f"{self.folder} has format {found}; this Wayside reads format {FORMAT}")

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def hash(self) -> str:
        """The hash over all its ticks."""
        return str(self.manifest["hash"])

    @cached_property
    def road(self) -> RoadMap:
        """The map it ran on."""
        return load_map(self.folder / "map")

    @cached_property
    def _tick_table(self) -> pa.Table:
        segments = [self.folder / "ticks" / f"{n:05d}.parquet" for n in range(self.manifest["segments"])]
        if not segments:
            return pa.table({"tick_ns": pa.array([], pa.int64()), "digest": [], "changed": []})
        return pa.concat_tables([pq.read_table(s) for s in segments])

    @cached_property
    def ticks(self) -> I64:
        """Instants of all its ticks [ns]."""
        return np.asarray(self._tick_table["tick_ns"].to_numpy(), np.int64)

    @cached_property
    def digests(self) -> list[bytes]:
        """Digest of each tick's frame."""
        return list(self._tick_table["digest"].to_pylist())

    @cached_property
    def events(self) -> list[Event]:
        """What happened outside the tables, in order."""
        source = self.folder / "events.jsonl"
        if not source.is_file():
            return []
        return [msgspec.json.decode(line, type=Event) for line in source.read_bytes().splitlines()]

    @cached_property
    def timings(self) -> dict[str, F64]:
        """Measured milliseconds per tick, by part; they are no part of the hash."""
        source = self.folder / "timings.parquet"
        if not source.is_file():
            return {}
        table = pq.read_table(source)
        return {name: np.asarray(table[name].to_numpy(), np.float64) for name in table.schema.names}

    def rows(self, kind: type[T]) -> tuple[I64, T]:
        """Return every stored row of a table and the instant of its tick [ns], in order of tick and key.

        A held table has rows only at ticks at which it changed.
        """
        folder = self.folder / "tables" / kind.table_name
        files = [folder / f"{n:05d}.parquet" for n in range(self.manifest["segments"])]
        parts = [from_arrow(kind, pq.read_table(f)) for f in files if f.is_file()]
        if not parts:
            return np.empty(0, np.int64), kind.empty()
        return np.concatenate([t for t, _ in parts]), kind.concatenate([table for _, table in parts])

    def asset(self, kind: type[T]) -> T:
        """Return a table that is constant through the Run, or the last state of a held one."""
        instants, table = self.rows(kind)
        if not len(table):
            return kind.empty()
        return table.take(instants == instants[-1])

    def has(self, kind: type[Table]) -> bool:
        """Tell whether the Run stored any row of that table."""
        return bool(self.manifest.get("rows", {}).get(kind.table_name))

    def frames(self, kinds: Sequence[type[Table]], *, since_ns: int | None = None) -> Iterator[Frame]:
        """Yield the frame of each tick with the given tables, from the tick at `since_ns` on."""
        stored = {kind: _Split(*self.rows(kind)) for kind in kinds if kind.stored}
        names = {kind.table_name: kind for kind in stored}
        held: dict[type[Table], Table] = {kind: kind.empty() for kind in stored if kind.held}
        changes = self._tick_table["changed"].to_pylist()
        for instant, changed in zip(self.ticks.tolist(), changes, strict=True):
            for name in changed:
                if name in names:
                    held[names[name]] = stored[names[name]].at(instant)
            if since_ns is not None and instant < since_ns:
                continue
            tables = {k: held[k] if k.held else split.at(instant) for k, split in stored.items()}
            yield Frame.of_canonical(instant, tables)

    def frame(self, time_ns: int, kinds: Sequence[type[Table]]) -> Frame:
        """Return the frame of one tick with the given tables.

        Raises:
            RunError: the Run has no tick at that instant.
        """
        if time_ns not in self.ticks:
            first, last = (self.ticks[0], self.ticks[-1]) if len(self.ticks) else (None, None)
            raise RunError(f"{self.folder} has no tick at {time_ns} ns; it runs from {first} to {last}")
        return next(self.frames(kinds, since_ns=time_ns))


class _Split:
    """The rows of one table, cut by tick."""

    def __init__(self, instants: I64, table: Table) -> None:
        self._table = table
        found, starts = np.unique(instants, return_index=True)
        ends = [*starts[1:].tolist(), len(instants)]
        self._at = {
            instant: slice(start, end)
            for instant, start, end in zip(found.tolist(), starts.tolist(), ends, strict=False)
        }

    def at(self, instant: int) -> Table:
        rows = self._at.get(instant)
        return self._table.take(rows) if rows is not None else type(self._table).empty()
