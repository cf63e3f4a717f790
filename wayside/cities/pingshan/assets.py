"""What stands in the zone, as the part of its city file that depends on the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np

from wayside.admission.tables import Permits, VehicleClass
from wayside.cities import placing
from wayside.cities.pingshan.zone import Zone
from wayside.maps.road import RoadMap
from wayside.table import Table
from wayside.world import identity

CLASSES = {
    "robotaxi": VehicleClass.ROBOTAXI,
    "automated_bus": VehicleClass.BUS,
    "sweeper": VehicleClass.SWEEPER,
    "parcel_robot": VehicleClass.PARCEL_ROBOT,
    "container_truck": VehicleClass.CONTAINER_TRUCK,
}
HEAD = (
    "# Made by `python -m wayside.cities.pingshan.build` from zone.toml and the rule in placing.py; do not edit.\n"
)


def automated_names(zone: Zone) -> Iterator[tuple[str, VehicleClass]]:
    """Yield name and kind of each automated vehicle."""
    for kind, fleet in zone.fleets.items():
        for number in range(fleet.vehicles):
            yield f"{fleet.prefix}-{number + 1:02d}", CLASSES[kind]


def assets(zone: Zone, road: RoadMap) -> str:
    """Return the assets as TOML: placed by the rule, with the zone's own charging site, core and permits."""
    charging, authority = zone.charging, zone.authority
    x, y = zone.places[charging.junction]
    names, classes = zip(*automated_names(zone), strict=True)
    until = int(datetime.fromisoformat(authority.permits_until).timestamp()) * 1_000_000_000
    core_x, core_y = np.array([zone.signalised[name] for name in authority.core], np.float64).T
    own: list[Table] = [
        *placing.place_chargers(
            x, y, rated_kw=charging.rated_kw, limit_kw=charging.limit_kw, minimum_kw=charging.minimum_kw
        ),
        *placing.place_zones(road, core_x, core_y),
        placing.permits(names, classes, placing.PILOT_ZONE, until),
    ]
    tables = {type(table): table for table in (*placing.place(road), *own)}
    callers = {identity(name): name for name in names}
    return "\n".join([HEAD, *(_rows(table, callers) for table in tables.values())])


def _rows(table: Table, names: Mapping[int, str]) -> str:
    """Return a table as one TOML array, a row a line, vehicles by their names."""
    rows: list[dict[str, object]] = [{} for _ in range(len(table))]
    for column, values in table.arrays():
        for row, value in zip(rows, values.tolist(), strict=True):
            if value == table.columns[column].default:
                continue
            row[column] = names.get(value, value) if isinstance(table, Permits) and column == "sender" else value
    if names and isinstance(table, Permits):
        rows.sort(key=lambda row: str(row["sender"]))
    lines = ",\n".join("  { " + ", ".join(f"{k} = {_value(v)}" for k, v in row.items()) + " }" for row in rows)
    return f"{type(table).__name__} = [\n{lines},\n]\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else repr(value)
