"""What is known of a pole's frame and clock, undone in what it detects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.roadside.tables import PoleQuality
from wayside.table import F64, Bool

SURE = 2.0  # standard deviations from which an error begins to be undone
GREATEST_LATENCY_S = 1.0  # greater ones are another fault


def believed(estimate: F64, sigma: F64) -> F64:
    """Return how much of an estimated error to undo: all of a sure one, nothing of what may be chance.

    Non-negative garrote (Breiman 1995): the estimate times 1 - (2 sigma / estimate)^2, never of the other sign.

    >>> believed(np.array([0.2, 0.02, np.nan]), np.array([0.02, 0.02, np.nan])).round(3)
    array([0.192, 0.   , 0.   ])
    """
    share = 1.0 - (SURE * sigma) ** 2 / np.maximum(estimate**2, 1e-18)
    return np.where(np.isnan(estimate + sigma), 0.0, estimate * np.maximum(share, 0.0))


def straighten(detections: NDArray[Any], quality: PoleQuality) -> None:
    """Turn, shift and date back what poles detect, in place, by what their quality says.

    Args:
        detections: records of `Detections`.
        quality: what is known of the poles; a misaligned pole's turn is undone whole.

    Limits: `x`, `y`, `heading` and `time_ns` change; a pole's own sigma stays.
    """
    if not len(detections) or not len(quality):
        return
    known = quality.in_order()
    yaw = np.where(known.misaligned, known.yaw_error, believed(known.yaw_error, known.yaw_sigma))
    size = np.hypot(known.offset_x, known.offset_y)
    share = believed(size, known.offset_sigma) / np.maximum(size, 1e-9)
    east, north = (np.nan_to_num(part * share) for part in (known.offset_x, known.offset_y))
    late = believed(known.latency_s, known.latency_sigma)
    late = np.where(np.abs(late) <= GREATEST_LATENCY_S, late, 0.0)
    wrong: Bool = (yaw != 0.0) | (east != 0.0) | (north != 0.0) | (late != 0.0)
    if not wrong.any():
        return
    row = np.searchsorted(known.pole, detections["pole"])
    row[row == len(known)] = 0
    chosen = np.flatnonzero((known.pole[row] == detections["pole"]) & wrong[row])
    row = row[chosen]
    x, y, turn = known.x[row], known.y[row], yaw[row]
    dx, dy = detections["x"][chosen] - east[row] - x, detections["y"][chosen] - north[row] - y
    detections["x"][chosen] = x + np.cos(turn) * dx + np.sin(turn) * dy
    detections["y"][chosen] = y - np.sin(turn) * dx + np.cos(turn) * dy
    detections["heading"][chosen] -= turn
    detections["time_ns"][chosen] -= np.rint(late[row] * 1e9).astype(np.int64)
