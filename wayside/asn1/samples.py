"""Random valid values of any schema: what conformance checks and fuzzing are fed with."""

from __future__ import annotations

from random import Random
from typing import Any

from wayside.asn1.schema import Bits, Choice, Enumerated, Field, Integer, Node, Octets, Sequence, SequenceOf, Text

EDGE_SHARE = 0.25  # of numbers are the least or the greatest
PRESENT_SHARE = 0.5  # of optional fields are there


def sample(node: Node, random: Random, *, most_items: int = 4) -> Any:  # noqa: PLR0911
    """Return a value that is valid under the schema; the same one for the same state of `random`.

    Args:
        node: the schema.
        random: where chance comes from.
        most_items: lists and texts are no longer, unless they must be; one in twenty is as long as it may be.

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
            return random.choice(node.names)
        case Bits():
            return {"bits": f"{random.getrandbits(node.size):0{node.size}b}"}
        case Octets():
            return random.randbytes(_count(node, random, most_items)).hex()
        case Text():
            return "".join(chr(random.randrange(128)) for _ in range(_count(node, random, most_items)))
        case SequenceOf():
            count = _count(node, random, most_items)
            return [sample(node.element, random, most_items=most_items) for _ in range(count)]
        case Choice():
            return _one(random.choice(node.alternatives), random, most_items)
        case Sequence():
            value: dict[str, Any] = {}
            for field in node.fields:
                if not field.optional or random.random() < PRESENT_SHARE:
                    value |= _one(field, random, most_items)
            return value


def _one(field: Field, random: Random, most_items: int) -> dict[str, Any]:
    """Return a field's name and value."""
    return {field.name: sample(field.node, random, most_items=most_items)}


def _count(node: Octets | Text | SequenceOf, random: Random, most_items: int) -> int:
    """Return how many items there shall be."""
    if random.random() < 1 / 20:
        return node.high
    return random.randint(node.low, max(node.low, min(node.high, most_items)))
