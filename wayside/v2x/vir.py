"""VIR: what vehicles intend and ask for, to ManoeuvreRequests and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from wayside.guidance.tables import Manoeuvre, ManoeuvreRequests, RequestStatus
from wayside.v2x.day_two import NEVER, OFFSET_S, time_offset
from wayside.v2x.lanes import LaneReferences
from wayside.v2x.place import ABSOLUTE, NO_LATITUDE, NO_LONGITUDE, Place, offsets, position
from wayside.v2x.quantities import instant_of, second_mark

BEHAVIOURS = 14  # bits of DriveBehavior
TO_LEFT, TO_RIGHT, THROUGH, STOP, SLOW_DOWN = 1, 2, 5, 10, 11  # its bits; through: straight, left, right, U-turn
DIRECTIONS = 4
STATUS = ("unknown", "request", "comfirmed", "cancel", "complete")  # ReqStatus, as the standard writes it
DEFAULT_LIFE_S = 5.0  # of a request that does not say it
RADIUS_STEP = 0.1  # m


def behaviour(*bits: int) -> dict[str, str]:
    """Return a DriveBehavior with some of its bits set.

    >>> behaviour(1, 11)
    {'bits': '01000000000100'}
    """
    return {"bits": "".join("1" if bit in bits else "0" for bit in range(BEHAVIOURS))}


def values(
    requests: ManoeuvreRequests, place: Place, lanes: LaneReferences
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield sender and VIR of each request, without msgCnt; payments go by another message and are left out.

    Overtaking is a request without details by a vehicle that means to change to the left, passing a junction one
    by a vehicle that means to go through: the message set has no words of its own for them.
    """
    latitude, longitude = place.to_wire(requests.x, requests.y)
    marks = second_mark(requests.time_ns)
    for row in range(len(requests)):
        kind = Manoeuvre(int(requests.kind[row]))
        if kind == Manoeuvre.PAYMENT:
            continue
        here = (int(latitude[row]), int(longitude[row]))
        asked: dict[str, Any] = {
            "reqID": int(requests.number[row]),
            "status": STATUS[int(requests.status[row])],
            "reqPriority": f"{int(requests.priority[row]) << 5:02x}",
            "lifeTime": time_offset((int(requests.until_ns[row]) - int(requests.time_ns[row])) / 1e9),
        }
        info = _info(requests, row, kind, place, lanes, here)
        if info:
            asked["info"] = info
        what: dict[str, Any] = {"reqs": [asked]}
        if kind in (Manoeuvre.OVERTAKE, Manoeuvre.LANE_CHANGE):
            what["currentBehavior"] = behaviour(TO_LEFT)
        elif kind == Manoeuvre.INTERSECTION_PASSING:
            what["currentBehavior"] = behaviour(THROUGH + max(int(requests.direction[row]), 1) - 1)
        yield (
            int(requests.sender[row]),
            {
                "msgCnt": 0,
                "id": f"{int(requests.sender[row]):016x}",
                "secMark": int(marks[row]),
                "refPos": position(*here),
                "intAndReq": what,
            },
        )


def _info(
    requests: ManoeuvreRequests,
    row: int,
    kind: Manoeuvre,
    place: Place,
    lanes: LaneReferences,
    here: tuple[int, int],
) -> dict[str, Any]:
    """Return the details of a request; none where its kind has none."""
    lane, node = int(requests.lane[row]), int(requests.node[row])
    if kind in (Manoeuvre.LANE_CHANGE, Manoeuvre.CLEAR_THE_WAY) and lane >= 0:
        upstream, downstream, number = lanes.reference(lane)
        name = "laneChange" if kind == Manoeuvre.LANE_CHANGE else "clearTheWay"
        return {name: {"upstreamNode": upstream, "downstreamNode": downstream, "targetLane": number}}
    if kind == Manoeuvre.SIGNAL_PRIORITY and node >= 0:
        reference = lanes.node_reference(node)
        return {"signalPriority": {"intersectionId": reference, "requiredMov": {"remoteIntersection": reference}}}
    if kind == Manoeuvre.SENSOR_SHARING and np.isfinite(requests.area_radius[row]):
        at = place.to_wire(requests.area_x[row : row + 1], requests.area_y[row : row + 1])
        (middle,) = offsets(*at, here)
        radius = min(round(float(requests.area_radius[row]) / RADIUS_STEP), 65_535)
        return {"sensorSharing": {"detectArea": [{"activePath": [middle, middle], "pathRadius": radius}]}}
    return {}


def rows(value: Mapping[str, Any], received_ns: int, place: Place, lanes: LaneReferences) -> list[dict[str, Any]]:
    """Return the rows of ManoeuvreRequests that a VIR gives; requests that nobody here can answer give none."""
    reference = value["refPos"]["lat"], value["refPos"]["long"]
    x, y = (float(column[0]) for column in place.from_wire(*(np.array([one], np.int64) for one in reference)))
    time_ns = int(instant_of(np.array([value["secMark"]]), np.array([received_ns]))[0])
    told = value["intAndReq"]
    bits = told.get("currentBehavior", {}).get("bits", "")
    found = []
    for asked in told.get("reqs", ()):
        row: dict[str, Any] = {
            "sender": int(value["id"], 16),
            "number": asked["reqID"],
            "status": _status(asked["status"]),
            "priority": int(asked.get("reqPriority", "00"), 16) >> 5,
            "time_ns": time_ns,
            "received_ns": received_ns,
            "until_ns": time_ns + _life_ns(asked.get("lifeTime", NEVER)),
            "x": x,
            "y": y,
            "lane": -1,
            "node": -1,
            "direction": 0,
            "area_x": np.nan,
            "area_y": np.nan,
            "area_radius": np.nan,
        }
        details = _details(asked.get("info", {}), bits, place, lanes, (x, y), reference)
        if details:
            found.append({**row, **details})
    return found


def _status(name: Any) -> RequestStatus:
    return RequestStatus(STATUS.index(name)) if name in STATUS else RequestStatus.UNKNOWN


def _life_ns(offset: int) -> int:
    return round((DEFAULT_LIFE_S if offset == NEVER else offset * OFFSET_S) * 1e9)


def _details(
    info: Mapping[str, Any],
    bits: str,
    place: Place,
    lanes: LaneReferences,
    at: tuple[float, float],
    reference: tuple[int, int],
) -> dict[str, Any]:
    """Return the columns that say what is asked for; none where it is nothing known."""
    for name, kind in (("laneChange", Manoeuvre.LANE_CHANGE), ("clearTheWay", Manoeuvre.CLEAR_THE_WAY)):
        if name in info:
            one = info[name]
            lane = lanes.lane(one["upstreamNode"], one["downstreamNode"], one["targetLane"], *at)
            return {"kind": kind, "lane": lane}
    if "signalPriority" in info:
        return {"kind": Manoeuvre.SIGNAL_PRIORITY, "node": lanes.node(info["signalPriority"]["intersectionId"])}
    if "sensorSharing" in info:
        return {"kind": Manoeuvre.SENSOR_SHARING, **_circle(info["sensorSharing"]["detectArea"], place, reference)}
    if info:
        return {}
    through = [bit for bit in range(THROUGH, THROUGH + DIRECTIONS) if bits[bit : bit + 1] == "1"]
    if through:
        return {"kind": Manoeuvre.INTERSECTION_PASSING, "direction": through[0] - THROUGH + 1}
    return {"kind": Manoeuvre.OVERTAKE} if bits[TO_LEFT : TO_LEFT + 1] == "1" else {}


def _circle(paths: Any, place: Place, reference: tuple[int, int]) -> dict[str, float]:
    """Return a circle around paths and what lies beside them."""
    latitudes, longitudes, beside = [], [], 0.0
    for path in paths:
        beside = max(beside, path["pathRadius"] * RADIUS_STEP)
        for point in path["activePath"]:
            ((form, told),) = point["offsetLL"].items()
            whole = form == ABSOLUTE
            latitudes.append(told["lat"] if whole else reference[0] + told["lat"])
            longitudes.append(told["lon"] if whole else reference[1] + told["lon"])
    if NO_LATITUDE in (*latitudes, reference[0]) or NO_LONGITUDE in (*longitudes, reference[1]):
        return {}
    x, y = place.from_wire(np.array(latitudes, np.int64), np.array(longitudes, np.int64))
    half_x, half_y = float(np.ptp(x)) / 2, float(np.ptp(y)) / 2
    return {
        "area_x": float(x.min()) + half_x,
        "area_y": float(y.min()) + half_y,
        "area_radius": float(np.hypot(half_x, half_y)) + beside,
    }


def table_of(listed: list[dict[str, Any]]) -> ManoeuvreRequests:
    """Return the table of rows; of several with the same sender and number the newest counts."""
    newest: dict[tuple[int, int], dict[str, Any]] = {}
    for row in sorted(listed, key=lambda one: (one["time_ns"], one["kind"], one["lane"])):
        newest[row["sender"], row["number"]] = row
    if not newest:
        return ManoeuvreRequests.empty()
    return ManoeuvreRequests(
        **{
            name: np.array([row[name] for row in newest.values()], declared.dtype)
            for name, declared in ManoeuvreRequests.columns.items()
        }
    )
