"""The simulated city: SUMO behind the door every World has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import numpy as np

from wayside.energy.tables import Chargers, ChargerStates, Sites
from wayside.frame import Frame
from wayside.guard.tables import MeasureOrders
from wayside.maps.road import RoadMap
from wayside.messages import Message, Messages
from wayside.roadside.tables import Detections, Poles, WeatherReadings, WeatherStations
from wayside.signals.tables import Signals
from wayside.table import Bool, Table
from wayside.v2x.tables import Reports
from wayside.world import Edge, Event, Intake
from wayside.worlds import onboard, sensing, weather
from wayside.worlds.actuation import OBEYED, Actuation
from wayside.worlds.areas import Areas
from wayside.worlds.charging import ChargingConfig, ChargingPlant
from wayside.worlds.drivers import DriverConfig
from wayside.worlds.engine import Engine, WorldError
from wayside.worlds.enrolment import enrolled
from wayside.worlds.faults import FaultConfig, Faults, asset
from wayside.worlds.lights import SignalHeads
from wayside.worlds.onboard import OnboardConfig
from wayside.worlds.readout import Readout
from wayside.worlds.sensing import SensingConfig
from wayside.worlds.tables import Truth

A = TypeVar("A", bound=Table)


class SumoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files (paths begin at the city's folder), traffic, field equipment, drivers and planted facts."""

    net: str
    routes: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    begin_s: float | None = None  # simulated second at which SUMO starts; not given: at the first departure
    warm_up: float = 120.0  # s of traffic before the first tick
    equipped_share: float = 0.3  # of ordinary motor vehicles send; automated ones always do
    automated_share: float = 0.0  # of ordinary cars are made robotaxis; for route files that know none
    action_step_s: float = 0.0  # SUMO's drivers decide that often; 0 at every tick
    demand_scale: float = 1.0  # traffic of the route files times that
    teleport_after_s: float = 300.0  # SUMO moves a vehicle on that has been stuck so long; negative never
    options: tuple[str, ...] = ()  # further options for SUMO, as on its command line
    sensing: SensingConfig = SensingConfig()
    onboard: OnboardConfig = OnboardConfig()
    charging: ChargingConfig = ChargingConfig()
    drivers: DriverConfig = DriverConfig()
    faults: FaultConfig = FaultConfig()
    rain_mm_per_h: float = 0.0  # that the poles look through; stations do not report it
    night: bool = False  # it is dark for the poles


def open_world(
    config: SumoConfig,
    *,
    folder: Path,
    seed: int,
    start_ns: int,
    tick_ns: int,
    seconds: float,
    road: RoadMap,
    assets: Sequence[Table],
    edge: Edge | None,
    shuffle_seed: int | None = None,
) -> SumoWorld:
    """Start SUMO and return the World around it.

    Args:
        config: what is simulated.
        folder: where relative paths in the config begin.
        seed: of everything drawn: SUMO's drivers, the field equipment's errors, the targets of planted facts.
        start_ns: instant of the first tick [ns].
        tick_ns: spacing of ticks, a whole number of milliseconds [ns].
        seconds: how long it goes on [s].
        road: the map of the same net.
        assets: poles, stations, chargers, zones and whatever else stands there.
        edge: makes messages of what vehicles and poles say; None gives their tables as they are.
        shuffle_seed: shuffles the rows of every table and the messages; for the proof that their order is nothing.

    Raises:
        WorldError: a file is missing, broken or of the wrong version, or a route names what the net does not have.
    """
    return SumoWorld(
        config,
        folder=folder,
        seed=seed,
        start_ns=start_ns,
        tick_ns=tick_ns,
        seconds=seconds,
        road=road,
        assets=assets,
        edge=edge,
        shuffle_seed=shuffle_seed,
    )


class SumoWorld:
    """SUMO as a World; see `open_world` for the arguments.

    What the city says is a tick on its way: `act` is carried out at the second poll after it.

    Attributes:
        engine: the simulation, for those who measure it.
        edge: the line between octets and tables, None where tables pass as they are.
        enrolled: names and classes of ordinary cars that are made automated, so that somebody can permit them.
    """

    lag_ticks = 1

    def __init__(
        self,
        config: SumoConfig,
        *,
        folder: Path,
        seed: int,
        start_ns: int,
        tick_ns: int,
        seconds: float,
        road: RoadMap,
        assets: Sequence[Table],
        edge: Edge | None,
        shuffle_seed: int | None = None,
    ) -> None:
        if tick_ns <= 0 or tick_ns % 1_000_000:
            raise WorldError(f"a tick of {tick_ns} ns is not a whole number of milliseconds, which SUMO counts in")
        self.road, self.assets = road, tuple(assets)
        self.start_ns, self.tick_ns = start_ns, tick_ns
        self.edge, self.speaks = edge, edge is not None
        own: set[type[Table]] = {Truth, Signals, WeatherReadings, ChargerStates}
        self.provides: frozenset[type[Table]] = frozenset(own if edge is not None else own | {Reports, Detections})
        self.obeys: frozenset[type[Table]] = OBEYED if edge is not None else OBEYED | {MeasureOrders}
        self._config, self._seed = config, seed
        self._now_ns = start_ns - tick_ns
        self._end_ns = start_ns + round(seconds * 1e9 / tick_ns) * tick_ns
        self._order = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
        routes = [folder / name for name in config.routes]
        self.enrolled = enrolled(routes, config.automated_share)
        self.engine = _start(config, folder, routes, seed, tick_ns)
        self._said: list[Event] = []
        self._told: list[tuple[Frame, Sequence[Message]]] = []  # by the city, and still on the way
        self._over = False
        try:
            self._furnish(seed)
        except BaseException:
            self.engine.close()
            raise

    def _furnish(self, seed: int) -> None:
        """Put up what stands in the city."""
        config, sumo, road, assets = self._config, self.engine.sumo, self.road, self.assets
        self._readout = Readout(
            sumo, road, equipped_share=config.equipped_share, automated_share=config.automated_share
        )
        self._heads = SignalHeads(sumo, road)
        self._poles = asset(assets, Poles).canonical()
        self._stations = asset(assets, WeatherStations).canonical()
        chargers = asset(assets, Chargers).canonical()
        self._plant = ChargingPlant(asset(assets, Sites).canonical(), chargers, seed=seed, config=config.charging)
        areas = Areas(assets, road)
        self._faults = Faults(
            config.faults,
            sumo=sumo,
            road=road,
            assets=assets,
            areas=areas,
            heads=self._heads,
            readout=self._readout,
            seed=seed,
            start_ns=self.start_ns,
        )
        decides_s = max(config.action_step_s, self.tick_ns / 1e9)
        self._actuation = Actuation(sumo, areas, self._readout, chargers, config.drivers, decides_s)
        self._truth = Truth.empty()
        self._reports, self._detections = _Air(Reports), _Air(Detections)

    def poll(self, until_ns: int) -> Intake | None:
        """Let the simulation go on to that instant and return what came in; None when it has ended.

        Raises:
            WorldError: the instant is not after the last one, or SUMO gave up.
        """
        if until_ns <= self._now_ns:
            raise WorldError(f"time only moves forward: {until_ns} ns is not after {self._now_ns} ns")
        if self._over or until_ns >= self._end_ns:
            self._finish()
            return None
        while self._now_ns < until_ns:
            self._obey(self._now_ns - self.lag_ticks * self.tick_ns)
            self._now_ns += self.tick_ns
            tables = self._tick(self._now_ns)
        messages = Messages.empty()
        if self.edge is not None:
            spoken = [table for table in tables if type(table) in (Reports, Detections)]
            tables = [table for table in tables if type(table) not in (Reports, Detections)]
            messages = self.edge.speak([*spoken, self._faults.impostors()], self._now_ns)
        if self._order is not None:
            tables = [table.take(self._order.permutation(len(table))) for table in tables]
            messages = messages.take(self._order.permutation(len(messages)))
        return Intake(self._now_ns, messages, tuple(tables))

    def _tick(self, now_ns: int) -> list[Table]:
        """Go on by one tick."""
        config, faults = self._config, self._faults
        before, tick_s = self._truth, self.tick_ns / 1e9
        self.engine.step()
        truth = self._truth = self._readout.read()
        self._present = frozenset(self._readout.names)
        faults.step(now_ns, truth, self._present)
        truth = self._truth = faults.stage(now_ns, truth)
        turning = onboard.turn_rate(before, truth, tick_s)
        rough = faults.road.index(truth, now_ns)
        said = onboard.report(
            truth, time_ns=now_ns, config=config.onboard, seed=self._seed, yaw_rate=turning, roughness=rough
        )
        reports = [said]
        forgers = [one for one in (faults.forger, faults.impostor) if one is not None]
        reports += [one.report(truth, now_ns) for one in forgers]
        scan = sensing.scan(
            truth,
            self._poles,
            time_ns=now_ns,
            visibility=weather.visibility(now_ns, faults.fog),
            rain_mm_per_h=config.rain_mm_per_h,
            night=config.night,
            yaw_errors=faults.yaw_errors,
            faults=faults.poles,
            config=config.sensing,
            seed=self._seed,
        )
        return [
            truth,
            self._heads.read(now_ns),
            self._reports.pass_on(reports, now_ns),
            self._detections.pass_on([scan], now_ns),
            weather.read(self._stations, time_ns=now_ns, start_ns=self.start_ns, fog=faults.fog, seed=self._seed),
            self._plant.step(now_ns, tick_s, self._actuation.limits_kw, faults.rogue),
        ]

    def act(self, orders: Frame, messages: Sequence[Message]) -> None:
        """Take in the Orders of the frame; with an edge, vehicles hear of measures by messages alone."""
        if not self._over:
            self._told.append((orders, messages))

    def _obey(self, until_ns: int) -> None:
        """Carry out what was ordered until then."""
        while self._told and self._told[0][0].time_ns <= until_ns:
            orders, messages = self._told.pop(0)
            if self._now_ns < self.start_ns:
                continue
            if self.edge is not None:
                heard = self.edge.hear(messages, orders.time_ns)
            else:
                measures = orders.get(MeasureOrders)
                heard = () if measures is None else (measures,)
            self._actuation.act(orders, heard, self._now_ns, self._truth, self._present, self._faults)

    def events(self) -> Sequence[Event]:
        """Return what was planted since the last call, and at the end what SUMO counted."""
        said = [*self._said, *self._faults.events]
        self._said, self._faults.events = [], []
        return said

    def _finish(self) -> None:
        if self._over:
            return
        self._over = True
        tally, warnings = self.engine.tally, self.engine.warnings()
        facts: dict[str, str | int | float | bool] = {
            "teleports": tally.teleports,
            "collisions": tally.collisions,
            "departed": tally.departed,
            "arrived": tally.arrived,
            "warnings": len(warnings),
        }
        if warnings:
            facts["first_warning"] = warnings[0]
        self._said.append(Event(self._now_ns, "simulated", facts))

    def close(self) -> None:
        """Stop SUMO; may be called twice."""
        self._finish()
        self.engine.close()


def _start(config: SumoConfig, folder: Path, routes: Sequence[Path], seed: int, tick_ns: int) -> Engine:
    """Start SUMO with the options that a World needs."""
    options = ["--time-to-teleport", str(config.teleport_after_s), *config.options]
    if config.demand_scale != 1.0:
        options += ["--scale", str(config.demand_scale)]
    if config.action_step_s * 1e9 > tick_ns:
        options += ["--default.action-step-length", str(config.action_step_s)]
    return Engine(
        net=folder / config.net,
        routes=routes,
        additional=[folder / name for name in config.additional],
        step_s=tick_ns / 1e9,
        seed=seed,
        begin_s=config.begin_s,
        warm_up_s=config.warm_up,
        options=options,
    )


class _Air(Generic[A]):
    """Holds back rows of a table with `received_ns` until then."""

    def __init__(self, kind: type[A]) -> None:
        self._kind, self._waiting = kind, kind.empty()

    def pass_on(self, sent: Sequence[A], now_ns: int) -> A:
        """Take in what was sent and return what has arrived by now."""
        fresh = self._kind.concatenate(list(sent))
        if not (fresh.__dict__["received_ns"] <= now_ns).any():
            due: Bool = self._waiting.__dict__["received_ns"] <= now_ns
            if (
                due.all()
            ):  # as ever, where messages take less than a tick: the last ones are there, the new ones not
                arrived, self._waiting = self._waiting, fresh
                return arrived
        every = self._kind.concatenate([self._waiting, fresh])
        there: Bool = every.__dict__["received_ns"] <= now_ns
        if there.all():
            self._waiting = self._kind.empty()
            return every
        self._waiting = every.take(~there)
        return every.take(there)
