"""Opening a city: its map, what stands there, its edge, its World and its steps, ready to operate."""

from __future__ import annotations

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from wayside.config import City, ConfigError, convert, load_plugin
from wayside.envelope import Envelope
from wayside.maps.conversion import convert as convert_map
from wayside.maps.conversion import read_map
from wayside.maps.road import RoadMap
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


def open_city(city: City, *, seed: int, seconds: float, shuffle_seed: int | None = None) -> Opened:
    """Open a city with the World its file names.

    Assets that the file does not say are placed by the rule of the plugin `placers: default`.

    Args:
        city: the city file, read.
        seed: seed of all random draws in the World.
        seconds: how long it will run; Worlds that plan ahead want to know.
        shuffle_seed: if given, rows and messages arrive in an order drawn from it, which must not matter.

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
    edge = _edge(city, road, assets, seed=seed, seconds=seconds)
    open_world = load_plugin("worlds", city.world_kind)
    config = _settings(city, "world", city.world, open_world)
    world: World = open_world(
        config,
        folder=city.folder,
        seed=seed,
        start_ns=city.start_ns,
        tick_ns=city.tick_ns,
        seconds=seconds,
        road=road,
        assets=assets,
        edge=edge,
        shuffle_seed=shuffle_seed,
    )
    try:
        if getattr(world, "enrolled", None) and not any(len(a) for a in assets if type(a).__name__ == "Permits"):
            names, classes = zip(*world.enrolled, strict=True)  # type: ignore[attr-defined]
            permit = load_plugin("placers", "permits")
            world.assets = (*world.assets, permit(names, classes, 1, world.start_ns + YEAR_NS))
        given = frozenset(world.provides | edge.writes)
        pipeline = Pipeline.of(city.steps, city.settings, road, given, world.assets, world.start_ns)
    except BaseException:
        world.close()
        raise
    return Opened(world, edge, pipeline)


def _settings(city: City, part: str, raw: Mapping[str, Any], opener: Any) -> Any:
    """Return the settings of a part of the city, as the struct that what it opens asks for."""
    return convert(dict(raw), get_type_hints(opener)["config"], f"{city.header.name}: [{part}]")


def _edge(city: City, road: RoadMap, assets: Sequence[Table], *, seed: int, seconds: float) -> Edge:
    """Return the line between octets and tables, with what signs and verifies."""
    settings = dict(city.envelope)
    kind = settings.pop("kind")
    envelope: Envelope | None = None
    if kind != "none":
        open_envelope = load_plugin("envelopes", kind)
        config = _settings(city, "envelope", settings, open_envelope)
        envelope = open_envelope(
            config, seed=seed, start_ns=city.start_ns, seconds=seconds, road=road, assets=assets
        )
    settings = dict(city.edge)
    open_edge = load_plugin("edges", settings.pop("kind"))
    edge: Edge = open_edge(_settings(city, "edge", settings, open_edge), road, assets, envelope)
    return edge


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
