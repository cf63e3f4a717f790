"""Signatures checked and made: the kernels beside OpenSSL and `cryptography`, all in turn within one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.bar import Bar
from wayside.security.batch_signing import public_keys_of, sign_batch
from wayside.security.batch_verifying import PreparedKeys, verify_batch
from wayside.security.curves import CurveName
from wayside.security.hashes import sm3, sm3_batch
from wayside.security.openssl import find_openssl
from wayside.security.plain import PlainPython
from wayside.security.signatures import Backend, backend
from wayside.table import U8

COUNT, ROUNDS = 512, 9
LEAST = {"sm2": 3000.0, "p256": 10_000.0}  # verifications a core-second, the loading of the key included
FIRST_USE = """
import time
import numba, numpy
numba.njit(lambda x: x)(1)
begun = time.process_time()
from wayside.security.batch_signing import public_keys_of, sign_batch
from wayside.security.batch_verifying import verify_batch
one = numpy.ones((1, 32), numpy.uint8)
for curve in ("sm2", "p256"):
    assert verify_batch(curve, public_keys_of(curve, one), one, sign_batch(curve, one, one)).all()
print(time.process_time() - begun)
"""


def signed(name: CurveName) -> tuple[U8, U8, U8, U8]:
    """Return private keys, public keys, digests and signatures."""
    draws = np.random.default_rng(1)
    private, digests = (draws.integers(0, 128, (COUNT, 32), np.uint8) for _ in range(2))
    return private, public_keys_of(name, private), digests, sign_batch(name, private, digests)


def in_turn(calls: dict[str, tuple[int, Callable[[], object]]]) -> dict[str, list[float]]:
    """Return the CPU time of one item in each round [us], the calls taking turns; each call does so many items."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _, call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, (items, call) in calls.items():
            begun = time.process_time_ns()
            call()
            found[name].append((time.process_time_ns() - begun) / 1000 / items)
    return found


def spread(times: list[float]) -> str:
    """Say how far the rounds lay apart."""
    return f"{min(times):.3g} to {max(times):.3g}, median {statistics.median(times):.3g} us"


def one_by_one(made_by: Backend, name: CurveName, items: int) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return calls that verify and sign with a library, one after the other."""
    private, public, digests, signatures = signed(name)
    rows = [
        (private[k].tobytes(), public[k].tobytes(), digests[k].tobytes(), signatures[k].tobytes())
        for k in range(items)
    ]

    def verify() -> None:
        assert all(made_by.verify_digest(name, public, digest, s) for _, public, digest, s in rows)

    def sign() -> None:
        for private, _, digest, _ in rows:
            made_by.sign_digest(name, private, digest)

    return {f"{made_by.name} verify": (items, verify), f"{made_by.name} sign": (items, sign)}


def of_curve(name: CurveName) -> list[Bar]:
    """Measure one curve."""
    private, public, digests, signatures = signed(name)
    keys, rows = PreparedKeys(name, public), np.arange(COUNT)
    calls: dict[str, tuple[int, Callable[[], object]]] = {
        "verify": (COUNT, lambda: verify_batch(name, public, digests, signatures)),
        "prepare": (COUNT, lambda: PreparedKeys(name, public)),
        "prepared": (COUNT, lambda: keys.verify(rows, digests, signatures)),
        "sign": (COUNT, lambda: sign_batch(name, private, digests)),
    }
    libraries: dict[str, Backend] = {b.name: b for b in (backend(name), find_openssl(name))}
    for made_by in libraries.values():
        calls |= one_by_one(made_by, name, 128)
    calls |= one_by_one(PlainPython(), name, 2)
    times = in_turn(calls)
    best = {what: min(each) for what, each in times.items()}
    beside = ", ".join(f"{b} {1e6 / best[f'{b} verify']:.0f}" for b in [*libraries, "pure Python"])
    signing = ", ".join(f"{b} {best[f'{b} sign']:.3g}" for b in [*libraries, "pure Python"])
    known = f"{spread(times['prepared'])}; preparing a key {best['prepare']:.3g} us"
    return [
        Bar(f"{name} verify, key loaded each time", 1e6 / best["verify"], ">=", LEAST[name], "/s",
            f"{spread(times['verify'])}; one at a time: {beside}"),
        Bar(f"{name} verify with a prepared key", 1e6 / best["prepared"], ">=", None, "/s", known),
        Bar(f"{name} sign for a simulated station", best["sign"], "<=", 15.0, "us",
            f"{spread(times['sign'])}; one at a time: {signing}"),
    ]  # fmt: skip


def of_hash() -> Bar:
    """Measure SM3 over messages of 200 octets."""
    octets = np.arange(200 * COUNT, dtype=np.uint8)
    starts, message = 200 * np.arange(COUNT), bytes(200)
    times = in_turn(
        {
            "batch": (COUNT, lambda: sm3_batch(octets, starts, np.full(COUNT, 200))),
            "one": (COUNT, lambda: [sm3(message) for _ in range(COUNT)]),
        }
    )
    beside = f"{spread(times['batch'])}; hashlib one at a time {min(times['one']):.3g} us"
    return Bar("SM3 of 200 octets in a batch", min(times["batch"]), "<=", None, "us", beside)


def _work(times: int) -> tuple[float, float]:
    """Verify the same batch a number of times; return the wall time and the CPU time it took [s]."""
    _, public, digests, signatures = signed("sm2")
    begun, begun_cpu = time.perf_counter(), time.thread_time()
    for _ in range(times):
        verify_batch("sm2", public, digests, signatures)
    return time.perf_counter() - begun, time.thread_time() - begun_cpu


def by_two(pool: Executor) -> tuple[list[float], list[float]]:
    """Return how much more two workers do than one [times], by the wall and by CPU time, in each round."""
    list(pool.map(_work, [1, 1]))
    wall, cpu = [], []
    for _ in range(ROUNDS):
        alone, both = pool.submit(_work, 10).result(), list(pool.map(_work, [10, 10]))
        wall.append(2 * alone[0] / max(b[0] for b in both))
        cpu.append(2 * alone[1] / max(b[1] for b in both))
    return wall, cpu


def first_use(cache: str | None) -> float:
    """Return the CPU time from import to the first signature checked on both curves, in a new process [s]."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache} if cache else dict(os.environ)
    done = subprocess.run([sys.executable, "-c", FIRST_USE], env=environment, capture_output=True, check=True)
    return float(done.stdout)


def measure() -> list[Bar]:
    """Measure both curves, the hash, two workers, and the first use with and without compiled code at hand."""
    bars = [*of_curve("sm2"), *of_curve("p256"), of_hash()]
    for what, pool in (
        ("processes", ProcessPoolExecutor(2, mp_context=get_context("spawn"))),
        ("threads", ThreadPoolExecutor(2)),
    ):
        with pool:
            wall, cpu = by_two(pool)
        # another program on the machine takes from the wall time of two more than from that of one
        beside = f"median of {ROUNDS} rounds, in CPU time; by the wall {min(wall):.3g} to {max(wall):.3g}"
        held = 1.8 if what == "processes" else None
        bars.append(Bar(f"2 {what} beside one, sm2 verify", statistics.median(cpu), ">=", held, "times", beside))
    with tempfile.TemporaryDirectory() as cache:
        cold = first_use(cache)
        warm = [first_use(cache) for _ in range(3)]
    bars.append(
        Bar(
            "first use, compiled before",
            min(warm),
            "<=",
            0.5,
            "s",
            f"CPU time; to {max(warm):.2g} s",
        )
    )
    bars.append(Bar("first use, everything compiled anew", cold, "<=", 15.0, "s", "CPU time; one round"))
    return bars
