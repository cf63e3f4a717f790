"""Signed messages, many at once: what stands where in received ones.

`open_all` notes for each frame what a receiver must know before it verifies anything. It agrees with the record
codec (`objects.py`, kind "signed") on what can be read and why not, and makes no Python object for a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numba
import numpy as np

from wayside.asn1.coer_machine import find_places
from wayside.asn1.coer_program import PlacesProgram, compile_places
from wayside.asn1.frames import Frames
from wayside.security.objects import object_codec
from wayside.table import I64, U8, U64

ABSENT = -1  # in place of a number that is not there
LATEST = (1 << 63) - 1  # stands for all later instants


class Envelope(IntEnum):
    """What a frame is."""

    UNREADABLE = 0  # `fault` says why
    UNSECURED = 1
    SIGNED = 2  # with its payload inside, unsecured
    OTHER = 3  # encrypted, a request, or signed over something else


class SignerForm(IntEnum):
    """How a signed frame names who signed it."""

    NONE = 0
    DIGEST = 1
    CERTIFICATE = 2
    SELF = 3
    OTHER = 4


class Scheme(IntEnum):
    """How a frame is signed."""

    NONE = 0
    SM2 = 1
    P256 = 2
    OTHER = 3


_DATA = "content.signedData.tbsData"
_MARKS = (
    "content.unsecuredData",
    "content.signedData",
    "content.signedData.hashId",
    _DATA,
    f"{_DATA}.payload.data.content.unsecuredData",
    f"{_DATA}.headerInfo.aid",
    f"{_DATA}.headerInfo.generationTime",
    f"{_DATA}.headerInfo.expiryTime",
    f"{_DATA}.headerInfo.generationLocation",
    "content.signedData.signer.digest",
    "content.signedData.signer.certificate[0]",
    "content.signedData.signer.self",
    "content.signedData.signature.sm2Signature",
    "content.signedData.signature.ecdsaNistP256Signature",
    "content.signedData.signature.ecdsaNistP256Signature.rSig.uncompressed",
    "content.signedData.signature.ecdsaNistP256Signature.rSig.fill",
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What stands where in a batch of frames, one row a frame; places are octets of the batch, or ABSENT.

    Attributes:
        kind: `Envelope`.
        fault: `wayside.asn1.errors.Fault` of what cannot be read, else 0; `objects.decode_object` says where.
        payload: first octet of the message inside, [n]; ABSENT of other kinds.
        payload_length: its octets.
        aid: application; ABSENT if there is none, or one beyond 56 bits.
        generation_us, expiry_us: of the header [us TAI since 2004]; ABSENT if not there; beyond 2**63 the largest.
        location: first octet of latitude, longitude (4 each, 1e-7 deg) and elevation (2).
        hash: number of the hash: 0 SHA-256, 1 SHA-384, 2 SM3, more: unknown.
        signed: first octet of what is signed.
        signed_length: its octets.
        signer_form: `SignerForm`.
        signer: HashedId8 of the signer's certificate as a number, first octet highest; 0 if not named by it.
        certificate: first octet of the signer's certificate (the first one, if there are several).
        certificate_length: its octets.
        scheme: `Scheme`; OTHER also for a signature of P-256 whose r is not 32 octets.
        signature: first of 64 octets, r and s.
    """

    kind: U8
    fault: U8
    payload: I64
    payload_length: I64
    aid: I64
    generation_us: I64
    expiry_us: I64
    location: I64
    hash: U8
    signed: I64
    signed_length: I64
    signer_form: U8
    signer: U64
    certificate: I64
    certificate_length: I64
    scheme: U8
    signature: I64

    def __len__(self) -> int:
        return len(self.kind)


@cache
def _program() -> PlacesProgram:
    return compile_places(object_codec("signed").root, _MARKS)


@numba.njit(cache=True)
def _number(octets: U8, start: int, end: int) -> np.uint64:
    value = np.uint64(0)
    for n in range(start, end):
        value = value << np.uint64(8) | np.uint64(octets[n])
    return value


@numba.njit(cache=True)
def _instant(octets: U8, start: int, end: int) -> int:
    if start < 0:
        return ABSENT
    if octets[start] >= 0x80:  # a number of eight octets
        return LATEST
    return int(np.int64(_number(octets, start, end)))


@numba.njit(cache=True)
def _open(
    code: I64, defaults: U8, room: int, marks: int, octets: U8, starts: I64, small: U8, places: I64, signers: U64
) -> None:
    stack, spans = np.zeros(room, np.int64), np.empty((marks, 2), np.int64)
    for row in range(len(starts) - 1):
        fault = find_places(code, defaults, stack, octets, starts[row], starts[row + 1], spans)
        small[1, row] = fault
        if fault:
            continue
        place = places[:, row]
        if spans[0, 0] >= 0:
            small[0, row] = 1
            place[0], place[1] = spans[0, 0], spans[0, 1] - spans[0, 0]
            continue
        small[0, row] = 3
        if spans[1, 0] < 0:
            continue
        if spans[4, 0] >= 0:
            small[0, row] = 2
            place[0], place[1] = spans[4, 0], spans[4, 1] - spans[4, 0]
        if spans[5, 1] - spans[5, 0] <= 7:
            place[2] = np.int64(_number(octets, spans[5, 0], spans[5, 1]))
        place[3] = _instant(octets, spans[6, 0], spans[6, 1])
        place[4] = _instant(octets, spans[7, 0], spans[7, 1])
        place[5] = spans[8, 0]
        small[2, row] = octets[spans[2, 0]] if spans[2, 1] - spans[2, 0] == 1 else 255
        place[6], place[7] = spans[3, 0], spans[3, 1] - spans[3, 0]
        small[3, row] = 4
        if spans[9, 0] >= 0:
            small[3, row] = 1
            signers[row] = _number(octets, spans[9, 0], spans[9, 1])
        elif spans[10, 0] >= 0:
            small[3, row] = 2
            place[8], place[9] = spans[10, 0], spans[10, 1] - spans[10, 0]
        elif spans[11, 0] >= 0:
            small[3, row] = 3
        small[4, row] = 3
        if spans[12, 0] >= 0:
            small[4, row] = 1
            place[10] = spans[12, 0]
        elif spans[13, 0] >= 0 and spans[14, 0] < 0 and spans[15, 0] < 0:
            small[4, row] = 2
            place[10] = spans[13, 0] + 1  # behind the tag of r


def open_all(frames: Frames) -> Sealed:
    """Return what stands where in received frames; nothing is verified.

    Args:
        frames: V2XSecData in canonical OER, one a frame.

    A frame that cannot be read has its fault and disturbs no other.

    >>> opened = open_all(Frames.of([bytes.fromhex("03800412b00204"), b"none"]))
    >>> opened.kind.tolist(), opened.fault.tolist(), opened.payload.tolist(), opened.payload_length.tolist()
    ([1, 0], [0, 3], [3, -1], [4, 0])
    """
    program, count = _program(), len(frames)
    small = np.zeros((5, count), np.uint8)
    places = np.full((11, count), ABSENT, np.int64)
    places[[1, 7, 9]] = 0
    signers = np.zeros(count, np.uint64)
    _open(
        program.code,
        program.defaults,
        program.stack,
        len(_MARKS),
        frames.octets,
        frames.starts,
        small,
        places,
        signers,
    )
    return Sealed(
        kind=small[0],
        fault=small[1],
        hash=small[2],
        signer_form=small[3],
        scheme=small[4],
        signer=signers,
        **{name: places[row] for row, name in enumerate(_PLACES)},
    )


_PLACES = (
    "payload",
    "payload_length",
    "aid",
    "generation_us",
    "expiry_us",
    "location",
    "signed",
    "signed_length",
    "certificate",
    "certificate_length",
    "signature",
)


@numba.njit(cache=True)
def _gather(octets: U8, places: I64, length: int) -> U8:
    out = np.zeros((len(places), length), np.uint8)
    for row in range(len(places)):
        if places[row] >= 0:
            for n in range(length):
                out[row, n] = octets[places[row] + n]
    return out


def signatures_of(frames: Frames, opened: Sealed, rows: I64 | None = None) -> U8:
    """Return r and s of chosen frames, or of each, [n, 64]; zeros where no signature can be verified."""
    places = opened.signature if rows is None else opened.signature[rows]
    return np.asarray(_gather(frames.octets, places, 64))


def first_octets_of(frames: Frames, opened: Sealed, rows: I64) -> U64:
    """Return the first eight octets of chosen frames' signatures as numbers; 0 where none can be verified."""
    return np.asarray(_numbers(frames.octets, opened.signature[rows]))


@numba.njit(cache=True)
def _numbers(octets: U8, places: I64) -> U64:
    numbers = np.zeros(len(places), np.uint64)
    for row in range(len(places)):
        if places[row] >= 0:
            numbers[row] = _number(octets, places[row], places[row] + 8)
    return numbers
