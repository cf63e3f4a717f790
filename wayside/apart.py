"""A World in a process of its own, one tick ahead of the steps that judge it.

While the steps work on one tick, the World is already at the next: on two cores a tick takes as long as the longer
of both, and not their sum. What comes out is the same, to the last octet, as with the World in this process.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.connection import Pipe as pipe
from typing import Any

from wayside.errors import WaysideError
from wayside.frame import Frame
from wayside.messages import Message, Messages
from wayside.operate import COLLECT_EVERY_TICKS, keep_memory
from wayside.outside import Outside
from wayside.table import Table
from wayside.world import Event, Intake

try:
    import fcntl
except ImportError:  # not on Windows, where a World is not run apart
    fcntl = None  # type: ignore[assignment]

PIPE_OCTETS = 1 << 20  # the most that Linux grants without privileges
CLOSING_S = 20.0  # that the process is given to end by itself


def can_be_apart() -> bool:
    """Tell whether this machine has a second core, and hands open connections to a new process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.name == "posix" and cores > 1


def _pipe() -> tuple[Connection, Connection]:
    """Return the two ends of a pipe, to read from and to write to; it takes in a whole tick at once if it can."""
    reads, writes = pipe(duplex=False)
    with contextlib.suppress(OSError, AttributeError):  # not every system has or grants this
        fcntl.fcntl(writes.fileno(), fcntl.F_SETPIPE_SZ, PIPE_OCTETS)
    return reads, writes


class WorldApart:
    """The World of a description, run in a process of its own.

    It polls one tick ahead where that World takes in orders a tick late (`lag_ticks`), and on demand where not.

    Args:
        outside: what to open.

    Raises:
        WaysideError: whatever the World raised when it was opened.
    """

    def __init__(self, outside: Outside) -> None:
        self._hears, says = _pipe()
        hears, self._says = _pipe()
        with says, hears:
            ends = [hears.fileno(), says.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wayside.apart", *map(str, ends)],
                pass_fds=ends,
                start_new_session=True,  # Ctrl-C is for this process, which lets the tick under way end
            )
        self._closed = False
        self.road, self.start_ns, self.tick_ns = outside.road, outside.start_ns, outside.tick_ns
        self._told: list[Event] = []
        self._asked_ns: int | None = None
        try:
            self._says.send(outside)
            about = self._answer()
        except BaseException:
            self._end()
            raise
        self.provides: frozenset[type[Table]] = about["provides"]
        self.obeys: frozenset[type[Table]] = about["obeys"]
        self.speaks: bool = about["speaks"]
        self.lag_ticks: int = about["lag_ticks"]
        self.assets: tuple[Table, ...] = about["assets"]
        self.enrolled: Sequence[tuple[str, str]] = about["enrolled"]

    def poll(self, until_ns: int) -> Intake | None:
        """Return what came in until that instant, and let the World go on to the next; see `World.poll`."""
        if self._closed:
            return None
        if self._asked_ns != until_ns:
            if self._asked_ns is not None:
                raise WaysideError(
                    f"{until_ns} ns was asked for, but a World that runs ahead is at {self._asked_ns} ns"
                )
            self._says.send(("poll", until_ns))
        intake, events = self._answer()
        self._told += events
        self._asked_ns = None
        if intake is not None and self.lag_ticks:
            self._asked_ns = until_ns + self.tick_ns
            self._says.send(("poll", self._asked_ns))
        return intake  # type: ignore[no-any-return]

    def act(self, orders: Frame, messages: Sequence[Message]) -> None:
        """Hand over the tables that the World obeys, and the messages."""
        if not self._closed:
            tables = {kind: orders[kind] for kind in self.obeys if kind in orders}
            self._says.send(("act", Frame.of_canonical(orders.time_ns, tables), Messages.of(messages)))

    def events(self) -> Sequence[Event]:
        """Return what happened since the last call; see `World.events`."""
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Let the process end; may be called twice."""
        if self._closed:
            return
        try:
            if self._asked_ns is not None:
                intake, events = self._answer()
                if intake is None:  # else it is a tick that nobody wants any more
                    self._told += events
            self._says.send(("close",))
            self._told += self._answer()
        except (OSError, WaysideError):
            pass  # it has ended by itself
        finally:
            self._end()

    def _answer(self) -> Any:
        """Return what the process says next, or raise what it raised."""
        try:
            right, value = self._hears.recv()
        except (EOFError, ConnectionResetError):
            code = self._process.wait(CLOSING_S)
            raise WaysideError(f"the World's process ended with code {code}; what it said stands above") from None
        if not right:
            raise value
        return value

    def _end(self) -> None:
        self._closed = True
        self._says.close()
        self._hears.close()
        try:
            self._process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(hears: Connection, says: Connection) -> None:
    """Open the World that is named first and do what is asked, until nobody asks any more."""
    try:
        outside: Outside = hears.recv()
        world = outside.open_world(outside.open_edge())
    except BaseException as error:
        says.send((False, _sendable(error)))
        return
    about = {
        "provides": world.provides,
        "obeys": world.obeys,
        "speaks": world.speaks,
        "lag_ticks": world.lag_ticks,
        "assets": world.assets,
        "enrolled": tuple(getattr(world, "enrolled", ())),
    }
    says.send((True, about))
    # A thread listens, so that neither side ever waits for the other to read while that one does the same.
    wishes: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(hears, wishes), daemon=True).start()
    keep_memory()
    gc.collect()
    gc.disable()
    polled = 0
    try:
        while True:
            match wishes.get():
                case ("poll", until_ns):
                    intake = world.poll(until_ns)
                    says.send((True, (intake, list(world.events()))))
                    polled += 1
                    if polled % COLLECT_EVERY_TICKS == 0:
                        gc.collect(1)
                case ("act", orders, messages):
                    world.act(orders, messages)
                case ("close",):
                    world.close()
                    says.send((True, list(world.events())))
                case _:
                    return
    except (BrokenPipeError, ConnectionResetError):
        return  # nobody listens any more
    except BaseException as error:
        says.send((False, _sendable(error)))
    finally:
        world.close()


def _listen(hears: Connection, wishes: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Put all that comes in into the queue, and an empty wish at its end."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            wishes.put(hears.recv())
    wishes.put(())


def _sendable(error: BaseException) -> BaseException:
    """Return the error, or its words where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        kind = WaysideError if isinstance(error, WaysideError) else RuntimeError
        return kind(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    hears_from, says_to = map(int, sys.argv[1:])
    with Connection(hears_from, writable=False) as asked, Connection(says_to, readable=False) as told:
        serve(asked, told)
