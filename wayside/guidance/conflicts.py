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
        if (self._truth.acceleration[mine] < HARD_BRAKING).any():
            return True
        if service == Service.RED_LIGHT:
            return False
        rows = slice(*np.searchsorted(self._actor_time, [time_ns, time_ns + 1]))
        found = np.flatnonzero(self._actors.id[rows] == np.uint64(other))
        if not len(found):
            return None
        row = rows.start + int(found[0])
        whom = self._who(time_ns, (float(self._actors.x[row]), float(self._actors.y[row])))
        if whom is None or whom == subject:
            # nobody is there: warned of a phantom
            return False
        theirs = self._course(whom, time_ns)
        if service != Service.FORWARD_COLLISION and self._gap(mine, theirs) < SHORT_GAP_S:
            return True
        return self._least_ttc(mine, theirs) < SHORT_TTC_S

    def _who(self, time_ns: int, place: tuple[float, float]) -> int | None:
        """Return the true road user nearest to a place at a tick, None if there is none near it."""
        rows = slice(*np.searchsorted(self._tick_time, [time_ns, time_ns + 1]))
        away = np.hypot(self._tick.x[rows] - place[0], self._tick.y[rows] - place[1])
        if not len(away) or not away.min() <= FOUND_WITHIN_M:
            return None
        return int(self._tick.id[rows][np.argmin(away)])

    def _course(self, who: int, time_ns: int) -> slice:
        """Return the rows of one road user in the seconds after an instant."""
        first = np.searchsorted(self._truth.id, np.uint64(who), "left")
        last = np.searchsorted(self._truth.id, np.uint64(who), "right")
        begin, end = np.searchsorted(self._time[first:last], [time_ns, time_ns + round(AFTER_S * 1e9) + 1])
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
