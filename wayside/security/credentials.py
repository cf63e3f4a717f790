"""What a receiver knows of the certificates it has met: whose they are, whether they hold, and their keys.

A certificate is parsed and its chain proven once; from then on its row answers by its HashedId8. The store is
bounded: the certificates not heard of for longest make room for new ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from wayside.numbering import UNKNOWN, Numbering
from wayside.security.batch_verifying import PreparedKeys
from wayside.security.certificates import Certificate, CertificateError
from wayside.security.refusals import Refusal, TrustFault
from wayside.security.regions import Place
from wayside.security.sealed import Scheme, SignerForm
from wayside.security.stations import identity_of
from wayside.security.tables import SignatureState
from wayside.security.times import US, tai_of
from wayside.security.trust import FUTURE_NS, PAST_NS, TrustStore
from wayside.table import I64, U8, U64, Bool

NO_AID = -2  # no application has this number, nor has a message without one
LATEST = np.iinfo(np.int64).max
STATE_OF = {
    TrustFault.UNREADABLE: SignatureState.MALFORMED,
    TrustFault.UNKNOWN_SIGNER: SignatureState.UNTRUSTED,  # an issuer that nobody knows
    TrustFault.BAD_SIGNATURE: SignatureState.BAD,
    TrustFault.EXPIRED: SignatureState.EXPIRED,
    TrustFault.NOT_YET_VALID: SignatureState.NOT_YET_VALID,
    TrustFault.OUTSIDE_REGION: SignatureState.OUTSIDE_REGION,
    TrustFault.REVOKED: SignatureState.REVOKED,
    TrustFault.UNTRUSTED_ROOT: SignatureState.UNTRUSTED,
    TrustFault.STALE: SignatureState.STALE,
}  # all others: the certificate, or its chain, does not permit it
_DIGEST, _CERTIFICATE = int(SignerForm.DIGEST), int(SignerForm.CERTIFICATE)  # numbers, as kernels take them
_VALID, _UNCHECKED = int(SignatureState.VALID), int(SignatureState.UNCHECKED)
_UNTRUSTED, _UNKNOWN_SIGNER = int(SignatureState.UNTRUSTED), int(SignatureState.UNKNOWN_SIGNER)
_STALE, _EXPIRED = int(SignatureState.STALE), int(SignatureState.EXPIRED)
_NOT_YET_VALID, _NOT_PERMITTED = int(SignatureState.NOT_YET_VALID), int(SignatureState.NOT_PERMITTED)


class Credentials:
    """Certificates of senders by HashedId8.

    Args:
        trust: who is trusted.
        capacity: certificates kept; about 2.5 KiB each.

    Attributes:
        state: what is wrong with each row's certificate; VALID where nothing is.
        scheme: by which its holder signs; NONE where the certificate is not trusted.
        identity: what goes into the digests of what its holder signs, see `stations.signed_digests` [rows, 32].
        verified_ns: when a signature of its holder was last found good.
        bad_ns: when one in its name was last found bad; 0 never.
        proofs: chains proven so far.
    """

    def __init__(self, trust: TrustStore, capacity: int = 8192) -> None:
        self._trust = trust
        self._names = Numbering()  # of HashedId8
        self._row_of: I64 = np.full(capacity + 1, UNKNOWN, np.int64)  # by that number; the last one is nobody's
        self._certificates: list[Certificate | None] = [None] * capacity
        self._keys: dict[str, PreparedKeys] = {}
        self._aids: I64 = np.full((capacity, 1), NO_AID, np.int64)  # of the applications of each row
        self._free = list(range(capacity - 1, -1, -1))
        self._heard_ns: I64 = np.zeros(capacity, np.int64)
        self.state: U8 = np.zeros(capacity, np.uint8)
        self.scheme: U8 = np.zeros(capacity, np.uint8)
        self.identity: U8 = np.zeros((capacity, 32), np.uint8)
        self.start_ns: I64 = np.zeros(capacity, np.int64)
        self.end_ns: I64 = np.zeros(capacity, np.int64)
        self.verified_ns: I64 = np.zeros(capacity, np.int64)
        self.bad_ns: I64 = np.zeros(capacity, np.int64)
        self.proofs = 0
        self._generation = trust.generation

    def renew(self) -> None:
        """Forget everything if what is trusted has changed, such as by a list of revoked certificates."""
        if self._generation != self._trust.generation:
            self._generation = self._trust.generation
            self._free += self._row_of[: len(self._names)].tolist()
            self._names = Numbering()

    def rows(self, named: U64) -> I64:
        """Return the row of each certificate, by HashedId8; UNKNOWN where it has not been met."""
        return self._row_of[self._names.find(named)]

    def hear(self, rows: I64, time_ns: int) -> None:
        """Note that these were heard now."""
        self._heard_ns[rows] = time_ns

    def add(self, octets: bytes, named: int, time_ns: int) -> int:
        """Prove a certificate that came along with a message, and return its row.

        Args:
            octets: the certificate.
            named: its HashedId8.
            time_ns: now.
        """
        if not self._free:
            self._forget()
        row = self._free.pop()
        self._row_of[self._names.add(np.array([named], np.uint64))] = row
        self._heard_ns[row], self.verified_ns[row], self.bad_ns[row] = time_ns, 0, 0
        self._certificates[row], self._aids[row], self.scheme[row] = None, NO_AID, Scheme.NONE
        self.start_ns[row], self.end_ns[row] = 0, LATEST
        try:
            certificate = Certificate.parse(octets)
        except CertificateError:
            self.state[row] = SignatureState.MALFORMED
            return row
        if int.from_bytes(certificate.hashed_id8, "big") != named:
            self.state[row] = SignatureState.MALFORMED  # not the canonical octets
            return row
        self.proofs += 1
        chain = self._trust.chain_of(certificate, time_ns)
        self.state[row] = SignatureState.VALID
        if isinstance(chain, Refusal):
            self.state[row] = STATE_OF.get(chain.fault, SignatureState.NOT_PERMITTED)
            return row
        self._certificates[row] = certificate
        self._permit(row, list(certificate.permissions))
        self.start_ns[row] = max(one.start_ns for one in chain.certificates)
        self.end_ns[row] = min(one.end_ns for one in chain.certificates)
        self.scheme[row] = Scheme.SM2 if certificate.curve == "sm2" else Scheme.P256
        self.identity[row] = np.frombuffer(identity_of(certificate), np.uint8)
        keys = self._keys.get(certificate.curve)
        if keys is None:
            keys = self._keys[certificate.curve] = PreparedKeys.none(certificate.curve, len(self.state))  # type: ignore[arg-type]
        keys.replace(np.array([row]), np.frombuffer(certificate.public_key, np.uint8)[None])
        return row

    def states(self, rows: I64, forms: U8, aids: I64, made_us: I64, time_ns: int) -> U8:
        """Return UNCHECKED for each message whose certificate lets it be, else what is wrong (`SignatureState`).

        Args:
            rows: of the certificates of the messages.
            forms: how each names its certificate (`SignerForm`).
            aids: application of each.
            made_us: when each says to have been made [us TAI since 2004]; below zero where it does not.
            time_ns: now.
        """
        now_us = tai_of(time_ns) // US
        told = self.state, self.start_ns, self.end_ns, self._aids
        earliest, latest = now_us - PAST_NS // US, now_us + FUTURE_NS // US
        return np.asarray(_states(rows, forms, aids, made_us, *told, time_ns, earliest, latest))

    def _permit(self, row: int, aids: list[int]) -> None:
        """Note for which applications a row's certificate may sign."""
        missing = len(aids) - self._aids.shape[1]
        if missing > 0:
            self._aids = np.pad(self._aids, ((0, 0), (0, missing)), constant_values=NO_AID)
        self._aids[row, : len(aids)] = aids

    def outside(self, row: int, place: Place) -> bool:
        """Tell whether a place [degrees] lies outside the region of a row's certificate."""
        certificate = self._certificates[row]
        return (
            certificate is not None
            and self._trust.certificate_fault(certificate, int(self._heard_ns[row]), place) is not None
        )

    def verify(self, curve: str, rows: I64, digests: U8, signatures: U8) -> Bool:
        """Return for each signature whether it is that of the digest by the row's key."""
        keys = self._keys.get(curve)
        return np.zeros(len(rows), np.bool_) if keys is None else keys.verify(rows, digests, signatures)

    def _forget(self) -> None:
        """Make room: forget the quarter that was not heard for longest."""
        named, rows = self._names.keys, self._row_of[: len(self._names)]
        order = np.lexsort((named, self._heard_ns[rows]))
        gone, left = order[: len(order) // 4 + 1], np.sort(order[len(order) // 4 + 1 :])
        self._free += rows[gone].tolist()
        self._names = Numbering()
        self._row_of[self._names.add(named[left])] = rows[left]


@numba.njit(cache=True)
def _states(
    rows: I64,
    forms: U8,
    aids: I64,
    made_us: I64,
    known: U8,
    start_ns: I64,
    end_ns: I64,
    permitted: I64,
    time_ns: int,
    earliest_us: int,
    latest_us: int,
) -> U8:
    states = np.empty(len(rows), np.uint8)
    for n in range(len(rows)):
        row, made = rows[n], made_us[n]
        if forms[n] != _DIGEST and forms[n] != _CERTIFICATE:
            states[n] = _UNTRUSTED
        elif row == UNKNOWN:
            states[n] = _UNKNOWN_SIGNER
        elif known[row] != _VALID:
            states[n] = known[row]
        elif made >= 0 and not earliest_us <= made <= latest_us:
            states[n] = _STALE
        elif start_ns[row] > time_ns:
            states[n] = _NOT_YET_VALID
        elif end_ns[row] <= time_ns:
            states[n] = _EXPIRED
        else:
            states[n] = _NOT_PERMITTED
            for aid in permitted[row]:
                if aid == aids[n]:
                    states[n] = _UNCHECKED
    return states


def first_rows(numbers: Sequence[int]) -> dict[int, int]:
    """Return the place at which each number stands first.

    >>> first_rows([7, 8, 7])
    {7: 0, 8: 1}
    """
    return {number: place for place, number in reversed(list(enumerate(numbers)))}
