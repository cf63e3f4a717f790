"""One signed message, opened or made: V2XSecData with signedData, record by record.

The hot path over many messages is `sealed.py`; this one is for lists, commands and tests, and reads everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wayside.asn1.errors import Fault, WireError
from wayside.security.certificates import HASHES, SIGNATURES, Certificate, CertificateError, signature_value
from wayside.security.chains import signature_digest
from wayside.security.curves import curve_named
from wayside.security.objects import encode_object, object_codec
from wayside.security.regions import STEP, Place
from wayside.security.signatures import sign_digest
from wayside.security.times import US, tai_of, utc_of

UNKNOWN_LATITUDE = 900_000_001
TBS = "content.signedData.tbsData"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a signed message says; nothing is verified.

    Attributes:
        aid: application identity.
        payload: the octets inside, of unsecuredData.
        signed: what the signature covers: ToBeSignedData as it stands.
        signer: HashedId8 of the certificate that signed.
        certificates: those sent along, the signer's first; empty where only its digest was sent.
        hash: name of the hash function.
        curve: of the signature, "sm2" or "p256".
        signature: r and s, 32 octets each.
        time_ns: instant it was made [ns since 1970 UTC]; None if it does not say.
        expiry_ns: instant from which on it does not count any more; None if it does not say.
        place: where it was made, latitude and longitude [degrees]; None if it does not say.
    """

    aid: int
    payload: bytes
    signed: bytes
    signer: bytes
    certificates: tuple[Certificate, ...]
    hash: str
    curve: str
    signature: bytes
    time_ns: int | None
    expiry_ns: int | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key, which is never printed."""

    certificate: Certificate
    private_key: bytes = field(repr=False)


def signature_octets(value: dict[str, Any]) -> tuple[str, bytes]:
    """Return the curve of a Signature and its r and s, 32 octets each.

    Raises:
        CertificateError: it is of an algorithm that cannot be used here.

    >>> signature_octets(signature_value("p256", bytes(64)))[0]
    'p256'
    """
    ((kind, numbers),) = value.items()
    if kind not in SIGNATURES:
        raise CertificateError(f"a signature of {kind} cannot be used; known are: {', '.join(SIGNATURES)}")
    r = numbers["rSig"]
    if isinstance(r, dict):
        ((form, r),) = r.items()
        if form not in ("x-only", "compressed-y-0", "compressed-y-1"):
            raise CertificateError(f"the first half of the signature is of the form {form}, which is not used")
    return SIGNATURES[kind], bytes.fromhex(r + numbers["sSig"])


def open_signed(octets: bytes) -> Opened:
    """Return what a signed message says.

    Raises:
        WireError: the octets are not V2XSecData with signedData over a payload of unsecuredData.
        CertificateError: a certificate or signature in it cannot be used.
    """
    value, at = object_codec("signed").decode_and_locate(octets, TBS)
    data = value["content"].get("signedData")
    if data is None:
        raise WireError(Fault.MALFORMED, "content", 8, f"{next(iter(value['content']))} instead of signedData")
    header = data["tbsData"]["headerInfo"]
    inner = data["tbsData"]["payload"].get("data", {}).get("content", {})
    if "unsecuredData" not in inner:
        raise WireError(Fault.MALFORMED, f"{TBS}.payload", 0, "no unsecuredData inside")
    signer = data["signer"]
    certificates: tuple[Certificate, ...] = ()
    if "certificate" in signer:
        certificates = tuple(Certificate.parse(encode_object(one, "certificate")) for one in signer["certificate"])
    if not certificates and "digest" not in signer:
        raise CertificateError(f"signed by {next(iter(signer))}; known are a digest and at least one certificate")
    curve, signature = signature_octets(data["signature"])
    place = header.get("generationLocation")
    known = place is not None and place["latitude"] != UNKNOWN_LATITUDE
    return Opened(
        aid=header["aid"],
        payload=bytes.fromhex(inner["unsecuredData"]),
        signed=at[TBS],
        signer=certificates[0].hashed_id8 if certificates else bytes.fromhex(signer["digest"]),
        certificates=certificates,
        hash=data["hashId"],
        curve=curve,
        signature=signature,
        time_ns=None if "generationTime" not in header else utc_of(header["generationTime"] * US),
        expiry_ns=None if "expiryTime" not in header else utc_of(header["expiryTime"] * US),
        place=(round(place["latitude"] * STEP, 7), round(place["longitude"] * STEP, 7))
        if place is not None and known
        else None,
    )


def sign_message(
    payload: bytes,
    aid: int,
    signer: Holder,
    time_ns: int,
    *,
    place: Place | None = None,
    expiry_ns: int | None = None,
    along: tuple[Certificate, ...] | None = None,
) -> bytes:
    """Return a payload as signed V2XSecData.

    Args:
        payload: any octets.
        aid: application identity.
        signer: who signs.
        time_ns: instant it is made [ns since 1970 UTC].
        place: where it is made, latitude and longitude [degrees]; None is not said.
        expiry_ns: from when on it does not count any more; None is not said.
        along: certificates sent with it after the signer's own; None sends the signer's digest alone.
    """
    own = signer.certificate
    header: dict[str, Any] = {"aid": aid, "generationTime": tai_of(time_ns) // US}
    if expiry_ns is not None:
        header["expiryTime"] = tai_of(expiry_ns) // US
    if place is not None:
        latitude, longitude = (round(degrees / STEP) for degrees in place)
        # 4096 stands for the height of the ellipsoid
        header["generationLocation"] = {"latitude": latitude, "longitude": longitude, "elevation": 4096}
    inner = {"data": {"protocolVersion": 3, "content": {"unsecuredData": payload.hex()}}}
    tbs = {"payload": inner, "headerInfo": header}
    digest = signature_digest(own, encode_object(tbs, "tbs-data"))
    sent = (own, *along) if along is not None else ()
    identifier = {"certificate": [one.value for one in sent]} if sent else {"digest": own.hashed_id8.hex()}
    data = {
        "hashId": HASHES[own.curve],
        "tbsData": tbs,
        "signer": identifier,
        "signature": signature_value(
            own.curve, sign_digest(curve_named(own.curve).name, signer.private_key, digest)
        ),
    }
    return encode_object({"protocolVersion": 3, "content": {"signedData": data}}, "signed")
