"""Chains of certificates: from an end entity by the digests of its issuers up to a root.

A chain is not sent along. A certificate names its issuer by HashedId8, and the receiver finds that one in its
store; YD/T 3957-2021 calls this implicit. Here every link of a chain is judged for itself, and nothing is
looked up in lists of revoked certificates or trusted roots: that is the business of `trust.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from wayside.security.certificates import (
    HASHES,
    ISSUERS,
    Certificate,
    ecdsa_digest,
    signed_input,
    signer_identifier,
)
from wayside.security.curves import KeyFault, curve_named
from wayside.security.permissions import Role, issue_fault, role_of
from wayside.security.refusals import Refusal, TrustFault
from wayside.security.regions import COUNTRY_BOXES, Box, Place, place_in, region_within
from wayside.security.signatures import digest_of, verify_digest

MOST_CERTIFICATES = 8  # in a chain; real ones have three or four
Find = Callable[[bytes], Certificate | None]  # a certificate by its HashedId8


def instant(time_ns: int) -> str:
    """Return an instant for people, in UTC.

    >>> instant(1733714186000000000)
    '2024-12-09T03:16:26Z'
    """
    whole = time_ns // 1_000_000_000
    try:
        return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{whole} s after 1970"


def signature_digest(signer: Certificate, octets: bytes, *, itself: bool = False) -> bytes:
    """Return the 32 octets that a certificate's key signs of some octets.

    Args:
        signer: the certificate whose key signs.
        octets: what is signed.
        itself: what is signed is that certificate.

    Reference: SM2 by YD/T 3957-2021, P-256 by IEEE 1609.2-2022, 5.3.1.2.2.
    """
    identity = None if itself else signer
    if signer.curve == "sm2":
        return digest_of("sm2", signer.public_key, signer_identifier(identity), octets)
    return ecdsa_digest(octets, identity)


def signed_by(signer: Certificate, octets: bytes, curve: str, signature: bytes, *, itself: bool = False) -> bool:
    """Tell whether a signature on some octets is that of a certificate's key.

    Args:
        signer: the certificate.
        octets: what is signed.
        curve: that of the signature, "sm2" or "p256".
        signature: r and s, 32 octets each.
        itself: what is signed is that certificate.
    """
    if curve != signer.curve:
        return False
    try:
        digest = signature_digest(signer, octets, itself=itself)
    except KeyFault:
        return False  # its key is no point of the curve
    return verify_digest(curve_named(curve).name, signer.public_key, digest, signature)


def link_fault(  # noqa: PLR0911  one return for each reason
    child: Certificate, issuer: Certificate, boxes: Mapping[int, Box] = COUNTRY_BOXES
) -> Refusal | None:
    """Tell why a certificate is not one that its issuer has and may have issued; None if all is well.

    Args:
        child: a certificate.
        issuer: the one whose HashedId8 it names, or itself if it signed itself.
        boxes: bounding boxes of countries, see `regions.py`.

    The signature is checked first: of a forged certificate nothing else is worth telling.
    """
    subject, itself = child.hashed_id8.hex(), child.issuer is None
    kind, named = next(iter(child.value["issuer"].items()))
    hashed = HASHES[issuer.curve]
    if (itself and named != hashed) or (not itself and kind != ISSUERS[hashed]):
        text = f"it names its issuer by {named if itself else kind}; a key on {issuer.curve} goes with {hashed}"
        return Refusal(TrustFault.BAD_SIGNATURE, text, subject)
    if child.value["type"] != "explicit":
        # this field stands outside of what is signed
        text = f"it is of the type {child.value['type']}; only explicit certificates are used"
        return Refusal(TrustFault.UNREADABLE, text, subject)
    if not signed_by(issuer, signed_input(child), child.signed_with, child.signature, itself=itself):
        text = f"its signature is not that of {issuer.hashed_id8.hex()} over its content"
        return Refusal(TrustFault.BAD_SIGNATURE, text, subject)
    if itself:
        return None
    if child.start_ns < issuer.start_ns or child.end_ns > issuer.end_ns:
        text = (
            f"it holds from {instant(child.start_ns)} to {instant(child.end_ns)}, "
            f"its issuer only from {instant(issuer.start_ns)} to {instant(issuer.end_ns)}"
        )
        return Refusal(TrustFault.OUTLIVES_ISSUER, text, subject)
    if not region_within(child.region, issuer.region, boxes):
        text = f"its region {child.region} is not within its issuer's, {issuer.region}"
        return Refusal(TrustFault.OUTSIDE_REGION, text, subject)
    return issue_fault(issuer.said, child.said, subject)


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates of which each has issued the one before; the first is the end entity, the last a root.

    Attributes:
        certificates: at least one.
        start_ns: first instant at which all hold [ns since 1970 UTC].
        end_ns: first instant at which one of them does not hold any more.
    """

    certificates: tuple[Certificate, ...]
    start_ns: int
    end_ns: int

    @property
    def root(self) -> Certificate:
        """The certificate that signed itself."""
        return self.certificates[-1]

    def time_fault(self, time_ns: int) -> Refusal | None:
        """Tell which certificate does not hold at an instant [ns since 1970 UTC]; None if all hold."""
        for one in self.certificates:
            if time_ns >= one.end_ns:
                text = f"it held until {instant(one.end_ns)}; asked about {instant(time_ns)}"
                return Refusal(TrustFault.EXPIRED, text, one.hashed_id8.hex())
            if time_ns < one.start_ns:
                text = f"it holds from {instant(one.start_ns)}; asked about {instant(time_ns)}"
                return Refusal(TrustFault.NOT_YET_VALID, text, one.hashed_id8.hex())
        return None

    def place_fault(self, place: Place, boxes: Mapping[int, Box] = COUNTRY_BOXES) -> Refusal | None:
        """Tell which certificate does not hold at a place (latitude, longitude) [degrees]; None if all hold."""
        for one in self.certificates:
            if not place_in(one.region, place, boxes):
                text = f"it holds in {one.region}; asked about {place[0]:.6f}, {place[1]:.6f}"
                return Refusal(TrustFault.OUTSIDE_REGION, text, one.hashed_id8.hex())
        return None


def chain_from(certificates: tuple[Certificate, ...]) -> Chain:
    """Return certificates as a chain; nothing is checked."""
    return Chain(certificates, max(c.start_ns for c in certificates), min(c.end_ns for c in certificates))


NONE_PROVEN: Mapping[bytes, Chain] = MappingProxyType({})


def build_chain(
    certificate: Certificate,
    find: Find,
    boxes: Mapping[int, Box] = COUNTRY_BOXES,
    proven: Mapping[bytes, Chain] = NONE_PROVEN,
) -> Chain | Refusal:
    """Return the chain of a certificate with every link proven, or why there is none.

    Args:
        certificate: the end entity, or any authority.
        find: gives a certificate by its HashedId8, None for one it does not have.
        boxes: bounding boxes of countries, see `regions.py`.
        proven: chains of authorities that were built before, by HashedId8; where one is met, its links are not
            checked again.

    Instants, places, revocation and trust in the root are not looked at.
    """
    found, above = [certificate], tuple[Certificate, ...]()
    while found[-1].issuer is not None and not above:
        known = proven.get(found[-1].issuer)
        issuer = find(found[-1].issuer)
        if issuer is None:
            text = f"its issuer {found[-1].issuer.hex()} is not in the store; add that certificate"
            return Refusal(TrustFault.UNKNOWN_SIGNER, text, found[-1].hashed_id8.hex())
        if known is not None and known.certificates[0].digest == issuer.digest:
            above = known.certificates
        else:
            found.append(issuer)
        if len(found) + len(above) > MOST_CERTIFICATES:
            text = f"its chain has more than {MOST_CERTIFICATES} certificates"
            return Refusal(TrustFault.CHAIN_TOO_LONG, text, certificate.hashed_id8.hex())
    # from the root downwards, so that a forged authority is named and not what it has issued
    issuers = (*found[1:], above[0] if above else found[-1])
    for child, issuer in reversed(list(zip(found, issuers, strict=True))):
        refusal = link_fault(child, issuer, boxes)
        if refusal is not None:
            return refusal
    whole = (*found, *above)
    stated = role_of(whole[-1].said)
    if stated not in (Role.ROOT, Role.NONE):
        text = f"it signed itself and states the role {stated.name}; only a ROOT does"
        return Refusal(TrustFault.WRONG_ROLE, text, whole[-1].hashed_id8.hex())
    return chain_from(whole)
