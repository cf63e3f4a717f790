from __future__ import annotations

import numpy as np
import pytest

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS, Forecasts
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Actors
from wayside.v2x.tables import Kind


def _actors(rows: list[dict[str, float]], road: RoadMap | None = None) -> Actors:
    """Return actors of rows with x, y, heading, speed and whatever else differs from a V2X car's defaults."""
    count = len(rows)

    def get(name: str, default: float) -> np.ndarray:
        return np.array([row.get(name, default) for row in rows], np.float64)

    x, y, heading = get("x", 0.0), get("y", 0.0), get("heading", 0.0)
    identity = np.array([row.get("id", 100 + i) for i, row in enumerate(rows)], np.uint64)
    kind = get("kind", Kind.CAR)
    small = kind == Kind.PEDESTRIAN
    lane, offset, lateral = np.full(count, -1), np.full(count, np.nan), np.full(count, np.nan)
    if road is not None and count:
        found = road.match(x, y, heading)
        lane, offset, lateral = found.lane, found.offset, found.lateral
    return Actors(
        id=identity,
        kind=kind,
        x=x,
        y=y,
        heading=heading,
        speed=get("speed", 0.0),
        acceleration=get("acceleration", 0.0),
        yaw_rate=np.zeros(count),
        length=np.where(small, 0.5, get("length", 4.6)),
        width=np.where(small, 0.5, get("width", 1.8)),
        position_sigma=get("position_sigma", 0.2),
        lane=lane,
        offset=offset,
        lateral=lateral,
        sender=np.where(kind >= Kind.BICYCLE, 0, get("sender", 1)).astype(np.uint64) * identity,
        sources=np.ones(count, np.uint8),
        measured_ns=np.zeros(count, np.int64),
    )


def _straight_on(actors: Actors, *, growth: float = 0.3) -> Forecasts:
    """Return the forecast that everybody keeps speed and direction; its deviation grows by `growth` m a second."""
    time = HORIZON_STEP_S * np.arange(1, HORIZON_STEPS + 1)
    travelled = actors.speed[:, None] * time
    return Forecasts(
        id=actors.id,
        x=actors.x,
        y=actors.y,
        future_x=actors.x[:, None] + travelled * np.cos(actors.heading)[:, None],
        future_y=actors.y[:, None] + travelled * np.sin(actors.heading)[:, None],
        future_heading=np.repeat(actors.heading[:, None], HORIZON_STEPS, axis=1),
        future_sigma=actors.position_sigma[:, None] + growth * time,
    )


@pytest.fixture
def actors_of():
    return _actors


@pytest.fixture
def straight_on():
    return _straight_on
