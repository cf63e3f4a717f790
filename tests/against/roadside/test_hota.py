"""Scoring against TrackEval 1.3.0: its answers as stored, and itself where it is installed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.against.roadside.trackeval_oracle import ANSWERS, GATES, REACH, SEEDS, answers, made_up, metrics
from wayside.roadside.scoring import clear, hota, identity
from wayside.roadside.scoring_scene import scene


def ours(seed: int) -> dict[str, float]:
    given = scene(*made_up(seed), REACH)
    high = hota(given)
    said = {"HOTA": high.hota, "DetA": high.deta, "AssA": high.assa, "AssRe": high.assre, "AssPr": high.asspr}
    said["LocA"] = high.loca
    for gate in GATES:
        c, i = clear(given, gate), identity(given, gate)
        known = {
            "MOTA": c.mota, "MOTP": c.motp, "IDSW": c.switches, "Frag": c.fragments, "MT": c.mostly_tracked,
            "ML": c.mostly_lost, "CLR_TP": c.both, "IDF1": i.idf1, "IDTP": i.both, "IDP": i.idp, "IDR": i.idr,
        }  # fmt: skip
        said |= {f"{name}@{gate}": float(value) for name, value in known.items()}
    return said


@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_those_trackeval_gave(seed: int) -> None:
    theirs = json.loads(ANSWERS.read_text("utf-8"))[seed]
    mine = ours(seed)
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        assert mine[name] == pytest.approx(value, abs=1e-9), name


def test_the_stored_answers_tell_scenes_apart() -> None:
    stored = json.loads(ANSWERS.read_text("utf-8"))
    assert len({one["HOTA"] for one in stored}) == len(SEEDS)
    assert sum(one["IDSW@1.5"] for one in stored) > 50
    assert np.ptp([one["MOTA@1.0"] for one in stored[1:]]) > 0.1


def test_scores_are_those_of_the_installed_trackeval() -> None:
    try:
        loaded = metrics()
    except ModuleNotFoundError:
        pytest.skip("trackeval is not installed: `pip install --no-deps trackeval`")
    for seed in (20, 21, 22):
        mine = ours(seed)
        for name, value in answers(seed, loaded).items():
            assert mine[name] == pytest.approx(value, abs=1e-9), name
