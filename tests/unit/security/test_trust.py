"""The trust store: what it believes, and the reason for everything it does not."""

from __future__ import annotations

from typing import Any

import pytest

from wayside.asn1.errors import WireError
from wayside.security.authority import (
    APP,
    CHINA,
    HOUR_NS,
    ROADSIDE_AIDS,
    Domain,
    group,
    issue,
    issue_application,
    issue_enrolment,
    make_domain,
    management_ssp,
)
from wayside.security.certificates import Certificate, CertificateError, issue_value
from wayside.security.chains import MOST_CERTIFICATES
from wayside.security.permissions import MANAGEMENT
from wayside.security.refusals import TrustError, TrustFault
from wayside.security.rootlists import make_root_list
from wayside.security.signatures import private_key_from, public_key_of, verify_digest
from wayside.security.signed import Holder, sign_message
from wayside.security.trust import TrustStore

START = 1_735_689_600 * 10**9  # 2025-01-01
NOW = START + 1000 * HOUR_NS
S = 10**9
HOME = make_domain("home", START, seed=b"home")
ABROAD = make_domain("abroad", START, seed=b"abroad")
PINGSHAN = (22.69, 114.35)
UNIT = issue_application(HOME, "unit 1", NOW - HOUR_NS)


def store_of(domain: Domain = HOME, **how: Any) -> TrustStore:
    """Return a store that trusts a domain."""
    store = TrustStore(**how)
    store.trust_root(domain.certificate("rca"))
    for one in domain.authorities[1:]:
        store.add_authority(one)
    return store


def made(issuer: Holder | None, domain: Domain = HOME, **said: Any) -> Holder:
    """Return a certificate of any content, rightly signed by an issuer."""
    key = private_key_from(domain.curve, b"made")
    given = {"identity": "made", "start_ns": NOW - HOUR_NS, "duration": {"hours": 48}, **said}
    value = issue_value(curve=domain.curve, public_key=public_key_of(domain.curve, key), **given)
    return issue(issuer, value, key, domain.keys, domain.curve)


def fault_of(
    certificate: Certificate, time_ns: int = NOW, store: TrustStore | None = None, **where: Any
) -> TrustFault:
    refusal = (store or store_of()).certificate_fault(certificate, time_ns, **where)
    return refusal.fault if refusal else TrustFault.NONE


def forged(octets: bytes, bit: int) -> bytes:
    """Return octets with one bit turned."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


# === Chains ===


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_every_certificate_of_a_domain_is_trusted_through_its_root(curve: Any) -> None:
    domain = make_domain("city", START, curve=curve, seed=b"city")
    store = store_of(domain)
    holders = (issue_enrolment(domain, "car", NOW - HOUR_NS), issue_application(domain, "unit", NOW - HOUR_NS))
    for one in (*domain.authorities, *(h.certificate for h in holders)):
        assert fault_of(one, store=store) == TrustFault.NONE, one.name


def test_a_certificate_whose_issuer_is_not_in_the_store_is_of_an_unknown_signer() -> None:
    store = TrustStore()
    store.trust_root(HOME.certificate("rca"))
    refusal = store.certificate_fault(UNIT.certificate, NOW)
    assert refusal is not None and refusal.fault == TrustFault.UNKNOWN_SIGNER
    assert HOME.certificate("aca").hashed_id8.hex() in refusal.text


@pytest.mark.parametrize("which", ["unit", "rca"])
def test_each_flipped_bit_of_a_certificate_fails(which: str) -> None:
    certificate = UNIT.certificate if which == "unit" else HOME.certificate(which)
    store, passed = store_of(), []
    for bit in range(8 * len(certificate.octets)):
        try:
            other = Certificate.parse(forged(certificate.octets, bit))
        except (CertificateError, WireError):
            continue
        if fault_of(other, store=store) == TrustFault.NONE:
            passed.append(bit)
    assert not passed


def test_a_flipped_bit_of_a_p256_certificate_fails_or_is_another_spelling_of_the_same() -> None:
    domain = make_domain("city", START, curve="p256", seed=b"city")
    store, passed = store_of(domain), []
    certificate = domain.certificate("pca")
    for bit in range(8 * len(certificate.octets)):
        try:
            other = Certificate.parse(forged(certificate.octets, bit))
        except (CertificateError, WireError):
            continue
        if fault_of(other, store=store) == TrustFault.NONE and other.digest != certificate.digest:
            passed.append(bit)
    assert not passed


def test_certificates_hold_from_their_first_instant_to_before_their_last() -> None:
    one = UNIT.certificate
    assert fault_of(one, one.start_ns - 1) == TrustFault.NOT_YET_VALID
    assert fault_of(one, one.start_ns) == TrustFault.NONE
    assert fault_of(one, one.end_ns - 1) == TrustFault.NONE
    assert fault_of(one, one.end_ns) == TrustFault.EXPIRED


def test_a_certificate_that_outlives_its_issuer_is_refused() -> None:
    late = made(HOME.holders["aca"], duration={"years": 29}, permissions={3618: None})
    assert fault_of(late.certificate) == TrustFault.OUTLIVES_ISSUER
    early = made(HOME.holders["aca"], start_ns=START - S, permissions={3618: None})
    assert fault_of(early.certificate) == TrustFault.OUTLIVES_ISSUER


def test_a_certificate_counts_only_where_it_holds() -> None:
    circle = {"circularRegion": {"center": {"latitude": 226_900_000, "longitude": 1_143_500_000}, "radius": 2000}}
    unit = issue_application(HOME, "unit 2", NOW - HOUR_NS, region=circle).certificate
    store = store_of()
    assert fault_of(unit, store=store, place=PINGSHAN) == TrustFault.NONE
    assert fault_of(unit, store=store, place=(22.72, 114.35)) == TrustFault.OUTSIDE_REGION
    assert fault_of(UNIT.certificate, store=store, place=(48.1, 11.6)) == TrustFault.OUTSIDE_REGION


def test_a_region_beyond_the_issuers_is_refused() -> None:
    berlin = {"identifiedRegion": [{"countryOnly": 276}]}
    one = made(HOME.holders["aca"], permissions={3618: None}, region=berlin)
    assert fault_of(one.certificate) == TrustFault.OUTSIDE_REGION


def test_applications_and_ssps_beyond_the_issuers_are_refused() -> None:
    assert fault_of(made(HOME.holders["pca"], permissions={3618: None}).certificate) == TrustFault.NOT_PERMITTED
    narrow = made(
        HOME.holders["ica"],
        permissions={MANAGEMENT: management_ssp("aca")},
        issue_permissions=[group([111], 1, 0, APP, {111: {"opaque": ["01"]}})],
    )
    store = store_of()
    store.add_authority(narrow.certificate)
    right = made(narrow, permissions={111: b"\x01"})
    wrong = made(narrow, permissions={111: b"\x02"})
    assert fault_of(right.certificate, store=store) == TrustFault.NONE
    assert fault_of(wrong.certificate, store=store) == TrustFault.NOT_PERMITTED


def test_an_end_entity_that_issues_is_no_issuer() -> None:
    child = made(UNIT, permissions={3618: None})
    store = store_of()
    store.add_authority(UNIT.certificate)
    assert fault_of(child.certificate, store=store) == TrustFault.NOT_AN_ISSUER


def test_a_chain_longer_than_its_issuer_allows_is_refused() -> None:
    # the intermediate may have authorities below it, and those only end entities
    deep = made(
        HOME.holders["ica"],
        permissions={MANAGEMENT: management_ssp("ica")},
        issue_permissions=[group([111], 2, 0, APP)],
    )
    assert fault_of(deep.certificate) == TrustFault.CHAIN_TOO_LONG
    endless = made(
        HOME.holders["ica"],
        permissions={MANAGEMENT: management_ssp("aca")},
        issue_permissions=[group([111], 1, -1, APP)],
    )
    assert fault_of(endless.certificate) == TrustFault.CHAIN_TOO_LONG


def test_a_chain_of_too_many_certificates_is_not_followed() -> None:
    root = made(None, duration={"years": 1}, issue_permissions=[group(None, 1, -1, APP)])
    store, issuer = TrustStore(), root
    store.trust_root(root.certificate)
    for _ in range(MOST_CERTIFICATES):
        issuer = made(issuer, identity="next", issue_permissions=[group(None, 1, -1, APP)])
        store.add_authority(issuer.certificate)
    assert fault_of(issuer.certificate, store=store) == TrustFault.CHAIN_TOO_LONG


def test_roles_stand_in_order() -> None:
    ica = made(
        HOME.holders["pca"],
        permissions={MANAGEMENT: management_ssp("ica")},
        issue_permissions=[group([111], 1, 0, APP)],
    )
    assert fault_of(ica.certificate) == TrustFault.WRONG_ROLE
    second = made(HOME.holders["rca"], permissions={MANAGEMENT: management_ssp("root")})
    assert fault_of(second.certificate) == TrustFault.WRONG_ROLE
    posing = made(None, permissions={MANAGEMENT: management_ssp("aca")})
    assert fault_of(posing.certificate) == TrustFault.WRONG_ROLE


def test_a_root_must_have_signed_itself() -> None:
    with pytest.raises(TrustError, match="UNTRUSTED_ROOT"):
        TrustStore().trust_root(HOME.certificate("ica"))


# === Other domains ===

LISTER = made(None, identity="trcla", duration={"years": 10})
FOREIGN = issue_application(ABROAD, "foreign unit", NOW - HOUR_NS).certificate


def listing(store: TrustStore) -> TrustStore:
    """Return the store, trusting the authority of lists and knowing the authorities abroad but for their root."""
    store.trust_list_authority(LISTER.certificate)
    for one in ABROAD.authorities[1:]:
        store.add_authority(one)
    return store


def test_a_foreign_domain_is_trusted_only_while_a_list_names_its_root() -> None:
    store = listing(store_of())
    store.add_authority(ABROAD.certificate("rca"))
    assert fault_of(FOREIGN, store=store) == TrustFault.UNTRUSTED_ROOT
    end_ns = NOW + 10 * HOUR_NS
    roots = store.add_trusted_roots(make_root_list(LISTER, [ABROAD.certificate("rca")], NOW, end_ns), NOW)
    assert [root.name for root in roots] == ["rca.abroad"]
    assert fault_of(FOREIGN, store=store) == TrustFault.NONE
    assert fault_of(FOREIGN, end_ns, store=store) == TrustFault.UNTRUSTED_ROOT
    assert fault_of(UNIT.certificate, end_ns, store=store) == TrustFault.NONE


def test_a_new_list_replaces_the_old_one() -> None:
    store = listing(store_of())
    old = make_root_list(LISTER, [ABROAD.certificate("rca")], NOW, NOW + 10 * HOUR_NS)
    store.add_trusted_roots(old, NOW)
    assert fault_of(FOREIGN, store=store) == TrustFault.NONE
    store.add_trusted_roots(make_root_list(LISTER, [], NOW + S, NOW + 10 * HOUR_NS), NOW + S)
    assert fault_of(FOREIGN, NOW + S, store=store) == TrustFault.UNTRUSTED_ROOT
    with pytest.raises(TrustError, match="STALE"):
        store.add_trusted_roots(old, NOW + S)


def test_lists_that_are_forged_over_or_of_strangers_are_refused() -> None:
    octets = make_root_list(LISTER, [ABROAD.certificate("rca")], NOW, NOW + HOUR_NS)
    with pytest.raises(TrustError, match="UNKNOWN_SIGNER"):
        store_of().add_trusted_roots(octets, NOW)
    store = listing(store_of())
    with pytest.raises(TrustError, match="EXPIRED"):
        store.add_trusted_roots(octets, NOW + HOUR_NS)
    with pytest.raises(TrustError, match="NOT_YET_VALID"):
        store.add_trusted_roots(octets, NOW - 2 * S)
    with pytest.raises(TrustError, match="BAD_SIGNATURE"):
        store.add_trusted_roots(forged(octets, 8 * len(octets) - 1), NOW)
    with pytest.raises(TrustError, match="UNREADABLE"):
        store.add_trusted_roots(octets[:-1], NOW)
    assert fault_of(FOREIGN, store=store) == TrustFault.UNKNOWN_SIGNER


# === What is kept ===


def test_a_proven_chain_is_not_proven_again() -> None:
    store = store_of()
    for _ in range(3):
        assert fault_of(UNIT.certificate, store=store) == TrustFault.NONE
    assert store.proofs == 1


def test_the_authorities_of_a_proven_chain_are_not_proven_again_for_another_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = list[bytes]()

    def counting(curve: Any, key: bytes, digest: bytes, signature: bytes) -> bool:
        checked.append(key)
        return verify_digest(curve, key, digest, signature)

    monkeypatch.setattr("wayside.security.chains.verify_digest", counting)
    store = store_of()
    checked.clear()
    counts = []
    for name in ("one", "two"):
        assert fault_of(issue_application(HOME, name, NOW - HOUR_NS).certificate, store=store) == TrustFault.NONE
        counts.append(len(checked))
    assert counts == [4, 5]
    store.add_authority(HOME.certificate("aca"))
    assert fault_of(UNIT.certificate, store=store) == TrustFault.NONE
    assert len(checked) == 9


def test_what_has_expired_leaves_and_is_refused() -> None:
    store, one = store_of(), UNIT.certificate
    assert fault_of(one, store=store) == TrustFault.NONE
    assert fault_of(one, one.end_ns, store=store) == TrustFault.EXPIRED
    assert store.find(one.hashed_id8) is None


def test_the_least_recently_used_chain_leaves_first() -> None:
    store = store_of(capacity=2)
    units = [issue_application(HOME, f"unit {n}", NOW - HOUR_NS).certificate for n in range(3)]
    for n in (0, 1, 0, 2):
        assert fault_of(units[n], store=store) == TrustFault.NONE
    assert [store.find(one.hashed_id8) is not None for one in units] == [True, False, True]


# === Messages ===


def test_a_message_with_its_certificate_makes_later_ones_by_digest_known() -> None:
    store = store_of()
    short = sign_message(b"spat", 3619, UNIT, NOW)
    verdict = store.judge(short, NOW)
    assert verdict.refusal is not None and verdict.refusal.fault == TrustFault.UNKNOWN_SIGNER
    assert store.judge(sign_message(b"spat", 3619, UNIT, NOW, along=()), NOW).refusal is None
    verdict = store.judge(short, NOW)
    assert verdict.refusal is None and verdict.opened is not None and verdict.opened.payload == b"spat"


def test_issuers_sent_along_complete_a_chain_and_are_not_kept() -> None:
    store = TrustStore()
    store.trust_root(HOME.certificate("rca"))
    along = (HOME.certificate("aca"), HOME.certificate("ica"))
    message = sign_message(b"map", 3618, UNIT, NOW, along=along)
    assert store.judge(message, NOW).refusal is None
    assert store.find(HOME.certificate("aca").hashed_id8) is None


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_each_flipped_bit_of_a_signed_message_fails(curve: Any) -> None:
    domain = make_domain("city", START, curve=curve, seed=b"city")
    unit = issue_application(domain, "unit", NOW - HOUR_NS)
    store = store_of(domain)
    assert store.judge(sign_message(b"x", 3619, unit, NOW, along=()), NOW).refusal is None
    message = sign_message(b"a stop line", 3619, unit, NOW, place=PINGSHAN)
    # r of an ECDSA signature may be written in three forms that say the same
    spellings = {8 * (len(message) - 65) + 6} if curve == "p256" else set()
    passed = {b for b in range(8 * len(message)) if store.judge(forged(message, b), NOW).refusal is None}
    assert passed <= spellings


@pytest.mark.parametrize(
    ("made_ns", "fault"),
    [
        (NOW - 5 * S, TrustFault.NONE),
        (NOW - 6 * S, TrustFault.STALE),
        (NOW + 2 * S, TrustFault.NONE),
        (NOW + 3 * S, TrustFault.STALE),
        (NOW - 2 * HOUR_NS, TrustFault.NOT_YET_VALID),
    ],
)
def test_a_message_is_of_now_and_of_its_certificates_time(made_ns: int, fault: TrustFault) -> None:
    refusal = store_of().judge(sign_message(b"x", 3619, UNIT, made_ns, along=()), NOW).refusal
    assert (refusal.fault if refusal else TrustFault.NONE) == fault


def test_a_message_past_its_expiry_is_stale() -> None:
    message = sign_message(b"x", 3619, UNIT, NOW - S, expiry_ns=NOW, along=())
    refusal = store_of().judge(message, NOW).refusal
    assert refusal is not None and refusal.fault == TrustFault.STALE


def test_a_message_of_another_application_or_ssp_is_not_permitted() -> None:
    refusal = store_of().judge(sign_message(b"x", 111, UNIT, NOW, along=()), NOW).refusal
    assert refusal is not None and refusal.fault == TrustFault.NOT_PERMITTED and "111" in refusal.text
    special = made(HOME.holders["pca"], permissions={113: b"\x01"})
    message = sign_message(b"x", 113, special, NOW, along=())
    assert store_of().judge(message, NOW, needed={"opaque": "01"}).refusal is None
    refusal = store_of().judge(message, NOW, needed={"opaque": "02"}).refusal
    assert refusal is not None and refusal.fault == TrustFault.NOT_PERMITTED


def test_a_message_from_outside_the_certificates_region_is_refused() -> None:
    store = store_of()
    inside = sign_message(b"x", 3619, UNIT, NOW, place=PINGSHAN, along=())
    assert store.judge(inside, NOW).refusal is None
    for verdict in (
        store.judge(inside, NOW, place=(48.1, 11.6)),
        store.judge(sign_message(b"x", 3619, UNIT, NOW, place=(48.1, 11.6), along=()), NOW),
    ):
        assert verdict.refusal is not None and verdict.refusal.fault == TrustFault.OUTSIDE_REGION


def test_what_is_no_signed_message_is_unreadable() -> None:
    for octets in (b"", b"\x03\x80\x01\x00", bytes(300), sign_message(b"x", 3619, UNIT, NOW) + b"\x00"):
        refusal = store_of().judge(octets, NOW).refusal
        assert refusal is not None and refusal.fault == TrustFault.UNREADABLE


def test_a_refusal_says_what_was_found_and_expected() -> None:
    refusal = store_of().certificate_fault(UNIT.certificate, UNIT.certificate.end_ns)
    assert refusal is not None
    assert "held until 2025" in refusal.text and refusal.subject == UNIT.certificate.hashed_id8.hex()
    assert str(refusal).startswith("EXPIRED: ")
    assert ROADSIDE_AIDS and CHINA  # what the unit was issued with
