"""Map matching beside shapely's geometry."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.maps.drawing import LaneSketch, crossroads, draw
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind

shapely = pytest.importorskip("shapely")


def wild_map(seed: int) -> RoadMap:
    """Return lanes that bend and cross without rule, some far apart, some of one length with a cell."""
    random = np.random.default_rng(seed)
    lanes = []
    for _ in range(60):
        steps = random.normal(0.0, random.choice([1.0, 12.0, 80.0]), (random.integers(2, 12), 2))
        points = random.uniform(-400, 400, 2) + np.cumsum(steps, axis=0)
        lanes.append(LaneSketch([(float(x), float(y)) for x, y in points], width=float(random.uniform(1, 5))))
    return draw(lanes)


def lines_of(road: RoadMap) -> list[object]:
    """Return the middle lines as shapely has them."""
    xy = np.stack([road.points.x, road.points.y], axis=1)
    return [
        shapely.LineString(xy[first : first + count])
        for first, count in zip(road.lanes.first_point, road.lanes.points, strict=True)
    ]


@pytest.fixture(params=["crossroads", 1, 2, 3])
def road(request: pytest.FixtureRequest) -> RoadMap:
    return crossroads() if request.param == "crossroads" else wild_map(request.param)


def test_the_matched_point_is_as_near_as_the_nearest_of_all_lanes(road: RoadMap) -> None:
    random = np.random.default_rng(7)
    x, y = random.uniform(-450, 450, (2, 2000))
    lines = lines_of(road)
    kinds = [LaneKind(kind) for kind in set(road.lanes.kind)]
    match = road.match(x, y, np.full(len(x), np.nan), reach_m=30.0, kinds=kinds)
    expected = shapely.distance(shapely.points(x, y)[:, None], np.array(lines)[None, :])
    nearest = expected.min(axis=1)
    found = match.lane >= 0
    decided = np.abs(nearest - 30.0) > 1e-6
    np.testing.assert_array_equal(found[decided], nearest[decided] < 30.0)
    assert found.sum() > 100
    foot_x, foot_y, _ = road.along(match.lane, match.offset)
    np.testing.assert_allclose(np.hypot(x - foot_x, y - foot_y)[found], nearest[found], atol=1e-6)
    own = expected[np.arange(len(x)), match.lane]
    np.testing.assert_allclose(own[found], nearest[found], atol=1e-6)


def test_offsets_are_those_of_linear_referencing(road: RoadMap) -> None:
    random = np.random.default_rng(8)
    lines = lines_of(road)
    lane = random.integers(0, len(lines), 500)
    offset = random.uniform(-5.0, road.lanes.length[lane] + 5.0)
    x, y, _ = road.along(lane, offset)
    within = np.clip(offset, 0.0, road.lanes.length[lane])
    expected = shapely.line_interpolate_point(np.array(lines)[lane], within)
    # offsets are kept to the millimetre, so that long lines of many points may differ by some of them
    np.testing.assert_allclose(x, shapely.get_x(expected), atol=0.006)
    np.testing.assert_allclose(y, shapely.get_y(expected), atol=0.006)


def test_distance_is_that_to_the_widened_lines(road: RoadMap) -> None:
    random = np.random.default_rng(9)
    x, y = random.uniform(-2000, 2000, (2, 500))
    x[:400] /= 5
    y[:400] /= 5
    to_middle = shapely.distance(shapely.points(x, y)[:, None], np.array(lines_of(road))[None, :])
    expected = np.maximum(to_middle - road.lanes.width / 2, 0.0).min(axis=1)
    np.testing.assert_allclose(road.distance(x, y), expected, atol=1e-6)
