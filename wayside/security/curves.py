"""The two curves that messages are signed on, and how points of them are written.

SM2 is the curve recommended with GB/T 32918 (GM/T 0003-2012 part 5), P-256 the one of NIST SP 800-186 (secp256r1).
Both have the form y^2 = x^3 - 3 x + b over a prime field of 256 bits, a group of prime order and cofactor 1, so
every point on the curve except infinity is a good public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wayside.errors import WaysideError

CurveName: TypeAlias = Literal["sm2", "p256"]
Point: TypeAlias = tuple[int, int]
OCTETS = 32  # of a coordinate, a private key, a digest, and each half of a signature


class KeyFault(WaysideError):
    """A key, digest or curve that nothing can be signed with; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The constants of one curve.

    Attributes:
        name: `sm2` or `p256`.
        prime: of the field; it is 3 modulo 4 and -1 modulo 2^64, which square roots and the kernels rely on.
        b: constant term of the equation; the factor of x is -3.
        order: of the group, a prime.
        generator: the point that private keys multiply.
    """

    name: CurveName
    prime: int
    b: int
    order: int
    generator: Point

    def holds(self, x: int, y: int) -> bool:
        """Return whether (x, y) with both in [0, prime) is a point of the curve."""
        prime = self.prime
        return 0 <= x < prime and 0 <= y < prime and (y * y - (x * x - 3) * x - self.b) % prime == 0

    def lift(self, x: int, odd: bool) -> Point | None:
        """Return the point with this x whose y is odd or even; None if there is none."""
        prime = self.prime
        if not 0 <= x < prime:
            return None
        square = ((x * x - 3) * x + self.b) % prime
        y = pow(square, (prime + 1) // 4, prime)
        if y * y % prime != square or (y == 0 and odd):
            return None
        return (x, y if y & 1 == odd else prime - y)


SM2 = Curve(
    name="sm2",
    prime=0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF,
    b=0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93,
    order=0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123,
    generator=(
        0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
        0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
    ),
)
P256 = Curve(
    name="p256",
    prime=0xFFFFFFFF_00000001_00000000_00000000_00000000_FFFFFFFF_FFFFFFFF_FFFFFFFF,
    b=0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B,
    order=0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551,
    generator=(
        0x6B17D1F2_E12C4247_F8BCE6E5_63A440F2_77037D81_2DEB33A0_F4A13945_D898C296,
        0x4FE342E2_FE1A7F9B_8EE7EB4A_7C0F9E16_2BCE3357_6B315ECE_CBB64068_37BF51F5,
    ),
)
CURVES: dict[CurveName, Curve] = {"sm2": SM2, "p256": P256}


def curve_named(name: str) -> Curve:
    """Return the curve `sm2` or `p256`; KeyFault for another name.

    >>> curve_named("p256").order.bit_length()
    256
    """
    if name not in CURVES:
        raise KeyFault(f"no curve {name!r}; there are {' and '.join(CURVES)}")
    return CURVES[name]


def read_point(curve: Curve, octets: bytes) -> Point | None:
    """Return the point that 33 (02 or 03, x) or 65 octets (04, x, y) stand for; None if they stand for none.

    Reference: SEC 1 version 2, section 2.3.4. The one-octet form of infinity is no public key and gives None.
    """
    if len(octets) == 1 + OCTETS and octets[0] in (2, 3):
        return curve.lift(int.from_bytes(octets[1:], "big"), octets[0] == 3)
    if len(octets) == 1 + 2 * OCTETS and octets[0] == 4:
        x, y = int.from_bytes(octets[1 : 1 + OCTETS], "big"), int.from_bytes(octets[1 + OCTETS :], "big")
        return (x, y) if curve.holds(x, y) else None
    return None


def write_point(point: Point, compressed: bool = True) -> bytes:
    """Return the 33 octets of a point, or its 65.

    >>> write_point(SM2.generator).hex()
    '0232c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7'
    """
    x, y = (coordinate.to_bytes(OCTETS, "big") for coordinate in point)
    return bytes([2 + (y[-1] & 1)]) + x if compressed else b"\x04" + x + y


def read_private_key(curve: Curve, octets: bytes) -> int:
    """Return the private key of 32 octets; KeyFault unless it is from 1 to order - 2.

    With order - 1 the SM2 equation has no solution (1 + d has no inverse), so neither curve is given it.
    """
    if len(octets) != OCTETS:
        raise KeyFault(f"a private key of {len(octets)} octets; it has {OCTETS}, the greatest first")
    number = int.from_bytes(octets, "big")
    if not 1 <= number <= curve.order - 2:
        found = "0" if number == 0 else "too great"
        raise KeyFault(f"the private key is {found}: on {curve.name} it is from 1 to {curve.order - 2:#x}")
    return number


def read_digest(octets: bytes) -> int:
    """Return the digest of 32 octets as a number; KeyFault for another length."""
    if len(octets) != OCTETS:
        raise KeyFault(f"a digest of {len(octets)} octets; SM3 and SHA-256 give {OCTETS}")
    return int.from_bytes(octets, "big")


def read_signature(curve: Curve, octets: bytes) -> tuple[int, int] | None:
    """Return r and s of 64 octets; None unless both are from 1 to order - 1."""
    if len(octets) != 2 * OCTETS:
        return None
    r, s = int.from_bytes(octets[:OCTETS], "big"), int.from_bytes(octets[OCTETS:], "big")
    return (r, s) if 0 < r < curve.order and 0 < s < curve.order else None
