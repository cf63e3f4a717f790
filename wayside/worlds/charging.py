"""A simulated charging site: vehicles that come, want power, and leave; chargers that obey, all but one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from wayside.energy.tables import Chargers, ChargerStates, Sites
from wayside.table import F64, U64, Bool
from wayside.worlds.draws import Stream, uniform

REPORT_NS = 1_000_000_000  # chargers send a meter value each whole second
TAPER_FROM = 0.8  # state of charge above which a battery takes less and less


class ChargingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Demand and batteries of the simulated site [own assumptions: cars, buses and trucks in a busy hour]."""

    occupied: float = 0.9  # share of chargers in use at the start
    gap_s: float = 60.0  # mean time a charger stands free between two vehicles
    stay_s: float = 600.0  # mean time a vehicle stays if its battery is not full earlier
    capacity_min_kwh: float = 50.0
    capacity_max_kwh: float = 300.0
    c_rate_min: float = 1.2  # power a battery takes, per kWh of capacity [1/h]
    c_rate_max: float = 2.5
    arrive_soc_min: float = 0.1
    arrive_soc_max: float = 0.85
    leave_soc: float = 0.95
    taper_end: float = 0.15  # share of its power a battery still takes when it is full
    ramp_s: float = 1.5  # time from nothing to rated power, and back


class ChargingPlant:
    """Chargers with vehicles at them; `step` moves time on.

    Meter and battery agree to the last digit: losses in cable and battery are not modelled.

    Args:
        sites: charging sites, for their numbers only.
        chargers: the chargers.
        seed: of the Run.
        config: demand and batteries.

    Raises:
        ValueError: a charger belongs to a site that is not there.
    """

    def __init__(
        self, sites: Sites, chargers: Chargers, *, seed: int, config: ChargingConfig | None = None
    ) -> None:
        unknown = np.setdiff1d(chargers.site, sites.site)
        if len(unknown):
            raise ValueError(f"chargers name the sites {unknown.tolist()}, which are not among the Sites")
        self._chargers, self._seed = chargers, seed
        self._config = config or ChargingConfig()
        count = len(chargers)
        self.session = np.zeros(count, np.uint64)
        self.capacity_kwh = np.full(count, np.nan)
        self.start_soc = np.full(count, np.nan)
        self.accepts_kw = np.zeros(count)
        self.energy_kwh = np.zeros(count)
        self.power_kw = np.zeros(count)
        self.connected: Bool = np.zeros(count, np.bool_)
        self._until_arrival = self._draw(0) * self._config.gap_s
        self._until_departure = np.zeros(count)
        self._rogue: int | None = None
        self._arrive(self._draw(1) < self._config.occupied)

    def _draw(self, purpose: int) -> F64:
        """Return a draw from [0, 1) per charger that belongs to its present session."""
        named: U64 = self._chargers.charger.astype(np.uint64) << np.uint64(32) | self.session
        return uniform(self._seed, Stream.CHARGING + purpose, named, 0)

    def _arrive(self, where: Bool) -> None:
        """Plug a new vehicle in where asked."""
        if not where.any():
            return
        setting = self._config
        self.session[where] += np.uint64(1)
        capacity = setting.capacity_min_kwh + self._draw(2) * (setting.capacity_max_kwh - setting.capacity_min_kwh)
        rate = setting.c_rate_min + self._draw(3) * (setting.c_rate_max - setting.c_rate_min)
        soc = setting.arrive_soc_min + self._draw(4) * (setting.arrive_soc_max - setting.arrive_soc_min)
        self.capacity_kwh[where] = capacity[where]
        self.accepts_kw[where] = (capacity * rate)[where]
        self.start_soc[where] = soc[where]
        self.energy_kwh[where] = 0.0
        self._until_departure[where] = ((0.2 + 1.6 * self._draw(6)) * self._config.stay_s)[where]
        self.connected[where] = True

    def _leave(self, where: Bool) -> None:
        """Unplug where asked; the contactor opens, so power is gone at once."""
        if not where.any():
            return
        self.connected[where] = False
        self.power_kw[where] = 0.0
        self.accepts_kw[where] = 0.0
        # mean of a uniform draw is half its span
        self._until_arrival[where] = (self._draw(5) * 2.0 * self._config.gap_s)[where]

    @property
    def soc(self) -> F64:
        """State of charge of each charger's vehicle, 0 to 1; NaN where there is none."""
        soc: F64 = np.where(self.connected, self.start_soc + self.energy_kwh / self.capacity_kwh, np.nan)
        return soc

    @property
    def wanted_kw(self) -> F64:
        """Power each vehicle would take from its charger [kW]; 0 where there is none."""
        slope = (1.0 - self._config.taper_end) / (1.0 - TAPER_FROM)
        share = np.clip(1.0 - slope * (self.soc - TAPER_FROM), self._config.taper_end, 1.0)
        wanted: F64 = np.where(self.connected, np.minimum(self.accepts_kw * share, self._chargers.rated_kw), 0.0)
        return wanted

    def _plant(self, rogue: int | None) -> None:
        """See to it that the charger that goes rogue has a vehicle that wants all it can give."""
        if rogue is not None and rogue != self._rogue:
            where = self._chargers.charger == rogue
            weak = where & (self.wanted_kw < self._chargers.rated_kw)
            self._arrive(weak)
            self.start_soc[weak] = self._config.arrive_soc_min
            self.capacity_kwh[weak] = self._config.capacity_max_kwh
            self.accepts_kw[weak] = np.maximum(self.accepts_kw, self._chargers.rated_kw)[weak]
            self._until_departure[where] = np.maximum(self._until_departure, self._config.stay_s)[where]
        self._rogue = rogue

    def step(self, time_ns: int, dt_s: float, limits_kw: Mapping[int, float], rogue: int | None) -> ChargerStates:
        """Move the site on and return what its chargers report.

        Args:
            time_ns: instant at the end of the step [ns].
            dt_s: length of the step [s].
            limits_kw: power each charger may draw [kW] by its number; one without an entry draws what it can.
            rogue: number of the charger that ignores its limit unless that is 0, which opens its contactor;
                None for none. When one goes rogue, a vehicle that wants its full power is plugged in.

        Returns:
            A row per charger where a whole second has passed, else no rows.
        """
        self._until_arrival = self._until_arrival - dt_s
        self._until_departure = self._until_departure - dt_s
        full = np.nan_to_num(self.soc) >= self._config.leave_soc
        self._leave(self.connected & (full | (self._until_departure <= 0.0)))
        self._arrive(~self.connected & (self._until_arrival <= 0.0))
        self._plant(rogue)
        rated = self._chargers.rated_kw
        names = self._chargers.charger
        limit = np.array([limits_kw.get(int(n), np.inf) for n in names])
        if rogue is not None:
            limit[(names == rogue) & (limit > 0.0)] = np.inf
        change = np.minimum(self.wanted_kw, np.maximum(limit, 0.0)) - self.power_kw
        reach = rated * dt_s / self._config.ramp_s
        after = self.power_kw + np.clip(change, -reach, reach)
        self.energy_kwh += 0.5 * (self.power_kw + after) * dt_s / 3600.0
        self.power_kw = after
        if time_ns // REPORT_NS == (time_ns - round(dt_s * 1e9)) // REPORT_NS:
            return ChargerStates.empty()
        return ChargerStates(
            charger=names,
            time_ns=np.full(len(names), time_ns),
            connected=self.connected.copy(),
            wanted_kw=self.wanted_kw,
            power_kw=self.power_kw.copy(),
            energy_kwh=np.where(self.connected, self.energy_kwh, 0.0),
            soc=self.soc,
        )
