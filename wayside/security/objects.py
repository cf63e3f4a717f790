"""Security objects of YD/T 3957-2021 (IEEE 1609.2-2022) as plain values: what is read, shown and written."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from wayside.asn1.coer import CoerCodec
from wayside.asn1.coer_schema import read_coer_schema
from wayside.errors import WaysideError

TEXTS = ("elements.asn", "certificates.asn", "secured.asn", "lists.asn", "management.asn")
KINDS = {  # what an object can be, and its type in the texts
    "certificate": "Certificate",
    "tbs-certificate": "ToBeSignedCertificate",
    "signed": "V2XSecData",  # with any content: unsecured, signed, encrypted, or a request
    "tbs-data": "ToBeSignedData",
    "request": "SignedCertificateRequest",
    "management": "ScmsPdu",
    "crl": "CrlContents",
    "trcl": "RootCtl",
    "tbs-trcl": "ToBeSignedRootCtl",
    "tdcl": "PkiCtl",
    "tbs-tdcl": "ToBeSignedPkiCtl",
    "management-ssp": "ScmsSsp",  # of AID 3627
    "crl-ssp": "CrlSsp",  # of AID 3628
}


class ObjectKindError(WaysideError):
    """There is no such kind of security object; the text lists those there are."""


@cache
def _codecs() -> dict[str, CoerCodec]:
    """Return the codec of each kind."""
    room = files("wayside.security").joinpath("asn1")
    text = "\n".join(room.joinpath(name).read_text("utf-8") for name in TEXTS)
    return dict(zip(KINDS, map(CoerCodec, read_coer_schema(text, *KINDS.values())), strict=True))


def object_codec(kind: str) -> CoerCodec:
    """Return the codec of a kind of object.

    Raises:
        ObjectKindError: there is no such kind.
    """
    if kind not in KINDS:
        raise ObjectKindError(f"no security object is called {kind!r}; known are: {', '.join(KINDS)}")
    return _codecs()[kind]


def decode_object(octets: bytes, kind: str) -> Any:
    """Return the value of an object.

    Args:
        octets: the object in canonical OER.
        kind: one of `KINDS`.

    Raises:
        ObjectKindError: there is no such kind.
        WireError: the octets are not the encoding of such an object; it names the reason, the field and the bit.

    >>> decode_object(bytes.fromhex("03800412b00204"), "signed")
    {'protocolVersion': 3, 'content': {'unsecuredData': '12b00204'}}
    """
    return object_codec(kind).decode(octets)


def encode_object(value: Any, kind: str) -> bytes:
    """Return the octets of an object.

    Raises:
        ObjectKindError: there is no such kind.
        WireError: the value is not such an object; it names the field.

    >>> encode_object({"ica": {"version": 1}}, "management-ssp").hex()
    '830001'
    """
    return object_codec(kind).encode(value)
