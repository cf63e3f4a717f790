"""What is known of a pole's frame and clock, undone in what it detects."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.roadside.tables import PoleQuality
from wayside.table import F64, Bool

SURE = 2.0  # standard deviations from which an error begins to be undone
GREATEST_LATENCY_S = 1.0  # greater ones are another fault


@numba.njit(cache=True)
def believed(estimate: float, sigma: float) -> float:
    """Return how much of an estimated error to undo: all of a sure one, nothing of what may be chance.

    Non-negative garrote (Breiman 1995): the estimate times 1 - (2 sigma / estimate)^2, never of the other sign.

    >>> round(believed(0.2, 0.02), 3), believed(0.02, 0.02), believed(np.nan, np.nan)
    (0.192, 0.0, 0.0)
    """
    if np.isnan(estimate + sigma):
        return 0.0
    share = 1.0 - (SURE * sigma) ** 2 / max(estimate**2, 1e-18)
    return float(estimate * max(share, 0.0))


@numba.njit(cache=True)
def _undone(
    misaligned: Bool, yaw_error: F64, yaw_sigma: F64, offset_x: F64, offset_y: F64, offset_sigma: F64,
    latency_s: F64, latency_sigma: F64,
) -> F64:  # fmt: skip
    """Return by how much each pole is turned [rad], shifted to the east and to the north [m], and late [s]."""
    wrong = np.zeros((4, len(misaligned)))
    for n in range(len(misaligned)):
        wrong[0, n] = yaw_error[n] if misaligned[n] else believed(yaw_error[n], yaw_sigma[n])
        size = np.hypot(offset_x[n], offset_y[n])
        if not np.isnan(size):
            share = believed(size, offset_sigma[n]) / max(size, 1e-9)
            wrong[1, n], wrong[2, n] = offset_x[n] * share, offset_y[n] * share
        late = believed(latency_s[n], latency_sigma[n])
        if abs(late) <= GREATEST_LATENCY_S:
            wrong[3, n] = late
    return wrong


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
    undone = _undone(
        known.misaligned, known.yaw_error, known.yaw_sigma, known.offset_x, known.offset_y, known.offset_sigma,
        known.latency_s, known.latency_sigma,
    )  # fmt: skip
    wrong: Bool = (undone != 0.0).any(axis=0)
    if not wrong.any():
        return
    row = np.searchsorted(known.pole, detections["pole"])
    row[row == len(known)] = 0
    chosen = np.flatnonzero((known.pole[row] == detections["pole"]) & wrong[row])
    row = row[chosen]
    x, y, (turn, east, north, late) = known.x[row], known.y[row], undone[:, row]
    dx, dy = detections["x"][chosen] - east - x, detections["y"][chosen] - north - y
    cosine, sine = np.cos(turn), np.sin(turn)
    detections["x"][chosen] = x + cosine * dx + sine * dy
    detections["y"][chosen] = y - sine * dx + cosine * dy
    detections["heading"][chosen] -= turn
    detections["time_ns"][chosen] -= np.rint(late * 1e9).astype(np.int64)
