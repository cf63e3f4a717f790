"""Opening a case: its map, what stands there, its edge and its steps, ready to be played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import get_type_hints

import numpy as np

from wayside.config import City, ConfigError, asset_tables, load_plugin, read_city, read_rows
from wayside.envelope import Envelope
from wayside.maps.road import RoadMap
from wayside.roadside.tables import WeatherStations
from wayside.step import AnyStep, Step
from wayside.table import Table
from wayside.tick import Pipeline
from wayside.world import Edge
from wayside.worlds.case_checks import nearest
from wayside.worlds.case_file import MOST_SECONDS, Case, CaseError
from wayside.worlds.case_maps import map_of
from wayside.worlds.case_world import START_NS, CaseWorld, poles_of

STATION = WeatherStations(  # reads what `[weather]` says
    station=np.array([1], np.uint16), x=np.zeros(1), y=np.zeros(1)
)


@dataclass(frozen=True)
class OpenedCase:
    """A case that is ready to be played."""

    world: CaseWorld
    edge: Edge
    pipeline: Pipeline


def open_case(case: Case, steps: Sequence[str] = ()) -> OpenedCase:
    """Return the World of a case, its edge and its steps.

    Args:
        case: what happens.
        steps: further steps to run, each as `module:name`.

    Raises:
        CaseError: the case names what its map does not have, or a step is none.
    """
    road = map_of(case.map, Path(case.folder))
    turn = float(np.deg2rad(case.rotate))
    said = _said(case)
    assets = (*said.values(), *(t for t in (poles_of(case, turn), STATION, *_placed(road)) if type(t) not in said))
    city = case_city()
    open_edge = load_plugin("edges", "v2x")
    envelope: Envelope | None = None
    if case.signed:
        open_envelope = load_plugin("envelopes", "ydt3957")
        config = get_type_hints(open_envelope)["config"]()
        envelope = open_envelope(
            config, seed=case.seed, start_ns=START_NS, seconds=MOST_SECONDS, road=road, assets=assets
        )
    edge: Edge = open_edge(get_type_hints(open_edge)["config"](), road, assets, envelope)
    world = CaseWorld(case, road=road, assets=assets, edge=edge)
    chosen = (*city.steps, *(_step(name) for name in steps))
    given = frozenset(world.provides | edge.writes)
    settings = dict(city.settings)
    for one in chosen:
        if one.config is not None and one.name not in settings:
            settings[one.name] = one.config()
    pipeline = Pipeline.of(_possible(chosen, given, assets), settings, road, given, assets, world.start_ns)
    return OpenedCase(world, edge, pipeline)


def _said(case: Case) -> dict[type[Table], Table]:
    """Return the asset tables that a case writes out.

    Raises:
        CaseError: no such table, or a row that does not fit.
    """
    known = asset_tables()
    found: dict[type[Table], Table] = {}
    for name, rows in case.assets.items():
        if name not in known:
            raise CaseError(f"assets.{name}: no such table; {nearest(name, known)}")
        try:
            found[known[name]] = read_rows(known[name], rows, "assets")
        except ConfigError as error:
            raise CaseError(str(error)) from None
    return found


@cache
def case_city() -> City:
    """Return the city file that cases are played with: which steps run."""
    return read_city(str(files("wayside") / "worlds" / "case_city.toml"))


_PLACED: dict[int, tuple[RoadMap, tuple[Table, ...]]] = {}


def _placed(road: RoadMap) -> tuple[Table, ...]:
    """Return what stands on a map beside the poles: units and controllers, by the rule for any map."""
    if id(road) not in _PLACED:
        kept: tuple[Table, ...] = ()
        if len(road.lanes):
            placed: Sequence[Table] = load_plugin("placers", "default")(road)
            kept = tuple(t for t in placed if type(t).__name__ in ("Units", "SignalControllers"))
        _PLACED[id(road)] = road, kept
    return _PLACED[id(road)][1]


def _step(name: str) -> AnyStep:
    """Return a step by its module and name."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CaseError(f"no step {name!r}: {error}; expected module:name") from None
    if not isinstance(found, Step):
        raise CaseError(f"{name!r} is no step but {found!r}")
    return found


def _possible(
    steps: Sequence[AnyStep], given: frozenset[type[Table]], assets: Sequence[Table]
) -> tuple[AnyStep, ...]:
    """Return the steps that have all they read, as far as a case can give it; a step named twice counts once."""
    kept = list({one.name: one for one in steps}.values())
    while True:
        there = given | {one.writes for one in kept} | {type(a) for a in assets}
        possible = [one for one in kept if all(kind.asset or kind in there for _, kind in one.reads)]
        if len(possible) == len(kept):
            return tuple(kept)
        kept = possible
