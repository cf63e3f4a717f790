"""Signing with numbers made ready ahead: what of a signature does not need the message is done between messages.

That is most of the work. Where a core is spare it is done there while the program goes on, one number ahead for
each key. Who signs says when (`prepare`): at a time when nobody waits for that core.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np

from wayside.security.batch_signing import SecretNumbers, secret_numbers, sign_batch, sign_prepared
from wayside.security.curves import CurveName
from wayside.security.hashes import sm3_batch
from wayside.security.parts import spare_cores
from wayside.table import I64, U8, U64, Bool

LABEL = b"numbered"  # keeps these secret numbers apart from those that follow from a message


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="numbers")


def numbered_nonces(private_keys: U8, counters: I64) -> U8:
    """Return the secret numbers of signatures, [n, 32]: SM3(private key || label || counter in 8 octets)."""
    told = np.ascontiguousarray(counters.astype(">i8")).view(np.uint8).reshape(-1, 8)
    label = np.frombuffer(LABEL, np.uint8)
    before = np.concatenate([private_keys, np.tile(label, (len(told), 1)), told], axis=1)
    nothing = np.zeros(len(told), np.int64)
    return sm3_batch(np.empty(0, np.uint8), nothing, nothing, before)


def occurrences(rows: I64 | U64) -> I64:
    """Return how often each entry stood before in the array.

    >>> occurrences(np.array([5, 3, 5, 5])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1)) if len(rows) else rows
    found = np.empty(len(rows), np.int64)
    found[order] = np.arange(len(rows)) - np.repeat(begins, np.diff(begins, append=len(rows)))
    return found


class NumberedKeys:
    """Keys of simulated stations, each with its next secret number ready; they sign alike on every machine.

    A secret number follows from the key and how often it has signed, so the same keys must never sign other
    messages from the same count on: two such signatures give the key away. That does not matter where the key
    follows from a seed that is no secret, and forbids this class for all other keys.

    Args:
        curve: of all keys.
    """

    def __init__(self, curve: CurveName) -> None:
        self._curve: CurveName = curve
        self._private: U8 = np.empty((0, 32), np.uint8)
        self._count: I64 = np.empty(0, np.int64)
        self._ready: Bool = np.empty(0, np.bool_)
        self._numbers = SecretNumbers(self._private, np.empty((0, 8), np.uint64), np.empty(0, np.bool_))
        self._pending: Future[None] | None = None

    def __len__(self) -> int:
        return len(self._private)

    def add(self, private_keys: U8) -> None:
        """Add keys, [n, 32]."""
        self._settle()
        more, held = len(private_keys), self._numbers
        self._private = np.concatenate([self._private, private_keys])
        self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
        self._ready = np.concatenate([self._ready, np.zeros(more, np.bool_)])
        self._numbers = SecretNumbers(
            np.concatenate([held.nonces, np.zeros((more, 32), np.uint8)]),
            np.concatenate([held.points, np.zeros((more, 8), np.uint64)]),
            np.concatenate([held.fit, np.zeros(more, np.bool_)]),
        )

    def sign(self, rows: I64, digests: U8) -> U8:
        """Return the signatures of digests, [n, 32], by the keys of these rows, r || s [n, 64]."""
        self._settle()
        place = occurrences(rows)
        held = self._numbers
        numbers = SecretNumbers(held.nonces[rows], held.points[rows], held.fit[rows])
        now = np.flatnonzero((place > 0) | ~self._ready[rows])
        if len(now):
            fresh = secret_numbers(
                self._curve, numbered_nonces(self._private[rows[now]], self._count[rows[now]] + place[now])
            )
            numbers.nonces[now], numbers.points[now], numbers.fit[now] = fresh.nonces, fresh.points, fresh.fit
        keys = self._private[rows]
        signatures, done = sign_prepared(self._curve, keys, digests, numbers)
        if not done.all():  # once in some thousand million times
            signatures[~done] = sign_batch(self._curve, keys[~done], digests[~done])
        signed = np.bincount(rows, minlength=len(self._count))
        self._count += signed
        self._ready[signed > 0] = False
        return signatures

    def prepare(self) -> None:
        """Begin to make ready the next number of each key that has signed since the last call, on a spare core.

        Without one it is done when a message is signed: nothing would be gained.
        """
        if not spare_cores():
            return
        self._settle()
        used = np.flatnonzero(~self._ready & (self._count > 0))
        if len(used):
            self._pending = _worker().submit(self._prepare, used)

    def _prepare(self, rows: I64) -> None:
        """Make ready the next number of each of these keys."""
        fresh = secret_numbers(self._curve, numbered_nonces(self._private[rows], self._count[rows]))
        held = self._numbers
        held.nonces[rows], held.points[rows], held.fit[rows] = fresh.nonces, fresh.points, fresh.fit
        self._ready[rows] = True

    def _settle(self) -> None:
        """Wait for what is being made ready."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None
