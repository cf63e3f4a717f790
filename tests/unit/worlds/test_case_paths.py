"""Where actors of a case are: along poses and along lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.worlds.case_file import Case, CaseError
from wayside.worlds.case_maps import crossing, map_of, plane, straight
from wayside.worlds.case_paths import Path, path_of
from wayside.worlds.case_reading import cases_in
from wayside.worlds.case_touch import first_touch


def way(actor: dict[str, Any], *, on: str = "plane", turn: float = 0.0, seconds: float | None = None) -> Path:
    (case,) = cases_in({"actors": [{"name": "A", **actor}]})
    road = {"plane": plane, "straight": straight, "crossing": crossing}[on]()
    return path_of(case.actors[0], road, turn, seconds, "actors[0]")


def at(path: Path, t: float) -> list[float]:
    return [round(float(value[0]), 6) for value in path.at(np.array([t]))]


def test_between_poses_it_moves_straight_and_evenly() -> None:
    path = way({"poses": [[0, 0, 0], [2, 20, 0], [4, 20, 10]]})
    assert at(path, 1.0) == [10, 0, 0]
    assert at(path, 3.0) == [20, 5, round(np.pi / 2, 6)]
    assert path.speed(np.array([0.0, 1.0, 3.0])).tolist() == [10, 10, 5]
    assert path.there(np.array([-0.1, 0.0, 4.0, 4.1])).tolist() == [False, True, True, False]


def test_given_headings_turn_the_short_way() -> None:
    path = way({"poses": [[0, 0, 0, 170], [2, 0, 0, -170]]})
    assert at(path, 1.0)[2] == pytest.approx(np.pi)


def test_who_stands_faces_where_it_last_went() -> None:
    path = way({"poses": [[0, 0, 0], [1, 0, 0], [2, 0, 10], [5, 0, 10]]})
    assert at(path, 0.5)[2] == pytest.approx(np.pi / 2)
    assert at(path, 4.0)[2] == pytest.approx(np.pi / 2)


def test_hold_keeps_it_standing_at_the_last_pose() -> None:
    path = way({"poses": [[0, 0, 0], [1, 9, 0]], "hold": True})
    assert path.there(np.array([99.0])).all()
    assert at(path, 99.0)[:2] == [9, 0]
    assert path.speed(np.array([99.0])).tolist() == [0]


def test_a_sudden_change_of_speed_is_told_within_what_bodies_can_do() -> None:
    path = way({"poses": [[0, 0, 0], [2, 30, 0], [4, 30.2, 0]]})
    braking = path.acceleration(np.array([1.0, 2.2, 3.0]))
    assert braking.tolist() == [0.0, -9.0, 0.0]


def test_rotation_turns_poses_about_the_origin() -> None:
    path = way({"poses": [[0, 10, 0], [1, 20, 0]]}, turn=np.pi / 2)
    assert at(path, 0.0) == [0, 10, round(np.pi / 2, 6)]


def test_lanes_are_followed_through_the_junction_at_the_given_speed() -> None:
    path = way({"lanes": ["west_in_0", "east_out_0"], "start": 0.0, "speed": 10.0}, on="crossing", seconds=60.0)
    assert at(path, 10.0) == [-200, -5.25, 0]
    assert at(path, 30.0) == [0, -5.25, 0]
    assert path.until == pytest.approx(60.0, abs=0.11)


def test_a_left_turn_ends_on_the_arm_it_leads_to() -> None:
    path = way({"lanes": ["west_in_1", "north_out_1"], "start": 250.0, "speed": 8.0}, on="crossing", seconds=14.0)
    x, y, heading = at(path, 14.0)
    assert x == pytest.approx(1.75)
    assert y > 18.0
    assert heading == pytest.approx(np.pi / 2, abs=0.01)
    turning = np.diff(path.headings)
    assert (turning > -1e-3).all()
    assert turning.max() < 0.1  # rad in a tick


def test_speed_profiles_are_straight_in_between() -> None:
    path = way({"lanes": ["east_0"], "speed": [[0, 10], [4, 0]]}, on="straight", seconds=8.0)
    assert at(path, 8.0)[0] == pytest.approx(-500.0 + 20.0, abs=0.01)
    assert path.speed(np.array([2.0]))[0] == pytest.approx(5.0, abs=0.3)
    assert path.acceleration(np.array([3.0]))[0] == pytest.approx(-2.5, abs=0.05)


def test_lateral_moves_it_to_the_left_of_the_lane() -> None:
    lateral = [[0, 0], [2, 0], [5, 3.5]]
    path = way({"lanes": ["west_0"], "speed": 10.0, "lateral": lateral}, on="straight", seconds=8.0)
    assert at(path, 1.0)[1] == pytest.approx(5.25)
    assert at(path, 8.0)[1] == pytest.approx(1.75)
    assert abs(at(path, 3.5)[2] - np.pi) == pytest.approx(np.arctan2(3.5 / 3.0, 10.0), abs=0.01)


@pytest.mark.parametrize(
    ("lanes", "said"),
    [
        (["wets_in_0"], "has no lane 'wets_in_0'; did you mean 'west_in_0'"),
        (["west_in_0", "north_out_1"], "'north_out_1' does not follow 'west_in_0'"),
        (["east_out_0"], "its lanes are 282.0 m long together"),
    ],
)
def test_lanes_that_do_not_go_are_named(lanes: list[str], said: str) -> None:
    with pytest.raises(CaseError) as wrong:
        way({"lanes": lanes, "start": 290.0, "speed": 5.0}, on="crossing")
    assert said in str(wrong.value)


def test_bodies_touch_when_their_outlines_meet() -> None:
    def case(y: float) -> Case:
        return cases_in(
            {
                "actors": [
                    {"name": "A", "length": 4, "width": 2, "poses": [[0, -100, 0], [10, 100, 0]]},
                    {"name": "B", "length": 4, "width": 2, "poses": [[0, 100, y], [10, -100, y]]},
                ]
            }
        )[0]

    road = plane()
    for y, expected in ((0.0, 4.9), (1.9, 4.9), (2.1, None)):
        one = case(y)
        paths = [path_of(actor, road, 0.0, None, "") for actor in one.actors]
        touch = first_touch(one, paths)
        assert touch == (None if expected is None else pytest.approx(expected, abs=0.011))


def test_a_map_that_is_none_is_named() -> None:
    from pathlib import Path as File

    with pytest.raises(CaseError, match="did you mean 'crossing'"):
        map_of("crosing", File())
