"""Writing straight-line decoders."""

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
from wayside.asn1.source import BitTexts, Source


class Decoder(Source):
    """Writes a function `(v, r) -> (value, r)`: v the frame as a number, r the bits not yet read."""

    def __init__(self, constants: dict[str, Any]) -> None:
        super().__init__(constants)
        self.reads: list[tuple[str, int]] = []
        self.later: list[str] = []

    def read(self, width: int) -> str:
        """Return a name that will hold the next bits once `flush` has run."""
        name = self.fresh("x")
        self.reads.append((name, width))
        return name

    def after(self, text: str) -> None:
        """Write a line once the pending reads are done."""
        self.later.append(text)

    def flush(self) -> None:
        """Take all pending reads from the frame at once."""
        width = sum(w for _, w in self.reads)
        if len(self.reads) == 1:
            self.line(f"r -= {width}")
            self.line(f"{self.reads[0][0]} = v >> r & {(1 << width) - 1:#x}")
        elif self.reads:
            self.line(f"r -= {width}")
            self.line(f"w = v >> r & {(1 << width) - 1:#x}")
            for position, (name, bits) in enumerate(self.reads):
                width -= bits
                shifted = f"w >> {width}" if width else "w"
                self.line(f"{name} = {shifted}" if position == 0 else f"{name} = {shifted} & {(1 << bits) - 1:#x}")
        for text in self.later:
            self.line(text)
        self.reads, self.later = [], []

    def value(self, node: Node) -> str:  # noqa: PLR0911
        """Return an expression for the node's value, good once `flush` has run."""
        match node:
            case Integer():
                return self.number(node)
            case Enumerated():
                names = self.constant("E", node.names)
                return f"{names}[{self.read(node.width + node.extensible)}]"
            case Bits():
                texts = self.constant("B", BitTexts(node.size))
                return f'{{"bits": {texts}[{self.read(node.size + node.extensible)}]}}'
            case Octets() if node.low == node.high and node.low <= 8:
                return f'f"{{{self.read(8 * node.low)}:0{2 * node.low}x}}"'
            case Octets():
                return self.long(node, 8, "({0}).to_bytes({1}, 'big').hex()")
            case Text():
                return self.long(node, 7, "characters({0}, {1})")
            case SequenceOf():
                return self.items(node)
            case Choice():
                return self.alternative(node)
            case Sequence():
                return self.fields(node)

    def number(self, node: Integer) -> str:
        """Return a name for a number between two bounds."""
        if node.low == node.high:
            return str(node.low)
        name = self.read(node.width)
        if node.high - node.low != (1 << node.width) - 1:
            self.after(f"if {name} > {node.high - node.low}: raise ValueError")
        if node.low:
            self.after(f"{name} {'+' if node.low > 0 else '-'}= {abs(node.low)}")
        return name

    def count(self, node: Octets | Text | SequenceOf) -> str:
        """Return a name that holds the number of items, now."""
        if node.low == node.high:
            self.flush()
            return str(node.low)
        name = self.number(Integer(node.low, node.high))
        self.flush()
        return name

    def long(self, node: Octets | Text, width: int, form: str) -> str:
        """Return a name for counted items of so many bits each, put through a form of (number, count)."""
        count, name = self.count(node), self.fresh("s")
        self.line(f"r -= {count} * {width}")
        taken = f"v >> r & (1 << {count} * {width}) - 1"
        self.line(f"{name} = {form.format(taken, count)}")
        return name

    def items(self, node: SequenceOf) -> str:
        """Return a name for a list."""
        count, name = self.count(node), self.fresh("l")

        def item() -> None:
            value = self.value(node.element)
            self.after(f"{name}.append({value})")
            self.flush()

        self.line(f"{name} = []")
        self.block(f"for _ in range({count}):", item)
        return name

    def alternative(self, node: Choice) -> str:
        """Return a name for a choice."""
        index, name = self.read(node.width + node.extensible), self.fresh("c")
        self.flush()

        def chosen(field: Field) -> Callable[[], None]:
            def fill() -> None:
                value = self.value(field.node)
                self.after(f'{name} = {{"{field.name}": {value}}}')
                self.flush()

            return fill

        for number, field in enumerate(node.alternatives):
            self.block(f"{'el' if number else ''}if {index} == {number}:", chosen(field))
        self.line("else: raise ValueError")
        return name

    def fields(self, node: Sequence) -> str:
        """Return a name for a sequence, or its literal where nothing in it is optional."""
        optionals = len(node.optionals)
        present = self.read(node.extensible + optionals) if node.extensible or optionals else ""
        if node.extensible:
            self.after(f"if {present} >> {optionals}: raise ValueError")
        values: list[str] = []
        name, bit = "", optionals
        for field in node.fields:
            if not field.optional:
                text = self.value(field.node)
                if name:
                    self.after(f'{name}["{field.name}"] = {text}')
                else:
                    values.append(f'"{field.name}": {text}')
                continue
            if not name:
                name = self.fresh("d")
                self.after(f"{name} = {{{', '.join(values)}}}")
            self.flush()
            bit -= 1
            self.block(f"if {present} & {1 << bit}:", self._assign(name, field))
        return name or f"{{{', '.join(values)}}}"

    def _assign(self, name: str, field: Field) -> Callable[[], None]:
        def fill() -> None:
            value = self.value(field.node)
            self.after(f'{name}["{field.name}"] = {value}')
            self.flush()

        return fill

    def function(self, name: str, node: Node) -> str:
        """Return the function's source."""
        value = self.value(node)
        self.flush()
        self.line(f"return {value}, r")
        return "\n".join([f"def {name}(v, r):", *self.lines])
