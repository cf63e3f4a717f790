"""Message schemas: parsed ASN.1 as a tree of few, small node types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

UNBOUNDED = (1 << 63) - 1  # stands for the missing upper bound of a SEQUENCE OF
FREE = 1 << 16  # from here on an upper bound no longer shapes how a length is written


class SchemaError(ValueError):
    """The ASN.1 text uses something this room cannot encode; the text names the type."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds; an extensible one may lie outside them too."""

    low: int
    high: int
    extensible: bool = False

    @property
    def width(self) -> int:
        """Bits on the wire, without the extension bit."""
        return (self.high - self.low).bit_length()


@dataclass(frozen=True, slots=True)
class Enumerated:
    """One of several names; `additions` are those the edition knows beyond the extension marker."""

    names: tuple[str, ...]
    extensible: bool
    additions: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Bits of the index, without the extension bit."""
        return (len(self.names) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Null:
    """A value that says nothing but that it is there."""


@dataclass(frozen=True, slots=True)
class Bits:
    """A string of bits of one length; an extensible one may have any other length too."""

    size: int
    extensible: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets, between `low` and `high` of them; an extensible type may have another number too."""

    low: int
    high: int
    extensible: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Seven-bit characters (IA5), between `low` and `high` of them."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a `Sequence` or an alternative of a `Choice`."""

    name: str
    node: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Named fields in order; `additions` are those the edition knows beyond the extension marker.

    Any addition may be absent, whether its text says OPTIONAL or not: its sender may know an older edition.
    """

    fields: tuple[Field, ...]
    extensible: bool
    additions: tuple[Field, ...] = ()

    @property
    def optionals(self) -> tuple[Field, ...]:
        """The fields that may be absent, in the order of their presence bits."""
        return tuple(f for f in self.fields if f.optional)


@dataclass(frozen=True, slots=True)
class SequenceOf:
    """Between `low` and `high` values of one type; `high` is `UNBOUNDED` where the text gives no size."""

    element: Node
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several alternatives; `additions` are those the edition knows beyond the extension marker."""

    alternatives: tuple[Field, ...]
    extensible: bool
    additions: tuple[Field, ...] = ()

    @property
    def width(self) -> int:
        """Bits of the index, without the extension bit."""
        return (len(self.alternatives) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Open:
    """An open type: octets whose type a number beside it in the same `Sequence` tells.

    Attributes:
        selector: name of the sibling field with that number.
        types: (number, type's name, type) of those the edition knows; others are kept as octets.
    """

    selector: str
    types: tuple[tuple[int, str, Node], ...]


Node: TypeAlias = (
    Integer | Enumerated | Boolean | Null | Bits | Octets | Text | Sequence | SequenceOf | Choice | Open
)


def count_width(node: Octets | Text | SequenceOf) -> int:
    """Return the bits that say how many items follow; 0 where the number is fixed."""
    return (node.high - node.low).bit_length()


def read_schema(text: str, root: str) -> Node:
    """Return the tree of a type in ASN.1 text of one or more modules, which may import from one another.

    Raises:
        SchemaError: the text uses something that cannot be encoded (`notation.py` says what can), defines a
            type twice, or has no such type.

    >>> read_schema("M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= INTEGER (0..7) END", "A")
    Integer(low=0, high=7, extensible=False)
    """
    from wayside.asn1.notation import Notation  # noqa: PLC0415  both build on the nodes of this file
    from wayside.asn1.parsed import parsed  # noqa: PLC0415

    return Notation(parsed(text)).named(root)
