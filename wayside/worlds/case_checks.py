"""What must hold in a case beyond its shape: finite numbers, poses in order, names that exist."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from wayside.guidance.tables import Service
from wayside.roadside.tables import IncidentKind
from wayside.signals.tables import Light
from wayside.supervision.tables import Rule
from wayside.v2x.tables import VehicleEvent
from wayside.worlds.case_file import MOST_ACTORS, MOST_SECONDS, Actor, Case

FARTHEST_M = 10_000.0  # from the map's origin
FASTEST = 90.0  # m/s along a lane
SERVICES = [*(one.name.lower() for one in Service), "speed_advice"]
INCIDENTS = [one.name.lower() for one in IncidentKind]
RULES = [one.name.lower() for one in Rule]
EVENTS = [one.name.lower() for one in VehicleEvent if one.name]
WEATHER = {  # least and greatest of each
    "visibility": (1.0, 50_000.0),
    "rain": (0.0, 150.0),
    "wind": (0.0, 60.0),
    "temperature": (-30.0, 50.0),
    "surface": (-30.0, 80.0),
}
MOST_ACTOR_SECONDS = 1e6  # about 400 MB of places
THINGS = ("controller ", "sign ", "point ", "carriageway ")  # what warnings may be about beside actors
LIGHTS = [one.name.lower() for one in Light]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint with the names most like this one.

    >>> nearest("wets_in_0", ["west_in_0", "east_in_0"])
    "did you mean 'west_in_0' or 'east_in_0'?"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(one) for one in close)}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known are: {shown or 'none'}"


def check(case: Case) -> Iterator[str]:
    """Yield what is wrong with a case, key first."""
    yield from _numbers(case)
    if not 1 <= len(case.actors) <= MOST_ACTORS:
        yield f"actors: {len(case.actors)} found; expected 1 to {MOST_ACTORS}"
    names: dict[str, int] = {}
    for n, actor in enumerate(case.actors):
        if not actor.name:
            yield f'actors[{n}].name: is empty; expected a name such as "A"'
        if actor.name in names:
            yield f"actors[{n}].name: {actor.name!r} is the name of actors[{names[actor.name]}] too; rename one"
        names[actor.name] = n
        yield from _actor(actor, f"actors[{n}]")
    if case.seconds is not None and not 0 < case.seconds <= MOST_SECONDS:
        yield f"seconds: {case.seconds:g}; expected more than 0 and at most {MOST_SECONDS:g}"
    if case.seed < 0:
        yield f"seed: {case.seed}; expected 0 or more"
    for n, pole in enumerate(case.poles or ()):
        if not 0 < pole.range <= 1000:
            yield f"poles[{n}].range: {pole.range:g} m; expected more than 0 and at most 1000"
    for n, plan in enumerate(case.signals):
        yield from _in_order([t for t, _ in plan.states], f"signals[{n}].states")
        for k, (_, light) in enumerate(plan.states):
            yield from _among(light, LIGHTS, f"signals[{n}].states[{k}]", "light")
    for n, request in enumerate(case.requests):
        yield from _among(request.actor, names, f"requests[{n}].actor", "actor")
        if not 0 <= request.priority <= 7:
            yield f"requests[{n}].priority: {request.priority}; expected 0 to 7, 7 most urgent"
        if not 0 < request.seconds <= MOST_SECONDS:
            yield f"requests[{n}].seconds: {request.seconds:g}; expected more than 0"
    for name, (low, high) in WEATHER.items():
        value = getattr(case.weather, name)
        if not low <= value <= high:
            yield f"weather.{name}: {value:g}; expected {low:g} to {high:g}"
    asked = len(case.actors) * _length(case)
    if asked > MOST_ACTOR_SECONDS:
        yield f"actors: {asked:g} s of all together; expected at most {MOST_ACTOR_SECONDS:g}: fewer or shorter"
    yield from _expectations(case, names)


def _length(case: Case) -> float:
    """Return about how long a case lasts [s]."""
    if case.seconds is not None:
        return case.seconds
    return max([60.0, *(pose[0] for actor in case.actors for pose in actor.poses[-1:])])


def _expectations(case: Case, names: Iterable[str]) -> Iterator[str]:
    expect, names = case.expect, list(names)
    for n, warning in enumerate(expect.warn):
        yield from _among(warning.service, SERVICES, f"expect.warn[{n}].service", "service")
        for key in ("subject", "other"):
            name = getattr(warning, key)
            if name is not None and not name.startswith(THINGS):
                yield from _among(name, names, f"expect.warn[{n}].{key}", "actor")
    for n, service in enumerate(expect.quiet):
        yield from _among(service, [*SERVICES, "*"], f"expect.quiet[{n}]", "service")
    for service in expect.lead_s:
        yield from _among(service, SERVICES, f"expect.lead_s.{service}", "service")
    for n, grant in enumerate(expect.grant):
        if grant.actor is not None:
            yield from _among(grant.actor, names, f"expect.grant[{n}].actor", "actor")
    for n, incident in enumerate(expect.incident):
        yield from _among(incident.kind, INCIDENTS, f"expect.incident[{n}].kind", "kind of incident")
    for n, kind in enumerate(expect.no_incident):
        yield from _among(kind, [*INCIDENTS, "*"], f"expect.no_incident[{n}]", "kind of incident")
    for n, finding in enumerate(expect.finding):
        yield from _among(finding.kind, RULES, f"expect.finding[{n}].kind", "kind of finding")


def _among(name: str, known: Iterable[str], key: str, what: str) -> Iterator[str]:
    known = list(known)
    if name not in known:
        yield f"{key}: no {what} {name!r}; {nearest(name, known)}"


def _actor(actor: Actor, key: str) -> Iterator[str]:
    for name, most in (("length", 60.0), ("width", 10.0)):
        size = getattr(actor, name)
        if size is not None and not 0.05 <= size <= most:
            yield f"{key}.{name}: {size:g} m; expected 0.05 to {most:g}"
    if bool(actor.poses) == bool(actor.lanes):
        found = "both poses and lanes" if actor.poses else "neither poses nor lanes"
        yield f"{key} ({actor.name}): {found}; give one of them"
    for n, pose in enumerate(actor.poses):
        if len(pose) not in (3, 4) or len(pose) != len(actor.poses[0]):
            yield f"{key}.poses[{n}]: {list(pose)}; expected [t, x, y] in all poses, or [t, x, y, heading] in all"
        elif max(abs(pose[1]), abs(pose[2])) > FARTHEST_M:
            yield f"{key}.poses[{n}]: {list(pose)} lies more than {FARTHEST_M:g} m from the map's origin"
    if actor.poses and all(len(pose) in (3, 4) for pose in actor.poses):
        yield from _in_order([pose[0] for pose in actor.poses], f"{key}.poses")
    if actor.lanes and actor.speed is None:
        yield f"{key}.speed: missing; actors along lanes need one [m/s], or [[t, speed], ...]"
    if actor.poses and (actor.speed is not None or actor.start or actor.lateral):
        yield f"{key}: speed, start and lateral go with lanes; poses say it all"
    for name in ("speed", "lateral"):
        profile = getattr(actor, name)
        if isinstance(profile, tuple):
            yield from _in_order([t for t, _ in profile], f"{key}.{name}")
    if actor.speed is not None:
        speeds = [v for _, v in actor.speed] if isinstance(actor.speed, tuple) else [actor.speed]
        if not all(0 <= v <= FASTEST for v in speeds):
            yield f"{key}.speed: {actor.speed}; expected 0 to {FASTEST:g} m/s"
    if actor.start < 0:
        yield f"{key}.start: {actor.start:g} m; expected 0 or more"
    for n, event in enumerate(actor.events):
        yield from _among(event.kind, EVENTS, f"{key}.events[{n}].kind", "event")
        if event.seconds <= 0:
            yield f"{key}.events[{n}].seconds: {event.seconds:g}; expected more than 0"


def _in_order(times: Sequence[float], key: str) -> Iterator[str]:
    """Yield what is wrong with instants that must rise."""
    if not times:
        yield f"{key}: is empty"
    for n, (before, after) in enumerate(pairwise(times)):
        if after <= before:
            yield f"{key}[{n + 1}]: t = {after:g} s is not after {before:g} s of the one before; put them in order"
    if times and (times[0] < 0 or times[-1] > MOST_SECONDS):
        yield f"{key}: t from {times[0]:g} to {times[-1]:g} s; expected 0 to {MOST_SECONDS:g}"


def _numbers(case: Case) -> Iterator[str]:
    """Yield the keys of numbers that are not finite."""
    waiting: list[tuple[str, object]] = [("", msgspec.to_builtins(case))]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{key}: {value}; expected a finite number"
        elif isinstance(value, dict):
            waiting += [(f"{key}.{name}" if key else str(name), one) for name, one in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(f"{key}[{n}]", one) for n, one in enumerate(value)]
