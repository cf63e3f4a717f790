"""Signed messages in batches: how fast they are read and written, beside the record codec in the same run."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from benchmarks.bar import Bar
from wayside.asn1.frames import Frames
from wayside.security.certificates import assemble, issue_value
from wayside.security.objects import decode_object
from wayside.security.sealed import open_all
from wayside.security.sealing import seal

COUNT, ROUNDS = 10_000, 7


def _rates(work: Callable[[], object], count: int) -> tuple[float, str]:
    """Return the best rate of several rounds [1/s], and the worst in words."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        work()
        seconds.append(perf_counter() - begun)
    return count / min(seconds), f"best of {ROUNDS}, worst {count / max(seconds):.3g}/s"


def measure() -> list[Bar]:
    """Return the rates of frames with a message of 52 octets, signed with SM2."""
    payloads = Frames.of([bytes(range(52))] * COUNT)
    aids, instants = np.full(COUNT, 111), np.arange(COUNT) + 10**14
    signers = np.arange(COUNT).astype(np.uint64)
    said = issue_value(
        identity={"linkageData": {"iCert": 5, "linkage-value": "00" * 9}},
        start_ns=1_735_689_600_000_000_000,
        duration={"hours": 168},
        curve="sm2",
        public_key=b"\2" * 33,
        permissions={111: None},
    )
    certificate = assemble(said, None, "sm2", bytes(64)).octets
    certificates = Frames.of([certificate if row % 10 == 0 else b"" for row in range(COUNT)])
    digests = seal(payloads, aids, instants, signers).frames
    mixed = seal(payloads, aids, instants, signers, certificates=certificates).frames
    few = list(digests)[:1000]
    bars = []
    for what, work, count, bar in (
        ("signed frames read, signer by digest", lambda: open_all(digests), COUNT, 1e6),
        ("signed frames read, every tenth with its certificate", lambda: open_all(mixed), COUNT, 1e6),
        ("signed frames written up to the signature", lambda: seal(payloads, aids, instants, signers), COUNT, 5e5),
        ("signed frames read by the record codec", lambda: [decode_object(o, "signed") for o in few], 1000, None),
    ):
        rate, beside = _rates(work, count)
        bars.append(Bar(what, rate, ">=", bar, "frames/s", beside))
    return bars
