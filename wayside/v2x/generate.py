"""Straight-line Python for each message, written from its schema.

A frame is one big int. Neighbouring fields of fixed width are taken from it (or put into it) together, as
one small int that constant shifts and masks then split, so that the cost of a field hardly depends on the
length of the frame. The generated functions know only what the edition knows: at an extension bit, or at
anything wrong, they raise, and the caller walks the schema instead (`walk.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wayside.v2x.schema import (
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

GIVES_UP = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)  # what the functions raise


class BitTexts(dict[int, str]):
    """Texts of bit strings of one size by their number, filled as they are met."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __missing__(self, number: int) -> str:
        if number >> self.size:
            raise ValueError(number)
        text = self[number] = f"{number:0{self.size}b}"
        return text


class BitNumbers(dict[str, int]):
    """Numbers of bit strings of one size by their text, filled as they are met."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __missing__(self, text: str) -> int:
        if len(text) != self.size or text.strip("01"):
            raise ValueError(text)
        number = self[text] = int(text, 2)
        return number


class _Source:
    """Lines of one function, with indentation, fresh names and constants shared by the module."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.constants = constants
        self.depth = 1
        self.names = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def constant(self, letter: str, value: Any) -> str:
        """Return the module's name for a constant; equal ones share a name."""
        for name, known in self.constants.items():
            if name[0] == letter and type(known) is type(value) and known == value and self._same(known, value):
                return name
        name = f"{letter}{len(self.constants)}"
        self.constants[name] = value
        return name

    @staticmethod
    def _same(known: Any, value: Any) -> bool:
        return getattr(known, "size", None) == getattr(value, "size", None)

    def block(self, head: str, fill: Callable[[], None]) -> None:
        """Write an indented block."""
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        fill()
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1


class _Decoder(_Source):
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

    def value(self, node: Node) -> str:
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
        count, name = self.count(node), self.fresh("s")
        self.line(f"r -= {count} * {width}")
        taken = f"v >> r & (1 << {count} * {width}) - 1"
        self.line(f"{name} = {form.format(taken, count)}")
        return name

    def items(self, node: SequenceOf) -> str:
        count, name = self.count(node), self.fresh("l")

        def item() -> None:
            value = self.value(node.element)
            self.after(f"{name}.append({value})")
            self.flush()

        self.line(f"{name} = []")
        self.block(f"for _ in range({count}):", item)
        return name

    def alternative(self, node: Choice) -> str:
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
        optionals = len(node.optionals)
        present = self.read(node.extensible + optionals) if node.extensible or optionals else ""
        if node.extensible:
            self.after(f"if {present} >> {optionals}: raise ValueError" if optionals else f"if {present}: raise ValueError")
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


class _Encoder(_Source):
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
        if node.low == 0 and node.high == (1 << node.width) - 1:
            self.line(f"if {name} >> {node.width}: raise ValueError")
        else:
            self.line(f"if not {node.low} <= {name} <= {node.high}: raise ValueError")
        self.put(f"({name} - {node.low})" if node.low else name, node.width)

    def items(self, node: SequenceOf, expression: str) -> None:
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


def _characters(number: int, count: int) -> str:
    """Return the IA5 text of so many seven-bit characters."""
    return bytes(number >> 7 * place & 127 for place in range(count - 1, -1, -1)).decode("ascii")


def source(root: Choice) -> tuple[str, dict[str, Any]]:
    """Return the module's source, and the constants it refers to.

    It defines `decode_<alternative>(v, r)` and `encode_<alternative>(d)` for each message.
    """
    constants: dict[str, Any] = {
        "characters": _characters,
        "fromhex": bytes.fromhex,
        "from_bytes": int.from_bytes,
    }
    parts: list[str] = []
    for field in root.alternatives:
        parts.append(_Decoder(constants).function(f"decode_{field.name}", field.node))
        parts.append(_Encoder(constants).function(f"encode_{field.name}", field.node))
    return "\n\n".join(parts) + "\n", constants


def compiled(root: Choice, label: str) -> dict[str, Any]:
    """Return the generated functions by name."""
    text, names = source(root)
    exec(compile(text, f"<{label}>", "exec"), names)
    return names


