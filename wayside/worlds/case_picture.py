"""A case as a drawing: lanes, paths, bodies at the moment of the first warning, poles."""

from __future__ import annotations

from html import escape

import numpy as np

from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.table import F64
from wayside.worlds.case_actors import size_of
from wayside.worlds.case_world import CaseWorld

WIDTH = 720.0  # of the drawing [px]
LEAST_HEIGHT, MOST_HEIGHT = 140.0, 560.0
MARGIN_M = 12.0
LEAST_SPAN_M = 40.0
COLOURS = ("#0a5c73", "#b4530a", "#5b3f99", "#3f7a2a", "#a12a5e", "#4b5963")
GROUND = {LaneKind.SIDEWALK: "#e6eae8", LaneKind.CROSSING: "#f8faf8", LaneKind.WALKING_AREA: "#eef1ef"}
ROAD = "#d3dad8"
MOST_ACTORS = 60  # that are drawn with their names
STEP_S = 0.2


class _Sheet:
    """Metres to pixels: the part of the map that the case is about."""

    def __init__(self, x: F64, y: F64) -> None:
        west, east, south, north = x.min(), x.max(), y.min(), y.max()
        span = max(east - west + 2 * MARGIN_M, LEAST_SPAN_M, (north - south + 2 * MARGIN_M) * WIDTH / MOST_HEIGHT)
        self.scale = WIDTH / span
        self.height = float(np.clip((north - south + 2 * MARGIN_M) * self.scale, LEAST_HEIGHT, MOST_HEIGHT))
        self._west = (west + east) / 2 - span / 2
        self._north = (south + north) / 2 + self.height / self.scale / 2

    def points(self, x: F64, y: F64) -> str:
        """Return points as SVG writes them."""
        across, down = (x - self._west) * self.scale, (self._north - y) * self.scale
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))


def picture(world: CaseWorld, at_s: float | None) -> str:
    """Return the drawing of a case as SVG.

    Args:
        world: the case's World.
        at_s: the moment at which bodies are drawn filled [s]; where None, half-way.

    Limits: of more than 60 actors only the paths of the first 60 are drawn.
    """
    shown = list(zip(world.case.actors, world.paths, strict=True))[:MOST_ACTORS]
    moment = world.seconds / 2 if at_s is None else at_s
    ways = []
    for _, path in shown:
        until = min(path.until, world.seconds)
        t = np.linspace(path.since, max(until, path.since), max(int((until - path.since) / STEP_S), 1) + 1)
        ways.append((t, *path.at(t)))
    poles = world.poles
    sheet = _Sheet(
        np.concatenate([*(way[1] for way in ways), poles.x]), np.concatenate([*(way[2] for way in ways), poles.y])
    )
    parts = [
        f'<svg viewBox="0 0 {WIDTH:.0f} {sheet.height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f'<title>{escape(world.case.label)}</title><rect width="100%" height="100%" fill="#f4f6f5"/>',
        *_lanes(world.road, sheet),
    ]
    for n, ((actor, path), (_, x, y, heading)) in enumerate(zip(shown, ways, strict=True)):
        colour, size = COLOURS[n % len(COLOURS)], size_of(actor)
        parts.append(
            f'<polyline points="{sheet.points(x, y)}" fill="none" stroke="{colour}" stroke-width="1.5" '
            'stroke-dasharray="5 4"/>'
        )
        start = _corners(x[:1], y[:1], heading[:1], size)
        parts.append(f'<polygon points="{sheet.points(*start)}" fill="none" stroke="{colour}" opacity="0.6"/>')
        instant = np.array([moment])
        if path.there(instant)[0]:
            place = path.at(instant)
            body = _corners(*place, size)
            parts.append(f'<polygon points="{sheet.points(*body)}" fill="{colour}" opacity="0.85"/>')
            left, _, top = sheet.points(place[0], place[1]).partition(",")
            parts.append(
                f'<text x="{float(left) + 7:.1f}" y="{float(top) - 7:.1f}" fill="{colour}" font-weight="600">'
                f"{escape(actor.name)}</text>"
            )
    for across, down in (p.split(",") for p in sheet.points(poles.x, poles.y).split()):
        parts.append(f'<circle cx="{across}" cy="{down}" r="4" fill="#b3201b"/>')
    parts += [*_measure(sheet), "</svg>"]
    return "\n".join(parts)


def _lanes(road: RoadMap, sheet: _Sheet) -> list[str]:
    """Return the surfaces of all lanes but the endless square of the plane."""
    drawn = []
    for lane in range(len(road.lanes)):
        width = float(road.lanes.width[lane])
        if width > 100.0:
            continue
        points = slice(road.lanes.first_point[lane], road.lanes.first_point[lane] + road.lanes.points[lane])
        line = sheet.points(road.points.x[points], road.points.y[points])
        colour = GROUND.get(LaneKind(road.lanes.kind[lane]), ROAD)
        thick = f"{max(width * sheet.scale - 1.0, 0.5):.1f}"
        drawn.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thick}"/>')
    return drawn


def _corners(x: F64, y: F64, heading: F64, size: tuple[float, float]) -> tuple[F64, F64]:
    """Return the corners of a body whose front is a point."""
    along = np.array([0.5, 0.35, -0.5, -0.5, 0.35]) * size[0]
    aside = np.array([0.0, 0.5, 0.5, -0.5, -0.5]) * size[1]
    cosine, sine = np.cos(heading), np.sin(heading)
    return x + along * cosine - aside * sine, y + along * sine + aside * cosine


def _measure(sheet: _Sheet) -> list[str]:
    """Return a bar of a round length."""
    length = next(m for m in (200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0) if m * sheet.scale < WIDTH / 4 or m == 2.0)
    left, top = 12.0, sheet.height - 12.0
    return [
        f'<path d="M{left},{top - 4}v4h{length * sheet.scale:.1f}v-4" fill="none" stroke="#14202a"/>',
        f'<text x="{left + length * sheet.scale + 6:.1f}" y="{top}" fill="#14202a">{length:g} m</text>',
    ]
