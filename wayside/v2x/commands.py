"""`wayside decode` and `wayside encode`: hex in, JSON out, and back."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console

from wayside.asn1.errors import WireError
from wayside.command import EXIT_DIFFERENT, EXIT_OK, Answer, Text
from wayside.config import load_plugin, plugins
from wayside.errors import WaysideError
from wayside.language import say
from wayside.v2x.editions import EDITION, TEXTS
from wayside.v2x.lines import LineError, is_passed_over, message_in, octets_of, read_json, read_lines, too_long
from wayside.v2x.objects import MESSAGE, edition_named

STANDARD_INPUT = "-"


class SourceError(WaysideError):
    """The lines cannot be read; the text names the file and why."""


class Kind(NamedTuple):
    """What octets are read as: functions of a kind of object, and the word they know it by."""

    decode: Callable[[bytes, str], Any]
    encode: Callable[[Any, str], bytes]
    name: str


def _kind(options: argparse.Namespace) -> Kind:
    """Return what the options ask for.

    Raises:
        EditionError: no such edition.
        SourceError: an edition is given for what has none.
    """
    name: str = options.kind
    brought = load_plugin("objects", name)
    if name == MESSAGE:
        name = edition_named(options.edition or EDITION)
    elif options.edition is not None:
        raise SourceError(f"--edition goes with messages; {name} has no editions")
    return Kind(brought.decode_object, brought.encode_object, name)


class _Lines:
    """A command that turns each line of a file or of standard input into one line of standard output."""

    writes_lines = True
    file_text = ""

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare `--edition`, `--as` and the file."""
        known = ", ".join(TEXTS)
        parser.add_argument(
            "--edition", metavar=text("v2x.word_edition"), help=text("v2x.help_edition").replace("EDITIONS", known)
        )
        kinds = sorted(plugins("objects"))
        parser.add_argument("--as", dest="kind", choices=kinds, default=MESSAGE, help=text("v2x.help_as"))
        parser.add_argument("file", nargs="?", default=STANDARD_INPUT, help=text(self.file_text))

    def line(self, text: bytes, kind: Kind) -> bytes:
        """Return the line to write.

        Raises:
            LineError: the line is not what it should be.
            WireError: what it holds is no such object.
        """
        raise NotImplementedError

    def run(self, options: argparse.Namespace, screen: Console) -> Answer:
        """Write one line for each; a bad one gives its error in its place, and exit code 1 at the end.

        What has been read so far is written before more is awaited, so that another program may talk to this one.

        Raises:
            SourceError: the file cannot be opened or read.
        """
        kind = _kind(options)
        counts = Counter[str]()
        try:
            if options.file == STANDARD_INPUT:
                self._all(sys.stdin.buffer, kind, counts)
            else:
                with Path(options.file).open("rb") as stream:
                    self._all(stream, kind, counts)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SourceError(f"cannot read {options.file}: {error.strerror}") from error
        told = {name: counts[name] for name in ("good", "bad", "passed_over")}
        if counts["bad"] or screen.is_terminal:
            screen.print(say("v2x.lines_done", options.language, **told), highlight=False)
        return Answer(told, EXIT_DIFFERENT if counts["bad"] else EXIT_OK)

    def _all(self, stream: BufferedIOBase | Any, kind: Kind, counts: Counter[str]) -> None:
        out = sys.stdout.buffer
        for group in read_lines(stream):
            written = []
            for number, text in group:
                if text is not None and is_passed_over(text):
                    counts["passed_over"] += 1
                    continue
                try:
                    if text is None:
                        raise too_long()
                    written.append(self.line(text, kind))
                    counts["good"] += 1
                except (LineError, WireError) as error:
                    written.append(_wrong(error, number))
                    counts["bad"] += 1
            if written:
                out.write(b"\n".join(written) + b"\n")
                out.flush()


def _wrong(error: LineError | WireError, number: int) -> bytes:
    """Return the line that stands for a bad one: what is wrong, at which field or column, at which bit."""
    at = error.at if isinstance(error, LineError) else error.path or "frame"
    told = {"error": error.found, "at": at, "bit": error.bit, "line": number}
    if isinstance(error, WireError):
        told["reason"] = error.reason.name.lower()
    return msgspec.json.encode(told)


class Decode(_Lines):
    """Read hex lines and write JSON lines."""

    file_text = "v2x.help_hex_file"

    def line(self, text: bytes, kind: Kind) -> bytes:
        """Return the JSON of a frame in hex."""
        return msgspec.json.encode(kind.decode(octets_of(text), kind.name))


class Encode(_Lines):
    """Read JSON lines and write hex lines."""

    file_text = "v2x.help_json_file"

    def line(self, text: bytes, kind: Kind) -> bytes:
        """Return the hex of a message in JSON."""
        value = read_json(text)
        if kind.name in TEXTS:
            value = message_in(value)
        elif "value" in value and "hex" in value:
            value = value["value"]
        elif "error" in value:
            raise LineError("the line is itself an error, not an object", "error")
        return kind.encode(value, kind.name).hex().encode()


decode = Decode()
encode = Encode()
