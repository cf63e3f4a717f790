"""Who is revoked: lists by certificate hash, and lists of seeds that stand for all pseudonyms of a vehicle.

A list speaks for the certificates that name its authority (`cracaId`) and series (`crlSeries`), and for no
others. Linkage values are computed when a certificate of their i-period is first asked about, and kept for
the periods last asked about.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wayside.security.certificates import Certificate
from wayside.security.linkage import SEED_OCTETS, LinkageRule, linkage_values, seeds_after
from wayside.security.objects import encode_object
from wayside.security.permissions import REVOCATION
from wayside.security.refusals import Refusal, TrustFault
from wayside.security.signed import Holder, sign_message
from wayside.security.times import S, tai_of, utc_of
from wayside.table import U8

PERIODS_KEPT = 4  # i-periods whose values a list keeps computed
Key = tuple[bytes, int]  # HashedId3 of the authority and number of the series


@dataclass(frozen=True, slots=True)
class Seeds:
    """Vehicles revoked together: the same authorities, number of pseudonyms and last period.

    Attributes:
        first: i-period of the seeds.
        last: i-period of the vehicles' last certificates.
        most: pseudonyms of a period are numbered up to this.
        authorities: identities of the two linkage authorities.
        seeds: of each authority, shape [n, 16].
        rule: how linkage values come of them.
    """

    first: int
    last: int
    most: int
    authorities: tuple[bytes, bytes]
    seeds: tuple[U8, U8]
    rule: LinkageRule

    def values(self, period: int) -> frozenset[bytes]:
        """Return the linkage values in an i-period; none before `first` and after `last`.

        Numbers start at 0 here, so that issuers that count from 0 and from 1 are both covered.
        """
        if not self.first <= period <= self.last:
            return frozenset()
        on = [
            seeds_after(seeds, authority, period - self.first, self.rule)
            for seeds, authority in zip(self.seeds, self.authorities, strict=True)
        ]
        indices = np.arange(self.most + 1).astype(np.uint8)
        found = linkage_values((on[0], on[1]), self.authorities, indices, self.rule)
        return frozenset(value.tobytes() for value in found.reshape(-1, found.shape[2]))


@dataclass(slots=True)
class _List:
    """What one authority has revoked in one series."""

    issued: int = -1  # [s TAI since 2004]
    next_ns: int = 0  # when the next one comes [ns since 1970 UTC]
    hashes: dict[bytes, int] = field(default_factory=dict)  # HashedId10 -> expiry
    seeds: list[Seeds] = field(default_factory=list)
    by_period: OrderedDict[int, frozenset[bytes]] = field(default_factory=OrderedDict)


class Revocations:
    """All lists that were taken in.

    Attributes:
        left_out: entries of kinds that are not applied, counted: revoked groups and vehicles with a single seed.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._hashed: dict[Key, _List] = {}
        self._linked: dict[Key, _List] = {}

    def __len__(self) -> int:
        """Return how many hashes and vehicles are revoked."""
        hashes = sum(len(one.hashes) for one in self._hashed.values())
        return hashes + sum(len(s.seeds[0]) for one in self._linked.values() for s in one.seeds)

    def add(self, contents: Mapping[str, Any], rule: LinkageRule) -> str | None:
        """Take in one list; a full one replaces what its kind and series had, a delta adds to it.

        Args:
            contents: CrlContents as the codec gives it; its signature was checked by the caller.
            rule: how its linkage values come of its seeds.

        Returns:
            None, or why it is not taken in.
        """
        key = (bytes.fromhex(contents["crlCraca"])[-3:], contents["crlSeries"])
        ((kind, body),) = contents["typeSpecific"].items()
        if kind not in ("fullHashCrl", "deltaHashCrl", "fullLinkedCrl", "deltaLinkedCrl"):
            return f"it is of a kind that is not known here, {kind}"
        held = self._linked if "Linked" in kind else self._hashed
        before = held.get(key, _List())
        if contents["issueDate"] < before.issued:
            return f"it was issued {before.issued - contents['issueDate']} s before the list in use"
        full = kind.startswith("full")
        hashes, seeds = ({}, []) if full else (dict(before.hashes), list(before.seeds))
        for entry in body.get("entries", ()):
            hashes[bytes.fromhex(entry["id"])] = entry["expiry"]
        seeds.extend(_seeds_of(body, rule))
        self.left_out += len(body.get("groups", ())) + len(body.get("groupsSingleSeed", ()))
        self.left_out += sum(
            len(span.get("singleSeeds", ()))
            for group in body.get("individual", ())
            for pair in group["contents"]
            for span in pair["contents"]
        )
        held[key] = _List(contents["issueDate"], utc_of(contents["nextCrl"] * S), hashes, seeds)
        return None

    def overdue(self, time_ns: int) -> tuple[str, ...]:
        """Return the lists whose successor is due at an instant [ns since 1970 UTC]; they still count."""
        lists = (*self._hashed.items(), *self._linked.items())
        return tuple(sorted({_words(key) for key, one in lists if time_ns >= one.next_ns}))

    def fault(self, certificate: Certificate) -> Refusal | None:
        """Tell whether a certificate is revoked; None if it is not."""
        key = (bytes.fromhex(certificate.said["cracaId"]), certificate.said["crlSeries"])
        subject = certificate.hashed_id8.hex()
        listed = self._hashed.get(key)
        if listed and certificate.digest[-10:] in listed.hashes:
            return Refusal(TrustFault.REVOKED, f"its hash stands on list {_words(key)}", subject)
        linked = self._linked.get(key)
        if linked and certificate.linkage is not None:
            period, value = certificate.linkage
            if value in self._values(linked, period):
                text = f"its linkage value of period {period} follows from a seed on list {_words(key)}"
                return Refusal(TrustFault.REVOKED, text, subject)
        return None

    def _values(self, linked: _List, period: int) -> frozenset[bytes]:
        known = linked.by_period.get(period)
        if known is None:
            known = frozenset().union(*(one.values(period) for one in linked.seeds))
            linked.by_period[period] = known
            if len(linked.by_period) > PERIODS_KEPT:
                linked.by_period.popitem(last=False)
        else:
            linked.by_period.move_to_end(period)
        return known


def _seeds_of(body: Mapping[str, Any], rule: LinkageRule) -> Iterator[Seeds]:
    """Yield the vehicles of a linkage-based list, group by group."""
    for group in body.get("individual", ()):
        for pair in group["contents"]:
            for span in pair["contents"]:
                octets = [
                    b"".join(bytes.fromhex(one[name]) for one in span["contents"])
                    for name in ("linkageSeed1", "linkageSeed2")
                ]
                one, two = (np.frombuffer(o, np.uint8).reshape(-1, SEED_OCTETS) for o in octets)
                authorities = (bytes.fromhex(pair["la1Id"]), bytes.fromhex(pair["la2Id"]))
                yield Seeds(body["iRev"], span["iMax"], group["jmax"], authorities, (one, two), rule)


def _words(key: Key) -> str:
    return f"{key[1]} of authority {key[0].hex()}"


def linked_body(
    vehicles: Sequence[tuple[bytes, bytes]], authorities: tuple[bytes, bytes], period: int, last: int, most: int
) -> dict[str, Any]:
    """Return the part of a list that revokes vehicles by their seeds.

    Args:
        vehicles: each one's two seeds in `period`, 16 octets each.
        authorities: identities of the linkage authorities, 2 octets each.
        period: i-period from which on they are revoked.
        last: i-period of their last certificates.
        most: greatest number of a pseudonym within a period.
    """
    entries = [{"linkageSeed1": one.hex(), "linkageSeed2": two.hex()} for one, two in sorted(vehicles)]
    pair = {"la1Id": authorities[0].hex(), "la2Id": authorities[1].hex()}
    spans = [{"iMax": last, "contents": entries}]
    groups = [{"jmax": most, "contents": [{**pair, "contents": spans}]}]
    return {"iRev": period, "indexWithinI": 0, "individual": groups}


def hash_body(certificates: Sequence[Certificate], serial: int) -> dict[str, Any]:
    """Return the part of a list that revokes single certificates."""
    entries = [{"id": one.digest[-10:].hex(), "expiry": tai_of(one.end_ns) // S} for one in certificates]
    return {"crlSerial": serial, "entries": sorted(entries, key=lambda entry: str(entry["id"]))}


def make_revocation_list(
    signer: Holder, kind: str, body: Mapping[str, Any], *, series: int, issued_ns: int, next_ns: int
) -> bytes:
    """Return a signed revocation list of an authority that speaks for itself (`isCraca`).

    Args:
        signer: the authority; its certificate is sent along.
        kind: "fullHashCrl", "deltaHashCrl", "fullLinkedCrl" or "deltaLinkedCrl".
        body: from `hash_body` or `linked_body`.
        series: number of the series.
        issued_ns: when it is issued [ns since 1970 UTC].
        next_ns: when the next one comes.
    """
    contents = {
        "version": 1,
        "crlSeries": series,
        "crlCraca": signer.certificate.hashed_id8.hex(),
        "issueDate": tai_of(issued_ns) // S,
        "nextCrl": tai_of(next_ns) // S,
        "priorityInfo": {},
        "typeSpecific": {kind: dict(body)},
    }
    return sign_message(encode_object(contents, "crl"), REVOCATION, signer, issued_ns, along=())
