from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from wayside.envelope import Claims, Role
from wayside.maps.drawing import crossroads
from wayside.membership import flags_of
from wayside.messages import Message, Messages
from wayside.numbering import UNKNOWN
from wayside.security import envelope as envelopes
from wayside.security.authority import HOLDER_SERIES
from wayside.security.certificates import Certificate
from wayside.security.credentials import Credentials
from wayside.security.envelope import Ear, EnvelopeConfig, SignedEnvelope, open_envelope
from wayside.security.objects import decode_object, encode_object
from wayside.security.policies import VerifyConfig
from wayside.security.revocation import hash_body, make_revocation_list
from wayside.security.sealed import SignerForm
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.security.times import S
from wayside.security.trust import TrustStore

NOW = 1_772_000_000 * S
TENTH = S // 10
ROAD = crossroads()


def envelope(**given: object) -> SignedEnvelope:
    config = EnvelopeConfig(**{"pool": 2, "verify": VerifyConfig(policy="all"), **given})  # type: ignore[arg-type]
    return open_envelope(config, seed=7, start_ns=NOW, seconds=60.0, road=ROAD, assets=())


def said(count: int = 3, time_ns: int = NOW) -> Messages:
    return Messages.of([Message(time_ns, 50 + n, bytes([n]) * (20 + n)) for n in range(count)])


def sealed(made: SignedEnvelope, messages: Messages, role: Role = Role.VEHICLE, aid: int = 111) -> Messages:
    count = len(messages)
    stations = np.arange(1, count + 1).astype(np.uint64)
    return made.seal(messages, stations, np.full(count, role, np.uint8), np.full(count, aid, np.int32))


def claims(count: int) -> Claims:
    nowhere, zero = np.full(count, np.nan), np.zeros(count)
    senders = np.arange(1, count + 1).astype(np.uint64)
    return Claims(senders, np.full(count, NOW), nowhere, nowhere, zero, zero, np.zeros(count, np.bool_))


def states(made: SignedEnvelope, messages: Messages, time_ns: int = NOW) -> list[SignatureState]:
    letters = made.open(messages, time_ns)
    found = np.full(len(messages), 255, np.uint8)
    found[letters.refused] = letters.reasons
    found[letters.rows] = letters.judge(claims(len(letters.rows)))
    return [SignatureState(one) for one in found.tolist()]


@pytest.mark.parametrize("curve", ["sm2", "p256"])
def test_what_is_sealed_is_opened_and_believed(curve: str) -> None:
    made, messages = envelope(curve=curve), said()
    letters = made.open(sealed(made, messages), NOW)
    assert list(letters.payloads) == list(messages)
    assert letters.aids.tolist() == [111] * 3 and not len(letters.refused)
    assert letters.judge(claims(3)).tolist() == [SignatureState.VALID] * 3


def test_a_sealed_message_is_what_the_record_codec_reads() -> None:
    made = envelope()
    value = decode_object(sealed(made, said(1))[0].payload, "signed")
    assert value["protocolVersion"] == 3
    tbs = value["content"]["signedData"]["tbsData"]
    assert tbs["payload"]["data"]["content"] == {"unsecuredData": "00" * 20}
    assert tbs["headerInfo"]["aid"] == 111 and "certificate" in value["content"]["signedData"]["signer"]


def test_the_certificate_is_sent_once_a_second_and_its_digest_in_between() -> None:
    made = envelope()
    lengths = [sealed(made, said(1, NOW + n * TENTH))[0].payload for n in range(21)]
    whole = [n for n, octets in enumerate(lengths) if len(octets) > 200]
    assert whole == [0, 10, 20]


def test_a_digest_of_a_certificate_never_seen_is_not_believed_until_it_comes() -> None:
    made = envelope()
    first, second = sealed(made, said(1)), sealed(made, said(1, NOW + TENTH))
    assert states(made, second, NOW + TENTH) == [SignatureState.UNKNOWN_SIGNER]
    assert states(made, first) == [SignatureState.VALID]
    assert states(made, second, NOW + TENTH) == [SignatureState.VALID]


def test_each_flipped_octet_of_payload_header_and_signature_is_noticed() -> None:
    made = envelope()
    sealed(made, said(1))  # the certificate goes with this one
    assert states(made, sealed(envelope(), said(1))) == [SignatureState.VALID]
    octets = sealed(made, said(1, NOW + TENTH))[0].payload
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1
        (state,) = states(made, Messages.of([Message(NOW + TENTH, 1, bytes(changed))]), NOW + TENTH)
        assert state not in (SignatureState.VALID, SignatureState.UNCHECKED), place


def test_an_impostor_is_refused_for_its_certificate_and_named_by_what_it_says() -> None:
    made = envelope()
    assert states(made, sealed(made, said(2), Role.IMPOSTOR)) == [SignatureState.UNTRUSTED] * 2
    lost, counts = made.findings(NOW)
    assert isinstance(lost, Signatures) and isinstance(counts, SignatureCounts)
    assert lost.sender.tolist() == [1, 2] and set(lost.state.tolist()) == {SignatureState.UNTRUSTED}
    assert counts.messages.tolist() == [2]
    assert [len(table) for table in made.findings(NOW)] == [0, 0]


def test_a_vehicle_may_not_sign_for_the_roadside() -> None:
    made = envelope()
    assert states(made, sealed(made, said(1), aid=3618)) == [SignatureState.NOT_PERMITTED]
    assert states(made, sealed(made, said(1), Role.ROADSIDE, 3618)) == [SignatureState.VALID]


@pytest.mark.parametrize(
    ("away_s", "state"),
    [
        (6, SignatureState.STALE),
        (-3, SignatureState.STALE),
        (40 * 366 * 86400, SignatureState.EXPIRED),
        (-5 * 366 * 86400, SignatureState.NOT_YET_VALID),
    ],
)
def test_messages_of_another_time_are_refused(away_s: int, state: SignatureState) -> None:
    made = envelope()
    messages = sealed(made, said(1))
    assert states(made, messages, NOW + away_s * S) == [state]


def test_what_is_no_envelope_is_refused_and_its_neighbours_are_read() -> None:
    made = envelope()
    good = list(sealed(made, said(2)))
    strange = [Message(NOW, 9, b"\x03\x80\x01\x00"), Message(NOW, 9, b""), Message(NOW, 9, b"\x03\x81")]
    found = states(made, Messages.of([good[0], *strange, good[1]]))
    assert found[0] == found[4] == SignatureState.VALID
    assert found[1:4] == [SignatureState.NONE, SignatureState.MALFORMED, SignatureState.MALFORMED]


def test_on_demand_checks_the_first_message_and_then_a_share() -> None:
    made = envelope(verify=VerifyConfig(policy="on_demand", share=0.1))
    counted = Counter(states(made, sealed(made, said(50))))
    assert counted == {SignatureState.VALID: 50}
    for tick in range(1, 11):
        now = NOW + tick * TENTH
        counted += Counter(states(made, sealed(made, said(50, now)), now))
    later = counted[SignatureState.VALID] - 50
    assert 20 <= later <= 90 and counted[SignatureState.UNCHECKED] == 500 - later


def test_vehicles_believe_the_roadside() -> None:
    made = envelope()
    letters = made.overhear(sealed(made, said(2), Role.ROADSIDE, 3620), NOW, ())
    assert letters.judge(None).tolist() == [SignatureState.VALID] * 2


def test_vehicles_leave_closed_what_does_not_begin_as_they_listen_for() -> None:
    made = envelope()
    sent = sealed(made, said(3), Role.ROADSIDE, 3620)  # payloads that begin with 0, 1 and 2
    letters = made.overhear(sent, NOW, (3620,), flags_of((1, 2)))
    assert [one.payload[0] for one in letters.payloads] == [1, 2]
    assert not len(made.overhear(sent, NOW, (3619,), flags_of((1, 2))).payloads)


def test_the_same_seed_signs_the_same_octets() -> None:
    assert list(sealed(envelope(), said())) == list(sealed(envelope(), said()))


def test_a_vehicle_turns_to_another_certificate() -> None:
    made = envelope()
    sealed(made, said(1))
    later = NOW + 301 * S
    signer = [decode_object(sealed(made, said(1, t))[0].payload, "signed") for t in (NOW + TENTH, later + TENTH)]
    first, second = (value["content"]["signedData"]["signer"] for value in signer)
    assert first != second


def test_a_revoked_certificate_is_refused_from_then_on() -> None:
    made = envelope()
    first, later = sealed(made, said(1)), sealed(made, said(1, NOW + TENTH))
    assert states(made, first) == [SignatureState.VALID]
    value = decode_object(first[0].payload, "signed")["content"]["signedData"]
    certificate = Certificate.parse(encode_object(value["signer"]["certificate"][0], "certificate"))
    body, signer = hash_body([certificate], 1), made.domain.holders["cra"]
    told = {"series": HOLDER_SERIES, "issued_ns": NOW, "next_ns": NOW + 3600 * S}
    made.trust.add_revocations(make_revocation_list(signer, "fullHashCrl", body, **told), NOW)
    assert states(made, later, NOW + TENTH) == [SignatureState.UNKNOWN_SIGNER]
    again = sealed(made, said(1, NOW + 11 * TENTH))
    assert states(made, again, NOW + 11 * TENTH) == [SignatureState.REVOKED]


def test_the_senders_verified_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "MOST_SENDERS", 8)
    monkeypatch.setattr(envelopes, "FEWEST_SENDERS", 4)
    ear = Ear(TrustStore(), EnvelopeConfig(), 0)
    everybody = np.arange(13, dtype=np.uint64)
    for sender in [*range(1, 9), 2, 9]:  # nine are one too many: only 7, 8, 2 and 9 are kept
        ear.verified(everybody[[sender]], everybody[[3]])
    known = [0, 2, 7, 8, 9]  # who has no identity is never under another certificate
    assert np.flatnonzero(~ear.changed(everybody, np.full(13, 3, np.uint64))).tolist() == known
    assert ear.changed(everybody[1:], np.full(12, 4, np.uint64)).all()


def test_more_senders_than_there_was_room_for_are_remembered() -> None:
    ear = Ear(TrustStore(), EnvelopeConfig(), 0)
    many = np.arange(1, 5001, dtype=np.uint64)
    ear.verified(many, many * 3)
    ear.verified(many[[7, 7]], many[[1, 2]])
    assert np.flatnonzero(ear.changed(many, many * 3)).tolist() == [7]
    assert ear.changed(many[[7]], many[[2]]).tolist() == [False]


def test_certificates_not_heard_of_for_longest_make_room() -> None:
    known = Credentials(TrustStore(), capacity=4)
    names = np.array([50, 40, 30, 20], np.uint64)
    rows = [known.add(b"no certificate", int(name), NOW) for name in names]
    assert known.rows(names).tolist() == rows == [0, 1, 2, 3]
    known.hear(np.array([0, 3]), NOW + S)
    assert known.add(b"nor this", 10, NOW + S) in (1, 2)  # 30 and 40 are gone, heard of at the same instant
    assert (known.rows(names) == UNKNOWN).tolist() == [False, True, True, False]
    assert known.rows(names[[0, 3]]).tolist() == [0, 3]


def test_a_certificate_permits_its_own_applications_alone() -> None:
    known = Credentials(TrustStore())
    known._permit(3, [111, 3618, 7])
    known._permit(4, [0])
    known.state[3:6], known.end_ns[3:6] = SignatureState.VALID, 2 * NOW
    rows, aids = np.array([3, 3, 3, 4, 4, 5, 5]), np.array([7, 111, 0, 0, 111, 0, -1])
    forms, made = np.full(7, SignerForm.DIGEST, np.uint8), np.full(7, -1)
    permitted = known.states(rows, forms, aids, made, NOW) == SignatureState.UNCHECKED
    assert permitted.tolist() == [True, True, False, True, False, False, False]
