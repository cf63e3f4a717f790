"""What is really there. Only a simulated World knows it, and no step may read it."""

from __future__ import annotations

from wayside.table import F64, I32, U8, U64, Bool, Table, column
from wayside.v2x.tables import Kind


class Impostors(Table, key=("sender",), truth=True):
    """Simulated senders whose certificates nobody trusted has issued."""

    sender: U64 = column("", "V2X identity")


class Truth(Table, key=("id",), position=("x", "y"), truth=True):
    """Every road user as the simulator has it; the centre of its body, not its front bumper."""

    id: U64 = column("", "identity in the simulator, constant for life; equals the V2X sender where equipped")
    kind: U8 = column("", "what it is", codes=Kind)
    x: F64 = column("m", "east of the city's origin", places=2)
    y: F64 = column("m", "north of the city's origin", places=2)
    heading: F64 = column("rad", "direction it faces, anticlockwise from east", places=4)
    speed: F64 = column("m/s", "speed over ground", places=2)
    acceleration: F64 = column("m/s2", "along the heading", places=2)
    length: F64 = column("m", "bumper to bumper", places=2)
    width: F64 = column("m", "without mirrors", places=2)
    lane: I32 = column("", "index into the lanes of the map, -1 off the lanes")
    equipped: Bool = column("", "sends BSMs")
    automated: U8 = column("", "0 not, otherwise the admission room's VehicleClass")
