"""The editions of the message set, and the codec of each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from wayside.asn1.codec import Codec
from wayside.asn1.schema import Choice, SchemaError, read_schema

EDITION = "csae53-2020"  # the default: T/CSAE 53-2020, which is YD/T 3709-2020
TEXTS = {  # the texts under asn1/ that make up each edition
    "csae53-2020": ("csae53-2020.asn",),
}


@cache
def schema_of(edition: str) -> Choice:
    """Return the MessageFrame of an edition as a tree.

    Raises:
        SchemaError: no such edition, or its text uses something that cannot be encoded.

    >>> [f.name for f in schema_of("csae53-2020").alternatives]
    ['bsmFrame', 'mapFrame', 'rsmFrame', 'spatFrame', 'rsiFrame']
    """
    if edition not in TEXTS:
        raise SchemaError(f"no edition {edition!r}; known are: {', '.join(TEXTS)}")
    room = files("wayside.v2x").joinpath("asn1")
    node = read_schema(
        "\n".join(room.joinpath(name).read_text("utf-8") for name in TEXTS[edition]), "MessageFrame"
    )
    if not isinstance(node, Choice):
        raise SchemaError(f"{edition}: MessageFrame is a {type(node).__name__}, expected a Choice")
    return node


@cache
def codec_of(edition: str) -> Codec:
    """Return the codec of an edition; generated at the first call, the same object from then on."""
    return Codec(schema_of(edition), edition)
