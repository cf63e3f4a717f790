"""Curve points of certificates, and the one form of them that is signed and hashed.

That form is the canonical one of IEEE 1609.2-2022, 6.4.3 and 6.4.8: keys as compressed points, and the first half
of an ECDSA signature as a bare x.
"""

from __future__ import annotations

from typing import Any

from wayside.errors import WaysideError

_COMPRESSED = {"compressed-y-0": b"\x02", "compressed-y-1": b"\x03"}
_POINT_NAMES = {2: "compressed-y-0", 3: "compressed-y-1"}

Value = dict[str, Any]


class PointError(WaysideError):
    """A point is not in a form that tells what is needed of it."""


def x_of(point: Value) -> str:
    """Return the x of a point in hex.

    Raises:
        PointError: it has none.
    """
    ((form, inner),) = point.items()
    if form == "fill":
        raise PointError("the point of a signature has no x")
    x: str = inner["x"] if form == "uncompressed" else inner
    return x


def point_octets(point: Value) -> bytes:
    """Return a public key as 33 octets, 02 or 03 and x.

    Raises:
        PointError: the point does not tell both of its coordinates.

    >>> point_octets({"uncompressed": {"x": "11" * 32, "y": "05" * 32}}).hex()[:8]
    '03111111'
    """
    ((form, inner),) = compressed(point).items()
    if form not in _COMPRESSED:
        raise PointError(f"a public key of the form {form} does not tell which of two points it is")
    return _COMPRESSED[form] + bytes.fromhex(inner)


def point_value(public_key: bytes) -> Value:
    r"""Return 33 octets, 02 or 03 and x, as a point.

    Raises:
        PointError: the octets are no compressed point.

    >>> point_value(b"\x02" + bytes(32)).keys()
    dict_keys(['compressed-y-0'])
    """
    if len(public_key) != 33 or public_key[0] not in _POINT_NAMES:
        raise PointError(
            f"a public key is 33 octets, 02 or 03 and x, found {len(public_key)} octets: {public_key.hex()[:8]}..."
        )
    return {_POINT_NAMES[public_key[0]]: public_key[1:].hex()}


def compressed(point: Value) -> Value:
    """Return a point in compressed form; one that tells only x, or nothing, as it is."""
    if "uncompressed" not in point:
        return point
    whole = point["uncompressed"]
    return {_POINT_NAMES[2 + int(whole["y"][-1], 16) % 2]: whole["x"]}


def canonical_certificate(value: Value) -> Value:
    """Return an explicit certificate in canonical form."""
    said = dict(value["toBeSigned"])
    if "encryptionKey" in said:
        key = said["encryptionKey"]
        said["encryptionKey"] = key | {"publicKey": _key(key["publicKey"])}
    said["verifyKeyIndicator"] = {"verificationKey": _key(said["verifyKeyIndicator"]["verificationKey"])}
    ((name, signature),) = value["signature"].items()
    if name == "ecdsaNistP256Signature":
        signature = signature | {"rSig": {"x-only": x_of(signature["rSig"])}}
    return value | {"toBeSigned": said, "signature": {name: signature}}


def _key(key: Value) -> Value:
    """Return a key with its point compressed; one of an unknown algorithm as it is."""
    return key if "..." in key else {name: compressed(point) for name, point in key.items()}
