"""What can be wrong with octets or values, and where."""

from __future__ import annotations

from enum import IntEnum


class Fault(IntEnum):
    """Why octets cannot be read, or a value cannot be written."""

    TRUNCATED = 1
    MALFORMED = 2
    OUT_OF_RANGE = 3
    UNKNOWN_MESSAGE = 4
    TRAILING_BITS = 5


class WireError(ValueError):
    """Octets cannot be read, or a value cannot be written.

    Attributes:
        reason: why.
        path: field concerned, such as `bsmFrame.pos.lat` or `rsmFrame.participants[3].speed`.
        bit: position at which reading or writing stopped [bits from the start].
        found: what was found there, and what was expected.
    """

    def __init__(self, reason: Fault, path: str, bit: int, found: str) -> None:
        super().__init__(f"{path or 'frame'} at bit {bit}: {found}")
        self.reason, self.path, self.bit, self.found = reason, path, bit, found
