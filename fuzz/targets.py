"""All that is fuzzed, in groups, and the share of the frames that each group gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fuzz.columns import every_plan
from fuzz.edges import Edge
from fuzz.frames import Probe, Records, Walk
from fuzz.objects import Objects, Sealings
from fuzz.signatures import Signatures
from fuzz.target import Target
from fuzz.texts import Files, Lines, Values
from fuzz.trusting import CURVES, Certificates, Lists, SignedMessages
from wayside.security.objects import KINDS
from wayside.v2x.editions import TEXTS

SPOKEN = (*TEXTS, "certificate", "signed", "crl")  # kinds of lines that are decoded and encoded


@dataclass(frozen=True)
class Group:
    """Targets that share a row of the table.

    Attributes:
        what: what is fuzzed, in words.
        share: of all frames [%].
        make: returns its targets.
    """

    what: str
    share: float
    make: Callable[[], Sequence[Target]]


GROUPS = {
    "records": Group("record codec, four editions", 12, lambda: [Records(one) for one in TEXTS]),
    "walk": Group("walk beside the generated functions", 4, lambda: [Walk(one) for one in TEXTS]),
    "probe": Group("all editions at once", 1, lambda: [Probe()]),
    "columns": Group("column codec, every message of every edition", 55, every_plan),
    "objects": Group("COER record codec, every kind", 9, lambda: [Objects(one) for one in KINDS]),
    "sealed": Group("batch reader of signed frames", 8, lambda: [Sealings()]),
    "certificates": Group("certificates and their chains", 2, lambda: [Certificates(one) for one in CURVES]),
    "messages": Group("signed messages judged one by one", 2, lambda: [SignedMessages(one) for one in CURVES]),
    "lists": Group("revocation and root lists", 0.2, lambda: [Lists(one) for one in CURVES]),
    "signatures": Group("signature kernels", 2, lambda: [Signatures("sm2"), Signatures("p256")]),
    "edge": Group("the edge, bare and signed", 2, lambda: [Edge("bare"), Edge("signed")]),
    "decode": Group("lines of hex", 1.5, lambda: [Lines(one) for one in SPOKEN]),
    "encode": Group("lines of JSON", 1, lambda: [Values(one) for one in SPOKEN]),
    "captures": Group("recordings, read and checked", 0.3, lambda: [
        Files("captures:read", checked=False), Files("captures:checked", checked=True)
    ]),
}  # fmt: skip


def target_named(name: str) -> Target:
    """Return a new target by its full name, such as `records:csae53-2020`.

    Raises:
        KeyError: there is none; the text lists those there are.
    """
    group = name.partition(":")[0]
    if group not in GROUPS:
        raise KeyError(f"no target {name!r}; groups are {', '.join(GROUPS)}")
    members = {one.name: one for one in GROUPS[group].make()}
    if name not in members:
        raise KeyError(f"no target {name!r}; there are {', '.join(members)}")
    return members[name]
