"""Lines of octets in hex and of JSON, as the command line reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any

import msgspec

LONGEST = 4_194_304  # characters of a line
TAKEN = 65_536  # characters read at once, or fewer if no more are there yet
_NO_HEX = re.compile(rb"[^0-9a-fA-F\s]")
_ENVELOPE = frozenset({"hex", "type", "value", "id", "edition", "provenance", "note", "messageId", "inner_hex"})
_ENVELOPE |= {"mqtt_frame_hex", "time_ns", "t", "link"}


class LineError(ValueError):
    """A line is not what it should be.

    Attributes:
        found: what was found, and what was expected.
        at: the column, or the field, in words.
        bit: of the octets that the line holds, where that can be said; else 0.
    """

    def __init__(self, found: str, at: str, bit: int = 0) -> None:
        super().__init__(f"{at}: {found}")
        self.found, self.at, self.bit = found, at, bit


def read_lines(stream: BufferedIOBase, longest: int = LONGEST) -> Iterator[list[tuple[int, bytes | None]]]:
    """Yield number and text of each line, in groups as they arrive; None is a line that is too long.

    Memory is bounded by `longest`; what a line has beyond it is passed over.
    """
    number, rest, lost = 0, b"", False
    while taken := stream.read1(TAKEN):
        *whole, rest = (rest + taken).split(b"\n")
        group: list[tuple[int, bytes | None]] = []
        for text in whole:
            number += 1
            group.append((number, None if lost or len(text) > longest else text))
            lost = False
        if len(rest) > longest:
            rest, lost = b"", True
        elif lost:
            rest = b""
        yield group
    if rest or lost:
        yield [(number + 1, None if lost else rest)]


def is_passed_over(text: bytes) -> bool:
    """Tell whether a line is blank or a comment.

    >>> is_passed_over(b"  # one frame"), is_passed_over(b" "), is_passed_over(b"12b0")
    (True, True, False)
    """
    text = text.strip()
    return not text or text.startswith(b"#")


def octets_of(text: bytes) -> bytes:
    r"""Return the octets of hex digits; there may be blanks between octets.

    Raises:
        LineError: a character is no digit, or a digit is missing.

    >>> octets_of(b"12 B0 02")
    b'\x12\xb0\x02'
    """
    text = text.removeprefix(b"\xef\xbb\xbf")
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        pass
    wrong = _NO_HEX.search(text)
    if wrong:
        digits = len(text[: wrong.start()].translate(None, b" \t\r\n\f\v"))
        found = f"the character {wrong[0].decode('latin-1')!r} is no hex digit"
        raise LineError(found, f"column {wrong.start() + 1}", digits * 4)
    digits = len(text.translate(None, b" \t\r\n\f\v"))
    if digits % 2:
        found = f"{digits} hex digits, expected an even number: two for each octet"
        raise LineError(found, f"column {len(text.rstrip()) + 1}", digits * 4)
    raise LineError("a blank stands inside an octet; write its two digits together", "column 1")


def too_long(longest: int = LONGEST) -> LineError:
    """Return the error of a line that is too long."""
    return LineError(f"more than {longest} characters in one line", f"column {longest + 1}")


def read_json(text: bytes) -> dict[str, Any]:
    """Return the object that a line of JSON holds.

    Raises:
        LineError: it is no JSON, or no object.
    """
    try:
        value = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        place = re.search(r"\(byte (\d+)\)", str(error))
        said = str(error).removesuffix(place[0]).strip() if place else str(error)
        raise LineError(f"no JSON: {said}", f"column {int(place[1]) + 1 if place else 1}") from error
    except RecursionError as error:
        raise LineError("no message: values within values too deep", "column 1") from error
    if not isinstance(value, dict):
        raise LineError(f'a JSON {_kind(value)}, expected an object like {{"bsmFrame": {{...}}}}', "column 1")
    return value


def message_in(value: dict[str, Any]) -> dict[str, Any]:
    """Return the message of a JSON object: the object itself, or its `value`, with the name in `type` or not.

    Raises:
        LineError: there is none.

    >>> message_in({"type": "bsmFrame", "value": {"msgCnt": 1}}) == message_in({"bsmFrame": {"msgCnt": 1}})
    True
    >>> message_in({"hex": "12b0", "value": {"mapFrame": {}}})
    {'mapFrame': {}}
    """
    if "error" in value:
        raise LineError("the line is itself an error, not a message", "error")
    if "value" in value and value.keys() <= _ENVELOPE:
        inner = value["value"]
        if "type" in value:
            return {str(value["type"]): inner}
        if not isinstance(inner, dict) or len(inner) != 1:
            raise LineError('expected {message: value}, or the message\'s name in "type"', "value")
        return inner
    message = {name: inner for name, inner in value.items() if name not in _ENVELOPE}
    if len(message) != 1:
        names = ", ".join(sorted(message)[:5]) or "none"
        raise LineError(f"{len(message)} messages in one line ({names}), expected one", "column 1")
    return message


def _kind(value: object) -> str:
    names = {list: "array", str: "text", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")
