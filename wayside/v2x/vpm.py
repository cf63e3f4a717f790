"""VPM: where vehicles can pay by radio, who wants to, and whether it may. No money is moved here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wayside.guidance.tables import Manoeuvre, ManoeuvreRequests, PaymentPoints, PaymentPurpose, RequestStatus
from wayside.v2x.place import Place, position
from wayside.v2x.vir import DEFAULT_LIFE_S

ENTITY = {
    PaymentPurpose.TOLL: "freeflow",
    PaymentPurpose.CONGESTION: "congestion",
    PaymentPurpose.CHARGING: "charging",
    PaymentPurpose.PARKING: "parking",
}
MOST_PRICE = 424_967_295  # the standard's own bound


def date_time(time_ns: int) -> dict[str, int]:
    """Return an instant as DDateTime, UTC.

    >>> date_time(1_772_409_000_000_000_000)["hour"]
    23
    """
    instant = np.datetime64(time_ns, "ns")
    day = instant.astype("datetime64[D]")
    month = instant.astype("datetime64[M]")
    ms = int((instant - day) // np.timedelta64(1, "ms"))
    return {
        "year": int(str(month)[:4]),
        "month": int(str(month)[5:7]),
        "day": int((day - month.astype("datetime64[D]")) // np.timedelta64(1, "D")) + 1,
        "hour": ms // 3_600_000,
        "minute": ms // 60_000 % 60,
        "second": ms % 60_000,
        "offset": 0,
    }


def offer(points: PaymentPoints, row: int, device: str, place: Place, time_ns: int) -> dict[str, Any]:
    """Return the VPM, without msgCnt, by which a unit tells what is paid at a point."""
    latitude, longitude = place.to_wire(points.x[row : row + 1], points.y[row : row + 1])
    node = {"id": int(points.point[row]), "pos": position(int(latitude[0]), int(longitude[0]))}
    price = {"price": min(max(int(points.price_fen[row]), 0), MOST_PRICE)}
    info = {"paymentInfoType1": {"tollingNodeInfo": node, "tollInfo": price}}
    listed = [{"pid": ENTITY[PaymentPurpose(int(points.purpose[row]))], "paymentInfo": info}]
    return {
        "msgCnt": 0,
        "payment": {"initialzation-request": {"time": date_time(time_ns), "id": device, "paymentList": listed}},
    }


def ask(requests: ManoeuvreRequests, row: int, place: Place) -> dict[str, Any]:
    """Return the VPM, without msgCnt, by which a vehicle says that it wants to pay."""
    latitude, longitude = place.to_wire(requests.x[row : row + 1], requests.y[row : row + 1])
    motion = {"pos": position(int(latitude[0]), int(longitude[0]))}
    return {
        "msgCnt": 0,
        "payment": {
            "initialzation-response": {
                "time": date_time(int(requests.time_ns[row])),
                "obuId": f"{int(requests.sender[row]):016x}",
                "obuInfo": {"obuType": "oemObu", "obuMotionStatus": motion},
            }
        },
    }


def answer(sender: int, granted: bool, device: str, time_ns: int) -> dict[str, Any]:
    """Return the VPM, without msgCnt, that tells a vehicle whether it may pay here."""
    return {
        "msgCnt": 0,
        "payment": {
            "action-request": {
                "time": date_time(time_ns),
                "mode": False,
                "sourceId": device,
                "targetId": f"{sender:016x}",
                "paymentEntityId": "system",
                "actionParameter": {"setMMIRq": {"toll": "ok" if granted else "nok"}},
            }
        },
    }


def rows(value: Mapping[str, Any], received_ns: int, place: Place) -> list[dict[str, Any]]:
    """Return the row of ManoeuvreRequests that a vehicle's VPM gives; other VPM give none."""
    asked = value["payment"].get("initialzation-response")
    if asked is None:
        return []
    x = y = np.nan
    at = asked.get("obuInfo", {}).get("obuMotionStatus", {}).get("pos")
    if at is not None:
        x, y = (float(c[0]) for c in place.from_wire(*(np.array([at[k]], np.int64) for k in ("lat", "long"))))
    return [
        {
            "sender": int(asked["obuId"], 16),
            "number": 0,
            "kind": Manoeuvre.PAYMENT,
            "status": RequestStatus.REQUEST,
            "priority": 0,
            "time_ns": received_ns,
            "received_ns": received_ns,
            "until_ns": received_ns + round(DEFAULT_LIFE_S * 1e9),
            "x": x,
            "y": y,
            "lane": -1,
            "node": -1,
            "direction": 0,
            "area_x": np.nan,
            "area_y": np.nan,
            "area_radius": np.nan,
        }
    ]
