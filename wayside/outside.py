"""What lies outside the steps of a city, the World and the line to it, as a description that can be opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from wayside.config import City, convert, load_plugin
from wayside.envelope import Envelope
from wayside.maps.road import RoadMap
from wayside.table import Table
from wayside.world import Edge, World


@dataclass(frozen=True)
class Outside:
    """Everything that opening the World and the edge of a city takes; it can be sent to another process.

    Attributes:
        name: of the city, for errors.
        world_kind: which World.
        world, edge, envelope: their settings as the city file has them; those of the last two with their `kind`.
        folder: where paths in the settings begin.
        seed: of all draws.
        start_ns, tick_ns: first tick and spacing of ticks.
        seconds: how long it will run.
        road: the map.
        assets: what stands there.
        shuffle_seed: if given, rows and messages come in an order drawn from it.
    """

    name: str
    world_kind: str
    world: Mapping[str, Any]
    edge: Mapping[str, Any]
    envelope: Mapping[str, Any]
    folder: Path
    seed: int
    start_ns: int
    tick_ns: int
    seconds: float
    road: RoadMap
    assets: tuple[Table, ...]
    shuffle_seed: int | None = None

    @classmethod
    def of(
        cls, city: City, road: RoadMap, assets: tuple[Table, ...], *, seed: int, seconds: float,
        shuffle_seed: int | None,
    ) -> Outside:  # fmt: skip
        """Take from a city file what concerns its outside."""
        return cls(
            city.header.name, city.world_kind, dict(city.world), dict(city.edge), dict(city.envelope), city.folder,
            seed, city.start_ns, city.tick_ns, seconds, road, assets, shuffle_seed,
        )  # fmt: skip

    def open_edge(self) -> Edge:
        """Return the line between octets and tables, with what signs and verifies.

        Two edges opened of one description are interchangeable: neither knows what the other has said or heard.
        """
        settings = dict(self.envelope)
        kind = settings.pop("kind")
        envelope: Envelope | None = None
        if kind != "none":
            open_envelope = load_plugin("envelopes", kind)
            config = self._settings("envelope", settings, open_envelope)
            envelope = open_envelope(
                config,
                seed=self.seed,
                start_ns=self.start_ns,
                seconds=self.seconds,
                road=self.road,
                assets=self.assets,
            )
        settings = dict(self.edge)
        open_edge = load_plugin("edges", settings.pop("kind"))
        edge: Edge = open_edge(self._settings("edge", settings, open_edge), self.road, self.assets, envelope)
        return edge

    def open_world(self, edge: Edge | None) -> World:
        """Start the World; `edge` makes octets of what is said there.

        Raises:
            ConfigError: the settings are wrong.
        """
        opener = load_plugin("worlds", self.world_kind)
        world: World = opener(
            self._settings("world", self.world, opener),
            folder=self.folder,
            seed=self.seed,
            start_ns=self.start_ns,
            tick_ns=self.tick_ns,
            seconds=self.seconds,
            road=self.road,
            assets=self.assets,
            edge=edge,
            shuffle_seed=self.shuffle_seed,
        )
        return world

    def _settings(self, part: str, raw: Mapping[str, Any], opener: Any) -> Any:
        """Return the settings of a part as the struct that what opens it asks for."""
        return convert(dict(raw), get_type_hints(opener)["config"], f"{self.name}: [{part}]")
