"""Writing straight-line encoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wayside.asn1.schema import (
    Bits,
    Choice,
    Enumerated,
    Field,
    Integer,
    Node,
    Octets,
    Sequence,
    SequenceOf,
    Text,
)
from wayside.asn1.source import BitNumbers, Source


class Encoder(Source):
    """Writes a function `(d) -> o`: o the message as a number behind a leading 1 that marks its start."""

    def __init__(self, constants: dict[str, Any]) -> None:
        super().__init__(constants)
        self.puts: list[tuple[str, int]] = []
        self.output = "o"

    def put(self, expression: str, width: int) -> None:
        """Append bits with the next `flush`."""
        if width:
            self.puts.append((expression, width))

    def flush(self) -> None:
        """Append all pending bits at once."""
        if not self.puts:
            return
        text = ""
        for expression, width in self.puts:
            text = f"({text} << {width} | {expression})" if text else expression
        self.line(f"{self.output} = {self.output} << {sum(w for _, w in self.puts)} | {text}")
        self.puts = []

    def value(self, node: Node, expression: str) -> None:
        """Append the value that the expression gives."""
        match node:
            case Integer():
                name = self.fresh("x")
                self.line(f"{name} = {expression}")
                self.number(node, name)
            case Enumerated():
                numbers = self.constant("N", {name: number for number, name in enumerate(node.names)})
                self.put(self._held(f"{numbers}[{expression}]"), node.width + node.extensible)
            case Bits():
                numbers = self.constant("M", BitNumbers(node.size))
                name = self._held(expression)
                self.line(f"if len({name}) != 1: raise ValueError")
                self.put(self._held(f'{numbers}[{name}["bits"]]'), node.size + node.extensible)
            case Octets():
                name, octets = self._held(expression), self.fresh("h")
                self.line(f"{octets} = fromhex({name})")
                self.line(f"if len({octets}) * 2 != len({name}): raise ValueError")
                if node.low == node.high:
                    self.line(f"if len({octets}) != {node.low}: raise ValueError")
                    self.put(f"from_bytes({octets}, 'big')", 8 * node.low)
                else:
                    self.number(Integer(node.low, node.high), f"len({octets})")
                    self.flush()
                    self.line(f"{self.output} = {self.output} << 8 * len({octets}) | from_bytes({octets}, 'big')")
            case Text():
                octets = self._held(f"({expression}).encode('ascii')")
                self.number(Integer(node.low, node.high), f"len({octets})")
                self.flush()
                self.line(f"for x in {octets}: {self.output} = {self.output} << 7 | x")
            case SequenceOf():
                self.items(node, expression)
            case Choice():
                self.alternative(node, expression)
            case Sequence():
                self.fields(node, expression)

    def _held(self, expression: str) -> str:
        name = self.fresh("x")
        self.line(f"{name} = {expression}")
        return name

    def number(self, node: Integer, name: str) -> None:
        """Append a number between two bounds."""
        if node.low == 0 and node.high == (1 << node.width) - 1:
            self.line(f"if {name} >> {node.width}: raise ValueError")
        else:
            self.line(f"if not {node.low} <= {name} <= {node.high}: raise ValueError")
        self.put(f"({name} - {node.low})" if node.low else name, node.width)

    def items(self, node: SequenceOf, expression: str) -> None:
        """Append a list; its bits are gathered apart, so that a long frame is not moved for each item."""
        name, outer, item, bits = self._held(expression), self.output, self.fresh("i"), self.fresh("n")
        self.line(f"if type({name}) is not list: raise ValueError")
        self.number(Integer(node.low, node.high), f"len({name})")
        self.flush()
        self.output = self.fresh("q")

        def fill() -> None:
            self.value(node.element, item)
            self.flush()

        self.line(f"{self.output} = 1")
        self.block(f"for {item} in {name}:", fill)
        self.line(f"{bits} = {self.output}.bit_length() - 1")
        self.line(f"{outer} = {outer} << {bits} | {self.output} ^ 1 << {bits}")
        self.output = outer

    def alternative(self, node: Choice, expression: str) -> None:
        """Append a choice."""
        name, inner = self.fresh("a"), self.fresh("y")
        self.flush()
        self.line(f"(({name}, {inner}),) = {expression}.items()")
        for number, field in enumerate(node.alternatives):

            def fill(number: int = number, field: Field = field) -> None:
                self.put(str(number), node.width + node.extensible)
                self.value(field.node, inner)
                self.flush()

            self.block(f'{"el" if number else ""}if {name} == "{field.name}":', fill)
        self.line("else: raise ValueError")

    def fields(self, node: Sequence, expression: str) -> None:
        """Append a sequence; keys it does not know are refused by their number."""
        name, optionals = self._held(expression), node.optionals
        mandatory = len(node.fields) - len(optionals)
        if optionals:
            present = self.fresh("p")
            self.line(f"{present} = 0")

            def presence() -> None:
                for place, field in enumerate(reversed(optionals)):
                    self.line(f'if "{field.name}" in {name}: {present} |= {1 << place}')
                self.line(f"if len({name}) != {mandatory} + {present}.bit_count(): raise ValueError")

            self.block(f"if len({name}) != {mandatory}:", presence)
            self.put(present, len(optionals) + node.extensible)
        else:
            self.line(f"if len({name}) != {mandatory}: raise ValueError")
            self.put("0", int(node.extensible))
        bit = len(optionals)
        for field in node.fields:
            if field.optional:
                bit -= 1
                self.flush()
                self.block(f"if {present} & {1 << bit}:", self._inner(field, name))
            else:
                self.value(field.node, f'{name}["{field.name}"]')

    def _inner(self, field: Field, name: str) -> Callable[[], None]:
        def fill() -> None:
            self.value(field.node, f'{name}["{field.name}"]')
            self.flush()

        return fill

    def function(self, name: str, node: Node) -> str:
        """Return the function's source."""
        self.line("o = 1")
        self.value(node, "d")
        self.flush()
        self.line("return o")
        return "\n".join([f"def {name}(d):", *self.lines])
