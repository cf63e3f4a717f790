"""Proven signers as columns, to judge a tick's messages at once.

A message names its signer by HashedId8. What judging it takes of the signer's certificate (key, identity, times,
permissions, regions) is laid out here once, when its chain is proven, and looked up for many messages by one search.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wayside.security.certificates import Certificate
from wayside.security.chains import Chain
from wayside.security.curves import CurveName, curve_named
from wayside.security.hashes import identity_digest
from wayside.security.refusals import Refusal, TrustFault
from wayside.security.regions import place_in
from wayside.security.trust import CAPACITY, TrustStore
from wayside.table import F64, I64, U8, U64, Bool


class Signers:
    """The signers a receiver has proven.

    A store that forgets (a new list came) empties this at its next use. Beyond `capacity` it is emptied and
    filled anew.

    Attributes:
        ids: HashedId8 of each as a number, rising [n].
        public_keys: compressed [n, 33].
        identities: what is hashed before a message: ZA for SM2, the certificate's digest for P-256 [n, 32].
        sm2: whether the key is on SM2, else on P-256 [n].
        start_ns, end_ns: from when to when its whole chain holds [ns since 1970 UTC, n].
    """

    def __init__(self, store: TrustStore, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._empty()

    def _empty(self) -> None:
        self._generation = self._store.generation
        self._chains: dict[int, Chain] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        order = sorted(self._chains)
        chains = [self._chains[one] for one in order]
        own = [chain.certificates[0] for chain in chains]
        self.ids: U64 = np.array(order, np.uint64)
        self.public_keys: U8 = _rows([one.public_key for one in own], 33)
        self.identities: U8 = _rows([_identity(one) for one in own], 32)
        self.sm2: Bool = np.array([one.curve == "sm2" for one in own], np.bool_)
        self.start_ns: I64 = np.array([chain.start_ns for chain in chains], np.int64)
        self.end_ns: I64 = np.array([chain.end_ns for chain in chains], np.int64)
        self._aids = [frozenset(one.permissions) for one in own]
        self._regions = [tuple(c.region for c in chain.certificates if c.region is not None) for chain in chains]

    def __len__(self) -> int:
        return len(self.ids)

    def learn(self, certificates: Mapping[int, Certificate], time_ns: int) -> dict[int, Refusal]:
        """Prove certificates that came with messages and take in those that hold.

        Args:
            certificates: by HashedId8 as a number.
            time_ns: the instant [ns since 1970 UTC].

        Returns:
            Why the others are refused, by HashedId8.
        """
        self._current()
        if len(self._chains) + len(certificates) > self._capacity:
            self._empty()
        refused, added = dict[int, Refusal](), False
        for key, one in certificates.items():
            if key in self._chains:
                continue
            chain = self._store.chain_of(one, time_ns)
            if isinstance(chain, Refusal):
                refused[key] = chain
            else:
                self._chains[key], added = chain, True
        if added:
            self._lay_out()
        return refused

    def _current(self) -> None:
        if self._generation != self._store.generation:
            self._empty()

    def rows(self, signers: U64) -> I64:
        """Return the row of each signer, -1 for those not known [k]."""
        self._current()
        if not len(self.ids):
            return np.full(len(signers), -1, np.int64)
        place = np.minimum(np.searchsorted(self.ids, signers), len(self.ids) - 1)
        return np.where(self.ids[place] == signers, place, -1)

    def faults(self, rows: I64, aids: I64, time_ns: I64, latitude: F64, longitude: F64) -> U8:
        """Return why each message is refused before its signature is looked at, as `TrustFault`; 0 if it is not.

        Args:
            rows: from `rows` [k].
            aids: application of each message [k].
            time_ns: instant it was made [ns since 1970 UTC, k].
            latitude, longitude: where its content says to be [degrees, k]; NaN leaves out the question.
        """
        found = np.zeros(len(rows), np.uint8)
        known = rows >= 0
        found[~known] = TrustFault.UNKNOWN_SIGNER
        some = np.flatnonzero(known)
        mine = rows[some]
        allowed = np.array([int(aid) in self._aids[row] for aid, row in zip(aids[some], mine, strict=True)], np.bool_)
        found[some[~allowed]] = TrustFault.NOT_PERMITTED
        inside = [
            np.isnan(north) or all(place_in(region, (float(north), float(east)), boxes) for region in self._regions[row])
            for north, east, row, boxes in zip(
                latitude[some], longitude[some], mine, [self._store.boxes] * len(some), strict=True
            )
        ]
        found[some[~np.array(inside, np.bool_)]] = TrustFault.OUTSIDE_REGION
        found[some[time_ns[some] < self.start_ns[mine]]] = TrustFault.NOT_YET_VALID
        found[some[time_ns[some] >= self.end_ns[mine]]] = TrustFault.EXPIRED
        return found

    def curve(self, row: int) -> CurveName:
        """Return the curve of a signer's key."""
        return "sm2" if self.sm2[row] else "p256"


def _identity(certificate: Certificate) -> bytes:
    if curve_named(certificate.curve).name == "sm2":
        return identity_digest(certificate.public_key, certificate.digest)
    return certificate.digest


def _rows(octets: list[bytes], width: int) -> U8:
    found: Any = np.frombuffer(b"".join(octets), np.uint8).reshape(-1, width)
    return np.asarray(found, np.uint8)
