"""Lines of generated Python, and the constants they refer to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MOST = 4096  # bit strings kept by each of the two below; others are worked out each time


class BitTexts(dict[int, str]):
    """Texts of bit strings of one size by their number, filled as they are met."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __missing__(self, number: int) -> str:
        if number >> self.size:
            raise ValueError(number)
        text = f"{number:0{self.size}b}"
        if len(self) < _MOST:
            self[number] = text
        return text


class BitNumbers(dict[str, int]):
    """Numbers of bit strings of one size by their text, filled as they are met."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __missing__(self, text: str) -> int:
        if len(text) != self.size or text.strip("01"):
            raise ValueError(text)
        number = int(text, 2)
        if len(self) < _MOST:
            self[text] = number
        return number


class Source:
    """Lines of one function, with indentation, fresh names and constants shared by the module."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.constants = constants
        self.depth = 1
        self.names = 0

    def line(self, text: str) -> None:
        """Write a line at the present depth."""
        self.lines.append("    " * self.depth + text)

    def fresh(self, letter: str) -> str:
        """Return a name not used yet."""
        self.names += 1
        return f"{letter}{self.names}"

    def constant(self, letter: str, value: Any) -> str:
        """Return the module's name for a constant; equal ones share a name."""
        for name, known in self.constants.items():
            if name[0] == letter and type(known) is type(value) and known == value:
                return name
        name = f"{letter}{len(self.constants)}"
        self.constants[name] = value
        return name

    def shared(self, name: str, value: Any) -> str:
        """Return the module's name for a constant that goes by this name."""
        self.constants.setdefault(name, value)
        return name

    def block(self, head: str, fill: Callable[[], None]) -> None:
        """Write an indented block."""
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        fill()
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1
