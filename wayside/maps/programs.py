"""Signal programs: from a state letter for every link to lights of signal groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wayside.maps.tables import SignalLinks, SignalPhases
from wayside.signals.tables import Light

LETTERS = {
    "r": Light.RED,
    "y": Light.YELLOW,
    "Y": Light.YELLOW,
    "G": Light.PROTECTED_GREEN,
    "g": Light.PERMISSIVE_GREEN,
    "s": Light.FLASHING_RED,  # go on red after a stop
    "u": Light.RED,  # red and yellow together, shown nowhere in China and unknown to the message set
    "o": Light.FLASHING_YELLOW,
    "O": Light.DARK,
}


def light_of(letter: str) -> Light:
    """Return the light of a letter of the simulator's state strings.

    Raises:
        ValueError: no such letter.

    >>> light_of("g")
    <Light.PERMISSIVE_GREEN: 5>
    """
    try:
        return LETTERS[letter]
    except KeyError:
        raise ValueError(f"state letter {letter!r} is none of {' '.join(LETTERS)}") from None


@dataclass(frozen=True)
class Program:
    """The phases of one controller: length [s] and a state letter for each link."""

    durations: tuple[float, ...]
    states: tuple[str, ...]


def groups_of(program: Program, used: Collection[int], on_foot: Collection[int]) -> dict[int, int]:
    """Return the signal group, from 1, of each link in use.

    Links belong to one group if they show the same light in every phase and serve the same sort of traffic:
    vehicles, or people on foot. Groups are numbered in the order of their first link.

    Args:
        program: the phases.
        used: link indices that some connection has.
        on_foot: those of them that serve crossings.

    Raises:
        ValueError: a link beyond the state strings, or state strings of unequal length.

    >>> groups_of(Program((30.0, 3.0), ("GGrr", "yyrr")), used=[0, 1, 2, 3], on_foot=[3])
    {0: 1, 1: 1, 2: 2, 3: 3}
    """
    lengths = {len(state) for state in program.states}
    if len(lengths) != 1:
        raise ValueError(f"its phases have state strings of lengths {sorted(lengths)}, or it has no phases")
    links = lengths.pop()
    groups: dict[tuple[bool, Sequence[Light]], int] = {}
    result: dict[int, int] = {}
    for link in sorted(set(used)):
        if not 0 <= link < links:
            raise ValueError(f"link {link} is beyond its state strings of {links} letters")
        lights = tuple(light_of(state[link]) for state in program.states)
        result[link] = groups.setdefault((link in on_foot, lights), len(groups) + 1)
    return result


def tables_of(
    programs: Mapping[int, Program], groups: Mapping[int, Mapping[int, int]]
) -> tuple[SignalPhases, SignalLinks]:
    """Return the tables of all controllers' programs.

    Args:
        programs: the program of each controller, by its index.
        groups: the signal group of each link, by controller; see `groups_of`.
    """
    phases: list[tuple[int, int, int, int, float]] = []
    links: list[tuple[int, int, int]] = []
    for controller, program in programs.items():
        links.extend((controller, link, group) for link, group in groups[controller].items())
        first_link = {group: link for link, group in reversed(list(groups[controller].items()))}
        for phase, (duration, state) in enumerate(zip(program.durations, program.states, strict=True)):
            phases.extend(
                (controller, phase, group, light_of(state[link]), duration) for group, link in first_link.items()
            )
    return (
        SignalPhases(**_columns(phases, ("controller", "phase", "group", "light", "duration"))),
        SignalLinks(**_columns(links, ("controller", "link", "group"))),
    )


def _columns(rows: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> dict[str, Any]:
    """Return rows as columns by name."""
    return dict(zip(names, zip(*rows, strict=True) if rows else [[]] * len(names), strict=True))
