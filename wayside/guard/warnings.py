"""Approval of warnings: one thing at a time, nothing twice in a second, nothing without sense."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guard.tables import Verdict, WarningOrders
from wayside.guidance.tables import Service, WarningRequests
from wayside.step import step

# an enumeration's members are slow to look up
_APPROVED, _LESS_URGENT, _REPEATED = int(Verdict.APPROVED), int(Verdict.LESS_URGENT), int(Verdict.REPEATED)
_IMPLAUSIBLE, _REMEMBERED = int(Verdict.IMPLAUSIBLE), int(Verdict.REMEMBERED)
_SERVICES = np.zeros(256, np.bool_)
_SERVICES[[int(s) for s in Service]] = True


class WarningGuardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said, and how often."""

    repeat_s: float = 1.0  # the same warning goes out again at the earliest so long after the last time
    longest_lead_s: float = 20.0  # nobody foresees more
    least_confidence: float = 0.2  # below that it would be noise


@step(period_s=0.1, reach_m=80.0)
def approve_warnings(
    warning_requests: WarningRequests,
    before: WarningOrders,
    *,
    time_ns: int,
    config: WarningGuardConfig,
) -> WarningOrders:
    """Let the most urgent warning of each subject go out, unless it went out a moment ago.

    Every request becomes exactly one row. Of a subject's plausible requests the most urgent is the one with
    the shortest lead (what is so already, NaN, comes last), then the smaller service number, then the smaller
    `other`; it is APPROVED, or REPEATED where the same warning went out less than `repeat_s` ago. The others are
    LESS_URGENT. Requests without sense are IMPLAUSIBLE: an unknown service, no subject or oneself as the danger,
    no position, a negative or too long lead, a confidence that is too small or above 1. What went out less than
    `repeat_s` ago and is not asked for now stays as REMEMBERED and does not go out.

    Limits: two requests that change places in urgency each tick are both said once in `repeat_s`.
    """
    recent = (before.said_ns > 0) & (time_ns - before.said_ns < round(config.repeat_s * 1e9))
    if len(warning_requests) == 0 and not recent.any():
        return WarningOrders.empty()
    asked = warning_requests
    count = len(asked)
    said = before.take(recent)
    plausible = (
        _SERVICES[asked.service]
        & (asked.subject != 0)
        & (asked.subject != asked.other)
        & ~(asked.lead < 0)
        & ~(asked.lead > config.longest_lead_s)
        & (asked.confidence >= config.least_confidence)
        & (asked.confidence <= 1.0)
        & ~np.isnan(asked.x)
        & ~np.isnan(asked.y)
    )

    urgency = np.where(np.isnan(asked.lead), np.inf, asked.lead)
    order = np.lexsort((asked.other, asked.service, urgency, asked.subject, ~plausible))
    subject = asked.subject[order]
    first = np.ones(count, np.bool_)
    first[1:] = subject[1:] != subject[:-1]
    verdict = np.full(count, _IMPLAUSIBLE, np.uint8)
    verdict[order] = np.where(first, _APPROVED, _LESS_URGENT)
    verdict[~plausible] = _IMPLAUSIBLE

    said_ns = np.zeros(count, np.int64)
    unasked = np.ones(len(said), np.bool_)
    if len(said):
        # equal keys of the two tables become neighbours: what was said, then what is asked
        both = np.lexsort(
            (
                np.repeat([0, 1], [len(said), count]),
                np.concatenate([said.other, asked.other]),
                np.concatenate([said.subject, asked.subject]),
                np.concatenate([said.service, asked.service]),
            )
        )
        left, right = both[:-1], both[1:]
        pair = (left < len(said)) & (right >= len(said))
        left, right = left[pair], right[pair] - len(said)
        same = (
            (said.service[left] == asked.service[right])
            & (said.subject[left] == asked.subject[right])
            & (said.other[left] == asked.other[right])
        )
        left, right = left[same], right[same]
        said_ns[right] = said.said_ns[left]
        unasked[left] = False
    approved = verdict == _APPROVED
    verdict[approved & (said_ns > 0)] = _REPEATED
    said_ns[approved & (said_ns == 0)] = time_ns
    answers = WarningOrders(
        service=asked.service,
        subject=asked.subject,
        other=asked.other,
        x=asked.x,
        y=asked.y,
        lead=asked.lead,
        reason=asked.reason,
        verdict=verdict,
        said_ns=said_ns,
    )
    if not unasked.any():
        return answers
    kept = said.take(unasked)
    kept = kept.replace(verdict=np.full(len(kept), _REMEMBERED, np.uint8))
    return WarningOrders.concatenate([answers, kept])
