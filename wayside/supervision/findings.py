"""Conditions that have lasted long enough to be a finding."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np

from wayside.step import step
from wayside.supervision.tables import Findings, Rule, Watch
from wayside.table import I64


class PermitFindingsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a condition must hold before it is found [s]."""

    outside_zone_s: float = 1.0
    closed_zone_s: float = 2.0
    speed_above_permit_s: float = 2.0
    speed_above_measure_s: float = 2.0
    outside_hours_s: float = 2.0
    visibility_below_permit_s: float = 60.0  # the time a vehicle needs to find a safe place
    permit_expired_s: float = 2.0
    silent_s: float = 3.0


@lru_cache(maxsize=16)
def _after_ns(config: PermitFindingsConfig) -> I64:
    """Return for how long each rule must be broken before it is a finding [ns]; others never are."""
    after_ns = np.full(256, np.iinfo(np.int64).max)
    for rule, seconds in (
        (Rule.OUTSIDE_ZONE, config.outside_zone_s),
        (Rule.CLOSED_ZONE, config.closed_zone_s),
        (Rule.SPEED_ABOVE_PERMIT, config.speed_above_permit_s),
        (Rule.SPEED_ABOVE_MEASURE, config.speed_above_measure_s),
        (Rule.OUTSIDE_HOURS, config.outside_hours_s),
        (Rule.VISIBILITY_BELOW_PERMIT, config.visibility_below_permit_s),
        (Rule.PERMIT_EXPIRED, config.permit_expired_s),
        (Rule.SILENT, config.silent_s),
    ):
        after_ns[rule] = round(seconds * 1e9)
    after_ns.flags.writeable = False
    return after_ns


@step(period_s=0.1, reach_m=None)
def permit_findings(watch: Watch, *, config: PermitFindingsConfig) -> Findings:
    """Find what has held for as long as its rule demands, and holds still or did a moment ago."""
    lasted = watch.last_ns - watch.since_ns >= _after_ns(config)[watch.rule]
    if not lasted.any():
        return Findings.empty()
    found = watch.take(lasted)
    return Findings(
        rule=found.rule,
        subject=found.sender,
        x=found.x,
        y=found.y,
        since_ns=found.since_ns,
        value=found.value,
        limit=np.where(found.rule == Rule.SILENT, config.silent_s, found.limit),
    )
