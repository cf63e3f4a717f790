"""Maps as folders of Parquet and TOML, as a Run keeps the one it ran on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import tomli_w

from wayside.columns import from_arrow, to_arrow
from wayside.maps.coordinates import Projection
from wayside.maps.road import MapError, RoadMap
from wayside.maps.tables import Connections, LanePoints, Lanes, Nodes, SignalLinks, SignalPhases

PARTS = (Lanes, LanePoints, Connections, Nodes, SignalPhases, SignalLinks)


def save_map(road: RoadMap, folder: Path) -> None:
    """Write a map; `load_map` gives an equal one. Existing files are overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in (road.lanes, road.points, road.connections, road.nodes, road.phases, road.links):
        pq.write_table(
            to_arrow(type(table), [(0, table)]), folder / f"{table.table_name}.parquet", compression="zstd"
        )
    about: dict[str, object] = {
        "name": road.name,
        "lane_names": list(road.lane_names),
        "node_names": list(road.node_names),
        "controller_names": list(road.controller_names),
    }
    if road.projection is not None:
        place = road.projection
        about["projection"] = {"definition": place.definition, "east": place.east, "north": place.north}
    (folder / "map.toml").write_text(tomli_w.dumps(about), "utf-8")


def load_map(folder: Path) -> RoadMap:
    """Read a map that `save_map` wrote.

    Raises:
        MapError: a file is missing or damaged.
    """
    try:
        about = tomllib.loads((folder / "map.toml").read_text("utf-8"))
        tables = [from_arrow(kind, pq.read_table(folder / f"{kind.table_name}.parquet"))[1] for kind in PARTS]
    except (OSError, ValueError) as error:
        raise MapError(f"{folder} does not hold a whole stored map: {error}") from error
    place = about.get("projection")
    return RoadMap.of(
        about["name"],
        *tables,  # type: ignore[arg-type]
        lane_names=about["lane_names"],
        node_names=about["node_names"],
        controller_names=about["controller_names"],
        projection=Projection(**place) if place is not None else None,
    )
