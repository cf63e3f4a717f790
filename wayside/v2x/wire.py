"""What can be wrong with a frame, and where."""

from __future__ import annotations

from wayside.v2x.tables import RefusalReason


class WireError(ValueError):
    """A frame cannot be read, or a value cannot be written.

    Attributes:
        reason: why, as it is counted in `Refusals`.
        path: field concerned, such as `bsmFrame.pos.lat` or `rsmFrame.participants[3].speed`.
        bit: position in the frame at which reading or writing stopped [bits from its start].
    """

    def __init__(self, reason: RefusalReason, path: str, bit: int, found: str) -> None:
        super().__init__(f"{path or 'frame'} at bit {bit}: {found}")
        self.reason, self.path, self.bit = reason, path, bit
