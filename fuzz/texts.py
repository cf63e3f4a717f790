"""What the command line reads: lines of hex and of JSON, and files of recorded messages."""

from __future__ import annotations

import io
import tempfile
from argparse import Namespace
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from fuzz.frames import any_edition, any_frame
from fuzz.mutators import crowd
from fuzz.objects import valid_object
from fuzz.recordings import a_pcap, a_pcapng, a_recording
from fuzz.target import READ, Each, expect
from fuzz.values import spoil, text_of
from wayside.asn1.errors import WireError
from wayside.errors import WaysideError
from wayside.security import objects as security_objects
from wayside.v2x import objects as message_objects
from wayside.v2x.captures import Captured, read_capture
from wayside.v2x.commands import Kind, decode, encode
from wayside.v2x.conformance import messages
from wayside.v2x.editions import TEXTS
from wayside.v2x.lines import LONGEST, LineError, read_lines


def kind_named(name: str) -> Kind:
    """Return the functions for an edition or a kind of security object."""
    room: Any = message_objects if name in TEXTS else security_objects
    return Kind(room.decode_object, room.encode_object, name)


def valid_octets(name: str, random: Random) -> bytes:
    """Return a random valid frame of an edition, or object of a kind."""
    return any_frame(name, random) if name in TEXTS else valid_object(name, random)


class Lines(Each):
    """A line of hex to `wayside decode`, and what it writes to `wayside encode`."""

    size = 300

    def __init__(self, name: str) -> None:
        self.name, self._kind = f"decode:{name}", kind_named(name)

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated hex, and hex of mutated octets."""
        seeds = [valid_octets(self._kind.name, random) for _ in range(6)]
        texts = crowd([one.hex().encode() for one in seeds], random, count // 2)
        return texts + [one.hex().encode() for one in crowd(seeds, random, count - len(texts))]

    def one(self, octets: bytes) -> str:
        """Decode each line there is, and encode it again."""
        outcome = "nothing"
        for group in read_lines(io.BytesIO(octets), longest=20_000):
            for _, text in group:
                outcome = self.line(text) if text is not None else "too long"
        return outcome

    def line(self, text: bytes) -> str:
        """Decode one line."""
        try:
            said = decode.line(text, self._kind)
        except LineError:
            return "no hex"
        except WireError as error:
            return error.reason.name.lower()
        again = encode.line(said, self._kind)
        plain = text.removeprefix(b"\xef\xbb\xbf").translate(None, b" \t\r\n\f\v").lower()
        expect(again == plain, f"encodes again to {again[:200]!r}")
        return READ


class Values(Each):
    """A line of JSON to `wayside encode`: whatever it accepts is what it decodes to."""

    size = 200

    def __init__(self, name: str) -> None:
        self.name, self._kind = f"encode:{name}", kind_named(name)

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return JSON of spoilt values, and spoilt JSON."""
        seeds = [valid_octets(self._kind.name, random) for _ in range(6)]
        values = [self._kind.decode(one, self._kind.name) for one in seeds if len(one) < 1000]
        texts = [text_of(one, random) for one in values] or [b"{}"]
        many = count * 4 // 5 if values else 0
        spoilt = [text_of(spoil(random.choice(values), random), random) for _ in range(many)]
        return spoilt + crowd(texts, random, count - many)

    def one(self, octets: bytes) -> str:
        """Encode, then decode and encode again; what the command line would not take as a line is left out."""
        if len(octets) > LONGEST:
            return "too long"
        try:
            written = encode.line(octets, self._kind)
        except LineError:
            return "no message"
        except WireError as error:
            return error.reason.name.lower()
        said = decode.line(written, self._kind)
        expect(encode.line(said, self._kind) == written, f"written as {written[:200]!r}, and then otherwise")
        if self._kind.name in TEXTS:
            given = msgspec.json.decode(octets)
            same = len(given) > 1 or "value" in given or _lower(given) == _lower(msgspec.json.decode(said))
            expect(same, f"reads as {said[:200]!r}")
        return READ


def _lower(value: Any) -> Any:
    """Return a value with all texts in small letters: hex may be given in either."""
    if isinstance(value, dict):
        return {name: _lower(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_lower(inner) for inner in value]
    return value.lower() if isinstance(value, str) else value


class Files(Each):
    """Files of recorded messages: read to their end, whatever they hold, or looked at by `wayside check`."""

    def __init__(self, name: str, *, checked: bool) -> None:
        self.name, self._checked = name, checked
        self.size = 20 if checked else 200
        self._folder = tempfile.TemporaryDirectory(prefix="wayside-fuzz-")
        self._path = Path(self._folder.name) / "recording"

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated files, and such as hold mutated frames."""
        files = [a_recording(random) for _ in range(8)]
        frames = crowd([any_edition(random) for _ in range(8)], random, 20 * (count // 4))
        groups = [frames[n : n + 20] for n in range(0, len(frames), 20)]
        whole = [random.choice((a_pcap, a_pcapng))(group) for group in groups]
        return whole + crowd(files, random, count - len(whole))

    def one(self, octets: bytes) -> str:
        """Read the file, or check it."""
        self._path.write_bytes(octets)
        try:
            if self._checked:
                edition = (*TEXTS, "any")[len(octets) % (len(TEXTS) + 1)]
                messages.check(self._path, Namespace(edition=edition, language="en"))
                return READ
            found = list(read_capture(self._path, lambda one: security_objects.decode_object(one, "signed")))
        except WaysideError as error:
            return type(error).__name__
        expect(all(isinstance(one, Captured) or bool(one.found) for one in found), "no words")
        return READ if any(isinstance(one, Captured) for one in found) else "no messages"
