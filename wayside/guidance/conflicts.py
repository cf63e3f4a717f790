"""Whether a warning was right: what the true positions say of the seconds after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wayside.driving.tables import HORIZON_STEP_S, HORIZON_STEPS
from wayside.guidance.contact import first_contact
from wayside.guidance.tables import Service
from wayside.roadside.tables import Actors
from wayside.table import F64, I64
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.run import Run

AFTER_S = 4.0  # how long after a warning its conflict may show
SHORT_TTC_S = 3.0
SHORT_GAP_S = 2.0  # between leaving a spot and another's coming to it
HARD_BRAKING = -3.0  # [m/s2]
SPOT_M = 2.0  # centres that come so near to the same place use the same spot
FOUND_WITHIN_M = 3.0  # a true road user so near to where one is believed to be is that one

BRAKED_NS = 1_000_000_000  # it is warned of braking a moment after it began
UNKNOWN = -1
COMES_BY = {  # how near the other must come [m], and within which time [s]
    Service.BLIND_SPOT: (6.0, 4.0),
    Service.DO_NOT_PASS: (10.0, 10.0),
}

_LATER = HORIZON_STEP_S * np.arange(1, HORIZON_STEPS + 1)
_SURE = np.zeros(HORIZON_STEPS)


class Witness:
    """What a Run knows of the truth around each warning.

    Args:
        run: the Run.
        actor_time: tick of each row of `actors` [ns].
        actors: the picture of all its ticks.
    """

    def __init__(self, run: Run, actor_time: I64, actors: Actors) -> None:
        time, truth = run.rows(Truth)
        self._limit = run.road.lanes.speed_limit if len(truth) else np.empty(0)
        self._tick_time, self._tick = time, truth
        order = np.lexsort([time, truth.id])
        self._time, self._truth = time[order], truth.take(order)
        self._actor_time, self._actors = actor_time, actors

    def judge(  # noqa: PLR0911  one return for each way to know
        self, service: Service, time_ns: int, place: tuple[float, float], other: int
    ) -> bool | None:
        """Tell whether a warning was right; None where the truth is not known.

        - Speeding: it was faster than its lane allows.
        - A red light: it braked hard.
        - Emergency braking: the other braked hard, or as for the next.
        - Somebody beside it, or oncoming traffic: the other came by, nearer than 6 m in 4 s or 10 m in 10 s.
        - All others: it braked hard, they came near to touching, or used one spot soon after each other.

        Args:
            service: what was warned of.
            time_ns: when [ns].
            place: where the warned one was believed to be [m].
            other: whom it was warned of, an actor's identity.
        """
        subject = self._who(time_ns, place)
        if subject is None:
            return None
        mine = self._course(subject, time_ns)
        if service == Service.SPEED_LIMIT:
            lane = int(self._truth.lane[mine][0])
            return None if lane < 0 else bool(self._truth.speed[mine][0] > self._limit[lane])
        if service not in COMES_BY and self._braked(mine):
            return True
        if service == Service.RED_LIGHT:
            return False
        whom = self._whom(time_ns, other)
        if whom == UNKNOWN:
            return None
        if whom is None or whom == subject:
            # nobody is there: warned of a phantom
            return False
        if service in COMES_BY:
            near, within_s = COMES_BY[service]
            return (
                self._nearest(self._course(subject, time_ns, within_s), self._course(whom, time_ns, within_s))
                < near
            )
        theirs = self._course(whom, time_ns)
        if service == Service.EMERGENCY_BRAKING and self._braked(self._course(whom, time_ns - BRAKED_NS)):
            return True
        if service != Service.FORWARD_COLLISION and self._gap(mine, theirs) < SHORT_GAP_S:
            return True
        return self._least_ttc(mine, theirs) < SHORT_TTC_S

    def meant(self, time_ns: int, place: tuple[float, float], other: int) -> tuple[int, int] | None:
        """Return the true identities of who was warned and of whom, 0 if of nobody; None where one is not there.

        Args:
            time_ns: when [ns].
            place: where the warned one was believed to be [m].
            other: whom it was warned of, an actor's identity; 0 nobody.
        """
        subject = self._who(time_ns, place)
        whom = self._whom(time_ns, other) if other else 0
        return None if subject is None or whom is None or whom == UNKNOWN else (subject, whom)

    def _whom(self, time_ns: int, actor: int) -> int | None:
        """Return the true road user where an actor is, None if nobody is; `UNKNOWN` if there is no such actor."""
        rows = slice(*np.searchsorted(self._actor_time, [time_ns, time_ns + 1]))
        found = np.flatnonzero(self._actors.id[rows] == np.uint64(actor))
        if not len(found):
            return UNKNOWN
        row = rows.start + int(found[0])
        return self._who(time_ns, (float(self._actors.x[row]), float(self._actors.y[row])))

    def _braked(self, course: slice) -> bool:
        """Tell whether one braked hard."""
        return bool((self._truth.acceleration[course] < HARD_BRAKING).any())

    def _nearest(self, mine: slice, theirs: slice) -> float:
        """Return the least distance between two over the ticks that both were there [m]."""
        _, a, b = np.intersect1d(self._time[mine], self._time[theirs], return_indices=True)
        a, b = a + mine.start, b + theirs.start
        away = np.hypot(self._truth.x[a] - self._truth.x[b], self._truth.y[a] - self._truth.y[b])
        return float(away.min(initial=np.inf))

    def _who(self, time_ns: int, place: tuple[float, float]) -> int | None:
        """Return the true road user nearest to a place at a tick, None if there is none near it."""
        rows = slice(*np.searchsorted(self._tick_time, [time_ns, time_ns + 1]))
        away = np.hypot(self._tick.x[rows] - place[0], self._tick.y[rows] - place[1])
        if not len(away) or not away.min() <= FOUND_WITHIN_M:
            return None
        return int(self._tick.id[rows][np.argmin(away)])

    def _course(self, who: int, time_ns: int, after_s: float = AFTER_S) -> slice:
        """Return the rows of one road user in the seconds after an instant."""
        first = np.searchsorted(self._truth.id, np.uint64(who), "left")
        last = np.searchsorted(self._truth.id, np.uint64(who), "right")
        begin, end = np.searchsorted(self._time[first:last], [time_ns, time_ns + round(after_s * 1e9) + 1])
        return slice(int(first + begin), int(first + end))

    def _gap(self, mine: slice, theirs: slice) -> float:
        """Return the least time between both using one spot [s]."""
        x, y, time = self._truth.x, self._truth.y, self._time
        near = np.hypot(x[mine, None] - x[None, theirs], y[mine, None] - y[None, theirs]) < SPOT_M
        if not near.any():
            return np.inf
        return float(np.abs(time[mine, None] - time[None, theirs])[near].min() * 1e-9)

    def _least_ttc(self, mine: slice, theirs: slice) -> float:
        """Return the least time to contact at constant velocity, over the ticks that both were there [s]."""
        _, a, b = np.intersect1d(self._time[mine], self._time[theirs], return_indices=True)
        least = np.inf
        for i, j in zip(a[::2] + mine.start, b[::2] + theirs.start, strict=True):
            time, _, _ = first_contact(*self._body(i), *self._body(j), HORIZON_STEPS)
            # unknown is never less
            least = time if time < least else least
        return least

    def _body(self, row: int) -> tuple[float, float, float, float, float, F64, F64, F64, F64]:
        """Return a body and its straight way on, as `first_contact` takes it."""
        t = self._truth
        x, y, heading, speed = t.x[row], t.y[row], t.heading[row], t.speed[row]
        return (
            x, y, heading, t.length[row] / 2, t.width[row] / 2,
            x + speed * np.cos(heading) * _LATER, y + speed * np.sin(heading) * _LATER,
            np.full(HORIZON_STEPS, heading), _SURE,
        )  # fmt: skip
