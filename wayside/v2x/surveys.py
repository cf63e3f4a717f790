"""Which editions a file of messages could be of: every frame probed, and what was found counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wayside.report import Grid, Line, Report
from wayside.v2x.captures import Captured, Unread
from wayside.v2x.editions import EDITION, TEXTS
from wayside.v2x.probe import Verdict, candidates, difference, probe, verdict

SHOWN = 20  # ambiguous frames listed one by one
TEXT_OF = {
    Verdict.ONE: "v2x.one_edition",
    Verdict.SAME: "v2x.same_in_several",
    Verdict.DIFFERENT: "v2x.ambiguous",
    Verdict.PARTLY: "v2x.kept",
    Verdict.NONE: "v2x.unreadable",
}


def survey(captured: Iterable[Captured | Unread]) -> tuple[Report, Counter[str], dict[str, str]]:
    """Return which editions read a file, what could not be read at all by reason, and an example of each reason.

    A frame is ambiguous if two editions read all of it to the last bit and it says different things under them:
    octets alone cannot tell then which is meant, and the edition has to come from the sender.
    """
    exact, whole, other, alone = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    unread, examples = Counter[str](), dict[str, str]()
    found = Counter[Verdict]()
    doubtful: list[tuple[str | int, ...]] = []
    frames = 0
    for one in captured:
        if isinstance(one, Unread) or not one.octets:
            reason = f"v2x.unread_{one.reason if isinstance(one, Unread) else 'no_octets'}"
            unread[reason] += 1
            text = one.found if isinstance(one, Unread) else f"{one.place}: a decoded value shows no edition"
            examples.setdefault(reason, text)
            continue
        frames += 1
        readings = probe(one.octets)
        fit, told = candidates(readings), verdict(readings)
        found[told] += 1
        exact.update(reading.edition for reading in readings if reading.exact)
        whole.update(reading.edition for reading in fit if reading.complete)
        if told is Verdict.ONE:
            alone[fit[0].edition] += 1
        usual = next((reading for reading in fit if reading.edition == EDITION), None)
        if usual is not None:
            other.update(reading.edition for reading in fit if reading.value != usual.value)
        if told is Verdict.DIFFERENT and len(doubtful) < SHOWN:
            paths = (difference(fit[0].value, reading.value) for reading in fit[1:])
            where = next(path for path in paths if path is not None)
            doubtful.append((one.place, ", ".join(reading.edition for reading in fit), where))
    rows = tuple(
        (name, whole[name], exact[name] - whole[name], frames - exact[name], other[name], alone[name])
        for name in TEXTS
    )
    headings = ("v2x.edition", "v2x.exact", "v2x.kept", "v2x.unreadable", "v2x.other_value", "v2x.only_this")
    readers = sum(exact[name] == frames for name in TEXTS)
    lines = (
        Line("A12-edition-none", "v2x.edition_none", 0.0, "==", "", "own", float(found[Verdict.NONE])),
        Line("A12-edition-all", "v2x.edition_all", 1.0, ">=", "", "own", float(readers) if frames else None),
    )
    grids = (
        Grid("check-editions", "v2x.edition_table", headings, rows),
        Grid(
            "check-ambiguity", "v2x.ambiguity", ("v2x.found", "v2x.frames"),
            tuple((text, found[kind]) for kind, text in TEXT_OF.items()),
        ),
        Grid("check-ambiguous", "v2x.ambiguous", ("v2x.place", "v2x.editions", "v2x.field"), tuple(doubtful)),
    )  # fmt: skip
    return Report("check", lines=lines, grids=grids if doubtful else grids[:2]), unread, examples
