from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from wayside.security import openssl, signatures
from wayside.security.curves import CURVES, CurveName, KeyFault, curve_named, read_point, write_point
from wayside.security.openssl import NoOpenSsl, OpenSsl, find_openssl, read_der, write_der
from wayside.security.plain import PlainPython
from wayside.security.signatures import (
    Backend,
    Cryptography,
    SlowSignatures,
    backends,
    new_private_key,
    private_key_from,
    public_key_of,
    sign,
    sign_digest,
    uncompressed,
    verify,
    verify_digest,
)

NAMES: tuple[CurveName, ...] = ("sm2", "p256")
DIGEST = bytes(range(32))


def all_backends() -> list[Backend]:
    found: list[Backend] = [PlainPython()]
    with contextlib.suppress(NoOpenSsl):
        found.append(find_openssl("sm2"))
    if importlib.util.find_spec("cryptography"):
        found.append(Cryptography())
    return found


EACH = [(backend, name) for backend in all_backends() for name in backend.curves]
each = pytest.mark.parametrize(("backend", "name"), EACH, ids=[f"{b.name}-{n}" for b, n in EACH])


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    signatures.backend.cache_clear()
    yield
    signatures.backend.cache_clear()


@each
def test_what_one_signs_all_believe(backend: Backend, name: CurveName) -> None:
    private = private_key_from(name, b"one")
    public = backend.public_key_of(name, private)
    signature = backend.sign_digest(name, private, DIGEST)
    assert len(signature) == 64 and len(public) == 33
    for other, known in EACH:
        if known == name:
            assert other.verify_digest(name, public, DIGEST, signature)
            assert other.verify_digest(name, uncompressed(name, public) or b"", DIGEST, signature)
            assert not other.verify_digest(name, public, DIGEST[::-1], signature)


@each
def test_all_find_the_same_public_key(backend: Backend, name: CurveName) -> None:
    for seed in (b"1", b"2", b"3"):
        private = private_key_from(name, seed)
        assert backend.public_key_of(name, private) == PlainPython().public_key_of(name, private)


@each
def test_malformed_input_is_not_verified_and_raises_nothing(backend: Backend, name: CurveName) -> None:
    private = private_key_from(name, b"one")
    public = PlainPython().public_key_of(name, private)
    signature = PlainPython().sign_digest(name, private, DIGEST)
    order, prime = curve_named(name).order.to_bytes(32, "big"), curve_named(name).prime.to_bytes(32, "big")
    long = uncompressed(name, public) or b""
    keys = (
        b"", b"\x00", public[:-1], public + b"\x00", b"\x04" + public[1:], b"\x05" + public[1:], b"\x02" + prime,
        b"\x02" + b"\xff" * 32, bytes(33), bytes(65), long[:-1] + bytes([long[-1] ^ 1]), b"\x06" + long[1:],
    )  # fmt: skip
    for key in keys:
        assert not backend.verify_digest(name, key, DIGEST, signature), key.hex()
    r, s, zero = signature[:32], signature[32:], bytes(32)
    for wrong in (b"", r, signature + b"\x00", zero + s, r + zero, zero + zero, order + s, r + order, s + r):
        assert not backend.verify_digest(name, public, DIGEST, wrong), wrong.hex()
    for digest in (b"", DIGEST[:-1], DIGEST + b"\x00"):
        assert not backend.verify_digest(name, public, digest, signature)
    assert backend.verify_digest(name, public, DIGEST, signature)


@each
def test_a_key_that_cannot_sign_is_named(backend: Backend, name: CurveName) -> None:
    order = curve_named(name).order
    for key, said in (
        (bytes(32), "is 0"),
        (b"\x01", "of 1 octets"),
        ((order - 1).to_bytes(32, "big"), "too great"),
        (b"\xff" * 32, "too great"),
    ):
        with pytest.raises(KeyFault, match=said):
            backend.sign_digest(name, key, DIGEST)
        with pytest.raises(KeyFault, match=said):
            backend.public_key_of(name, key)
    for last in (1, order - 2):
        private = last.to_bytes(32, "big")
        signature = backend.sign_digest(name, private, DIGEST)
        assert backend.verify_digest(name, backend.public_key_of(name, private), DIGEST, signature)
    with pytest.raises(KeyFault, match="digest of 31 octets"):
        backend.sign_digest(name, (1).to_bytes(32, "big"), bytes(31))


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_verified_under_its_signers_identity_alone(name: CurveName) -> None:
    private = private_key_from(name, b"station")
    public, identity = public_key_of(name, private), bytes(range(32))
    signature = sign(name, private, identity, b"a message")
    assert verify(name, public, identity, b"a message", signature)
    assert not verify(name, public, identity, b"a massage", signature)
    assert verify(name, public, b"1234567812345678", b"a message", signature) == (name == "p256")
    assert not verify(name, b"\x02" + b"\xff" * 32, identity, b"a message", signature)


def test_an_unknown_curve_is_an_error_even_when_verifying() -> None:
    with pytest.raises(KeyFault, match="no curve 'brainpool'; there are sm2 and p256"):
        verify("brainpool", b"", b"", b"", b"")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_new_keys_differ_and_keys_from_seeds_do_not(name: CurveName) -> None:
    assert new_private_key(name) != new_private_key(name)
    assert private_key_from(name, b"seed") == private_key_from(name, b"seed")
    assert private_key_from("sm2", b"seed") != private_key_from("p256", b"seed")


def test_without_openssl_a_warning_says_why_once(monkeypatch: pytest.MonkeyPatch, fresh_choice: None) -> None:
    def nothing(curve: CurveName) -> OpenSsl:
        raise NoOpenSsl("libcrypto.so.3: OpenSSL 3.0.0 does not know sm2")

    monkeypatch.setattr(signatures, "find_openssl", nothing)
    private = private_key_from("sm2", b"slow")
    with pytest.warns(SlowSignatures, match=r"pure Python.*OpenSSL 3\.0\.0 does not know sm2.*Install libssl3"):
        public = public_key_of("sm2", private)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signature = sign_digest("sm2", private, DIGEST)
        assert verify_digest("sm2", public, DIGEST, signature)
        assert backends()["sm2"] == "pure Python"


def test_without_cryptography_p256_goes_to_openssl(monkeypatch: pytest.MonkeyPatch, fresh_choice: None) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "cryptography" not in backends()["p256"]
    private = private_key_from("p256", b"one")
    signature = sign_digest("p256", private, DIGEST)
    assert verify_digest("p256", public_key_of("p256", private), DIGEST, signature)


def test_libraries_that_will_not_do_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssl, "_libraries", lambda: iter(["libnothing.so.9", "libc.so.6"]))
    with pytest.raises(NoOpenSsl, match=r"libnothing\.so\.9: .*; libc\.so\.6: "):
        find_openssl("sm2")


def test_threads_do_not_disturb_each_other() -> None:
    keys = [private_key_from("sm2", bytes([n])) for n in range(8)]

    def work(key: bytes) -> bool:
        public = public_key_of("sm2", key)
        good = [verify_digest("sm2", public, DIGEST, sign_digest("sm2", key, DIGEST)) for _ in range(5)]
        bad = [verify_digest("sm2", public, DIGEST[::-1], sign_digest("sm2", key, DIGEST)) for _ in range(5)]
        return all(good) and not any(bad)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, keys))


@pytest.mark.parametrize("name", NAMES)
def test_points_survive_being_written_in_either_form(name: CurveName) -> None:
    curve = CURVES[name]
    x, y = curve.generator
    for point in (curve.generator, (x, curve.prime - y)):
        for compressed in (True, False):
            assert read_point(curve, write_point(point, compressed)) == point


def test_der_keeps_every_size_of_number() -> None:
    for r, s in ((1, 2**256 - 1), (127, 128), (2**255, 255), (2**248, 2**128)):
        assert read_der(write_der(r, s)) == r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_the_plain_nonce_is_that_of_rfc_6979() -> None:
    # RFC 6979, appendix A.2.5: P-256, SHA-256, message "sample"
    private = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
    signature = PlainPython().sign_digest("p256", private, signatures.sha256(b"sample"))
    assert signature.hex() == (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )
