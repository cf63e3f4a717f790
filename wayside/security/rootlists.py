"""Trusted root lists (TRCL): the roots of all domains, signed by one authority above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wayside.asn1.errors import WireError
from wayside.security.certificates import HASHES, ISSUERS, Certificate, CertificateError, signature_value
from wayside.security.chains import instant, signature_digest, signed_by
from wayside.security.curves import curve_named
from wayside.security.objects import decode_object, encode_object
from wayside.security.refusals import Refusal, TrustError, TrustFault
from wayside.security.signatures import sign_digest
from wayside.security.signed import Holder, signature_octets
from wayside.security.times import S, tai_of, utc_of


@dataclass(frozen=True, slots=True)
class RootList:
    """A list that was read and whose signature holds.

    Attributes:
        roots: the roots on it.
        urls: where each root's domain publishes its authorities; empty where the list does not say.
        issued: when it was issued [s TAI since 2004].
        end_ns: when the next one comes [ns since 1970 UTC].
    """

    roots: tuple[Certificate, ...]
    urls: tuple[str, ...]
    issued: int
    end_ns: int


def read_root_list(octets: bytes, authorities: Mapping[bytes, Certificate], time_ns: int) -> RootList:
    """Return a trusted root list that one of the given authorities has signed and that is good at an instant.

    Args:
        octets: the list (`RootCtl`).
        authorities: the trusted authorities of such lists, by HashedId8.
        time_ns: the instant [ns since 1970 UTC].

    Raises:
        TrustError: it cannot be read, none of them has signed it, or it is not good at that instant.
    """
    try:
        value = decode_object(octets, "trcl")
        said = value["toBeSignedRootCtl"]
        signed = encode_object(said, "tbs-trcl")
        curve, signature = signature_octets(value["signature"])
        infos = said["pkiCtlInfoList"]
        roots = tuple(Certificate.parse(encode_object(one["rootCertificate"], "certificate")) for one in infos)
    except (WireError, CertificateError) as error:
        raise TrustError(Refusal(TrustFault.UNREADABLE, f"this is no trusted root list: {error}")) from error
    ((kind, named),) = said["issuer"].items()
    authority = authorities.get(bytes.fromhex(named)) if kind in ISSUERS.values() else None
    if authority is None:
        known = ", ".join(one.hex() for one in authorities) or "none"
        text = f"the list is by {named}; authorities of lists that are trusted: {known}"
        raise TrustError(Refusal(TrustFault.UNKNOWN_SIGNER, text, str(named)))
    if not signed_by(authority, signed, curve, signature):
        raise TrustError(Refusal(TrustFault.BAD_SIGNATURE, "the list's signature is not its authority's", named))
    from_ns, end_ns = utc_of(said["issueDate"] * S), utc_of(said["nextRootCtl"] * S)
    if not authority.start_ns <= time_ns < authority.end_ns:
        text = f"the authority holds from {instant(authority.start_ns)} to {instant(authority.end_ns)}"
        raise TrustError(Refusal(TrustFault.EXPIRED, text, named))
    if time_ns >= end_ns:
        raise TrustError(Refusal(TrustFault.EXPIRED, f"the list was good until {instant(end_ns)}", named))
    if time_ns < from_ns:
        raise TrustError(Refusal(TrustFault.NOT_YET_VALID, f"the list is good from {instant(from_ns)}", named))
    return RootList(roots, tuple(one.get("caListUrl", "") for one in infos), said["issueDate"], end_ns)


def make_root_list(
    authority: Holder, roots: Sequence[Certificate], issued_ns: int, next_ns: int, *, series: int = 1
) -> bytes:
    """Return a signed trusted root list.

    Args:
        authority: who signs it, with a certificate that signed itself.
        roots: what stands on it.
        issued_ns: from when on it is good [ns since 1970 UTC].
        next_ns: when the next one comes.
        series: number of the series of lists.
    """
    own = authority.certificate
    said = {
        "version": 1,
        "issuer": {ISSUERS[HASHES[own.curve]]: own.hashed_id8.hex()},
        "series": series,
        "issueDate": tai_of(issued_ns) // S,
        "nextRootCtl": tai_of(next_ns) // S,
        "pkiCtlInfoList": [{"rootCertificate": root.value} for root in roots],
    }
    digest = signature_digest(own, encode_object(said, "tbs-trcl"))
    signature = signature_value(own.curve, sign_digest(curve_named(own.curve).name, authority.private_key, digest))
    return encode_object({"toBeSignedRootCtl": said, "signature": signature}, "trcl")
