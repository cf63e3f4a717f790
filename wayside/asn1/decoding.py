"""Writing straight-line decoders."""

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
from wayside.asn1.source import BitTexts, Source


class Decoder(Source):
    """Writes a function `(v, r) -> (value, r)`: v the frame as a number, r the bits not yet read."""

    def __init__(self, constants: dict[str, Any], by_number: Callable[[Open], Any]) -> None:
        super().__init__(constants)
        self.by_number = by_number
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
            case Boolean():
                return f"{self.read(1)} == 1"
            case Null():
                return "None"
            case Bits():
                texts = self.shared(f"texts{node.size}", BitTexts(node.size))
                return f'{{"bits": {texts}[{self.read(node.size + node.extensible)}]}}'
            case Octets() if node.low == node.high and node.low <= 8 and not node.extensible:
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
            case _:
                raise SchemaError(f"a {type(node).__name__} has no form in packed encoding")

    def number(self, node: Integer) -> str:
        """Return a name for a number between two bounds."""
        if node.low == node.high and not node.extensible:
            return str(node.low)
        name = self.read(node.width + node.extensible)
        if node.extensible or node.high - node.low != (1 << node.width) - 1:
            self.after(f"if {name} > {node.high - node.low}: raise ValueError")
        if node.low:
            self.after(f"{name} {'+' if node.low > 0 else '-'}= {abs(node.low)}")
        return name

    def count(self, node: Octets | Text | SequenceOf) -> str:
        """Return a name that holds the number of items, now."""
        name = self.number(Integer(node.low, node.high, isinstance(node, Octets) and node.extensible))
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
        count, name = self.length() if node.high >= FREE else self.count(node), self.fresh("l")

        def item() -> None:
            value = self.value(node.element)
            self.after(f"{name}.append({value})")
            self.flush()

        if node.high >= FREE and node.low:
            self.line(f"if {count} < {node.low}: raise ValueError")
        self.line(f"{name} = []")
        self.block(f"for _ in range({count}):", item)
        return name

    def length(self) -> str:
        """Return a name that holds a length without bounds, of less than a fragment, now."""
        length = self.read(8)
        self.flush()

        def longer() -> None:
            self.line("r -= 8")
            self.line(f"{length} = ({length} & 127) << 8 | v >> r & 255")
            self.line(f"if not 128 <= {length} < {LONGEST}: raise ValueError")

        self.block(f"if {length} > 127:", longer)
        return length

    def inside(self, fill: Callable[[], None]) -> None:
        """Read an open type of less than a fragment, whose value the lines of `fill` read."""
        length, end = self.length(), self.fresh("e")
        self.line(f"{end} = r - 8 * {length}")
        fill()
        self.flush()
        self.line(f"r -= {end}")
        self.line(f"if not {length} or r > 7 or v >> {end} & (1 << r) - 1: raise ValueError")
        self.line(f"r = {end}")

    def contained(self, node: Node, form: str) -> None:
        """Read an open type, and put its value through a form such as `name = {}`."""

        def fill() -> None:
            value = self.value(node)
            self.after(form.format(value))

        self.inside(fill)

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

        def added() -> None:
            self.line(f"r += {node.width}")
            number = self.read(7)
            self.flush()
            for place, field in enumerate(node.additions):
                self.block(
                    f"{'el' if place else ''}if {number} == {place}:",
                    partial(self.contained, field.node, f'{name} = {{{{"{field.name}": {{}}}}}}'),
                )
            self.line("else: raise ValueError")

        for number, field in enumerate(node.alternatives):
            self.block(f"{'el' if number else ''}if {index} == {number}:", chosen(field))
        if node.additions:
            self.block(f"elif {index} >> {node.width}:", added)
        self.line("else: raise ValueError")
        return name

    def fields(self, node: Sequence) -> str:
        """Return a name for a sequence, or its literal where nothing in it is optional."""
        optionals = len(node.optionals)
        present = self.read(node.extensible + optionals) if node.extensible or optionals else ""
        if node.extensible and not node.additions:
            self.after(f"if {present} >> {optionals}: raise ValueError")
        values: list[str] = []
        numbers: dict[str, str] = {}
        name, bit = "", optionals
        for field in node.fields:
            if field.optional or isinstance(field.node, Open):
                name = name or self._begun(values)
            if field.optional:
                self.flush()
                bit -= 1
                self.block(f"if {present} & {1 << bit}:", partial(self._assign, name, field, numbers))
            elif name:
                self._put(name, field, numbers)
            else:
                text = numbers[field.name] = self.value(field.node)
                values.append(f'"{field.name}": {text}')
        if node.additions:
            name = name or self._begun(values)
            self.flush()
            self.block(f"if {present} >> {optionals}:", partial(self.added, node, name))
        return name or f"{{{', '.join(values)}}}"

    def _begun(self, values: list[str]) -> str:
        """Return a name for a dict that holds what was read up to here."""
        name = self.fresh("d")
        self.after(f"{name} = {{{', '.join(values)}}}")
        return name

    def _put(self, name: str, field: Field, numbers: dict[str, str]) -> None:
        """Read a field into the dict of that name."""
        if isinstance(field.node, Open):
            self.chosen(field.node, numbers[field.node.selector], f'{name}["{field.name}"]')
        else:
            text = numbers[field.name] = self.value(field.node)
            self.after(f'{name}["{field.name}"] = {text}')

    def _assign(self, name: str, field: Field, numbers: dict[str, str]) -> None:
        self._put(name, field, numbers)
        self.flush()

    def chosen(self, node: Open, number: str, target: str) -> None:
        """Read an open type whose type a number tells, by a function of its own."""
        functions = self.shared(self.fresh(f"open{len(self.constants)}_"), self.by_number(node))
        label, function, value = self.fresh("t"), self.fresh("f"), self.fresh("y")
        self.flush()
        self.line(f"{label}, {function} = {functions}[{number}]")
        self.inside(lambda: self.line(f"{value}, r = {function}(v, r)"))
        self.line(f"{target} = {{{label}: {value}}}")

    def added(self, node: Sequence, name: str) -> None:
        """Read a sequence's additions, where its sender listed just those the edition knows."""
        count, present = self.read(7), self.read(len(node.additions))
        self.after(f"if {count} != {len(node.additions) - 1} or not {present}: raise ValueError")
        self.flush()
        for place, field in enumerate(node.additions):
            self.block(
                f"if {present} & {1 << len(node.additions) - 1 - place}:",
                partial(self.contained, field.node, f'{name}["{field.name}"] = {{}}'),
            )

    def function(self, name: str, node: Node, *, opened: bool = False) -> str:
        """Return the source of a function that reads a value, or an open type that holds one."""
        if opened:
            self.contained(node, "o = {}")
            value = "o"
        else:
            value = self.value(node)
            self.flush()
        self.line(f"return {value}, r")
        return "\n".join([f"def {name}(v, r):", *self.lines])
