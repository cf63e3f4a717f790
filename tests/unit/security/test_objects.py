"""Security objects by their kind."""

from __future__ import annotations

import pytest

from wayside.asn1.errors import Fault, WireError
from wayside.security.objects import KINDS, ObjectKindError, decode_object, encode_object, object_codec


def test_every_kind_has_a_codec() -> None:
    assert all(object_codec(kind).root for kind in KINDS)


def test_a_kind_that_there_is_not_is_answered_with_those_there_are() -> None:
    with pytest.raises(ObjectKindError, match="'letter'; known are: certificate, tbs-certificate, signed"):
        decode_object(b"", "letter")
    with pytest.raises(ObjectKindError):
        encode_object({}, "letter")


def test_roles_and_lists_of_authorities_read_from_their_permissions() -> None:
    assert decode_object(bytes.fromhex("800001"), "management-ssp") == {"root": {"version": 1}}
    crl = decode_object(bytes.fromhex("0001000105010000010014001e0028"), "crl-ssp")
    assert crl == {"version": 1, "associatedCraca": "isCraca", "crls": [256, 1, 20, 30, 40]}


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("80", {"sha256AndDigest": "01" * 8}),
        ("81", {"self": "sm3"}),
        ("82", {"sha384AndDigest": "01" * 8}),
        ("83", {"sm3AndDigest": "01" * 8}),
    ],
)
def test_issuers_of_lists_have_the_tags_of_the_standard(tag: str, value: dict[str, str]) -> None:
    trcl = {
        "version": 1,
        "issuer": value,
        "series": 2,
        "issueDate": 3,
        "nextRootCtl": 4,
        "pkiCtlInfoList": [],
    }
    octets = encode_object(trcl, "tbs-trcl")
    assert octets[:2].hex() == f"01{tag}"
    assert decode_object(octets, "tbs-trcl") == trcl


def test_another_version_is_refused_by_its_field() -> None:
    with pytest.raises(WireError) as refused:
        decode_object(bytes.fromhex("02800412b00204"), "signed")
    assert (refused.value.reason, refused.value.path, refused.value.bit) == (
        Fault.OUT_OF_RANGE,
        "protocolVersion",
        8,
    )


def test_an_unknown_algorithm_is_kept() -> None:
    key = {"...": {"index": 9, "octets": "0102"}}
    request = {
        "ee-ra": {
            "eeRaCertRequest": {
                "version": 1,
                "generationTime": 0,
                "type": "explicit",
                "tbsCert": {
                    "id": {"none": None},
                    "cracaId": "000000",
                    "crlSeries": 0,
                    "validityPeriod": {"start": 0, "duration": {"years": 1}},
                    "verifyKeyIndicator": {"verificationKey": key},
                },
            }
        }
    }
    octets = encode_object({"version": 1, "content": request}, "management")
    assert decode_object(octets, "management")["content"] == request
