"""Whatever octets arrive, the trust store gives a reason and believes nothing that was changed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis.strategies import binary, integers, lists, tuples

from wayside.security.authority import HOLDER_SERIES, HOUR_NS, issue_application, make_domain
from wayside.security.linkage import YDT, linkage_values, seeds_after
from wayside.security.permissions import issue_fault
from wayside.security.refusals import TrustError
from wayside.security.revocation import hash_body, linked_body, make_revocation_list
from wayside.security.rootlists import make_root_list
from wayside.security.signed import sign_message
from wayside.security.trust import TrustStore

START = 1_735_689_600 * 10**9
NOW = START + 1000 * HOUR_NS
HOME = make_domain("home", START, seed=b"home")
OTHER = make_domain("other", START, curve="p256", seed=b"other")
UNIT = issue_application(HOME, "unit", NOW - HOUR_NS)
FOREIGN = issue_application(OTHER, "unit", NOW - HOUR_NS)
LISTS = {"series": HOLDER_SERIES, "issued_ns": NOW, "next_ns": NOW + HOUR_NS}
NAMES = (HOME.linkage[0].identity, HOME.linkage[1].identity)
MESSAGES = (
    sign_message(b"a stop line", 3619, UNIT, NOW, place=(22.69, 114.35), along=HOME.authorities[1:5]),
    sign_message(b"a stop line", 3619, FOREIGN, NOW, expiry_ns=NOW + 10**9, along=()),
)
REVOKING = (
    make_revocation_list(HOME.holders["cra"], "fullHashCrl", hash_body([UNIT.certificate], 1), **LISTS),
    make_revocation_list(
        HOME.holders["cra"], "fullLinkedCrl", linked_body(HOME.seeds(["a", "b"], 3), NAMES, 3, 9, 20), **LISTS
    ),
)
ROOTS = make_root_list(HOME.holders["rca"], [OTHER.certificate("rca")], NOW, NOW + HOUR_NS)
CHANGES = lists(tuples(integers(0, 2**16), integers(1, 255)), min_size=1, max_size=4)


def store() -> TrustStore:
    found = TrustStore()
    for domain in (HOME, OTHER):
        found.trust_root(domain.certificate("rca"))
        for one in domain.authorities[1:]:
            found.add_authority(one)
    found.trust_list_authority(HOME.certificate("rca"))
    return found


STORE = store()


def changed(octets: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    """Return octets with some turned and some of the end missing."""
    found = bytearray(octets)
    for place, turn in changes:
        found[place % len(found)] ^= turn
    return bytes(found[: len(found) - cut])


@given(octets=binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused_with_a_reason(octets: bytes) -> None:
    refusal = STORE.judge(octets, NOW).refusal
    assert refusal is not None and refusal.text


@given(which=integers(0, 1), changes=CHANGES, cut=integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_a_changed_message_is_refused_or_says_the_same(
    which: int, changes: list[tuple[int, int]], cut: int
) -> None:
    octets = changed(MESSAGES[which], changes, cut)
    verdict, original = STORE.judge(octets, NOW), STORE.judge(MESSAGES[which], NOW)
    assert original.refusal is None
    if verdict.refusal is None and octets != MESSAGES[which]:
        # what is not signed, such as issuers along, may change without changing what is said
        assert verdict.opened is not None and original.opened is not None
        assert verdict.opened.signed == original.opened.signed
        assert verdict.signer is not None and original.signer is not None
        assert verdict.signer.digest == original.signer.digest


@given(which=integers(0, 1), changes=CHANGES, cut=integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_a_changed_list_is_refused_or_changes_nothing(
    which: int, changes: list[tuple[int, int]], cut: int
) -> None:
    fresh, octets = store(), changed(REVOKING[which], changes, cut)
    if octets == REVOKING[which]:
        return
    try:
        fresh.add_revocations(octets, NOW)
    except TrustError:
        assert len(fresh.revocations) == 0
    roots = changed(ROOTS, changes, cut)
    if roots == ROOTS:
        return
    try:
        fresh.add_trusted_roots(roots, NOW)
        raise AssertionError("a changed trusted root list was believed")
    except TrustError:
        assert fresh.certificate_fault(UNIT.certificate, NOW) is None or len(fresh.revocations)


@given(start=integers(0, 5), more=integers(0, 5), draw=integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_seeds_of_a_later_period_give_the_same_values(start: int, more: int, draw: int) -> None:
    seeds = np.random.default_rng(draw).integers(0, 256, (2, 3, 16), np.uint8)
    at_start = [seeds_after(s, name, start, YDT) for s, name in zip(seeds, NAMES, strict=True)]
    by_steps = [seeds_after(s, name, more, YDT) for s, name in zip(at_start, NAMES, strict=True)]
    at_once = [seeds_after(s, name, start + more, YDT) for s, name in zip(seeds, NAMES, strict=True)]
    indices = np.arange(1, 21).astype(np.uint8)
    one, two = (linkage_values((pair[0], pair[1]), NAMES, indices, YDT) for pair in (by_steps, at_once))
    assert (one == two).all() and len(np.unique(one.reshape(-1, 9), axis=0)) == 60


def test_no_authority_may_issue_its_like_or_what_stands_above_it() -> None:
    for place, parent in enumerate(HOME.authorities):
        for child in HOME.authorities[: place + 1]:
            assert issue_fault(parent.said, child.said, "") is not None, (parent.name, child.name)
