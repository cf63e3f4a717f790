"""How automated vehicles comply with the measures they hear of: closed zones and speed caps."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.guard.tables import MeasureOrders
from wayside.table import Bool
from wayside.worlds.areas import Areas
from wayside.worlds.closures import PullOvers
from wayside.worlds.drivers import DriverConfig, Drivers, Wish
from wayside.worlds.faults import Faults
from wayside.worlds.readout import Readout, share_of
from wayside.worlds.tables import Truth

ENTRY_CHECK_NS = 1_000_000_000
ENTRY_EDGES = 2  # carriageways ahead that count as about to be entered
MOVING = 3.0  # m/s, of a vehicle that can become the offender
CREEP = 4.0  # m/s, while no place to stand has been found
WISH_NS = 500_000_000  # a cap lasts that long after the vehicle left the zone


class Compliance:
    """What measures are known, and what follows for each automated vehicle.

    Args:
        sumo: the running simulation.
        areas: the zones.
        readout: knows the vehicles' names.
        drivers: takes caps on speed.
        config: reaction and deceleration.
    """

    def __init__(self, sumo: Any, areas: Areas, readout: Readout, drivers: Drivers, config: DriverConfig) -> None:
        self._vehicle, self._areas, self._readout = sumo.vehicle, areas, readout
        self._drivers, self._config = drivers, config
        self._pull_overs = PullOvers(sumo)
        self._known: dict[int, tuple[int, int, float, bool, int]] = {}  # zone, classes, cap, closed, heard
        self._noticed: dict[str, int] = {}
        self._entering: dict[int, tuple[int, frozenset[str]]] = {}

    def hear(self, measures: MeasureOrders, now_ns: int) -> None:
        """Take in the measures in force as they were published."""
        for measure, zone, classes, cap, closed in zip(
            measures.measure.tolist(),
            measures.zone.tolist(),
            measures.classes.tolist(),
            measures.max_speed.tolist(),
            measures.closed.tolist(),
            strict=True,
        ):
            self._known[measure] = zone, classes, cap, closed, now_ns

    def apply(self, now_ns: int, truth: Truth, present: frozenset[str], faults: Faults) -> None:
        """Make every automated vehicle do what the measures ask of it."""
        hold_ns = round(self._config.measure_hold_s * 1e9)
        self._known = {number: one for number, one in self._known.items() if one[4] + hold_ns > now_ns}
        if not self._known:
            if self._pull_overs.held or self._noticed:
                self._pull_overs.release(self._pull_overs.held, present)
                self._noticed.clear()
                self._entering.clear()
            return
        automated = truth.take(truth.automated > 0)
        names = [self._readout.name_of[who] for who in automated.id.tolist()]
        bit = np.uint64(1) << automated.automated.astype(np.uint64)
        must_stand = np.zeros(len(names), np.bool_)
        for zone, classes, cap, closed, _ in self._known.values():
            concerned: Bool = (np.uint64(classes) & bit) != 0
            inside = concerned & self._areas.inside(zone, automated.x, automated.y)
            if closed:
                entering = concerned & self._about_to_enter(zone, names, now_ns)
                moving = automated.speed > MOVING
                driving_inside = inside & moving
                fit = driving_inside if driving_inside.any() else entering & moving
                self._offer_offender(now_ns, zone, fit, names, automated, faults)
                must_stand |= inside | entering
            if not np.isnan(cap):
                for row in np.flatnonzero(inside).tolist():
                    if not faults.ignores(names[row]) and self._has_reacted(names[row], now_ns):
                        wish = Wish(cap, self._config.gentle, now_ns + WISH_NS)
                        self._drivers.wish(names[row], "measure", wish)
        standing: set[str] = set()
        for row in np.flatnonzero(must_stand).tolist():
            name = names[row]
            standing.add(name)
            if faults.ignores(name) or not self._has_reacted(name, now_ns):
                continue
            if not self._pull_overs.halt(name, now_ns):
                self._drivers.wish(name, "closure", Wish(CREEP, self._config.gentle, now_ns + WISH_NS))
        # who has left the zone, or whose measure is over while another one stands, goes on
        self._pull_overs.release([name for name in self._pull_overs.held if name not in standing], present)

    def _offer_offender(
        self, now_ns: int, zone: int, moving: Bool, names: list[str], automated: Truth, faults: Faults
    ) -> None:
        """Let the one be chosen that will ignore this closure; it forgets the place it was to stand at."""
        if faults.offender is None:
            rows = np.flatnonzero(moving).tolist()
            chosen = faults.choose_offender(now_ns, zone, [(names[n], int(automated.automated[n])) for n in rows])
            if chosen is not None:
                self._pull_overs.release((chosen,), frozenset((chosen,)))

    def _has_reacted(self, name: str, now_ns: int) -> bool:
        least, most = self._config.reaction_min_s, self._config.reaction_max_s
        reaction_s = least + (most - least) * share_of("reaction", name)
        return now_ns - self._noticed.setdefault(name, now_ns) >= round(reaction_s * 1e9)

    def _about_to_enter(self, zone: int, names: list[str], now_ns: int) -> Bool:
        """Tell which vehicles have a carriageway of the zone close ahead; looked up once a second."""
        due_ns, entering = self._entering.get(zone, (now_ns, frozenset()))
        if now_ns >= due_ns:
            edges, vehicle = self._areas.edges(zone), self._vehicle
            found = set()
            for name in names:
                place = max(vehicle.getRouteIndex(name), 0)
                if not edges.isdisjoint(vehicle.getRoute(name)[place : place + 1 + ENTRY_EDGES]):
                    found.add(name)
            entering = frozenset(found)
            self._entering[zone] = now_ns + ENTRY_CHECK_NS, entering
        return np.array([name in entering for name in names], np.bool_)
