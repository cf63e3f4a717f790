"""From Orders to what SUMO does: advice, warnings, measures and charging limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wayside.energy.tables import Chargers
from wayside.frame import Frame
from wayside.guard.tables import ChargingOrders, MeasureOrders, SpeedOrders, Verdict, WarningOrders
from wayside.guidance.tables import Service
from wayside.membership import flags_of
from wayside.roadside.tables import Actors
from wayside.table import U64, Table
from wayside.worlds.areas import Areas
from wayside.worlds.drivers import DriverConfig, Drivers, Wish
from wayside.worlds.faults import Faults
from wayside.worlds.measures import Compliance
from wayside.worlds.readout import Readout, share_of
from wayside.worlds.tables import Truth

BRAKE_FOR = frozenset(
    {
        Service.FORWARD_COLLISION,
        Service.INTERSECTION_COLLISION,
        Service.VULNERABLE_ROAD_USER,
        Service.WRONG_WAY,
        Service.RED_LIGHT,
        Service.LEFT_TURN,
        Service.EMERGENCY_BRAKING,
        Service.CONTROL_LOSS,
    }
)
EASE_FOR = frozenset(
    {
        Service.HAZARD_AHEAD,
        Service.SPEED_LIMIT,
        Service.ABNORMAL_VEHICLE,
        Service.CONGESTION_AHEAD,
        Service.EMERGENCY_VEHICLE,
    }
)
OBEYED: frozenset[type[Table]] = frozenset({Actors, SpeedOrders, WarningOrders, ChargingOrders})
LIGHT_SEEN_M = 100.0  # how far away a driver who is told of a red light sees what it shows
RED_HOLD_NS = 500_000_000  # a light is looked at that often
LAST_LOOK_NS = 100_000_000  # before a driver would go on, the light is looked at again
SAID = flags_of((Verdict.APPROVED, Verdict.LIMITED))


class Actuation:
    """Carries out Orders, as far as those they are for can hear them and choose to follow.

    Args:
        sumo: the running simulation.
        areas: the zones.
        readout: knows the vehicles' names.
        chargers: the chargers, for their numbers.
        config: how drivers answer.
        dt_s: time between two decisions of SUMO's drivers [s].
    """

    def __init__(
        self,
        sumo: Any,
        areas: Areas,
        readout: Readout,
        chargers: Chargers,
        config: DriverConfig,
        dt_s: float,
    ) -> None:
        self._vehicle, self._readout, self._config = sumo.vehicle, readout, config
        self._drivers = Drivers(sumo, dt_s)
        self._compliance = Compliance(sumo, areas, readout, self._drivers, config)
        self._chargers = frozenset(chargers.charger.tolist())
        self._facing_red: dict[str, Wish] = {}  # drivers who were told of a red light that is still ahead
        self.limits_kw: dict[int, float] = {}

    def act(
        self,
        orders: Frame,
        heard: Sequence[Table],
        now_ns: int,
        truth: Truth,
        present: frozenset[str],
        faults: Faults,
    ) -> None:
        """Take in one tick's Orders.

        Args:
            orders: the frame; its Actors say which sender each subject is.
            heard: what vehicles understood of the messages sent.
            now_ns: now [ns].
            truth: every road user.
            present: names of the vehicles in the simulation.
            faults: says who obeys nothing.
        """
        for table in heard:
            if isinstance(table, MeasureOrders):
                self._compliance.hear(table, now_ns)
        self._compliance.apply(now_ns, truth, present, faults)
        actors = orders.get(Actors)
        if isinstance(actors, Actors):
            self._advise(orders.get(SpeedOrders), actors, now_ns, present, faults)
            self._warn(orders.get(WarningOrders), actors, now_ns, present, faults)
        charging = orders.get(ChargingOrders)
        if isinstance(charging, ChargingOrders):
            for charger, limit in zip(charging.charger.tolist(), charging.limit_kw.tolist(), strict=True):
                if charger in self._chargers and not np.isnan(limit):
                    self.limits_kw[charger] = limit
        self._face_red(now_ns, present)
        self._drivers.apply(now_ns, present)

    def _face_red(self, now_ns: int, present: frozenset[str]) -> None:
        """Let nobody who was told of a red light speed up again before it turns green or lies behind."""
        for name, wish in list(self._facing_red.items()):
            if name in present and wish.until_ns > now_ns + LAST_LOOK_NS:
                continue
            if name in present and wish.until_ns > now_ns and self._sees(name, "rR"):
                wish.until_ns = max(wish.until_ns, now_ns + RED_HOLD_NS)
            else:
                del self._facing_red[name]

    def _sees(self, name: str, colours: str) -> bool:
        """Tell whether the next light ahead of a driver is near and shows one of SUMO's colours."""
        lights = self._vehicle.getNextTLS(name)
        return bool(lights) and lights[0][2] < LIGHT_SEEN_M and lights[0][3] in colours

    def _names(self, subjects: U64, actors: Actors, present: frozenset[str]) -> Iterator[tuple[int, str]]:
        """Yield the row and the vehicle's name of each subject that hears: those bound to a sender that exists."""
        if not len(actors) or not len(subjects):
            return
        row = np.minimum(np.searchsorted(actors.id, subjects), len(actors) - 1)
        sender = np.where(actors.id[row] == subjects, actors.sender[row], np.uint64(0))
        for number, who in enumerate(sender.tolist()):
            name = self._readout.name_of.get(who)
            if name is not None and name in present:
                yield number, name

    def _advise(
        self, speeds: Table | None, actors: Actors, now_ns: int, present: frozenset[str], faults: Faults
    ) -> None:
        if not isinstance(speeds, SpeedOrders) or not len(speeds):
            return
        until_ns = now_ns + round(self._config.advice_hold_s * 1e9)
        given = speeds.take(SAID[speeds.verdict] & ~np.isnan(speeds.speed))
        for row, name in self._names(given.subject, actors, present):
            if share_of("advice", name) < self._config.advice_compliance and not faults.ignores(name):
                wish = Wish(float(given.speed[row]), self._config.gentle, until_ns)
                self._drivers.wish(name, "advice", wish)

    def _warn(
        self, warnings: Table | None, actors: Actors, now_ns: int, present: frozenset[str], faults: Faults
    ) -> None:
        if not isinstance(warnings, WarningOrders) or not len(warnings):
            return
        given = warnings.take(SAID[warnings.verdict])
        for row, name in self._names(given.subject, actors, present):
            if share_of("warning", name) >= self._config.warning_compliance or faults.ignores(name):
                continue
            brakes = given.service[row] in BRAKE_FOR
            if not brakes and given.service[row] not in EASE_FOR:
                continue  # it asks for no other speed, such as a sign or a lane that is taken
            at_red = given.service[row] == Service.RED_LIGHT
            if at_red and self._sees(name, "gG"):
                continue  # the driver looks up, and the light is green: the signal's message lies
            least, most = self._config.warned_reaction_min_s, self._config.warned_reaction_max_s
            from_ns = now_ns + round((least + (most - least) * share_of("startle", name)) * 1e9)
            until_ns = from_ns + round(self._config.warned_s * 1e9)
            if brakes:
                speed = self._config.warned_share * float(self._vehicle.getSpeed(name))
                wish = Wish(speed, self._config.firm, until_ns, from_ns)
                self._drivers.wish(name, "red" if at_red else "warning", wish, prolong=True)
                if at_red:
                    self._facing_red[name] = wish
            else:
                wish = Wish(self._eased(name, int(given.service[row])), self._config.gentle, until_ns, from_ns)
                self._drivers.wish(name, "care", wish)

    def _eased(self, name: str, service: int) -> float:
        """Return how fast a driver goes there who is asked for care, by how fast it would be unasked [m/s]."""
        usual = float(self._vehicle.getAllowedSpeed(name))
        if service == Service.SPEED_LIMIT:
            return usual / max(1.0, float(self._vehicle.getSpeedFactor(name)))
        return self._config.eased_share * usual
