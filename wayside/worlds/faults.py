"""Planted facts: what is made to go wrong in a simulated city, when and to whom, and the log of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np

from wayside.admission.tables import VehicleClass
from wayside.energy.tables import Chargers
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Poles
from wayside.table import F64, Table
from wayside.world import Event, identity
from wayside.worlds.areas import Areas
from wayside.worlds.forger import Forger
from wayside.worlds.lights import SignalHeads
from wayside.worlds.offender import Offender
from wayside.worlds.pole_faults import PlantedPoleFault, PoleFaults
from wayside.worlds.readout import Readout
from wayside.worlds.road_surface import RoadSurface, Stretch
from wayside.worlds.staging import Staging, StagingConfig
from wayside.worlds.stall import Stall
from wayside.worlds.tables import Impostors, Truth
from wayside.worlds.weather import FogSpell

Fault = Literal["fog", "offender", "signal", "pole", "forger", "impostor", "stall", "charger"]
T = TypeVar("T", bound=Table)
SECOND_NS = 1_000_000_000
CLOCK_SHIFTS = (0.5, 0.4, 0.6, 0.3)  # shares of a cycle a wrong controller clock may be ahead by
LEAST_CONTRADICTION = 0.35  # a shifted clock must contradict the real lights for at least that share of the time


class FaultConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which facts are planted, and when, in seconds from the first tick."""

    planted: tuple[Fault, ...] = ()
    fog_at_s: float = 240.0
    fog_until_s: float = 500.0  # it begins to lift
    fog_visibility: float = 120.0  # m
    fog_ramp_s: float = 20.0
    signal_at_s: float = 120.0
    pole_at_s: float = 90.0
    pole_turn_deg: float = 1.5
    forger_at_s: float = 180.0  # it holds certificates that are valid
    impostor_at_s: float = 60.0  # it has certificates of its own making
    stall_at_s: float = 300.0
    charger_at_s: float = 120.0
    incidents: StagingConfig = StagingConfig()
    road: tuple[Stretch, ...] = ()  # rough stretches, and works that shift traffic
    poles: tuple[PlantedPoleFault, ...] = ()  # faults of poles that are named, beside the drawn one of `pole`


def asset(assets: Iterable[Table], kind: type[T]) -> T:
    """Return the table of that class among a city's assets; one without rows if there is none."""
    return next((table for table in assets if isinstance(table, kind)), kind.empty())


class Faults:
    """Plants each fault in its time; targets are drawn from the seed among those where it can show.

    Attributes:
        fog: spells of fog.
        yaw_errors: turned poles, by number [rad].
        poles: faults of the poles that the settings name.
        road: rough stretches and works.
        rogue: number of the charger that does not obey, None so far.
        forger: the forger, None so far.
        impostor: a forger without valid certificates, None so far.
        offender: the vehicle that ignores measures, None so far.
        events: what was planted and has not been fetched.
    """

    def __init__(
        self,
        config: FaultConfig,
        *,
        sumo: Any,
        road: RoadMap,
        assets: Sequence[Table],
        areas: Areas,
        heads: SignalHeads,
        readout: Readout,
        seed: int,
        start_ns: int,
    ) -> None:
        self._config, self._sumo, self._road, self._seed, self._start_ns = config, sumo, road, seed, start_ns
        self._areas, self._heads, self._readout = areas, heads, readout
        self._poles, self._chargers = asset(assets, Poles).canonical(), asset(assets, Chargers).canonical()
        self.fog: list[FogSpell] = []
        self.yaw_errors: dict[int, float] = {}
        self.poles = PoleFaults(config.poles, self._poles, start_ns)
        self.rogue: int | None = None
        self.forger: Forger | None = None
        self.impostor: Forger | None = None
        self.offender: Offender | None = None
        self.events: list[Event] = []
        self._stall = Stall(sumo, road, self._poles, readout, seed)
        self.road = RoadSurface(config.road, road, start_ns)
        self._staging = Staging(
            config.incidents,
            sumo=sumo,
            road=road,
            poles=self._poles,
            readout=readout,
            seed=seed,
            start_ns=start_ns,
        )
        self._busy_controllers: F64 = np.zeros(len(road.controller_names))
        self._busy_poles: F64 = np.zeros(len(self._poles))
        plans: dict[Fault, tuple[float, Callable[[int, Truth], bool]]] = {
            "pole": (config.pole_at_s, self._turn_pole),
            "signal": (config.signal_at_s, self._shift_clock),
            "charger": (config.charger_at_s, self._free_charger),
            "forger": (config.forger_at_s, self._send_forger),
            "impostor": (config.impostor_at_s, self._send_impostor),
            "fog": (config.fog_at_s, self._bring_fog),
            "stall": (config.stall_at_s, self._stall_vehicle),
        }
        self._pending = [
            (self._instant(at_s), plant)
            for fault, (at_s, plant) in sorted(plans.items())
            if fault in config.planted
        ]

    def _instant(self, seconds: float) -> int:
        return self._start_ns + round(seconds * SECOND_NS)

    def step(self, now_ns: int, truth: Truth, present: frozenset[str]) -> None:
        """Plant what is due; what finds no target now is tried again at the next tick."""
        if self._pending and (now_ns - self._start_ns) % SECOND_NS == 0:
            self._count_traffic(truth)
        self._pending = [(due, plant) for due, plant in self._pending if due > now_ns or not plant(now_ns, truth)]
        self.events += self.poles.events(now_ns)
        if self.offender is not None:
            self.offender.drive(now_ns, present)

    def stage(self, now_ns: int, truth: Truth) -> Truth:
        """Let staged incidents go on; return the truth with what the simulation does not know of them."""
        shown = self.road.shown(self._staging.step(now_ns, truth), now_ns)
        self.events += self._staging.events
        self._staging.events = []
        return shown

    def _count_traffic(self, truth: Truth) -> None:
        lane = truth.lane[truth.lane >= 0]
        controller = self._road.lanes.controller[lane]
        if len(self._busy_controllers):
            self._busy_controllers += np.bincount(
                controller[controller >= 0], minlength=len(self._busy_controllers)
            )
        sending = truth.equipped & (truth.speed > 2.0)
        dx, dy = truth.x[sending, None] - self._poles.x, truth.y[sending, None] - self._poles.y
        self._busy_poles += (np.hypot(dx, dy) < self._poles.range).sum(axis=0)

    def _draw(self, what: str, candidates: Iterable[int], busy: F64) -> int | None:
        """Return one of the busier half of the candidates (indices), by seed; None if there are none."""
        ranked = sorted(candidates, key=lambda n: (-busy[n], n))
        half = ranked[: (len(ranked) + 1) // 2]
        return min(half, key=lambda n: identity(f"{self._seed} {what} {n}"), default=None)

    def log(self, fault: Fault, subject: int, from_ns: int, **facts: str | int | float | bool) -> None:
        """Note that a fault was planted."""
        self.events.append(
            Event(from_ns, "planted", {"fault": fault, "subject": subject, "from_ns": from_ns, **facts})
        )

    def _bring_fog(self, now_ns: int, truth: Truth) -> bool:
        if not self.fog:
            config = self._config
            until_ns = self._instant(config.fog_until_s)
            self.fog.append(FogSpell(now_ns, until_ns, config.fog_visibility, config.fog_ramp_s))
            self.log("fog", 0, now_ns, until_ns=until_ns, visibility=config.fog_visibility)
        if now_ns < self.fog[0].until_ns:
            return False
        self.events.append(Event(now_ns, "lifted", {"fault": "fog", "subject": 0}))
        return True

    def _turn_pole(self, now_ns: int, truth: Truth) -> bool:
        row = self._draw("pole", range(len(self._poles)), self._busy_poles)
        if row is not None:
            pole, yaw = int(self._poles.pole[row]), math.radians(self._config.pole_turn_deg)
            self.yaw_errors[pole] = yaw
            self.log("pole", pole, now_ns, yaw_error=yaw)
        return True

    def _shift_clock(self, now_ns: int, truth: Truth) -> bool:
        """Put a controller's published clock ahead; one in view of a pole that is in order, if there is one."""
        watched = {
            int(controller)
            for pole, controller in zip(self._poles.pole.tolist(), self._poles.controller.tolist(), strict=True)
            if controller >= 0 and pole not in self.yaw_errors
        }
        for candidates in (watched & set(self._heads.controllers), set(self._heads.controllers)):
            usable: dict[int, float] = {}
            for controller in sorted(candidates):
                table = self._heads.timetable(controller)
                wrong = {shift: table.contradiction(shift) for shift in CLOCK_SHIFTS} if table.fixed else {}
                shift = max(wrong, key=lambda s: wrong[s], default=0.0)
                if wrong.get(shift, 0.0) >= LEAST_CONTRADICTION:
                    usable[controller] = shift
            chosen = self._draw("signal", usable, self._busy_controllers)
            if chosen is not None:
                self._heads.shifts[chosen] = usable[chosen]
                self.log("signal", chosen, now_ns, shift=usable[chosen])
                return True
        return True

    def _send_forger(self, now_ns: int, truth: Truth) -> bool:
        self.forger = Forger(self._road, self._poles, self._seed)
        self.log("forger", self.forger.sender, now_ns, stands=self.forger.stands)
        return True

    def _send_impostor(self, now_ns: int, truth: Truth) -> bool:
        self.impostor = Forger(self._road, self._poles, self._seed, "impostor")
        self.log("impostor", self.impostor.sender, now_ns, stands=self.impostor.stands)
        return True

    def impostors(self) -> Impostors:
        """Return the senders whose certificates are of their own making."""
        if self.impostor is None:
            return Impostors.empty()
        return Impostors(sender=np.array([self.impostor.sender], np.uint64))

    def _free_charger(self, now_ns: int, truth: Truth) -> bool:
        row = self._draw("charger", range(len(self._chargers)), self._chargers.rated_kw)
        if row is not None:
            self.rogue = int(self._chargers.charger[row])
            self.log("charger", self.rogue, now_ns, site=int(self._chargers.site[row]))
        return True

    def _stall_vehicle(self, now_ns: int, truth: Truth) -> bool:
        """Choose a vehicle, then wait until it stands: that is when the fact begins."""
        stall = self._stall
        if stall.name is None:
            stall.choose(truth, (now_ns - self._instant(self._config.stall_at_s)) / SECOND_NS)
            return False
        who = identity(stall.name)
        row = np.flatnonzero(truth.id == np.uint64(who))
        if not len(row):
            stall.name = None  # it is gone; another one breaks down
            return False
        if truth.speed[row[0]] > 0.1:
            return False
        self.log(
            "stall",
            who,
            now_ns,
            x=float(truth.x[row[0]]),
            y=float(truth.y[row[0]]),
            equipped=bool(truth.equipped[row[0]]),
        )
        return True

    def choose_offender(self, now_ns: int, zone: int, concerned: Sequence[tuple[str, int]]) -> str | None:
        """Make one of the vehicles that drive in a closed zone the offender, a robotaxi if there is one.

        Args:
            now_ns: now [ns].
            zone: the zone.
            concerned: names and vehicle classes of those moving inside it, or else about to enter it.

        Returns:
            Its name; None if no offender is planted, if there is one already, or if none of these can stay inside.
        """
        if self.offender is not None or "offender" not in self._config.planted:
            return None
        drawn = sorted(
            concerned,
            key=lambda one: (one[1] != VehicleClass.ROBOTAXI, identity(f"{self._seed} offender {one[0]}")),
        )
        for name, _ in drawn:
            offender = Offender(self._sumo, self._areas, name, zone, self._seed)
            if offender.drive(now_ns, frozenset((name,))):
                self.offender = offender
                self.log("offender", identity(name), now_ns, zone=zone)
                return name
        return None

    def ignores(self, name: str) -> bool:
        """Tell whether a vehicle ignores measures."""
        return self.offender is not None and self.offender.name == name
