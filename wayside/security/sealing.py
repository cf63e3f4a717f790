"""Signed messages, many at once: new ones up to their signature.

`seal` writes frames in which only the signatures are missing, the same octets as the record codec (`objects.py`,
kind "signed"), and makes no Python object for a message.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from wayside.asn1.frames import Frames
from wayside.errors import WaysideError
from wayside.security.sealed import ABSENT
from wayside.table import I64, U8, U64

LONGEST_PAYLOAD = 65535  # [octets]


class SealError(WaysideError):
    """Columns cannot be sealed; the text names the row and what was expected."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Frames that are whole but for their signatures.

    Attributes:
        frames: with zeros in place of r and s.
        signed: first octet of what is signed, [n].
        signed_length: its octets.
        signature: first of the 64 octets of r and s.
    """

    frames: Frames
    signed: I64
    signed_length: I64
    signature: I64

    def with_signatures(self, signatures: U8) -> Frames:
        """Return the frames with r and s, [n, 64], put in."""
        if signatures.shape != (len(self.frames), 64):
            raise SealError(f"signatures are {signatures.shape}, expected ({len(self.frames)}, 64)")
        octets = self.frames.octets.copy()
        _put(octets, self.signature, np.ascontiguousarray(signatures, np.uint8))
        return Frames(octets, self.frames.starts)


@numba.njit(cache=True)
def _put(octets: U8, places: I64, signatures: U8) -> None:
    for row in range(len(places)):
        for n in range(signatures.shape[1]):
            octets[places[row] + n] = signatures[row, n]


@numba.njit(cache=True)
def _octets_of(number: int) -> int:
    count = 1
    while number > 0xFF:
        number >>= 8
        count += 1
    return count


@numba.njit(cache=True)
def _big_endian(out: U8, at: int, number: np.uint64, count: int) -> int:
    for n in range(count):
        out[at + n] = number >> np.uint64(8 * (count - 1 - n)) & np.uint64(0xFF)
    return at + count


@numba.njit(cache=True)
def _copy(out: U8, at: int, octets: U8, start: int, end: int) -> int:
    for n in range(start, end):
        out[at + n - start] = octets[n]
    return at + end - start


@numba.njit(cache=True)
def _seal_sizes(
    lengths: I64, aids: I64, generation_us: I64, expiry_us: I64, certificate_starts: I64, starts: I64
) -> None:
    """Fill in where each frame starts."""
    starts[0] = 0
    for row in range(len(lengths)):
        length, certificate = lengths[row], certificate_starts[row + 1] - certificate_starts[row]
        size = 3 + 3 + (1 if length < 0x80 else 1 + _octets_of(length)) + length
        size += 1 + 1 + _octets_of(aids[row]) + 8 * ((generation_us[row] >= 0) + (expiry_us[row] >= 0))
        size += (9 if certificate == 0 else 3 + certificate) + 66
        starts[row + 1] = starts[row] + size


@numba.njit(cache=True)
def _seal(
    sm2: bool,
    payloads: U8,
    payload_starts: I64,
    aids: I64,
    generation_us: I64,
    expiry_us: I64,
    signers: U64,
    certificates: U8,
    certificate_starts: I64,
    starts: I64,
    out: U8,
    places: I64,
) -> None:
    for row in range(len(aids)):
        at = starts[row]
        out[at], out[at + 1], out[at + 2] = 3, 0x81, 2 if sm2 else 0
        at += 3
        places[0, row] = at
        out[at], out[at + 1], out[at + 2] = 0x40, 3, 0x80
        at += 3
        length = payload_starts[row + 1] - payload_starts[row]
        if length >= 0x80:
            out[at] = 0x80 | _octets_of(length)
            at = _big_endian(out, at + 1, np.uint64(length), _octets_of(length))
        else:
            out[at] = length
            at += 1
        at = _copy(out, at, payloads, payload_starts[row], payload_starts[row + 1])
        out[at] = 0x40 * (generation_us[row] >= 0) | 0x20 * (expiry_us[row] >= 0)
        out[at + 1] = _octets_of(aids[row])
        at = _big_endian(out, at + 2, np.uint64(aids[row]), _octets_of(aids[row]))
        if generation_us[row] >= 0:
            at = _big_endian(out, at, np.uint64(generation_us[row]), 8)
        if expiry_us[row] >= 0:
            at = _big_endian(out, at, np.uint64(expiry_us[row]), 8)
        places[1, row] = at - places[0, row]
        if certificate_starts[row + 1] == certificate_starts[row]:
            out[at] = 0x80
            at = _big_endian(out, at + 1, signers[row], 8)
        else:
            out[at], out[at + 1], out[at + 2] = 0x81, 1, 1
            at = _copy(out, at + 3, certificates, certificate_starts[row], certificate_starts[row + 1])
        out[at], out[at + 1] = (0x84, 0x40) if sm2 else (0x80, 0x80)
        places[2, row] = at + 2


def seal(
    payloads: Frames,
    aids: I64,
    generation_us: I64,
    signers: U64,
    *,
    curve: str = "sm2",
    certificates: Frames | None = None,
    expiry_us: I64 | None = None,
) -> Unsigned:
    """Return signed frames in which only the signatures are missing.

    Args:
        payloads: the messages, [n].
        aids: application of each, [n].
        generation_us: instant of the header [us TAI since 2004], [n]; below zero: not sent.
        signers: HashedId8 of the signers' certificates as numbers, first octet highest, [n].
        curve: of the keys that will sign, "sm2" (hashed with SM3) or "p256" (SHA-256).
        certificates: the signer's certificate in full where it is to be sent instead of its HashedId8, empty where
            not, [n].
        expiry_us: instant of the header, [n]; below zero: not sent.

    Raises:
        SealError: a column has another length, an AID is below zero, or a payload is too long.

    >>> unsigned = seal(Frames.of([b"hello"]), np.array([32]), np.array([-1]), np.array([7], np.uint64))
    >>> unsigned.frames[0][:26].hex()
    '0381024003800568656c6c6f0001208000000000000000078440'
    """
    count = len(payloads)
    certificates = (
        certificates if certificates is not None else Frames(np.zeros(0, np.uint8), np.zeros(count + 1, np.int64))
    )
    expiry = np.full(count, ABSENT, np.int64) if expiry_us is None else expiry_us
    lengths = payloads.lengths
    for name, column in (
        ("aids", aids),
        ("generation_us", generation_us),
        ("signers", signers),
        ("expiry_us", expiry),
    ):
        if len(column) != count:
            raise SealError(f"{name} has {len(column)} rows, there are {count} payloads")
    if len(certificates) != count:
        raise SealError(f"there are {len(certificates)} certificates (some may be empty), and {count} payloads")
    if curve not in ("sm2", "p256"):
        raise SealError(f"no curve {curve!r}; known are sm2, p256")
    if (wrong := np.flatnonzero((aids < 0) | (lengths > LONGEST_PAYLOAD))).size:
        row = wrong[0]
        raise SealError(
            f"row {row} has AID {aids[row]} (0 or more) and {lengths[row]} octets (at most {LONGEST_PAYLOAD})"
        )
    starts = np.zeros(count + 1, np.int64)
    _seal_sizes(lengths, aids, generation_us, expiry, certificates.starts, starts)
    out, places = np.zeros(int(starts[-1]), np.uint8), np.zeros((3, count), np.int64)
    _seal(
        curve == "sm2",
        payloads.octets,
        payloads.starts,
        aids,
        generation_us,
        expiry,
        signers,
        certificates.octets,
        certificates.starts,
        starts,
        out,
        places,
    )
    return Unsigned(Frames(out, starts), places[0], places[1], places[2])
