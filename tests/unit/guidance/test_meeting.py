from __future__ import annotations

import numpy as np
import pytest

from wayside.driving.predict import PredictConfig, predict
from wayside.guidance.judging import chance
from wayside.guidance.meeting import MeetingsConfig, meetings
from wayside.maps.drawing import draw
from wayside.v2x.tables import Kind

CONFIG = MeetingsConfig()
NOWHERE = draw([])


def crowd(actors_of, seed: int, count: int = 60):
    random = np.random.default_rng(seed)
    rows = [
        {"x": x, "y": y, "heading": h, "speed": v, "kind": k}
        for x, y, h, v, k in zip(
            random.uniform(0, 120, count),
            random.uniform(0, 120, count),
            random.uniform(-3, 3, count),
            random.uniform(0, 20, count),
            random.choice([1, 1, 2, 6], count),
            strict=True,
        )
    ]
    return actors_of(rows)


def apart(actors, i: int, j: int, margin: float, time: np.ndarray) -> np.ndarray:
    """Return by how much two boxes with straight ways are apart at each time [m], 0 where they overlap."""

    def corners(n: int, more: float) -> np.ndarray:
        c, s = np.cos(actors.heading[n]), np.sin(actors.heading[n])
        person = actors.kind[n] == Kind.PEDESTRIAN
        along = actors.length[n] / 2 + (more if person else 0.0)
        across = actors.width[n] / 2 + more
        box = np.array([[along, across], [-along, across], [-along, -across], [along, -across]])
        x, y = actors.x[n] + actors.speed[n] * c * time, actors.y[n] + actors.speed[n] * s * time
        return np.stack([x, y], axis=-1)[:, None, :] + box @ np.array([[c, s], [-s, c]])

    first, second = corners(i, 0.0), corners(j, margin)
    gap = np.full(len(time), -np.inf)
    for angle in (
        actors.heading[i],
        actors.heading[i] + np.pi / 2,
        actors.heading[j],
        actors.heading[j] + np.pi / 2,
    ):
        axis = np.array([np.cos(angle), np.sin(angle)])
        a, b = first @ axis, second @ axis
        gap = np.maximum(gap, np.maximum(a.min(1) - b.max(1), b.min(1) - a.max(1)))
    return gap


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_meeting_is_found_and_no_other(actors_of, straight_on, seed) -> None:
    actors = crowd(actors_of, seed)
    found = meetings(actors, straight_on(actors), config=CONFIG)
    told = dict(
        zip(zip(found.subject.tolist(), found.other.tolist(), strict=True), found.time.tolist(), strict=True)
    )
    time = np.arange(0, CONFIG.horizon_s, 0.005)
    count = 0
    for i in np.flatnonzero((actors.sender != 0) & (actors.speed >= CONFIG.from_speed)):
        for j in range(len(actors)):
            if i == j:
                continue
            person = actors.kind[j] == Kind.PEDESTRIAN
            # of two vehicles either may be the one that is enlarged
            touch = [
                time[gap <= 0]
                for gap in (
                    apart(actors, i, j, CONFIG.person_m if person else CONFIG.beside_m, time),
                    *([] if person else [apart(actors, j, i, CONFIG.beside_m, time)]),
                )
            ]
            met = told.get((int(actors.id[i]), int(actors.id[j])))
            if all(len(instants) for instants in touch):
                assert met is not None
                assert min(abs(met - instants[0]) for instants in touch) < 0.01
                count += 1
            elif met is not None:
                # a touch too short for the sampling, or only of the other one's enlarged body
                assert min(apart(actors, i, j, 0.35, time).min(), apart(actors, j, i, 0.35, time).min()) <= 0.0
    assert count > 10


def test_two_that_seek_each_other_are_told_the_same_from_both_sides(actors_of, straight_on) -> None:
    actors = actors_of([{"x": -30.0, "speed": 10.0}, {"y": -20.0, "heading": np.pi / 2, "speed": 7.0}])
    found = meetings(actors, straight_on(actors), config=CONFIG)
    assert list(found.subject) == [100, 101]
    assert found.time[0] == found.time[1]
    assert found.turned[0] == -found.turned[1] == pytest.approx(np.pi / 2)
    assert (found.mine[0], found.theirs[0]) == (found.theirs[1], found.mine[1])
    assert found.mine[0] == pytest.approx(10.0 * found.time[0])


def test_headings_on_both_sides_of_west_differ_little(actors_of, straight_on) -> None:
    rows = [{"speed": 15.0, "heading": np.pi - 0.01}, {"x": -20.0, "speed": 5.0, "heading": -np.pi + 0.01}]
    actors = actors_of(rows)
    found = meetings(actors, straight_on(actors), config=CONFIG)
    assert abs(found.turned[0]) == pytest.approx(0.02, abs=1e-9)


def test_a_near_miss_has_a_negative_depth_and_a_small_chance(actors_of, straight_on) -> None:
    actors = actors_of([{"speed": 15.0}, {"x": 30.0, "y": 1.9}])
    found = meetings(actors, straight_on(actors), config=CONFIG)
    assert found.depth[0] == pytest.approx(-0.1)
    assert chance(found.depth, found.sigma)[0] < 0.5


def test_what_turns_meets_on_its_circle(actors_of) -> None:
    radius, away = 25.0, 1.2
    for sense in (-1.0, 1.0):
        rows = [
            {"speed": 10.0},
            {"x": radius * np.sin(away), "y": sense * radius * (1 - np.cos(away)), "heading": sense * away},
        ]
        actors = actors_of(rows).replace(yaw_rate=[sense * 10.0 / radius, 0.0])
        found = meetings(actors, predict(actors, road=NOWHERE, config=PredictConfig()), config=CONFIG)
        assert list(found.other) == [101]
        assert found.mine[0] == pytest.approx(radius * away - 4.6, abs=0.3)
