from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, lists

from wayside.security import hashes
from wayside.security.curves import SM2, KeyFault, write_point
from wayside.security.hashes import identity_digest, sha256_batch, sm3, sm3_batch

ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905, example 1
ABCD_16 = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"  # example 2


def test_sm3_gives_the_digests_of_the_standard() -> None:
    assert sm3(b"abc").hex() == ABC
    assert sm3(b"abcd" * 16).hex() == ABCD_16


def test_sm3_without_the_librarys_own_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "_HASHLIB_HAS_SM3", False)
    assert sm3(b"abc").hex() == ABC
    assert sm3(b"abcd" * 16).hex() == ABCD_16
    assert sm3(b"").hex() == "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"


@settings(max_examples=40, deadline=None)
@given(messages=lists(binary(max_size=300), min_size=1, max_size=8), before=binary(max_size=40))
def test_a_batch_has_the_digest_of_each_message(messages: list[bytes], before: bytes) -> None:
    octets = np.frombuffer(b"".join(messages), np.uint8)
    lengths = np.array([len(m) for m in messages])
    starts = np.cumsum(lengths) - lengths
    rows = np.tile(np.frombuffer(before, np.uint8), (len(messages), 1))
    found = sha256_batch(octets, starts, lengths, rows)
    assert [row.tobytes() for row in found] == [hashlib.sha256(before + m).digest() for m in messages]
    found = sm3_batch(octets, starts, lengths, rows)
    assert [row.tobytes() for row in found] == [sm3(before + m) for m in messages]


def test_every_length_around_a_block_is_padded_right() -> None:
    octets = np.arange(200, dtype=np.uint8)
    lengths = np.arange(200)
    found = sha256_batch(octets, 0 * lengths, lengths)
    assert [r.tobytes() for r in found] == [hashlib.sha256(octets[:n].tobytes()).digest() for n in range(200)]


def test_a_batch_of_nothing_is_nothing() -> None:
    none = np.empty(0, np.int64)
    assert sm3_batch(np.empty(0, np.uint8), none, none).shape == (0, 32)


@pytest.mark.parametrize(("start", "length"), [(0, 11), (10, 1), (-1, 2), (0, -1)])
def test_a_message_outside_the_octets_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match="outside the 10 octets"):
        sm3_batch(np.zeros(10, np.uint8), np.array([start]), np.array([length]))


def test_the_identity_of_a_key_needs_a_point_and_a_short_identifier() -> None:
    key = write_point(SM2.generator)
    assert identity_digest(key, b"x" * 8191) != identity_digest(key, b"x" * 8190)
    with pytest.raises(KeyFault, match="at most 8191"):
        identity_digest(key, b"x" * 8192)
    with pytest.raises(KeyFault, match="33 octets that is no point of SM2"):
        identity_digest(b"\x02" + b"\xff" * 32, b"x")
