"""Maps written to a folder and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from wayside.maps.drawing import LaneSketch, crossroads, draw
from wayside.maps.road import MapError
from wayside.maps.storing import load_map, save_map


def test_a_stored_map_comes_back_equal(tmp_path: Path) -> None:
    road = crossroads()
    save_map(road, tmp_path / "map")
    back = load_map(tmp_path / "map")
    for part in ("lanes", "points", "connections", "nodes", "phases", "links"):
        assert getattr(back, part) == getattr(road, part), part
    assert (back.name, back.lane_names, back.node_names, back.controller_names, back.projection) == (
        *(road.name, road.lane_names, road.node_names, road.controller_names),
        road.projection,
    )
    asked = [1.0, -60.0], [2.0, -1.0], [0.5, 0.0]
    assert back.match(*asked).offset.tolist() == road.match(*asked).offset.tolist()


def test_a_map_without_a_place_stays_without(tmp_path: Path) -> None:
    save_map(draw([LaneSketch([(0, 0), (9, 0)])], placed=False), tmp_path)
    assert load_map(tmp_path).projection is None


def test_a_folder_that_holds_half_a_map_is_refused(tmp_path: Path) -> None:
    save_map(crossroads(), tmp_path)
    next(tmp_path.glob("*.parquet")).unlink()
    with pytest.raises(MapError, match="does not hold a whole stored map"):
        load_map(tmp_path)
