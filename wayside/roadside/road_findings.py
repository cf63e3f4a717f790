"""Findings about the road itself: where the published lanes no longer hold, and where it is rough."""

from __future__ import annotations

import numpy as np

from wayside.roadside.cells import keyed
from wayside.roadside.lane_shift import LaneShiftConfig
from wayside.roadside.roughness import RoughnessConfig
from wayside.roadside.tables import LaneShifts, Roughness
from wayside.step import step
from wayside.supervision.tables import Findings, Rule

SHIFT_LIMIT_M, ROUGH_LIMIT = LaneShiftConfig().shift_m, RoughnessConfig().rough_above


@step(period_s=0.1, reach_m=0)
def road_findings(lane_shifts: LaneShifts, roughness: Roughness) -> Findings:
    """Return a finding for each shifted and each rough stretch of a lane.

    `subject` is lane times 65,536 plus cell; `value` is the shift [m] or the index [m/km].
    """
    if not lane_shifts.shifted.any() and not roughness.rough.any():
        return Findings.empty()
    moved, rough = lane_shifts.take(lane_shifts.shifted), roughness.take(roughness.rough)
    parts = []
    for rule, rows, value, limit in (
        (Rule.LANE_SHIFTED, moved, np.abs(moved.shift), SHIFT_LIMIT_M),
        (Rule.ROUGH_ROAD, rough, rough.index, ROUGH_LIMIT),
    ):
        parts.append(
            Findings(
                rule=np.full(len(rows), rule),
                subject=keyed(rows.lane, rows.cell).astype(np.uint64),
                x=rows.x,
                y=rows.y,
                since_ns=rows.since_ns,
                value=value,
                limit=np.full(len(rows), limit),
            )
        )
    return Findings.concatenate(parts)
