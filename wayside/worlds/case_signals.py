"""What the signal groups of a case show."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.maps.road import RoadMap
from wayside.signals.tables import Light, Signals
from wayside.worlds.case_file import Case, CaseError


class CaseSignals:
    """What the signal groups of a case show, with the promised end where another light follows."""

    def __init__(self, case: Case, road: RoadMap, start_ns: int) -> None:
        self._start_ns = start_ns
        self._rows: list[tuple[int, int, list[int], list[int]]] = []
        for n, plan in enumerate(case.signals):
            if not 0 <= plan.controller < len(road.controller_names):
                raise CaseError(
                    f"signals[{n}].controller: the map {road.name} has no controller {plan.controller}; "
                    f"it has {len(road.controller_names)}, numbered from 0"
                )
            groups = np.unique(road.connections.group[road.connections.controller == plan.controller]).tolist()
            if plan.group not in groups:
                raise CaseError(
                    f"signals[{n}].group: no group {plan.group}; controller {plan.controller} has {groups}"
                )
            begins = [start_ns + round(t * 1e9) for t, _ in plan.states]
            self._rows.append((plan.controller, plan.group, begins, [Light[s.upper()] for _, s in plan.states]))
        self._rows.sort(key=lambda row: row[:2])

    def read(self, now_ns: int) -> Signals:
        """Return what every group that the case names shows now."""
        rows = []
        for controller, group, begins, lights in self._rows:
            place = int(np.searchsorted(begins, now_ns, side="right")) - 1
            if place >= 0:
                ends = begins[place + 1] if place + 1 < len(begins) else 0
                rows.append((controller, group, lights[place], begins[place], ends, ends, now_ns))
        if not rows:
            return Signals.empty()
        columns: dict[str, Any] = dict(zip(Signals.columns, zip(*rows, strict=True), strict=True))
        return Signals(**columns)
