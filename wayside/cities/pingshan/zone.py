"""The description of the pilot zone, `zone.toml`, as typed values."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
Point = tuple[float, float]


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the zone's coordinates begin: UTM zone on the northern hemisphere and metres in it."""

    zone: int
    easting: float
    northing: float


class StreetKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One direction of a kind of street, from the kerb to the middle; lengths in m, speed in m/s.

    Attributes:
        rank: who yields where no signal stands: the lower rank.
        lanes: motor lanes, the bus lane among them.
        width: of a motor lane.
        sidewalk, bicycle: widths; 0 where there is none, then bicycles share the motor lane.
        bus: the outer motor lane is for buses.
        pocket: length of the extra lane for left turns before a signal; 0 none.
        median: width of the strip between the directions, and of the pocket.
        oneway: there is no opposite direction.
    """

    rank: int
    lanes: int
    width: float
    speed: float
    sidewalk: float = 0.0
    bicycle: float = 0.0
    bus: bool = False
    pocket: float = 0.0
    median: float = 0.0
    oneway: bool = False


class Street(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A smooth line through named junctions and unnamed points."""

    name: str
    zh: str
    kind: str
    through: tuple[str | Point, ...]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal plan; all in s.

    Attributes:
        cycle: its length; the cross street gets what the rest leaves.
        green: of the main street.
        left: of the main street's protected left turns; 0 if they are permissive.
        cross_left: the same for the cross street.
        yellow: after each green.
        red: all directions, after each yellow.
    """

    cycle: int
    green: int
    left: int
    cross_left: int
    yellow: int
    red: int


class Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of road user: SUMO's attributes, and how much of the ordinary traffic it makes."""

    share: float = 0.0
    sumo: dict[str, str | float | int] = {}


class Fleet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Automated vehicles of one kind.

    Attributes:
        prefix: of their names, `taxi` for `taxi-01`.
        vehicles: how many.
        line: the round trip as junctions, each joined to the next by a street; empty for wandering.
        avoid: kinds of street not to be used.
        stop: what they stop at: `bus`, `container` or nothing.
        stop_time: standing time at each stop [s].
    """

    prefix: str
    vehicles: int
    line: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    stop: str = ""
    stop_time: float = 0.0


class Traffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ordinary traffic.

    Attributes:
        vehicles, bicycles, pedestrians: departures per second.
        filling: departures are that many times denser in the first `filling_time` seconds.
        entry: weight of each way into or out of the zone as an origin or destination, per motor lane.
        inside: weight of streets inside the zone as an origin or destination, per 100 m, by kind of street.
        walking: the same for pedestrians.
        stroll: how far pedestrians go [m], at most.
    """

    vehicles: float
    bicycles: float
    pedestrians: float
    filling: float
    filling_time: float
    entry: float
    inside: dict[str, float]
    walking: dict[str, float]
    stroll: float


class Charging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The charging site: at which junction, on which streets, and what it may draw."""

    junction: str
    limit_kw: float
    minimum_kw: float
    rated_kw: tuple[float, ...]


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the regulator has laid down.

    Attributes:
        core: signalised junctions around which the core is drawn.
        permits_until: end of the permits' validity, ISO 8601 with offset.
    """

    core: tuple[str, ...]
    permits_until: str


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole description; see `zone.toml`."""

    seed: int
    horizon: float
    origin: Origin
    signalised: dict[str, Point]
    plain: dict[str, Point]
    outside: dict[str, Point]
    kinds: dict[str, StreetKind]
    streets: tuple[Street, ...]
    zebra: tuple[str, ...]
    bus_street: str
    plans: dict[str, Plan]
    progression: float
    traffic: Traffic
    classes: dict[str, Class]
    fleets: dict[str, Fleet]
    charging: Charging
    authority: Authority

    @property
    def places(self) -> dict[str, Point]:
        """Every junction and where it lies."""
        return {**self.signalised, **self.plain, **self.outside}


def read(path: Path = FOLDER / "zone.toml") -> Zone:
    """Read the description; unknown or missing keys raise `msgspec.ValidationError`, which names them."""
    return msgspec.toml.decode(path.read_bytes(), type=Zone)


def draw(seed: int, *what: object) -> float:
    """Return a number in [0, 1) that depends on the seed and on what it is for, and on nothing else.

    >>> draw(1, "car", 7) == draw(1, "car", 7) != draw(1, "car", 8)
    True
    """
    digest = hashlib.blake2b(repr((seed, *what)).encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / 2.0**53
