"""Reading ASN.1 text into the tree of `schema.py`.

What it reads, besides the types of `schema.py`: several modules that import from one another, extension
additions (no `[[ ]]` groups), and an open type whose type an information object set tells, in this one form:

    FRAME ::= CLASS { &id FrameId UNIQUE, &Type }
    Frames FRAME ::= { { &id 0, &Type TestMsg } | { &id 16, &Type CLPMM }, ... }
    Extended ::= SEQUENCE { id FRAME.&id ({Frames}), value FRAME.&Type ({Frames}{@id}), ... }

The range of the number stands in a type of its own (`FrameId`), and the class has no WITH SYNTAX.
Whatever else a text may hold is refused, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wayside.asn1.schema import (
    UNBOUNDED,
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Node,
    Null,
    Octets,
    Open,
    SchemaError,
    Sequence,
    SequenceOf,
    Text,
)

_SAYS = {  # what a description may say beside its type, by type
    "INTEGER": {"restricted-to"},
    "ENUMERATED": {"values"},
    "BIT STRING": {"size", "named-bits"},
    "OCTET STRING": {"size"},
    "IA5String": {"size"},
    "SEQUENCE": {"members"},
    "CHOICE": {"members"},
    "SEQUENCE OF": {"size", "element"},
}


def _split(described: list[Any], where: str) -> tuple[list[Any], bool, list[Any]]:
    """Return what stands before the extension marker, whether there is one, and what stands after it."""
    if None not in described:
        return described, False, []
    marker = described.index(None)
    after = described[marker + 1 :]
    if after and after[-1] is None:
        after = after[:-1]
    if None in after:
        raise SchemaError(f"{where} goes on after its second extension marker, which this room cannot encode")
    return described[:marker], True, after


class Notation:
    """Turns the description of modules (`parsed.py`) into nodes; each named type once."""

    def __init__(self, modules: dict[str, Any]) -> None:
        self.types: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.classes: dict[str, Any] = {}
        self.sets: dict[str, Any] = {}
        self.known: dict[str, Node] = {}
        self.open: list[str] = []  # named types being read, to notice one that holds itself
        homes: dict[str, str] = {}
        kinds = {
            "types": self.types,
            "values": self.values,
            "object-classes": self.classes,
            "object-sets": self.sets,
        }
        for module, described in modules.items():
            for kind, gathered in kinds.items():
                for name, one in described[kind].items():
                    if name in homes:
                        raise SchemaError(f"{name} is defined twice, in {homes[name]} and in {module}; keep one")
                    homes[name] = module
                    gathered[name] = one
        for module, described in modules.items():
            for source, names in described["imports"].items():
                for name in names:
                    if homes.get(name) != source:
                        raise SchemaError(f"{module} imports {name} from {source}, which does not define it")

    def named(self, name: str) -> Node:
        """Return the node of a type assignment."""
        if name not in self.known:
            if name not in self.types:
                raise SchemaError(f"no type {name!r} in the text")
            if name in self.open:
                raise SchemaError(f"{name} holds itself, by way of {' and '.join(self.open)}")
            self.open.append(name)
            self.known[name] = self.node(self.types[name], name)
            self.open.pop()
        return self.known[name]

    def node(self, described: dict[str, Any], where: str) -> Node:  # noqa: PLR0911
        """Return the node of a type as it stands."""
        kind = described["type"]
        says = described.keys() - {"type", "name", "optional"}
        if kind in self.types and says:
            return self.narrowed(described, says, where)
        if not says <= _SAYS.get(kind, set()):
            extra = ", ".join(sorted(says - _SAYS.get(kind, set())))
            raise SchemaError(f"{where}: this room cannot encode {kind} with its {extra}")
        match kind:
            case "INTEGER":
                return Integer(*self.marked(described.get("restricted-to", []), where))
            case "BOOLEAN":
                return Boolean()
            case "NULL":
                return Null()
            case "ENUMERATED":
                return self.enumerated(described["values"], where)
            case "BIT STRING":
                size, extensible, added = _split(described.get("size", []), where)
                low, high = self.range(size, where)
                if low != high or added:
                    raise SchemaError(f"{where}: a BIT STRING needs one length, not {described['size']}")
                names = {int(bit): name for name, bit in described.get("named-bits", [])}
                return Bits(low, extensible, tuple(names.get(bit, f"bit{bit}") for bit in range(low)))
            case "OCTET STRING":
                return Octets(*self.marked(described.get("size", []), where))
            case "IA5String":
                return Text(*self.range(described.get("size", []), where))
            case "SEQUENCE":
                members, extensible, added = _split(described["members"], where)
                return Sequence(tuple(self.fields(members, where)), extensible, tuple(self.fields(added, where)))
            case "CHOICE":
                members, extensible, added = _split(described["members"], where)
                return Choice(tuple(self.fields(members, where)), extensible, tuple(self.fields(added, where)))
            case "SEQUENCE OF":
                low, high = self.range(described.get("size", [[0, UNBOUNDED]]), where)
                return SequenceOf(self.node(described["element"], f"{where}[]"), low, high)
            case other if other in self.types:
                return self.named(other)
            case other:
                raise SchemaError(f"{where} has the type {other}, which this room cannot encode")

    def number(self, text: Any, where: str) -> int:
        """Return a bound, given as a number or as the name of one."""
        if isinstance(text, int):
            return text
        value = self.values.get(text, {}).get("value")
        if not isinstance(value, int):
            raise SchemaError(f"{where} has the bound {text!r}, which is neither a number nor the name of one")
        return value

    def marked(self, described: list[Any], where: str) -> tuple[int, int, bool]:
        """Return the bounds of a constraint that has one part, and whether a marker follows it."""
        only, extensible, added = _split(described, where)
        if added:
            raise SchemaError(f"{where} has the constraint {described}, which adds to its range")
        return *self.range(only, where), extensible

    def range(self, described: list[Any], where: str) -> tuple[int, int]:
        """Return the bounds of a constraint that has exactly one part and no marker."""
        if len(described) != 1 or described[0] is None:
            raise SchemaError(f"{where} has the constraint {described}, not one range")
        only = described[0]
        low, high = only if isinstance(only, list) else (only, only)
        bounds = self.number(low, where), self.number(high, where)
        if bounds[0] > bounds[1]:
            raise SchemaError(f"{where} has the range {bounds[0]}..{bounds[1]}, which is empty")
        return bounds

    def narrowed(self, described: dict[str, Any], says: set[str], where: str) -> Node:
        """Return the node of a named INTEGER with a range of its own inside that of its type."""
        node = self.named(described["type"])
        if not isinstance(node, Integer) or node.extensible or says != {"restricted-to"}:
            extra = ", ".join(sorted(says))
            raise SchemaError(f"{where}: this room cannot encode {described['type']} with another {extra}")
        low, high = self.range(described["restricted-to"], where)
        if low < node.low or high > node.high:
            raise SchemaError(f"{where} has the range {low}..{high}, outside {node.low}..{node.high} of its type")
        return Integer(low, high)

    def enumerated(self, described: list[Any], where: str) -> Enumerated:
        """Return the node of an ENUMERATED."""
        values, extensible, added = _split(described, where)
        numbers = [number for _, number in values]
        if numbers != list(range(len(values))):
            raise SchemaError(f"{where}: enumeration values are {numbers}, expected 0, 1, 2, ...")
        later = [number for _, number in added]
        if later != sorted(set(later) - set(numbers)):
            raise SchemaError(f"{where}: the added enumeration values {later} do not rise from one to the next")
        return Enumerated(tuple(name for name, _ in values), extensible, tuple(name for name, _ in added))

    def fields(self, members: list[Any], where: str) -> Iterator[Field]:
        """Yield the members of a SEQUENCE or CHOICE."""
        for member in members:
            if isinstance(member, list) or "default" in member:
                raise SchemaError(f"{where} has a group or a DEFAULT, which this room cannot encode")
            name = member["name"]
            node = (
                self.from_class(member, members, f"{where}.{name}")
                if "table" in member
                else self.node(member, f"{where}.{name}")
            )
            yield Field(name, node, member.get("optional", False))

    def from_class(self, member: dict[str, Any], members: list[Any], where: str) -> Node:
        """Return the node of a field that an information object class describes."""
        class_name, _, part = member["type"].partition(".")
        parts = {p["name"]: p for p in self.classes.get(class_name, {}).get("members", [])}
        if part not in parts:
            raise SchemaError(f"{where} has the type {member['type']}, which no class of the text describes")
        if parts[part]["type"] != "OpenType":
            return self.node({**parts[part], "name": member["name"]}, where)
        table = member["table"]
        if not isinstance(table, list) or len(table[1]) != 1:
            raise SchemaError(f"{where}: an open type needs the set and one number, as in ({{Set}}{{@id}})")
        set_name, (selector,) = table
        before = members[: members.index(member)]
        beside = [m for m in before if m["name"] == selector.lstrip(".") and not m.get("optional", False)]
        if not beside or beside[0].get("table") != {"type": set_name}:
            raise SchemaError(
                f"{where}: expected a field {selector} before it, not OPTIONAL and of the same set {set_name}"
            )
        key = beside[0]["type"].partition(".")[2]
        return Open(beside[0]["name"], tuple(self.objects(set_name, key, part, where)))

    def objects(self, set_name: str, key: str, part: str, where: str) -> Iterator[tuple[int, str, Node]]:
        """Yield number, type name and type of each object of a set."""
        seen: set[int] = set()
        for one in self.sets.get(set_name, {}).get("members", []):
            if one in (",", "."):  # what is left of the set's extension marker
                continue
            if not isinstance(one, dict) or one.keys() != {key, part}:
                raise SchemaError(f"{set_name} holds {one!r}, expected {{ {key} NUMBER, {part} TYPE }}")
            number, name = self.number(one[key], set_name), one[part]["type"]
            if number in seen:
                raise SchemaError(f"{set_name} gives the number {number} twice")
            seen.add(number)
            yield number, name, self.named(name)
        if not seen:
            raise SchemaError(f"{where}: the set {set_name} has no objects")
