"""A case as a World: actors move along their paths; poles, on-board units and signals say what they make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from wayside.energy.tables import ChargerStates
from wayside.frame import Frame
from wayside.maps.road import RoadMap
from wayside.messages import Message, Messages
from wayside.roadside.tables import Detections, Poles, SensorKind, WeatherReadings
from wayside.signals.tables import Signals
from wayside.table import F64, I64, Table
from wayside.v2x.tables import Reports, VehicleEvent
from wayside.world import Edge, Event, Intake, identity
from wayside.worlds import onboard, sensing
from wayside.worlds.air import Air
from wayside.worlds.case_actors import columns_of, equipped
from wayside.worlds.case_file import Case, CaseError, Pole
from wayside.worlds.case_paths import path_of
from wayside.worlds.case_requests import CaseRequests
from wayside.worlds.case_signals import CaseSignals
from wayside.worlds.onboard import OnboardConfig
from wayside.worlds.sensing import SensingConfig
from wayside.worlds.tables import Truth

START_NS = 1_772_409_000_000_000_000  # 2026-03-02 07:50 in Shenzhen
TICK_NS = 100_000_000
STATED_SIGMA_M = 0.3  # what exact poles and vehicles say of their positions
POLE_RANGE_M = 200.0  # of the pole that stands at the origin where the case names none
READING_NS = 10_000_000_000
MOST_YAW_RATE = 2.0  # rad/s; corners of poses would turn faster
EXACT_ONBOARD = OnboardConfig(
    bias_sigma_m=0.0,
    white_sigma_m=0.0,
    speed_sigma=0.0,
    heading_sigma=0.0,
    heading_slow_sigma=0.0,
    yaw_rate_sigma=0.0,
    loss=0.0,
)
EXACT_SENSING = SensingConfig(exact=True)
BLOCK = 64  # ticks whose positions are worked out together


class CaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Errors of field equipment in cases that are not exact."""

    sensing: SensingConfig = SensingConfig()
    onboard: OnboardConfig = OnboardConfig()


def poles_of(case: Case, turn: float) -> Poles:
    """Return the poles of a case; where it names none and somebody does not send, one at the origin."""
    poles = case.poles
    if poles is None:
        poles = () if all(equipped(actor) for actor in case.actors) else (Pole(0.0, 0.0, POLE_RANGE_M),)
    if not poles:
        return Poles.empty()
    x, y = np.array([pole.x for pole in poles]), np.array([pole.y for pole in poles])
    facing = np.array([pole.facing for pole in poles])
    return Poles(
        pole=np.arange(1, len(poles) + 1, dtype=np.uint16),
        x=np.cos(turn) * x - np.sin(turn) * y,
        y=np.sin(turn) * x + np.cos(turn) * y,
        range=np.array([pole.range for pole in poles]),
        position_sigma=np.full(len(poles), STATED_SIGMA_M),
        controller=np.full(len(poles), -1),
        sensor=np.array([SensorKind[pole.sensor.upper()] for pole in poles]),
        facing=(np.deg2rad(facing) + turn + np.pi) % (2.0 * np.pi) - np.pi,
        field_of_view=np.deg2rad([pole.field_of_view for pole in poles]),
        height=np.array([pole.height for pole in poles]),
    )


def _with_defaults(kind: type[Any], /, **columns: Any) -> Any:
    """Make a table; columns that are not given have their default, else 0, floats NaN for unknown."""
    rows = len(next(iter(columns.values())))
    for name, declared in kind.columns.items():
        if name not in columns:
            blank = np.nan if declared.dtype.kind == "f" else 0
            blank = blank if declared.default is None else declared.default
            columns[name] = np.full((rows, *declared.shape), blank, declared.dtype)
    return kind(**columns)


class CaseWorld:
    """A case behind the World contract.

    Args:
        case: what happens.
        road: its map.
        assets: what stands there, the poles of `poles_of` among it.
        edge: makes messages of what vehicles and poles say; None gives their tables as they are.
        config: errors of field equipment.
        start_ns, tick_ns: first tick and spacing [ns].

    Attributes:
        paths: way of each actor, in the case's order.
        names: names of the actors by identity.
        poles: the poles that see.
        truth: who was where at the last tick.
        seconds: how long the case lasts [s].

    Raises:
        CaseError: a lane or a signal group that the map does not have.
    """

    def __init__(
        self,
        case: Case,
        *,
        road: RoadMap,
        assets: Sequence[Table],
        edge: Edge | None,
        config: CaseConfig | None = None,
        start_ns: int = START_NS,
        tick_ns: int = TICK_NS,
    ) -> None:
        self.case, self.road, self.assets, self.edge = case, road, tuple(assets), edge
        self.start_ns, self.tick_ns, self.speaks = start_ns, tick_ns, edge is not None
        self.obeys: frozenset[type[Table]] = frozenset()
        self.lag_ticks = 0
        own: set[type[Table]] = {Truth, Signals, WeatherReadings, ChargerStates}
        self.provides: frozenset[type[Table]] = frozenset(own if self.speaks else own | {Reports, Detections})
        turn = float(np.deg2rad(case.rotate))
        self.paths = [path_of(a, road, turn, case.seconds, f"actors[{n}]") for n, a in enumerate(case.actors)]
        ends = [path.until if np.isfinite(path.until) else float(path.times[-1]) for path in self.paths]
        self.seconds = case.seconds if case.seconds is not None else max(ends)
        self.names = {identity(actor.name): actor.name for actor in case.actors}
        self.truth = Truth.empty()
        self._config = config or CaseConfig()
        self.poles = next((table for table in assets if isinstance(table, Poles)), Poles.empty())
        self._fixed = columns_of(case.actors)
        self._signals = CaseSignals(case, road, start_ns)
        self._requests = CaseRequests(case, road, start_ns)
        self._reports, self._detections = Air(Reports), Air(Detections)
        self._now_ns = start_ns - tick_ns
        self._block_first, self._block = -BLOCK, np.empty((5, 0, 0))
        self._end_ns = start_ns + round(self.seconds * 1e9)

    @property
    def ticks(self) -> int:
        """How many ticks the case has."""
        return (self._end_ns - self.start_ns) // self.tick_ns + 1

    def poll(self, until_ns: int) -> Intake | None:
        """Go on to that instant and return what came in; None when the case is over.

        Raises:
            CaseError: the instant is not after the last one.
        """
        if until_ns <= self._now_ns:
            raise CaseError(f"time only moves forward: {until_ns} ns is not after {self._now_ns} ns")
        if until_ns > self._end_ns:
            return None
        self._now_ns = until_ns
        now_ns = until_ns
        before = self.truth
        truth = self.truth = self._read((now_ns - self.start_ns) // self.tick_ns)
        turning = onboard.turn_rate(before, truth, self.tick_ns / 1e9)
        reports = self._reports.pass_on([self._report(truth, now_ns, turning)], now_ns)
        detections = self._detections.pass_on([self._scan(truth, now_ns)], now_ns)
        tables: list[Table] = [truth, self._signals.read(now_ns), self._weather(now_ns), ChargerStates.empty()]
        messages = Messages.empty()
        if self.edge is not None:
            messages = self.edge.speak([reports, detections, self._requests.read(now_ns, truth)], now_ns)
        else:
            tables += [reports, detections]
        return Intake(now_ns, messages, tuple(tables))

    def act(self, orders: Frame, messages: Sequence[Message]) -> None:
        """Do nothing: actors keep to their paths whatever they are told."""

    def events(self) -> Sequence[Event]:
        """Return nothing: nothing happens beside the tables."""
        return ()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _read(self, tick: int) -> Truth:
        """Return who is where."""
        if not self._block_first <= tick < self._block_first + BLOCK:
            self._block_first, self._block = tick, self._places(tick + np.arange(BLOCK))
        values = self._block[:, :, tick - self._block_first]
        here = np.flatnonzero(values[0] == values[0])
        if not len(here):
            return Truth.empty()
        x, y, heading, speed, acceleration = values[:, here]
        lane = self.road.match(x, y, heading).lane
        made: Truth = _with_defaults(
            Truth,
            **{name: column[here] for name, column in self._fixed.items()},
            x=x,
            y=y,
            heading=heading,
            speed=speed,
            acceleration=acceleration,
            lane=lane,
        )
        return made.in_order()

    def _places(self, ticks: I64) -> F64:
        """Return x, y, heading, speed and acceleration of each actor at each tick; NaN where it is not there."""
        t: F64 = ticks.astype(np.float64) * (self.tick_ns / 1e9)
        places = np.full((5, len(self.paths), len(ticks)), np.nan)
        for n, path in enumerate(self.paths):
            there = path.there(t)
            if there.any():
                x, y, heading = path.at(t[there])
                heading = (heading + np.pi) % (2.0 * np.pi) - np.pi
                places[:, n, there] = x, y, heading, path.speed(t[there]), path.acceleration(t[there])
        return places

    def _report(self, truth: Truth, now_ns: int, turning: Any) -> Reports:
        config = EXACT_ONBOARD if self.case.exact else self._config.onboard
        turning = np.clip(turning, -MOST_YAW_RATE, MOST_YAW_RATE)
        said = onboard.report(truth, time_ns=now_ns, config=config, seed=self.case.seed, yaw_rate=turning)
        if self.case.exact:
            said = said.replace(position_sigma=np.full(len(said), STATED_SIGMA_M))
        flags = self._flags((now_ns - self.start_ns) / 1e9)
        if flags and len(said):
            added = np.array([flags.get(sender, 0) for sender in said.sender.tolist()], np.uint16)
            said = said.replace(events=said.events | added)
        return said

    def _flags(self, t: float) -> dict[int, int]:
        """Return the safety events that actors tell at an instant, as bits by identity."""
        flags: dict[int, int] = {}
        for actor in self.case.actors:
            for event in actor.events:
                if event.t - 1e-9 <= t < event.t + event.seconds - 1e-9:
                    flags[identity(actor.name)] = (
                        flags.get(identity(actor.name), 0) | VehicleEvent[event.kind.upper()]
                    )
        return flags

    def _scan(self, truth: Truth, now_ns: int) -> Detections:
        if not len(self.poles):
            return Detections.empty()
        weather = self.case.weather
        return sensing.scan(
            truth,
            self.poles,
            time_ns=now_ns,
            visibility=weather.visibility,
            rain_mm_per_h=weather.rain,
            night=weather.night,
            config=EXACT_SENSING if self.case.exact else self._config.sensing,
            seed=self.case.seed,
        )

    def _weather(self, now_ns: int) -> WeatherReadings:
        """Return what the station at the origin reads, once in ten seconds."""
        if (now_ns - self.start_ns) % READING_NS:
            return WeatherReadings.empty()
        said = self.case.weather
        made: WeatherReadings = _with_defaults(
            WeatherReadings,
            station=[1],
            time_ns=[now_ns],
            x=[0.0],
            y=[0.0],
            visibility=[min(max(said.visibility, 10.0), 20_000.0)],
            rain_mm_per_h=[said.rain],
            wind=[said.wind],
            temperature_c=[said.temperature],
            surface_c=[said.surface],
        )
        return made
