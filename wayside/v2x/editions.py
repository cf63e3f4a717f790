"""The editions of the message set, their texts, and the codec of each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from wayside.asn1.codec import Codec
from wayside.asn1.schema import Choice, SchemaError, read_schema

EDITION = "csae53-2020"  # the default: T/CSAE 53-2020, which is YD/T 3709-2020
_DAY_ONE = (
    *("elements", "position", "variants", "vehicle", "bsm", "rsm", "spat", "road", "link", "map"),
    *("event", "sign", "rsi", "frame"),
)
_DAY_TWO = ("intention", "coordination", "sensing", "parking", "platoon", "person", "correction", "payment")


def _texts(edition: str, own: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the texts of an edition: those of the default one, but for its own and for those it does without."""
    shared = tuple(name for name in _DAY_ONE if name not in without)
    added = tuple(name for name in own if name not in shared)
    return tuple(f"{edition if name in own else EDITION}/{name}.asn" for name in shared + added)


TEXTS = {  # the texts under asn1/ that make up each edition, one module each
    "csae53-2017": _texts("csae53-2017", ("variants", "bsm", "rsm", "spat", "link", "rsi"), ("event", "sign")),
    "gbt31024-3-2019": _texts("gbt31024-3-2019", ("variants", "link", "map")),
    "csae53-2020": _texts("csae53-2020"),
    "csae157-2020": _texts("csae157-2020", ("map", "sign", "frame", *_DAY_TWO)),
}


def text_of(edition: str) -> str:
    """Return the ASN.1 text of an edition: all its modules, one after the other.

    Raises:
        SchemaError: no such edition.

    >>> text_of("csae53-2020").count("END")
    14
    """
    if edition not in TEXTS:
        raise SchemaError(f"no edition {edition!r}; known are: {', '.join(TEXTS)}")
    room = files("wayside.v2x").joinpath("asn1")
    return "\n".join(room.joinpath(name).read_text("utf-8") for name in TEXTS[edition])


@cache
def schema_of(edition: str) -> Choice:
    """Return the MessageFrame of an edition as a tree.

    Raises:
        SchemaError: no such edition, or its text uses something that cannot be encoded.

    >>> [f.name for f in schema_of("csae53-2020").alternatives]
    ['bsmFrame', 'mapFrame', 'rsmFrame', 'spatFrame', 'rsiFrame']
    """
    node = read_schema(text_of(edition), "MessageFrame")
    if not isinstance(node, Choice):
        raise SchemaError(f"{edition}: MessageFrame is a {type(node).__name__}, expected a Choice")
    return node


@cache
def codec_of(edition: str) -> Codec:
    """Return the codec of an edition; generated at the first call, the same object from then on."""
    return Codec(schema_of(edition), edition)
