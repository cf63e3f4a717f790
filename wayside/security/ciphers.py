"""SM4 and AES-128 on many single blocks, as linkage values need them.

Revoking one vehicle means some forty blocks under two keys for each week, and a city's list holds many
vehicles, so the blocks are ciphered in one kernel and never through an object per key. The S-boxes are computed
from their algebra instead of being typed in.

Limits: no mode of operation and no constant time. The seeds ciphered here are those a revocation list
publishes, or those of a test PKI; for secrets take a library made for them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.table import U8, U32

SM4_POLYNOMIAL = 0x1F5  # the field of SM4's S-box, x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1
AES_POLYNOMIAL = 0x11B


def _multiply(left: int, right: int, polynomial: int) -> int:
    product = 0
    for bit in range(8):
        if right >> bit & 1:
            product ^= left << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= polynomial << (bit - 8)
    return product


def _inverses(polynomial: int) -> list[int]:
    """Return the inverse of each element of the field of 256, and 0 of 0."""
    inverse = [0] * 256
    for value in range(1, 256):
        if not inverse[value]:
            power = value
            while (further := _multiply(power, value, polynomial)) != 1:
                power = further
            inverse[value], inverse[power] = power, value
    inverse[1] = 1
    return inverse


def _circulant(value: int, row: int) -> int:
    """Multiply by the bit matrix whose rows are `row` turned right once for each."""
    found = 0
    for bit in range(8):
        turned = (row >> bit | row << (8 - bit)) & 0xFF
        found |= ((turned & value).bit_count() & 1) << (7 - bit)
    return found


def _aes_box() -> U8:
    inverse = _inverses(AES_POLYNOMIAL)
    return np.array([_circulant(v, 0xF8) ^ 0x63 for v in inverse], np.uint8)


def _sm4_box() -> U8:
    inverse = _inverses(SM4_POLYNOMIAL)
    return np.array([_circulant(inverse[_circulant(v, 0xD3) ^ 0xD3], 0xD3) ^ 0xD3 for v in range(256)], np.uint8)


AES_BOX = _aes_box()
SM4_BOX = _sm4_box()
# the round constants CK: octet j of word i is (4 i + j) * 7 mod 256
SM4_CONSTANTS: U32 = np.array(
    [sum((4 * i + j) * 7 % 256 << (24 - 8 * j) for j in range(4)) for i in range(32)], np.uint32
)
SM4_FAMILY: U32 = np.array([0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC], np.uint32)


@numba.njit(cache=True)
def _turn(word: int, places: int) -> int:
    return ((word << places) | (word >> (32 - places))) & 0xFFFFFFFF


@numba.njit(cache=True)
def _substitute(word: int, box: U8) -> int:
    found: Any = (
        (np.int64(box[(word >> 24) & 255]) << 24)
        | (np.int64(box[(word >> 16) & 255]) << 16)
        | (np.int64(box[(word >> 8) & 255]) << 8)
        | np.int64(box[word & 255])
    )
    return found  # type: ignore[no-any-return]


@numba.njit(cache=True)
def _sm4(keys: U8, blocks: U8, box: U8, constants: U32, family: U32, out: U8) -> None:
    key, state = np.empty(36, np.int64), np.empty(36, np.int64)
    for row in range(len(keys)):
        for word in range(4):
            key[word] = state[word] = 0
            for octet in range(4):
                key[word] = key[word] << 8 | np.int64(keys[row, 4 * word + octet])
                state[word] = state[word] << 8 | np.int64(blocks[row, 4 * word + octet])
            key[word] ^= np.int64(family[word])
        for i in range(32):
            mixed = _substitute(key[i + 1] ^ key[i + 2] ^ key[i + 3] ^ np.int64(constants[i]), box)
            key[i + 4] = key[i] ^ mixed ^ _turn(mixed, 13) ^ _turn(mixed, 23)
            mixed = _substitute(state[i + 1] ^ state[i + 2] ^ state[i + 3] ^ key[i + 4], box)
            state[i + 4] = (
                state[i] ^ mixed ^ _turn(mixed, 2) ^ _turn(mixed, 10) ^ _turn(mixed, 18) ^ _turn(mixed, 24)
            )
        for word in range(4):
            for octet in range(4):
                out[row, 4 * word + octet] = (state[35 - word] >> (24 - 8 * octet)) & 255


@numba.njit(cache=True)
def _aes(keys: U8, blocks: U8, box: U8, out: U8) -> None:
    key, state, moved = np.empty(16, np.int64), np.empty(16, np.int64), np.empty(16, np.int64)
    for row in range(len(keys)):
        for i in range(16):
            key[i] = np.int64(keys[row, i])
            state[i] = np.int64(blocks[row, i]) ^ key[i]
        constant = 1
        for turn in range(10):
            for i in range(16):  # SubBytes and ShiftRows at once; the state runs down the columns
                moved[i] = np.int64(box[state[(5 * i) % 16]])
            for i in range(4):
                key[i] ^= np.int64(box[key[12 + (i + 1) % 4]])
            key[0] ^= constant
            constant = (constant << 1) ^ (0x11B if constant & 0x80 else 0)
            for i in range(4, 16):
                key[i] ^= key[i - 4]
            for i in range(16):
                if turn < 9:
                    column = i - i % 4
                    here, after = moved[i], moved[column + (i + 1) % 4]
                    every = moved[column] ^ moved[column + 1] ^ moved[column + 2] ^ moved[column + 3]
                    pair = here ^ after
                    double = (pair << 1) ^ (0x11B if pair & 0x80 else 0)
                    state[i] = here ^ every ^ double ^ key[i]
                else:
                    state[i] = moved[i] ^ key[i]
        for i in range(16):
            out[row, i] = state[i]


def _pairs(keys: U8, blocks: U8) -> tuple[U8, U8, U8]:
    if keys.ndim != 2 or keys.shape[1:] != (16,) or blocks.shape != keys.shape:
        raise ValueError(f"keys {keys.shape} and blocks {blocks.shape} must both be rows of 16 octets")
    return np.ascontiguousarray(keys), np.ascontiguousarray(blocks), np.empty(keys.shape, np.uint8)


def sm4(keys: U8, blocks: U8) -> U8:
    """Encipher each block under its own key with SM4 (GB/T 32907-2016); arrays of shape [n, 16].

    >>> key = np.frombuffer(bytes.fromhex("0123456789abcdeffedcba9876543210"), np.uint8)[None]
    >>> sm4(key, key).tobytes().hex()
    '681edf34d206965e86b3e94f536e4246'
    """
    keys, blocks, out = _pairs(keys, blocks)
    kernel: Any = _sm4
    kernel(keys, blocks, SM4_BOX, SM4_CONSTANTS, SM4_FAMILY, out)
    return out


def aes128(keys: U8, blocks: U8) -> U8:
    """Encipher each block under its own key with AES-128 (FIPS 197); arrays of shape [n, 16].

    >>> key = np.arange(16, dtype=np.uint8)[None]
    >>> aes128(key, np.arange(16, dtype=np.uint8)[None] * 17).tobytes().hex()
    '69c4e0d86a7b0430d8cdb78070b4c55a'
    """
    keys, blocks, out = _pairs(keys, blocks)
    kernel: Any = _aes
    kernel(keys, blocks, AES_BOX, out)
    return out
