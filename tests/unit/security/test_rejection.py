from __future__ import annotations

import numpy as np

from wayside.security.rejection import RejectionConfig, rejection_findings, rejections
from wayside.security.tables import Rejections, Signatures, SignatureState
from wayside.supervision.tables import Rule

S = 1_000_000_000
CONFIG = RejectionConfig()


def lost(time_ns: int, *senders: int, state: SignatureState = SignatureState.UNTRUSTED) -> Signatures:
    count = len(senders)
    return Signatures(
        received_ns=np.full(count, time_ns),
        link=np.arange(count).astype(np.uint64),
        number=np.zeros(count, np.uint32),
        signer=np.full(count, 99, np.uint64),
        sender=np.array(senders, np.uint64),
        x=np.arange(count) + time_ns / S,
        y=np.zeros(count),
        aid=np.full(count, 111, np.int32),
        generation_ns=np.full(count, time_ns),
        state=np.full(count, state, np.uint8),
    )


def test_messages_of_one_sender_add_up_and_become_a_finding() -> None:
    memory = Rejections.empty()
    for tick in range(5):
        assert not len(rejection_findings(memory, config=CONFIG))
        memory = rejections(lost(tick * S, 7, 8), memory, time_ns=tick * S, config=CONFIG)
    assert memory.subject.tolist() == [7, 8] and memory.messages.tolist() == [5, 5]
    assert memory.x.tolist() == [4.0, 5.0]
    found = rejection_findings(memory, config=CONFIG)
    assert found.rule.tolist() == [Rule.SENDER_REJECTED] * 2 and found.since_ns.tolist() == [0, 0]


def test_a_message_without_an_identity_is_known_by_its_certificate() -> None:
    memory = rejections(lost(0, 0), Rejections.empty(), time_ns=0, config=CONFIG)
    assert memory.subject.tolist() == [99]


def test_a_certificate_not_met_yet_is_no_finding_while_it_may_still_come() -> None:
    memory = Rejections.empty()
    for tick in range(40):
        now = tick * S // 10
        unknown = lost(now, 7, state=SignatureState.UNKNOWN_SIGNER)
        memory = rejections(unknown, memory, time_ns=now, config=CONFIG)
        assert bool(len(rejection_findings(memory, config=CONFIG))) == (now >= 3 * S)


def test_who_is_silent_is_forgotten() -> None:
    memory = rejections(lost(0, 7), Rejections.empty(), time_ns=0, config=CONFIG)
    assert len(rejections(Signatures.empty(), memory, time_ns=59 * S, config=CONFIG)) == 1
    assert not len(rejections(Signatures.empty(), memory, time_ns=60 * S, config=CONFIG))


def test_one_sender_with_two_faults_is_one_finding() -> None:
    memory = Rejections.empty()
    for state in (SignatureState.UNTRUSTED, SignatureState.BAD):
        for tick in range(5):
            memory = rejections(lost(tick * S, 7, state=state), memory, time_ns=tick * S, config=CONFIG)
    assert len(memory) == 2 and len(rejection_findings(memory, config=CONFIG)) == 1
