"""Signatures in pure Python: slow, but there on every machine, and the yardstick of the fast ways.

Nothing here runs in constant time: who can measure how long signing takes may learn the key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from wayside.security.curves import (
    CURVES,
    OCTETS,
    Curve,
    CurveName,
    Point,
    curve_named,
    read_digest,
    read_point,
    read_private_key,
    read_signature,
    write_point,
)

Jacobian = tuple[int, int, int]  # x / z^2, y / z^3; z = 0 is infinity
INFINITY: Jacobian = (1, 1, 0)


def _double(curve: Curve, point: Jacobian) -> Jacobian:
    prime, (x, y, z) = curve.prime, point
    square = y * y % prime
    cross = 4 * x * square % prime
    slope = 3 * (x - z * z) * (x + z * z) % prime
    across = (slope * slope - 2 * cross) % prime
    return across, (slope * (cross - across) - 8 * square * square) % prime, 2 * y * z % prime


def _add(curve: Curve, one: Jacobian, other: Jacobian) -> Jacobian:
    if not one[2] or not other[2]:
        return other if not one[2] else one
    prime, (x1, y1, z1), (x2, y2, z2) = curve.prime, one, other
    s1, s2 = z1 * z1 % prime, z2 * z2 % prime
    u1, u2 = x1 * s2 % prime, x2 * s1 % prime
    v1, v2 = y1 * s2 * z2 % prime, y2 * s1 * z1 % prime
    if u1 == u2:
        return _double(curve, one) if v1 == v2 else INFINITY
    wide, rise = (u2 - u1) % prime, (v2 - v1) % prime
    square = wide * wide % prime
    cube, part = square * wide % prime, u1 * square % prime
    x = (rise * rise - cube - 2 * part) % prime
    return x, (rise * (part - x) - v1 * cube) % prime, wide * z1 * z2 % prime


def add_multiples(curve: Curve, first: int, second: int, point: Point) -> Point | None:
    """Return first * generator + second * point; None at infinity.

    >>> from wayside.security.curves import SM2
    >>> add_multiples(SM2, 2, 0, SM2.generator) == add_multiples(SM2, 1, 1, SM2.generator)
    True
    """
    generator, other = (*curve.generator, 1), (*point, 1)
    table = (INFINITY, generator, other, _add(curve, generator, other))
    found = INFINITY
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = _double(curve, found)
        found = _add(curve, found, table[(first >> bit & 1) + 2 * (second >> bit & 1)])
    if not found[2]:
        return None
    inverse = pow(found[2], -1, curve.prime)
    return found[0] * inverse**2 % curve.prime, found[1] * inverse**3 % curve.prime


def nonces(curve: Curve, private_key: int, digest: int) -> Iterator[int]:
    """Yield the secret numbers of RFC 6979 with SHA-256, one after the other.

    The first one of P-256 with a SHA-256 digest is that of the standard; for SM2 the same procedure is used with
    SM2's order and the SM3 digest.
    """
    told = private_key.to_bytes(OCTETS, "big") + (digest % curve.order).to_bytes(OCTETS, "big")
    key, value = bytes(OCTETS), b"\x01" * OCTETS
    for mark in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + mark + told, hashlib.sha256)
        value = hmac.digest(key, value, hashlib.sha256)
    while True:
        value = hmac.digest(key, value, hashlib.sha256)
        number = int.from_bytes(value, "big")
        if 0 < number < curve.order:
            yield number
        key = hmac.digest(key, value + b"\x00", hashlib.sha256)
        value = hmac.digest(key, value, hashlib.sha256)


class PlainPython:
    """Both curves without any library; deterministic signatures.

    >>> plain, key = PlainPython(), (7).to_bytes(32, "big")
    >>> signature = plain.sign_digest("sm2", key, bytes(32))
    >>> plain.verify_digest("sm2", plain.public_key_of("sm2", key), bytes(32), signature)
    True
    """

    name = "pure Python"
    curves: tuple[CurveName, ...] = tuple(CURVES)

    def verify_digest(self, name: CurveName, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether the signature is that of this digest by this key; malformed input is False."""
        curve = curve_named(name)
        point, halves = read_point(curve, public_key), read_signature(curve, signature)
        if point is None or halves is None or len(digest) != OCTETS:
            return False
        (r, s), e, order = halves, int.from_bytes(digest, "big"), curve.order
        if name == "sm2":
            if (r + s) % order == 0:
                return False
            found = add_multiples(curve, s, (r + s) % order, point)
            return found is not None and (e + found[0]) % order == r
        inverse = pow(s, -1, order)
        found = add_multiples(curve, e * inverse % order, r * inverse % order, point)
        return found is not None and found[0] % order == r

    def sign_digest(self, name: CurveName, private_key: bytes, digest: bytes) -> bytes:
        """Return the 64 octets r || s; KeyFault for a key or digest that cannot be used."""
        curve = curve_named(name)
        d, e, order = read_private_key(curve, private_key), read_digest(digest), curve.order
        for k in nonces(curve, d, e):
            point = add_multiples(curve, k, 0, curve.generator)
            if point is None:
                continue
            if name == "sm2":
                r = (e + point[0]) % order
                s = pow(1 + d, -1, order) * (k - r * d) % order if (r + k) % order else 0
            else:
                r = point[0] % order
                s = pow(k, -1, order) * (e + r * d) % order
            if r and s:
                return r.to_bytes(OCTETS, "big") + s.to_bytes(OCTETS, "big")
        raise AssertionError("the nonces never end")

    def public_key_of(self, name: CurveName, private_key: bytes) -> bytes:
        """Return the 33 octets of the public key; KeyFault for a key that cannot be used."""
        curve = curve_named(name)
        point = add_multiples(curve, read_private_key(curve, private_key), 0, curve.generator)
        assert point is not None  # a multiple below the order of a group of prime order
        return write_point(point)
