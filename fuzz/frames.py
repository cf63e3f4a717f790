"""The record codec of every edition, its walk, and the probe that tries all editions."""

from __future__ import annotations

from random import Random

from fuzz.mutators import Pool
from fuzz.target import READ, Each, expect
from wayside.asn1.errors import WireError
from wayside.asn1.samples import sample
from wayside.asn1.schema import Field, Open, Sequence
from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import TEXTS, codec_of, schema_of
from wayside.v2x.probe import in_words, probe

LARGEST_SEED = 6_000  # octets of a valid frame that is mutated; larger ones come of repeated stretches
TRIES = 5


def messages_of(edition: str) -> tuple[Field, ...]:
    """Return the messages of an edition, those behind the extension marker last."""
    root = schema_of(edition)
    return (*root.alternatives, *root.additions)


def valid_frame(edition: str, field: Field, random: Random, select: int | None = None) -> bytes:
    """Return a random valid frame of a message; `select` is the number whose type an open type in it has."""
    for _ in range(TRIES):
        value = sample(field.node, random, most_items=random.randrange(1, 5))
        if select is not None and isinstance(field.node, Sequence):
            for inner in field.node.fields:
                if isinstance(inner.node, Open):
                    _, name, node = next(one for one in inner.node.types if one[0] == select)
                    value[inner.node.selector] = select
                    value[inner.name] = {name: sample(node, random, most_items=random.randrange(1, 5))}
        octets = codec_of(edition).encode({field.name: value})
        if len(octets) <= LARGEST_SEED:
            break
    return octets


def any_frame(edition: str, random: Random) -> bytes:
    """Return a random valid frame of any message of an edition."""
    return valid_frame(edition, random.choice(messages_of(edition)), random)


def any_edition(random: Random) -> bytes:
    """Return a random valid frame of any edition."""
    return any_frame(random.choice(list(TEXTS)), random)


class Records(Each):
    """Octets to a value and back: what is read is written as it was, what is refused names a bit of the frame."""

    def __init__(self, edition: str) -> None:
        self.name = f"records:{edition}"
        self.codec = codec_of(edition)
        self._pool = Pool(lambda random: any_frame(edition, random))

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated frames, some of another edition."""
        return self._pool.crowd(random, count, [any_edition(random) for _ in range(4)])

    def one(self, octets: bytes) -> str:
        """Decode and encode again."""
        try:
            value = self.codec.decode(octets)
        except WireError as error:
            expect(0 <= error.bit <= 8 * len(octets), f"bit {error.bit} of {8 * len(octets)}")
            expect(bool(error.found), "no words")
            return error.reason.name.lower()
        again = self.codec.encode(value)
        expect(again == octets, f"encodes again to {again.hex()}")
        return READ


class Walk(Records):
    """The same, bit by bit, beside the generated functions: both read and write the same, or refuse alike."""

    def __init__(self, edition: str) -> None:
        super().__init__(edition)
        self.name = f"walk:{edition}"

    def one(self, octets: bytes) -> str:
        """Read by both, and write."""
        try:
            value = read_frame(self.codec.root, octets)
        except WireError as error:
            try:
                found = self.codec.decode(octets)
            except WireError as other:
                expect(other.args == error.args, f"{other} instead of {error}")
                return error.reason.name.lower()
            expect(False, f"the codec reads {str(found)[:200]}, the walk refuses: {error}")
        found = self.codec.decode(octets)
        expect(found == value, f"the codec reads {str(found)[:200]}, the walk {str(value)[:200]}")
        again = write_frame(self.codec.root, value)
        expect(again == octets, f"the walk writes {again.hex()}")
        return READ


class Probe(Each):
    """All editions at once, and the sentence about them in both languages."""

    name = "probe:any"
    size = 200

    def __init__(self) -> None:
        self._pool = Pool(any_edition)

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated frames of any edition."""
        return self._pool.crowd(random, count)

    def one(self, octets: bytes) -> str:
        """Probe."""
        readings = probe(octets)
        for language in ("en", "zh"):
            expect(bool(in_words(readings, language)), "no words")
        for one in readings:
            expect((one.value is None) != (one.error is None), f"{one.edition}: neither value nor error, or both")
            expect(one.exact == (one.value is not None), f"{one.edition} is read and not exact")
        read = sum(one.exact for one in readings)
        return READ if read else "no edition"
