"""Greens that must not be shown together, and phases that only one of MAP and SPAT knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from wayside.report import Grid, Line
from wayside.signals.tables import Light
from wayside.v2x.intersections import (
    ALWAYS,
    RIGHT,
    UNKNOWN_PHASE,
    Intersection,
    Movement,
    Node,
    cross,
    movements_of,
)
from wayside.v2x.lights import STEADY_GREENS, Lights, name_of, overlaps

PROTECTED = frozenset({Light.PROTECTED_GREEN})
SOURCE = "systems A8"


def forbidden(drawn: Intersection) -> Iterator[tuple[int, int, bool]]:
    """Yield pairs of phases that must not be green together, and whether this holds for protected green only.

    Two movements from different carriageways conflict if their ways cut each other. If both go straight on, no
    two greens of any kind may meet; otherwise a permissive green yields, and only two protected greens conflict.
    A right turn cuts no way of vehicles; that it merges is left to the drivers.
    """
    strict: dict[tuple[int, int], bool] = {}
    for one, other in combinations(list(movements_of(drawn)), 2):
        if one.approach.link == other.approach.link or one.connection.phase == other.connection.phase:
            continue
        if RIGHT in (one.connection.turn, other.connection.turn):
            continue
        if cross(one.curve, other.curve):
            pair = _pair(one, other)
            straight = one.straight and other.straight
            strict[pair] = strict.get(pair, True) and not straight
    for (first, second), protected_only in sorted(strict.items()):
        yield first, second, protected_only


def _pair(one: Movement, other: Movement) -> tuple[int, int]:
    first, second = sorted((one.connection.phase, other.connection.phase))
    return first, second


def conflicts_of(lights: Lights, maps: Mapping[Node, Intersection]) -> tuple[Line, Grid]:
    """Return how often signals of crossing movements were green together; unknown without both MAP and SPAT."""
    rows, judged = [], False
    for node, drawn in sorted(maps.items()):
        for first, second, protected_only in forbidden(drawn):
            one, other = lights.spells.get((node, first)), lights.spells.get((node, second))
            if one is None or other is None:
                continue
            judged = True
            kind = PROTECTED if protected_only else STEADY_GREENS
            times = list(overlaps(one, other, kind, kind))
            if times:
                rows.append((name_of(node), first, second, len(times), round(max(times) * 1e-9, 1)))
    total = float(sum(row[3] for row in rows)) if judged else None
    line = Line("A12-green-conflict", "v2x.green_conflict", 0.0, "==", "", f"{SOURCE}; geometry own", total)
    headings = ("v2x.intersection", "v2x.phase", "v2x.other_phase", "v2x.times", "v2x.longest_s")
    return line, Grid("check-conflicts", "v2x.conflict_table", headings, tuple(rows))


def agreement_of(lights: Lights, maps: Mapping[Node, Intersection]) -> tuple[tuple[Line, ...], Grid]:
    """Return what only one of MAP and SPAT knows: intersections, and phases of those that both know."""
    told = lights.phases()
    rows: list[tuple[str | int, ...]] = []
    lacking, strange, lonely = 0, 0, 0
    signalled = {node: drawn for node, drawn in maps.items() if drawn.phases}
    for node in sorted(told.keys() | signalled.keys()):
        if node not in told or node not in maps:
            lonely += 1
            rows.append((name_of(node), "v2x.no_spat" if node not in told else "v2x.no_map", ""))
            continue
        spoken = told[node] - {ALWAYS, UNKNOWN_PHASE}
        for number, text, phases in (
            (0, "v2x.only_map", maps[node].phases - spoken),
            (1, "v2x.only_spat", spoken - maps[node].phases),
        ):
            lacking += len(phases) * (number == 0)
            strange += len(phases) * (number == 1)
            rows += [(name_of(node), text, phase) for phase in sorted(phases)]
    both = bool(told) and bool(maps)
    lines = tuple(
        Line(f"A12-{identity}", f"v2x.{text}", 0.0, "==", "", SOURCE, float(count) if both else None)
        for identity, text, count in (
            ("map-phases", "map_phases", lacking),
            ("spat-phases", "spat_phases", strange),
            ("map-spat-nodes", "map_spat_nodes", lonely),
        )
    )
    return lines, Grid(
        "check-agreement", "v2x.agreement_table", ("v2x.intersection", "v2x.found", "v2x.phase"), tuple(rows)
    )
