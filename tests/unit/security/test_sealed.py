"""Batches of signed messages: written up to their signatures, and read without verifying."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.asn1.coer_program import compile_places
from wayside.asn1.errors import Fault
from wayside.asn1.frames import Frames
from wayside.asn1.schema import SchemaError
from wayside.security.certificates import assemble, issue_value
from wayside.security.objects import decode_object, encode_object, object_codec
from wayside.security.sealed import Envelope, Scheme, SignerForm, open_all, signatures_of
from wayside.security.sealing import SealError, seal

CERTIFICATE = assemble(
    issue_value(
        identity="pole",
        start_ns=1_735_689_600_000_000_000,
        duration={"years": 1},
        curve="sm2",
        public_key=b"\2" * 33,
    ),
    None,
    "sm2",
    bytes(64),
)
PAYLOADS = [bytes(52), b"", bytes(127), bytes(128), bytes(300), bytes(70_000 - 5_000)]
AIDS = np.array([0, 111, 255, 256, 3627, 1 << 55])
GENERATION = np.array([0, 1, -1, 5 * 10**14, -1, (1 << 63) - 1])
EXPIRY = np.array([-1, 2, 3, -1, -1, 7])
SIGNERS = np.array([0, 1, 2, 3, 1 << 63, (1 << 64) - 1], np.uint64)


def certificates(sent: list[bool]) -> Frames:
    return Frames.of([CERTIFICATE.octets if one else b"" for one in sent])


@pytest.mark.parametrize("curve", ["sm2", "p256"])
@pytest.mark.parametrize("sent", [[False] * 6, [True, False] * 3])
def test_sealed_frames_are_those_of_the_record_codec(curve: str, sent: list[bool]) -> None:
    unsigned = seal(
        Frames.of(PAYLOADS),
        AIDS,
        GENERATION,
        SIGNERS,
        curve=curve,
        certificates=certificates(sent),
        expiry_us=EXPIRY,
    )
    signatures = np.arange(6 * 64, dtype=np.uint8).reshape(6, 64)
    frames = unsigned.with_signatures(signatures)
    for row, payload in enumerate(PAYLOADS):
        header = {"aid": int(AIDS[row])}
        header |= {"generationTime": int(GENERATION[row])} if GENERATION[row] >= 0 else {}
        header |= {"expiryTime": int(EXPIRY[row])} if EXPIRY[row] >= 0 else {}
        inner = {"protocolVersion": 3, "content": {"unsecuredData": payload.hex()}}
        tbs = {"payload": {"data": inner}, "headerInfo": header}
        r, s = signatures[row, :32].tobytes().hex(), signatures[row, 32:].tobytes().hex()
        digest = int(SIGNERS[row]).to_bytes(8, "big").hex()
        signed = {
            "hashId": "sm3" if curve == "sm2" else "sha256",
            "tbsData": tbs,
            "signer": {"certificate": [CERTIFICATE.value]} if sent[row] else {"digest": digest},
            "signature": {"sm2Signature": {"rSig": r, "sSig": s}}
            if curve == "sm2"
            else {"ecdsaNistP256Signature": {"rSig": {"x-only": r}, "sSig": s}},
        }
        assert decode_object(frames[row], "signed")["content"] == {"signedData": signed}
        at, length = unsigned.signed[row], unsigned.signed_length[row]
        assert frames.octets[at : at + length].tobytes() == encode_object(tbs, "tbs-data")
    opened = open_all(frames)
    assert (opened.kind == Envelope.SIGNED).all()
    assert (opened.scheme == (Scheme.SM2 if curve == "sm2" else Scheme.P256)).all()
    assert (opened.aid == AIDS).all()
    assert (opened.generation_us == GENERATION).all()
    assert (opened.expiry_us == EXPIRY).all()
    assert (opened.signature == unsigned.signature).all()
    assert (opened.signed == unsigned.signed).all()
    assert (opened.payload_length == [len(payload) for payload in PAYLOADS]).all()
    assert (signatures_of(frames, opened) == signatures).all()
    assert opened.signer.tolist() == [0 if there else n for n, there in zip(SIGNERS.tolist(), sent, strict=True)]
    forms = [SignerForm.CERTIFICATE if there else SignerForm.DIGEST for there in sent]
    assert opened.signer_form.tolist() == forms


def test_a_frame_that_cannot_be_read_disturbs_no_other() -> None:
    good = seal(Frames.of([b"hello"]), AIDS[:1], GENERATION[:1], SIGNERS[:1]).frames[0]
    opened = open_all(Frames.of([good, good[:-1], b"", good + b"\0", b"\4" + good[1:], good]))
    expected = [0, Fault.TRUNCATED, Fault.TRUNCATED, Fault.TRAILING_BITS, Fault.OUT_OF_RANGE, 0]
    assert opened.fault.tolist() == expected
    assert opened.kind.tolist() == [2, 0, 0, 0, 0, 2]
    assert (opened.payload[1:5] == -1).all()
    assert opened.payload[5] - opened.payload[0] == 4 * len(good)  # one is cut by an octet, and one has one more


def test_an_empty_batch_is_no_error() -> None:
    nothing = Frames.of([])
    assert len(open_all(nothing)) == 0
    assert len(seal(nothing, AIDS[:0], GENERATION[:0], SIGNERS[:0]).frames) == 0


def test_what_has_no_signature_has_zeros() -> None:
    frames = Frames.of([bytes.fromhex("03800412b00204"), b""])
    assert not signatures_of(frames, open_all(frames)).any()


def test_columns_that_do_not_fit_are_refused_by_row() -> None:
    two = Frames.of([b"a", b"b"])
    with pytest.raises(SealError, match="aids has 1 rows, there are 2 payloads"):
        seal(two, AIDS[:1], GENERATION[:2], SIGNERS[:2])
    with pytest.raises(SealError, match="row 1 has AID -5"):
        seal(two, np.array([1, -5]), GENERATION[:2], SIGNERS[:2])
    with pytest.raises(SealError, match="no curve 'p384'"):
        seal(two, AIDS[:2], GENERATION[:2], SIGNERS[:2], curve="p384")
    with pytest.raises(SealError, match="1 certificates"):
        seal(two, AIDS[:2], GENERATION[:2], SIGNERS[:2], certificates=certificates([True]))
    with pytest.raises(SealError, match=r"expected \(2, 64\)"):
        seal(two, AIDS[:2], GENERATION[:2], SIGNERS[:2]).with_signatures(np.zeros((1, 64), np.uint8))


def test_a_path_that_the_schema_does_not_have_is_no_mark() -> None:
    with pytest.raises(SchemaError, match=r"no content\.nothing"):
        compile_places(object_codec("signed").root, ("content.nothing",))
