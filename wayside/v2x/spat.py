"""SPAT: signal forecasts to messages and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from wayside.signals.tables import Light, SignalForecasts
from wayside.v2x.nodes import controller_of, controller_reference
from wayside.v2x.quantities import NO_MARK, minute_of_year

MOST_PHASES = 16  # of one IntersectionState; a controller with more groups takes several
LONGEST, UNKNOWN = 36_000, 36_001  # TimeMark: an hour or more, and unknown
LIGHTS = (
    "unavailable", "dark", "flashing-red", "red", "flashing-green", "permissive-green", "protected-green",
    "yellow", "flashing-yellow",
)  # fmt: skip
LIGHT_NUMBER = {name: number for number, name in enumerate(LIGHTS)}
GREENS = (Light.FLASHING_GREEN, Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN)
STATUS = {"bits": "0" * 16}  # which mode the controller runs in is not among the forecasts

Row = tuple[int, int, int, float, float, float, float, float]  # controller, group, light, and five times [s]


def _mark(seconds: float) -> int:
    """Return a TimeMark [0.1 s] of seconds from now; unknown for NaN."""
    if seconds != seconds:  # noqa: PLR0124  the quickest test for NaN
        return UNKNOWN
    return min(max(round(seconds * 10), 0), LONGEST)


def _phase(row: Row, green: int) -> dict[str, Any]:
    """Return the Phase of one signal group: what it shows now, and its next green if it shows another light."""
    _, group, light, shortest, likely, longest, next_green, next_duration = row
    now: dict[str, Any] = {"startTime": 0}
    if shortest == shortest:  # noqa: PLR0124
        now["minEndTime"] = _mark(shortest)
    if longest == longest:  # noqa: PLR0124
        now["maxEndTime"] = _mark(longest)
    now["likelyEndTime"] = _mark(likely)
    states = [{"light": LIGHTS[light], "timing": {"counting": now}}]
    if light not in GREENS and next_green == next_green:  # noqa: PLR0124
        end = _mark(next_green + next_duration)
        then = {"startTime": _mark(next_green), "likelyEndTime": end}
        states.append({"light": LIGHTS[green], "timing": {"counting": then}})
    return {"id": group, "phaseStates": states}


def values(
    forecasts: SignalForecasts, greens: Mapping[tuple[int, int], int], time_ns: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of each controller and its SPAT, without msgCnt.

    Args:
        forecasts: in order of controller and group.
        greens: which green (a `Light`) a group of a controller shows by its program; protected if not named.
        time_ns: now.
    """
    moy, mark = minute_of_year(time_ns), time_ns // 1_000_000 % 60_000
    f = forecasts
    ends = (f.min_end, f.likely_end, f.max_end, f.next_green, f.next_green_duration)
    columns = [column.tolist() for column in (f.controller, f.group, f.light, *ends)]
    for controller, group in groupby(zip(*columns, strict=True), key=lambda row: row[0]):
        phases = [_phase(row, greens.get(row[:2], Light.PROTECTED_GREEN)) for row in group]
        reference = controller_reference(controller)
        yield (
            controller,
            {
                "msgCnt": 0,
                "moy": moy,
                "timeStamp": mark,
                "intersections": [
                    {
                        "intersectionId": reference,
                        "status": STATUS,
                        "moy": moy,
                        "timeStamp": mark,
                        "timeConfidence": "time-000-100",
                        "phases": phases[first : first + MOST_PHASES],
                    }
                    for first in range(0, len(phases), MOST_PHASES)
                ],
            },
        )


def rows(value: dict[str, Any], received_ns: int) -> Iterator[Row]:
    """Yield what a SPAT says of each group of our controllers, in seconds from the reception on."""
    for state in value["intersections"]:
        controller = controller_of(state["intersectionId"])
        if controller < 0:
            continue
        mark = state.get("timeStamp", value.get("timeStamp", NO_MARK))
        age = 0.0 if mark == NO_MARK else ((received_ns // 1_000_000 - mark + 30_000) % 60_000 - 30_000) / 1000
        for phase in state["phases"]:
            yield _row(controller, phase, age)


def _seconds(counting: dict[str, int], name: str, age: float) -> float:
    """Return a TimeMark as seconds from now; NaN where it is absent or unknown."""
    mark = counting.get(name, UNKNOWN)
    return float("nan") if mark == UNKNOWN else max(mark / 10 - age, 0.0)


def _row(controller: int, phase: dict[str, Any], age: float) -> Row:
    """Return one group's row.

    The light shown is the first that has begun. Times are NaN where the message does not count down, and the
    light is then the first that is told.
    """
    light, found = 0, False
    shown: dict[str, int] = {}
    next_green = duration = float("nan")
    for state in phase["phaseStates"]:
        counting = state.get("timing", {}).get("counting", {})
        number = LIGHT_NUMBER.get(state["light"], 0)
        if not found and counting.get("startTime", 0) == 0:
            light, shown, found = number, counting, True
        elif number in GREENS:
            next_green = _seconds(counting, "startTime", age)
            duration = _seconds(counting, "likelyEndTime", age) - next_green
    if light in GREENS:
        next_green = 0.0
    shortest, likely, longest = (_seconds(shown, f"{name}EndTime", age) for name in ("min", "likely", "max"))
    return controller, phase["id"], light, shortest, likely, longest, next_green, duration


def forecasts_of(taken: Mapping[tuple[int, int], Row]) -> SignalForecasts:
    """Return the table of rows."""
    if not taken:
        return SignalForecasts.empty()
    filled: dict[str, Any] = dict(zip(SignalForecasts.columns, zip(*taken.values(), strict=True), strict=True))
    return SignalForecasts(**filled)
