"""Revocation: by hash, by seeds, and who may revoke whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.security.authority import (
    AUTHORITY_SERIES,
    HOLDER_SERIES,
    HOUR_NS,
    Domain,
    issue_application,
    issue_enrolment,
    make_domain,
)
from wayside.security.linkage import IEEE, linkage_values, seeds_after
from wayside.security.pools import PERIOD_HOURS, PoolError, issue_pools
from wayside.security.refusals import TrustError, TrustFault
from wayside.security.revocation import hash_body, linked_body, make_revocation_list
from wayside.security.signed import sign_message
from wayside.security.trust import TrustStore

START = 1_735_689_600 * 10**9
WEEK_NS = PERIOD_HOURS * HOUR_NS
NOW = START + 1000 * HOUR_NS
HOME = make_domain("home", START, seed=b"home")


def store_of(domain: Domain) -> TrustStore:
    store = TrustStore()
    store.trust_root(domain.certificate("rca"))
    for one in domain.authorities[1:]:
        store.add_authority(one)
    return store


def listed(domain: Domain, signer: str, kind: str, body: Any, series: int, issued_ns: int = NOW) -> bytes:
    return make_revocation_list(
        domain.holders[signer], kind, body, series=series, issued_ns=issued_ns, next_ns=issued_ns + 24 * HOUR_NS
    )


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_two_seeds_revoke_a_vehicle_from_their_period_on_and_nobody_else(curve: Any) -> None:
    domain = make_domain("city", START, curve=curve, seed=b"city")
    pools = issue_pools(domain, ["honest", "liar"], START, first=3, periods=4, count=5)
    store = store_of(domain)
    authorities = (domain.linkage[0].identity, domain.linkage[1].identity)
    body = linked_body(domain.seeds(["liar"], 5), authorities, 5, 6, 5)
    assert store.add_revocations(listed(domain, "cra", "fullLinkedCrl", body, HOLDER_SERIES), NOW) == 1
    revoked = set()
    for row in range(len(pools)):
        refusal = store.certificate_fault(pools.certificate(row), int(pools.start_ns[row]))
        if refusal is not None:
            assert refusal.fault == TrustFault.REVOKED
            revoked.add(row)
    first = int(pools.row(np.array([1]), 5, np.array([0]))[0])
    assert revoked == set(range(first, len(pools)))


def test_a_hash_revokes_one_certificate_and_empties_what_was_proven() -> None:
    store = store_of(HOME)
    one, other = (issue_application(HOME, name, NOW - HOUR_NS).certificate for name in ("one", "other"))
    assert store.certificate_fault(one, NOW) is None
    store.add_revocations(listed(HOME, "cra", "fullHashCrl", hash_body([one], 1), HOLDER_SERIES), NOW)
    refusal = store.certificate_fault(one, NOW)
    assert refusal is not None and refusal.fault == TrustFault.REVOKED
    assert store.certificate_fault(other, NOW) is None


def test_a_revoked_authority_takes_down_all_below_it() -> None:
    store = store_of(HOME)
    unit = issue_application(HOME, "unit", NOW - HOUR_NS).certificate
    car = issue_enrolment(HOME, "car", NOW - HOUR_NS).certificate
    body = hash_body([HOME.certificate("aca")], 1)
    store.add_revocations(listed(HOME, "rca", "fullHashCrl", body, AUTHORITY_SERIES), NOW)
    refusal = store.certificate_fault(unit, NOW)
    assert refusal is not None and refusal.fault == TrustFault.REVOKED
    assert refusal.subject == HOME.certificate("aca").hashed_id8.hex()
    assert store.certificate_fault(car, NOW) is None


def test_a_delta_adds_and_a_full_list_replaces() -> None:
    store = store_of(HOME)
    one, other = (issue_application(HOME, name, NOW - HOUR_NS).certificate for name in ("one", "other"))
    store.add_revocations(listed(HOME, "cra", "fullHashCrl", hash_body([one], 1), HOLDER_SERIES), NOW)
    assert store.add_revocations(
        listed(HOME, "cra", "deltaHashCrl", hash_body([other], 2), HOLDER_SERIES, NOW + 10**9), NOW + 10**9
    ) == 2  # fmt: skip
    late = NOW + 2 * 10**9
    store.add_revocations(listed(HOME, "cra", "fullHashCrl", hash_body([other], 3), HOLDER_SERIES, late), late)
    assert store.certificate_fault(one, NOW) is None
    refusal = store.certificate_fault(other, NOW)
    assert refusal is not None and refusal.fault == TrustFault.REVOKED
    with pytest.raises(TrustError, match="before the list in use"):
        store.add_revocations(listed(HOME, "cra", "fullHashCrl", hash_body([], 1), HOLDER_SERIES), late)


def test_only_who_may_revoke_is_heard() -> None:
    body, store = hash_body([HOME.certificate("aca")], 1), store_of(HOME)
    with pytest.raises(TrustError, match="NOT_PERMITTED"):
        store.add_revocations(listed(HOME, "aca", "fullHashCrl", body, HOLDER_SERIES), NOW)
    with pytest.raises(TrustError, match="series"):
        store.add_revocations(listed(HOME, "rca", "fullHashCrl", body, HOLDER_SERIES), NOW)
    stranger = make_domain("stranger", START, seed=b"stranger")
    with pytest.raises(TrustError, match="UNKNOWN_SIGNER"):
        store.add_revocations(listed(stranger, "cra", "fullHashCrl", body, HOLDER_SERIES), NOW)
    with pytest.raises(TrustError, match="AID 3619"):
        unit = issue_application(HOME, "unit", NOW - HOUR_NS)
        store.add_revocations(sign_message(b"\x00", 3619, unit, NOW, along=()), NOW)
    # its own list does not reach certificates that name another authority
    store.add_revocations(listed(HOME, "cra", "fullHashCrl", body, AUTHORITY_SERIES), NOW)
    assert store.certificate_fault(HOME.certificate("aca"), NOW) is None


def test_a_list_whose_successor_is_due_still_counts_and_is_named() -> None:
    store, due = store_of(HOME), NOW + 24 * HOUR_NS
    unit = issue_application(HOME, "unit", NOW - HOUR_NS).certificate
    store.add_revocations(listed(HOME, "cra", "fullHashCrl", hash_body([unit], 1), HOLDER_SERIES), NOW)
    assert store.revocations.overdue(due - 1) == ()
    assert len(store.revocations.overdue(due)) == 1
    refusal = store.certificate_fault(unit, due)
    assert refusal is not None and refusal.fault == TrustFault.REVOKED


def test_groups_that_are_not_applied_are_counted() -> None:
    store = store_of(HOME)
    group = {"iMax": 9, "la1Id": "0001", "linkageSeed1": "00" * 16, "la2Id": "0002", "linkageSeed2": "00" * 16}
    body = {"iRev": 1, "indexWithinI": 0, "groups": [group]}
    store.add_revocations(listed(HOME, "cra", "fullLinkedCrl", body, HOLDER_SERIES), NOW)
    assert store.revocations.left_out == 1


def test_linkage_values_agree_with_the_test_vectors_of_ieee_1609_2() -> None:
    # IEEE 1609.2-2022, D.7: authorities 36361 and 22990, i = 0 and 1, some j of 1 to 20
    names = ((36361).to_bytes(2, "big"), (22990).to_bytes(2, "big"))
    seeds = [
        np.frombuffer(bytes.fromhex(text), np.uint8)[None]
        for text in ("1502d9ab6786bf68fba9f210373bf221", "5755f16e89981d2189a6daea4840ed22")
    ]
    indices = np.arange(1, 21).astype(np.uint8)
    for period, value in ((0, 4707948203137323915258), (1, 4283863095717697075421)):
        on = [seeds_after(s, n, period, IEEE) for s, n in zip(seeds, names, strict=True)]
        found = {
            int.from_bytes(v.tobytes(), "big") for v in linkage_values((on[0], on[1]), names, indices, IEEE)[0]
        }
        assert value in found
    assert seeds_after(seeds[1], names[1], 1, IEEE).tobytes().hex() == "7d81f686b52529845e16a58d18915dc2"


def test_seeds_lead_one_way_only() -> None:
    seeds = np.zeros((2, 16), np.uint8)
    twice = seeds_after(seeds_after(seeds, b"\x00\x01", 1, IEEE), b"\x00\x01", 1, IEEE)
    assert (seeds_after(seeds, b"\x00\x01", 2, IEEE) == twice).all()
    with pytest.raises(ValueError, match="periods"):
        seeds_after(seeds, b"\x00\x01", -1, IEEE)


def test_pools_are_what_the_record_codec_would_write_and_do_not_depend_on_each_other() -> None:
    many = issue_pools(HOME, ["a", "b"], START, first=2, periods=2, count=3)
    alone = issue_pools(HOME, ["b"], START, first=2, periods=2, count=3)
    assert (many.octets[6:] == alone.octets).all() and (many.private_keys[6:] == alone.private_keys).all()
    store = store_of(HOME)
    for row in range(len(many)):
        one = many.certificate(row)
        assert store.certificate_fault(one, int(many.start_ns[row])) is None
        assert one.digest == many.digests[row].tobytes() and one.public_key == many.public_keys[row].tobytes()
        assert (one.start_ns, one.end_ns) == (many.start_ns[row], many.end_ns[row])
        assert int.from_bytes(one.hashed_id8, "big") == many.hashed_id8[row]
    assert many.start_ns[3] - many.start_ns[0] == WEEK_NS
    message = sign_message(b"bsm", 111, many.holder(5), int(many.start_ns[5]), along=())
    assert store.judge(message, int(many.start_ns[5])).refusal is None


def test_a_period_without_pseudonyms_is_an_error() -> None:
    pools = issue_pools(HOME, ["a"], START, count=2)
    with pytest.raises(PoolError, match="periods 0 to 0"):
        pools.row(np.array([0]), 1, np.array([0]))
    with pytest.raises(PoolError, match="1 to 255"):
        issue_pools(HOME, ["a"], START, count=256)


def test_without_a_seed_every_key_is_new() -> None:
    one, two = (make_domain("city", START) for _ in range(2))
    assert one.certificate("rca").public_key != two.certificate("rca").public_key
    assert store_of(one).certificate_fault(one.certificate("pca"), NOW) is None
    pools = [issue_pools(one, ["a"], START, count=2) for _ in range(2)]
    assert (pools[0].public_keys != pools[1].public_keys).any()


def test_private_keys_are_not_printed() -> None:
    holder = HOME.holders["rca"]
    for thing in (holder, HOME, HOME.linkage[0], issue_pools(HOME, ["a"], START, count=1)):
        assert holder.private_key.hex() not in repr(thing)
        assert "private_key" not in repr(thing) and "secret" not in repr(thing)
