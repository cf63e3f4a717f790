"""How far what is shown is from what is there, as one distance: OSPA of a frame, and OSPA(2) of the tracks."""

from __future__ import annotations

import numpy as np

from wayside.roadside.scoring_scene import Scene, assign
from wayside.table import F64, I64


def ospa(given: Scene, cutoff: float = 2.0, order: float = 1.0) -> F64:
    """Return the optimal sub-pattern assignment distance of each frame in which there is anything [m].

    Args:
        given: what is scored.
        cutoff: what an object that is missed or false costs [m]; at most the scene's reach.
        order: how much more great errors count.

    Raises:
        ValueError: the cutoff is beyond the scene's reach.

    Source: Schuhmacher, Vo and Vo, A Consistent Metric for Performance Evaluation of Multi-Object Filters, 2008.
    """
    _check(given, cutoff)
    frames = np.union1d(given.truth_frame, given.shown_frame)
    worth = cutoff**order - np.minimum(given.distance, cutoff) ** order
    chosen = assign(given.truth, given.shown, worth)
    saved = np.bincount(
        np.searchsorted(frames, given.truth_frame[given.truth[chosen]]), worth[chosen], len(frames)
    )
    true = np.bincount(np.searchsorted(frames, given.truth_frame), minlength=len(frames))
    shown = np.bincount(np.searchsorted(frames, given.shown_frame), minlength=len(frames))
    most = np.maximum(true, shown)
    # nobody paired costs the cutoff for each of the larger side; each pair saves its worth
    found: F64 = (np.maximum(0.0, cutoff**order * most - saved) / most) ** (1.0 / order)
    return found


def ospa_of_tracks(given: Scene, window: int = 20, cutoff: float = 2.0, order: float = 1.0) -> F64:
    """Return OSPA(2) of each window of frames in which there is anything: the distance of two sets of tracks [m].

    Two tracks are apart by the mean over the frames that either has, the cutoff where only one is there. So it
    tells what OSPA does not: whether who is shown keeps its identity.

    Args:
        given: what is scored.
        window: frames in a window, at most 64; windows follow each other.
        cutoff: what a track that is missed or false costs [m]; at most the scene's reach.
        order: how much more great distances between tracks count.

    Raises:
        ValueError: the window is too long or the cutoff beyond the scene's reach.

    Source: Beard, Vo and Vo, OSPA(2): Using the OSPA Metric to Evaluate Multi-Target Tracking Performance, 2017,
    with equal weights over a window.
    """
    _check(given, cutoff)
    if not 1 <= window <= 64:
        raise ValueError(f"a window of {window} frames; expected 1 to 64")
    true, of_true, true_bits = _tracks(given.truth_frame, given.truth_id, window)
    shown, of_shown, shown_bits = _tracks(given.shown_frame, given.shown_id, window)
    windows = np.union1d(true, shown)
    couple = of_true[given.truth] * max(len(shown), 1) + of_shown[given.shown]
    couples, of_pair = np.unique(couple, return_inverse=True)
    left, right = couples // max(len(shown), 1), couples % max(len(shown), 1)
    nearer = np.bincount(of_pair, cutoff - np.minimum(given.distance, cutoff), len(couples))
    frames = np.bitwise_count(true_bits[left] | shown_bits[right])
    apart = cutoff - nearer / np.maximum(1, frames)
    worth = np.maximum(0.0, cutoff**order - apart**order)
    chosen = assign(left, right, worth)
    saved = np.bincount(np.searchsorted(windows, true[left[chosen]]), worth[chosen], len(windows))
    most = np.maximum(
        np.bincount(np.searchsorted(windows, true), minlength=len(windows)),
        np.bincount(np.searchsorted(windows, shown), minlength=len(windows)),
    )
    found: F64 = (np.maximum(0.0, cutoff**order * most - saved) / most) ** (1.0 / order)
    return found


def _tracks(frame: I64, identity: I64, window: int) -> tuple[I64, I64, np.ndarray]:
    """Return the window of each track of a window, the track of each row, and its frames as bits."""
    size = int(identity.max(initial=0)) + 1
    tracks, of_row = np.unique(frame // window * size + identity, return_inverse=True)
    bits = np.zeros(len(tracks), np.uint64)
    np.bitwise_or.at(bits, of_row, np.uint64(1) << (frame % window).astype(np.uint64))
    return tracks // size, of_row.astype(np.int64), bits


def _check(given: Scene, cutoff: float) -> None:
    if not 0.0 < cutoff <= given.reach:
        raise ValueError(f"a cutoff of {cutoff} m; expected more than 0 and at most the scene's {given.reach} m")
