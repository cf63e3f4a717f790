"""Many signatures at once for simulated stations and test keys, made by compiled kernels.

The time it takes tells of the key: a real key belongs to `wayside.security.signatures`. The secret numbers follow
from key and digest alone, so that a simulated city sends the same octets on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numba
import numpy as np

from wayside.security.batch_verifying import octet_rows
from wayside.security.curves import OCTETS, CurveName, KeyFault, curve_named
from wayside.security.field import (
    Words,
    add,
    invert_all,
    is_zero,
    load,
    multiply,
    multiply_any,
    read,
    reduced,
    store,
    subtract,
    write,
)
from wayside.security.generator import digit_table, multiply_generator
from wayside.security.hashes import sm3_batch
from wayside.security.points import (
    INVERSES,
    ORDER,
    ORDER_LESS_2,
    ORDER_ONE,
    ORDER_SQUARE,
    PRIME,
    constants_of,
)
from wayside.table import U8, U64, Bool


@numba.njit(cache=True)
def _plain(number: Words, prime: Words) -> Words:
    """Return a coordinate as it is written, out of Montgomery's form."""
    found: Words = multiply(number, (np.uint64(1), np.uint64(0), np.uint64(0), np.uint64(0)), prime)
    return found


@numba.njit(cache=True)
def _compress(points: U64, constants: U64, octets: U8) -> None:
    """Write tabled points, [n, 8], as compressed keys, [n, 33]."""
    prime = load(constants[PRIME], 0)
    for k in range(len(points)):
        octets[k, 0] = np.uint64(2) + (_plain(load(points[k], 4), prime)[0] & np.uint64(1))
        write(_plain(load(points[k], 0), prime), octets[k], 1)


@numba.njit(cache=True, nogil=True)
def _sign(
    sm2: bool, private_keys: U8, digests: U8, nonces: U8, points: U64, constants: U64, signatures: U8, done: Bool
) -> None:
    """Sign with given secret numbers, from 1 to order - 1, whose points are known; a few may not be done."""
    prime, order, inverse = load(constants[PRIME], 0), load(constants[ORDER], 0), constants[INVERSES, 1]
    order_one, to_order = load(constants[ORDER_ONE], 0), load(constants[ORDER_SQUARE], 0)
    factors = np.empty((len(nonces), 4), np.uint64)
    for k in range(len(nonces)):
        if sm2:
            factor = add(multiply_any(read(private_keys[k], 0), to_order, order, inverse), order_one, order)
        else:
            factor = multiply_any(read(nonces[k], 0), to_order, order, inverse)
        store(factor, factors[k], 0)
    invert_all(factors, load(constants[ORDER_LESS_2], 0), order, inverse, order_one)
    for k in range(len(nonces)):
        nonce, e = read(nonces[k], 0), reduced(read(digests[k], 0), order)
        key = multiply_any(read(private_keys[k], 0), to_order, order, inverse)
        r = reduced(_plain(load(points[k], 0), prime), order)
        if sm2:
            r = add(r, e, order)
            rest = subtract(nonce, multiply_any(key, r, order, inverse), order)
            done[k] = not is_zero(add(r, nonce, order))
        else:
            rest = add(e, multiply_any(key, r, order, inverse), order)
            done[k] = True
        s = multiply_any(load(factors[k], 0), rest, order, inverse)
        done[k] = done[k] and not is_zero(r) and not is_zero(s)
        write(r, signatures[k], 0)
        write(s, signatures[k], 32)


_ONE = np.frombuffer((1).to_bytes(OCTETS, "big"), np.uint8)


def below_rows(octets: U8, limit: int) -> Bool:
    """Return for each row, a number with its greatest octet first, whether it is below a limit.

    >>> below_rows(np.array([[0, 9], [1, 0], [1, 1]], np.uint8), 256)
    array([ True, False, False])
    """
    edge = np.frombuffer(limit.to_bytes(octets.shape[1], "big"), np.uint8)
    differs = octets != edge
    place = np.argmax(differs, axis=1)
    below: Bool = octets[np.arange(len(octets)), place] < edge[place]
    return below


def _check_private_keys(curve: CurveName, private_keys: U8) -> U8:
    """Return contiguous keys; KeyFault names the first that is not from 1 to order - 2."""
    keys = octet_rows(private_keys, "private keys", None, OCTETS)
    bad = ~keys.any(axis=1) | ~below_rows(keys, curve_named(curve).order - 1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        found = "too great" if keys[row].any() else "0"
        raise KeyFault(
            f"private key {row} is {found}: on {curve} it is from 1 to {curve_named(curve).order - 2:#x}"
        )
    return keys


def nonces_of(curve: CurveName, private_keys: U8, digests: U8, count: int) -> U8:
    """Return the secret numbers of signatures, [n, 32]: SM3(private key || digest || curve || 0 || count).

    Args:
        curve: `sm2` or `p256`; its name is hashed in ASCII.
        private_keys: [n, 32].
        digests: [n, 32].
        count: how many numbers before these would not do; four octets.
    """
    tail = np.frombuffer(curve.encode() + b"\x00" + count.to_bytes(4, "big"), np.uint8)
    before = np.concatenate([private_keys, digests], axis=1)
    places = np.zeros(len(before), np.int64)
    return sm3_batch(tail, places, places + len(tail), before)


def sign_batch(curve: CurveName, private_keys: U8, digests: U8) -> U8:
    """Return a signature r || s of each digest, [n, 64]; for simulated stations and test keys only.

    Args:
        curve: `sm2` or `p256`.
        private_keys: [n, 32], each from 1 to order - 2.
        digests: [n, 32].

    Raises:
        KeyFault: a private key is out of range.

    Limits: the time depends on keys and secret numbers. The secret numbers are those of `nonces_of`, as RFC 6979
    makes them follow from key and digest, but with one hash in place of its chain of HMACs.

    >>> sign_batch("p256", np.ones((1, 32), np.uint8), np.zeros((1, 32), np.uint8)).shape
    (1, 64)
    """
    keys = _check_private_keys(curve, private_keys)
    digests = octet_rows(digests, "digests", len(keys), OCTETS)
    found, count, left = np.empty((len(keys), 2 * OCTETS), np.uint8), 0, np.arange(len(keys))
    while left.size:
        nonces = nonces_of(curve, keys[left], digests[left], count)
        signatures, done = sign_with(curve, keys[left], digests[left], nonces)
        found[left[done]] = signatures[done]
        left, count = left[~done], count + 1
    return found


def sign_with(curve: CurveName, private_keys: U8, digests: U8, nonces: U8) -> tuple[U8, Bool]:
    """Return signatures made with given secret numbers, [n, 64], and which of them are good, [n].

    A number that is 0, not below the order, or gives r = 0 or s = 0 is not good; the next one is then tried.
    Never use a number for two digests, nor one that can be guessed: either gives the key away.
    """
    return sign_prepared(curve, private_keys, digests, secret_numbers(curve, nonces))


@dataclass(frozen=True, slots=True, eq=False)
class SecretNumbers:
    """Numbers to sign with, and what of a signature does not depend on the message: most of its work.

    Attributes:
        nonces: the numbers; 1 in place of those that are out of range [n, 32].
        points: each times the generator, as tabled points [n, 8].
        fit: which of them may be used [n].
    """

    nonces: U8 = field(repr=False)
    points: U64 = field(repr=False)
    fit: Bool


def secret_numbers(curve: CurveName, nonces: U8) -> SecretNumbers:
    """Return numbers, [n, 32], ready to be signed with."""
    points = np.empty((len(nonces), 8), np.uint64)
    # about one number in 2^32 is out of range
    fit = nonces.any(axis=1) & below_rows(nonces, curve_named(curve).order)
    nonces = np.where(fit[:, np.newaxis], nonces, _ONE)
    multiply_generator(nonces, digit_table(curve), constants_of(curve), points)
    return SecretNumbers(nonces, points, fit)


def sign_prepared(curve: CurveName, private_keys: U8, digests: U8, numbers: SecretNumbers) -> tuple[U8, Bool]:
    """Return signatures made with prepared numbers, and which of them are good; see `sign_with`."""
    count = len(numbers.nonces)
    signatures, done = np.empty((count, 2 * OCTETS), np.uint8), np.empty(count, np.bool_)
    given = numbers.nonces, numbers.points
    _sign(curve == "sm2", private_keys, digests, *given, constants_of(curve), signatures, done)
    return signatures, done & numbers.fit


def public_keys_of(curve: CurveName, private_keys: U8) -> U8:
    """Return the compressed public key of each private key, [n, 33]; KeyFault names one that is out of range."""
    keys = _check_private_keys(curve, private_keys)
    points = np.empty((len(keys), 8), np.uint64)
    constants = constants_of(curve)
    multiply_generator(keys, digit_table(curve), constants, points)
    found = np.empty((len(keys), 1 + OCTETS), np.uint8)
    _compress(points, constants, found)
    return found
