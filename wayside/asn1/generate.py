"""Straight-line Python for each message, written from its schema.

A frame is one big int. Neighbouring fields of fixed width are taken from it (or put into it) together, as
one small int that constant shifts and masks then split, so that the cost of a field hardly depends on the
length of the frame. The generated functions know only what the edition knows: at an extension bit, or at
anything wrong, they raise, and the caller walks the schema instead (`walk.py`).
"""

from __future__ import annotations

from typing import Any

from wayside.asn1.decoding import Decoder
from wayside.asn1.encoding import Encoder
from wayside.asn1.schema import Choice

GIVES_UP = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)  # what the functions raise


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
        parts.append(Decoder(constants).function(f"decode_{field.name}", field.node))
        parts.append(Encoder(constants).function(f"encode_{field.name}", field.node))
    return "\n\n".join(parts) + "\n", constants


def compiled(root: Choice, label: str) -> dict[str, Any]:
    """Return the generated functions by name."""
    text, names = source(root)
    exec(compile(text, f"<{label}>", "exec"), names)
    return names
