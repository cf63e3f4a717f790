"""Certificates: what one says, by which octets it is known, and what its signature covers.

What is signed and hashed is the canonical form (`canonical.py`), which the octets of the field have already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wayside.asn1.errors import WireError
from wayside.errors import WaysideError
from wayside.security.canonical import PointError, canonical_certificate, point_octets, point_value, x_of
from wayside.security.hashes import DEFAULT_IDENTIFIER, sha256, sm3
from wayside.security.objects import encode_object, object_codec
from wayside.security.times import DURATIONS, S, duration_ns, tai_of, utc_of

KEYS = {"ecsigSm2": "sm2", "ecdsaNistP256": "p256"}  # curve of each verification key that can be used
SIGNATURES = {"sm2Signature": "sm2", "ecdsaNistP256Signature": "p256"}
HASHES = {"sm2": "sm3", "p256": "sha256"}  # by which a certificate with a key on that curve is known
ISSUERS = {"sm3": "sm3AndDigest", "sha256": "sha256AndDigest"}

Value = dict[str, Any]


class CertificateError(WaysideError):
    """Octets or arguments do not make a certificate that can be used; the text says what was found."""


def hash_of(name: str, octets: bytes) -> bytes:
    """Return the hash of octets by its name, "sm3" or "sha256"."""
    return sm3(octets) if name == "sm3" else sha256(octets)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An explicit certificate with a key on the curve of SM2 or on P-256.

    Two are equal if their octets are.

    Attributes:
        octets: as received.
        value: everything it says, in the form of `objects.py`; not to be changed.
        tbs: what its signature covers: its toBeSigned, as it stands in the octets.
        digest: hash of the whole, SM3 for a key on SM2, SHA-256 for one on P-256.
        issuer: HashedId8 of the certificate that signed it; None if it signed itself.
        curve: of its own key, "sm2" or "p256".
        public_key: 33 octets, 02 or 03 and x.
        signed_with: curve of the key that signed it.
        signature: r and s, 32 octets each.
        start_ns: first instant at which it holds [ns since 1970 UTC].
        end_ns: first instant at which it does not hold any more.
    """

    octets: bytes
    value: Value = field(compare=False, repr=False)
    tbs: bytes = field(compare=False, repr=False)
    digest: bytes = field(compare=False)
    issuer: bytes | None = field(compare=False)
    curve: str = field(compare=False)
    public_key: bytes = field(compare=False, repr=False)
    signed_with: str = field(compare=False)
    signature: bytes = field(compare=False, repr=False)
    start_ns: int = field(compare=False)
    end_ns: int = field(compare=False)

    @classmethod
    def parse(cls, octets: bytes) -> Certificate:
        """Return the certificate that some octets are; nothing is verified.

        Raises:
            CertificateError: they are not the canonical octets of a certificate, or its key or signature is of an
                algorithm that cannot be used here.
        """
        try:
            value, at = object_codec("certificate").decode_and_locate(octets, "toBeSigned")
        except WireError as error:
            raise CertificateError(f"these {len(octets)} octets are not a certificate: {error}") from error
        try:
            return cls._of(octets, value, at["toBeSigned"])
        except PointError as error:
            raise CertificateError(f"this certificate cannot be used: {error}") from error

    @classmethod
    def _of(cls, octets: bytes, value: Value, tbs: bytes) -> Certificate:
        said = value["toBeSigned"]
        if "signature" not in value or "verificationKey" not in said["verifyKeyIndicator"]:
            raise CertificateError(
                "this certificate has no key and signature of its own; only explicit ones are used"
            )
        curve, key = _only(said["verifyKeyIndicator"]["verificationKey"], KEYS, "a verification key")
        signed_with, signature = _only(value["signature"], SIGNATURES, "a signature")
        public_key = point_octets(key)
        r = signature["rSig"] if signed_with == "sm2" else x_of(signature["rSig"])
        whole = octets
        canonical = canonical_certificate(value)
        if canonical != value:
            whole = encode_object(canonical, "certificate")
            tbs = encode_object(canonical["toBeSigned"], "tbs-certificate")
        ((by, issuer),) = value["issuer"].items()
        start = said["validityPeriod"]["start"] * S
        return cls(
            octets=octets,
            value=value,
            tbs=tbs,
            digest=hash_of(HASHES[curve], whole),
            issuer=None if by == "self" else _issuer(by, issuer),
            curve=curve,
            public_key=public_key,
            signed_with=signed_with,
            signature=bytes.fromhex(r + signature["sSig"]),
            start_ns=utc_of(start),
            end_ns=utc_of(start + duration_ns(said["validityPeriod"]["duration"])),
        )

    @property
    def hashed_id8(self) -> bytes:
        """The last eight octets of the digest, by which messages and other certificates name it."""
        return self.digest[-8:]

    @property
    def said(self) -> Value:
        """Its toBeSigned as a value."""
        said: Value = self.value["toBeSigned"]
        return said

    @property
    def name(self) -> str | None:
        """The name it gives its holder, if it gives one."""
        name: str | None = self.said["id"].get("name")
        return name

    @property
    def linkage(self) -> tuple[int, bytes] | None:
        """The period and linkage value of a pseudonym; None for other certificates."""
        data = self.said["id"].get("linkageData")
        return (data["iCert"], bytes.fromhex(data["linkage-value"])) if data else None

    @property
    def region(self) -> Value | None:
        """Where it holds; None: wherever its issuer's does."""
        return self.said.get("region")

    @property
    def permissions(self) -> dict[int, Value | None]:
        """The service-specific permissions its holder has, by application (AID); None where none are named."""
        return {one["aid"]: one.get("ssp") for one in self.said.get("appPermissions", [])}

    @property
    def issue_permissions(self) -> list[Value]:
        """The groups of permissions that it may give to others; empty for whoever issues nothing."""
        return list(self.said.get("certIssuePermissions", []))


def _only(chosen: Value, known: Mapping[str, str], what: str) -> tuple[str, Any]:
    """Return the curve of a chosen algorithm, and what stands under it."""
    ((name, inner),) = chosen.items()
    if name not in known:
        raise CertificateError(f"{what} of {name} cannot be used; known are: {', '.join(known)}")
    return known[name], inner


def _issuer(by: str, digest: Any) -> bytes:
    if by not in ISSUERS.values():
        raise CertificateError(f"an issuer named by {by} cannot be used; known are: {', '.join(ISSUERS.values())}")
    return bytes.fromhex(digest)


# === What a signature covers ===


def signed_input(certificate: Certificate) -> bytes:
    """Return the octets that the signature of a certificate covers: its toBeSigned."""
    return certificate.tbs


def signer_identifier(signer: Certificate | None) -> bytes:
    """Return the identity that goes into an SM2 signature: SM3(ZA || what is signed), ZA of this and the key.

    Args:
        signer: the certificate whose key signs; None where what is signed is a certificate with that key itself.

    Source: YD/T 3957-2021; found true of its annex D and of real chains.

    >>> signer_identifier(None)
    b'1234567812345678'
    """
    return DEFAULT_IDENTIFIER if signer is None else signer.digest


def ecdsa_digest(tbs: bytes, signer: Certificate | None) -> bytes:
    """Return the digest that an ECDSA signature on P-256 is over: SHA-256(SHA-256(tbs) || SHA-256(signer)).

    Args:
        tbs: what is signed.
        signer: the certificate whose key signs, in canonical octets; None (a certificate that signs itself)
            stands for no octets.

    Source: IEEE 1609.2-2022, 5.3.1.2.2.

    >>> ecdsa_digest(b"", None).hex()[:16]
    '2dba5dbc339e7316'
    """
    return sha256(sha256(tbs) + (sha256(b"") if signer is None else signer.digest))


# === Making one ===


def issue_value(
    *,
    identity: Value | str,
    start_ns: int,
    duration: Mapping[str, int],
    curve: str,
    public_key: bytes,
    permissions: Mapping[int, bytes | None] | None = None,
    issue_permissions: Sequence[Value] = (),
    request_permissions: Sequence[Value] = (),
    region: Value | None = None,
    encryption_key: bytes | None = None,
    craca_id: bytes = bytes(3),
    crl_series: int = 0,
) -> Value:
    r"""Return a ToBeSignedCertificate.

    Args:
        identity: a name, or a CertificateId such as `{"linkageData": {"iCert": 5, "linkage-value": "00..."}}`.
        start_ns: first instant at which it holds [ns since 1970 UTC], rounded down to seconds.
        duration: unit and number, such as `{"hours": 168}`.
        curve: of the key, "sm2" or "p256".
        public_key: 33 octets.
        permissions: service-specific permissions by AID; None where an application has none.
        issue_permissions: groups as in `Certificate.issue_permissions`.
        request_permissions: groups that an enrolment certificate may ask for.
        region: a GeographicRegion; None: as the issuer's.
        encryption_key: 33 octets of a key on the same curve, for replies to the holder.
        craca_id: HashedId3 of the authority that may revoke it.
        crl_series: number of the list it would stand on.

    Raises:
        CertificateError: the curve or the duration's unit is not one that there is.
        PointError: a key is not a compressed point.

    >>> tbs = issue_value(identity="pole 7", start_ns=1735689600 * S, duration={"years": 1}, curve="sm2",
    ...                   public_key=b"\x02" + bytes(32), permissions={36: None})
    >>> tbs["validityPeriod"]["start"], len(encode_object(tbs, "tbs-certificate"))
    (662774405, 62)
    """
    if curve not in HASHES:
        raise CertificateError(f"no curve {curve!r}; known are: {', '.join(HASHES)}")
    if len(duration) != 1 or not duration.keys() <= DURATIONS.keys():
        raise CertificateError(f"a duration is one of {', '.join(DURATIONS)} and a number, found {dict(duration)}")
    sm2 = curve == "sm2"
    said: Value = {
        "id": {"name": identity} if isinstance(identity, str) else identity,
        "cracaId": craca_id.hex(),
        "crlSeries": crl_series,
        "validityPeriod": {"start": tai_of(start_ns) // S, "duration": dict(duration)},
    }
    if region is not None:
        said["region"] = region
    if permissions:
        said["appPermissions"] = [
            {"aid": aid} if ssp is None else {"aid": aid, "ssp": {"opaque": ssp.hex()}}
            for aid, ssp in permissions.items()
        ]
    if issue_permissions:
        said["certIssuePermissions"] = list(issue_permissions)
    if request_permissions:
        said["certRequestPermissions"] = list(request_permissions)
    if encryption_key is not None:
        said["encryptionKey"] = {
            "supportedSymmAlg": "sm4Ccm" if sm2 else "aes128Ccm",
            "publicKey": {"ecencSm2" if sm2 else "eciesNistP256": point_value(encryption_key)},
        }
    key_name = "ecsigSm2" if sm2 else "ecdsaNistP256"
    said["verifyKeyIndicator"] = {"verificationKey": {key_name: point_value(public_key)}}
    return said


def signature_value(curve: str, signature: bytes) -> Value:
    """Return r and s, 32 octets each, as a Signature.

    >>> signature_value("sm2", bytes(64)).keys()
    dict_keys(['sm2Signature'])
    """
    if len(signature) != 64 or curve not in HASHES:
        raise CertificateError(
            f"a signature is 64 octets on {', '.join(HASHES)}; found {len(signature)} on {curve!r}"
        )
    r, s = signature[:32].hex(), signature[32:].hex()
    if curve == "sm2":
        return {"sm2Signature": {"rSig": r, "sSig": s}}
    return {"ecdsaNistP256Signature": {"rSig": {"x-only": r}, "sSig": s}}


def assemble(said: Value, issuer: Certificate | None, curve: str, signature: bytes) -> Certificate:
    """Return the certificate of a ToBeSignedCertificate and its signature; the signature is not verified.

    Args:
        said: from `issue_value`.
        issuer: the certificate whose key signed; None if its own did.
        curve: of the key that signed.
        signature: 64 octets over `encode_object(said, "tbs-certificate")`.

    Raises:
        CertificateError: the signature is not one, or the issuer has a key on another curve.
        WireError: `said` cannot be written.
    """
    if issuer is not None and issuer.curve != curve:
        raise CertificateError(f"the issuer's key is on {issuer.curve}, the signature on {curve}")
    by = {"self": HASHES[curve]} if issuer is None else {ISSUERS[HASHES[issuer.curve]]: issuer.hashed_id8.hex()}
    value = {"version": 3, "type": "explicit", "issuer": by, "toBeSigned": said}
    return Certificate.parse(
        encode_object(value | {"signature": signature_value(curve, signature)}, "certificate")
    )
