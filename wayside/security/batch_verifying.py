"""Many signatures at once, checked by compiled kernels without a Python object per message.

All numbers here are public, so nothing is lost by the time depending on them.
"""

from __future__ import annotations

import numba
import numpy as np

from wayside.security.curves import OCTETS, CurveName
from wayside.security.field import (
    Words,
    add,
    below,
    equal,
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
from wayside.security.points import (
    INVERSES,
    ONE,
    ORDER,
    ORDER_LESS_2,
    ORDER_ONE,
    ORDER_SQUARE,
    PRIME,
    SPLITS,
    SQUARE,
    WIDTH,
    Jacobian,
    add_digit,
    add_tabled,
    constants_of,
    decompress,
    double,
    generator_of,
    signed_digits,
    tabulate,
)
from wayside.table import I64, U8, U64, Bool

ODD = 1 << (WIDTH - 2)  # multiples in one table of a key
AT_ONCE = 64  # keys tabled before they are used: 256 KiB
COMPRESSED = 1 + OCTETS  # of a public key


@numba.njit(cache=True, nogil=True)
def _prepare(public_keys: U8, other: U64, constants: U64, multiples: U64, valid: Bool) -> None:
    first = np.empty((len(public_keys), 8), np.uint64)
    for k in range(len(public_keys)):
        valid[k] = decompress(public_keys[k], constants, first[k])
        if not valid[k]:
            first[k] = other  # any point will do, nothing it verifies is believed
    tabulate(first, 256 // SPLITS, constants, multiples)


@numba.njit(cache=True)
def _times_key(v: Words, key: U64, prime: Words, one: Words, digits: I64) -> Jacobian:
    """Return v times a key; `digits` is room for [257]."""
    signed_digits(v, WIDTH, digits)
    apart = 256 // SPLITS
    x, y, z = one, one, subtract(one, one, prime)
    for step in range(apart, -1, -1):
        x, y, z = double(x, y, z, prime)
        for split in range(SPLITS):
            if step == apart and split + 1 < SPLITS:
                continue  # these digits stand at the bottom of the next split; only the last has one more
            digit = digits[split * apart + step]
            if digit:
                x, y, z = add_digit(x, y, z, digit, key[split], prime, one)
    return x, y, z


@numba.njit(cache=True)
def _split(sm2: bool, digests: U8, signatures: U8, constants: U64, factors: U64, found: Bool) -> None:
    """Put u, v and the wanted x of each signature into [n, 12] words, where u G + v key has that x if it is good.

    Those whose r or s is out of range, or whose v is 0, are no longer found.
    """
    order, inverse = load(constants[ORDER], 0), constants[INVERSES, 1]
    order_one, to_order = load(constants[ORDER_ONE], 0), load(constants[ORDER_SQUARE], 0)
    inverses = np.empty((len(factors), 4), np.uint64)
    for k in range(len(factors)):
        r, s = read(signatures[k], 0), read(signatures[k], 32)
        found[k] = found[k] and below(r, order) and below(s, order) and not is_zero(r) and not is_zero(s)
        store(multiply_any(s, to_order, order, inverse) if found[k] else order_one, inverses[k], 0)
    if not sm2:
        invert_all(inverses, load(constants[ORDER_LESS_2], 0), order, inverse, order_one)
    for k in range(len(factors)):
        r, s = read(signatures[k], 0), read(signatures[k], 32)
        e = reduced(read(digests[k], 0), order)
        if not found[k]:
            u, v, wanted = s, r, r
        elif sm2:
            u, v, wanted = s, add(r, s, order), subtract(r, e, order)
        else:
            factor = load(inverses[k], 0)
            u, v, wanted = multiply_any(factor, e, order, inverse), multiply_any(factor, r, order, inverse), r
        found[k] = found[k] and not is_zero(v)
        store(u, factors[k], 0)
        store(v, factors[k], 4)
        store(wanted, factors[k], 8)


@numba.njit(cache=True, nogil=True)
def _verify(
    sm2: bool, multiples: U64, rows: I64, digests: U8, signatures: U8, table: U64, constants: U64, found: Bool
) -> None:
    """Leave those signatures found that are good."""
    prime, one, to_prime = load(constants[PRIME], 0), load(constants[ONE], 0), load(constants[SQUARE], 0)
    order, digits = load(constants[ORDER], 0), np.empty(257, np.int64)
    parts = np.empty((len(rows), 12), np.uint64)
    _split(sm2, digests, signatures, constants, parts, found)
    times, based = np.zeros((len(rows), 32), np.uint8), np.empty((len(rows), 8), np.uint64)
    times[:, 31] = 1
    for k in range(len(rows)):
        if found[k] and not is_zero(load(parts[k], 0)):
            write(load(parts[k], 0), times[k], 0)
    multiply_generator(times, table, constants, based)
    for k in range(len(rows)):
        if not found[k]:
            continue
        x, y, z = _times_key(load(parts[k], 4), multiples[rows[k]], prime, one, digits)
        if not is_zero(load(parts[k], 0)):
            x, y, z = add_tabled(x, y, z, load(based[k], 0), load(based[k], 4), prime, one)
        found[k] = False
        if is_zero(z):
            continue
        # x / z^2 modulo the order is wanted: it is wanted itself, or wanted + order where that is below the prime
        wanted = load(parts[k], 8)
        square = multiply(z, z, prime)
        found[k] = equal(multiply(multiply(wanted, to_prime, prime), square, prime), x)
        if not found[k] and below(wanted, subtract(prime, order, prime)):
            wanted = add(wanted, order, prime)
            found[k] = equal(multiply(multiply(wanted, to_prime, prime), square, prime), x)


def octet_rows(given: U8, what: str, count: int | None, width: int) -> U8:
    """Return the octets if they have the expected shape; ValueError says which they have instead."""
    if given.dtype != np.uint8 or given.ndim != 2 or given.shape[1] != width or count not in (None, len(given)):
        wanted = f"[{'n' if count is None else count}, {width}] of uint8"
        raise ValueError(f"{what} are {given.shape} of {given.dtype}, not {wanted}")
    # kernels are compiled for arrays in order that may be written to
    return np.require(given, requirements=["C", "W"])


class PreparedKeys:
    """Public keys with tables of their multiples, 4 KiB each: with them a signature is checked four times faster.

    Args:
        curve: `sm2` or `p256`.
        public_keys: compressed, [n, 33].

    Attributes:
        curve: name of the curve.
        valid: whether each key is a point of the curve, [n]; no signature of one that is not is ever good.

    >>> from wayside.security.batch_signing import public_keys_of, sign_batch
    >>> from wayside.security.signatures import private_key_from
    >>> private = np.frombuffer(private_key_from("sm2", b"station 1"), np.uint8)[np.newaxis]
    >>> keys, digests = PreparedKeys("sm2", public_keys_of("sm2", private)), np.zeros((1, 32), np.uint8)
    >>> keys.verify(np.array([0]), digests, sign_batch("sm2", private, digests))
    array([ True])
    """

    def __init__(self, curve: CurveName, public_keys: U8) -> None:
        self.curve: CurveName = curve
        keys = octet_rows(public_keys, "public keys", None, COMPRESSED)
        other, constants = generator_of(curve)[0], constants_of(curve)
        self._multiples = np.empty((len(keys), SPLITS, ODD, 8), np.uint64)
        self.valid: Bool = np.empty(len(keys), np.bool_)
        for first in range(0, len(keys), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            _prepare(keys[part], other, constants, self._multiples[part], self.valid[part])

    @classmethod
    def none(cls, curve: CurveName, count: int) -> PreparedKeys:
        """Return `count` places for keys; each is not valid until it is replaced."""
        keys = cls(curve, np.empty((0, COMPRESSED), np.uint8))
        keys._multiples, keys.valid = np.zeros((count, SPLITS, ODD, 8), np.uint64), np.zeros(count, np.bool_)
        return keys

    def __len__(self) -> int:
        return len(self.valid)

    def replace(self, rows: I64, public_keys: U8) -> None:
        """Put other keys, [n, 33], into the places `rows`, [n]."""
        others = PreparedKeys(self.curve, public_keys)
        self._multiples[rows], self.valid[rows] = others._multiples, others.valid

    def verify(self, rows: I64, digests: U8, signatures: U8) -> Bool:
        """Return for each signature whether it is that of the digest by the key.

        Args:
            rows: which key each is said to be of, [n].
            digests: [n, 32].
            signatures: r || s, [n, 64].

        Returns:
            [n]; False too where r or s is out of range or the key is no point of the curve.
        """
        digests = octet_rows(digests, "digests", len(rows), OCTETS)
        signatures = octet_rows(signatures, "signatures", len(rows), 2 * OCTETS)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise ValueError(f"keys {rows.min()} to {rows.max()} are asked for, and there are {len(self)}")
        rows = np.require(rows, np.int64, ["C", "W"])
        found: Bool = self.valid[rows]
        given = digests, signatures, digit_table(self.curve), constants_of(self.curve)
        _verify(self.curve == "sm2", self._multiples, rows, *given, found)
        return found


class KnownKeys:
    """Prepared keys of the senders heard lately; the one not heard for longest makes room for a new one.

    Args:
        curve: `sm2` or `p256`.
        most: how many keys are kept; 4 KiB each.

    Attributes:
        prepared: how many keys have been prepared so far.
    """

    def __init__(self, curve: CurveName, most: int = 4096) -> None:
        self._keys, self._places = PreparedKeys.none(curve, most), dict[bytes, int]()  # places by age
        self.prepared = 0

    def rows(self, public_keys: U8) -> I64:
        """Return the place of each compressed key, [n] for [n, 33], after preparing those not yet known.

        ValueError where there are more different keys than are kept.
        """
        octets = octet_rows(public_keys, "public keys", None, COMPRESSED).tobytes()
        names = [octets[at : at + COMPRESSED] for at in range(0, len(octets), COMPRESSED)]
        new, most, wanted = [], len(self._keys), dict.fromkeys(names)
        if len(wanted) > most:
            raise ValueError(f"{len(wanted)} different keys at once, and {most} are kept")
        for name in wanted:
            place = self._places.pop(name, None)
            if place is None:
                new.append(name)
            else:
                self._places[name] = place  # now the youngest
        for name in new:
            full = len(self._places) == most
            self._places[name] = self._places.pop(next(iter(self._places))) if full else len(self._places)
        if new:
            places = np.array([self._places[name] for name in new])
            self._keys.replace(places, np.frombuffer(b"".join(new), np.uint8).reshape(-1, COMPRESSED))
            self.prepared += len(new)
        return np.array([self._places[name] for name in names], np.int64)

    def verify(self, public_keys: U8, digests: U8, signatures: U8) -> Bool:
        """Return the same as `verify_batch`, faster the more of the keys are known."""
        return self._keys.verify(self.rows(public_keys), digests, signatures)


def verify_batch(curve: CurveName, public_keys: U8, digests: U8, signatures: U8) -> Bool:
    """Return for each signature whether it is that of the digest by the key.

    Args:
        curve: `sm2` or `p256`.
        public_keys: compressed, [n, 33].
        digests: [n, 32].
        signatures: r || s, [n, 64].

    Returns:
        [n]; False too where r or s is out of range or the key is no point of the curve.
    """
    public_keys = octet_rows(public_keys, "public keys", None, COMPRESSED)
    digests = octet_rows(digests, "digests", len(public_keys), OCTETS)
    signatures = octet_rows(signatures, "signatures", len(public_keys), 2 * OCTETS)
    found: Bool = np.empty(len(public_keys), np.bool_)
    for first in range(0, len(found), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        keys = PreparedKeys(curve, public_keys[part])
        found[part] = keys.verify(np.arange(len(keys)), digests[part], signatures[part])
    return found
