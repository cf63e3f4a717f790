"""Runs: folders that hold every table of every tick, so that replays, studies and papers can cite them.

A Run folder holds `manifest.toml` (what ran, with which settings, seeds and versions, and the hash),
`tables/<table>/<segment>.parquet` (one row per row and tick, decimals exact), `ticks/<segment>.parquet`
(one row per tick: its digest and which held tables changed), `events.jsonl`, `timings.parquet` and `map/`.
Segments are written whole and renamed into place; the manifest names the last whole one, so a Run that was
cut short is valid up to there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wayside.columns import from_arrow
from wayside.errors import WaysideError
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.maps.storing import load_map
from wayside.table import F64, I64, Table
from wayside.world import Event

T = TypeVar("T", bound=Table)

FORMAT = 1  # version of the folder's layout


class RunError(WaysideError):
    """A Run folder cannot be written or read; the text says what was found and what was expected."""


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

        A held table has rows only at ticks at which it changed, a checkpointed one only at checkpoints.
        """
        folder = self.folder / "tables" / kind.table_name
        files = [folder / f"{n:05d}.parquet" for n in range(self.manifest["segments"])]
        parts = [from_arrow(kind, pq.read_table(f)) for f in files if f.is_file()]
        if not parts:
            return np.empty(0, np.int64), kind.empty()
        return np.concatenate([t for t, _ in parts]), kind.concatenate([table for _, table in parts])

    def checkpoint(self, number: int) -> int:
        """Return the number of the last tick up to that one at which the memory of all steps is stored."""
        spacing = int(self.manifest.get("checkpoint_ticks", 1))
        return number - number % spacing

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
            RunError: the Run has no tick at that instant, or did not keep one of the tables at it.
        """
        if time_ns not in self.ticks:
            first, last = (self.ticks[0], self.ticks[-1]) if len(self.ticks) else (None, None)
            raise RunError(f"{self.folder} has no tick at {time_ns} ns; it runs from {first} to {last}")
        number = int(np.searchsorted(self.ticks, time_ns))
        for kind in kinds:
            if kind.checkpointed and self.checkpoint(number) != number:
                kept = int(self.ticks[self.checkpoint(number)])
                raise RunError(
                    f"{self.folder} keeps {kind.table_name} at checkpoints only; the last one is at {kept} ns"
                )
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
