"""What a track looks like: class and size, voted over its measurements; a vehicle's own word settles both."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from wayside.table import I64

FULL_WEIGHT = 20  # cap of votes for a class


@numba.njit(cache=True)
def describe(tracks: Any, reports: Any, bound: I64, detections: Any, owner: I64) -> None:
    """Update class and size of tracks, in place.

    Args:
        tracks: records of `Tracks`.
        reports: records of `Reports`.
        bound: row of the track each report is of, -1 none.
        detections: records of `Detections`.
        owner: row of the track each detection is of.
    """
    for k in range(len(detections)):
        t, d = tracks[owner[k]], detections[k]
        if t.heard_ns > 0:
            continue
        if d.kind == t.kind:
            t.kind_weight = min(t.kind_weight + 1, FULL_WEIGHT)
        elif d.kind != 0:
            if t.kind_weight == 0 or t.kind == 0:
                t.kind, t.kind_weight = d.kind, 1
            else:
                t.kind_weight -= 1
        share = 1.0 / min(max(t.hits, 1), 20)
        if not np.isnan(d.length):
            t.length = d.length if np.isnan(t.length) else t.length + share * (d.length - t.length)
        if not np.isnan(d.width):
            t.width = d.width if np.isnan(t.width) else t.width + share * (d.width - t.width)
    for k in range(len(reports)):
        if bound[k] < 0:
            continue
        t, r = tracks[bound[k]], reports[k]
        t.kind, t.kind_weight = r.kind, FULL_WEIGHT
        if not np.isnan(r.length):
            t.length = r.length
        if not np.isnan(r.width):
            t.width = r.width
