"""Checking recorded messages, and the messages of a Run, against requirements: `wayside check`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from wayside.checking import Checked
from wayside.command import Text
from wayside.config import load_plugin, plugins
from wayside.report import Grid, Line, Report
from wayside.run import Run
from wayside.v2x.captures import FORMS, Captured, CaptureError, Unread, form_of, read_capture
from wayside.v2x.conflicts import agreement_of, conflicts_of
from wayside.v2x.editions import EDITION
from wayside.v2x.envelopes import Opener
from wayside.v2x.following import Vehicles, following_of
from wayside.v2x.heard import Heard, Listener
from wayside.v2x.intersections import Intersection, Node, intersections_of
from wayside.v2x.lights import Lights, order_of
from wayside.v2x.minimum import Minimum
from wayside.v2x.objects import edition_named
from wayside.v2x.rates import Rates
from wayside.v2x.stamps import Counters, Stamps
from wayside.v2x.surveys import survey

ANY = "any"
SIGNED = "signed"  # the kind of object that opens V2XSecData
FOREIGN = frozenset({"v2x.unread_no_udp", "v2x.unread_link_type"})  # packets of others are no fault of these
STUDIES = ("signals", "wire")  # that know of a Run's messages
RUN_LINES = frozenset(
    {"A3-spat-rate-min", "A3-spat-rate-max", "A3-map-rate-min", "A3-map-rate-max", "A3-bsm-rate-min",
     "A3-bsm-rate-max", "A3-refusals", "A8-spat-rate", "A8-illegal-changes"}
)  # fmt: skip


class Conformance:
    """All requirements, judged over the messages it hears.

    >>> made = Conformance()
    >>> {line.verdict.value for line in made.report().lines}
    {'unknown'}
    """

    def __init__(self) -> None:
        self._parts = (Rates(), Stamps(), Counters(), Minimum())
        self._lights, self._vehicles = Lights(), Vehicles()
        self._maps: dict[Node, Intersection] = {}
        self._drawn: dict[str, Any] = {}

    def hear(self, heard: Heard) -> None:
        """Note one message."""
        for part in (*self._parts, self._lights, self._vehicles):
            part.hear(heard)
        if heard.name == "mapFrame":
            key = f"{heard.link} {heard.value['nodes'][0]['id']}"
            if self._drawn.get(key) != heard.value["nodes"]:
                self._drawn[key] = heard.value["nodes"]
                self._maps.update({one.node: one for one in intersections_of(heard.value)})

    def report(self, extra: Iterable[Line] = (), grids: Iterable[Grid] = ()) -> Report:
        """Return the verdict on each requirement; unknown where the messages cannot tell."""
        order, orders = order_of(self._lights, self._maps)
        conflict, conflicts = conflicts_of(self._lights, self._maps)
        agreement, agreements = agreement_of(self._lights, self._maps)
        following, followings = following_of(self._vehicles, self._lights, self._maps)
        lines = [*extra, *(line for part in self._parts for line in part.lines())]
        tables = [*grids, *(grid for part in self._parts for grid in part.grids())]
        tables += [orders, conflicts, agreements, followings]
        return Report(
            "check",
            lines=(*lines, order, conflict, *agreement, *following),
            grids=tuple(grid for grid in tables if grid.rows),
        )


class Messages:
    """Checks files of messages, and what a Run says of its messages."""

    forms = FORMS

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare `--edition`."""
        parser.add_argument("--edition", metavar=text("v2x.word_edition"), help=text("v2x.help_check_edition"))

    def reads(self, path: Path) -> bool:
        """Tell whether the file holds messages, by what it begins with."""
        return form_of(path) is not None

    def check(self, path: Path, options: argparse.Namespace | None) -> Checked:
        """Check a file of messages.

        Raises:
            CaptureError: nothing in it can be read.
            EditionError: there is no such edition.
        """
        asked = getattr(options, "edition", None) or EDITION
        captured = read_capture(path, opener())
        if asked == ANY:
            report, unread, examples = survey(captured)
            frames = sum(int(row[1] or 0) for row in report.grids[1].rows)
            facts: dict[str, Any] = {"form": form_of(path), "edition": ANY, "frames": frames}
            _refuse_nothing(path, ANY, bool(frames), unread, examples)
            grids = (*report.grids, *_unread_grid(unread, examples))
            return Checked(str(path), "messages", facts, [], Report("check", report.lines, grids))
        return _checked(path, edition_named(asked), captured)

    def idle(self, options: argparse.Namespace) -> tuple[str, ...]:
        """Return `--edition` if it is given."""
        return () if getattr(options, "edition", None) is None else ("--edition",)

    def report(self, run: Run) -> Report:
        """Return the lines on messages and signals that the studies of a Run have."""
        known = plugins("studies")
        lines = [line for name in STUDIES if name in known for line in load_plugin("studies", name)([run]).lines]
        return Report("check", lines=tuple(line for line in lines if line.id in RUN_LINES), runs=(run.name,))


def opener() -> Opener | None:
    """Return what reads V2XSecData, if that is installed."""
    if SIGNED not in plugins("objects"):
        return None
    decode: Opener = partial(load_plugin("objects", SIGNED).decode_object, kind=SIGNED)
    return decode


def _checked(path: Path, edition: str, captured: Iterable[Captured | Unread]) -> Checked:
    listener, judged = Listener(edition), Conformance()
    first = last = None
    timed = True
    for heard in listener.hear(captured):
        judged.hear(heard)
        timed &= heard.received
        first = heard.instant if first is None else min(first, heard.instant)
        last = heard.instant if last is None else max(last, heard.instant)
    total = sum(listener.decoded.values())
    _refuse_nothing(path, edition, bool(total), listener.unread, listener.examples)
    facts: dict[str, Any] = {
        "form": form_of(path),
        "edition": edition,
        "frames": total,
        **dict(sorted(listener.decoded.items())),
        **{f"in {name}": count for name, count in sorted(listener.envelopes.items())},
        "heard twice": listener.duplicates,
        "seconds": round(((last or 0) - (first or 0)) * 1e-9, 3),
        "instants": "reception" if timed else "of the messages' own stamps where the file has none",
    }
    own = float(sum(count for reason, count in listener.unread.items() if reason not in FOREIGN))
    line = Line("A12-unread", "v2x.no_refusals", 0.0, "==", "", "own", own)
    report = judged.report([line], _unread_grid(listener.unread, listener.examples))
    return Checked(str(path), "messages", facts, [], report)


def _refuse_nothing(path: Path, edition: str, found: bool, unread: Counter[str], examples: dict[str, str]) -> None:
    """Raise where nothing could be read: there is no verdict on nothing."""
    if found:
        return
    reasons = "; ".join(
        f"{count} x {reason.partition('.')[2]}: {examples[reason]}" for reason, count in unread.items()
    )
    mend = "" if edition == ANY else "; try --edition any"
    raise CaptureError(f"{path}: no message could be read under {edition}: {reasons or 'it is empty'}{mend}")


def _unread_grid(unread: Counter[str], examples: dict[str, str]) -> tuple[Grid, ...]:
    """Return what could not be read by reason, with the first example of each."""
    rows = tuple((reason, count, examples[reason]) for reason, count in sorted(unread.items()))
    return (Grid("check-unread", "v2x.unread", ("v2x.reason", "v2x.frames", "v2x.example"), rows),) if rows else ()


messages = Messages()
