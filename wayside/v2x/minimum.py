"""What a message must say to be of use, beyond what its schema already demands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wayside.report import Grid, Line
from wayside.v2x.heard import LAST_MARK, NO_MINUTE, Heard
from wayside.v2x.intersections import NO_LATITUDE, NO_LONGITUDE
from wayside.v2x.lights import light_now

NO_SPEED, NO_HEADING, NO_TIME_MARK = 8191, 28_800, 36_001
EVERY_FIELD = "T/CSAE 53-2020 [own list]"
ROADSIDE = "T/CSAE 159-2020 [own list]"
DAY_TWO = "T/CSAE 157-2020 [own list]"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a message must say.

    Attributes:
        message: its name.
        field: which field, the end of its path.
        met: tells it of the message's fields.
        source: where it comes from.
    """

    message: str
    field: str
    met: Callable[[dict[str, Any]], bool]
    source: str


def _values(value: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path, for every item of lists on the way; None where something is missing."""
    name, _, rest = path.partition(".")
    listed = name.endswith("[]")
    inner = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    for one in (inner or [None]) if listed else [inner]:
        if rest and one is not None:
            yield from _values(one, rest)
        else:
            yield one


def _known(path: str, *unknown: int, most: int | None = None) -> Callable[[dict[str, Any]], bool]:
    """Return a test that all values at a path are there and known."""

    def met(value: dict[str, Any]) -> bool:
        return all(
            one is not None and one not in unknown and (most is None or one <= most)
            for one in _values(value, path)
        )

    return met


def _known_fields(message: str, source: str, *paths: str) -> Iterator[Requirement]:
    """Yield the requirement of each path, with the value for unknown that its last field has."""
    for path in paths:
        last = path.rpartition(".")[2].removesuffix("[]")
        if last in ("secMark", "timeStamp"):
            met = _known(path, most=LAST_MARK)
        else:
            unknown = {
                "lat": NO_LATITUDE, "long": NO_LONGITUDE, "speed": NO_SPEED, "heading": NO_HEADING,
                "width": 0, "length": 0, "moy": NO_MINUTE,
            }.get(last)  # fmt: skip
            met = _known(path) if unknown is None else _known(path, unknown)
        yield Requirement(message, ".".join(path.split(".")[-2:]), met, source)


def _spat_time(value: dict[str, Any]) -> bool:
    states = value["intersections"]
    return all(one.get("timeStamp", value.get("timeStamp", LAST_MARK + 1)) <= LAST_MARK for one in states)


def _spat_minute(value: dict[str, Any]) -> bool:
    return all(one.get("moy", value.get("moy", NO_MINUTE)) < NO_MINUTE for one in value["intersections"])


def _lights_known(value: dict[str, Any]) -> bool:
    return all(light_now(phase) for state in value["intersections"] for phase in state["phases"])


def _ends_known(value: dict[str, Any]) -> bool:
    for state in value["intersections"]:
        for phase in state["phases"]:
            timing = phase["phaseStates"][0].get("timing", {})
            timing = timing.get("counting", timing.get("utcTiming", timing))
            if timing.get("likelyEndTime", timing.get("likelyEndUTCTime", NO_TIME_MARK)) == NO_TIME_MARK:
                return False
    return True


def _event_placed(value: dict[str, Any]) -> bool:
    if "rtes" not in value and "rtss" not in value:
        return "alertPath" in value  # the edition of 2017: one event or sign a message
    places = {"eventPos", "signPos", "referencePaths", "referenceLinks"}
    return all(places & one.keys() for one in (*value.get("rtes", ()), *value.get("rtss", ())))


def _sees_something(value: dict[str, Any]) -> bool:
    return bool({"participants", "obstacles", "rtes"} & value.keys())


REQUIREMENTS = (
    *_known_fields(
        "bsmFrame", EVERY_FIELD, "secMark", "pos.lat", "pos.long", "speed", "heading", "size.width", "size.length"
    ),
    *_known_fields("rsmFrame", EVERY_FIELD, "refPos.lat", "refPos.long", "participants[].secMark"),
    Requirement("spatFrame", "moy", _spat_minute, ROADSIDE),
    Requirement("spatFrame", "timeStamp", _spat_time, ROADSIDE),
    Requirement("spatFrame", "phaseStates[].light", _lights_known, ROADSIDE),
    Requirement("spatFrame", "timing.likelyEndTime", _ends_known, ROADSIDE),
    *_known_fields(
        "mapFrame", ROADSIDE, "nodes[].refPos.lat", "nodes[].refPos.long", "nodes[].inLinks[].lanes[].points",
        "nodes[].inLinks[].lanes[].maneuvers",
    ),
    *_known_fields("rsiFrame", ROADSIDE, "refPos.lat", "refPos.long"),
    Requirement("rsiFrame", "rtes[].eventPos | referencePaths | referenceLinks", _event_placed, ROADSIDE),
    *_known_fields("SensorSharingMsg", DAY_TWO, "secMark", "sensorPos.lat", "sensorPos.long"),
    Requirement("SensorSharingMsg", "participants | obstacles | rtes", _sees_something, DAY_TWO),
    *_known_fields("PersonalSafetyMessage", DAY_TWO, "secMark", "pos.lat", "pos.long", "speed", "heading"),
    *_known_fields("VehIntentionAndRequest", DAY_TWO, "secMark", "refPos.lat", "refPos.long"),
    *_known_fields("RoadsideCoordination", DAY_TWO, "secMark", "refPos.lat", "refPos.long"),
    *_known_fields("CLPMM", DAY_TWO, "secMark"),
)  # fmt: skip
OF_MESSAGE = {
    name: [one for one in REQUIREMENTS if one.message == name] for name in {one.message for one in REQUIREMENTS}
}


class Minimum:
    """Counts messages that do not say what they must."""

    def __init__(self) -> None:
        self._judged = self._wrong = 0
        self._missing: Counter[tuple[str, str, str]] = Counter()

    def hear(self, heard: Heard) -> None:
        """Judge one message."""
        required = OF_MESSAGE.get(heard.name)
        if required is None:
            return
        self._judged += 1
        missing = [one for one in required if not one.met(heard.value)]
        self._wrong += bool(missing)
        self._missing.update((one.message, one.field, one.source) for one in missing)

    def lines(self) -> Iterator[Line]:
        """Yield how many messages lack something."""
        lacking = float(self._wrong) if self._judged else None
        yield Line("A12-minimum", "v2x.minimum", 0.0, "==", "", "T/CSAE 53, 157, 159 [own list]", lacking)

    def grids(self) -> Iterator[Grid]:
        """Yield what was missing how often."""
        rows = tuple((*what[:2], count, what[2]) for what, count in sorted(self._missing.items()))
        yield Grid("check-minimum", "v2x.missing", ("v2x.type", "v2x.field", "v2x.frames", "v2x.source"), rows)
