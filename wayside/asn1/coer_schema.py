"""ASN.1 text of the kind that COER encodes as the tree of `schema.py`: no bounds, defaults, recursion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wayside.asn1.notation import Notation
from wayside.asn1.parsed import parsed
from wayside.asn1.schema import Bits, Enumerated, Field, Integer, Node, Octets, SchemaError, Sequence, Text

LONGEST_NUMBER = 127  # octets of a number without bounds
LARGEST = (1 << 8 * LONGEST_NUMBER) - 1  # stands for MAX
LARGEST_SIGNED = (1 << 8 * LONGEST_NUMBER - 1) - 1  # stands for MAX where the least is below zero
LEAST = -1 - LARGEST_SIGNED  # stands for MIN
_UNBOUNDED: dict[str, dict[str, Any]] = {  # what a type says that says nothing of its bounds
    "INTEGER": {"restricted-to": [["MIN", "MAX"]]},
    "OCTET STRING": {"size": [[0, "MAX"]]},
    "IA5String": {"size": [[0, "MAX"]]},
    "UTF8String": {"size": [[0, "MAX"]]},
    "SEQUENCE OF": {"size": [[0, "MAX"]]},
}


@dataclass(frozen=True, slots=True)
class Characters(Text):
    """Any characters (UTF-8), between `low` and `high` of them."""


@dataclass(frozen=True, slots=True)
class Defaulted(Field):
    """A field that has a value even where it is not sent: `default`, which is never sent."""

    default: Any = None


@dataclass(frozen=True, slots=True)
class Reference(Sequence):
    """A type inside itself, known by its name: the real one is `known[name]`."""

    name: str = ""
    known: dict[str, Node] = field(default_factory=dict, repr=False, compare=False, hash=False)


class CoerNotation(Notation):
    """Reads, beyond what PER needs: integers and sizes without bounds, UTF8String, DEFAULT, recursion."""

    def named(self, name: str) -> Node:
        """Return the node of a type assignment; where it comes round, a reference to it."""
        if name in self.open:
            return Reference((), extensible=False, name=name, known=self.known)
        return super().named(name)

    def number(self, text: Any, where: str) -> int:
        """Return a bound; MIN and MAX are far out."""
        return {"MIN": LEAST, "MAX": LARGEST}[text] if text in ("MIN", "MAX") else super().number(text, where)

    def range(self, described: list[Any], where: str) -> tuple[int, int]:
        """Return the bounds of a constraint; both far ones are those of the longest number."""
        low, high = super().range(described, where)
        return low, min(high, LARGEST_SIGNED) if low < 0 else high

    def node(self, described: dict[str, Any], where: str) -> Node:
        """Return the node of a type as it stands."""
        described = _UNBOUNDED.get(described["type"], {}) | described
        if described["type"] == "UTF8String":
            return Characters(*self.range(described["size"], where))
        node = super().node(described, where)
        if isinstance(node, Integer | Octets | Bits) and node.extensible:
            raise SchemaError(
                f"{where}: an extensible range or size is not one that this encoding sees; leave it out"
            )
        return node

    def enumerated(self, described: list[Any], where: str) -> Enumerated:
        """Return the node of an ENUMERATED, which sends its numbers as they are."""
        numbers = [one[1] for one in described if one is not None]
        if numbers != list(range(len(numbers))):
            raise SchemaError(f"{where}: enumeration values are {numbers}, expected 0, 1, 2, ...")
        return super().enumerated(described, where)

    def fields(self, members: list[Any], where: str) -> Iterator[Field]:
        """Yield the members of a SEQUENCE or CHOICE."""
        for member in members:
            if isinstance(member, dict) and "default" in member:
                bare = {key: value for key, value in member.items() if key != "default"}
                for one in super().fields([bare], where):
                    default = _default(member["default"], one.node)
                    yield Defaulted(one.name, one.node, optional=True, default=default)
            else:
                yield from super().fields([member], where)


def _default(described: Any, node: Node) -> Any:
    """Return a default as a value."""
    if isinstance(node, Bits):
        if isinstance(described, str):
            return {"bits": described.removeprefix("0b")}
        return {"bits": "".join("1" if name in described else "0" for name in node.names)}
    return described


def read_coer_schema(text: str, *roots: str) -> tuple[Node, ...]:
    """Return the trees of types in ASN.1 text of one or more modules with automatic tags.

    Beyond `read_schema`: integers and sizes without bounds (MAX is `LARGEST`), UTF8String, DEFAULT, and types that
    contain themselves (a `Reference` where they come round).

    Raises:
        SchemaError: the text uses something that cannot be encoded, has no such type, or has a type twice.

    >>> read_coer_schema("M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= SEQUENCE OF BOOLEAN END", "A")[0].element
    Boolean()
    """
    notation = CoerNotation(parsed(text))
    return tuple(notation.named(root) for root in roots)
