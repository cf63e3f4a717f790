"""Our zones against another library's polygons."""

import numpy as np
import pytest

from wayside.admission.tables import ZoneCorners, Zones
from wayside.admission.zones import depth, inside

shapely = pytest.importorskip("shapely", reason="shapely is the other opinion")


@pytest.mark.parametrize("seed", range(5))
def test_inside_and_depth_agree_with_shapely_on_random_stars(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 40))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(20, 900, count)
    corner_x, corner_y = 5000 + radius * np.cos(angle), -2000 + radius * np.sin(angle)
    polygon = shapely.Polygon(np.column_stack([corner_x, corner_y]))
    if not polygon.is_valid:
        pytest.skip("the star does not enclose its middle")
    zones = Zones(zone=[7], corners=[count])
    corners = ZoneCorners(zone=[7] * count, number=np.arange(count), x=corner_x, y=corner_y)
    x, y = rng.uniform(4000, 6000, 4000), rng.uniform(-3000, -1000, 4000)
    points = shapely.points(x, y)
    expected = shapely.contains(polygon, points)
    distance = shapely.distance(polygon.exterior, points)
    assert np.array_equal(inside(x, y, zones, corners)[:, 0], expected)
    np.testing.assert_allclose(
        depth(x, y, zones, corners)[:, 0], np.where(expected, distance, -distance), atol=1e-6
    )
