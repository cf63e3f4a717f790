"""One process of fuzzing: batch after batch, each outcome counted, each exception looked into."""

from __future__ import annotations

import gc
import re
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

from fuzz.shrinking import Inputs, smallest
from fuzz.target import Fed, Target
from fuzz.targets import GROUPS, target_named

WARM = 40  # inputs of each target before anything counts
SLOW_S = 2.0  # a call that takes longer is a failure
MOST_FAILURES = 5  # different ones of a group, after which it is left alone


@dataclass(frozen=True)
class Order:
    """What a process is to do.

    Attributes:
        seed: from which all chance follows.
        groups: names of the groups.
        frames: how many in all.
        seconds: for how long at most.
        rounds: every group has its turn so often; after a quarter of them the growth of memory counts.
        journal: where the inputs stand that are being fed, for whoever finds the process dead; None: nowhere.
    """

    seed: str
    groups: tuple[str, ...]
    frames: int
    seconds: float
    rounds: int = 20
    journal: Path | None = None


@dataclass(frozen=True)
class Turn:
    """A batch is done.

    Attributes:
        target: its name.
        frames: how many there were.
        seconds: how long it took, the making of inputs included [s].
        fed: what became of them.
    """

    target: str
    frames: int
    seconds: float
    fed: Fed


@dataclass(frozen=True)
class Grown:
    """Resident memory after the turn of a group, or of all in a round if `group` is empty.

    Attributes:
        octets: by how much it grew during that turn; for a whole round, how much there is.
        settled: it counts.
    """

    group: str
    octets: int
    settled: bool


@dataclass(frozen=True)
class Failure:
    """Something is wrong.

    Attributes:
        target: where.
        kind: `crash` (an exception that is not a documented one), `wrong` (two ways disagree), `slow`, `stuck`,
            `died` or `memory`.
        what: in words.
        inputs: that show it, made small.
        alone: they show it to a new target too; if not, what was kept from earlier inputs matters.
    """

    target: str
    kind: str
    what: str
    inputs: Inputs = ()
    alone: bool = True


Event = Turn | Grown | Failure


def resident() -> int:
    """Return how much memory of this process is resident [octets]; where that is not told, the most so far."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def mark_of(error: BaseException) -> tuple[str, str]:
    """Return the kind of a failure, and words that are the same for the same fault."""
    last = [one for one in traceback.extract_tb(error.__traceback__) if "site-packages" not in one.filename][-1:]
    place = "".join(f"{Path(one.filename).name}:{one.lineno}" for one in last)
    if type(error).__name__ == "Wrong":
        return "wrong", re.sub(r"[0-9a-f]{3,}|\d+|'.*'", "_", str(error))[:60]
    return "crash", f"{type(error).__name__} at {place}"


def run(order: Order, tell: Callable[[Event], None]) -> None:
    """Feed all targets of an order; what happens is told as it does."""
    _Process(order, tell).run()


class _Process:
    def __init__(self, order: Order, tell: Callable[[Event], None]) -> None:
        self._order, self._tell = order, tell
        self._random = Random(order.seed)
        self._found: Counter[tuple[str, str, str]] = Counter()
        self._until = time.monotonic() + order.seconds

    def run(self) -> None:
        order = self._order
        members = {name: list(GROUPS[name].make()) for name in order.groups}
        for targets in members.values():
            for target in targets:
                self._turn(target, WARM, warm=True)
        queues = {name: cycle(targets) for name, targets in members.items()}
        whole = sum(GROUPS[name].share for name in order.groups)
        done = dict.fromkeys(order.groups, 0)
        for number in range(order.rounds):
            for name, queue in queues.items():
                due = round(order.frames * GROUPS[name].share / whole * (number + 1) / order.rounds)
                before = resident()
                while done[name] < due and not self._over(name):
                    target = next(queue)
                    done[name] += self._turn(target, min(target.size, due - done[name]))
                self._tell(Grown(name, resident() - before, number >= order.rounds // 4))
            self._tell(Grown("", resident(), number >= order.rounds // 4 - 1))

    def _over(self, group: str) -> bool:
        many = sum(mark[0] == group for mark in self._found) >= MOST_FAILURES
        return many or time.monotonic() > self._until

    def _turn(self, target: Target, count: int, *, warm: bool = False) -> int:
        """Feed one batch; return how many inputs there were."""
        before = time.monotonic()
        inputs = tuple(target.inputs(self._random, count))
        if self._order.journal is not None:
            self._order.journal.write_text(written(target.name, inputs), "ascii")
        try:
            fed = target.feed(inputs)
        except Exception as error:
            self._look_into(target, inputs, error)
            fed = self._one_by_one(target, inputs)
        if warm:
            fed.slowest_s, fed.slowest = 0.0, ()  # it compiles, and makes what is made once
        if fed.slowest_s > SLOW_S:
            self._slow(target, fed)
        fed.slowest = ()
        self._tell(Turn(target.name, len(inputs), time.monotonic() - before, fed))
        return max(1, len(inputs))

    def _one_by_one(self, target: Target, inputs: Inputs) -> Fed:
        """Feed the inputs of a failed batch each alone, so that the others are not lost."""
        whole = Fed()
        for octets in inputs:
            try:
                fed = target.feed((octets,))
            except Exception as error:
                self._look_into(target, (octets,), error)
                fed = Fed(Counter({"failed": 1}))
            whole.outcomes += fed.outcomes
            if fed.slowest_s > whole.slowest_s:
                whole.slowest_s, whole.slowest = fed.slowest_s, fed.slowest
        return whole

    def _known(self, target: Target, kind: str, words: str) -> bool:
        """Tell whether a failure was met before, and note it."""
        mark = (target.name.partition(":")[0], kind, words)
        self._found[mark] += 1
        return self._found[mark] > 1

    def _look_into(self, target: Target, inputs: Inputs, error: Exception) -> None:
        kind, words = mark_of(error)
        if self._known(target, kind, words):
            return

        def fails(some: Sequence[bytes]) -> bool:
            try:
                (target_named(target.name) if target.keeps else target).feed(some)
            except Exception as other:
                return mark_of(other) == (kind, words)
            return False

        alone = fails(inputs)
        small = smallest(inputs, fails, head=target.head) if alone else inputs
        lines = "".join(traceback.format_exception(error)).strip().splitlines()
        self._tell(Failure(target.name, kind, "\n".join([words, *lines[-9:]])[:3000], small, alone))

    def _slow(self, target: Target, fed: Fed) -> None:
        if not self._known(target, "slow", ""):

            def slow(some: Sequence[bytes]) -> bool:
                return target.feed(some).slowest_s > SLOW_S

            small = smallest(fed.slowest, slow, head=target.head, tries=40)
            words = f"a call took {fed.slowest_s:.1f} s of processor time, at most {SLOW_S:g} s are allowed"
            self._tell(Failure(target.name, "slow", words, small))


def written(name: str, inputs: Sequence[bytes]) -> str:
    """Return inputs as lines of hex behind the name of the target they are for."""
    return "\n".join([f"# {name}", *(one.hex() or "-" for one in inputs)]) + "\n"


def read_inputs(path: Path) -> tuple[str, Inputs]:
    """Return the name of a target and its inputs, as `written` wrote them."""
    head, *lines = path.read_text("ascii").splitlines()
    return head.removeprefix("#").strip(), tuple(bytes.fromhex(one.replace("-", "")) for one in lines)
