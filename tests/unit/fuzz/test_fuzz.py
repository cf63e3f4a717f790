"""The fuzzer: it is deterministic, notices what is wrong, makes it small, and finds nothing in a short run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fuzz.mutators import LONGEST, MUTATORS, crowd, mutate
from fuzz.running import Event, Failure, Grown, Order, Turn, read_inputs, run, written
from fuzz.shrinking import smallest
from fuzz.target import READ, Each, Wrong
from fuzz.targets import GROUPS, Group, target_named
from fuzz.values import spoil, text_of
from fuzz.watching import Summary, watch

ROOT = Path(__file__).parents[3]


class Fragile(Each):
    """Reads everything, but for what the test says."""

    name = "fragile:one"

    def __init__(self, how: str) -> None:
        self.how, self.size = how, 50

    def inputs(self, random: Random, count: int) -> list[bytes]:
        return crowd([b"a frame", b"and another"], random, count)

    def one(self, octets: bytes) -> str:
        if octets.count(b"f") > 1:
            if self.how == "crash":
                return str(1 // 0)
            if self.how == "wrong":
                raise Wrong(f"{octets.hex()} is not what it was")
            if self.how == "slow":
                until = time.thread_time() + 0.02
                while time.thread_time() < until:
                    pass
        return READ


def failures(monkeypatch: pytest.MonkeyPatch, how: str) -> list[Failure]:
    """Run a fragile target alone, and return what was told of it."""
    told: list[Event] = []
    monkeypatch.setitem(GROUPS, "fragile", Group("", 1, lambda: [Fragile(how)]))
    run(Order("1", ("fragile",), 2000, 60.0, rounds=1), told.append)
    assert sum(one.frames for one in told if isinstance(one, Turn)) >= 2000
    return [one for one in told if isinstance(one, Failure)]


def test_a_short_run_finds_nothing() -> None:
    told: list[Event] = []
    run(Order("smoke", ("records", "columns", "messages"), 1500, 60.0, rounds=2), told.append)
    assert [one for one in told if isinstance(one, Failure)] == []
    outcomes = Counter[str]()
    for one in told:
        if isinstance(one, Turn):
            outcomes += one.fed.outcomes
    assert outcomes[READ] > 50 and outcomes["truncated"] > 50 and outcomes["malformed"] > 20


@pytest.mark.slow
def test_a_run_of_all_targets_in_two_processes_finds_nothing() -> None:
    line = [sys.executable, "-m", "fuzz", "--frames", "20000", "--jobs", "2", "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, timeout=280, check=False)
    told = json.loads(done.stdout)
    assert (told["failures"], done.returncode) == ([], 0)
    assert told["frames"] >= 20000 and told["targets"].keys() == GROUPS.keys()


@pytest.mark.parametrize("how", ["crash", "wrong"])
def test_what_breaks_is_told_once_and_made_small(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    (failure,) = failures(monkeypatch, how)
    assert (failure.kind, failure.inputs) == (how, (b"ff",))
    assert "ZeroDivisionError" in failure.what if how == "crash" else "is not what it was" in failure.what


def test_a_slow_call_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.running.SLOW_S", 0.01)
    assert failures(monkeypatch, "slow")[0].kind == "slow"


def test_a_process_that_dies_is_told_with_its_inputs_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.watching._work", _dies)
    monkeypatch.setattr("fuzz.watching.REPLACED", 0)
    (failure,) = watch([Order("1", ("records",), 10, 60.0)], 1 << 20).failures
    assert (failure.kind, failure.what) == ("died", "exit code 3")
    assert (failure.target, failure.inputs, failure.alone) == ("records:csae53-2020", (b"\x12\xb0", b""), False)


def _dies(order: Order, to: Any) -> None:
    assert order.journal is not None
    order.journal.write_text(written("records:csae53-2020", [b"\x12\xb0", b""]))
    sys.exit(3)


def test_memory_that_grows_after_settling_is_a_failure() -> None:
    summary = Summary()
    for number in range(20):
        summary.note(0, Grown("", (100 + number) << 20, number >= 4))
    assert summary.resident == {0: (104 << 20, 119 << 20)}
    assert [one.kind for one in summary.judged(15 << 20).failures] == []
    assert [one.kind for one in summary.judged(14 << 20).failures] == ["memory"]


def test_the_same_seed_gives_the_same_inputs() -> None:
    one, other, third = (target_named("records:csae53-2020").inputs(Random(seed), 60) for seed in (5, 5, 6))
    assert one == other != third


@pytest.mark.parametrize("mutator", MUTATORS, ids=lambda one: one.__name__)
def test_a_mutator_takes_anything_and_changes_something(mutator: Any) -> None:
    random = Random(1)
    for octets in (b"", b"\x00", bytes(range(40))):
        found = {mutator(octets, random, b"other") for _ in range(30)}
        assert any(one != octets for one in found) or not octets
    assert all(len(mutate(bytes(1000), random)) <= LONGEST for _ in range(500))


def test_spoilt_values_stay_json_text_and_leave_what_they_were_made_of() -> None:
    random, value = Random(2), {"bsmFrame": {"msgCnt": 5, "id": "00", "path": [{"lat": 1}, {"lat": 2}]}}
    texts = {text_of(spoil(value, random), random) for _ in range(300)}
    assert len(texts) > 100
    assert value == {"bsmFrame": {"msgCnt": 5, "id": "00", "path": [{"lat": 1}, {"lat": 2}]}}


def test_inputs_that_fail_only_together_stay_together() -> None:
    many = tuple(bytes([n]) * 3 for n in range(40))
    assert smallest(many, lambda some: many[3] in some and many[33] in some) == (many[3], many[33])


def test_inputs_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "case.hex"
    path.write_text(written("records:csae53-2020", [b"", b"\x12"]))
    assert read_inputs(path) == ("records:csae53-2020", (b"", b"\x12"))


def test_a_target_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="csae157-2020"):
        target_named("records:1999")
    with pytest.raises(KeyError, match="columns"):
        target_named("nothing")
