"""City files: what stands where, which steps run, and with which settings. Unknown keys are errors."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wayside.declared import declared_tables
from wayside.errors import WaysideError
from wayside.language import Language
from wayside.step import AnyStep, Step
from wayside.table import Table, TableError
from wayside.world import identity

HEADS = ("city", "world", "edge", "envelope", "steps", "include")  # parts of a city file that are no tables


class ConfigError(WaysideError):
    """A city file is wrong; the text says where, what was found, what was expected and how to mend it."""


class CityHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `[city]` part of a city file."""

    name: str
    title: dict[Language, str]
    start: str  # instant of the first tick, ISO 8601 with offset
    seconds: float = 600.0  # how long a Run lasts unless told otherwise
    tick: float = 0.1  # spacing of ticks [s]
    seed: int = 1
    origin: tuple[float, float] | None = None  # latitude, longitude [deg] for maps without georeference


@dataclass(frozen=True)
class City:
    """A city file, read and checked.

    Attributes:
        header: name, time and seed.
        world_kind: which World it is run with.
        world: that World's settings, still unread: the World's own struct reads them.
        edge: settings of the line between octets and tables, read by the edge, and its `kind`.
        envelope: settings of signing and verifying, read by the envelope, and its `kind`; that may be `none`.
        steps: the steps that run.
        settings: each step's settings, by its name.
        assets: what stands there, as far as the file says it.
        folder: where paths in the file begin.
        digest: hash of all that was read, for the manifest.
    """

    header: CityHeader
    world_kind: str
    world: Mapping[str, Any]
    edge: Mapping[str, Any]
    envelope: Mapping[str, Any]
    steps: tuple[AnyStep, ...]
    settings: Mapping[str, msgspec.Struct]
    assets: tuple[Table, ...]
    folder: Path
    digest: str

    @property
    def start_ns(self) -> int:
        """Instant of the first tick, nanoseconds since 1970 UTC."""
        return int(datetime.fromisoformat(self.header.start).timestamp() * 1000) * 1_000_000

    @property
    def tick_ns(self) -> int:
        """Spacing of ticks [ns]."""
        return round(self.header.tick * 1e9)

    def with_world(self, **changed: Any) -> City:
        """Return the city with some of its World's settings changed."""
        return replace(self, world={**self.world, **changed})

    def with_origin(self, latitude: float, longitude: float) -> City:
        """Return the city with the place [degrees] of its map's point 0, 0, for a map that does not say it."""
        return replace(self, header=msgspec.structs.replace(self.header, origin=(latitude, longitude)))


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """Return what is installed for one of the doors: steps, studies, worlds, edges, envelopes."""
    return {point.name: point for point in entry_points(group=f"wayside.{group}")}


def load_plugin(group: str, name: str) -> Any:
    """Return one plugin.

    Raises:
        ConfigError: there is none of that name; the text names the nearest.
    """
    known = plugins(group)
    if name not in known:
        raise ConfigError(f"no {group.rstrip('s')} {name!r} is installed; {_nearest(name, known)}")
    return known[name].load()


def _nearest(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(sorted(known))}"


def built_in_cities() -> dict[str, Path]:
    """Return the city files that come with Wayside, by name."""
    root = Path(str(files("wayside") / "cities"))
    found = {f.parent.name: f for f in sorted(root.glob("*/city.toml"))}
    return found


def asset_tables() -> dict[str, type[Table]]:
    """Return the tables a city file may fill, by class name."""
    return {
        name: kind for name, kind in declared_tables().items() if kind.asset and ".maps." not in kind.__module__
    }


def read_rows(kind: type[Table], rows: Sequence[Mapping[str, Any]], where: str) -> Table:
    """Make a table of rows written out in a file; names in a 64-bit identity column become identities.

    Raises:
        ConfigError: a row lacks a column or has one too many, or a value does not fit.
    """
    for number, row in enumerate(rows):
        for extra in row.keys() - kind.columns.keys():
            raise ConfigError(
                f"{where}: [[{kind.__name__}]] row {number + 1}: no column {extra!r}; "
                f"{_nearest(extra, kind.columns)}"
            )
        for missing in kind.columns.keys() - row.keys():
            if kind.columns[missing].default is None:
                raise ConfigError(f"{where}: [[{kind.__name__}]] row {number + 1}: column {missing!r} is missing")
    values: dict[str, Any] = {}
    for name, declared in kind.columns.items():
        cells = [row.get(name, declared.default) for row in rows]
        if declared.dtype == np.uint64:
            cells = [identity(c) if isinstance(c, str) else c for c in cells]
        try:
            values[name] = np.array(cells, declared.dtype)
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigError(
                f"{where}: [[{kind.__name__}]] column {name!r} holds {declared.dtype}: {error}"
            ) from error
    try:
        return kind(**values).canonical()
    except TableError as error:
        raise ConfigError(f"{where}: [[{kind.__name__}]]: {error}") from error


def convert(raw: Any, kind: type[msgspec.Struct], where: str) -> Any:
    """Read plain values into a struct.

    Raises:
        ConfigError: an unknown key, a missing one or a value of the wrong type.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_fields__)
        raise ConfigError(f"{where}: {error}; keys known there: {known}") from error


def read_city(source: str | Path) -> City:
    """Read a city: the name of a built-in one, or a path to a city file.

    Its parts may stand in the city file itself or in files it lists under `include`; none may stand twice.

    Raises:
        ConfigError: anything in it is wrong.
    """
    path = built_in_cities().get(str(source), Path(source))
    if not path.is_file():
        known = ", ".join(sorted(built_in_cities()))
        raise ConfigError(f"no city {str(source)!r}: neither a built-in one ({known}) nor a file")
    raw, came_from, digest = _with_includes(path)
    header = convert(raw.pop("city", {}), CityHeader, f"{path}: [city]")
    try:
        if datetime.fromisoformat(header.start).tzinfo is None:
            raise ValueError("no offset from UTC")
    except ValueError as error:
        raise ConfigError(
            f"{path}: [city] start = {header.start!r} is not an ISO 8601 instant with offset: {error}"
        ) from error
    world = dict(raw.pop("world", {}))
    kind = world.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(f"{path}: [world] needs kind, one of: {', '.join(plugins('worlds'))}")
    edge = {"kind": "v2x", **raw.pop("edge", {})}
    envelope = {"kind": "ydt3957", **raw.pop("envelope", {})}
    steps, settings = _read_steps(raw.pop("steps", {}), path)
    tables: list[Table] = []
    fillable = asset_tables()
    for name, rows in raw.items():
        where = str(came_from[name])
        if name not in fillable:
            raise ConfigError(f"{where}: unknown part {name!r}; {_nearest(name, [*fillable, *HEADS])}")
        tables.append(read_rows(fillable[name], rows, where))
    return City(header, kind, world, edge, envelope, steps, settings, tuple(tables), path.parent, digest)


def _with_includes(path: Path) -> tuple[dict[str, Any], dict[str, Path], str]:
    """Return a city file's parts and those of the files it includes, where each came from, and a hash of all."""
    raw = _read_toml(path)
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16)
    included = [path.parent / name for name in raw.pop("include", [])]
    came_from = dict.fromkeys(raw, path)
    for source in included:
        for name, part in _read_toml(source).items():
            if name in raw:
                raise ConfigError(f"{source}: the part {name!r} stands in {came_from[name]} too; keep one of them")
            raw[name], came_from[name] = part, source
        digest.update(source.read_bytes())
    return raw, came_from, digest.hexdigest()


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _read_steps(raw: Mapping[str, Any], path: Path) -> tuple[tuple[AnyStep, ...], dict[str, msgspec.Struct]]:
    """Return the steps that run and their settings; steps set by the same struct share what is given for one."""
    raw = dict(raw)
    names = raw.pop("run", [])
    steps: list[AnyStep] = []
    for name in names:
        found = load_plugin("steps", name)
        if not isinstance(found, Step):
            raise ConfigError(f"{path}: the plugin {name!r} is no step but {found!r}")
        steps.append(found)
    by_name = {s.name: s for s in steps}
    settings: dict[str, msgspec.Struct] = {}
    for name, values in raw.items():
        if name not in by_name:
            raise ConfigError(f"{path}: [steps.{name}] sets a step that does not run; {_nearest(name, by_name)}")
        struct = by_name[name].config
        if struct is None:
            raise ConfigError(f"{path}: [steps.{name}]: this step has no settings")
        settings[name] = convert(values, struct, f"{path}: [steps.{name}]")
    given = {type(struct): struct for struct in settings.values()}
    for one in steps:
        if one.config is not None and one.name not in settings:
            settings[one.name] = given.get(one.config) or one.config()
    return tuple(steps), settings
