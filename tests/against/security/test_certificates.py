"""Certificates of the field and the published example of YD/T 3957, annex D; and two other OER codecs."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import asn1tools
import pytest

from wayside.asn1.samples import sample
from wayside.security.certificates import Certificate, signer_identifier
from wayside.security.objects import TEXTS, decode_object, encode_object, object_codec

SOURCE = Path(__file__).parents[4] / "shared" / "data" / "security" / "certs.json"
real = pytest.mark.skipif(not SOURCE.is_file(), reason=f"no certificates in {SOURCE}")


def vectors() -> Any:
    return json.loads(SOURCE.read_text("utf-8"))


@real
def test_certificates_of_the_field_read_as_their_value_and_write_back() -> None:
    for one in vectors()["certificates"]:
        octets = bytes.fromhex(one["hex"])
        assert decode_object(octets, "certificate") == one["value"], one["id"]
        assert encode_object(one["value"], "certificate") == octets, one["id"]


@real
def test_certificates_of_the_field_are_known_by_their_hash_and_name_their_issuer() -> None:
    seen: dict[str, Certificate] = {}
    for one in vectors()["certificates"]:
        certificate = Certificate.parse(bytes.fromhex(one["hex"]))
        assert certificate.hashed_id8.hex() == one["hashedId8"]
        assert certificate.tbs.hex() == one["tbs_hex"]
        signer = None if one["issuer"] == "self" else seen[one["issuer"]]
        assert certificate.issuer == (signer.hashed_id8 if signer else None)
        assert signer_identifier(signer).hex() == one["sm2_id_hex"]
        assert (certificate.curve, certificate.signed_with) == ("sm2", "sm2")
        seen[one["id"]] = certificate
    assert len(seen) >= 2


@real
def test_the_published_data_to_be_signed_reads_as_its_value_and_writes_back() -> None:
    example = vectors()["sm2_worked_example"]
    octets = bytes.fromhex(example["tbs_data_hex"])
    assert decode_object(octets, "tbs-data") == example["tbs_data_value"]
    assert encode_object(example["tbs_data_value"], "tbs-data") == octets


@real
def test_no_flipped_bit_leaves_a_certificate_as_it_was() -> None:
    octets = bytes.fromhex(vectors()["certificates"][1]["hex"])
    whole = Certificate.parse(octets)
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        try:
            other = Certificate.parse(bytes(flipped))
        except ValueError:
            continue
        assert other.digest != whole.digest
        covered = (other.tbs, other.signature, other.issuer, other.signed_with)
        # a type or curve of another name is what the signature does not cover; the digest does
        assert covered != (whole.tbs, whole.signature, whole.issuer, whole.signed_with) or bit < 24


@pytest.fixture(scope="module")
def other_codec() -> Any:
    room = files("wayside.security").joinpath("asn1")
    text = "\n".join(room.joinpath(name).read_text("utf-8") for name in TEXTS)
    return asn1tools.compile_string(text, "oer")


def plain(node: Any, value: Any) -> Any:  # noqa: PLR0911
    """Return one of our values in the form of asn1tools."""
    kind = type(node).__name__
    if kind == "Reference":
        return plain(node.known[node.name], value)
    if kind == "Octets":
        return bytes.fromhex(value)
    if kind == "Bits":
        number = int(value["bits"], 2)
        return number.to_bytes(len(value["bits"]) // 8, "big"), len(value["bits"])
    if kind == "SequenceOf":
        return [plain(node.element, item) for item in value]
    if kind == "Choice":
        ((name, inner),) = value.items()
        return name, plain(next(f.node for f in node.alternatives + node.additions if f.name == name), inner)
    if kind == "Sequence":
        fields = {f.name: f for f in node.fields + node.additions}
        return {name: plain(fields[name].node, inner) for name, inner in value.items()}
    return value


@pytest.mark.parametrize(
    ("kind", "name"),
    [("certificate", "Certificate"), ("crl", "CrlContents"), ("trcl", "RootCtl"), ("tbs-data", "ToBeSignedData")],
)
def test_random_objects_have_the_same_octets_in_another_codec(other_codec: Any, kind: str, name: str) -> None:
    root = object_codec(kind).root
    for seed in range(60):
        value = sample(root, Random(seed), most_items=2)
        if kind == "tbs-data":
            value["payload"] = {"data": {"protocolVersion": 3, "content": {"unsecuredData": "0102"}}}
        ours = encode_object(value, kind)
        if len(ours) < 20_000:
            assert other_codec.encode(name, plain(root, value)) == ours, seed
