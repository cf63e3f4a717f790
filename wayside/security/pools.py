"""Pools of pseudonyms: many certificates for many vehicles, issued at once.

A vehicle gets `count` pseudonyms for each i-period. They differ in six fields of fixed size, so one is
encoded by the codec and the others are that one with the fields put in; hashes and signatures are made by the
batch kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wayside.errors import WaysideError
from wayside.security.authority import HOLDER_SERIES, HOUR_NS, VEHICLE_AIDS, Domain, Keys
from wayside.security.batch_signing import below_rows, public_keys_of, sign_batch
from wayside.security.certificates import Certificate, assemble, issue_value, signer_identifier
from wayside.security.curves import CurveName, curve_named
from wayside.security.hashes import identity_digest, sha256_batch, sm3_batch
from wayside.security.linkage import MOST_PERIODS, RULES, SEED_OCTETS, VALUE_OCTETS, linkage_values, seeds_after
from wayside.security.objects import encode_object
from wayside.security.signed import Holder
from wayside.security.times import S, tai_of
from wayside.table import I64, U8, U64

COUNT = 20  # pseudonyms of a vehicle in a period, as in the SCMS
PERIOD_HOURS = 7 * 24  # an i-period
OVERLAP_HOURS = 1  # a period's pseudonyms hold so much longer


class PoolError(WaysideError):
    """A pool cannot be issued as asked; the text says what is wrong."""


@dataclass(frozen=True, eq=False)
class Pools:
    """Pseudonyms of many vehicles: rows by vehicle, then i-period, then number within it.

    Attributes:
        vehicles: their names, which stand in no certificate.
        curve: of all keys.
        first: the first i-period.
        periods: how many i-periods.
        count: pseudonyms of a vehicle in a period.
        octets: the certificates [n, size].
        digests: of the certificates: what an SM2 signature takes for the signer's identity [n, 32].
        public_keys: compressed [n, 33].
        private_keys: never to be written or printed [n, 32].
        start_ns, end_ns: from when to when each holds [ns since 1970 UTC, n].
    """

    vehicles: tuple[str, ...]
    curve: CurveName
    first: int
    periods: int
    count: int
    octets: U8
    digests: U8
    public_keys: U8
    private_keys: U8 = field(repr=False)
    start_ns: I64
    end_ns: I64

    def __len__(self) -> int:
        return len(self.octets)

    @property
    def hashed_id8(self) -> U64:
        """What messages name each certificate by, as a number, greatest octet first [n]."""
        last = np.ascontiguousarray(self.digests[:, -8:]).view(">u8")
        return last.reshape(-1).astype(np.uint64)

    def row(self, vehicle: I64, period: I64 | int, index: I64) -> I64:
        """Return the rows of certificates.

        Args:
            vehicle: places in `vehicles` [k].
            period: i-periods.
            index: numbers within the period, from 0 [k]; see `pseudonyms.certificate_index`.

        Raises:
            PoolError: a period has no certificates here.
        """
        place = np.asarray(period) - self.first
        if np.any(place < 0) or np.any(place >= self.periods):
            raise PoolError(f"pseudonyms are for the periods {self.first} to {self.first + self.periods - 1}")
        return np.asarray((np.asarray(vehicle) * self.periods + place) * self.count + index, np.int64)

    def certificate(self, row: int) -> Certificate:
        """Return one certificate."""
        return Certificate.parse(self.octets[row].tobytes())

    def holder(self, row: int) -> Holder:
        """Return one certificate with its key."""
        return Holder(self.certificate(row), self.private_keys[row].tobytes())


def _private_keys(keys: Keys, curve: CurveName, vehicles: Sequence[str], first: int, each: int) -> U8:
    """Return keys [n, 32]: of each vehicle `each`, beginning with the number `first`."""
    found = np.empty((len(vehicles) * each, 32), np.uint8)
    numbers = np.arange(first, first + each)
    for place, vehicle in enumerate(vehicles):
        secret = np.frombuffer(keys.secret(f"pseudonyms {vehicle}"), np.uint8)
        rows, tail = found[place * each : (place + 1) * each], np.zeros(each, ">u4")
        left = np.arange(each)
        while left.size:
            told = np.concatenate([numbers[left].astype(">u4")[:, None], tail[left][:, None]], axis=1)
            before = np.concatenate([np.tile(secret, (len(left), 1)), told.view(np.uint8)], axis=1)
            nothing = np.zeros(len(left), np.int64)
            rows[left] = sm3_batch(np.empty(0, np.uint8), nothing, nothing, before)
            tail[left] += 1
            left = left[~below_rows(rows[left], curve_named(curve).order - 1) | ~rows[left].any(axis=1)]
    return found


def _hash(curve: CurveName, rows: U8, before: U8 | None = None) -> U8:
    """Return the digest of each row with the hash that goes with a curve [n, 32]."""
    starts = np.arange(len(rows), dtype=np.int64) * rows.shape[1]
    lengths = np.full(len(rows), rows.shape[1], np.int64)
    function = sm3_batch if curve == "sm2" else sha256_batch
    return function(np.ascontiguousarray(rows).reshape(-1), starts, lengths, before)


def _find(octets: bytes, part: bytes) -> slice:
    """Return where a part stands that is in the octets once."""
    at = octets.find(part)
    assert at >= 0 and octets.find(part, at + 1) < 0, "the marks of the pattern are drawn to be unlike all else"
    return slice(at, at + len(part))


def issue_pools(
    domain: Domain,
    vehicles: Sequence[str],
    epoch_ns: int,
    *,
    first: int = 0,
    periods: int = 1,
    count: int = COUNT,
    hours: int = PERIOD_HOURS,
    aids: Sequence[int] = VEHICLE_AIDS,
) -> Pools:
    """Return pseudonyms for vehicles.

    Args:
        domain: whose PCA issues them.
        vehicles: their names; each gets the same keys from the same seed whatever the others are.
        epoch_ns: when i-period 0 begins, in whole seconds [ns since 1970 UTC].
        first: the first i-period.
        periods: how many.
        count: pseudonyms of a vehicle in a period, 1 to 255.
        hours: length of a period.
        aids: what they may sign.

    Raises:
        PoolError: a number is out of range.

    >>> from wayside.security.authority import make_domain
    >>> start = 1_735_689_600 * S
    >>> pools = issue_pools(make_domain("city", start, seed=b"docs"), ["a", "b"], start, count=3)
    >>> len(pools), pools.certificate(4).linkage[0], pools.certificate(4).permissions.keys()
    (6, 0, dict_keys([111, 112, 113, 114, 3616]))
    """
    if not (0 < count < 256 and periods > 0 and first >= 0 and first + periods - 1 <= MOST_PERIODS):
        raise PoolError(
            f"{count} pseudonyms in {periods} periods from {first} on: 1 to 255, and up to {MOST_PERIODS}"
        )
    pca, each = domain.holders["pca"], periods * count
    private = _private_keys(domain.keys, domain.curve, vehicles, first * count, each)
    public = public_keys_of(domain.curve, private)
    mark = bytes(range(160, 160 + 32))
    said = issue_value(
        identity={"linkageData": {"iCert": 0x9F9E, "linkage-value": mark[:VALUE_OCTETS].hex()}},
        start_ns=epoch_ns,
        duration={"hours": hours + OVERLAP_HOURS},
        curve=domain.curve,
        public_key=b"\x02" + mark,
        permissions=dict.fromkeys(aids),
        craca_id=domain.certificate("cra").digest[-3:],
        crl_series=HOLDER_SERIES,
    )
    tbs = encode_object(said, "tbs-certificate")
    pattern = assemble(said, pca.certificate, domain.curve, bytes(64)).octets
    octets = np.tile(np.frombuffer(pattern, np.uint8), (len(private), 1))
    linked = _find(pattern, b"\x9f\x9e" + mark[:VALUE_OCTETS])
    key = _find(pattern, mark)
    place = _find(pattern, tbs)
    numbers = np.tile(np.repeat(np.arange(first, first + periods), count), len(vehicles))
    starts = epoch_ns + numbers * hours * HOUR_NS
    when = _find(pattern, said["validityPeriod"]["start"].to_bytes(4, "big"))
    # UTC and TAI step alike within a period's list unless a leap second falls between, so each is converted
    seconds = {int(ns): tai_of(int(ns)) // S for ns in np.unique(starts)}
    octets[:, when] = np.array([seconds[int(ns)] for ns in starts], ">u4").view(np.uint8).reshape(-1, 4)
    octets[:, linked.start : linked.start + 2] = numbers.astype(">u2").view(np.uint8).reshape(-1, 2)
    octets[:, linked.start + 2 : linked.stop] = _linked(domain, vehicles, first, periods, count)
    octets[:, key.start - 1] = 0x80 + public[:, 0]
    octets[:, key] = public[:, 1:]
    signer = pca.certificate
    if domain.curve == "sm2":
        identity = identity_digest(signer.public_key, signer_identifier(signer))
        digests = _hash("sm2", octets[:, place], np.tile(np.frombuffer(identity, np.uint8), (len(octets), 1)))
    else:
        own = np.tile(np.frombuffer(signer.digest, np.uint8), (len(octets), 1))
        digests = _hash("p256", np.concatenate([_hash("p256", octets[:, place]), own], axis=1))
    keys = np.tile(np.frombuffer(pca.private_key, np.uint8), (len(octets), 1))
    octets[:, -64:] = sign_batch(domain.curve, keys, digests)
    return Pools(
        vehicles=tuple(vehicles),
        curve=domain.curve,
        first=first,
        periods=periods,
        count=count,
        octets=octets,
        digests=_hash(domain.curve, octets),
        public_keys=public,
        private_keys=private,
        start_ns=starts,
        end_ns=starts + (hours + OVERLAP_HOURS) * HOUR_NS,
    )


def _linked(domain: Domain, vehicles: Sequence[str], first: int, periods: int, count: int) -> U8:
    """Return the linkage values of pools, in the order of their rows [n, 9]."""
    rule = RULES[domain.curve]
    # the periods before the first one are walked once for all
    pairs = domain.seeds(vehicles, first)
    seeds = [np.frombuffer(b"".join(half), np.uint8).reshape(-1, SEED_OCTETS) for half in zip(*pairs, strict=True)]
    names = (domain.linkage[0].identity, domain.linkage[1].identity)
    indices = np.arange(1, count + 1).astype(np.uint8)
    found = np.empty((len(vehicles), periods, count, VALUE_OCTETS), np.uint8)
    for place in range(periods):
        if place:
            seeds = [seeds_after(half, name, 1, rule) for half, name in zip(seeds, names, strict=True)]
        found[:, place] = linkage_values((seeds[0], seeds[1]), names, indices, rule)
    return found.reshape(-1, VALUE_OCTETS)
