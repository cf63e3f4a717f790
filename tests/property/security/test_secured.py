"""What holds for every security object, valid or not, in the record codec and in the batch reader."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.asn1.coer_machine import find_places
from wayside.asn1.coer_program import PlacesProgram, compile_places
from wayside.asn1.errors import WireError
from wayside.asn1.frames import Frames
from wayside.asn1.samples import sample
from wayside.security.certificates import Certificate, CertificateError
from wayside.security.objects import KINDS, decode_object, encode_object, object_codec
from wayside.security.sealed import Envelope, Scheme, SignerForm, open_all

SEEDS = st.integers(0, 2**64)
KIND = st.sampled_from(list(KINDS))


@cache
def program(kind: str) -> PlacesProgram:
    return compile_places(object_codec(kind).root, ())


def reason_of(kind: str, octets: bytes) -> int:
    """Return the reason for which the batch reader refuses an object, 0 if it does not."""
    code = program(kind)
    room, spans = np.zeros(code.stack, np.int64), np.zeros((0, 2), np.int64)
    return find_places(code.code, code.defaults, room, np.frombuffer(octets, np.uint8), 0, len(octets), spans)


def complete(value: Any) -> Any:
    """Return a sample with a message in each payload: samples leave out a type that is inside itself."""
    if isinstance(value, dict):
        if value.get("data") == {}:
            value = value | {"data": {"protocolVersion": 3, "content": {"unsecuredData": "0102"}}}
        return {key: complete(inner) for key, inner in value.items()}
    return [complete(inner) for inner in value] if isinstance(value, list) else value


def some(kind: str, seed: int) -> bytes:
    return encode_object(complete(sample(object_codec(kind).root, Random(seed), most_items=2)), kind)


def damaged(octets: bytes, random: Random) -> bytes:
    """Return octets with one to three of them changed, cut, doubled or set in."""
    raw = bytearray(octets)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(raw) + 1)
        match random.randrange(5):
            case 0 if at < len(raw):
                raw[at] ^= 1 << random.randrange(8)
            case 1 if at < len(raw):
                raw[at] = random.choice((0, 1, 0x7F, 0x80, 0x81, 0xFF))
            case 2:
                raw[at:at] = random.randbytes(random.randint(1, 3))
            case 3:
                del raw[at : at + random.randint(1, 3)]
            case _:
                raw = raw[:at]
    return bytes(raw)


def check(kind: str, octets: bytes) -> bool:
    """Check one object both ways; return whether it can be read."""
    try:
        value = decode_object(octets, kind)
    except WireError as error:
        assert reason_of(kind, octets) == error.reason
        assert 0 <= error.bit <= 8 * len(octets)
        return False
    assert encode_object(value, kind) == octets
    assert reason_of(kind, octets) == 0
    return True


@settings(max_examples=40, deadline=None)
@given(kind=KIND, seed=SEEDS)
def test_what_is_written_is_read_again(kind: str, seed: int) -> None:
    assert check(kind, some(kind, seed))


@settings(max_examples=100, deadline=None)
@given(kind=KIND, seed=SEEDS)
def test_a_damaged_object_is_refused_by_both_readers_or_is_the_one_encoding_of_its_value(
    kind: str, seed: int
) -> None:
    check(kind, damaged(some(kind, seed), Random(seed)))


@settings(max_examples=300, deadline=None)
@given(kind=KIND, octets=st.binary(max_size=60))
def test_noise_is_refused_by_both_readers_or_is_the_one_encoding_of_its_value(kind: str, octets: bytes) -> None:
    check(kind, octets)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, hurt=st.booleans())
def test_a_certificate_is_understood_or_refused_and_never_something_else(seed: int, hurt: bool) -> None:
    octets = some("certificate", seed)
    if hurt:
        octets = damaged(octets, Random(seed))
    try:
        certificate = Certificate.parse(octets)
    except CertificateError:
        return
    assert certificate.octets == octets
    assert (len(certificate.public_key), len(certificate.signature), len(certificate.digest)) == (33, 64, 32)


@settings(max_examples=40, deadline=None)
@given(seeds=st.lists(SEEDS, min_size=1, max_size=4), hurt=st.booleans())
def test_the_columns_of_a_batch_say_what_the_records_say(seeds: list[int], hurt: bool) -> None:
    octets = [some("signed", seed) for seed in seeds]
    if hurt:
        octets = [damaged(one, Random(seed)) for one, seed in zip(octets, seeds, strict=True)]
    frames = Frames.of(octets)
    opened = open_all(frames)
    whole = frames.octets.tobytes()
    for row, one in enumerate(octets):
        try:
            content = decode_object(one, "signed")["content"]
        except WireError as error:
            assert (opened.kind[row], opened.fault[row]) == (Envelope.UNREADABLE, error.reason)
            continue
        assert opened.fault[row] == 0
        if "unsecuredData" in content:
            assert opened.kind[row] == Envelope.UNSECURED
        elif "signedData" not in content:
            assert opened.kind[row] == Envelope.OTHER
            continue
        payload = whole[opened.payload[row] : opened.payload[row] + opened.payload_length[row]].hex()
        if "unsecuredData" in content:
            assert payload == content["unsecuredData"]
            continue
        signed = content["signedData"]
        header, signer, signature = signed["tbsData"]["headerInfo"], signed["signer"], signed["signature"]
        inner = signed["tbsData"]["payload"].get("data", {}).get("content", {}).get("unsecuredData")
        assert opened.kind[row] == (Envelope.OTHER if inner is None else Envelope.SIGNED)
        assert inner is None or payload == inner
        assert opened.aid[row] == (header["aid"] if header["aid"] < 1 << 56 else -1)
        for column, name in ((opened.generation_us, "generationTime"), (opened.expiry_us, "expiryTime")):
            assert column[row] == min(header.get(name, -1), (1 << 63) - 1)
        tbs = whole[opened.signed[row] : opened.signed[row] + opened.signed_length[row]]
        assert tbs == encode_object(signed["tbsData"], "tbs-data")
        ((form, named),) = signer.items()
        expected = {"digest": SignerForm.DIGEST, "self": SignerForm.SELF}.get(form, SignerForm.OTHER)
        if form == "certificate" and named:
            expected = SignerForm.CERTIFICATE
            at = opened.certificate[row]
            certificate = whole[at : at + opened.certificate_length[row]]
            assert certificate == encode_object(named[0], "certificate")
        assert opened.signer_form[row] == expected
        assert opened.signer[row] == (int(named, 16) if form == "digest" else 0)
        found = whole[opened.signature[row] : opened.signature[row] + 64].hex()
        if "sm2Signature" in signature:
            assert opened.scheme[row] == Scheme.SM2
            assert found == signature["sm2Signature"]["rSig"] + signature["sm2Signature"]["sSig"]
        elif opened.scheme[row] == Scheme.P256:
            parts = signature["ecdsaNistP256Signature"]
            assert found == next(iter(parts["rSig"].values())) + parts["sSig"]
        else:
            assert opened.signature[row] == -1


@pytest.mark.slow
def test_many_thousands_of_damaged_objects_are_judged_alike_by_both_readers() -> None:
    random, read, count = Random(3957), 0, 0
    while count < 20_000:
        kind = random.choice(list(KINDS))
        octets = some(kind, random.getrandbits(64))
        for _ in range(50 if len(octets) < 2_000 else 0):
            read += check(kind, damaged(octets, random))
            count += 1
    assert 0 < read < count
