"""The loop between a World and the steps: poll, decode, tick, encode, act, record."""

from __future__ import annotations

import ctypes
import gc
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from wayside.frame import Frame
from wayside.recorder import Recorder
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.world import Edge, World

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names of glibc's settings in malloc.h
KEPT_OCTETS = 512 * 1024 * 1024
LARGEST_KEPT_OCTETS = 32 * 1024 * 1024  # the greatest that glibc takes
COLLECT_EVERY_TICKS = 50  # the collector runs between ticks, never inside one


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a loop ended.

    Attributes:
        ticks: whole ticks done.
        interrupted: the user stopped it.
        last: the last Frame.
    """

    ticks: int
    interrupted: bool
    last: Frame


class _Stop:
    """Notes the first Ctrl-C, so that the tick under way ends whole; a second one goes through."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def keep_memory() -> None:
    """Ask the C library not to give freed memory back, where it is glibc; it does nothing elsewhere.

    Each tick frees and asks for the same megabytes again. Without this they are unmapped and mapped anew, page by
    page: about a tenth of a tick in a large city.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, KEPT_OCTETS)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_OCTETS)


@contextmanager
def _calm() -> Iterator[_Stop]:
    """Keep the garbage collector and Ctrl-C from breaking into a tick."""
    keep_memory()
    stop = _Stop()
    try:
        earlier = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread; then Ctrl-C does not come here anyway
        earlier = None
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield stop
    finally:
        if collecting:
            gc.enable()
        if earlier is not None:
            signal.signal(signal.SIGINT, earlier)


def operate(
    world: World,
    pipeline: Pipeline,
    *,
    edge: Edge | None,
    recorder: Recorder | None,
    ticks: int,
    first: Frame | None = None,
    on_tick: Callable[[int, Frame], None] | None = None,
) -> Outcome:
    """Run so many ticks, or until the World ends or the user stops it.

    Args:
        world: where it happens.
        pipeline: the steps.
        edge: turns messages into tables and back; None where the World does not speak.
        recorder: takes in every tick; None to keep nothing.
        ticks: how many at most.
        first: the Frame to go on from; None begins anew.
        on_tick: called after each tick with its number and Frame.
    """
    frame = pipeline.first() if first is None else first
    now_ns = world.start_ns if first is None else first.time_ns + world.tick_ns
    clock = time.perf_counter_ns
    done = 0
    with _calm() as stop:
        while done < ticks and not stop.asked:
            timings: dict[str, float] = {}
            begun = clock()
            intake = world.poll(now_ns)
            if intake is None:
                break
            polled = clock()
            arrived: Sequence[Table] = intake.tables
            if edge is not None and world.speaks:
                arrived = (*arrived, *edge.decode(intake.messages, now_ns))
            decoded = clock()
            frame = pipeline.tick(frame, arrived, now_ns, timer=clock, timings=timings)
            ticked = clock()
            messages = edge.encode(frame) if edge is not None else []
            encoded = clock()
            world.act(frame, messages)
            acted = clock()
            timings["world"] = (polled - begun + acted - encoded) / 1e6
            timings["decode"] = (decoded - polled) / 1e6
            timings["tick"] = (ticked - decoded) / 1e6
            timings["encode"] = (encoded - ticked) / 1e6
            if recorder is not None:
                recorder.record(frame, timings, world.events())
                recorder.note_timing("store", (clock() - acted) / 1e6)
            done += 1
            if on_tick is not None:
                on_tick(done, frame)
            if done % COLLECT_EVERY_TICKS == 0:
                gc.collect(1)
            now_ns += world.tick_ns
    return Outcome(done, stop.asked, frame)
