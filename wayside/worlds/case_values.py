"""Swept values put in the place of `$name` in a case's texts, with a little arithmetic."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

NAME = re.compile(r"\$([A-Za-z_][A-Za-z_0-9]*)")
SUM = re.compile(r"[-+*/(). \dDeE]*\d[-+*/(). \deE]*")
LONGEST = 200  # characters of a sum
OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class CaseValueError(ValueError):
    """A `$name` or a sum cannot be worked out."""


def filled(value: Any, values: Mapping[str, Any], path: str = "") -> Any:
    """Return the value with each `$name` in its texts replaced.

    A text that is `$name` alone becomes the value itself. A text that is a sum of numbers afterwards becomes a
    number.

    Raises:
        CaseValueError: an unknown name, or a sum without a finite result; the text says at which key.

    >>> filled({"poses": [[0, "-10 * $v", 0]], "title": "At $v m/s"}, {"v": 15})
    {'poses': [[0, -150, 0]], 'title': 'At 15 m/s'}
    """
    if isinstance(value, dict):
        return {key: filled(one, values, f"{path}.{key}" if path else str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, values, f"{path}[{n}]") for n, one in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value

    def known(name: str) -> Any:
        if name not in values:
            swept = ", ".join(values) or "nothing"
            raise CaseValueError(f"{path}: ${name} is not swept; sweep has {swept}")
        return values[name]

    whole = NAME.fullmatch(value)
    if whole:
        return known(whole[1])
    text = NAME.sub(lambda found: _written(known(found[1])), value)
    if not SUM.fullmatch(text):
        return text
    try:
        if len(text) > LONGEST:
            raise ValueError(f"longer than {LONGEST} characters")
        result = _worked_out(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError) as error:
        raise CaseValueError(f"{path}: {value!r} is {text!r}, which cannot be worked out: {error}") from None
    return result


def _written(value: Any) -> str:
    """Return a value as text; negative numbers in brackets, so that sums stay what they are."""
    return f"({value})" if isinstance(value, int | float) and value < 0 else str(value)


def _worked_out(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp | ast.UnaryOp) and type(node.op) in OPERATORS:
        parts = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
        found = OPERATORS[type(node.op)](*(_worked_out(part) for part in parts))
        if not math.isfinite(found):
            raise ValueError("the result is not finite")
        return found
    raise ValueError("only numbers with + - * / and brackets")
