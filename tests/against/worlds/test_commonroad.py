"""Recorded scenes of CommonRoad played as cases, beside what their own files say."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from wayside.worlds.case_maps import map_of
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import play_case

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "scenarios" / "commonroad"
SCENES = sorted(FOLDER.glob("*.xml"))

pytestmark = pytest.mark.skipif(not SCENES, reason=f"no CommonRoad scenes in {FOLDER}")


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.stem)
def test_each_obstacle_moves_as_fast_as_its_file_says(scene: Path) -> None:
    (case,) = cases_in(scene)
    poses = {actor.name: np.array(actor.poses) for actor in case.actors}
    root = ElementTree.fromstring(scene.read_bytes())
    compared = 0
    for obstacle in [*root.iter("dynamicObstacle"), *root.iter("obstacle")]:
        said = [float(v.text or "nan") for v in obstacle.iterfind(".//velocity/exact")]
        ours = poses[obstacle.attrib["id"]]
        assert len(ours) == len(said)
        if len(ours) > 5:
            moved = np.hypot(*np.diff(ours[:, 1:3], axis=0).T) / np.diff(ours[:, 0])
            # the recordings' own speeds differ from their positions by up to 4 %
            assert moved.mean() == pytest.approx(np.abs(said).mean(), rel=0.05, abs=0.3)
            compared += 1
    assert compared


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.stem)
def test_recorded_vehicles_are_on_the_lanes_and_drive_their_way(scene: Path) -> None:
    (case,) = cases_in(scene)
    road = map_of(case.map, Path(case.folder))
    places = np.concatenate([np.array(actor.poses) for actor in case.actors])
    found = road.match(places[:, 1], places[:, 2], np.deg2rad(places[:, 3]))
    assert (found.lane >= 0).mean() > 0.98
    if scene.name.startswith("USA"):  # in the other one a car cuts in from the oncoming lane
        apart = np.abs((np.deg2rad(places[:, 3]) - found.heading + np.pi) % (2 * np.pi) - np.pi)
        assert (apart[found.lane >= 0] < 0.6).mean() > 0.95


def test_services_run_on_a_recorded_scene() -> None:
    scene = next(scene for scene in SCENES if "Peach" in scene.name)
    (case,) = cases_in(scene)
    played = play_case(case)
    names = {actor.name for actor in case.actors}
    assert {row["subject"] for row in played.rows} <= names
