"""Values of ours in the forms that other codecs take, and all messages of all editions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wayside.asn1.schema import (
    Bits,
    Choice,
    Field,
    Node,
    Octets,
    Open,
    Sequence,
    SequenceOf,
)


def form(node: Node, value: Any, bits: Callable[[str], Any]) -> Any:  # noqa: PLR0911
    """Return a value in the form that asn1tools and pycrate share, but for their bit strings."""
    match node:
        case Bits():
            return bits(value["bits"])
        case Octets():
            return bytes.fromhex(value)
        case SequenceOf():
            return [form(node.element, item, bits) for item in value]
        case Choice():
            ((name, inner),) = value.items()
            return name, form(_of(node.alternatives + node.additions, name), inner, bits)
        case Sequence():
            return {
                f.name: form(f.node, value[f.name], bits) for f in node.fields + node.additions if f.name in value
            }
        case Open():
            ((name, inner),) = value.items()
            return name, form(next(n for _, label, n in node.types if label == name), inner, bits)
        case _:
            return value


def _of(fields: tuple[Field, ...], name: str) -> Node:
    return next(f.node for f in fields if f.name == name)


@pytest.fixture
def foreign() -> Callable[[Node, Any, Callable[[str], Any]], Any]:
    return form
