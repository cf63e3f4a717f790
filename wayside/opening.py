"""Opening a city: its map, what stands there, its edge, its World and its steps, ready to operate."""

from __future__ import annotations

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wayside.apart import WorldApart
from wayside.config import City, ConfigError, load_plugin
from wayside.maps.conversion import convert as convert_map
from wayside.maps.conversion import read_map
from wayside.outside import Outside
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.world import Edge, World

YEAR_NS = 365 * 86_400 * 10**9  # for how long vehicles that a World enrols are permitted


@dataclass(frozen=True)
class Opened:
    """A city that is ready to run. Close its World when done."""

    world: World
    edge: Edge
    pipeline: Pipeline


def open_city(
    city: City, *, seed: int, seconds: float, shuffle_seed: int | None = None, apart: bool = False
) -> Opened:
    """Open a city with the World its file names.

    Assets that the file does not say are placed by the rule of the plugin `placers: default`.

    Args:
        city: the city file, read.
        seed: seed of all random draws in the World.
        seconds: how long it will run; Worlds that plan ahead want to know.
        shuffle_seed: if given, rows and messages arrive in an order drawn from it, which must not matter.
        apart: run the World in a process of its own, which changes nothing but the time it takes.

    Raises:
        ConfigError: the World's settings are wrong.
        MapError: the map cannot be read.
        StepError: the steps do not fit together.
    """
    net = city.world.get("net")
    if not isinstance(net, str):
        raise ConfigError(f"[world] of the city {city.header.name} needs net, the path of its map")
    if not net.endswith((".xml", ".xml.gz")):
        net = _converted(city.folder / net)
        city = city.with_world(net=net)
    more = [city.folder / name for name in city.world.get("additional", ())]
    programs = [path for path in more if _has_programs(path)]
    road = read_map(city.folder / net, origin=city.header.origin, programs=programs)
    placed: Sequence[Table] = load_plugin("placers", "default")(road)
    said = {type(table) for table in city.assets}
    assets = (*city.assets, *(table for table in placed if type(table) not in said))
    outside = Outside.of(city, road, assets, seed=seed, seconds=seconds, shuffle_seed=shuffle_seed)
    edge = outside.open_edge()
    world: World = WorldApart(outside) if apart else outside.open_world(edge)
    try:
        if getattr(world, "enrolled", None) and not any(len(a) for a in assets if type(a).__name__ == "Permits"):
            names, classes = zip(*world.enrolled, strict=True)  # type: ignore[attr-defined]
            permit = load_plugin("placers", "permits")
            world.assets = (*world.assets, permit(names, classes, 1, world.start_ns + YEAR_NS))
        given = frozenset(world.provides | edge.writes)
        pipeline = Pipeline.of(city.steps, city.settings, road, given, world.assets, world.start_ns, world.tick_ns)
    except BaseException:
        world.close()
        raise
    return Opened(world, edge, pipeline)


def _converted(source: Path) -> str:
    """Convert an OpenDRIVE or OSM map to a SUMO net that is there until the program ends."""
    folder = Path(tempfile.mkdtemp(prefix="wayside-net-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = folder / f"{source.name.split('.')[0]}.net.xml"
    convert_map(source, target)
    return str(target)


def _has_programs(path: Path) -> bool:
    """Tell whether a SUMO additional file holds signal programs; the World names one it cannot read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return b"<tlLogic" in file.read()
    except OSError:
        return False
