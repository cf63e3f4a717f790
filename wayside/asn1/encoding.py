"""Writing straight-line encoders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from wayside.asn1.reader import LONGEST
from wayside.asn1.schema import (
    FREE,
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
from wayside.asn1.source import BitNumbers, Source


class Encoder(Source):
    """Writes a function `(d) -> o`: o the message as a number behind a leading 1 that marks its start."""

    def __init__(self, constants: dict[str, Any], by_number: Callable[[Open], Any]) -> None:
        super().__init__(constants)
        self.by_number = by_number
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
            case Boolean():
                name = self._held(expression)
                self.line(f"if {name} is not True and {name} is not False: raise ValueError")
                self.put(name, 1)
            case Null():
                self.line(f"if {expression} is not None: raise ValueError")
            case Bits():
                numbers = self.shared(f"numbers{node.size}", BitNumbers(node.size))
                name = self._held(expression)
                self.line(f"if len({name}) != 1: raise ValueError")
                self.put(self._held(f'{numbers}[{name}["bits"]]'), node.size + node.extensible)
            case Octets():
                name, octets = self._held(expression), self.fresh("h")
                self.line(f"{octets} = fromhex({name})")
                self.line(f"if len({octets}) * 2 != len({name}): raise ValueError")
                if node.low == node.high and not node.extensible:
                    self.line(f"if len({octets}) != {node.low}: raise ValueError")
                    self.put(f"from_bytes({octets}, 'big')", 8 * node.low)
                else:
                    self.number(Integer(node.low, node.high, node.extensible), f"len({octets})")
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
            case _:
                raise SchemaError(f"a {type(node).__name__} has no form in packed encoding")

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
        self.put(f"({name} - {node.low})" if node.low else name, node.width + node.extensible)

    def items(self, node: SequenceOf, expression: str) -> None:
        """Append a list; its bits are gathered apart, so that a long frame is not moved for each item."""
        name, outer, item, bits = self._held(expression), self.output, self.fresh("i"), self.fresh("n")
        self.line(f"if type({name}) is not list: raise ValueError")
        if node.high >= FREE:
            self.flush()
            self.line(f"if not {node.low} <= len({name}) < {LONGEST}: raise ValueError")
            self.line(f"if len({name}) < 128: {outer} = {outer} << 8 | len({name})")
            self.line(f"else: {outer} = {outer} << 16 | 32768 | len({name})")
        else:
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

    def inside(self, fill: Callable[[], None]) -> None:
        """Append an open type of less than a fragment, whose value the lines of `fill` append."""
        self.flush()
        outer, self.output = self.output, self.fresh("q")
        inner, bits, spare = self.output, self.fresh("n"), self.fresh("z")
        self.line(f"{inner} = 1")
        fill()
        self.flush()
        self.line(f"{bits} = {inner}.bit_length() - 1")
        self.line(f"{spare} = -{bits} % 8")
        self.line(f"{bits} += {spare}")
        self.line(f"if not 0 < {bits} < {8 * LONGEST}: raise ValueError")
        self.line(f"{inner} = {inner} << {spare} ^ 1 << {bits}")
        self.line(f"if {bits} < 1024: {outer} = ({outer} << 8 | {bits} >> 3) << {bits} | {inner}")
        self.line(f"else: {outer} = ({outer} << 16 | 32768 | {bits} >> 3) << {bits} | {inner}")
        self.output = outer

    def alternative(self, node: Choice, expression: str) -> None:
        """Append a choice."""
        name, inner = self.fresh("a"), self.fresh("y")
        self.flush()
        self.line(f"(({name}, {inner}),) = {expression}.items()")

        def known(number: int, field: Field) -> None:
            self.put(str(number), node.width + node.extensible)
            self.value(field.node, inner)
            self.flush()

        def added(number: int, field: Field) -> None:
            self.put(str(1 << 7 | number), 8)
            self.inside(partial(self.value, field.node, inner))

        for number, field in enumerate(node.alternatives):
            self.block(f'{"el" if number else ""}if {name} == "{field.name}":', partial(known, number, field))
        for number, field in enumerate(node.additions):
            self.block(f'elif {name} == "{field.name}":', partial(added, number, field))
        self.line("else: raise ValueError")

    def fields(self, node: Sequence, expression: str) -> None:
        """Append a sequence; keys it does not know are refused by their number."""
        name, optionals = self._held(expression), node.optionals
        mandatory = len(node.fields) - len(optionals)
        present, added = self.fresh("p"), self.fresh("a")
        if not mandatory:  # no field would be looked up, and an empty list or text has no fields either
            self.line(f"if type({name}) is not dict: raise ValueError")
        if optionals:
            self.line(f"{present} = 0")
        if node.additions:
            self.line(f"{added} = 0")

        def presence() -> None:
            counts = [str(mandatory)]
            for mask, fields in ((present, optionals), (added, node.additions)):
                for place, field in enumerate(reversed(fields)):
                    self.line(f'if "{field.name}" in {name}: {mask} |= {1 << place}')
                if fields:
                    counts.append(f"{mask}.bit_count()")
            self.line(f"if len({name}) != {' + '.join(counts)}: raise ValueError")

        if optionals or node.additions:
            self.block(f"if len({name}) != {mandatory}:", presence)
        else:
            self.line(f"if len({name}) != {mandatory}: raise ValueError")
        if node.additions:
            self.put(f"({added} != 0)", 1)
        if optionals:
            self.put(present, len(optionals) + (node.extensible and not node.additions))
        elif not node.additions:
            self.put("0", int(node.extensible))
        bit = len(optionals)
        for field in node.fields:
            if field.optional:
                bit -= 1
                self.flush()
                self.block(f"if {present} & {1 << bit}:", partial(self._inner, field, name))
            else:
                self.field(field, name)
        if node.additions:
            self.flush()
            self.block(f"if {added}:", partial(self.added, node, name, added))

    def field(self, field: Field, name: str) -> None:
        """Append a field of the dict of that name."""
        expression = f'{name}["{field.name}"]'
        if isinstance(field.node, Open):
            self.chosen(field.node, f'{name}["{field.node.selector}"]', expression)
        else:
            self.value(field.node, expression)

    def _inner(self, field: Field, name: str) -> None:
        self.field(field, name)
        self.flush()

    def chosen(self, node: Open, number: str, expression: str) -> None:
        """Append an open type whose type a number tells, by a function of its own."""
        functions = self.shared(self.fresh(f"open{len(self.constants)}_"), self.by_number(node))
        label, function, inner = (self.fresh(letter) for letter in "tfy")
        self.flush()
        self.line(f"{label}, {function} = {functions}[{number}]")
        self.line(f"if len({expression}) != 1: raise ValueError")
        self.line(f"{inner} = {expression}[{label}]")

        def fill() -> None:
            self.line(f"{self.output} = {function}({inner})")

        self.inside(fill)

    def added(self, node: Sequence, name: str, present: str) -> None:
        """Append a sequence's additions."""
        count = len(node.additions)
        self.put(str(count - 1), 7)
        self.put(present, count)
        self.flush()
        for place, field in enumerate(node.additions):
            self.block(
                f"if {present} & {1 << count - 1 - place}:",
                partial(self.inside, partial(self.value, field.node, f'{name}["{field.name}"]')),
            )

    def function(self, name: str, node: Node, *, opened: bool = False) -> str:
        """Return the source of a function that writes a value, or an open type that holds one."""
        self.line("o = 1")
        if opened:
            self.inside(partial(self.value, node, "d"))
        else:
            self.value(node, "d")
            self.flush()
        self.line("return o")
        return "\n".join([f"def {name}(d):", *self.lines])
