from __future__ import annotations

import numpy as np
import pytest

from wayside.security import ahead
from wayside.security.ahead import NumberedKeys, numbered_nonces, occurrences
from wayside.security.batch_signing import public_keys_of, secret_numbers
from wayside.security.batch_verifying import verify_batch
from wayside.security.curves import CurveName
from wayside.security.signatures import private_key_from, verify_digest
from wayside.table import U8


def keys(curve: CurveName, count: int) -> U8:
    return np.array([list(private_key_from(curve, bytes([n]))) for n in range(count)], np.uint8)


def digests(count: int, seed: int = 1) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


@pytest.fixture(autouse=True, params=[0, 1])
def spare_cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a core to spare and without."""
    monkeypatch.setattr(ahead, "spare_cores", lambda: request.param)


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_every_signature_is_good_by_the_library_too_however_often_a_key_signs(curve: CurveName) -> None:
    private = keys(curve, 5)
    signer, public = NumberedKeys(curve), public_keys_of(curve, private)
    signer.add(private)
    for tick, rows in enumerate(([0, 1, 2], [2, 2, 2, 4], [0, 1, 2, 3, 4, 4])):
        who, what = np.array(rows), digests(len(rows), tick)
        signatures = signer.sign(who, what)
        if tick != 1:  # made ready or not, a signature is as good
            signer.prepare()
        assert verify_batch(curve, public[who], what, signatures).all()
        told = zip(public[who], what, signatures, strict=True)
        assert all(verify_digest(curve, k.tobytes(), d.tobytes(), s.tobytes()) for k, d, s in told)


def test_no_secret_number_is_used_twice() -> None:
    private, signer = keys("sm2", 3), NumberedKeys("sm2")
    signer.add(private)
    same = np.zeros((60, 32), np.uint8)
    rows = np.tile(np.arange(3), 20)
    first = [signer.sign(rows[part], same[part]) for part in (slice(0, 7), slice(7, 20), slice(20, 60))]
    assert len({bytes(one[:32]) for one in np.concatenate(first)}) == 60


def test_signatures_do_not_depend_on_how_they_are_shared_out() -> None:
    private, what = keys("p256", 2), digests(6)
    rows = np.array([0, 1, 0, 0, 1, 1])
    whole, single = NumberedKeys("p256"), NumberedKeys("p256")
    whole.add(private)
    single.add(private[:1])
    single.add(private[1:])
    one_by_one = []
    for n in range(6):
        one_by_one.append(single.sign(rows[n : n + 1], what[n : n + 1])[0])
        single.prepare()
    assert np.array_equal(whole.sign(rows, what), np.array(one_by_one))


def test_numbers_follow_from_the_key_and_the_count() -> None:
    private = keys("sm2", 2)
    found = numbered_nonces(np.concatenate([private, private]), np.array([0, 0, 1, 1]))
    assert len({bytes(one) for one in found}) == 4
    assert np.array_equal(found[:2], numbered_nonces(private, np.array([0, 0])))


def test_a_number_out_of_range_is_not_fit() -> None:
    edge = np.stack([np.zeros(32, np.uint8), np.full(32, 255, np.uint8), np.full(32, 1, np.uint8)])
    assert secret_numbers("sm2", edge).fit.tolist() == [False, False, True]


def test_occurrences_of_nothing() -> None:
    assert not len(occurrences(np.empty(0, np.int64)))
