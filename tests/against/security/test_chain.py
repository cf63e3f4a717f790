"""Real certificates of the field, and ciphers of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.asn1.errors import WireError
from wayside.security.certificates import Certificate, CertificateError
from wayside.security.chains import Chain, build_chain
from wayside.security.ciphers import aes128, sm4
from wayside.security.objects import decode_object
from wayside.security.permissions import REVOCATION, Role, role_of
from wayside.security.refusals import TrustFault
from wayside.security.trust import TrustStore

SOURCE = Path(__file__).parents[4] / "shared" / "data" / "security" / "certs.json"
missing = pytest.mark.skipif(not SOURCE.is_file(), reason=f"no certificates in {SOURCE}")
NOW = 1_750_000_000 * 10**9  # 2025-06-15
PINGSHAN = (22.69, 114.35)


def real() -> dict[str, Certificate]:
    """Return the real certificates by their short names."""
    found: list[dict[str, Any]] = json.loads(SOURCE.read_text("utf-8"))["certificates"]
    return {one["id"]: Certificate.parse(bytes.fromhex(one["hex"])) for one in found}


def trusting(certificates: dict[str, Certificate]) -> TrustStore:
    store = TrustStore()
    for one in certificates.values():
        if one.issuer is None:
            store.trust_root(one)
        else:
            store.add_authority(one)
    return store


@missing
def test_every_real_certificate_is_trusted_through_its_chain() -> None:
    certificates = real()
    store = trusting(certificates)
    assert len(certificates) >= 2
    for name, one in certificates.items():
        assert store.certificate_fault(one, max(one.start_ns, NOW), PINGSHAN) is None, name
        chain = build_chain(one, store.find)
        assert isinstance(chain, Chain) and chain.root.issuer is None


@missing
def test_real_authorities_state_their_roles_and_the_series_they_may_revoke_in() -> None:
    certificates = real()
    assert role_of(certificates["RCA"].said) == Role.ROOT
    assert role_of(certificates["ICA"].said) == Role.INTERMEDIATE
    for one in certificates.values():
        held = one.permissions.get(REVOCATION)
        if held is not None:
            ssp = decode_object(bytes.fromhex(held["opaque"]), "crl-ssp")
            assert ssp == {"version": 1, "associatedCraca": "isCraca", "crls": [256, 1, 20, 30, 40]}


@missing
def test_real_certificates_are_not_trusted_when_or_where_they_do_not_hold() -> None:
    certificates = real()
    store = trusting(certificates)
    for one in certificates.values():
        for time_ns, place, fault in (
            (one.end_ns, None, TrustFault.EXPIRED),
            (one.start_ns - 1, None, TrustFault.NOT_YET_VALID),
            (NOW, (48.1, 11.6), TrustFault.OUTSIDE_REGION),
        ):
            refusal = store.certificate_fault(one, time_ns, place)
            assert refusal is not None and refusal.fault == fault


def flipped(one: Certificate, store: TrustStore) -> tuple[list[int], set[TrustFault]]:
    """Return the bits whose flip goes unnoticed, and the reasons given for the others."""
    passed, reasons = [], set()
    for bit in range(8 * len(one.octets)):
        octets = bytearray(one.octets)
        octets[bit // 8] ^= 0x80 >> bit % 8
        try:
            refusal = store.certificate_fault(Certificate.parse(bytes(octets)), NOW)
        except (CertificateError, WireError):
            reasons.add(TrustFault.UNREADABLE)
            continue
        if refusal is None:
            passed.append(bit)
        else:
            reasons.add(refusal.fault)
    return passed, reasons


@missing
def test_each_flipped_bit_of_a_real_certificate_fails() -> None:
    certificates = real()
    passed, reasons = flipped(certificates["ICA"], trusting(certificates))
    assert not passed
    assert TrustFault.BAD_SIGNATURE in reasons and TrustFault.UNREADABLE in reasons


@missing
@pytest.mark.slow
def test_each_flipped_bit_of_all_real_certificates_fails() -> None:
    certificates = real()
    for name, one in certificates.items():
        assert not flipped(one, trusting(certificates))[0], name


@pytest.mark.parametrize("count", [2000])
def test_block_ciphers_agree_with_another_library(count: int) -> None:
    algorithms = pytest.importorskip("cryptography.hazmat.primitives.ciphers.algorithms")
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers")
    draws = np.random.default_rng(1)
    keys, blocks = (draws.integers(0, 256, (count, 16), np.uint8) for _ in range(2))
    for ours, theirs in ((aes128, algorithms.AES), (sm4, algorithms.SM4)):
        found = ours(keys, blocks)
        for row in range(count):
            cipher = ciphers.Cipher(theirs(keys[row].tobytes()), ciphers.modes.ECB())
            assert cipher.encryptor().update(blocks[row].tobytes()) == found[row].tobytes(), row
