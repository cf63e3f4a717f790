"""Senders whose messages come without a valid certificate or signature."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.security.tables import Rejections, Signatures, SignatureState
from wayside.step import step
from wayside.supervision.tables import Findings, Rule

S = 1_000_000_000


class RejectionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When messages that were not believed make a finding."""

    fewest: int = 5  # of one sender and state; single ones are no pattern
    quiet_s: float = 60.0  # a sender is forgotten so long after the last of them
    lost_s: float = 3.0  # a certificate not met yet counts only if it stays unknown for longer


@step(period_s=0.1, reach_m=0.0)
def rejections(signatures: Signatures, before: Rejections, *, time_ns: int, config: RejectionConfig) -> Rejections:
    """Remember who was not believed, and why.

    A sender is told by the identity inside its message, and by its certificate where there is none. Whoever signs
    badly in another's name makes a row under that name; the finding is about messages, not about a vehicle.
    """
    who = np.where(signatures.sender > 0, signatures.sender, signatures.signer)
    lasting = time_ns - before.last_ns < config.quiet_s * S
    kept = before if lasting.all() else before.take(lasting)
    if not len(signatures):
        return kept
    subject = np.concatenate([kept.subject, who])
    state = np.concatenate([kept.state, signatures.state])
    count = np.concatenate([kept.messages, np.ones(len(who), np.uint32)])
    first = np.concatenate([kept.first_ns, signatures.received_ns])
    last = np.concatenate([kept.last_ns, signatures.received_ns])
    order = np.lexsort((state, subject))
    subject, state = subject[order], state[order]
    last_of_its = np.ones(len(order), np.bool_)
    last_of_its[:-1] = (subject[1:] != subject[:-1]) | (state[1:] != state[:-1])
    latest = np.flatnonzero(last_of_its)  # what is remembered stands before what is new
    begin = np.append(0, latest[:-1] + 1)
    x, y = np.concatenate([kept.x, signatures.x])[order], np.concatenate([kept.y, signatures.y])[order]
    return Rejections(
        subject=subject[begin],
        state=state[begin],
        x=x[latest],
        y=y[latest],
        messages=np.add.reduceat(count[order], begin).astype(np.uint32),
        first_ns=np.minimum.reduceat(first[order], begin),
        last_ns=np.maximum.reduceat(last[order], begin),
    )


@step(period_s=0.1, reach_m=0.0)
def rejection_findings(rejections: Rejections, *, config: RejectionConfig) -> Findings:
    """Report who has sent several messages that were not believed; `value` is how many, `limit` how many are few.

    The place is where the last of them claims to come from.
    """
    patience = np.where(rejections.state == SignatureState.UNKNOWN_SIGNER, config.lost_s * S, 0.0)
    lasting = rejections.last_ns - rejections.first_ns >= patience
    rows = np.flatnonzero((rejections.messages >= config.fewest) & lasting)
    if not len(rows):
        return Findings.empty()
    subject, place = np.unique(rejections.subject[rows], return_index=True)
    rows = rows[place]  # one finding each, whatever is wrong with its messages
    return Findings(
        rule=np.full(len(rows), Rule.SENDER_REJECTED, np.uint8),
        subject=subject,
        x=rejections.x[rows],
        y=rejections.y[rows],
        since_ns=rejections.first_ns[rows],
        value=rejections.messages[rows].astype(np.float64),
        limit=np.full(len(rows), float(config.fewest)),
    )
