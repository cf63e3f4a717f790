"""Signatures by the OpenSSL library of the system, called directly.

The library is given digests, so that the caller alone decides under which identifier SM2 hashes a message. Every
call releases Python's global lock, leaves nothing allocated and nothing in the library's queue of errors.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
from typing import Any

from wayside.security.curves import (
    CURVES,
    OCTETS,
    CurveName,
    KeyFault,
    curve_named,
    read_digest,
    read_private_key,
    read_signature,
    write_point,
)

SONAMES = ("libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll", "libcrypto.so")
GROUPS = {
    "sm2": (b"SM2", b"SM2", 1172),
    "p256": (b"EC", b"prime256v1", 415),
}  # key type, group, number of the group
PARAMETERS, PUBLIC, KEY_PAIR = 0x84, 0x86, 0x87  # what of a key is handed over (openssl/evp.h)
INTEGER, TEXT, OCTET_STRING = 2, 4, 5  # kinds of parameters (openssl/core.h)
COMPRESSED = 2  # form of a point (openssl/ec.h)


class NoOpenSsl(RuntimeError):
    """No OpenSSL with what is needed; the text lists what was looked at."""


class _Parameter(ctypes.Structure):
    """OSSL_PARAM; an array of them ends with one that has no key."""

    _fields_ = (
        ("key", c_char_p),
        ("kind", c_uint),
        ("data", c_void_p),
        ("size", c_size_t),
        ("returned", c_size_t),
    )


FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {  # name: what is returned, arguments
    "OpenSSL_version": (c_char_p, (c_int,)),
    "ERR_clear_error": (None, ()),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, (c_void_p, c_void_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_fromdata_init": (c_int, (c_void_p,)),
    "EVP_PKEY_fromdata": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(_Parameter))),
    "EVP_PKEY_dup": (c_void_p, (c_void_p,)),
    "EVP_PKEY_set1_encoded_public_key": (c_int, (c_void_p, c_char_p, c_size_t)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_verify_init": (c_int, (c_void_p,)),
    "EVP_PKEY_verify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EVP_PKEY_sign_init": (c_int, (c_void_p,)),
    "EVP_PKEY_sign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EC_GROUP_new_by_curve_name": (c_void_p, (c_int,)),
    "EC_GROUP_free": (None, (c_void_p,)),
    "EC_POINT_new": (c_void_p, (c_void_p,)),
    "EC_POINT_free": (None, (c_void_p,)),
    "EC_POINT_mul": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EC_POINT_point2oct": (c_size_t, (c_void_p, c_void_p, c_int, c_char_p, c_size_t, c_void_p)),
    "BN_bin2bn": (c_void_p, (c_char_p, c_int, c_void_p)),
    "BN_clear_free": (None, (c_void_p,)),
}


def _parameters(*given: tuple[bytes, int, bytes]) -> Any:
    """Return a C array of parameters; the octets are the caller's to keep alive."""
    rows = (_Parameter * (len(given) + 1))()
    for row, (key, kind, octets) in zip(rows, given, strict=False):
        row.key, row.kind, row.data, row.size = key, kind, ctypes.cast(c_char_p(octets), c_void_p), len(octets)
    return rows


def write_der(r: int, s: int) -> bytes:
    """Return SEQUENCE {r INTEGER, s INTEGER} in DER.

    >>> write_der(1, 255).hex()
    '3007020101020200ff'
    """
    parts = b""
    for number in (r, s):
        octets = number.to_bytes(number.bit_length() // 8 + 1, "big")
        parts += bytes([2, len(octets)]) + octets
    return bytes([0x30, len(parts)]) + parts


def read_der(octets: bytes) -> bytes:
    """Return r || s, 64 octets, of what `write_der` writes."""
    at, halves = 2, b""
    for _ in range(2):
        size = octets[at + 1]
        halves += int.from_bytes(octets[at + 2 : at + 2 + size], "big").to_bytes(OCTETS, "big")
        at += 2 + size
    return halves


class OpenSsl:
    """Both curves, or P-256 alone, through one libcrypto of version 3 or later.

    Args:
        library: name or path of the library.

    Raises:
        NoOpenSsl: it cannot be loaded, is older than version 3, or knows neither curve.
    """

    def __init__(self, library: str) -> None:
        try:
            loaded = ctypes.CDLL(library)
            self._call: dict[str, Any] = {}
            for name, (returns, arguments) in FUNCTIONS.items():
                function = getattr(loaded, name)
                function.restype, function.argtypes = returns, arguments
                self._call[name] = function
        except (OSError, AttributeError) as error:
            raise NoOpenSsl(f"{library}: {error}") from error
        self.name: str = b" ".join(self._call["OpenSSL_version"](0).split()[:2]).decode("ascii", "replace")
        self._empty: dict[str, int] = {}  # a key of each curve that has parameters and no number yet
        for name in CURVES:
            pub = write_point(CURVES[name].generator, compressed=False)
            key = self._import(name, PUBLIC, (b"pub", OCTET_STRING, pub))
            if key:
                self._empty[name] = key  # lives as long as the process
        self.curves: tuple[CurveName, ...] = tuple(name for name in CURVES if name in self._empty)
        if not self.curves:
            raise NoOpenSsl(f"{library}: {self.name} knows neither SM2 nor P-256")

    def _import(self, name: str, what: int, *numbers: tuple[bytes, int, bytes]) -> int | None:
        """Return a new key of these numbers; None where the library refuses them."""
        call, (kind, group, _) = self._call, GROUPS[name]
        context = call["EVP_PKEY_CTX_new_from_name"](None, kind, None)
        key = c_void_p()
        try:
            if context and call["EVP_PKEY_fromdata_init"](context) == 1:
                given = _parameters((b"group", TEXT, group), *numbers)
                call["EVP_PKEY_fromdata"](context, byref(key), what, given)
        finally:
            call["EVP_PKEY_CTX_free"](context)
            call["ERR_clear_error"]()
        return key.value

    @contextmanager
    def _context(self, key: int | None) -> Iterator[int | None]:
        """Lend a context for an operation with this key; both are freed at the end."""
        context = None
        try:
            context = self._call["EVP_PKEY_CTX_new_from_pkey"](None, key, None) if key else None
            yield context
        finally:
            self._call["EVP_PKEY_CTX_free"](context)
            self._call["EVP_PKEY_free"](key)
            self._call["ERR_clear_error"]()

    def verify_digest(self, name: CurveName, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature is that of this digest by this key; malformed input is False."""
        curve, call = curve_named(name), self._call
        halves = read_signature(curve, signature)
        good_form = (len(public_key), public_key[:1]) in ((33, b"\x02"), (33, b"\x03"), (65, b"\x04"))
        if halves is None or not good_form or len(digest) != OCTETS:
            return False
        # importing a key anew takes twice as long as giving another number to a copy
        key = call["EVP_PKEY_dup"](self._empty[name])
        with self._context(key) as context:
            if call["EVP_PKEY_set1_encoded_public_key"](key, public_key, len(public_key)) != 1:
                return False
            if not context or call["EVP_PKEY_verify_init"](context) != 1:
                raise MemoryError(f"{self.name} could not begin to verify")
            der = write_der(*halves)
            return bool(call["EVP_PKEY_verify"](context, der, len(der), digest, len(digest)) == 1)

    def sign_digest(self, name: CurveName, private_key: bytes, digest: bytes) -> bytes:
        """Return r || s with a secret number drawn by the library; KeyFault for a bad key or digest."""
        read_digest(digest)
        number = read_private_key(curve_named(name), private_key).to_bytes(OCTETS, sys.byteorder)
        call = self._call
        key = self._import(name, KEY_PAIR, (b"priv", INTEGER, number))
        if not key:
            raise KeyFault(f"{self.name} refuses the private key for {name}")
        with self._context(key) as context:
            buffer, size = ctypes.create_string_buffer(80), c_size_t(80)
            if not context or call["EVP_PKEY_sign_init"](context) != 1:
                raise MemoryError(f"{self.name} could not begin to sign")
            if call["EVP_PKEY_sign"](context, buffer, byref(size), digest, len(digest)) != 1:
                raise KeyFault(f"{self.name} could not sign with this key for {name}")
            return read_der(buffer.raw[: size.value])

    def public_key_of(self, name: CurveName, private_key: bytes) -> bytes:
        """Return the 33 octets of the public key; KeyFault for a key that cannot be used."""
        read_private_key(curve_named(name), private_key)
        call = self._call
        group = call["EC_GROUP_new_by_curve_name"](GROUPS[name][2])
        point = call["EC_POINT_new"](group) if group else None
        number = call["BN_bin2bn"](private_key, len(private_key), None)
        try:
            written = ctypes.create_string_buffer(1 + OCTETS)
            if not (point and number and call["EC_POINT_mul"](group, point, number, None, None, None) == 1):
                raise MemoryError(f"{self.name} could not multiply a point")
            call["EC_POINT_point2oct"](group, point, COMPRESSED, written, len(written), None)
            return written.raw
        finally:
            call["BN_clear_free"](number)
            call["EC_POINT_free"](point)
            call["EC_GROUP_free"](group)
            call["ERR_clear_error"]()


def find_openssl(curve: CurveName) -> OpenSsl:
    """Return the first OpenSSL that knows the curve: the one Python itself runs with, then the system's.

    Raises:
        NoOpenSsl: there is none; the text lists what was tried and what was wrong with each.
    """
    tried: list[str] = []
    for library in _libraries():
        try:
            found = OpenSsl(library)
        except NoOpenSsl as error:
            tried.append(str(error))
            continue
        if curve in found.curves:
            return found
        tried.append(f"{library}: {found.name} does not know {curve}")
    raise NoOpenSsl("; ".join(tried))


def _libraries() -> Iterator[str]:
    """Yield libraries to try; symbols of a module are also looked for in the libraries it is linked with."""
    for module in ("_hashlib", "_ssl"):
        try:
            source = getattr(importlib.import_module(module), "__file__", None)
        except ImportError:
            continue
        if source:
            yield source
    yield from SONAMES
    found = ctypes.util.find_library("crypto")
    if found:
        yield found
