"""Which ordinary cars of a route file are made automated: known before they depart, so that they hold permits."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError, iterparse

from wayside.admission.tables import VehicleClass
from wayside.worlds.readout import share_of

CAR_CLASSES = ("", "passenger", "private", "taxi", "evehicle")  # vClass values of ordinary cars; "" is the default


def is_automated(name: str, share: float) -> bool:
    """Tell whether an ordinary car of that name is made automated, as the read-out decides it too."""
    return share_of("automated", name) < share


def enrolled(files: Sequence[Path], share: float) -> list[tuple[str, VehicleClass]]:
    """Return the names and classes of the cars in route files that are made automated, in order of name.

    Args:
        files: route files, plain or gzipped; types may stand in any of them.
        share: of ordinary cars.

    Limits: cars of flows have no names before they depart and are left out; a file that cannot be read is left
        to SUMO, which names what is wrong with it.
    """
    if share <= 0:
        return []
    classes: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for path in files:
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for _, element in iterparse(file):
                    if element.tag == "vType":
                        classes[element.get("id", "")] = element.get("vClass", "")
                    elif element.tag in ("vehicle", "trip"):
                        found.append((element.get("id", ""), element.get("type", "")))
                        element.clear()
        except (OSError, ParseError):
            continue
    cars = {name for name, kind in found if classes.get(kind, "") in CAR_CLASSES and is_automated(name, share)}
    return [(name, VehicleClass.ROBOTAXI) for name in sorted(cars)]
