"""The keys and certificates of simulated stations: vehicles with pools of pseudonyms, and the roadside.

All of it follows from the Run's seed, so a Run signed again gives the same octets. Certificates are issued when a
station first speaks, many at once. Signatures are made by the batch kernels, which are for simulations only.
"""

from __future__ import annotations

import numpy as np

from wayside.asn1.frames import Frames
from wayside.envelope import Role
from wayside.membership import is_among
from wayside.messages import Messages
from wayside.security.ahead import NumberedKeys, occurrences
from wayside.security.authority import Domain, issue_application, make_domain
from wayside.security.certificates import Certificate, signer_identifier
from wayside.security.curves import CurveName
from wayside.security.hashes import identity_digest, sha256_batch, sm3_batch
from wayside.security.pools import issue_pools
from wayside.security.pseudonyms import certificate_index
from wayside.security.sealing import Unsigned, seal
from wayside.security.times import US, S, tai_of
from wayside.table import I32, I64, U8, U64, Bool

HOUR_NS = 3600 * S
ATTACH_NS = S  # a station sends its whole certificate so often, and its HashedId8 in between


def signed_digests(curve: CurveName, octets: U8, starts: I64, lengths: I64, identities: U8) -> U8:
    """Return what signatures are made over [n, 32].

    Args:
        curve: of the keys.
        octets: where what is signed stands, [octets].
        starts, lengths: of each, [n].
        identities: ZA of each signer (SM2), or the digest of its certificate (P-256) [n, 32].
    """
    if curve == "sm2":
        return sm3_batch(octets, starts, lengths, identities)
    inner = np.concatenate([sha256_batch(octets, starts, lengths), identities], axis=1)
    places = np.arange(len(inner), dtype=np.int64) * inner.shape[1]
    return sha256_batch(inner.reshape(-1), places, np.full(len(inner), inner.shape[1]))


def identity_of(certificate: Certificate) -> bytes:
    """Return what goes into the digest of what its holder signs, 32 octets; see `signed_digests`."""
    if certificate.curve == "sm2":
        return identity_digest(certificate.public_key, signer_identifier(certificate))
    return certificate.digest


class Stations:
    """Signs for the stations of a simulated city.

    Args:
        seed: of the Run.
        start_ns: its first instant [ns since 1970 UTC].
        curve: of all keys.
        pool: pseudonyms of a vehicle.
        change_s: how long a vehicle keeps one [s].

    Attributes:
        domain: the PKI that receivers trust.
    """

    def __init__(self, seed: int, start_ns: int, *, curve: CurveName = "sm2", pool: int, change_s: float) -> None:
        since = start_ns // S * S - 24 * HOUR_NS
        self._since, self._pool, self._change_ns = since, pool, round(change_s * S)
        self.domain = make_domain("simulation.v2x", since, curve=curve, seed=f"simulated {seed}".encode())
        self._stranger: Domain | None = None
        nobody = np.empty(0, np.uint64), np.empty(0, np.int64)
        # of each role the stations in rising order, and the row of each one's first certificate
        self._first: dict[Role, tuple[U64, I64]] = dict.fromkeys(Role, nobody)
        self._met: I64 = np.empty(0, np.int64)  # when the holder of each certificate first spoke
        self._keys = NumberedKeys(curve)
        self._identities: U8 = np.empty((0, 32), np.uint8)
        self._named: U64 = np.empty(0, np.uint64)
        self._certificates = Frames.of([])
        self._attached: I64 = np.empty(0, np.int64)

    @property
    def curve(self) -> CurveName:
        """The curve of all keys."""
        return self.domain.curve

    def sign(self, messages: Messages, stations: U64, roles: U8, aids: I32) -> Messages:
        """Return the messages in envelopes signed by their stations; see `Envelope.seal`."""
        if not len(messages):
            return messages
        rows = self._rows(stations, roles, messages.time_ns)
        attach: Bool = messages.time_ns - self._attached[rows] >= ATTACH_NS
        attach &= occurrences(rows) == 0  # once is enough where a station sends several at once
        self._attached[rows[attach]] = messages.time_ns[attach]
        unsigned = seal(
            Frames(messages.octets, messages.starts),
            aids.astype(np.int64),
            _microseconds(messages.time_ns),
            self._named[rows],
            curve=self.curve,
            certificates=_where(self._certificates, rows, attach),
        )
        frames = unsigned.with_signatures(self._signatures(unsigned, rows))
        return Messages(messages.time_ns, messages.link, frames.octets, frames.starts)

    def prepare(self) -> None:
        """Make ready what the next signatures need, on another core."""
        self._keys.prepare()

    def _signatures(self, unsigned: Unsigned, rows: I64) -> U8:
        octets = unsigned.frames.octets
        places = unsigned.signed, unsigned.signed_length
        digests = signed_digests(self.curve, octets, *places, self._identities[rows])
        return self._keys.sign(rows, digests)

    def _rows(self, stations: U64, roles: U8, time_ns: I64) -> I64:
        """Return the row of the certificate with which each message is signed."""
        rows = np.empty(len(stations), np.int64)
        for role in Role:
            mine = np.flatnonzero(roles == role)
            if not len(mine):
                continue
            who = stations[mine]
            strange = ~is_among(who, self._first[role][0])
            if strange.any():
                self._enrol(role, who[strange], time_ns[mine[strange]])
            known, first = self._first[role]
            rows[mine] = first[known.searchsorted(who)]
            if role != Role.ROADSIDE:
                turn = (time_ns[mine] - self._met[rows[mine]]) // self._change_ns
                rows[mine] += certificate_index(stations[mine], turn, self._pool)
        return rows

    def _enrol(self, role: Role, new: U64, met_ns: I64) -> None:
        """Issue the certificates of stations that speak for the first time, at these instants."""
        once = occurrences(new) == 0
        new, met_ns = new[once], met_ns[once]
        each = 1 if role == Role.ROADSIDE else self._pool
        known, first = self._first[role]
        every = np.concatenate([known, new])
        places = np.concatenate([first, len(self._keys) + np.arange(len(new)) * each])
        order = np.argsort(every)
        self._first[role] = every[order], places[order]
        self._met = np.concatenate([self._met, np.repeat(met_ns, each)])
        names = [f"{identity:016x}" for identity in new.tolist()]
        if role == Role.ROADSIDE:
            held = [issue_application(self.domain, name, self._since) for name in names]
            self._keep(
                np.array([list(one.private_key) for one in held], np.uint8),
                np.array([list(identity_of(one.certificate)) for one in held], np.uint8),
                np.array([list(one.certificate.hashed_id8) for one in held], np.uint8),
                Frames.of([one.certificate.octets for one in held]),
            )
            return
        domain = self.domain if role == Role.VEHICLE else self._strange()
        pools = issue_pools(domain, names, self._since, count=self._pool)
        identities = pools.digests
        if self.curve == "sm2":
            told = zip(pools.public_keys, pools.digests, strict=True)
            each_za = [identity_digest(key.tobytes(), digest.tobytes()) for key, digest in told]
            identities = np.frombuffer(b"".join(each_za), np.uint8).reshape(-1, 32)
        size = pools.octets.shape[1]
        frames = Frames(pools.octets.reshape(-1), np.arange(len(pools) + 1, dtype=np.int64) * size)
        self._keep(pools.private_keys, identities, pools.digests[:, -8:], frames)

    def _strange(self) -> Domain:
        """Return a PKI that nobody trusts."""
        if self._stranger is None:
            self._stranger = make_domain("nowhere", self._since, curve=self.curve, seed=b"nobody's")
        return self._stranger

    def _keep(self, private: U8, identities: U8, named: U8, certificates: Frames) -> None:
        """Add certificates with their keys."""
        self._keys.add(private)
        self._identities = np.concatenate([self._identities, identities])
        numbers = np.ascontiguousarray(named).view(">u8").reshape(-1).astype(np.uint64)
        self._named = np.concatenate([self._named, numbers])
        self._attached = np.concatenate([self._attached, np.full(len(private), -ATTACH_NS, np.int64)])
        known = self._certificates
        starts = np.concatenate([known.starts, known.starts[-1] + certificates.starts[1:]])
        self._certificates = Frames(np.concatenate([known.octets, certificates.octets]), starts)


def _microseconds(time_ns: I64) -> I64:
    """Return instants as the header of a signed message has them [us TAI since 2004]."""
    found = np.empty(len(time_ns), np.int64)
    for instant in dict.fromkeys(time_ns.tolist()):  # one or two at a time
        found[time_ns == instant] = tai_of(instant) // US
    return found


def _where(frames: Frames, rows: I64, wanted: Bool) -> Frames:
    """Return the frames of rows where they are wanted, and empty ones elsewhere."""
    chosen = frames.take(rows[wanted])
    lengths = np.zeros(len(rows), np.int64)
    lengths[wanted] = chosen.lengths
    return Frames(chosen.octets, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
