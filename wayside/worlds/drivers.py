"""How drivers and automated vehicles take what they are told: caps on their speed, eased in and let go again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

SLOWEST = 0.5  # m/s; a cap below it would be a stop, which is ordered otherwise
UNCAPPED = -1.0  # what SUMO's setSpeed takes for "as you like"


class DriverConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people and machines answer to advice, warnings and measures [own assumptions]."""

    advice_compliance: float = 0.8  # share of equipped vehicles that follow a speed advice
    warning_compliance: float = 0.8  # share that brake when warned
    advice_hold_s: float = 1.5  # an advice is followed that long after it was last given
    measure_hold_s: float = 5.0  # a measure is obeyed that long after it was last heard of
    reaction_min_s: float = 1.0  # from hearing of a measure to acting on it
    reaction_max_s: float = 4.0
    warned_reaction_min_s: float = 0.7  # from a warning to braking; Green 2000: 0.7 s if expected, ...
    warned_reaction_max_s: float = 1.5  # ... 1.5 s if a surprise
    gentle: float = 1.5  # deceleration when following advice or a cap [m/s2]
    firm: float = 3.0  # deceleration when warned [m/s2]
    warned_share: float = 0.5  # a warned driver brakes to this share of the speed when first told, ...
    warned_s: float = 2.0  # ... until so long after being told last and having reacted
    eased_share: float = 0.8  # asked for care, a driver goes no faster than this share of the usual speed there


@dataclass(slots=True)
class Wish:
    """A reason to drive no faster than so, from one instant until another."""

    speed: float
    deceleration: float
    until_ns: int
    from_ns: int = 0


class Drivers:
    """Caps the speed of vehicles by name; the lowest wish counts, and a cap comes and goes gently.

    A cap holds only while the driver would go faster without it, so signals, other vehicles and planned stops go
    on counting as ever.

    Args:
        sumo: the running simulation.
        dt_s: time between two calls of `apply`, or between two decisions of SUMO's drivers if longer [s].
    """

    # Not setMaxSpeed: it gives the vehicle a type of its own, and SUMO 1.28 was seen to crash in a later step.

    def __init__(self, sumo: Any, dt_s: float) -> None:
        self._vehicle, self._dt_s = sumo.vehicle, dt_s
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._set: dict[str, float] = {}  # speeds that stand in SUMO

    def wish(self, name: str, reason: str, wish: Wish, *, prolong: bool = False) -> None:
        """Note why a vehicle should drive no faster than so; a new wish replaces one of the same reason.

        Who is told again while reacting does not begin to react anew. With `prolong` a wish that stands keeps its
        speed and only lasts longer: who brakes to half the speed and is told again does not go for a quarter.
        """
        wishes = self._wishes.setdefault(name, {})
        if reason in wishes:
            wish.from_ns = min(wish.from_ns, wishes[reason].from_ns)
            if prolong:
                wish.speed = wishes[reason].speed
        wishes[reason] = wish

    def apply(self, now_ns: int, present: frozenset[str]) -> None:
        """Pass the wishes on to SUMO; vehicles that are gone are forgotten."""
        for name, wishes in list(self._wishes.items()):
            if name not in present:
                del self._wishes[name]
                self._set.pop(name, None)
                continue
            for reason in [reason for reason, wish in wishes.items() if wish.until_ns <= now_ns]:
                del wishes[reason]
            if not wishes:
                del self._wishes[name]
            cap, lowest = UNCAPPED, None
            for wish in wishes.values():
                if wish.from_ns <= now_ns and (lowest is None or wish.speed < lowest.speed):
                    lowest = wish
            if lowest is not None:
                slower = self._vehicle.getSpeed(name) - lowest.deceleration * self._dt_s
                cap = max(lowest.speed, slower, SLOWEST)
                if self._vehicle.getSpeedWithoutTraCI(name) <= cap:
                    cap = UNCAPPED
            if cap != self._set.get(name, UNCAPPED):
                self._vehicle.setSpeed(name, cap)
                self._set[name] = cap
