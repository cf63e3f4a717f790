"""Approval of the regulator's measures."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.admission.tables import MeasureRequests, Measures
from wayside.guard.tables import MeasureOrders
from wayside.membership import is_among
from wayside.step import step


class MeasureGuardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a measure must leave to those whom it concerns."""

    least_grace_s: float = 5.0  # nobody is judged by a measure sooner than that after its publication
    least_speed: float = 2.0  # a cap below this [m/s] is no speed to drive at and is raised to it


@step(period_s=1.0, reach_m=None)
def approve_measures(
    measure_requests: MeasureRequests,
    measures: Measures,
    before: MeasureOrders,
    *,
    time_ns: int,
    config: MeasureGuardConfig,
) -> MeasureOrders:
    """Put the wanted measures in force, as they were prepared, with the time allowed for complying.

    One row per measure in force. Only prepared measures can be: a request for another is none. A measure
    that stays wanted keeps the instant it came into force and the end of its grace.
    """
    if not measure_requests.active.any():
        return MeasureOrders.empty()
    wanted = is_among(measures.measure, measure_requests.measure[measure_requests.active])
    chosen = measures.take(wanted)
    grace = np.fmax(chosen.grace, config.least_grace_s)
    fresh = MeasureOrders(
        measure=chosen.measure,
        zone=chosen.zone,
        classes=chosen.classes,
        max_speed=np.maximum(chosen.max_speed, config.least_speed),
        closed=chosen.closed,
        since_ns=np.full(len(chosen), time_ns),
        grace_until_ns=time_ns + np.rint(grace * 1e9).astype(np.int64),
    )
    both = MeasureOrders.concatenate([before, fresh])
    order = np.argsort(both.measure, kind="stable")  # stable: what is in force stands before what is fresh
    return both.take(order[np.searchsorted(both.measure[order], chosen.measure)])
