"""A PKI for tests and simulations: root, authorities below it, and the certificates they issue.

    root (RCA)
      intermediate (ICA)
        enrolment (ECA)       -> enrolment certificates
        pseudonym (PCA)       -> pseudonyms with linkage values
        application (ACA)     -> roadside units and official vehicles
        revocation (CRA)      signs revocation lists
        misbehaviour (MA), linkage (LA1, LA2)

The groups of permissions are built like those of real roots and intermediates. With a seed everything is the
same octets on every machine, and everybody who knows the seed holds every key; without one the keys come from
the system's randomness. Keys are made here and nowhere kept but in the objects returned.

Limits: for tests and simulations. Keys are made for their holders here, not asked for by them, and without
the key expansion by which real authorities hide from each other whose pseudonyms they sign.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wayside.security.certificates import Certificate, assemble, ecdsa_digest, issue_value, signer_identifier
from wayside.security.chains import signature_digest
from wayside.security.curves import CurveName, curve_named
from wayside.security.hashes import sm3
from wayside.security.linkage import RULES, SEED_OCTETS, seeds_after
from wayside.security.objects import encode_object
from wayside.security.permissions import MANAGEMENT, MISBEHAVIOUR, REVOCATION
from wayside.security.plain import PlainPython
from wayside.security.signatures import digest_of, new_private_key, private_key_from, public_key_of, sign_digest
from wayside.security.signed import Holder

VEHICLE_AIDS = (111, 112, 113, 114, 3616)  # BSM of normal and special vehicles, periodic and on events; day II
ROADSIDE_AIDS = (3616, 3618, 3619, 3620, 3621, 3622, 3623)  # day II, MAP, SPAT, RSI of three kinds, RSM
EVERY_AID = tuple(sorted({*VEHICLE_AIDS, *ROADSIDE_AIDS}))
AUTHORITY_SERIES, HOLDER_SERIES = 1, 2  # revocation lists: of authorities, by the root; of all others, by the CRA
APP, ENROL, BOTH = "10000000", "01000000", "11000000"  # eeType
HOUR_NS = 3_600_000_000_000
CHINA: Mapping[str, Any] = {"identifiedRegion": [{"countryOnly": 156}]}

Value = dict[str, Any]


def group(
    aids: Sequence[int] | None, least: int, more: int, kinds: str, ssp: Mapping[int, Value] | None = None
) -> Value:
    """Return a group of permissions to issue.

    Args:
        aids: applications; None for all that no other group of the certificate names.
        least: fewest certificates below the holder, the end entity included.
        more: how many more there may be; -1 for any number.
        kinds: eeType, such as `APP`.
        ssp: the range of SSPs by application; any SSP where an application is missing.

    >>> group([111], 1, 0, APP)["subjectPermissions"]
    {'explicit': [{'aid': 111}]}
    """
    named = [{"aid": aid} | ({"sspRange": ssp[aid]} if ssp and aid in ssp else {}) for aid in aids or ()]
    subject: Value = {"all": None} if aids is None else {"explicit": named}
    return {
        "subjectPermissions": subject,
        "minChainLength": least,
        "chainLengthRange": more,
        "eeType": {"bits": kinds},
    }


def management_ssp(role: str, **more: Any) -> bytes:
    """Return the SSP of AID 3627 that states a role, such as "root", "ica", "eca", "aca", "cra", "ma" or "la"."""
    return encode_object({role: {"version": 1, **more}}, "management-ssp")


def revocation_ssp(series: Sequence[int]) -> bytes:
    """Return the SSP of AID 3628 of an authority that may revoke in the given series of its own."""
    return encode_object({"version": 1, "associatedCraca": "isCraca", "crls": list(series)}, "crl-ssp")


class Keys:
    """Where private keys and secrets come from: a seed and a name for each, or the system's randomness.

    >>> Keys(b"seed").private("sm2", "root") == Keys(b"seed").private("sm2", "root")
    True
    >>> Keys(None).private("sm2", "root") == Keys(None).private("sm2", "root")
    False
    """

    def __init__(self, seed: bytes | None) -> None:
        self._seed = seed

    @property
    def seeded(self) -> bool:
        """Whether everything follows from a seed."""
        return self._seed is not None

    def private(self, curve: CurveName, name: str) -> bytes:
        """Return a private key, 32 octets."""
        return new_private_key(curve) if self._seed is None else private_key_from(curve, self._labelled(name))

    def secret(self, name: str) -> bytes:
        """Return 32 secret octets."""
        return secrets.token_bytes(32) if self._seed is None else sm3(self._labelled(name))

    def sign(self, curve: CurveName, private_key: bytes, digest: bytes) -> bytes:
        """Return r and s; with a seed the secret number follows from key and digest."""
        if self._seed is None:
            return sign_digest(curve, private_key, digest)
        return PlainPython().sign_digest(curve, private_key, digest)

    def _labelled(self, name: str) -> bytes:
        assert self._seed is not None
        return len(self._seed).to_bytes(4, "big") + self._seed + name.encode()


@dataclass(frozen=True)
class LinkageAuthority:
    """One of the two that draw the seeds of vehicles.

    Attributes:
        identity: 2 octets.
        secret: from which a vehicle's seed follows, 32 octets.
    """

    identity: bytes
    secret: bytes = field(repr=False)

    def seed(self, vehicle: str) -> bytes:
        """Return a vehicle's seed in i-period 0, 16 octets."""
        return sm3(self.secret + vehicle.encode())[:SEED_OCTETS]


@dataclass(frozen=True)
class Domain:
    """A PKI with its keys.

    Attributes:
        name: of the domain, such as "pingshan.v2x".
        curve: of all its keys.
        holders: the authorities with their keys, by their short names: rca, ica, eca, pca, aca, cra, ma, la1, la2.
        linkage: the two that draw seeds.
        keys: where further keys come from.
    """

    name: str
    curve: CurveName
    holders: Mapping[str, Holder]
    linkage: tuple[LinkageAuthority, LinkageAuthority]
    keys: Keys = field(repr=False)

    def certificate(self, short: str) -> Certificate:
        """Return an authority's certificate by its short name."""
        return self.holders[short].certificate

    def seeds(self, vehicles: Sequence[str], period: int) -> list[tuple[bytes, bytes]]:
        """Return each vehicle's two linkage seeds in an i-period: who publishes them revokes it from there on."""
        found = []
        for one in self.linkage:
            seeds = np.frombuffer(b"".join(one.seed(v) for v in vehicles), np.uint8).reshape(-1, SEED_OCTETS)
            found.append(seeds_after(seeds, one.identity, period, RULES[self.curve]))
        return [(a.tobytes(), b.tobytes()) for a, b in zip(*found, strict=True)]

    @property
    def authorities(self) -> tuple[Certificate, ...]:
        """The certificates of all authorities, the root first."""
        return tuple(holder.certificate for holder in self.holders.values())


def issue(issuer: Holder | None, said: Value, own_key: bytes, keys: Keys, curve: CurveName) -> Holder:
    """Return a certificate and its key, signed by an issuer or, if there is none, by itself.

    Args:
        issuer: who signs; None for a root.
        said: ToBeSignedCertificate, from `issue_value`.
        own_key: the private key that goes with it.
        keys: how it is signed.
        curve: of the new key.
    """
    tbs = encode_object(said, "tbs-certificate")
    if issuer is not None:
        signer, key = issuer.certificate, issuer.private_key
        digest = signature_digest(signer, tbs)
        signature = keys.sign(curve_named(signer.curve).name, key, digest)
        return Holder(assemble(said, signer, signer.curve, signature), own_key)
    if curve == "sm2":
        digest = digest_of(curve, public_key_of(curve, own_key), signer_identifier(None), tbs)
    else:
        digest = ecdsa_digest(tbs, None)
    return Holder(assemble(said, None, curve, keys.sign(curve, own_key, digest)), own_key)


def make_domain(
    name: str,
    start_ns: int,
    *,
    curve: CurveName = "sm2",
    seed: bytes | None = None,
    region: Mapping[str, Any] | None = CHINA,
    years: int = 30,
) -> Domain:
    """Return a new PKI.

    Args:
        name: of the domain; the authorities are named below it.
        start_ns: from when on the root holds [ns since 1970 UTC].
        curve: of all keys.
        seed: from which all keys follow; None draws them.
        region: where everything holds; None is everywhere.
        years: how long the root holds; the intermediate holds a year less and the authorities two.

    >>> domain = make_domain("city", 1_735_689_600_000_000_000, seed=b"docs")
    >>> [c.name for c in domain.authorities][:3]
    ['rca.city', 'ica.city', 'eca.city']
    """
    keys = Keys(seed)
    holders: dict[str, Holder] = {}

    def make(short: str, issuer: str | None, years: int, permissions: Mapping[int, bytes | None]) -> None:
        private = keys.private(curve, short)
        craca = holders["rca"].certificate.digest[-3:] if holders else bytes(3)
        said = issue_value(
            identity=f"{short}.{name}",
            start_ns=start_ns,
            duration={"years": years},
            curve=curve,
            public_key=public_key_of(curve, private),
            permissions=permissions,
            region=dict(region) if region is not None else None,
            craca_id=craca,
            crl_series=AUTHORITY_SERIES if holders else 0,
            issue_permissions=rights.get(short, ()),
        )
        holders[short] = issue(holders[issuer] if issuer else None, said, private, keys, curve)

    management = (MANAGEMENT, REVOCATION, MISBEHAVIOUR)
    series = [AUTHORITY_SERIES, HOLDER_SERIES]
    rights: Mapping[str, list[Value]] = {
        "rca": [group(None, 3, -1, BOTH), group(management, 1, -1, BOTH)],
        "ica": [group(None, 2, 0, BOTH), group(management, 1, 1, BOTH)],
        "eca": [group([MANAGEMENT], 1, 0, APP), group(EVERY_AID, 1, 0, ENROL)],
        "pca": [group(VEHICLE_AIDS, 1, 0, APP)],
        "aca": [group(EVERY_AID, 1, 0, APP)],
    }
    make("rca", None, years, {MANAGEMENT: management_ssp("root"), REVOCATION: revocation_ssp(series[:1])})
    make("ica", "rca", years - 1, {MANAGEMENT: management_ssp("ica")})
    below = years - 2
    for short, role in (("eca", "eca"), ("pca", "aca"), ("aca", "aca")):
        make(short, "ica", below, {MANAGEMENT: management_ssp(role)})
    make("cra", "ica", below, {MANAGEMENT: management_ssp("cra"), REVOCATION: revocation_ssp(series)})
    relevant = management_ssp("ma", relevantAids=list(VEHICLE_AIDS))
    make("ma", "ica", below, {MANAGEMENT: relevant, MISBEHAVIOUR: None})
    linkage = []
    for number in (1, 2):
        make(f"la{number}", "ica", below, {MANAGEMENT: management_ssp("la", laId=number)})
        linkage.append(LinkageAuthority(number.to_bytes(2, "big"), keys.secret(f"linkage {number}")))
    return Domain(name, curve, holders, (linkage[0], linkage[1]), keys)


def issue_enrolment(domain: Domain, holder: str, start_ns: int, years: int = 6) -> Holder:
    """Return an enrolment certificate, with which a vehicle or unit asks for all others."""
    key = domain.keys.private(domain.curve, f"enrolment {holder}")
    said = issue_value(
        identity=holder,
        start_ns=start_ns,
        duration={"years": years},
        curve=domain.curve,
        public_key=public_key_of(domain.curve, key),
        permissions={MANAGEMENT: management_ssp("ee")},
        request_permissions=[group(EVERY_AID, 1, 0, ENROL)],
        craca_id=domain.certificate("cra").digest[-3:],
        crl_series=HOLDER_SERIES,
    )
    return issue(domain.holders["eca"], said, key, domain.keys, domain.curve)


def issue_application(
    domain: Domain,
    holder: str,
    start_ns: int,
    *,
    hours: int = 24 * 90,
    aids: Sequence[int] = ROADSIDE_AIDS,
    region: Mapping[str, Any] | None = None,
) -> Holder:
    """Return an application certificate of a roadside unit or an official vehicle.

    Args:
        domain: whose ACA issues it.
        holder: its name.
        start_ns: from when on it holds [ns since 1970 UTC].
        hours: how long.
        aids: what it may sign.
        region: where it holds; None as the ACA.
    """
    key = domain.keys.private(domain.curve, f"application {holder} {start_ns}")
    said = issue_value(
        identity=holder,
        start_ns=start_ns,
        duration={"hours": hours},
        curve=domain.curve,
        public_key=public_key_of(domain.curve, key),
        permissions=dict.fromkeys(aids),
        region=None if region is None else dict(region),
        craca_id=domain.certificate("cra").digest[-3:],
        crl_series=HOLDER_SERIES,
    )
    return issue(domain.holders["aca"], said, key, domain.keys, domain.curve)
