"""What a case file holds: actors with their paths, what stands there, and what is expected of the services."""

from __future__ import annotations

from typing import Literal

import msgspec

from wayside.errors import WaysideError
from wayside.language import Language

MOST_ACTORS = 10_000
MOST_SECONDS = 3600.0

Words = str | dict[Language, str]
ActorKind = Literal["unknown", "car", "bus", "truck", "motorcycle", "bicycle", "pedestrian"]
AutomatedKind = Literal["none", "robotaxi", "bus", "sweeper", "parcel_robot", "container_truck"]
SensorName = Literal["camera", "radar", "lidar", "radar_video"]
RequestKind = Literal[
    "overtake",
    "lane_change",
    "intersection_passing",
    "sensor_sharing",
    "payment",
    "clear_the_way",
    "signal_priority",
]
DirectionName = Literal["straight", "left", "right", "u_turn"]


class CaseError(WaysideError):
    """A case is wrong; the text says in which file, at which key, what was found, what was expected."""


class EventSpan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A safety event that an actor's messages tell from an instant on."""

    t: float  # [s]
    kind: str  # a `VehicleEvent` in small letters, such as hard_braking
    seconds: float = 1.0  # how long it stays set


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A road user and where it goes; see docs/guides/cases.md."""

    name: str
    kind: ActorKind = "car"
    length: float | None = None
    width: float | None = None
    equipped: bool | None = None
    automated: AutomatedKind = "none"
    poses: tuple[tuple[float, ...], ...] = ()
    hold: bool = False
    lanes: tuple[str, ...] = ()
    start: float = 0.0
    speed: float | tuple[tuple[float, float], ...] | None = None
    lateral: float | tuple[tuple[float, float], ...] = 0.0
    events: tuple[EventSpan, ...] = ()


class Pole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sensing pole; angles in degrees, anticlockwise from east."""

    x: float
    y: float
    range: float = 150.0
    sensor: SensorName = "radar_video"
    facing: float = 0.0
    field_of_view: float = 360.0
    height: float = 6.5


class SignalPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signal group shows from when on."""

    group: int
    states: tuple[tuple[float, str], ...]  # [t, light], such as [0, "red"]
    controller: int = 0


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a vehicle asks the roadside for."""

    t: float
    actor: str
    kind: RequestKind
    target_lane: str | None = None
    direction: DirectionName | None = None  # which way it wants to pass the junction
    area: tuple[float, float, float] | None = None  # x, y and radius [m] of what it asks about
    seconds: float = 5.0  # how long the request stands
    priority: int = 0  # to 7, most urgent


class Weather(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the weather is throughout; visibility [m], rain [mm/h], wind [m/s], temperatures [degC]."""

    visibility: float = 12_000.0
    rain: float = 0.0
    wind: float = 2.0
    temperature: float = 20.0
    surface: float = 21.0
    night: bool = False


class ExpectedWarning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A warning that must be given; keys left out may be anything."""

    service: str
    subject: str | None = None
    other: str | None = None
    since: float = msgspec.field(name="from", default=0.0)
    until: float = MOST_SECONDS
    verdict: str | None = None


class ExpectedGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer that must be given to a request."""

    kind: RequestKind
    actor: str | None = None
    granted: bool = True
    since: float = msgspec.field(name="from", default=0.0)
    until: float = MOST_SECONDS


class ExpectedIncident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An incident that must be published; `kind` of a finding is its rule."""

    kind: str
    subject: str | None = None
    since: float = msgspec.field(name="from", default=0.0)
    until: float = MOST_SECONDS


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must and what must not be said."""

    warn: tuple[ExpectedWarning, ...] = ()
    quiet: tuple[str, ...] = ()
    grant: tuple[ExpectedGrant, ...] = ()
    incident: tuple[ExpectedIncident, ...] = ()
    no_incident: tuple[str, ...] = ()
    finding: tuple[ExpectedIncident, ...] = ()
    lead_s: dict[str, float] = {}


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case, checked, with no `$name` left in it. See `cases_in`.

    Attributes:
        assets: rows of asset tables as in a city file, such as `[[assets.Signs]]`, on top of what the map has.
        name: name of the file without suffix, or what the caller says.
        variant: the swept values, in words; empty without a sweep.
        folder: where relative paths begin.
    """

    title: Words = ""
    map: str = "plane"
    seconds: float | None = None
    seed: int = 1
    exact: bool = True
    signed: bool = False
    rotate: float = 0.0
    actors: tuple[Actor, ...] = ()
    poles: tuple[Pole, ...] | None = None
    signals: tuple[SignalPlan, ...] = ()
    requests: tuple[Request, ...] = ()
    weather: Weather = Weather()
    assets: dict[str, list[dict[str, object]]] = {}
    expect: Expect = Expect()
    name: str = ""
    variant: str = ""
    folder: str = "."

    def titled(self, language: Language) -> str:
        """Return the title in a language, or the case's name."""
        if isinstance(self.title, str):
            return self.title or self.name
        return self.title.get(language) or next(iter(self.title.values()), self.name)

    @property
    def label(self) -> str:
        """The case's name with what was swept."""
        return f"{self.name} [{self.variant}]" if self.variant else self.name
