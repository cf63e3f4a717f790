"""What TrackEval says of a few made-up scenes; run as a program, this file writes its answers.

Needs the package trackeval 1.3.0 (MIT), of which only the metrics are loaded, so that it may be installed without
what its data sets and plots need: `pip install --no-deps trackeval`.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("trackeval_answers.json")
GATES = (1.5, 1.0)
REACH = 2.0
SEEDS = range(12)


def made_up(seed: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return frame, identity, x, y of true and of shown objects: crowded, with misses, ghosts and switches.

    Drawn by a generator of our own, so that the scenes are the same with every numpy.
    """
    state = seed * 7919 + 1

    def draw() -> float:
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) / 2**31

    people, frames = 3 + seed, 40 if seed else 0
    true, shown = [], []
    for person in range(people):
        x, y, vx, vy = draw() * 8, draw() * 8, draw() - 0.5, draw() - 0.5
        named, begin, end = person, int(draw() * 10), frames - int(draw() * 10)
        for frame in range(begin, end):
            x, y = x + vx * 0.3, y + vy * 0.3
            if draw() < 0.02:
                named = 100 + int(draw() * 20)
            if frame == 20 and seed % 3 == 0:
                continue  # a frame in which nobody is there
            true.append((frame, person * 3, x, y))
            if draw() > 0.1 and not (frame == 25 and seed % 4 == 0):
                shown.append((frame, named, x + (draw() - 0.5) * 1.6, y + (draw() - 0.5) * 1.6))
    for ghost in range(seed):
        shown.append((int(draw() * 40), 500 + ghost, draw() * 8, draw() * 8))
    shown = list({(f, i): (f, i, x, y) for f, i, x, y in sorted(shown)}.values())
    return _columns(true), _columns(shown)


def _columns(rows: list[tuple[int, int, float, float]]) -> tuple[Any, ...]:
    table = np.array(sorted(rows), np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].copy(), table[:, 3].copy()


def metrics() -> Any:
    """Load the metrics of TrackEval without its data sets.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    found = importlib.util.find_spec("trackeval")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("trackeval")
    for name, place in (("trackeval", ""), ("trackeval.metrics", "metrics")):
        module = types.ModuleType(name)
        module.__path__ = [str(Path(found.submodule_search_locations[0]) / place)]
        sys.modules[name] = module
    return {name: importlib.import_module(f"trackeval.metrics.{name}") for name in ("hota", "clear", "identity")}


def dense(true: tuple[Any, ...], shown: tuple[Any, ...]) -> dict[str, Any]:
    """Return a scene as TrackEval takes it: every frame with the likeness of all pairs."""
    ids, last = [], max([-1, *true[0].tolist(), *shown[0].tolist()])
    for frame, identity, x, y in (true, shown):
        number = np.unique(identity, return_inverse=True)[1]
        ids.append([(number[frame == f], np.column_stack((x, y))[frame == f]) for f in range(last + 1)])
    apart = [np.hypot(*np.moveaxis(a[:, None] - b[None], 2, 0)) for (_, a), (_, b) in zip(*ids, strict=True)]
    return {
        "num_timesteps": last + 1,
        "gt_ids": [i for i, _ in ids[0]],
        "tracker_ids": [i for i, _ in ids[1]],
        "similarity_scores": [np.maximum(0.0, 1.0 - d / REACH) for d in apart],
        "num_gt_ids": len(np.unique(true[1])),
        "num_tracker_ids": len(np.unique(shown[1])),
        "num_gt_dets": len(true[0]),
        "num_tracker_dets": len(shown[0]),
    }


def answers(seed: int, loaded: Any) -> dict[str, Any]:
    """Return what TrackEval says of a scene."""
    data = dense(*made_up(seed))
    hota = loaded["hota"].HOTA().eval_sequence(data)
    said = {name: float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA", "AssRe", "AssPr", "LocA")}
    for gate in GATES:
        options = {"THRESHOLD": 1.0 - gate / REACH, "PRINT_CONFIG": False}
        for one in (loaded["clear"].CLEAR(options), loaded["identity"].Identity(options)):
            result = one.eval_sequence(data)
            names = ("MOTA", "MOTP", "IDSW", "Frag", "MT", "ML", "CLR_TP", "IDF1", "IDTP", "IDP", "IDR")
            said |= {f"{name}@{gate}": float(result[name]) for name in names if name in result}
    return said


if __name__ == "__main__":
    loaded = metrics()
    ANSWERS.write_text(json.dumps([answers(seed, loaded) for seed in SEEDS], indent=1) + "\n", "utf-8")
