"""Faults of sensing poles on purpose: which pole, what is wrong with it, how much and from when on."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np

from wayside.roadside.tables import Detections, PoleFault, Poles
from wayside.table import I64
from wayside.world import Event
from wayside.worlds.engine import WorldError
from wayside.worlds.sensing_view import Posts

Range: TypeAlias = tuple[float, float]

# by fault: how large it is if nothing is said, between which bounds it may be said, and its unit
MAGNITUDES: dict[PoleFault, tuple[float, Range, str]] = {
    PoleFault.SILENT: (1.0, (0.0, 1.0), ""),
    PoleFault.FROZEN: (1.0, (0.0, 1.0), ""),
    PoleFault.TURNED: (2.0, (-180.0, 180.0), "deg"),
    PoleFault.SHIFTED: (1.5, (0.0, 1000.0), "m"),
    PoleFault.CLOCK_OFFSET: (0.3, (-20.0, 20.0), "s"),
    PoleFault.CLOCK_DRIFT: (0.005, (-0.1, 0.1), "s/s"),
    PoleFault.LATE: (0.5, (0.0, 20.0), "s"),
    PoleFault.BLIND_SECTOR: (60.0, (0.0, 360.0), "deg"),
    PoleFault.SHORT_SIGHTED: (0.5, (0.0, 1.0), ""),
    PoleFault.GHOSTS: (5.0, (0.0, 100.0), "1/s"),
    PoleFault.NOISY: (3.0, (0.0, 100.0), ""),
    PoleFault.MISCLASSIFYING: (0.5, (0.0, 1.0), ""),
}
NAMES = {fault.name.lower(): fault for fault in PoleFault}


class PlantedPoleFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault of one pole, as a city file plants it: `{ pole = 3, fault = "turned", value = 2.0, from_s = 60 }`.

    Raises:
        ValueError: the fault has no such name, or its value lies outside what makes sense.

    >>> PlantedPoleFault(pole=3, fault="turned", from_s=60.0).size
    2.0
    >>> PlantedPoleFault(pole=3, fault="turnt")
    Traceback (most recent call last):
        ...
    ValueError: no pole fault 'turnt'; did you mean 'turned'?
    """

    pole: int  # its number
    fault: str  # a name of `PoleFault`, in small letters
    value: float | None = None  # how much, in the unit of `MAGNITUDES`
    bearing: float = 0.0  # [deg] anticlockwise from east: where a pole is shifted to, the middle of a blind sector
    from_s: float = 0.0  # from the first tick
    until_s: float | None = None  # not given: for good

    def __post_init__(self) -> None:
        if self.fault not in NAMES:
            near = difflib.get_close_matches(self.fault, NAMES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(NAMES)}"
            raise ValueError(f"no pole fault {self.fault!r}; {hint}")
        _, (low, high), unit = MAGNITUDES[self.kind]
        if not low <= self.size <= high:
            raise ValueError(f"{self.fault} = {self.size} is not between {low:g} and {high:g} {unit}".rstrip())
        if not math.isfinite(self.bearing) or not math.isfinite(self.from_s):
            raise ValueError(f"{self.fault}: bearing and from_s must be finite numbers")
        if self.until_s is not None and not self.from_s < self.until_s:
            raise ValueError(f"{self.fault}: until_s = {self.until_s} is not after from_s = {self.from_s}")

    @property
    def kind(self) -> PoleFault:
        """What is wrong."""
        return NAMES[self.fault]

    @property
    def size(self) -> float:
        """How much: as said, or as usual; a share of range that is left, a factor of noise, else the unit's."""
        return MAGNITUDES[self.kind][0] if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class _Span:
    planted: PlantedPoleFault
    from_ns: int
    until_ns: int


class PoleFaults:
    """Lays planted faults on the poles of a scan.

    Faults of one pole add up. It remembers the last list of a frozen pole, and nothing else.

    Args:
        planted: what is wrong, from when on.
        poles: those that stand.
        start_ns: instant of the first tick [ns].

    Raises:
        WorldError: a pole with that number does not stand.
    """

    def __init__(self, planted: Sequence[PlantedPoleFault], poles: Poles, start_ns: int) -> None:
        known = set(poles.pole.tolist())
        for one in planted:
            if one.pole not in known:
                raise WorldError(
                    f"[world.faults] poles: {one.fault} is planted on pole {one.pole}, which does not stand; "
                    f"poles are {', '.join(map(str, sorted(known))) or 'none'}"
                )
        self._spans = [
            _Span(one, start_ns + _ns(one.from_s), 2**62 if one.until_s is None else start_ns + _ns(one.until_s))
            for one in planted
        ]
        self._untold = sorted(self._spans, key=lambda span: span.from_ns)
        self._held: dict[int, Detections] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def events(self, now_ns: int) -> list[Event]:
        """Return what has begun by now and was not told yet, for the World's log."""
        begun = [span for span in self._untold if span.from_ns <= now_ns]
        self._untold = self._untold[len(begun) :]
        return [
            Event(
                now_ns,
                "planted",
                {
                    "fault": f"pole_{span.planted.fault}",
                    "subject": span.planted.pole,
                    "from_ns": span.from_ns,
                    "value": span.planted.size,
                    "bearing": span.planted.bearing,
                },
            )
            for span in begun
        ]

    def lay_on(self, posts: Posts, now_ns: int) -> None:
        """Change the records of poles, in place, to what is wrong with them now."""
        for span in self._spans:
            if not span.from_ns <= now_ns < span.until_ns:
                continue
            rows = np.flatnonzero(posts["pole"] == span.planted.pole)
            for row in rows:
                _lay(posts[row], span.planted, (now_ns - span.from_ns) * 1e-9)

    def frozen(self, seen: Detections, posts: Posts, times: I64, now_ns: int) -> Detections:
        """Return the detections with the old list, newly stamped, of each pole that is frozen.

        Args:
            seen: what all poles see at this scan.
            posts: the poles of the scan.
            times: stamp and instant of arrival of each pole's list [ns].
            now_ns: instant of the scan [ns].
        """
        now = {
            span.planted.pole
            for span in self._spans
            if span.planted.kind is PoleFault.FROZEN and span.from_ns <= now_ns < span.until_ns
        }
        self._held = {pole: held for pole, held in self._held.items() if pole in now}
        for pole in sorted(now):
            mine = seen.pole == pole
            if pole not in self._held:
                if mine.any():
                    self._held[pole] = seen.take(mine)
                continue
            row = int(np.flatnonzero(posts["pole"] == pole)[0])
            held = self._held[pole]
            again = held.replace(
                time_ns=np.full(len(held), times[row, 0]), received_ns=np.full(len(held), times[row, 1])
            )
            seen = Detections.concatenate([seen.take(~mine), again])
        return seen


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _lay(post: np.void, planted: PlantedPoleFault, since_s: float) -> None:
    """Change the record of one pole to what a fault makes of it."""
    size, bearing = planted.size, math.radians(planted.bearing)
    match planted.kind:
        case PoleFault.SILENT:
            post["silent"] = True
        case PoleFault.TURNED:
            post["turn"] += math.radians(size)
        case PoleFault.SHIFTED:
            post["shift_x"] += size * math.cos(bearing)
            post["shift_y"] += size * math.sin(bearing)
        case PoleFault.CLOCK_OFFSET:
            post["clock"] += size
        case PoleFault.CLOCK_DRIFT:
            post["clock"] += size * since_s
        case PoleFault.LATE:
            post["late"] += size
        case PoleFault.BLIND_SECTOR:
            post["blind_at"], post["blind_half"] = bearing, math.radians(0.5 * size)
        case PoleFault.SHORT_SIGHTED:
            post["reach"] *= size
        case PoleFault.GHOSTS:
            post["ghosts_per_s"] += size
        case PoleFault.NOISY:
            post["noise"] *= size
        case PoleFault.MISCLASSIFYING:
            post["confusion"] += size
        case _:  # a frozen pole is treated after the scan
            pass
