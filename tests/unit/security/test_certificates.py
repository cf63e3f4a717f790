"""Certificates from plain arguments to octets and back, and what their signatures cover."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from wayside.security.canonical import PointError, point_octets, point_value
from wayside.security.certificates import (
    Certificate,
    CertificateError,
    assemble,
    ecdsa_digest,
    issue_value,
    signed_input,
    signer_identifier,
)
from wayside.security.hashes import sm3
from wayside.security.objects import decode_object, encode_object
from wayside.security.times import EPOCH_NS, LEAPS, S, tai_of, utc_of

START_NS = 1_735_689_600 * S  # 2025-01-01 UTC
KEY = b"\x03" + bytes(range(32))
SIGNATURE = bytes(range(64))


def said(curve: str = "sm2", **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "identity": "pole 7",
        "start_ns": START_NS,
        "duration": {"hours": 24},
        "curve": curve,
        "public_key": KEY,
        "permissions": {111: b"\x01\x02", 36: None},
    }
    return issue_value(**(plain | more))


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_what_goes_into_a_certificate_comes_out_of_it(curve: str) -> None:
    root = assemble(said(curve), None, curve, SIGNATURE)
    leaf = assemble(said(curve, identity={"none": None}, encryption_key=KEY), root, curve, SIGNATURE[::-1])
    read = Certificate.parse(leaf.octets)
    assert read == leaf
    assert hash(read) == hash(leaf)
    assert (read.curve, read.signed_with, read.public_key, read.signature) == (curve, curve, KEY, SIGNATURE[::-1])
    assert (root.issuer, read.issuer) == (None, root.hashed_id8)
    assert (root.name, read.name, read.linkage, read.region) == ("pole 7", None, None, None)
    assert read.permissions == {111: {"opaque": "0102"}, 36: None}
    assert read.issue_permissions == []
    assert (read.start_ns, read.end_ns) == (START_NS, START_NS + 86_400 * S)
    assert signed_input(read) == encode_object(read.said, "tbs-certificate")
    assert read.tbs in read.octets


def test_the_hash_follows_the_curve_of_the_key() -> None:
    sm2, p256 = (assemble(said(curve), None, curve, SIGNATURE) for curve in ("sm2", "p256"))
    assert sm2.digest == sm3(sm2.octets)
    assert p256.digest == sha256(p256.octets).digest()
    assert sm2.hashed_id8 == sm2.digest[24:]


def test_a_key_may_be_signed_on_another_curve() -> None:
    root = assemble(said("p256"), None, "p256", SIGNATURE)
    leaf = assemble(said("sm2"), root, "p256", SIGNATURE)
    assert (leaf.curve, leaf.signed_with) == ("sm2", "p256")
    assert leaf.value["issuer"] == {"sha256AndDigest": root.hashed_id8.hex()}


def test_who_signs_goes_into_the_signature() -> None:
    root = assemble(said(), None, "sm2", SIGNATURE)
    assert signer_identifier(root) == sm3(root.octets)
    assert signer_identifier(None) == b"1234567812345678"
    p256 = assemble(said("p256"), None, "p256", SIGNATURE)
    halves = sha256(b"data").digest() + sha256(p256.octets).digest()
    assert ecdsa_digest(b"data", p256) == sha256(halves).digest()
    assert ecdsa_digest(b"data", None) == sha256(sha256(b"data").digest() + sha256(b"").digest()).digest()


def test_a_pseudonym_has_its_linkage_value() -> None:
    identity = {"linkageData": {"iCert": 5, "linkage-value": "010203040506070809"}}
    assert assemble(said(identity=identity), None, "sm2", SIGNATURE).linkage == (5, bytes(range(1, 10)))


def test_points_in_full_are_hashed_compressed() -> None:
    plain = assemble(said("p256", encryption_key=KEY), None, "p256", SIGNATURE)
    value = decode_object(plain.octets, "certificate")
    full = {"uncompressed": {"x": KEY[1:].hex(), "y": "00" * 31 + "05"}}
    value["toBeSigned"]["verifyKeyIndicator"]["verificationKey"]["ecdsaNistP256"] = full
    value["toBeSigned"]["encryptionKey"]["publicKey"]["eciesNistP256"] = full
    value["signature"]["ecdsaNistP256Signature"]["rSig"] = {"compressed-y-0": SIGNATURE[:32].hex()}
    other = Certificate.parse(encode_object(value, "certificate"))
    assert other.octets != plain.octets
    assert (other.digest, other.tbs, other.signature, other.public_key) == (
        plain.digest,
        plain.tbs,
        plain.signature,
        KEY,
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda v: v.pop("signature"), "only explicit ones"),
        (
            lambda v: v["toBeSigned"].update(verifyKeyIndicator={"reconstructionValue": {"fill": None}}),
            "only explicit",
        ),
        (
            lambda v: v["toBeSigned"]["verifyKeyIndicator"].update(
                verificationKey={"ecdsaBrainpoolP256r1": {"compressed-y-0": "00" * 32}}
            ),
            "ecdsaBrainpoolP256r1 cannot be used",
        ),
        (
            lambda v: v["toBeSigned"]["verifyKeyIndicator"].update(
                verificationKey={"ecsigSm2": {"x-only": "00" * 32}}
            ),
            "x-only does not tell",
        ),
        (lambda v: v.update(issuer={"sha384AndDigest": "00" * 8}), "sha384AndDigest cannot be used"),
        (lambda v: v.update(issuer={"...": {"index": 9, "octets": ""}}), r"\.\.\. cannot be used"),
        (
            lambda v: v.update(signature={"ecdsaNistP256Signature": {"rSig": {"fill": None}, "sSig": "00" * 32}}),
            "has no x",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used_says_why(change: Any, found: str) -> None:
    value = decode_object(assemble(said(), None, "sm2", SIGNATURE).octets, "certificate")
    change(value)
    with pytest.raises(CertificateError, match=found):
        Certificate.parse(encode_object(value, "certificate"))


def test_octets_that_are_no_certificate_name_the_field() -> None:
    octets = assemble(said(), None, "sm2", SIGNATURE).octets
    with pytest.raises(CertificateError, match="at bit"):
        Certificate.parse(octets[:-1])
    with pytest.raises(CertificateError, match="version at bit 16: 4 is not between 3 and 3"):
        Certificate.parse(octets[:1] + b"\x04" + octets[2:])


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"curve": "p384"}, "no curve 'p384'"),
        ({"duration": {"days": 3}}, "a duration is one of"),
        ({"duration": {}}, "a duration is one of"),
    ],
)
def test_arguments_that_make_no_certificate_are_refused(more: dict[str, Any], found: str) -> None:
    with pytest.raises(CertificateError, match=found):
        said(**more)


def test_keys_and_signatures_have_their_lengths() -> None:
    with pytest.raises(PointError, match="33 octets"):
        point_value(b"\x04" + bytes(64))
    with pytest.raises(PointError, match="does not tell"):
        point_octets({"fill": None})
    with pytest.raises(CertificateError, match="64 octets"):
        assemble(said(), None, "sm2", bytes(63))
    with pytest.raises(CertificateError, match="on sm2, the signature on p256"):
        assemble(said(), assemble(said(), None, "sm2", SIGNATURE), "p256", SIGNATURE)


def test_leap_seconds_stand_between_tai_and_utc() -> None:
    assert (tai_of(EPOCH_NS), utc_of(0)) == (0, EPOCH_NS)
    for index, leap in enumerate(LEAPS):
        assert tai_of(leap) - tai_of(leap - 1) == 1 + S
        assert tai_of(leap) == leap - EPOCH_NS + (index + 1) * S
        assert [utc_of(tai_of(leap + step)) - leap for step in (-1, 0, 1)] == [-1, 0, 1]
