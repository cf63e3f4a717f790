"""Numbers under which MAP and SPAT know junctions.

Region 1 holds our controllers from 256 on (lower numbers are for tests, T/CSAE 159) and the junctions
without signals in the regions from 2 on, 65,280 in each.
"""

from __future__ import annotations

from typing import Any, TypeVar

from wayside.table import I64

N = TypeVar("N", int, I64)

FIRST = 256  # numbers below, and region 0, are for tests
REGION = 1
PER_REGION = 65_536 - FIRST


def controller_reference(controller: N) -> dict[str, N]:
    """Return the NodeReferenceID of the junction that a controller governs, or the columns of those of many.

    >>> controller_reference(3)
    {'region': 1, 'id': 259}
    """
    return {"region": REGION + controller // PER_REGION * 0x8000, "id": FIRST + controller % PER_REGION}


def controller_of(reference: dict[str, Any]) -> int:
    """Return the controller of a NodeReferenceID, -1 if it is none of ours.

    >>> controller_of({"region": 1, "id": 259}), controller_of({"id": 259})
    (3, -1)
    """
    region = reference.get("region", 0)
    if region % 0x8000 != REGION or reference["id"] < FIRST:
        return -1
    controller = int(region // 0x8000 * PER_REGION + reference["id"] - FIRST)
    return controller if controller < 1 << 16 else -1


def node_reference(node: int, controller: int) -> dict[str, int]:
    """Return the NodeReferenceID of a junction of the map; node -1 (the road leaves the map) is region 0, id 0."""
    if controller >= 0:
        return controller_reference(controller)
    if node < 0:
        return {"region": 0, "id": 0}
    return {"region": REGION + 1 + node // PER_REGION, "id": FIRST + node % PER_REGION}
