from __future__ import annotations

import hashlib

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from

from wayside.security import batch_signing, field
from wayside.security.batch_signing import nonces_of, public_keys_of, sign_batch, sign_with
from wayside.security.batch_verifying import KnownKeys, PreparedKeys, verify_batch
from wayside.security.curves import CURVES, CurveName, KeyFault
from wayside.security.hashes import sm3
from wayside.security.plain import PlainPython
from wayside.security.points import signed_digits
from wayside.table import U8, U64

NAMES: tuple[CurveName, ...] = ("sm2", "p256")
MODULI = [m for curve in CURVES.values() for m in (curve.prime, curve.order)]
WORD = (1 << 64) - 1
SM2_SIGNATURES, P256_SIGNATURES = "a0d2310ff1ced2a5", "47124ffbec088364"  # start of the SHA-256 of 100 signatures
EDGES = [0, 1, 2, WORD, WORD + 1, (1 << 128) - 1, (1 << 192) - 1, (1 << 255), (1 << 256) - 1]


@numba.njit
def _operate(a: U64, b: U64, m: U64, inverse: np.uint64, found: U64) -> None:
    x, y, modulus = field.load(a, 0), field.load(b, 0), field.load(m, 0)
    field.store(field.multiply_any(x, y, modulus, inverse), found[0], 0)
    field.store(field.multiply(x, y, modulus), found[1], 0)
    field.store(field.add(x, y, modulus), found[2], 0)
    field.store(field.subtract(x, y, modulus), found[3], 0)


def words(number: int) -> U64:
    return np.array([number >> 64 * n & WORD for n in range(4)], np.uint64)


def number(row: U64) -> int:
    return sum(int(word) << 64 * n for n, word in enumerate(row))


def rows(*octets: bytes) -> U8:
    return np.stack([np.frombuffer(one, np.uint8) for one in octets])


def keys_of(name: CurveName, count: int) -> U8:
    return rows(*(hashlib.sha256(f"{name} {n}".encode()).digest() for n in range(count))) & np.uint8(0x7F)


@settings(max_examples=300, deadline=None)
@given(
    a=integers(0, 2**256 - 1) | sampled_from(EDGES + MODULI),
    b=integers(0, 2**256 - 1) | sampled_from(EDGES + MODULI),
    less=integers(0, 2),
    modulus=sampled_from(MODULI),
)
def test_words_calculate_like_whole_numbers(a: int, b: int, less: int, modulus: int) -> None:
    a, b = (a - less) % modulus, b % modulus
    found, shift = np.empty((4, 4), np.uint64), pow(2, -256, modulus)
    _operate(words(a), words(b), words(modulus), np.uint64(pow(-modulus, -1, 2**64)), found)
    assert number(found[0]) == a * b * shift % modulus
    if modulus % 2**64 == WORD:
        assert number(found[1]) == a * b * shift % modulus
    assert number(found[2]) == (a + b) % modulus
    assert number(found[3]) == (a - b) % modulus


@settings(max_examples=100, deadline=None)
@given(value=integers(0, 2**256 - 1) | sampled_from(EDGES + MODULI), width=integers(2, 9))
def test_signed_digits_add_up_and_stand_apart(value: int, width: int) -> None:
    digits = np.empty(257, np.int64)
    signed_digits(tuple(words(value)), width, digits)
    assert sum(int(d) << n for n, d in enumerate(digits)) == value
    used = np.flatnonzero(digits)
    assert (digits[used] % 2 == 1).all() and (np.abs(digits[used]) < 1 << (width - 1)).all()
    assert (np.diff(used) >= width).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_agrees_with_one_at_a_time(name: CurveName) -> None:
    private, plain = keys_of(name, 6), PlainPython()
    digests = rows(*(sm3(bytes([n])) for n in range(6)))
    public, signatures = public_keys_of(name, private), sign_batch(name, private, digests)
    for k in range(6):
        assert public[k].tobytes() == plain.public_key_of(name, private[k].tobytes())
        assert plain.verify_digest(name, public[k].tobytes(), digests[k].tobytes(), signatures[k].tobytes())
    assert verify_batch(name, public, digests, signatures).all()
    assert not verify_batch(name, public, np.roll(digests, 1, axis=0), signatures).any()
    assert not verify_batch(name, np.roll(public, 1, axis=0), digests, signatures).any()


@pytest.mark.parametrize("name", NAMES)
def test_one_bad_row_does_not_disturb_its_neighbours(name: CurveName) -> None:
    private = keys_of(name, 8)
    digests = np.zeros((8, 32), np.uint8)
    public, signatures = public_keys_of(name, private), sign_batch(name, private, digests)
    public[1], public[2, 0], signatures[3, :32], signatures[4, 32:] = 0xFF, 4, 0, 0
    signatures[5], digests[6, 31] = 0xFF, 1
    assert verify_batch(name, public, digests, signatures).tolist() == [True, *[False] * 6, True]


def test_the_same_octets_are_signed_on_every_machine() -> None:
    for name, expected in (("sm2", SM2_SIGNATURES), ("p256", P256_SIGNATURES)):
        private = keys_of(name, 100)  # type: ignore[arg-type]
        signatures = sign_batch(name, private, private[::-1].copy())  # type: ignore[arg-type]
        assert hashlib.sha256(signatures.tobytes()).hexdigest()[:16] == expected


def test_secret_numbers_follow_from_key_digest_curve_and_count() -> None:
    key, digest = keys_of("sm2", 1), np.zeros((1, 32), np.uint8)
    found = nonces_of("sm2", key, digest, 7)[0].tobytes()
    assert found == sm3(key.tobytes() + digest.tobytes() + b"sm2\x00" + (7).to_bytes(4, "big"))
    others = [
        nonces_of("p256", key, digest, 7),
        nonces_of("sm2", key, digest, 8),
        nonces_of("sm2", digest, key, 7),
    ]
    assert len({found, *(o[0].tobytes() for o in others)}) == 4


@pytest.mark.parametrize("name", NAMES)
def test_secret_numbers_out_of_range_are_not_used(name: CurveName, monkeypatch: pytest.MonkeyPatch) -> None:
    order = CURVES[name].order
    private, digests = keys_of(name, 5), np.ones((5, 32), np.uint8)
    bad = rows(*(n.to_bytes(32, "big") for n in (0, order, 2**256 - 1, order - 1, 1)))
    signatures, done = sign_with(name, private, digests, bad)
    assert done.tolist() == [False, False, False, True, True]
    assert verify_batch(name, public_keys_of(name, private), digests, signatures)[done].all()
    monkeypatch.setattr(
        batch_signing,
        "nonces_of",
        lambda curve, keys, given, count: nonces_of(curve, keys, given, count) if count else bad[: len(keys)],
    )
    assert verify_batch(name, public_keys_of(name, private), digests, sign_batch(name, private, digests)).all()


def test_a_secret_number_that_gives_r_plus_k_zero_is_not_used() -> None:
    curve, k = CURVES["sm2"], 12345
    x = int.from_bytes(PlainPython().public_key_of("sm2", k.to_bytes(32, "big"))[1:], "big")
    for r in (0, curve.order - k):  # the two that the standard excludes, by a digest chosen for them
        digest = rows(((r - x) % curve.order).to_bytes(32, "big"))
        _, done = sign_with("sm2", keys_of("sm2", 1), digest, rows(k.to_bytes(32, "big")))
        assert not done.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_private_key_out_of_range_is_named(name: CurveName) -> None:
    private, order = keys_of(name, 3), CURVES[name].order
    for bad, said in (
        (0, "private key 2 is 0"),
        (order - 1, "private key 2 is too great"),
        (2**256 - 1, "too great"),
    ):
        private[2] = np.frombuffer(bad.to_bytes(32, "big"), np.uint8)
        with pytest.raises(KeyFault, match=said):
            sign_batch(name, private, np.zeros((3, 32), np.uint8))
        with pytest.raises(KeyFault, match=said):
            public_keys_of(name, private)
    private[2] = np.frombuffer((order - 2).to_bytes(32, "big"), np.uint8)
    signatures = sign_batch(name, private, np.zeros((3, 32), np.uint8))
    assert verify_batch(name, public_keys_of(name, private), np.zeros((3, 32), np.uint8), signatures).all()


def test_nothing_to_sign_or_verify_is_no_fault() -> None:
    none = np.empty((0, 32), np.uint8)
    assert sign_batch("sm2", none, none).shape == (0, 64)
    assert public_keys_of("sm2", none).shape == (0, 33)
    assert verify_batch("sm2", np.empty((0, 33), np.uint8), none, np.empty((0, 64), np.uint8)).shape == (0,)


def test_octets_of_the_wrong_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"digests are \(2, 32\) of uint8, not \[1, 32\]"):
        verify_batch("sm2", np.zeros((1, 33), np.uint8), np.zeros((2, 32), np.uint8), np.zeros((1, 64), np.uint8))
    with pytest.raises(ValueError, match=r"public keys are \(1, 65\)"):
        PreparedKeys("sm2", np.zeros((1, 65), np.uint8))
    keys = PreparedKeys("sm2", np.zeros((1, 33), np.uint8))
    assert not keys.valid.any()
    with pytest.raises(ValueError, match="keys 1 to 1 are asked for, and there are 1"):
        keys.verify(np.array([1]), np.zeros((1, 32), np.uint8), np.zeros((1, 64), np.uint8))


def test_octets_that_may_not_be_written_to_compile_nothing_new() -> None:
    private, digests = keys_of("sm2", 2), np.zeros((2, 32), np.uint8)
    public, signatures = public_keys_of("sm2", private), sign_batch("sm2", private, digests)
    before = len(batch_signing._sign.signatures)
    for octets in (private, digests, public, signatures):
        octets.flags.writeable = False
    assert verify_batch("sm2", public, digests, sign_batch("sm2", private, digests)).all()
    assert len(batch_signing._sign.signatures) == before


def test_known_keys_are_prepared_once_and_the_longest_unheard_goes_first() -> None:
    private, digests = keys_of("sm2", 4), np.zeros((4, 32), np.uint8)
    public, signatures = public_keys_of("sm2", private), sign_batch("sm2", private, digests)
    known = KnownKeys("sm2", most=3)

    def verify(*which: int) -> bool:
        picked = list(which)
        return bool(known.verify(public[picked], digests[picked], signatures[picked]).all())

    assert verify(0, 1, 0, 2) and known.prepared == 3
    assert verify(0) and verify(2) and known.prepared == 3
    assert verify(3) and known.prepared == 4  # takes the place of 1
    assert verify(0, 2, 3) and known.prepared == 4
    assert verify(1) and known.prepared == 5
    assert not known.verify(public[[1]], digests[[1]], signatures[[0]]).any()
    with pytest.raises(ValueError, match="4 different keys at once, and 3 are kept"):
        verify(0, 1, 2, 3)
    assert verify(0, 1, 2)
