"""An automated vehicle that goes on as if no measure had been heard, inside the zone it should leave."""

from __future__ import annotations

from typing import Any

from wayside.world import identity
from wayside.worlds.areas import Areas

CHECK_NS = 1_000_000_000
LEAST_EDGES = 3  # of a way worth taking; a shorter one would be over before the next look
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
        ahead = route[place + 1 : place + 1 + LEAST_EDGES]
        if len(ahead) == LEAST_EDGES and self._edges.issuperset(ahead):
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
        """Return the longest of some ways that stay inside; failing that, the one that comes back soonest."""
        self._count += 1
        targets = sorted(
            self._edges - {here}, key=lambda e: identity(f"{self._seed} {self.name} {self._count} {e}")
        )
        inside: tuple[str, ...] = ()
        returning: tuple[str, ...] = ()
        kind = self._sumo.vehicle.getTypeID(self.name)
        for target in targets[:TRIES]:
            try:
                edges = tuple(self._sumo.simulation.findRoute(here, target, kind).edges)
            except self._sumo.TraCIException:
                continue
            stays = 1
            while stays < len(edges) and edges[stays] in self._edges:
                stays += 1
            if stays >= LEAST_EDGES and stays > len(inside):
                inside = edges[:stays]
            if len(edges) >= LEAST_EDGES and (not returning or len(edges) < len(returning)):
                returning = edges
        return inside or returning or None
