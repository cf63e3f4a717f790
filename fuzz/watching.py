"""The processes of fuzzing, watched: one that dies or is silent for too long is replaced, and its inputs kept."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from fuzz.running import Event, Failure, Grown, Order, Turn, read_inputs, run, written
from fuzz.shrinking import Inputs, smallest

SILENT_S = 120.0  # a batch that takes longer is stuck
COMPILING_S = 900.0  # but before the first batch is done, everything may have to be compiled
REPLACED = 3  # times a process is replaced


@dataclass
class Row:
    """What a group has done.

    Attributes:
        frames: how many it took.
        seconds: for how long, over all processes [s].
        outcomes: how many came to which end.
        slowest_s: processor time of its slowest call [s]; of a batch, where the call takes batches.
        slowest_target: which target that was.
        grown: resident memory it gained after all had settled [octets].
    """

    frames: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest_target: str = ""
    grown: int = 0


@dataclass
class Summary:
    """What all processes have done.

    Attributes:
        rows: by group.
        failures: what is wrong.
        resident: memory of each process when it had settled, and at its last round [octets].
        wall_s: how long it took [s].
    """

    rows: dict[str, Row] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    resident: dict[int, tuple[int, int]] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def frames(self) -> int:
        """All frames."""
        return sum(row.frames for row in self.rows.values())

    def judged(self, memory: int) -> Summary:
        """Return this with a failure for each process that grew by more than so many octets."""
        for before, after in self.resident.values():
            if after - before > memory:
                words = f"grew from {before >> 20} to {after >> 20} MiB, {memory >> 20} MiB more are allowed"
                self.failures.append(Failure("", "memory", words))
        return self

    def note(self, job: int, event: Event) -> None:
        """Take in what a process tells."""
        match event:
            case Failure():
                self.failures.append(event)
            case Grown(group="", octets=octets, settled=settled):
                if settled:
                    self.resident[job] = (self.resident.get(job, (octets, octets))[0], octets)
            case Grown(group=group, octets=octets, settled=settled):
                if settled:
                    self.rows.setdefault(group, Row()).grown += octets
            case Turn(target=name, frames=frames, seconds=seconds, fed=fed):
                row = self.rows.setdefault(name.partition(":")[0], Row())
                row.frames += frames
                row.seconds += seconds
                row.outcomes += fed.outcomes
                if fed.slowest_s > row.slowest_s:
                    row.slowest_s, row.slowest_target = fed.slowest_s, name


def _work(order: Order, to: Connection) -> None:
    run(order, to.send)
    to.send(None)


class _Job:
    """A process and what it was told to do."""

    def __init__(self, number: int, order: Order) -> None:
        self.number, self.order, self.replaced, self.done = number, order, 0, 0
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=_work, args=(self.order, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.heard, self.warm = time.monotonic(), False

    @property
    def silent(self) -> bool:
        return time.monotonic() - self.heard > (SILENT_S if self.warm else COMPILING_S)

    def replace(self, found: str) -> Failure:
        """Kill the process, start another for the rest, and return what is to be said of the first."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        failure = _post_mortem(self.order.journal, found)
        self.replaced += 1
        left = max(0, self.order.frames - self.done)
        self.order = replace(self.order, seed=f"{self.order.seed}+", frames=left)
        self.done = 0
        return failure


def watch(orders: list[Order], memory: int, progress: Callable[[int], None] = lambda frames: None) -> Summary:
    """Run each order in a process of its own.

    Args:
        orders: one a process.
        memory: by how much a process may grow after it has settled [octets].
        progress: told now and then how many frames were taken.
    """
    summary, began = Summary(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wayside-fuzz-") as folder:
        journals = [Path(folder) / f"{number}.hex" for number in range(len(orders))]
        pairs = zip(orders, journals, strict=True)
        jobs = [_Job(number, replace(order, journal=path)) for number, (order, path) in enumerate(pairs)]
        while jobs:
            ready = wait([job.connection for job in jobs], timeout=1.0)
            for job in list(jobs):
                found = ""
                if job.connection in ready:
                    try:
                        event = job.connection.recv()
                    except EOFError:
                        job.process.join()
                        found = f"died: exit code {job.process.exitcode}"
                    else:
                        if event is None:
                            job.process.join()
                            jobs.remove(job)
                            continue
                        job.heard = time.monotonic()
                        job.warm = job.warm or isinstance(event, Grown)
                        job.done += event.frames if isinstance(event, Turn) else 0
                        summary.note(job.number, event)
                        if isinstance(event, Grown):
                            progress(summary.frames)
                elif job.silent:
                    found = f"stuck: nothing for {time.monotonic() - job.heard:.0f} s"
                if found:
                    summary.failures.append(job.replace(found))
                    if job.replaced <= REPLACED:
                        job.start()
                    else:
                        jobs.remove(job)
    summary.wall_s = time.monotonic() - began
    return summary.judged(memory)


def _post_mortem(journal: Path | None, found: str) -> Failure:
    """Return the failure of a process that is gone, with the inputs that end another one too."""
    kind, _, words = found.partition(": ")
    if journal is None or not journal.exists():
        return Failure("", kind, words, (), False)
    name, inputs = read_inputs(journal)
    case = journal.with_suffix(".case")

    def ends(some: Inputs) -> bool:
        case.write_text(written(name, some), "ascii")
        line = [sys.executable, "-m", "fuzz", "--replay", str(case)]
        try:
            ended = subprocess.run(line, capture_output=True, timeout=SILENT_S, check=False)
        except subprocess.TimeoutExpired:
            return True
        return ended.returncode not in (0, 1)

    alone = ends(inputs)
    return Failure(name, kind, words, smallest(inputs, ends, tries=30, seconds=900) if alone else inputs, alone)
