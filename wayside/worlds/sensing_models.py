"""The parameters of the sensor models: `sensors.toml` as records that kernels read, and as a table for people."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wayside.roadside.tables import SensorKind
from wayside.v2x.tables import Kind

KINDS = len(Kind)
SENSORS = tuple(sensor.name.lower() for sensor in SensorKind)
BY_CLASS = ("range_of", "taken_for")  # parameters that have a value for each class

Models = NDArray[np.void]  # one record per SensorKind, from `models`


class SensingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs from `sensors.toml`; parameters by their names there.

    >>> config = SensingConfig(every={"miss_near": 0.0}, camera={"gives_speed": 1.0})
    >>> table = models(config)
    >>> table["miss_near"].tolist(), table["gives_speed"].tolist()
    ([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0])
    """

    exact: bool = False  # no errors: what is in view and not hidden is seen as it is, with the usual delay
    every: dict[str, float] = {}  # for all kinds of sensors
    camera: dict[str, float] = {}  # and for one
    radar: dict[str, float] = {}
    lidar: dict[str, float] = {}
    radar_video: dict[str, float] = {}

    def __post_init__(self) -> None:
        known = [name for name in parameters() if name not in BY_CLASS]
        for given in (self.every, *(getattr(self, sensor) for sensor in SENSORS)):
            for name, value in given.items():
                if name not in known:
                    near = difflib.get_close_matches(name, known, 1)
                    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
                    raise ValueError(f"no sensor parameter {name!r}{hint}")
                if not 0.0 <= value < np.inf:
                    raise ValueError(f"sensor parameter {name} = {value} is not a finite number from 0 on")

    def _given(self) -> tuple[tuple[tuple[str, float], ...], ...]:
        return tuple(tuple(sorted({**self.every, **getattr(self, sensor)}.items())) for sensor in SENSORS)


@cache
def _file() -> Mapping[str, Any]:
    """Return what stands in `sensors.toml`."""
    found: dict[str, Any] = tomllib.loads(Path(__file__).with_name("sensors.toml").read_text("utf-8"))
    return found


def sources() -> Mapping[str, str]:
    """Return where figures come from, by the short name they are quoted by."""
    found: Mapping[str, str] = _file()["sources"]
    return found


@cache
def parameters() -> Mapping[str, Any]:
    """Return each parameter of the sensor models with unit, meaning, values by sensor and source."""
    return {name: part for name, part in _file().items() if name != "sources"}


def models(config: SensingConfig) -> Models:
    """Return the parameters of all sensor models: a record per `SensorKind`, in the order of its numbers.

    Its fields are those of `sensors.toml`. `range_of` has one value per `Kind`; `taken_for` has, per true `Kind`,
    the running sums of the shares of the classes it is taken for.
    """
    return _models(config.exact, config._given())


@cache
def _models(exact: bool, given: tuple[tuple[tuple[str, float], ...], ...]) -> Models:
    shapes: dict[str, tuple[int, ...]] = {"range_of": (KINDS,), "taken_for": (KINDS, KINDS)}
    made = np.zeros(len(SENSORS), np.dtype([(name, np.float64, shapes.get(name, ())) for name in parameters()]))
    for row, sensor in enumerate(SENSORS):
        for name, part in parameters().items():
            if name == "range_of":
                made[name][row] = [part[sensor].get(kind.name.lower(), 1.0) for kind in Kind]
            elif name == "taken_for":
                made[name][row] = np.cumsum(confusions(sensor), axis=1)
            else:
                made[name][row] = part["exact"] if exact and "exact" in part else part[sensor]
        for name, value in given[row]:
            made[name][row] = value
    made.flags.writeable = False
    return made


def confusions(sensor: str) -> NDArray[np.float64]:
    """Return, per true class and class believed, the share of wrong classes of a sensor.

    >>> confusions("radar_video")[Kind.PEDESTRIAN, Kind.BICYCLE]
    np.float64(1.0)
    """
    shares = np.zeros((KINDS, KINDS))
    for true, taken in parameters()["taken_for"][sensor].items():
        for believed, share in taken.items():
            shares[Kind[true.upper()], Kind[believed.upper()]] = share
    shares[:, Kind.UNKNOWN] += 1.0 - shares.sum(axis=1)
    return shares


def table() -> str:
    """Return the parameters as a Markdown table: what, unit, a value per sensor, sources."""
    lines = [
        "| parameter | what | unit | camera | radar | lidar | radar-video | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, part in parameters().items():
        if name == "taken_for":
            continue
        cells = [_cell(part[sensor]) for sensor in SENSORS]
        said = part["source"]
        told = [said] * len(SENSORS) if isinstance(said, str) else [said[sensor] for sensor in SENSORS]
        source = told[0] if len(set(told)) == 1 else ", ".join(told)
        lines.append(f"| `{name}` | {part['meaning']} | {part['unit']} | {' | '.join(cells)} | {source} |")
    return "\n".join(lines) + "\n"


def _cell(value: float | Mapping[str, float]) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{kind} {share:g}" for kind, share in value.items()) or "1"
    return f"{value:g}"
