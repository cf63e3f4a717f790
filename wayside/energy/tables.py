"""Chargers, sites and the power they share."""

from __future__ import annotations

from wayside.table import F64, I64, U16, Bool, Table, column


class Sites(Table, key=("site",), position=("x", "y"), asset=True):
    """Charging sites."""

    site: U16 = column("", "number of the site")
    x: F64 = column("m", "east of the city's origin", places=3)
    y: F64 = column("m", "north of the city's origin", places=3)
    limit_kw: F64 = column("kW", "power the site may draw from the grid", places=2)


class Chargers(Table, key=("charger",), asset=True):
    """Chargers of the sites."""

    charger: U16 = column("", "number of the charger")
    site: U16 = column("", "site it belongs to")
    rated_kw: F64 = column("kW", "greatest power it can give", places=2)
    minimum_kw: F64 = column("kW", "least power with which a session keeps going", places=2)


class ChargerStates(Table, key=("charger",)):
    """What chargers report; rows only in the tick a report arrives."""

    charger: U16 = column("", "number of the charger")
    time_ns: I64 = column("ns", "instant of the meter value")
    connected: Bool = column("", "a vehicle is plugged in and wants energy")
    wanted_kw: F64 = column("kW", "power the vehicle would take", places=2)
    power_kw: F64 = column("kW", "power metered", places=2)
    energy_kwh: F64 = column("kWh", "energy metered in this session", places=3)
    soc: F64 = column("", "state of charge of the vehicle, 0 to 1; NaN none", places=3)


class ChargingRequests(Table, key=("charger",), held=True):
    """How the site's power should be shared, beside the newest report of each charger that it follows from."""

    charger: U16 = column("", "number of the charger")
    site: U16 = column("", "site it belongs to")
    limit_kw: F64 = column("kW", "power it should be allowed", places=2)
    faulty: Bool = column("", "it does not obey and should be switched off")
    time_ns: I64 = column("ns", "instant of the newest report, 0 never")
    connected: Bool = column("", "a vehicle is plugged in and wants energy")
    wanted_kw: F64 = column("kW", "power the vehicle would take", places=2)
    power_kw: F64 = column("kW", "power metered", places=2)
    allowed_kw: F64 = column("kW", "most it may draw by now, as it slows; kept if faulty", places=2)
    above_since_ns: I64 = column("ns", "since when it draws more than allowed, 0 it does not; kept if faulty")
    worst_kw: F64 = column("kW", "most it drew while it did, 0 it did not; kept if faulty", places=2)
