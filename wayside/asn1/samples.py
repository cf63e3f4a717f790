"""Random valid values of any schema: what conformance checks and fuzzing are fed with."""

from __future__ import annotations

from random import Random
from typing import Any

from wayside.asn1.schema import (
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

EDGE_SHARE = 0.25  # of numbers are the least or the greatest
PRESENT_SHARE = 0.5  # of optional fields are there
ADDED_SHARE = 0.25  # of additions are there
LONG_SHARE = 0.05  # of lists and texts are as long as they may be,
LONG = 4096  # or have so many items where they may have more


def sample(node: Node, random: Random, *, most_items: int = 4) -> Any:  # noqa: PLR0911
    """Return a value that is valid under the schema; the same one for the same state of `random`.

    Args:
        node: the schema.
        random: where chance comes from.
        most_items: lists and texts are no longer, unless they must be; one in twenty is as long as it may be,
            and what such a long list holds is as short as it may be. At 0 every list is that short.

    >>> from wayside.v2x.editions import schema_of
    >>> sample(schema_of("csae53-2020"), Random(4)).keys()
    dict_keys(['mapFrame'])
    """
    match node:
        case Integer():
            if random.random() < EDGE_SHARE:
                return random.choice((node.low, node.high))
            return random.randint(node.low, node.high)
        case Enumerated():
            return random.choice(node.names + node.additions)
        case Boolean():
            return random.random() < 1 / 2
        case Null():
            return None
        case Bits():
            return {"bits": f"{random.getrandbits(node.size):0{node.size}b}"}
        case Octets():
            return random.randbytes(_count(node, random, most_items)).hex()
        case Text():
            return "".join(chr(random.randrange(128)) for _ in range(_count(node, random, most_items)))
        case SequenceOf():
            count = _count(node, random, most_items)
            inner = most_items if count <= max(most_items, node.low) else 0
            return [sample(node.element, random, most_items=inner) for _ in range(count)]
        case Choice():
            return _one(random.choice(node.alternatives + node.additions), random, most_items)
        case Sequence():
            return _fields(node, random, most_items)
        case _:
            raise SchemaError(f"a {type(node).__name__} has no form in packed encoding")


def _fields(node: Sequence, random: Random, most_items: int) -> dict[str, Any]:
    """Return the value of a sequence."""
    value: dict[str, Any] = {}
    for field in node.fields:
        if field.optional and random.random() >= PRESENT_SHARE:
            continue
        if isinstance(field.node, Open):
            number, name, inner = random.choice(field.node.types)
            value[field.node.selector] = number
            value[field.name] = {name: sample(inner, random, most_items=most_items)}
        else:
            value |= _one(field, random, most_items)
    for field in node.additions:
        if random.random() < ADDED_SHARE:
            value |= _one(field, random, most_items)
    return value


def _one(field: Field, random: Random, most_items: int) -> dict[str, Any]:
    """Return a field's name and value."""
    return {field.name: sample(field.node, random, most_items=most_items)}


def _count(node: Octets | Text | SequenceOf, random: Random, most_items: int) -> int:
    """Return how many items there shall be."""
    if most_items and random.random() < LONG_SHARE:
        return min(node.high, node.low + LONG)
    return random.randint(node.low, max(node.low, min(node.high, most_items)))
