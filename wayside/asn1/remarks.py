"""What the ASN.1 text says beside its elements: units, special values, meanings."""

from __future__ import annotations

import re
from typing import Any

from wayside.asn1.parsed import parsed

_ASSIGNED = re.compile(r"^([A-Z][\w-]*)\s*::=")
_MEMBER = re.compile(r"^\s+([a-z][\w-]*)\s+\S.*?--\s*(.*\S)\s*$")
_REMARK = re.compile(r"--\s*(.*\S)\s*$")


class Remarks:
    """The comments of ASN.1 texts that stand on the line of an element or of a member.

    Args:
        text: one or more modules.
        root: the type that all paths begin in.

    >>> text = '''M DEFINITIONS AUTOMATIC TAGS ::= BEGIN
    ... Frame ::= CHOICE { report Report }
    ... Report ::= SEQUENCE {
    ...   speed  Speed,
    ...   width  INTEGER (0..1023)   -- cm; 0 unavailable
    ... }
    ... Speed ::= INTEGER (0..8191)  -- 0.02 m/s, along the lane; 8191 unavailable
    ... END'''
    >>> remarks = Remarks(text, "Frame")
    >>> remarks.of("report.speed"), remarks.of("report.width")
    (('0.02 m/s', 'Speed, along the lane; 8191 unavailable'), ('cm', 'INTEGER; 0 unavailable'))
    """

    def __init__(self, text: str, root: str) -> None:
        self._types: dict[str, Any] = {}
        for module in parsed(text).values():
            self._types |= module["types"]
        self._root = root
        self._said: dict[tuple[str, str], str] = {}
        owner = ""
        for line in text.splitlines():
            if assigned := _ASSIGNED.match(line):
                owner = assigned[1]
                if remark := _REMARK.search(line):
                    self._said[owner, ""] = remark[1]
            elif member := _MEMBER.match(line):
                self._said[owner, member[1]] = member[2]

    def of(self, path: str) -> tuple[str, str]:
        """Return the unit on the wire and the meaning of a field; the type's name where nothing is said.

        Args:
            path: of the field from the root on, as in `Program.paths`.
        """
        owner, kind, said = self._root, self._root, ""
        described = self._types[self._root]
        for part in path.replace("[]", ".[]").split("."):
            while described["type"] in self._types:
                owner = described["type"]
                described = self._types[owner]
            if part == "[]":
                described = described["element"]
            elif part in self._types and "members" not in described:  # the type that an open type has
                described = {"type": part}
            else:
                members = [m for m in described.get("members", ()) if isinstance(m, dict)]
                described = next((m for m in members if m["name"] == part), {"type": part})
                said = self._said.get((owner, part), said)
            kind = str(described["type"])
            said = self._said.get((kind, ""), said)
        unit, _, special = said.partition(";")
        measure, _, more = unit.partition(",")
        known = re.fullmatch(
            r"number|[\d.e-]*\s*(m|cm|dm|km|s|ms|us|min|deg|%|kg|g|m/s|m/s2|deg/s|year|month|day).*", measure
        )
        if not known:
            return "", f"{kind}: {said}" if said else kind
        meaning = "; ".join(filter(None, (", ".join(filter(None, (kind, more.strip()))), special.strip())))
        return "" if measure.startswith("number") else measure.strip(), meaning
