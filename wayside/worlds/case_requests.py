"""What the actors of a case ask the roadside for."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.guidance.tables import Manoeuvre, ManoeuvreRequests, RequestStatus
from wayside.maps.road import RoadMap
from wayside.maps.tables import Direction
from wayside.world import identity
from wayside.worlds.case_checks import nearest
from wayside.worlds.case_file import Case, CaseError, Request
from wayside.worlds.tables import Truth

REPEATED_NS = 500_000_000  # a request that stands is said again after that


class CaseRequests:
    """The requests of a case, said from their instant on until they lapse.

    Args:
        case: what is asked for, when and by whom.
        road: the map.
        start_ns: instant that is 0 s [ns].

    Raises:
        CaseError: a lane that the map does not have.
    """

    def __init__(self, case: Case, road: RoadMap, start_ns: int) -> None:
        self._road, self._start_ns = road, start_ns
        index = {name: n for n, name in enumerate(road.lane_names)}
        self._requests = list(enumerate(case.requests, 1))
        self._lanes: dict[int, int] = {}
        for number, request in self._requests:
            if request.target_lane is not None and request.target_lane not in index:
                key = f"requests[{number - 1}].target_lane"
                hint = nearest(request.target_lane, index)
                raise CaseError(f"{key}: the map {road.name} has no lane {request.target_lane!r}; {hint}")
            self._lanes[number] = index.get(request.target_lane or "", -1)

    def read(self, now_ns: int, truth: Truth) -> ManoeuvreRequests:
        """Return what is said now by those who are there."""
        rows = []
        for number, request in self._requests:
            asked_ns = self._start_ns + round(request.t * 1e9)
            until_ns = asked_ns + round(request.seconds * 1e9)
            if not (asked_ns <= now_ns < until_ns and (now_ns - asked_ns) % REPEATED_NS == 0):
                continue
            who = identity(request.actor)
            place = int(np.searchsorted(truth.id, np.uint64(who)))
            if place < len(truth) and int(truth.id[place]) == who:
                rows.append(self._row(number, request, truth, place, now_ns, until_ns))
        if not rows:
            return ManoeuvreRequests.empty()
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        return ManoeuvreRequests(**columns)

    def _row(
        self, number: int, request: Request, truth: Truth, place: int, now_ns: int, until_ns: int
    ) -> dict[str, Any]:
        lane = int(truth.lane[place])
        area = request.area or (np.nan, np.nan, np.nan)
        return {
            "sender": int(truth.id[place]),
            "number": number,
            "kind": Manoeuvre[request.kind.upper()],
            "status": RequestStatus.REQUEST,
            "priority": request.priority,
            "time_ns": now_ns,
            "received_ns": now_ns,
            "until_ns": until_ns,
            "x": truth.x[place],
            "y": truth.y[place],
            "lane": self._lanes[number],
            "node": int(self._road.lanes.to_node[lane]) if lane >= 0 else -1,
            "direction": Direction[request.direction.upper()] if request.direction else 0,
            "area_x": area[0],
            "area_y": area[1],
            "area_radius": area[2],
        }
