"""An automated vehicle that goes on as if no measure had been heard, inside the zone it should leave."""

from __future__ import annotations

from typing import Any

from wayside.world import identity
from wayside.worlds.areas import Areas

CHECK_NS = 1_000_000_000
TRIES = 12  # destinations tried for one that can be reached inside the zone


class Offender:
    """Keeps one vehicle driving inside a zone by giving it new destinations there.

    Args:
        sumo: the running simulation.
        areas: the zones.
        name: the vehicle.
        zone: the zone.
        seed: of the Run.
    """

    def __init__(self, sumo: Any, areas: Areas, name: str, zone: int, seed: int) -> None:
        self._sumo, self._seed, self.name = sumo, seed, name
        self._edges = areas.edges(zone)
        self._next_ns = 0
        self._count = 0

    def drive(self, now_ns: int, present: frozenset[str]) -> bool:
        """Choose a new destination when the present route is about to end or to leave the zone.

        Returns:
            Whether its way stays inside for now.
        """
        if now_ns < self._next_ns or self.name not in present:
            return True
        self._next_ns = now_ns + CHECK_NS
        vehicle = self._sumo.vehicle
        here = vehicle.getRoadID(self.name)
        route, place = vehicle.getRoute(self.name), vehicle.getRouteIndex(self.name)
        ahead = route[place + 1 : place + 4]
        if len(ahead) == 3 and self._edges.issuperset(ahead):
            return True
        # inside a junction a route cannot be changed
        best = None if here.startswith(":") else self._way_inside(here)
        if best is None:
            return False
        for _ in vehicle.getStops(self.name):
            vehicle.replaceStop(self.name, 0, "")
        vehicle.setRoute(self.name, best)
        return True

    def _way_inside(self, here: str) -> tuple[str, ...] | None:
        """Return the longest of some routes to places in the zone, as far as it stays inside."""
        self._count += 1
        targets = sorted(
            self._edges - {here}, key=lambda e: identity(f"{self._seed} {self.name} {self._count} {e}")
        )
        best: tuple[str, ...] | None = None
        kind = self._sumo.vehicle.getTypeID(self.name)
        for target in targets[:TRIES]:
            try:
                edges = tuple(self._sumo.simulation.findRoute(here, target, kind).edges)
            except self._sumo.TraCIException:
                continue
            stays = 1
            while stays < len(edges) and edges[stays] in self._edges:
                stays += 1
            if stays > 2 and (best is None or stays > len(best)):
                best = edges[:stays]
        return best
