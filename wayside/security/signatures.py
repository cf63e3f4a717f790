"""One signature at a time, real keys included: which library does it, and the interface to it.

SM2 goes to the OpenSSL of the system, P-256 to `cryptography` where it is installed and else to the same OpenSSL.
Where neither is at hand, pure Python does the work and a warning says why. Many signatures at once are made and
checked in `wayside.security.batch_signing` and `wayside.security.batch_verifying`.
"""

from __future__ import annotations

import functools
import importlib.util
import secrets
import warnings
from typing import Protocol

from wayside.security.curves import (
    OCTETS,
    CurveName,
    KeyFault,
    curve_named,
    read_digest,
    read_point,
    read_private_key,
    read_signature,
    write_point,
)
from wayside.security.hashes import identity_digest, sha256, sm3
from wayside.security.openssl import NoOpenSsl, find_openssl, read_der, write_der
from wayside.security.plain import PlainPython


class SlowSignatures(UserWarning):
    """Signatures are made and checked in pure Python, a hundred times slower than usual; the text says why."""


class Backend(Protocol):
    """What makes and checks signatures on some curves; `name` tells it to people."""

    name: str
    curves: tuple[CurveName, ...]

    def verify_digest(self, name: CurveName, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature is that of this digest by this key; malformed input is False."""
        ...

    def sign_digest(self, name: CurveName, private_key: bytes, digest: bytes) -> bytes:
        """Return r || s; KeyFault for a key or digest that cannot be used."""
        ...

    def public_key_of(self, name: CurveName, private_key: bytes) -> bytes:
        """Return the compressed public key; KeyFault for a key that cannot be used."""
        ...


class Cryptography:
    """P-256 by the package `cryptography`; ImportError where it is not installed."""

    curves: tuple[CurveName, ...] = ("p256",)

    def __init__(self) -> None:
        from cryptography import __version__  # noqa: PLC0415 - an extra, and slow to import
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        self.name = f"cryptography {__version__}"
        self._ec, self._invalid, self._curve = ec, InvalidSignature, ec.SECP256R1()
        self._of_digest = ec.ECDSA(utils.Prehashed(SHA256()))

    def verify_digest(self, name: CurveName, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature is that of this digest by this key; malformed input is False."""
        halves = read_signature(curve_named(name), signature)
        if halves is None or len(digest) != OCTETS:
            return False
        try:
            key = self._ec.EllipticCurvePublicKey.from_encoded_point(self._curve, public_key)
            key.verify(write_der(*halves), digest, self._of_digest)
        except (ValueError, self._invalid):
            return False
        return True

    def sign_digest(self, name: CurveName, private_key: bytes, digest: bytes) -> bytes:
        """Return r || s with a secret number drawn by the library; KeyFault for a bad key or digest."""
        read_digest(digest)
        key = self._ec.derive_private_key(read_private_key(curve_named(name), private_key), self._curve)
        return read_der(key.sign(digest, self._of_digest))

    def public_key_of(self, name: CurveName, private_key: bytes) -> bytes:
        """Return the compressed public key; KeyFault for a key that cannot be used."""
        key = self._ec.derive_private_key(read_private_key(curve_named(name), private_key), self._curve)
        numbers = key.public_key().public_numbers()
        return write_point((numbers.x, numbers.y))


@functools.cache
def backend(curve: CurveName) -> Backend:
    """Return what makes and checks the signatures of a curve in this process.

    Warns:
        SlowSignatures: once, where only pure Python is left.
    """
    curve_named(curve)
    if curve == "p256" and importlib.util.find_spec("cryptography") is not None:
        return Cryptography()
    try:
        return find_openssl(curve)
    except NoOpenSsl as error:
        warnings.warn(
            f"{curve} signatures are made in pure Python, a few hundred a second: no OpenSSL 3 with this curve "
            f"was found ({error}). Install libssl3 of your system, or put its folder into LD_LIBRARY_PATH.",
            SlowSignatures,
            stacklevel=2,
        )
        return PlainPython()


def backends() -> dict[CurveName, str]:
    """Return for each curve the name of what makes and checks its signatures.

    >>> sorted(backends())
    ['p256', 'sm2']
    """
    return {"sm2": backend("sm2").name, "p256": backend("p256").name}


def digest_of(curve: CurveName, public_key: bytes, identifier: bytes, message: bytes) -> bytes:
    """Return what is signed of a message: SM3(ZA || message) for SM2, SHA-256(message) for P-256.

    Args:
        curve: `sm2` or `p256`.
        public_key: the signer's, 33 or 65 octets.
        identifier: the signer's identity in ZA; in V2X the SM3 digest of its certificate, or `DEFAULT_IDENTIFIER`
            for who signs its own certificate. P-256 has none and ignores it.
        message: what is to be signed.

    Raises:
        KeyFault: SM2 and the key is no point of it, or the identifier is too long.

    Limits: IEEE 1609.2 hashes the signer's certificate into what P-256 signs too; give such a digest to
    `verify_digest` and `sign_digest`.
    """
    curve_named(curve)
    return sm3(identity_digest(public_key, identifier) + message) if curve == "sm2" else sha256(message)


def verify_digest(curve: CurveName, public_key: bytes, digest: bytes, signature: bytes) -> bool:
    """Return whether a signature is that of a digest.

    Args:
        curve: `sm2` or `p256`.
        public_key: 33 or 65 octets.
        digest: 32 octets.
        signature: r || s, 64 octets.

    Returns:
        False too for octets of the wrong number, a key that is no point of the curve, and r or s out of range.

    >>> verify_digest("sm2", bytes(33), bytes(32), bytes(64))
    False
    """
    return backend(curve).verify_digest(curve, public_key, digest, signature)


def verify(curve: CurveName, public_key: bytes, identifier: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is that of a message; arguments as of `digest_of`, False as of `verify_digest`.

    >>> key = private_key_from("sm2", b"an example")
    >>> signature = sign("sm2", key, b"1234567812345678", b"message")
    >>> verify("sm2", public_key_of("sm2", key), b"1234567812345678", b"message", signature)
    True
    >>> verify("sm2", public_key_of("sm2", key), b"another identity", b"message", signature)
    False
    """
    try:
        digest = digest_of(curve, public_key, identifier, message)
    except KeyFault:
        curve_named(curve)  # the wrong name of a curve is a fault of the program
        return False
    return verify_digest(curve, public_key, digest, signature)


def sign_digest(curve: CurveName, private_key: bytes, digest: bytes) -> bytes:
    """Return the signature r || s of a digest, 64 octets.

    Raises:
        KeyFault: the key is not of 32 octets or out of range, or the digest is not of 32 octets.
    """
    return backend(curve).sign_digest(curve, private_key, digest)


def sign(curve: CurveName, private_key: bytes, identifier: bytes, message: bytes) -> bytes:
    """Return the signature r || s of a message, 64 octets; see `digest_of`. KeyFault as of `sign_digest`.

    Who signs SM2 messages often computes the digest of its identity once and calls `sign_digest`.
    """
    public_key = public_key_of(curve, private_key) if curve == "sm2" else b""
    return sign_digest(curve, private_key, digest_of(curve, public_key, identifier, message))


def public_key_of(curve: CurveName, private_key: bytes) -> bytes:
    """Return the compressed public key of a private key, 33 octets; KeyFault for a key that cannot be used."""
    return backend(curve).public_key_of(curve, private_key)


def uncompressed(curve: CurveName, public_key: bytes) -> bytes | None:
    """Return a public key in the form of 65 octets; None where it is no point of the curve."""
    point = read_point(curve_named(curve), public_key)
    return None if point is None else write_point(point, compressed=False)


def new_private_key(curve: CurveName) -> bytes:
    """Return a new private key from the system's source of randomness, 32 octets."""
    return (1 + secrets.randbelow(curve_named(curve).order - 2)).to_bytes(OCTETS, "big")


def private_key_from(curve: CurveName, seed: bytes) -> bytes:
    """Return the private key a seed stands for, 32 octets, the same on every machine; for tests and simulations.

    The number is SM3(curve || 0 || count || seed) of the first count at which it is in range.
    """
    order, count = curve_named(curve).order, 0
    while True:
        found = sm3(curve.encode() + b"\x00" + count.to_bytes(4, "big") + seed)
        if 1 <= int.from_bytes(found, "big") <= order - 2:
            return found
        count += 1
