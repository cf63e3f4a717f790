"""Signatures, keys and digests of any octets: the batch kernels beside the library that checks one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np

from fuzz.mutators import BORDERS
from fuzz.target import READ, Together, expect
from wayside.security.batch_verifying import verify_batch
from wayside.security.curves import CurveName, curve_named
from wayside.security.signatures import private_key_from, public_key_of, sign_digest, verify_digest

KEY, DIGEST, SIGNATURE = slice(0, 33), slice(33, 65), slice(65, 129)
LENGTH = 129  # octets of one input: key, digest, r and s
COMPARED = 8  # one in so many is checked by the library too, and each that is found good


class Signatures(Together):
    """Keys, digests and signatures that go together or nearly so."""

    size = 256

    def __init__(self, curve: CurveName) -> None:
        self.name, self.curve = f"signatures:{curve}", curve
        named = curve_named(curve)
        self._numbers = [
            (base + step).to_bytes(32, "big")
            for base in (1, named.order, named.prime, named.order // 2, 1 << 255)
            for step in (-1, 0, 1)
        ]
        self._good = []
        for number in range(16):
            private = private_key_from(curve, bytes((number,)))
            digest = Random(number).randbytes(32)
            self._good.append(public_key_of(curve, private) + digest + sign_digest(curve, private, digest))

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return triples with octets changed, parts of one another, or numbers at the borders of the field."""
        return [self._changed(random) for _ in range(count)]

    def _changed(self, random: Random) -> bytes:
        raw = bytearray(random.choice(self._good))
        match random.randrange(8):
            case 0:
                pass
            case 1:
                raw[:] = random.randbytes(LENGTH)
                raw[0] = random.choice((2, 3))
            case 2 | 3:
                at = random.choice((1, 33, 65, 97))
                raw[at : at + 32] = random.choice(self._numbers)
            case 4:
                part = random.choice((KEY, DIGEST, SIGNATURE))
                raw[part] = random.choice(self._good)[part]
            case 5:
                raw[random.randrange(LENGTH)] = random.choice(BORDERS)
            case _:
                bit = random.randrange(8 * LENGTH)
                raw[bit // 8] ^= 128 >> bit % 8
        return bytes(raw)

    def all(self, inputs: Sequence[bytes]) -> Counter[str]:
        """Check all, and some by the library."""
        rows = np.frombuffer(b"".join(one[:LENGTH].ljust(LENGTH, b"\0") for one in inputs), np.uint8)
        rows = rows.reshape(-1, LENGTH)
        found = verify_batch(self.curve, rows[:, KEY], rows[:, DIGEST], rows[:, SIGNATURE])
        for row, good in enumerate(found.tolist()):
            octets = rows[row].tobytes()
            if good or row % COMPARED == 0:
                other = verify_digest(self.curve, octets[KEY], octets[DIGEST], octets[SIGNATURE])
                expect(good == other, f"the kernel says {good}, the library {other}: {octets.hex()}")
            expect(not good or octets in self._good, f"a signature is good that nobody made: {octets.hex()}")
        return Counter({READ: int(found.sum()), "bad": int((~found).sum())})
