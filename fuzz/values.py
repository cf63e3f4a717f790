"""JSON values that are almost right: a field gone, of another type, too large, too deep, or another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 255, 256, 2**31, 2**32, 2**63, -(2**63), 2**64, 10**30, 0.0, 1.5, 1e300),
    *("", " ", "0", "zz", "abc", "00", "é", "\x00", "\ud800", "...", "...0", "...5", "...-1", "...999999999999"),
    *(
        [],
        [None],
        [[]],
        {},
        {"...": None},
        {"...": {"index": -1, "octets": ""}},
        {"...": 3},
        {"...": ["00", None]},
    ),
    *({"...": {"index": i, "octets": octets}} for i, octets in ((-1, ""), (2**40, "00"), (70, "0"), (3, "0000"))),
    *({"bits": ""}, {"bits": "012"}, {"bits": 5}, {"bits": "1" * 300}, {"bits": "1", "more": 0}),
)
NAMES = ("...", "", "id", "value", "type", "hex", "error", "bits", "pos", "msgCnt", "time_ns", "link")
TOKENS = (  # put into JSON text
    *(b"[" * 3000, b"{" * 10, b'{"a":' * 2000, b"1e999", b"-", b"NaN"),
    *(b'"\\ud800"', b"\xff", b"null", b"\\u0000"),
)
MOST_REPEATED = 3000  # items of a list that is made long


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container with each of its keys."""
    pending = [value]
    while pending:
        one = pending.pop()
        inner = one.items() if isinstance(one, dict) else enumerate(one)
        for key, below in list(inner):
            yield one, key
            if isinstance(below, (dict, list)):
                pending.append(below)


def spoil(value: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a copy of a value in which one to three things are not as they were.

    >>> sum(spoil({"msgCnt": 5}, Random(seed)) != {"msgCnt": 5} for seed in range(20)) > 15
    True
    """
    changed: dict[str, Any] = deepcopy(value)
    for _ in range(random.randrange(1, 4)):
        places = list(_places(changed))
        if not places:
            break
        holder, key = random.choice(places)
        match random.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(NAMES)] = holder.pop(key)
            case 2 if isinstance(holder, dict):
                holder[random.choice(NAMES)] = deepcopy(random.choice(ODD))
            case 3 if isinstance(holder, list):
                holder[:] = holder[: random.randrange(3)] * random.randrange(1, MOST_REPEATED)
            case 4:
                other, there = random.choice(places)
                holder[key] = deepcopy(other[there])
            case 5 if type(holder[key]) is int:
                holder[key] += random.choice((-1, 1, 1 << 16, -(1 << 40), 1 << 70))
            case 6 if isinstance(holder[key], str):
                text = holder[key]
                holder[key] = random.choice((text[:-1], text * 2, text.upper(), "0" + text))
            case _:
                holder[key] = deepcopy(random.choice(ODD))
    return changed


def text_of(value: Any, random: Random) -> bytes:
    """Return the JSON of a value, at times with something in it that is no JSON."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.9).encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(TOKENS) + text[at + random.randrange(3) :]
    return text
