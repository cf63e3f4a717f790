"""Findings gathered into cases."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.step import step
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.table import I64


class CasesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a case ends."""

    reopen_s: float = 60.0  # a finding that comes back within that time belongs to the same case


@step(period_s=0.1, reach_m=None)
def cases(findings: Findings, before: Cases, *, time_ns: int, config: CasesConfig) -> Cases:
    """Open one case for each rule and subject with a finding, and keep it open until it has long been over.

    Cases are numbered from 1 in the order of opening; those opened in the same tick by rule, then
    subject. `worst` is the lowest visibility for that rule, and the value farthest from zero for all others.
    A closed case never changes.
    """
    reopen_ns = round(config.reopen_s * 1e9)
    if len(findings) == 0 and not before.open.any():
        return before
    known, found = before.in_order(), findings.in_order()
    still = known.open & (time_ns - known.last_ns <= reopen_ns)

    case_row, finding_row = _pairs(known, np.flatnonzero(still), found)
    last_ns, worst, limit = known.last_ns.copy(), known.worst.copy(), known.limit.copy()
    last_ns[case_row] = time_ns
    value, was = found.value[finding_row], worst[case_row]
    lower = found.rule[finding_row] == Rule.VISIBILITY_BELOW_PERMIT
    more = np.isnan(was) | np.where(lower, value < was, np.abs(value) > np.abs(was))
    worst[case_row] = np.where(more & ~np.isnan(value), value, was)
    limit[case_row] = np.where(more & ~np.isnan(value), found.limit[finding_row], limit[case_row])
    kept = known.replace(last_ns=last_ns, worst=worst, limit=limit, open=still)

    unknown = np.ones(len(found), np.bool_)
    unknown[finding_row] = False
    if not unknown.any():
        return kept
    new = found.take(unknown)
    count = len(new)
    first = int(known.case.max()) + 1 if len(known) else 1
    opened = Cases(
        case=np.arange(first, first + count, dtype=np.uint32),
        rule=new.rule,
        subject=new.subject,
        x=new.x,
        y=new.y,
        opened_ns=np.full(count, time_ns),
        since_ns=new.since_ns,
        last_ns=np.full(count, time_ns),
        worst=new.value,
        limit=new.limit,
        open=np.ones(count, np.bool_),
    )
    return Cases.concatenate([kept, opened])


def _pairs(known: Cases, still: I64, found: Findings) -> tuple[I64, I64]:
    """Return rows of open cases (those in `still`) and of findings that are about the same matter."""
    rule = np.concatenate([known.rule[still], found.rule])
    subject = np.concatenate([known.subject[still], found.subject])
    order = np.lexsort((np.arange(len(rule)), rule, subject))  # a case stands right before its finding
    first, second = order[:-1], order[1:]
    same = (rule[first] == rule[second]) & (subject[first] == subject[second])
    return still[first[same]], second[same] - len(still)
