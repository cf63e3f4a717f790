"""Traffic signs in RSI, for showing them inside vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wayside.guidance.tables import Signs
from wayside.table import I64
from wayside.v2x.place import Place, offsets

MOST = 16  # signs of one message
PRIORITY = "20"  # upper three bits: 1
RADIUS_STEP = 0.1  # m


def values(
    signs: Signs, unit: I64, ids: Sequence[str], at: Sequence[tuple[int, int]], place: Place
) -> list[tuple[int, dict[str, Any]]]:
    """Return the unit (its row) and the RSI, without msgCnt, of sixteen signs each, without those out of range.

    A sign goes out with its place, the path on which its traffic comes to it, and in its description what the type
    does not say: the number on it and for whom it is.

    Args:
        signs: what stands there.
        unit: row of the unit that tells each, -1 none.
        ids, at: id, and latitude and longitude [1e-7 degrees], of each unit.
        place: where the city lies.
    """
    told = []
    for one in np.unique(unit[unit >= 0]).tolist():
        mine = signs.take(unit == one)
        here = offsets(*place.to_wire(mine.x, mine.y), at[one])
        first_x = mine.x - mine.ahead * np.cos(mine.heading)
        first_y = mine.y - mine.ahead * np.sin(mine.heading)
        before = offsets(*place.to_wire(first_x, first_y), at[one])
        listed = []
        for row in range(len(mine)):
            facts = f"sign kinds={int(mine.kinds[row])}"
            if np.isfinite(mine.value[row]):
                facts += f" value={float(mine.value[row]):g}"
            listed.append(
                {
                    "rtsId": int(mine.sign[row]) % 256,
                    "signType": int(mine.type[row]),
                    "signPos": here[row],
                    "description": {"textString": facts},
                    "priority": PRIORITY,
                    "referencePaths": [
                        {"activePath": [before[row], here[row]], "pathRadius": round(15.0 / RADIUS_STEP)}
                    ],
                }
            )
        head = {"msgCnt": 0, "id": ids[one], "refPos": {"lat": at[one][0], "long": at[one][1]}}
        told += [(one, {**head, "rtss": listed[n : n + MOST]}) for n in range(0, len(listed), MOST)]
    return told
