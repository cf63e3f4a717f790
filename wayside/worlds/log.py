"""The road log: a stored Run is polled as if it were happening."""

from __future__ import annotations

from collections.abc import Sequence

from wayside.declared import declared_tables
from wayside.frame import Frame
from wayside.messages import Message
from wayside.run import Run, RunError
from wayside.table import Table
from wayside.world import Event, Intake


class LogWorld:
    """Gives the tables that came from outside when the Run was recorded; Orders have no effect on it.

    Args:
        run: the Run to replay.
        since_ns: the first tick to give; None for the Run's first.

    Raises:
        RunError: the Run does not say which tables came from outside, or has no such tick.
    """

    speaks = False
    obeys: frozenset[type[Table]] = frozenset()
    lag_ticks = 0

    def __init__(self, run: Run, *, since_ns: int | None = None) -> None:
        known = {kind.table_name: kind for kind in declared_tables().values()}
        names = run.manifest.get("given")
        if names is None:
            raise RunError(f"{run.folder}: its manifest has no `given`, so it cannot be replayed")
        missing = sorted(set(names) - known.keys())
        if missing:
            raise RunError(f"{run.folder} holds tables this Wayside does not have: {missing}")
        self.provides: frozenset[type[Table]] = frozenset(known[name] for name in names)
        self.road = run.road
        self.assets: tuple[Table, ...] = tuple(run.asset(known[name]) for name in run.manifest.get("assets", []))
        ticks = run.ticks
        if not len(ticks) or (since_ns is not None and since_ns not in ticks):
            raise RunError(
                f"{run.folder} has no tick at {since_ns} ns" if len(ticks) else f"{run.folder} is empty"
            )
        self.start_ns = int(ticks[0]) if since_ns is None else since_ns
        self.tick_ns = int(run.manifest["tick_ns"])
        kinds = sorted(self.provides, key=lambda kind: kind.table_name)
        self._frames = run.frames(kinds, since_ns=self.start_ns)
        self._events = sorted((e for e in run.events if e.time_ns >= self.start_ns), key=lambda e: e.time_ns)
        self._now_ns = self.start_ns - self.tick_ns

    def poll(self, until_ns: int) -> Intake | None:
        """Return the next tick's tables; None after the last."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._now_ns = frame.time_ns
        if frame.time_ns != until_ns:
            raise RunError(f"the log's next tick is at {frame.time_ns} ns, but {until_ns} ns was asked for")
        return Intake(frame.time_ns, (), tuple(frame.values()))

    def act(self, orders: Frame, messages: Sequence[Message]) -> None:
        """Do nothing: the past does not change."""

    def events(self) -> Sequence[Event]:
        """Return what the Run's log says happened up to the last tick given, once."""
        told = [event for event in self._events if event.time_ns <= self._now_ns]
        self._events = self._events[len(told) :]
        return told

    def close(self) -> None:
        """Let go of the Run."""
        self._frames = iter(())
