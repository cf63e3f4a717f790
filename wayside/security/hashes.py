"""SM3 and SHA-256: of one message, and of all messages of a tick at once.

Reference: GB/T 32905-2016 (GM/T 0004-2012) for SM3, FIPS 180-4 for SHA-256, GB/T 32918.2 (GM/T 0003.2) section 5.5
for the digest of an identity.
"""

from __future__ import annotations

import hashlib

import numba
import numpy as np

from wayside.security.curves import SM2, KeyFault, read_point
from wayside.table import I64, U8, U32

DEFAULT_IDENTIFIER = b"1234567812345678"  # of whoever signs a certificate with its own key
LONGEST_IDENTIFIER = 8191  # [octets] its length is written in bits, in 16 of them
BLOCK = 64  # [octets] hashed at a time, by either function

_SM3_START = np.array(
    [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E], np.uint32
)
# of round n the constant turned left by n
_SM3_ROUNDS = np.array(
    [(t << n % 32 | t >> (32 - n % 32)) & 0xFFFFFFFF for n, t in enumerate([0x79CC4519] * 16 + [0x7A879D8A] * 48)],
    np.uint32,
)


def _roots(degree: int, count: int) -> U32:
    """Return the first 32 bits of the fractional parts of the roots of the first primes, exactly."""
    primes = [n for n in range(2, 400) if all(n % d for d in range(2, int(n**0.5) + 1))][:count]
    found = []
    for prime in primes:
        scaled, root = prime << (32 * degree), int(prime ** (1 / degree) * 2**32)
        while root**degree > scaled:
            root -= 1
        while (root + 1) ** degree <= scaled:
            root += 1
        found.append(root & 0xFFFFFFFF)
    return np.array(found, np.uint32)


_SHA_START, _SHA_ROUNDS = _roots(2, 8), _roots(3, 64)


@numba.njit(cache=True)
def _left(word: np.uint32, by: int) -> np.uint32:
    return np.uint32((word << np.uint32(by)) | (word >> np.uint32(32 - by)))


@numba.njit(cache=True)
def _sm3_block(state: U32, words: U32, rounds: U32) -> None:
    """Take in the 16 words of a block; `words` has room for 68."""
    for n in range(16, 68):
        mixed = words[n - 16] ^ words[n - 9] ^ _left(words[n - 3], 15)
        words[n] = mixed ^ _left(mixed, 15) ^ _left(mixed, 23) ^ _left(words[n - 13], 7) ^ words[n - 6]
    a, b, c, d = state[0], state[1], state[2], state[3]
    e, f, g, h = state[4], state[5], state[6], state[7]
    for n in range(64):
        turned = _left(a, 12)
        first = _left(np.uint32(turned + e + rounds[n]), 7)
        if n < 16:
            one, two = a ^ b ^ c, e ^ f ^ g
        else:
            one, two = (a & b) | (a & c) | (b & c), (e & f) | (~e & g)
        one = np.uint32(one + d + (first ^ turned) + (words[n] ^ words[n + 4]))
        two = np.uint32(two + h + first + words[n])
        d, c, b, a = c, _left(b, 9), a, one
        h, g, f, e = g, _left(f, 19), e, np.uint32(two ^ _left(two, 9) ^ _left(two, 17))
    state[0] ^= a
    state[1] ^= b
    state[2] ^= c
    state[3] ^= d
    state[4] ^= e
    state[5] ^= f
    state[6] ^= g
    state[7] ^= h


@numba.njit(cache=True)
def _sha_block(state: U32, words: U32, rounds: U32) -> None:
    """Take in the 16 words of a block; `words` has room for 64."""
    for n in range(16, 64):
        early, late = words[n - 15], words[n - 2]
        early = _left(early, 25) ^ _left(early, 14) ^ (early >> np.uint32(3))
        late = _left(late, 15) ^ _left(late, 13) ^ (late >> np.uint32(10))
        words[n] = np.uint32(words[n - 16] + early + words[n - 7] + late)
    a, b, c, d = state[0], state[1], state[2], state[3]
    e, f, g, h = state[4], state[5], state[6], state[7]
    for n in range(64):
        chosen = (e & f) ^ (~e & g)
        one = np.uint32(h + (_left(e, 26) ^ _left(e, 21) ^ _left(e, 7)) + chosen + rounds[n] + words[n])
        most = (a & b) ^ (a & c) ^ (b & c)
        two = np.uint32((_left(a, 30) ^ _left(a, 19) ^ _left(a, 10)) + most)
        h, g, f, e = g, f, e, np.uint32(d + one)
        d, c, b, a = c, b, a, np.uint32(one + two)
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h


@numba.njit(cache=True, nogil=True)
def _hash(
    sm3: bool, start: U32, rounds: U32, octets: U8, starts: I64, lengths: I64, before: U8, found: U8
) -> None:
    state, words, block = np.empty(8, np.uint32), np.empty(68, np.uint32), np.empty(BLOCK, np.uint8)
    prefix = before.shape[1]
    for k in range(starts.size):
        state[:] = start
        size = prefix + lengths[k]
        whole = (size + 9 + BLOCK - 1) // BLOCK * BLOCK  # a 1 bit and the length in 64 bits end the message
        for first in range(0, whole, BLOCK):
            for n in range(BLOCK):
                at = first + n
                if at < prefix:
                    block[n] = before[k, at]
                elif at < size:
                    block[n] = octets[starts[k] + at - prefix]
                elif at == size:
                    block[n] = 0x80
                else:
                    behind = whole - 1 - at
                    block[n] = (size * 8) >> (8 * behind) & 0xFF if behind < 8 else 0
            for n in range(16):
                words[n] = (
                    np.uint32(block[4 * n]) << np.uint32(24)
                    | np.uint32(block[4 * n + 1]) << np.uint32(16)
                    | np.uint32(block[4 * n + 2]) << np.uint32(8)
                    | np.uint32(block[4 * n + 3])
                )
            if sm3:
                _sm3_block(state, words, rounds)
            else:
                _sha_block(state, words, rounds)
        for n in range(8):
            for m in range(4):
                found[k, 4 * n + m] = state[n] >> np.uint32(24 - 8 * m) & np.uint32(0xFF)


def _batch(sm3: bool, octets: U8, starts: I64, lengths: I64, before: U8 | None) -> U8:
    if starts.shape != lengths.shape or starts.ndim != 1:
        raise ValueError(f"starts {starts.shape} and lengths {lengths.shape} are not one of each message")
    if starts.size and (starts.min() < 0 or lengths.min() < 0 or (starts + lengths).max() > octets.size):
        raise ValueError(f"a message lies outside the {octets.size} octets given")
    if before is None:
        before = np.empty((starts.size, 0), np.uint8)
    if before.ndim != 2 or len(before) != starts.size:
        raise ValueError(f"{before.shape} octets before {starts.size} messages; one row of them each is needed")
    # kernels are compiled for arrays in order that may be written to
    octets, before = np.require(octets, np.uint8, ["C", "W"]), np.require(before, np.uint8, ["C", "W"])
    starts, lengths = np.require(starts, np.int64, ["C", "W"]), np.require(lengths, np.int64, ["C", "W"])
    found = np.empty((starts.size, 32), np.uint8)
    start, rounds = (_SM3_START, _SM3_ROUNDS) if sm3 else (_SHA_START, _SHA_ROUNDS)
    _hash(sm3, start, rounds, octets, starts, lengths, before, found)
    return found


def sm3_batch(octets: U8, starts: I64, lengths: I64, before: U8 | None = None) -> U8:
    """Return the SM3 digest of each of many messages.

    Args:
        octets: all messages, [octets].
        starts: where each begins, [n].
        lengths: how many octets each has, [n].
        before: octets hashed before each message, [n, k]; for SM2 the digest of the signer's identity.

    Returns:
        [n, 32].

    >>> sm3_batch(np.frombuffer(b"xabc", np.uint8), np.array([1]), np.array([3]))[0].tobytes().hex()[:16]
    '66c7f0f462eeedd9'
    """
    return _batch(True, octets, starts, lengths, before)


def sha256_batch(octets: U8, starts: I64, lengths: I64, before: U8 | None = None) -> U8:
    """Return the SHA-256 digest of each of many messages; arguments and result as of `sm3_batch`."""
    return _batch(False, octets, starts, lengths, before)


def sha256(octets: bytes) -> bytes:
    """Return the SHA-256 digest, 32 octets."""
    return hashlib.sha256(octets).digest()


def sm3(octets: bytes) -> bytes:
    """Return the SM3 digest, 32 octets.

    >>> sm3(b"abc").hex()[:16]
    '66c7f0f462eeedd9'
    """
    if _HASHLIB_HAS_SM3:
        found: bytes = hashlib.new("sm3", octets).digest()
        return found
    digest = sm3_batch(np.frombuffer(octets, np.uint8), np.array([0]), np.array([len(octets)]))
    return bytes(digest[0])


def _hashlib_has_sm3() -> bool:
    try:
        return hashlib.new("sm3", b"").digest_size == 32
    except ValueError:
        return False


_HASHLIB_HAS_SM3 = _hashlib_has_sm3()  # not where Python was built with another library than OpenSSL


def identity_digest(public_key: bytes, identifier: bytes) -> bytes:
    """Return ZA, the SM3 digest of a signer's identifier, the curve and its public key, 32 octets.

    Raises:
        KeyFault: the key is no point of SM2, or the identifier is longer than 8191 octets.

    >>> from wayside.security.curves import write_point
    >>> identity_digest(write_point(SM2.generator), DEFAULT_IDENTIFIER).hex()[:16]
    '5b32bfe35482899b'
    """
    point = read_point(SM2, public_key)
    if point is None:
        raise KeyFault(f"a public key of {len(public_key)} octets that is no point of SM2")
    if len(identifier) > LONGEST_IDENTIFIER:
        raise KeyFault(f"an identifier of {len(identifier)} octets; it has at most {LONGEST_IDENTIFIER}")
    numbers = (SM2.prime - 3, SM2.b, *SM2.generator, *point)
    return sm3(
        (8 * len(identifier)).to_bytes(2, "big") + identifier + b"".join(n.to_bytes(32, "big") for n in numbers)
    )
