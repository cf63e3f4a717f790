"""SPAT: signal forecasts to messages and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numba
import numpy as np

from wayside.asn1.batch import Plan
from wayside.asn1.frames import Frames
from wayside.asn1.program import ABSENT
from wayside.membership import flags_of
from wayside.signals.tables import Light, SignalForecasts
from wayside.table import F64, I64
from wayside.v2x.nodes import controller_of, controller_reference
from wayside.v2x.quantities import NO_MARK, minute_of_year
from wayside.v2x.splitting import split

MOST_PHASES = 16  # of one IntersectionState; a controller with more groups takes several
LONGEST, UNKNOWN = 36_000, 36_001  # TimeMark: an hour or more, and unknown
LIGHTS = (
    "unavailable", "dark", "flashing-red", "red", "flashing-green", "permissive-green", "protected-green",
    "yellow", "flashing-yellow",
)  # fmt: skip
LIGHT_NUMBER = {name: number for number, name in enumerate(LIGHTS)}
GREENS = flags_of((Light.FLASHING_GREEN, Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN))
CONFIDENCE = 9  # TimeConfidence: within 0.1 s
COUNTING = 0  # alternative of TimeChangeDetails

Row = tuple[int, int, int, float, float, float, float, float]  # controller, group, light, and five times [s]


@numba.njit(cache=True)
def _marks(seconds: F64, unknown: int) -> I64:
    """Return TimeMarks [0.1 s] of seconds from now, and another number for NaN.

    >>> _marks(np.array([2.25, -1.0, 1e9, np.nan]), UNKNOWN).tolist()
    [22, 0, 36000, 36001]
    """
    marks = np.empty(len(seconds), np.int64)
    for n in range(len(seconds)):
        if np.isnan(seconds[n]):
            marks[n] = unknown
        else:
            marks[n] = np.int64(min(max(np.rint(seconds[n] * 10), 0), LONGEST))
    return marks


def frames_of(
    forecasts: SignalForecasts, greens: I64, counts: Callable[[int], int], time_ns: int, plan: Plan
) -> tuple[I64, Frames]:
    """Return the number of each controller and its SPAT: what groups show, and their next green if it is foreseen.

    Args:
        forecasts: in order of controller and group; a light that never ends has likely_end infinity.
        greens: which green (a `Light`) each row's group shows by its program.
        counts: gives the next msgCnt of a controller.
        time_ns: now.
        plan: of spatFrame.
    """
    f = forecasts
    if not len(f):
        return np.empty(0, np.int64), Frames.of([])
    message, first = split(f.controller, len(f))
    state, begin = split(f.controller, MOST_PHASES)
    controllers: I64 = f.controller[first].astype(np.int64)
    of = message[begin]
    reference = controller_reference(controllers[of])
    now = {"moy": minute_of_year(time_ns), "timeStamp": time_ns // 1_000_000 % 60_000}
    foreseen = ~GREENS[f.light] & ~np.isnan(f.next_green)
    states = 1 + foreseen
    ends = np.cumsum(states)
    shown, then = ends - states, ends[foreseen] - 1
    total = int(ends[-1])
    light, start = np.empty(total, np.int64), np.zeros(total, np.int64)
    least, likely, most = (np.full(total, ABSENT) for _ in range(3))
    light[shown], light[then] = f.light, greens[foreseen]
    start[then] = _marks(f.next_green[foreseen], UNKNOWN)
    least[shown], most[shown] = _marks(f.min_end, ABSENT), _marks(f.max_end, ABSENT)
    likely[shown] = _marks(f.likely_end, UNKNOWN)
    likely[then] = _marks((f.next_green + f.next_green_duration)[foreseen], UNKNOWN)
    counting = "timing.counting."
    frames = plan.encode(
        {
            "": {"msgCnt": np.array([counts(one) for one in controllers.tolist()]), **now},
            "intersections": {
                "parent": of,
                "intersectionId.region": reference["region"],
                "intersectionId.id": reference["id"],
                "status": 0,  # which mode the controller runs in is not among the forecasts
                "timeConfidence": CONFIDENCE,
                **now,
            },
            "intersections.phases": {"parent": state, "id": f.group.astype(np.int64)},
            "intersections.phases.phaseStates": {
                "parent": np.repeat(np.arange(len(f)), states),
                "light": light,
                "timing#": COUNTING,
                f"{counting}startTime": start,
                f"{counting}minEndTime": least,
                f"{counting}maxEndTime": most,
                f"{counting}likelyEndTime": likely,
            },
        }
    )
    return controllers, frames


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
        elif GREENS[number]:
            next_green = _seconds(counting, "startTime", age)
            duration = _seconds(counting, "likelyEndTime", age) - next_green
    if GREENS[light]:
        next_green = 0.0
    shortest, likely, longest = (_seconds(shown, f"{name}EndTime", age) for name in ("min", "likely", "max"))
    return controller, phase["id"], light, shortest, likely, longest, next_green, duration


def forecasts_of(taken: Mapping[tuple[int, int], Row]) -> SignalForecasts:
    """Return the table of rows."""
    if not taken:
        return SignalForecasts.empty()
    filled: dict[str, Any] = dict(zip(SignalForecasts.columns, zip(*taken.values(), strict=True), strict=True))
    return SignalForecasts(**filled)
