"""Message schemas: parsed ASN.1 as a tree of few, small node types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


class SchemaError(ValueError):
    """The ASN.1 text uses something this room cannot encode; the text names the type."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number between two bounds."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits on the wire."""
        return (self.high - self.low).bit_length()


@dataclass(frozen=True, slots=True)
class Enumerated:
    """One of several names."""

    names: tuple[str, ...]
    extensible: bool

    @property
    def width(self) -> int:
        """Bits of the index, without the extension bit."""
        return (len(self.names) - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Bits:
    """A string of bits of one length; an extensible one may have any other length too."""

    size: int
    extensible: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets, between `low` and `high` of them."""

    low: int
    high: int


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
    """Named fields in order."""

    fields: tuple[Field, ...]
    extensible: bool

    @property
    def optionals(self) -> tuple[Field, ...]:
        """The fields that may be absent, in the order of their presence bits."""
        return tuple(f for f in self.fields if f.optional)


@dataclass(frozen=True, slots=True)
class SequenceOf:
    """Between `low` and `high` values of one type."""

    element: Node
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several alternatives."""

    alternatives: tuple[Field, ...]
    extensible: bool

    @property
    def width(self) -> int:
        """Bits of the index, without the extension bit."""
        return (len(self.alternatives) - 1).bit_length()


Node: TypeAlias = Integer | Enumerated | Bits | Octets | Text | Sequence | SequenceOf | Choice


def count_width(node: Octets | Text | SequenceOf) -> int:
    """Return the bits that say how many items follow; 0 where the number is fixed."""
    return (node.high - node.low).bit_length()


def _members(described: list[Any], where: str) -> tuple[list[Any], bool]:
    """Split what stands before the extension marker from the marker; additions of our own are not supported."""
    if None not in described:
        return described, False
    marker = described.index(None)
    if any(one is not None for one in described[marker:]):
        raise SchemaError(f"{where} has additions after its extension marker; give them an edition of their own")
    return described[:marker], True


def _range(described: list[Any], where: str) -> tuple[int, int]:
    """Return the bounds of a constraint that has exactly one part and no marker."""
    if len(described) != 1 or described[0] is None:
        raise SchemaError(f"{where} has the constraint {described}, not one range")
    only = described[0]
    return (only, only) if isinstance(only, int) else (int(only[0]), int(only[1]))


class _Reader:
    """Turns asn1tools' description of one module into nodes; each named type once."""

    def __init__(self, types: dict[str, Any]) -> None:
        self.types = types
        self.known: dict[str, Node] = {}

    def named(self, name: str) -> Node:
        """Return the node of a type assignment."""
        if name not in self.known:
            if name not in self.types:
                raise SchemaError(f"no type {name!r} in the module")
            self.known[name] = self.node(self.types[name], name)
        return self.known[name]

    def node(self, described: dict[str, Any], where: str) -> Node:  # noqa: PLR0911
        """Return the node of a type as it stands."""
        match described["type"]:
            case "INTEGER":
                return Integer(*_range(described.get("restricted-to", []), where))
            case "ENUMERATED":
                values, extensible = _members(described["values"], where)
                if [number for _, number in values] != list(range(len(values))):
                    raise SchemaError(f"{where}: enumeration values are not 0, 1, 2, ...")
                return Enumerated(tuple(name for name, _ in values), extensible)
            case "BIT STRING":
                size, extensible = _members(described.get("size", []), where)
                low, high = _range(size, where)
                if low != high:
                    raise SchemaError(f"{where}: a BIT STRING needs one length, not {low}..{high}")
                names = {int(bit): name for name, bit in described.get("named-bits", [])}
                return Bits(low, extensible, tuple(names.get(bit, f"bit{bit}") for bit in range(low)))
            case "OCTET STRING":
                return Octets(*_range(described.get("size", []), where))
            case "IA5String":
                return Text(*_range(described.get("size", []), where))
            case "SEQUENCE":
                members, extensible = _members(described["members"], where)
                return Sequence(tuple(self.fields(members, where)), extensible)
            case "CHOICE":
                members, extensible = _members(described["members"], where)
                return Choice(tuple(self.fields(members, where)), extensible)
            case "SEQUENCE OF":
                low, high = _range(described.get("size", []), where)
                return SequenceOf(self.node(described["element"], f"{where}[]"), low, high)
            case other if other in self.types:
                return self.named(other)
            case other:
                raise SchemaError(f"{where} has the type {other}, which this room cannot encode")

    def fields(self, members: list[Any], where: str) -> Iterator[Field]:
        """Yield the members of a SEQUENCE or CHOICE."""
        for member in members:
            if isinstance(member, list) or "default" in member:
                raise SchemaError(f"{where} has a group or a DEFAULT, which this room cannot encode")
            name = member["name"]
            yield Field(name, self.node(member, f"{where}.{name}"), member.get("optional", False))


def read_schema(text: str, root: str) -> Node:
    """Return the tree of a type in ASN.1 text of one or more modules.

    Raises:
        SchemaError: the text uses something that cannot be encoded, or has no such type.

    >>> read_schema("M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= INTEGER (0..7) END", "A")
    Integer(low=0, high=7)
    """
    import asn1tools  # noqa: PLC0415  a third of a second, and needed only where messages are

    types: dict[str, Any] = {}
    for module in asn1tools.parse_string(text).values():
        types |= module["types"]
    return _Reader(types).named(root)
