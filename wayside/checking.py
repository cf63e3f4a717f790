"""Checking a city file, a map or a Run before anyone relies on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wayside.config import ConfigError, built_in_cities, read_city
from wayside.maps.conversion import read_map
from wayside.run import Run
from wayside.table import declared_tables

MAP_SUFFIXES = (".net.xml", ".net.xml.gz", ".xodr", ".osm", ".osm.gz")


@dataclass(frozen=True)
class Checked:
    """What was checked, what it holds, and what is wrong with it."""

    what: str
    kind: str
    facts: dict[str, Any]
    problems: list[str] = field(default_factory=list)


def check(what: str) -> Checked:
    """Check whatever the name stands for.

    Raises:
        WaysideError: it cannot even be read.
    """
    path = Path(what)
    if what in built_in_cities() or path.suffix == ".toml":
        return _check_city(what)
    if path.is_dir():
        return check_run(Run(path))
    if what.endswith(MAP_SUFFIXES):
        return _check_map(path)
    known = ", ".join((*sorted(built_in_cities()), "a city file *.toml", "a Run folder", *MAP_SUFFIXES))
    raise ConfigError(f"cannot tell what {what!r} is; known are: {known}")


def _check_city(what: str) -> Checked:
    city = read_city(what)
    facts: dict[str, Any] = {
        "name": city.header.name,
        "start": city.header.start,
        "world": city.world_kind,
        "steps": ", ".join(s.name for s in city.steps),
        **{type(table).__name__: len(table) for table in city.assets},
    }
    return Checked(what, "city", facts)


def _check_map(path: Path) -> Checked:
    road = read_map(path)
    facts = {
        "lanes": len(road.lanes),
        "lane_km": round(float(road.lanes.length[~road.lanes.internal].sum()) / 1000, 2),
        "connections": len(road.connections),
        "junctions": len(road.nodes),
        "controllers": len(road.controller_names),
    }
    return Checked(str(path), "map", facts, [] if len(road.lanes) else ["the map has no lanes"])


def check_run(run: Run) -> Checked:
    """Compute every tick's digest anew from the stored tables and compare, then the hash over all of them."""
    by_name = {kind.table_name: kind for kind in declared_tables().values()}
    named = [*run.manifest.get("given", []), *run.manifest.get("assets", []), *run.manifest.get("written", [])]
    problems = [f"table {n} is not known to this Wayside" for n in named if n not in by_name]
    problems += [] if run.manifest["complete"] else ["the Run was cut short; it is valid for the ticks it has"]
    kinds = [by_name[n] for n in named if n in by_name]
    whole, wrong = hashlib.blake2b(digest_size=16), 0
    for frame, digest in zip(run.frames(kinds), run.digests, strict=True):
        wrong += frame.digest() != digest
        whole.update(digest)
    if wrong:
        problems.append(f"{wrong} of {len(run.ticks)} ticks do not have the digest they were stored with")
    if whole.hexdigest() != run.hash:
        problems.append(f"the digests give the hash {whole.hexdigest()}, the manifest says {run.hash}")
    facts = {"ticks": len(run.ticks), "hash": run.hash, **run.manifest.get("rows", {})}
    return Checked(str(run.folder), "run", facts, problems)
