"""How many bits values take, and which of them are alike."""

from __future__ import annotations

from wayside.asn1.program import Kind
from wayside.asn1.schema import (
    FREE,
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Integer,
    Node,
    Octets,
    Open,
    Sequence,
    SequenceOf,
    Text,
    count_width,
)


def least_bits(node: Node) -> int:  # noqa: PLR0911
    """Return how many bits a value takes at least."""
    match node:
        case Integer() | Enumerated():
            return min(node.width + 1, 8) if node.extensible else node.width
        case Boolean():
            return 1
        case Bits():
            return 9 if node.extensible else node.size
        case Octets() | Text():
            extended = isinstance(node, Octets) and node.extensible
            return 9 if extended else count_width(node) + node.low * (8 if isinstance(node, Octets) else 7)
        case SequenceOf():
            return 8 if node.high >= FREE else count_width(node) + node.low * least_bits(node.element)
        case Choice():
            least = node.width + min((least_bits(f.node) for f in node.alternatives), default=0)
            return min(least + 1, 16) if node.extensible else least
        case Sequence():
            needed = sum(least_bits(f.node) for f in node.fields if not f.optional)
            return node.extensible + len(node.optionals) + needed
        case _:
            return 0


def is_short(node: Octets) -> bool:
    """Tell whether the octets are few and always as many, so that a column holds them as a number."""
    return node.low == node.high <= 8 and not node.extensible


_WRAPPED = 8 * 4 + 7  # bits that an open type may take besides its contents: a length in parts, and padding


def most_bits(node: Node) -> int:  # noqa: PLR0911
    """Return how many bits a value takes at most, without the items of its lists and texts."""
    match node:
        case Integer():
            return max(node.width, 73 if node.extensible else 0)
        case Enumerated():
            return max(node.width, 26 if node.extensible else 0)
        case Boolean():
            return 1
        case Bits():
            return node.size + node.extensible
        case Octets() if is_short(node):
            return 8 * node.low
        case Octets() | Text() | SequenceOf():
            return max(count_width(node), 33)
        case Choice():
            known = max((most_bits(f.node) for f in node.alternatives), default=0)
            added = max((most_bits(f.node) + _WRAPPED for f in node.additions), default=0)
            return max(node.width + 1 + known, 40 + added)
        case Sequence():
            inside = sum(most_bits(f.node) for f in node.fields)
            added = sum(most_bits(f.node) + _WRAPPED + 1 for f in node.additions)
            return 8 + len(node.optionals) + inside + added
        case Open():
            return _WRAPPED + max((most_bits(inner) for _, _, inner in node.types), default=0)
        case _:
            return 0


def _shape(node: Node, name: str) -> frozenset[tuple[str, Kind]] | None:
    """Return the columns of a value without lists, texts, optional fields or names; None for any other."""
    match node:
        case Integer():
            return frozenset({(name, Kind.NUMBER)})
        case Bits():
            return frozenset({(name, Kind.BITS)})
        case Sequence() if not (node.extensible or node.optionals):
            shapes = [_shape(f.node, f"{name}.{f.name}") for f in node.fields]
            return frozenset().union(*(s for s in shapes if s is not None)) if None not in shapes else None
        case _:
            return None


def shares_columns(node: Choice) -> bool:
    """Tell whether all alternatives say the same in different ranges, so that they can share their columns.

    Such are the offsets of a position: seven widths of the same two numbers.
    """
    shapes = {_shape(f.node, "") for f in (*node.alternatives, *node.additions)}
    return len(shapes) == 1 and None not in shapes
