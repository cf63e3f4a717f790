"""Checking a city file, a map, a Run or a file of messages before anyone relies on it."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from wayside.command import Text
from wayside.config import ConfigError, built_in_cities, load_plugin, plugins, read_city
from wayside.declared import declared_tables
from wayside.maps.conversion import read_map
from wayside.report import Report
from wayside.run import Run

MAP_SUFFIXES = (".net.xml", ".net.xml.gz", ".xodr", ".osm", ".osm.gz")


@dataclass(frozen=True)
class Checked:
    """What was checked, what it holds, and what is wrong with it.

    Attributes:
        what: its name.
        kind: what it is.
        facts: what it holds.
        problems: what is wrong with it, in words.
        report: requirement lines, where there are any.
    """

    what: str
    kind: str
    facts: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    report: Report | None = None


class Checker(Protocol):
    """What a room brings through the entry-point group `wayside.checks` to check more kinds of files.

    Attributes:
        forms: the files it reads, in words, for the error that lists what is known.
    """

    forms: Sequence[str]

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare the options it adds to `wayside check`."""

    def reads(self, path: Path) -> bool:
        """Tell whether this file is for it; it may look inside."""

    def check(self, path: Path, options: argparse.Namespace | None) -> Checked:
        """Check the file; without options as if none had been given."""

    def report(self, run: Run) -> Report:
        """Return the requirement lines that this room has for a stored Run."""

    def idle(self, options: argparse.Namespace) -> Sequence[str]:
        """Return which of its options are given, for the error where the file is not for it."""


def check(what: str, options: argparse.Namespace | None = None) -> Checked:
    """Check whatever the name stands for.

    Raises:
        WaysideError: it cannot even be read.
    """
    path = Path(what)
    checkers: list[Checker] = [load_plugin("checks", name) for name in sorted(plugins("checks"))]
    is_city = what in built_in_cities() or path.suffix == ".toml"
    if options is not None and (is_city or path.is_dir() or what.endswith(MAP_SUFFIXES)):
        for option in (option for checker in checkers for option in checker.idle(options)):
            raise ConfigError(f"{option} goes with files of messages; {what} is none")
    if is_city:
        return _check_city(what)
    if path.is_dir():
        run = Run(path)
        whole = check_run(run)
        reports = [checker.report(run) for checker in checkers]
        lines = tuple(line for report in reports for line in report.lines)
        notes = tuple(note for report in reports for note in report.notes)
        return replace(whole, report=Report("check", lines=lines, notes=notes, runs=(run.name,)))
    if what.endswith(MAP_SUFFIXES):
        return _check_map(path)
    for checker in checkers:
        if checker.reads(path):
            return checker.check(path, options)
    if not path.exists():
        raise ConfigError(f"no file {what!r}, and no built-in city of that name; {_known(checkers)}")
    raise ConfigError(f"cannot tell what {what!r} is; {_known(checkers)}")


def _known(checkers: Sequence[Checker]) -> str:
    known = ", ".join((*sorted(built_in_cities()), "a city file *.toml", "a Run folder", *MAP_SUFFIXES))
    brought = [form for checker in checkers for form in checker.forms]
    return f"known are: {', '.join((known, *brought))}"


def _check_city(what: str) -> Checked:
    city = read_city(what)
    facts: dict[str, Any] = {
        "name": city.header.name,
        "start": city.header.start,
        "world": city.world_kind,
        "steps": ", ".join(s.name for s in city.steps),
        **{type(table).__name__: len(table) for table in city.assets},
    }
    return Checked(what, "city", facts)


def _check_map(path: Path) -> Checked:
    road = read_map(path)
    facts = {
        "lanes": len(road.lanes),
        "lane_km": round(float(road.lanes.length[~road.lanes.internal].sum()) / 1000, 2),
        "connections": len(road.connections),
        "junctions": len(road.nodes),
        "controllers": len(road.controller_names),
    }
    return Checked(str(path), "map", facts, [] if len(road.lanes) else ["the map has no lanes"])


def check_run(run: Run) -> Checked:
    """Compute every tick's digest anew from the stored tables and compare, then the hash over all of them."""
    by_name = {kind.table_name: kind for kind in declared_tables().values()}
    named = [*run.manifest.get("given", []), *run.manifest.get("assets", []), *run.manifest.get("written", [])]
    problems = [f"table {n} is not known to this Wayside" for n in named if n not in by_name]
    problems += [] if run.manifest["complete"] else ["the Run was cut short; it is valid for the ticks it has"]
    kinds = [by_name[n] for n in named if n in by_name]
    whole, wrong = hashlib.blake2b(digest_size=16), 0
    for number, (frame, digest) in enumerate(zip(run.frames(kinds), run.digests, strict=True)):
        wrong += frame.digest(checkpoint=run.checkpoint(number) == number) != digest
        whole.update(digest)
    if wrong:
        problems.append(f"{wrong} of {len(run.ticks)} ticks do not have the digest they were stored with")
    if whole.hexdigest() != run.hash:
        problems.append(f"the digests give the hash {whole.hexdigest()}, the manifest says {run.hash}")
    facts = {"ticks": len(run.ticks), "hash": run.hash, **run.manifest.get("rows", {})}
    return Checked(str(run.folder), "run", facts, problems)
