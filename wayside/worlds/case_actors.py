"""The bodies of a case's actors: what they are, how large, and whether they send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wayside.admission.tables import VehicleClass
from wayside.v2x.tables import Kind
from wayside.world import identity
from wayside.worlds.case_file import Actor

SIZES = {  # length and width [m] where the case does not say them
    Kind.UNKNOWN: (4.6, 1.8),
    Kind.CAR: (4.6, 1.8),
    Kind.BUS: (12.0, 2.55),
    Kind.TRUCK: (8.5, 2.5),
    Kind.MOTORCYCLE: (2.1, 0.8),
    Kind.BICYCLE: (1.8, 0.6),
    Kind.PEDESTRIAN: (0.5, 0.5),
}
MOTOR = (Kind.CAR, Kind.BUS, Kind.TRUCK, Kind.MOTORCYCLE)


def kind_of(actor: Actor) -> Kind:
    """Return what an actor is.

    >>> kind_of(Actor("A", kind="bus"))
    <Kind.BUS: 2>
    """
    return Kind[actor.kind.upper()]


def size_of(actor: Actor) -> tuple[float, float]:
    """Return length and width of an actor [m]: its own, else the usual ones of its kind."""
    length, width = SIZES[kind_of(actor)]
    return actor.length or length, actor.width or width


def equipped(actor: Actor) -> bool:
    """Tell whether an actor sends: as it says, else motor vehicles and automated ones do."""
    if actor.equipped is not None:
        return actor.equipped
    return kind_of(actor) in MOTOR or actor.automated != "none"


def columns_of(actors: Sequence[Actor]) -> dict[str, Any]:
    """Return the columns of `Truth` that never change, in the case's order."""
    sizes = np.array([size_of(actor) for actor in actors]).reshape(-1, 2)
    return {
        "id": np.array([identity(actor.name) for actor in actors], np.uint64),
        "kind": np.array([kind_of(actor) for actor in actors], np.uint8),
        "length": sizes[:, 0],
        "width": sizes[:, 1],
        "equipped": np.array([equipped(actor) for actor in actors], np.bool_),
        "automated": np.array([VehicleClass[actor.automated.upper()] for actor in actors], np.uint8),
    }
