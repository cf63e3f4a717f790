"""RSI: measures in force, warnings and incidents to events on the air, and measures back.

An event's `description` carries what vehicles must know exactly, as `word key=value key=value`; the other
fields say the same to receivers that know only the message set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wayside.guard.tables import MeasureOrders, WarningOrders
from wayside.guidance.tables import Service
from wayside.roadside.tables import IncidentKind, Incidents, RoadStates
from wayside.v2x.place import Place, offsets
from wayside.v2x.quantities import minute_of_year

MOST = 8  # events of one frame
RADIUS_STEP = 0.1  # m
# Event types. GB/T 29100-2012 codes are class times 100 plus number, so they stay below 10,000; from 60,000 on
# are private ones of this project, used until someone who owns the standard checks the codes that would fit.
PRIVATE = 60_000
EVENT_OF_MEASURE = PRIVATE
EVENT_OF_INCIDENT = {kind: PRIVATE + 100 + kind for kind in IncidentKind}
EVENT_OF_WEATHER = {bit: PRIVATE + 300 + bit for bit in range(4)}  # by bit of RoadStates.reasons
EVENT_OF_SERVICE = {service: PRIVATE + 200 + service for service in Service}
MEASURE_PRIORITY, INCIDENT_PRIORITY, WARNING_PRIORITY = "c0", "a0", "e0"  # upper three bits: 6, 5 and 7
INCIDENT_RADIUS_M, WARNING_RADIUS_M = 20.0, 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event to be put on the air.

    Attributes:
        identity: what makes it the same event from message to message.
        preferred: the rteId it would like; a taken one moves on to the next free.
        x, y, radius: the circle it concerns [m]; x is NaN for the whole range of the sender.
        fields: the rest of RTEData.
    """

    identity: tuple[Any, ...]
    preferred: int
    x: float
    y: float
    radius: float
    fields: dict[str, Any]


def _text(word: str, **facts: object) -> dict[str, str]:
    """Return a description of machine-readable facts."""
    return {"textString": " ".join((word, *(f"{key}={value}" for key, value in facts.items())))}


def _facts(description: Mapping[str, Any], word: str) -> dict[str, str] | None:
    """Return the facts of a description that begins with that word; None if it does not."""
    first, *rest = description.get("textString", "").split(" ")
    if first != word or not all("=" in part for part in rest):
        return None
    return dict(part.split("=", 1) for part in rest)


def measure_events(measures: MeasureOrders, zones: Mapping[int, tuple[float, float, float]]) -> list[Event]:
    """Return an event for each measure in force; `zones` gives the circle (x, y, radius [m]) around each zone."""
    found = []
    m = measures
    columns = (m.measure, m.zone, m.classes, m.max_speed, m.closed, m.since_ns, m.grace_until_ns)
    for measure, zone, classes, speed, closed, since, grace in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        x, y, radius = zones.get(zone, (float("nan"), float("nan"), 0.0))
        fields = {
            "eventType": EVENT_OF_MEASURE,
            "eventSource": "government",
            "description": _text(
                "measure",
                measure=measure,
                zone=zone,
                classes=classes,
                max_speed=speed,
                closed=int(closed),
                since_ns=since,
                grace_until_ns=grace,
            ),
            "timeDetails": {"startTime": minute_of_year(since)},
            "priority": MEASURE_PRIORITY,
        }
        identity = ("measure", measure, zone, classes, str(speed), closed, since, grace)
        found.append(Event(identity, measure % 256, x, y, radius, fields))
    return found


def incident_events(incidents: Incidents) -> list[Event]:
    """Return an event for each confirmed incident."""
    found = []
    rows = incidents.take(incidents.confirmed)
    columns = (rows.kind, rows.actor, rows.x, rows.y, rows.since_ns, rows.extent)
    for kind, actor, x, y, since, extent in zip(*(column.tolist() for column in columns), strict=True):
        fields = {
            "eventType": EVENT_OF_INCIDENT[IncidentKind(kind)],
            "eventSource": "detection",
            "description": _text("incident", kind=kind, actor=f"{actor:016x}"),
            "timeDetails": {"startTime": minute_of_year(since)},
            "priority": INCIDENT_PRIORITY,
        }
        radius = max(INCIDENT_RADIUS_M, extent)
        found.append(Event(("incident", kind, actor), (128 + actor) % 256, x, y, radius, fields))
    return found


def weather_events(states: RoadStates) -> list[Event]:
    """Return an event for each reason of the lowest speed any station advises; it holds wherever it is heard."""
    rows = np.flatnonzero(~np.isnan(states.advisory))
    if not len(rows):
        return []
    row = int(rows[np.lexsort((states.station[rows], states.advisory[rows]))[0]])
    speed, reasons, station = float(states.advisory[row]), int(states.reasons[row]), int(states.station[row])
    return [
        Event(
            ("weather", bit, speed),
            96 + bit,
            float("nan"),
            float("nan"),
            0.0,
            {
                "eventType": code,
                "eventSource": "meteorological",
                "description": _text("weather", reason=bit, advisory=speed, station=station),
                "priority": INCIDENT_PRIORITY,
            },
        )
        for bit, code in EVENT_OF_WEATHER.items()
        if reasons >> bit & 1
    ]


def warning_events(warnings: WarningOrders) -> list[Event]:
    """Return an event for each approved warning."""
    found = []
    rows = warnings.take(warnings.verdict == 0)
    columns = (rows.service, rows.subject, rows.other, rows.x, rows.y, rows.lead)
    for service, subject, other, x, y, lead in zip(*(column.tolist() for column in columns), strict=True):
        fields = {
            "eventType": EVENT_OF_SERVICE[Service(service)],
            "eventSource": "detection",
            "description": _text(
                "warning", service=service, subject=f"{subject:016x}", other=f"{other:016x}", lead=lead
            ),
            "priority": WARNING_PRIORITY,
        }
        identity = ("warning", service, subject, other)
        found.append(Event(identity, (192 + subject) % 256, x, y, WARNING_RADIUS_M, fields))
    return found


def values(
    events: Sequence[Event], device: str, reference: tuple[int, int], reach: float, time_ns: int, place: Place
) -> list[dict[str, Any]]:
    """Return the RSI of one unit, without msgCnt: eight events each; none where nothing is to be said.

    Args:
        events: what to say.
        device: id of the unit.
        reference: its latitude and longitude [1e-7 degrees].
        reach: its range [m], which is where an event without a circle applies.
        time_ns: now.
        place: where the city lies.
    """
    if not events:
        return []
    everywhere = np.array([np.isnan(event.x) for event in events])
    latitude, longitude = place.to_wire([event.x for event in events], [event.y for event in events])
    at = offsets(
        np.where(everywhere, reference[0], latitude), np.where(everywhere, reference[1], longitude), reference
    )
    taken: set[int] = set()
    told = []
    for event, offset, unbound in zip(events, at, everywhere.tolist(), strict=True):
        number = event.preferred
        while number in taken and len(taken) < 256:
            number = (number + 1) % 256
        taken.add(number)
        radius = reach if unbound else event.radius
        told.append(
            {
                "rteId": number,
                "eventPos": offset,
                "eventRadius": min(round(radius / RADIUS_STEP), 65_535),
                **event.fields,
            }
        )
    head = {"msgCnt": 0, "moy": minute_of_year(time_ns), "id": device}
    where = {"lat": reference[0], "long": reference[1]}
    return [{**head, "refPos": where, "rtes": told[first : first + MOST]} for first in range(0, len(told), MOST)]


def measure_rows(value: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of MeasureOrders that an RSI speaks of; events of other kinds give none."""
    found = []
    for event in value.get("rtes", ()):
        facts = _facts(event.get("description", {}), "measure") if event["eventType"] == EVENT_OF_MEASURE else None
        if facts is None:
            continue
        try:
            numbers = tuple(int(facts[key]) for key in ("measure", "zone", "classes"))
            speed = float(facts["max_speed"])
            instants = tuple(int(facts[key]) for key in ("since_ns", "grace_until_ns"))
            closed = facts["closed"] == "1"
        except (KeyError, ValueError):
            continue
        if all(0 <= n < 1 << 16 for n in numbers) and all(0 <= n < 1 << 63 for n in instants) and speed != np.inf:
            found.append((*numbers, speed, closed, *instants))
    return found


def measures_of(rows: Iterable[tuple[Any, ...]]) -> MeasureOrders:
    """Return the table of rows, one each measure; of several versions the newest counts."""
    newest: dict[int, tuple[Any, ...]] = {}
    for row in rows:
        before = newest.get(row[0])
        if before is None or (row[5], row[6]) >= (before[5], before[6]):
            newest[row[0]] = row
    if not newest:
        return MeasureOrders.empty()
    columns = zip(*(newest[measure] for measure in sorted(newest)), strict=True)
    filled: dict[str, Any] = dict(zip(MeasureOrders.columns, columns, strict=True))
    return MeasureOrders(**filled)
