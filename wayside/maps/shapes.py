"""Lines and areas as the simulator writes them, made into middle lines."""

from __future__ import annotations

import math

import numpy as np

SHORTEST = 0.1  # m, length given to a lane that the source draws as a single point
SAME_POINT = 0.0015  # m, points nearer to each other than that count as one

Line = list[tuple[float, float]]


def polyline(text: str) -> Line:
    """Return the points [m] of a shape `x,y x,y` or `x,y,z x,y,z`, without repeated ones.

    Raises:
        ValueError: the text is no such shape; a message that quotes it.

    >>> polyline("0,0 3,4 3.0005,4")
    [(0.0, 0.0), (3.0, 4.0)]
    """
    points: Line = []
    try:
        for word in text.split():
            x, y, *_ = map(float, word.split(","))
            if not (math.isfinite(x) and math.isfinite(y)):
                raise ValueError
            x, y = round(x, 3), round(y, 3)
            if not points or abs(x - points[-1][0]) + abs(y - points[-1][1]) > SAME_POINT:
                points.append((x, y))
    except ValueError:
        raise ValueError(f"shape {text[:40]!r} is not a row of points x,y") from None
    if not points:
        raise ValueError("shape has no points")
    return points


def short_line(point: tuple[float, float], previous: Line) -> Line:
    """Return a line of 0.1 m from the point on, in the direction in which another line ends.

    >>> short_line((1.0, 1.0), [(0.0, 0.0), (0.0, 1.0)])
    [(1.0, 1.0), (1.0, 1.1)]
    """
    heading = 0.0
    if len(previous) > 1:
        (x0, y0), (x1, y1) = previous[-2:]
        heading = math.atan2(y1 - y0, x1 - x0)
    x, y = point
    return [point, (round(x + SHORTEST * math.cos(heading), 3), round(y + SHORTEST * math.sin(heading), 3))]


def middle_line(outline: Line) -> tuple[Line, float]:
    """Return the long axis [m] of an area and the width [m] that gives a strip along it the same surface.

    The axis runs through the centroid, in the direction in which the surface is most spread out, as far as the
    outline reaches. Limits: exact for rectangles; an area around a corner is smoothed to a straight strip.

    >>> middle_line([(0, 0), (4, 0), (4, 2), (0, 2)])
    ([(0.0, 1.0), (4.0, 1.0)], 2.0)
    """
    points = np.asarray(outline, np.float64)
    start = points[0]
    x, y = (points - start).T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    area = cross.sum() / 2
    if abs(area) < 1e-6:
        return outline, SHORTEST
    sum_x, sum_y = x + next_x, y + next_y
    centre = np.array([(sum_x * cross).sum(), (sum_y * cross).sum()]) / (6 * area)
    xx = (cross * (x * x + x * next_x + next_x * next_x)).sum() / (12 * area) - centre[0] ** 2
    yy = (cross * (y * y + y * next_y + next_y * next_y)).sum() / (12 * area) - centre[1] ** 2
    xy = (cross * (sum_x * sum_y + x * y + next_x * next_y)).sum() / (24 * area) - centre[0] * centre[1]
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    axis = np.array([math.cos(angle), math.sin(angle)])
    reach = (points - start - centre) @ axis
    ends = [start + centre + axis * along for along in (reach.min(), reach.max())]
    line = [(round(float(end[0]), 3), round(float(end[1]), 3)) for end in ends]
    return line, round(abs(float(area)) / float(np.ptp(reach)), 2)
