"""RSC: answers to vehicles' requests, and what vehicles understand of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wayside.guard.tables import ManoeuvreOrders, Verdict
from wayside.guidance.tables import GrantReason, Manoeuvre
from wayside.maps.road import RoadMap
from wayside.membership import flags_of
from wayside.table import Bool
from wayside.v2x.day_two import time_offset
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import Place, offsets
from wayside.v2x.quantities import SPEED_STEP
from wayside.v2x.vir import SLOW_DOWN, STOP, THROUGH, TO_LEFT, TO_RIGHT, behaviour

MOST = 16  # vehicles of one message
LIFE_S = 1.0  # an answer is to be believed for so long; it goes out twice in that time
INFO_BITS = 8  # of CoordinationInfo
CHANGING, PASSING, RESERVING, PRIORITY = 0, 3, 5, 7  # its bits
INFO_OF = {
    Manoeuvre.OVERTAKE: RESERVING,
    Manoeuvre.LANE_CHANGE: CHANGING,
    Manoeuvre.INTERSECTION_PASSING: PASSING,
    Manoeuvre.CLEAR_THE_WAY: RESERVING,
    Manoeuvre.SIGNAL_PRIORITY: PRIORITY,
}
GO_STRAIGHT = 0  # bit of DriveBehavior: stay in the lane
OUT = flags_of((Verdict.APPROVED, Verdict.LIMITED))


def spoken(orders: ManoeuvreOrders) -> Bool:
    """Tell which answers go out now as RSC: those to payments and sensor sharing are messages of their own."""
    said: Bool = (
        OUT[orders.verdict] & (orders.kind != Manoeuvre.PAYMENT) & (orders.kind != Manoeuvre.SENSOR_SHARING)
    )
    return said


def _info(*bits: int) -> dict[str, str]:
    return {"bits": "".join("1" if bit in bits else "0" for bit in range(INFO_BITS))}


def _suggestion(orders: ManoeuvreOrders, row: int, road: RoadMap, place_lane: int) -> dict[str, str]:
    """Return what a vehicle should do: the manoeuvre it was granted, else to stay, and to slow down or to stop."""
    kind = Manoeuvre(int(orders.kind[row]))
    if not orders.granted[row]:
        if kind == Manoeuvre.INTERSECTION_PASSING:
            return behaviour(SLOW_DOWN if np.isfinite(orders.speed[row]) else STOP)
        return behaviour(GO_STRAIGHT)
    if kind == Manoeuvre.OVERTAKE:
        return behaviour(TO_LEFT)
    if kind == Manoeuvre.LANE_CHANGE:
        lane, lanes = int(orders.lane[row]), road.lanes
        right = place_lane >= 0 and lane >= 0 and lanes.number[lane] < lanes.number[place_lane]
        return behaviour(TO_RIGHT if right else TO_LEFT)
    if kind == Manoeuvre.INTERSECTION_PASSING:
        return behaviour(THROUGH + max(int(orders.direction[row]), 1) - 1)
    return behaviour(GO_STRAIGHT)


def coordinations(
    orders: ManoeuvreOrders, reference: tuple[int, int], place: Place, lanes: LaneReferences, road: RoadMap
) -> list[dict[str, Any]]:
    """Return the VehicleCoordination of each answer, and of each vehicle that is asked to make room.

    A granted manoeuvre is told by its DriveBehavior; a refusal by one that leaves it out. Speed and time go as one
    point of a path guidance, at the vehicle's place. The message set has no field for the reason of a refusal.
    """
    found = []
    latitude, longitude = place.to_wire(orders.x, orders.y)
    at = offsets(latitude, longitude, reference)
    here = road.match(orders.x, orders.y, np.full(len(orders), np.nan), reach_m=5.0).lane
    for row in range(len(orders)):
        kind = Manoeuvre(int(orders.kind[row]))
        suggestion: dict[str, Any] = {
            "suggestion": _suggestion(orders, row, road, int(here[row])),
            "lifeTime": time_offset(LIFE_S),
        }
        lane = int(orders.lane[row])
        if orders.granted[row] and lane >= 0:
            upstream, downstream, number = lanes.reference(lane)
            link: dict[str, Any] = {"upstreamNodeId": upstream, "downstreamNodeId": downstream}
            if 1 <= number <= 15:
                link["referenceLanes"] = {"bits": "".join("1" if bit == number else "0" for bit in range(16))}
            suggestion["relatedLink"] = link
        one: dict[str, Any] = {
            "vehId": f"{int(orders.sender[row]):016x}",
            "driveSuggestion": suggestion,
            "info": _info(INFO_OF[kind]),
        }
        point = _point(float(orders.speed[row]), float(orders.opens[row]), at[row])
        if point:
            one["pathGuidance"] = [point]
        found.append(one)
        if orders.helper[row]:
            guidance = {"pos": at[row], "speed": _speed(float(orders.helper_speed[row]))}
            found.append(
                {
                    "vehId": f"{int(orders.helper[row]):016x}",
                    "driveSuggestion": {"suggestion": behaviour(SLOW_DOWN), "lifeTime": time_offset(LIFE_S)},
                    "pathGuidance": [guidance],
                    "info": _info(INFO_OF[kind]),
                }
            )
    return found


def _speed(speed: float) -> int:
    return min(max(round(speed / SPEED_STEP), 0), 8190)


def _point(speed: float, opens: float, at: dict[str, Any]) -> dict[str, Any]:
    """Return the point that tells with which speed and when; nothing where neither is known."""
    point: dict[str, Any] = {}
    if np.isfinite(speed):
        point["speed"] = _speed(speed)
    if np.isfinite(opens) and opens > 0.0:
        point["estimatedTime"] = time_offset(opens)
    return {"pos": at, **point} if point else {}


def values(
    told: Sequence[dict[str, Any]], device: str, reference: tuple[int, int], mark: int
) -> list[dict[str, Any]]:
    """Return the RSC of one unit, without msgCnt: sixteen vehicles each."""
    head = {"msgCnt": 0, "id": device, "secMark": mark, "refPos": {"lat": reference[0], "long": reference[1]}}
    return [{**head, "coordinates": list(told[first : first + MOST])} for first in range(0, len(told), MOST)]


def understood(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what vehicles understand of an RSC: whom it is for, what about, whether it may, speed and time.

    Rows of ManoeuvreOrders; `number` is the kind of manoeuvre, and `reason` tells no more than `granted`.
    """
    found = []
    kind_of = {bit: kind for kind, bit in reversed(INFO_OF.items())}
    for one in value.get("coordinates", ()):
        bits = one.get("info", {}).get("bits", "")
        kinds = [kind_of[bit] for bit in kind_of if bits[bit : bit + 1] == "1"]
        if not kinds or "driveSuggestion" not in one:
            continue
        wanted = one["driveSuggestion"]["suggestion"]["bits"]
        may = "1" in wanted[TO_LEFT : TO_RIGHT + 1] + wanted[THROUGH : THROUGH + 4]
        may |= kinds[0] == Manoeuvre.SIGNAL_PRIORITY
        point = (one.get("pathGuidance") or [{}])[0]
        found.append(
            {
                "sender": int(one["vehId"], 16),
                "number": int(kinds[0]),
                "kind": int(kinds[0]),
                "granted": may,
                "reason": GrantReason.CLEAR if may else GrantReason.WAITING,
                "speed": point["speed"] * SPEED_STEP if "speed" in point else np.nan,
                "opens": point["estimatedTime"] / 100.0 if "estimatedTime" in point else np.nan,
            }
        )
    return found


def orders_of(listed: Sequence[dict[str, Any]]) -> ManoeuvreOrders:
    """Return what vehicles understood as a table; of several answers to one vehicle's question the last counts."""
    newest = {(row["sender"], row["number"]): row for row in listed}
    blank = {
        name: np.nan if declared.dtype.kind == "f" else -1 if declared.dtype.kind == "i" else 0
        for name, declared in ManoeuvreOrders.columns.items()
    }
    if not newest:
        return ManoeuvreOrders.empty()
    return ManoeuvreOrders(
        **{
            name: np.array([row.get(name, blank[name]) for row in newest.values()], declared.dtype)
            for name, declared in ManoeuvreOrders.columns.items()
        }
    )
