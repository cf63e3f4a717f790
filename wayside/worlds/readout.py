"""Reading the state of every vehicle and person out of SUMO, one column at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wayside.admission.tables import VehicleClass
from wayside.maps.road import RoadMap
from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.tables import Truth

KIND_OF_CLASS = {
    **dict.fromkeys(("bus", "coach"), Kind.BUS),
    **dict.fromkeys(("truck", "trailer"), Kind.TRUCK),
    **dict.fromkeys(("motorcycle", "moped", "scooter"), Kind.MOTORCYCLE),
    "bicycle": Kind.BICYCLE,
    "pedestrian": Kind.PEDESTRIAN,
    **dict.fromkeys(
        ("passenger", "private", "taxi", "hov", "evehicle", "delivery", "emergency", "authority", "army", "vip"),
        Kind.CAR,
    ),
    **dict.fromkeys(("custom1", "custom2", "ignoring"), Kind.CAR),
}  # SUMO's vehicle classes; those not named here (rail, ship, aircraft) are unknown

AUTOMATED_TYPES = {
    "robotaxi": VehicleClass.ROBOTAXI,
    "automated_bus": VehicleClass.BUS,
    "sweeper": VehicleClass.SWEEPER,
    "parcel_robot": VehicleClass.PARCEL_ROBOT,
    "container_truck": VehicleClass.CONTAINER_TRUCK,
}  # vehicle types of the route files that are automated


# what SUMO counts in each step of vehicles, and of persons, that it begins or ceases to list
VEHICLES_MOVED = (
    "Departed",
    "Arrived",
    "StartingTeleport",
    "EndingTeleport",
    "ParkingStartingVehicles",
    "ParkingEndingVehicles",
)
PERSONS_MOVED = ("DepartedPerson", "ArrivedPerson")

GROUND_S = 1.0  # time constant with which speed over ground follows the lane's shape
GROUND_FROM = 2.0  # m/s; slower motion says nothing of the shape
MOST_OFF_GROUND = 0.5  # whoever comes farther or less far than that turned on the spot or changed lanes


def share_of(purpose: str, name: str) -> float:
    """Return a number in [0, 1) that this name always has for this purpose.

    >>> round(share_of("equipped", "car-1"), 3) == round(share_of("equipped", "car-1"), 3)
    True
    """
    return identity(f"{purpose} {name}") / 2.0**64


def person_identity(name: str) -> int:
    """Return the identity of a person, who may have the name of a vehicle."""
    return identity(f"person {name}")


def over_ground(now: Truth, before: Truth, ratio: F64, step_s: float) -> F64:
    """Return, for each row of `now`, how far a vehicle comes over ground for each metre that SUMO counts.

    SUMO counts along a lane by the length its file states and draws the vehicle at that share of the lane's shape.
    Where the two differ, as they do between the lanes of a bend, it comes along faster or slower than its speed.
    The ratio follows what is seen over `GROUND_S`, as the lanes of a map join abruptly and vehicles do not.

    Args:
        now: the road users, with SUMO's speeds, in order of identity.
        before: the same one step earlier; its speeds are not read.
        ratio: what this function returned for `before`.
        step_s: time between both [s].

    Limits: 1 for those who are new; below `GROUND_FROM` it stays as it is; a sideways jump to the next lane does
    not count.
    Reference: SUMO, MSLane::interpolateLanePosToGeometryPos.

    >>> over_ground(Truth.empty(), Truth.empty(), np.empty(0), 0.1)
    array([], dtype=float64)
    """
    if not (len(now) and len(before)):
        return np.ones(len(now))
    place = np.minimum(np.searchsorted(before.id, now.id), len(before) - 1)
    known = before.id[place] == now.id
    kept = np.where(known, ratio[place], 1.0)
    ahead = (now.x - before.x[place]) * np.cos(now.heading) + (now.y - before.y[place]) * np.sin(now.heading)
    rolls = known & (now.speed > GROUND_FROM)
    off = np.divide(ahead, now.speed * step_s, out=np.zeros(len(now)), where=rolls) - kept
    return kept + step_s / GROUND_S * np.where(rolls & (np.abs(off) < MOST_OFF_GROUND), off, 0.0)


class _Lanes(dict[str, int]):
    """Lane names to indices of the map; -1 for a lane the map does not have."""

    def __missing__(self, name: str) -> int:
        return -1


class _Register(dict[str, int]):
    """Names to rows of facts that never change; a name that is new is looked up in SUMO once."""

    def __init__(self, facts: Callable[[str], tuple[int, int, float, float, bool, int]]) -> None:
        super().__init__()
        self._facts = facts
        self.id: U64 = np.zeros(256, np.uint64)
        self.kind: U8 = np.zeros(256, np.uint8)
        self.length: F64 = np.zeros(256)
        self.width: F64 = np.zeros(256)
        self.equipped: Bool = np.zeros(256, np.bool_)
        self.automated: U8 = np.zeros(256, np.uint8)

    def __missing__(self, name: str) -> int:
        row = len(self)
        if row == len(self.id):
            self.id, self.kind = np.resize(self.id, 2 * row), np.resize(self.kind, 2 * row)
            self.length, self.width = np.resize(self.length, 2 * row), np.resize(self.width, 2 * row)
            self.equipped, self.automated = np.resize(self.equipped, 2 * row), np.resize(self.automated, 2 * row)
        who, kind, length, width, equipped, automated = self._facts(name)
        self.id[row], self.kind[row], self.length[row], self.width[row] = who, kind, length, width
        self.equipped[row], self.automated[row] = equipped, automated
        self[name] = row
        return row


class Readout:
    """Reads everything that moves; one simulation's lifetime.

    Positions become those of body centres (SUMO gives front bumpers), angles mathematical ones, speeds those over
    ground (SUMO's are along the lane, see `over_ground`).

    Args:
        sumo: the running simulation.
        road: the map, for the indices of lanes.
        equipped_share: share of ordinary motor vehicles that send; automated ones always do.
        automated_share: share of ordinary cars that are made robotaxis, for route files that know none.

    Attributes:
        names: of the vehicles in the last `read`, in SUMO's order.
        name_of: name of each vehicle ever read, by its identity.
    """

    def __init__(self, sumo: Any, road: RoadMap, *, equipped_share: float, automated_share: float) -> None:
        self._sumo, self._equipped_share, self._automated_share = sumo, equipped_share, automated_share
        self._lanes = _Lanes(zip(road.lane_names, range(len(road.lane_names)), strict=True))
        self._vehicles = _Register(self._vehicle_facts)
        self._persons = _Register(self._person_facts)
        self._reads = _Getters(sumo.libsumo._libsumo, "vehicle")
        self._person_reads = _Getters(sumo.libsumo._libsumo, "person")
        self._rides = sumo.libsumo._libsumo.person_getVehicle  # for the same reason as in `_Getters`
        functions = sumo.libsumo._libsumo
        self._count = functions.vehicle_getIDCount
        self._vehicles_moved = [getattr(functions, f"simulation_get{what}Number") for what in VEHICLES_MOVED]
        self._persons_moved = [getattr(functions, f"simulation_get{what}Number") for what in PERSONS_MOVED]
        self.names: tuple[str, ...] = ()
        self._fresh = True  # nobody has been listed yet
        self._vehicle_rows, self._person_rows = _Rows((), self._vehicles), _Rows((), self._persons)
        self.name_of: dict[int, str] = {}
        self._before, self._ratio = Truth.empty(), np.empty(0)
        self._step_s = sumo.simulation.getDeltaT()

    def _vehicle_facts(self, name: str) -> tuple[int, int, float, float, bool, int]:
        vehicle = self._sumo.vehicle
        kind = KIND_OF_CLASS.get(vehicle.getVehicleClass(name), Kind.UNKNOWN)
        # a vehicle given a property of its own has a type of its own, named type@vehicle
        automated = AUTOMATED_TYPES.get(vehicle.getTypeID(name).split("@")[0], VehicleClass.NONE)
        if not automated and kind == Kind.CAR and share_of("automated", name) < self._automated_share:
            automated = VehicleClass.ROBOTAXI
        motor = kind in (Kind.CAR, Kind.BUS, Kind.TRUCK, Kind.MOTORCYCLE)
        equipped = bool(automated) or (motor and share_of("equipped", name) < self._equipped_share)
        who = identity(name)
        self.name_of[who] = name
        return who, kind, vehicle.getLength(name), vehicle.getWidth(name), equipped, automated

    def _person_facts(self, name: str) -> tuple[int, int, float, float, bool, int]:
        person = self._sumo.person
        length, width = person.getLength(name), person.getWidth(name)
        return person_identity(name), Kind.PEDESTRIAN, max(length, 0.3), max(width, 0.3), False, VehicleClass.NONE

    def read(self) -> Truth:
        """Return all vehicles and all persons on foot, in order of identity.

        SUMO does not list a vehicle that has left its parking place and waits for a gap to enter the lane. It is
        still there: its last row is kept until it is listed again or has arrived.
        """
        truth, before = self._listed(), self._before
        ratio = over_ground(truth, before, self._ratio, self._step_s)
        truth = truth.replace(speed=truth.speed * ratio)
        parked = np.flatnonzero((before.lane < 0) & (before.speed == 0.0) & (before.kind != Kind.PEDESTRIAN))
        if len(parked):
            place = np.minimum(np.searchsorted(truth.id, before.id[parked]), max(len(truth) - 1, 0))
            gone = parked[truth.id[place] != before.id[parked]] if len(truth) else parked
            arrived = [identity(name) for name in self._sumo.simulation.getArrivedIDList()] if len(gone) else []
            waiting = before.take(gone[~np.isin(before.id[gone], np.array(arrived, np.uint64))])
            if len(waiting):
                both = Truth.concatenate([truth, waiting])
                order = np.argsort(both.id)
                truth, ratio = both.take(order), np.append(ratio, np.ones(len(waiting)))[order]
        self._before, self._ratio = truth, ratio
        return truth

    def _listed(self) -> Truth:
        self._list()
        vehicles = self._reads.columns(self._vehicle_rows, self._vehicles, self._lanes)
        persons = self._person_rows.names
        if not persons:
            return _table(vehicles)
        on_foot = [name for name, vehicle in zip(persons, map(self._rides, persons), strict=True) if not vehicle]
        walkers = self._person_rows if len(on_foot) == len(persons) else _Rows(on_foot, self._persons)
        walking = self._person_reads.columns(walkers, self._persons, self._lanes)
        return _table({name: np.concatenate([vehicles[name], walking[name]]) for name in vehicles})

    def _list(self) -> None:
        """Ask who is there, which is dear, unless nobody can have come or gone since the last step."""
        if self._count() != len(self.names) or any(number() for number in self._vehicles_moved):
            self.names = self._sumo.vehicle.getIDList()
            self._vehicle_rows = _Rows(self.names, self._vehicles)
        if self._fresh or any(number() for number in self._persons_moved):
            self._person_rows = _Rows(self._sumo.person.getIDList(), self._persons)
        self._fresh = False


class _Rows:
    """Names with their rows in a register."""

    def __init__(self, names: Sequence[str], register: _Register) -> None:
        self.names = names
        self.rows: I64 = np.fromiter(map(register.__getitem__, names), np.int64, len(names))


class _Getters:
    """The getters of one of SUMO's domains, below their Python wrappers, which cost a third of a call."""

    def __init__(self, functions: Any, domain: str) -> None:
        self._position = getattr(functions, f"{domain}_getPosition")
        self._angle = getattr(functions, f"{domain}_getAngle")
        self._speed = getattr(functions, f"{domain}_getSpeed")
        self._acceleration = getattr(functions, f"{domain}_getAcceleration", None)
        self._lane = getattr(functions, f"{domain}_getLaneID")

    def columns(self, chosen: _Rows, register: _Register, lanes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
        names, row = chosen.names, chosen.rows
        count = len(names)
        place = np.fromiter(chain.from_iterable(map(self._position, names)), np.float64, 2 * count)
        angle = np.fromiter(map(self._angle, names), np.float64, count)
        # SUMO counts clockwise from north
        heading = math.pi / 2.0 - np.deg2rad(angle)
        heading -= 2.0 * math.pi * np.floor((heading + math.pi) / (2.0 * math.pi))
        length = register.length[row]
        return {
            "id": register.id[row],
            "kind": register.kind[row],
            "x": place[0::2] - 0.5 * length * np.cos(heading),
            "y": place[1::2] - 0.5 * length * np.sin(heading),
            "heading": heading,
            "speed": np.fromiter(map(self._speed, names), np.float64, count),
            "acceleration": np.zeros(count)
            if self._acceleration is None
            else np.fromiter(map(self._acceleration, names), np.float64, count),
            "length": length,
            "width": register.width[row],
            "lane": np.fromiter(map(lanes.__getitem__, map(self._lane, names)), np.int32, count),
            "equipped": register.equipped[row],
            "automated": register.automated[row],
        }


def _table(columns: dict[str, NDArray[Any]]) -> Truth:
    order = np.argsort(columns["id"])
    return Truth(**{name: values[order] for name, values in columns.items()})
